//! One list and the watch that goes on from it.

use std::time::Duration;

use tokio::{
    sync::{mpsc, watch as signal},
    time::{Instant, sleep},
};

use super::{
    super::{Cluster, ClusterError, Fault, backoff::Backoff, buffer::Buffer},
    links::Closed,
    path::Source,
};
use crate::{
    fleet::{At, Interner, Text},
    index::{
        Delta, Facet, Key, Link,
        digest::{self, Labels, Line},
        intern,
    },
};

/// Lifetime of one watch request. Short enough that a line that died in silence behind a proxy is found out.
const WATCH_SECONDS: u64 = 120;
const POLL_SECONDS: u32 = 15;
/// A watch that ends sooner than this was refused in all but name.
const TOO_SHORT: Duration = Duration::from_secs(2);

pub(super) struct Feed {
    pub cluster: Cluster,
    pub source: Source,
    pub labels: Labels,
    pub to: mpsc::Sender<Delta>,
    /// Number of this feed, and where its state goes.
    pub links: (usize, mpsc::Sender<(usize, Link)>),
    pub retry: signal::Receiver<u32>,
    pub trouble: signal::Sender<Option<ClusterError>>,
    /// Where to watch from; listed anew where there is none.
    pub version: Option<String>,
    /// Whether to show the first list as its pages come.
    pub eager: bool,
    pub backoff: Backoff,
    pub broken: Option<At>,
}

/// Why a feed ended.
pub(super) enum End {
    Closed,
    /// 403 to the list: asking again is up to a person.
    Forbidden(ClusterError),
}

impl From<Closed> for End {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

/// A list that is at its end.
pub(super) struct Listed {
    pub facets: Vec<Facet>,
    /// What was in the pages, where they were sent as they came; nothing else is in the list then.
    pub shown: Vec<Key>,
}

/// How one watch request ended.
enum Watched {
    /// In the ordinary way: go on from the last version.
    Over,
    /// The version is too old: list again.
    Expired,
}

impl Feed {
    pub(super) async fn run(mut self) -> End {
        loop {
            if let Err(end) = self.round().await {
                return end;
            }
        }
    }

    async fn round(&mut self) -> Result<(), End> {
        if self.version.is_none() {
            match self.list(self.eager).await? {
                Ok(listed) => {
                    self.eager = false;
                    self.resync(listed).await?;
                }
                Err(error) if error.fault == Fault::Forbidden => return Err(End::Forbidden(error)),
                Err(error) => return self.fail(&error).await,
            }
        }
        let opened = Instant::now();
        match self.watch().await? {
            Ok(Watched::Over) => {
                if opened.elapsed() < TOO_SHORT {
                    let said = format!("the server ends the {} at once", self.source.what("watch"));
                    let error = ClusterError::new(Fault::Busy, &self.cluster.place, said, "");
                    return self.fail(&error).await;
                }
            }
            Ok(Watched::Expired) => {
                self.version = None;
                // The first is an ordinary matter; a server that goes on with it must not be asked without pause.
                if opened.elapsed() < TOO_SHORT {
                    self.pause(None).await?;
                }
            }
            Err(error) if error.fault == Fault::Forbidden => return self.poll().await,
            // A watch that lived and broke is opened again at once; that it was broken is said if that fails.
            Err(error) if opened.elapsed() > TOO_SHORT && error.fault != Fault::Unauthorized => {
                tracing::info!(kind = self.source.kind.plural(), said = error.said, "watch broke");
            }
            Err(error) => return self.fail(&error).await,
        }
        Ok(())
    }

    async fn resync(&mut self, listed: Listed) -> Result<(), End> {
        let kind = self.source.kind;
        let namespace = self.source.namespace.as_deref().map(Text::from);
        self.send(match listed {
            Listed { facets, shown } if shown.is_empty() => Delta::Resync { kind, namespace, facets },
            Listed { shown: keys, .. } => Delta::Whole { kind, namespace, keys },
        })
        .await
    }

    async fn send(&self, delta: Delta) -> Result<(), End> {
        self.to.send(delta).await.map_err(|_| End::Closed)
    }

    /// All pages of the list; sets the version to watch from. With `eager`, a list of more than one page is sent page by
    /// page, so that a big fleet begins to show before it is whole, and is held but once.
    pub(super) async fn list(&mut self, eager: bool) -> Result<Result<Listed, ClusterError>, End> {
        let kind = self.source.kind;
        let what = self.source.what("list");
        let mut limit = Some(self.source.page_size());
        let (mut facets, mut shown) = (Vec::new(), Vec::new());
        // What is held until it is whole shares its texts meanwhile, as the index does with what it is given.
        let mut pool = Interner::default();
        let mut next: Option<String> = None;
        let mut buffer = Buffer::default();
        loop {
            let path = self.source.list(limit, next.as_deref());
            match self.cluster.read(&path, &what, &mut buffer).await {
                Ok(()) => {}
                // The list took longer than the server keeps its state: once more, in one piece.
                Err(error) if error.fault == Fault::Gone && next.is_some() => {
                    (limit, next) = (None, None);
                    (facets, shown) = (Vec::new(), Vec::new());
                    continue;
                }
                Err(error) => return Ok(Err(error)),
            }
            let page = match digest::page(kind, &self.labels, &buffer) {
                Ok(page) => page,
                Err(error) => return Ok(Err(ClusterError::digest(&self.cluster.place, &what, &buffer, &error))),
            };
            if page.unreadable > 0 {
                tracing::warn!(
                    kind = kind.plural(),
                    count = page.unreadable,
                    "objects without name or UID are left out"
                );
            }
            next = page.next;
            if eager && (next.is_some() || !shown.is_empty()) {
                shown.extend(page.facets.iter().map(|facet| facet.key.clone()));
                self.send(Delta::Page(kind, page.facets)).await?;
            } else {
                facets.extend(page.facets.into_iter().map(|mut facet| {
                    intern::share(&mut pool, &mut facet);
                    facet
                }));
            }
            if next.is_none() {
                let Some(version) = page.version else {
                    let found = digest::DigestError::Shape {
                        expected: "a list with a resourceVersion",
                        found: "one without".to_owned(),
                    };
                    return Ok(Err(ClusterError::digest(&self.cluster.place, &what, &[], &found)));
                };
                self.version = Some(version);
                return Ok(Ok(Listed { facets, shown }));
            }
        }
    }

    /// One watch request, to its end.
    async fn watch(&mut self) -> Result<Result<Watched, ClusterError>, End> {
        let kind = self.source.kind;
        let what = self.source.what("watch");
        // Spread, so that the kinds do not come back together.
        let seconds = WATCH_SECONDS + fastrand::u64(0..30);
        let path = self.source.watch(self.version.as_deref().unwrap_or_default(), seconds);
        let mut lines = match self.cluster.lines(&path, &what).await {
            Ok(lines) => lines,
            Err(error) if error.fault == Fault::Gone => return Ok(Ok(Watched::Expired)),
            Err(error) => return Ok(Err(error)),
        };
        let patience = Duration::from_secs(seconds + 10);
        self.live().await?;
        loop {
            let line = match lines.next(patience).await {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(Ok(Watched::Over)),
                Err(error) => return Ok(Err(error)),
            };
            let line = match digest::line(kind, &self.labels, line) {
                Ok(line) => line,
                Err(error) => return Ok(Err(ClusterError::digest(&self.cluster.place, &what, line, &error))),
            };
            let (delta, version) = match line {
                Line::Upsert { facet, version } => (Some(Delta::Upsert(facet)), version),
                Line::Remove { key, version } => (Some(Delta::Remove(kind, key)), version),
                Line::Quiet { version, unreadable } => {
                    if unreadable {
                        tracing::warn!(kind = kind.plural(), "an object without name or UID is left out");
                    }
                    // Nothing changed, and that is news: the source is alive.
                    (Some(Delta::Link(kind, Link::Live)).filter(|_| self.source.namespace.is_none()), version)
                }
                Line::Error(status) if status.code == 410 => return Ok(Ok(Watched::Expired)),
                Line::Error(status) => return Ok(Err(ClusterError::status(&self.cluster.place, &what, &status))),
            };
            if let Some(delta) = delta {
                self.send(delta).await?;
            }
            // Only now: what was not handed over is to come again.
            if version.is_some() {
                self.version = version;
            }
        }
    }

    /// Lists every few seconds, because watching is not allowed.
    async fn poll(&mut self) -> Result<(), End> {
        self.tell(Link::Polling { every: POLL_SECONDS }).await?;
        loop {
            let jitter = Duration::from_millis(fastrand::u64(0..3_000));
            self.wait(Duration::from_secs(POLL_SECONDS.into()) + jitter).await;
            match self.list(false).await? {
                Ok(facets) => {
                    if self.broken.take().is_some() {
                        self.tell(Link::Polling { every: POLL_SECONDS }).await?;
                    }
                    self.resync(facets).await?;
                }
                Err(error) if error.fault == Fault::Forbidden => return Err(End::Forbidden(error)),
                Err(error) => self.fail(&error).await?,
            }
        }
    }

    async fn live(&mut self) -> Result<(), End> {
        self.broken = None;
        self.tell(Link::Live).await
    }

    /// Says that the connection is broken, and waits.
    async fn fail(&mut self, error: &ClusterError) -> Result<(), End> {
        tracing::warn!(kind = self.source.kind.plural(), fault = ?error.fault, said = error.said, "source is broken");
        let since = *self.broken.get_or_insert_with(|| self.cluster.clock().now());
        self.trouble.send_replace(Some(error.clone()));
        self.tell(Link::Broken { since, why: Text::from(error.said.as_str()) }).await?;
        self.pause(error.retry_after).await
    }

    async fn pause(&mut self, asked: Option<Duration>) -> Result<(), End> {
        let wait = self.backoff.after_failure(asked);
        if self.wait(wait).await {
            self.backoff.reset();
        }
        if self.to.is_closed() { Err(End::Closed) } else { Ok(()) }
    }

    /// Sleeps, or until a person asks to try now; tells which.
    async fn wait(&mut self, time: Duration) -> bool {
        tokio::select! {
            biased;
            () = sleep(time) => false,
            asked = self.retry.changed() => match asked {
                Ok(()) => true,
                // Nobody can ask any more: the end is near, but the wait is still due.
                Err(_) => {
                    sleep(time).await;
                    false
                }
            }
        }
    }

    async fn tell(&self, link: Link) -> Result<(), End> {
        let (feed, links) = &self.links;
        links.send((*feed, link)).await.map_err(|_| End::Closed)
    }
}
