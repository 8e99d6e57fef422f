//! Pod.

use serde::Deserialize;

use super::{
    super::delta::Part,
    Digested, Labels,
    container::{ContainerSpec, ContainerStatus, join},
    lenient::{List, Obj, Raw},
    meta::{Condition, Meta},
};
use crate::fleet::{self, Pod, PodPhase, Words};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Object<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a>>,
    #[serde(borrow)]
    spec: Obj<Spec<'a>>,
    #[serde(borrow)]
    status: Obj<Status<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec<'a> {
    #[serde(borrow)]
    node_name: Raw<'a>,
    #[serde(borrow)]
    init_containers: List<ContainerSpec<'a>>,
    #[serde(borrow)]
    containers: List<ContainerSpec<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    phase: Raw<'a>,
    #[serde(borrow, rename = "podIP")]
    pod_ip: Raw<'a>,
    #[serde(borrow)]
    reason: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    conditions: List<Condition<'a>>,
    #[serde(borrow)]
    init_container_statuses: List<ContainerStatus<'a>>,
    #[serde(borrow)]
    container_statuses: List<ContainerStatus<'a>>,
}

impl Status<'_> {
    fn condition(&self, kinds: &[&str]) -> Option<fleet::Condition> {
        let raw = self.conditions.0.iter().find(|c| kinds.contains(&&*c.kind))?;
        let met = raw.is_met();
        Some(fleet::Condition {
            met,
            since: raw.last_transition_time.at(),
            words: if met { Words::NONE } else { Words::new(raw.reason.text(), raw.message.said()) },
        })
    }

    fn moment(&self, kinds: &[&str]) -> Option<fleet::Moment> {
        self.condition(kinds).map(|c| fleet::Moment { met: c.met, since: c.since })
    }

    fn phase(&self) -> PodPhase {
        match &*self.phase {
            "Pending" => PodPhase::Pending,
            "Running" => PodPhase::Running,
            "Succeeded" => PodPhase::Succeeded,
            "Failed" => PodPhase::Failed,
            _ => PodPhase::Unknown,
        }
    }
}

impl<'a> super::Object<'a> for Object<'a> {
    fn version(&self) -> &str {
        self.metadata.0.as_ref().map_or("", |m| &m.resource_version)
    }

    fn digest(self, labels: &Labels) -> Digested {
        let (meta, spec, status) = (self.metadata.or_default(), self.spec.or_default(), self.status.or_default());
        let inits = &spec.init_containers.0;
        meta.facet(labels, |uid, name| {
            let stages = inits.iter().filter(|c| !c.restarts_always()).map(|c| (c, false));
            let sidecars = inits.iter().filter(|c| c.restarts_always()).map(|c| (c, true));
            let mut containers =
                join(spec.containers.0.iter().map(|c| (c, false)), &status.container_statuses, &labels.roles)
                    .into_vec();
            containers.extend(join(sidecars, &status.init_container_statuses, &labels.roles));
            Part::Pod(Pod {
                uid,
                name,
                owner: meta.stateful_set(),
                revision: meta.label("controller-revision-hash"),
                node: spec.node_name.text(),
                ip: status.pod_ip.parse(),
                created: meta.created(),
                deleting: meta.deleting(),
                grace: meta.deletion_grace_period_seconds.count(),
                phase: status.phase(),
                words: Words::new(status.reason.text(), status.message.said()),
                scheduled: status.condition(&["PodScheduled"]),
                sandbox: status.moment(&["PodReadyToStartContainers", "PodHasNetwork"]),
                initialized: status.moment(&["Initialized"]),
                ready: status.condition(&["Ready"]),
                stages: join(stages, &status.init_container_statuses, &labels.roles),
                containers: containers.into_boxed_slice(),
            })
        })
    }
}
