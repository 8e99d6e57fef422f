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
                items: choice.of(&follow, now).map(|e| item(e, &follow.fleet, now)).collect(),
            };
            out.json(&list)?;
            out.flush()
        }
        ListFormat::Jsonl if args.watch => watch_lines(&mut out, &mut follow, &choice).await,
        ListFormat::Jsonl => {
            let now = follow.now();
            for entry in choice.of(&follow, now) {
                out.json_line(&item(entry, &follow.fleet, now))?;
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
            && self.takes_but_for_phase(entry, now)
    }

    fn takes_but_for_phase(&self, entry: &Entry, now: At) -> bool {
        self.tier
            .as_deref()
            .is_none_or(|wanted| entry.tenant.tier.as_ref().is_some_and(|t| t.as_str().eq_ignore_ascii_case(wanted)))
            && self.filter.matches(entry, now)
    }

    /// Who asks for the failing ones wants to know who is down: those whom their phase calls on their way are named.
    fn others_down(&self, fleet: &Fleet, now: At) -> Option<String> {
        const NAMED: usize = 4;
        if !self.phases.contains(&Phase::Failing.word()) {
            return None;
        }
        let down = |e: &&Entry| {
            !self.takes(e, now) && self.takes_but_for_phase(e, now) && found(e, fleet, now).kept_down.is_some()
        };
        let down: Vec<_> = fleet.iter().filter(down).map(|e| &*e.tenant.id).collect();
        let more = if down.len() > NAMED { ", ..." } else { "" };
        let named = down.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let (are, phases) = if down.len() == 1 {
            ("tenant is", "its phase says it is")
        } else {
            ("tenants are", "their phases say they are")
        };
        (!down.is_empty()).then(|| {
            format!(
                "{} more {are} kept down by a critical finding, though {phases} on the way: {named}{more}",
                down.len()
            )
        })
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
        let found = found(entry, &follow.fleet, now);
        table.row(cells(entry, wide, found.kept_down.is_some(), found.worst, now));
        count += 1;
    }
    if count == 0 {
        let of = follow.fleet.len();
        super::print::note(&match of {
            0 => super::doctor::nobody(follow),
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
    if let Some(note) = choice.others_down(&follow.fleet, now) {
        super::print::note(&note);
    }
    Ok(widths)
}

fn cells(entry: &Entry, wide: bool, kept_down: bool, why: String, now: At) -> Vec<String> {
    let tenant = &entry.tenant;
    let text = |t: Option<&str>| t.map_or_else(|| "-".to_owned(), str::to_owned);
    let phase = match &entry.verdict.phase {
        Phase::Booting { index, total, stage } => format!("Booting {index}/{total} {stage}"),
        other => other.word().to_owned(),
    };
    let phase = if kept_down { format!("{phase}, down") } else { phase };
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
        row.push(text(tenant.usage.map(|u| u.memory().bytes().to_string()).as_deref()));
        row.push(text(tenant.fullest().map(|(_, percent)| format!("{percent}%")).as_deref()));
    }
    row.push(why);
    row
}

/// What the findings add to a row, by what is watched; `doctor` reads the rest.
struct FoundOf {
    /// What is worst about the tenant, in a sentence.
    worst: String,
    /// What keeps it down though its phase says that it is on its way: what such a thing is called.
    kept_down: Option<&'static str>,
}

fn found(entry: &Entry, fleet: &Fleet, now: At) -> FoundOf {
    let findings = diagnose::tenant(&Facts::of(entry, fleet), now).findings;
    let phase = &entry.verdict.phase;
    let kept_down = diagnose::kept_down(phase, &findings);
    // Of whoever is on their way the phase tells more than what is only amiss.
    let worst = kept_down.or_else(|| diagnose::headline(&findings).filter(|_| !phase.in_progress()));
    FoundOf {
        worst: worst.map_or_else(|| entry.verdict.why.to_string(), |f| f.sentence.clone()),
        kept_down: kept_down.map(|f| f.code.title()),
    }
}

fn item(entry: &Entry, fleet: &Fleet, now: At) -> Item {
    let findings = diagnose::tenant(&Facts::of(entry, fleet), now).findings;
    Item::of(entry, &findings, fleet.history(), now)
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
    let cells = |entry: &Entry, fleet: &Fleet, now: At| {
        let kept_down = found(entry, fleet, now).kept_down;
        let why = kept_down.map_or_else(|| entry.verdict.why.to_string(), str::to_owned);
        cells(entry, wide, kept_down.is_some(), why, now)
    };
    let now = follow.now();
    let first = |e: &Entry| (e.tenant.namespace_name.clone(), without_age(cells(e, &follow.fleet, now)));
    let mut last: BTreeMap<Text, Vec<String>> = choice.of(follow, now).map(first).collect();
    loop {
        let touched = follow.changed().await?;
        let now = follow.now();
        for name in touched {
            match follow.fleet.get(&name).filter(|e| choice.takes(e, now)) {
                Some(entry) => {
                    let row = cells(entry, &follow.fleet, now);
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
        let item = item(entry, &follow.fleet, now);
        out.json_line(&Change::new("ADDED", now, &item))?;
        last.insert(entry.tenant.namespace_name.clone(), item);
    }
    out.flush()?;
    loop {
        let touched = follow.changed().await?;
        let now = follow.now();
        for name in touched {
            let item = |e| item(e, &follow.fleet, now);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fleet::{Tenant, Warning, fixture::*},
        index::{Delta, Facet, Key, Part},
    };

    /// Two that boot; of the second the kubelet says that its Secret is not there.
    fn fleet(now: At) -> Fleet {
        let mut fleet = Fleet::default();
        for (n, id) in [(1, "well"), (2, "keyless")] {
            let mut pod = booting(0);
            pod.stages[0].state = waiting("PodInitializing");
            pod.uid = uid(n);
            let Tenant { namespace_name, pods, .. } = tenant(id, Some(pod));
            let message = text("MountVolume.SetUp failed for volume \"x\" : secret \"x\" not found");
            let warning = Warning {
                uid: uid(n + 10),
                object_uid: Some(uid(n)),
                last: Some(at(270)),
                reason: text("FailedMount"),
                kind: text("Pod"),
                message,
                ..refusal(60)
            };
            let warning = (n == 2).then(|| (uid(12), Part::Warning(warning)));
            for (uid, part) in [(uid(n), Part::Pod(pods[0].clone()))].into_iter().chain(warning) {
                let key = Key { namespace: namespace_name.clone(), uid };
                let facet = Facet { key, tenant: Some(text(id)), tier: None, part };
                fleet.apply(Delta::Upsert(Box::new(facet)), now);
            }
        }
        fleet
    }

    #[test]
    fn whoever_is_kept_down_is_told_apart_from_whoever_boots() {
        let now = at(280);
        let fleet = fleet(now);
        let row = |id: &str| {
            let entry = fleet.get(&format!("tenant-{id}")).unwrap();
            let found = found(entry, &fleet, now);
            let cells = cells(entry, false, found.kept_down.is_some(), found.worst, now);
            (cells[1].clone(), cells[6].clone(), item(entry, &fleet, now).kept_down_by)
        };
        let booting = "Booting 1/7 seed-app";
        assert_eq!(row("well"), (booting.to_owned(), "volumes, image and sandbox".to_owned(), None));
        let (phase, why, by) = row("keyless");
        assert_eq!((phase, by), (format!("{booting}, down"), Some("config-missing")));
        assert!(why.contains("secret") || why.contains("Secret"), "{why}");
    }

    #[test]
    fn who_asks_for_the_failing_ones_hears_of_those_that_are_down_otherwise() {
        let now = at(280);
        let choice = |phases: &[&'static str]| Choice { phases: phases.to_vec(), tier: None, filter: Query::default() };
        let fleet = fleet(now);
        let said = choice(&["Failing"]).others_down(&fleet, now).unwrap();
        assert!(
            said.starts_with("1 more tenant is kept down by a critical finding") && said.ends_with(": keyless"),
            "{said}"
        );
        assert_eq!(choice(&["Failing", "Booting"]).others_down(&fleet, now), None);
        assert_eq!(choice(&["Ready"]).others_down(&fleet, now), None);
    }
}
