//! What a person says to a run, as it reaches all who act in it: the last word counts.
//!
//! As tokio's watch, but for one thing: those who wait are woken in the order in which they wait, so that one seed tells one
//! story.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What a person says to a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Go,
    /// Nobody new is begun; who was begun is finished.
    Pause,
    /// Stop before the next step, and break waits.
    Stop,
}

impl Order {
    /// Of two who speak to the same run, whoever wants less done.
    pub(super) fn stronger(self, other: Self) -> Self {
        match (self, other) {
            (Self::Stop, _) | (_, Self::Stop) => Self::Stop,
            (Self::Pause, _) | (_, Self::Pause) => Self::Pause,
            _ => Self::Go,
        }
    }
}

/// The order that stands.
#[derive(Debug)]
struct Word {
    order: Order,
    /// How often it has changed.
    number: u64,
    /// Nobody can say anything any more.
    is_last: bool,
}

#[derive(Debug)]
struct Shared {
    word: Mutex<Word>,
    said: Notify,
}

impl Shared {
    fn word(&self) -> MutexGuard<'_, Word> {
        self.word.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever gives orders. When it is dropped the last one stands.
#[derive(Debug)]
pub struct Voice(Arc<Shared>);

/// Whoever obeys.
#[derive(Clone, Debug)]
pub struct Orders {
    shared: Arc<Shared>,
    /// The number of the last order that was heard.
    heard: u64,
}

/// A voice, and who hears it.
pub fn orders(first: Order) -> (Voice, Orders) {
    let word = Mutex::new(Word { order: first, number: 0, is_last: false });
    let shared = Arc::new(Shared { word, said: Notify::new() });
    (Voice(shared.clone()), Orders { shared, heard: 0 })
}

impl Voice {
    /// Said again it is no news.
    pub fn say(&self, order: Order) {
        let mut word = self.0.word();
        if word.order != order {
            (word.order, word.number) = (order, word.number + 1);
            drop(word);
            self.0.said.notify_waiters();
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.0.word().is_last = true;
        self.0.said.notify_waiters();
    }
}

impl Orders {
    /// The order that stands.
    pub fn now(&self) -> Order {
        self.shared.word().order
    }

    /// The order that stands; it is no news any more.
    pub(super) fn hear(&mut self) -> Order {
        let word = self.shared.word();
        self.heard = word.number;
        word.order
    }

    /// Until there is an order that was not heard; `None` once nobody can give one. Given up in the middle it has heard
    /// nothing.
    pub(super) async fn next(&mut self) -> Option<Order> {
        loop {
            // Woken by whatever is said from here on.
            let said = self.shared.said.notified();
            {
                let word = self.shared.word();
                if word.number != self.heard {
                    self.heard = word.number;
                    return Some(word.order);
                }
                if word.is_last {
                    return None;
                }
            }
            said.await;
        }
    }

    /// Until a person says stop; for ever where nobody is left who could.
    pub(super) async fn stopped(&mut self) {
        while self.now() != Order::Stop {
            if self.next().await.is_none() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, time::Duration};

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_last_word_counts_and_is_heard_once() {
        let (voice, mut heard) = orders(Order::Go);
        let mut late = heard.clone();
        voice.say(Order::Go);
        let soon = Duration::from_millis(1);
        assert!(timeout(soon, heard.next()).await.is_err(), "it is no news");
        voice.say(Order::Pause);
        voice.say(Order::Stop);
        assert_eq!((heard.next().await, heard.now()), (Some(Order::Stop), Order::Stop));
        assert!(timeout(soon, heard.next()).await.is_err());
        assert_eq!(late.hear(), Order::Stop);
        assert!(timeout(soon, late.next()).await.is_err());
        late.stopped().await;
        voice.say(Order::Go);
        drop(voice);
        assert_eq!((heard.next().await, heard.next().await), (Some(Order::Go), None));
        assert!(timeout(soon, heard.stopped()).await.is_err(), "nobody can say it any more");
    }

    #[tokio::test]
    async fn those_who_wait_are_woken_in_their_order() {
        let (voice, heard) = orders(Order::Go);
        let woken = RefCell::new(Vec::new());
        let all = (0..100).map(|number| {
            let (mut heard, woken) = (heard.clone(), &woken);
            async move {
                heard.stopped().await;
                woken.borrow_mut().push(number);
            }
        });
        let say = async {
            tokio::task::yield_now().await;
            voice.say(Order::Pause);
            tokio::task::yield_now().await;
            voice.say(Order::Stop);
        };
        let all: futures::stream::FuturesUnordered<_> = all.collect();
        tokio::join!(futures::StreamExt::collect::<Vec<()>>(all), say);
        assert_eq!(*woken.borrow(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn whoever_wants_less_done_is_obeyed() {
        use Order::{Go, Pause, Stop};
        for (a, b, wanted) in
            [(Go, Go, Go), (Go, Pause, Pause), (Pause, Stop, Stop), (Stop, Go, Stop), (Pause, Go, Pause)]
        {
            assert_eq!((a.stronger(b), b.stronger(a)), (wanted, wanted));
        }
    }
}
