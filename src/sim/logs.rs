//! What containers write: a function of the container's life and the time, so nothing is stored, and the same life
//! always wrote the same lines.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::controllers::objects::{Dice, items};
use super::controllers::queue::{after, since};
use super::object::{name_of, namespace_of, text_at, uid_of};
use super::scenario::Behaviour;

/// One life of one container.
pub(crate) struct Life {
    container: String,
    init: bool,
    port: Option<u64>,
    seed: Dice,
    started: Timestamp,
    /// When and with which code it ended.
    ended: Option<(Timestamp, i64)>,
    period: Duration,
    /// What the node's clock adds to each time.
    skew: SignedDuration,
    text: Vec<String>,
}

/// When containers began and ended, to the nanosecond. A status has whole seconds only: a log that ended with the second
/// before would take lines back that somebody has read already, and one that began with it would begin before the end of the
/// container before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lives(Arc<Mutex<ByPod>>);

/// UID of a pod -> its containers' lives.
type ByPod = HashMap<Box<str>, Vec<Span>>;

/// From a container's start to its end, if it has ended, by the container's id.
pub(crate) type Span = (Box<str>, Timestamp, Option<Timestamp>);

impl Lives {
    /// Takes down those of a pod, in place of what was known before.
    pub(crate) fn keep(&self, pod_uid: &str, lives: Vec<Span>) {
        let mut known = self.lock();
        match known.get_mut(pod_uid) {
            Some(before) => *before = lives,
            None if lives.is_empty() => {}
            None => {
                known.insert(pod_uid.into(), lives);
            }
        }
    }

    pub(crate) fn forget(&self, pod_uid: &str) {
        self.lock().remove(pod_uid);
    }

    fn lock(&self) -> MutexGuard<'_, ByPod> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, pod_uid: &str, container_id: &str) -> Option<(Timestamp, Option<Timestamp>)> {
        let known = self.lock();
        let (_, started, ended) = known.get(pod_uid)?.iter().find(|(id, ..)| **id == *container_id)?;
        Some((*started, *ended))
    }
}

/// Which life of a container is asked for, and why there is none to show.
pub(crate) fn life(
    pod: &Value,
    container: &str,
    previous: bool,
    behaviour: &Behaviour,
    lives: &Lives,
) -> Result<Life, String> {
    let init = items(pod, &["spec", "initContainers"]).iter().any(|c| name_of_container(c) == container);
    let list = if init { "initContainerStatuses" } else { "containerStatuses" };
    let pod_name = name_of(pod);
    let status = items(pod, &["status", list]).iter().find(|c| name_of_container(c) == container);
    let starts = |why: &str| Err(format!("container \"{container}\" in pod \"{pod_name}\" is waiting to start: {why}"));
    let Some(status) = status else { return starts("ContainerCreating") };
    let (state, last) = (&status["state"], &status["lastState"]["terminated"]);
    let of = |run: &Value, id: &Value, is_over: bool| {
        let time = |key: &str| text_at(run, &[key]).parse::<Timestamp>().ok();
        let exactly = lives.of(uid_of(pod), id.as_str().unwrap_or_default());
        let started = exactly.map(|(started, _)| started).or(time("startedAt"))?;
        let end = exactly.and_then(|(_, ended)| ended).or(time("finishedAt"));
        Some((started, is_over.then(|| Some((end?, run["exitCode"].as_i64()?))).flatten()))
    };
    let running = |run: &Value| run.is_object().then(|| of(run, &status["containerID"], false)).flatten();
    let over = |run: &Value| run.is_object().then(|| of(run, &run["containerID"], true)).flatten();
    let (started, ended) = if previous {
        over(last)
            .ok_or_else(|| format!("previous terminated container \"{container}\" in pod \"{pod_name}\" not found"))?
    } else if let Some(life) = running(&state["running"]).or_else(|| over(&state["terminated"])).or_else(|| over(last))
    {
        life
    } else {
        return match text_at(state, &["waiting", "reason"]) {
            "ErrImagePull" => starts("image can't be pulled"),
            "ImagePullBackOff" => starts("trying and failing to pull image"),
            reason => starts(reason),
        };
    };
    let spec = items(pod, &["spec", if init { "initContainers" } else { "containers" }]);
    let spec = spec.iter().find(|c| name_of_container(c) == container);
    let usual = if init { Duration::from_millis(1300) } else { Duration::from_secs(10) };
    let period = behaviour.log_lines_per_second.map_or(usual, |n| Duration::from_secs_f64(1.0 / n));
    Ok(Life {
        container: container.to_owned(),
        init: init && !spec.is_some_and(|c| c["restartPolicy"] == "Always"),
        port: spec.and_then(|c| items(c, &["ports"]).first()?["containerPort"].as_u64()),
        seed: Dice(Dice(0).number(&[namespace_of(pod), uid_of(pod), container, &started.to_string()])),
        started,
        ended,
        period,
        skew: SignedDuration::try_from_secs_f64(behaviour.log_skew_seconds).unwrap_or_default(),
        text: behaviour.log_text.clone(),
    })
}

fn name_of_container(c: &Value) -> &str {
    text_at(c, &["name"])
}

/// Lines at the beginning of a life, before the regular ones.
const OPENING: u64 = 3;
const STEPS: [&str; 8] = [
    "checking",
    "comparing stamps of",
    "copying",
    "unpacking",
    "linking",
    "setting modes of",
    "verifying",
    "cleaning up after",
];
const THINGS: [&str; 8] = [
    "the cache",
    "the image",
    "node modules",
    "the workspace",
    "package lists",
    "the runtime",
    "the profile",
    "old files",
];

impl Life {
    /// Whether nothing will be added any more.
    pub(crate) fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// The same life, ended by a signal at a time unless it had ended before.
    pub(crate) fn ended_at(self, at: Timestamp) -> Life {
        Life { ended: self.ended.or(Some((at, 0))), ..self }
    }

    /// How many lines there are at a time.
    pub(crate) fn lines_at(&self, now: Timestamp) -> u64 {
        let until = self.ended.map_or(now, |(at, _)| at.min(now));
        if until < self.started {
            return 0;
        }
        let regular = since(self.started, until).as_nanos() / self.period.as_nanos().max(1);
        let last = u64::from(self.ended.is_some_and(|(at, code)| at <= now && code != 137));
        OPENING + u64::try_from(regular).unwrap_or(u64::MAX / 2) + last
    }

    /// When a line is written.
    pub(crate) fn time_of(&self, n: u64) -> Timestamp {
        let regular = u32::try_from((n + 1).saturating_sub(OPENING)).unwrap_or(u32::MAX);
        let at = match n {
            0 | 1 => after(self.started, Duration::from_millis(n * 5)),
            n if n < OPENING => after(self.started, Duration::from_millis(12)),
            _ => after(self.started, self.period.saturating_mul(regular)),
        };
        self.ended.map_or(at, |(end, _)| at.min(end))
    }

    /// When a line was written, by the clock of the node.
    pub(crate) fn stamp_of(&self, n: u64) -> Timestamp {
        self.by_node(self.time_of(n))
    }

    /// What the clock of the node shows at a time.
    pub(crate) fn by_node(&self, at: Timestamp) -> Timestamp {
        at.checked_add(self.skew).unwrap_or(at)
    }

    /// The first line that is not before a time of the node's clock.
    pub(crate) fn first_since(&self, at: Timestamp, lines: u64) -> u64 {
        let (mut low, mut high) = (0, lines);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.stamp_of(middle) < at { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The text of line `n` of `lines`.
    pub(crate) fn line(&self, n: u64, lines: u64) -> String {
        let who = &self.container;
        if let Some((_, code)) = self.ended.filter(|(_, code)| *code != 137 && n + 1 == lines) {
            return match (code, self.init) {
                (0, true) => format!("{who}: done"),
                (0, false) => format!("{who}: received SIGTERM, shutting down"),
                (code, _) => format!("{who}: fatal: giving up, exit code {code}"),
            };
        }
        match (n, self.init) {
            (0, true) => format!("{who}: begin"),
            (0, false) => format!("{who}: starting, pid 1"),
            (1, _) => format!("{who}: volumes are mounted, environment is complete"),
            (2, false) => match self.port {
                Some(port) => format!("{who}: listening on 0.0.0.0:{port}"),
                None => format!("{who}: running"),
            },
            _ if !self.text.is_empty() && !self.init => {
                let at = (n - OPENING) % self.text.len() as u64;
                self.text[usize::try_from(at).unwrap_or(0)].clone()
            }
            (n, true) => {
                let pick = |salt: &str| self.seed.number(&[salt, &n.to_string()]) as usize % 8;
                format!("{who}: step {}: {} {}", n - 1, STEPS[pick("step")], THINGS[pick("thing")])
            }
            (n, false) => {
                let number = |salt: &str, below: u64| self.seed.number(&[salt, &n.to_string()]) % below;
                format!(
                    "{who}: tick {} requests={} errors=0 p95={}ms",
                    n - 2,
                    number("requests", 40),
                    5 + number("p95", 90)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(state: &Value) -> Value {
        json!({
            "metadata": {"name": "web-0", "namespace": "t", "uid": "u"},
            "spec": {"containers": [{"name": "gateway", "ports": [{"containerPort": 18789}]}], "initContainers": [{"name": "seed"}]},
            "status": {
                "containerStatuses": [{"name": "gateway", "state": state, "lastState": {}}],
                "initContainerStatuses": [{"name": "seed", "lastState": {}, "state": {"terminated": {
                    "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:10Z", "exitCode": 0}}}],
            },
        })
    }

    fn running() -> Value {
        pod(&json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}))
    }

    fn at(second: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().expect("a time") + SignedDuration::from_secs(second)
    }

    #[test]
    fn a_container_that_has_not_started_has_no_log() {
        let check = |state: Value, previous: bool, expect: &str| {
            let got = life(&pod(&state), "gateway", previous, &Behaviour::default(), &Lives::default())
                .map(|_| ())
                .expect_err("refused");
            assert_eq!(got, expect);
        };
        let starts = "container \"gateway\" in pod \"web-0\" is waiting to start: ";
        check(json!({"waiting": {"reason": "PodInitializing"}}), false, &format!("{starts}PodInitializing"));
        check(json!({"waiting": {"reason": "ErrImagePull"}}), false, &format!("{starts}image can't be pulled"));
        let none = "previous terminated container \"gateway\" in pod \"web-0\" not found";
        check(json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}), true, none);
    }

    #[test]
    fn lines_only_ever_grow_and_keep_their_text_and_order() {
        let life = life(&running(), "gateway", false, &Behaviour::default(), &Lives::default()).expect("it runs");
        let (early, late) = (life.lines_at(at(25)), life.lines_at(at(1000)));
        assert_eq!(early, 3 + 2);
        assert_eq!(late, 3 + 100);
        assert_eq!(life.line(2, early), "gateway: listening on 0.0.0.0:18789");
        for n in 0..early {
            assert_eq!(life.line(n, early), life.line(n, late));
        }
        let times: Vec<_> = (0..late).map(|n| life.time_of(n)).collect();
        assert!(times.is_sorted());
        assert!(times.iter().all(|t| *t <= at(1000)));
        assert_eq!(life.first_since(at(990), late), late - 2, "the lines of second 990 and 1000");
        assert_eq!(life.first_since(at(5000), late), late);
    }

    #[test]
    fn what_was_written_in_the_last_second_stays() {
        let often = Behaviour { log_lines_per_second: Some(10.0), ..Behaviour::default() };
        let running = life(&running(), "gateway", false, &often, &Lives::default()).expect("it runs");
        let end = at(10) + SignedDuration::from_millis(720);
        let read = running.lines_at(end);
        let mut over =
            pod(&json!({"terminated": {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:10Z",
            "exitCode": 137, "containerID": "containerd://a"}}));
        let lives = Lives::default();
        lives.keep("u", vec![("containerd://a".into(), at(0), Some(end))]);
        let whole = life(&over, "gateway", false, &often, &lives).expect("it ran");
        assert_eq!((whole.lines_at(at(60)), read), (3 + 107, 3 + 107));
        assert_eq!(whole.time_of(read - 1), running.time_of(read - 1));
        // Another life of the same container is not meant.
        over["status"]["containerStatuses"][0]["state"]["terminated"]["containerID"] = "containerd://b".into();
        let other = life(&over, "gateway", false, &often, &lives).expect("it ran");
        assert_eq!(other.lines_at(at(60)), 3 + 100);
    }

    #[test]
    fn a_stage_ends_with_its_result() {
        let life = life(&running(), "seed", false, &Behaviour::default(), &Lives::default()).expect("it ran");
        let lines = life.lines_at(at(60));
        assert_eq!(life.line(0, lines), "seed: begin");
        assert_eq!(life.line(lines - 1, lines), "seed: done");
        assert_eq!(life.time_of(lines - 1), at(10));
    }
}
