//! What a tenant is doing: one phase, by one truth table, first match wins.
//!
//! | # | what is seen | phase |
//! |---|---|---|
//! | 1 | the Namespace has a deletionTimestamp | Terminating |
//! | 2 | no StatefulSet and no pod, Namespace younger than 2 min | Creating |
//! | 3 | no StatefulSet and no pod, claims are there | Parked |
//! | 4 | no StatefulSet and no pod, otherwise | Unknown |
//! | 5 | the StatefulSet wants 0 replicas | Suspended |
//! | 5b | three pods in a row were rejected by their node, the last within 60 s, and none has begun or lasted 45 s since | Failing |
//! | 6 | no pod, its creation refused (event on the StatefulSet), for 30 s | Failing |
//! | 7 | no pod | Creating |
//! | 8 | the pod is being deleted | Updating |
//! | 9 | the pod ended (`Failed`: evicted, node lost) | Failing |
//! | 10 | not scheduled: for 60 s and called Unschedulable / else | Failing / Creating |
//! | 11 | a stage waits with a fault, or ended with an error | Failing |
//! | 12 | a stage runs or is next; before the first one starts: volumes and sandbox | Booting(i/n) |
//! | 13 | the gateway waits with a fault or has ended | Failing |
//! | 14 | the gateway waits | Booting(n/n) |
//! | 15 | the gateway runs, is not ready: was ready before | Degraded |
//! | 16 | ... never was, for up to 5 min, or what its startup probe gives it / longer | Starting / Failing |
//! | 17 | the gateway is ready, another container is not | Degraded |
//! | 18 | the pod is Ready | Ready |
//! | 19 | anything else | Unknown |
//!
//! Row 6 waits because a recreate is refused for a moment while the quota's usage lags behind the deletion.

use std::fmt;

use super::{At, Container, Pod, PodPhase, State, StatefulSet, Tenant, Text};

/// Upstream's own startup budget for the gateway; its startup probe may give it more ([`Container::start_budget`]).
pub const START_BUDGET: u32 = 300;
const REFUSAL_GRACE: u32 = 30;
const SCHEDULING_GRACE: u32 = 60;
const NAMESPACE_GRACE: u32 = 120;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    Creating,
    /// Stage `index` (from 1) of `total` runs or is next.
    Booting {
        index: u8,
        total: u8,
        stage: Text,
    },
    Starting,
    Ready,
    Degraded,
    Failing,
    Suspended,
    Parked,
    Updating,
    Terminating,
    Unknown,
}

impl Phase {
    /// All phases by their words, in the order of a header's counts: the worst first.
    pub const WORDS: [&'static str; 11] = [
        "Failing",
        "Degraded",
        "Unknown",
        "Creating",
        "Booting",
        "Starting",
        "Updating",
        "Terminating",
        "Ready",
        "Suspended",
        "Parked",
    ];

    pub fn word(&self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Booting { .. } => "Booting",
            Self::Starting => "Starting",
            Self::Ready => "Ready",
            Self::Degraded => "Degraded",
            Self::Failing => "Failing",
            Self::Suspended => "Suspended",
            Self::Parked => "Parked",
            Self::Updating => "Updating",
            Self::Terminating => "Terminating",
            Self::Unknown => "Unknown",
        }
    }

    /// Place in [`Phase::WORDS`]: smaller is worse.
    pub fn rank(&self) -> usize {
        let word = self.word();
        Self::WORDS.iter().position(|w| *w == word).unwrap_or(Self::WORDS.len())
    }

    /// The tenant answers its user.
    pub fn serves(&self) -> bool {
        matches!(self, Self::Ready | Self::Degraded)
    }

    /// On its way: no fault is known, time will do it.
    pub fn in_progress(&self) -> bool {
        matches!(self, Self::Creating | Self::Booting { .. } | Self::Starting | Self::Updating)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Booting { index, total, stage } => write!(f, "Booting({index}/{total}, {stage})"),
            other => f.pad(other.word()),
        }
    }
}

/// A phase, since when, and one clause that says why (empty where there is nothing to explain).
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub phase: Phase,
    pub since: Option<At>,
    pub why: Text,
    /// When time alone would change this verdict, if nothing else happens before.
    pub recheck: Option<At>,
}

impl Verdict {
    fn new(phase: Phase, since: Option<At>, why: impl Into<Text>) -> Self {
        Self { phase, since, why: why.into(), recheck: None }
    }

    fn until(mut self, recheck: Option<At>) -> Self {
        self.recheck = recheck;
        self
    }

    /// Judges a tenant by the table above.
    pub fn of(tenant: &Tenant, now: At) -> Self {
        if let Some(namespace) = &tenant.namespace
            && let Some(deleting) = namespace.deleting
        {
            let why = namespace.remaining.as_ref().map_or("", |t| t.as_str());
            return Self::new(Phase::Terminating, Some(deleting), why);
        }
        match (tenant.set(), tenant.pod()) {
            (None, None) => without_workload(tenant, now),
            (Some(set), pod) if set.wanted == 0 => suspended(set, pod),
            _ if let Some(away) = tenant.rejected(now) => {
                let why = format!("its pods end as they are made: {}", away.latest.reason);
                Self::new(Phase::Failing, away.since, why).until(Some(away.until))
            }
            (Some(set), None) => without_pod(tenant, set, now),
            (_, Some(pod)) => with_pod(tenant, pod, now),
        }
    }
}

fn without_workload(tenant: &Tenant, now: At) -> Verdict {
    let created = tenant.namespace.as_ref().and_then(|n| n.created);
    match created {
        Some(at) if now.since(at) < NAMESPACE_GRACE => {
            let why = if tenant.claims.is_empty() { "namespace made" } else { "volumes made" };
            Verdict::new(Phase::Creating, created, why).until(Some(at.plus(NAMESPACE_GRACE)))
        }
        _ if !tenant.claims.is_empty() => Verdict::new(Phase::Parked, None, "volumes kept, no StatefulSet"),
        _ => Verdict::new(Phase::Unknown, created, "no StatefulSet, no pod and no volumes"),
    }
}

fn suspended(set: &StatefulSet, pod: Option<&Pod>) -> Verdict {
    match pod {
        Some(pod) => Verdict::new(Phase::Suspended, pod.delete_asked(), "stopping"),
        None => {
            Verdict::new(Phase::Suspended, None, if set.deleting.is_some() { "being deleted" } else { "0 replicas" })
        }
    }
}

fn without_pod(tenant: &Tenant, set: &StatefulSet, now: At) -> Verdict {
    let refused = tenant
        .warnings
        .iter()
        .filter(|w| w.reason == *"FailedCreate" && w.object_uid == Some(set.uid))
        .max_by_key(|w| w.last);
    let Some(refused) = refused else {
        return Verdict::new(Phase::Creating, set.created, "waiting for its pod");
    };
    let first = tenant.refused_since(refused);
    let why = refusal_words(&refused.message);
    match first {
        Some(first) if now.since(first) < REFUSAL_GRACE => {
            Verdict::new(Phase::Creating, set.created, why).until(Some(first.plus(REFUSAL_GRACE)))
        }
        _ => Verdict::new(Phase::Failing, first, why),
    }
}

/// The admission's own words, without the controller's preamble.
fn refusal_words(message: &str) -> String {
    let core = message.split_once(" is forbidden: ").map_or(message, |(_, rest)| rest);
    match core.split_once(',') {
        Some((head, _)) if head.starts_with("exceeded quota: ") => {
            format!("quota `{}` refuses its pod", &head["exceeded quota: ".len()..])
        }
        _ => format!("its pod is refused: {core}"),
    }
}

fn with_pod(tenant: &Tenant, pod: &Pod, now: At) -> Verdict {
    if pod.deleting.is_some() {
        return Verdict::new(Phase::Updating, pod.delete_asked(), "pod is being replaced");
    }
    if matches!(pod.phase, PodPhase::Failed | PodPhase::Succeeded) {
        let why = pod.reason().or(pod.message()).unwrap_or("pod has ended");
        return Verdict::new(Phase::Failing, pod.ready.as_ref().and_then(|c| c.since), why);
    }
    if pod.node.is_none() && pod.scheduled.as_ref().is_none_or(|c| !c.met) {
        return unscheduled(pod, now);
    }
    let total = count(pod.stages.len());
    for (i, stage) in pod.stages.iter().enumerate() {
        match &stage.state {
            State::Terminated(t) if t.exit_code == 0 => {}
            State::Running { since } => {
                let phase = Phase::Booting { index: count(i + 1), total, stage: stage.name.clone() };
                return Verdict::new(phase, *since, "");
            }
            _ => {
                let since = pod.turn(stage);
                return broken(tenant, pod, stage, since).unwrap_or_else(|| {
                    let phase = Phase::Booting { index: count(i + 1), total, stage: stage.name.clone() };
                    let why = if i == 0 { "volumes, image and sandbox" } else { "" };
                    Verdict::new(phase, since, why)
                });
            }
        }
    }
    serving(tenant, pod, total, now)
}

fn unscheduled(pod: &Pod, now: At) -> Verdict {
    let condition = pod.scheduled.as_ref().filter(|c| c.reason().is_some());
    let since = condition.and_then(|c| c.since).or(pod.created);
    let Some(condition) = condition else {
        return Verdict::new(Phase::Creating, pod.created, "waiting for a node");
    };
    let why = condition.message().unwrap_or("no node takes its pod").to_owned();
    match since {
        Some(at) if now.since(at) < SCHEDULING_GRACE => {
            Verdict::new(Phase::Creating, since, why).until(Some(at.plus(SCHEDULING_GRACE)))
        }
        _ => Verdict::new(Phase::Failing, since, why),
    }
}

/// A container that waits with a fault, or has ended though it should run.
fn broken(tenant: &Tenant, pod: &Pod, container: &Container, since: Option<At>) -> Option<Verdict> {
    let name = &container.name;
    match &container.state {
        State::Terminated(t) => {
            let why = format!("{name} ended: {}", ending(t.reason(), t.exit_code));
            Some(Verdict::new(Phase::Failing, tenant.crashing_since(pod, container, t), why))
        }
        State::Waiting(words) => {
            let reason = container.trouble()?;
            let why = match (reason, &container.last) {
                ("CrashLoopBackOff", Some(last)) => {
                    format!("{name} crash loop: {}", ending(last.reason(), last.exit_code))
                }
                _ => match words.message() {
                    Some(message) => format!("{name}: {reason}: {message}"),
                    None => format!("{name}: {reason}"),
                },
            };
            let since = container.last.as_ref().and_then(|t| tenant.crashing_since(pod, container, t)).or(since);
            Some(Verdict::new(Phase::Failing, since, why))
        }
        State::Running { .. } => None,
    }
}

fn ending(reason: Option<&str>, exit_code: i32) -> String {
    match reason {
        Some("OOMKilled") => "out of memory".to_owned(),
        Some(reason) if reason != "Error" && reason != "Completed" => {
            format!("{reason}, exit {exit_code}")
        }
        _ => format!("exit {exit_code}"),
    }
}

/// All stages are done: the gateway and its companions decide.
fn serving(tenant: &Tenant, pod: &Pod, total: u8, now: At) -> Verdict {
    let Some(gateway) = pod.gateway() else {
        return Verdict::new(Phase::Unknown, pod.created, "no gateway container");
    };
    let initialized = pod.initialized.filter(|c| c.met).and_then(|c| c.since);
    if let Some(verdict) = broken(tenant, pod, gateway, initialized) {
        return verdict;
    }
    let State::Running { since: started } = gateway.state else {
        let phase = Phase::Booting { index: total, total, stage: gateway.name.clone() };
        return Verdict::new(phase, initialized, "");
    };
    if !gateway.ready {
        return not_ready(pod, gateway, started, now);
    }
    let ready_since = pod.ready.as_ref().and_then(|c| c.since);
    let lame = pod.containers.iter().find(|c| c.name != gateway.name && !c.ready);
    match lame {
        Some(c) => {
            let trouble =
                broken(tenant, pod, c, None).map_or_else(|| format!("{} is not ready", c.name).into(), |v| v.why);
            // A companion that is still on its way in a young pod is no fault yet.
            let on_its_way = c.restarts == 0 && c.trouble().is_none() && !matches!(c.state, State::Terminated(_));
            match started {
                Some(at) if on_its_way && now.since(at) < START_BUDGET => {
                    Verdict::new(Phase::Starting, started, trouble).until(Some(at.plus(START_BUDGET)))
                }
                _ => Verdict::new(Phase::Degraded, ready_since, trouble),
            }
        }
        None if pod.is_ready() => Verdict::new(Phase::Ready, ready_since, ""),
        None => Verdict::new(Phase::Unknown, ready_since, "all containers ready, the pod is not"),
    }
}

fn not_ready(pod: &Pod, gateway: &Container, started: Option<At>, now: At) -> Verdict {
    // The condition falls to false when the pod is made; a later fall means that it had been true.
    let fell = pod.ready.as_ref().filter(|c| !c.met).and_then(|c| c.since);
    if let (Some(fell), Some(started)) = (fell, started)
        && fell > started
    {
        return Verdict::new(Phase::Degraded, Some(fell), "gateway is not ready any more");
    }
    match started {
        Some(at) if now.since(at) < gateway.start_budget() => {
            Verdict::new(Phase::Starting, started, "").until(Some(at.plus(gateway.start_budget())))
        }
        None => Verdict::new(Phase::Starting, started, ""),
        Some(_) => Verdict::new(Phase::Failing, started, "gateway runs but never became ready"),
    }
}

/// A pod's list of containers is limited to far below 256 by its size.
fn count(n: usize) -> u8 {
    u8::try_from(n).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Condition, Words, fixture::*};

    /// One row of the table: the tenant at second `now` has this phase, since this second, for this reason.
    fn check(row: &str, tenant: &Tenant, now: u32, phase: &str, since: Option<u32>, why: &str) {
        let verdict = Verdict::of(tenant, at(now));
        let got = (verdict.phase.to_string(), verdict.since, verdict.why.to_string());
        assert_eq!(got, (phase.to_owned(), since.map(at), why.to_owned()), "row {row}");
    }

    #[test]
    fn without_a_pod() {
        let mut t = tenant("a", Some(ready()));
        t.namespace.as_mut().unwrap().deleting = Some(at(500));
        check("1", &t, 600, "Terminating", Some(500), "");

        let mut t = tenant("a", None);
        t.sets = Box::default();
        check("2", &t, 60, "Creating", Some(0), "volumes made");
        check("3", &t, 120, "Parked", None, "volumes kept, no StatefulSet");
        t.claims = Box::default();
        check("2", &t, 60, "Creating", Some(0), "namespace made");
        check("4", &t, 120, "Unknown", Some(0), "no StatefulSet, no pod and no volumes");

        let mut t = tenant("a", None);
        t.sets[0].wanted = 0;
        check("5", &t, 60, "Suspended", None, "0 replicas");

        let mut t = tenant("a", None);
        check("7", &t, 60, "Creating", Some(0), "waiting for its pod");
        t.warnings = Box::new([refusal(100)]);
        check("6 within its grace", &t, 129, "Creating", Some(0), "quota `tenant` refuses its pod");
        check("6", &t, 130, "Failing", Some(100), "quota `tenant` refuses its pod");
        // The same event counts what the pod before it met.
        t.bare = Some(at(400));
        check("6 of an earlier pod, too", &t, 429, "Creating", Some(0), "quota `tenant` refuses its pod");
        check("6", &t, 430, "Failing", Some(400), "quota `tenant` refuses its pod");
        t.bare = None;
        t.warnings[0].object_uid = Some(uid(999));
        check("6 of an earlier set", &t, 130, "Creating", Some(0), "waiting for its pod");
    }

    #[test]
    fn pods_that_are_rejected() {
        let away = |pod: u128, n| super::super::Warning {
            uid: uid(700 + pod),
            kind: text("Pod"),
            object: text("openclaw-0"),
            object_uid: Some(uid(pod)),
            reason: text("NodeAffinity"),
            ..refusal(n)
        };
        let mut t = tenant("a", None);
        t.warnings = Box::new([away(80, 10), away(81, 195), away(82, 200)]);
        check("5b, two lately", &t, 206, "Creating", Some(0), "waiting for its pod");
        t.warnings = Box::new([away(80, 10), away(81, 190), away(82, 195), away(83, 200)]);
        let why = "its pods end as they are made: NodeAffinity";
        check("5b", &t, 206, "Failing", Some(10), why);
        assert_eq!(Verdict::of(&t, at(206)).recheck, Some(at(265)));
        check("5b is over", &t, 265, "Creating", Some(0), "waiting for its pod");
        let fresh = Pod { phase: PodPhase::Pending, created: Some(at(203)), ..pod() };
        t.pods = Box::new([fresh]);
        assert_eq!(Verdict::of(&t, at(206)).recheck, Some(at(248)));
        check(
            "12, once it has been there for a while",
            &t,
            248,
            "Booting(1/7, seed-app)",
            Some(1),
            "volumes, image and sandbox",
        );
        check("5b, another is there", &t, 206, "Failing", Some(10), why);
        let mut told = t.clone();
        told.warnings.iter_mut().for_each(|w| w.reason = text("DNSConfigForming"));
        let why = "volumes, image and sandbox";
        check("12, warned of something else", &told, 206, "Booting(1/7, seed-app)", Some(1), why);
        let why = "its pods end as they are made: NodeAffinity";
        t.pods[0].phase = PodPhase::Failed;
        check("5b, and has ended", &t, 206, "Failing", Some(10), why);
        t.pods = Box::new([booting(1)]);
        check("5b, and has begun", &t, 206, "Booting(2/7, create-workspace)", Some(15), "");
        t.pods = Box::default();
        t.sets[0].wanted = 0;
        check("5", &t, 101, "Suspended", None, "0 replicas");
    }

    #[test]
    fn scheduling() {
        let mut p = pod();
        p.deleting = Some(at(130));
        check("8", &tenant("a", Some(p)), 110, "Updating", Some(100), "pod is being replaced");

        let mut p = ready();
        p.phase = PodPhase::Failed;
        p.words = Words::reason_only("Evicted");
        check("9", &tenant("a", Some(p)), 200, "Failing", Some(110), "Evicted");

        let mut p = pod();
        p.node = None;
        p.scheduled = Some(Condition {
            met: false,
            since: Some(at(1)),
            words: Words::new(
                Some(text("Unschedulable")),
                Some(text("0/3 nodes are available: 3 Insufficient memory.")),
            ),
        });
        let why = "0/3 nodes are available: 3 Insufficient memory.";
        check("10 within its grace", &tenant("a", Some(p.clone())), 60, "Creating", Some(1), why);
        check("10", &tenant("a", Some(p)), 61, "Failing", Some(1), why);
    }

    #[test]
    fn stages() {
        check(
            "12 before",
            &tenant("a", Some(pod())),
            4,
            "Booting(1/7, seed-app)",
            Some(1),
            "volumes, image and sandbox",
        );
        check("12", &tenant("a", Some(booting(3))), 40, "Booting(4/7, rehydrate-runtime-apt)", Some(35), "");

        let mut p = booting(3);
        p.stages[3].state = waiting("PodInitializing");
        check("12 between", &tenant("a", Some(p.clone())), 40, "Booting(4/7, rehydrate-runtime-apt)", Some(35), "");

        p.stages[3].state = waiting("CrashLoopBackOff");
        p.stages[3].last = Some(Box::new(ended(100, "Error", 35, 38)));
        let t = tenant("a", Some(p.clone()));
        check("11", &t, 60, "Failing", Some(38), "rehydrate-runtime-apt crash loop: exit 100");
        p.stages[3].restarts = 4;
        let t = tenant("a", Some(p.clone()));
        check("11 since its turn", &t, 60, "Failing", Some(35), "rehydrate-runtime-apt crash loop: exit 100");

        p.stages[3].last = None;
        p.stages[3].state =
            State::Waiting(Words::new(Some(text("ImagePullBackOff")), Some(text("Back-off pulling image"))));
        let why = "rehydrate-runtime-apt: ImagePullBackOff: Back-off pulling image";
        check("11", &tenant("a", Some(p)), 60, "Failing", Some(35), why);
    }

    #[test]
    fn native_sidecars_are_no_stages() {
        let mut p = booting(3);
        let mut sidecar = container("chromium", "x");
        std::sync::Arc::make_mut(&mut sidecar.spec).sidecar = true;
        sidecar.state = State::Running { since: Some(at(6)) };
        p.containers = std::iter::once(sidecar).chain(p.containers).collect();
        assert_eq!(p.gateway().unwrap().name, "gateway");
        check("12", &tenant("a", Some(p)), 40, "Booting(4/7, rehydrate-runtime-apt)", Some(35), "");
    }

    #[test]
    fn gateway() {
        let mut p = starting();
        check("16 within the budget", &tenant("a", Some(p.clone())), 90, "Starting", Some(80), "");
        check("16", &tenant("a", Some(p.clone())), 380, "Failing", Some(80), "gateway runs but never became ready");
        let mut patient = p.clone();
        std::sync::Arc::make_mut(&mut patient.containers[0].spec).startup = std::num::NonZeroU16::new(600);
        check("16, a migration", &tenant("a", Some(patient.clone())), 679, "Starting", Some(80), "");
        let late = "gateway runs but never became ready";
        check("16, a migration", &tenant("a", Some(patient)), 680, "Failing", Some(80), late);
        p.ready = condition(false, 200);
        check("15", &tenant("a", Some(p.clone())), 210, "Degraded", Some(200), "gateway is not ready any more");

        p.containers[0].state = waiting("CrashLoopBackOff");
        p.containers[0].last = Some(Box::new(ended(137, "OOMKilled", 80, 100)));
        check("13", &tenant("a", Some(p.clone())), 110, "Failing", Some(100), "gateway crash loop: out of memory");
        let mut silent = p.clone();
        silent.containers[0].restarts = 3;
        silent.containers.iter_mut().skip(1).for_each(|c| c.ready = true);
        silent.ready = condition(false, 60);
        let oom = "gateway crash loop: out of memory";
        check("13 since its turn", &tenant("a", Some(silent.clone())), 110, "Failing", Some(75), oom);
        silent.ready = condition(false, 90);
        check("13 since the pod is unready", &tenant("a", Some(silent.clone())), 110, "Failing", Some(90), oom);
        silent.containers[1].ready = false;
        check("13, which may be the browser's doing", &tenant("a", Some(silent)), 110, "Failing", Some(100), oom);
        let mut t = tenant("a", Some(p.clone()));
        let mut back_off = refusal(40);
        back_off.object_uid = Some(uid(10));
        (back_off.reason, back_off.container) = (text("BackOff"), Some(text("gateway")));
        t.warnings = Box::new([back_off]);
        check("13 since it loops", &t, 110, "Failing", Some(40), "gateway crash loop: out of memory");
        t.pods[0].containers[0].last = Some(Box::new(ended(137, "OOMKilled", 80, 700)));
        check("13 once more", &t, 710, "Failing", Some(700), "gateway crash loop: out of memory");
        t.pods[0].containers[0].last = Some(Box::new(ended(137, "OOMKilled", 80, 100)));
        t.warnings[0].container = Some(text("browser"));
        check("13 another loops", &t, 110, "Failing", Some(100), "gateway crash loop: out of memory");
        p.containers[0].state = waiting("ContainerCreating");
        check("14", &tenant("a", Some(p)), 110, "Booting(7/7, gateway)", Some(75), "");
    }

    #[test]
    fn companions() {
        let mut p = ready();
        check("18", &tenant("a", Some(p.clone())), 200, "Ready", Some(110), "");
        p.containers[1].ready = false;
        p.ready = condition(false, 300);
        check("17 on its way", &tenant("a", Some(p.clone())), 310, "Starting", Some(80), "browser is not ready");
        check("17", &tenant("a", Some(p.clone())), 400, "Degraded", Some(300), "browser is not ready");
        p.containers[1].state = State::Terminated(ended(137, "OOMKilled", 80, 300));
        check("17", &tenant("a", Some(p)), 310, "Degraded", Some(300), "browser ended: out of memory");
    }

    #[test]
    fn what_no_other_row_tells() {
        let mut p = ready();
        p.ready = condition(false, 300);
        let why = "all containers ready, the pod is not";
        check("19", &tenant("a", Some(p.clone())), 310, "Unknown", Some(300), why);
        p.containers = Box::default();
        check("19", &tenant("a", Some(p)), 310, "Unknown", Some(0), "no gateway container");
    }

    #[test]
    fn verdicts_say_when_time_alone_will_change_them() {
        let recheck = |t: &Tenant, now| Verdict::of(t, at(now)).recheck;
        assert_eq!(recheck(&tenant("a", Some(starting())), 90), Some(at(380)));
        assert_eq!(recheck(&tenant("a", Some(ready())), 200), None);
    }
}
