//! The verbs that change something: plan, show, ask, carry out, tell.

pub(super) mod confirm;
pub(super) mod report;
pub(super) mod runs;
pub(super) mod targets;

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::{mpsc, watch};

use self::{
    report::Report,
    targets::{Adopt, Common, Create, Delete, Many, Resize, Rollout, SetTier, Upgrade},
};
use super::{failure::Failure, follow::Follow, open, print, show::namespace_of};
use crate::{
    cluster::{Access, Ask, Cluster, Fault, Prompt, Scope},
    config::{Config, files},
    engine::{self, Job, Lease, Order, Records, Secrets, Trouble, dry, journal::Journal},
    fleet::{Text, Uid},
    index::{Entry, Query},
    manifest::{Base, Defaults, PinnedImage},
    plan::{Danger, End, Intent, Ledger, Need, Other, Pace, Plan, Preview, Refusal, Situation, Why},
};

/// Of so many tenants at most every object is compared and asked about beforehand.
const LOOKED_AT: usize = 10;

/// One at a time, in the order in which they were named.
const IN_TURN: Pace = Pace { canary: 0, max_unavailable: 1, soak: 0, stop_after: 1 };

pub(super) async fn create(config: &Config, args: Create) -> Result<(), Failure> {
    let key = args.key()?;
    let spec = args.tenant.draft().map_err(Failure::Usage)?.resolve(&config.defaults);
    let spec = spec.map_err(|e| Failure::Usage(e.to_string()))?;
    let mut secrets = Secrets::default();
    if let Some(key) = key {
        secrets = secrets.with(spec.namespace(), key);
    }
    let whom = Whom::New(spec.namespace());
    act(config, Intent::Create { spec: Box::new(spec) }, IN_TURN, whom, secrets, &args.common).await
}

pub(super) async fn simple(config: &Config, intent: Intent, args: Many) -> Result<(), Failure> {
    act(config, intent, IN_TURN, Whom::Named(args.tenants), Secrets::default(), &args.common).await
}

pub(super) async fn delete(config: &Config, args: Delete) -> Result<(), Failure> {
    let intent = Intent::Delete { purge: args.purge_data };
    act(config, intent, IN_TURN, Whom::Named(args.tenants), Secrets::default(), &args.common).await
}

pub(super) async fn upgrade(config: &Config, args: Upgrade) -> Result<(), Failure> {
    let repository = config.defaults.image_repository.as_deref().unwrap_or("ghcr.io/openclaw/openclaw");
    let image = PinnedImage::given(&args.image, Some(repository)).map_err(Failure::Usage)?;
    rollout(config, Intent::Upgrade { image }, args.whom).await
}

pub(super) async fn set_tier(config: &Config, args: SetTier) -> Result<(), Failure> {
    let intent = Intent::SetTier { tier: args.tier };
    act(config, intent, IN_TURN, Whom::Named(args.tenants), Secrets::default(), &args.common).await
}

pub(super) async fn resize(config: &Config, args: Resize) -> Result<(), Failure> {
    let intent = Intent::Resize { app: args.app, config: args.config };
    act(config, intent, IN_TURN, Whom::Named(vec![args.tenant]), Secrets::default(), &args.common).await
}

pub(super) async fn adopt(config: &Config, args: Adopt) -> Result<(), Failure> {
    let intent = Intent::Adopt { from: args.from };
    act(config, intent, IN_TURN, Whom::Named(args.tenants), Secrets::default(), &args.common).await
}

/// Through many tenants, in waves.
pub(super) async fn rollout(config: &Config, intent: Intent, args: Rollout) -> Result<(), Failure> {
    let pace = args.pace();
    let whom = match (args.all, args.filter) {
        (true, _) => Whom::All(None),
        (false, Some(text)) => {
            Whom::All(Some(Query::parse(&text).map_err(|e| Failure::Usage(format!("--filter: {e}")))?))
        }
        (false, None) => Whom::Named(args.tenants),
    };
    act(config, intent, pace, whom, Secrets::default(), &args.common).await
}

/// Which tenants.
enum Whom {
    Named(Vec<String>),
    All(Option<Query>),
    /// One that is to be made in this namespace.
    New(String),
}

async fn act(
    config: &Config,
    intent: Intent,
    pace: Pace,
    whom: Whom,
    secrets: Secrets,
    common: &Common,
) -> Result<(), Failure> {
    let (cluster, scope) = open(config, Prompt::May).await?;
    let settings = config.of_context(cluster.context());
    let base = Base::embedded().map_err(|e| Failure::Failed(e.to_string()))?;
    let report = Report::new(common.output);
    let author = author();
    let control = control(config);
    let planned =
        plan(&cluster, &scope, &base, intent, pace, &whom, &author, settings.read_only, &config.defaults).await?;
    let (plan, dropped) = match planned {
        Ok(planned) => planned,
        Err(refusal) => return report.refused(&refusal),
    };
    let preview = Preview::of(&plan);
    let mut verdicts = BTreeMap::new();
    if plan.turns().count() <= LOOKED_AT {
        for turn in plan.turns() {
            verdicts.insert(turn.tenant.clone(), dry::dry_run(&cluster, &base, &plan, turn, &control).await);
        }
    }
    let refused: Vec<(&str, String)> = verdicts
        .iter()
        .flat_map(|(tenant, all)| all.iter().map(move |v| (tenant.as_str(), v)))
        .filter_map(|(tenant, v)| Some((tenant, format!("{}: {}", v.object, v.refused.as_ref()?))))
        .collect();
    report.preview(&plan, &preview, &dropped, &verdicts, common.dry_run)?;
    if !refused.is_empty() {
        let mut refusal = Refusal::default();
        for (tenant, said) in refused {
            refusal.add(Some(tenant), Why::Server, said);
        }
        return report.refused(&refusal);
    }
    if common.dry_run {
        return Ok(());
    }
    let records = Records::new(&cluster, &control);
    let recorded = may_record(&cluster, &plan, &records, &report).await?;
    confirm::confirm(common, &preview.danger, settings.protected.then(|| cluster.context()))?;
    let kept = if recorded {
        records.begin(&plan).await.map_err(troubled)?;
        let lease = Lease::take(&cluster, &control, &plan.id, &author, fastrand::u64(..)).await.map_err(troubled)?;
        Some((lease, records))
    } else {
        None
    };
    let ledger = Ledger::new(&plan);
    carry_out(
        Errand { cluster: &cluster, scope: &scope, base: &base, plan: &plan, control: &control, report: &report },
        ledger,
        secrets,
        author,
        kept,
    )
    .await
}

/// The namespace of the fleet's records.
pub(super) fn control(config: &Config) -> String {
    config.defaults.control_namespace.clone().unwrap_or_else(|| "fleetdeck".to_owned())
}

pub(super) fn troubled(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Cluster(error) => Failure::Cluster(error),
        Trouble::Busy(said) => Failure::Refused(format!("refused: {said}")),
        other => Failure::Failed(other.words().0),
    }
}

/// Whether the run can be kept in the cluster, where others see it and can go on with it. One tenant may be acted on
/// without, for its steps are bound to UIDs; many may not.
async fn may_record(cluster: &Cluster, plan: &Plan, records: &Records, report: &Report) -> Result<bool, Failure> {
    let mut access = Access::default();
    let control = Some(records.control().to_owned());
    let mut missing = Vec::new();
    for (verb, group, resource) in [
        ("get", "", "configmaps"),
        ("create", "", "configmaps"),
        ("patch", "", "configmaps"),
        ("get", "coordination.k8s.io", "leases"),
        ("create", "coordination.k8s.io", "leases"),
        ("update", "coordination.k8s.io", "leases"),
    ] {
        let ask = Ask { verb, group, resource, namespace: control.clone() };
        if !access.may(cluster, &ask).await? {
            missing.push(format!("{verb} {resource} in namespace {}", records.control()));
        }
    }
    for verb in ["get", "patch"] {
        if !access.may(cluster, &Ask { verb, group: "", resource: "namespaces", namespace: None }).await? {
            missing.push(format!("{verb} namespaces"));
        }
    }
    if missing.is_empty() {
        return Ok(true);
    }
    let said = format!("the run cannot be recorded in the cluster: you may not {}", missing.join(", nor "));
    if plan.turns().count() > 1 {
        return report.refused(&Refusal::one(Why::NoRights, said)).map(|()| false);
    }
    print::note(&format!("note: {said}; nobody else sees it or can go on with it"));
    Ok(false)
}

/// What a run is carried out with.
pub(super) struct Errand<'a> {
    pub cluster: &'a Cluster,
    pub scope: &'a Scope,
    pub base: &'a Base,
    pub plan: &'a Plan,
    pub control: &'a str,
    pub report: &'a Report,
}

/// The plan, and of a whole fleet those tenants that are left out of it, with the reason.
#[expect(clippy::too_many_arguments, reason = "each is one fact of the situation")]
async fn plan(
    cluster: &Cluster,
    scope: &Scope,
    base: &Base,
    intent: Intent,
    pace: Pace,
    whom: &Whom,
    author: &str,
    read_only: bool,
    defaults: &Defaults,
) -> Result<Result<(Plan, Refusal), Refusal>, Failure> {
    let mut follow = Follow::start(cluster.clone(), scope.clone());
    follow.settle().await?;
    let namespaces = namespaces(&mut follow, whom).await?;
    if matches!(intent, Intent::Upgrade { .. }) && namespaces.len() <= LOOKED_AT {
        // Whether there is room for migrations.
        follow.measure(std::time::Duration::from_secs(5)).await;
    }
    let label = &scope.labels.tenant;
    let mut others = BTreeMap::new();
    if matches!(intent, Intent::Delete { .. }) {
        for namespace in &namespaces {
            match services(cluster, namespace, label).await {
                Ok(found) => _ = others.insert(namespace.to_string(), found),
                // Which right is missing is said with the others.
                Err(Failure::Cluster(error)) if error.fault == Fault::Forbidden => {}
                Err(failure) => return Err(failure),
            }
        }
    }
    let mut hosts = Vec::new();
    if intent.is_create() {
        match cluster.ingress_hosts(None, label).await {
            Ok(all) => hosts.extend(all.into_iter().map(|h| (h.host, h.namespace))),
            Err(error) if error.fault == Fault::Forbidden => {
                print::note("note: whether the host is free is not known: Ingresses may not be listed");
            }
            Err(error) => return Err(error.into()),
        }
    }
    let cluster_uid = identity(cluster).await?;
    let entries: Vec<&Entry> = namespaces.iter().filter_map(|n| follow.fleet.get(n)).collect();
    let found = engine::look(cluster, base, &intent, &entries, label, defaults).await.map_err(troubled)?;
    let situation = Situation {
        context: cluster.context(),
        cluster: cluster_uid,
        author,
        now: follow.now(),
        nonce: fastrand::u16(..),
        read_only,
        sources: follow.fleet.sources(),
        base,
        hosts: &hosts,
        others: &others,
        found: &found,
    };
    let (subjects, dropped) = match whom {
        // Of a whole fleet, those go along who can: who is there already or cannot be changed is said.
        Whom::All(_) => Plan::sift(&intent, &entries, &situation),
        _ => (entries, Refusal::default()),
    };
    let made = match Plan::make(intent.clone(), pace, &subjects, &situation) {
        Ok(plan) => plan,
        Err(mut refusal) => {
            refusal.0.extend(dropped.0);
            // What is not known is often what may not be read: then every right that is missing is named.
            if refusal.0.iter().any(|reason| reason.why == Why::Stale) {
                let one = subjects.first().filter(|_| subjects.len() == 1).map(|e| e.tenant.namespace_name.to_string());
                rights(cluster, Plan::needs_of(&intent, &situation), one, &mut refusal).await?;
            }
            return Ok(Err(refusal));
        }
    };
    let mut refusal = Refusal::default();
    let one = made.turns().next().filter(|_| made.turns().count() == 1).map(|turn| turn.namespace.clone());
    rights(cluster, made.needs(), one, &mut refusal).await?;
    Ok(if refusal.0.is_empty() { Ok((made, dropped)) } else { Err(refusal) })
}

async fn namespaces(follow: &mut Follow, whom: &Whom) -> Result<Vec<Text>, Failure> {
    Ok(match whom {
        Whom::New(namespace) => {
            let id = namespace.strip_prefix("tenant-").unwrap_or(namespace);
            let same =
                follow.fleet.iter().find(|e| e.tenant.id == *id && e.tenant.namespace_name != *namespace.as_str());
            let there = follow.fleet.get(namespace).or(same);
            there.map(|entry| entry.tenant.namespace_name.clone()).into_iter().collect()
        }
        Whom::Named(names) => {
            let mut found: Vec<Text> = Vec::new();
            for name in names {
                let namespace = Text::from(namespace_of(follow, name).await?);
                if !found.contains(&namespace) {
                    found.push(namespace);
                }
            }
            found
        }
        Whom::All(query) => {
            let now = follow.now();
            let fits = |entry: &&Entry| query.as_ref().is_none_or(|query| query.matches(entry, now));
            follow.fleet.iter().filter(fits).map(|e| e.tenant.namespace_name.clone()).collect()
        }
    })
}

/// Service and Ingress of a tenant, by label.
async fn services(cluster: &Cluster, namespace: &str, label: &str) -> Result<Vec<Other>, Failure> {
    let mut found = Vec::new();
    for kind in ["Service", "Ingress"] {
        for object in cluster.objects(kind, namespace, label).await? {
            let text = |pointer: &str| object.pointer(pointer).and_then(serde_json::Value::as_str);
            let uid: Option<Uid> = text("/metadata/uid").and_then(|uid| uid.parse().ok());
            if let (Some(name), Some(uid)) = (text("/metadata/name"), uid) {
                found.push(Other { kind: kind.to_owned(), name: name.to_owned(), uid });
            }
        }
    }
    Ok(found)
}

/// What tells this cluster from others; `None` where it may not be known.
pub(super) async fn identity(cluster: &Cluster) -> Result<Option<Uid>, Failure> {
    match cluster.namespace_uid("kube-system").await {
        Ok(uid) => Ok(uid),
        Err(error) if error.fault == Fault::Forbidden => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Asks for every right that is needed: in the tenant's namespace where it is one, else in all.
async fn rights(
    cluster: &Cluster,
    needs: BTreeSet<Need>,
    one: Option<String>,
    refusal: &mut Refusal,
) -> Result<(), Failure> {
    let mut access = Access::default();
    for (verb, group, resource) in needs {
        let namespace = one.clone().filter(|_| resource != "namespaces");
        let place = namespace.as_ref().map_or_else(String::new, |n| format!(" in namespace {n}"));
        if !access.may(cluster, &Ask { verb, group, resource, namespace }).await? {
            let who = cluster.user().unwrap_or("this user");
            refusal.add(None, Why::NoRights, format!("{who} may not {verb} {}{place}", resource.replace(':', " ")));
        }
    }
    Ok(())
}

pub(super) async fn carry_out(
    errand: Errand<'_>,
    ledger: Ledger,
    secrets: Secrets,
    by: String,
    kept: Option<(Lease, Records)>,
) -> Result<(), Failure> {
    let Errand { cluster, scope, base, plan, control, report } = errand;
    let journal = match engine::journal::usual_path().map(Journal::open) {
        Some(Ok(journal)) => Some(journal),
        Some(Err(error)) => {
            print::note(&format!("note: this run is not written down on this machine: {error}"));
            None
        }
        None => None,
    };
    let (order, orders) = watch::channel(Order::Go);
    let (tell, mut told) = mpsc::channel(64);
    let job = Job {
        cluster,
        scope,
        base,
        plan,
        secrets,
        by,
        ledger,
        orders,
        tell,
        journal,
        seed: fastrand::u64(..),
        kept,
        control,
    };
    let listen = async {
        while let Some(event) = told.recv().await {
            report.event(plan, &event);
        }
    };
    let ledger = tokio::select! {
        (ledger, ()) = async { tokio::join!(engine::run(job), listen) } => ledger,
        () = obey(&order) => return Err(Failure::Interrupted),
    };
    report.end(plan, &ledger)?;
    match ledger.end {
        Some((End::Done, _)) => Ok(()),
        Some((End::Stopped, _)) => Err(Failure::Interrupted),
        Some((_, said)) => Err(Failure::Failed(said)),
        None => Err(Failure::Failed("the run has no end".to_owned())),
    }
}

/// The first Ctrl-C stops before the next step; comes back at the second one, which leaves at once.
pub(super) async fn obey(order: &watch::Sender<Order>) {
    for time in 0..2 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        if time == 0 {
            print::note("stopping before the next step; once more to leave at once");
            order.send_replace(Order::Stop);
        }
    }
}

/// Who does it: for people, and no proof of anything.
pub(super) fn author() -> String {
    let name = ["USER", "LOGNAME"].iter().find_map(|key| std::env::var(key).ok()).filter(|n| !n.is_empty());
    let host = files::read_text(std::path::Path::new("/proc/sys/kernel/hostname")).ok();
    let host = host.map(|h| h.trim().to_owned()).filter(|h| !h.is_empty());
    format!("{}@{}", name.as_deref().unwrap_or("somebody"), host.as_deref().unwrap_or("somewhere"))
}
