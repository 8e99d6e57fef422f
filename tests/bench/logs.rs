//! `cargo bench -- logs`: what a tail costs. The lines come from the simulator in another process, over HTTP, and go the way
//! that they go in the console: read, split, cleaned, masked, put in order, kept, filtered, drawn.

mod beside;
mod flood;
mod lines;
mod watched;

use std::{hint::black_box, time::Instant};

use fleetdeck::{
    cluster::logs::{Filter, News, Pattern, Ring, Shown},
    tui::{ContextInfo, Still},
};

use crate::{
    fleet::NOW,
    measure::{Table, best, resident},
    scale::{lists::runtime, world::World},
};

use self::{lines::Feeder, watched::Watched};

/// Lines that are read over HTTP, and lines in all.
const MILLION: u64 = 1_000_000;
/// That they come from.
const CONTAINERS: usize = 20;

pub fn run() {
    let mut table = Table;
    let world = World::new(20, "tests/bench/logs.toml");
    let first = runtime().block_on(async {
        let mut watched = Watched::of(world.kubeconfig()).await;
        memory(&mut table, &mut watched).await;
        flood::measure(&mut table, &mut watched).await;
        watched.targets[0].clone()
    });
    filtering(&mut table);
    beside::measure(&mut table, &world, &first);
}

fn page(watched: &Watched) -> Still {
    let fleet = fleetdeck::index::Fleet::default();
    let mut still = Still::new(fleet, ContextInfo::default(), NOW(), (200, 60)).expect("the built-in themes");
    still.open_logs(watched.targets.clone());
    still
}

/// A million lines over HTTP into the ring of the page, then nine million more: what the process holds after each.
async fn memory(table: &mut Table, watched: &mut Watched) {
    let mut still = page(watched);
    // Its own texts and what its readers hold are there before the process is measured: no tail has two sets of readers.
    let mut feeder = Feeder::default();
    feeder.feed(MILLION / 10, drop);
    let start = Instant::now();
    // From all of them, as those that follow: a container that is heard of for the first time costs memory of its own.
    let mut tail = watched.tail("browser", CONTAINERS, Some(MILLION / CONTAINERS as u64), false);
    let mut lines = 0;
    while let Some(news) = tail.news.recv().await {
        if let News::Lines(block) = &news {
            lines += block.len() as u64;
        }
        let done = matches!(news, News::Done);
        still.hear(news);
        if done {
            break;
        }
    }
    let took = start.elapsed().as_secs_f64();
    assert!(lines >= MILLION, "only {lines} lines came");
    drop(tail);
    let after_one = resident();
    table.row(
        "read over HTTP",
        format!("{:.0} lines/s", lines as f64 / took),
        format!(
            "{lines} lines of {CONTAINERS} containers, split, cleaned, masked, kept; resident {:.1} MiB then",
            mib(after_one)
        ),
    );
    // The ring is full by now, and what the connections needed is given back.
    feeder.feed(MILLION, |block| still.hear(News::Lines(block)));
    let after_two = resident();
    let start = Instant::now();
    let fed = feeder.feed(8 * MILLION, |block| still.hear(News::Lines(block)));
    let took = start.elapsed().as_secs_f64();
    let after_ten = resident();
    table.row(
        "split, clean, mask, keep",
        format!("{:.2} million lines/s", fed as f64 / took / 1e6),
        format!(
            "{:.0} MB/s of {} bytes a line, 20 containers, one line in 50 with a secret",
            feeder.bytes as f64 / took / 1e6,
            feeder.bytes / fed
        ),
    );
    table.row(
        "resident, 10 million lines",
        format!("{:+.2} MiB", mib(after_ten) - mib(after_one)),
        format!(
            "{:.1} MiB against {:.1} after 1 million, {:.1} after 2; budget 1 MiB more",
            mib(after_ten),
            mib(after_one),
            mib(after_two)
        ),
    );
    frames(table, &mut still);
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Frames over a full ring, following, searching, wrapped.
fn frames(table: &mut Table, still: &mut Still) {
    let plain = best(|| still.draw_settled());
    still.press("/p95\r");
    still.press("w");
    let rich = best(|| still.draw_settled());
    table.row(
        "frame over a full ring",
        format!("{:.2} ms", plain.as_secs_f64() * 1e3),
        format!("200x60; {:.2} ms with all matches marked and lines wrapped; budget 2 ms", rich.as_secs_f64() * 1e3),
    );
}

/// Another filter over all that is kept.
fn filtering(table: &mut Table) {
    let mut ring = Ring::new(32 << 20);
    let mut feeder = Feeder::default();
    feeder.feed(MILLION, |block| {
        ring.push(&block);
    });
    let mut shown = Shown::default();
    let mut of = |words: &str| {
        let filter = Filter { only: Some(Pattern::new(words).expect("a pattern")), ..Filter::default() };
        let took = best(|| {
            shown.set(filter.clone(), &ring);
            black_box(shown.len(&ring));
        });
        (took.as_secs_f64() * 1e3, shown.len(&ring))
    };
    let ((word, found), (expression, _), (all, _)) = (of("error"), of(r"tick \d+7 .*p95=[5-9]\dms$"), of("e"));
    let kept = ring.len();
    table.row(
        "filter over a full ring",
        format!("{:.1} ms", word.max(expression).max(all)),
        format!(
            "{kept} lines, {:.1} MiB; \"error\" {word:.1} ms ({found} lines), an expression {expression:.1} ms, \"e\" {all:.1} ms; budget 50 ms",
            mib(ring.used() as u64)
        ),
    );
}
