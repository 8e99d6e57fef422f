//! What the checks may look at. Everything beyond the index is optional: what is absent is unknown, and nothing is found
//! in it.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    fleet::{
        At, Probe, Quantity, Text, Uid,
        detail::{Opened, Storage},
        probe::GatewayState,
    },
    index::{Entry, Fleet},
    manifest::Base,
};

/// The facts about one tenant.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub entry: &'a Entry,
    /// The nodes beneath, how well each kind is known, and whether others claim the same id.
    pub fleet: &'a Fleet,
    /// What was read when somebody opened the tenant.
    pub opened: Option<&'a Opened>,
    /// The cluster's volumes and classes, where they were listed.
    pub storage: Option<&'a Storage>,
    /// What the tiers of the contract allow.
    pub tiers: Option<&'a Tiers>,
    pub extra: Option<&'a Extra>,
}

impl<'a> Facts<'a> {
    /// Of the index alone.
    pub fn of(entry: &'a Entry, fleet: &'a Fleet) -> Self {
        Self { entry, fleet, opened: None, storage: None, tiers: None, extra: None }
    }

    /// What the containers of the pod that is there wrote last, where that was read.
    pub(super) fn lines(&self) -> &'a [LogLine] {
        let pod = self.entry.tenant.pod().map(|pod| pod.uid);
        let extra = self.extra.filter(|extra| extra.pod.is_none() || extra.pod == pod);
        extra.map(|extra| extra.lines.as_slice()).unwrap_or_default()
    }

    /// What the gateway of the pod that is there answered, where it was asked.
    pub(super) fn gateway(&self) -> Option<Cow<'a, GatewayProbe>> {
        if let Some(probe) = self.extra.and_then(|e| e.gateway.as_ref()) {
            return Some(Cow::Borrowed(probe));
        }
        let (probe, pod) = (self.entry.tenant.probe.as_deref()?, self.entry.tenant.pod()?);
        if probe.pod == pod.uid { GatewayProbe::of(probe).map(Cow::Owned) } else { None }
    }
}

/// What other sources say of a tenant, as far as anybody asked them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra {
    pub gateway: Option<GatewayProbe>,
    /// Last lines of its containers' logs, each container's in their order.
    pub lines: Vec<LogLine>,
    /// The pod that wrote them; another one's words say nothing of this one.
    pub pod: Option<Uid>,
}

/// What the gateway itself answered to a probe from inside its pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayProbe {
    pub at: At,
    /// To `/healthz`.
    pub live: Answer,
    /// To `/readyz`, or to `/startupz` where it is served.
    pub ready: Answer,
    /// `failing[]` of the answer.
    pub failing: Vec<String>,
    /// Type, reason and message of conditions that are not met.
    pub conditions: Vec<(String, String, String)>,
    /// The version that runs, by its own word.
    pub version: Option<String>,
}

impl GatewayProbe {
    /// `None` where it could not be asked.
    fn of(probe: &Probe) -> Option<Self> {
        let gateway = &probe.gateway;
        let other = |why: &str| Answer::Other(why.to_owned());
        let mut failing: Vec<String> = gateway.failing.iter().map(ToString::to_string).collect();
        let (live, ready) = match &gateway.state {
            GatewayState::Serving => (Answer::Yes, Answer::Yes),
            GatewayState::Live => (Answer::Yes, other("it lives, and this version does not tell what it lacks")),
            GatewayState::ChannelsDown | GatewayState::NotReady | GatewayState::Draining => (Answer::Yes, Answer::No),
            GatewayState::Starting { reason } => {
                failing.extend(
                    reason.iter().map(ToString::to_string).filter(|r| !gateway.failing.iter().any(|f| f == r.as_str())),
                );
                (Answer::Yes, Answer::No)
            }
            GatewayState::Attribution => (Answer::Yes, Answer::Attribution),
            GatewayState::Unauthorized => (Answer::Yes, other("it asks for a token")),
            GatewayState::Stranger { .. } => (Answer::Page, Answer::Page),
            GatewayState::NothingListens => (Answer::Refused, Answer::Refused),
            GatewayState::Silent => (other("it does not answer in time"), other("it does not answer in time")),
            GatewayState::Broken { why } => (other(why), other(why)),
            GatewayState::Unasked { .. } => return None,
        };
        let word = |text: &Option<Text>| text.as_ref().map_or_else(String::new, ToString::to_string);
        let unmet = gateway.unmet.iter().filter(|c| c.required);
        Some(Self {
            at: probe.at,
            live,
            ready,
            failing,
            conditions: unmet.map(|c| (c.kind.to_string(), word(&c.reason), word(&c.message))).collect(),
            version: gateway.version.as_ref().map(ToString::to_string),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// JSON that says yes.
    Yes,
    /// JSON that says no.
    No,
    /// Some page with status 200: the route is not served.
    Page,
    /// 403: the caller could not be told from a proxy.
    Attribution,
    /// Nothing listens.
    Refused,
    Other(String),
}

/// One line of a container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub container: String,
    pub text: String,
    pub at: Option<At>,
}

/// What each tier's quota allows, by resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tiers(BTreeMap<String, BTreeMap<String, Quantity>>);

impl Tiers {
    pub fn of(base: &Base) -> Self {
        let quantities = |hard: BTreeMap<String, String>| {
            hard.into_iter().filter_map(|(resource, text)| Some((resource, text.parse().ok()?))).collect()
        };
        Self(crate::manifest::tier_quotas(base).into_iter().map(|(tier, hard)| (tier, quantities(hard))).collect())
    }

    pub(super) fn allows(&self, tier: &str, resource: &str) -> Option<Quantity> {
        self.0.get(tier)?.get(resource).copied()
    }
}
