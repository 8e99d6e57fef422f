//! An operator of a story: an index that is watched, plans made on it, runs carried out, and what came of them.

use std::{collections::BTreeMap, time::Duration};

use fleetdeck::{
    cluster::Scope,
    engine::{self, Job, Lease, Order, Records, Secrets, Trouble, hold::holder},
    fleet::{Phase, Uid},
    index::{Entry, Fleet},
    manifest::{Base, Defaults, PinnedImage, TenantSpec},
    plan::{Care, End, Event, Intent, Ledger, News, Other, Pace, Plan, Refusal, Situation, State, read::Here},
};
use tokio::sync::mpsc;

use super::world::{Watching, World};

/// The namespace of records in these stories.
pub(crate) const CONTROL: &str = "fleetdeck-stories";

/// An operator with an index.
pub(crate) struct Operator<'w> {
    pub world: &'w World,
    pub watching: Watching,
    pub base: Base,
    pub care: Care,
    /// What its runs watch.
    pub scope: Scope,
    nonce: u16,
}

/// What a run takes of an operator; the index is free meanwhile.
pub(crate) struct Runner<'a> {
    world: &'a World,
    base: &'a Base,
    scope: &'a Scope,
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
        Self { world, watching, base: Base::embedded().unwrap(), care: Care::default(), scope: world.scope(), nonce: 0 }
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
        let (cluster, none) = (&self.world.cluster, Defaults::default());
        let found = engine::look(cluster, &self.base, &intent, &subjects, &none);
        let found = found.await.unwrap();
        let situation = Situation {
            context: self.world.cluster.context(),
            cluster: None,
            author: "somebody@test",
            now: self.world.cluster.clock().now(),
            nonce: self.nonce,
            read_only: false,
            care: self.care,
            sources: fleet.sources(),
            base: &self.base,
            hosts: &[],
            others: &others,
            found: &found,
        };
        Plan::make(intent, pace, &subjects, &situation)
    }

    pub(crate) async fn run(&self, plan: &Plan) -> Told {
        self.run_until(plan, Ledger::new(plan), None, |_| Order::Go).await
    }

    /// Keeps the run in the cluster, as somebody of this name.
    pub(crate) async fn keep(&self, plan: &Plan, by: &str) -> Result<(Lease, Records), Trouble> {
        let records = Records::new(&self.world.cluster, CONTROL);
        records.begin(plan).await?;
        let lease = Lease::take(&self.world.cluster, CONTROL, &plan.id, by, 1).await?;
        Ok((lease, records))
    }

    pub(crate) async fn run_until(
        &self,
        plan: &Plan,
        ledger: Ledger,
        kept: Option<(Lease, Records)>,
        mind: impl FnMut(&Event) -> Order,
    ) -> Told {
        Runner { world: self.world, base: &self.base, scope: &self.scope }.run_until(plan, ledger, kept, mind).await
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

impl Runner<'_> {
    /// Runs, and gives the order that `mind` has after each event.
    pub(crate) async fn run_until(
        &self,
        plan: &Plan,
        ledger: Ledger,
        kept: Option<(Lease, Records)>,
        mut mind: impl FnMut(&Event) -> Order,
    ) -> Told {
        let (voice, orders) = engine::orders(Order::Go);
        let (tell, mut told) = mpsc::channel(64);
        let job = Job {
            cluster: &self.world.cluster,
            scope: self.scope,
            base: self.base,
            plan,
            secrets: Secrets::default(),
            by: "somebody@test".to_owned(),
            ledger,
            orders,
            tell,
            journal: None,
            seed: 1,
            kept,
            control: CONTROL,
        };
        let listen = async {
            let mut events = Vec::new();
            while let Some(event) = told.recv().await {
                voice.say(mind(&event));
                events.push(event);
            }
            events
        };
        let (ledger, events) = tokio::join!(engine::run(job), listen);
        let ends = events.iter().filter(|e| matches!(e.news, News::Ended { .. })).count();
        assert!(ends == 1 && matches!(events.last().unwrap().news, News::Ended { .. }), "one end, and it comes last");
        Told { ledger, events }
    }
}

pub(crate) fn ready(entry: &Entry) -> bool {
    entry.verdict.phase == Phase::Ready
}

pub(crate) fn one() -> Pace {
    Pace::default()
}

pub(crate) fn claims(entry: &Entry) -> BTreeMap<String, Uid> {
    entry.tenant.claims.iter().map(|c| (c.name.to_string(), c.uid)).collect()
}

pub(crate) fn image(tag: &str) -> Intent {
    Intent::Upgrade { image: PinnedImage::given(tag, Some("ghcr.io/openclaw/openclaw")).unwrap() }
}

/// Reads a plan back from the cluster, as somebody else would.
pub(crate) async fn read_back(operator: &Operator<'_>, run: &str) -> (Plan, Ledger) {
    let records = Records::new(&operator.world.cluster, CONTROL);
    let record = records.get(run).await.unwrap().unwrap();
    let manifests = operator.base.digest();
    let here = Here { context: operator.world.cluster.context(), cluster: None, manifests: &manifests };
    let plan = Plan::read(&records.plan(&record).await.unwrap(), here).unwrap();
    let ledger = Ledger::resumed(&plan, plan.made, &record.states);
    (plan, ledger)
}

/// A lease runs out, and whoever takes it looks on for one more period.
pub(crate) async fn until_it_runs_out(world: &World, run: &str) {
    while holder(&world.cluster, CONTROL, run).await.unwrap().is_some_and(|who| who.alive) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
