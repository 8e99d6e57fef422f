//! The headless browser beside the gateway: browserless 1 or 2 on port 3000, or a plain Chrome on 9222.
//!
//! No open page is no fault. A token that is asked for is a class of its own. Browserless 1 makes its `/json` lists up, and
//! browserless 2 starts a Chrome for `/json/version` and then answers it from memory: neither proves a Chrome that runs.

use serde_json::Value;

use super::{
    Health,
    heard::{Heard, number_of, short, text_of},
};
use crate::fleet::Text;

/// What its routes answered; `None` was not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserAnswers {
    pub port: u16,
    pub pressure: Option<Heard>,
    /// Browserless 2 has this, browserless 1 has `/workspace`.
    pub meta: Option<Heard>,
    pub workspace: Option<Heard>,
    pub sessions: Option<Heard>,
    pub version: Option<Heard>,
    /// `/json/list` of a plain Chrome.
    pub list: Option<Heard>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Browser {
    pub kind: Option<BrowserKind>,
    pub state: BrowserState,
    pub port: u16,
    /// Of the browser or of browserless, as it reports it.
    pub version: Option<Text>,
    /// Sessions of clients, or a plain Chrome's pages.
    pub sessions: Option<u32>,
    pub running: Option<u32>,
    pub most: Option<u32>,
    pub queued: Option<u32>,
    pub rejected: Option<u32>,
    pub cpu_percent: Option<u32>,
    pub memory_percent: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserKind {
    Browserless1,
    Browserless2,
    /// Browserless, of which version it does not tell.
    Browserless,
    Chrome,
}

#[derive(Clone, Debug, PartialEq)]
pub enum BrowserState {
    Well,
    /// It takes no more sessions for now: `full`, `cpu` or `memory`.
    Busy {
        reason: Text,
    },
    Unauthorized,
    /// It answers, and gives nobody a way to its Chrome.
    NoDevTools,
    /// The Host header was neither an address nor `localhost`: our fault, not its.
    HostRefused,
    Stranger {
        answered: Text,
    },
    NothingListens,
    Silent,
    Broken {
        why: Text,
    },
    Unasked {
        why: Text,
        forbidden: bool,
    },
}

impl BrowserKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Browserless1 => "browserless 1",
            Self::Browserless2 => "browserless 2",
            Self::Browserless => "browserless",
            Self::Chrome => "Chrome",
        }
    }
}

impl Browser {
    pub fn of(answers: &BrowserAnswers) -> Self {
        let json = |heard: &Option<Heard>| ok_json(heard.as_ref());
        let (meta, version) = (json(&answers.meta), json(&answers.version));
        let pressure = json(&answers.pressure).and_then(|v| v.get("pressure").filter(|p| p.is_object()).cloned());
        let kind = kind(answers, pressure.is_some(), meta.as_ref(), version.as_ref());
        let number = |key: &str| pressure.as_ref().and_then(|p| number_of(p, key));
        let listed = |heard: &Option<Heard>| match json(heard) {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        };
        let sessions = match kind {
            Some(BrowserKind::Chrome) => listed(&answers.list)
                .map(|items| items.iter().filter(|i| i.get("type").and_then(Value::as_str) == Some("page")).count()),
            _ => listed(&answers.sessions).map(|items| items.len()),
        };
        Self {
            kind,
            state: state(answers, pressure.as_ref(), version.as_ref()),
            port: answers.port,
            version: version
                .as_ref()
                .and_then(|v| text_of(v, "Browser"))
                .or_else(|| meta.as_ref().and_then(|v| text_of(v, "chromium").or_else(|| text_of(v, "version")))),
            sessions: sessions.and_then(|n| u32::try_from(n).ok()),
            running: number("running"),
            most: number("maxConcurrent"),
            queued: number("queued"),
            rejected: number("recentlyRejected"),
            cpu_percent: number("cpu"),
            memory_percent: number("memory"),
        }
    }

    pub fn health(&self) -> Health {
        match self.state {
            BrowserState::Well => Health::Good,
            BrowserState::Busy { .. } | BrowserState::Unauthorized => Health::Impaired,
            BrowserState::HostRefused | BrowserState::Unasked { .. } => Health::Unknown,
            BrowserState::NoDevTools
            | BrowserState::Stranger { .. }
            | BrowserState::NothingListens
            | BrowserState::Silent
            | BrowserState::Broken { .. } => Health::Bad,
        }
    }

    pub fn word(&self) -> &'static str {
        match self.state {
            BrowserState::Well => "well",
            BrowserState::Busy { .. } => "busy",
            BrowserState::Unauthorized => "unauthorized",
            BrowserState::NoDevTools => "no-devtools",
            BrowserState::HostRefused => "host-refused",
            BrowserState::Stranger { .. } => "stranger",
            BrowserState::NothingListens => "nothing-listens",
            BrowserState::Silent => "silent",
            BrowserState::Broken { .. } => "broken",
            BrowserState::Unasked { forbidden: true, .. } => "forbidden",
            BrowserState::Unasked { .. } => "unasked",
        }
    }

    pub fn sentence(&self) -> String {
        let mut text = match &self.state {
            BrowserState::Well => "answers".to_owned(),
            BrowserState::Busy { reason } if *reason == "full" => {
                "takes no more sessions for now: all are in use".to_owned()
            }
            BrowserState::Busy { reason } => format!("takes no more sessions for now: {reason}"),
            BrowserState::Unauthorized => {
                "wants a token (401): whether the gateway has the right one is not known".to_owned()
            }
            BrowserState::NoDevTools => "answers and offers no DevTools: the gateway cannot drive it".to_owned(),
            BrowserState::HostRefused => "refuses the name it was asked by".to_owned(),
            BrowserState::Stranger { answered } => format!("is not what answers on port {}: {answered}", self.port),
            BrowserState::NothingListens => "does not listen on its port".to_owned(),
            BrowserState::Silent => "does not answer in time".to_owned(),
            BrowserState::Broken { why } => format!("breaks the connection: {why}"),
            BrowserState::Unasked { why, .. } => format!("could not be asked: {why}"),
        };
        let kind = self.kind.map(BrowserKind::word);
        let version = self.version.as_deref();
        // `Chrome/140.0.0.0` says both.
        let kind = kind.filter(|kind| !version.is_some_and(|v| v.starts_with(kind)));
        let about: Vec<_> = kind.into_iter().chain(version).collect();
        if !about.is_empty() {
            text.push_str(&format!(", {}", about.join(" ")));
        }
        if let (Some(running), Some(most)) = (self.running, self.most) {
            text.push_str(&format!(", {running} of {most} sessions"));
        } else if let Some(sessions) = self.sessions {
            let of = if self.kind == Some(BrowserKind::Chrome) { "page" } else { "session" };
            text.push_str(&format!(", {sessions} {of}{}", if sessions == 1 { "" } else { "s" }));
        }
        if let Some(queued) = self.queued.filter(|n| *n > 0) {
            text.push_str(&format!(", {queued} waiting"));
        }
        if let Some(rejected) = self.rejected.filter(|n| *n > 0) {
            text.push_str(&format!(", {rejected} lately refused"));
        }
        text
    }
}

/// JSON of an answer that is no refusal.
fn ok_json(heard: Option<&Heard>) -> Option<Value> {
    heard.filter(|h| h.status().is_some_and(|s| s < 400 || s == 503)).and_then(Heard::json)
}

fn kind(
    answers: &BrowserAnswers,
    pressure: bool,
    meta: Option<&Value>,
    version: Option<&Value>,
) -> Option<BrowserKind> {
    if !pressure {
        return version.filter(|v| v.get("webSocketDebuggerUrl").is_some()).map(|_| BrowserKind::Chrome);
    }
    if meta.is_some_and(|v| v.get("version").is_some()) {
        return Some(BrowserKind::Browserless2);
    }
    let workspace = answers.workspace.as_ref().and_then(Heard::status);
    Some(if workspace == Some(200) { BrowserKind::Browserless1 } else { BrowserKind::Browserless })
}

fn state(answers: &BrowserAnswers, pressure: Option<&Value>, version: Option<&Value>) -> BrowserState {
    let all = [&answers.pressure, &answers.meta, &answers.sessions, &answers.version, &answers.list];
    let asked: Vec<&Heard> = all.into_iter().flatten().collect();
    if asked.iter().any(|h| h.status() == Some(401)) {
        return BrowserState::Unauthorized;
    }
    let host = |h: &&&Heard| {
        h.answer().is_some_and(|a| a.status == 500 && String::from_utf8_lossy(&a.body).contains("Host header"))
    };
    if asked.iter().any(|h| host(&h)) {
        return BrowserState::HostRefused;
    }
    let debugger = version.map(|v| text_of(v, "webSocketDebuggerUrl").is_some());
    if let Some(pressure) = pressure {
        let reason = text_of(pressure, "reason");
        let available = pressure.get("isAvailable").and_then(Value::as_bool);
        return match (available, reason, debugger) {
            (_, _, Some(false)) => BrowserState::NoDevTools,
            (Some(false), reason, _) => {
                BrowserState::Busy { reason: reason.unwrap_or_else(|| Text::from("it does not say why")) }
            }
            (_, Some(reason), _) => BrowserState::Busy { reason },
            (_, None, _) if chrome_fails(answers.version.as_ref()) => BrowserState::NoDevTools,
            (_, None, _) => BrowserState::Well,
        };
    }
    match debugger {
        Some(true) => return BrowserState::Well,
        Some(false) => return BrowserState::NoDevTools,
        None => {}
    }
    match asked.last() {
        None => BrowserState::Unasked { why: Text::from("it was not asked"), forbidden: false },
        Some(Heard::Refused) => BrowserState::NothingListens,
        Some(Heard::Silent) => BrowserState::Silent,
        Some(Heard::Broken(why)) => BrowserState::Broken { why: short(why) },
        Some(Heard::Unasked { why, forbidden }) => BrowserState::Unasked { why: short(why), forbidden: *forbidden },
        Some(heard @ Heard::Answer(_)) => BrowserState::Stranger { answered: heard.odd() },
    }
}

/// Browserless answers, and its Chrome does not come up when it is asked for.
fn chrome_fails(version: Option<&Heard>) -> bool {
    version.is_some_and(|h| matches!(h, Heard::Silent) || h.status().is_some_and(|s| s >= 500))
}

#[cfg(test)]
mod tests {
    use super::{super::heard::tests::heard, *};

    /// Each pair is a route and its answer.
    fn browser(answers: &[(&str, &str)]) -> Browser {
        let mut asked = BrowserAnswers { port: 3_000, ..BrowserAnswers::default() };
        for (route, text) in answers {
            let slot = match *route {
                "/pressure" => &mut asked.pressure,
                "/meta" => &mut asked.meta,
                "/workspace" => &mut asked.workspace,
                "/sessions" => &mut asked.sessions,
                "/json/version" => &mut asked.version,
                "/json/list" => &mut asked.list,
                other => panic!("{other}"),
            };
            *slot = Some(heard(text));
        }
        Browser::of(&asked)
    }

    const CALM: &str = r#"200 json {"pressure":{"cpu":11.4,"date":1,"isAvailable":true,"maxConcurrent":5,"maxQueued":10,"memory":27,"message":"","queued":0,"reason":"","recentlyRejected":0,"running":0}}"#;
    const FULL: &str = r#"200 json {"pressure":{"isAvailable":false,"maxConcurrent":5,"maxQueued":10,"queued":3,"reason":"full","recentlyRejected":2,"running":5}}"#;
    const META: &str = r#"200 json {"version":"2.56.0","chromium":"140.0.7339.16","webkit":"26.0","firefox":"141.0","playwright":[],"puppeteer":[]}"#;
    const VERSION: &str = r#"200 json {"Browser":"Chrome/140.0.7339.16","Protocol-Version":"1.3","User-Agent":"x","V8-Version":"1","WebKit-Version":"1","webSocketDebuggerUrl":"ws://127.0.0.1:9222/devtools/browser/1"}"#;
    const NOT_FOUND: &str = "404 text Not Found";

    #[test]
    fn recorded_answers_mean_this() {
        let check = |answers: &[(&str, &str)], kind: Option<BrowserKind>, word: &str| {
            let found = browser(answers);
            assert_eq!((found.kind, found.word()), (kind, word), "{answers:?}");
        };
        use BrowserKind::{Browserless as Less, Browserless1 as One, Browserless2 as Two, Chrome};
        check(&[("/pressure", CALM), ("/meta", META), ("/sessions", "200 json []")], Some(Two), "well");
        check(
            &[("/pressure", CALM), ("/meta", NOT_FOUND), ("/workspace", "200 json []"), ("/sessions", "200 json []")],
            Some(One),
            "well",
        );
        check(&[("/pressure", CALM), ("/meta", NOT_FOUND), ("/workspace", NOT_FOUND)], Some(Less), "well");
        check(&[("/pressure", FULL), ("/meta", META)], Some(Two), "busy");
        check(&[("/pressure", r#"200 json {"pressure":{"isAvailable":true,"reason":"memory"}}"#)], Some(Less), "busy");
        check(&[("/pressure", CALM), ("/meta", META), ("/json/version", VERSION)], Some(Two), "well");
        check(
            &[("/pressure", CALM), ("/meta", META), ("/json/version", r#"200 json {"Browser":"Chrome"}"#)],
            Some(Two),
            "no-devtools",
        );
        check(
            &[("/pressure", CALM), ("/meta", META), ("/json/version", "500 text Failed to launch the browser process")],
            Some(Two),
            "no-devtools",
        );
        check(&[("/pressure", CALM), ("/meta", META), ("/json/version", "silent")], Some(Two), "no-devtools");
        // A token is set: not down, and not well either.
        check(&[("/pressure", "401 text Bad or missing authentication.")], None, "unauthorized");
        check(&[("/pressure", CALM), ("/sessions", "401 text ")], Some(Less), "unauthorized");
        // Plain Chrome: no page open is no fault.
        check(
            &[("/pressure", NOT_FOUND), ("/json/version", VERSION), ("/json/list", "200 json []")],
            Some(Chrome),
            "well",
        );
        check(&[("/pressure", "refused"), ("/json/version", VERSION)], Some(Chrome), "well");
        check(
            &[("/json/version", "500 html Host header is specified and is not an IP address or localhost.")],
            None,
            "host-refused",
        );
        check(&[("/pressure", NOT_FOUND), ("/json/version", r#"200 json {"Browser":"Chrome"}"#)], None, "no-devtools");
        // Nobody, nothing, nonsense.
        check(&[("/pressure", "refused"), ("/json/version", "refused")], None, "nothing-listens");
        check(&[("/pressure", "silent")], None, "silent");
        check(&[("/pressure", "broken")], None, "broken");
        check(&[("/pressure", "forbidden")], None, "forbidden");
        check(&[("/pressure", "200 html <html>"), ("/json/version", "200 html <html>")], None, "stranger");
        check(&[("/pressure", r#"200 json {"pressure":7}"#)], None, "stranger");
        check(&[], None, "unasked");
    }

    #[test]
    fn it_tells_what_it_is_busy_with() {
        let found = browser(&[("/pressure", FULL), ("/meta", META)]);
        assert_eq!(
            found.sentence(),
            "takes no more sessions for now: all are in use, browserless 2 140.0.7339.16, 5 of 5 sessions, 3 waiting, 2 lately refused"
        );
        assert_eq!((found.cpu_percent, browser(&[("/pressure", CALM)]).cpu_percent), (None, Some(11)));
        let pages = r#"200 json [{"type":"page"},{"type":"iframe"},{"type":"service_worker"}]"#;
        let chrome = browser(&[("/json/version", VERSION), ("/json/list", pages)]);
        assert_eq!(chrome.sentence(), "answers, Chrome/140.0.7339.16, 1 page");
    }
}
