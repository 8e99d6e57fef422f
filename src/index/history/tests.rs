use proptest::{
    collection::{btree_map, vec},
    prelude::*,
};

use super::*;
use crate::{
    fleet::{Pod, State, Tier, Verdict, boot::Lap, fixture::*},
    index::Entry,
};

const LAPS: usize = Lap::count(7);

/// Tenant number `n`, whose pod was made at `created` and went through these laps; as far as they go.
fn tenant_with(n: u128, created: u32, laps: &[u32]) -> Tenant {
    let mut pod = Pod { uid: uid(10_000 + n), created: Some(at(created)), ..pod() };
    pod.scheduled = None;
    pod.sandbox = None;
    let mut now = created;
    for (index, seconds) in laps.iter().enumerate() {
        let from = now;
        now += seconds;
        let Lap { step, waits } = Lap::of(index);
        match (step, waits) {
            (0, _) => pod.scheduled = condition(true, now),
            (1, _) => pod.sandbox = moment(true, now),
            (9, true) => pod.containers.iter_mut().for_each(|c| c.state = State::Running { since: Some(at(now)) }),
            (9, false) => {
                pod.ready = condition(true, now);
                pod.containers.iter_mut().for_each(|c| c.ready = true);
            }
            (step, true) => pod.stages[step - 2].state = State::Running { since: Some(at(now)) },
            (step, false) => pod.stages[step - 2].state = State::Terminated(ended(0, "Completed", from, now)),
        }
    }
    let mut tenant = tenant(&format!("t{n}"), Some(pod));
    tenant.namespace.as_mut().unwrap().uid = uid(n);
    tenant.claims.iter_mut().for_each(|c| c.created = Some(at(created)));
    tenant
}

/// A boot whose every lap takes `seconds`.
fn even(n: u128, created: u32, seconds: u32) -> Tenant {
    tenant_with(n, created, &[seconds; LAPS])
}

fn entry(tenant: Tenant, now: u32) -> Entry {
    let verdict = Verdict::of(&tenant, at(now));
    Entry { tenant, verdict, changed: None }
}

fn learned(tenants: impl IntoIterator<Item = Tenant>) -> History {
    let mut history = History::default();
    tenants.into_iter().for_each(|t| history.observe(&t));
    history
}

#[test]
fn a_boot_is_learned_once_it_is_over_and_only_once() {
    let mut history = History::default();
    for far in 0..LAPS {
        history.observe(&tenant_with(1, 100, &[2; LAPS][..far]));
    }
    assert!(history.is_empty());
    let over = even(1, 100, 2);
    history.observe(&over);
    history.observe(&over);
    let boot = history.boots().next().unwrap();
    assert_eq!((history.len(), history.version(), boot.whole()), (1, 1, Some(36)));
    assert_eq!((boot.at, boot.tenant), (at(136), uid(1)));

    let mut restarted = even(2, 100, 2);
    restarted.pods[0].containers[1].restarts = 1;
    history.observe(&restarted);
    let mut going = even(3, 100, 2);
    going.pods[0].deleting = Some(at(500));
    history.observe(&going);
    assert_eq!(history.len(), 1, "what has restarted or goes tells of another time");
}

#[test]
fn a_readiness_that_came_back_late_is_no_boot() {
    let mut laps = [2; LAPS];
    laps[LAPS - 1] = 3_600;
    let history = learned([tenant_with(1, 100, &laps)]);
    let boot = history.boots().next().unwrap();
    assert_eq!((boot.whole(), boot.lap(LAPS - 1), boot.lap(LAPS - 2)), (None, None, Some(2)));
    assert_eq!(boot.at, at(134), "the gateway's start is the last that is known");
    // A migration takes as long as the startup probe lets it.
    laps[LAPS - 1] = 500;
    let mut patient = tenant_with(1, 100, &laps);
    Arc::make_mut(&mut patient.pods[0].containers[0].spec).startup = std::num::NonZeroU16::new(600);
    let lap = |t: Tenant| learned([t]).boots().next().unwrap().lap(LAPS - 1);
    assert_eq!((lap(patient), lap(tenant_with(1, 100, &laps))), (Some(500), None));
}

fn image(tenant: &mut Tenant, image: &str) {
    Arc::make_mut(&mut tenant.pods[0].containers[0].spec).image = text(image);
}

#[test]
fn what_takes_another_time_by_nature_is_not_mixed() {
    let with = |n, edit: fn(&mut Tenant)| {
        let mut t = even(n, 1_000, 2);
        edit(&mut t);
        t
    };
    let history = learned([
        with(1, |_| {}),
        with(2, |t| t.tier = Some(Tier::Max)),
        with(3, |t| t.claims.iter_mut().for_each(|c| c.created = Some(at(10)))),
        with(4, |t| t.claims = Box::default()),
        with(5, |t| image(t, "registry.example/stand-in:1")),
        with(6, |t| image(t, "ghcr.io/openclaw/openclaw:2026.8.3")),
    ]);
    assert_eq!(history.kinds().iter().map(|(_, s)| s.boots()).collect::<Vec<_>>(), [2, 1, 1, 1, 1]);
    let pro = history.boots().next().unwrap().kind.clone();
    assert_eq!(history.stats(&pro).unwrap().boots(), 3, "too few of its tier: those of the other tier count as well");
}

#[test]
fn a_forecast_is_the_rest_of_this_lap_and_all_that_follow() {
    // Three quick boots: too few of the tier before the third.
    let mut history = History::default();
    let booting = |far: usize| {
        let mut laps = vec![3; far];
        laps.truncate(far);
        entry(tenant_with(99, 10_000, &laps), 10_000)
    };
    let forecast = |h: &History, far, now| h.forecast(&booting(far), at(now));
    for (n, known) in [(1, 0), (2, 1), (3, 2)] {
        assert_eq!(forecast(&history, 4, 10_012), Some(Forecast::NoHistory { samples: known }));
        history.observe(&even(n, 100 * u32::try_from(n).unwrap(), 3));
    }
    let left = |seconds| Some(Forecast::Left { seconds, samples: 3 });
    assert_eq!(forecast(&history, 0, 10_000), left(54));
    assert_eq!(forecast(&history, 4, 10_012), left(42));
    assert_eq!(forecast(&history, 4, 10_013), left(41));
    assert_eq!(forecast(&history, 4, 10_016), left(39), "a second over is grain");
    assert_eq!(forecast(&history, 4, 10_017), Some(Forecast::Overdue { samples: 3 }));
    assert_eq!(forecast(&history, 17, 10_052), left(2));
    assert_eq!(history.forecast(&entry(even(98, 10_000, 3), 10_060), at(10_060)), None, "it is ready");
    let mut failing = booting(3);
    failing.tenant.pods[0].stages[0].state = waiting("ImagePullBackOff");
    let failing = entry(failing.tenant, 10_100);
    assert_eq!(failing.verdict.phase.word(), "Failing");
    assert_eq!(history.forecast(&failing, at(10_100)), None, "waiting will not heal it");

    let (lap, elapsed, beside) = history.current(&booting(4).tenant, at(10_015)).unwrap();
    assert_eq!((lap, elapsed), (Lap::of(4), 3));
    assert_eq!(beside.map(|c| (c.median, c.p95, c.samples)), Some((3, 3, 3)));
    assert_eq!(history.usual_whole(&booting(4).tenant).map(|u| u.median), Some(54));
}

#[test]
fn before_there_is_a_pod_the_usual_boot_is_told_and_no_time_is_promised() {
    let none_yet = |created: u32, now: u32| {
        let mut tenant = tenant_with(99, created, &[]);
        tenant.pods = Box::default();
        entry(tenant, now)
    };
    let mut history = History::default();
    let waiting = none_yet(10_000, 10_001);
    assert_eq!(waiting.verdict.phase.word(), "Creating");
    assert_eq!(history.forecast(&waiting, at(10_001)), Some(Forecast::NoHistory { samples: 0 }));
    (1..=3).for_each(|n| history.observe(&even(n.into(), 100 * n, 3)));
    let told = history.forecast(&waiting, at(10_001));
    assert_eq!(told, Some(Forecast::NoPod { seconds: 54, samples: 3 }));
    assert_eq!(told.and_then(Forecast::seconds), None, "when the pod comes is not known");
    let old = none_yet(100, 10_001);
    assert_eq!(history.forecast(&old, at(10_001)), Some(Forecast::NoHistory { samples: 0 }), "its volumes are not new");
    let mut going = even(99, 9_990, 3);
    going.pods[0].deleting = Some(at(10_060));
    let going = entry(going, 10_040);
    assert_eq!(going.verdict.phase.word(), "Updating");
    assert_eq!(history.forecast(&going, at(10_040)), told, "its successor's");
    let mut refused = none_yet(10_000, 10_200);
    refused.tenant.warnings = Box::new([refusal(10_001)]);
    let refused = entry(refused.tenant, 10_200);
    assert_eq!((refused.verdict.phase.word(), history.forecast(&refused, at(10_200))), ("Failing", None));
}

#[test]
fn many_short_laps_do_not_add_up_to_an_error() {
    // Half a second each: every second lap is told as 1 s, in one boot these and in the next one those.
    let boot = |n: u32| {
        let laps: Vec<u32> = (0..u32::try_from(LAPS).unwrap()).map(|lap| (lap + n) % 2).collect();
        tenant_with(n.into(), 100 * n, &laps)
    };
    let history = learned((1..=7).map(boot));
    let next = entry(tenant_with(99, 10_000, &[]), 10_000);
    let Some(Forecast::Left { seconds, samples: 7 }) = history.forecast(&next, at(10_000)) else { panic!() };
    assert!((8..=10).contains(&seconds), "{seconds}");
}

#[test]
fn shares_are_of_all_the_time_and_sum_to_one() {
    let mut laps = [1; LAPS];
    laps[9] = 33;
    let history = learned([tenant_with(1, 100, &laps), tenant_with(2, 300, &laps)]);
    let (_, stats) = history.kinds()[0];
    let shares = stats.shares();
    assert!((shares.iter().map(|s| s.share).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!((shares[9].share - 0.66).abs() < 1e-9, "{:?}", shares[9]);
}

#[test]
fn memory_is_bounded_and_the_latest_stay() {
    let mut history = History::default();
    for n in 0..9_u128 {
        let again = u32::try_from(n).unwrap();
        let mut t = even(1, 1_000 * again + 100, 2);
        t.pods[0].uid = uid(500 + n);
        history.observe(&t);
    }
    assert_eq!(history.len(), KEPT_OF_ONE);
    let latest: Vec<_> = history.of_tenant(uid(1)).map(|b| b.pod).collect();
    assert_eq!(latest, [508, 507, 506, 505, 504].map(uid));
    for n in 0..u128::try_from(KEPT).unwrap() + 100 {
        history.observe(&even(1_000 + n, 20_000 + u32::try_from(n).unwrap(), 2));
    }
    assert_eq!((history.len(), history.known.len()), (KEPT, KEPT));
    assert_eq!(history.tenants.len(), KEPT);
    assert_eq!(history.of_tenant(uid(1)).count(), 0);
    assert_eq!(history.kinds()[0].1.boots() as usize, WINDOW);
    history.observe(&even(7, 100, 2));
    assert_eq!(history.of_tenant(uid(7)).count(), 0, "older than all that is kept");
}

/// Boots, and the same twice over in another order. A pod has one boot: (tenant, when, seconds a lap).
fn boots() -> impl Strategy<Value = (Vec<PastBoot>, Vec<PastBoot>)> {
    let by_pod = btree_map(0_u16..500, (0_u8..30, 100_u32..50_000, 0_u32..40), 0..160);
    by_pod.prop_flat_map(|by_pod| {
        let boots: Vec<_> = by_pod.into_iter().map(boot).collect();
        (Just(boots.clone()), Just([boots.clone(), boots].concat()).prop_shuffle())
    })
}

fn boot((pod, (n, created, seconds)): (u16, (u8, u32, u32))) -> PastBoot {
    let mut t = even(n.into(), created, seconds);
    t.pods[0].uid = uid(100_000 + u128::from(pod));
    PastBoot::of(&t).unwrap()
}

fn sorted(history: &History) -> Vec<PastBoot> {
    history.boots().map(|b| (**b).clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_repetition_of_boots_gives_the_same_history((boots, shuffled) in boots()) {
        let (mut one, mut other) = (History::default(), History::default());
        one.merge(boots);
        other.merge(shuffled);
        prop_assert_eq!(sorted(&one), sorted(&other));
        let figures = |h: &History| h.kinds().into_iter().map(|(k, s)| (k.clone(), s.clone())).collect::<Vec<_>>();
        prop_assert_eq!(figures(&one), figures(&other));
        prop_assert!(one.tenants.values().all(|of_one| of_one.len() <= KEPT_OF_ONE));
        prop_assert_eq!(one.known.len(), one.len());

        // Two consoles that each saw a part write one file.
        let (mut left, mut right) = (History::default(), History::default());
        for (i, boot) in sorted(&one).into_iter().enumerate() {
            if i % 3 != 0 { left.merge([boot.clone()]); }
            if i % 3 != 1 { right.merge([boot]); }
        }
        left.merge(sorted(&right));
        prop_assert_eq!(sorted(&left), sorted(&one));
    }

    #[test]
    fn figures_are_those_of_a_sorted_list(times in vec(0_u32..500, 1..200), elapsed in 0_u32..520) {
        let spread = Spread::of(times.iter().copied());
        let mut sorted = times;
        sorted.sort_unstable();
        let (median, p95) = (spread.median().unwrap(), spread.p95().unwrap());
        let n = sorted.len();
        prop_assert!((sorted[(n - 1) / 2]..=sorted[n / 2]).contains(&median));
        let within = |time: u32| sorted.iter().filter(|t| **t <= time).count() * 100;
        prop_assert!(within(p95) >= n * 95 && (p95 == 0 || within(p95 - 1) < n * 95));
        match spread.rest(elapsed) {
            Some(rest) => prop_assert!(rest <= sorted[n - 1]),
            None => prop_assert!(sorted[n - 1] + 1 < elapsed),
        }
    }
}
