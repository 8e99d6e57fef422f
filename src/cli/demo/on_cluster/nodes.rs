//! Is there a node that takes the stand-ins' pods? They tolerate no taint.

use serde_json::Value;

/// Which nodes take none, and why, in the order in which they came.
pub(super) struct Nodes {
    shut: Vec<Shut>,
    /// What takes pods, or may by itself in a moment.
    open: usize,
    /// Pods that the open ones hold together, whoever's; `None` where one does not say.
    pods: Option<u64>,
}

/// A node that takes no pods.
struct Shut {
    /// Its name, and why.
    said: String,
    why: Why,
}

#[derive(PartialEq, Eq)]
enum Why {
    /// Made a moment ago, or silent for one: it may come by itself.
    Passing,
    /// A control plane that keeps its node to itself: as it should be.
    ControlPlane,
    Trouble,
}

impl Nodes {
    pub(super) fn of(objects: &[Value]) -> Self {
        let (mut shut, mut open, mut pods) = (Vec::new(), 0, Some(0));
        for node in objects {
            if let Some(found) = why_shut(node) {
                if found.why == Why::Passing {
                    (open, pods) = (open + 1, None);
                }
                shut.push(found);
                continue;
            }
            open += 1;
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
                self.words(|_| true)
            )
        })
    }

    /// What to know where there are others.
    pub(super) fn note(&self) -> Option<String> {
        let shut = self.words(|why| *why != Why::ControlPlane);
        (!shut.is_empty()).then(|| format!("note: not every node takes pods: {shut}"))
    }

    fn words(&self, wanted: impl Fn(&Why) -> bool) -> String {
        let said: Vec<&str> = self.shut.iter().filter(|s| wanted(&s.why)).map(|s| s.said.as_str()).collect();
        said.join(", ")
    }
}

const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// By its taints, as the scheduler decides; its condition Ready where no controller has set any yet.
fn why_shut(node: &Value) -> Option<Shut> {
    let name = node.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let taints = node.pointer("/spec/taints").and_then(Value::as_array);
    let key = |taint: &Value| {
        let shuts = matches!(taint["effect"].as_str(), Some("NoSchedule" | "NoExecute"));
        taint["key"].as_str().filter(|_| shuts).map(str::to_owned)
    };
    let (said, why) = match taints.into_iter().flatten().find_map(key) {
        Some(key) => match key.strip_prefix("node.kubernetes.io/") {
            Some("disk-pressure") => ("is short of disk".to_owned(), Why::Trouble),
            Some("memory-pressure") => ("is short of memory".to_owned(), Why::Trouble),
            Some("pid-pressure") => ("is short of process ids".to_owned(), Why::Trouble),
            Some("unschedulable") => ("is cordoned".to_owned(), Why::Trouble),
            Some("not-ready") => ("is not ready".to_owned(), Why::Passing),
            Some("unreachable") => ("is silent".to_owned(), Why::Passing),
            _ => (format!("has the taint {key}"), if key == CONTROL_PLANE { Why::ControlPlane } else { Why::Trouble }),
        },
        None if node.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) => {
            ("is cordoned".to_owned(), Why::Trouble)
        }
        None => {
            let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
            let ready = conditions.into_iter().flatten().find(|c| c["type"] == "Ready");
            if ready.is_some_and(|c| c["status"] == "True") {
                return None;
            }
            ("is not ready".to_owned(), Why::Passing)
        }
    };
    Some(Shut { said: format!("{name} {said}"), why })
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
