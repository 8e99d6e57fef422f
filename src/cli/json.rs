//! What programs get: documents of `apiVersion: fleetdeck/v1`. Within v1 keys are added, never changed or taken away.
//! What is not known is `null` or left out, never 0.

pub mod capacity;
pub mod finding;
pub mod probe;

use serde::Serialize;

use crate::{
    diagnose,
    fleet::{
        At, Boot, Claim, ClaimPhase, Phase, Quantity, StepKind, StepState, Tenant, Uid, Warning,
        boot::{Comparison, Pace},
        fit,
    },
    index::{Entry, Fleet, Forecast, Freshness, History, Kind, Link, Sources, history::PastBoot, outlook},
    manifest::TierSize,
};

pub const API_VERSION: &str = "fleetdeck/v1";

/// A moment as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(At);

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn time(at: Option<At>) -> Option<Time> {
    at.map(Time)
}

/// `ls -o json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantList {
    pub api_version: &'static str,
    pub kind: &'static str,
    /// What the list stands on: a source that is not `live` or `polling` means that something may be missing.
    pub sources: Vec<Source>,
    pub items: Vec<Item>,
}

/// `show -o json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantPage {
    pub api_version: &'static str,
    pub kind: &'static str,
    pub sources: Vec<Source>,
    #[serde(flatten)]
    pub tenant: Item,
    /// What its user may be told.
    pub sentence: String,
    /// What `etaSeconds` stands on; `null` for a tenant that is not on its way.
    pub forecast: Option<Outlook>,
    /// What a whole boot like this one usually takes here.
    pub usual_boot: Option<Usual>,
    pub boot: Vec<Step>,
    /// Boots that are remembered of it, the latest first.
    pub past_boots: Vec<Past>,
    pub containers: Vec<Container>,
    /// What is wrong with it; what keeps it down comes first.
    pub findings: Vec<finding::Finding>,
    pub warnings: Vec<Event>,
    /// Whether its pod fits each tier; empty where what it needs is not known.
    pub fits: Vec<Fit>,
    /// What it answers on its own ports; `null` where it was not asked.
    pub probe: Option<probe::Probe>,
    /// Hosts of its Ingresses; `null` where they may not be read.
    pub ingress_hosts: Option<Vec<String>>,
}

/// A line of `logs -o jsonl`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine<'a> {
    pub api_version: &'static str,
    /// `LogLine`, or `LogJoint`: our own words about a restart, another pod, a gap.
    pub kind: &'static str,
    /// RFC 3339 with nanoseconds, by the node's clock; left out where the kubelet gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    pub tenant: &'a str,
    pub namespace: &'a str,
    /// Left out where it is about the whole tenant.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub container: &'a str,
    /// `trace` to `fatal`, where the line says so itself.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub level: &'static str,
    /// Without control characters; secrets are `***`.
    pub message: &'a str,
    /// Bytes that were cut off its end.
    #[serde(skip_serializing_if = "is_zero")]
    pub cut: u32,
    /// Something in it was masked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A line of `ls --watch -o jsonl`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change<'a> {
    pub api_version: &'static str,
    pub kind: &'static str,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    #[serde(rename = "type")]
    pub verb: &'static str,
    pub at: Time,
    pub tenant: &'a Item,
}

impl<'a> Change<'a> {
    pub fn new(verb: &'static str, at: At, tenant: &'a Item) -> Self {
        Self { api_version: API_VERSION, kind: "TenantChange", verb, at: Time(at), tenant }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Kubernetes' plural.
    pub kind: &'static str,
    /// `loading`, `live`, `polling`, `broken`, `forbidden` or `absent`.
    pub state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Where it is read namespace by namespace: those that may not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

/// One tenant.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub id: String,
    pub namespace: String,
    pub uid: Option<String>,
    pub tier: Option<String>,
    pub host: Option<String>,
    pub owner: Option<String>,
    /// One of the phases' words.
    pub phase: &'static str,
    /// While it boots: which stage, and of how many.
    pub stage: Option<Stage>,
    pub since: Option<Time>,
    pub why: String,
    /// Seconds until it is ready; `null` where that is not known, or it is not on its way.
    pub eta_seconds: Option<u32>,
    /// The code of the critical finding that keeps it down though its phase says that it is on its way; `null` for all
    /// others.
    pub kept_down_by: Option<&'static str>,
    /// It answers its user.
    pub serves: bool,
    /// Image of the gateway as its StatefulSet wants it, and as the pod runs it.
    pub image: Option<String>,
    pub running_image: Option<String>,
    pub restarts: Option<u32>,
    pub pod: Option<String>,
    pub node: Option<String>,
    pub ip: Option<String>,
    pub quota: Vec<QuotaEntry>,
    pub volumes: Vec<Volume>,
    pub usage: Option<Usage>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stage {
    pub index: u8,
    pub total: u8,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaEntry {
    pub quota: String,
    pub resource: String,
    pub hard: String,
    pub used: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    pub name: String,
    pub phase: &'static str,
    pub requested: Option<String>,
    pub capacity: Option<String>,
    pub class: Option<String>,
    pub resize: Option<String>,
    pub used_bytes: Option<u64>,
    pub capacity_bytes: Option<u64>,
    /// Of the claim; `null` where it is not known, or where the figures are those of the node's disk.
    pub percent: Option<u32>,
    pub inode_percent: Option<u32>,
    /// The figures are those of the node's disk, not of the claim.
    pub node_disk: bool,
    pub growth_bytes_per_day: Option<i64>,
    /// At that pace; `null` where it is not known or never.
    pub seconds_to_full: Option<u64>,
    /// `kubelet`, `prometheus` or `df`; `null` where nobody has measured.
    pub source: Option<&'static str>,
    pub measured_at: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub cpu_milli: i64,
    pub memory_bytes: i64,
    pub at: Time,
}

#[derive(Debug, Serialize)]
pub struct Outlook {
    /// `left`, `overdue` (longer than in any boot that is remembered), `no-pod` (there is none yet, or the one before is going)
    /// or `unknown` (too few are remembered).
    pub state: &'static str,
    /// Boots that it stands on.
    pub samples: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usual {
    pub median_seconds: u32,
    pub p95_seconds: u32,
    pub samples: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    pub pod_uid: String,
    pub ready: Time,
    pub seconds: Option<u32>,
}

#[derive(Debug, Serialize)]
pub struct Step {
    /// `scheduling`, `volumes`, `stage` or `gateway`.
    pub kind: &'static str,
    pub name: String,
    /// `waiting`, `running`, `done` or `failed`.
    pub state: &'static str,
    pub from: Option<Time>,
    pub to: Option<Time>,
    pub seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it usually takes here; `null` where too few boots are known.
    pub usual: Option<Usual>,
    /// `usual`, `slow` or `stuck`, beside that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub ready: bool,
    pub restarts: u32,
    pub sidecar: bool,
    pub requests: Amounts,
    pub limits: Amounts,
    /// What it uses now; `null` where that was not measured.
    pub usage: Option<Amounts>,
}

/// CPU and memory; `null` where they are not stated.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Amounts {
    pub cpu_milli: Option<i64>,
    pub memory_bytes: Option<i64>,
}

impl Amounts {
    fn of(cpu: Option<Quantity>, memory: Option<Quantity>) -> Self {
        Self { cpu_milli: cpu.map(Quantity::milli), memory_bytes: memory.map(Quantity::value) }
    }
}

#[derive(Debug, Serialize)]
pub struct Event {
    pub reason: String,
    pub message: String,
    pub object: String,
    pub container: Option<String>,
    pub count: u32,
    pub first: Option<Time>,
    pub last: Option<Time>,
}

fn owned(text: Option<&crate::fleet::Text>) -> Option<String> {
    text.map(ToString::to_string)
}

impl Item {
    pub fn of(entry: &Entry, findings: &[diagnose::Finding], history: &History, now: At) -> Self {
        let kept_down = diagnose::kept_down(&entry.verdict.phase, findings);
        let Tenant { id, namespace_name, tier, namespace, .. } = &entry.tenant;
        let tenant = &entry.tenant;
        let pod = tenant.pod();
        let image = |of: Option<&str>| of.map(str::to_owned);
        Self {
            id: id.to_string(),
            namespace: namespace_name.to_string(),
            uid: tenant.uid().as_ref().map(Uid::to_string),
            tier: tier.as_ref().map(ToString::to_string),
            host: namespace.as_ref().and_then(|n| owned(n.host.as_ref())),
            owner: namespace.as_ref().and_then(|n| owned(n.owner.as_ref())),
            phase: entry.verdict.phase.word(),
            stage: match &entry.verdict.phase {
                Phase::Booting { index, total, stage } => {
                    Some(Stage { index: *index, total: *total, name: stage.to_string() })
                }
                _ => None,
            },
            since: time(entry.verdict.since),
            why: entry.verdict.why.to_string(),
            eta_seconds: history.forecast(entry, now).filter(|_| kept_down.is_none()).and_then(Forecast::seconds),
            kept_down_by: kept_down.map(|f| f.code.word()),
            serves: entry.verdict.phase.serves(),
            image: image(tenant.set().and_then(|s| s.image.as_deref())),
            running_image: image(pod.and_then(|p| p.gateway()).map(|c| c.image.as_str())),
            restarts: pod.map(super::super::fleet::pod::Pod::restarts),
            pod: pod.map(|p| p.name.to_string()),
            node: pod.and_then(|p| owned(p.node.as_ref())),
            ip: pod.and_then(|p| p.ip).map(|ip| ip.to_string()),
            quota: tenant
                .quotas
                .iter()
                .flat_map(|quota| quota.entries().map(|e| (quota.name(), e)))
                .map(|(quota, e)| QuotaEntry {
                    quota: quota.to_string(),
                    resource: e.resource.to_string(),
                    hard: e.hard.to_string(),
                    used: e.used.as_ref().map(Quantity::to_string),
                })
                .collect(),
            volumes: tenant.claims.iter().map(Volume::of).collect(),
            usage: tenant.usage.map(|u| Usage {
                cpu_milli: u.cpu().milli(),
                memory_bytes: u.memory().value(),
                at: Time(u.at),
            }),
        }
    }
}

impl Volume {
    fn of(claim: &Claim) -> Self {
        Self {
            name: claim.name.to_string(),
            phase: match claim.phase {
                ClaimPhase::Pending => "Pending",
                ClaimPhase::Bound => "Bound",
                ClaimPhase::Lost => "Lost",
                ClaimPhase::Unknown => "Unknown",
            },
            requested: claim.requested.as_ref().map(Quantity::to_string),
            capacity: claim.capacity.as_ref().map(Quantity::to_string),
            class: owned(claim.class.as_ref()),
            resize: owned(claim.resize()),
            used_bytes: claim.usage.map(|u| u.used),
            capacity_bytes: claim.usage.map(|u| u.capacity),
            percent: claim.percent(),
            inode_percent: claim.inode_percent(),
            node_disk: claim.on_node_disk(),
            growth_bytes_per_day: claim.growth.map(|g| g.bytes_per_day),
            seconds_to_full: claim.seconds_to_full(),
            source: claim.usage.map(|u| u.source.word()),
            measured_at: time(claim.usage.map(|u| u.at)),
        }
    }
}

impl TenantPage {
    pub fn of(
        entry: &Entry,
        fleet: &Fleet,
        findings: &[diagnose::Finding],
        tiers: &[TierSize],
        ingress_hosts: Option<Vec<String>>,
        now: At,
    ) -> Self {
        let (tenant, history) = (&entry.tenant, fleet.history());
        let pod = tenant.pod();
        let kept_down = diagnose::kept_down(&entry.verdict.phase, findings).is_some();
        let forecast = history.forecast(entry, now).filter(|_| !kept_down);
        let steps = |boot: Boot| {
            let step = |(i, s): (usize, &crate::fleet::Step)| {
                Step::of(s, s.state.seconds(now).and_then(|elapsed| history.compare(tenant, i, elapsed)), now)
            };
            boot.steps.iter().enumerate().map(step).collect()
        };
        let past = tenant.uid().into_iter().flat_map(|uid| history.of_tenant(uid));
        Self {
            api_version: API_VERSION,
            kind: "Tenant",
            sources: Source::all(fleet.sources()),
            tenant: Item::of(entry, findings, history, now),
            sentence: outlook::for_user(entry, forecast, kept_down),
            forecast: forecast.map(Outlook::of),
            usual_boot: history.usual_whole(tenant).map(Usual::of),
            boot: pod.map(|p| steps(Boot::of(p))).unwrap_or_default(),
            past_boots: past.map(|b| Past::of(b)).collect(),
            containers: pod
                .into_iter()
                .flat_map(super::super::fleet::pod::Pod::all)
                .map(|c| Container {
                    name: c.name.to_string(),
                    image: c.image.to_string(),
                    ready: c.ready,
                    restarts: c.restarts,
                    sidecar: c.sidecar,
                    requests: Amounts::of(c.requests.cpu, c.requests.memory),
                    limits: Amounts::of(c.limits.cpu, c.limits.memory),
                    usage: tenant.part_usage(&c.name).map(|u| Amounts::of(Some(u.cpu()), Some(u.memory()))),
                })
                .collect(),
            findings: findings.iter().map(finding::Finding::of).collect(),
            warnings: entry.tenant.warnings.iter().map(Event::of).collect(),
            fits: fits(&entry.tenant, tiers),
            probe: entry.tenant.probe.as_deref().map(probe::Probe::of),
            ingress_hosts,
        }
    }
}

/// Whether a pod fits a tier.
#[derive(Debug, Serialize)]
pub struct Fit {
    pub tier: String,
    pub fits: bool,
    pub sentence: String,
}

fn fits(tenant: &Tenant, tiers: &[TierSize]) -> Vec<Fit> {
    fit::of_tiers(tenant, tiers.iter().map(|t| (&t.tier, &*t.amounts)))
        .into_iter()
        .map(|fit| Fit { tier: fit.tier.to_string(), fits: fit.fits(), sentence: fit.sentence() })
        .collect()
}

impl Outlook {
    fn of(forecast: Forecast) -> Self {
        let (state, samples) = match forecast {
            Forecast::Left { samples, .. } => ("left", samples),
            Forecast::Overdue { samples } => ("overdue", samples),
            Forecast::NoPod { samples, .. } => ("no-pod", samples),
            Forecast::NoHistory { samples } => ("unknown", samples),
        };
        Self { state, samples }
    }
}

impl Usual {
    fn of(usual: crate::index::history::Usual) -> Self {
        Self { median_seconds: usual.median, p95_seconds: usual.p95, samples: usual.samples }
    }
}

impl Past {
    fn of(boot: &PastBoot) -> Self {
        Self { pod_uid: boot.pod.to_string(), ready: Time(boot.at), seconds: boot.whole() }
    }
}

impl Step {
    fn of(step: &crate::fleet::Step, beside: Option<Comparison>, now: At) -> Self {
        let kind = match step.kind {
            StepKind::Scheduling => "scheduling",
            StepKind::Volumes => "volumes",
            StepKind::Stage(_) => "stage",
            StepKind::Gateway => "gateway",
        };
        let (state, from, to, reason) = match &step.state {
            StepState::Waiting => ("waiting", None, None, None),
            StepState::Running { since } => ("running", *since, None, None),
            StepState::Done { from, to } => ("done", *from, *to, None),
            StepState::Failed { since, reason } => ("failed", *since, None, Some(reason.to_string())),
        };
        Self {
            kind,
            name: step.kind.name().to_owned(),
            state,
            from: time(from),
            to: time(to),
            seconds: step.state.seconds(now),
            reason,
            usual: beside.map(|c| Usual { median_seconds: c.median, p95_seconds: c.p95, samples: c.samples }),
            pace: beside.map(|c| match c.pace() {
                Pace::Usual => "usual",
                Pace::Slow => "slow",
                Pace::Stuck => "stuck",
            }),
        }
    }
}

impl Event {
    fn of(warning: &Warning) -> Self {
        Self {
            reason: warning.reason.to_string(),
            message: warning.message.to_string(),
            object: format!("{}/{}", warning.kind, warning.object),
            container: owned(warning.container.as_ref()),
            count: warning.count,
            first: time(warning.first),
            last: time(warning.last),
        }
    }
}

impl Source {
    pub fn all(sources: &Sources) -> Vec<Self> {
        sources.iter().map(|(kind, freshness)| Self::of(kind, freshness)).collect()
    }

    fn of(kind: Kind, freshness: &Freshness) -> Self {
        let (state, why) = match &freshness.link {
            Link::Loading => ("loading", None),
            Link::Live => ("live", None),
            Link::Polling { .. } => ("polling", None),
            Link::Broken { why, .. } => ("broken", Some(why)),
            Link::Forbidden { why } => ("forbidden", Some(why)),
            Link::Absent { why } => ("absent", Some(why)),
        };
        let withheld = freshness.withheld.iter().map(|(namespace, _)| namespace.to_string()).collect();
        Self { kind: kind.plural(), state, why: owned(why), withheld }
    }
}
