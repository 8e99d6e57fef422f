//! What the reasons of refusals mean, for people who meet one for the first time.

use std::str::FromStr;

use super::refusal::Why;
use crate::diagnose::Explanation;

const TEXTS: &str = include_str!("refusals.md");

impl Why {
    pub const ALL: [Self; 23] = [
        Self::Nobody,
        Self::NothingToDo,
        Self::ReadOnly,
        Self::Stale,
        Self::NoRights,
        Self::NotAdopted,
        Self::Exists,
        Self::Terminating,
        Self::Parked,
        Self::Suspended,
        Self::NoPod,
        Self::MovingTag,
        Self::Downgrade,
        Self::NoSpace,
        Self::DataAtRisk,
        Self::BadInput,
        Self::NoSnapshots,
        Self::Owned,
        Self::Immutable,
        Self::Server,
        Self::Busy,
        Self::Ended,
        Self::ForeignPlan,
    ];

    /// As programs see it, and what it is called.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Nobody => ("nobody", "no tenant is meant"),
            Self::NothingToDo => ("nothing-to-do", "nothing would change"),
            Self::ReadOnly => ("read-only", "this fleetdeck only reads"),
            Self::Stale => ("stale", "what is known is not fresh"),
            Self::NoRights => ("no-rights", "the user may not"),
            Self::NotAdopted => ("not-adopted", "the tenant has no stored spec"),
            Self::Exists => ("exists", "the name is taken"),
            Self::Terminating => ("terminating", "it is being deleted"),
            Self::Parked => ("parked", "only its volumes are kept"),
            Self::Suspended => ("suspended", "it is suspended"),
            Self::NoPod => ("no-pod", "there is no pod"),
            Self::MovingTag => ("moving-tag", "the image's tag moves"),
            Self::Downgrade => ("downgrade", "the image is older"),
            Self::NoSpace => ("no-space", "a volume is full"),
            Self::DataAtRisk => ("data-at-risk", "volumes would be lost"),
            Self::BadInput => ("bad-input", "what was given is wrong"),
            Self::NoSnapshots => ("no-snapshots", "the cluster has no snapshots"),
            Self::Owned => ("owned", "another field manager owns it"),
            Self::Immutable => ("immutable", "it cannot be changed in what is there"),
            Self::Server => ("server", "the API server refuses"),
            Self::Busy => ("busy", "somebody else acts on it"),
            Self::Ended => ("ended", "the run is at its end"),
            Self::ForeignPlan => ("foreign-plan", "the plan is not for here"),
        }
    }

    pub fn word(self) -> &'static str {
        self.names().0
    }

    pub fn title(self) -> &'static str {
        self.names().1
    }

    /// `None` only for a reason whose text is missing, which a test forbids.
    pub fn explain(self) -> Option<Explanation> {
        Explanation::find(TEXTS, self.word(), self.title())
    }
}

impl FromStr for Why {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|why| why.word() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_explained_and_nothing_else_is() {
        for why in Why::ALL {
            assert_eq!(serde_json::to_value(why).unwrap(), why.word(), "programs see another word");
            let text = why.explain().unwrap_or_else(|| panic!("{why:?} has no section in refusals.md"));
            assert!(text.means.len() > 30 && text.act.len() > 7, "{why:?}");
            assert!(text.by_hand.lines().all(|l| l.starts_with("kubectl")), "{why:?}");
            assert_eq!(why.word().parse(), Ok(why));
        }
        assert_eq!(TEXTS.matches("\n## ").count(), Why::ALL.len(), "a section of a reason that is gone");
        assert_eq!("x".parse::<Why>(), Err(()));
    }
}
