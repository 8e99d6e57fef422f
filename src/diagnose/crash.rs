//! Containers that end: stages that fail, a gateway or browser that crashes or runs out of memory.
//!
//! How it ended is in the status; what it said last is in the termination message, which falls back to the log's end.

use super::{Case, Code, Evidence, Finding, Severity};
use crate::fleet::{
    Age, At, Container, Pod, State, Terminated, Warning,
    name::{Holds, Role},
};

/// A restart is worth knowing for this long.
const LATELY: u32 = 1_800;
/// As many restarts lately are a loop, though it is up between them.
const LOOP: u32 = 3;
/// Last lines that say why.
const TAIL: usize = 3;
/// How long before its end a container's probe has failed where that is what ends it: its grace, and a probe's period.
const GRACE: u32 = 80;

pub(super) fn check(case: &mut Case<'_>) {
    let Some(pod) = case.pod() else { return };
    for stage in &pod.stages {
        if let Some((ending, _)) = ending_of(stage, false) {
            let finding = of_stage(case, stage, ending);
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
            } else if (failed(ending) || finding.code == Code::ProbeKills) && lately(case, ending) {
                let recovered = once_more(case, pod, container, ending, finding);
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
            container.last.as_deref().filter(|_| is_server).map(|last| (last, true))
        }
        _ => None,
    }
}

fn failed(ending: &Terminated) -> bool {
    ending.exit_code != 0 || ending.out_of_memory()
}

fn lately(case: &mut Case<'_>, ending: &Terminated) -> bool {
    let Some(finished) = ending.finished else { return false };
    let over = finished.plus(LATELY);
    if over > case.now {
        case.look_again(over);
    }
    over > case.now
}

fn once_more(case: &Case<'_>, pod: &Pod, container: &Container, ending: &Terminated, finding: Finding) -> Finding {
    let ago = ending.finished.map_or_else(String::new, |at| format!(" {} ago", Age(case.now.since(at))));
    let times = if container.restarts == 1 { "once".to_owned() } else { format!("{} times", container.restarts) };
    let why = match finding.code {
        Code::ProbeKills => format!("its {} probe failed", finding.about),
        _ => how(ending),
    };
    let sentence = format!("{} was restarted {times}, last{ago}: {why}", container.name);
    let severity = if loops(case, pod, container) { finding.severity } else { Severity::Warning };
    Finding { severity, sentence, ..finding }
}

/// It runs for the moment: that it has ended several times within a short while is known of a young pod, and where the
/// kubelet puts its restarts off.
fn loops(case: &Case<'_>, pod: &Pod, container: &Container) -> bool {
    let lately = |at: Option<At>| at.is_some_and(|at| case.now.since(at) < LATELY);
    let put_off = case.warnings(pod.uid, &["BackOff"]);
    let of_it = put_off.iter().any(|w| w.container.as_ref() == Some(&container.name) && lately(w.last));
    container.restarts >= LOOP && (of_it || lately(pod.created))
}

fn report(case: &mut Case<'_>, pod: &Pod, container: &Container, ending: &Terminated, finding: Finding) {
    let ended = ending.finished.or(ending.started);
    let since = case.tenant().crashing_since(pod, container, ending);
    let in_last = container.last.as_deref().is_some_and(|last| std::ptr::eq(last, ending));
    let status = super::case::status_of(pod, container);
    let place = format!("{status}.{}.terminated", if in_last { "lastState" } else { "state" });
    let said = ending.message().map(|m| Evidence::log(&container.name, tail(m), ended));
    let said = said.or_else(|| last_lines(case, container));
    let down = case.holds_up(pod, container);
    case.find_once(finding.down(down).since(since).proof(Evidence::field(place, how(ending), ended)).proofs(said));
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

fn full(case: &Case<'_>, container: &Container, ending: &Terminated) -> Finding {
    let app = container.name == *"seed-app";
    let (holds, usual) = if app { (Holds::App, "app-data") } else { (Holds::Config, "config-data") };
    // A restore has brought another one, of another name.
    let claim = case.tenant().claim_for(holds).map_or(usual, |claim| claim.name.as_str());
    Finding::critical(
        Code::VolumeFull,
        format!("{} ends for want of room on {claim}: {}", container.name, reason(ending)),
    )
    .about(claim)
    .advice("grow the claim, or free some space from a shell, then restart the tenant")
}

fn of_stage(case: &Case<'_>, stage: &Container, ending: &Terminated) -> Finding {
    if ending.exit_code == 28 || is_full(ending) {
        return full(case, stage, ending);
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
        "plugin install metadata conflict",
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
    if has(&["EADDRINUSE", "another gateway instance is already listening"]) {
        return Some(
            Finding::critical(Code::ConfigInvalid, "the gateway cannot listen: something in its pod has its port already")
                .about("gateway port")
                .advice("see gateway.port of openclaw.json beside the ports of the browser (3000) and of its page (6901); a process that was left over goes with the pod: restart the tenant"),
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
        return full(case, gateway, ending);
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
    if let Some(event) = killed_by(case, pod, gateway, ending) {
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

/// The probe that this life was ended for. Every start leaves a failed startup probe behind, and an event counts what
/// earlier lives met: only one that came right before the end has ended it. What ends well when it is told to, ends with 0.
fn killed_by<'a>(case: &Case<'a>, pod: &Pod, gateway: &Container, ending: &Terminated) -> Option<&'a Warning> {
    let (began, ended) = (ending.started?, ending.finished?);
    let ends_it = |w: &&Warning| {
        let of_gateway = w.container.as_ref().is_none_or(|c| *c == gateway.name);
        let kills = w.message.starts_with("Liveness") || w.message.starts_with("Startup");
        let before = |last: At| last <= ended.plus(1);
        let then = w.last.is_some_and(|last| last >= began && before(last) && ended.since(last) <= GRACE);
        // Of a loop's later ends nothing is told: client-go passes 25 events about a pod on, then one in five minutes. A
        // liveness probe that failed again and again fails still; a start's failures are no sign.
        let goes_on = w.message.starts_with("Liveness")
            && w.count > 1
            && gateway.restarts > 1
            && w.last.is_some_and(|last| before(last) && ended.since(last) <= LATELY);
        of_gateway && kills && (then || goes_on)
    };
    let told = matches!(ending.exit_code, 0 | 137 | 143);
    case.warnings(pod.uid, &["Unhealthy"]).into_iter().filter(|_| told).find(ends_it)
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
    let is_browser = container.role == Role::Browser;
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
    .advice("while it is down the pod is not Ready, and its Service sends nobody to the gateway, which runs on; its log of the previous run says why it ends")
}

#[cfg(test)]
mod tests;
