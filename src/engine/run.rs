//! A run: wave after wave, so many tenants at once, until it is through, is stopped, or has seen enough failures.

use std::collections::{BTreeSet, VecDeque};

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, oneshot, watch as latest},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    act::{Act, Ending, Shared},
    hold::{Hold, Lease},
    journal::Journal,
    keeper::Keeper,
    orders::{Order, Orders, orders as channel},
    patience::passes,
    prepull::prepull,
    record::Records,
    token::Secrets,
    trouble::Trouble,
    view::View,
};
use crate::{
    cluster::{Cluster, Scope},
    manifest::Base,
    plan::{End, Event, Ledger, News, Plan, State, Step, Turn},
};

/// A plan with what it takes to carry it out.
pub struct Job<'a> {
    pub cluster: &'a Cluster,
    pub scope: &'a Scope,
    pub base: &'a Base,
    pub plan: &'a Plan,
    pub secrets: Secrets,
    /// Who runs it.
    pub by: String,
    /// How it stood when it was left; of a new run, [`Ledger::new`].
    pub ledger: Ledger,
    pub orders: Orders,
    /// Who is told; may go at any time.
    pub tell: mpsc::Sender<Event>,
    pub journal: Option<Journal>,
    /// Decides the waits between attempts.
    pub seed: u64,
    /// The lease of the run and its record; without them the run is this program's own affair.
    pub kept: Option<(Lease, Records)>,
    /// The namespace of the runs' records.
    pub control: &'a str,
}

/// Carries the plan out, or goes on with it. The last event is [`News::Ended`], and comes once.
pub async fn run(job: Job<'_>) -> Ledger {
    let mut tasks = JoinSet::new();
    let view = View::start(job.cluster, job.scope, &mut tasks);
    let (tell, told) = mpsc::channel(256);
    let (counts, orders) = channel(job.orders.now());
    let (skips, skipped) = latest::channel(BTreeSet::new());
    let (lease, records) = job.kept.unzip();
    let (hold, epoch) = match &lease {
        Some(lease) => (lease.hold(), lease.epoch()),
        None => (Hold::unrecorded(job.cluster), 0),
    };
    let orders = if lease.is_some() { orders } else { job.orders.clone() };
    let shared = Shared {
        cluster: job.cluster,
        base: job.base,
        plan: job.plan,
        view,
        tell,
        orders: orders.clone(),
        secrets: &job.secrets,
        seed: job.seed,
        hold,
        epoch,
        control: job.control,
        by: job.by.clone(),
        dry: false,
    };
    let story = Story {
        ledger: job.ledger,
        tell: job.tell,
        journal: job.journal,
        cluster: job.cluster,
        plan: job.plan,
        records: records.clone(),
    };
    let run = Run { shared, story, told, orders, skipped, by: job.by, failures: 0 };
    let (Some(lease), Some(records)) = (lease, records) else { return run.go().await };
    let keeper = Keeper { lease, records: &records, run: &job.plan.id, here: job.orders, counts, skips };
    let (over, is_over) = oneshot::channel();
    let go = async move {
        let ledger = run.go().await;
        // The keeper has gone where the lease was lost.
        _ = over.send(());
        ledger
    };
    tokio::join!(go, keeper.keep(is_over)).0
}

/// The one place through which all news goes: folded, written down, told.
struct Story<'a> {
    ledger: Ledger,
    tell: mpsc::Sender<Event>,
    journal: Option<Journal>,
    cluster: &'a Cluster,
    plan: &'a Plan,
    records: Option<Records>,
}

impl Story<'_> {
    async fn tell(&mut self, news: News) {
        let event = Event { at: self.cluster.clock().now(), news };
        self.ledger.fold(&event);
        let unwritten = self.journal.as_mut().and_then(|journal| journal.write(self.plan, &event));
        let unkept = match &self.records {
            Some(records) => self.keep(records, &event).await,
            None => None,
        };
        // Whoever listened has gone; the run goes on.
        let at = event.at;
        for said in [unwritten, unkept].into_iter().flatten() {
            tracing::warn!("{said}");
            _ = self.tell.send(Event { at, news: News::Noted { said } }).await;
        }
        // Nothing comes after a run's last event.
        _ = self.tell.send(event).await;
    }

    /// A failure or an end that is not written down would be unknown to whoever goes on with the run. Says so where it is not.
    async fn keep(&self, records: &Records, event: &Event) -> Option<String> {
        for attempt in 1.. {
            let Err(trouble) = records.keep(&self.plan.id, event).await else { return None };
            let passes = matches!(&trouble, Trouble::Cluster(error) if passes(error));
            if !passes || attempt == KEPT {
                let (why, _) = trouble.words();
                let turn = event.news.tenant().and_then(|namespace| self.plan.turn(namespace));
                let whose = turn.map_or_else(String::new, |turn| format!("{}: ", turn.tenant));
                return Some(format!(
                    "note: whoever goes on with {} does not learn this, for its record cannot be written: {whose}{} ({why})",
                    self.plan.id,
                    event.news.words()
                ));
            }
            sleep(self.cluster.clock().real(attempt)).await;
        }
        None
    }
}

/// How often the record is written before it is given up.
const KEPT: u32 = 6;

struct Run<'a> {
    shared: Shared<'a>,
    story: Story<'a>,
    told: mpsc::Receiver<News>,
    orders: Orders,
    skipped: latest::Receiver<BTreeSet<String>>,
    by: String,
    failures: u32,
}

impl Run<'_> {
    async fn go(mut self) -> Ledger {
        let plan = self.shared.plan;
        let resumed = self.story.ledger.began.is_some();
        // Who failed under an earlier holder counts as well.
        self.failures = self.story.ledger.failures(plan);
        self.story.tell(News::Began { by: self.by.clone(), resumed }).await;
        if let Err(trouble) = self.open().await {
            self.end(Some(trouble)).await;
            return self.story.ledger;
        }
        for (number, wave) in plan.waves.iter().enumerate() {
            let canary = number == 0 && plan.pace.canary > 0;
            let turns: VecDeque<&Turn> = wave.turns.iter().filter(|t| !self.is_final(t)).collect();
            if turns.is_empty() {
                continue;
            }
            self.story.tell(News::Wave { wave: wave.name.clone(), tenants: turns.len() }).await;
            self.wave(turns, wave.counts()).await;
            if self.is_over() || canary && self.story.ledger.proves_nothing(wave) {
                break;
            }
            let more = plan.waves.iter().skip(number + 1).any(|w| w.turns.iter().any(|t| !self.is_final(t)));
            if more && plan.pace.soak > 0 {
                self.soak(plan.pace.soak).await;
            }
        }
        self.end(None).await;
        self.story.ledger
    }

    /// What comes before the first wave, for nobody alone.
    async fn open(&mut self) -> Result<(), Trouble> {
        let plan = self.shared.plan;
        for step in &plan.opening {
            let said = match step {
                Step::Prepull { pulls, seconds, .. } => {
                    let shared = self.shared.clone();
                    let pulling = prepull(&shared, pulls, *seconds);
                    let mut pulling = std::pin::pin!(pulling);
                    loop {
                        tokio::select! {
                            biased;
                            Some(news) = self.told.recv() => self.story.tell(news).await,
                            pulled = &mut pulling => break pulled?,
                        }
                    }
                }
                other => other.words(),
            };
            self.story.tell(News::Opening { said }).await;
        }
        Ok(())
    }

    fn is_final(&self, turn: &Turn) -> bool {
        self.story.ledger.turns.get(&turn.namespace).is_some_and(State::is_final)
    }

    fn is_over(&self) -> bool {
        self.orders.now() == Order::Stop || self.failures >= self.shared.plan.pace.stop_after
    }

    async fn wave(&mut self, mut waiting: VecDeque<&Turn>, counts: bool) {
        let most = usize::try_from(self.shared.plan.pace.max_unavailable).unwrap_or(usize::MAX);
        let mut acting = FuturesUnordered::new();
        let mut orders = self.orders.clone();
        let mut listens = true;
        loop {
            // Whatever was said while nobody listened, between two waves or while something was written down.
            let order = orders.hear();
            self.heard(order).await;
            while acting.len() < most && !self.is_over() && order == Order::Go {
                let Some(turn) = waiting.pop_front() else { break };
                if self.skipped.borrow().contains(&turn.namespace) {
                    let (tenant, said) = (turn.namespace.clone(), "somebody said so".to_owned());
                    self.story.tell(News::Skipped { tenant, said }).await;
                    continue;
                }
                let act = Act::new(self.shared.clone(), turn);
                acting.push(Box::pin(async move { (turn, act.take().await) }));
            }
            let paused = !waiting.is_empty() && !self.is_over() && order == Order::Pause;
            if acting.is_empty() && !paused {
                break;
            }
            tokio::select! {
                biased;
                Some(news) = self.told.recv() => self.story.tell(news).await,
                Some((turn, ending)) = acting.next(), if !acting.is_empty() => {
                    // What it said before it ended comes first.
                    while let Ok(news) = self.told.try_recv() {
                        self.story.tell(news).await;
                    }
                    self.ended(turn, ending, counts).await;
                }
                order = orders.next(), if listens => match order {
                    Some(order) => self.heard(order).await,
                    // Nobody can give orders any more: the last one stands.
                    None => listens = false,
                }
            }
        }
    }

    /// Says once that the run is paused, and that it goes on.
    async fn heard(&mut self, order: Order) {
        let paused = self.story.ledger.paused.is_some();
        let by = self.by.clone();
        match order {
            Order::Pause if !paused => self.story.tell(News::Paused { by }).await,
            Order::Go if paused => self.story.tell(News::Resumed { by }).await,
            _ => {}
        }
    }

    /// Whether the run is still this program's: what one says that has slept through a take-over is not the run's story.
    /// `None`: a person stops it before that is known.
    async fn ours(&mut self) -> Option<bool> {
        tokio::select! {
            biased;
            sure = self.shared.hold.sure() => Some(sure.is_ok()),
            () = self.orders.stopped() => None,
        }
    }

    async fn ended(&mut self, turn: &Turn, ending: Ending, counts: bool) {
        // A tenant that is another's: by another run, or because this one is.
        if !matches!(ending, Ending::Stopped) && self.ours().await != Some(true) {
            return;
        }
        let tenant = turn.namespace.clone();
        let news = match ending {
            Ending::Done { said, down } => News::Done { tenant, said, down },
            Ending::Failed { said, advice } => {
                self.failures += u32::from(counts);
                News::Failed { tenant, said, advice }
            }
            Ending::Held { said } => News::Held { tenant, said },
            Ending::Superseded => News::Held { tenant, said: "another run has taken it over".to_owned() },
            Ending::Stopped => return,
        };
        self.story.tell(news).await;
    }

    async fn soak(&mut self, seconds: u32) {
        self.story.tell(News::Soak { seconds }).await;
        let until = Instant::now() + self.shared.cluster.clock().real(seconds);
        tokio::select! {
            biased;
            () = self.orders.stopped() => {}
            () = sleep_until(until) => {}
        }
    }

    /// `early`: why nobody was begun.
    async fn end(&mut self, early: Option<Trouble>) {
        let counts = self.story.ledger.counts();
        let bad = counts.failed + counts.held;
        let left = counts.waiting + counts.acting;
        let ours = self.ours().await;
        let (end, said) = if self.shared.hold.is_lost() || ours == Some(false) {
            (End::Superseded, "somebody else has taken this run over, and goes on with it".to_owned())
        } else if self.orders.now() == Order::Stop && (left > 0 || ours.is_none()) {
            (End::Stopped, format!("stopped: {} done, {left} not begun or not finished", counts.done))
        } else if let Some(trouble) = early {
            (End::Failed, trouble.words().0)
        } else if left > 0 {
            // Also where nothing failed: what is not known to be done is not done.
            (End::Failed, format!("stopped after {bad} failed or held: {} done, {left} not begun", counts.done))
        } else if bad > 0 {
            (End::Failed, format!("{bad} failed or held, {} done", counts.done))
        } else {
            (End::Done, format!("{} done", counts.done))
        };
        self.story.tell(News::Ended { end, said }).await;
    }
}
