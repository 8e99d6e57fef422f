//! `fleetdeck forward TENANT DOOR`: a tenant's port on this machine's loopback, until Ctrl-C.

use super::{
    args::ForwardArgs, failure::Failure, follow::Follow, open, print, show::namespace_of, signal::End, visit::Visitor,
};
use crate::{
    cluster::{Access, Cluster, Door, Forward, Prompt, logs::Target},
    config::Config,
    engine::journal::Way,
    fleet::Right,
};

pub(super) async fn run(config: &Config, args: ForwardArgs) -> Result<(), Failure> {
    let (cluster, scope) = open(config, Prompt::May).await?;
    let visitor = Visitor::new(config, &cluster)?;
    let mut end = End::listen();
    let mut follow = Follow::start(cluster.clone(), scope);
    follow.settle().await?;
    let namespace = namespace_of(&mut follow, &args.tenant).await?;
    let Some(target) = follow.fleet.get(&namespace).and_then(Target::of) else {
        return Err(Failure::NoSuchTenant(format!("tenant {} has just gone", args.tenant)));
    };
    let mut forward = begin(&cluster, visitor, target, args.door, args.port).await?;
    print::out(&format!("{}\n", forward.url()))?;
    let id = forward.target.id.clone();
    let mut pod = None;
    let mut trouble = None;
    loop {
        let entry = follow.fleet.get(&namespace);
        forward.sight(entry);
        let now = entry.and_then(|e| e.tenant.pod()).filter(|p| p.deleting.is_none()).map(|p| p.uid);
        match (pod, now) {
            (None, None) => {}
            (Some(_), None) => print::note(&format!("{id}: its pod is going; connections wait for the next one")),
            (Some(a), Some(b)) if a != b => print::note(&format!("{id}: another pod has taken its place")),
            _ => {}
        }
        pod = now.or(pod);
        tokio::select! {
            changed = follow.changed() => drop(changed?),
            why = end.comes() => return Err(why),
            told = forward.traffic.changed() => {
                if told.is_err() {
                    return Err(Failure::Failed(format!("the forward to {id} has ended")));
                }
                let now = forward.traffic.borrow_and_update().trouble.clone();
                if let Some(why) = now.as_ref().filter(|why| trouble.as_ref() != Some(*why)) {
                    print::note(&format!("{id}: {why}"));
                }
                trouble = now;
            }
        }
    }
}

/// Opens a forward by right, and writes its beginning and its end down.
pub(super) async fn begin(
    cluster: &Cluster,
    mut visitor: Visitor,
    target: Target,
    door: Door,
    port: Option<u16>,
) -> Result<Forward, Failure> {
    Access::default().demand(cluster, Right::Forward, &target.namespace).await?;
    let mut forward = Forward::open(cluster, target, door, port).await.map_err(|e| {
        let port = port.map_or_else(|| "a free port".to_owned(), |p| format!("port {p}"));
        Failure::Failed(format!("{port} of 127.0.0.1 cannot be listened on: {e}"))
    })?;
    let address = forward.url();
    visitor.note(&forward.target.namespace, Way::ForwardBegan { door: door.name(), address: &address });
    forward.at_end(move |ended| {
        let (address, connections) = (ended.url(), ended.traffic.borrow().all);
        visitor.note(
            &ended.target.namespace,
            Way::ForwardEnded { door: ended.door.name(), address: &address, connections },
        );
    });
    Ok(forward)
}
