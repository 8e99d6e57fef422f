//! `fleetdeck show TENANT`: the hand-over text, one screen, and below it everything that is known.

use std::time::Duration;

use super::{
    args::{OneFormat, Show},
    doctor::{Examined, examine},
    failure::Failure,
    follow::Follow,
    json::TenantPage,
    ls::short,
    open,
    print::Out,
    prometheus,
    table::cut,
    tiers,
};
use crate::{
    cluster::Prompt,
    config::Config,
    diagnose::{Finding, HandOver, Proof, kept_down},
    fleet::{Age, At, Boot, Claim, State, StepState, boot::Pace, fit},
    index::{
        Entry, Fleet, Link, Meter,
        find::{Found, find},
        outlook, words,
    },
    manifest::TierSize,
};

pub(super) async fn run(config: &Config, args: Show) -> Result<(), Failure> {
    let (cluster, scope) = open(config, Prompt::May).await?;
    let store = prometheus(config, &cluster);
    let mut follow = Follow::start(cluster, scope);
    follow.store = store;
    follow.settle().await?;
    let namespace = namespace_of(&mut follow, &args.tenant).await?;
    follow.remember().await;
    follow.measure(Duration::from_secs(5)).await;
    if args.probe {
        follow.probe(&namespace).await;
    }
    // Whether Ingresses may be read or not, the rest is worth showing.
    let Examined { board, .. } = examine(config, &follow, Some(&namespace)).await?;
    let ingresses = board.read(&namespace).and_then(|o| o.ingresses.as_ref());
    let hosts =
        ingresses.map(|all| all.iter().flat_map(|i| &i.rules).map(|(host, _)| host.clone()).collect::<Vec<_>>());
    let findings = board.of(&namespace);
    let now = follow.now();
    let Some(entry) = follow.fleet.get(&namespace) else {
        return Err(Failure::NoSuchTenant(format!("tenant {} has just gone", args.tenant)));
    };
    let tiers = tiers(config)?;
    let mut out = Out::new();
    match args.output {
        OneFormat::Json => out.json(&TenantPage::of(entry, &follow.fleet, findings, &tiers, hosts, now))?,
        OneFormat::Text => {
            let hand_over =
                HandOver { entry, findings, fleet: &follow.fleet, context: follow.cluster().context(), now };
            for line in hand_over.lines() {
                out.line(&line)?;
            }
            out.line("")?;
            for line in page(entry, &follow.fleet, findings, &tiers, hosts.as_deref(), now) {
                let line = out.width.map_or_else(|| line.clone(), |columns| cut(&line, columns));
                out.line(&line)?;
            }
        }
    }
    out.flush()
}

/// The namespace of the one tenant that is meant. Hosts of tenants that other hands made stand in their Ingresses only.
pub(super) async fn namespace_of(follow: &mut Follow, text: &str) -> Result<String, Failure> {
    let (nobody, near) = match find(&follow.fleet, text) {
        Found::One(entry) => return Ok(entry.tenant.namespace_name.to_string()),
        Found::Many(entries) => {
            let names: Vec<_> = entries.iter().take(8).map(|e| e.tenant.namespace_name.to_string()).collect();
            let more = if entries.len() > names.len() {
                format!(" and {} more", entries.len() - names.len())
            } else {
                String::new()
            };
            let said = format!(
                "{text:?} is {} tenants: namespaces {}{more}; name one of them",
                entries.len(),
                names.join(", ")
            );
            return Err(Failure::NoSuchTenant(said));
        }
        Found::Nobody(near) => (format!("no tenant {text:?} in context {}", follow.cluster().context()), names(&near)),
    };
    if text.contains('.')
        && let Ok(hosts) = follow.cluster().ingress_hosts(None, &follow.scope().tenants()).await
        && let Some(hit) = hosts.iter().find(|h| h.host.eq_ignore_ascii_case(text.trim()))
        && follow.fleet.get(&hit.namespace).is_some()
    {
        return Ok(hit.namespace.clone());
    }
    let hint = if near.is_empty() { String::new() } else { format!("; did you mean {near}?") };
    Err(Failure::NoSuchTenant(format!("{nobody}{hint}")))
}

fn names(entries: &[&Entry]) -> String {
    entries.iter().map(|e| e.tenant.id.to_string()).collect::<Vec<_>>().join(", ")
}

fn page(
    entry: &Entry,
    fleet: &Fleet,
    findings: &[Finding],
    tiers: &[TierSize],
    hosts: Option<&[String]>,
    now: At,
) -> Vec<String> {
    let tenant = &entry.tenant;
    let mut lines = Vec::new();
    let mut say = |label: &str, text: String| lines.push(format!("{label:<10}{text}").trim_end().to_owned());
    let age = |at: At| Age(now.since(at)).to_string();
    let unknown = || "unknown".to_owned();

    say("Tenant", format!("{}  (namespace {})", tenant.id, tenant.namespace_name));
    let tier = tenant.tier.as_ref().map_or_else(unknown, ToString::to_string);
    let owner = tenant.namespace.as_ref().and_then(|n| n.owner.as_ref()).map_or_else(unknown, ToString::to_string);
    say("Tier", format!("{tier}    owner {owner}"));
    let host = tenant.namespace.as_ref().and_then(|n| n.host.as_ref()).map(ToString::to_string);
    let host = match (host, hosts) {
        (Some(host), _) => host,
        (None, Some(hosts)) if !hosts.is_empty() => hosts.join(", "),
        (None, Some(_)) => "none".to_owned(),
        (None, None) => unknown(),
    };
    say("Host", host);
    let since = entry.verdict.since.or(entry.changed).map_or_else(String::new, |at| format!(" for {}", age(at)));
    let why = if entry.verdict.why.is_empty() { String::new() } else { format!(": {}", entry.verdict.why) };
    say("Phase", format!("{}{since}{why}", entry.verdict.phase));
    let history = fleet.history();
    let kept_down = kept_down(&entry.verdict.phase, findings).is_some();
    if let Some(forecast) = history.forecast(entry, now).filter(|_| !kept_down) {
        say("Ready", outlook::long(forecast));
    }

    for (i, finding) in findings.iter().enumerate() {
        let since = finding.since.map_or_else(String::new, |at| format!(" (since {})", age(at)));
        let label = if i == 0 { "Findings" } else { "" };
        say(label, format!("{} {}: {}{since}", finding.severity.word(), finding.code, finding.sentence));
        if finding.down {
            say("", format!("  do: {}", finding.advice));
        }
        // What was written there is in no other line of this page.
        for said in finding.evidence.iter().filter(|e| e.proof == Proof::Log) {
            say("", format!("  {}: {}", said.place, said.said));
        }
    }

    let running = tenant.running_image().map(|i| i.short().to_owned());
    let wanted = tenant.set().and_then(|s| s.image.as_deref()).map(|i| short(i).to_owned());
    say(
        "Image",
        format!("wanted {}, pod has {}", wanted.unwrap_or_else(unknown), running.unwrap_or_else(|| "-".to_owned())),
    );

    match tenant.pod() {
        None => say("Pod", "none".to_owned()),
        Some(pod) => {
            let made = pod.created.map_or_else(String::new, |at| format!(", {} old", age(at)));
            let node = pod.node.as_deref().unwrap_or("no node");
            let ip = pod.ip.map_or_else(|| "no IP".to_owned(), |ip| ip.to_string());
            say("Pod", format!("{} on {node}, {ip}{made}, {} restarts", pod.name, pod.restarts()));
            for (i, step) in Boot::of(pod).steps.iter().enumerate() {
                let spent = step.state.seconds(now).map_or_else(String::new, |s| Age(s).to_string());
                let state = match &step.state {
                    StepState::Waiting => "waiting".to_owned(),
                    StepState::Running { .. } => "running".to_owned(),
                    StepState::Done { .. } => "done".to_owned(),
                    StepState::Failed { reason, .. } => format!("failed: {reason}"),
                };
                let label = if i == 0 { "Boot" } else { "" };
                let beside = step.state.seconds(now).and_then(|elapsed| history.compare(tenant, i, elapsed));
                let beside = beside.map_or_else(String::new, |c| match c.pace() {
                    Pace::Usual => format!(", {}", outlook::usually(&c)),
                    Pace::Slow => format!(", slow: {}", outlook::usually(&c)),
                    Pace::Stuck => format!(", stuck: {}", outlook::usually(&c)),
                });
                say(label, format!("{:<24}{spent:>6}  {state}{beside}", step.kind.name()));
            }
            for (i, c) in pod.containers.iter().enumerate() {
                let state = match &c.state {
                    State::Waiting(words) => words.reason().map_or_else(|| "waiting".to_owned(), ToString::to_string),
                    State::Running { .. } if c.ready => "ready".to_owned(),
                    State::Running { .. } => "running, not ready".to_owned(),
                    State::Terminated(t) => format!("ended, exit {}", t.exit_code),
                };
                let last = c.last.as_ref().map_or_else(String::new, |t| {
                    let reason = t.reason().unwrap_or("ended");
                    format!("  last run: {reason}, exit {}", t.exit_code)
                });
                let label = if i == 0 { "Runs" } else { "" };
                say(label, format!("{:<24}{:>6}  {state}, {} restarts{last}", c.name, "", c.restarts));
                say("", format!("  {}", words::shares(c, tenant.part_usage(&c.name))));
            }
        }
    }
    let used = match (&tenant.usage, &fleet.sources().meter(Meter::Pods).link) {
        (Some(u), _) => format!("cpu {}, memory {} ({} ago)", u.cpu(), u.memory().bytes(), age(u.at)),
        (None, link) => format!("unknown{}", why_not(link)),
    };
    say("Use", used);
    if let Some(headroom) = words::headroom(tenant) {
        say("Headroom", headroom);
    }
    if let Some(probe) = &tenant.probe {
        say("Gateway", probe.gateway.sentence());
        if let Some(browser) = &probe.browser {
            say("Browser", browser.sentence());
        }
        if let Some(page) = &probe.page {
            say("Page", page.sentence());
        }
    }
    for (i, claim) in tenant.claims.iter().enumerate() {
        say(if i == 0 { "Volumes" } else { "" }, volume(claim, &fleet.sources().meter(Meter::Volumes).link));
    }
    for (i, (quota, e)) in tenant.quotas.iter().flat_map(|q| q.entries().map(move |e| (q, e))).enumerate() {
        let used = e.used.map_or_else(unknown, |u| u.to_string());
        say(if i == 0 { "Quota" } else { "" }, format!("{:<14}{:<28}{used} of {}", quota.name(), e.resource, e.hard));
    }
    for (i, fit) in fit::of_tiers(tenant, tiers.iter().map(|t| (&t.tier, &*t.amounts))).iter().enumerate() {
        say(if i == 0 { "Tiers" } else { "" }, fit.sentence());
    }
    let mut warnings: Vec<_> = tenant.warnings.iter().collect();
    warnings.sort_by_key(|w| std::cmp::Reverse(w.last));
    for (i, w) in warnings.iter().take(6).enumerate() {
        let when = w.last.map_or_else(|| "-".to_owned(), &age);
        let times = if w.count > 1 { format!(" x{}", w.count) } else { String::new() };
        say(
            if i == 0 { "Warnings" } else { "" },
            format!("{when:>5}  {}{times}  {}/{}: {}", w.reason, w.kind, w.object, w.message),
        );
    }
    for (kind, freshness) in fleet.sources().iter() {
        if let Link::Forbidden { .. } | Link::Broken { .. } = freshness.link {
            say("Missing", format!("{}{}", kind.plural(), why_not(&freshness.link)));
        }
    }
    lines
}

fn volume(claim: &Claim, meter: &Link) -> String {
    let phase = format!("{:?}", claim.phase);
    let size = claim.capacity.or(claim.requested).map_or_else(|| "-".to_owned(), |q| q.to_string());
    let used = match claim.usage {
        Some(u) if claim.on_node_disk() => {
            let bytes = crate::fleet::Quantity::whole(i64::try_from(u.used).unwrap_or(i64::MAX)).bytes();
            format!("{bytes} used (figures of the node's disk)")
        }
        Some(u) => {
            let bytes = crate::fleet::Quantity::whole(i64::try_from(u.used).unwrap_or(i64::MAX)).bytes();
            let percent = claim.percent().map_or_else(String::new, |p| format!(", {p}%"));
            let pace = claim.growth.map_or_else(String::new, |g| format!(", {} a day", words::pace(g)));
            let full = claim.seconds_to_full().map_or_else(String::new, |s| format!(", full in {}", words::span(s)));
            format!("{bytes} used{percent}{pace}{full} (by {})", u.source.word())
        }
        None => format!("use unknown{}", why_not(meter)),
    };
    let resize = claim.resize().map_or_else(String::new, |r| format!(", {r}"));
    format!("{:<24}{phase} {size}, {used}{resize}", claim.name)
}

fn why_not(link: &Link) -> String {
    match link {
        Link::Forbidden { why } | Link::Absent { why } | Link::Broken { why, .. } => format!(" ({why})"),
        _ => String::new(),
    }
}
