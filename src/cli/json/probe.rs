//! What a tenant answered when it was asked.

use serde::Serialize;

use super::Time;
use crate::fleet::probe;

/// `show --probe -o json`. States are words that do not change; sentences are for people.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    pub at: Time,
    /// Also asked what may start a Chrome.
    pub deep: bool,
    pub gateway: Gateway,
    /// `null` where there is none that runs.
    pub browser: Option<Browser>,
    pub page: Option<Page>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// `serving`, `channels-down`, `live`, `starting`, `draining`, `not-ready`, `attribution`, `unauthorized`, `stranger`,
    /// `nothing-listens`, `silent`, `broken`, `forbidden` or `unasked`.
    pub state: &'static str,
    pub sentence: String,
    /// The route that the state stands on.
    pub proof: Option<&'static str>,
    pub version: Option<String>,
    pub uptime_seconds: Option<u32>,
    pub failing: Vec<String>,
    pub unmet: Vec<Condition>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub required: bool,
    pub reason: Option<String>,
    pub message: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Browser {
    /// `well`, `busy`, `unauthorized`, `no-devtools`, `host-refused`, `stranger`, `nothing-listens`, `silent`, `broken`,
    /// `forbidden` or `unasked`.
    pub state: &'static str,
    pub sentence: String,
    pub kind: Option<&'static str>,
    pub port: u16,
    pub version: Option<String>,
    pub sessions: Option<u32>,
    pub running: Option<u32>,
    pub max_concurrent: Option<u32>,
    pub queued: Option<u32>,
    pub recently_rejected: Option<u32>,
    pub cpu_percent: Option<u32>,
    pub memory_percent: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// `answers`, `wants-password`, `other-protocol`, `fails`, `nothing-listens`, `silent`, `forbidden` or `unasked`.
    pub state: &'static str,
    pub sentence: String,
}

impl Probe {
    pub fn of(probe: &probe::Probe) -> Self {
        let gateway = &probe.gateway;
        let owned = |text: &Option<crate::fleet::Text>| text.as_ref().map(ToString::to_string);
        Self {
            at: Time(probe.at),
            deep: probe.deep,
            gateway: Gateway {
                state: gateway.word(),
                sentence: gateway.sentence(),
                proof: gateway.proof.map(probe::Route::path),
                version: owned(&gateway.version),
                uptime_seconds: gateway.uptime_seconds,
                failing: gateway.failing.iter().map(ToString::to_string).collect(),
                unmet: gateway
                    .unmet
                    .iter()
                    .map(|c| Condition {
                        kind: c.kind.to_string(),
                        required: c.required,
                        reason: owned(&c.reason),
                        message: owned(&c.message),
                    })
                    .collect(),
            },
            browser: probe.browser.as_ref().map(|browser| Browser {
                state: browser.word(),
                sentence: browser.sentence(),
                kind: browser.kind.map(probe::BrowserKind::word),
                port: browser.port,
                version: owned(&browser.version),
                sessions: browser.sessions,
                running: browser.running,
                max_concurrent: browser.most,
                queued: browser.queued,
                recently_rejected: browser.rejected,
                cpu_percent: browser.cpu_percent,
                memory_percent: browser.memory_percent,
            }),
            page: probe.page.as_ref().map(|page| Page { state: page.word(), sentence: page.sentence() }),
        }
    }
}
