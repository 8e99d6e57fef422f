//! Containers that end: stages that fail, a gateway or browser that crashes or runs out of memory.
//!
//! How it ended is in the status; what it said last is in the termination message, which falls back to the log's end.

use super::{Case, Code, Evidence, Finding, Severity};
use crate::fleet::{Age, Container, Pod, State, Terminated, name};

/// A restart is worth knowing for this long.
const LATELY: u32 = 1_800;
/// Last lines that say why.
const TAIL: usize = 3;

pub(super) fn check(case: &mut Case<'_>) {
    let Some(pod) = case.pod() else { return };
    for stage in &pod.stages {
        if let Some((ending, _)) = ending_of(stage, false) {
            let finding = of_stage(stage, ending);
            report(case, pod, stage, ending, finding);
        }
    }
    for container in &pod.containers {
        if let Some((ending, recovered)) = ending_of(container, true) {
            let is_gateway = pod.gateway().is_some_and(|g| g.name == container.name);
            let finding =
                if is_gateway { of_gateway(case, pod, container, ending) } else { of_companion(container, ending) };
            if !recovered {
                report(case, pod, container, ending, finding);
            } else if lately(case, ending) {
                let recovered = once_more(case, container, ending, finding);
                report(case, pod, container, ending, recovered);
            }
        }
    }
}

/// How a container ended that should run, and whether it runs again.
fn ending_of(container: &Container, is_server: bool) -> Option<(&Terminated, bool)> {
    match &container.state {
        State::Terminated(t) if t.exit_code != 0 || is_server => Some((t, false)),
        State::Waiting(_) if container.trouble() == Some("CrashLoopBackOff") => {
            Some((container.last.as_deref()?, false))
        }
        State::Running { .. } | State::Waiting(_) if container.trouble().is_none() => {
            let last = container.last.as_deref().filter(|t| t.exit_code != 0 || t.out_of_memory())?;
            is_server.then_some((last, true))
        }
        _ => None,
    }
}

fn lately(case: &mut Case<'_>, ending: &Terminated) -> bool {
    let Some(finished) = ending.finished else { return false };
    let over = finished.plus(LATELY);
    if over > case.now {
        case.look_again(over);
    }
    over > case.now
}

fn once_more(case: &Case<'_>, container: &Container, ending: &Terminated, finding: Finding) -> Finding {
    let ago = ending.finished.map_or_else(String::new, |at| format!(" {} ago", Age(case.now.since(at))));
    let times = if container.restarts == 1 { "once".to_owned() } else { format!("{} times", container.restarts) };
    let sentence = format!("{} was restarted {times}, last{ago}: {}", container.name, how(ending));
    Finding { severity: Severity::Warning, sentence, ..finding }
}

fn report(case: &mut Case<'_>, pod: &Pod, container: &Container, ending: &Terminated, finding: Finding) {
    let since = ending.finished.or(ending.started);
    let in_last = container.last.as_deref().is_some_and(|last| std::ptr::eq(last, ending));
    let status = super::case::status_of(pod, container);
    let place = format!("{status}.{}.terminated", if in_last { "lastState" } else { "state" });
    let said = ending.message().map(|m| Evidence::log(&container.name, tail(m), since));
    let said = said.or_else(|| last_lines(case, container));
    let down = case.holds_up(pod, container);
    case.find_once(finding.down(down).since(since).proof(Evidence::field(place, how(ending), since)).proofs(said));
}

/// What its log ends with, where that was read: of the run that ended, as long as no other has begun.
fn last_lines(case: &Case<'_>, container: &Container) -> Option<Evidence> {
    if matches!(container.state, State::Running { .. }) {
        return None;
    }
    let mut lines: Vec<_> =
        case.facts.lines().iter().rev().filter(|l| *l.container == *container.name).take(TAIL).collect();
    lines.reverse();
    let at = lines.last()?.at;
    let text: Vec<_> = lines.iter().map(|l| l.text.trim()).collect();
    Some(Evidence::log(&container.name, text.join("; "), at))
}

/// `out of memory (exit 137)`, `exit 1`.
pub(super) fn how(ending: &Terminated) -> String {
    let code = ending.exit_code;
    match ending.reason() {
        Some("OOMKilled") => format!("out of memory (exit {code})"),
        Some(reason) if reason != "Error" && reason != "Completed" => format!("{reason} (exit {code})"),
        _ => format!("exit {code}{}", meaning(code)),
    }
}

/// What an exit code says by convention: the stages' own, and those of signals.
fn meaning(code: i32) -> &'static str {
    match code {
        28 => ", no room on a volume",
        65 => ", something is not what it must be",
        78 => ", the pod is put together wrongly",
        126 => ", the command cannot be run",
        127 => ", the command was not found",
        134 => ", it aborted itself",
        137 => ", killed",
        139 => ", segmentation fault",
        143 => ", told to end",
        _ => "",
    }
}

/// The last lines, which say why.
fn tail(message: &str) -> String {
    let mut end: Vec<_> = message.lines().rev().filter(|l| !l.trim().is_empty()).take(TAIL).collect();
    end.reverse();
    end.join("; ")
}

/// The last line, as the reason in a sentence.
fn reason(ending: &Terminated) -> String {
    let last = ending.message().and_then(|m| m.lines().rev().find(|l| !l.trim().is_empty()));
    match last {
        Some(line) if ending.reason() != Some("OOMKilled") => {
            format!("{}: {}", how(ending), clip(line.trim()))
        }
        _ => how(ending),
    }
}

fn clip(line: &str) -> &str {
    match line.char_indices().nth(160) {
        Some((end, _)) => &line[..end],
        None => line,
    }
}

fn is_full(ending: &Terminated) -> bool {
    let message = ending.message().unwrap_or_default();
    ["o space left on device", "ENOSPC", "uota exceeded", "database or disk is full"]
        .iter()
        .any(|m| message.contains(m))
}

fn full(container: &Container, ending: &Terminated) -> Finding {
    let app = container.name == *"seed-app";
    let claim = if app { "app-data" } else { "config-data" };
    Finding::critical(
        Code::VolumeFull,
        format!("{} ends for want of room on {claim}: {}", container.name, reason(ending)),
    )
    .about(claim)
    .advice("grow the claim, or free some space from a shell, then restart the tenant")
}

fn of_stage(stage: &Container, ending: &Terminated) -> Finding {
    if ending.exit_code == 28 || is_full(ending) {
        return full(stage, ending);
    }
    if ending.out_of_memory() {
        return Finding::critical(Code::StageOom, format!("stage {} runs out of memory", stage.name))
            .about(stage.name.as_str())
            .advice("raise this stage's memory limit; it may ask for as much as the containers together without the quota's noticing");
    }
    let advice = match ending.exit_code {
        78 => "the pod lacks a mount or a Secret's content: apply the render again",
        65 => "a file on the volume or in the image is not what the stage expects; its last line names it",
        _ => "its log has the rest; every stage may be run again after a mend, by deleting the pod",
    };
    Finding::critical(Code::StageFailed, format!("stage {} fails: {}", stage.name, reason(ending)))
        .about(format!("{} exit {}", stage.name, ending.exit_code))
        .advice(advice)
}

/// Marks of OpenClaw's own in the last lines of its log.
pub(super) fn own_words(words: &str) -> Option<Finding> {
    let has = |marks: &[&str]| marks.iter().any(|m| words.contains(m));
    if has(&["uses newer schema version"]) {
        return Some(
            Finding::critical(Code::SchemaNewer, "its data was written by a newer build than the one that runs")
                .about("schema")
                .advice("going back needs the backup or snapshot of before the upgrade; else go forward to the newer image again"),
        );
    }
    if has(&[
        "startup migrations did not complete cleanly",
        "requires migration",
        "conflicts with canonical SQLite state",
        "retained_plugin_source_conflict",
    ]) {
        return Some(
            Finding::critical(Code::MigrationsRefused, "the start-up migrations of its data do not complete, so it refuses to serve")
                .about("migrations")
                .advice("take a snapshot, then run `openclaw doctor --fix` in a shell of the tenant; it does not mend every case, and going back to the image before helps only with the state of before"),
        );
    }
    if has(&["refusing to bind gateway", "has an empty token"]) {
        return Some(
            Finding::critical(Code::TokenMissing, "the gateway has no token, and does not listen without one")
                .about("gateway-token")
                .advice("the Secret gateway-token is empty or not mounted: restore it, or rotate the token"),
        );
    }
    if has(&["Gateway start blocked", "Unrecognized key", "Invalid config", "config is invalid", "invalid config"]) {
        return Some(
            Finding::critical(Code::ConfigInvalid, "the gateway refuses its openclaw.json")
                .about("openclaw.json")
                .advice("`openclaw doctor` in a shell of the tenant names the key; a newer image may know keys that this one does not"),
        );
    }
    None
}

fn of_gateway(case: &Case<'_>, pod: &Pod, gateway: &Container, ending: &Terminated) -> Finding {
    let message = ending.message().unwrap_or_default();
    if let Some(finding) = own_words(message) {
        return finding;
    }
    if ending.exit_code == 28 || is_full(ending) {
        return full(gateway, ending);
    }
    let heap = message.contains("JavaScript heap out of memory") || message.contains("Reached heap limit");
    if ending.out_of_memory() || heap {
        let sentence = if heap && !ending.out_of_memory() {
            "the gateway's own heap is full: V8 ends it at its limit"
        } else {
            "the gateway runs out of memory: the kernel kills it at its limit"
        };
        return Finding::critical(Code::GatewayOom, sentence).about("gateway memory").advice(heap_advice(case));
    }
    let probes = case.warnings(pod.uid, &["Unhealthy"]);
    let killed = probes.iter().find(|w| {
        let of_gateway = w.container.as_ref().is_none_or(|c| *c == gateway.name);
        of_gateway && (w.message.starts_with("Liveness") || w.message.starts_with("Startup"))
    });
    if matches!(ending.exit_code, 137 | 143)
        && let Some(event) = killed
    {
        let which = if event.message.starts_with("Startup") { "startup" } else { "liveness" };
        return Finding::critical(Code::ProbeKills, format!("the gateway is killed because its {which} probe fails"))
            .about(which)
            .advice("it runs and does not answer in time: see its log for a freeze or a long migration; a first start after an upgrade may need longer")
            .proof(Evidence::event(event));
    }
    let crash = if gateway.restarts > 0 {
        format!("the gateway crashes, {} restarts so far: {}", gateway.restarts, reason(ending))
    } else {
        format!("the gateway has ended: {}", reason(ending))
    };
    Finding::critical(Code::GatewayCrash, crash)
        .about(format!("exit {}", ending.exit_code))
        .advice("read the log of its previous run; if it began with an upgrade, compare with tenants that took it well")
}

/// What to do against memory depends on whether V8 is told of the limit.
fn heap_advice(case: &Case<'_>) -> String {
    let told = case.facts.opened.and_then(|o| o.set.as_ref()).map(|set| set.heap_mib);
    match told {
        Some(None) => "NODE_OPTIONS has no --max-old-space-size: V8 does not see the limit; set it to three quarters of it (the tiers do)".to_owned(),
        Some(Some(mib)) => format!("the heap may grow to {mib} MiB beside what is not heap: that is too near the limit, or the tenant needs the larger tier"),
        None => "see that NODE_OPTIONS sets --max-old-space-size to three quarters of the limit; if it does, the tenant needs the larger tier".to_owned(),
    }
}

fn of_companion(container: &Container, ending: &Terminated) -> Finding {
    let is_browser = [name::BROWSER, "chromium", "chrome"].iter().any(|n| container.name == **n);
    if ending.out_of_memory() && is_browser {
        return Finding::warning(
            Code::BrowserOom,
            format!("the browser runs out of memory, {} restarts so far", container.restarts),
        )
        .about("browser memory")
        .advice("fewer pages at once, or the larger tier; a page that leaks does it again");
    }
    let code = if is_browser { Code::BrowserDown } else { Code::SidecarDown };
    Finding::warning(
        code,
        format!("{} is down, {} restarts so far: {}", container.name, container.restarts, reason(ending)),
    )
    .about(format!("{} {}", container.name, how(ending)))
    .advice("the tenant answers without it; its log of the previous run says why it ends")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::fixture::*,
        fleet::{Tenant, fixture::*},
    };

    fn crashing(container: usize, mut ending: Terminated, message: &str) -> Tenant {
        let mut pod = if container == 0 { starting() } else { ready() };
        if !message.is_empty() {
            ending = saying(ending, message);
        }
        pod.containers[container].state = waiting("CrashLoopBackOff");
        pod.containers[container].ready = false;
        pod.containers[container].restarts = 4;
        pod.containers[container].last = Some(Box::new(ending));
        if container > 0 {
            pod.ready = condition(false, 300);
        }
        tenant("a", Some(pod))
    }

    #[test]
    fn how_the_gateway_ends_tells_its_cause() {
        let check = |exit: i32, reason: &str, message: &str, code: Code| {
            let finding = first(&crashing(0, ended_(exit, reason), message), 500);
            assert_eq!((finding.code, finding.down, finding.since), (code, true, Some(at(100))), "{message}");
        };
        check(137, "OOMKilled", "", Code::GatewayOom);
        check(
            134,
            "Error",
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            Code::GatewayOom,
        );
        check(
            1,
            "Error",
            "state.sqlite uses newer schema version 41; this OpenClaw build supports 38",
            Code::SchemaNewer,
        );
        check(
            1,
            "Error",
            "OpenClaw startup migrations did not complete cleanly; refusing to report the gateway ready",
            Code::MigrationsRefused,
        );
        check(1, "Error", "Gateway start blocked: set gateway.mode=local", Code::ConfigInvalid);
        check(
            78,
            "Error",
            "the Secret gateway-token has an empty token: the gateway must not listen without one",
            Code::TokenMissing,
        );
        check(1, "Error", "ENOSPC: no space left on device, write", Code::VolumeFull);
        check(1, "Error", "TypeError: x is undefined\n    at y", Code::GatewayCrash);
        check(137, "Error", "", Code::GatewayCrash);
    }

    fn ended_(exit: i32, reason: &str) -> Terminated {
        ended(exit, reason, 80, 100)
    }

    #[test]
    fn a_probe_that_kills_is_told_from_a_crash() {
        let mut t = crashing(0, ended_(137, "Error"), "");
        t.warnings = vec![event("Pod", 10, "Unhealthy", "Liveness probe failed: context deadline exceeded", 90)];
        assert_eq!((first(&t, 500).code, first(&t, 500).about), (Code::ProbeKills, "liveness".to_owned()));
        t.warnings[0].message = text("Readiness probe failed: not ready");
        assert_eq!(first(&t, 500).code, Code::GatewayCrash, "a readiness probe kills nobody");
    }

    #[test]
    fn a_stage_says_by_its_code_what_it_lacks() {
        let stage = |exit: i32, reason: &str, message: &str| {
            let mut pod = booting(3);
            let end = saying(ended(exit, reason, 35, 38), message);
            pod.stages[3].state = State::Terminated(end);
            first(&tenant("a", Some(pod)), 60)
        };
        let finding = stage(28, "Error", "the app volume is full");
        assert_eq!((finding.code, finding.about.as_str()), (Code::VolumeFull, "config-data"));
        assert_eq!(stage(137, "OOMKilled", "").code, Code::StageOom);
        let finding = stage(65, "Error", "warning: x\nopenclaw.json is a link that leads nowhere");
        assert_eq!(
            finding.sentence,
            "stage rehydrate-runtime-apt fails: exit 65, something is not what it must be: openclaw.json is a link that leads nowhere"
        );
        assert_eq!(finding.evidence.len(), 2);
    }

    #[test]
    fn a_browser_that_dies_is_a_warning_while_the_gateway_serves() {
        let finding = first(&crashing(1, ended(137, "OOMKilled", 80, 300), ""), 500);
        assert_eq!((finding.code, finding.severity, finding.down), (Code::BrowserOom, Severity::Warning, false));
        assert_eq!(first(&crashing(1, ended(133, "Error", 80, 300), ""), 500).code, Code::BrowserDown);
        assert_eq!(first(&crashing(2, ended(1, "Error", 80, 300), ""), 500).code, Code::SidecarDown);
    }

    #[test]
    fn a_restart_is_told_for_half_an_hour() {
        let mut pod = ready();
        pod.containers[0].restarts = 1;
        pod.containers[0].last = Some(Box::new(ended(137, "OOMKilled", 10, 60)));
        let t = tenant("a", Some(pod));
        let finding = first(&t, 660);
        assert_eq!((finding.code, finding.severity, finding.down), (Code::GatewayOom, Severity::Warning, false));
        assert_eq!(finding.sentence, "gateway was restarted once, last 10m ago: out of memory (exit 137)");
        assert_eq!(diagnose(&t, 660).recheck, Some(at(1_860)));
        assert!(codes(&diagnose(&t, 1_860)).is_empty());
    }
}
