//! Fifty thousand lines a second from twenty containers, followed and drawn as the console does it.

use std::time::{Duration, Instant};

use fleetdeck::cluster::logs::{Kind, Lane, News};

use super::{Watched, page};
use crate::measure::Table;

const TENANTS: usize = 20;
/// The streams have begun by then.
const WARM: Duration = Duration::from_secs(3);
const LOOKED_AT: Duration = Duration::from_secs(20);
/// Frames that only data asks for.
const FRAME: Duration = Duration::from_millis(100);

pub async fn measure(table: &mut Table, watched: &mut Watched) {
    let mut still = page(watched);
    let mut tail = watched.tail("gateway", TENANTS, Some(1), true);
    let mut account = Account::default();
    let mut frames = Vec::new();
    let mut drawn = Instant::now();
    let (start, epoch) = (Instant::now(), nanos());
    while start.elapsed() < WARM + LOOKED_AT {
        let news = tokio::time::timeout(FRAME, tail.news.recv()).await;
        if let Ok(Some(news)) = news {
            if let News::Lines(block) = &news
                && start.elapsed() > WARM
            {
                let now = epoch + i64::try_from(start.elapsed().as_nanos()).expect("a short while");
                for line in block.lines().iter().filter(|l| l.kind == Kind::Log) {
                    account.take(line.lane, line.time, block.text(line), now);
                }
            }
            still.hear(news);
        }
        if drawn.elapsed() >= FRAME {
            drawn = Instant::now();
            still.draw_settled();
            frames.push(drawn.elapsed());
        }
    }
    let seconds = LOOKED_AT.as_secs_f64();
    let lag = account.lag();
    table.row(
        "50,000 lines/s followed",
        format!("lag p99 {:.0} ms, most {:.0} ms", lag(0.99), lag(1.0)),
        format!(
            "over the quickest line; {:.0} lines/s of {} containers for {seconds:.0} s, {} lost, {} doubled; median {:.0} ms; budget 1,000 ms",
            account.lines as f64 / seconds,
            account.last.len(),
            account.lost,
            account.doubled,
            lag(0.5),
        ),
    );
    frames.sort_unstable();
    let of = |share: f64| frames[((frames.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    table.row(
        "  frame meanwhile",
        format!("p99 {:.2} ms", of(0.99)),
        format!("{} frames of 200x60, median {:.2} ms; budget 2 ms", frames.len(), of(0.5)),
    );
}

fn nanos() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later than 1970");
    i64::try_from(now.as_nanos()).expect("it is earlier than 2262")
}

/// What came, and how late.
#[derive(Default)]
struct Account {
    lines: u64,
    lost: u64,
    doubled: u64,
    last: std::collections::BTreeMap<Lane, u64>,
    /// Nanoseconds between a line's time and its coming, of every hundredth line.
    late: Vec<i64>,
}

impl Account {
    fn take(&mut self, lane: Lane, time: Option<i64>, text: &[u8], now: i64) {
        self.lines += 1;
        let number =
            std::str::from_utf8(text).ok().and_then(|t| t.split(" tick ").nth(1)?.split(' ').next()?.parse().ok());
        if let Some(number) = number {
            match self.last.insert(lane, number) {
                Some(last) if number <= last => self.doubled += 1,
                Some(last) => self.lost += number - last - 1,
                None => {}
            }
        }
        if self.lines.is_multiple_of(100)
            && let Some(time) = time
        {
            self.late.push(now - time);
        }
    }

    /// Milliseconds at a share of all lines, over the quickest of them: the simulator's clock is not this machine's.
    fn lag(&mut self) -> impl Fn(f64) -> f64 + use<> {
        self.late.sort_unstable();
        let quickest = self.late.first().copied().unwrap_or_default();
        let late: Vec<_> = self.late.iter().map(|late| late - quickest).collect();
        move |share| late.get(((late.len().max(1) - 1) as f64 * share) as usize).map_or(f64::NAN, |n| *n as f64 / 1e6)
    }
}
