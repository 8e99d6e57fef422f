//! `cargo bench`: the budgets of the index and of a frame, each beside a yardstick measured in the same run, since the
//! machine's own speed says nothing. Prints figures; asserts nothing. `cargo bench -- scale` runs the scale harness,
//! `cargo bench -- logs` the tail, `cargo bench -- rollout` plans and runs.

mod fleet;
mod logs;
mod measure;
mod rollout;
mod scale;
mod story;

use std::hint::black_box;

use fleetdeck::{
    diagnose::{Board, Tiers},
    index::{
        Fleet, History, PastBoot, Query,
        history::{Stats, WINDOW},
    },
    manifest::Base,
    tui::{ContextInfo, Still},
};
use serde::de::IgnoredAny;

use self::{
    fleet::{NOW, TENANTS, Texts, fill},
    measure::{Heap, OVERHEAD, Table, best, resident},
};

fn main() {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    match args.next().as_deref() {
        None => small(),
        Some("scale") => {
            let sizes: Result<Vec<usize>, _> = args.map(|a| a.parse()).collect();
            match sizes.as_deref() {
                // Another cluster is named: its lists are what is asked about.
                Ok([]) if std::env::var_os("FLEETDECK_BENCH_KUBECONFIG").is_some() => scale::run(&[]),
                Ok([]) => scale::run(&[1_000, 10_000]),
                Ok(sizes) => scale::run(sizes),
                Err(_) => usage(),
            }
        }
        Some("logs") => logs::run(),
        Some("rollout") => match args.next().map(|a| a.parse()) {
            None => rollout::run(1_000),
            Some(Ok(tenants)) => rollout::run(tenants),
            Some(Err(_)) => usage(),
        },
        Some(_) => usage(),
    }
}

fn usage() {
    eprintln!("usage: cargo bench [-- logs | rollout [TENANTS] | scale [TENANTS]...]");
    std::process::exit(2);
}

fn small() {
    let mut table = Table;
    let texts = Texts::default();

    let (heap, before) = (Heap::now(), resident());
    let fleet = fill(&texts, TENANTS);
    let held = heap.grown();
    let grown = resident().saturating_sub(before) / TENANTS as u64;
    assert_eq!(fleet.len(), TENANTS);
    table.row(
        "index memory",
        format!("{} bytes a tenant", held.bytes / TENANTS),
        format!(
            "budget 2,048; in {:.1} blocks, {OVERHEAD} bytes for each included; beside what reading left, the process grew by {grown}",
            held.blocks as f64 / TENANTS as f64
        ),
    );

    reading(&mut table, &texts);
    filtering(&mut table, &fleet);
    learning(&mut table, &fleet);
    diagnosing(&mut table, &fleet);
    applying(&mut table, &texts);
    drawing(&mut table, fleet);
    let took = story::boot();
    table.row(
        "create, boot, ready",
        format!("{:.1} ms", took.real.as_secs_f64() * 1e3),
        format!("{} s on the paused clock; budget 50 ms", took.simulated),
    );
}

/// A page of 100 pods into facets, against merely finding the end of the same JSON.
fn reading(table: &mut Table, texts: &Texts) {
    let page = texts.pod_page(100);
    let megabytes = page.len() as f64 / 1e6;
    let floor = best(|| {
        black_box(serde_json::from_str::<IgnoredAny>(&page).expect("the page is JSON"));
    });
    let facets = best(|| {
        black_box(fleet::read_pods(&page));
    });
    let note = format!(
        "{:.0} MB/s; {:.2} x skipping the same bytes",
        megabytes / facets.as_secs_f64(),
        facets.as_secs_f64() / floor.as_secs_f64()
    );
    table.row("read 100 pods", format!("{:.2} ms", facets.as_secs_f64() * 1e3), note);
}

fn filtering(table: &mut Table, fleet: &Fleet) {
    let query = Query::parse("phase:!ready image:2026 t00").expect("a filter");
    let took = best(|| {
        black_box(fleet.iter().filter(|e| query.matches(e, NOW())).count());
    });
    table.row("filter 10,000 tenants", format!("{:.2} ms", took.as_secs_f64() * 1e3), "three terms");
}

/// The boots of a whole fleet, as at its first lists; and the figures of one kind made anew, as after each boot.
fn learning(table: &mut Table, fleet: &Fleet) {
    let learn = || {
        let mut history = History::default();
        history.merge(fleet.iter().filter_map(|e| PastBoot::of(&e.tenant)));
        history
    };
    let all = best(|| {
        black_box(learn().len());
    });
    let history = learn();
    let latest: Vec<_> = history.boots().rev().take(WINDOW).collect();
    assert_eq!(latest.len(), WINDOW);
    let figures = best(|| {
        black_box(Stats::of(latest.iter().map(|b| &***b), latest[0].kind.laps()));
    });
    table.row("learn 10,000 boots", format!("{:.2} ms", all.as_secs_f64() * 1e3), "the latest 2,048 stay");
    table.row("figures of 128 boots", format!("{:.3} ms", figures.as_secs_f64() * 1e3), "18 laps, sorted anew");
}

/// Everybody from scratch, and one tenant again.
fn diagnosing(table: &mut Table, fleet: &Fleet) {
    let tiers = Base::embedded().map(|base| Tiers::of(&base)).expect("the built-in manifests");
    let mut board = Board::new(tiers);
    let all = best(|| board.update_all(fleet, NOW()));
    let found: usize = board.iter().map(|(_, findings)| findings.len()).sum();
    let note = format!("{found} findings; budget 50 ms");
    table.row("diagnose 10,000 tenants", format!("{:.2} ms", all.as_secs_f64() * 1e3), note);
    let one = fleet.iter().next().map(|e| e.tenant.namespace_name.clone()).expect("a tenant");
    let took = best(|| (0..1_000).for_each(|_| board.update(fleet, [&one], NOW())));
    table.row("diagnose one tenant", format!("{:.2} us", took.as_secs_f64() * 1e3), "budget 20 us");
}

fn applying(table: &mut Table, texts: &Texts) {
    let mut fleet = fill(texts, 1_000);
    // Two versions of each pod, in turns, so that every one of them is a change.
    let bodies = [1, 2].map(|restarts| (0..1_000).map(|n| texts.pod(n, restarts)).collect::<Vec<_>>());
    let mut turn = 0;
    let took = best(|| {
        turn += 1;
        for body in &bodies[turn % 2] {
            assert_eq!(fleet.apply(fleet::upsert(body), NOW()).len(), 1);
        }
    });
    table.row(
        "apply 1,000 changed pods",
        format!("{:.2} ms", took.as_secs_f64() * 1e3),
        "parsed, interned, judged anew",
    );
}

/// A frame of 200x60 over the whole fleet: after a key, and after news that put the rows in another order.
fn drawing(table: &mut Table, fleet: Fleet) {
    let mut still = Still::new(fleet, ContextInfo::default(), NOW(), (200, 60)).expect("the built-in themes");
    let key = best(|| still.draw());
    assert!(still.text().contains("10000 tenants"), "{}", still.text());
    let news = best(|| still.draw_after_news(100));
    let anew = best(|| still.draw_anew());
    table.row("frame after a key", format!("{:.2} ms", key.as_secs_f64() * 1e3), "200x60, 10,000 tenants; budget 2 ms");
    let note = "100 tenants changed; data is drawn at most 10 times a second";
    table.row("frame after news", format!("{:.2} ms", news.as_secs_f64() * 1e3), note);
    table.row("frame after a new order", format!("{:.2} ms", anew.as_secs_f64() * 1e3), "filtered and sorted anew");
}
