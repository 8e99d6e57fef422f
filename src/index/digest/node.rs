//! Node.

use serde::Deserialize;

use super::{
    super::delta::Part,
    Digested, Labels,
    lenient::{Entries, Flag, List, Obj, Raw},
    meta::{Condition, Meta},
};
use crate::fleet::{self, Node, Pressure, Taint};

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
#[serde(default)]
struct Spec<'a> {
    unschedulable: Flag,
    #[serde(borrow)]
    taints: List<RawTaint<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawTaint<'a> {
    #[serde(borrow)]
    key: Raw<'a>,
    #[serde(borrow)]
    value: Raw<'a>,
    #[serde(borrow)]
    effect: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    conditions: List<Condition<'a>>,
    #[serde(borrow)]
    allocatable: Entries<'a>,
    volumes_attached: List<Nothing>,
}

/// An element that is only counted.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Nothing {}

const ZONES: [&str; 2] = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];

impl Status<'_> {
    fn ready(&self) -> Option<fleet::Condition> {
        let raw = self.conditions.0.iter().find(|c| &*c.kind == "Ready")?;
        let met = raw.is_met();
        Some(fleet::Condition {
            met,
            since: raw.last_transition_time.at(),
            words: if met { fleet::Words::NONE } else { fleet::Words::new(raw.reason.text(), raw.message.text()) },
        })
    }

    /// Every other condition of a node is bad when it is met: pressures, NetworkUnavailable, those of a problem detector.
    fn pressures(&self) -> Box<[Pressure]> {
        let met = self.conditions.0.iter().filter(|c| c.is_met() && &*c.kind != "Ready");
        let pressure = |c: &Condition<'_>| {
            let (since, message) = (c.last_transition_time.at(), c.message.text());
            Some(Pressure { kind: c.kind.text()?, since, message })
        };
        met.filter_map(pressure).collect()
    }
}

impl<'a> super::Object<'a> for Object<'a> {
    fn version(&self) -> &str {
        self.metadata.0.as_ref().map_or("", |m| &m.resource_version)
    }

    fn digest(self, _: &Labels) -> Digested {
        let (meta, spec, status) = (self.metadata.or_default(), self.spec.or_default(), self.status.or_default());
        let allocatable = |resource| status.allocatable.get(resource).and_then(Raw::quantity);
        let taint = |t: &RawTaint<'_>| {
            Some(Taint { key: t.key.text()?, value: t.value.text(), effect: t.effect.text().unwrap_or_default() })
        };
        meta.facet_of_none(|uid, name| {
            Part::Node(Node {
                uid,
                name,
                created: meta.created(),
                deleting: meta.deleting(),
                ready: status.ready(),
                pressures: status.pressures(),
                taints: spec.taints.0.iter().filter_map(taint).collect(),
                unschedulable: spec.unschedulable.0,
                zone: ZONES.iter().find_map(|key| meta.label(key)),
                cpu: allocatable("cpu"),
                memory: allocatable("memory"),
                pods: allocatable("pods"),
                attached: u32::try_from(status.volumes_attached.0.len()).unwrap_or(u32::MAX),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::digest::{Kind, single};

    fn node(spec: &str, status: &str) -> Node {
        let meta = r#""metadata":{"name":"n1","uid":"00000000-0000-0000-0000-000000000001","labels":{"topology.kubernetes.io/zone":"weu-1"}}"#;
        let json = format!(r#"{{{meta},"spec":{spec},"status":{status}}}"#);
        let facet = single(Kind::Node, &Labels::default(), json.as_bytes()).unwrap().unwrap();
        assert_eq!(facet.key.namespace, *"n1");
        let Part::Node(node) = facet.part else { panic!() };
        node
    }

    #[test]
    fn a_healthy_node_says_what_it_can_carry() {
        let conditions = r#"[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"True","reason":"KubeletReady","message":"ok","lastTransitionTime":"2026-11-24T19:40:00Z"}]"#;
        let status = format!(
            r#"{{"allocatable":{{"cpu":"3860m","memory":"14Gi","pods":"110"}},"conditions":{conditions},"volumesAttached":[{{"name":"a"}},{{"name":"b"}}]}}"#
        );
        let node = node("{}", &status);
        assert!(node.is_ready() && node.pressures.is_empty() && node.taints.is_empty() && !node.unschedulable);
        assert_eq!(node.ready.unwrap().reason(), None);
        assert_eq!((node.zone.as_deref(), node.attached), (Some("weu-1"), 2));
        assert_eq!((node.cpu, node.pods), ("3860m".parse().ok(), "110".parse().ok()));
    }

    #[test]
    fn a_silent_node_under_pressure_says_why_and_since_when() {
        let spec = r#"{"unschedulable":true,"taints":[{"key":"node.kubernetes.io/unreachable","effect":"NoExecute"}]}"#;
        let conditions = r#"[{"type":"Ready","status":"Unknown","reason":"NodeStatusUnknown","message":"Kubelet stopped posting node status.","lastTransitionTime":"2026-11-24T19:40:00Z"},{"type":"DiskPressure","status":"True","message":"kubelet has disk pressure"},{"type":"PIDPressure","status":"Unknown"}]"#;
        let node = node(spec, &format!(r#"{{"conditions":{conditions}}}"#));
        let ready = node.ready.clone().unwrap();
        assert_eq!((node.is_ready(), ready.reason()), (false, Some("NodeStatusUnknown")));
        assert!(ready.since.is_some() && node.unschedulable);
        assert_eq!(node.pressures.iter().map(|p| p.kind.as_str()).collect::<Vec<_>>(), ["DiskPressure"]);
        let taint = &node.taints[0];
        assert_eq!((&*taint.key, &*taint.effect), ("node.kubernetes.io/unreachable", "NoExecute"));
        assert_eq!(node.cpu, None);
    }
}
