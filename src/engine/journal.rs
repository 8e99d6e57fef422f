//! The story of this machine's runs and of visits to tenants' pods, a line an event: who, where, what, with which result. No
//! Secrets are in events, and nothing that was typed or shown is in a visit, so none are in here.

use std::{io::Write as _, path::PathBuf};

use serde::Serialize;

use crate::{
    config::files::{self, FileError},
    fleet::At,
    plan::{Event, News, Plan},
};

/// A file that can't be written holds nobody up: what happens is what counts, and the first trouble is told.
#[derive(Debug)]
pub struct Journal {
    file: Result<files::Appended, FileError>,
    is_told: bool,
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
    pub fn open(path: PathBuf) -> Self {
        Self { file: files::append(&path), path, is_told: false }
    }

    /// `$XDG_STATE_HOME/fleetdeck/journal.jsonl`; `None` without a home.
    pub fn usual() -> Option<Self> {
        files::xdg("XDG_STATE_HOME", ".local/state").map(|dir| Self::open(dir.join("fleetdeck/journal.jsonl")))
    }

    /// One whole line in one write, so that two programs do not mix theirs. Says why it is not written, the first time.
    pub(super) fn write(&mut self, plan: &Plan, event: &Event) -> Option<String> {
        // How a wait stands is for who looks on.
        if matches!(event.news, News::Progress { .. }) {
            return None;
        }
        let whole = matches!(event.news, News::Began { .. });
        let line =
            Line { run: &plan.id, context: &plan.context, author: &plan.author, plan: whole.then_some(plan), event };
        self.append(&line)
    }

    /// Writes a visit down; says why it is not written, the first time.
    pub fn visit(&mut self, visit: &Visit<'_>) -> Option<String> {
        self.append(visit)
    }

    fn append(&mut self, line: &impl Serialize) -> Option<String> {
        let mut text = serde_json::to_string(line).ok()?;
        text.push('\n');
        let why = match &mut self.file {
            Ok(file) => {
                file.write_all(text.as_bytes()).err().map(|e| format!("{} cannot be written: {e}", self.path.display()))
            }
            Err(error) => Some(error.to_string()),
        };
        why.filter(|_| !std::mem::replace(&mut self.is_told, true))
            .map(|why| format!("note: not everything of this is written down on this machine: {why}"))
    }
}
