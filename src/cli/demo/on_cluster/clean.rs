//! Takes the demo's fleet away: by a plan that purges, bound to UIDs, and proves that nothing of it is left.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    AT_ONCE, Own, Site,
    waits::{SILENCE, Waits},
};
use crate::{
    cli::{
        act::{self, confirm::confirm, targets::Common},
        args,
        failure::Failure,
        follow::Follow,
        print,
    },
    cluster::Fault,
    engine::{self, Job, Order, Secrets, desk::identity},
    fleet::{Phase, Text, clean::clean},
    index::Entry,
    manifest::Base,
    plan::{Care, Danger, Intent, Ledger, Pace, Plan, Situation, State},
};

/// For namespaces that were on their way already.
const PATIENCE: Duration = Duration::from_secs(180);

pub(super) async fn run(site: &Site, options: &args::Demo) -> Result<(), Failure> {
    let context = site.cluster.context();
    let own = site.own().await?;
    if own.is_empty() {
        print::note(&format!("there is no demo in context {context}"));
        return Ok(());
    }
    let names: Vec<&str> = own.iter().map(|o| o.name.as_str()).collect();
    print::note(&format!("{} namespaces of the demo go for good, with their volumes: {}", own.len(), names.join(", ")));
    let danger = Danger::Names { names: vec![context.to_owned()] };
    let common = Common { confirm: options.confirm.iter().cloned().collect(), ..Common::default() };
    confirm(&common, &danger, None)?;
    let Purged { stopped, strange } = purge(site, &own).await?;
    if stopped {
        print::note(&format!("stopped; `fleetdeck demo {} --clean` goes on", site.there));
        return Err(Failure::Interrupted);
    }
    proof(site, &own, &strange).await?;
    if strange.is_empty() {
        return Ok(());
    }
    // Not by kubectl's own context, which may be another.
    let names = strange.join(" ");
    Err(Failure::Refused(format!(
        "refused: {names} carries the demo's label and is not seen as a tenant (without label {}, or not among the --namespace that \
         are read): it is left alone; `kubectl {} delete namespace {names}` takes it away",
        site.scope.labels.tenant, site.there
    )))
}

#[derive(Default)]
struct Purged {
    /// By a person.
    stopped: bool,
    /// What is there and is no tenant.
    strange: Vec<String>,
}

async fn purge(site: &Site, own: &[Own]) -> Result<Purged, Failure> {
    let cluster = &site.cluster;
    let base = Base::embedded().map_err(|e| Failure::Failed(e.to_string()))?;
    let mut follow = Follow::start(cluster.clone(), site.scope.clone());
    follow.settle().await?;
    let author = act::author();
    let others = BTreeMap::new();
    let situation = Situation {
        context: cluster.context(),
        cluster: identity(cluster).await?,
        author: &author,
        now: follow.now(),
        nonce: fastrand::u16(..),
        read_only: false,
        care: Care::default(),
        sources: follow.fleet.sources(),
        base: &base,
        hosts: &[],
        others: &others,
        found: &BTreeMap::new(),
    };
    let entry = |own: &Own| follow.fleet.get(&Text::from(own.name.as_str())).filter(|e| is_same(e, own));
    let going = |entry: &&Entry| entry.verdict.phase == Phase::Terminating;
    let entries: Vec<&Entry> = own.iter().filter_map(entry).filter(|e| !going(e)).collect();
    let mut strange = Vec::new();
    for own in own.iter().filter(|own| entry(own).is_none()) {
        // One that has gone since is only gone.
        if cluster.namespace_uid(&own.name).await? == Some(own.uid) {
            strange.push(own.name.clone());
        }
    }
    if entries.is_empty() {
        return Ok(Purged { stopped: false, strange });
    }
    let pace = Pace { canary: 0, max_unavailable: AT_ONCE, soak: 0, stop_after: u32::MAX };
    // Whoever cannot go now does not keep the others; the proof names what is left.
    let intent = Intent::Delete { purge: true };
    let (entries, left_out) = Plan::sift(&intent, &entries, &situation);
    left_out.to_string().lines().filter(|_| !entries.is_empty()).for_each(|line| print::note(&clean(line)));
    if entries.is_empty() {
        return Err(Failure::Refused(format!("refused: {left_out}")));
    }
    let plan = Plan::make(intent, pace, &entries, &situation)
        .map_err(|refusal| Failure::Refused(format!("refused: {refusal}")))?;
    let (voice, orders) = engine::orders(Order::Go);
    let heard = orders.clone();
    let (tell, told) = mpsc::channel(64);
    let job = Job {
        cluster,
        scope: &site.scope,
        base: &base,
        plan: &plan,
        secrets: Secrets::default(),
        by: author.clone(),
        ledger: Ledger::new(&plan),
        orders,
        tell,
        journal: None,
        seed: fastrand::u64(..),
        kept: None,
        control: "fleetdeck",
    };
    let ledger = tokio::select! {
        (ledger, ()) = async { tokio::join!(engine::run(job), Waits::listen(told)) } => ledger,
        () = act::obey(&voice) => return Ok(Purged { stopped: true, strange }),
    };
    for (namespace, state) in &ledger.turns {
        match state {
            State::Failed { said, advice } => print::note(&clean(&format!("{namespace}: {said}; {advice}"))),
            State::Held { said } => print::note(&clean(&format!("{namespace}: {said}"))),
            _ => {}
        }
    }
    Ok(Purged { stopped: heard.now() == Order::Stop, strange })
}

/// The very namespace that carries the label, not another of its name.
fn is_same(entry: &Entry, own: &Own) -> bool {
    entry.tenant.namespace.as_ref().is_some_and(|n| n.uid == own.uid)
}

/// Looks again: no namespace with the label but the strange ones, and no volume of one.
async fn proof(site: &Site, own: &[Own], strange: &[String]) -> Result<(), Failure> {
    let until = Instant::now() + PATIENCE;
    let mut silent_until = Instant::now() + SILENCE;
    let left = loop {
        let mut left = site.own().await?;
        left.retain(|own| !strange.contains(&own.name));
        if left.is_empty() || Instant::now() > until {
            break left;
        }
        if Instant::now() > silent_until {
            let names: Vec<&str> = left.iter().map(|o| o.name.as_str()).collect();
            print::note(&format!("waiting until they have gone: {}", names.join(", ")));
            silent_until = Instant::now() + SILENCE;
        }
        sleep(Duration::from_secs(1)).await;
    };
    if !left.is_empty() {
        let names: Vec<&str> = left.iter().map(|o| o.name.as_str()).collect();
        return Err(Failure::Failed(format!(
            "{} namespaces of the demo are still there: {}; `kubectl describe namespace NAME` says what holds one",
            left.len(),
            names.join(", ")
        )));
    }
    match site.cluster.storage(&site.scope.labels).await {
        Ok(storage) => {
            let kept =
                storage.volumes.iter().filter(|v| v.reclaim == "Retain" && own.iter().any(|o| o.name == v.namespace));
            let kept: Vec<&str> = kept.map(|v| v.name.as_str()).collect();
            if !kept.is_empty() {
                print::note(&format!(
                    "{} PersistentVolumes stay, for their StorageClass says Retain: kubectl delete pv {}",
                    kept.len(),
                    kept.join(" ")
                ));
            }
        }
        Err(error) if error.fault == Fault::Forbidden => {}
        Err(error) => return Err(error.into()),
    }
    let (gone, none) = (own.len() - strange.len(), if strange.is_empty() { "none" } else { "no other" });
    print::note(&format!("gone: {gone} namespaces, and {none} with the demo's label is left"));
    Ok(())
}
