//! Keeps the boots of a console's fleet between runs, beside whatever else the console does: nothing waits for a file.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch as signal},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use crate::{
    cluster::Cluster,
    config::history::BootFile,
    fleet::Text,
    index::{Delta, Fleet, PastBoot},
};

/// Between two writes while the console runs; the last one is at its end.
const EVERY: Duration = Duration::from_secs(30);

/// What is to be kept, and the history's version that it is of.
type News = (u64, Vec<Arc<PastBoot>>);

/// Is told of the fleet; its task ends, after a last write, when this is dropped.
pub(super) struct Keeper(signal::Sender<News>);

impl Keeper {
    /// Reads what is kept of a cluster into `to`, and goes on keeping. `end` is held as long as there may be something to
    /// write. Must be called inside a tokio runtime.
    pub(super) fn start(cluster: Cluster, to: mpsc::Sender<Delta>, end: mpsc::Sender<()>) -> Self {
        let (send, news) = signal::channel((0, vec![]));
        tokio::spawn(async move {
            if let Some(file) = load(&cluster, to).await {
                keep(file, news).await;
            }
            drop(end);
        });
        Self(send)
    }

    /// Takes note of boots that are new.
    pub(super) fn follow(&self, fleet: &Fleet) {
        let history = fleet.history();
        self.0.send_if_modified(|(version, boots)| {
            let new = *version != history.version();
            if new {
                *version = history.version();
                *boots = history.boots().cloned().collect();
            }
            new
        });
    }
}

/// The boots of a cluster that are kept; trouble is told, too. `None` where nothing can be kept.
async fn load(cluster: &Cluster, to: mpsc::Sender<Delta>) -> Option<BootFile> {
    let (file, trouble, boots) = match read(cluster).await {
        Ok((file, trouble, boots)) => (Some(file), trouble, boots),
        Err(why) => (None, Some(why), vec![]),
    };
    if let Some(why) = trouble {
        tracing::warn!(why, "the history of boots");
        to.send(Delta::Boots(Err(Text::from(why)))).await.ok();
    }
    // Whoever has closed the console meanwhile wants no boots.
    to.send(Delta::Boots(Ok(boots))).await.ok();
    file
}

/// The file of a cluster and what stands in it.
pub(super) async fn read(cluster: &Cluster) -> Result<(BootFile, Option<String>, Vec<PastBoot>), String> {
    let identity = cluster.identity().await.map_err(|e| format!("boots are not kept: {}", e.said))?;
    let file = BootFile::of(&identity).ok_or("boots are not kept: neither XDG_STATE_HOME nor HOME is set")?;
    let reader = file.clone();
    let kept = spawn_blocking(move || reader.load()).await.map_err(|e| format!("boots are not kept: {e}"))?;
    Ok((file, kept.trouble, kept.boots))
}

async fn keep(file: BootFile, mut news: signal::Receiver<News>) {
    let mut open = true;
    while open {
        open = news.changed().await.is_ok();
        // A storm of boots is one write.
        let until = Instant::now() + EVERY;
        while open && let Ok(changed) = timeout_at(until, news.changed()).await {
            open = changed.is_ok();
        }
        let (version, boots) = news.borrow_and_update().clone();
        if version == 0 {
            continue;
        }
        let file = file.clone();
        match spawn_blocking(move || file.save(&boots)).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(why))) => tracing::warn!(why, "the history of boots"),
            Ok(Err(error)) => tracing::warn!(%error, "the history of boots"),
            Err(error) => tracing::warn!(%error, "the history of boots"),
        }
    }
}
