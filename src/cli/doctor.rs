//! `fleetdeck doctor [TENANT]`: everything that is wrong, with its evidence; with one tenant also what is not watched.

use std::time::Duration;

use super::{
    args::{Doctor, OneFormat},
    explain::wrap,
    failure::Failure,
    follow::Follow,
    json::finding::Findings,
    open,
    print::Out,
    prometheus,
    show::namespace_of,
};
use crate::{
    cluster::{Cluster, Fault, Opening, Prompt, Said},
    config::Config,
    diagnose::{Board, Cause, Evidence, Finding, LogLine, Severity, Telling, Tiers, awaited_volumes},
    fleet::{Age, At, Text},
    index::{Fleet, Kind, Link, Meter},
};

/// For one round of the meters.
const MEASURING: Duration = Duration::from_secs(5);
/// Last lines of a log that the diagnosis goes by.
const LOG_LINES: usize = 20;
/// Tenants named beside a cause; the document names all.
const NAMED: usize = 8;

pub(super) async fn run(config: &Config, args: Doctor) -> Result<(), Failure> {
    let (cluster, scope) = open(config, Prompt::May).await?;
    let store = prometheus(config, &cluster);
    let mut follow = Follow::start(cluster, scope);
    follow.store = store;
    follow.settle().await?;
    let only = match &args.tenant {
        Some(tenant) => Some(namespace_of(&mut follow, tenant).await?),
        None => None,
    };
    // A stage is slow, and a volume full soon, beside what was seen before.
    follow.remember().await;
    follow.measure(MEASURING).await;
    if let Some(namespace) = only.as_deref().filter(|_| args.probe) {
        follow.probe(namespace).await;
    }
    let Examined { board, unread } = examine(config, &follow, only.as_deref()).await?;
    let now = follow.now();
    let fleet = &follow.fleet;
    let mut out = Out::new();
    match (args.output, only.as_deref()) {
        (OneFormat::Json, only) => {
            let unread = no_pool(fleet).into_iter().chain(unread).collect();
            out.json(&Findings::of(&board, fleet, only, unread))?;
        }
        (OneFormat::Text, Some(namespace)) => {
            let page = Page { now, width: out.width.unwrap_or(100).clamp(40, 120) };
            for line in page.tenant(&board, fleet, namespace) {
                out.line(&line)?;
            }
            for line in not_read(fleet, &unread) {
                out.line(&line)?;
            }
        }
        (OneFormat::Text, None) => {
            let page = Page { now, width: out.width.unwrap_or(100).clamp(40, 120) };
            if fleet.is_empty() {
                out.line(&nobody(&follow))?;
            }
            for line in page.fleet(&board, fleet) {
                out.line(&line)?;
            }
            for line in not_read(fleet, &unread) {
                out.line(&line)?;
            }
        }
    }
    out.flush()?;
    verdict(&board, only.as_deref())
}

/// What was found, and what could not be looked at.
pub(super) struct Examined {
    pub board: Board,
    pub unread: Vec<String>,
}

/// Reads what is not watched, of one tenant or of all, and diagnoses.
pub(super) async fn examine(config: &Config, follow: &Follow, only: Option<&str>) -> Result<Examined, Failure> {
    let cluster: &Cluster = follow.cluster();
    let base = super::base(config)?;
    let mut board = Board::new(Tiers::of(&base));
    let now = follow.now();
    let mut unread = Vec::new();
    match cluster.storage(&follow.scope().labels).await {
        Ok(storage) => board.stored(&follow.fleet, storage, now),
        Err(error) => unread.push(error.said),
    }
    match cluster.guard(&follow.scope().labels).await {
        Ok(guard) => board.guarded(&follow.fleet, guard, now),
        Err(error) => unread.push(error.said),
    }
    let fleet = &follow.fleet;
    let asked = fleet.iter().map(|e| &e.tenant).filter(|t| only.is_none_or(|only| t.namespace_name == *only));
    let volumes: Vec<String> = asked.flat_map(awaited_volumes).collect();
    let of = Opening { label: &follow.scope().tenants(), base: &base, volumes: &volumes };
    match only {
        Some(namespace) => {
            let opened = cluster.opened(namespace, of).await;
            unread.extend(opened.unread.iter().cloned());
            let name = Text::from(namespace);
            board.opened(fleet, &name, opened, now);
            unread.extend(listen(&mut board, follow, &name).await);
        }
        None => {
            let mut all = cluster.opened_everywhere(of).await;
            let blank = all.remove("").unwrap_or_default();
            unread.extend(blank.unread.iter().cloned());
            board.opened_all(fleet, |namespace| all.remove(namespace).unwrap_or_else(|| blank.clone()));
            board.update_all(fleet, now);
        }
    }
    Ok(Examined { board, unread })
}

/// Reads the last lines of what a tenant hangs on; what may not be read.
async fn listen(board: &mut Board, follow: &Follow, namespace: &Text) -> Option<String> {
    let entry = follow.fleet.get(namespace)?;
    for of in Telling::all(entry) {
        match follow.cluster().log_end(namespace, &of.pod, &of.container, LOG_LINES).await {
            Ok(lines) => {
                let container = of.container.to_string();
                let line = |said: Said| LogLine { container: container.clone(), text: said.text, at: said.at };
                board.heard(&follow.fleet, namespace, &of, lines.into_iter().map(line).collect(), follow.now());
            }
            Err(error) if matches!(error.fault, Fault::Forbidden | Fault::Unauthorized) => return Some(error.said),
            // A container that has just gone has no log.
            Err(_) => {}
        }
    }
    None
}

fn verdict(board: &Board, only: Option<&str>) -> Result<(), Failure> {
    let critical = |findings: &[Finding]| findings.iter().filter(|f| f.severity == Severity::Critical).count();
    let count = match only {
        Some(namespace) => critical(board.of(namespace)),
        None => board.iter().map(|(_, findings)| critical(findings)).sum::<usize>() + critical(board.others()),
    };
    match count {
        0 => Ok(()),
        n => {
            let are = if n == 1 { "1 finding is".to_owned() } else { format!("{n} findings are") };
            Err(Failure::Failed(format!("{are} critical; `fleetdeck explain CODE` says more of one")))
        }
    }
}

/// That there is no tenant, and why that may be.
pub(super) fn nobody(follow: &Follow) -> String {
    let (context, scope) = (follow.cluster().context(), follow.scope().words());
    format!(
        "no tenants: nothing in {context} {scope}; what tells the tenants of a fleet is set in the configuration, [labels] \
         (`fleetdeck config example`)"
    )
}

fn no_pool(fleet: &Fleet) -> Option<String> {
    let is_read = matches!(fleet.sources().get(Kind::Node).link, Link::Live | Link::Polling { .. });
    let none = fleet.nodes().len() == 0 && is_read;
    none.then(|| "nodes (the selector of the tenants' pool matches none: labels.nodes)".to_owned())
}

fn not_read(fleet: &Fleet, unread: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for (kind, freshness) in fleet.sources().iter() {
        if let Link::Forbidden { why } | Link::Broken { why, .. } = &freshness.link {
            lines.push(format!("not known: {} ({why})", kind.plural()));
        }
    }
    lines.extend(no_pool(fleet).map(|what| format!("not known: {what}")));
    for meter in Meter::ALL {
        if let Link::Forbidden { why } | Link::Absent { why } | Link::Broken { why, .. } =
            &fleet.sources().meter(meter).link
        {
            lines.push(format!("not known: {} ({why})", meter.name()));
        }
    }
    lines.extend(unread.iter().map(|why| format!("not known: {why}")));
    lines
}

struct Page {
    now: At,
    width: usize,
}

impl Page {
    fn tenant(&self, board: &Board, fleet: &Fleet, namespace: &str) -> Vec<String> {
        let Some(entry) = fleet.get(namespace) else {
            return vec![format!("namespace {namespace} has just gone")];
        };
        let age = entry.verdict.since.map_or_else(String::new, |at| format!(" for {}", Age(self.now.since(at))));
        let mut lines = vec![format!("{}: {}{age}", entry.tenant.id, entry.verdict.phase), String::new()];
        let findings = board.of(namespace);
        if findings.is_empty() {
            lines.push("nothing is wrong by what could be read".to_owned());
        }
        for finding in findings {
            lines.extend(self.finding(finding));
            lines.push(String::new());
        }
        lines
    }

    fn finding(&self, finding: &Finding) -> Vec<String> {
        let mut lines = vec![self.head(finding.severity, finding.code.word(), finding.since)];
        lines.extend(self.block("", &finding.sentence));
        lines.extend(self.block("do     ", &finding.advice));
        lines.extend(finding.evidence.iter().flat_map(|e| self.block("proof  ", &self.evidence(e))));
        lines
    }

    fn head(&self, severity: Severity, what: &str, since: Option<At>) -> String {
        let since = since.map_or_else(String::new, |at| format!("  since {}", Age(self.now.since(at))));
        format!("{:<9} {what}{since}", severity.word().to_uppercase())
    }

    /// Indented, the first line with its label.
    fn block(&self, label: &str, text: &str) -> Vec<String> {
        let indent = " ".repeat(label.chars().count());
        let lines = wrap(text, self.width.saturating_sub(10 + indent.len()).max(20));
        let line = |(i, line): (usize, &String)| {
            let label = if i == 0 { label } else { &indent };
            format!("{:10}{label}{line}", "")
        };
        lines.iter().enumerate().map(line).collect()
    }

    fn evidence(&self, evidence: &Evidence) -> String {
        let mut when = Vec::new();
        if evidence.count > 1 {
            when.push(format!("{} times", evidence.count));
        }
        if let Some(at) = evidence.at {
            when.push(format!("{} ago", Age(self.now.since(at))));
        }
        let when = if when.is_empty() { String::new() } else { format!(" ({})", when.join(", ")) };
        format!("{} {}{when}: {}", evidence.proof.word(), evidence.place, evidence.said)
    }

    fn fleet(&self, board: &Board, fleet: &Fleet) -> Vec<String> {
        let causes = board.causes();
        let mut lines = Vec::new();
        for severity in Severity::ALL {
            let (count, tenants) = causes.count(severity);
            if count > 0 {
                lines.push(format!("{:<9} {}, {}", severity.word(), plural(count, "cause"), plural(tenants, "tenant")));
            }
        }
        if lines.is_empty() && !fleet.is_empty() {
            return vec![format!("nothing is wrong with {} by what could be read", plural(fleet.len(), "tenant"))];
        }
        for cause in &causes.0 {
            lines.push(String::new());
            lines.extend(self.cause(cause, fleet));
        }
        lines
    }

    fn cause(&self, cause: &Cause<'_>, fleet: &Fleet) -> Vec<String> {
        let head = self.head(cause.severity, cause.code.word(), cause.since);
        let mut lines = vec![head];
        lines.extend(self.block("", &cause.title()));
        if !cause.tenants.is_empty() {
            let id = |ns: &&Text| fleet.get(ns).map_or_else(|| ns.to_string(), |e| e.tenant.id.to_string());
            let mut names: Vec<_> = cause.tenants.iter().take(NAMED).map(id).collect();
            if cause.tenants.len() > NAMED {
                names.push(format!("and {} more", cause.tenants.len() - NAMED));
            }
            let who = format!("{}: {}", plural(cause.tenants.len(), "tenant"), names.join(", "));
            lines.extend(self.block("whom   ", &who));
        }
        lines.extend(self.block("e.g.   ", &cause.example.sentence));
        lines.extend(self.block("do     ", &cause.example.advice));
        lines
    }
}

fn plural(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}
