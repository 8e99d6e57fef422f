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
    check(1, "Error", "state.sqlite uses newer schema version 41; this OpenClaw build supports 38", Code::SchemaNewer);
    check(
        1,
        "Error",
        "OpenClaw startup migrations did not complete cleanly; refusing to report the gateway ready",
        Code::MigrationsRefused,
    );
    check(1, "Error", "Gateway start blocked: set gateway.mode=local", Code::ConfigInvalid);
    check(1, "Error", "Error: listen EADDRINUSE: address already in use 0.0.0.0:18789", Code::ConfigInvalid);
    check(1, "Error", "another gateway instance is already listening on ws://127.0.0.1:18789", Code::ConfigInvalid);
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
    t.warnings = Box::new([event("Pod", 10, "Unhealthy", "Liveness probe failed: context deadline exceeded", 90)]);
    assert_eq!((first(&t, 500).code, first(&t, 500).about), (Code::ProbeKills, "liveness".to_owned()));
    t.warnings[0].message = text("Readiness probe failed: not ready");
    assert_eq!(first(&t, 500).code, Code::GatewayCrash, "a readiness probe kills nobody");

    let killed = |life: Terminated, container: Option<&str>, last: u32| {
        let mut t = crashing(0, life, "");
        let probe = event("Pod", 10, "Unhealthy", "Startup probe failed: connection refused", last);
        t.warnings = Box::new([Warning { container: container.map(text), ..probe }]);
        first(&t, 2_000).code
    };
    let life = |exit: i32| ended(exit, "Error", 900, 1_500);
    for exit in [0, 137, 143] {
        assert_eq!(killed(life(exit), Some("gateway"), 1_440), Code::ProbeKills, "{exit}, within its grace");
    }
    let mut pod = ready();
    (pod.containers[0].restarts, pod.containers[0].last) = (1, Some(Box::new(life(0))));
    let mut t = tenant("a", Some(pod));
    assert!(codes(&diagnose(&t, 2_000)).is_empty(), "it ended well, and runs again");
    let probe = event("Pod", 10, "Unhealthy", "Liveness probe failed: context deadline exceeded", 1_490);
    t.warnings = Box::new([Warning { container: Some(text("gateway")), ..probe }]);
    assert_eq!(first(&t, 2_100).sentence, "gateway was restarted once, last 10m ago: its liveness probe failed");
    assert_eq!(killed(life(1), Some("gateway"), 1_490), Code::GatewayCrash, "it ended by itself");
    assert_eq!(killed(life(137), Some("gateway"), 905), Code::GatewayCrash, "every start leaves such an event");
    assert_eq!(killed(life(137), Some("gateway"), 890), Code::GatewayCrash, "of an earlier life");
    assert_eq!(killed(life(137), Some("gateway"), 1_600), Code::GatewayCrash, "of the next one");
    assert_eq!(killed(life(137), Some("browser"), 1_490), Code::GatewayCrash, "of another container");
}

/// As the real kubelet shows it: after 25 events about a pod the later kills of a loop are not told of any more.
#[test]
fn a_probe_goes_on_killing_when_nothing_tells_of_it_any_more() {
    let code = |message: &str, count: u32, restarts: u32, last: u32| {
        let mut t = crashing(0, ended(0, "Completed", 1_490, 1_500), "");
        t.pods[0].containers[0].restarts = restarts;
        t.warnings = Box::new([Warning { count, ..event("Pod", 10, "Unhealthy", message, last) }]);
        first(&t, 2_000).code
    };
    assert_eq!(code("Liveness probe failed: ", 5, 6, 1_200), Code::ProbeKills);
    assert_eq!(code("Liveness probe failed: ", 1, 6, 1_200), Code::GatewayCrash, "once is no habit");
    assert_eq!(code("Liveness probe failed: ", 5, 1, 1_200), Code::GatewayCrash, "nor is one restart");
    assert_eq!(code("Startup probe failed: ", 5, 6, 1_200), Code::GatewayCrash, "every start leaves one");
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
    let mut pod = booting(0);
    pod.stages[0].state = State::Terminated(ended(28, "Error", 35, 38));
    let mut t = tenant("a", Some(pod));
    let restored = crate::fleet::Claim { created: Some(at(30)), ..claim(5, "app-data-20261127") };
    t.claims = t.claims.iter().cloned().chain([restored]).collect();
    let finding = first(&t, 60);
    assert_eq!((finding.code, finding.about.as_str()), (Code::VolumeFull, "app-data-20261127"), "what is mounted");
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

#[test]
fn a_gateway_that_dies_again_and_again_is_critical_between_its_deaths() {
    let mut pod = ready();
    (pod.created, pod.containers[0].restarts) = (Some(at(0)), 8);
    pod.containers[0].last = Some(Box::new(ended(137, "OOMKilled", 5_900, 6_000)));
    let mut t = tenant("a", Some(pod));
    assert_eq!(first(&t, 6_060).severity, Severity::Warning, "they may lie weeks apart");
    let back_off = event("Pod", 10, "BackOff", "Back-off restarting failed container gateway", 5_990);
    t.warnings = Box::new([Warning { container: Some(text("gateway")), first: Some(at(4_600)), ..back_off }]);
    let finding = first(&t, 6_060);
    let got = (finding.code, finding.severity, finding.down, finding.since);
    assert_eq!(got, (Code::GatewayOom, Severity::Critical, false, Some(at(4_600))));
    assert_eq!(finding.sentence, "gateway was restarted 8 times, last 60s ago: out of memory (exit 137)");
    t.pods[0].containers[0].restarts = 2;
    assert_eq!(first(&t, 6_060).severity, Severity::Warning);
    t.pods[0].containers[0].restarts = 3;
    t.warnings[0].container = Some(text("browser"));
    assert_eq!(first(&t, 6_060).severity, Severity::Warning, "another one's");
    t.pods[0].created = Some(at(5_000));
    assert_eq!(first(&t, 6_060).severity, Severity::Critical, "its pod is younger than that");
    let mut lame = ready();
    (lame.created, lame.containers[1].restarts) = (Some(at(5_000)), 8);
    lame.containers[1].last = Some(Box::new(ended(137, "OOMKilled", 5_900, 6_000)));
    assert_eq!(first(&tenant("a", Some(lame)), 6_060).severity, Severity::Warning, "the browser's");
}
