//! The row of a pod: its STATUS is a small language of its own (`Init:2/7`, `Init:CrashLoopBackOff`, `Terminating`).

use jiff::Timestamp;
use serde_json::Value;

use super::super::object::text_at;
use super::{age, count, name, or_none, since};

pub(super) fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let status = &pod["status"];
    let statuses = |key: &str| status[key].as_array().map(Vec::as_slice).unwrap_or_default().to_vec();
    let (inits, mains) = (statuses("initContainerStatuses"), statuses("containerStatuses"));
    let mut reason = text_at(status, &["reason"]).to_owned();
    if reason.is_empty() {
        reason = text_at(status, &["phase"]).to_owned();
    }
    let mut restarts = Restarts::default();
    let total = count(&pod["spec"]["initContainers"]);
    let mut initialising = false;
    for (at, init) in inits.iter().enumerate() {
        restarts.add(init);
        if let Some(text) = init_reason(init, at, total) {
            reason = text;
            initialising = true;
            break;
        }
    }
    let mut ready = 0;
    if !initialising || condition(pod, "Initialized") {
        restarts = Restarts::default();
        let mut running = false;
        for one in mains.iter().rev() {
            restarts.add(one);
            let (waiting, ended) = (text_at(one, &["state", "waiting", "reason"]), &one["state"]["terminated"]);
            if !waiting.is_empty() {
                reason = waiting.to_owned();
            } else if ended.is_object() {
                reason = ended_reason(ended);
            } else if one["ready"] == true && one["state"]["running"].is_object() {
                running = true;
                ready += 1;
            }
        }
        if reason == "Completed" && running {
            reason = if condition(pod, "Ready") { "Running" } else { "NotReady" }.into();
        }
    }
    if !text_at(pod, &["metadata", "deletionTimestamp"]).is_empty() {
        reason = if text_at(status, &["reason"]) == "NodeLost" { "Unknown" } else { "Terminating" }.into();
    }
    let wanted = count(&pod["spec"]["containers"]);
    vec![
        name(pod),
        format!("{ready}/{wanted}").into(),
        reason.into(),
        restarts.text(now).into(),
        age(pod, now),
        or_none(text_at(status, &["podIP"])),
        or_none(text_at(pod, &["spec", "nodeName"])),
        or_none(text_at(status, &["nominatedNodeName"])),
        "<none>".into(),
    ]
}

fn condition(pod: &Value, wanted: &str) -> bool {
    pod["status"]["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == wanted && c["status"] == "True")
}

fn ended_reason(ended: &Value) -> String {
    match (text_at(ended, &["reason"]), ended["signal"].as_i64().unwrap_or(0)) {
        ("", 0) => format!("ExitCode:{}", ended["exitCode"].as_i64().unwrap_or(0)),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// What an init container that is not done says about the pod.
fn init_reason(init: &Value, at: usize, total: usize) -> Option<String> {
    let ended = &init["state"]["terminated"];
    if ended.is_object() {
        let failed = ended["exitCode"].as_i64().unwrap_or(0) != 0;
        return failed.then(|| format!("Init:{}", ended_reason(ended)));
    }
    match text_at(init, &["state", "waiting", "reason"]) {
        "" | "PodInitializing" => Some(format!("Init:{at}/{total}")),
        reason => Some(format!("Init:{reason}")),
    }
}

#[derive(Default)]
struct Restarts {
    count: i64,
    last: String,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += status["restartCount"].as_i64().unwrap_or(0);
        let ended = text_at(status, &["lastState", "terminated", "finishedAt"]);
        if ended > self.last.as_str() {
            self.last = ended.to_owned();
        }
    }

    fn text(&self, now: Timestamp) -> String {
        if self.count > 0 && !self.last.is_empty() {
            format!("{} ({} ago)", self.count, since(&self.last, now))
        } else {
            self.count.to_string()
        }
    }
}
