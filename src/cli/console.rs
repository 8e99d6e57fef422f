//! `fleetdeck [TENANT]`: the console, wired to a cluster.

mod ways;

use std::{path::Path, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::{act::desk, failure::Failure, keep::Keeper, open, print, prometheus, tiers};
use crate::{
    cluster::{
        self, Cluster, ClusterError, Errand, Errands, Fault, Meters, Opening, Prompt, Scope, logs::Tail, look::objects,
    },
    config::{Config, files, welcome},
    fleet::Text,
    manifest::Base,
    tui::{
        self, Answer, Ask, Connect, ContextChoice, ContextInfo, Feed, Learnt, Look, Options, Refusal, Session,
        ThemeFile, Unwatched,
    },
};

/// What the watches may be ahead of the console.
const AHEAD: usize = 1_024;
/// Named namespaces whose rights are asked for at the start.
const NAMESPACES_ASKED: usize = 8;
/// Last lines of a log that are read: the page of a tenant shows a few, the diagnosis goes by all.
const LOG_LINES: usize = 20;
/// For the last writes, once the console has gone.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// Connects while the terminal is still the shell's, so that a credential plugin may ask there.
pub(super) async fn run(config: Config, tenant: Option<String>) -> Result<(), Failure> {
    let (cluster, scope) = open(&config, Prompt::May).await?;
    show(&config, cluster, scope, tenant, None).await
}

/// Shows a cluster until the person leaves. One with a banner is no cluster of the kubeconfig: there is no way from it
/// to another context.
pub(super) async fn show(
    config: &Config,
    cluster: Cluster,
    scope: Scope,
    tenant: Option<String>,
    banner: Option<String>,
) -> Result<(), Failure> {
    let (end, mut ended) = mpsc::channel(1);
    let mut session = session(config, &cluster, scope, tenant, banner, end)?;
    let first = welcome::is_first();
    session.options.welcome = first;
    drop(cluster);
    let ran = Box::pin(tui::run(session)).await.map_err(|e| Failure::Failed(format!("{e:#}")));
    // Nobody sends: it ends when the last keeper has let go.
    tokio::time::timeout(LAST_WRITES, ended.recv()).await.ok();
    ran?.iter().for_each(|left| print::note(left));
    if first && let Err(error) = welcome::remember() {
        tracing::warn!(%error, "the next start will be a first one again");
    }
    Ok(())
}

/// All that a console is started with; `end` is held by whoever still has something to write after it.
pub(super) fn session(
    config: &Config,
    cluster: &Cluster,
    scope: Scope,
    tenant: Option<String>,
    banner: Option<String>,
    end: mpsc::Sender<()>,
) -> Result<Session, Failure> {
    let options = Options { open: tenant, ..options(config)? };
    let contexts = if banner.is_some() { vec![] } else { contexts(config.kubeconfig.as_deref()) };
    let base = super::base(config)?;
    let world = World { config: config.clone(), base: Arc::new(base), end };
    let connect = connect(world.clone());
    Ok(Session { feed: feed(&world, cluster, scope, banner)?, contexts, connect, options })
}

/// How the console is to look and to behave.
///
/// # Errors
/// The configuration names a theme or a key that there is not.
pub(super) fn options(config: &Config) -> Result<Options, Failure> {
    let options = Options {
        theme: config.theme.clone(),
        alert: config.alert,
        mouse: config.mouse,
        logs: config.logs_mib,
        themes: themes()?,
        tiers: tiers(config)?,
        defaults: config.defaults.clone(),
        ..Options::default()
    };
    tui::check(&options).map_err(|e| Failure::Usage(e.to_string()))?;
    Ok(options)
}

/// What every context is shown with.
#[derive(Clone)]
struct World {
    config: Config,
    /// What tenants are rendered from.
    base: Arc<Base>,
    /// Held by whoever has something to write at the end.
    end: mpsc::Sender<()>,
}

/// Starts the readers of a cluster. They end with the feed.
fn feed(world: &World, cluster: &Cluster, scope: Scope, banner: Option<String>) -> Result<Feed, Failure> {
    let (config, end) = (&world.config, world.end.clone());
    let (send, deltas) = mpsc::channel(AHEAD);
    // The boots of a simulation are nobody's.
    let keeper = banner.is_none().then(|| Keeper::start(cluster.clone(), send.clone(), end));
    let watches = cluster::watch(cluster, &scope, &send);
    let mut meters = Meters::start(cluster, &scope.tenants(), &send);
    if let Some(store) = prometheus(config, cluster) {
        meters.consult(cluster, store, &send);
    }
    let errands = Arc::new(Errands::start(cluster, &scope, &send));
    errands.run(Errand::Rights { namespace: None });
    // Where rights are a namespace's, some tell what the others are like.
    for namespace in scope.namespaces.iter().take(NAMESPACES_ASKED) {
        errands.run(Errand::Rights { namespace: Some(Text::from(namespace.as_str())) });
    }
    let settings = config.of_context(cluster.context());
    let read = read(cluster.clone(), scope.clone(), world.base.clone());
    let tenants = scope.words();
    let desk = desk(config, cluster.clone(), scope)?;
    let context = ContextInfo {
        name: cluster.context().to_owned(),
        user: cluster.user().unwrap_or_default().to_owned(),
        read_only: settings.read_only,
        protected: settings.protected,
        tenants,
    };
    let meters = Arc::new(meters);
    let clock = cluster.clock().clone();
    Ok(Feed {
        deltas,
        clock: Box::new(move || clock.now()),
        retry: Box::new({
            let (meters, errands) = (meters.clone(), errands.clone());
            move || {
                watches.retry();
                meters.retry();
                errands.retry();
            }
        }),
        follow: Box::new(move |fleet| {
            meters.follow(fleet);
            if let Some(keeper) = &keeper {
                keeper.follow(fleet);
            }
        }),
        errand: Box::new({
            let errands = errands.clone();
            move |errand| errands.run(errand)
        }),
        leave: Box::new(move |namespace| errands.leave(namespace)),
        look: look(cluster),
        read,
        tail: Box::new({
            let cluster = cluster.clone();
            move |wanted, targets| Tail::start(&cluster, wanted, targets)
        }),
        ways: ways::ways(config, cluster, banner.is_some()),
        context,
        desk,
        banner,
    })
}

/// Reads on demand what a page stands on.
fn read(
    cluster: Cluster,
    scope: Scope,
    base: Arc<Base>,
) -> Box<dyn Fn(Unwatched) -> BoxFuture<'static, Learnt> + Send> {
    Box::new(move |ask| {
        let (cluster, scope, base) = (cluster.clone(), scope.clone(), base.clone());
        Box::pin(async move {
            match ask {
                Unwatched::Tenant(namespace, volumes) => {
                    let of = Opening { label: &scope.tenants(), base: &base, volumes: &volumes };
                    let opened = cluster.opened(&namespace, of).await;
                    Learnt::Tenant(namespace, Box::new(opened))
                }
                Unwatched::Storage => Learnt::Storage(cluster.storage(&scope.labels).await.ok()),
                Unwatched::Guard => Learnt::Guard(cluster.guard(&scope.labels).await.ok()),
            }
        })
    })
}

/// What the console's pages read on demand.
fn look(cluster: &Cluster) -> Look {
    let cluster = cluster.clone();
    Box::new(move |ask| {
        let cluster = cluster.clone();
        Box::pin(async move {
            let refusal = |e: ClusterError| {
                let stands = matches!(e.fault, Fault::Forbidden | Fault::Unauthorized);
                Refusal { why: e.said, stands }
            };
            answer(&cluster, ask).await.map_err(refusal)
        })
    })
}

async fn answer(cluster: &Cluster, ask: Ask) -> Result<Answer, ClusterError> {
    match ask {
        Ask::LogEnd { namespace, pod, container, .. } => {
            cluster.log_end(&namespace, &pod, &container, LOG_LINES).await.map(Answer::Log)
        }
        Ask::Events { namespace } => cluster.events(&namespace).await.map(Answer::Events),
        Ask::Objects { namespace } => objects(cluster, &namespace).await.map(Answer::Objects),
        Ask::Yaml { namespace, object } => cluster.yaml(&namespace, &object).await.map(Answer::Lines),
    }
}

fn connect(world: World) -> Connect {
    Box::new(move |name| {
        let config = Config { context: Some(name), ..world.config.clone() };
        let world = World { config, ..world.clone() };
        Box::pin(async move {
            let (cluster, scope) = open(&world.config, Prompt::Never).await.map_err(|failure| failure.to_string())?;
            feed(&world, &cluster, scope, None).map_err(|failure| failure.to_string())
        })
    })
}

/// The kubeconfig's contexts; none where there is no kubeconfig (inside a pod).
fn contexts(kubeconfig: Option<&Path>) -> Vec<ContextChoice> {
    let all = cluster::contexts(kubeconfig).unwrap_or_default();
    all.into_iter().map(|c| ContextChoice { name: c.name, about: c.cluster }).collect()
}

/// The user's own themes: `$XDG_CONFIG_HOME/fleetdeck/themes/*.toml`.
fn themes() -> Result<Vec<ThemeFile>, Failure> {
    let Some(folder) = files::xdg("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("fleetdeck/themes")) else {
        return Ok(vec![]);
    };
    if !folder.is_dir() {
        return Ok(vec![]);
    }
    let tree = files::read_tree(&folder).map_err(|e| Failure::Failed(e.to_string()))?;
    let theme = |(path, text): (std::path::PathBuf, String)| {
        let name = path.to_str()?.strip_suffix(".toml")?.to_owned();
        Some(ThemeFile { name, path: folder.join(&path).display().to_string(), text })
    };
    Ok(tree.into_iter().filter_map(theme).collect())
}
