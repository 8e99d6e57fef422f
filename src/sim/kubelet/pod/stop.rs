//! The way down: a deletion with its grace period, and the ends that a pod does not choose.

use std::time::Duration;

use jiff::Timestamp;

use super::{Env, Failure, Pod, Todo};
use crate::sim::controllers::events::Type;
use crate::sim::controllers::queue::after;
use crate::sim::kubelet::container::{Container, Role, State};
use crate::sim::scenario::Fault;

impl Pod {
    /// The pod is to be deleted. True if that is news.
    pub(super) fn begin_stopping(&mut self, grace: Option<Duration>, now: Timestamp, env: &mut Env<'_>) -> bool {
        if self.stopping {
            return false;
        }
        self.look_for_pod_fault(now, env.ctx);
        self.stopping = true;
        self.agenda.clear();
        let running = self.indices(Container::is_running);
        for i in &running {
            let message = format!("Stopping container {}", self.containers[*i].name);
            self.container_event(env.ctx, *i, Type::Normal, "Killing", message);
        }
        if self.pod_fault == Fault::StuckTerminating {
            return true;
        }
        let grace = grace.unwrap_or(self.grace);
        let needs = |i: &usize| {
            let c = &self.containers[*i];
            self.draw(env.ctx, c.behaviour.stop, &format!("stop {}", c.name), 0)
        };
        let takes = running.iter().map(needs).max().unwrap_or_default();
        // What does not end by itself is killed when the grace is over.
        self.killed = takes > grace;
        self.plan(after(now, takes.min(grace)), Todo::Stop);
        true
    }

    /// All containers have ended: the last status, then the kubelet lets the pod go.
    pub(super) fn stop(&mut self, at: Timestamp) {
        for i in self.indices(Container::is_running) {
            let (code, reason) = if self.killed { (137, "Error") } else { (0, "Completed") };
            let ended = self.end_of(i, code, reason, at);
            let c = &mut self.containers[i];
            c.state = State::Ended(ended);
            c.ready = false;
            c.started = false;
        }
        self.plan(after(at, Duration::from_millis(50)), Todo::Gone);
    }

    /// The pod as a whole has failed: what runs is killed, nothing is started again.
    pub(super) fn fail(&mut self, failure: Failure, at: Timestamp) {
        self.agenda.clear();
        for i in self.indices(Container::is_running) {
            let ended = self.end_of(i, 137, "Error", at);
            self.containers[i].state = State::Ended(ended);
        }
        for c in &mut self.containers {
            c.ready = c.role == Role::Init && c.is_through();
            c.started = false;
        }
        self.failure = Some(failure);
    }
}
