//! Is there a node that takes the stand-ins' pods? They tolerate no taint.

use serde_json::Value;

/// Which nodes take none, and why, in the order in which they came.
pub(super) struct Nodes {
    shut: Vec<String>,
    /// What takes pods, or may by itself in a moment.
    open: usize,
    /// Pods that the open ones hold together, whoever's; `None` where one does not say.
    pods: Option<u64>,
}

impl Nodes {
    pub(super) fn of(objects: &[Value]) -> Self {
        let (mut shut, mut open, mut pods) = (Vec::new(), 0, Some(0));
        for node in objects {
            let why = why_shut(node);
            // Made a moment ago, or silent for one.
            let may_come = why.as_ref().is_some_and(|why| PASSING.iter().any(|word| why.ends_with(word)));
            open += usize::from(why.is_none() || may_come);
            if let Some(why) = why {
                shut.push(why);
                if may_come {
                    pods = None;
                }
                continue;
            }
            let holds = node.pointer("/status/allocatable/pods").and_then(Value::as_str).and_then(|n| n.parse().ok());
            pods = pods.zip(holds).map(|(all, one): (u64, u64)| all + one);
        }
        Self { shut, open, pods }
    }

    /// Why no pod would run; `None` where one may, or where no node is known (an autoscaler may bring the first).
    pub(super) fn refusal(&self, context: &str, tenants: usize) -> Option<String> {
        if let Some(pods) = self.pods.filter(|pods| self.open > 0 && u64::try_from(tenants).is_ok_and(|n| n > *pods)) {
            return Some(format!(
                "refused: the nodes of context {context} hold {pods} pods together, and {tenants} tenants are {tenants} pods: \
                 name fewer with --tenants"
            ));
        }
        (self.open == 0 && !self.shut.is_empty()).then(|| {
            format!(
                "refused: no node of context {context} takes pods, so that no tenant would boot: {}; `kubectl describe \
                 node NAME` says more (on kind and its like a node's disk and memory are those of the machine that runs it)",
                self.shut.join(", ")
            )
        })
    }

    /// What to know where there are others.
    pub(super) fn note(&self) -> Option<String> {
        // A control plane that keeps its node to itself is as it should be.
        let shut: Vec<&str> = self.shut.iter().map(String::as_str).filter(|why| !why.contains(CONTROL_PLANE)).collect();
        (!shut.is_empty()).then(|| format!("note: not every node takes pods: {}", shut.join(", ")))
    }
}

const PASSING: [&str; 2] = ["is not ready", "is silent"];
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// By its taints, as the scheduler decides; its condition Ready where no controller has set any yet.
fn why_shut(node: &Value) -> Option<String> {
    let name = node.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let taints = node.pointer("/spec/taints").and_then(Value::as_array);
    let key = |taint: &Value| {
        let shuts = matches!(taint["effect"].as_str(), Some("NoSchedule" | "NoExecute"));
        taint["key"].as_str().filter(|_| shuts).map(str::to_owned)
    };
    let why = match taints.into_iter().flatten().find_map(key) {
        Some(key) => match key.strip_prefix("node.kubernetes.io/") {
            Some("disk-pressure") => "is short of disk".to_owned(),
            Some("memory-pressure") => "is short of memory".to_owned(),
            Some("pid-pressure") => "is short of process ids".to_owned(),
            Some("unschedulable") => "is cordoned".to_owned(),
            Some("not-ready") => "is not ready".to_owned(),
            Some("unreachable") => "is silent".to_owned(),
            _ => format!("has the taint {key}"),
        },
        None if node.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) => "is cordoned".to_owned(),
        None => {
            let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
            let ready = conditions.into_iter().flatten().find(|c| c["type"] == "Ready");
            if ready.is_some_and(|c| c["status"] == "True") {
                return None;
            }
            "is not ready".to_owned()
        }
    };
    Some(format!("{name} {why}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, taints: &Value, ready: &str) -> Value {
        json!({"metadata": {"name": name}, "spec": {"taints": taints},
            "status": {"allocatable": {"pods": "110"}, "conditions": [{"type": "Ready", "status": ready}]}})
    }

    fn taint(key: &str, effect: &str) -> Value {
        json!([{"key": key, "effect": effect}])
    }

    #[test]
    fn nodes_that_take_no_pods_are_named_with_their_reasons() {
        let full = node("a", &taint("node.kubernetes.io/disk-pressure", "NoSchedule"), "True");
        let control = node("c", &taint(CONTROL_PLANE, "NoSchedule"), "True");
        let well = node("w", &taint("prefers/not", "PreferNoSchedule"), "True");
        let mut cordoned = node("k", &Value::Null, "True");
        cordoned["spec"]["unschedulable"] = true.into();
        let dead = node("d", &Value::Null, "Unknown");

        let none = Nodes::of(&[full.clone(), control.clone()]);
        let refused = none.refusal("kind-x", 12).unwrap();
        assert!(
            refused.contains("context kind-x") && refused.contains("a is short of disk, c has the taint"),
            "{refused}"
        );

        let some = Nodes::of(&[full, control.clone(), well.clone(), cordoned, dead]);
        assert!(some.refusal("kind-x", 12).is_none());
        let note = some.note().unwrap();
        assert!(note.ends_with("a is short of disk, k is cordoned, d is not ready"), "{note}");

        let coming = Nodes::of(&[control.clone(), node("n", &Value::Null, "False")]);
        assert!(coming.refusal("kind-x", 12).is_none() && coming.note().unwrap().ends_with("n is not ready"));

        let usual = Nodes::of(&[control, well]);
        assert!(usual.refusal("kind-x", 12).is_none() && usual.note().is_none());
        assert!(usual.refusal("kind-x", 111).unwrap().contains("hold 110 pods together, and 111 tenants"));
        assert!(Nodes::of(&[]).refusal("kind-x", 12).is_none());
    }
}
