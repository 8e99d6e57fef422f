//! One container of one pod, from what is there to its end: read, follow, resume, restart.
//!
//! Every stretch is read twice over: first without following, which ends and so proves that the past is complete and the
//! server answers (a kubelet begins to answer a follower only with the first line); then followed from there. The lines
//! that come twice are known by time and text. The same way mends a broken stream and settles one that has ended.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch as signal},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    Lane, Stream, Wanted,
    block::{Block, Pen},
    hub::{Closed, Told},
    merge::Source,
    pulse::{Life, Pulse, ending},
    request::{Stretch, path},
    seen::Seen,
    split::Split,
    stamp,
};
use crate::{
    cluster::{Cluster, ClusterError, Fault, backoff::Backoff},
    fleet::{Age, Text, Uid},
};

/// A stream that says nothing for so long is opened anew: it may have died in silence.
const IDLE: Duration = Duration::from_secs(120);
/// For the rest of the stream of a container that has ended.
const REST: Duration = Duration::from_secs(5);
/// The watches may be behind a stream that has just ended.
const NEWS: Duration = Duration::from_secs(2);
/// A stream that held for so long was no mere attempt.
const STEADY: Duration = Duration::from_secs(10);
/// Between two pieces of a stretch of the past.
const GOES_ON: Duration = Duration::from_secs(30);
/// Raw bytes written into one block.
const PIECE: usize = 32 << 10;
/// Blocks of one stream that may be under way.
pub(super) const UNDER_WAY: usize = 2;
/// What is only read, not followed, is tried so often.
const TRIES: u32 = 3;

pub(super) struct Reader {
    pub cluster: Cluster,
    pub namespace: Text,
    pub pod: Text,
    pub uid: Uid,
    pub container: Text,
    pub lane: Lane,
    pub source: Source,
    pub wanted: Arc<Wanted>,
    /// Whether `since` and `tail` count: not for what begins after us.
    pub limited: bool,
    pub hub: mpsc::Sender<Told>,
    pub pulse: signal::Receiver<Pulse>,
    pub retry: signal::Receiver<u32>,
    pub gate: Arc<Semaphore>,
    pub room: Arc<Semaphore>,
    pub state: Progress,
}

/// How far a reader has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    split: Split,
    seen: Seen,
    pen: Pen,
    block: Block,
    /// Lines are taken note of, not handed on.
    mute: bool,
    /// Something was read before.
    resumed: bool,
    /// What is read next is another instance's: its beginning is not expected to overlap.
    fresh: bool,
    /// The server ended the last stream: all that the container wrote until then was in it.
    ended: bool,
    backoff: Backoff,
    /// Since when the stream is broken, and why.
    broken: Option<(Instant, String)>,
    tries: u32,
    told: Option<Stream>,
}

/// How a reader ends.
#[derive(Debug)]
pub(super) enum End {
    Done,
    Forbidden(ClusterError),
    Failed(ClusterError),
}

enum Stop {
    Closed,
    Gone,
    Forbidden(ClusterError),
    Failed(ClusterError),
}

impl From<Closed> for Stop {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

impl Reader {
    pub(super) async fn run(mut self, under_way: Arc<Semaphore>) -> (Source, Lane, End) {
        let ended = match self.live(&under_way).await {
            Ok(()) | Err(Stop::Closed | Stop::Gone) => End::Done,
            Err(Stop::Forbidden(error)) => End::Forbidden(error),
            Err(Stop::Failed(error)) => End::Failed(error),
        };
        // What was begun is a line, even if nothing ends it.
        _ = self.finish_line(&under_way).await;
        if matches!(ended, End::Done) && self.state.broken.is_some() && self.pulse.borrow().gone {
            _ = self.say("its last lines cannot be read any more: the pod is gone", &under_way).await;
        }
        let last = match &ended {
            End::Done => Stream::Ended,
            End::Forbidden(e) => Stream::Forbidden { why: Text::from(e.said.as_str()) },
            End::Failed(e) => Stream::Broken { why: Text::from(e.said.as_str()) },
        };
        _ = self.tell(last).await;
        _ = self.hub.send(Told::End(self.source)).await;
        (self.source, self.lane, ended)
    }

    async fn live(&mut self, under_way: &Arc<Semaphore>) -> Result<(), Stop> {
        if self.wanted.previous {
            let stretch = Stretch { previous: true, ..self.limits() };
            return self.past(&stretch, None, under_way).await;
        }
        let mut instance = self.pulse.borrow().restarts;
        let mut settled = false;
        loop {
            let pulse = self.pulse.borrow_and_update().clone();
            if pulse.gone {
                return Ok(());
            }
            if pulse.restarts != instance {
                self.restarted(instance, &pulse, settled, under_way).await?;
                instance = pulse.restarts;
            }
            settled = false;
            self.tell(Stream::Reading).await?;
            self.past(&self.limits(), self.wanted.follow.then_some(instance), under_way).await?;
            self.hub(Told::Live(self.source)).await?;
            if !self.wanted.follow {
                return Ok(());
            }
            if self.pulse.borrow().restarts != instance {
                continue;
            }
            if pulse.is_over() {
                self.finish_line(under_way).await?;
                settled = true;
                self.tell(Stream::Ended).await?;
                let again = |p: &Pulse| p.gone || p.restarts != instance || matches!(p.life, Life::Running { .. });
                self.pulse.wait_for(again).await.map_err(|_| Stop::Closed)?;
                continue;
            }
            self.follow(instance, under_way).await?;
        }
    }

    /// What the caller asked for, at the beginning; afterwards all since the last line.
    fn limits(&self) -> Stretch {
        match self.state.seen.resume_from() {
            Some(since) if self.state.resumed => Stretch { since: Some(since), ..Stretch::default() },
            _ if self.limited => {
                // The last line is wanted even where no line is: it is where following begins.
                let tail = self.wanted.tail.map(|n| if self.wanted.follow { n.max(1) } else { n });
                Stretch { since_seconds: self.wanted.since, tail, ..Stretch::default() }
            }
            _ => Stretch::default(),
        }
    }

    /// Reads a stretch of the past to its end, however often that has to be begun; not further where another than this
    /// `instance` has begun meanwhile.
    async fn past(&mut self, stretch: &Stretch, instance: Option<u32>, under_way: &Arc<Semaphore>) -> Result<(), Stop> {
        let mut stretch = stretch.clone();
        loop {
            self.state.mute = !self.state.resumed && self.limited && self.wanted.follow && self.wanted.tail == Some(0);
            // A log is named by its pod's name: another pod may have it by now.
            if self.state.resumed && !self.same_pod().await? {
                return Err(Stop::Gone);
            }
            let read = self.read(&stretch, GOES_ON, under_way).await?;
            self.state.mute = false;
            match read {
                Ok(_) => {
                    self.mended(stretch.since.is_some(), under_way).await?;
                    self.state.resumed = true;
                    return Ok(());
                }
                Err(error) => {
                    self.failed(error, under_way).await?;
                    self.state.resumed |= self.state.seen.latest().is_some();
                    if self.pulse.borrow().gone {
                        return Err(Stop::Gone);
                    }
                    if instance.is_some_and(|i| i != self.pulse.borrow().restarts) {
                        return Ok(());
                    }
                    let previous = stretch.previous;
                    stretch = Stretch { previous, ..self.limits() };
                }
            }
        }
    }

    /// Follows until the stream ends, breaks, or says nothing for long.
    async fn follow(&mut self, instance: u32, under_way: &Arc<Semaphore>) -> Result<(), Stop> {
        let _room = match Arc::clone(&self.room).try_acquire_owned() {
            Ok(room) => room,
            Err(_) => {
                self.tell(Stream::Unfollowed).await?;
                let said = format!("not followed: {} containers are followed at once", super::MOST_STREAMS);
                self.say(&said, under_way).await?;
                let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| Stop::Closed)?;
                // Meanwhile much may have been written.
                drop(room);
                return Ok(());
            }
        };
        self.tell(Stream::Live).await?;
        let stretch = Stretch { follow: true, ..self.limits() };
        let stretch = if self.state.seen.latest().is_none() { Stretch { tail: None, ..stretch } } else { stretch };
        let idle = IDLE.mul_f64(0.75 + 0.5 * fastrand::f64());
        let began = Instant::now();
        let read = self.read(&stretch, idle, under_way).await?;
        self.state.ended = matches!(read, Ok(Read::Ended));
        if began.elapsed() > STEADY {
            self.state.backoff.reset();
        }
        match read {
            Ok(Read::Quiet) => Ok(()),
            Ok(Read::Ended) => {
                // Ended with its container, most likely: the watches tell, or will.
                let over = |p: &Pulse| p.is_over() || p.restarts != instance;
                match timeout(NEWS, self.pulse.wait_for(over)).await {
                    Ok(Err(_)) => Err(Stop::Closed),
                    Ok(Ok(_)) | Err(_) => Ok(()),
                }
            }
            Err(error) => self.failed(error, under_way).await,
        }
    }

    /// Between two instances: what the first one wrote at its end, as far as that can be read, and why it ended.
    async fn restarted(
        &mut self,
        from: u32,
        pulse: &Pulse,
        settled: bool,
        under_way: &Arc<Semaphore>,
    ) -> Result<(), Stop> {
        let unseen = pulse.restarts.saturating_sub(from + 1);
        if !settled || unseen > 0 {
            self.last_lines(under_way).await?;
        }
        self.state.fresh = true;
        // The present instance and the one before it can be read, and no other.
        if unseen > 1 {
            let said = format!("{} instances came and went unseen", unseen - 1);
            self.say(&said, under_way).await?;
        }
        let mut said = "restarted".to_owned();
        if let Some(end) = &pulse.ended {
            said += &format!(" ({})", ending(end));
            if let (Some(ended), Life::Running { since: Some(began) }) = (end.finished, pulse.life) {
                said += &format!(", {} gap", Age(began.since(ended)));
            }
        }
        // A node whose clock went back would make all that is new look old.
        if let (Some(latest), Life::Running { since: Some(began) }) = (self.state.seen.latest(), pulse.life)
            && (began.unix() + 2) * 1_000_000_000 < latest
        {
            self.state.seen.forget();
            self.state.resumed = false;
            self.limited = false;
        }
        self.say(&said, under_way).await?;
        Ok(())
    }

    /// What the instance before this one wrote since the last line that was read.
    async fn last_lines(&mut self, under_way: &Arc<Semaphore>) -> Result<(), Stop> {
        loop {
            if !self.same_pod().await? {
                return Err(Stop::Gone);
            }
            let stretch = Stretch { previous: true, since: self.state.seen.resume_from(), ..Stretch::default() };
            match self.read(&stretch, GOES_ON, under_way).await? {
                Ok(_) => return Ok(self.finish_line(under_way).await?),
                Err(error) if matches!(error.fault, Fault::Refused | Fault::NotFound) => {
                    return Ok(self.say(&format!("its last lines cannot be read: {}", error.said), under_way).await?);
                }
                Err(error) => self.failed(error, under_way).await?,
            }
        }
    }

    /// Whether the pod of this name is still ours. Where it may not be asked for, the watches alone tell.
    async fn same_pod(&mut self) -> Result<bool, Stop> {
        match self.cluster.pod(&self.namespace, &self.pod).await {
            Ok(Some(pod)) => Ok(pod.uid == self.uid),
            Ok(None) => Ok(false),
            Err(_) => Ok(!self.pulse.borrow().gone),
        }
    }

    /// One request. `patience` is for each piece.
    async fn read(
        &mut self,
        stretch: &Stretch,
        patience: Duration,
        under_way: &Arc<Semaphore>,
    ) -> Result<Result<Read, ClusterError>, Closed> {
        self.state.split.forget();
        self.state.seen.resume();
        let what = format!("read the log of {}", self.container);
        let path = path(&self.namespace, &self.pod, &self.container, stretch);
        let gate = match stretch.follow {
            true => None,
            false => Some(self.gate.acquire().await.map_err(|_| Closed)?),
        };
        let wait = stretch.follow.then_some(patience + REST);
        let opened = within(&mut self.pulse, patience + REST, self.cluster.pieces(&path, &what, wait)).await;
        drop(gate);
        let mut pieces = match opened {
            Some(Ok(pieces)) => pieces,
            Some(Err(error)) => return Ok(Err(error)),
            None => return Ok(Ok(Read::Quiet)),
        };
        loop {
            let piece = within(&mut self.pulse, patience, pieces.next(patience + REST)).await;
            match piece {
                Some(Ok(Some(piece))) => {
                    for part in piece.chunks(PIECE) {
                        self.write(part);
                        self.hand_on(under_way).await?;
                    }
                }
                Some(Ok(None)) => return Ok(Ok(Read::Ended)),
                Some(Err(error)) => return Ok(Err(error)),
                // Silence from a container is nothing strange, in the midst of its past it is.
                None if stretch.follow => return Ok(Ok(Read::Quiet)),
                None => return Ok(Err(ClusterError::timeout(&self.cluster.place, &what, patience))),
            }
        }
    }

    /// Lines out of raw bytes, into the block.
    fn write(&mut self, bytes: &[u8]) {
        let Progress { split, seen, pen, block, mute, .. } = &mut self.state;
        split.push(bytes, |raw, over| line(seen, pen, block, self.lane, *mute, raw, over));
    }

    /// The last line has no end and gets none.
    async fn finish_line(&mut self, under_way: &Arc<Semaphore>) -> Result<(), Closed> {
        let Progress { split, seen, pen, block, mute, .. } = &mut self.state;
        split.end(|raw, over| line(seen, pen, block, self.lane, *mute, raw, over));
        self.hand_on(under_way).await
    }

    async fn hand_on(&mut self, under_way: &Arc<Semaphore>) -> Result<(), Closed> {
        if self.state.block.is_empty() {
            return Ok(());
        }
        let permit: OwnedSemaphorePermit = Arc::clone(under_way).acquire_owned().await.map_err(|_| Closed)?;
        let block = std::mem::take(&mut self.state.block);
        self.hub(Told::Lines(self.source, block, permit)).await
    }

    /// A line of our own, after all that came so far.
    async fn say(&mut self, text: &str, under_way: &Arc<Semaphore>) -> Result<(), Closed> {
        let time = self.state.seen.latest();
        self.state.block.joint(self.lane, time, text);
        self.hand_on(under_way).await
    }

    async fn hub(&self, told: Told) -> Result<(), Closed> {
        self.hub.send(told).await.map_err(|_| Closed)
    }

    async fn tell(&mut self, stream: Stream) -> Result<(), Closed> {
        if self.state.told.as_ref() == Some(&stream) {
            return Ok(());
        }
        self.state.told = Some(stream.clone());
        self.hub(Told::Stream(self.lane, stream)).await
    }

    /// A failure is shown in its place, once, and tried again; what only a person can mend ends the stream.
    async fn failed(&mut self, error: ClusterError, under_way: &Arc<Semaphore>) -> Result<(), Stop> {
        match error.fault {
            Fault::Forbidden | Fault::Unauthorized => return Err(Stop::Forbidden(error)),
            Fault::NotFound if self.pulse.borrow().gone => return Err(Stop::Gone),
            _ => {}
        }
        self.state.tries += 1;
        if !self.wanted.follow && (self.state.tries >= TRIES || !may_pass(&error)) {
            return Err(Stop::Failed(error));
        }
        let since = self.state.broken.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        if self.state.broken.as_ref().is_none_or(|(_, said)| *said != error.said) {
            self.say(&format!("{}; trying again", error.said), under_way).await?;
            self.tell(Stream::Broken { why: Text::from(error.said.as_str()) }).await?;
        }
        self.state.broken = Some((since, error.said.clone()));
        let wait = self.state.backoff.after_failure(error.retry_after);
        tokio::select! {
            () = sleep(wait) => {}
            // A container that could not be read because it had not begun may have.
            changed = self.pulse.changed(), if error.fault == Fault::Refused || error.fault == Fault::NotFound => {
                changed.map_err(|_| Stop::Closed)?;
            }
            asked = self.retry.changed() => {
                asked.map_err(|_| Stop::Closed)?;
                self.state.backoff.reset();
            }
        }
        Ok(())
    }

    /// The stream is whole again; says whether anything may be missing.
    async fn mended(&mut self, resumed: bool, under_way: &Arc<Semaphore>) -> Result<(), Closed> {
        self.state.tries = 0;
        let broken = self.state.broken.take();
        let fresh = std::mem::take(&mut self.state.fresh);
        let ended = std::mem::take(&mut self.state.ended);
        let whole = match self.state.seen.joined() {
            _ if !resumed || fresh || self.state.seen.latest().is_none() => true,
            // Nothing came at all: with its container a kubelet removes the log, too, whose end was read.
            None => ended,
            Some(joined) => joined,
        };
        let missing = "lines may be missing: the log no longer holds the last one that was read";
        match (broken, whole) {
            (Some((since, _)), whole) => {
                let seconds = u32::try_from(since.elapsed().as_secs()).unwrap_or(u32::MAX);
                let lost = if whole { "nothing was lost" } else { missing };
                self.say(&format!("back after {}, {lost}", Age(seconds)), under_way).await
            }
            (None, false) => self.say(missing, under_way).await,
            (None, true) => Ok(()),
        }
    }
}

enum Read {
    Ended,
    /// Nothing came for long.
    Quiet,
}

fn line(seen: &mut Seen, pen: &mut Pen, block: &mut Block, lane: Lane, mute: bool, raw: &[u8], over: u64) {
    let (time, text) = match stamp::parse(raw) {
        Some((time, at)) => (Some(time), &raw[at..]),
        None => (None, raw),
    };
    if seen.is_new(time, text) && !mute {
        block.write(pen, lane, time, text, over);
    }
}

/// Whether trying again may help; what reads the past only does not wait for a container to begin.
fn may_pass(error: &ClusterError) -> bool {
    !matches!(error.fault, Fault::Refused | Fault::NotFound | Fault::Config | Fault::Gone)
}

/// Waits for an answer at most so long, and not much longer than its container lives; `None`: none came.
async fn within<T>(
    pulse: &mut signal::Receiver<Pulse>,
    patience: Duration,
    answer: impl Future<Output = Result<T, ClusterError>>,
) -> Option<Result<T, ClusterError>> {
    let mut deadline = Instant::now() + patience;
    tokio::pin!(answer);
    let mut watched = true;
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return Some(answer),
            changed = pulse.changed(), if watched => {
                watched = changed.is_ok();
                if !watched || pulse.borrow().is_over() {
                    deadline = deadline.min(Instant::now() + REST);
                }
            }
            () = sleep_until(deadline) => return None,
        }
    }
}
