//! `fleetdeck ls`.

use std::{collections::BTreeMap, time::Duration};

use super::{
    args::{ListFormat, Ls},
    failure::Failure,
    follow::Follow,
    json::{API_VERSION, Change, Item, Source, TenantList},
    open,
    print::Out,
    prometheus,
    table::{self, Table},
};
use crate::{
    cluster::Prompt,
    config::Config,
    diagnose::{self, Facts},
    fleet::{Age, At, ImageRef, Phase, Text},
    index::{Entry, Fleet, Query},
};

pub(super) async fn run(config: &Config, args: Ls) -> Result<(), Failure> {
    if args.watch && args.output == ListFormat::Json {
        return Err(Failure::Usage("--watch has no end, and JSON needs one: use -o jsonl".to_owned()));
    }
    let choice = Choice::new(&args)?;
    let (cluster, scope) = open(config, Prompt::May).await?;
    let store = prometheus(config, &cluster);
    let mut follow = Follow::start(cluster, scope);
    follow.store = store;
    follow.settle().await?;
    if matches!(args.output, ListFormat::Json | ListFormat::Jsonl) {
        follow.remember().await;
    }
    if args.output == ListFormat::Wide {
        follow.measure(Duration::from_secs(5)).await;
    }
    let mut out = Out::new();
    match args.output {
        ListFormat::Table | ListFormat::Wide => {
            let wide = args.output == ListFormat::Wide;
            let widths = print_table(&mut out, &follow, &choice, wide)?;
            if args.watch {
                watch_table(&mut out, &mut follow, &choice, wide, &widths).await?;
            }
            Ok(())
        }
        ListFormat::Json => {
            let now = follow.now();
            let list = TenantList {
                api_version: API_VERSION,
                kind: "TenantList",
                sources: Source::all(follow.fleet.sources()),
                items: choice.of(&follow, now).map(|e| Item::of(e, follow.fleet.history(), now)).collect(),
            };
            out.json(&list)?;
            out.flush()
        }
        ListFormat::Jsonl if args.watch => watch_lines(&mut out, &mut follow, &choice).await,
        ListFormat::Jsonl => {
            let now = follow.now();
            for entry in choice.of(&follow, now) {
                out.json_line(&Item::of(entry, follow.fleet.history(), now))?;
            }
            out.flush()
        }
    }
}

/// Which tenants are wanted.
struct Choice {
    phases: Vec<&'static str>,
    tier: Option<String>,
    filter: Query,
}

impl Choice {
    fn new(args: &Ls) -> Result<Self, Failure> {
        let filter =
            Query::parse(args.filter.as_deref().unwrap_or("")).map_err(|e| Failure::Usage(format!("--filter: {e}")))?;
        Ok(Self { phases: args.phase.clone(), tier: args.tier.clone(), filter })
    }

    fn takes(&self, entry: &Entry, now: At) -> bool {
        (self.phases.is_empty() || self.phases.contains(&entry.verdict.phase.word()))
            && self.tier.as_deref().is_none_or(|wanted| {
                entry.tenant.tier.as_ref().is_some_and(|t| t.as_str().eq_ignore_ascii_case(wanted))
            })
            && self.filter.matches(entry, now)
    }

    fn of<'a>(&'a self, follow: &'a Follow, now: At) -> impl Iterator<Item = &'a Entry> {
        follow.fleet.iter().filter(move |e| self.takes(e, now))
    }
}

const HEAD: [&str; 7] = ["TENANT", "PHASE", "SINCE", "TIER", "IMAGE", "RESTARTS", "WHY"];
const WIDE: [&str; 14] = [
    "TENANT",
    "NAMESPACE",
    "PHASE",
    "SINCE",
    "TIER",
    "IMAGE",
    "RESTARTS",
    "HOST",
    "OWNER",
    "NODE",
    "IP",
    "MEMORY",
    "DISK",
    "WHY",
];

fn print_table(out: &mut Out, follow: &Follow, choice: &Choice, wide: bool) -> Result<Vec<usize>, Failure> {
    let now = follow.now();
    let mut table = Table::new(if wide { &WIDE[..] } else { &HEAD[..] });
    let mut count = 0;
    for entry in choice.of(follow, now) {
        table.row(cells(entry, wide, worst(entry, &follow.fleet, now), now));
        count += 1;
    }
    if count == 0 {
        let of = follow.fleet.len();
        super::print::note(&match of {
            0 => format!("no tenants: nothing in {} carries the label {}", follow.cluster().context(), follow.label()),
            _ => format!("none of {of} tenants passes the filter"),
        });
    }
    let widths = table.widths();
    if count > 0 {
        for line in table.lines(out.width) {
            out.line(&line)?;
        }
    }
    out.flush()?;
    Ok(widths)
}

fn cells(entry: &Entry, wide: bool, why: String, now: At) -> Vec<String> {
    let tenant = &entry.tenant;
    let text = |t: Option<&str>| t.map_or_else(|| "-".to_owned(), str::to_owned);
    let phase = match &entry.verdict.phase {
        Phase::Booting { index, total, stage } => format!("Booting {index}/{total} {stage}"),
        other => other.word().to_owned(),
    };
    let since = entry.verdict.since.or(entry.changed).map(|at| Age(now.since(at)).to_string());
    let image = match (tenant.wanted_image(), tenant.running_image()) {
        (Some(wanted), Some(running)) if wanted.short() != running.short() => {
            format!("{}->{}", running.short(), wanted.short())
        }
        (Some(image), _) => image.short().to_owned(),
        (None, _) => "-".to_owned(),
    };
    let tier = text(tenant.tier.as_ref().map(crate::fleet::Tier::as_str));
    let pod = tenant.pod();
    let restarts = text(pod.map(|p| p.restarts().to_string()).as_deref());
    let mut row = vec![tenant.id.to_string()];
    if wide {
        row.push(tenant.namespace_name.to_string());
    }
    row.extend([phase, text(since.as_deref()), tier, image, restarts]);
    if wide {
        let namespace = tenant.namespace.as_ref();
        row.push(text(namespace.and_then(|n| n.host.as_deref())));
        row.push(text(namespace.and_then(|n| n.owner.as_deref())));
        row.push(text(pod.and_then(|p| p.node.as_deref())));
        row.push(text(pod.and_then(|p| p.ip).map(|ip| ip.to_string()).as_deref()));
        row.push(text(tenant.usage.map(|u| u.memory.bytes().to_string()).as_deref()));
        row.push(text(tenant.fullest().map(|(_, percent)| format!("{percent}%")).as_deref()));
    }
    row.push(why);
    row
}

/// What is worst about the tenant, by what is watched; `doctor` reads the rest.
fn worst(entry: &Entry, fleet: &Fleet, now: At) -> String {
    let findings = diagnose::tenant(&Facts::of(entry, fleet), now).findings;
    let worst = diagnose::headline(&findings).filter(|_| !entry.verdict.phase.in_progress());
    worst.map_or_else(|| entry.verdict.why.to_string(), |f| f.sentence.clone())
}

/// One more row whenever what a row says has changed, its age aside.
async fn watch_table(
    out: &mut Out,
    follow: &mut Follow,
    choice: &Choice,
    wide: bool,
    widths: &[usize],
) -> Result<(), Failure> {
    let since = if wide { 3 } else { 2 };
    let without_age = |mut row: Vec<String>| {
        row[since].clear();
        row
    };
    // A finding's sentence may tell an age: in a watch each look would make another row.
    let cells = |entry: &Entry, now: At| cells(entry, wide, entry.verdict.why.to_string(), now);
    let now = follow.now();
    let mut last: BTreeMap<Text, Vec<String>> =
        choice.of(follow, now).map(|e| (e.tenant.namespace_name.clone(), without_age(cells(e, now)))).collect();
    loop {
        let touched = follow.changed().await?;
        let now = follow.now();
        for name in touched {
            match follow.fleet.get(&name).filter(|e| choice.takes(e, now)) {
                Some(entry) => {
                    let row = cells(entry, now);
                    let key = without_age(row.clone());
                    if last.get(&name) != Some(&key) {
                        out.line(&table::line(&row, widths, out.width))?;
                        last.insert(name, key);
                    }
                }
                None => {
                    if let Some(mut row) = last.remove(&name) {
                        let gone = follow.fleet.get(&name).is_none();
                        row[since - 1] = if gone { "(gone)" } else { "(passes the filter no more)" }.to_owned();
                        out.line(&table::line(&row, widths, out.width))?;
                    }
                }
            }
        }
        out.flush()?;
    }
}

async fn watch_lines(out: &mut Out, follow: &mut Follow, choice: &Choice) -> Result<(), Failure> {
    let mut last: BTreeMap<Text, Item> = BTreeMap::new();
    let now = follow.now();
    for entry in choice.of(follow, now) {
        let item = Item::of(entry, follow.fleet.history(), now);
        out.json_line(&Change::new("ADDED", now, &item))?;
        last.insert(entry.tenant.namespace_name.clone(), item);
    }
    out.flush()?;
    loop {
        let touched = follow.changed().await?;
        let now = follow.now();
        for name in touched {
            let item = |e| Item::of(e, follow.fleet.history(), now);
            match follow.fleet.get(&name).filter(|e| choice.takes(e, now)).map(item) {
                Some(item) => match last.get(&name) {
                    // What is left grows less by itself: that is no change.
                    Some(before) if *before == Item { eta_seconds: before.eta_seconds, ..item.clone() } => {}
                    before => {
                        let verb = if before.is_some() { "MODIFIED" } else { "ADDED" };
                        out.json_line(&Change::new(verb, now, &item))?;
                        last.insert(name, item);
                    }
                },
                None => {
                    if let Some(item) = last.remove(&name) {
                        out.json_line(&Change::new("DELETED", now, &item))?;
                    }
                }
            }
        }
        out.flush()?;
    }
}

/// For the text pages: an image as people call it.
pub(super) fn short(image: &str) -> &str {
    ImageRef::parse(image).short()
}
