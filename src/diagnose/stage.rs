//! Stages that take too long, and what they warned of.

use super::{Case, Code, Evidence, Finding, Severity};
use crate::fleet::{Age, At, Container, Pod, State, boot::Pace};

/// Where nobody knows how long a stage usually takes; and when a large image over a slow line is there at the latest.
const LONG: u32 = 600;
/// A stage that waits for its image, its turn taken.
const LONG_WAIT: u32 = 300;
/// Steps of a boot before its first stage: scheduling and volumes.
const BEFORE_STAGES: usize = 2;
/// How soon a stage is compared again.
const AGAIN: u32 = 10;

pub(super) fn check(case: &mut Case<'_>) {
    let Some(pod) = case.pod() else { return };
    let mut before = pod.scheduled.as_ref().and_then(|c| c.since);
    for (i, stage) in pod.stages.iter().enumerate() {
        match &stage.state {
            State::Terminated(t) if t.exit_code == 0 => before = t.finished,
            State::Running { since } => {
                running(case, stage, i, *since);
                break;
            }
            State::Waiting(_) if i > 0 && stage.trouble().is_none() => {
                not_started(case, pod, stage, before);
                break;
            }
            _ => break,
        }
    }
    for stage in &pod.stages {
        warned(case, stage);
    }
    for line in case.facts.lines() {
        if pod.stages.iter().any(|s| s.name == *line.container.as_str()) && line.text.contains("warning: ") {
            let evidence = Evidence::log(&line.container, line.text.as_str(), line.at);
            told(case, &line.container, &line.text, evidence);
        }
    }
}

/// Slow and stuck by the same comparison as everywhere; by the clock alone where no history is known.
fn running(case: &mut Case<'_>, stage: &Container, index: usize, since: Option<At>) {
    let Some(begun) = since else { return };
    let elapsed = case.now.since(begun);
    let usual = case.facts.fleet.history().compare(case.tenant(), index + BEFORE_STAGES, elapsed);
    let pace = match &usual {
        Some(usual) => {
            case.look_again(case.now.plus(AGAIN));
            usual.pace()
        }
        None if case.lasted(since, LONG) => Pace::Stuck,
        None => Pace::Usual,
    };
    let usually = usual.map_or_else(String::new, |u| format!(", usually {}", Age(u.median)));
    let pod = case.tenant().pod().map_or("", |p| p.name.as_str());
    let place = format!("Pod {pod} status.initContainerStatuses[{}].state.running.startedAt", stage.name);
    let evidence = Evidence::field(place, begun.to_string(), since);
    let age = Age(elapsed);
    let finding = match pace {
        Pace::Usual => return,
        Pace::Slow => Finding::note(Code::StageSlow, format!("stage {} takes {age}{usually}", stage.name))
            .advice("nothing yet: it is slower than most, and may still end well"),
        Pace::Stuck => Finding::critical(Code::StageStuck, format!("stage {} has run for {age}{usually}", stage.name))
            .down(true)
            .advice("read its log: a stage that waits for the network says for what; deleting the pod runs it again from its start"),
    };
    let last = last_line(case, stage);
    case.find(finding.about(stage.name.as_str()).since(since).proof(evidence).proofs(last));
}

fn last_line(case: &Case<'_>, stage: &Container) -> Option<Evidence> {
    let last = case.facts.lines().iter().rev().find(|l| *l.container == *stage.name)?;
    Some(Evidence::log(&last.container, last.text.as_str(), last.at))
}

/// Its turn has come, and it does not start: nothing but its image is left to wait for.
fn not_started(case: &mut Case<'_>, pod: &Pod, stage: &Container, since: Option<At>) {
    if since.is_none() || !case.lasted(since, LONG_WAIT) {
        return;
    }
    let age = case.age(since);
    let severity = if case.lasted(since, LONG) { Severity::Critical } else { Severity::Warning };
    let finding = Finding::new(
        Code::StageStuck,
        severity,
        format!("stage {} has not started for {age}, and no warning says why", stage.name),
    )
    .down(true)
    .about(stage.name.as_str())
    .since(since)
    .advice("its image may take that long to be pulled: describe the pod, and see the node's kubelet")
    .proof(Evidence::field(super::case::state_of(pod, stage), "waiting", since));
    case.find(finding);
}

/// A stage that ends well may still have said what it lacked.
fn warned(case: &mut Case<'_>, stage: &Container) {
    let State::Terminated(t) = &stage.state else { return };
    let Some(message) = t.message().filter(|_| t.exit_code == 0) else { return };
    for line in message.lines().filter(|l| l.starts_with("warning: ")) {
        told(case, &stage.name, line, Evidence::log(&stage.name, line, t.finished));
    }
}

fn told(case: &mut Case<'_>, stage: &str, line: &str, evidence: Evidence) {
    let words = line.split_once("warning: ").map_or(line, |(_, words)| words);
    let since = evidence.at;
    let is_apt = words.contains("packages could not be brought") || words.contains("apt-get");
    let no_way = [
        "Could not connect",
        "onnection timed out",
        "Unable to connect",
        "Temporary failure resolving",
        "Could not resolve",
        "Network is unreachable",
        "not done after",
        "ould not wait for server",
    ];
    let finding = if is_apt && no_way.iter().any(|mark| words.contains(mark)) {
        Finding::warning(Code::AptBlocked, "the packages its user installed did not come back: the mirror cannot be reached from its network")
            .about("apt mirror")
            .advice("tenants may leave by HTTPS on port 443 only: the image's apt sources must be https mirrors, and DNS must resolve them; the next boot tries again")
    } else {
        Finding::note(Code::StageWarns, format!("stage {stage} warns: {words}"))
            .about(stage)
            .advice("the boot went on without it; its log has the rest")
    };
    case.find_once(finding.since(since).proof(evidence));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Extra, Facts, LogLine, fixture::*},
        fleet::fixture::*,
        index::{Delta, history::PastBoot},
    };

    #[test]
    fn a_stage_is_stuck_by_a_long_time_or_by_comparison() {
        let t = tenant("a", Some(booting(3)));
        assert!(codes(&diagnose(&t, 634)).is_empty());
        let finding = first(&t, 635);
        assert_eq!(
            (finding.code, finding.since, finding.sentence.as_str()),
            (Code::StageStuck, Some(at(35)), "stage rehydrate-runtime-apt has run for 10m")
        );
        assert!(finding.down);
    }

    #[test]
    fn a_stage_is_compared_with_its_like() {
        let past = |n: u128| {
            let mut pod = ready();
            pod.uid = uid(1_000 + n);
            let mut t = tenant("a", Some(pod));
            t.namespace.as_mut().unwrap().uid = uid(2_000 + n);
            PastBoot::of(&t).unwrap()
        };
        let t = tenant("a", Some(booting(3)));
        let with = |now: u32| {
            let mut fleet = fleet_of(&t, None, at(now));
            fleet.apply(Delta::Boots(Ok((0..8).map(past).collect())), at(now));
            let lines = vec![LogLine { container: STAGES[3].into(), text: "fetching 12 packages".into(), at: None }];
            let extra = Extra { lines, ..Extra::default() };
            let facts = Facts { extra: Some(&extra), ..Facts::of(fleet.get("tenant-a").unwrap(), &fleet) };
            crate::diagnose::tenant(&facts, at(now))
        };
        assert!(codes(&with(45)).is_empty(), "ten seconds are usual");
        assert_eq!(with(45).recheck, Some(at(55)));
        let slow = with(75).findings;
        assert_eq!((slow[0].code, slow[0].severity, slow[0].down), (Code::StageSlow, Severity::Note, false));
        assert_eq!(slow[0].sentence, "stage rehydrate-runtime-apt takes 40s, usually 10s");
        let stuck = with(600).findings;
        assert_eq!((stuck[0].code, stuck[0].evidence[1].said.as_str()), (Code::StageStuck, "fetching 12 packages"));
    }

    #[test]
    fn a_stage_whose_turn_has_come_and_that_does_not_start() {
        let mut pod = booting(3);
        pod.stages[3].state = waiting("PodInitializing");
        let t = tenant("a", Some(pod));
        assert!(codes(&diagnose(&t, 334)).is_empty());
        let stuck = |now| (first(&t, now).code, first(&t, now).severity, first(&t, now).down);
        assert_eq!(stuck(335), (Code::StageStuck, Severity::Warning, true), "a large image");
        assert_eq!(stuck(634), (Code::StageStuck, Severity::Warning, true));
        assert_eq!(stuck(635), (Code::StageStuck, Severity::Critical, true));
        assert_eq!(diagnose(&t, 335).recheck, Some(at(635)));
    }

    #[test]
    fn warnings_of_a_stage_that_ended_well() {
        let with = |message: &str| {
            let mut pod = ready();
            let end = saying(ended(0, "Completed", 35, 60), message);
            pod.stages[3].state = State::Terminated(end);
            diagnose(&tenant("a", Some(pod)), 200).findings
        };
        let found = with(
            "warning: the packages could not be brought: apt-get update: E: Could not connect to deb.debian.org:80 (1.2.3.4), connection timed out",
        );
        assert_eq!((found[0].code, found[0].severity), (Code::AptBlocked, Severity::Warning));
        let found = with("warning: the packages could not be brought: the image has no apt-get\nwarning: another");
        assert_eq!((found.len(), found[0].code, found[0].evidence.len()), (1, Code::StageWarns, 2));
        assert!(with("done").is_empty());
    }
}
