//! Whether a pod fits on a node, and the scheduler's words where it does not.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sim::controllers::objects::{claims_of, condition, items};
use crate::sim::object::text_at;
use crate::sim::scenario::Amount;

pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";

/// What a pod asks of a node, or what is in use there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    pub milli_cpu: i128,
    pub memory: i128,
    pub storage: i128,
    pub pods: i128,
    /// Attached volumes.
    pub volumes: i128,
}

impl Resources {
    fn of(map: &Value) -> Self {
        let amount = |key: &str| match &map[key] {
            Value::String(s) => Amount::parse(s).unwrap_or_default(),
            Value::Number(n) => Amount::parse(&n.to_string()).unwrap_or_default(),
            _ => Amount::default(),
        };
        Self {
            milli_cpu: amount("cpu").milli(),
            memory: amount("memory").value(),
            storage: amount("ephemeral-storage").value(),
            pods: amount("pods").value(),
            volumes: 0,
        }
    }

    fn zip(self, other: Self, f: impl Fn(i128, i128) -> i128) -> Self {
        Self {
            milli_cpu: f(self.milli_cpu, other.milli_cpu),
            memory: f(self.memory, other.memory),
            storage: f(self.storage, other.storage),
            pods: f(self.pods, other.pods),
            volumes: f(self.volumes, other.volumes),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    pub(super) fn minus(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    /// The larger of all containers together and each init container with the sidecars before it.
    pub(crate) fn of_pod(pod: &Value) -> Self {
        let requests = |c: &Value| Self::of(&c["resources"]["requests"]);
        let mut sidecars = Self::default();
        let mut peak = Self::default();
        for init in items(pod, &["spec", "initContainers"]) {
            if init["restartPolicy"] == "Always" {
                sidecars = sidecars.plus(requests(init));
                peak = peak.zip(sidecars, i128::max);
            } else {
                peak = peak.zip(sidecars.plus(requests(init)), i128::max);
            }
        }
        let main = items(pod, &["spec", "containers"]).iter().fold(sidecars, |sum, c| sum.plus(requests(c)));
        let mut all = main.zip(peak, i128::max).plus(Self::of(&pod["spec"]["overhead"]));
        all.pods = 1;
        all.volumes = claims_of(pod).count().try_into().unwrap_or(i128::MAX);
        all
    }
}

/// A node as the scheduler sees it.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    labels: BTreeMap<String, String>,
    taints: Vec<(String, String, String)>,
    unschedulable: bool,
    pub allocatable: Resources,
    pub used: Resources,
}

impl Node {
    /// `volumes`: how many it can have attached.
    pub(super) fn read(&mut self, node: &Value, volumes: u32) {
        let labels = node["metadata"]["labels"].as_object();
        self.labels =
            labels.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect();
        self.taints = items(node, &["spec", "taints"])
            .iter()
            .map(|t| {
                let text = |key: &str| text_at(t, &[key]).to_owned();
                (text("key"), text("value"), text("effect"))
            })
            .collect();
        self.unschedulable = node["spec"]["unschedulable"] == true;
        self.allocatable = Resources { volumes: volumes.into(), ..Resources::of(&node["status"]["allocatable"]) };
        if condition(node, "Ready") != Some("True")
            && !self
                .taints
                .iter()
                .any(|t| t.0 == "node.kubernetes.io/not-ready" || t.0 == "node.kubernetes.io/unreachable")
        {
            self.taints.push(("node.kubernetes.io/not-ready".into(), String::new(), "NoSchedule".into()));
        }
    }

    /// Why the pod does not fit here; empty if it does. The flag tells whether evicting others could help.
    ///
    /// `zones`: those that the pod's volumes lie in.
    pub(super) fn refusals(&self, pod: &Value, zones: &[String], asks: Resources) -> (Vec<String>, bool) {
        let one = |reason: &str| (vec![reason.to_owned()], false);
        if self.unschedulable && !tolerates(pod, "node.kubernetes.io/unschedulable", "", "NoSchedule") {
            return one("node(s) were unschedulable");
        }
        let hard = |t: &&(String, String, String)| t.2 != "PreferNoSchedule";
        if self.taints.iter().filter(hard).any(|(k, v, e)| !tolerates(pod, k, v, e)) {
            return one("node(s) had untolerated taint(s)");
        }
        if !self.is_selected_by(pod) {
            return one("node(s) didn't match Pod's node affinity/selector");
        }
        if zones.iter().any(|zone| self.labels.get(ZONE) != Some(zone)) {
            return one("node(s) didn't match PersistentVolume's node affinity");
        }
        let free = self.allocatable.minus(self.used);
        let mut short = vec![];
        let mut ever = true;
        for (want, free, all, reason) in [
            (asks.pods, free.pods, self.allocatable.pods, "Too many pods"),
            (asks.milli_cpu, free.milli_cpu, self.allocatable.milli_cpu, "Insufficient cpu"),
            (asks.memory, free.memory, self.allocatable.memory, "Insufficient memory"),
            (asks.storage, free.storage, self.allocatable.storage, "Insufficient ephemeral-storage"),
            (asks.volumes, free.volumes, self.allocatable.volumes, "node(s) exceed max volume count"),
        ] {
            if want > free {
                short.push(reason.to_owned());
                ever &= want <= all;
            }
        }
        (short, ever)
    }

    fn is_selected_by(&self, pod: &Value) -> bool {
        selects(pod, |key| self.labels.get(key).map(String::as_str))
    }

    /// Share of the node that would be in use, for spreading; in ten-thousandths.
    pub(super) fn load_with(&self, asks: Resources) -> i128 {
        let used = self.used.plus(asks);
        let share = |used: i128, all: i128| if all > 0 { used * 10_000 / all } else { 10_000 };
        share(used.milli_cpu, self.allocatable.milli_cpu) + share(used.memory, self.allocatable.memory)
    }
}

/// Whether the pod's node selector and required node affinity take a node with these labels.
pub(crate) fn selects<'l>(pod: &Value, label: impl Fn(&str) -> Option<&'l str>) -> bool {
    let selector = pod["spec"]["nodeSelector"].as_object();
    let plain = selector.into_iter().flatten().all(|(k, v)| label(k).is_some_and(|have| v == have));
    let required = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = items(required, &["nodeSelectorTerms"]);
    plain && (required.is_null() || terms.iter().any(|term| takes(term, &label)))
}

fn takes<'l>(term: &Value, label: &impl Fn(&str) -> Option<&'l str>) -> bool {
    let expressions = items(term, &["matchExpressions"]);
    !expressions.is_empty()
        && expressions.iter().all(|e| {
            let have = label(text_at(e, &["key"]));
            let among = items(e, &["values"]).iter().any(|v| have.is_some_and(|h| v == h));
            match text_at(e, &["operator"]) {
                "In" => among,
                "NotIn" => !among,
                "Exists" => have.is_some(),
                "DoesNotExist" => have.is_none(),
                _ => false,
            }
        })
}

pub(crate) fn tolerates(pod: &Value, key: &str, value: &str, effect: &str) -> bool {
    items(pod, &["spec", "tolerations"]).iter().any(|t| {
        let text = |k: &str| text_at(t, &[k]);
        let effect_fits = text("effect").is_empty() || text("effect") == effect;
        let key_fits = if text("key").is_empty() { text("operator") == "Exists" } else { text("key") == key };
        let value_fits = text("operator") == "Exists" || text("value") == value;
        effect_fits && key_fits && value_fits
    })
}

/// The scheduler's sentence: how many nodes refuse for which reason.
pub(super) fn sentence(nodes: usize, reasons: &BTreeMap<String, usize>, helpless: usize, hopeful: usize) -> String {
    let mut parts: Vec<String> = reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    parts.sort();
    let mut preemption = vec![];
    if hopeful > 0 {
        preemption.push(format!("{hopeful} No preemption victims found for incoming pod"));
    }
    if helpless > 0 {
        preemption.push(format!("{helpless} Preemption is not helpful for scheduling"));
    }
    preemption.sort();
    format!(
        "0/{nodes} nodes are available: {}. no new claims to deallocate, preemption: 0/{nodes} nodes are available: {}.",
        parts.join(", "),
        preemption.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_asks_for_the_larger_of_its_phases() {
        let c = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let mut sidecar = c("100m");
        sidecar["restartPolicy"] = "Always".into();
        let pod = json!({"spec": {
            "initContainers": [c("50m"), sidecar, c("900m")],
            "containers": [c("300m"), c("400m")],
        }});
        assert_eq!(Resources::of_pod(&pod).milli_cpu, 1000, "sidecar 100 and the init after it 900");
    }

    #[test]
    fn tolerations() {
        let check = |t: Value, expect: bool| {
            let pod = json!({"spec": {"tolerations": [t]}});
            assert_eq!(tolerates(&pod, "k", "v", "NoSchedule"), expect, "{pod}");
        };
        check(json!({"operator": "Exists"}), true);
        check(json!({"key": "k", "value": "v"}), true);
        check(json!({"key": "k", "operator": "Exists"}), true);
        check(json!({"key": "k", "value": "w"}), false);
        check(json!({"key": "k", "operator": "Exists", "effect": "NoExecute"}), false);
        check(json!({"key": "j", "operator": "Exists"}), false);
    }

    #[test]
    fn the_sentence_is_the_schedulers() {
        let reasons =
            BTreeMap::from([("node(s) had untolerated taint(s)".to_owned(), 1), ("Insufficient memory".to_owned(), 1)]);
        assert_eq!(
            sentence(2, &reasons, 1, 1),
            "0/2 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s). \
             no new claims to deallocate, preemption: 0/2 nodes are available: \
             1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
        );
    }
}
