//! One kind's state, from those of its feeds: told when it changes, and only then.

use tokio::sync::mpsc;

use crate::{
    fleet::Text,
    index::{Delta, Kind, Link},
};

pub(super) struct Links {
    kind: Kind,
    feeds: Vec<Link>,
    told: Link,
    withheld: Vec<(Text, Text)>,
    to: mpsc::Sender<Delta>,
}

/// The index is gone: nobody reads any more.
#[derive(Debug)]
pub(super) struct Closed;

impl Links {
    pub(super) fn new(kind: Kind, to: mpsc::Sender<Delta>) -> Self {
        Self { kind, feeds: vec![Link::Loading], told: Link::Loading, withheld: Vec::new(), to }
    }

    /// Begins again with this many feeds.
    pub(super) fn restart(&mut self, feeds: usize) {
        self.feeds = vec![Link::Loading; feeds];
    }

    pub(super) async fn set(&mut self, feed: usize, link: Link) -> Result<(), Closed> {
        if let Some(slot) = self.feeds.get_mut(feed) {
            *slot = link;
        }
        let worst = self.feeds.iter().max_by_key(|link| badness(link)).cloned().unwrap_or(Link::Loading);
        self.tell(worst).await
    }

    /// The namespaces that are left out, each with the refusal: the rest is shown, and that it is not all is said.
    pub(super) async fn withhold(&mut self, namespaces: &[(Text, Text)]) -> Result<(), Closed> {
        if namespaces == self.withheld {
            return Ok(());
        }
        self.withheld = namespaces.to_vec();
        self.to.send(Delta::Withheld(self.kind, namespaces.to_vec())).await.map_err(|_| Closed)
    }

    pub(super) async fn tell(&mut self, link: Link) -> Result<(), Closed> {
        if link == self.told {
            return Ok(());
        }
        self.told = link.clone();
        self.to.send(Delta::Link(self.kind, link)).await.map_err(|_| Closed)
    }
}

fn badness(link: &Link) -> u8 {
    match link {
        Link::Live => 0,
        Link::Polling { .. } => 1,
        Link::Loading => 2,
        Link::Absent { .. } => 3,
        Link::Forbidden { .. } => 4,
        Link::Broken { .. } => 5,
    }
}
