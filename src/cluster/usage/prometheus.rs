//! Volume statistics out of Prometheus: one query tells of the whole fleet, and a second, seldom one how fast it grows.

use std::{path::PathBuf, time::Duration};

use tokio::time::Instant;

use super::{
    super::{ClusterError, buffer::Buffer, connect, http::encode},
    Closed, Task,
};
use crate::index::{Delta, Link, Measure, digest, digest::DigestError};

const EVERY: Duration = Duration::from_secs(60);
const GROWTH_EVERY: Duration = Duration::from_secs(600);
/// What growth is told from.
const GROWTH_OVER: u32 = 6 * 3_600;
/// Until a store that could not be connected to is tried again.
const AGAIN: Duration = Duration::from_secs(300);
/// Some 100,000 volumes; more is no answer to this question.
const LONGEST: usize = 96 << 20;

/// Where the figures are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prometheus {
    /// Without `/api/v1`.
    pub url: String,
    /// A file with the bearer token; it is read anew when it changes.
    pub token_file: Option<PathBuf>,
    /// More label matchers, for a store of several clusters: `cluster="prod"`.
    pub matchers: String,
}

impl Prometheus {
    fn selector(&self, name: &str) -> String {
        let more = self.matchers.trim().trim_matches(',');
        let comma = if more.is_empty() { "" } else { "," };
        format!("{{__name__=~\"{name}\",persistentvolumeclaim!=\"\"{comma}{more}}}")
    }

    fn volumes(&self) -> String {
        let selector = self.selector("kubelet_volume_stats_(used_bytes|capacity_bytes|inodes|inodes_used)");
        format!("/api/v1/query?query={}", encode(&selector))
    }

    fn growth(&self) -> String {
        let selector = self.selector("kubelet_volume_stats_used_bytes");
        format!("/api/v1/query?query={}", encode(&format!("deriv({selector}[6h])*86400")))
    }
}

pub(super) async fn run(mut task: Task, store: Prometheus) {
    // The cluster that this task speaks to is the store.
    let target = loop {
        match connect::store(&store, task.cluster.clock().clone()).await {
            Ok(target) => break target,
            Err(error) => {
                let Ok(_) = task.fail(&error).await else { return };
                if task.wait(Some(AGAIN)).await.is_err() {
                    return;
                }
            }
        }
    };
    task.cluster = target;
    let mut grown: Option<Instant> = None;
    while round(&mut task, &store, &mut grown).await.is_ok() {}
}

async fn round(task: &mut Task, store: &Prometheus, grown: &mut Option<Instant>) -> Result<(), Closed> {
    let volumes =
        query(task, &store.volumes(), "read volume statistics from Prometheus", digest::prometheus_volumes).await;
    let wait = match volumes {
        Ok(measures) => {
            let every = u32::try_from(EVERY.as_secs()).unwrap_or(u32::MAX);
            task.tell(Link::Polling { every }).await?;
            task.send(Delta::Measures(task.meter, measures)).await?;
            if grown.is_none_or(|at| at.elapsed() >= GROWTH_EVERY) {
                *grown = Some(Instant::now());
                let read = |body: &[u8]| digest::prometheus_growth(body, GROWTH_OVER);
                match query(task, &store.growth(), "read the growth of volumes from Prometheus", read).await {
                    Ok(measures) => task.send(Delta::Measures(task.meter, measures)).await?,
                    // What is used is known all the same. Whoever waits for a whole round is told that this was it.
                    Err(error) => {
                        tracing::info!(said = error.said, "no growth");
                        task.send(Delta::Measures(task.meter, vec![])).await?;
                    }
                }
            }
            Some(EVERY)
        }
        Err(error) => task.fail(&error).await?,
    };
    task.wait(wait).await
}

async fn query(
    task: &mut Task,
    path: &str,
    what: &str,
    read: impl Fn(&[u8]) -> Result<Vec<Measure>, DigestError>,
) -> Result<Vec<Measure>, ClusterError> {
    let mut buffer = Buffer::default();
    let got = task.cluster.read_within(path, what, &mut buffer, LONGEST).await;
    got.and_then(|()| {
        read(&buffer).map_err(|e| {
            let mut error = ClusterError::digest(&task.cluster.place, what, &buffer, &e);
            "is the URL in the configuration that of Prometheus?".clone_into(&mut error.advice);
            error
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_query_asks_for_all_figures_of_one_cluster() {
        let store = Prometheus { matchers: r#" cluster="weu", "#.to_owned(), ..Prometheus::default() };
        assert_eq!(store.selector("x"), r#"{__name__=~"x",persistentvolumeclaim!="",cluster="weu"}"#);
        assert!(Prometheus::default().selector("x").ends_with(r#"!=""}"#));
        assert!(store.growth().starts_with("/api/v1/query?query=deriv%28%7B__name__"));
    }
}
