//! What a planner may know besides the tenants: where, who, when, and how fresh it all is.

use std::collections::BTreeMap;

use super::{
    basis::Other,
    care::Care,
    found::Found,
    intent::Intent,
    refusal::{Refusal, Why},
};
use crate::{
    fleet::{At, Uid},
    index::{Link, Sources},
    manifest::Base,
};

#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    pub context: &'a str,
    pub cluster: Option<Uid>,
    pub author: &'a str,
    pub now: At,
    /// Makes ids differ that are made in the same second.
    pub nonce: u16,
    /// Nothing may be changed from here.
    pub read_only: bool,
    pub care: Care,
    pub sources: &'a Sources,
    pub base: &'a Base,
    /// Hosts that Ingresses serve, with their namespaces; as far as it may be known.
    pub hosts: &'a [(String, String)],
    /// Service and Ingress of the tenants that are to be deleted, by namespace.
    pub others: &'a BTreeMap<String, Vec<Other>>,
    /// What else was looked up of tenants, by namespace.
    pub found: &'a BTreeMap<String, Found>,
}

impl Situation<'_> {
    pub(super) fn id(&self, verb: &str) -> String {
        let digits: String = self.now.to_string().chars().filter(char::is_ascii_digit).collect();
        let (day, time) = digits.split_at(digits.len().min(8));
        format!("{verb}-{day}-{time}-{:04x}", self.nonce)
    }

    /// Reasons against any plan at all: what is not known is never taken for fine.
    pub(super) fn refuse(&self, intent: &Intent, refusal: &mut Refusal) {
        if self.read_only {
            refusal.add(
                None,
                Why::ReadOnly,
                "this is read-only: --read-only, FLEETDECK_READ_ONLY or the configuration says so",
            );
        }
        for kind in intent.kinds() {
            let source = self.sources.get(*kind);
            let said = match &source.link {
                Link::Loading => Some("have not been read yet".to_owned()),
                Link::Live | Link::Polling { .. } if source.synced => None,
                Link::Live | Link::Polling { .. } => Some("have not been read as a whole yet".to_owned()),
                Link::Broken { since, why } => Some(format!("are not live since {since}: {why}")),
                Link::Forbidden { why } => Some(format!("are unknown: {why}")),
                Link::Absent { why } => Some(format!("are not served: {why}")),
            };
            if let Some(said) = said {
                refusal.add(None, Why::Stale, format!("{} {said}", kind.plural()));
            }
        }
    }
}
