//! PURE operations as data: an intent becomes a plan that can be shown, kept, handed on and resumed, or a refusal with
//! every reason.
//!
//! One file per action: `restart`, `suspend`, `create`, `upgrade`, `delete` and so on. A planner sees the index, the freshness of its
//! sources, the manifests and what was `found` besides, and nothing else; whoever runs the plan (`engine`) does the steps that stand in it and no
//! other. `step` is the closed list of what can be done at all: no step can delete a volume alone, and the one that deletes
//! a whole tenant is refused outside a purge. `until` judges whether what a step waits for has come. `event` and `ledger`
//! tell how a run goes; the console and the command line fold the same events.

pub mod adopt;
pub mod apply;
pub mod basis;
mod care;
pub mod create;
pub mod delete;
pub mod event;
pub mod explain;
pub mod found;
pub mod intent;
pub mod ledger;
pub mod pace;
pub mod prepull;
pub mod preview;
pub mod read;
pub mod refusal;
pub mod reprovision;
pub mod resize;
pub mod restart;
pub mod restore;
pub mod rotate_token;
pub mod set_tier;
pub mod situation;
pub mod snapshot;
pub mod step;
pub mod suspend;
pub mod until;
pub mod upgrade;
mod way_back;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::{
    basis::{Basis, Named, Other},
    care::Care,
    event::{End, Event, News},
    found::{Adoption, Behind, Drift, Found, Owned, Snap, Take},
    intent::Intent,
    ledger::{Ledger, State},
    pace::Pace,
    prepull::{Made, Pull, Stock},
    preview::{Danger, Preview},
    refusal::{Reason, Refusal, Why},
    situation::Situation,
    step::{Need, Piece, Secret, Step, What, Which},
    until::{Judged, Until},
};

use crate::{
    fleet::{At, Uid},
    index::Entry,
    manifest::TenantSpec,
};

/// Raised whenever a plan of today would be misread by the program of yesterday.
pub const VERSION: u32 = 1;

/// An operation, complete: whoever holds it can carry it out, on the cluster that it was made for and on no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    pub version: u32,
    /// `restart-20261126-010203-4f2a`: a name that Kubernetes takes.
    pub id: String,
    pub intent: Intent,
    pub author: String,
    /// What the author calls the cluster.
    pub context: String,
    /// UID of the Namespace `kube-system`, by which a cluster is told from others; absent where it may not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Uid>,
    pub made: At,
    /// Digest of the manifests that the preview was rendered from.
    pub manifests: String,
    #[serde(default, skip_serializing_if = "Care::is_none")]
    pub care: Care,
    /// What is done once, before the first wave, to no tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opening: Vec<Step>,
    /// Lists of steps; each turn goes through one of them.
    pub recipes: Vec<Vec<Step>>,
    pub waves: Vec<Wave>,
    pub pace: Pace,
}

/// Tenants that are acted on before the next gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wave {
    pub name: String,
    pub turns: Vec<Turn>,
}

/// What is done to one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Turn {
    pub tenant: String,
    pub namespace: String,
    /// Number of the recipe.
    pub recipe: usize,
    /// What the tenant is now and will be: what was agreed to.
    pub said: String,
    pub basis: Basis,
    /// Seconds without an answer to the tenant's user that are to be expected; absent where nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<u32>,
    /// The tenant does not serve now, and why: it is judged "no worse than before".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwell: Option<String>,
    /// What whoever confirms should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What is taken from other field managers, and nothing else is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<Take>,
    /// The whole spec that it gets, where that does not follow from the one before: adopted, or on restored claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Box<TenantSpec>>,
}

impl Wave {
    /// Whether a failure in it counts: whoever was unwell before stops nobody.
    pub fn counts(&self) -> bool {
        self.turns.iter().all(|turn| turn.unwell.is_none())
    }
}

impl Plan {
    /// Plans `intent` for these tenants.
    ///
    /// # Errors
    /// Every reason why not.
    pub fn make(intent: Intent, pace: Pace, subjects: &[&Entry], seen: &Situation<'_>) -> Result<Self, Refusal> {
        let mut refusal = Refusal::default();
        seen.refuse(&intent, &mut refusal);
        if subjects.is_empty() && !intent.is_create() {
            refusal.add(None, Why::Nobody, "no tenant is meant");
        }
        let recipes = intent.recipes(seen, &mut refusal);
        let mut turns = Vec::new();
        if let Intent::Create { .. } = &intent {
            turns.extend(create::turn(&intent, subjects.first().copied(), seen, &mut refusal));
        } else {
            for entry in subjects {
                turns.extend(Turn::of(&intent, entry, seen, &mut refusal));
            }
        }
        if !refusal.0.is_empty() {
            return Err(refusal);
        }
        Ok(Self {
            version: VERSION,
            id: seen.id(intent.verb()),
            author: seen.author.to_owned(),
            context: seen.context.to_owned(),
            cluster: seen.cluster,
            made: seen.now,
            manifests: seen.base.digest(),
            care: seen.care,
            opening: Vec::new(),
            recipes,
            waves: pace.waves(turns),
            pace,
            intent,
        })
    }

    /// Of many tenants those that this can be done to, and why not to the others.
    pub fn sift<'e>(intent: &Intent, entries: &[&'e Entry], seen: &Situation<'_>) -> (Vec<&'e Entry>, Refusal) {
        let mut left_out = Refusal::default();
        let fit = entries.iter().copied().filter(|entry| Turn::of(intent, entry, seen, &mut left_out).is_some());
        (fit.collect(), left_out)
    }

    pub fn turns(&self) -> impl Iterator<Item = &Turn> {
        self.waves.iter().flat_map(|wave| &wave.turns)
    }

    pub fn turn(&self, namespace: &str) -> Option<&Turn> {
        self.turns().find(|turn| turn.namespace == namespace)
    }

    /// The rights that carrying it out takes.
    pub fn needs(&self) -> BTreeSet<Need> {
        needs(&self.intent, self.turns().flat_map(|turn| self.steps(turn)))
    }

    /// The rights that an intent takes of whomever it is about, before there is a plan.
    pub fn needs_of(intent: &Intent, seen: &Situation<'_>) -> BTreeSet<Need> {
        // What is wrong with it besides is said by who plans it.
        let recipes = intent.recipes(seen, &mut Refusal::default());
        needs(intent, recipes.iter().flatten())
    }

    pub fn steps(&self, turn: &Turn) -> &[Step] {
        self.recipes.get(turn.recipe).map_or(&[], Vec::as_slice)
    }
}

/// The rights that these steps of an intent take.
fn needs<'s>(intent: &Intent, steps: impl Iterator<Item = &'s Step>) -> BTreeSet<Need> {
    let mut all: BTreeSet<Need> = steps.flat_map(Step::needs).collect();
    // A restart is bound to its pod alone; everything else looks first whose tenant it is.
    if *intent != Intent::Restart {
        all.insert(("get", "", "namespaces"));
    }
    all
}

impl Turn {
    /// This turn on what is there now, after its basis has moved: it stands if it still says the same.
    ///
    /// # Errors
    /// What is different from what was agreed to.
    pub fn again(&self, intent: &Intent, entry: &Entry, seen: &Situation<'_>) -> Result<Self, String> {
        let mut refusal = Refusal::default();
        let anew = Self::of(intent, entry, seen, &mut refusal).ok_or_else(|| refusal.to_string())?;
        let same = anew.said == self.said && anew.recipe == self.recipe && anew.basis.namespace == self.basis.namespace;
        if same {
            // How it was when it was agreed to is what it is judged by.
            let mut anew = Self { unwell: self.unwell.clone(), ..anew };
            // The pod that was seen is to be restarted; one that has taken its place since is what was wanted.
            if matches!(intent, Intent::Restart) {
                anew.basis.pod.clone_from(&self.basis.pod);
            }
            return Ok(anew);
        }
        Err(format!("agreed was \"{}\", now it would be \"{}\"", self.said, anew.said))
    }

    /// The turn of one tenant that is there; `None` (and the reasons) where it is refused.
    pub fn of(intent: &Intent, entry: &Entry, seen: &Situation<'_>, refusal: &mut Refusal) -> Option<Self> {
        let before = refusal.0.len();
        let mut turn = match intent {
            Intent::Create { .. } => create::turn(intent, Some(entry), seen, refusal),
            Intent::Restart => restart::turn(entry, seen, refusal),
            Intent::Suspend => suspend::suspend(entry, refusal),
            Intent::Resume => suspend::resume(entry, refusal),
            Intent::Upgrade { image } => upgrade::turn(entry, image, seen, refusal),
            Intent::Snapshot { .. } => snapshot::turn(entry, seen, refusal),
            Intent::Restore { app, config } => restore::turn(entry, app.as_deref(), config.as_deref(), seen, refusal),
            Intent::Adopt { .. } => adopt::turn(entry, seen, refusal),
            Intent::SetTier { tier } => set_tier::turn(entry, tier, seen, refusal),
            Intent::Resize { app, config } => resize::turn(entry, *app, *config, seen, refusal),
            Intent::RotateToken => rotate_token::turn(entry, seen, refusal),
            Intent::Apply { force, image } => apply::turn(entry, *force, image.as_ref(), seen, refusal),
            Intent::Reprovision { image } => reprovision::turn(entry, image.as_ref(), seen, refusal),
            Intent::Delete { purge } => delete::turn(entry, *purge, seen, refusal),
        }?;
        if intent.needs_way_back() {
            way_back::say(&mut turn, intent, entry, seen, refusal);
        }
        (refusal.0.len() == before).then_some(turn)
    }
}

#[cfg(test)]
pub(crate) mod situation_for_tests {
    use super::*;
    use crate::{
        fleet::{Tenant, Verdict, fixture::at},
        index::{Delta, Fleet, Kind},
        manifest::{Base, Defaults, TenantDraft},
    };

    /// Calls `make` with a situation in which everything is fresh.
    pub(crate) fn situation<T>(make: impl FnOnce(&Situation<'_>) -> T) -> T {
        let mut fleet = Fleet::default();
        for kind in Kind::ALL {
            fleet.apply(Delta::Resync { kind, namespace: None, facets: Vec::new() }, at(0));
        }
        let base = Base::embedded().unwrap();
        make(&Situation {
            context: "prod",
            cluster: None,
            author: "dana@desk",
            now: at(1_000),
            nonce: 7,
            read_only: false,
            care: Care::default(),
            sources: fleet.sources(),
            base: &base,
            hosts: &[("taken.example.com".to_owned(), "tenant-other".to_owned())],
            others: &std::collections::BTreeMap::new(),
            found: &std::collections::BTreeMap::new(),
        })
    }

    pub(crate) fn entry(tenant: Tenant) -> Entry {
        entry_at(tenant, 1_000)
    }

    pub(crate) fn entry_at(tenant: Tenant, now: u32) -> Entry {
        let verdict = Verdict::of(&tenant, at(now));
        Entry { tenant, verdict, changed: None }
    }

    pub(crate) fn spec(id: &str) -> TenantSpec {
        let draft = TenantDraft {
            id: id.to_owned(),
            tier: "pro".to_owned(),
            image: "2026.8.2".to_owned(),
            host: Some(format!("{id}.example.com")),
            ..TenantDraft::default()
        };
        draft.resolve(&Defaults::default()).unwrap()
    }
}
