//! PURE findings: what is wrong with a tenant, since when, what proves it, and what to do about it.
//!
//! One file per family of checks. A check looks at facts alone, never at what another check said, and judges a cause by
//! what is true now: an event counts only while the state it tells of still stands. Nothing here waits for a Normal
//! event, since clients drop those. The phase is `fleet::phase`'s to judge; the checks only explain it.

mod board;
mod browser;
mod case;
mod cause;
mod certificate;
mod code;
mod config;
mod crash;
mod drift;
mod exposure;
mod facts;
mod finding;
#[cfg(test)]
mod fixture;
mod fullness;
mod gateway;
mod hand_over;
mod image;
mod mount;
mod namespace;
mod node;
mod orphan;
mod pod;
#[cfg(test)]
mod property;
mod protection;
mod quota;
#[cfg(test)]
mod real;
mod refusal;
mod render;
mod scheduling;
mod stage;
mod telling;
mod volume;

pub use self::{
    board::Board,
    cause::{Cause, Causes},
    code::{Code, Explanation, UnknownCode},
    facts::{Answer, Extra, Facts, GatewayProbe, LogLine, Tiers},
    finding::{Evidence, Finding, Proof, Severity},
    hand_over::HandOver,
    mount::awaited_volumes,
    node::of_node,
    protection::{of_guard, of_storage},
    telling::Telling,
};

use self::case::Case;
use crate::fleet::{At, Phase};

/// What the checks find, and when time alone will change it.
#[derive(Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// What keeps the tenant down first.
    pub findings: Vec<Finding>,
    pub recheck: Option<At>,
}

/// The checks, in the order in which things happen to a tenant.
const CHECKS: [fn(&mut Case<'_>); 21] = [
    namespace::check,
    refusal::check,
    node::check,
    pod::check,
    scheduling::check,
    volume::check,
    mount::check,
    image::check,
    config::check,
    crash::check,
    stage::check,
    gateway::check,
    browser::check,
    fullness::check,
    quota::check,
    drift::check,
    protection::check,
    render::check,
    exposure::check,
    certificate::check,
    orphan::check,
];

/// What a list has room for: the first of a tenant's findings, unless it is only worth knowing.
pub fn headline(findings: &[Finding]) -> Option<&Finding> {
    findings.first().filter(|f| f.down || f.severity < Severity::Note)
}

/// What keeps a tenant down though its phase says that it is on its way: a phase is what Kubernetes reports, and it calls a
/// pod that waits for ever as it calls one that waits a moment. Of such a tenant nobody may be promised a start.
pub fn kept_down<'a>(phase: &Phase, findings: &'a [Finding]) -> Option<&'a Finding> {
    findings.first().filter(|f| f.down && f.severity == Severity::Critical && phase.in_progress())
}

/// How badly it stands with a tenant, as a place in [`Phase::WORDS`]: its phase's, unless findings know of worse. Whoever is
/// kept down stands with the Failing, and whoever serves in spite of something critical (a disk that is full, a Secret that
/// is gone) with the Degraded: neither is to be looked for below those who are well.
pub fn standing(phase: &Phase, findings: &[Finding]) -> usize {
    let rank = phase.rank();
    if kept_down(phase, findings).is_some() {
        return Phase::Failing.rank();
    }
    let critical = findings.iter().any(|f| f.severity == Severity::Critical);
    if critical { rank.min(Phase::Degraded.rank()) } else { rank }
}

/// Everything that is wrong with one tenant: what keeps it down comes first, then by severity.
pub fn tenant(facts: &Facts<'_>, now: At) -> Diagnosis {
    let mut case = Case::new(facts, now);
    for check in CHECKS {
        check(&mut case);
    }
    case.close()
}
