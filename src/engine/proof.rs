//! Our own proof that a tenant is back: its gateway and browser are asked through a port-forward, and it is looked at for what was
//! not wrong with it before. Where that is not allowed the verdict says so, and stands on the kubelet's probe alone.

use std::collections::BTreeSet;

use tokio::time::{Instant, sleep};

use super::{act::Act, trouble::Trouble};
use crate::{
    cluster::{Asked, Depth},
    diagnose::Code,
    fleet::{
        Text,
        probe::{Browser, BrowserState, Gateway, GatewayState, Health},
    },
};

/// Seconds that a gateway may take from the kubelet's word to its own.
const ANSWERS: u32 = 45;
const EVERY: u32 = 3;

impl Act<'_> {
    /// What is wrong with it before anything is done; `None` where that is not known.
    pub(super) async fn ills(&self) -> Option<BTreeSet<Code>> {
        self.shared.view.ills(&self.turn.namespace).await
    }

    /// Adds our own proof to the kubelet's.
    pub(super) async fn proven(&mut self, said: String, before: Option<&BTreeSet<Code>>) -> Result<String, Trouble> {
        let cluster = self.shared.cluster;
        let namespace = Text::from(self.turn.namespace.as_str());
        let began = Instant::now();
        let mut orders = self.shared.orders.clone();
        loop {
            let entry = self.shared.view.get(&self.turn.namespace).await;
            let asked = entry.as_ref().and_then(|(entry, _)| Asked::of(&namespace, entry.tenant.pod()?));
            let Some(asked) = asked else {
                return Ok(format!("{said}; not asked by us: nothing of it is seen to run"));
            };
            let probe = cluster.probe(&asked, Depth::Light).await;
            let why = match gateway(&probe.gateway) {
                Heard::Well(word) => {
                    let browser = probe.browser.as_ref().map_or_else(String::new, |b| format!("; {}", browser(b)));
                    let ills = self.fresh_ills(before).await;
                    return Ok(format!("{said}; {word}{browser}; {ills}"));
                }
                Heard::Unasked(why) => return Ok(format!("{said}; not asked by us: {why}")),
                Heard::Ill(why) => why,
            };
            // One that was unwell before is judged as no worse.
            if began.elapsed() >= cluster.clock().real(ANSWERS) {
                return match &self.turn.unwell {
                    Some(before) => Ok(format!("{said}; no worse than before ({before}): {why}")),
                    None => Err(Trouble::Unwell(format!("the kubelet says that it is Ready, and to us {why}"))),
                };
            }
            tokio::select! {
                biased;
                () = orders.stopped() => return Err(Trouble::Stopped),
                () = sleep(cluster.clock().real(EVERY)) => {}
            }
        }
    }

    /// What was not wrong with it before.
    async fn fresh_ills(&self, before: Option<&BTreeSet<Code>>) -> String {
        let (Some(before), Some(after)) = (before, self.ills().await) else {
            return "whether anything new is wrong is not known".to_owned();
        };
        let fresh: Vec<String> = after.difference(before).map(ToString::to_string).collect();
        if fresh.is_empty() { "no new findings".to_owned() } else { format!("new findings: {}", fresh.join(", ")) }
    }
}

enum Heard {
    Well(String),
    Ill(String),
    Unasked(String),
}

fn gateway(gateway: &Gateway) -> Heard {
    let version = gateway.version.as_ref().map_or_else(String::new, |version| format!(" as {version}"));
    match &gateway.state {
        GatewayState::Serving | GatewayState::Live => Heard::Well(format!("its gateway answers us{version}")),
        GatewayState::ChannelsDown => Heard::Well(format!("its gateway answers us{version}, with a channel down")),
        GatewayState::Attribution | GatewayState::Unauthorized => {
            Heard::Well("its gateway answers us, and tells no more".to_owned())
        }
        GatewayState::Unasked { forbidden: true, .. } => Heard::Unasked("you may not forward ports".to_owned()),
        GatewayState::Unasked { why, .. } => Heard::Unasked(why.to_string()),
        GatewayState::Starting { .. } => Heard::Ill("its gateway says that it is starting".to_owned()),
        GatewayState::Draining => Heard::Ill("its gateway says that it is draining".to_owned()),
        GatewayState::NotReady => Heard::Ill("its gateway says that it is not ready".to_owned()),
        GatewayState::Stranger { .. } => Heard::Ill("something else answers on its port".to_owned()),
        GatewayState::NothingListens => Heard::Ill("nothing listens on its gateway's port".to_owned()),
        GatewayState::Silent => Heard::Ill("its gateway does not answer".to_owned()),
        // The way there broke, and says nothing of the gateway.
        GatewayState::Broken { why } if why.contains("error forwarding port") => Heard::Unasked(why.to_string()),
        GatewayState::Broken { why } => Heard::Ill(format!("its gateway broke off: {why}")),
    }
}

/// The browser comes later than the gateway, and without one the tenant still talks: it is said, and no failure.
fn browser(browser: &Browser) -> String {
    match &browser.state {
        BrowserState::Unasked { .. } => "its browser was not asked".to_owned(),
        _ if browser.health() == Health::Good => "its browser answers".to_owned(),
        BrowserState::Busy { reason } => format!("its browser is busy ({reason})"),
        _ => "its browser does not answer as it should".to_owned(),
    }
}
