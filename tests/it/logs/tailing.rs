//! A tail beside the watches that feed it, on a simulator whose clock stands still until somebody waits.

use std::{collections::BTreeMap, time::Duration};

use fleetdeck::{
    cluster::{
        ClusterError, Scope, Watches,
        logs::{Channel, Kind, Lane, News, Stream, Tail, Target, Wanted},
        watch,
    },
    index::{Delta, Fleet},
    manifest::TenantSpec,
    sim::scenario::Rule,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::conformance::world::World;

pub(super) struct Tailing {
    pub world: World,
    pub fleet: Fleet,
    deltas: mpsc::Receiver<Delta>,
    _watches: Watches,
    pub tail: Option<Tail>,
    channels: BTreeMap<Lane, Channel>,
    pub streams: BTreeMap<String, Stream>,
    /// Container and text, in the order in which they came.
    pub lines: Vec<(String, String)>,
    /// The same, of our own words.
    pub joints: Vec<(String, String)>,
    pub failures: Vec<ClusterError>,
    pub done: bool,
}

impl Tailing {
    pub(super) fn new(story: &str) -> Self {
        Self::on(World::simulator(story))
    }

    pub(super) fn on(world: World) -> Self {
        let (to, deltas) = mpsc::channel(256);
        let watches = watch(&world.cluster, &Scope::default(), &to);
        Self {
            world,
            fleet: Fleet::default(),
            deltas,
            _watches: watches,
            tail: None,
            channels: BTreeMap::new(),
            streams: BTreeMap::new(),
            lines: Vec::new(),
            joints: Vec::new(),
            failures: Vec::new(),
            done: false,
        }
    }

    pub(super) fn rule(&self, name: &str, text: &str) {
        self.world.sim().set_rule(name, Rule::parse(name, text).unwrap());
    }

    /// Creates a tenant and waits until its namespace is seen.
    pub(super) async fn create(&mut self, name: &str) -> TenantSpec {
        let spec = self.world.spec(name);
        self.world.create(&spec).await;
        let namespace = spec.namespace();
        self.until("the namespace", |t| t.fleet.get(&namespace).is_some_and(|e| e.tenant.namespace.is_some())).await;
        spec
    }

    pub(super) fn start(&mut self, wanted: Wanted, specs: &[&TenantSpec]) {
        let target = |spec: &&TenantSpec| Target::of(self.fleet.get(&spec.namespace()).unwrap()).unwrap();
        let tail = Tail::start(&self.world.cluster, wanted, specs.iter().map(target).collect());
        self.tail = Some(tail);
        self.show();
    }

    /// The same of whoever lives in a namespace.
    pub(super) fn follow(&mut self, wanted: Wanted, namespace: &str) {
        let target = Target::of(self.fleet.get(namespace).unwrap()).unwrap();
        self.tail = Some(Tail::start(&self.world.cluster, wanted, vec![target]));
        self.show();
    }

    fn show(&mut self) {
        if let Some(tail) = &mut self.tail {
            tail.sight(|t| self.fleet.get(&t.namespace));
        }
    }

    async fn one(&mut self) {
        let none = async { std::future::pending().await };
        tokio::select! {
            biased;
            delta = self.deltas.recv() => {
                let now = self.world.cluster.clock().now();
                self.fleet.apply(delta.expect("the watches are alive"), now);
                self.show();
            }
            news = async { match &mut self.tail { Some(tail) if !self.done => tail.news.recv().await, _ => none.await } } => {
                match news {
                    Some(news) => self.take(news),
                    None => self.done = true,
                }
            }
        }
    }

    fn take(&mut self, news: News) {
        match news {
            News::Channel(channel) => drop(self.channels.insert(channel.lane, channel)),
            News::Stream(lane, stream) => drop(self.streams.insert(self.channels[&lane].container.to_string(), stream)),
            News::Lines(block) => {
                for line in block.lines() {
                    let who = self.channels[&line.lane].container.to_string();
                    let text = String::from_utf8(block.text(line).to_vec()).unwrap();
                    let to = if line.kind == Kind::Log { &mut self.lines } else { &mut self.joints };
                    to.push((who, text));
                }
            }
            News::Failed(_, error) => self.failures.push(error),
            News::Done => self.done = true,
        }
    }

    pub(super) async fn during(&mut self, seconds: u64) {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            tokio::select! {
                () = self.one() => {}
                () = sleep_until(until) => return,
            }
        }
    }

    pub(super) async fn until(&mut self, what: &str, met: impl Fn(&Self) -> bool) {
        // A simulator's clock stands still meanwhile; on a real cluster it is life that is waited for.
        let patience = if self.world.sim.is_some() { Duration::from_secs(1_200) } else { self.world.patience };
        let until = Instant::now() + patience;
        while !met(self) {
            let late = tokio::time::timeout_at(until, self.one()).await.is_err();
            assert!(!late, "{what} never came; {}", self.everything());
        }
    }

    fn everything(&self) -> String {
        let last = &self.lines[self.lines.len().saturating_sub(30)..];
        format!("{last:#?}\n{:#?}\n{:#?}", self.joints, self.streams)
    }

    pub(super) fn of(&self, container: &str) -> Vec<&str> {
        self.lines.iter().filter(|(c, _)| c == container).map(|(_, text)| text.as_str()).collect()
    }

    pub(super) fn said(&self, container: &str) -> Vec<&str> {
        self.joints.iter().filter(|(c, _)| c == container).map(|(_, text)| text.as_str()).collect()
    }

    /// Numbers of a container's regular lines.
    pub(super) fn ticks(&self, container: &str) -> Vec<u64> {
        let number = |text: &str| text.split(" tick ").nth(1)?.split(' ').next()?.parse().ok();
        self.of(container).into_iter().filter_map(number).collect()
    }

    /// None missing and none twice, from 1 on in each life of the container.
    pub(super) fn assert_whole(&self, container: &str) {
        let ticks = self.ticks(container);
        assert!(!ticks.is_empty(), "{container} has written nothing: {}", self.everything());
        for pair in ticks.windows(2) {
            assert!(pair[1] == pair[0] + 1 || pair[1] == 1, "{container}: {} after {}", pair[1], pair[0]);
        }
    }
}

pub(super) fn following() -> Wanted {
    Wanted { follow: true, ..Wanted::default() }
}
