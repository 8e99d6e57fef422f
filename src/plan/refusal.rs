//! Why an operation is refused: every reason, not only the first.

use std::{collections::HashMap, fmt};

use serde::Serialize;

/// Tenants that are named beside what is said of many.
const NAMED: usize = 8;

/// All reasons against a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Refusal(pub Vec<Reason>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The tenant that it is about; absent where it is about the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    pub why: Why,
    /// One sentence without a full stop: what is, and what to do about it.
    pub said: String,
}

/// The kinds of reasons, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// No tenant is meant.
    Nobody,
    /// Nothing would change.
    NothingToDo,
    ReadOnly,
    /// What is known is not fresh, or not known at all.
    Stale,
    /// The user may not.
    NoRights,
    /// The tenant has no stored spec.
    NotAdopted,
    /// The name is taken, or a StatefulSet is there already.
    Exists,
    Terminating,
    Parked,
    Suspended,
    NoPod,
    /// An image that may mean another one tomorrow.
    MovingTag,
    /// An older version than the one that runs.
    Downgrade,
    /// A volume is full.
    NoSpace,
    /// Volumes would go with what is deleted.
    DataAtRisk,
    /// What was given is wrong.
    BadInput,
    /// The cluster has no snapshots.
    NoSnapshots,
    /// Another field manager owns it.
    Owned,
    /// Cannot be changed in what is there.
    Immutable,
    /// The server said no to a dry run.
    Server,
    /// Somebody else acts on the tenant, or on the run.
    Busy,
    /// The run is at its end.
    Ended,
    /// The plan is for another cluster, of another version, or holds what no plan may hold.
    ForeignPlan,
}

impl Refusal {
    /// Where more is said of its reasons, each named once.
    pub fn more(&self) -> Option<String> {
        let mut words: Vec<&str> = Vec::new();
        for reason in &self.0 {
            if !words.contains(&reason.why.word()) {
                words.push(reason.why.word());
            }
        }
        let named: Vec<String> = words.iter().map(|word| format!("`fleetdeck explain {word}`")).collect();
        (!named.is_empty()).then(|| format!("more: {}", named.join(", ")))
    }

    /// Each reason, and where more is said of them.
    pub fn lines(&self) -> Vec<String> {
        self.to_string().lines().map(str::to_owned).chain(self.more()).collect()
    }

    /// What is said, in the order in which it came, with all of whom it is said.
    fn by_words(&self) -> Vec<(&str, Vec<&str>)> {
        let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut at: HashMap<(&str, bool), usize> = HashMap::new();
        for reason in &self.0 {
            let said = reason.said.as_str();
            let place = *at.entry((said, reason.tenant.is_some())).or_insert_with(|| {
                all.push((said, Vec::new()));
                all.len() - 1
            });
            all[place].1.extend(reason.tenant.as_deref());
        }
        all
    }

    pub fn add(&mut self, tenant: Option<&str>, why: Why, said: impl Into<String>) {
        self.0.push(Reason { tenant: tenant.map(str::to_owned), why, said: said.into() });
    }

    pub fn one(why: Why, said: impl Into<String>) -> Self {
        let mut refusal = Self::default();
        refusal.add(None, why, said);
        refusal
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (said, tenants)) in self.by_words().into_iter().enumerate() {
            let line = if i == 0 { "" } else { "\n" };
            match tenants.len() {
                0 => write!(f, "{line}{said}")?,
                n if n > NAMED + 1 => {
                    write!(f, "{line}{} and {} more: {said}", tenants[..NAMED].join(", "), n - NAMED)?;
                }
                _ => write!(f, "{line}{}: {said}", tenants.join(", "))?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
