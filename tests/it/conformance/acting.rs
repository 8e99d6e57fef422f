//! Stories of operations: planned on the index, carried out by the engine, judged by what is there afterwards.

use std::{collections::BTreeMap, time::Duration};

use fleetdeck::{
    engine::{self, Job, Order, Secrets},
    fleet::{Phase, Uid},
    index::{Entry, Fleet},
    manifest::{Base, PinnedImage, TenantSpec},
    plan::{End, Event, Intent, Ledger, News, Other, Pace, Plan, Refusal, Situation, State, Why},
};
use tokio::sync::{mpsc, watch};

use super::world::{Watching, World};

/// An operator with an index.
pub(crate) struct Operator<'w> {
    pub world: &'w World,
    pub watching: Watching,
    pub base: Base,
    nonce: u16,
}

/// What came of a run.
pub(crate) struct Told {
    pub ledger: Ledger,
    pub events: Vec<Event>,
}

impl Told {
    pub(crate) fn state(&self, namespace: &str) -> &State {
        &self.ledger.turns[namespace]
    }

    pub(crate) fn end(&self) -> End {
        self.ledger.end.as_ref().unwrap().0
    }

    pub(crate) fn said(&self) -> String {
        self.events.iter().map(|e| format!("{} {}\n", e.news.tenant().unwrap_or("-"), e.news.words())).collect()
    }
}

impl<'w> Operator<'w> {
    pub(crate) async fn new(world: &'w World) -> Self {
        let mut watching = world.watch();
        watching.settle().await;
        Self { world, watching, base: Base::embedded().unwrap(), nonce: 0 }
    }

    /// Plans on what the index shows once `seen` holds for every tenant.
    pub(crate) async fn plan(
        &mut self,
        intent: Intent,
        pace: Pace,
        namespaces: &[&str],
        seen: impl Fn(&Entry) -> bool,
    ) -> Result<Plan, Refusal> {
        let mut others = BTreeMap::new();
        for namespace in namespaces {
            self.watching.until(namespace, "as planned on", &seen).await;
            let mut found = Vec::new();
            for kind in ["Service", "Ingress"] {
                let list = self.world.cluster.objects(kind, namespace, "openclaw.ai/tenant").await.unwrap();
                found.extend(list.iter().map(|o| Other {
                    kind: kind.to_owned(),
                    name: o["metadata"]["name"].as_str().unwrap().to_owned(),
                    uid: o["metadata"]["uid"].as_str().unwrap().parse().unwrap(),
                }));
            }
            others.insert((*namespace).to_owned(), found);
        }
        self.nonce += 1;
        let fleet: &Fleet = &self.watching.fleet;
        let subjects: Vec<&Entry> = namespaces.iter().filter_map(|n| fleet.get(n)).collect();
        let situation = Situation {
            context: self.world.cluster.context(),
            cluster: None,
            author: "somebody@test",
            now: self.world.cluster.clock().now(),
            nonce: self.nonce,
            read_only: false,
            sources: fleet.sources(),
            base: &self.base,
            hosts: &[],
            others: &others,
        };
        Plan::make(intent, pace, &subjects, &situation)
    }

    pub(crate) async fn run(&self, plan: &Plan) -> Told {
        self.run_until(plan, Ledger::new(plan), |_| Order::Go).await
    }

    /// Runs, and gives the order that `mind` has after each event.
    pub(crate) async fn run_until(&self, plan: &Plan, ledger: Ledger, mut mind: impl FnMut(&Event) -> Order) -> Told {
        let (order, orders) = watch::channel(Order::Go);
        let (tell, mut told) = mpsc::channel(64);
        let scope = self.world.scope();
        let job = Job {
            cluster: &self.world.cluster,
            scope: &scope,
            base: &self.base,
            plan,
            secrets: Secrets::default(),
            by: "somebody@test".to_owned(),
            ledger,
            orders,
            tell,
            journal: None,
            seed: 1,
        };
        let listen = async {
            let mut events = Vec::new();
            while let Some(event) = told.recv().await {
                order.send_replace(mind(&event));
                events.push(event);
            }
            events
        };
        let (ledger, events) = tokio::join!(engine::run(job), listen);
        let ends = events.iter().filter(|e| matches!(e.news, News::Ended { .. })).count();
        assert!(ends == 1 && matches!(events.last().unwrap().news, News::Ended { .. }), "one end, and it comes last");
        Told { ledger, events }
    }

    pub(crate) fn entry(&self, namespace: &str) -> &Entry {
        self.watching.fleet.get(namespace).unwrap()
    }

    /// Creates by a plan, and follows until the index shows it Ready.
    pub(crate) async fn create(&mut self, spec: &TenantSpec) {
        let intent = Intent::Create { spec: Box::new(spec.clone()) };
        let plan = self.plan(intent, Pace::default(), &[], |_| true).await.unwrap();
        let told = self.run(&plan).await;
        assert_eq!(told.end(), End::Done, "{}", told.said());
        self.watching.until(&spec.namespace(), "Ready", ready).await;
    }
}

told_twice! { acting:
    a_tenant_is_created_restarted_and_put_to_sleep_by_plans
    an_upgrade_is_done_when_the_new_revision_serves
    a_delete_keeps_the_volumes_and_create_revives_them
    a_plan_stands_for_what_was_agreed_on_and_for_nothing_else
    what_is_no_longer_what_was_agreed_on_is_held
}

pub(crate) fn ready(entry: &Entry) -> bool {
    entry.verdict.phase == Phase::Ready
}

fn one() -> Pace {
    Pace::default()
}

fn claims(entry: &Entry) -> BTreeMap<String, Uid> {
    entry.tenant.claims.iter().map(|c| (c.name.to_string(), c.uid)).collect()
}

fn image(tag: &str) -> Intent {
    Intent::Upgrade { image: PinnedImage::given(tag, Some("ghcr.io/openclaw/openclaw")).unwrap() }
}

pub(crate) async fn a_tenant_is_created_restarted_and_put_to_sleep_by_plans(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let first = operator.entry(&namespace).tenant.clone();
    assert!(first.set().unwrap().run.as_deref().unwrap().starts_with("create-"), "{:?}", first.set().unwrap().run);

    // Again is refused, for it is there.
    let again = Intent::Create { spec: Box::new(spec.clone()) };
    let refusal = operator.plan(again, one(), &[&namespace], ready).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::Exists);

    let plan = operator.plan(Intent::Restart, one(), &[&namespace], ready).await.unwrap();
    let told = operator.run(&plan).await;
    let State::Done { said, down: Some(down) } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert!(said.contains("Ready by the kubelet's probe") && *down > 0, "{said}");
    let fresh = |e: &Entry| ready(e) && e.tenant.pod().unwrap().uid != first.pod().unwrap().uid;
    operator.watching.until(&namespace, "restarted", fresh).await;

    // The same plan once more finds its pod gone, and touches nothing.
    let second = operator.entry(&namespace).tenant.pod().unwrap().uid;
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert!(told.said().contains("is another one already"), "{}", told.said());
    assert_eq!(world.cluster.pod(&namespace, "openclaw-0").await.unwrap().unwrap().uid, second);

    let plan = operator.plan(Intent::Suspend, one(), &[&namespace], fresh).await.unwrap();
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    operator
        .watching
        .until(&namespace, "asleep", |e| e.verdict.phase == Phase::Suspended && e.tenant.pod().is_none())
        .await;
    // It stays asleep under an upgrade, and wakes on the new image.
    let asleep = |e: &Entry| e.verdict.phase == Phase::Suspended;
    let plan = operator.plan(image("2026.8.2"), one(), &[&namespace], asleep).await.unwrap();
    let told = operator.run(&plan).await;
    assert!(told.said().contains("applied, not verified"), "{}", told.said());
    assert!(world.cluster.pod(&namespace, "openclaw-0").await.unwrap().is_none());
    let moved = |e: &Entry| asleep(e) && e.tenant.wanted_image().unwrap().tag == Some("2026.8.2");
    let plan = operator.plan(Intent::Resume, one(), &[&namespace], moved).await.unwrap();
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    operator.watching.until(&namespace, "awake", ready).await;
    assert_eq!(operator.entry(&namespace).tenant.running_image().unwrap().tag, Some("2026.8.2"));
    assert_eq!(claims(operator.entry(&namespace)), first.claims.iter().map(|c| (c.name.to_string(), c.uid)).collect());
}

pub(crate) async fn an_upgrade_is_done_when_the_new_revision_serves(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let before = operator.entry(&namespace).tenant.clone();
    let plan = operator.plan(image("2026.8.2"), one(), &[&namespace], ready).await.unwrap();
    let told = operator.run(&plan).await;
    assert!(matches!(told.state(&namespace), State::Done { down: Some(_), .. }), "{}", told.said());
    let moved = |e: &Entry| ready(e) && e.tenant.running_image().unwrap().tag == Some("2026.8.2");
    operator.watching.until(&namespace, "upgraded", moved).await;
    let after = operator.entry(&namespace).tenant.clone();
    assert_eq!(after.pod().unwrap().revision, after.set().unwrap().update_revision);
    assert_ne!(after.pod().unwrap().uid, before.pod().unwrap().uid);
    assert_eq!(
        after.claims.iter().map(|c| c.uid).collect::<Vec<_>>(),
        before.claims.iter().map(|c| c.uid).collect::<Vec<_>>()
    );
    // The stored spec says it too: whoever renders the tenant next does not take it back.
    let refusal = operator.plan(image("2026.8.2"), one(), &[&namespace], moved).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::NothingToDo);
    // Done once more, the plan finds its effects there and restarts nobody.
    let told = operator.run(&plan).await;
    assert!(told.end() == End::Done && told.said().contains("is of the new revision already"), "{}", told.said());
    assert_eq!(world.cluster.pod(&namespace, "openclaw-0").await.unwrap().unwrap().uid, after.pod().unwrap().uid);
}

pub(crate) async fn a_delete_keeps_the_volumes_and_create_revives_them(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let kept = claims(operator.entry(&namespace));
    assert_eq!(kept.len(), 2);
    let plan = operator.plan(Intent::Delete { purge: false }, one(), &[&namespace], ready).await.unwrap();
    let told = operator.run(&plan).await;
    let State::Done { said, .. } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert_eq!(said, "2 volumes are there, by UID");
    operator.watching.until(&namespace, "parked", |e| e.tenant.set().is_none() && e.tenant.pod().is_none()).await;
    for kind in ["Service", "Ingress"] {
        let left = world.cluster.objects(kind, &namespace, "openclaw.ai/tenant").await.unwrap();
        assert!(left.is_empty(), "{kind}");
    }
    assert_eq!(claims(operator.entry(&namespace)), kept);

    let again = Intent::Create { spec: Box::new(spec.clone()) };
    let parked = |e: &Entry| e.tenant.set().is_none();
    let plan = operator.plan(again, one(), &[&namespace], parked).await.unwrap();
    assert!(plan.turns().next().unwrap().said.starts_with("revived on the volumes"), "{plan:?}");
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    operator.watching.until(&namespace, "revived", ready).await;
    assert_eq!(claims(operator.entry(&namespace)), kept, "the very same volumes");

    let plan = operator.plan(Intent::Delete { purge: true }, one(), &[&namespace], ready).await.unwrap();
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert_eq!(world.cluster.namespace_uid(&namespace).await.unwrap(), None);
}

pub(crate) async fn a_plan_stands_for_what_was_agreed_on_and_for_nothing_else(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let upgrade = operator.plan(image("2026.8.2"), one(), &[&namespace], ready).await.unwrap();
    let purge = operator.plan(Intent::Delete { purge: true }, one(), &[&namespace], ready).await.unwrap();
    // Somebody edits the StatefulSet in between.
    let patch = serde_json::json!({ "spec": { "revisionHistoryLimit": 3 } });
    world.cluster.patch("apps/v1", "StatefulSet", &namespace, "openclaw", "kubectl-edit", &patch).await.unwrap();
    // What the plan says still holds, so it goes on; but their field is in the way, and is not taken by force.
    let told = operator.run(&upgrade).await;
    let State::Failed { said, advice } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert!(said.contains("kubectl-edit") && said.contains("revisionHistoryLimit") && !advice.is_empty(), "{said}");

    // The tenant goes, and another of its name comes: the old purge leaves it alone.
    let uid = world.cluster.namespace_uid(&namespace).await.unwrap().unwrap();
    world.cluster.delete_namespace(&namespace, uid).await.unwrap();
    while world.cluster.namespace_uid(&namespace).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    world.create(&spec).await;
    let told = operator.run(&purge).await;
    let State::Held { said } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert!(said.contains("another of its name"), "{said}");
    assert_ne!(world.cluster.namespace_uid(&namespace).await.unwrap().unwrap(), uid);
}

pub(crate) async fn what_is_no_longer_what_was_agreed_on_is_held(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let late = operator.plan(image("2026.9.1"), one(), &[&namespace], ready).await.unwrap();
    let first = operator.plan(image("2026.8.2"), one(), &[&namespace], ready).await.unwrap();
    assert_eq!(operator.run(&first).await.end(), End::Done);
    let told = operator.run(&late).await;
    let State::Held { said } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert!(said.contains("agreed was \"2026.8.1 -> 2026.9.1\", now it would be \"2026.8.2 -> 2026.9.1\""), "{said}");
    let moved = |e: &Entry| ready(e) && e.tenant.running_image().unwrap().tag == Some("2026.8.2");
    operator.watching.until(&namespace, "as the first one left it", moved).await;
}
