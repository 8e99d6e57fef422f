//! The story of this machine's runs, a line an event: who, where, what, with which result. No Secrets are in events, so none
//! are in here.

use std::{io::Write as _, path::PathBuf};

use serde::Serialize;

use crate::{
    config::files::{self, FileError},
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
        let Ok(mut text) = serde_json::to_string(&line) else { return };
        text.push('\n');
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            // A full disk here must not stop a run there.
            tracing::warn!(%error, path = %self.path.display(), "the journal cannot be written");
        }
    }
}
