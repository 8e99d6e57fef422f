//! Asks a tenant's pod on its own ports, through port-forwards: such a request comes from the pod's own loopback without
//! proxy headers, which the gateway answers in full and without a token.
//!
//! Only looks: no request opens a page, and one that may start a Chrome that was asleep is sent only by a deep probe. What
//! the answers mean is `fleet::probe`'s; here they are only fetched.

mod drain;
mod line;

use std::time::Duration;

pub use self::drain::Drained;
use self::line::Line;
use super::Cluster;
use crate::fleet::{
    Pod, State, Text, Uid,
    probe::{Browser, BrowserAnswers, Gateway, GatewayAnswers, Heard, Page, Probe, Route},
};

pub(super) const GATEWAY: u16 = 18_789;
pub(super) const BROWSERLESS: u16 = 3_000;
pub(super) const CHROME: u16 = 9_222;
pub(super) const PAGE: u16 = 6_901;
/// For all questions to one container.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// What costs a tenant nothing; asked again and again while its page is open.
    Light,
    /// Also what makes browserless start a Chrome for a moment.
    Deep,
}

/// A pod to ask, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub namespace: Text,
    pub pod: Text,
    pub uid: Uid,
    /// The browser's port, the likeliest first; none without a browser.
    browser: Vec<u16>,
    page: bool,
}

impl Asked {
    /// `None` where nothing in it runs: whoever is asked then can only be silent.
    pub fn of(namespace: &Text, pod: &Pod) -> Option<Self> {
        let runs = |c: &crate::fleet::Container| matches!(c.state, State::Running { .. });
        if !pod.gateway().is_some_and(runs) {
            return None;
        }
        let browser = pod.browser().filter(|c| runs(c)).map(|c| match &*c.name {
            "chromium" | "chrome" => vec![CHROME, BROWSERLESS],
            _ => vec![BROWSERLESS, CHROME],
        });
        Some(Self {
            namespace: namespace.clone(),
            pod: pod.name.clone(),
            uid: pod.uid,
            browser: browser.unwrap_or_default(),
            page: pod.browser_ui().is_some_and(runs),
        })
    }
}

impl Cluster {
    /// Asks gateway, browser and page at the same time. Has no error: that nobody could be asked is an answer, too.
    pub async fn probe(&self, asked: &Asked, depth: Depth) -> Probe {
        let (gateway, browser, page) =
            tokio::join!(gateway(self, asked), browser(self, asked, depth), page(self, asked));
        Probe { pod: asked.uid, at: self.clock().now(), deep: depth == Depth::Deep, gateway, browser, page }
    }
}

async fn gateway(cluster: &Cluster, asked: &Asked) -> Gateway {
    let mut answers = GatewayAnswers::default();
    let mut line = Line::new(cluster, asked, GATEWAY);
    let all = async {
        for (route, slot) in Route::ALL.into_iter().zip([&mut answers.startup, &mut answers.ready, &mut answers.health])
        {
            let heard = slot.insert(line.get(route.path()).await);
            // Whoever does not answer the first question will not answer the others.
            if !matches!(heard, Heard::Answer(_)) {
                break;
            }
        }
    };
    // What was not asked in time is not known.
    _ = tokio::time::timeout(PATIENCE, all).await;
    Gateway::of(&answers)
}

async fn browser(cluster: &Cluster, asked: &Asked, depth: Depth) -> Option<Browser> {
    if asked.browser.is_empty() {
        return None;
    }
    let mut answers = BrowserAnswers::default();
    _ = tokio::time::timeout(PATIENCE, ask_browser(cluster, asked, depth, &mut answers)).await;
    Some(Browser::of(&answers))
}

async fn ask_browser(cluster: &Cluster, asked: &Asked, depth: Depth, answers: &mut BrowserAnswers) {
    for port in &asked.browser {
        *answers = BrowserAnswers { port: *port, ..BrowserAnswers::default() };
        let mut line = Line::new(cluster, asked, *port);
        let pressure = answers.pressure.insert(line.get("/pressure").await);
        match pressure {
            Heard::Refused => continue,
            Heard::Answer(answer) if answer.status == 401 => return,
            Heard::Answer(answer) if answer.body.starts_with(b"{\"pressure\"") => {
                let meta = answers.meta.insert(line.get("/meta").await);
                if !matches!(meta, Heard::Answer(a) if a.status == 200) {
                    answers.workspace = Some(line.get("/workspace").await);
                }
                answers.sessions = Some(line.get("/sessions").await);
                if depth == Depth::Deep {
                    answers.version = Some(line.get("/json/version").await);
                }
                return;
            }
            Heard::Answer(_) => {
                answers.version = Some(line.get("/json/version").await);
                answers.list = Some(line.get("/json/list").await);
                return;
            }
            _ => return,
        }
    }
}

async fn page(cluster: &Cluster, asked: &Asked) -> Option<Page> {
    if !asked.page {
        return None;
    }
    let mut line = Line::new(cluster, asked, PAGE);
    Some(Page::of(&line.get("/").await))
}
