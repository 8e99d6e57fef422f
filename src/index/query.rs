//! The filter language of the console and of `ls --filter`.
//!
//! Words and terms apart by blanks, all of which must hold: `maria`, `phase:booting`, `tier:max`, `image:!2026.8.2`,
//! `age:<10m`, `disk:>80`, `!word`. Alternatives are split by commas: `phase:failing,degraded`. `node:=node-1` is that node
//! and not `node-10`; `node:=` is none at all.

mod term;

use std::fmt;

use crate::fleet::At;

use self::term::Term;
pub(super) use self::term::image_text;
use super::fleet::Entry;

/// A parsed filter; the empty one lets everybody pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query(Vec<Term>);

/// What is wrong with a filter, in words that name the term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError(pub(crate) String);

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for QueryError {}

impl Query {
    /// Keys of typed terms, with what they look at: the help text's list.
    pub const KEYS: &'static [(&'static str, &'static str)] = term::KEYS;

    /// # Errors
    /// A term with an unknown key, or a value that its key cannot have.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        text.split_whitespace().map(Term::parse).collect::<Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn matches(&self, entry: &Entry, now: At) -> bool {
        self.0.iter().all(|term| term.holds(entry, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{ClaimPhase, Pod, Verdict, VolumeSource, VolumeUsage, fixture::*};

    fn entry(id: &str, pod: Option<Pod>, now: u32) -> Entry {
        let mut tenant = tenant(id, pod);
        tenant.claims[1].usage = Some(VolumeUsage {
            used: 19 << 30,
            capacity: 20 << 30,
            inodes_used: 0,
            inodes: 1,
            at: at(0),
            source: VolumeSource::Kubelet,
        });
        tenant.claims[0].phase = ClaimPhase::Pending;
        let verdict = Verdict::of(&tenant, at(now));
        Entry { changed: verdict.since, tenant, verdict }
    }

    #[test]
    fn terms_hold_or_not() {
        let mut failing = booting(3);
        failing.stages[3].state = waiting("ImagePullBackOff");
        failing.stages[3].restarts = 4;
        let now = 700;
        let maria = entry("maria-k", Some(failing), now);
        let leo = entry("leo", Some(ready()), now);
        let nadia = entry("nadia", Some(booting(2)), now);
        let all = [&maria, &leo, &nadia];
        let check = |text: &str, expect: &[&str]| {
            let query = Query::parse(text).unwrap();
            let got: Vec<_> = all.iter().filter(|e| query.matches(e, at(now))).map(|e| e.tenant.id.as_str()).collect();
            assert_eq!(got, expect, "{text}");
        };
        check("", &["maria-k", "leo", "nadia"]);
        check("phase:ready", &["leo"]);
        check("phase:!ready", &["maria-k", "nadia"]);
        check("phase:failing,booting", &["maria-k", "nadia"]);
        check("stage:create", &[]);
        check("stage:write", &["nadia"]);
        check("PHASE:Ready TIER:pro", &["leo"]);
        check("tier:max", &[]);
        check("image:2026.8.2", &["maria-k", "leo", "nadia"]);
        check("image:!2026.8.2", &[]);
        check("image:<2026.8.10", &["maria-k", "leo", "nadia"]);
        check("age:>10m", &["maria-k", "leo", "nadia"]);
        check("age:<10m", &[]);
        check("since:>640s", &["maria-k", "nadia"]);
        check("restarts:>3", &["maria-k"]);
        check("disk:>90", &["maria-k", "leo", "nadia"]);
        check("disk:>95", &[]);
        check("why:imagepull", &["maria-k"]);
        check("mk", &["maria-k"]);
        check("!mk phase:!ready", &["nadia"]);
        check("leo.oclawbox.com", &["leo"]);
        check("@nadia", &["nadia"]);
        check("node:=node-1", &["maria-k", "leo", "nadia"]);
        check("node:=node", &[]);
        check("node:!=node", &["maria-k", "leo", "nadia"]);
        check("node:=", &[]);
        check("node:=x,=NODE-1", &["maria-k", "leo", "nadia"]);
        check("node:node-1 openclaw-0", &["maria-k", "leo", "nadia"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_words() {
        for (text, words) in [
            ("phase:sleeping", "phase:sleeping: no such phase"),
            ("colour:red", "colour: is no key"),
            ("age:soon", "age:soon: expected a comparison"),
            ("age:>tomorrow", "age:>tomorrow: not a duration"),
            ("restarts:>many", "restarts:>many: not a number"),
            ("image:>latest", "image:>latest: not a version"),
            ("tier:", "tier: needs a value"),
        ] {
            let error = Query::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(words), "{text}: {error}");
        }
    }
}
