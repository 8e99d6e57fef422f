//! Whether the judge can see: what was heard and told of a real run is told again with one thing wrong in it, and has to be
//! objected to; told as it was, it is not.

use std::sync::Arc;

use fleetdeck::{
    fleet::name::CLAIM_ANNOTATION,
    plan::{End, News, Pace},
    sim::{Changed, Heard},
};
use serde_json::{Value, json};

use super::{
    begun,
    draw::{Deed, Fate, Verb},
    hands::{HANDS, Hands, Leg, hand, one_end},
    judge::{Blights, Judge, Tick},
    paused,
    picture::picture,
    scene::{self, AWAKE, namespace},
};

/// A run that went well, from its beginning.
struct Tape {
    judge: Judge,
    ticks: Vec<Tick>,
}

const TWO: [&str; 2] = [AWAKE[0], AWAKE[1]];

/// Carries it out by one hand, with nothing in its way.
async fn run<'w>(world: &'w crate::conformance::world::World, deed: &Deed, pace: Pace) -> (Tape, Hands<'w>) {
    let (plan, judge) = begun(world, deed, pace, Blights::default()).await;
    let fresh = judge.borrow().clone();
    judge.borrow_mut().tape = Some(Vec::new());
    let hands = Hands::new(world, HANDS, &plan, {
        let judge = judge.clone();
        move |by, event| judge.borrow_mut().told(by, event)
    });
    let mut acting = Box::pin(hand(&hands, 0, Fate::Through));
    std::future::poll_fn(|context| {
        let over = acting.as_mut().poll(context);
        judge.borrow_mut().hear();
        over
    })
    .await;
    drop(acting);
    let ticks = judge.borrow_mut().tape.take().unwrap();
    assert!(hands.is_done());
    (Tape { judge: fresh, ticks }, hands)
}

fn tape(verb: Verb, pace: Pace) -> Tape {
    let whom = if verb == Verb::Purge { &TWO[..1] } else { &TWO[..] };
    fastrand::seed(7);
    paused(Box::pin(async {
        let world = scene::world(7);
        run(&world, &Deed::of(verb, whom), pace).await.0
    }))
}

fn slow() -> Pace {
    Pace { canary: 0, max_unavailable: 1, soak: 0, stop_after: 9 }
}

/// What the judge says; nothing, where it has no objection.
fn objection(work: impl FnOnce()) -> String {
    let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) else { return String::new() };
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    said.unwrap().to_owned()
}

impl Tape {
    /// What is said to the same story, told in this way.
    fn told(&self, doctor: impl FnOnce(&mut Judge, &mut Vec<Tick>)) -> String {
        let (mut judge, mut ticks) = (self.judge.clone(), self.ticks.clone());
        doctor(&mut judge, &mut ticks);
        objection(|| {
            ticks.into_iter().for_each(|tick| judge.take(tick));
            judge.ended(End::Done, "");
        })
    }

    #[track_caller]
    fn check(&self, expect: &str, doctor: impl FnOnce(&mut Judge, &mut Vec<Tick>)) {
        assert_eq!(self.told(|_, _| {}), "", "as it was");
        let said = self.told(doctor);
        assert!(said.contains(expect), "expected {expect:?}, not {said:?}");
    }
}

fn change(tick: &Tick) -> Option<&Changed> {
    if let Tick::Heard(Heard::Changed(change)) = tick { Some(change) } else { None }
}

/// The place of the first change of this kind by the run that fits.
fn first(ticks: &[Tick], kind: &str, fits: impl Fn(&Changed) -> bool) -> usize {
    let of = |c: &Changed| c.kind == kind && c.by.as_deref().is_some_and(|by| by.starts_with("op-")) && fits(c);
    ticks.iter().position(|tick| change(tick).is_some_and(of)).unwrap_or_else(|| panic!("no such change of a {kind}"))
}

/// The same change, with its object altered.
fn altered(tick: &Tick, alter: impl FnOnce(&mut Value)) -> Tick {
    let mut change = change(tick).unwrap().clone();
    let mut object = (*change.object).clone();
    alter(&mut object);
    change.object = Arc::new(object);
    Tick::Heard(Heard::Changed(change))
}

fn made(kind: &'static str, by: &str, object: Value) -> Tick {
    let by = Some(by.into());
    Tick::Heard(Heard::Changed(Changed { kind, before: None, object: Arc::new(object), gone: false, by }))
}

/// Of the first tenant: a volume that goes, by nobody's request or by somebody's.
fn lost(judge: &Judge, whose: &str, by: Option<&str>) -> Tick {
    let (name, uid) = judge.volumes(whose).into_iter().next().unwrap();
    let object = json!({ "metadata": { "name": name, "namespace": whose, "uid": uid } });
    let object = Arc::new(object);
    let (before, by) = (Some(object.clone()), by.map(Into::into));
    Tick::Heard(Heard::Changed(Changed { kind: "PersistentVolumeClaim", before, object, gone: true, by }))
}

fn is_marked(change: &Changed) -> bool {
    change.object["metadata"]["deletionTimestamp"].is_string()
}

/// Not in the namespace of records.
fn is_tenant(change: &Changed) -> bool {
    let meta = &change.object["metadata"];
    meta["namespace"].as_str().or(meta["name"].as_str()).is_some_and(|name| name.starts_with("tenant-"))
}

fn told(ticks: &[Tick], fits: impl Fn(&News) -> bool) -> usize {
    let of = |tick: &Tick| matches!(tick, Tick::Told(_, event) if fits(&event.news));
    ticks.iter().position(of).unwrap_or_else(|| panic!("nothing of the kind was told"))
}

#[test]
fn more_down_at_once_than_may_be_are_seen() {
    tape(Verb::Upgrade, Pace { max_unavailable: 2, ..slow() })
        .check("are down at once, and 1 may be", |judge, _| judge.plan.pace.max_unavailable = 1);
}

#[test]
fn a_volume_that_goes_is_seen() {
    let upgrade = tape(Verb::Upgrade, slow());
    for by in [None, Some("op-0")] {
        upgrade.check("is deleted", |judge, ticks| {
            let at = ticks.len() / 2;
            ticks.insert(at, lost(judge, &namespace(AWAKE[0]), by));
        });
        // Of one who is no part of it; a controller's doing would be ours as well.
        upgrade.check(if by.is_some() { "no part of the plan" } else { "is deleted" }, |judge, ticks| {
            ticks.push(lost(judge, &namespace(AWAKE[2]), by));
        });
    }
    tape(Verb::Purge, slow()).check("is deleted", |judge, ticks| {
        let at = ticks.len() / 2;
        ticks.insert(at, lost(judge, &namespace(AWAKE[2]), None));
    });
    // Another in its place, under the same name.
    upgrade.check("is another one", |judge, ticks| {
        let (name, _) = judge.volumes(&namespace(AWAKE[0])).into_iter().next().unwrap();
        let object = json!({ "metadata": { "name": name, "namespace": namespace(AWAKE[0]), "uid": "another" } });
        let made =
            Changed { kind: "PersistentVolumeClaim", before: None, object: Arc::new(object), gone: false, by: None };
        let done = told(ticks, |news| matches!(news, News::Done { tenant, .. } if *tenant == namespace(AWAKE[0])));
        ticks.insert(done, Tick::Heard(Heard::Changed(made)));
    });
}

#[test]
fn a_token_that_is_replaced_or_is_not_is_seen() {
    let rotate = tape(Verb::Rotate, slow());
    // Not the claim that is put on it before.
    let at = first(&rotate.ticks, "Secret", |c| c.before.as_ref().is_some_and(|b| b["data"] != c.object["data"]));
    let replaced = rotate.ticks[at].clone();
    tape(Verb::Restart, slow()).check("the token of", |_, ticks| {
        let mut change = change(&replaced).unwrap().clone();
        change.by = None;
        ticks.insert(0, Tick::Heard(Heard::Changed(change)));
    });
    rotate.check("it was not", |_, ticks| drop(ticks.remove(at)));
    // Not by the run's own step, but late: the pod has read the old one.
    rotate.check("has not read its token", |_, ticks| {
        let whose = change(&replaced).unwrap().object["metadata"]["namespace"].as_str().unwrap().to_owned();
        let done = told(ticks, |news| matches!(news, News::Done { tenant, .. } if *tenant == whose));
        ticks.insert(done, replaced.clone());
    });
}

#[test]
fn a_step_outside_the_plan_is_seen() {
    let restart = tape(Verb::Restart, slow());
    let apply = tape(Verb::Upgrade, slow());
    let tier = tape(Verb::Tier, slow());
    for (tape, kind) in [(&apply, "StatefulSet"), (&tier, "ResourceQuota")] {
        let foreign = tape.ticks[first(&tape.ticks, kind, is_tenant)].clone();
        restart.check("for which the plan has no step", |_, ticks| {
            let place = first(ticks, "Pod", is_marked);
            ticks.insert(place, foreign);
        });
    }
    // Steps that are left out, and such as the plan does not know under that number.
    apply.check("after", |_, ticks| {
        let at = told(ticks, |news| matches!(news, News::Step { step: 1, .. }));
        ticks.remove(at);
    });
    apply.check("does step 0", |_, ticks| {
        let at = told(ticks, |news| matches!(news, News::Step { step: 0, .. }));
        let Tick::Told(_, event) = &mut ticks[at] else { unreachable!() };
        let News::Step { said, .. } = &mut event.news else { unreachable!() };
        said.push_str(" and more");
    });
}

#[test]
fn a_write_to_another_tenant_or_another_of_its_name_is_seen() {
    let restart = tape(Verb::Restart, slow());
    restart.check("which is no part of the plan", |_, ticks| {
        let at = first(ticks, "Pod", is_marked);
        let other = namespace(AWAKE[3]);
        ticks.insert(at, altered(&ticks[at], |pod| pod["metadata"]["namespace"] = other.into()));
    });
    restart.check("of another tenant of that name", |_, ticks| {
        let at = first(ticks, "Namespace", is_tenant);
        let mut remade =
            change(&altered(&ticks[at], |object| object["metadata"]["uid"] = "another".into())).unwrap().clone();
        remade.by = None;
        ticks.insert(at + 1, Tick::Heard(Heard::Changed(remade)));
    });
    restart.check("another than the one that was agreed on", |_, ticks| {
        let at = first(ticks, "Pod", is_marked);
        ticks[at] = altered(&ticks[at], |pod| pod["metadata"]["uid"] = "another".into());
    });
    restart.check("which is no record of the run", |_, ticks| {
        let stray = json!({ "metadata": { "name": "run-of-others", "namespace": "fleetdeck" } });
        ticks.push(made("ConfigMap", "op-0", stray));
    });
}

#[test]
fn a_write_that_is_not_fenced_is_seen() {
    let restart = tape(Verb::Restart, slow());
    for claim in [json!("somebody-else/0"), json!(format!("{}/7", restart.judge.plan.id)), Value::Null] {
        restart.check("while it is claimed by", |_, ticks| {
            let at = first(ticks, "Namespace", is_tenant);
            ticks[at] =
                altered(&ticks[at], |object| object["metadata"]["annotations"][CLAIM_ANNOTATION] = claim.clone());
        });
    }
    // Taken over before the pod is deleted, and deleted by the one who had it all the same.
    restart.check("op-0 writes Pod", |_, ticks| {
        let at = first(ticks, "Pod", is_marked);
        let whose = change(&ticks[at]).unwrap().object["metadata"]["namespace"].clone();
        let claimed = first(ticks, "Namespace", |c| c.object["metadata"]["name"] == whose);
        let next = json!(format!("{}/1", restart.judge.plan.id));
        let mut taken = change(&altered(&ticks[claimed], |o| o["metadata"]["annotations"][CLAIM_ANNOTATION] = next))
            .unwrap()
            .clone();
        taken.by = Some("op-1".into());
        ticks.insert(at, Tick::Heard(Heard::Changed(taken)));
    });
}

#[test]
fn whoever_is_begun_though_nobody_new_is_to_be_is_seen() {
    let restart = tape(Verb::Restart, slow());
    let said = |ticks: &[Tick], news: &dyn Fn(&str) -> News| {
        // Where the first is done, and the other not begun.
        let done = told(ticks, |news| matches!(news, News::Done { .. }));
        let Tick::Told(by, event) = &ticks[done] else { unreachable!() };
        let tenant = event.news.tenant().unwrap();
        (done, Tick::Told(by.clone(), fleetdeck::plan::Event { at: event.at, news: news(tenant) }))
    };
    let begun = |ticks: &[Tick]| told(ticks, |news| matches!(news, News::Began { .. })) + 1;
    let pause = |_: &str| News::Paused { by: "op-0".to_owned() };
    let go_on = |_: &str| News::Resumed { by: "op-0".to_owned() };
    // One may have been begun already, whose first word comes now; not a second one.
    restart.check("nobody new is to be begun", |judge, ticks| {
        assert_eq!(judge.plan.pace.max_unavailable, 1);
        ticks.insert(begun(ticks), said(ticks, &pause).1);
    });
    let unpaused = restart.told(|_, ticks| {
        let (done, paused) = said(ticks, &pause);
        ticks.insert(done + 1, said(ticks, &go_on).1);
        ticks.insert(begun(ticks), paused);
    });
    assert_eq!(unpaused, "", "it went on");
    restart.check("nobody new is to be begun", |judge, ticks| {
        judge.plan.pace.stop_after = 1;
        let failed =
            |tenant: &str| News::Failed { tenant: tenant.to_owned(), said: String::new(), advice: String::new() };
        let (done, failed) = said(ticks, &failed);
        ticks[done] = failed;
    });
}

#[test]
fn an_event_about_another_s_object_is_seen() {
    let restart = tape(Verb::Restart, slow());
    restart.check("of another tenant of that name", |_, ticks| {
        let at = first(ticks, "Event", is_tenant);
        let event = change(&ticks[at]).unwrap().clone();
        let meta = &event.object["metadata"]["namespace"];
        let uid = event.object["involvedObject"]["uid"].clone();
        let set =
            json!({ "metadata": { "name": "openclaw", "namespace": meta, "uid": uid }, "spec": { "replicas": 1 } });
        ticks.insert(at, made("StatefulSet", "somebody", set));
    });
}

#[test]
fn whoever_is_said_to_be_done_and_is_not_is_seen() {
    let upgrade = tape(Verb::Upgrade, slow());
    upgrade.check("does not serve", |_, ticks| {
        ticks.retain(|tick| change(tick).is_none_or(|c| c.kind != "Pod" || c.by.is_some() || is_marked(c) || c.gone));
    });
    upgrade.check("was not written", |_, ticks| {
        ticks.retain(|tick| change(tick).is_none_or(|c| c.kind != "StatefulSet"));
    });
    upgrade.check("it was not", |_, ticks| {
        ticks.retain(|tick| change(tick).is_none_or(|c| c.kind != "Pod" || !is_marked(c) && !c.gone));
    });
    tape(Verb::Suspend, slow()).check("but its pod is there", |_, ticks| {
        ticks.retain(|tick| change(tick).is_none_or(|c| c.kind != "Pod" || !c.gone));
    });
    tape(Verb::Purge, slow()).check("is erased, but is there", |_, ticks| {
        ticks.retain(|tick| change(tick).is_none_or(|c| c.kind != "Namespace" || !c.gone));
    });
    tape(Verb::Restart, slow()).check("replaced more than once", |_, ticks| {
        let at = ticks.iter().rposition(|tick| change(tick).is_some_and(|c| c.kind == "Pod")).unwrap();
        let again = altered(&ticks[at], |pod| pod["metadata"]["uid"] = "another".into());
        ticks.push(again);
    });
}

/// What a run leaves behind besides: who told what, what the journal says, what the record knows, how the fleet looks.
#[test]
fn a_run_that_ends_twice_or_writes_something_else_down_is_seen() {
    fastrand::seed(7);
    paused(Box::pin(async {
        let world = scene::world(7);
        let (tape, hands) = run(&world, &Deed::of(Verb::Upgrade, &TWO), slow()).await;
        let plan = &tape.judge.plan;
        let (legs, record) = (hands.legs(), hands.record().await.unwrap());
        assert_eq!(one_end(plan, &legs, Some(&record)), Some(End::Done));
        let leg = &legs[0];
        let end = leg.events.last().unwrap().clone();
        let as_told = |alter: &dyn Fn(&mut Vec<Leg>)| {
            let mut legs = legs.clone();
            alter(&mut legs);
            objection(|| _ = one_end(plan, &legs, Some(&record)))
        };
        assert!(as_told(&|legs| legs[0].events.push(end.clone())).contains("one end, and it comes last"));
        assert!(as_told(&|legs| drop(legs[0].events.pop())).contains("one end, and it comes last"));
        assert!(as_told(&|legs| legs[0].events.swap(0, leg.events.len() - 1)).contains("one end, and it comes last"));
        assert!(as_told(&|legs| legs.push(leg.clone())).contains("one terminal event"));
        assert!(as_told(&|legs| legs[0].cut = legs[0].events.pop().is_some()).contains("one terminal event"));
        let mut other = record.clone();
        other.end = Some(("failed".to_owned(), String::new()));
        assert!(objection(|| _ = one_end(plan, &legs, Some(&other))).contains("the record knows"));
        assert!(objection(|| _ = one_end(plan, &legs, None)).contains("a run without a record"));

        let journal = leg.journal();
        let lines: Vec<&str> = journal.lines().collect();
        leg.tells_the_truth(&journal);
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        let late = [&lines[..], &lines[..1]].concat();
        let written = |lines: &[&str]| objection(|| leg.tells_the_truth(&lines.join("\n")));
        assert!(written(&swapped).contains("something else"));
        assert!(written(&lines[1..]).contains("more was told"));
        assert!(written(&late).contains("more is in the journal"));
        assert!(
            objection(|| leg.tells_the_truth(&journal.replace("is deleted", "is kept"))).contains("something else")
        );

        // The same fleet gives the same picture, and each difference of what counts gives another.
        tokio::time::sleep(std::time::Duration::from_secs(120)).await;
        let before = picture(&world, plan).await;
        let name = namespace(AWAKE[0]);
        let write = |version: &'static str, kind: &'static str, object: &'static str, patch: Value| {
            let (world, name) = (&world, &name);
            async move { world.cluster.patch(version, kind, name, object, "somebody", &patch).await.unwrap() }
        };
        let note = json!({ "metadata": { "annotations": { "example.com/note": "of no matter" } } });
        write("apps/v1", "StatefulSet", "openclaw", note).await;
        assert!(picture(&world, plan).await == before);
        let mut seen = vec![before];
        for (version, kind, object, patch) in [
            ("apps/v1", "StatefulSet", "openclaw", json!({ "spec": { "replicas": 0 } })),
            ("v1", "ConfigMap", "openclaw-config", json!({ "data": { "more": "of it" } })),
            ("v1", "Service", "openclaw", json!({ "metadata": { "labels": { "more": "of-it" } } })),
            ("v1", "ResourceQuota", "tenant", json!({ "spec": { "hard": { "pods": "77" } } })),
        ] {
            write(version, kind, object, patch).await;
            let now = picture(&world, plan).await;
            assert!(!seen.contains(&now), "{kind} is another, and the picture is not");
            seen.push(now);
        }
    }));
}
