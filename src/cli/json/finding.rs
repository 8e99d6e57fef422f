//! Findings for programs.

use serde::Serialize;

use super::{API_VERSION, Source, Time, time};
use crate::{
    diagnose::{self, Board, Explanation},
    index::{Fleet, Sources},
};

/// `doctor -o json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    pub api_version: &'static str,
    pub kind: &'static str,
    pub sources: Vec<Source>,
    /// Tenants that there are, well or not.
    pub tenants: usize,
    /// What could not be read beside the sources, or tells nothing, in words.
    pub unread: Vec<String>,
    /// Per tenant, what keeps it down first; then what concerns no tenant.
    pub items: Vec<TenantFinding>,
    /// The same grouped by cause, the worst first.
    pub causes: Vec<Cause>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantFinding {
    /// `null` where it concerns no tenant in particular.
    pub tenant: Option<String>,
    pub namespace: Option<String>,
    #[serde(flatten)]
    pub finding: Finding,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// A stable word; `fleetdeck explain CODE` tells more.
    pub code: &'static str,
    /// `critical`, `warning` or `note`.
    pub severity: &'static str,
    /// It is what keeps the tenant from serving.
    pub down: bool,
    pub sentence: String,
    pub advice: String,
    pub since: Option<Time>,
    /// What it is about, such as an image or a node: with the code, the cause.
    pub about: String,
    pub evidence: Vec<Evidence>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// `field`, `event`, `log`, `measure` or `probe`.
    pub kind: &'static str,
    pub place: String,
    pub said: String,
    pub count: u32,
    pub at: Option<Time>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    pub code: &'static str,
    pub title: String,
    pub about: String,
    pub severity: &'static str,
    pub down: bool,
    pub since: Option<Time>,
    /// Ids of the tenants it concerns.
    pub tenants: Vec<String>,
}

/// `explain CODE -o json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    pub api_version: &'static str,
    pub kind: &'static str,
    pub code: &'static str,
    /// `finding`, or `refusal` of an operation.
    pub of: &'static str,
    pub title: &'static str,
    pub means: &'static str,
    /// Commands; `NS` stands for the tenant's namespace.
    pub by_hand: Vec<&'static str>,
    pub act: &'static str,
}

/// `explain -o json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanations {
    pub api_version: &'static str,
    pub kind: &'static str,
    pub items: Vec<Explained>,
}

impl Finding {
    pub fn of(finding: &diagnose::Finding) -> Self {
        Self {
            code: finding.code.word(),
            severity: finding.severity.word(),
            down: finding.down,
            sentence: finding.sentence.clone(),
            advice: finding.advice.clone(),
            since: time(finding.since),
            about: finding.about.clone(),
            evidence: finding.evidence.iter().map(Evidence::of).collect(),
        }
    }
}

impl Evidence {
    fn of(evidence: &diagnose::Evidence) -> Self {
        Self {
            kind: evidence.proof.word(),
            place: evidence.place.clone(),
            said: evidence.said.clone(),
            count: evidence.count,
            at: time(evidence.at),
        }
    }
}

impl Findings {
    /// Of one tenant, by its namespace, or of all.
    pub fn of(board: &Board, fleet: &Fleet, only: Option<&str>, unread: Vec<String>) -> Self {
        let id = |namespace: &str| fleet.get(namespace).map(|e| e.tenant.id.to_string());
        let tenants = board.iter().filter(|(namespace, _)| only.is_none_or(|only| namespace.as_str() == only));
        let mut items: Vec<_> = tenants
            .flat_map(|(namespace, findings)| findings.iter().map(move |f| (namespace, f)))
            .map(|(namespace, finding)| TenantFinding {
                tenant: id(namespace),
                namespace: Some(namespace.to_string()),
                finding: Finding::of(finding),
            })
            .collect();
        if only.is_none() {
            let others = board.others().iter().map(Finding::of);
            items.extend(others.map(|finding| TenantFinding { tenant: None, namespace: None, finding }));
        }
        let concerns =
            |cause: &diagnose::Cause<'_>| only.is_none_or(|ns| cause.tenants.iter().any(|t| t.as_str() == ns));
        let cause = |cause: &diagnose::Cause<'_>| Cause {
            code: cause.code.word(),
            title: cause.title(),
            about: cause.about.to_owned(),
            severity: cause.severity.word(),
            down: cause.down,
            since: time(cause.since),
            tenants: cause.tenants.iter().map(|ns| id(ns).unwrap_or_else(|| ns.to_string())).collect(),
        };
        let causes = board.causes();
        Self {
            api_version: API_VERSION,
            kind: "Findings",
            sources: sources(fleet.sources()),
            tenants: fleet.len(),
            unread,
            items,
            causes: causes.0.iter().filter(|c| concerns(c)).map(cause).collect(),
        }
    }
}

fn sources(sources: &Sources) -> Vec<Source> {
    Source::all(sources)
}

impl Explained {
    pub fn of(text: &Explanation, of: &'static str) -> Self {
        Self {
            api_version: API_VERSION,
            kind: "Explanation",
            code: text.word,
            of,
            title: text.title,
            means: text.means,
            by_hand: text.by_hand.lines().collect(),
            act: text.act,
        }
    }
}
