//! Those who act: one begins the run, others look whether it was left and go on with it. Each may be gone, or fall asleep and
//! wake later, at any await.

use std::{
    cell::RefCell,
    path::PathBuf,
    pin::Pin,
    rc::Rc,
    sync::OnceLock,
    task::{Context, Poll},
    time::Duration,
};

use fleetdeck::{
    cluster::{Clock, Cluster, Scope, connect},
    engine::{
        Declined, Desk, Order, Record, Records, Secrets, Work,
        desk::runs::{ABORTED, Onward},
        journal::Journal,
    },
    fleet::At,
    manifest::{Base, Defaults},
    plan::{End, Event, News, Plan, State, Why},
};
use tokio::{sync::mpsc, time::Sleep};

use super::{
    draw::{Drawn, Fate},
    judge::Judge,
};
use crate::conformance::world::World;

/// One holder's part of the run.
#[derive(Clone)]
pub struct Leg {
    pub events: Vec<Event>,
    journal: PathBuf,
    /// It was gone before its end.
    pub cut: bool,
}

type Hears<'w> = dyn Fn(&str, &Event) + 'w;

pub struct Hands<'w> {
    world: &'w World,
    /// How the names of its hands begin.
    whose: &'static str,
    plan: Rc<Plan>,
    /// Hears every word, with who said it.
    hears: Box<Hears<'w>>,
    legs: RefCell<Vec<Leg>>,
    folder: tempfile::TempDir,
    /// Nobody will begin it any more.
    settled: RefCell<bool>,
}

/// Parsed once in a process.
fn base() -> Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| Base::embedded().unwrap()).clone()
}

/// How those are called who carry a run out; a number follows.
pub const HANDS: &str = "op-";

/// Where somebody acts from.
pub fn desk(world: &World, who: &str) -> Desk {
    let sim = world.sim();
    let start = At::from_unix(sim.now().as_second()).unwrap();
    let clock = Clock::scaled(start, 1.0);
    let cluster: Cluster = connect::over(sim.connector_as(who), "simulation", clock);
    Desk::new(cluster, Scope::default(), base(), Defaults::default(), who.to_owned(), false)
}

impl<'w> Hands<'w> {
    pub fn new(world: &'w World, whose: &'static str, plan: &Rc<Plan>, hears: impl Fn(&str, &Event) + 'w) -> Self {
        Self {
            world,
            whose,
            plan: plan.clone(),
            hears: Box::new(hears),
            legs: RefCell::default(),
            folder: tempfile::tempdir().unwrap(),
            settled: RefCell::new(false),
        }
    }

    fn who(&self, number: usize) -> String {
        format!("{}{number}", self.whose)
    }

    /// Writes the run down and takes its lease; tries again as a person would. `None` where others were faster, to its end.
    async fn begin(&self, desk: &Desk) -> Option<Work> {
        loop {
            match desk.begin((*self.plan).clone(), true, Secrets::default()).await {
                Ok(work) => return Some(work),
                Err(Declined::Refused(why)) if why.0.iter().any(|r| r.why == Why::Ended) => return None,
                Err(_) => tokio::time::sleep(Duration::from_secs(5)).await,
            }
        }
    }

    /// Looks again and again whether the run was left; `None` once it is at its end.
    async fn take_up(&self, desk: &Desk, number: usize) -> Option<Work> {
        loop {
            tokio::time::sleep(Duration::from_secs(11 + 2 * number as u64)).await;
            let left = match desk.onward(&self.plan.id, false).await {
                Ok(Onward::Left(left)) => left,
                Ok(Onward::Told) => continue,
                Err(Declined::Refused(why)) if why.0.iter().any(|r| matches!(r.why, Why::Ended | Why::DataAtRisk)) => {
                    return None;
                }
                Err(Declined::NoSuch(_)) if *self.settled.borrow() => return None,
                Err(_) => continue,
            };
            assert_eq!(left.plan, *self.plan, "the plan survives as it was agreed to");
            match desk.take_up(*left).await {
                Ok(work) => return Some(work),
                Err(_) => continue,
            }
        }
    }

    /// Carries the run out under this hand, up to its end or to where the hand is gone.
    async fn leg(&self, work: Work, number: usize, fate: Fate) {
        let at = self.legs.borrow().len();
        let journal = self.folder.path().join(format!("{at}.jsonl"));
        self.legs.borrow_mut().push(Leg { events: Vec::new(), journal: journal.clone(), cut: true });
        let (_voice, orders) = fleetdeck::engine::orders(Order::Go);
        let (tell, mut told) = mpsc::channel(64);
        let run = async {
            let listen = async {
                while let Some(event) = told.recv().await {
                    (self.hears)(&self.who(number), &event);
                    self.legs.borrow_mut()[at].events.push(event);
                }
            };
            tokio::join!(Box::pin(work.go(orders, tell, Some(Journal::open(journal)))), listen);
        };
        let through = Life { inner: Some(Box::pin(run)), polls: 0, fate, nap: None }.await;
        self.legs.borrow_mut()[at].cut = !through;
    }

    /// Somebody has brought the run to its end, and everybody is done.
    pub fn is_done(&self) -> bool {
        self.ends().contains(&End::Done)
    }

    fn ends(&self) -> Vec<End> {
        ends(&self.legs.borrow())
    }

    /// Who has acted so far, and what each has told.
    pub fn legs(&self) -> Vec<Leg> {
        self.legs.borrow().clone()
    }

    pub async fn record(&self) -> Option<Record> {
        Records::new(&self.world.cluster, "fleetdeck").get(&self.plan.id).await.unwrap()
    }

    /// What must hold when everything is over.
    pub async fn verdict(&self, drawn: &Drawn, judge: &RefCell<Judge>) {
        let legs = self.legs();
        for leg in &legs {
            leg.tells_the_truth(&leg.journal());
        }
        let said = said(&legs);
        let Some(end) = one_end(&self.plan, &legs, self.record().await.as_ref()) else { return };
        if !drawn.is_blighted() {
            assert_eq!(end, End::Done, "{:?}\n{said}", drawn.deed);
            let states = self.record().await.unwrap().states;
            assert!(states.values().all(|s| !matches!(s, State::Failed { .. })), "{states:?}");
        }
        judge.borrow().ended(end, &said);
    }
}

fn ends(legs: &[Leg]) -> Vec<End> {
    let of = |e: &Event| if let News::Ended { end, .. } = e.news { Some(end) } else { None };
    legs.iter().flat_map(|leg| leg.events.iter().filter_map(of)).collect()
}

fn said(legs: &[Leg]) -> String {
    let mut text = String::new();
    for leg in legs {
        text += "--\n";
        for e in &leg.events {
            text += &format!("{} {} {}\n", e.at, e.news.tenant().unwrap_or("-"), e.news.words());
        }
    }
    text
}

/// The one end that was told, which the record knows; `None` where nobody came so far.
pub fn one_end(plan: &Plan, legs: &[Leg], record: Option<&Record>) -> Option<End> {
    let said = said(legs);
    for leg in legs {
        let ends = leg.events.iter().filter(|e| matches!(e.news, News::Ended { .. })).count();
        let last = leg.events.last().is_some_and(|e| matches!(e.news, News::Ended { .. }));
        assert!(leg.cut && ends <= 1 || ends == 1 && last, "one end, and it comes last\n{said}");
    }
    let ends: Vec<End> = ends(legs).into_iter().filter(|end| !matches!(end, End::Superseded | End::Stopped)).collect();
    let Some(record) = record else {
        assert!(ends.is_empty(), "a run without a record\n{said}");
        return None;
    };
    if plan.intent.is_purge() && ends.is_empty() {
        return None;
    }
    if record.end.as_ref().is_some_and(|end| end.0 == ABORTED) {
        assert!(ends.is_empty(), "it was stopped for good, and ended all the same\n{said}");
        return None;
    }
    assert_eq!(ends.len(), 1, "one terminal event\n{said}");
    let end = serde_json::to_value(ends[0]).unwrap();
    assert_eq!(record.end.as_ref().map(|e| e.0.as_str()), end.as_str(), "the record knows how it ended\n{said}");
    Some(ends[0])
}

impl Leg {
    /// The journal's lines are what was told, and come before it.
    pub fn tells_the_truth(&self, journal: &str) {
        let lines: Vec<Event> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let is_written = |e: &&Event| !matches!(e.news, News::Progress { .. } | News::Noted { .. });
        let told: Vec<&Event> = self.events.iter().filter(is_written).collect();
        assert!(lines.len() >= told.len(), "more was told than is in the journal");
        assert!(self.cut || lines.len() == told.len(), "more is in the journal than was told");
        assert!(lines.iter().zip(told).all(|(line, told)| line == told), "the journal tells something else");
    }

    /// What it wrote into its journal; nothing where it was gone before.
    pub fn journal(&self) -> String {
        std::fs::read_to_string(&self.journal).unwrap_or_default()
    }
}

/// Acts, as long as it may.
pub async fn hand(hands: &Hands<'_>, number: usize, fate: Fate) {
    let desk = desk(hands.world, &hands.who(number));
    if number == 0 {
        if let Some(work) = hands.begin(&desk).await {
            hands.leg(work, number, fate).await;
        }
        *hands.settled.borrow_mut() = true;
    } else if let Some(work) = hands.take_up(&desk, number).await {
        hands.leg(work, number, fate).await;
    }
}

/// A future that is dropped at some poll, or not polled for a while.
struct Life<'f> {
    inner: Option<Pin<Box<dyn Future<Output = ()> + 'f>>>,
    polls: usize,
    fate: Fate,
    nap: Option<Pin<Box<Sleep>>>,
}

impl Future for Life<'_> {
    /// Whether it came to its own end.
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        self.polls += 1;
        match self.fate {
            Fate::Crash(at) if self.polls >= at => {
                self.inner = None;
                return Poll::Ready(false);
            }
            Fate::Nap(at, seconds) if self.polls >= at => {
                self.fate = Fate::Through;
                self.nap = Some(Box::pin(tokio::time::sleep(Duration::from_secs(seconds))));
            }
            _ => {}
        }
        if let Some(nap) = &mut self.nap {
            if nap.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.nap = None;
        }
        match self.inner.as_mut().map(|inner| inner.as_mut().poll(context)) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(())) => Poll::Ready(true),
            None => Poll::Ready(false),
        }
    }
}
