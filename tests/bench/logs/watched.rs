//! The simulator's tenants as the watches see them, for tails.

use std::{collections::BTreeMap, path::Path};

use fleetdeck::{
    cluster::{
        Cluster, Prompt, Scope, Target as Place, Watches, connect,
        logs::{Tail, Target, Wanted},
        watch,
    },
    index::{Delta, Fleet},
};
use tokio::sync::mpsc;

pub struct Watched {
    cluster: Cluster,
    seen: Fleet,
    pub targets: Vec<Target>,
    deltas: mpsc::Receiver<Delta>,
    _watches: Watches,
}

impl Watched {
    pub async fn of(kubeconfig: &Path) -> Self {
        let place = Place::Kubeconfig { context: None, file: Some(kubeconfig.to_owned()) };
        let cluster = connect(&place, Prompt::Never).await.expect("the simulator answers");
        let (to, mut deltas) = mpsc::channel(256);
        let watches = watch(&cluster, &Scope::default(), &to);
        let mut seen = Fleet::default();
        while !seen.sources().settled() {
            let delta = deltas.recv().await.expect("the watches are alive");
            seen.apply(delta, cluster.clock().now());
        }
        let by_name: BTreeMap<_, _> = seen.iter().filter_map(Target::of).map(|t| (t.id.to_string(), t)).collect();
        Self { cluster, seen, targets: by_name.into_values().collect(), deltas, _watches: watches }
    }

    /// A tail of one container of the first so many tenants.
    pub fn tail(&mut self, container: &str, tenants: usize, lines: Option<u64>, follow: bool) -> Tail {
        while let Ok(delta) = self.deltas.try_recv() {
            self.seen.apply(delta, self.cluster.clock().now());
        }
        let wanted = Wanted { follow, tail: lines, containers: vec![container.to_owned()], ..Wanted::default() };
        let targets = self.targets.iter().take(tenants).cloned().collect();
        let mut tail = Tail::start(&self.cluster, wanted, targets);
        tail.sight(|target| self.seen.get(&target.namespace));
        tail
    }
}
