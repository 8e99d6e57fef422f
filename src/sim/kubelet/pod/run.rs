//! The way up: sandbox, images, init containers one by one, main containers, probes, crashes and back-off.

use std::time::Duration;

use jiff::Timestamp;

use super::{Env, Failure, Pod, Restart, Todo};
use crate::sim::controllers::Ctx;
use crate::sim::controllers::events::Type;
use crate::sim::controllers::queue::{after, since};
use crate::sim::controllers::volumes::{self, attachment};
use crate::sim::kinds::{PVC, SECRET};
use crate::sim::kubelet::container::{Role, State};
use crate::sim::kubelet::images::{self, Ask, Fetch};
use crate::sim::kubelet::needs;
use crate::sim::object::text_at;
use crate::sim::scenario::Fault;

const FIRST_BACKOFF: Duration = Duration::from_secs(10);
const LAST_BACKOFF: Duration = Duration::from_secs(300);
/// A container that ran so long starts its back-off anew.
const FORGIVEN: Duration = Duration::from_secs(600);
/// How soon the kubelet looks at a pod again that could not go on.
const SYNC: Duration = Duration::from_secs(12);
const LAST_MOUNT_WAIT: Duration = Duration::from_secs(122);

impl Pod {
    pub(super) fn make_sandbox(&mut self, at: Timestamp, env: &mut Env<'_>) {
        if let Some((reason, message)) = self.cannot_mount(env) {
            self.event(env.ctx, Type::Warning, reason, message);
            let wait = Duration::from_millis(500).saturating_mul(1 << self.mount_tries.min(8));
            self.mount_tries += 1;
            self.plan(after(at, wait.min(LAST_MOUNT_WAIT)), Todo::Sandbox);
            return;
        }
        for claim in &self.claims {
            volumes::mounted(env.ctx, &self.namespace, claim, &self.node);
            env.network.attach(&self.namespace, claim, &self.node, &self.uid);
            if let Some(order) = attachment::attached(env.ctx, &self.namespace, claim, &self.node) {
                env.network.order(&self.uid, order);
            }
        }
        self.sandbox = true;
        self.ip = env.network.address(&self.node, &self.uid);
        self.go_on(at, env);
    }

    /// Why there is no sandbox yet: the event's reason and message.
    fn cannot_mount(&self, env: &mut Env<'_>) -> Option<(&'static str, String)> {
        let store = &env.ctx.store;
        let volume_of = |claim: &str| {
            let claim = store.get(PVC, &self.namespace, claim);
            claim.as_deref().map_or("", |c| text_at(c, &["spec", "volumeName"])).to_owned()
        };
        for claim in &self.claims {
            if let Some(why) = needs::claim_missing(store, &self.namespace, claim) {
                return Some(("FailedMount", format!("Unable to attach or mount volumes: {why}")));
            }
            if env.network.attached_elsewhere(&self.namespace, claim, &self.node).is_some() {
                let message = format!(
                    "Multi-Attach error for volume \"{}\" Volume is already exclusively attached to one node and can't be attached to another",
                    volume_of(claim)
                );
                return Some(("FailedAttachVolume", message));
            }
        }
        let behaviour = self.pod_behaviour(env.ctx);
        if behaviour.strikes(Fault::AttachFail, u64::from(self.mount_tries))
            && let Some(claim) = self.claims.first()
        {
            let why = behaviour.message.unwrap_or_else(|| {
                "rpc error: code = Internal desc = could not attach the disk: the node has no free slot".into()
            });
            if let Some(order) = attachment::failed(env.ctx, &self.namespace, claim, &self.node, &why) {
                env.network.order(&self.uid, order);
            }
            let message = format!("AttachVolume.Attach failed for volume \"{}\" : {why}", volume_of(claim));
            return Some(("FailedAttachVolume", message));
        }
        if behaviour.strikes(Fault::MountFail, u64::from(self.mount_tries))
            && let Some(claim) = self.claims.first()
        {
            let why = behaviour.message.unwrap_or_else(|| {
                "rpc error: code = Internal desc = mount failed: wrong fs type, bad superblock".into()
            });
            let message = format!("MountVolume.MountDevice failed for volume \"{}\" : {why}", volume_of(claim));
            return Some(("FailedMount", message));
        }
        if behaviour.strikes(Fault::SandboxFail, u64::from(self.mount_tries)) {
            let why = behaviour.message.unwrap_or_else(|| {
                "plugin type=\"bridge\" failed (add): no IP addresses available in range set".into()
            });
            let message = format!(
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: {why}"
            );
            return Some(("FailedCreatePodSandBox", message));
        }
        self.mounts.iter().find_map(|need| {
            let why = need.missing(store, &self.namespace)?;
            Some(("FailedMount", format!("MountVolume.SetUp failed for volume \"{}\" : {why}", need.volume)))
        })
    }

    /// Begins the next container that can begin.
    pub(super) fn go_on(&mut self, at: Timestamp, env: &mut Env<'_>) {
        if self.stopping || self.failure.is_some() {
            return;
        }
        let next = self.containers.iter().position(|c| c.role != Role::Main && !c.is_through());
        let begin = match next {
            Some(i) => vec![i],
            None => self.indices(|c| c.role == Role::Main),
        };
        for i in begin {
            let c = &self.containers[i];
            let fresh = matches!(c.state, State::Waiting { .. })
                && c.last.is_none()
                && !self.agenda.iter().any(|(_, t)| t.container() == Some(i));
            if fresh {
                let wait = self.draw(env.ctx, c.behaviour.start, &format!("start {}", c.name), c.restarts);
                self.plan(after(at, wait), Todo::Start(i));
            }
        }
    }

    pub(super) fn start(&mut self, i: usize, at: Timestamp, env: &mut Env<'_>) {
        let c = &self.containers[i];
        let ask = Ask { node: &self.node, image: &c.image, policy: c.policy, restarts: u64::from(c.pulls), at };
        let image = c.image.to_string();
        match env.images.fetch(&ask, &env.ctx.scenario, &c.behaviour, env.ctx.dice) {
            Fetch::Present => {
                let message = format!("Container image \"{image}\" already present on machine");
                self.container_event(env.ctx, i, Type::Normal, "Pulled", message);
                self.create(i, at, env);
            }
            Fetch::Until(until) => {
                self.look_for_pull_secrets(env.ctx);
                self.container_event(env.ctx, i, Type::Normal, "Pulling", format!("Pulling image \"{image}\""));
                self.plan(until, Todo::Pulled(i, at));
            }
            Fetch::Refused(when, why) => {
                self.look_for_pull_secrets(env.ctx);
                self.container_event(env.ctx, i, Type::Normal, "Pulling", format!("Pulling image \"{image}\""));
                self.plan(when, Todo::Refused(i, why));
            }
            Fetch::Never => {
                let message = format!("Container image \"{image}\" is not present with pull policy of Never");
                self.container_event(env.ctx, i, Type::Warning, "ErrImageNeverPull", message.clone());
                self.cannot_start(i, "ErrImageNeverPull", message, at, env);
            }
            Fetch::Malformed => {
                let message = format!(
                    "Failed to apply default image tag \"{image}\": couldn't parse image name \"{image}\": invalid reference format"
                );
                self.container_event(env.ctx, i, Type::Warning, "InspectFailed", message.clone());
                self.cannot_start(i, "InvalidImageName", message, at, env);
            }
        }
    }

    /// The kubelet says which image pull secrets it has not found, and pulls without them.
    fn look_for_pull_secrets(&self, ctx: &Ctx) {
        let missing: Vec<&str> = self
            .pull_secrets
            .iter()
            .map(|name| &**name)
            .filter(|name| ctx.store.get(SECRET, &self.namespace, name).is_none())
            .collect();
        if !missing.is_empty() {
            let message = format!(
                "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
                missing.join(", ")
            );
            self.event(ctx, Type::Warning, "FailedToRetrieveImagePullSecret", message);
        }
    }

    fn cannot_start(&mut self, i: usize, reason: &'static str, message: String, at: Timestamp, env: &mut Env<'_>) {
        self.container_event(env.ctx, i, Type::Warning, "Failed", format!("Error: {reason}"));
        self.wait(i, reason, message);
        self.plan(after(at, SYNC), Todo::Start(i));
    }

    fn wait(&mut self, i: usize, reason: &'static str, message: String) {
        self.containers[i].state = State::Waiting { reason, message };
    }

    pub(super) fn pulled(&mut self, i: usize, began: Timestamp, at: Timestamp, env: &mut Env<'_>) {
        let image = self.containers[i].image.to_string();
        let size = env.ctx.scenario.image.iter().find(|s| s.reference.matches(&image)).map_or(0, |s| s.size.value());
        let took = go_duration(since(began, at));
        let message = format!(
            "Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: {size} bytes."
        );
        self.container_event(env.ctx, i, Type::Normal, "Pulled", message);
        images::post(env.ctx, &self.node, &image, size);
        self.containers[i].pulls = 0;
        self.create(i, at, env);
    }

    pub(super) fn pull_refused(&mut self, i: usize, why: String, at: Timestamp, env: &mut Env<'_>) {
        let image = self.containers[i].image.to_string();
        let message = format!("Failed to pull image \"{image}\": {why}");
        self.container_event(env.ctx, i, Type::Warning, "Failed", message);
        self.container_event(env.ctx, i, Type::Warning, "Failed", "Error: ErrImagePull".into());
        self.wait(i, "ErrImagePull", why.clone());
        self.plan(after(at, Duration::from_secs(2)), Todo::PullBackOff(i, why));
    }

    pub(super) fn pull_back_off(&mut self, i: usize, why: &str, at: Timestamp, env: &mut Env<'_>) {
        let image = self.containers[i].image.to_string();
        let message = format!("Back-off pulling image \"{image}\"");
        self.container_event(env.ctx, i, Type::Normal, "BackOff", message.clone());
        self.container_event(env.ctx, i, Type::Warning, "Failed", "Error: ImagePullBackOff".into());
        self.wait(i, "ImagePullBackOff", format!("{message}: ErrImagePull: {why}"));
        let wait = FIRST_BACKOFF.saturating_mul(1 << self.containers[i].pulls.min(8)).min(LAST_BACKOFF);
        self.containers[i].pulls += 1;
        self.plan(after(at, wait), Todo::Start(i));
    }

    pub(super) fn create(&mut self, i: usize, at: Timestamp, env: &mut Env<'_>) {
        let missing = self.containers[i].needs.iter().find_map(|n| n.missing(&env.ctx.store, &self.namespace));
        let (c, uid) = (&self.containers[i], &self.uid);
        let fails = |fault, usually: &str| {
            let strikes = c.behaviour.strikes(fault, c.restarts);
            strikes.then(|| c.behaviour.message.clone().unwrap_or_else(|| usually.to_owned()))
        };
        let as_root =
            format!("container has runAsNonRoot and image will run as root (pod: \"{uid}\", container: {})", c.name);
        let config = missing.or_else(|| fails(Fault::ConfigError, &as_root));
        let cannot = config.map(|why| ("CreateContainerConfigError", why)).or_else(|| {
            let why = fails(Fault::CreateError, "failed to generate container spec: no command specified")?;
            Some(("CreateContainerError", why))
        });
        if let Some((reason, why)) = cannot {
            self.container_event(env.ctx, i, Type::Warning, "Failed", format!("Error: {why}"));
            self.wait(i, reason, why);
            self.plan(after(at, SYNC), Todo::Create(i));
            return;
        }
        let uid = self.uid.clone();
        let c = &mut self.containers[i];
        if let State::Ended(ended) = &c.state {
            c.last = Some(ended.clone());
        }
        if c.last.is_some() {
            c.restarts += 1;
        }
        c.new_id(&uid);
        c.state = State::Running { since: at };
        c.ready = false;
        c.started = false;
        let name = c.name.clone();
        self.container_event(env.ctx, i, Type::Normal, "Created", format!("Created container: {name}"));
        self.container_event(env.ctx, i, Type::Normal, "Started", format!("Started container {name}"));
        self.plan_running(i, at, at, env.ctx);
    }

    /// Plans the life of a container that has been running since `since`.
    pub(super) fn plan_running(&mut self, i: usize, since: Timestamp, now: Timestamp, ctx: &Ctx) {
        let c = &self.containers[i];
        let (b, name, restarts) = (c.behaviour.clone(), c.name.clone(), c.restarts);
        let draw = |span, what: &str| self.draw(ctx, span, &format!("{what} {name}"), restarts);
        let at = |wait: Duration| after(since, wait).max(now);
        let struck = |fault| b.strikes(fault, restarts);
        if struck(Fault::Oom) {
            self.plan(at(draw(b.after, "after")), Todo::End(i, 137, "OOMKilled"));
        } else if struck(Fault::Crash) || struck(Fault::Fail) {
            let reason = if b.exit_code == 0 { "Completed" } else { "Error" };
            self.plan(at(draw(b.after, "after")), Todo::End(i, b.exit_code, reason));
        } else if struck(Fault::ProbeKill) {
            self.plan(at(draw(b.after, "after")), Todo::ProbeKills(i));
        } else if !struck(Fault::Hang) {
            let ends = c.role == Role::Init || c.role == Role::Main && self.restart != Restart::Always;
            if ends {
                self.plan(at(draw(b.run, "run")), Todo::End(i, 0, "Completed"));
            }
        }
        if self.containers[i].role != Role::Init {
            let takes = self.draw(ctx, b.ready, &format!("ready {name}"), restarts);
            self.plan_readiness(i, since, now, takes);
        }
    }

    fn plan_readiness(&mut self, i: usize, since: Timestamp, now: Timestamp, takes: Duration) {
        let c = &mut self.containers[i];
        let at = |wait: Duration| after(since, wait).max(now);
        let never = c.behaviour.strikes(Fault::NeverReady, c.restarts);
        let probed = c.probes.startup || c.probes.readiness;
        let takes = if probed { takes } else { Duration::ZERO };
        let mut plans = vec![];
        if !c.started {
            let started = if c.probes.startup { takes.mul_f64(0.8) } else { Duration::ZERO };
            plans.push((at(started), Todo::Started(i)));
        }
        if never {
            c.ready = false;
        } else if !c.ready {
            plans.push((at(takes), Todo::Ready(i)));
        }
        if probed && (never || c.probes.first < takes) && !c.ready {
            plans.push((at(c.probes.first), Todo::ProbeFails(i)));
        }
        self.agenda.extend(plans);
    }

    pub(super) fn probe_fails(&mut self, i: usize, at: Timestamp, env: &mut Env<'_>) {
        let c = &self.containers[i];
        if c.ready || !c.is_running() {
            return;
        }
        let which = if c.probes.startup && !c.started { "Startup" } else { "Readiness" };
        let target = c.probes.target.replacen("://:", &format!("://{}:", self.ip), 1);
        let why = match &c.behaviour.message {
            Some(message) if c.behaviour.fault == Fault::NeverReady => message.clone(),
            _ if target.is_empty() => "command terminated with exit code 1".to_owned(),
            _ if c.started && target.starts_with("http") => "HTTP probe failed with statuscode: 503".to_owned(),
            _ => {
                let host = target.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
                let dial = format!("dial tcp {host}: connect: connection refused");
                if target.starts_with("http") { format!("Get \"{target}\": {dial}") } else { dial }
            }
        };
        let period = c.probes.period;
        self.container_event(env.ctx, i, Type::Warning, "Unhealthy", format!("{which} probe failed: {why}"));
        self.plan(after(at, period), Todo::ProbeFails(i));
    }

    /// The liveness probe has failed often enough.
    pub(super) fn probe_kills(&mut self, i: usize, at: Timestamp, env: &mut Env<'_>) {
        let c = &self.containers[i];
        let (name, target) = (c.name.clone(), c.probes.target.replacen("://:", &format!("://{}:", self.ip), 1));
        let why =
            format!("Get \"{target}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
        self.container_event(env.ctx, i, Type::Warning, "Unhealthy", format!("Liveness probe failed: {why}"));
        let message = format!("Container {name} failed liveness probe, will be restarted");
        self.container_event(env.ctx, i, Type::Normal, "Killing", message);
        self.ended(i, 137, "Error", at, env);
    }

    pub(super) fn ended(&mut self, i: usize, code: i32, reason: &'static str, at: Timestamp, env: &mut Env<'_>) {
        let ended = self.end_of(i, code, reason, at);
        let ran = since(ended.started, at);
        self.agenda.retain(|(_, t)| t.container() != Some(i));
        let c = &mut self.containers[i];
        c.state = State::Ended(ended);
        c.started = false;
        c.ready = c.role == Role::Init && code == 0;
        if c.ready {
            self.go_on(at, env);
            return;
        }
        let again = c.role == Role::Sidecar
            || match self.restart {
                Restart::Always => true,
                Restart::OnFailure => code != 0,
                Restart::Never => false,
            };
        if again {
            self.restart_later(i, ran, at, env);
        } else if c.role == Role::Init {
            self.fail(Failure { reason: "", message: String::new() }, at);
        }
    }

    /// The first restart comes at once, later ones after a back-off that doubles.
    fn restart_later(&mut self, i: usize, ran: Duration, at: Timestamp, env: &mut Env<'_>) {
        let c = &mut self.containers[i];
        if ran >= FORGIVEN {
            c.backoff = Duration::ZERO;
        }
        if c.backoff.is_zero() {
            c.backoff = FIRST_BACKOFF;
            self.plan(after(at, Duration::from_secs(1)), Todo::Start(i));
            return;
        }
        let wait = c.backoff;
        c.backoff = (wait * 2).min(LAST_BACKOFF);
        if let State::Ended(ended) = &c.state {
            c.last = Some(ended.clone());
        }
        let name = c.name.clone();
        let who = format!("{}_{}({})", self.name, self.namespace, self.uid);
        let message = format!("back-off {} restarting failed container={name} pod={who}", go_duration(wait));
        self.wait(i, "CrashLoopBackOff", message);
        let message = format!("Back-off restarting failed container {name} in pod {who}");
        self.container_event(env.ctx, i, Type::Warning, "BackOff", message);
        self.plan(after(at, wait), Todo::Start(i));
    }

    /// A running container whose image was changed is stopped and started with the new one.
    pub(super) fn change_image(&mut self, i: usize, image: &str, now: Timestamp, env: &mut Env<'_>) {
        let Some(c) = self.containers.get_mut(i) else { return };
        if &*c.image == image || c.is_through() && c.role == Role::Init {
            return;
        }
        c.image = image.into();
        c.pulls = 0;
        let running = c.is_running();
        *self.containers[i].behaviour = self.behaviour_of(i, env.ctx);
        if running && !self.stopping {
            let message = format!("Container {} definition changed, will be restarted", self.containers[i].name);
            self.container_event(env.ctx, i, Type::Normal, "Killing", message);
            self.containers[i].backoff = Duration::ZERO;
            self.ended(i, 0, "Completed", now, env);
        } else if self.agenda.iter().any(|(_, t)| matches!(t, Todo::Start(n) | Todo::PullBackOff(n, _) if *n == i)) {
            // Another reference is another question: its back-off does not count.
            self.agenda.retain(|(_, t)| t.container() != Some(i));
            self.plan(now, Todo::Start(i));
        }
    }

    pub(super) fn evict(&mut self, at: Timestamp, env: &mut Env<'_>) {
        let behaviour = self.pod_behaviour(env.ctx);
        let message = behaviour.message.unwrap_or_else(|| {
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 61Mi. ".to_owned()
        });
        self.event(env.ctx, Type::Warning, "Evicted", message.clone());
        self.fail(Failure { reason: "Evicted", message }, at);
    }
}

/// `1m20s`, `5m0s`, `2.345s`, as Go prints durations.
pub(super) fn go_duration(d: Duration) -> String {
    let (minutes, seconds) = (d.as_secs() / 60, d.as_secs() % 60);
    let millis = d.subsec_millis();
    if minutes == 0 && seconds == 0 {
        return if millis == 0 { "0s".into() } else { format!("{millis}ms") };
    }
    let part = if millis == 0 { String::new() } else { format!(".{millis:03}").trim_end_matches('0').to_owned() };
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}{part}s"),
        (0, m) => format!("{m}m{seconds}{part}s"),
        (h, m) => format!("{h}h{m}m{seconds}{part}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_gos() {
        let check = |ms: u64, expect: &str| assert_eq!(go_duration(Duration::from_millis(ms)), expect);
        check(0, "0s");
        check(950, "950ms");
        check(10_000, "10s");
        check(80_000, "1m20s");
        check(300_000, "5m0s");
        check(2345, "2.345s");
        check(2300, "2.3s");
        check(3_600_000, "1h0m0s");
    }
}
