//! Plans that come from elsewhere (a run's ConfigMap, a file) are taken only if they are what a planner could have made.

use super::{
    Intent, Plan, Refusal, VERSION,
    prepull::PULLS,
    refusal::Why,
    step::{Piece, Secret, Step, What},
};
use crate::fleet::Uid;

/// The cluster that a plan is read for.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    pub context: &'a str,
    pub cluster: Option<Uid>,
    /// Digest of the manifests at hand.
    pub manifests: &'a str,
}

impl Plan {
    /// Reads a plan back.
    ///
    /// # Errors
    /// Every reason why it is not to be carried out here: an unknown version or step, another cluster, other manifests, or
    /// steps that its intent does not allow.
    pub fn read(text: &str, here: Here<'_>) -> Result<Self, Refusal> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|e| foreign(format!("it is no JSON: {e}")))?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => {
                return Err(foreign(format!("it is of version {version}; this fleetdeck knows version {VERSION}")));
            }
            None => return Err(foreign("it names no version")),
        }
        let plan: Self =
            serde_json::from_value(value).map_err(|e| foreign(format!("it was not made by fleetdeck: {e}")))?;
        let mut refusal = Refusal::default();
        plan.check(here, &mut refusal);
        if refusal.0.is_empty() { Ok(plan) } else { Err(refusal) }
    }

    /// What no plan may hold, wherever it comes from. Whoever carries one out asks again.
    pub fn check(&self, here: Here<'_>, refusal: &mut Refusal) {
        let mut add = |said: String| refusal.add(None, Why::ForeignPlan, said);
        match (self.cluster, here.cluster) {
            (Some(made), Some(found)) if made != found => {
                add(format!("it was made for another cluster (context {}) than {}", self.context, here.context));
            }
            (None, _) | (_, None) if self.context != here.context => {
                add(format!("it was made for context {}, this is {}", self.context, here.context));
            }
            _ => {}
        }
        if self.manifests != here.manifests {
            add("it was made with other manifests than this fleetdeck renders: plan it anew".to_owned());
        }
        if !self.id.starts_with(&format!("{}-", self.intent.verb()))
            || self.id.len() > 60
            || !self.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            add("its id is none that fleetdeck gives".to_owned());
        }
        if self.pace.max_unavailable == 0 || self.pace.stop_after == 0 {
            add("a run with nobody unavailable, or that stops after no failure, never begins".to_owned());
        }
        for step in &self.opening {
            let fits = match step {
                Step::Prepull { seconds, .. } => self.intent.pulls() && *seconds <= PULLS,
                step => matches!(step, Step::Note { .. }),
            };
            if !fits {
                add(format!("`{}` is nothing to begin {} with", step.words(), self.intent.verb()));
            }
        }
        for step in self.recipes.iter().flatten() {
            if !self.intent.allows(step) {
                add(format!("`{}` does not belong to {}", step.words(), self.intent.verb()));
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for turn in self.turns() {
            if turn.recipe >= self.recipes.len() {
                add(format!("tenant {} has no steps", turn.tenant));
            }
            if !seen.insert(&turn.namespace) {
                add(format!("namespace {} stands in it twice", turn.namespace));
            }
            if turn.basis.namespace.is_none() && turn.basis.set.is_none() && !self.intent.is_create() {
                add(format!("tenant {} is bound to no UID", turn.tenant));
            }
            if !turn.takes.is_empty() && !matches!(self.intent, Intent::Apply { force: true, .. }) {
                add(format!("{} takes no fields from others", self.intent.verb()));
            }
            let carries = matches!(self.intent, Intent::Adopt { .. } | Intent::Restore { .. });
            if carries != turn.spec.is_some() || turn.spec.as_ref().is_some_and(|s| s.namespace() != turn.namespace) {
                add(format!("tenant {} has a spec that is not its own, or none", turn.tenant));
            }
            if let Intent::Create { spec } = &self.intent
                && turn.namespace != spec.namespace()
            {
                add(format!("it creates {} in namespace {}", spec.id, turn.namespace));
            }
        }
    }
}

impl Intent {
    /// Whether a plan of this intent may hold such a step. Volumes go in a purge alone.
    pub fn allows(&self, step: &Step) -> bool {
        match (self, step) {
            (_, Step::Note { .. } | Step::Await { .. }) => true,
            (Self::Delete { purge }, Step::Delete { what }) => *purge == (*what == What::Tenant),
            (Self::Snapshot { .. }, Step::Snapshot)
            | (
                Self::Upgrade { .. } | Self::Reprovision { .. } | Self::Delete { purge: false },
                Step::Drain | Step::Snapshot,
            )
            | (Self::Restore { .. }, Step::Apply { .. } | Step::DeletePod { .. })
            | (Self::Adopt { .. }, Step::TakeOwnership { .. } | Step::Apply { kind: Piece::Namespace })
            | (Self::SetTier { .. } | Self::Resize { .. }, Step::Apply { .. })
            | (Self::SetTier { .. } | Self::RotateToken, Step::DeletePod { .. })
            | (Self::RotateToken, Step::ReplaceSecret { secret: Secret::GatewayToken })
            | (Self::Create { .. }, Step::Apply { .. } | Step::EnsureSecret { .. })
            | (
                Self::Suspend | Self::Resume | Self::Upgrade { .. } | Self::Apply { .. } | Self::Reprovision { .. },
                Step::Apply { .. },
            )
            | (Self::Reprovision { .. }, Step::Delete { what: What::StatefulSet })
            | (Self::Restart | Self::Upgrade { .. } | Self::Apply { .. }, Step::DeletePod { .. }) => true,
            _ => false,
        }
    }
}

fn foreign(said: impl Into<String>) -> Refusal {
    Refusal::one(Why::ForeignPlan, said)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Pace, situation_for_tests as with};
    use super::*;
    use crate::fleet::fixture::*;

    fn plan(intent: &Intent) -> Plan {
        let entry = with::entry(tenant("maria", Some(ready())));
        with::situation(|seen| Plan::make(intent.clone(), Pace::default(), &[&entry], seen)).unwrap()
    }

    fn read(plan: &Value) -> Result<Plan, Refusal> {
        let manifests = with::situation(|seen| seen.base.digest());
        Plan::read(&plan.to_string(), Here { context: "prod", cluster: None, manifests: &manifests })
    }

    #[test]
    fn a_plan_reads_as_it_was_written() {
        for intent in [
            Intent::Restart,
            Intent::Suspend,
            Intent::Reprovision { image: None },
            Intent::RotateToken,
            Intent::SetTier { tier: "max".to_owned() },
            Intent::Apply { force: true, image: None },
            Intent::Delete { purge: false },
            Intent::Delete { purge: true },
        ] {
            let plan = plan(&intent);
            assert_eq!(read(&serde_json::to_value(&plan).unwrap()).unwrap(), plan);
        }
    }

    #[test]
    fn what_no_planner_makes_is_refused() {
        let check = |pointer: &str, value: Value, expect: &str| {
            let mut text = serde_json::to_value(plan(&Intent::Restart)).unwrap();
            match text.pointer_mut(pointer) {
                Some(place) => *place = value,
                None => {
                    let (parent, key) = pointer.rsplit_once('/').unwrap();
                    text.pointer_mut(parent).unwrap()[key] = value;
                }
            }
            let refusal = read(&text).unwrap_err().to_string();
            assert!(refusal.contains(expect), "{pointer}: {refusal}");
        };
        check("/version", json!(2), "version 2");
        check("/version", json!("1"), "no version");
        check("/context", json!("staging"), "made for context staging");
        check("/manifests", json!("0"), "other manifests");
        check("/id", json!("../x"), "its id");
        check("/surprise", json!(1), "unknown field `surprise`");
        check("/recipes/0/0", json!({"do": "erase"}), "unknown variant `erase`");
        check("/recipes/0/0", json!({"do": "delete", "what": "tenant"}), "does not belong to restart");
        check("/recipes/0/0", json!({"do": "delete", "what": "volume"}), "unknown variant `volume`");
        check("/recipes/0/0/which", json!("any"), "unknown variant `any`");
        check("/waves/0/turns/0/recipe", json!(5), "has no steps");
        check("/waves/0/turns/0/basis", json!({}), "bound to no UID");
        check("/waves/0/turns/0/basis/pod/uid", json!("x"), "is not a UID");
        let take = json!([{"object": "StatefulSet openclaw", "field": ".spec", "from": "kubectl"}]);
        check("/waves/0/turns/0/takes", take, "takes no fields from others");
        check("/pace/maxUnavailable", json!(0), "never begins");
        check("/intent", json!({"verb": "delete", "purge": false}), "does not belong to delete");
    }

    #[test]
    fn a_purge_has_to_be_the_intent() {
        let mut text = serde_json::to_value(plan(&Intent::Delete { purge: true })).unwrap();
        text["intent"]["purge"] = json!(false);
        assert!(read(&text).unwrap_err().to_string().contains("does not belong to delete"));
    }

    #[test]
    fn another_cluster_is_told_by_its_uid_and_not_by_its_name() {
        let mut plan = plan(&Intent::Restart);
        plan.cluster = Some(uid(1));
        let check = |context, cluster| {
            let mut refusal = Refusal::default();
            plan.check(Here { context, cluster, manifests: &plan.manifests }, &mut refusal);
            refusal.0.len()
        };
        assert_eq!((check("other-name", Some(uid(1))), check("prod", Some(uid(2)))), (0, 1));
        assert_eq!((check("prod", None), check("other-name", None)), (0, 1));
    }
}
