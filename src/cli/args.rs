//! The one table of arguments: parsing, help, completions and the manual come from it.

mod fleet;
mod ways;

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{
    Args as ClapArgs, Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
    error::ErrorKind,
};
use clap_complete::Shell;

pub(super) use self::{
    fleet::{Demo, Fleet, Sim},
    ways::{ForwardArgs, Logs, ShellArgs},
};
use super::{act::targets, failure::Failure, render::RenderArgs, time::duration, version};
use crate::{config::Config, fleet::Phase};

/// A terminal console for the people who run a fleet of OpenClaw tenants on Kubernetes.
///
/// Without a verb it opens the console.
///
/// Exit codes: 0 done; 1 the operation or check failed; 2 usage; 3 no such tenant, or refused; 4 cluster unreachable;
/// 5 forbidden; 130 interrupted. `shell` passes on the shell's own.
#[derive(Debug, Parser)]
#[command(name = "fleetdeck", version, long_version = version::LONG)]
pub(super) struct Args {
    /// Open the console on this tenant: its id, host, namespace, pod, IP or owner.
    #[arg(value_name = "TENANT|HOST|POD")]
    pub tenant: Option<String>,

    #[command(flatten)]
    pub global: Global,

    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Stands over what every verb takes, below the verb's own.
const EVERYWHERE: &str = "Options of every verb";

/// Each is also FLEETDECK_* in the environment and a key of the configuration file; the command line counts most.
#[derive(Debug, ClapArgs)]
pub(super) struct Global {
    /// Context of the kubeconfig [env: FLEETDECK_CONTEXT].
    #[arg(long, global = true, value_name = "C", help_heading = EVERYWHERE)]
    context: Option<String>,

    /// The kubeconfig; KUBECONFIG and ~/.kube/config without it [env: FLEETDECK_KUBECONFIG].
    #[arg(long, global = true, value_name = "FILE", help_heading = EVERYWHERE)]
    kubeconfig: Option<PathBuf>,

    /// Namespace to read where the whole cluster may not be read; several times or with commas [env: FLEETDECK_NAMESPACES].
    #[arg(short, long = "namespace", global = true, value_name = "NAMESPACE", value_delimiter = ',', help_heading = EVERYWHERE)]
    namespaces: Vec<String>,

    /// Nothing can be changed from here [env: FLEETDECK_READ_ONLY].
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    read_only: bool,

    /// A site's own manifests instead of the built-in ones: a folder with base, tiers and options [env: FLEETDECK_MANIFESTS].
    #[arg(long, global = true, value_name = "DIR", help_heading = EVERYWHERE)]
    manifests: Option<PathBuf>,

    /// Theme of the console [env: FLEETDECK_THEME].
    #[arg(long, global = true, value_name = "T", help_heading = EVERYWHERE)]
    theme: Option<String>,

    /// The configuration file, instead of the one in ~/.config/fleetdeck.
    #[arg(long, global = true, value_name = "FILE", env = "FLEETDECK_CONFIG", help_heading = EVERYWHERE)]
    config: Option<PathBuf>,
}

impl Args {
    /// This process's arguments, or its end with help, version or usage.
    pub(super) fn read() -> Self {
        let mut table = Self::command();
        if is_plugin(std::env::args_os().next().as_deref()) {
            table = table.bin_name("kubectl fleetdeck");
        }
        Self::parse_by(&mut table, std::env::args_os()).unwrap_or_else(|e| e.exit())
    }

    /// Options may stand before the verb or after it; a tenant without a verb is one to open, so that before a verb there is
    /// none.
    fn parse_by(table: &mut Command, line: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let found = table.try_get_matches_from_mut(line)?;
        let args = Self::from_arg_matches(&found)?;
        match (&args.tenant, found.subcommand_name()) {
            (Some(tenant), Some(verb)) => {
                let why = format!("{tenant} stands before the verb {verb}: whom it is about stands behind it");
                Err(table.error(ErrorKind::ArgumentConflict, why))
            }
            _ => Ok(args),
        }
    }

    /// The cluster that `demo` is to be played on: named on the command line, never by a setting.
    pub(super) fn stage(&self) -> Option<String> {
        self.global.context.clone().filter(|_| matches!(self.verb, Some(Verb::Demo(_))))
    }
}

/// kubectl runs a plugin by this name: what a person then types is `kubectl fleetdeck`.
fn is_plugin(program: Option<&OsStr>) -> bool {
    program.and_then(|path| Path::new(path).file_stem()).is_some_and(|name| name == "kubectl-fleetdeck")
}

impl Global {
    /// The settings with these flags over them.
    pub(super) fn config(self) -> Result<Config, Failure> {
        let mut config = Config::load(self.config).map_err(|e| Failure::Usage(e.to_string()))?;
        config.context = self.context.or(config.context);
        config.kubeconfig = self.kubeconfig.or(config.kubeconfig);
        config.theme = self.theme.or(config.theme);
        config.manifests = self.manifests.or(config.manifests);
        config.read_only |= self.read_only;
        if !self.namespaces.is_empty() {
            // What is named on the command line counts in every context.
            config.contexts.values_mut().for_each(|c| c.namespaces.clear());
            config.namespaces = self.namespaces;
        }
        Ok(config)
    }
}

impl Verb {
    /// Whether it changes a cluster: such a verb is never cut off in the middle of a request.
    pub(super) fn acts(&self) -> bool {
        matches!(
            self,
            Self::Create(_)
                | Self::Restart(_)
                | Self::Suspend(_)
                | Self::Resume(_)
                | Self::Upgrade(_)
                | Self::Adopt(_)
                | Self::Snapshot(_)
                | Self::Restore(_)
                | Self::SetTier(_)
                | Self::Resize(_)
                | Self::RotateToken(_)
                | Self::Apply(_)
                | Self::Reprovision(_)
                | Self::Delete(_)
                | Self::Runs(_)
        )
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List tenants.
    Ls(Ls),
    /// Show one tenant: what it does and why, its boot, pod, volumes, quota and warnings.
    Show(Show),
    /// Say what is wrong with a tenant, or with the fleet by cause: exit code 1 where anything is critical.
    Doctor(Doctor),
    /// Say what a finding means, how to see it by hand and what to do; without a code, list all codes.
    Explain(Explain),
    /// Tell how many more tenants fit on their nodes, and what stands in the way.
    Capacity(CapacityArgs),
    /// Print a tenant's objects, or write its Kustomize overlay; asks no cluster.
    Render(Box<RenderArgs>),
    /// Wait until a tenant is ready, deleted or in a phase.
    Wait(Wait),
    /// Tenants' logs, through stages, restarts and replaced pods. Secrets in them are masked.
    Logs(Logs),
    /// Open a shell in a container of a tenant's pod; ends with the shell's own exit code.
    Shell(ShellArgs),
    /// Reach a tenant's gateway, browser or browser-ui on this machine's loopback, through replaced pods, until Ctrl-C.
    Forward(ForwardArgs),
    /// Make a tenant, finish one that was begun, or revive a parked one.
    Create(Box<targets::Create>),
    /// Replace the pod of tenants.
    Restart(targets::Many),
    /// Run no pod until `resume`; everything else stays.
    Suspend(targets::Many),
    /// Start suspended tenants.
    Resume(targets::Many),
    /// Run another image of the gateway, in waves where it is for many.
    Upgrade(Box<targets::Upgrade>),
    /// Give tenants of another hand a spec, read off their objects, and take over the fields of the manager that made them.
    Adopt(targets::Adopt),
    /// Make a snapshot of each volume of tenants, where the cluster can.
    Snapshot(targets::Snapshot),
    /// Put a tenant on new claims made from snapshots; the claims of before stay.
    Restore(targets::Restore),
    /// Give tenants another tier: room first where they grow, and last where they shrink.
    SetTier(targets::SetTier),
    /// Grow a tenant's volumes, and wait for their filesystems.
    Resize(targets::Resize),
    /// Give tenants a new gateway token, shown to nobody, and a pod that reads it.
    RotateToken(targets::Many),
    /// Take back what is not as the stored spec renders it, in waves where it is for many.
    Apply(Box<targets::Apply>),
    /// Say what of a tenant is not as its stored spec renders it, and who owns it: exit code 1 where anything is.
    Diff(Diff),
    /// Delete StatefulSets and make them anew from the spec, on the same volumes.
    Reprovision(Box<targets::Reprovision>),
    /// Remove StatefulSet, Service and Ingress; volumes stay unless they are purged.
    Delete(targets::Delete),
    /// The runs that the cluster remembers: list, show, pause, resume, abort, retry or skip.
    Runs(targets::Runs),
    /// A living fleet to look at: on a simulator inside this program; with --context, stand-ins on a cluster to play with.
    Demo(Demo),
    /// Serve the demo's simulated cluster on this machine, for kubectl and others.
    Sim(Sim),
    /// The configuration file.
    Config {
        #[command(subcommand)]
        what: ConfigVerb,
    },
    /// Print a completion script.
    Completions { shell: Shell },
    /// Print the manual page of the program, or of one verb.
    Man {
        /// A verb, such as `ls`.
        verb: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Print what is in force: file, environment and flags together.
    Show,
    /// Print a file with every key.
    Example,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    #[default]
    Table,
    /// With namespace, host, owner, node, IP, quota and disk.
    Wide,
    /// One document: {"apiVersion":"fleetdeck/v1","kind":"TenantList","items":[...]}
    Json,
    /// One tenant a line.
    Jsonl,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OneFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Ls {
    #[arg(short, long, value_enum, default_value_t)]
    pub output: ListFormat,

    /// Only tenants in one of these phases.
    #[arg(long, value_name = "PHASE", value_delimiter = ',', value_parser = phase_word)]
    pub phase: Vec<&'static str>,

    /// Only tenants of this tier.
    #[arg(long, value_name = "TIER")]
    pub tier: Option<String>,

    /// Only tenants that pass this filter, such as `phase:failing image:!2026.8.2`.
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,

    /// Go on: one line per change (not with -o json).
    #[arg(short, long)]
    pub watch: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Show {
    /// Id, host, namespace, pod, IP or owner.
    pub tenant: String,

    /// Also ask its gateway and browser how they are, through a port-forward.
    #[arg(long)]
    pub probe: bool,

    #[arg(short, long, value_enum, default_value_t)]
    pub output: OneFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LineFormat {
    #[default]
    Text,
    /// One line of a log a line: {"apiVersion":"fleetdeck/v1","kind":"LogLine","time":...,"message":...}
    Jsonl,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Doctor {
    /// Id, host, namespace, pod, IP or owner; the whole fleet without it.
    pub tenant: Option<String>,

    /// Asks the tenant's gateway and browser themselves, through a port-forward.
    #[arg(long, requires = "tenant")]
    pub probe: bool,

    #[arg(short, long, value_enum, default_value_t)]
    pub output: OneFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Diff {
    /// Id, host, namespace, pod, IP or owner.
    pub tenant: String,

    #[arg(short, long, value_enum, default_value_t)]
    pub output: OneFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Explain {
    /// The code of a finding, such as quota-refused, or the reason of a refusal, such as not-adopted.
    pub code: Option<String>,

    #[arg(short, long, value_enum, default_value_t)]
    pub output: OneFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CapacityArgs {
    #[arg(short, long, value_enum, default_value_t)]
    pub output: OneFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Wait {
    /// Id, host, namespace, pod, IP or owner.
    pub tenant: String,

    /// `ready`, `deleted` or `phase=PHASE`.
    #[arg(long = "for", value_name = "CONDITION", value_parser = goal)]
    pub goal: Goal,

    /// How long at most: 90s, 5m, 1h.
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Deleted,
    /// A phase, by its word.
    Phase(&'static str),
}

fn phase_word(text: &str) -> Result<&'static str, String> {
    Phase::WORDS
        .into_iter()
        .find(|word| word.eq_ignore_ascii_case(text))
        .ok_or_else(|| format!("expected one of {}", Phase::WORDS.join(", ").to_lowercase()))
}

fn goal(text: &str) -> Result<Goal, String> {
    match text {
        "ready" => Ok(Goal::Phase("Ready")),
        "deleted" => Ok(Goal::Deleted),
        _ => match text.strip_prefix("phase=") {
            Some(word) => phase_word(word).map(Goal::Phase),
            None => Err("expected ready, deleted or phase=PHASE".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn arguments_are_read() {
        let parse = |line: &str| Args::parse_by(&mut Args::command(), line.split_whitespace().map(OsString::from));
        let args = parse("fleetdeck maria.example --context prod").unwrap();
        assert_eq!((args.tenant.as_deref(), args.global.context.as_deref()), (Some("maria.example"), Some("prod")));
        let args = parse("fleetdeck ls -o jsonl --phase failing,Booting --watch -n a,b").unwrap();
        let Some(Verb::Ls(ls)) = args.verb else { panic!() };
        assert_eq!((ls.phase, ls.output, ls.watch), (vec!["Failing", "Booting"], ListFormat::Jsonl, true));
        assert_eq!(args.global.namespaces, ["a", "b"]);
        // Options of all verbs may stand on either side of one.
        for line in ["fleetdeck --context kind-x demo --clean", "fleetdeck demo --clean --context kind-x"] {
            let args = parse(line).unwrap();
            assert_eq!(args.stage().as_deref(), Some("kind-x"), "{line}");
            assert!(matches!(args.verb, Some(Verb::Demo(Demo { clean: true, .. }))), "{line}");
        }
        let args = parse("fleetdeck --read-only -n a --context prod ls --filter phase:failing").unwrap();
        assert!(args.tenant.is_none() && args.global.read_only && matches!(args.verb, Some(Verb::Ls(_))));
        assert_eq!((args.global.context.as_deref(), args.global.namespaces.len()), (Some("prod"), 1));
        for line in ["runs --context kind-x -o json show r-1", "runs show r-1 -o json --context kind-x"] {
            let args = parse(&format!("fleetdeck {line}")).unwrap();
            let Some(Verb::Runs(runs)) = args.verb else { panic!("{line}") };
            assert!(runs.what.is_some() && args.global.context.as_deref() == Some("kind-x"), "{line}");
        }
        let before = parse("fleetdeck maria-k ls").unwrap_err();
        assert!(
            before.exit_code() == 2 && before.to_string().contains("maria-k stands before the verb ls"),
            "{before}"
        );
        let Some(Verb::Wait(wait)) = parse("fleetdeck wait x --for phase=parked --timeout 90").unwrap().verb else {
            panic!()
        };
        assert_eq!((wait.goal, wait.timeout.as_secs()), (Goal::Phase("Parked"), 90));
        for wrong in
            ["ls --phase happy", "wait x", "wait x --for soon", "wait x --for ready --timeout never", "ls -o xml"]
        {
            let error = parse(&format!("fleetdeck {wrong}")).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong}");
        }
    }
}
