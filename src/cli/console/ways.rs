//! The console's ways into tenants' pods: refused where this is read-only, asked for by right, and written down.

use futures::FutureExt as _;

use crate::{
    cli::{failure::Failure, forward, print, shell, visit::Visitor},
    cluster::{Cluster, Door, Forward, Room, logs::Target},
    config::Config,
    tui::Ways,
};

/// A simulation's visits are not written down: nobody is there.
pub(super) fn ways(config: &Config, cluster: &Cluster, simulated: bool) -> Ways {
    let gate = Gate { config: config.clone(), cluster: cluster.clone(), simulated };
    let for_forwards = gate.clone();
    Ways {
        enter: Box::new(move |room, others| {
            let gate = gate.clone();
            async move { gate.enter(&room, &others).await.map_err(|failure| failure.to_string()) }.boxed()
        }),
        forward: Box::new(move |target, door| {
            let gate = for_forwards.clone();
            async move { gate.forward(target, door).await.map_err(|failure| failure.to_string()) }.boxed()
        }),
    }
}

#[derive(Clone)]
struct Gate {
    config: Config,
    cluster: Cluster,
    simulated: bool,
}

impl Gate {
    fn visitor(&self) -> Result<Visitor, Failure> {
        match self.simulated {
            true => Visitor::unwritten(&self.config, &self.cluster),
            false => Visitor::new(&self.config, &self.cluster),
        }
    }

    /// The terminal is the shell's meanwhile; the words are for the console that has it afterwards.
    async fn enter(&self, room: &Room, others: &[String]) -> Result<String, Failure> {
        let mut visitor = self.visitor()?;
        print::note(&shell::welcome(room, self.cluster.context()));
        let code = shell::enter(&self.cluster, &mut visitor, room, others, true).await?;
        Ok(format!("the shell in {} of {}/{} ended with exit code {code}", room.container, room.namespace, room.pod))
    }

    async fn forward(&self, target: Target, door: Door) -> Result<Forward, Failure> {
        forward::begin(&self.cluster, self.visitor()?.silent(), target, door, None).await
    }
}
