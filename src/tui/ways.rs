//! The forwards that this console holds open: they live as long as it does, or until somebody ends them.

use futures::{StreamExt as _, future::select_all, stream::FuturesUnordered};
use tokio::select;

use crate::{
    cluster::{Forward, Traffic},
    index::Fleet,
};

use super::{
    session::Visit,
    state::ways::{Change, Open},
};

#[derive(Default)]
pub(crate) struct Forwards {
    open: Vec<(u64, Forward)>,
    opening: FuturesUnordered<Visit<Forward>>,
    last: u64,
}

impl Forwards {
    pub(crate) fn begin(&mut self, opening: Visit<Forward>) {
        self.opening.push(opening);
    }

    /// Ends one; `None` where it has ended already.
    pub(crate) fn end(&mut self, number: u64) -> Option<Change> {
        let at = self.open.iter().position(|(n, _)| *n == number)?;
        self.open.remove(at);
        Some(Change::Ended(number))
    }

    /// Ends all, those too that are on their way.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
        self.opening.clear();
    }

    /// The pods behind them are those that the watches see.
    pub(crate) fn sight(&mut self, fleet: &Fleet) {
        for (_, forward) in &mut self.open {
            let entry = fleet.get(&forward.target.namespace);
            forward.sight(entry);
        }
    }

    /// What happens next. Nothing is lost where this is dropped before it is done.
    pub(crate) async fn next(&mut self, fleet: &Fleet) -> Change {
        let Self { open, opening, .. } = self;
        select! {
            Some(opened) = opening.next(), if !opening.is_empty() => match opened {
                Ok(forward) => self.opened(forward, fleet),
                Err(why) => Change::Refused(why),
            },
            (number, traffic) = moved(open) => match traffic {
                Some(traffic) => Change::Moved(number, traffic),
                None => self.end(number).unwrap_or(Change::Ended(number)),
            },
        }
    }

    fn opened(&mut self, mut forward: Forward, fleet: &Fleet) -> Change {
        self.last += 1;
        let entry = fleet.get(&forward.target.namespace);
        forward.sight(entry);
        let open = Open {
            number: self.last,
            target: forward.target.clone(),
            door: forward.door,
            url: forward.url(),
            traffic: Traffic::default(),
        };
        self.open.push((self.last, forward));
        Change::Opened(open)
    }
}

/// The next forward whose traffic is another; `None`: it listens no more.
async fn moved(open: &mut [(u64, Forward)]) -> (u64, Option<Traffic>) {
    if open.is_empty() {
        return std::future::pending().await;
    }
    let waits = open.iter_mut().map(|(number, forward)| {
        Box::pin(async move {
            let changed = forward.traffic.changed().await;
            (*number, changed.is_ok().then(|| forward.traffic.borrow_and_update().clone()))
        })
    });
    select_all(waits).await.0
}
