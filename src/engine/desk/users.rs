//! Whom an act would interrupt: browsers tell how many sessions they have. Gateways tell theirs to nobody without the token.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use tokio::time::timeout;

use crate::{
    cluster::{Asked, Cluster, Depth},
    fleet::probe::{BrowserState, GatewayState},
    index::Entry,
    plan::{Plan, Step},
};

/// Of more tenants than so many nobody is asked: each takes a few requests to its pod.
const ASKED: usize = 20;
const AT_ONCE: usize = 5;
/// For all of them together: a person waits.
const PATIENCE: Duration = Duration::from_secs(8);

/// A sentence for each whom it interrupts, as far as that is known.
pub(super) async fn interrupted(cluster: &Cluster, plan: &Plan, entries: &[Entry]) -> Vec<String> {
    let hit: Vec<&Entry> = entries
        .iter()
        .filter(|entry| {
            plan.turn(&entry.tenant.namespace_name).is_some_and(|t| plan.steps(t).iter().any(Step::interrupts))
        })
        .filter(|entry| entry.tenant.pod().is_some())
        .collect();
    if hit.len() > ASKED {
        return vec![format!("whom it interrupts is not known: {} browsers are too many to ask", hit.len())];
    }
    let mut said = vec![None; hit.len()];
    let mut asking =
        stream::iter(hit.iter().enumerate().map(|(n, entry)| async move { (n, ask(cluster, entry).await) }))
            .buffer_unordered(AT_ONCE);
    let all = async {
        while let Some((n, word)) = asking.next().await {
            said[n] = Some(word);
        }
    };
    // Whoever has not answered by then is not known.
    _ = timeout(PATIENCE, all).await;
    drop(asking);
    let unknown = || "whom it interrupts is not known: its browser did not answer in time".to_owned();
    hit.iter().zip(said).map(|(entry, word)| format!("{}: {}", entry.tenant.id, word.unwrap_or_else(unknown))).collect()
}

async fn ask(cluster: &Cluster, entry: &Entry) -> String {
    let not = |why: &str| format!("whom it interrupts is not known: {why}");
    let asked = entry.tenant.pod().and_then(|pod| Asked::of(&entry.tenant.namespace_name, pod));
    let Some(asked) = asked else { return "nobody is interrupted: its gateway does not run".to_owned() };
    let probe = cluster.probe(&asked, Depth::Light).await;
    if matches!(probe.gateway.state, GatewayState::Unasked { forbidden: true, .. }) {
        return not("you may not forward ports");
    }
    let Some(browser) = &probe.browser else { return not("no browser of it runs, and its gateway tells nobody") };
    // What runs now counts; a session that waits is somebody, too.
    let open = match (browser.running.zip(browser.queued), browser.sessions) {
        (Some((running, queued)), sessions) => Some((running + queued).max(sessions.unwrap_or_default())),
        (None, sessions) => sessions,
    };
    match (open, &browser.state) {
        (Some(0), _) => "no session is open in its browser; who talks to its gateway is not told".to_owned(),
        (Some(1), _) => "1 session is open in its browser, and ends with it".to_owned(),
        (Some(n), _) => format!("{n} sessions are open in its browser, and end with it"),
        (None, BrowserState::Unauthorized) => not("its browser wants a token"),
        (None, BrowserState::Unasked { why, .. }) => not(why),
        (None, _) => not("its browser does not tell"),
    }
}
