//! The story of this machine's runs and of visits to tenants' pods, a line an event: who, where, what, with which result. No
//! Secrets are in events, and nothing that was typed or shown is in a visit, so none are in here.

use std::{io::Write as _, path::PathBuf};

use serde::Serialize;

use crate::{
    config::files::{self, FileError},
    fleet::At,
    plan::{Event, News, Plan},
};

/// `$XDG_STATE_HOME/fleetdeck/journal.jsonl`.
pub fn usual_path() -> Option<PathBuf> {
    files::xdg("XDG_STATE_HOME", ".local/state").map(|dir| dir.join("fleetdeck/journal.jsonl"))
}

#[derive(Debug)]
pub struct Journal {
    file: files::Appended,
    path: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    run: &'a str,
    context: &'a str,
    author: &'a str,
    /// With the first event of a run only.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a Plan>,
    #[serde(flatten)]
    event: &'a Event,
}

/// Somebody went into a tenant's pod, or came out again.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Visit<'a> {
    pub at: At,
    pub context: &'a str,
    pub author: &'a str,
    /// By its namespace.
    pub tenant: &'a str,
    #[serde(flatten)]
    pub way: Way<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "visit", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Way<'a> {
    ShellBegan {
        pod: &'a str,
        container: &'a str,
    },
    /// How it ended, in words.
    ShellEnded {
        pod: &'a str,
        container: &'a str,
        said: &'a str,
    },
    ForwardBegan {
        door: &'a str,
        address: &'a str,
    },
    ForwardEnded {
        door: &'a str,
        address: &'a str,
        connections: u64,
    },
}

impl Journal {
    /// # Errors
    /// The file cannot be made or opened.
    pub fn open(path: PathBuf) -> Result<Self, FileError> {
        Ok(Self { file: files::append(&path)?, path })
    }

    /// One whole line in one write, so that two programs do not mix theirs.
    pub(super) fn write(&mut self, plan: &Plan, event: &Event) {
        // How a wait stands is for who looks on.
        if matches!(event.news, News::Progress { .. }) {
            return;
        }
        let whole = matches!(event.news, News::Began { .. });
        let line =
            Line { run: &plan.id, context: &plan.context, author: &plan.author, plan: whole.then_some(plan), event };
        self.append(&line);
    }

    /// Writes a visit down.
    pub fn visit(&mut self, visit: &Visit<'_>) {
        self.append(visit);
    }

    fn append(&mut self, line: &impl Serialize) {
        let Ok(mut text) = serde_json::to_string(line) else { return };
        text.push('\n');
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            // A full disk here must not stop a run there.
            tracing::warn!(%error, path = %self.path.display(), "the journal cannot be written");
        }
    }
}
