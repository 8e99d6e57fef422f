//! `fleetdeck wait TENANT --for ready --timeout 5m`.

use tokio::time::{Instant, timeout_at};

use super::{
    args::{Goal, Wait},
    failure::Failure,
    follow::Follow,
    open,
    print::{self, Out},
    show::namespace_of,
};
use crate::{cluster::Prompt, config::Config, index::outlook};

pub(super) async fn run(config: &Config, args: Wait) -> Result<(), Failure> {
    let until = Instant::now() + args.timeout;
    let (cluster, scope) = open(config, Prompt::May).await?;
    let mut follow = Follow::start(cluster, scope);
    let said = match timeout_at(until, follow_to(&mut follow, &args)).await {
        Ok(done) => done?,
        Err(_) => return Err(Failure::Failed(late(&follow, &args))),
    };
    let mut out = Out::new();
    out.line(&said)?;
    out.flush()
}

async fn follow_to(follow: &mut Follow, args: &Wait) -> Result<String, Failure> {
    follow.settle().await?;
    follow.remember().await;
    let namespace = match (namespace_of(follow, &args.tenant).await, args.goal) {
        (Ok(namespace), _) => namespace,
        (Err(Failure::NoSuchTenant(said)), Goal::Deleted) if said.starts_with("no tenant") => {
            return Ok(format!("{} is deleted", args.tenant));
        }
        (Err(failure), _) => return Err(failure),
    };
    let mut last = String::new();
    loop {
        match (follow.fleet.get(&namespace), args.goal) {
            (None, Goal::Deleted) => return Ok(format!("{} is deleted", args.tenant)),
            (None, Goal::Phase(_)) => {
                return Err(Failure::NoSuchTenant(format!("{} was deleted while we waited", args.tenant)));
            }
            (Some(entry), goal) => {
                let phase = &entry.verdict.phase;
                if goal == Goal::Phase(phase.word()) {
                    return Ok(format!("{} is {phase}", entry.tenant.id));
                }
                let now = if entry.verdict.why.is_empty() {
                    format!("{} is {phase}", entry.tenant.id)
                } else {
                    format!("{} is {phase}: {}", entry.tenant.id, entry.verdict.why)
                };
                if now != last {
                    let way = outlook::clause(entry, follow.fleet.history(), follow.now());
                    let way = way.map_or_else(String::new, |(_, clause)| format!(" ({clause})"));
                    print::note(&format!("{now}{way}"));
                    last = now;
                }
            }
        }
        follow.changed().await?;
    }
}

fn late(follow: &Follow, args: &Wait) -> String {
    let seconds = args.timeout.as_secs();
    let state = match crate::index::find::find(&follow.fleet, &args.tenant) {
        crate::index::find::Found::One(entry) if entry.verdict.why.is_empty() => {
            format!("it is {}", entry.verdict.phase)
        }
        crate::index::find::Found::One(entry) => format!("it is {}: {}", entry.verdict.phase, entry.verdict.why),
        _ => "the cluster was not read in time".to_owned(),
    };
    format!("{} did not get there within {seconds} s; {state}", args.tenant)
}
