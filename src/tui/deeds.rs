//! What the console has under way in clusters: plans that are being made, runs that go, reads of what is remembered. Runs
//! outlive a change of context: each holds the desk that it was begun at. They are driven by whoever waits in [`Deeds::next`] or
//! [`Deeds::beside`], in the console's own task: nothing but the screen's next frame can keep them waiting.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, future::LocalBoxFuture, stream::FuturesUnordered};
use tokio::{sync::mpsc, time::timeout};

use super::{
    ask::Refusal,
    effect::Say,
    msg::{Begun, Msg, Remembered},
    state::runs::Ask,
};
use crate::{
    cluster::Fault,
    engine::{self, Declined, Desk, Order, Proposal, Secrets, Trouble, Voice, Wish, Work, desk::runs::Onward, journal},
    plan::Event,
};

/// Events of runs that may wait for the screen.
const AHEAD: usize = 256;
/// A step that is under way when one leaves is finished; longer than this nobody waits.
const LAST_STEP: Duration = Duration::from_secs(30);

pub(crate) struct Deeds {
    /// Each ends in a message.
    asked: FuturesUnordered<LocalBoxFuture<'static, Done>>,
    runs: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    /// What came while something else had the terminal.
    missed: VecDeque<Msg>,
    orders: HashMap<String, Voice>,
    tell: mpsc::Sender<Msg>,
    told: mpsc::Receiver<Msg>,
}

/// What came of something that was asked for.
enum Done {
    Said(Msg),
    /// A run is ready to go.
    Ready(Option<u64>, Box<Work>),
}

impl Deeds {
    pub(crate) fn new() -> Self {
        let (tell, told) = mpsc::channel(AHEAD);
        Self {
            asked: FuturesUnordered::new(),
            runs: FuturesUnordered::new(),
            missed: VecDeque::new(),
            orders: HashMap::new(),
            tell,
            told,
        }
    }

    pub(crate) fn propose(&self, desk: Desk, token: u64, wish: Wish) {
        let proposed = async move {
            let answer = desk.propose(wish).await.map(Box::new).map_err(|declined| reasons(&declined));
            Done::Said(Msg::Proposed(token, answer))
        };
        self.asked.push(proposed.boxed_local());
    }

    /// Begins what was agreed to, at the desk of the cluster that it was planned for and at no other.
    pub(crate) fn begin(&self, desk: Desk, token: u64, proposal: Arc<Proposal>, secrets: Secrets) {
        let begun = async move {
            if proposal.plan.context != desk.context() {
                let why = format!("it was planned for {}, this is {}", proposal.plan.context, desk.context());
                return Done::Said(Msg::Begun(Some(token), Err(why)));
            }
            match desk.begin(proposal.plan.clone(), proposal.recorded, secrets).await {
                Ok(work) => Done::Ready(Some(token), Box::new(work)),
                Err(declined) => Done::Said(Msg::Begun(Some(token), Err(declined.to_string()))),
            }
        };
        self.asked.push(begun.boxed_local());
    }

    pub(crate) fn order(&self, run: &str, order: Order) {
        if let Some(voice) = self.orders.get(run) {
            voice.say(order);
        }
    }

    pub(crate) fn remember(&self, desk: Desk, ask: Ask) {
        let read = async move {
            let told = match ask {
                Ask::List => Remembered::All(desk.runs().await.map_err(|declined| unread(&declined))),
                Ask::Show(id, known) => {
                    let shown = desk.recorded(&id, known).await.map(Arc::new).map_err(|declined| unread(&declined));
                    Remembered::One(id, shown)
                }
            };
            Done::Said(Msg::Remembered(told))
        };
        self.asked.push(read.boxed_local());
    }

    /// Says something to a run that is not ours; one that nobody holds may become ours by it.
    pub(crate) fn say(&self, desk: Desk, run: String, say: Say) {
        let said = async move {
            let heard = |word: &str| format!("{run}: {word}; its holder hears it within seconds");
            let answer = match say {
                Say::Pause => desk.order(&run, "pause").await.map(|()| heard("pause is asked for")),
                Say::Go => desk.order(&run, "go").await.map(|()| heard("it is to go on")),
                Say::Abort => desk.abort(&run).await.map(|()| format!("{run} is aborted")),
                Say::Skip(tenant) => {
                    desk.skip(&run, &tenant).await.map(|tenant| heard(&format!("{tenant} is to be left out")))
                }
                Say::TakeUp => match take_up(&desk, &run).await {
                    Ok(Some(work)) => return Done::Ready(None, Box::new(work)),
                    Ok(None) => Ok(heard("it is to go on")),
                    Err(declined) => Err(declined),
                },
            };
            Done::Said(Msg::Remembered(Remembered::Heard(
                answer.map_err(|declined| about(&run, &declined.to_string())),
            )))
        };
        self.asked.push(said.boxed_local());
    }

    /// The next message; never where there is nothing under way.
    pub(crate) async fn next(&mut self) -> Msg {
        match self.missed.pop_front() {
            Some(msg) => msg,
            None => self.fresh().await,
        }
    }

    /// Goes on with everything while `other` has the terminal.
    pub(crate) async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        loop {
            tokio::select! {
                out = &mut other => return out,
                msg = self.fresh() => self.missed.push_back(msg),
            }
        }
    }

    async fn fresh(&mut self) -> Msg {
        loop {
            tokio::select! {
                Some(done) = self.asked.next(), if !self.asked.is_empty() => match done {
                    Done::Said(msg) => return msg,
                    Done::Ready(token, work) => return self.go(token, *work),
                },
                Some(msg) = self.told.recv() => {
                    if let Msg::RunEnded(id) = &msg {
                        self.orders.remove(id);
                    }
                    return msg;
                }
                Some(()) = self.runs.next(), if !self.runs.is_empty() => {}
            }
        }
    }

    fn go(&mut self, token: Option<u64>, work: Work) -> Msg {
        let begun = Begun { plan: work.plan().clone(), ledger: work.ledger().clone(), recorded: work.is_recorded() };
        let id = begun.plan.id.clone();
        let (voice, orders) = engine::orders(Order::Go);
        self.orders.insert(id.clone(), voice);
        let tell = self.tell.clone();
        let run = async move {
            let (events, mut heard) = mpsc::channel::<Event>(64);
            let pass = async {
                while let Some(event) = heard.recv().await {
                    // The console is leaving; the run goes on to its end.
                    _ = tell.send(Msg::Ran(id.clone(), Box::new(event))).await;
                }
            };
            tokio::join!(work.go(orders, events, journal::Journal::usual()), pass);
            // By the same way as the events, so that it comes after them.
            _ = tell.send(Msg::RunEnded(id)).await;
        };
        self.runs.push(run.boxed_local());
        Msg::Begun(token, Ok(begun))
    }

    /// Stops every run before its next step and waits for that; returns what whoever leaves should know.
    pub(crate) async fn stop(mut self) -> Vec<String> {
        if self.orders.is_empty() {
            return Vec::new();
        }
        for voice in self.orders.values() {
            voice.say(Order::Stop);
        }
        let mut left: Vec<String> = self.orders.keys().cloned().collect();
        let over = async {
            // What they tell is heard, so that none of them waits for us.
            loop {
                tokio::select! {
                    biased;
                    Some(_) = self.told.recv() => {}
                    ended = self.runs.next() => if ended.is_none() { break },
                }
            }
        };
        let ended = timeout(LAST_STEP, over).await.is_ok();
        left.sort();
        let how = if ended { "was stopped before its next step" } else { "was left in the middle of a step" };
        left.into_iter().map(|id| format!("{id} {how}; `fleetdeck runs resume {id}` goes on with it")).collect()
    }
}

/// Why nothing was read; a right that is missing is not there the next time either.
fn unread(declined: &Declined) -> Refusal {
    let stands = matches!(declined, Declined::Trouble(Trouble::Cluster(error)) if error.fault == Fault::Forbidden);
    Refusal { why: declined.to_string(), stands }
}

async fn take_up(desk: &Desk, run: &str) -> Result<Option<Work>, Declined> {
    match desk.onward(run, true).await? {
        Onward::Told => Ok(None),
        Onward::Left(left) => desk.take_up(*left).await.map(Some),
    }
}

fn reasons(declined: &Declined) -> Vec<String> {
    match declined {
        Declined::Refused(refusal) => refusal.lines(),
        other => other.to_string().lines().map(str::to_owned).collect(),
    }
}

/// Names the run, once.
fn about(run: &str, said: &str) -> String {
    if said.contains(run) { said.to_owned() } else { format!("{run}: {said}") }
}
