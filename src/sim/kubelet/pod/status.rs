//! How the pod's status reads.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Pod, Restart};
use crate::sim::clock::stamp;
use crate::sim::controllers::objects::{condition, items, set_condition};
use crate::sim::defaults::quality;
use crate::sim::kubelet::container::{Container, Role, State};
use crate::sim::object::text_at;

/// The conditions that the kubelet writes, in its order.
const OWN: [&str; 4] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"];

/// Status, reason and message of a condition.
type Verdict = (bool, &'static str, String);

impl Pod {
    pub(super) fn write_status(&self, live: &mut Value, now: Timestamp) {
        let inits = items(live, &["spec", "initContainers"]);
        let specs: Vec<&Value> = inits.iter().chain(items(live, &["spec", "containers"])).collect();
        let of = |init: bool| -> Vec<Value> {
            let pairs = self.containers.iter().zip(&specs);
            pairs.filter(|(c, _)| (c.role != Role::Main) == init).map(|(c, spec)| c.status(spec)).collect()
        };
        let (init, main) = (of(true), of(false));
        let phase = self.phase();
        let mut status = json!({
            "observedGeneration": self.generation,
            "phase": phase,
            "conditions": self.conditions(live, phase, &stamp(now)),
            "startTime": stamp(self.began),
            "hostIP": self.host,
            "hostIPs": [{"ip": self.host}],
            "qosClass": quality(&live["spec"]),
            "containerStatuses": main,
        });
        if !init.is_empty() {
            status["initContainerStatuses"] = init.into();
        }
        if !self.ip.is_empty() && self.failure.is_none() {
            status["podIP"] = self.ip.as_str().into();
            status["podIPs"] = json!([{"ip": self.ip}]);
        }
        if let Some(failure) = self.failure.as_ref().filter(|f| !f.reason.is_empty()) {
            status["reason"] = failure.reason.into();
            status["message"] = failure.message.as_str().into();
        }
        live["status"] = status;
    }

    fn phase(&self) -> &'static str {
        if self.failure.is_some() {
            return "Failed";
        }
        if !self.is_initialized() {
            return "Pending";
        }
        let main = || self.containers.iter().filter(|c| c.role == Role::Main);
        let is_new = |c: &Container| matches!(c.state, State::Waiting { .. }) && c.last.is_none();
        if main().any(is_new) {
            return "Pending";
        }
        if main().any(Container::is_running) {
            return "Running";
        }
        let succeeded = main().all(|c| matches!(&c.state, State::Ended(e) if e.code == 0));
        match self.restart {
            Restart::Always if !self.stopping => "Running",
            _ if succeeded => "Succeeded",
            Restart::Always | Restart::Never => "Failed",
            Restart::OnFailure => "Running",
        }
    }

    /// Once a main container has begun, the pod stays initialised, whatever a sidecar does.
    fn is_initialized(&self) -> bool {
        let begun = self.containers.iter().any(|c| c.role == Role::Main && !c.id.is_empty());
        begun || self.containers.iter().all(|c| c.role == Role::Main || c.is_through())
    }

    fn verdicts(&self, live: &Value, phase: &str) -> [Verdict; 4] {
        let names = |holds: &dyn Fn(&Container) -> bool| {
            let list: Vec<&str> = self.containers.iter().filter(|c| holds(c)).map(|c| &*c.name).collect();
            list.join(" ")
        };
        let finished = match phase {
            "Succeeded" => Some("PodCompleted"),
            "Failed" => Some("PodFailed"),
            _ => None,
        };
        let well = || (true, "", String::new());
        let initialized = if self.is_initialized() {
            well()
        } else {
            let which = names(&|c| c.role != Role::Main && !c.is_through());
            (false, "ContainersNotInitialized", format!("containers with incomplete status: [{which}]"))
        };
        let unready = names(&|c| c.role != Role::Init && !c.ready);
        let containers = match finished {
            Some(reason) => (false, reason, String::new()),
            None if unready.is_empty() => well(),
            None => (false, "ContainersNotReady", format!("containers with unready status: [{unready}]")),
        };
        let closed: Vec<String> = self
            .gates
            .iter()
            .filter(|g| condition(live, g) != Some("True"))
            .map(|g| match condition(live, g) {
                None => format!("corresponding condition of pod readiness gate \"{g}\" does not exist."),
                Some(_) => format!("the status of pod readiness gate \"{g}\" is not \"True\", but False"),
            })
            .collect();
        let ready = if containers.0 && !closed.is_empty() {
            (false, "ReadinessGatesNotReady", closed.join(", "))
        } else {
            containers.clone()
        };
        let sandbox = (self.sandbox && finished.is_none(), "", String::new());
        [sandbox, initialized, ready, containers]
    }

    fn conditions(&self, live: &Value, phase: &str, now: &str) -> Vec<Value> {
        let mut list: Vec<Value> = items(live, &["status", "conditions"]).to_vec();
        for (kind, (is, reason, message)) in OWN.into_iter().zip(self.verdicts(live, phase)) {
            let mut new = json!({
                "type": kind, "status": if is { "True" } else { "False" },
                "observedGeneration": self.generation, "lastProbeTime": null,
            });
            if !reason.is_empty() {
                new["reason"] = reason.into();
            }
            if !message.is_empty() {
                new["message"] = message.into();
            }
            set_condition(&mut list, new, now);
        }
        if let Some(failure) = self.failure.as_ref().filter(|f| f.reason == "Evicted") {
            let new = json!({"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet",
                "message": failure.message, "lastProbeTime": null});
            set_condition(&mut list, new, now);
        }
        list.sort_by_key(|c| OWN.iter().position(|own| text_at(c, &["type"]) == *own).unwrap_or(OWN.len()));
        list
    }
}
