//! What is learned of boots, and foretold from it.

use fleetdeck::{
    cluster::look,
    fleet::{At, Pod, State},
    index::{Forecast, history::Stats, outlook},
    sim::scenario::Scenario,
};

use super::world::{Watching, World};

const STAGES: [&str; 7] = [
    "seed-app",
    "create-workspace",
    "write-config",
    "rehydrate-runtime-apt",
    "setup-sudo",
    "download-cli-tools",
    "copy-chrome-cdp",
];

fn median(mut all: Vec<u32>) -> u32 {
    all.sort_unstable();
    let n = all.len();
    (all[(n - 1) / 2] + all[n / 2]).div_ceil(2)
}

fn ready_at(pod: &Pod) -> At {
    pod.ready.as_ref().filter(|c| c.met).and_then(|c| c.since).unwrap()
}

/// Seconds that a stage ran, as its container says.
fn ran(pod: &Pod, stage: &str) -> u32 {
    let stage = pod.stages.iter().find(|s| s.name == *stage).unwrap();
    match &stage.state {
        State::Terminated(t) => t.finished.unwrap().since(t.started.unwrap()),
        other => panic!("{other:?}"),
    }
}

async fn ready(watching: &mut Watching, namespace: &str) {
    watching.until(namespace, "Ready", |e| e.verdict.phase == fleetdeck::fleet::Phase::Ready).await;
}

pub(crate) async fn boots_are_learned_to_the_second_and_foretold(world: &World) {
    let specs = ["a", "b", "c", "d", "e"].map(|name| world.spec(name));
    let mut watching = world.watch();
    watching.settle().await;
    for spec in &specs {
        world.create(spec).await;
    }
    let (mut wholes, mut stages, mut tenants) = (Vec::new(), vec![Vec::new(); STAGES.len()], Vec::new());
    for spec in &specs {
        let namespace = spec.namespace();
        ready(&mut watching, &namespace).await;
        // Read on its own, not by the watch.
        let pod = world.cluster.pod(&namespace, "openclaw-0").await.unwrap().unwrap();
        let wall = ready_at(&pod).since(pod.created.unwrap());
        wholes.push(wall);
        STAGES.iter().zip(&mut stages).for_each(|(stage, times)| times.push(ran(&pod, stage)));
        let tenant = watching.fleet.get(&namespace).unwrap().tenant.uid().unwrap();
        let boot = watching.fleet.history().of_tenant(tenant).next().unwrap();
        assert_eq!(boot.pod, pod.uid);
        let parts: u32 = (0..boot.laps.len()).map(|lap| boot.lap(lap).unwrap()).sum();
        assert!(parts.abs_diff(wall) <= 2, "the parts sum to {parts}, the whole took {wall}");
        assert_eq!(boot.kind.new_volumes, Some(true));
        tenants.push(tenant);
    }
    let history = watching.fleet.history();
    let ours: Vec<_> = history.boots().filter(|b| tenants.contains(&b.tenant)).collect();
    assert_eq!(ours.len(), specs.len(), "each boot once");
    let stats = Stats::of(ours.iter().map(|b| &***b), ours[0].kind.laps());
    assert_eq!(stats.whole().median(), Some(median(wholes)));
    for (stage, times) in (2..).zip(stages) {
        let lap = stats.lap(fleetdeck::fleet::boot::Lap::at_work(stage)).unwrap();
        assert_eq!(lap.median(), Some(median(times)), "stage {stage}");
    }
    assert!((stats.shares().iter().map(|s| s.share).sum::<f64>() - 1.0).abs() < 1e-9);

    // The next one is foretold while it boots.
    let spec = world.spec("f");
    let namespace = spec.namespace();
    world.create(&spec).await;
    watching.until(&namespace, "booting", |e| e.verdict.phase.word() == "Booting").await;
    let entry = watching.fleet.get(&namespace).unwrap();
    let forecast = watching.fleet.history().forecast(entry, world.cluster.clock().now());
    let Some(Forecast::Left { samples, .. } | Forecast::Overdue { samples }) = forecast else { panic!("{forecast:?}") };
    assert!(samples >= 5);
    let sentence = outlook::for_user(entry, forecast, false);
    assert!(sentence.starts_with("Your assistant is starting"), "{sentence}");
    ready(&mut watching, &namespace).await;
    let entry = watching.fleet.get(&namespace).unwrap();
    assert_eq!(watching.fleet.history().forecast(entry, world.cluster.clock().now()), None);
}

pub(crate) async fn a_tenant_can_be_looked_into_and_its_secrets_cannot(world: &World) {
    let spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    world.create(&spec).await;
    ready(&mut watching, &namespace).await;

    let objects = look::objects(&world.cluster, &namespace).await.unwrap();
    assert_eq!(objects.missing, Vec::<String>::new());
    let kinds: Vec<_> = objects.names.iter().map(|o| o.kind.kind).collect();
    for kind in ["Namespace", "StatefulSet", "Pod", "PersistentVolumeClaim", "ResourceQuota", "ConfigMap", "Ingress"] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
    assert!(!kinds.contains(&"Secret"));
    for object in &objects.names {
        let lines = world.cluster.yaml(&namespace, object).await.unwrap();
        let text = lines.join("\n");
        assert!(text.contains(&format!("kind: {}", object.kind.kind)), "{text}");
        assert!(text.contains(&format!("name: {}", object.name)), "{text}");
        assert!(!text.contains("fieldsV1") && !text.contains("not-a-real-token"), "{text}");
    }
    let set = objects.names.iter().find(|o| o.kind.kind == "StatefulSet").unwrap();
    let text = world.cluster.yaml(&namespace, set).await.unwrap().join("\n");
    assert!(text.contains("(folded: ") && text.contains("fleetdeck"), "{text}");

    let events = world.cluster.events(&namespace).await.unwrap();
    assert!(events.iter().any(|e| e.reason == "SuccessfulCreate" && !e.warning && e.last.is_some()), "{events:?}");
    let lines = world.cluster.log_end(&namespace, "openclaw-0", "gateway", 2).await.unwrap();
    assert!(lines.len() <= 2, "{lines:?}");
    assert!(world.cluster.log_end(&namespace, "openclaw-9", "gateway", 2).await.is_err());
    assert_eq!(world.cluster.identity().await.unwrap().len(), 36, "a UID");
}

/// Stages of known lengths; packages take between ten seconds and thirty.
const KNOWN: &str = r#"
[[sim.rule]]
run-seconds = 4
ready-seconds = 2
start-seconds = 1
stop-seconds = 1

[[sim.rule]]
container = "rehydrate-runtime-apt"
run-seconds = [10, 30]

[[sim.rule]]
container = "gateway"
ready-seconds = 30
"#;

#[tokio::test(start_paused = true)]
async fn medians_are_right_to_the_second_and_half_way_the_eta_is_close() {
    let world = World::with_scenario("medians", Scenario::parse("known.toml", KNOWN).unwrap());
    let mut watching = world.watch();
    watching.settle().await;
    for n in 0..12 {
        world.create(&world.spec(&format!("n{n}"))).await;
    }
    for n in 0..12 {
        ready(&mut watching, &world.spec(&format!("n{n}")).namespace()).await;
    }
    let (_, stats) = watching.fleet.history().kinds()[0];
    assert_eq!(stats.boots(), 12);
    let lap = |step| stats.lap(fleetdeck::fleet::boot::Lap::at_work(step)).unwrap();
    for step in [2, 3, 4, 6, 7, 8] {
        let median = lap(step).median().unwrap();
        assert!((3..=5).contains(&median), "step {step} takes 4 s: {median}");
    }
    assert!((14..=26).contains(&lap(5).median().unwrap()), "{:?}", lap(5));
    assert!((29..=33).contains(&lap(9).median().unwrap()), "{:?}", lap(9));
    let usual = stats.whole().median().unwrap();

    for n in 0..5 {
        let spec = world.spec(&format!("late{n}"));
        let namespace = spec.namespace();
        world.create(&spec).await;
        watching.until(&namespace, "a pod", |e| e.tenant.pod().is_some()).await;
        let created = watching.fleet.get(&namespace).unwrap().tenant.pod().unwrap().created.unwrap();
        // News comes at least once a second of the stages, so that half way is half way.
        while world.cluster.clock().now() < created.plus(usual / 2) {
            watching.step("half of a boot").await;
        }
        let now = world.cluster.clock().now();
        let entry = watching.fleet.get(&namespace).unwrap();
        let left = watching.fleet.history().forecast(entry, now).and_then(Forecast::seconds).unwrap();
        ready(&mut watching, &namespace).await;
        let really = ready_at(watching.fleet.get(&namespace).unwrap().tenant.pod().unwrap()).since(now);
        let error = left.abs_diff(really);
        assert!(error * 100 <= really * 30, "boot {n}: {left} s foretold half way, {really} s it took");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_hangs_is_slow_then_stuck_and_is_never_promised() {
    let world = World::with_scenario("hangs", Scenario::parse("known.toml", KNOWN).unwrap());
    let mut watching = world.watch();
    watching.settle().await;
    for n in 0..6 {
        world.create(&world.spec(&format!("n{n}"))).await;
    }
    for n in 0..6 {
        ready(&mut watching, &world.spec(&format!("n{n}")).namespace()).await;
    }
    let hang = "namespace = \"*-stuck\"\ncontainer = \"create-workspace\"\nrun-seconds = 3600";
    world.rule("hang", hang);
    let spec = world.spec("stuck");
    let namespace = spec.namespace();
    world.create(&spec).await;
    watching.until(&namespace, "in its second stage", |e| e.verdict.phase.to_string().starts_with("Booting(2/7")).await;
    let mut said = Vec::new();
    for _ in 0..200 {
        watching.step("time").await;
        let now = world.cluster.clock().now();
        let entry = watching.fleet.get(&namespace).unwrap();
        let clause = outlook::clause(entry, watching.fleet.history(), now).unwrap().1;
        let word = clause.split([':', '~', ' ']).find(|w| !w.is_empty()).unwrap_or_default().to_owned();
        let word = if word.starts_with(|c: char| c.is_ascii_digit()) { "left".to_owned() } else { word };
        if said.last() != Some(&word) {
            said.push(word);
        }
    }
    assert_eq!(said, ["left", "longer", "slow", "stuck"], "promised, unknown, slow, stuck");
    let entry = watching.fleet.get(&namespace).unwrap();
    let forecast = watching.fleet.history().forecast(entry, world.cluster.clock().now());
    assert!(matches!(forecast, Some(Forecast::Overdue { .. })), "{forecast:?}");
}
