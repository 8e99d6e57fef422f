//! StatefulSet.

use serde::Deserialize;

use super::{
    super::delta::Part,
    Digested, Labels,
    container::ContainerSpec,
    lenient::{Int, List, Obj, Raw},
    meta::Meta,
};
use crate::fleet::{StatefulSet, name::Role};

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
    replicas: Int,
    #[serde(borrow)]
    template: Obj<Template<'a>>,
    #[serde(borrow)]
    update_strategy: Obj<Strategy<'a>>,
    #[serde(borrow, rename = "persistentVolumeClaimRetentionPolicy")]
    retention: Obj<Retention<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Template<'a> {
    #[serde(borrow)]
    spec: Obj<PodSpec<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodSpec<'a> {
    #[serde(borrow)]
    containers: List<ContainerSpec<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Strategy<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    rolling_update: Obj<RollingUpdate>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RollingUpdate {
    partition: Int,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Retention<'a> {
    #[serde(borrow)]
    when_deleted: Raw<'a>,
    #[serde(borrow)]
    when_scaled: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status<'a> {
    observed_generation: Int,
    ready_replicas: Int,
    updated_replicas: Int,
    #[serde(borrow)]
    current_revision: Raw<'a>,
    #[serde(borrow)]
    update_revision: Raw<'a>,
}

impl<'a> super::Object<'a> for Object<'a> {
    fn version(&self) -> &str {
        self.metadata.0.as_ref().map_or("", |m| &m.resource_version)
    }

    fn digest(self, labels: &Labels) -> Digested {
        let (meta, spec, status) = (self.metadata.or_default(), self.spec.or_default(), self.status.or_default());
        let containers = spec.template.or_default().spec.or_default().containers.0;
        let gateway = containers.iter().find(|c| labels.roles.of(&c.name) == Role::Gateway).or(containers.first());
        let strategy = spec.update_strategy.or_default();
        let retention = spec.retention.or_default();
        meta.facet(labels, |uid, name| {
            Part::StatefulSet(StatefulSet {
                uid,
                name,
                created: meta.created(),
                deleting: meta.deleting(),
                generation: meta.generation.count(),
                observed_generation: status.observed_generation.count(),
                // One is what Kubernetes itself takes where nothing is said.
                wanted: if spec.replicas.0.is_some() { spec.replicas.count() } else { 1 },
                ready: status.ready_replicas.count(),
                updated: status.updated_replicas.count(),
                current_revision: status.current_revision.text(),
                update_revision: status.update_revision.text(),
                image: gateway.and_then(|c| c.image.text()),
                on_delete: &*strategy.kind == "OnDelete",
                partition: strategy.rolling_update.or_default().partition.count().try_into().unwrap_or(u16::MAX),
                retention_deletes: &*retention.when_deleted == "Delete" || &*retention.when_scaled == "Delete",
                run: meta.annotations.0.as_ref().and_then(|a| a.run.text()),
            })
        })
    }
}
