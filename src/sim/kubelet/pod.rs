//! One pod on its node: a small state machine with an agenda. It does what is due and says when it wants to be called again.

mod found;
mod run;
mod status;
mod stop;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::container::{Container, Ended, Role, State};
use super::images::Images;
use super::needs::{self, Need};
use super::network::Network;
use crate::sim::controllers::Ctx;
use crate::sim::controllers::events::{Source, Type};
use crate::sim::controllers::objects::{claims_of, items, node_of};
use crate::sim::controllers::queue::after;
use crate::sim::controllers::scheduler::fit::selects;
use crate::sim::kinds::{NODE, POD};
use crate::sim::object::{is_terminating, name_of, namespace_of, text_at, uid_of};
use crate::sim::scenario::{Behaviour, Fault, Place, Span};

/// Until a kubelet says that it does not take a pod. A real one is ten times as fast, and so is whoever makes the next.
const REJECTED: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Restart {
    Always,
    OnFailure,
    Never,
}

/// Something that will happen. The number is a container's.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Todo {
    /// Mount the volumes, make the sandbox.
    Sandbox,
    /// Get the image, then create.
    Start(usize),
    /// The pull began then, and is done.
    Pulled(usize, Timestamp),
    Refused(usize, String),
    PullBackOff(usize, String),
    Create(usize),
    Started(usize),
    Ready(usize),
    ProbeFails(usize),
    ProbeKills(usize),
    End(usize, i32, &'static str),
    Evict,
    /// The kubelet does not take what was bound to its node.
    Reject,
    Deadline,
    Stop,
    Gone,
}

impl Todo {
    fn container(&self) -> Option<usize> {
        match self {
            Self::Start(i)
            | Self::Pulled(i, _)
            | Self::Refused(i, _)
            | Self::PullBackOff(i, _)
            | Self::Create(i)
            | Self::Started(i)
            | Self::Ready(i)
            | Self::ProbeFails(i)
            | Self::ProbeKills(i)
            | Self::End(i, ..) => Some(*i),
            Self::Sandbox | Self::Evict | Self::Reject | Self::Deadline | Self::Stop | Self::Gone => None,
        }
    }
}

/// What the node lends to its pods.
pub(super) struct Env<'a> {
    pub ctx: &'a Ctx,
    pub images: &'a mut Images,
    pub network: &'a mut Network,
}

/// How the pod as a whole ended, where it did not end by itself.
#[derive(Debug, Clone)]
struct Failure {
    reason: &'static str,
    message: String,
}

pub(super) struct Pod {
    pub uid: Box<str>,
    pub namespace: Box<str>,
    pub name: Box<str>,
    pub node: Box<str>,
    /// The node's address.
    host: String,
    generation: i64,
    restart: Restart,
    grace: Duration,
    containers: Vec<Container>,
    mounts: Box<[Need]>,
    claims: Box<[Box<str>]>,
    pull_secrets: Box<[Box<str>]>,
    mount_tries: u32,
    gates: Box<[Box<str>]>,
    sandbox: bool,
    ip: String,
    began: Timestamp,
    failure: Option<Failure>,
    stopping: bool,
    /// The grace period was shorter than the processes needed.
    killed: bool,
    pod_fault: Fault,
    agenda: Vec<(Timestamp, Todo)>,
    /// The kubelet's last word: nothing more is to be written.
    pub gone: bool,
}

impl Pod {
    pub(super) fn new(object: &Value, env: &mut Env<'_>) -> Self {
        let now = env.ctx.store.now();
        let inits = items(object, &["spec", "initContainers"]);
        let waits_for = if inits.is_empty() { "ContainerCreating" } else { "PodInitializing" };
        let main = items(object, &["spec", "containers"]);
        let containers: Vec<Container> = inits
            .iter()
            .map(|c| Container::new(c, true, waits_for))
            .chain(main.iter().map(|c| Container::new(c, false, waits_for)))
            .collect();
        let mut pod = Self {
            uid: uid_of(object).into(),
            namespace: namespace_of(object).into(),
            name: name_of(object).into(),
            node: node_of(object).into(),
            host: env.network.host(node_of(object)),
            generation: object["metadata"]["generation"].as_i64().unwrap_or(1),
            restart: match text_at(object, &["spec", "restartPolicy"]) {
                "Never" => Restart::Never,
                "OnFailure" => Restart::OnFailure,
                _ => Restart::Always,
            },
            grace: Duration::from_secs(object["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30)),
            containers,
            mounts: needs::of_volumes(object),
            claims: claims_of(object).map(Into::into).collect(),
            pull_secrets: items(object, &["spec", "imagePullSecrets"])
                .iter()
                .map(|s| text_at(s, &["name"]).into())
                .collect(),
            mount_tries: 0,
            gates: items(object, &["spec", "readinessGates"])
                .iter()
                .map(|g| text_at(g, &["conditionType"]).into())
                .collect(),
            sandbox: false,
            ip: String::new(),
            began: now,
            failure: None,
            stopping: false,
            killed: false,
            pod_fault: Fault::None,
            agenda: vec![],
            gone: false,
        };
        for i in 0..pod.containers.len() {
            *pod.containers[i].behaviour = pod.behaviour_of(i, env.ctx);
        }
        let start =
            pod.containers.first().map_or(Duration::ZERO, |c| pod.draw(env.ctx, c.behaviour.start, "sandbox", 0));
        pod.plan(after(now, start), Todo::Sandbox);
        if let Some(seconds) = object["spec"]["activeDeadlineSeconds"].as_u64() {
            pod.plan(after(now, Duration::from_secs(seconds)), Todo::Deadline);
        }
        pod.look_for_pod_fault(now, env.ctx);
        let node = env.ctx.store.get(NODE, "", &pod.node);
        if node.is_some_and(|node| !selects(object, |key| node["metadata"]["labels"][key].as_str())) {
            pod.agenda = vec![(after(now, REJECTED), Todo::Reject)];
        }
        pod
    }

    /// When there is something to do next.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.iter().map(|(at, _)| *at).min()
    }

    /// Does all that is due, in order; true if there was anything.
    pub(super) fn advance(&mut self, env: &mut Env<'_>) -> bool {
        let now = env.ctx.store.now();
        let mut any = false;
        while !self.gone {
            // The first among equals was planned first.
            let due =
                self.agenda.iter().enumerate().filter(|(_, (at, _))| *at <= now).min_by_key(|(i, (at, _))| (*at, *i));
            let Some((index, _)) = due else { break };
            let (at, todo) = self.agenda.remove(index);
            self.perform(at, todo, env);
            any = true;
        }
        any
    }

    /// The object changed: it is to be deleted, or runs another image. True if the status is to be written.
    pub(super) fn observe(&mut self, object: &Value, env: &mut Env<'_>) -> bool {
        let now = env.ctx.store.now();
        let mut changed = false;
        let generation = object["metadata"]["generation"].as_i64().unwrap_or(1);
        if generation != self.generation {
            self.generation = generation;
            changed = true;
            let specs = items(object, &["spec", "initContainers"]).iter().chain(items(object, &["spec", "containers"]));
            for (i, spec) in specs.enumerate() {
                self.change_image(i, text_at(spec, &["image"]), now, env);
            }
        }
        if is_terminating(object) {
            let grace = object["metadata"]["deletionGracePeriodSeconds"].as_u64();
            changed |= self.begin_stopping(grace.map(Duration::from_secs), now, env);
        }
        changed
    }

    /// Whether a readiness gate may have moved.
    pub(super) fn has_gates(&self) -> bool {
        !self.gates.is_empty()
    }

    /// The rules changed: what is planned is planned anew. True if the status is to be written.
    pub(super) fn rules_changed(&mut self, env: &mut Env<'_>) -> bool {
        let now = env.ctx.store.now();
        let mut changed = false;
        for i in 0..self.containers.len() {
            let behaviour = self.behaviour_of(i, env.ctx);
            if behaviour == *self.containers[i].behaviour {
                continue;
            }
            *self.containers[i].behaviour = behaviour;
            if let State::Running { since } = self.containers[i].state
                && !self.stopping
            {
                let of_running = |t: &Todo| matches!(t, Todo::Started(n) | Todo::Ready(n) | Todo::ProbeFails(n) | Todo::ProbeKills(n) | Todo::End(n, ..) if *n == i);
                self.agenda.retain(|(_, t)| !of_running(t));
                changed = true;
                self.plan_running(i, since, now, env.ctx);
            }
        }
        self.look_for_pod_fault(now, env.ctx);
        changed
    }

    fn look_for_pod_fault(&mut self, now: Timestamp, ctx: &Ctx) {
        let behaviour = self.pod_behaviour(ctx);
        if behaviour.fault == self.pod_fault {
            return;
        }
        let before = std::mem::replace(&mut self.pod_fault, behaviour.fault);
        self.agenda.retain(|(_, t)| *t != Todo::Evict);
        if behaviour.fault == Fault::Evict {
            self.plan(after(now, self.draw(ctx, behaviour.after, "evict", 0)), Todo::Evict);
        }
        if before == Fault::StuckTerminating && self.stopping {
            self.plan(now, Todo::Stop);
        }
    }

    fn perform(&mut self, at: Timestamp, todo: Todo, env: &mut Env<'_>) {
        match todo {
            Todo::Sandbox => self.make_sandbox(at, env),
            Todo::Start(i) => self.start(i, at, env),
            Todo::Pulled(i, since) => self.pulled(i, since, at, env),
            Todo::Refused(i, why) => self.pull_refused(i, why, at, env),
            Todo::PullBackOff(i, why) => self.pull_back_off(i, &why, at, env),
            Todo::Create(i) => self.create(i, at, env),
            Todo::Started(i) => {
                self.containers[i].started = true;
                if self.containers[i].role == Role::Sidecar {
                    self.go_on(at, env);
                }
            }
            Todo::Ready(i) => self.containers[i].ready = true,
            Todo::ProbeFails(i) => self.probe_fails(i, at, env),
            Todo::ProbeKills(i) => self.probe_kills(i, at, env),
            Todo::End(i, code, reason) => self.ended(i, code, reason, at, env),
            Todo::Evict => self.evict(at, env),
            Todo::Reject => {
                let message = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
                self.event(env.ctx, Type::Warning, "NodeAffinity", message.to_owned());
                self.fail(Failure { reason: "NodeAffinity", message: format!("Pod was rejected: {message}") }, at);
            }
            Todo::Deadline => {
                let message = "Pod was active on the node longer than the specified deadline";
                self.event(env.ctx, Type::Normal, "DeadlineExceeded", message.to_owned());
                self.fail(Failure { reason: "DeadlineExceeded", message: message.to_owned() }, at);
            }
            Todo::Stop => self.stop(at),
            Todo::Gone => self.gone = true,
        }
    }

    fn plan(&mut self, at: Timestamp, todo: Todo) {
        self.agenda.push((at, todo));
    }

    fn place<'a>(&'a self, container: Option<&'a Container>) -> Place<'a> {
        Place {
            namespace: Some(&self.namespace),
            pod: Some(&self.name),
            container: container.map(|c| &*c.name),
            image: container.map(|c| &*c.image),
            claim: None,
            node: Some(&self.node),
        }
    }

    fn behaviour_of(&self, i: usize, ctx: &Ctx) -> Behaviour {
        if ctx.scenario.instant {
            return Behaviour::default();
        }
        ctx.rules.at(&self.place(Some(&self.containers[i])))
    }

    fn pod_behaviour(&self, ctx: &Ctx) -> Behaviour {
        ctx.rules.at(&self.place(None))
    }

    /// A point of a span, the same for the same pod, thing and count in every run of a seed.
    fn draw(&self, ctx: &Ctx, span: Span, what: &str, count: u64) -> Duration {
        span.at(ctx.dice.unit(&[&self.namespace, &self.name, what, &count.to_string()]))
    }

    /// The pod as far as events name it.
    fn about(&self) -> Value {
        json!({"metadata": {"namespace": &*self.namespace, "name": &*self.name, "uid": &*self.uid}})
    }

    fn source(&self) -> Source {
        Source::Old { component: "kubelet", host: self.node.to_string() }
    }

    fn event(&self, ctx: &Ctx, r#type: Type, reason: &'static str, message: String) {
        ctx.events.note(self.source(), POD, &self.about(), r#type, reason, message);
    }

    fn container_event(&self, ctx: &Ctx, i: usize, r#type: Type, reason: &'static str, message: String) {
        let path = self.containers[i].field_path();
        ctx.events.note_part(self.source(), POD, &self.about(), &path, r#type, reason, message);
    }

    fn indices(&self, holds: impl Fn(&Container) -> bool) -> Vec<usize> {
        (0..self.containers.len()).filter(|i| holds(&self.containers[*i])).collect()
    }

    /// Writes the status into the store, unless the pod is gone or another has its name by now.
    pub(super) fn write(&self, ctx: &Ctx) {
        let now = ctx.store.now();
        ctx.lives.keep(&self.uid, self.containers.iter().flat_map(Container::lives).collect());
        let _ = ctx.store.modify(POD, &self.namespace, &self.name, |live| {
            if uid_of(live) == &*self.uid {
                self.write_status(live, now);
            }
        });
    }

    fn end_of(&self, i: usize, code: i32, reason: &'static str, at: Timestamp) -> Ended {
        let started = match &self.containers[i].state {
            State::Running { since } => *since,
            _ => at,
        };
        let id = self.containers[i].id.clone();
        let message = self.containers[i].behaviour.last_words.clone();
        Ended { code, reason, message, started, finished: at, id }
    }
}
