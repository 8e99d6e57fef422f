//! What happens to tenants, and what a tail shows of it.

use std::time::Duration;

use fleetdeck::{
    cluster::{
        Said,
        logs::{Stream, Wanted},
    },
    diagnose::{Board, LogLine, Telling},
    fleet::{Phase, Text},
    sim::{Fault, Target},
};

use super::tailing::{Tailing, following};
use crate::conformance::world::World;

const STAGES: [&str; 7] = [
    "seed-app",
    "create-workspace",
    "write-config",
    "rehydrate-runtime-apt",
    "setup-sudo",
    "download-cli-tools",
    "copy-chrome-cdp",
];

fn log(verb: &str) -> Target {
    Target::of(verb, "pods/log")
}

async fn ready(t: &mut Tailing, namespace: &str) {
    t.until("Ready", |t| t.fleet.get(namespace).is_some_and(|e| e.verdict.phase == Phase::Ready)).await;
}

#[tokio::test(start_paused = true)]
async fn a_boot_is_followed_from_stage_to_stage_and_into_the_gateway() {
    let mut t = Tailing::new("boot");
    t.rule("stages", "container = '*-*'\nrun-seconds = 4");
    t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 2");
    let spec = t.create("a").await;
    t.start(following(), &[&spec]);
    ready(&mut t, &spec.namespace()).await;
    t.during(20).await;
    let mut order: Vec<&str> = t.lines.iter().map(|(c, _)| c.as_str()).filter(|c| STAGES.contains(c)).collect();
    for stage in STAGES {
        let lines = t.of(stage);
        assert_eq!((lines[0], *lines.last().unwrap()), (&*format!("{stage}: begin"), &*format!("{stage}: done")));
        assert_eq!(lines.iter().filter(|l| l.ends_with(": done")).count(), 1, "{lines:?}");
    }
    order.dedup();
    assert_eq!(order, STAGES);
    t.assert_whole("gateway");
    assert!(t.ticks("gateway").len() > 20);
    assert_eq!(t.joints, [], "nothing was broken");
    assert_eq!((&t.streams["gateway"], &t.streams["seed-app"]), (&Stream::Live, &Stream::Ended));
}

#[tokio::test(start_paused = true)]
async fn the_past_of_all_containers_comes_in_the_order_of_time() {
    let mut t = Tailing::new("past");
    t.rule("stages", "container = '*-*'\nrun-seconds = 3");
    let spec = t.create("a").await;
    ready(&mut t, &spec.namespace()).await;
    t.during(60).await;
    t.start(Wanted::default(), &[&spec]);
    t.until("the end", |t| t.done).await;
    let mut order: Vec<&str> = t.lines.iter().map(|(c, _)| c.as_str()).collect();
    order.dedup();
    assert_eq!(order[..7], STAGES);
    t.assert_whole("gateway");
    t.assert_whole("browser");
    assert!(t.failures.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_goes_on_where_it_broke() {
    let mut t = Tailing::new("cut");
    t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 10");
    let spec = t.create("a").await;
    ready(&mut t, &spec.namespace()).await;
    t.start(Wanted { containers: vec!["gateway".to_owned()], ..following() }, &[&spec]);
    t.during(5).await;
    for bytes in [0, 7, 100, 1_000, 3_333] {
        // In the midst of a line, over and over.
        t.world.sim().faults().arm(log("get"), Fault::CutAfter(bytes), Some(2));
        t.world.sim().faults().cut_streams();
        t.during(20).await;
    }
    // The longer it has failed, the longer it waits.
    t.during(60).await;
    t.assert_whole("gateway");
    assert!(t.ticks("gateway").len() > 1_500, "{}", t.ticks("gateway").len());
    let said = t.said("gateway");
    assert!(said.iter().any(|s| s.contains("trying again")), "{said:?}");
    assert!(said.iter().any(|s| s.ends_with("nothing was lost")), "{said:?}");
    assert!(!said.iter().any(|s| s.contains("missing")), "{said:?}");
    assert_eq!(t.streams["gateway"], Stream::Live);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_dies_in_silence_is_found_out() {
    let mut t = Tailing::new("stall");
    t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 1");
    let spec = t.create("a").await;
    ready(&mut t, &spec.namespace()).await;
    t.start(Wanted { containers: vec!["gateway".to_owned()], tail: Some(1), ..following() }, &[&spec]);
    // What is read first is whole; what is followed then stops for ever in the midst of a line.
    t.until("the first line", |t| !t.lines.is_empty()).await;
    t.world.sim().faults().arm(log("get"), Fault::StallAfter(40), Some(1));
    t.world.sim().faults().cut_streams();
    t.during(400).await;
    t.assert_whole("gateway");
    assert!(t.ticks("gateway").len() > 350, "{}", t.ticks("gateway").len());
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_as_it_wishes_and_said_once() {
    let mut t = Tailing::new("busy");
    let spec = t.create("a").await;
    ready(&mut t, &spec.namespace()).await;
    let busy = Fault::TooManyRequests { retry_after: 7 };
    t.world.sim().faults().arm(log("get"), busy, Some(3));
    t.start(Wanted { containers: vec!["gateway".to_owned()], ..following() }, &[&spec]);
    t.during(6).await;
    assert_eq!((t.lines.len(), t.world.sim().faults().hits()), (0, 1));
    t.during(60).await;
    t.assert_whole("gateway");
    let said = t.said("gateway");
    assert_eq!(said.iter().filter(|s| s.contains("slow down (429)")).count(), 1, "{said:?}");
    assert!(said[1].starts_with("back after "), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_is_said_once_and_asked_for_again_only_on_demand() {
    let mut t = Tailing::new("forbidden");
    let spec = t.create("a").await;
    ready(&mut t, &spec.namespace()).await;
    let id = t.world.sim().faults().arm(log("get"), Fault::Forbidden, None);
    t.start(following(), &[&spec]);
    t.during(300).await;
    assert_eq!(t.joints.len(), 1, "{:?}", t.joints);
    assert!(t.joints[0].1.contains("may not read the log of"), "{:?}", t.joints);
    assert_eq!(t.failures.len(), 1);
    assert!(t.world.sim().faults().hits() <= 10, "each container at most once");
    assert!(matches!(t.streams["gateway"], Stream::Forbidden { .. }), "{:?}", t.streams);
    t.world.sim().faults().disarm(id);
    t.tail.as_ref().unwrap().retry();
    t.during(30).await;
    t.assert_whole("gateway");
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_of_one_container_leaves_the_others_alone() {
    let mut t = Tailing::new("forbidden one");
    t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 2");
    let spec = t.create("a").await;
    ready(&mut t, &spec.namespace()).await;
    t.start(Wanted { containers: vec!["gateway".to_owned(), "browser".to_owned()], ..following() }, &[&spec]);
    t.during(5).await;
    // The next stream that is opened is refused, whosever it is; the other one goes on.
    t.world.sim().faults().arm(log("get"), Fault::Forbidden, Some(1));
    t.world.sim().faults().cut_streams();
    t.during(120).await;
    let forbidden: Vec<_> =
        t.streams.iter().filter(|(_, s)| matches!(s, Stream::Forbidden { .. })).map(|(c, _)| c.clone()).collect();
    assert_eq!(forbidden.len(), 1, "{:?}", t.streams);
    let other = if forbidden[0] == "gateway" { "browser" } else { "gateway" };
    assert_eq!(t.streams[other], Stream::Live);
    t.assert_whole(other);
    let said = t.joints.iter().filter(|(_, s)| s.contains("may not read the log of")).count();
    assert_eq!((said, t.failures.len()), (1, 1), "{:?}", t.joints);
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_asked_for_anew() {
    let mut t = Tailing::new("expired");
    t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 2");
    let spec = t.create("a").await;
    let namespace = spec.namespace();
    ready(&mut t, &namespace).await;
    t.start(Wanted { containers: vec!["gateway".to_owned()], ..following() }, &[&spec]);
    t.during(5).await;
    // The watches that feed the tail have to list anew; some proxies answer so to a log as well.
    t.world.sim().faults().arm(Target::of("watch", "pods"), Fault::Gone, Some(1));
    t.world.sim().faults().arm(log("get"), Fault::Gone, Some(1));
    t.world.sim().faults().cut_streams();
    t.during(60).await;
    let old = t.fleet.get(&namespace).unwrap().tenant.pod().unwrap().uid;
    t.world.cluster.delete_pod(&namespace, "openclaw-0", old).await.unwrap();
    t.during(200).await;
    t.assert_whole("gateway");
    assert_eq!(t.of("gateway").iter().filter(|l| l.ends_with("starting, pid 1")).count(), 2, "both pods' gateways");
    assert_eq!(t.streams["gateway"], Stream::Live);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_replaced_in_the_midst_of_a_line_glues_nothing() {
    for bytes in [3, 37, 61, 90, 200] {
        let mut t = Tailing::new("mid line");
        t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 10");
        let spec = t.create("a").await;
        let namespace = spec.namespace();
        ready(&mut t, &namespace).await;
        t.start(Wanted { containers: vec!["gateway".to_owned()], ..following() }, &[&spec]);
        t.during(5).await;
        let old = t.fleet.get(&namespace).unwrap().tenant.pod().unwrap().uid;
        // The stream breaks in the midst of a line, and nothing more of this pod can be read.
        t.world.sim().faults().arm(log("get"), Fault::CutAfter(bytes), Some(1));
        let down = t.world.sim().faults().arm(log("get"), Fault::Unavailable, None);
        t.world.sim().faults().cut_streams();
        t.during(1).await;
        t.world.cluster.delete_pod(&namespace, "openclaw-0", old).await.unwrap();
        let another = |t: &Tailing| {
            let pod = t.fleet.get(&namespace).and_then(|e| e.tenant.pod());
            pod.is_some_and(|p| p.uid != old)
        };
        t.until("another pod", another).await;
        t.world.sim().faults().disarm(down);
        t.during(200).await;
        let lines = t.of("gateway");
        for line in &lines {
            assert_eq!(line.matches("gateway: ").count(), 1, "cut at {bytes}: {line:?}");
        }
        let starts = lines.iter().filter(|l| l.ends_with("starting, pid 1")).count();
        assert_eq!(starts, 2, "cut at {bytes}: {lines:?}");
        t.assert_whole("gateway");
        let said = t.said("gateway");
        assert!(said.iter().any(|s| s.contains("its last lines cannot be read any more")), "{said:?}");
        assert!(t.said("").iter().any(|s| s.starts_with("pod replaced")), "{:?}", t.joints);
    }
}

#[tokio::test(start_paused = true)]
async fn clocks_of_nodes_that_differ_lose_nothing_and_turn_no_container_round() {
    let mut t = Tailing::new("skew");
    t.rule("ahead", "container = 'gateway'\nlog-lines-per-second = 5\nlog-skew-seconds = 40");
    t.rule("behind", "container = 'browser'\nlog-lines-per-second = 5\nlog-skew-seconds = -40");
    let spec = t.create("a").await;
    ready(&mut t, &spec.namespace()).await;
    t.during(30).await;
    let both = vec!["gateway".to_owned(), "browser".to_owned()];
    t.start(Wanted { containers: both.clone(), ..following() }, &[&spec]);
    t.during(30).await;
    // Resumed by the stamps of each container's own clock.
    t.world.sim().faults().arm(log("get"), Fault::CutAfter(333), Some(4));
    t.world.sim().faults().cut_streams();
    t.during(120).await;
    for container in ["gateway", "browser"] {
        t.assert_whole(container);
        assert!(t.ticks(container).len() > 800, "{container}: {}", t.ticks(container).len());
        assert!(!t.said(container).iter().any(|s| s.contains("missing")), "{:?}", t.joints);
    }
    // What is live is shown when it comes: neither waits for the other's clock.
    let last = &t.lines[t.lines.len() - 40..];
    assert!(both.iter().all(|c| last.iter().filter(|(who, _)| who == c).count() > 10), "{last:?}");
    (t.done, t.lines) = (false, vec![]);
    t.start(Wanted { since: Some(10), containers: both, ..Wanted::default() }, &[&spec]);
    t.until("the end", |t| t.done).await;
    for container in ["gateway", "browser"] {
        let count = t.of(container).len();
        assert!((48..=52).contains(&count), "{container}: {count} of the last ten seconds, by its own clock");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_words_of_a_stage_that_fails_are_evidence() {
    let mut t = Tailing::new("evidence");
    t.rule("fails", "container = 'write-config'\nfault = 'crash'\nafter-seconds = 2\nexit-code = 9");
    let spec = t.create("a").await;
    let namespace = Text::from(spec.namespace().as_str());
    t.until("a failure", |t| t.fleet.get(&namespace).is_some_and(|e| e.verdict.phase == Phase::Failing)).await;
    let entry = t.fleet.get(&namespace).unwrap();
    let of = Telling::first(entry).expect("its stage has written");
    assert_eq!(of.container, *"write-config");
    let said = t.world.cluster.log_end(&namespace, &of.pod, &of.container, 20).await.unwrap();
    assert!(said.len() > 2 && said.iter().all(|line| line.at.is_some()), "{said:?}");
    let line = |said: Said| LogLine { container: of.container.to_string(), text: said.text, at: said.at };
    let (mut board, now) = (Board::default(), t.world.cluster.clock().now());
    board.update_all(&t.fleet, now);
    let quoted = |board: &Board| {
        let words = "write-config: fatal: giving up, exit code 9";
        board.of(&namespace).iter().flat_map(|f| &f.evidence).any(|e| e.said.ends_with(words))
    };
    let known = quoted(&board);
    board.heard(&t.fleet, &namespace, &of, said.into_iter().map(line).collect(), now);
    assert_eq!((known, quoted(&board)), (false, true), "{:?}", board.of(&namespace));
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_a_joint_with_its_reason_and_no_line_is_lost() {
    let mut t = Tailing::new("restart");
    t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 3\nfault = 'crash'\nafter-seconds = 20\nexit-code = 3\ntimes = 3");
    let spec = t.create("a").await;
    t.start(Wanted { containers: vec!["gateway".to_owned()], ..following() }, &[&spec]);
    t.during(400).await;
    t.assert_whole("gateway");
    let lines = t.of("gateway");
    assert_eq!(lines.iter().filter(|l| l.ends_with("starting, pid 1")).count(), 4, "three crashes, four lives");
    assert_eq!(lines.iter().filter(|l| l.contains("giving up, exit code 3")).count(), 3);
    let said = t.said("gateway");
    assert_eq!(said.iter().filter(|s| s.starts_with("restarted (exit 3), ")).count(), 3, "{said:?}");
    assert_eq!(said.len(), 3, "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_written_while_the_line_was_down_is_read_from_the_instance_before() {
    let mut t = Tailing::new("previous");
    t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 3\nfault = 'crash'\nafter-seconds = 30\ntimes = 1");
    let spec = t.create("a").await;
    t.start(Wanted { containers: vec!["gateway".to_owned()], ..following() }, &[&spec]);
    t.until("some lines", |t| t.ticks("gateway").len() > 20).await;
    let id = t.world.sim().faults().arm(log("get"), Fault::Unavailable, None);
    t.world.sim().faults().cut_streams();
    let namespace = spec.namespace();
    let restarted =
        |t: &Tailing| t.fleet.get(&namespace).is_some_and(|e| e.tenant.pod().is_some_and(|p| p.restarts() > 0));
    t.until("a restart", restarted).await;
    t.during(20).await;
    t.world.sim().faults().disarm(id);
    t.during(60).await;
    t.assert_whole("gateway");
    assert!(t.of("gateway").iter().any(|l| l.contains("giving up, exit code")), "the last words of the first life");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_pod_is_a_visible_joint() {
    let mut t = Tailing::new("replaced");
    t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 3");
    let spec = t.create("a").await;
    let namespace = spec.namespace();
    ready(&mut t, &namespace).await;
    t.start(following(), &[&spec]);
    t.during(20).await;
    let old = t.fleet.get(&namespace).unwrap().tenant.pod().unwrap().uid;
    t.world.cluster.delete_pod(&namespace, "openclaw-0", old).await.unwrap();
    t.until("another pod", |t| t.fleet.get(&namespace).unwrap().tenant.pod().is_some_and(|p| p.uid != old)).await;
    ready(&mut t, &namespace).await;
    t.during(20).await;
    t.assert_whole("gateway");
    let said = t.said("");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("pod replaced, same revision, ") && said[0].ends_with(" gap"), "{said:?}");
    for stage in STAGES {
        assert_eq!(t.of(stage).iter().filter(|l| l.ends_with(": done")).count(), 2, "{stage}: {:?}", t.of(stage));
    }
    let stops = t.of("gateway").iter().filter(|l| l.contains("received SIGTERM")).count();
    assert_eq!(stops, 1, "{:?}", t.of("gateway"));
    assert_eq!(t.of("gateway").iter().filter(|l| l.ends_with("starting, pid 1")).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_tail_begun_before_the_namespace_is_read_goes_on_after_it() {
    let world = World::simulator("early");
    world.rule("chat", "container = 'gateway'\nlog-lines-per-second = 3");
    let spec = world.spec("a");
    world.create(&spec).await;
    for resource in ["namespaces", "statefulsets"] {
        world.sim().faults().arm(Target::of("list", resource), Fault::Slow(Duration::from_secs(400)), Some(1));
        world.sim().faults().arm(Target::of("watch", resource), Fault::Slow(Duration::from_secs(400)), Some(1));
    }
    let mut t = Tailing::on(world);
    let namespace = spec.namespace();
    t.until("a pod", |t| t.fleet.get(&namespace).is_some_and(|e| e.tenant.pod().is_some())).await;
    assert!(t.fleet.get(&namespace).unwrap().tenant.namespace.is_none(), "seen by its pod alone");
    t.start(following(), &[&spec]);
    t.until("the namespace", |t| t.fleet.get(&namespace).is_some_and(|e| e.tenant.namespace.is_some())).await;
    ready(&mut t, &namespace).await;
    // Bound to what lasts: the pod's own end is not the tenant's.
    let old = t.fleet.get(&namespace).unwrap().tenant.pod().unwrap().uid;
    t.world.cluster.delete_pod(&namespace, "openclaw-0", old).await.unwrap();
    t.until("another pod", |t| t.fleet.get(&namespace).unwrap().tenant.pod().is_some_and(|p| p.uid != old)).await;
    ready(&mut t, &namespace).await;
    t.during(20).await;
    t.assert_whole("gateway");
    assert!(!t.done && t.said("").iter().all(|s| s.starts_with("pod replaced")), "{:?}", t.joints);
}

#[tokio::test(start_paused = true)]
async fn another_tenant_of_the_same_name_is_not_followed() {
    let mut t = Tailing::new("same name");
    let spec = t.create("a").await;
    let namespace = spec.namespace();
    ready(&mut t, &namespace).await;
    t.start(following(), &[&spec]);
    t.during(20).await;
    let uid = t.world.cluster.namespace_uid(&namespace).await.unwrap().unwrap();
    t.world.cluster.delete_namespace(&namespace, uid).await.unwrap();
    t.until("the end", |t| t.done).await;
    assert_eq!(t.said("").last(), Some(&"the tenant is gone"));
    let lines = t.lines.len();
    let again = t.create("a").await;
    ready(&mut t, &again.namespace()).await;
    t.during(60).await;
    assert_eq!(t.lines.len(), lines);
}

#[tokio::test(start_paused = true)]
async fn a_lost_node_is_said_and_its_return_noticed() {
    let mut t = Tailing::new("node");
    t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 1");
    let spec = t.create("a").await;
    let namespace = spec.namespace();
    ready(&mut t, &namespace).await;
    t.start(Wanted { containers: vec!["gateway".to_owned()], ..following() }, &[&spec]);
    t.during(5).await;
    let node = t.fleet.get(&namespace).unwrap().tenant.pod().unwrap().node.clone().unwrap();
    t.rule("lost", &format!("node = '{node}'\nfault = 'node-not-ready'"));
    t.world.sim().faults().cut_streams();
    t.during(40).await;
    assert!(t.said("gateway").iter().any(|s| s.contains("i/o timeout")), "{:?}", t.joints);
    assert!(matches!(t.streams["gateway"], Stream::Broken { .. }));
    t.world.sim().clear_rule("lost");
    t.during(90).await;
    t.assert_whole("gateway");
    assert_eq!(t.streams["gateway"], Stream::Live);
}

#[tokio::test(start_paused = true)]
async fn a_tail_of_nothing_shows_only_what_comes() {
    let mut t = Tailing::new("tail");
    t.rule("chat", "container = 'gateway'\nlog-lines-per-second = 2");
    let spec = t.create("a").await;
    ready(&mut t, &spec.namespace()).await;
    t.during(50).await;
    let gateway = vec!["gateway".to_owned()];
    t.start(Wanted { tail: Some(0), containers: gateway.clone(), ..following() }, &[&spec]);
    t.during(10).await;
    let first = t.ticks("gateway")[0];
    assert!(first > 100, "{first}");
    t.assert_whole("gateway");
    t.lines.clear();
    t.start(Wanted { tail: Some(5), containers: gateway.clone(), ..Wanted::default() }, &[&spec]);
    t.until("the end", |t| t.done).await;
    assert_eq!(t.lines.len(), 5);
    (t.done, t.lines) = (false, vec![]);
    t.start(Wanted { since: Some(10), containers: gateway, ..Wanted::default() }, &[&spec]);
    t.until("the end", |t| t.done).await;
    assert!((19..=21).contains(&t.lines.len()), "{}", t.lines.len());
}

#[tokio::test(start_paused = true)]
async fn many_tenants_are_one_stream() {
    let mut t = Tailing::new("many");
    let mut specs = Vec::new();
    for n in 0..6 {
        specs.push(t.create(&format!("t{n}")).await);
    }
    for spec in &specs {
        ready(&mut t, &spec.namespace()).await;
    }
    t.start(Wanted::default(), &specs.iter().collect::<Vec<_>>());
    t.until("the end", |t| t.done).await;
    assert_eq!(t.of("gateway").iter().filter(|l| l.ends_with("starting, pid 1")).count(), 6);
    assert!(t.failures.is_empty());
}
