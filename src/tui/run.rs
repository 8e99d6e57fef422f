//! The loop: keys, signals, news and timers, one at a time; draws when something asks for it.

#[cfg(test)]
pub(crate) mod unseen;

use std::{io, time::Duration};

use color_eyre::eyre::{WrapErr as _, eyre};
use crossterm::event::{Event, EventStream, KeyModifiers};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    select,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until},
};

use crate::{
    cluster::{
        Room,
        logs::{News, Tail},
    },
    config::{Alert, files},
    engine::Wish,
    index::{Delta, Entry},
    plan::{self, Intent},
};

use super::{
    ask::{Answer, Ask, Refusal},
    deeds::Deeds,
    effect::Effect,
    glyph::GlyphSet,
    keymap::Keymap,
    msg::Msg,
    pace::Pace,
    session::{Connect, Feed, Learnt, Options, Session},
    signal::{Signal, Signals},
    state::{Looks, State, who::Who},
    term::{Term, guarded},
    theme::{Depth, Themes},
    update::update,
    view,
    ways::Forwards,
};

/// Keys that were pressed before a question could be read answer nothing.
const DEAF: Duration = Duration::from_millis(200);
/// Deltas taken in one go: a flood never keeps a key waiting.
const BATCH: usize = 256;

/// Runs the console until its user leaves or a signal ends it.
///
/// Returns what became of runs that were under way.
///
/// # Errors
/// No terminal, a broken theme, or a terminal that went away.
pub async fn run(session: Session) -> color_eyre::Result<Vec<String>> {
    let looks = looks(&session.options)?;
    let mut term = Term::enter(session.options.mouse).wrap_err("cannot take the terminal")?;
    let console = Console::new(session, looks, term.size()?);
    Box::pin(guarded(console.drive(&mut term))).await.wrap_err("the terminal went away")
}

/// Whether a console can be drawn as these options want it.
///
/// # Errors
/// A theme that is broken, or none of that name.
pub fn check(options: &Options) -> color_eyre::Result<()> {
    looks(options).map(drop)
}

fn looks(options: &Options) -> color_eyre::Result<Looks> {
    let env = |name: &str| std::env::var(name).ok();
    let themes = Themes::load(&options.themes)?;
    let glyphs = options.glyphs.unwrap_or_else(|| GlyphSet::detect(env));
    let theme = options.theme.as_deref().unwrap_or(Themes::DEFAULT);
    Looks::new(themes, theme, Depth::detect(env), glyphs).map_err(|why| eyre!(why))
}

struct Console {
    state: State,
    keys: Keymap,
    pace: Pace,
    feed: Feed,
    /// The feed has not ended.
    live: bool,
    connect: Connect,
    connecting: Option<BoxFuture<'static, Result<Feed, String>>>,
    /// Reads that are on their way: no more than the state allows at once.
    looking: FuturesUnordered<BoxFuture<'static, (Ask, Result<Answer, Refusal>)>>,
    /// Reads on demand that are under way.
    reading: FuturesUnordered<BoxFuture<'static, Learnt>>,
    tail: Option<Tail>,
    forwards: Forwards,
    /// There was news since the feed was last shown the fleet.
    unfollowed: bool,
    deeds: Deeds,
    /// Until then no key is heard: a question has come up under the fingers of somebody who types.
    deaf: Option<Instant>,
}

/// What an effect wants of the terminal.
enum OfTerminal {
    Copy(String),
    Alert(Alert, String),
    Enter { room: Room, others: Vec<String> },
    Repaint,
    Suspend,
    Quit,
}

/// What to do after a step.
enum Next {
    Go,
    Stop,
    /// The terminal is somebody else's until they leave.
    Enter(Room, Vec<String>),
}

impl Console {
    fn new(session: Session, looks: Looks, size: (u16, u16)) -> Self {
        let Session { feed, contexts, connect, options } = session;
        let mut state = State::new(feed.context.clone(), looks, size, (feed.clock)());
        state.banner.clone_from(&feed.banner);
        state.contexts = contexts;
        state.awaited = options.open;
        state.tiers = options.tiers;
        state.defaults = options.defaults;
        state.alerts.how = options.alert;
        if options.welcome && state.awaited.is_none() {
            state.welcome();
        }
        state.logs_cap = options.logs.bytes();
        Self {
            state,
            keys: Keymap::new(),
            pace: Pace::default(),
            feed,
            live: true,
            connect,
            connecting: None,
            looking: FuturesUnordered::new(),
            reading: FuturesUnordered::new(),
            tail: None,
            forwards: Forwards::default(),
            unfollowed: false,
            deeds: Deeds::new(),
            deaf: None,
        }
    }

    async fn drive(mut self, term: &mut Term) -> io::Result<Vec<String>> {
        let mut events = EventStream::new();
        let mut signals = Signals::new()?;
        let mut batch = Vec::with_capacity(BATCH);
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.pace.key(now());
        loop {
            if self.pace.due(now()) {
                self.draw(term)?;
            }
            let deadline = self.pace.deadline();
            let due = sleep_until(deadline.map_or_else(Instant::now, Instant::from_std));
            let next = select! {
                biased;
                signal = signals.next() => self.signal(signal, term)?,
                event = events.next() => match event {
                    Some(event) => self.event(event?, term, &mut signals).await?,
                    None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                },
                () = due, if deadline.is_some() => Next::Go,
                effects = self.hear(&mut batch, &mut second) => self.carry_out(effects, term, &mut signals).await?,
            };
            match next {
                Next::Go => {}
                Next::Stop => {
                    (self.feed.follow)(&self.state.fleet);
                    term.leave();
                    return Ok(self.deeds.stop().await);
                }
                Next::Enter(room, others) => {
                    // Its thread reads the keys as long as it is there.
                    drop(events);
                    self.lend(term, room, others).await?;
                    events = EventStream::new();
                }
            }
        }
    }

    /// What comes by itself, one at a time; cut off in the middle, nothing is lost.
    async fn hear(&mut self, batch: &mut Vec<Delta>, second: &mut Interval) -> Vec<Effect> {
        let clock_matters = self.unfollowed
            || self.pace.ticks()
            || self.state.is_due_some_day()
            || self.state.attends()
            || self.state.alerts.waits()
            || self.state.watches_runs();
        select! {
            biased;
            // Before the news: a flood of them must not keep a run from its next step.
            msg = self.deeds.next() => self.deed(msg),
            connected = pending_or(&mut self.connecting) => self.connected(connected),
            Some((ask, answer)) = self.looking.next(), if !self.looking.is_empty() => {
                self.say(Msg::Looked(ask, answer));
                self.pace.key(now());
            }
            Some(told) = self.reading.next(), if !self.reading.is_empty() => {
                self.say(Msg::Learnt(told));
                self.pace.key(now());
            }
            taken = self.feed.deltas.recv_many(batch, BATCH), if self.live => self.news(batch, taken),
            _ = second.tick(), if clock_matters => self.clock(),
            news = of_tail(&mut self.tail) => self.lines(news),
            change = self.forwards.next(&self.state.fleet) => {
                self.pace.key(now());
                return update(&mut self.state, &self.keys, Msg::Forward(change));
            }
        }
        Vec::new()
    }

    /// Brings the state up to what is drawn of it.
    fn settle(&mut self) {
        self.state.tick((self.feed.clock)());
        self.state.settle();
        for ask in self.state.wants() {
            self.reading.push((self.feed.read)(ask));
        }
    }

    fn draw(&mut self, term: &mut Term) -> io::Result<()> {
        self.settle();
        let state = &self.state;
        let wake = term.draw(|buf| view::draw(state, buf))?;
        self.pace.drawn(now(), wake);
        panic_if_asked();
        Ok(())
    }

    fn news(&mut self, batch: &mut Vec<Delta>, taken: usize) {
        self.say(Msg::Now((self.feed.clock)()));
        if taken == 0 {
            self.live = false;
            self.say(Msg::FeedEnded);
        }
        for delta in batch.drain(..) {
            self.say(Msg::Delta(delta));
        }
        self.sight();
        self.pace.data(now());
        self.unfollowed = true;
    }

    /// The pods that the tail reads, and that lie behind forwards, are those that the watches see.
    fn sight(&mut self) {
        if let Some(tail) = &mut self.tail {
            tail.sight(|target| self.state.fleet.get(&target.namespace));
        }
        self.forwards.sight(&self.state.fleet);
    }

    fn lines(&mut self, news: Option<News>) {
        match news {
            Some(news) => self.say(Msg::Log(news)),
            None => self.tail = None,
        }
        self.pace.data(now());
    }

    /// Once a second while anything depends on it.
    fn clock(&mut self) {
        if std::mem::take(&mut self.unfollowed) {
            (self.feed.follow)(&self.state.fleet);
        }
        let at = (self.feed.clock)();
        if let Some(ask) = self.state.wonder(at) {
            self.look(ask);
        }
        if self.state.tick(at) {
            self.pace.data(now());
        }
        self.errands();
        if let Some(ask) = self.state.run_ask() {
            self.deeds.remember(self.feed.desk.clone(), ask);
        }
        self.pace.clock(now(), at);
    }

    /// What the open page wants to know by now.
    fn errands(&mut self) {
        for effect in self.state.errands() {
            match effect {
                Effect::Errand(errand) => (self.feed.errand)(errand),
                Effect::Leave(namespace) => (self.feed.leave)(namespace),
                _ => {}
            }
        }
    }

    fn look(&mut self, ask: Ask) {
        let answer = (self.feed.look)(ask.clone());
        self.looking.push(answer.map(|answer| (ask, answer)).boxed());
    }

    /// News of a run is data, and may come often; an answer is waited for.
    fn deed(&mut self, msg: Msg) {
        let often = matches!(msg, Msg::Ran(..));
        self.say(msg);
        if often {
            self.pace.data(now());
        } else {
            self.pace.key(now());
        }
    }

    /// Asks for a plan about those who are still who they were.
    fn propose(&self, token: u64, intent: Intent, (pace, care): (plan::Pace, plan::Care), whom: &[Who]) {
        let fleet = &self.state.fleet;
        let entries = match &intent {
            Intent::Create { spec } => {
                let is = |e: &&Entry| e.tenant.namespace_name == *spec.namespace() || e.tenant.id == *spec.id;
                fleet.iter().filter(is).cloned().collect()
            }
            _ => whom.iter().filter_map(|who| who.find(fleet).here()).cloned().collect(),
        };
        let notes = self.feed.desk.room(&intent, fleet).into_iter().collect();
        let wish = Wish { intent, pace, care, sift: whom.len() > 1, entries, sources: fleet.sources().clone(), notes };
        self.deeds.propose(self.feed.desk.clone(), token, wish);
    }

    /// A message that asks nothing of the world.
    fn say(&mut self, msg: Msg) {
        let effects = update(&mut self.state, &self.keys, msg);
        debug_assert!(effects.is_empty(), "{effects:?} would be lost");
    }

    fn connected(&mut self, answer: Result<Feed, String>) {
        self.connecting = None;
        match answer {
            Ok(feed) => {
                let (context, banner) = (feed.context.clone(), feed.banner.clone());
                (self.feed.follow)(&self.state.fleet);
                self.feed = feed;
                self.looking.clear();
                self.reading.clear();
                self.tail = None;
                self.forwards.clear();
                self.live = true;
                self.say(Msg::Now((self.feed.clock)()));
                self.say(Msg::Switched { context, banner });
            }
            Err(why) => self.say(Msg::NotSwitched(why)),
        }
        self.pace.key(now());
    }

    async fn event(&mut self, event: Event, term: &mut Term, signals: &mut Signals) -> io::Result<Next> {
        let effects = self.obey(event);
        self.carry_out(effects, term, signals).await
    }

    /// What a key asks for.
    fn obey(&mut self, event: Event) -> Vec<Effect> {
        if self.deaf.is_some_and(|until| Instant::now() < until) && !is_leave(&event) {
            return vec![];
        }
        let asked = self.state.asks_a_question();
        let msg = match event {
            Event::Key(key) => Msg::Key(key),
            Event::Paste(text) => Msg::Paste(text),
            Event::Mouse(mouse) => Msg::Mouse(mouse),
            Event::Resize(width, height) => Msg::Resize(width, height),
            Event::FocusGained | Event::FocusLost => return vec![],
        };
        self.state.settle_for_key();
        let effects = update(&mut self.state, &self.keys, msg);
        self.pace.key(now());
        self.state.settle_for_key();
        self.deaf = (!asked && self.state.asks_a_question()).then(|| Instant::now() + DEAF);
        if self.state.logs.is_none() {
            self.tail = None;
        }
        effects
    }

    async fn carry_out(&mut self, effects: Vec<Effect>, term: &mut Term, signals: &mut Signals) -> io::Result<Next> {
        for effect in effects {
            match self.set_off(effect) {
                None => {}
                Some(OfTerminal::Copy(text)) => term.copy(&text)?,
                Some(OfTerminal::Alert(how, text)) => term.alert(how, &text)?,
                Some(OfTerminal::Enter { room, others }) => return Ok(Next::Enter(room, others)),
                Some(OfTerminal::Repaint) => term.repaint()?,
                Some(OfTerminal::Suspend) => self.deeds.beside(suspend(term, signals)).await?,
                Some(OfTerminal::Quit) => return Ok(Next::Stop),
            }
        }
        Ok(Next::Go)
    }

    /// Does what an effect asks for, or hands back what wants the terminal.
    fn set_off(&mut self, effect: Effect) -> Option<OfTerminal> {
        match effect {
            Effect::Copy(text) => return Some(OfTerminal::Copy(text)),
            Effect::Alert(how, text) => return Some(OfTerminal::Alert(how, text)),
            Effect::Enter { room, others } => return Some(OfTerminal::Enter { room, others }),
            Effect::Repaint => return Some(OfTerminal::Repaint),
            Effect::Suspend => return Some(OfTerminal::Suspend),
            Effect::Quit => return Some(OfTerminal::Quit),
            Effect::Connect(name) => self.connecting = Some((self.connect)(name)),
            Effect::Look(ask) => self.look(ask),
            Effect::Errand(errand) => (self.feed.errand)(errand),
            Effect::Leave(namespace) => (self.feed.leave)(namespace),
            Effect::Retry => {
                (self.feed.retry)();
                if let Some(tail) = &self.tail {
                    tail.retry();
                }
            }
            Effect::Tail { wanted, targets } => {
                self.tail = Some((self.feed.tail)(wanted, targets));
                self.sight();
            }
            Effect::Save { name, text } => {
                let saved = files::write_atomic(name.as_ref(), &text);
                let said = saved.map(|()| format!("saved as {name}")).map_err(|e| e.to_string());
                self.say(Msg::Said(said));
            }
            Effect::Forward { target, door } => self.forwards.begin((self.feed.ways.forward)(target, door)),
            Effect::EndForward(number) => {
                if let Some(change) = self.forwards.end(number) {
                    self.say(Msg::Forward(change));
                }
            }
            Effect::Propose { token, intent, pace, care, whom } => {
                self.propose(token, intent, (pace, care), &whom);
            }
            Effect::Begin { token, proposal, secrets } => {
                self.deeds.begin(self.feed.desk.clone(), token, proposal, secrets);
            }
            Effect::Order(run, order) => self.deeds.order(&run, order),
            Effect::Say(run, say) => self.deeds.say(self.feed.desk.clone(), run, say),
            Effect::Remember(ask) => self.deeds.remember(self.feed.desk.clone(), ask),
        }
        None
    }

    /// Lends the terminal to a shell. News are taken meanwhile: forwards and logs go on with the next pod.
    async fn lend(&mut self, term: &mut Term, room: Room, others: Vec<String>) -> io::Result<()> {
        term.leave();
        let mut visit = (self.feed.ways.enter)(room, others);
        let mut batch = Vec::with_capacity(BATCH);
        let said = loop {
            select! {
                biased;
                said = &mut visit => break said,
                taken = self.feed.deltas.recv_many(&mut batch, BATCH), if self.live => self.news(&mut batch, taken),
                news = of_tail(&mut self.tail) => self.lines(news),
                msg = self.deeds.next() => self.deed(msg),
            }
        };
        term.take_again()?;
        self.state.size = term.size()?;
        self.say(Msg::Said(said));
        self.pace.key(now());
        Ok(())
    }

    fn signal(&mut self, signal: Signal, term: &mut Term) -> io::Result<Next> {
        match signal {
            Signal::End => return Ok(Next::Stop),
            // Stopped and continued by another process: the shell has had the terminal meanwhile.
            Signal::Continued => {
                term.take_again()?;
                self.state.size = term.size()?;
                self.pace.key(now());
            }
        }
        Ok(Next::Go)
    }
}

/// Ctrl-C and Ctrl-Z are heard always.
fn is_leave(event: &Event) -> bool {
    matches!(event, Event::Key(key) if key.modifiers.contains(KeyModifiers::CONTROL)) || !matches!(event, Event::Key(_))
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

async fn of_tail(tail: &mut Option<Tail>) -> Option<News> {
    match tail {
        Some(tail) => tail.news.recv().await,
        None => std::future::pending().await,
    }
}

async fn pending_or(connecting: &mut Option<BoxFuture<'static, Result<Feed, String>>>) -> Result<Feed, String> {
    match connecting {
        Some(answer) => answer.await,
        None => std::future::pending().await,
    }
}

/// Back to the shell. The whole job stops, as with any program: whoever started us may wait for it.
async fn suspend(term: &mut Term, signals: &mut Signals) -> io::Result<()> {
    term.leave();
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
    // The signal may take a moment to arrive; where nobody could continue us, the system ignores it.
    select! {
        () = signals.continued() => {}
        () = sleep(Duration::from_millis(300)) => {}
    }
    term.take_again()
}

/// For the test that a panic gives the terminal back; not in a release.
fn panic_if_asked() {
    #[cfg(debug_assertions)]
    if std::env::var_os("FLEETDECK_TEST_PANIC").is_some() {
        #[expect(clippy::panic, reason = "it is what the test asks for")]
        {
            panic!("asked to panic by FLEETDECK_TEST_PANIC");
        }
    }
}
