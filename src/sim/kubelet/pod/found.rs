//! A pod that runs already when its kubelet starts.

use jiff::Timestamp;
use serde_json::Value;

use super::{Env, Pod};
use crate::sim::controllers::objects::{condition, items};
use crate::sim::controllers::volumes::attachment;
use crate::sim::kubelet::container::{Container, Ended, State};
use crate::sim::object::{is_terminating, text_at};

impl Pod {
    /// Whether its status says that all of it runs; any other is begun anew.
    pub(in crate::sim::kubelet) fn runs(object: &Value) -> bool {
        !is_terminating(object)
            && text_at(object, &["status", "phase"]) == "Running"
            && condition(object, "Ready") == Some("True")
    }

    /// As its status tells it.
    pub(in crate::sim::kubelet) fn found(object: &Value, env: &mut Env<'_>) -> Self {
        let mut pod = Self::new(object, env);
        pod.agenda.clear();
        let all = ["initContainerStatuses", "containerStatuses"].map(|list| items(object, &["status", list]));
        for status in all.into_iter().flatten() {
            if let Some(container) = pod.containers.iter_mut().find(|c| *c.name == *text_at(status, &["name"])) {
                container.found(status);
            }
        }
        pod.sandbox = true;
        pod.ip = text_at(object, &["status", "podIP"]).to_owned();
        pod.began = time(object, &["status", "startTime"]).unwrap_or(pod.began);
        env.network.keep(&pod.node, &pod.uid, &pod.ip);
        for claim in &pod.claims {
            env.network.attach(&pod.namespace, claim, &pod.node, &pod.uid);
            if let Some(order) = attachment::attached(env.ctx, &pod.namespace, claim, &pod.node) {
                env.network.order(&pod.uid, order);
            }
        }
        pod
    }
}

impl Container {
    fn found(&mut self, status: &Value) {
        self.id = text_at(status, &["containerID"]).into();
        self.ready = status["ready"] == true;
        self.started = status["started"] == true;
        self.restarts = status["restartCount"].as_u64().unwrap_or_default();
        let (running, ended) = (&status["state"]["running"], &status["state"]["terminated"]);
        if let Some(since) = time(running, &["startedAt"]) {
            self.state = State::Running { since };
        } else if let Some(finished) = time(ended, &["finishedAt"]) {
            let code = ended["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or_default();
            let reason = if code == 0 { "Completed" } else { "Error" };
            let started = time(ended, &["startedAt"]).unwrap_or(finished);
            let message = text_at(ended, &["message"]).to_owned();
            self.state = State::Ended(Ended { code, reason, message, started, finished, id: self.id.clone() });
        }
    }
}

fn time(value: &Value, path: &[&str]) -> Option<Timestamp> {
    text_at(value, path).parse().ok()
}
