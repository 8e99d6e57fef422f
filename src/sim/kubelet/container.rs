//! One container of a pod: what it is, what state it is in, and how its status reads.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::images::{self, Policy};
use super::needs::{self, Need};
use crate::sim::clock::stamp;
use crate::sim::controllers::objects::{Dice, items};
use crate::sim::logs::Span;
use crate::sim::object::text_at;
use crate::sim::scenario::Behaviour;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Runs to its end before the next starts.
    Init,
    /// An init container with `restartPolicy: Always`.
    Sidecar,
    Main,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Waiting { reason: &'static str, message: String },
    Running { since: Timestamp },
    Ended(Ended),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    pub code: i32,
    pub reason: &'static str,
    pub message: String,
    pub started: Timestamp,
    pub finished: Timestamp,
    pub id: Box<str>,
}

/// What of its probes a simulated container shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Probes {
    pub startup: bool,
    pub readiness: bool,
    pub first: Duration,
    pub period: Duration,
    /// `http://:18789/healthz`, without the host.
    pub target: Box<str>,
}

#[derive(Debug, Clone)]
pub(super) struct Container {
    pub name: Box<str>,
    pub image: Box<str>,
    pub role: Role,
    pub policy: Policy,
    pub probes: Probes,
    pub needs: Box<[Need]>,
    pub state: State,
    pub last: Option<Ended>,
    pub restarts: u64,
    pub ready: bool,
    pub started: bool,
    pub id: Box<str>,
    pub backoff: Duration,
    pub pulls: u32,
    pub behaviour: Box<Behaviour>,
}

impl Container {
    pub(super) fn new(spec: &Value, init: bool, waits_for: &'static str) -> Self {
        let role = match (init, spec["restartPolicy"] == "Always") {
            (true, true) => Role::Sidecar,
            (true, false) => Role::Init,
            (false, _) => Role::Main,
        };
        Self {
            name: text_at(spec, &["name"]).into(),
            image: text_at(spec, &["image"]).into(),
            role,
            policy: policy(spec),
            probes: probes(spec),
            needs: needs::of_container(spec),
            state: State::Waiting { reason: waits_for, message: String::new() },
            last: None,
            restarts: 0,
            ready: false,
            started: false,
            id: "".into(),
            backoff: Duration::ZERO,
            pulls: 0,
            behaviour: Box::default(),
        }
    }

    /// How events name this container.
    pub(super) fn field_path(&self) -> String {
        let list = if self.role == Role::Main { "containers" } else { "initContainers" };
        format!("spec.{list}{{{}}}", self.name)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// This life and the one before, as far as its status tells of them.
    pub(super) fn lives(&self) -> impl Iterator<Item = Span> {
        let over = |e: &Ended| (e.id.clone(), e.started, Some(e.finished));
        let now = match &self.state {
            State::Running { since } => Some((self.id.clone(), *since, None)),
            State::Ended(e) => Some(over(e)),
            State::Waiting { .. } => None,
        };
        now.into_iter().chain(self.last.as_ref().map(over))
    }

    /// An init container that has done its part.
    pub(super) fn is_through(&self) -> bool {
        match self.role {
            Role::Init => matches!(&self.state, State::Ended(e) if e.code == 0),
            Role::Sidecar => self.started,
            Role::Main => false,
        }
    }

    pub(super) fn new_id(&mut self, pod_uid: &str) {
        let count = self.restarts.to_string();
        self.id = format!("containerd://{}", Dice(0).hex(&[pod_uid, &self.name, &count], 64)).into();
    }

    /// The entry of `containerStatuses` or `initContainerStatuses`.
    pub(super) fn status(&self, spec: &Value) -> Value {
        let has_run = !self.id.is_empty();
        let mut status = json!({
            "name": &*self.name,
            "image": if has_run { images::normal(&self.image) } else { self.image.to_string() },
            "imageID": if has_run { images::id(&self.image) } else { String::new() },
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            "state": state(&self.state),
            "lastState": self.last.as_ref().map_or_else(|| json!({}), |e| json!({"terminated": ended(e)})),
        });
        if has_run {
            status["containerID"] = (&*self.id).into();
            let resources = &spec["resources"];
            if resources["requests"].is_object() {
                status["allocatedResources"] = resources["requests"].clone();
            }
            status["resources"] = if resources.is_object() { resources.clone() } else { json!({}) };
        }
        let mounts: Vec<Value> = items(spec, &["volumeMounts"])
            .iter()
            .map(|m| {
                let mut mount = json!({"name": m["name"], "mountPath": m["mountPath"]});
                if m["readOnly"] == true {
                    mount["readOnly"] = true.into();
                    mount["recursiveReadOnly"] = "Disabled".into();
                }
                mount
            })
            .collect();
        if !mounts.is_empty() {
            status["volumeMounts"] = mounts.into();
        }
        status
    }
}

fn state(state: &State) -> Value {
    match state {
        State::Waiting { reason, message } => {
            let mut waiting = json!({"reason": reason});
            if !message.is_empty() {
                waiting["message"] = message.as_str().into();
            }
            json!({"waiting": waiting})
        }
        State::Running { since } => json!({"running": {"startedAt": stamp(*since)}}),
        State::Ended(e) => json!({"terminated": ended(e)}),
    }
}

fn ended(e: &Ended) -> Value {
    let mut out = Map::new();
    out.insert("exitCode".into(), e.code.into());
    out.insert("reason".into(), e.reason.into());
    if !e.message.is_empty() {
        out.insert("message".into(), e.message.as_str().into());
    }
    out.insert("startedAt".into(), stamp(e.started).into());
    out.insert("finishedAt".into(), stamp(e.finished).into());
    out.insert("containerID".into(), (&*e.id).into());
    Value::Object(out)
}

fn policy(spec: &Value) -> Policy {
    let image = text_at(spec, &["image"]);
    match text_at(spec, &["imagePullPolicy"]) {
        "Always" => Policy::Always,
        "Never" => Policy::Never,
        "" if matches!(images::tag(image), "" | "latest") && !image.contains('@') => Policy::Always,
        _ => Policy::IfNotPresent,
    }
}

fn probes(spec: &Value) -> Probes {
    let (startup, readiness) = (&spec["startupProbe"], &spec["readinessProbe"]);
    let probe = if startup.is_object() { startup } else { readiness };
    let seconds = |key: &str, usual: u64| Duration::from_secs(probe[key].as_u64().unwrap_or(usual));
    let (delay, period) = (seconds("initialDelaySeconds", 0), seconds("periodSeconds", 10));
    let (http, tcp) = (&probe["httpGet"], &probe["tcpSocket"]);
    let port = |p: &Value| match p {
        Value::Number(n) => n.to_string(),
        Value::String(name) => items(spec, &["ports"])
            .iter()
            .find(|p| p["name"] == *name)
            .map_or_else(|| name.clone(), |p| p["containerPort"].to_string()),
        _ => String::new(),
    };
    let target = if http.is_object() {
        let scheme = text_at(http, &["scheme"]).to_lowercase();
        let scheme = if scheme.is_empty() { "http" } else { &scheme };
        format!("{scheme}://:{}{}", port(&http["port"]), text_at(http, &["path"]))
    } else if tcp.is_object() {
        format!("tcp://:{}", port(&tcp["port"]))
    } else {
        String::new()
    };
    Probes {
        startup: startup.is_object(),
        readiness: readiness.is_object(),
        first: delay + period,
        period: period.max(Duration::from_secs(1)),
        target: target.into(),
    }
}
