//! The arguments of the verbs that change something.

use std::{io::Read as _, time::Duration};

use clap::{Args as ClapArgs, Subcommand};

use super::super::{args::OneFormat, failure::Failure, tenant_args::TenantArgs, time::duration};
use crate::plan::{Care, Pace};

/// What every such verb takes.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Common {
    /// Only say what would be done: the steps, what would differ, and what the server says to it.
    #[arg(long)]
    pub dry_run: bool,

    /// Yes to what would be asked with Enter or y.
    #[arg(long)]
    pub yes: bool,

    /// Yes to what would have to be typed: a tenant's name; also the context's, where that is protected.
    #[arg(long, value_name = "NAME")]
    pub confirm: Vec<String>,

    #[arg(short, long, value_enum, default_value_t)]
    pub output: OneFormat,
}

/// Tenants by name, one or several.
#[derive(Debug, ClapArgs)]
pub(crate) struct Many {
    /// Id, host, namespace, pod, IP or owner.
    #[arg(required = true, value_name = "TENANT")]
    pub tenants: Vec<String>,

    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Runs {
    #[command(subcommand)]
    pub what: Option<RunsVerb>,

    #[arg(short, long, value_enum, default_value_t, global = true)]
    pub output: OneFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsVerb {
    /// What a run does, to whom, and how far it is.
    Show { id: String },
    /// Begin nobody new; who was begun is finished.
    Pause { id: String },
    /// Go on with a run: let a paused one go, or take over one whose holder is gone.
    Resume {
        id: String,

        /// The context's name, where that is protected.
        #[arg(long, value_name = "NAME")]
        confirm: Vec<String>,
    },
    /// Stop a run before its next step, for good.
    Abort { id: String },
    /// Go on with a run, and try those again that failed or were held.
    Retry {
        id: String,

        /// The context's name, where that is protected.
        #[arg(long, value_name = "NAME")]
        confirm: Vec<String>,
    },
    /// Leave one tenant out.
    Skip { id: String, tenant: String },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Create {
    #[command(flatten)]
    pub tenant: TenantArgs,

    /// Read the key for the models' proxy from standard input; without it the Secret has to come from elsewhere.
    #[arg(long)]
    key_from_stdin: bool,

    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Adopt {
    /// Id, host, namespace, pod, IP or owner.
    #[arg(required = true, value_name = "TENANT")]
    pub tenants: Vec<String>,

    /// Field manager whose fields become fleetdeck's; several times for several.
    #[arg(long, value_name = "MANAGER", default_value = "kubectl-client-side-apply")]
    pub from: Vec<String>,

    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Snapshot {
    /// Id, host, namespace, pod, IP or owner.
    #[arg(required = true, value_name = "TENANT")]
    pub tenants: Vec<String>,

    /// A VolumeSnapshotClass; the cluster's default without it.
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,

    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Restore {
    /// Id, host, namespace, pod, IP or owner.
    pub tenant: String,

    /// VolumeSnapshot for the volume with the code; `latest` for the newest that can be used.
    #[arg(long, value_name = "NAME", required_unless_present = "config_snapshot")]
    pub app_snapshot: Option<String>,

    /// VolumeSnapshot for the volume with the state; `latest` for the newest that can be used.
    #[arg(long, value_name = "NAME")]
    pub config_snapshot: Option<String>,

    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SetTier {
    /// Id, host, namespace, pod, IP or owner.
    #[arg(required = true, value_name = "TENANT")]
    pub tenants: Vec<String>,

    /// A tier of the manifests, such as `max`.
    #[arg(long, value_name = "TIER")]
    pub tier: String,

    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Resize {
    /// Id, host, namespace, pod, IP or owner.
    pub tenant: String,

    /// Size of the volume with the code: 20Gi to 50Gi.
    #[arg(long = "app-size", value_name = "SIZE", value_parser = gibibytes, required_unless_present = "config")]
    pub app: Option<u32>,

    /// Size of the volume with the state: 20Gi to 50Gi.
    #[arg(long = "config-size", value_name = "SIZE", value_parser = gibibytes)]
    pub config: Option<u32>,

    #[command(flatten)]
    pub common: Common,
}

fn gibibytes(text: &str) -> Result<u32, String> {
    text.strip_suffix("Gi").unwrap_or(text).parse().map_err(|_| "expected a number of GiB, such as 30Gi".to_owned())
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Delete {
    /// Id, host, namespace, pod, IP or owner.
    #[arg(required = true, value_name = "TENANT")]
    pub tenants: Vec<String>,

    /// Delete the Namespace and the volumes with all data, for good.
    #[arg(long)]
    pub purge_data: bool,

    /// Cut a snapshot of each volume first; where that fails nothing is deleted.
    #[arg(long, conflicts_with = "purge_data")]
    pub snapshot: bool,

    #[command(flatten)]
    pub common: Common,
}

/// Many tenants, and how fast to go through them.
#[derive(Debug, ClapArgs)]
pub(crate) struct Rollout {
    /// Id, host, namespace, pod, IP or owner.
    #[arg(required_unless_present_any = ["all", "filter"], value_name = "TENANT")]
    pub tenants: Vec<String>,

    /// Every tenant.
    #[arg(long, conflicts_with_all = ["tenants", "filter"])]
    pub all: bool,

    /// Every tenant that passes this filter, such as `image:2026.8.1 tier:pro`.
    #[arg(long, value_name = "FILTER", conflicts_with = "tenants")]
    pub filter: Option<String>,

    /// Tenants that go first, alone.
    #[arg(long, value_name = "N", default_value_t = 1)]
    canary: u32,

    /// Tenants that may be down at once.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    max_unavailable: u32,

    /// How long to look on between waves: 90s, 5m, 1h.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = duration)]
    soak: Duration,

    /// Stop after so many tenants have failed.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    stop_after: u32,

    /// Do not pull images onto the tenants' nodes before the first of them is acted on.
    #[arg(long)]
    no_prepull: bool,

    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Upgrade {
    #[command(flatten)]
    pub whom: Rollout,

    /// The gateway's image: name:tag, name@sha256:..., or only the tag or digest of the fleet's repository.
    #[arg(long, value_name = "IMAGE")]
    pub image: String,

    /// Cut a snapshot of each volume first; where that fails nothing is touched.
    #[arg(long)]
    pub snapshot: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Reprovision {
    #[command(flatten)]
    pub whom: Rollout,

    /// Another image of the gateway; without it the one of before.
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,

    /// Cut a snapshot of each volume first; where that fails nothing is touched.
    #[arg(long)]
    pub snapshot: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub whom: Rollout,

    /// Another image of the gateway; without it the one of before.
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,

    /// Take fields that other field managers have set, too: each is shown, with whose it is, and asked about.
    #[arg(long)]
    pub force: bool,
}

impl Rollout {
    pub(super) fn care(&self) -> Care {
        Care { prepull: !self.no_prepull, ..Care::default() }
    }

    pub(super) fn pace(&self) -> Pace {
        Pace {
            canary: self.canary,
            max_unavailable: self.max_unavailable,
            soak: u32::try_from(self.soak.as_secs()).unwrap_or(u32::MAX),
            stop_after: self.stop_after,
        }
    }
}

/// Longer than any key; who pipes more has piped something else.
const LONGEST_KEY: u64 = 4_096;

impl Create {
    /// The key from standard input, where it was said to be there.
    pub(super) fn key(&self) -> Result<Option<String>, Failure> {
        if !self.key_from_stdin {
            return Ok(None);
        }
        let mut text = String::new();
        let read = std::io::stdin().lock().take(LONGEST_KEY + 1).read_to_string(&mut text);
        // The words of the error could hold what was read.
        read.map_err(|_| Failure::Usage("standard input holds no text".to_owned()))?;
        let key = text.trim();
        let odd = key.is_empty() || key.len() as u64 > LONGEST_KEY || key.contains(char::is_whitespace);
        if odd {
            return Err(Failure::Usage("standard input is to hold the key alone, on one line".to_owned()));
        }
        Ok(Some(key.to_owned()))
    }
}
