//! PersistentVolumeClaim.

use serde::Deserialize;

use super::{
    super::delta::Part,
    Digested, Labels,
    lenient::{Entries, List, Obj, Raw},
    meta::{Condition, Meta},
};
use crate::fleet::{Claim, ClaimPhase, Text, Unrest, Volume};

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
    resources: Obj<Resources<'a>>,
    #[serde(borrow)]
    storage_class_name: Raw<'a>,
    #[serde(borrow)]
    volume_name: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources<'a> {
    #[serde(borrow)]
    requests: Entries<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    phase: Raw<'a>,
    #[serde(borrow)]
    capacity: Entries<'a>,
    #[serde(borrow)]
    conditions: List<Condition<'a>>,
    #[serde(borrow)]
    allocated_resource_statuses: Entries<'a>,
}

const STORAGE: &str = "storage";

/// Conditions of a resize, the worst first.
const RESIZES: [&str; 5] =
    ["ControllerResizeError", "NodeResizeError", "ModifyVolumeError", "FileSystemResizePending", "Resizing"];

impl Status<'_> {
    fn resizing(&self) -> Option<&Condition<'_>> {
        RESIZES.iter().find_map(|kind| self.conditions.0.iter().find(|c| &*c.kind == *kind && c.is_met()))
    }

    fn resize(&self) -> Option<Text> {
        self.resizing().map(|c| &c.kind).or_else(|| self.allocated_resource_statuses.get(STORAGE)).and_then(Raw::text)
    }
}

impl<'a> super::Object<'a> for Object<'a> {
    fn version(&self) -> &str {
        self.metadata.0.as_ref().map_or("", |m| &m.resource_version)
    }

    fn digest(self, labels: &Labels) -> Digested {
        let (meta, spec, status) = (self.metadata.or_default(), self.spec.or_default(), self.status.or_default());
        let unrest = Some(Unrest {
            deleting: meta.deleting(),
            resize: status.resize(),
            resize_since: status.resizing().and_then(|c| c.last_transition_time.at()),
        });
        meta.facet(labels, |uid, name| {
            Part::Claim(Claim {
                uid,
                holds: labels.roles.held_by(&name),
                name,
                created: meta.created(),
                phase: match &*status.phase {
                    "Pending" => ClaimPhase::Pending,
                    "Bound" => ClaimPhase::Bound,
                    "Lost" => ClaimPhase::Lost,
                    _ => ClaimPhase::Unknown,
                },
                placed: meta.annotations.0.as_ref().is_some_and(|a| !a.selected_node.is_empty()),
                requested: spec.resources.or_default().requests.get(STORAGE).and_then(Raw::quantity),
                capacity: status.capacity.get(STORAGE).and_then(Raw::quantity),
                class: spec.storage_class_name.text(),
                volume: Volume::of(uid, spec.volume_name.text()),
                unrest: unrest.filter(|u| *u != Unrest::default()).map(Box::new),
                usage: None,
                growth: None,
            })
        })
    }
}
