//! Arguments of what goes into a tenant, or comes out of it: logs, shells, ports.

use std::time::Duration;

use clap::Args as ClapArgs;

use super::{super::time::duration, LineFormat};
use crate::cluster::Door;

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Logs {
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
pub(in crate::cli) struct ShellArgs {
    /// Id, host, namespace, pod, IP or owner.
    pub tenant: String,

    /// The container; the gateway without it.
    #[arg(short, long, value_name = "CONTAINER")]
    pub container: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ForwardArgs {
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
