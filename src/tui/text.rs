//! Facts about a tenant in words that the views share.

use crate::{
    fleet::{Container, Pod, State as Run},
    index::Entry,
};

pub(crate) use crate::index::words::{claim, container_state, ending, latest, phase};

use super::clean::clean;

pub(crate) fn id(entry: &Entry) -> String {
    clean(&entry.tenant.id).into_owned()
}

/// A stage by the short name that the contract's own have in a narrow column.
pub(crate) fn short_stage(name: &str) -> &str {
    match name {
        "create-workspace" => "workspace",
        "write-config" => "config",
        "rehydrate-runtime-apt" => "rehydrate-apt",
        "setup-sudo" => "sudo",
        "download-cli-tools" => "cli-tools",
        "copy-chrome-cdp" => "copy-chrome",
        other => other,
    }
}

/// `3 of 7`: stages done and in all, of the pod that is there.
pub(crate) fn stages(pod: &Pod) -> (usize, usize) {
    let done = |c: &&Container| matches!(&c.state, Run::Terminated(t) if t.exit_code == 0);
    (pod.stages.iter().filter(done).count(), pod.stages.len())
}
