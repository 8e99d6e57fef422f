//! What the tenants that are being made wait for: said only when nothing else has been for a while.

use std::{collections::BTreeMap, time::Duration};

use tokio::{sync::mpsc, time::Instant};

use crate::{
    cli::print,
    fleet::clean::clean,
    plan::{Event, News},
};

/// Of silence, until it is broken.
pub(super) const SILENCE: Duration = Duration::from_secs(20);
/// The same, where there is nothing to say that was not said before.
const LONGER: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Waits {
    /// By namespace, as the run tells it.
    said: BTreeMap<String, String>,
    /// As it was said last.
    lines: Vec<String>,
}

impl Waits {
    pub(super) fn hear(&mut self, event: &Event) {
        let Some(namespace) = event.news.tenant() else { return };
        match &event.news {
            News::Step { .. } | News::Progress { .. } | News::Retry { .. } => {
                self.said.insert(namespace.to_owned(), event.news.words());
            }
            News::Done { .. } | News::Failed { .. } | News::Held { .. } | News::Skipped { .. } => {
                self.said.remove(namespace);
            }
            _ => {}
        }
    }

    /// Says it, again and again, until the run is over.
    pub(super) async fn listen(mut told: mpsc::Receiver<Event>) {
        let mut waits = Self::default();
        let mut silent_until = Instant::now() + SILENCE;
        loop {
            tokio::select! {
                event = told.recv() => match event {
                    Some(event) => waits.hear(&event),
                    None => return,
                },
                () = tokio::time::sleep_until(silent_until) => {
                    silent_until = Instant::now() + waits.say();
                }
            }
        }
    }

    /// Says it, and how long to be silent then.
    pub(super) fn say(&mut self) -> Duration {
        let lines = self.lines();
        lines.iter().for_each(|line| print::note(&clean(line)));
        let is_news = lines != std::mem::replace(&mut self.lines, lines.clone());
        if is_news { SILENCE } else { LONGER }
    }

    /// A line for each thing that is waited for, with all who wait for it.
    fn lines(&self) -> Vec<String> {
        let mut by_words: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (namespace, said) in &self.said {
            by_words.entry(said).or_default().push(namespace.strip_prefix("tenant-").unwrap_or(namespace));
        }
        by_words.into_iter().map(|(said, who)| format!("under way: {}: {said}", who.join(", "))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::At;

    #[test]
    fn those_who_wait_for_one_thing_are_one_line_and_who_is_done_waits_for_nothing() {
        let mut waits = Waits::default();
        let mut hear = |news| waits.hear(&Event { at: At::from_unix(2_000_000_000).unwrap(), news });
        for id in ["a", "b", "c"] {
            hear(News::Step { tenant: format!("tenant-{id}"), step: 3, said: "wait".to_owned() });
        }
        for id in ["a", "c"] {
            hear(News::Progress { tenant: format!("tenant-{id}"), said: "no node".to_owned() });
        }
        hear(News::Done { tenant: "tenant-c".to_owned(), said: String::new(), down: None });
        assert_eq!(waits.lines(), ["under way: a: no node", "under way: b: wait"]);
        assert!(Waits::default().lines().is_empty());
    }
}
