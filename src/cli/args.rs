//! The one table of arguments: parsing, help, completions and the manual come from it.

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::{act::targets, failure::Failure, render::RenderArgs, time::duration};
use crate::{cluster::Door, config::Config, fleet::Phase};

/// A terminal console for the people who run a fleet of OpenClaw tenants on Kubernetes.
///
/// Without a verb it opens the console.
///
/// Exit codes: 0 done; 1 the operation or check failed; 2 usage; 3 no such tenant, or refused; 4 cluster unreachable;
/// 5 forbidden; 130 interrupted. `shell` passes on the shell's own.
#[derive(Debug, Parser)]
#[command(name = "fleetdeck", version, args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    /// Open the console on this tenant: its id, host, namespace, pod, IP or owner.
    #[arg(value_name = "TENANT|HOST|POD")]
    pub tenant: Option<String>,

    #[command(flatten)]
    pub global: Global,

    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Each is also FLEETDECK_* in the environment and a key of the configuration file; the command line counts most.
#[derive(Debug, ClapArgs)]
pub(super) struct Global {
    /// Context of the kubeconfig [env: FLEETDECK_CONTEXT].
    #[arg(long, global = true, value_name = "C")]
    context: Option<String>,

    /// The kubeconfig; KUBECONFIG and ~/.kube/config without it [env: FLEETDECK_KUBECONFIG].
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Namespace to read where the whole cluster may not be read; several times or with commas [env: FLEETDECK_NAMESPACES].
    #[arg(short, long = "namespace", global = true, value_name = "NAMESPACE", value_delimiter = ',')]
    namespaces: Vec<String>,

    /// Nothing can be changed from here [env: FLEETDECK_READ_ONLY].
    #[arg(long, global = true)]
    read_only: bool,

    /// Theme of the console [env: FLEETDECK_THEME].
    #[arg(long, global = true, value_name = "T")]
    theme: Option<String>,

    /// The configuration file, instead of the one in ~/.config/fleetdeck.
    #[arg(long, global = true, value_name = "FILE", env = "FLEETDECK_CONFIG")]
    config: Option<PathBuf>,
}

impl Args {
    /// The cluster that `demo` is to be played on: named on the command line, never by a setting.
    pub(super) fn stage(&self) -> Option<String> {
        self.global.context.clone().filter(|_| matches!(self.verb, Some(Verb::Demo(_))))
    }
}

impl Global {
    /// The settings with these flags over them.
    pub(super) fn config(self) -> Result<Config, Failure> {
        let mut config = Config::load(self.config).map_err(|e| Failure::Usage(e.to_string()))?;
        config.context = self.context.or(config.context);
        config.kubeconfig = self.kubeconfig.or(config.kubeconfig);
        config.theme = self.theme.or(config.theme);
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
    Reprovision(Box<targets::Rollout>),
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
    /// Print the manual page.
    Man,
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
pub(super) struct Logs {
    /// Id, host, namespace, pod, IP or owner; several, up to 50.
    #[arg(required = true, value_name = "TENANT")]
    pub tenants: Vec<String>,

    /// Only this container or stage; several times or with commas.
    #[arg(short, long = "container", value_name = "CONTAINER", value_delimiter = ',')]
    pub containers: Vec<String>,

    /// Go on with what comes, also after a restart and in a new pod.
    #[arg(short, long)]
    pub follow: bool,

    /// Only what was written since: 30s, 10m, 2h.
    #[arg(long, value_name = "D", value_parser = duration)]
    pub since: Option<Duration>,

    /// Only the last lines of each container.
    #[arg(long, value_name = "N")]
    pub tail: Option<u64>,

    /// The instance before the present one, of each container.
    #[arg(long, conflicts_with = "follow")]
    pub previous: bool,

    /// Only lines that match; small letters find large ones too.
    #[arg(long, value_name = "RE")]
    pub grep: Option<String>,

    /// Each line with its time.
    #[arg(short, long)]
    pub timestamps: bool,

    #[arg(short, long, value_enum, default_value_t)]
    pub output: LineFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ShellArgs {
    /// Id, host, namespace, pod, IP or owner.
    pub tenant: String,

    /// The container; the gateway without it.
    #[arg(short, long, value_name = "CONTAINER")]
    pub container: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ForwardArgs {
    /// Id, host, namespace, pod, IP or owner.
    pub tenant: String,

    /// `gateway`, `browser` or `browser-ui`.
    #[arg(value_parser = door)]
    pub door: Door,

    /// The port on this machine; a free one without it. Whoever works on this machine can use it.
    pub port: Option<u16>,
}

fn door(text: &str) -> Result<Door, String> {
    let all = || Door::ALL.map(Door::name).join(", ");
    Door::ALL.into_iter().find(|d| d.name() == text).ok_or_else(|| format!("expected one of {}", all()))
}

#[derive(Debug, ClapArgs)]
pub(super) struct Doctor {
    /// Id, host, namespace, pod, IP or owner; the whole fleet without it.
    pub tenant: Option<String>,

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
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_table_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn arguments_are_read() {
        let parse = |line: &str| Args::try_parse_from(line.split_whitespace());
        let args = parse("fleetdeck maria.example --context prod").unwrap();
        assert_eq!((args.tenant.as_deref(), args.global.context.as_deref()), (Some("maria.example"), Some("prod")));
        let args = parse("fleetdeck ls -o jsonl --phase failing,Booting --watch -n a,b").unwrap();
        let Some(Verb::Ls(ls)) = args.verb else { panic!() };
        assert_eq!((ls.phase, ls.output, ls.watch), (vec!["Failing", "Booting"], ListFormat::Jsonl, true));
        assert_eq!(args.global.namespaces, ["a", "b"]);
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

/// The fleet of the demo and the simulator.
#[derive(Clone, Debug, ClapArgs)]
pub(super) struct Fleet {
    /// A built-in scenario, or a path to one's own file.
    #[arg(long, value_name = "S", default_value = "default")]
    pub scenario: String,

    /// Tenants, instead of the scenario's number.
    #[arg(long, value_name = "N")]
    pub tenants: Option<usize>,

    /// Simulated seconds per second.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,

    /// Decides whatever chance decides.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

#[derive(Clone, Debug, ClapArgs)]
pub(super) struct Demo {
    #[command(flatten)]
    pub fleet: Fleet,

    /// With --context: that cluster is meant, though its name does not say that it is one to play with.
    #[arg(long)]
    pub on_this_cluster: bool,

    /// With --context: take the demo's fleet away, with its volumes.
    #[arg(long)]
    pub clean: bool,

    /// With --clean: the context's name, instead of typing it.
    #[arg(long, value_name = "NAME", requires = "clean")]
    pub confirm: Option<String>,
}

#[derive(Clone, Debug, ClapArgs)]
pub(super) struct Sim {
    #[command(flatten)]
    pub fleet: Fleet,

    /// Address to serve on, of this machine only; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: std::net::SocketAddr,

    /// Where to write a kubeconfig; to standard output without it.
    #[arg(long, value_name = "FILE")]
    pub write_kubeconfig: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=1_000.0).contains(&speed) { Ok(speed) } else { Err("from 0.1 to 1000".to_owned()) }
}
