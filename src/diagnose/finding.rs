//! What a finding is.

use super::Code;
use crate::fleet::{At, Warning, mask::masked};

/// How bad it is. The first is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The tenant does not serve its user, or soon will not, or its data is in danger.
    Critical,
    /// It costs something, or will if nobody acts.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warning, Self::Note];

    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub code: Code,
    pub severity: Severity,
    /// It is what keeps the tenant from serving now.
    pub down: bool,
    /// What is wrong, in one sentence without a full stop.
    pub sentence: String,
    /// What to do.
    pub advice: String,
    pub since: Option<At>,
    pub evidence: Vec<Evidence>,
    /// What in the world it is about, such as an image or a node: findings of one code about the same thing have one
    /// cause.
    pub about: String,
}

/// The very thing that proves a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub proof: Proof,
    /// Where it stands: an object and its field, an event and what it is about, a container's log.
    pub place: String,
    /// What stands there.
    pub said: String,
    /// How often an event was seen.
    pub count: u32,
    pub at: Option<At>,
}

/// What kind of thing proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    Field,
    Event,
    Log,
    Measure,
    Probe,
}

impl Proof {
    pub fn word(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Event => "event",
            Self::Log => "log",
            Self::Measure => "measure",
            Self::Probe => "probe",
        }
    }
}

impl Evidence {
    fn new(proof: Proof, place: impl Into<String>, said: impl Into<String>, at: Option<At>) -> Self {
        Self { proof, place: place.into(), said: said.into(), count: 1, at }
    }

    pub(super) fn field(place: impl Into<String>, said: impl Into<String>, at: Option<At>) -> Self {
        Self::new(Proof::Field, place, said, at)
    }

    pub(super) fn log(container: &str, said: impl Into<String>, at: Option<At>) -> Self {
        Self::new(Proof::Log, format!("log of {container}"), said, at)
    }

    pub(super) fn measure(place: impl Into<String>, said: impl Into<String>, at: Option<At>) -> Self {
        Self::new(Proof::Measure, place, said, at)
    }

    pub(super) fn probe(place: impl Into<String>, said: impl Into<String>, at: Option<At>) -> Self {
        // An answer of the tenant's own.
        Self::new(Proof::Probe, place, masked(&said.into()), at)
    }

    pub(super) fn event(warning: &Warning) -> Self {
        let place = format!("{} of {} {}", warning.reason, warning.kind, warning.object);
        let mut evidence = Self::new(Proof::Event, place, warning.message.as_str(), warning.last);
        evidence.count = warning.count;
        evidence
    }
}

impl Finding {
    pub(super) fn new(code: Code, severity: Severity, sentence: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            down: false,
            sentence: sentence.into(),
            advice: String::new(),
            since: None,
            evidence: Vec::new(),
            about: String::new(),
        }
    }

    pub(super) fn critical(code: Code, sentence: impl Into<String>) -> Self {
        Self::new(code, Severity::Critical, sentence)
    }

    pub(super) fn warning(code: Code, sentence: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, sentence)
    }

    pub(super) fn note(code: Code, sentence: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, sentence)
    }

    pub(super) fn down(mut self, down: bool) -> Self {
        self.down = down;
        self
    }

    pub(super) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    pub(super) fn since(mut self, since: Option<At>) -> Self {
        self.since = since;
        self
    }

    pub(super) fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    pub(super) fn proof(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    pub(super) fn proofs(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }
}
