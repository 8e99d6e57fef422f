//! A tenant's logs, or many tenants', as one stream: through stages, restarts and replaced pods, without losing or doubling
//! lines, and safe to show.
//!
//! - pure: `stamp`, `split` bytes -> lines, `clean`, `mask`, `level`, `block` lines in one piece of memory, `seen` what came
//!   before, `merge` many streams -> one order, `ring` what is kept, `filter` what is shown, `fold` JSON, `pulse` what the
//!   watches tell of a container
//! - IO: `request`, `reader` one container of one pod, `tenant` its containers and pods, `hub` all of them into one order
//!
//! The pods come from whoever watches them already ([`Tail::sight`]): nothing here lists or watches. Neither clock nor
//! cluster is known to the pure parts, which the console uses as well.

mod block;
mod clean;
mod filter;
mod fold;
mod hub;
mod level;
mod merge;
mod pulse;
mod reader;
mod request;
mod ring;
mod seen;
mod split;
pub mod stamp;
mod tenant;

#[cfg(test)]
mod chunks;

pub use self::{
    block::{Block, Kind, Lane, Line, Pen},
    clean::{Ink, Run},
    filter::{Filter, Pattern, Shown},
    fold::{Folded, fold, unfold},
    level::Level,
    merge::{Merge, Source},
    ring::{Kept, Ring},
    seen::Seen,
    split::Split,
};

pub use crate::fleet::mask::{MASK, Masker};

use std::sync::Arc;

use tokio::{
    sync::{Semaphore, mpsc, watch as signal},
    task::JoinSet,
};

use super::{Cluster, ClusterError};
use crate::{
    fleet::{Pod, Text, Uid},
    index::{Entry, Fleet},
};

/// Bytes of the longest text of a line; what is longer is cut there, and says so.
pub const LONGEST: usize = 16 << 10;
/// Tenants in one tail: beyond this nobody reads, and every container is a connection.
pub const MOST_TENANTS: usize = 50;
/// Containers that are followed at once; the others are read up to now.
pub const MOST_STREAMS: usize = 256;
/// Containers of one tenant that are told apart.
const LANES: u16 = 32;
/// Requests that are being answered at once.
const OPENING: usize = 8;
/// Blocks that wait for whoever shows them.
const AHEAD: usize = 8;
/// What streams have to tell the hub: each may have two blocks under way.
const TOLD: usize = 4_096;

/// What to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Go on with what comes.
    pub follow: bool,
    /// The instance before the present one, of each container.
    pub previous: bool,
    /// Only what was written in the last so many seconds.
    pub since: Option<u64>,
    /// Only the last so many lines of each container.
    pub tail: Option<u64>,
    /// Only these containers; all where none is named.
    pub containers: Vec<String>,
}

/// Whose logs. Bound to a UID: another tenant of the same name is another tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub uid: Uid,
    pub namespace: Text,
    pub id: Text,
}

impl Target {
    /// `None` while nothing of the tenant has a UID.
    pub fn of(entry: &Entry) -> Option<Self> {
        let tenant = &entry.tenant;
        Some(Self { uid: tenant.uid()?, namespace: tenant.namespace_name.clone(), id: tenant.id.clone() })
    }
}

impl Target {
    /// The tenant, as long as it is there and no other one has its name.
    pub fn find<'a>(&self, fleet: &'a Fleet) -> Option<&'a Entry> {
        fleet.get(&self.namespace).filter(|entry| self.is(entry))
    }

    /// True where whoever has the name is the one that was meant.
    fn is(&self, entry: &Entry) -> bool {
        entry.tenant.uid().is_none() || entry.tenant.known_by(self.uid)
    }

    /// The same; it is bound to the best UID known by now. A tenant may be seen by its pod before its Namespace is read.
    pub(crate) fn meets(&mut self, entry: &Entry) -> bool {
        let same = self.is(entry);
        if let Some(uid) = entry.tenant.uid().filter(|_| same) {
            self.uid = uid;
        }
        same
    }
}

/// What the watches see of a tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Sight {
    /// The pods are not listed yet.
    #[default]
    Unknown,
    Pods(Vec<Pod>),
    /// It was deleted, or another one has its name.
    Gone,
}

impl Sight {
    pub fn of(target: &mut Target, entry: Option<&Entry>) -> Self {
        match entry {
            Some(entry) if target.meets(entry) => Self::Pods(entry.tenant.pods.to_vec()),
            _ => Self::Gone,
        }
    }
}

/// A container that lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub lane: Lane,
    /// Which of the targets, by its place.
    pub tenant: usize,
    /// Empty: our own words about the tenant.
    pub container: Text,
    pub stage: bool,
}

/// How it stands with a container's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    Reading,
    Live,
    Ended,
    /// Tried again by itself.
    Broken {
        why: Text,
    },
    Forbidden {
        why: Text,
    },
    /// Read up to now, and no further: too many are followed.
    Unfollowed,
}

/// What a tail tells.
#[derive(Debug)]
pub enum News {
    Channel(Channel),
    Stream(Lane, Stream),
    Lines(Block),
    /// A stream was given up.
    Failed(Lane, ClusterError),
    /// Nothing more will come.
    Done,
}

/// A running tail; it ends when this is dropped.
#[derive(Debug)]
pub struct Tail {
    pub news: mpsc::Receiver<News>,
    sights: Vec<signal::Sender<Sight>>,
    targets: Vec<Target>,
    retry: signal::Sender<u32>,
    _tasks: JoinSet<()>,
}

impl Tail {
    /// Starts reading, of at most [`MOST_TENANTS`] tenants. Must be called inside a tokio runtime. Nothing is asked for
    /// until [`Tail::sight`] has told of pods.
    pub fn start(cluster: &Cluster, wanted: Wanted, mut targets: Vec<Target>) -> Self {
        targets.truncate(MOST_TENANTS);
        let (send, news) = mpsc::channel(AHEAD);
        let (to_hub, told) = mpsc::channel(TOLD);
        let (retry, retries) = signal::channel(0);
        let wanted = Arc::new(wanted);
        let gate = Arc::new(Semaphore::new(OPENING));
        let room = Arc::new(Semaphore::new(MOST_STREAMS));
        let mut tasks = JoinSet::new();
        tasks.spawn(hub::Hub::new(told, send, targets.len(), wanted.follow).run());
        let mut sights = Vec::new();
        for (n, target) in targets.iter().enumerate() {
            let (sight, seen) = signal::channel(Sight::Unknown);
            sights.push(sight);
            let common = tenant::Common {
                cluster: cluster.clone(),
                wanted: Arc::clone(&wanted),
                hub: to_hub.clone(),
                retry: retries.clone(),
                gate: Arc::clone(&gate),
                room: Arc::clone(&room),
            };
            tasks.spawn(tenant::Tenant::new(common, n, target.clone(), seen).run());
        }
        Self { news, sights, targets, retry, _tasks: tasks }
    }

    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Tells what the watches see of the tenants now. Cheap where nothing has changed.
    pub fn sight<'a>(&mut self, mut get: impl FnMut(&Target) -> Option<&'a Entry>) {
        for (target, to) in self.targets.iter_mut().zip(&self.sights) {
            let entry = get(target);
            let sight = Sight::of(target, entry);
            to.send_if_modified(|old| {
                let changed = *old != sight;
                if changed {
                    *old = sight;
                }
                changed
            });
        }
    }

    /// Tries now what waits, and what was forbidden.
    pub fn retry(&self) {
        self.retry.send_modify(|n| *n = n.wrapping_add(1));
    }
}
