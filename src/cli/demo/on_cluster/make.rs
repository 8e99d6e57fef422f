//! Makes the fleet, or what of it is missing, and breaks those that the script breaks.

use std::pin::pin;

use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::{sync::mpsc, time::Instant};

use super::{
    AT_ONCE, LABEL, Own, Site,
    nodes::Nodes,
    waits::{SILENCE, Waits},
};
use crate::{
    cli::{
        act, args, console,
        demo::{
            play::Player,
            roster::{self, Resident},
            scenarios,
            script::{Deed, Event},
        },
        failure::Failure,
        follow::Follow,
        print,
    },
    cluster::{Address, Fault},
    config::Config,
    engine::{self, Job, Order, Orders, Secrets, desk::identity},
    fleet::{Text, clean::clean},
    index::Entry,
    manifest::{Base, Defaults, TenantDraft, TenantSpec},
    plan::{self, Care, End, Intent, Ledger, Pace, Plan, Situation, State},
};

/// The scenario whose tenants and events a real cluster can show.
const SCENARIO: &str = "play-cluster";
/// On a StatefulSet that was broken on purpose: once is enough.
const BROKEN: &str = "fleetdeck-demo/broken";
/// Of the tenants' StatefulSets.
const SET: &str = "openclaw";
const ALONE: Pace = Pace { canary: 0, max_unavailable: 1, soak: 0, stop_after: 1 };

/// A tenant that is still to be made, or only to be broken.
struct Todo {
    id: String,
    namespace: String,
    plan: Option<Plan>,
    events: Vec<Event>,
}

pub(super) async fn run(config: &Config, site: &Site, options: &args::Demo) -> Result<(), Failure> {
    let script = scenarios::load(SCENARIO).map_err(|e| Failure::Failed(e.to_string()))?.script;
    let tenants = options.fleet.tenants.unwrap_or(script.tenants);
    ground(site).await?;
    let residents = roster::roster(&script, tenants, options.fleet.seed);
    let base = Base::embedded().map_err(|e| Failure::Failed(e.to_string()))?;
    let (todo, refused) = missing(site, &base, &residents, &script.events).await?;
    if todo.is_empty() && refused > 0 {
        return Err(Failure::Refused(format!("refused: none of the {refused} tenants that are missing can be made")));
    }
    let made = todo.iter().filter(|todo| todo.plan.is_some()).count();
    if made > 0 {
        room(site, made).await?;
    }
    if !todo.is_empty() {
        carry_out(site, &base, todo, options).await?;
    }
    if !print::to_terminal() {
        print::note(&match site.is_usual {
            true => format!("the console needs a terminal; `fleetdeck ls {}` lists the fleet", site.there),
            false => "the console needs a terminal; other commands go by the configuration's [labels], and do not see the demo"
                .to_owned(),
        });
        return Ok(());
    }
    console::show(config, site.cluster.clone(), site.scope.clone(), None, None).await
}

/// What the cluster lacks: without storage there is no fleet; all else is only said.
async fn ground(site: &Site) -> Result<(), Failure> {
    let cluster = &site.cluster;
    match cluster.storage(&site.scope.labels).await {
        Ok(storage) if storage.classes.iter().any(|class| class.is_default) => {}
        Ok(_) => {
            return Err(Failure::Refused(format!(
                "refused: context {} has no default StorageClass, so that no volume would ever be made: mark one (annotation \
                 storageclass.kubernetes.io/is-default-class), or use a cluster that brings one, as kind does",
                cluster.context()
            )));
        }
        Err(error) if error.fault == Fault::Forbidden => {
            print::note("note: whether volumes can be made is not known: StorageClasses may not be listed");
        }
        Err(error) => return Err(error.into()),
    }
    match cluster.ingress_classes().await {
        Ok(0) => {
            let forward = format!("; `fleetdeck forward TENANT gateway {}` does", site.there);
            print::note(&format!(
                "note: there is no ingress controller, so the tenants' hosts lead nowhere{}",
                if site.is_usual { &forward } else { "" }
            ));
        }
        Ok(_) => {}
        Err(error) if error.fault == Fault::Forbidden => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Whether whoever is to be made finds a node.
async fn room(site: &Site, tenants: usize) -> Result<(), Failure> {
    let nodes = match site.cluster.objects("Node", "", "").await {
        Ok(nodes) => Nodes::of(&nodes),
        Err(error) if error.fault == Fault::Forbidden => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if let Some(why) = nodes.refusal(site.cluster.context(), tenants) {
        return Err(Failure::Refused(clean(&why).into_owned()));
    }
    nodes.note().iter().for_each(|words| print::note(&clean(words)));
    Ok(())
}

/// What there is to do, against what is there; and how many cannot be made.
async fn missing(
    site: &Site,
    base: &Base,
    residents: &[Resident],
    events: &[Event],
) -> Result<(Vec<Todo>, usize), Failure> {
    let cluster = &site.cluster;
    let mut follow = Follow::start(cluster.clone(), site.scope.clone());
    follow.settle().await?;
    if follow.fleet.nodes().len() == 0 {
        print::note(&format!(
            "note: no node carries {}: the stand-ins run on any node, and `fleetdeck capacity {}` has nothing to count",
            site.scope.pool, site.there
        ));
    }
    let own = site.own().await?;
    let identity = identity(cluster).await?;
    let author = act::author();
    let hosts: Vec<(String, String)> = match cluster.ingress_hosts(None, &site.scope.tenants()).await {
        Ok(all) => all.into_iter().map(|h| (h.host, h.namespace)).collect(),
        Err(error) if error.fault == Fault::Forbidden => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let (mut todo, mut refused) = (Vec::new(), 0);
    for (nonce, resident) in residents.iter().enumerate() {
        let spec = spec(resident, &site.doors)?;
        let namespace = spec.namespace();
        let there = cluster.namespace_uid(&namespace).await?;
        if there.is_some_and(|uid| !is_own(&own, &namespace, uid)) {
            print::note(&format!("{}: namespace {namespace} is not the demo's; it is left alone", resident.id));
            continue;
        }
        let events: Vec<Event> = events.iter().filter(|e| e.tenant == resident.id).cloned().collect();
        let mine = |plan| Todo { id: resident.id.clone(), namespace: namespace.clone(), plan, events: events.clone() };
        let entry = follow.fleet.get(&Text::from(namespace.as_str()));
        if entry.is_some_and(|entry| entry.verdict.phase.serves()) {
            // What was slow has come through, or was left before it was broken.
            if !events.is_empty() {
                todo.push(mine(None));
            }
            continue;
        }
        if is_broken(site, &namespace).await? {
            continue;
        }
        let situation = Situation {
            context: cluster.context(),
            cluster: identity,
            author: &author,
            now: follow.now(),
            nonce: u16::try_from(nonce).unwrap_or(u16::MAX),
            read_only: false,
            care: Care::default(),
            sources: follow.fleet.sources(),
            base,
            hosts: &hosts,
            others: &std::collections::BTreeMap::new(),
            found: &std::collections::BTreeMap::new(),
        };
        let entries: Vec<&Entry> = entry.into_iter().collect();
        match Plan::make(Intent::Create { spec: Box::new(spec) }, ALONE, &entries, &situation) {
            Ok(plan) => todo.push(mine(Some(plan))),
            Err(refusal) => {
                refused += 1;
                print::note(&format!("not made: {}", clean(&refusal.to_string())));
            }
        }
    }
    Ok((todo, refused))
}

fn is_own(own: &[Own], namespace: &str, uid: crate::fleet::Uid) -> bool {
    own.iter().any(|o| o.name == namespace && o.uid == uid)
}

async fn is_broken(site: &Site, namespace: &str) -> Result<bool, Failure> {
    let at = Address::kind("StatefulSet", namespace, SET).map_err(|why| Failure::Failed(why.to_owned()))?;
    let set = site.cluster.object(&at).await?;
    let annotations = set.as_ref().and_then(|set| set.pointer("/metadata/annotations"));
    Ok(annotations.is_some_and(|a| a.get(BROKEN).is_some()))
}

fn spec(resident: &Resident, doors: &Defaults) -> Result<TenantSpec, Failure> {
    let (key, value) = LABEL;
    let draft = TenantDraft {
        id: resident.id.clone(),
        tier: resident.tier.clone(),
        image: resident.image.clone(),
        host: Some(format!("{}.demo.example", resident.id)),
        owner: Some(format!("@{}", resident.id.replace('-', "_"))),
        labels: [(key.to_owned(), value.to_owned())].into(),
        options: ["stand-in".to_owned()].into(),
        ..TenantDraft::default()
    };
    draft.resolve(doors).map_err(|e| Failure::Failed(format!("demo tenant {}: {e}", resident.id)))
}

/// Some at once; Ctrl-C stops each before its next step, and what was made stays.
async fn carry_out(site: &Site, base: &Base, todo: Vec<Todo>, options: &args::Demo) -> Result<(), Failure> {
    let all = todo.len();
    print::note(&format!("making {all} demo tenants in context {}, {AT_ONCE} at once", site.cluster.context()));
    let (voice, orders) = engine::orders(Order::Go);
    let heard = orders.clone();
    let (tell, mut told) = mpsc::channel(64);
    let work = stream::iter(todo).map(|todo| one(site, base, todo, orders.clone(), tell.clone()));
    let mut work = Box::pin(work.buffer_unordered(AT_ONCE as usize));
    let (mut made, mut failed) = (0, 0);
    let mut waits = Waits::default();
    let mut silent_until = Instant::now() + SILENCE;
    let stopped = || heard.now() == Order::Stop;
    let mut obey = pin!(act::obey(&voice));
    loop {
        let before = made + failed;
        tokio::select! {
            done = work.next() => match done {
                Some(Ok(words)) => {
                    made += 1;
                    print::note(&format!("[{}/{all}] {}", made + failed, clean(&words)));
                }
                Some(Err(_)) if stopped() => {}
                Some(Err(words)) => {
                    failed += 1;
                    print::note(&format!("[{}/{all}] {}", made + failed, clean(&words)));
                }
                None => break,
            },
            // Of twelve at once nobody reads every step.
            Some(event) = told.recv() => waits.hear(&event),
            () = tokio::time::sleep_until(silent_until) => {
                silent_until = Instant::now() + waits.say();
            }
            () = &mut obey => return Err(Failure::Interrupted),
        }
        if made + failed > before {
            silent_until = Instant::now() + SILENCE;
        }
    }
    let meant = if options.on_this_cluster { " --on-this-cluster" } else { "" };
    let number = options.fleet.tenants.map_or_else(String::new, |n| format!(" --tenants {n}"));
    let again =
        format!("`fleetdeck demo {}{meant}{number}` goes on, and with --clean takes away what is there", site.there);
    if stopped() {
        print::note(&format!("stopped: {made} of {all} made; {again}"));
        return Err(Failure::Interrupted);
    }
    if made == 0 {
        return Err(Failure::Failed(format!("none of {all} tenants could be made; {again}")));
    }
    if failed > 0 {
        print::note(&format!("{failed} of {all} could not be made; {again}"));
    }
    Ok(())
}

/// Makes a tenant where it is to be made, then breaks it where it is to be broken.
async fn one(
    site: &Site,
    base: &Base,
    todo: Todo,
    orders: Orders,
    tell: mpsc::Sender<plan::Event>,
) -> Result<String, String> {
    let id = &todo.id;
    if let Some(plan) = &todo.plan {
        let ledger = create(site, base, plan, orders.clone(), tell).await;
        match (&ledger.end, ledger.turns.get(&todo.namespace)) {
            (Some((End::Done, _)), _) => {}
            (_, Some(State::Failed { said, advice })) => return Err(format!("{id}: {said}; {advice}")),
            (_, Some(State::Held { said })) => return Err(format!("{id}: {said}")),
            (Some((_, said)), _) => return Err(format!("{id}: {said}")),
            (None, _) => return Err(format!("{id}: the run has no end")),
        }
    }
    if todo.events.is_empty() {
        return Ok(format!("{id} is ready"));
    }
    if orders.now() == Order::Stop {
        return Err(format!("{id}: not broken yet"));
    }
    let mut player = Player::new(site.cluster.clone(), 1.0).map_err(|e| e.to_string())?;
    for event in &todo.events {
        let deed = marked(&event.deed).map_err(|e| format!("{id}: {e}"))?;
        player.act(id, &deed).await.map_err(|e| format!("{id}: {e}"))?;
    }
    Ok(format!("{id} is made, and broken on purpose"))
}

/// The same, and one write with it the mark that this was done.
fn marked(deed: &Deed) -> Result<Deed, serde_json::Error> {
    let mut deed = deed.clone();
    if let Deed::Patch { patch, .. } = &mut deed {
        let mut change: Value = serde_json::from_str(patch)?;
        change["metadata"]["annotations"][BROKEN] = "on purpose".into();
        *patch = change.to_string();
    }
    Ok(deed)
}

async fn create(site: &Site, base: &Base, plan: &Plan, orders: Orders, tell: mpsc::Sender<plan::Event>) -> Ledger {
    let job = Job {
        cluster: &site.cluster,
        scope: &site.scope,
        base,
        plan,
        secrets: Secrets::default().with(plan_namespace(plan), format!("sk-demo-{}", fastrand::u64(..))),
        by: plan.author.clone(),
        ledger: Ledger::new(plan),
        orders,
        tell,
        journal: None,
        seed: fastrand::u64(..),
        kept: None,
        control: "fleetdeck",
    };
    engine::run(job).await
}

fn plan_namespace(plan: &Plan) -> String {
    plan.turns().next().map(|turn| turn.namespace.clone()).unwrap_or_default()
}
