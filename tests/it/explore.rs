//! Deterministic simulation: a seed draws faults, crashes and hand-overs, and a rollout on the simulator has to keep its
//! promises under all of them. One thread, a paused clock: a seed that fails can be run again, and is.
//!
//! `FLEETDECK_SEEDS=0..1000 cargo test --test it explore` runs others than the usual few.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use fleetdeck::{
    engine::{Lease, Order, Records, hold::holder},
    fleet::Uid,
    index::Fleet,
    manifest::TenantSpec,
    plan::{End, Event, Intent, Ledger, News, Pace, Plan, State},
    sim::{Fault, Faults, SimConfig, Target},
};
use sha2::{Digest as _, Sha256};

use super::conformance::{
    acting::{CONTROL, Operator, image, ready},
    world::World,
};

const TENANTS: [&str; 4] = ["a", "b", "c", "d"];
const AT_ONCE: u32 = 2;

/// The seeds of an ordinary run.
fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("FLEETDECK_SEEDS") else { return 0..8 };
    let range = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    range.unwrap_or_else(|| panic!("FLEETDECK_SEEDS={text}: expected FROM..TO"))
}

/// Arms faults that a seed draws: of reads and writes of single objects, before and after they have their effect.
fn arm(faults: &Faults, rng: &mut fastrand::Rng) {
    let resources = ["namespaces", "statefulsets", "pods", "configmaps", "leases", "persistentvolumeclaims"];
    for _ in 0..rng.u32(2..14) {
        let verb = ["get", "patch", "delete", "create", "update"][rng.usize(..5)];
        let fault = match rng.u32(..6) {
            0 => Fault::TooManyRequests { retry_after: rng.u32(1..8) },
            1 => Fault::Unavailable,
            2 => Fault::Html,
            // The write lands, its answer does not.
            3 | 4 => Fault::CutAfter(0),
            _ => Fault::Slow(Duration::from_millis(rng.u64(50..9_000))),
        };
        faults.arm(Target::of(verb, resources[rng.usize(..resources.len())]), fault, Some(rng.u32(1..4)));
    }
}

/// What must hold whatever happens.
struct Watch {
    before: BTreeMap<String, (Uid, BTreeSet<Uid>)>,
    /// Every pod that a tenant was seen with.
    pods: BTreeMap<String, BTreeSet<Uid>>,
    most_down: usize,
}

impl Watch {
    fn new(fleet: &Fleet) -> Self {
        let mut before = BTreeMap::new();
        for entry in fleet.iter() {
            let claims = entry.tenant.claims.iter().map(|c| c.uid).collect();
            before.insert(entry.tenant.namespace_name.to_string(), (entry.tenant.uid().unwrap(), claims));
        }
        Self { before, pods: BTreeMap::new(), most_down: 0 }
    }

    fn look(&mut self, fleet: &Fleet) {
        let mut down = 0;
        for (name, (uid, claims)) in &self.before {
            let entry = fleet.get(name).unwrap_or_else(|| panic!("{name} is gone"));
            assert_eq!(entry.tenant.uid(), Some(*uid), "{name} is another one");
            let now: BTreeSet<Uid> = entry.tenant.claims.iter().map(|c| c.uid).collect();
            assert_eq!(now, *claims, "{name}: its volumes");
            let pod = entry.tenant.pod();
            down += usize::from(pod.is_none_or(|p| !p.is_ready() || p.deleting.is_some()));
            self.pods.entry(name.clone()).or_default().extend(entry.tenant.pods.iter().map(|p| p.uid));
        }
        self.most_down = self.most_down.max(down);
        assert!(down <= AT_ONCE as usize, "{down} tenants are down at once");
    }
}

/// One story of this seed; the digest of everything that it told.
async fn story(seed: u64) -> String {
    let mut rng = fastrand::Rng::with_seed(seed);
    let start = jiff::Timestamp::from_second(1_790_000_000).unwrap();
    let world = World::simulated("explore", SimConfig { seed, start, ..SimConfig::default() });
    let mut operator = Operator::new(&world).await;
    let specs = TENANTS.map(|name| world.spec(name));
    for spec in &specs {
        operator.create(spec).await;
    }
    let namespaces: Vec<String> = specs.iter().map(TenantSpec::namespace).collect();
    let names: Vec<&str> = namespaces.iter().map(String::as_str).collect();
    let tier = Intent::SetTier { tier: "max".to_owned() };
    let intent = [image("2026.8.2"), Intent::Restart, Intent::Reprovision, tier][rng.usize(..4)].clone();
    let pace = Pace { canary: rng.u32(..2), max_unavailable: AT_ONCE, soak: rng.u32(..40), stop_after: 4 };
    let plan = operator.plan(intent, pace, &names, ready).await.unwrap();

    let faults = world.sim.as_ref().unwrap().faults();
    let mut watch = Watch::new(&operator.watching.fleet);
    let mut events: Vec<Event> = Vec::new();
    let mut holders = 0;
    let mut kept = Some(operator.keep(&plan, "holder-0").await.unwrap());
    loop {
        arm(&faults, &mut rng);
        if rng.u32(..3) == 0 {
            faults.cut_streams();
        }
        // At this many events the holder is gone; the third one stays.
        let crash = if holders < 2 { Some(rng.usize(1..45)) } else { None };
        let ledger = resumed(&world, &plan, holders).await;
        let told = Box::pin(leg(&mut operator, &plan, ledger, kept.take(), crash, &mut watch)).await;
        let crashed = !told.iter().any(|e| matches!(e.news, News::Ended { .. }));
        events.extend(told);
        if !crashed {
            break;
        }
        holders += 1;
        while holder(&world.cluster, CONTROL, &plan.id).await.map_or(true, |who| who.is_some_and(|w| w.alive)) {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        // Who takes over tries again, as a person would.
        kept = loop {
            let lease = Lease::take(&world.cluster, CONTROL, &plan.id, &format!("holder-{holders}"), holders).await;
            match lease {
                Ok(lease) => break Some((lease, Records::new(&world.cluster, CONTROL))),
                Err(_) => tokio::time::sleep(Duration::from_secs(5)).await,
            }
        };
    }
    faults.clear();
    judge(&mut operator, &plan, &events, &mut watch).await;
    let mut digest = Sha256::new();
    for event in &events {
        digest.update(serde_json::to_string(event).unwrap());
    }
    digest.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

async fn resumed(world: &World, plan: &Plan, holders: u64) -> Ledger {
    if holders == 0 {
        return Ledger::new(plan);
    }
    let records = Records::new(&world.cluster, CONTROL);
    loop {
        match records.get(&plan.id).await {
            Ok(record) => return Ledger::resumed(plan, plan.made, &record.unwrap().states),
            Err(_) => tokio::time::sleep(Duration::from_secs(2)).await,
        }
    }
}

/// One holder's part of the run: to its end, or to the event at which it is cut off.
async fn leg(
    operator: &mut Operator<'_>,
    plan: &Plan,
    ledger: Ledger,
    kept: Option<(Lease, Records)>,
    crash: Option<usize>,
    watch: &mut Watch,
) -> Vec<Event> {
    let (cut, is_cut) = tokio::sync::oneshot::channel();
    let mut cut = Some(cut);
    let heard = Cell::new(0);
    let events = std::cell::RefCell::new(Vec::new());
    let (runner, watching) = operator.split();
    let run = runner.run_until(plan, ledger, kept, |event| {
        events.borrow_mut().push(event.clone());
        heard.set(heard.get() + 1);
        if Some(heard.get()) == crash
            && let Some(cut) = cut.take()
        {
            _ = cut.send(());
        }
        Order::Go
    });
    let run = async {
        tokio::select! {
            biased;
            Ok(()) = is_cut => {}
            _ = run => {}
        }
    };
    Box::pin(watching.during(run, |fleet| watch.look(fleet))).await;
    events.into_inner()
}

async fn judge(operator: &mut Operator<'_>, plan: &Plan, events: &[Event], watch: &mut Watch) {
    let told = || {
        events.iter().map(|e| format!("{} {}\n", e.news.tenant().unwrap_or("-"), e.news.words())).collect::<String>()
    };
    let ends: Vec<End> =
        events.iter().filter_map(|e| if let News::Ended { end, .. } = e.news { Some(end) } else { None }).collect();
    assert_eq!(ends, [End::Done], "one end\n{}", told());
    for turn in plan.turns() {
        let name = &turn.namespace;
        let old = turn.basis.pod_uid();
        operator.watching.until(name, "as the run left it", |e| ready(e) && e.tenant.pod().map(|p| p.uid) != old).await;
        let entry = operator.entry(name);
        let (pod, set) = (entry.tenant.pod().unwrap(), entry.tenant.set().unwrap());
        assert_eq!(pod.revision, set.update_revision, "{name}\n{}", told());
        let seen = &watch.pods[name];
        assert!(seen.len() <= 2, "{name}: its pod was replaced more than once\n{}", told());
        // Whatever was said about it last is that it is done.
        let last = events.iter().rev().find(|e| e.news.tenant() == Some(name)).unwrap();
        assert!(matches!(last.news, News::Done { .. }), "{name}: {:?}", last.news);
    }
    let record = Records::new(&operator.world.cluster, CONTROL).get(&plan.id).await.unwrap().unwrap();
    assert!(record.states.values().all(|s| !matches!(s, State::Failed { .. })), "{:?}", record.states);
}

fn once(seed: u64) -> String {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(story(seed))
}

#[test]
fn rollouts_keep_their_promises_under_faults_and_crashes() {
    for seed in seeds() {
        let run = std::panic::catch_unwind(|| once(seed));
        assert!(run.is_ok(), "seed {seed} fails: FLEETDECK_SEEDS={seed}..{} replays it", seed + 1);
    }
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in seeds().take(3) {
        assert_eq!(once(seed), once(seed), "seed {seed}");
    }
}
