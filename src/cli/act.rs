//! The verbs that change something: plan, show, ask, carry out, tell.

pub(super) mod confirm;
pub(super) mod report;
pub(super) mod runs;
pub(super) mod targets;

use tokio::sync::mpsc;

use self::{
    report::Report,
    targets::{
        Adopt, Apply, Common, Create, Delete, Many, Reprovision, Resize, Restore, Rollout, SetTier, Snapshot, Upgrade,
    },
};
use super::{failure::Failure, follow::Follow, open, print, show::namespace_of};
use crate::{
    cluster::{Cluster, Prompt, Scope},
    config::{Config, files},
    engine::{self, Declined, Desk, Order, Secrets, Trouble, Voice, Wish, Work, desk::LOOKED_AT, journal::Journal},
    fleet::{Text, clean::clean},
    index::{Entry, Query},
    manifest::PinnedImage,
    plan::{Care, End, Intent, Pace},
};

pub(super) async fn create(config: &Config, args: Create) -> Result<(), Failure> {
    let key = args.key()?;
    let spec = args.tenant.draft().map_err(Failure::Usage)?.resolve(&config.defaults);
    let spec = spec.map_err(|e| Failure::Usage(e.to_string()))?;
    let mut secrets = Secrets::default();
    if let Some(key) = key {
        secrets = secrets.with(spec.namespace(), key);
    }
    let whom = Whom::New(spec.namespace());
    act(
        config,
        Intent::Create { spec: Box::new(spec) },
        (Pace::ONE_BY_ONE, Care::default()),
        whom,
        secrets,
        &args.common,
    )
    .await
}

pub(super) async fn simple(config: &Config, intent: Intent, args: Many) -> Result<(), Failure> {
    named(config, intent, args.tenants, &args.common).await
}

pub(super) async fn delete(config: &Config, args: Delete) -> Result<(), Failure> {
    let intent = Intent::Delete { purge: args.purge_data };
    let care = Care { snapshot: args.snapshot, ..Care::default() };
    act(config, intent, (Pace::ONE_BY_ONE, care), Whom::Named(args.tenants), Secrets::default(), &args.common).await
}

pub(super) async fn upgrade(config: &Config, args: Upgrade) -> Result<(), Failure> {
    let intent = Intent::Upgrade { image: image(config, &args.image)? };
    rollout(config, intent, args.whom, args.snapshot).await
}

pub(super) async fn reprovision(config: &Config, args: Reprovision) -> Result<(), Failure> {
    let image = args.image.as_deref().map(|text| image(config, text)).transpose()?;
    rollout(config, Intent::Reprovision { image }, args.whom, args.snapshot).await
}

pub(super) async fn apply(config: &Config, args: Apply) -> Result<(), Failure> {
    let image = args.image.as_deref().map(|text| image(config, text)).transpose()?;
    rollout(config, Intent::Apply { force: args.force, image }, args.whom, false).await
}

fn image(config: &Config, text: &str) -> Result<PinnedImage, Failure> {
    let repository = config.defaults.image_repository.as_deref().unwrap_or("ghcr.io/openclaw/openclaw");
    PinnedImage::given(text, Some(repository)).map_err(Failure::Usage)
}

pub(super) async fn set_tier(config: &Config, args: SetTier) -> Result<(), Failure> {
    let intent = Intent::SetTier { tier: args.tier };
    named(config, intent, args.tenants, &args.common).await
}

pub(super) async fn resize(config: &Config, args: Resize) -> Result<(), Failure> {
    let intent = Intent::Resize { app: args.app, config: args.config };
    named(config, intent, vec![args.tenant], &args.common).await
}

pub(super) async fn adopt(config: &Config, args: Adopt) -> Result<(), Failure> {
    let intent = Intent::Adopt { from: args.from };
    named(config, intent, args.tenants, &args.common).await
}

pub(super) async fn snapshot(config: &Config, args: Snapshot) -> Result<(), Failure> {
    let intent = Intent::Snapshot { class: args.class };
    named(config, intent, args.tenants, &args.common).await
}

pub(super) async fn restore(config: &Config, args: Restore) -> Result<(), Failure> {
    let intent = Intent::Restore { app: args.app_snapshot, config: args.config_snapshot };
    named(config, intent, vec![args.tenant], &args.common).await
}

/// Of tenants by name, one after the other.
async fn named(config: &Config, intent: Intent, tenants: Vec<String>, common: &Common) -> Result<(), Failure> {
    let how = (Pace::ONE_BY_ONE, Care::default());
    act(config, intent, how, Whom::Named(tenants), Secrets::default(), common).await
}

/// Through many tenants, in waves.
async fn rollout(config: &Config, intent: Intent, args: Rollout, snapshot: bool) -> Result<(), Failure> {
    let how = (args.pace(), Care { snapshot, ..args.care() });
    let whom = match (args.all, args.filter) {
        (true, _) => Whom::All(None),
        (false, Some(text)) => {
            Whom::All(Some(Query::parse(&text).map_err(|e| Failure::Usage(format!("--filter: {e}")))?))
        }
        (false, None) => Whom::Named(args.tenants),
    };
    act(config, intent, how, whom, Secrets::default(), &args.common).await
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
    (pace, care): (Pace, Care),
    whom: Whom,
    secrets: Secrets,
    common: &Common,
) -> Result<(), Failure> {
    let (cluster, scope) = open(config, Prompt::May).await?;
    let settings = config.of_context(cluster.context());
    let report = Report::new(common.output);
    let desk = desk(config, cluster.clone(), scope.clone())?;
    let wish = Box::pin(wish(&desk, scope, intent, (pace, care), &whom)).await?;
    let proposal = match Box::pin(desk.propose(wish)).await {
        Ok(proposal) => proposal,
        Err(Declined::Refused(refusal)) => return report.refused(&refusal),
        Err(declined) => return Err(declined.into()),
    };
    proposal.notes.iter().for_each(|said| print::note(&format!("note: {}", clean(said))));
    report.preview(&proposal, common.dry_run)?;
    let refusal = proposal.refused_by_server();
    if !refusal.0.is_empty() {
        return report.refused(&refusal);
    }
    if common.dry_run {
        return Ok(());
    }
    confirm::confirm(common, &proposal.preview.danger, settings.protected.then(|| desk.context()))?;
    let work = desk.begin(proposal.plan, proposal.recorded, secrets).await?;
    Box::pin(carry_out(&report, work)).await
}

/// The desk of a connected cluster.
pub(super) fn desk(config: &Config, cluster: Cluster, scope: Scope) -> Result<Desk, Failure> {
    let read_only = config.of_context(cluster.context()).read_only;
    let base = super::base(config)?;
    Ok(Desk::new(cluster, scope, base, config.defaults.clone(), author(), read_only))
}

pub(super) fn troubled(trouble: Trouble) -> Failure {
    Declined::from(trouble).into()
}

impl From<Declined> for Failure {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::Refused(refusal) => Self::refused(&refusal),
            Declined::NoSuch(said) => Self::NoSuchTenant(said),
            Declined::Trouble(Trouble::Cluster(error)) => Self::Cluster(error),
            Declined::Trouble(other) => Self::Failed(other.words().0),
        }
    }
}

/// What is wanted, with what is known of whom it is about.
async fn wish(
    desk: &Desk,
    scope: Scope,
    intent: Intent,
    (pace, care): (Pace, Care),
    whom: &Whom,
) -> Result<Wish, Failure> {
    let mut follow = Follow::start(desk.cluster().clone(), scope);
    follow.settle().await?;
    if intent.is_create() {
        // What of others' stands on the nodes.
        follow.list_pool().await;
    }
    let namespaces = namespaces(&mut follow, whom).await?;
    if matches!(intent, Intent::Upgrade { .. }) && namespaces.len() <= LOOKED_AT {
        // Whether there is room for migrations.
        follow.measure(std::time::Duration::from_secs(5)).await;
    }
    let entries = namespaces.iter().filter_map(|n| follow.fleet.get(n)).cloned().collect();
    let sources = follow.fleet.sources().clone();
    // Of a whole fleet, those go along who can: who is there already or cannot be changed is said.
    let notes = desk.room(&intent, &follow.fleet).into_iter().collect();
    Ok(Wish { intent, pace, care, sift: matches!(whom, Whom::All(_)), entries, sources, notes })
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

/// Carries a run out, tells how it goes, and stops it on Ctrl-C.
pub(super) async fn carry_out(report: &Report, work: Work) -> Result<(), Failure> {
    let (voice, orders) = engine::orders(Order::Go);
    let (tell, mut told) = mpsc::channel(64);
    let plan = work.plan().clone();
    let listen = async {
        while let Some(event) = told.recv().await {
            report.event(&plan, &event);
        }
    };
    let ledger = tokio::select! {
        (ledger, ()) = async { tokio::join!(work.go(orders, tell, Journal::usual()), listen) } => ledger,
        () = obey(&voice) => return Err(Failure::Interrupted),
    };
    report.end(&plan, &ledger)?;
    match ledger.end {
        Some((End::Done, _)) => Ok(()),
        Some((End::Stopped, _)) => Err(Failure::Interrupted),
        Some((_, said)) => Err(Failure::Failed(said)),
        None => Err(Failure::Failed("the run has no end".to_owned())),
    }
}

/// The first Ctrl-C stops before the next step; comes back at the second one, which leaves at once.
pub(super) async fn obey(voice: &Voice) {
    for time in 0..2 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        if time == 0 {
            print::note("stopping before the next step; once more to leave at once");
            voice.say(Order::Stop);
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
