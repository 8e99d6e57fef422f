//! The command line: one file per verb, all on the index that the console shows.

mod act;
mod args;
mod capacity;
mod completions;
mod config;
mod console;
mod demo;
mod diff;
mod doctor;
mod explain;
mod failure;
mod follow;
mod forward;
pub mod json;
mod keep;
mod logs;
mod ls;
mod print;
mod render;
mod shell;
mod show;
mod signal;
mod sim;
mod table;
mod tenant_args;
mod time;
mod version;
mod visit;
mod wait;

use std::process::ExitCode;

use self::{
    args::{Args, Verb},
    failure::Failure,
};
use crate::{
    cluster::{self, Cluster, Prompt, Scope, Target},
    config::{Config, telemetry},
    manifest::{Base, TierSize, tier_sizes},
    plan::Intent,
};

/// Parses the arguments, does what they say, and tells how it went (design.md section 8).
pub fn main() -> ExitCode {
    // The only error is that hooks are there already.
    _ = color_eyre::install();
    let args = Args::read();
    let log = match telemetry::start() {
        Ok(log) => log,
        Err(e) => return Failure::Usage(e.to_string()).report(),
    };
    let mut runtime = match args.verb {
        // The demo's past is played on a clock that stands still, and only a single thread's clock can.
        Some(Verb::Demo(_) | Verb::Sim(_)) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => return Failure::Failed(format!("no runtime: {e}")).report(),
    };
    let acts = args.verb.as_ref().is_some_and(Verb::acts) || args.stage().is_some();
    let ended = runtime.block_on(async {
        tokio::select! {
            done = run(args) => done,
            () = interrupted(), if !acts => Err(Failure::Interrupted),
        }
    });
    // A thread that waits for a credential plugin must not hold up the end.
    runtime.shutdown_background();
    if let Some(words) = log.lacks() {
        print::note(&words);
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Ctrl-C outside the console, which has its own key for it.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn run(args: Args) -> Result<(), Failure> {
    let stage = args.stage();
    let Args { tenant, global, verb } = args;
    match verb {
        Some(Verb::Completions { shell }) => return completions::completions(shell),
        Some(Verb::Man { verb }) => return completions::man(verb.as_deref()),
        Some(Verb::Explain(args)) => return explain::run(&args),
        Some(Verb::Config { what }) => return config::run(what, global.config()),
        _ => {}
    }
    let config = global.config()?;
    match verb {
        None => Box::pin(console::run(config, tenant)).await,
        Some(Verb::Ls(ls)) => ls::run(&config, ls).await,
        Some(Verb::Show(show)) => Box::pin(show::run(&config, show)).await,
        Some(Verb::Capacity(capacity)) => capacity::run(&config, capacity).await,
        Some(Verb::Render(args)) => render::run(*args, &config),
        Some(Verb::Doctor(args)) => Box::pin(doctor::run(&config, args)).await,
        Some(Verb::Wait(wait)) => wait::run(&config, wait).await,
        Some(Verb::Logs(args)) => logs::run(&config, args).await,
        Some(Verb::Shell(args)) => shell::run(&config, args).await,
        Some(Verb::Forward(args)) => forward::run(&config, args).await,
        Some(Verb::Create(args)) => act::create(&config, *args).await,
        Some(Verb::Restart(args)) => act::simple(&config, Intent::Restart, args).await,
        Some(Verb::Suspend(args)) => act::simple(&config, Intent::Suspend, args).await,
        Some(Verb::Resume(args)) => act::simple(&config, Intent::Resume, args).await,
        Some(Verb::Upgrade(args)) => act::upgrade(&config, *args).await,
        Some(Verb::Adopt(args)) => act::adopt(&config, args).await,
        Some(Verb::Snapshot(args)) => act::snapshot(&config, args).await,
        Some(Verb::Restore(args)) => act::restore(&config, args).await,
        Some(Verb::SetTier(args)) => act::set_tier(&config, args).await,
        Some(Verb::Resize(args)) => act::resize(&config, args).await,
        Some(Verb::RotateToken(args)) => act::simple(&config, Intent::RotateToken, args).await,
        Some(Verb::Diff(args)) => diff::run(&config, args).await,
        Some(Verb::Apply(args)) => act::apply(&config, *args).await,
        Some(Verb::Reprovision(args)) => act::reprovision(&config, *args).await,
        Some(Verb::Runs(args)) => act::runs::run(&config, args).await,
        Some(Verb::Delete(args)) => act::delete(&config, args).await,
        Some(Verb::Demo(demo)) => Box::pin(demo::run(&config, demo, stage)).await,
        Some(Verb::Sim(sim)) => sim::run(sim).await,
        Some(Verb::Completions { .. } | Verb::Man { .. } | Verb::Config { .. } | Verb::Explain(_)) => Ok(()),
    }
}

/// The tiers of the manifests, the smallest first.
fn tiers(config: &Config) -> Result<Vec<TierSize>, Failure> {
    Ok(tier_sizes(&base(config)?))
}

/// The manifests that tenants are rendered from: a site's own, or the built-in ones.
fn base(config: &Config) -> Result<Base, Failure> {
    render::base(config.manifests.as_deref())
}

/// The Prometheus of this context, where the configuration names one.
fn prometheus(config: &Config, cluster: &Cluster) -> Option<cluster::Prometheus> {
    let crate::config::Prometheus { url, token_file, matchers } = config.of_context(cluster.context()).prometheus?;
    Some(cluster::Prometheus { url, token_file, matchers })
}

/// # Errors
/// This is read-only.
fn may_change(config: &Config, cluster: &Cluster) -> Result<(), Failure> {
    if config.of_context(cluster.context()).read_only {
        let said = "refused: this is read-only: --read-only, FLEETDECK_READ_ONLY or the configuration says so";
        return Err(Failure::Refused(said.to_owned()));
    }
    Ok(())
}

/// Connects as the settings say, and what to watch there.
async fn open(config: &Config, prompt: Prompt) -> Result<(Cluster, Scope), Failure> {
    let target = Target::Kubeconfig { context: config.context.clone(), file: config.kubeconfig.clone() };
    let cluster = cluster::connect(&target, prompt).await?;
    let scope = Scope {
        labels: config.labels(),
        select: config.labels.select.clone(),
        pool: config.labels.nodes.clone(),
        namespaces: config.of_context(cluster.context()).namespaces,
    };
    Ok((cluster, scope))
}
