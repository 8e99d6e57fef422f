//! One kind: over the whole cluster if that is allowed, else by namespace, else not at all.

use std::time::Duration;

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{mpsc, watch as signal};

use super::{
    super::{Cluster, ClusterError, Fault, backoff::Backoff, buffer::Buffer},
    Scope,
    feed::{End, Feed},
    links::{Closed, Links},
    path::Source,
};
use crate::{
    fleet::Text,
    index::{Delta, Facet, Kind, Link, digest},
};

pub(super) struct Reader {
    pub cluster: Cluster,
    pub kind: Kind,
    pub scope: Scope,
    pub to: mpsc::Sender<Delta>,
    pub retry: signal::Receiver<u32>,
    pub trouble: signal::Sender<Option<ClusterError>>,
}

impl Reader {
    pub(super) async fn run(mut self) {
        let mut links = Links::new(self.kind, self.to.clone());
        loop {
            self.retry.mark_unchanged();
            match self.once(&mut links).await {
                Err(Closed) => return,
                Ok(()) => {
                    // Forbidden, or a person asked to try anew.
                    if !self.retry.has_changed().unwrap_or(false) && self.retry.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Reads until it is forbidden, or by namespace until a person asks to try the whole cluster again.
    async fn once(&mut self, links: &mut Links) -> Result<(), Closed> {
        let Some(error) = self.cluster_wide(links).await? else { return Ok(()) };
        let namespaces = self.namespaces();
        let error = if namespaces.is_empty() || self.kind == Kind::Node {
            error
        } else if self.kind == Kind::Namespace {
            match self.poll_namespaces(&namespaces, links).await? {
                Some(_) => error,
                None => return Ok(()),
            }
        } else {
            match self.by_namespace(&namespaces, links).await? {
                Some(_) => error,
                None => return Ok(()),
            }
        };
        tracing::info!(kind = self.kind.plural(), said = error.said, "forbidden");
        self.trouble.send_replace(Some(error.clone()));
        links.tell(Link::Forbidden { why: Text::from(error.said.as_str()) }).await
    }

    /// The namespaces to fall back to.
    fn namespaces(&self) -> Vec<String> {
        if self.scope.namespaces.is_empty() {
            self.cluster.namespace().map(str::to_owned).into_iter().collect()
        } else {
            self.scope.namespaces.clone()
        }
    }

    fn feed(&self, namespace: Option<String>, number: usize, links: mpsc::Sender<(usize, Link)>) -> Feed {
        Feed {
            cluster: self.cluster.clone(),
            source: Source { kind: self.kind, namespace, label: self.scope.selector(self.kind) },
            labels: self.scope.labels.clone(),
            to: self.to.clone(),
            links: (number, links),
            retry: self.retry.clone(),
            trouble: self.trouble.clone(),
            version: None,
            // An event before its tenant would only wait for it, and nobody waits for a node.
            eager: !matches!(self.kind, Kind::Warning | Kind::Node),
            backoff: Backoff::default(),
            broken: None,
        }
    }

    /// Ends with the refusal, where the whole cluster may not be read.
    async fn cluster_wide(&mut self, links: &mut Links) -> Result<Option<ClusterError>, Closed> {
        let (states, mut changes) = mpsc::channel(8);
        links.restart(1);
        links.withhold(&[]).await?;
        let feed = self.feed(None, 0, states).run();
        tokio::pin!(feed);
        loop {
            tokio::select! {
                biased;
                Some((number, link)) = changes.recv() => links.set(number, link).await?,
                end = &mut feed => return match end {
                    End::Closed => Err(Closed),
                    End::Forbidden(error) => Ok(Some(error)),
                },
            }
        }
    }

    /// Reads the named namespaces that may be read. Ends with a refusal where none may, and with `None` when a person
    /// asks to try the whole cluster again.
    async fn by_namespace(&mut self, namespaces: &[String], links: &mut Links) -> Result<Option<ClusterError>, Closed> {
        let (states, mut changes) = mpsc::channel(8);
        // All first lists are one resync: the kind counts as read when all of its namespaces are.
        let mut feeds = Vec::new();
        let mut facets: Vec<Facet> = Vec::new();
        let mut refusal = None;
        let mut withheld = Vec::new();
        for namespace in namespaces {
            let mut feed = self.feed(Some(namespace.clone()), feeds.len(), states.clone());
            loop {
                match feed.list(false).await {
                    Err(_) => return Err(Closed),
                    Ok(Ok(found)) => {
                        facets.extend(found.facets);
                        feed.eager = false;
                        feeds.push(feed);
                        break;
                    }
                    Ok(Err(error)) if error.fault == Fault::Forbidden => {
                        tracing::warn!(kind = self.kind.plural(), namespace, said = error.said, "forbidden");
                        withheld.push((Text::from(namespace.as_str()), Text::from(error.said.as_str())));
                        refusal = Some(error);
                        break;
                    }
                    Ok(Err(error)) => {
                        let since = *feed.broken.get_or_insert_with(|| self.cluster.clock().now());
                        self.trouble.send_replace(Some(error.clone()));
                        links.tell(Link::Broken { since, why: Text::from(error.said.as_str()) }).await?;
                        let wait = feed.backoff.after_failure(error.retry_after);
                        tokio::time::sleep(wait).await;
                    }
                }
            }
        }
        drop(states);
        if feeds.is_empty() {
            return Ok(refusal);
        }
        let resync = Delta::Resync { kind: self.kind, namespace: None, facets };
        // Before the list counts as whole.
        links.withhold(&withheld).await?;
        self.to.send(resync).await.map_err(|_| Closed)?;
        links.restart(feeds.len());
        let named = |feed: Feed| async {
            let namespace = feed.source.namespace.clone().unwrap_or_default();
            (namespace, feed.run().await)
        };
        let mut running: FuturesUnordered<_> = feeds.into_iter().map(named).collect();
        loop {
            tokio::select! {
                biased;
                Some((number, link)) = changes.recv() => links.set(number, link).await?,
                ended = running.next() => match ended {
                    Some((_, End::Closed)) => return Err(Closed),
                    Some((namespace, End::Forbidden(error))) => {
                        let namespace = Text::from(namespace);
                        // What was known of it grows old unseen.
                        let forget = Delta::Resync { kind: self.kind, namespace: Some(namespace.clone()), facets: vec![] };
                        self.to.send(forget).await.map_err(|_| Closed)?;
                        withheld.push((namespace, Text::from(error.said.as_str())));
                        links.withhold(&withheld).await?;
                        refusal = Some(error);
                    }
                    None => return Ok(refusal),
                },
                asked = self.retry.changed() => return if asked.is_ok() { Ok(None) } else { Err(Closed) },
            }
        }
    }

    /// A Namespace object can be got by whoever has rights inside, but not watched: each is asked for in turn.
    async fn poll_namespaces(
        &mut self,
        namespaces: &[String],
        links: &mut Links,
    ) -> Result<Option<ClusterError>, Closed> {
        let every = u32::try_from(namespaces.len()).unwrap_or(u32::MAX).saturating_mul(2).max(15);
        let mut backoff = Backoff::default();
        let mut broken = None;
        let mut buffer = Buffer::default();
        let mut withheld: Vec<(Text, Text)> = Vec::new();
        loop {
            let mut facets = Vec::new();
            let (mut refusal, mut failure) = (None, None);
            let mut allowed = 0;
            for namespace in namespaces {
                // What was refused is not asked for again.
                if withheld.iter().any(|(name, _)| *name == **namespace) {
                    continue;
                }
                let path = format!("/api/v1/namespaces/{}", super::super::http::encode(namespace));
                let what = format!("get namespace {namespace}");
                match self.cluster.read(&path, &what, &mut buffer).await {
                    Ok(()) => {
                        allowed += 1;
                        // The label decides, as it does in a list.
                        match digest::single(self.kind, &self.scope.labels, &buffer) {
                            Ok(facet) => facets.extend(facet.filter(|f| f.tenant.is_some())),
                            Err(e) => failure = Some(ClusterError::digest(&self.cluster.place, &what, &buffer, &e)),
                        }
                    }
                    Err(error) => match error.fault {
                        Fault::Forbidden => {
                            withheld.push((Text::from(namespace.as_str()), Text::from(error.said.as_str())));
                            refusal = Some(error);
                        }
                        Fault::NotFound => allowed += 1,
                        _ => failure = Some(error),
                    },
                }
            }
            let wait = match (failure, refusal) {
                (Some(error), _) => {
                    let since = *broken.get_or_insert_with(|| self.cluster.clock().now());
                    self.trouble.send_replace(Some(error.clone()));
                    links.tell(Link::Broken { since, why: Text::from(error.said.as_str()) }).await?;
                    backoff.after_failure(error.retry_after)
                }
                (None, Some(refusal)) if allowed == 0 => return Ok(Some(refusal)),
                _ => {
                    broken = None;
                    links.tell(Link::Polling { every }).await?;
                    let resync = Delta::Resync { kind: self.kind, namespace: None, facets };
                    links.withhold(&withheld).await?;
                    self.to.send(resync).await.map_err(|_| Closed)?;
                    Duration::from_secs(every.into())
                }
            };
            tokio::select! {
                biased;
                () = tokio::time::sleep(wait) => {}
                asked = self.retry.changed() => return if asked.is_ok() { Ok(None) } else { Err(Closed) },
            }
        }
    }
}
