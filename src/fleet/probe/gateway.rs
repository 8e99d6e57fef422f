//! The gateway's health routes, with what each version makes of them.
//!
//! - `/startupz` asks the right question (may this pod get traffic), and older versions do not know it: there the control UI
//!   answers with a page and status 200.
//! - `/readyz` turns 503 when one chat channel is down, which takes nothing from the others.
//! - 403 to both, with `/healthz` well, means that the gateway cannot tell who asks; it does not mean that it is down.
//! - `/healthz` tells only that the process lives.

use serde_json::Value;

use super::{
    Health,
    heard::{Heard, MOST, short, text_of},
};
use crate::fleet::{Age, Text};

/// What the three routes answered; `None` was not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayAnswers {
    pub startup: Option<Heard>,
    pub ready: Option<Heard>,
    pub health: Option<Heard>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    pub state: GatewayState,
    /// The route that the state stands on.
    pub proof: Option<Route>,
    /// As it reports it itself.
    pub version: Option<Text>,
    pub uptime_seconds: Option<u32>,
    /// What is not ready, by its own words: `startup-sidecars`, `gateway-draining`, `internal`, or a channel.
    pub failing: Box<[Text]>,
    /// Conditions that are not met.
    pub unmet: Box<[GatewayCondition]>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum GatewayState {
    Serving,
    /// It serves; a channel of its own is down.
    ChannelsDown,
    /// It lives, and this version does not tell more.
    Live,
    Starting {
        reason: Option<Text>,
    },
    Draining,
    /// It lives and says that it is not ready.
    NotReady,
    /// 403: it cannot tell who asks (`gateway.trustedProxies`). Says nothing of its health.
    Attribution,
    /// 401.
    Unauthorized,
    /// Something else answers on the port.
    Stranger {
        answered: Text,
    },
    NothingListens,
    Silent,
    Broken {
        why: Text,
    },
    /// We could not ask.
    Unasked {
        why: Text,
        forbidden: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Startup,
    Ready,
    Health,
}

impl Route {
    pub const ALL: [Self; 3] = [Self::Startup, Self::Ready, Self::Health];

    pub fn path(self) -> &'static str {
        match self {
            Self::Startup => "/startupz",
            Self::Ready => "/readyz",
            Self::Health => "/healthz",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayCondition {
    pub kind: Text,
    /// Not only advice.
    pub required: bool,
    pub reason: Option<Text>,
    pub message: Option<Text>,
}

/// What one route tells.
enum Told {
    Well,
    Starting(Option<Text>),
    Draining,
    NotReady,
    /// Only channels are down.
    Channels,
    /// This version has no such route, or does not tell it to us.
    Nothing,
}

impl Gateway {
    pub fn of(answers: &GatewayAnswers) -> Self {
        let json = |heard: &Option<Heard>| heard.as_ref().and_then(Heard::json);
        let (startup, ready, health) = (json(&answers.startup), json(&answers.ready), json(&answers.health));
        let failing = ready.as_ref().map(failing).unwrap_or_default();
        let by_startup = startup.as_ref().map_or(Told::Nothing, |v| told_by_startup(v, answers.startup.as_ref()));
        let by_ready = ready.as_ref().map_or(Told::Nothing, |v| told_by_ready(v, &failing, answers.ready.as_ref()));
        let lives = health.as_ref().is_some_and(is_live) && status(&answers.health) == Some(200);
        let (state, proof) = match (by_startup, by_ready) {
            (Told::Starting(reason), _) => (GatewayState::Starting { reason }, Some(Route::Startup)),
            (Told::Draining, _) => (GatewayState::Draining, Some(Route::Startup)),
            // Started, and yet: it drains since a moment ago, or is broken inside.
            (_, Told::Draining) => (GatewayState::Draining, Some(Route::Ready)),
            (_, Told::NotReady) => (GatewayState::NotReady, Some(Route::Ready)),
            (_, Told::Channels) => (GatewayState::ChannelsDown, Some(Route::Ready)),
            (Told::Well, _) => (GatewayState::Serving, Some(Route::Startup)),
            (_, Told::Starting(reason)) => (GatewayState::Starting { reason }, Some(Route::Ready)),
            (Told::NotReady | Told::Channels, _) => (GatewayState::NotReady, Some(Route::Startup)),
            (_, Told::Well) => (GatewayState::Serving, Some(Route::Ready)),
            (Told::Nothing, Told::Nothing) => untold(answers, lives),
        };
        let of_any = |key: &str| [&startup, &ready, &health].into_iter().flatten().find_map(|v| text_of(v, key));
        let uptime = [&startup, &ready].into_iter().flatten().find_map(|v| v.get("uptimeMs")?.as_u64());
        Self {
            state,
            proof,
            version: of_any("version"),
            uptime_seconds: uptime.and_then(|ms| u32::try_from(ms / 1_000).ok()),
            failing,
            unmet: ready.as_ref().map(unmet).unwrap_or_default(),
        }
    }

    pub fn health(&self) -> Health {
        match self.state {
            GatewayState::Serving | GatewayState::Live => Health::Good,
            GatewayState::ChannelsDown
            | GatewayState::Starting { .. }
            | GatewayState::Draining
            | GatewayState::Attribution
            | GatewayState::Unauthorized => Health::Impaired,
            GatewayState::NotReady
            | GatewayState::Stranger { .. }
            | GatewayState::NothingListens
            | GatewayState::Silent
            | GatewayState::Broken { .. } => Health::Bad,
            GatewayState::Unasked { .. } => Health::Unknown,
        }
    }

    /// For programs.
    pub fn word(&self) -> &'static str {
        match self.state {
            GatewayState::Serving => "serving",
            GatewayState::ChannelsDown => "channels-down",
            GatewayState::Live => "live",
            GatewayState::Starting { .. } => "starting",
            GatewayState::Draining => "draining",
            GatewayState::NotReady => "not-ready",
            GatewayState::Attribution => "attribution",
            GatewayState::Unauthorized => "unauthorized",
            GatewayState::Stranger { .. } => "stranger",
            GatewayState::NothingListens => "nothing-listens",
            GatewayState::Silent => "silent",
            GatewayState::Broken { .. } => "broken",
            GatewayState::Unasked { forbidden: true, .. } => "forbidden",
            GatewayState::Unasked { .. } => "unasked",
        }
    }

    /// For people: one clause, then what else it told.
    pub fn sentence(&self) -> String {
        let failing = || self.failing.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
        let mut text = match &self.state {
            GatewayState::Serving => "serves".to_owned(),
            GatewayState::ChannelsDown => format!("serves, with {} down", failing()),
            GatewayState::Live => "lives; this version does not tell whether it is ready".to_owned(),
            GatewayState::Starting { reason: Some(reason) } => format!("starts: waits for {reason}"),
            GatewayState::Starting { reason: None } => "starts".to_owned(),
            GatewayState::Draining => "drains: it takes nothing new before it stops".to_owned(),
            GatewayState::NotReady => {
                let unmet = self.unmet.iter().find(|c| c.required);
                let detail = match unmet {
                    Some(c) => c.message.as_ref().or(c.reason.as_ref()).unwrap_or(&c.kind).to_string(),
                    None if self.failing.is_empty() => "it does not say why".to_owned(),
                    None => failing(),
                };
                format!("lives and is not ready: {detail}")
            }
            GatewayState::Attribution => {
                "refuses to say how it is (403, proxy attribution): that is no sign of a fault".to_owned()
            }
            GatewayState::Unauthorized => "wants a token for its health (401)".to_owned(),
            GatewayState::Stranger { answered } => format!("is not what answers on its port: {answered}"),
            GatewayState::NothingListens => "does not listen on its port".to_owned(),
            GatewayState::Silent => "does not answer in time".to_owned(),
            GatewayState::Broken { why } => format!("breaks the connection: {why}"),
            GatewayState::Unasked { why, .. } => format!("could not be asked: {why}"),
        };
        if let Some(version) = &self.version {
            text.push_str(&format!(", {version}"));
        }
        if let Some(uptime) = self.uptime_seconds {
            text.push_str(&format!(", up {}", Age(uptime)));
        }
        text
    }
}

fn status(heard: &Option<Heard>) -> Option<u16> {
    heard.as_ref().and_then(Heard::status)
}

fn told_by_startup(value: &Value, heard: Option<&Heard>) -> Told {
    let reason = || text_of(value, "pendingReason");
    match (heard.and_then(Heard::status), value.get("status").and_then(Value::as_str)) {
        (Some(200), Some("started")) => Told::Well,
        (_, Some("draining")) => Told::Draining,
        (_, Some("starting")) => Told::Starting(reason()),
        (Some(200), _) if value.get("ok") == Some(&Value::Bool(true)) => Told::Well,
        (Some(503), _) if value.get("ok") == Some(&Value::Bool(false)) => Told::Starting(reason()),
        _ => Told::Nothing,
    }
}

fn told_by_ready(value: &Value, failing: &[Text], heard: Option<&Heard>) -> Told {
    let says = |key: &str| value.get(key).and_then(Value::as_bool);
    match (heard.and_then(Heard::status), says("ready").or_else(|| says("ok"))) {
        (Some(200), Some(true)) => Told::Well,
        (Some(503), Some(false)) | (Some(200), Some(false)) => {
            let has = |word: &str| failing.iter().any(|f| *f == word);
            if has("gateway-draining") {
                Told::Draining
            } else if has("startup-sidecars") {
                Told::Starting(None)
            } else if has("internal") || failing.is_empty() || required_unmet(value) {
                Told::NotReady
            } else {
                Told::Channels
            }
        }
        _ => Told::Nothing,
    }
}

/// Neither route told anything.
fn untold(answers: &GatewayAnswers, lives: bool) -> (GatewayState, Option<Route>) {
    let asked: Vec<(&Heard, Route)> = [&answers.startup, &answers.ready, &answers.health]
        .into_iter()
        .zip(Route::ALL)
        .filter_map(|(heard, route)| Some((heard.as_ref()?, route)))
        .collect();
    if let Some((_, route)) = asked.iter().find(|(heard, _)| heard.status() == Some(401)) {
        return (GatewayState::Unauthorized, Some(*route));
    }
    let refused = asked.iter().find(|(heard, _)| heard.status() == Some(403));
    if let Some((heard, route)) = refused {
        // Of this very kind by its words, or because the process lives.
        let named = heard.json().is_some_and(|v| v.to_string().contains("proxy_attribution"));
        if named || lives {
            return (GatewayState::Attribution, Some(*route));
        }
    }
    if lives {
        return (GatewayState::Live, Some(Route::Health));
    }
    // The last word counts: the routes were asked one after the other.
    match asked.last().map(|(heard, _)| *heard) {
        None => (GatewayState::Unasked { why: Text::from("it was not asked"), forbidden: false }, None),
        Some(Heard::Refused) => (GatewayState::NothingListens, None),
        Some(Heard::Silent) => (GatewayState::Silent, None),
        Some(Heard::Broken(why)) => (GatewayState::Broken { why: short(why) }, None),
        Some(Heard::Unasked { why, forbidden }) => {
            (GatewayState::Unasked { why: short(why), forbidden: *forbidden }, None)
        }
        Some(heard @ Heard::Answer(_)) => (GatewayState::Stranger { answered: heard.odd() }, None),
    }
}

fn is_live(value: &Value) -> bool {
    value.get("ok") == Some(&Value::Bool(true)) || value.get("status").and_then(Value::as_str) == Some("live")
}

fn failing(value: &Value) -> Box<[Text]> {
    let items = value.get("failing").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(Value::as_str).take(MOST).map(short).collect()
}

fn conditions(value: &Value) -> impl Iterator<Item = GatewayCondition> {
    let items = value.get("conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().take(MOST).filter_map(|item| {
        // "False" as Kubernetes writes it, or a plain truth value.
        let met = match item.get("status") {
            Some(Value::Bool(met)) => *met,
            Some(Value::String(word)) => !word.eq_ignore_ascii_case("false"),
            _ => return None,
        };
        (!met).then(|| GatewayCondition {
            kind: text_of(item, "type").unwrap_or_else(|| Text::from("a condition without a name")),
            required: item.get("requirement").and_then(Value::as_str) != Some("advisory"),
            reason: text_of(item, "reason"),
            message: text_of(item, "message"),
        })
    })
}

fn unmet(value: &Value) -> Box<[GatewayCondition]> {
    conditions(value).collect()
}

/// A required condition that concerns the gateway itself.
fn required_unmet(value: &Value) -> bool {
    conditions(value).any(|c| c.required && !c.kind.starts_with("Channel"))
}

#[cfg(test)]
mod tests {
    use super::{super::heard::tests::heard, *};

    fn gateway(startup: &str, ready: &str, health: &str) -> Gateway {
        let asked = |text: &str| (!text.is_empty()).then(|| heard(text));
        Gateway::of(&GatewayAnswers { startup: asked(startup), ready: asked(ready), health: asked(health) })
    }

    const LIVE: &str = r#"200 json {"ok":true,"status":"live"}"#;
    const PAGE: &str = "200 html <!doctype html><title>OpenClaw Control</title>";
    const STARTED: &str = r#"200 json {"ok":true,"status":"started","version":"2026.8.2","uptimeMs":90500}"#;
    const READY: &str =
        r#"200 json {"ready":true,"failing":[],"uptimeMs":5000,"conditions":[],"failures":[],"advisories":[]}"#;

    #[test]
    fn recorded_answers_mean_this() {
        let check = |startup: &str, ready: &str, health: &str, word: &str, proof: Option<Route>| {
            let found = gateway(startup, ready, health);
            assert_eq!((found.word(), found.proof), (word, proof), "{startup} | {ready} | {health}");
        };
        use Route::{Health as H, Ready as R, Startup as S};
        // 2026.8.1 and later.
        check(STARTED, READY, LIVE, "serving", Some(S));
        check(
            r#"503 json {"ok":false,"status":"starting","pendingReason":"startup-sidecars"}"#,
            r#"503 json {"ready":false,"failing":["startup-sidecars"]}"#,
            LIVE,
            "starting",
            Some(S),
        );
        check(r#"503 json {"ok":false,"status":"draining","version":"2026.8.2"}"#, "", LIVE, "draining", Some(S));
        check(
            STARTED,
            r#"503 json {"ready":false,"failing":["telegram"],"uptimeMs":1}"#,
            LIVE,
            "channels-down",
            Some(R),
        );
        check(STARTED, r#"503 json {"ready":false,"failing":["gateway-draining"]}"#, LIVE, "draining", Some(R));
        check(STARTED, r#"503 json {"ready":false,"failing":["internal"]}"#, LIVE, "not-ready", Some(R));
        check(
            STARTED,
            r#"503 json {"ready":false,"failing":["telegram"],"conditions":[{"type":"GatewayAcceptingWork","status":"False","requirement":"required","reason":"Stuck"}]}"#,
            LIVE,
            "not-ready",
            Some(R),
        );
        check(
            STARTED,
            r#"503 json {"ready":false,"failing":["telegram"],"conditions":[{"type":"EventLoopHealthy","status":"False","requirement":"advisory"}]}"#,
            LIVE,
            "channels-down",
            Some(R),
        );
        // A remote caller without a token gets no details.
        check(r#"200 json {"ok":true}"#, r#"200 json {"ready":true}"#, LIVE, "serving", Some(S));
        // Before /startupz: the control UI answers what it does not know with a page and 200.
        check(PAGE, READY, LIVE, "serving", Some(R));
        check(PAGE, r#"503 json {"ready":false}"#, LIVE, "not-ready", Some(R));
        check(PAGE, r#"503 json {"ready":false,"failing":["startup-sidecars"]}"#, LIVE, "starting", Some(R));
        check(PAGE, r#"200 json {"ok":true,"status":"ready"}"#, LIVE, "serving", Some(R));
        // Older still, or another build.
        check(PAGE, PAGE, LIVE, "live", Some(H));
        check("404 text Not Found", "404 text Not Found", LIVE, "live", Some(H));
        check(PAGE, PAGE, PAGE, "stranger", None);
        check("502 html <html><title>Bad Gateway</title>", "502 html <html>", "502 html <html>", "stranger", None);
        // 403 means that it cannot tell who asks.
        let attribution = r#"403 json {"error":{"type":"proxy_attribution_required","message":"Proxy client attribution is required."}}"#;
        check(attribution, attribution, LIVE, "attribution", Some(S));
        check(attribution, attribution, attribution, "attribution", Some(S));
        check("403 text Forbidden", "403 text Forbidden", LIVE, "attribution", Some(S));
        check("403 text Forbidden", "403 text Forbidden", "403 text Forbidden", "stranger", None);
        check("401 json {}", "401 json {}", LIVE, "unauthorized", Some(S));
        // Nobody there.
        check("refused", "", "", "nothing-listens", None);
        check("silent", "silent", "silent", "silent", None);
        check("silent", "broken", "refused", "nothing-listens", None);
        check("broken", "", "", "broken", None);
        check("forbidden", "", "", "forbidden", None);
        check("", "", "", "unasked", None);
        // Lies and nonsense.
        check("200 json {\"ok\":", "200 json []", "200 json 7", "stranger", None);
        check(r#"200 json {"status":7}"#, r#"200 json {"ready":"yes"}"#, LIVE, "live", Some(H));
        check(r#"500 json {"ok":true,"status":"live"}"#, "", r#"500 json {"ok":true}"#, "stranger", None);
    }

    #[test]
    fn it_tells_version_age_and_what_is_down() {
        let found = gateway(
            STARTED,
            r#"503 json {"ready":false,"failing":["telegram","dis\u001b[2Jcord"],"uptimeMs":1}"#,
            LIVE,
        );
        assert_eq!(found.sentence(), "serves, with telegram, discord down, 2026.8.2, up 90s");
        assert_eq!(found.health(), Health::Impaired);
        let found = gateway(
            PAGE,
            r#"503 json {"ready":false,"failing":["internal"],"conditions":[{"type":"GatewayAcceptingWork","status":"False","requirement":"required","message":"queue is stuck"}]}"#,
            LIVE,
        );
        assert_eq!(found.sentence(), "lives and is not ready: queue is stuck");
        assert_eq!(gateway("forbidden", "", "").health(), Health::Unknown);
        let many = format!(r#"503 json {{"ready":false,"failing":[{}]}}"#, vec![r#""x""#; 500].join(","));
        assert_eq!(gateway(PAGE, &many, LIVE).failing.len(), MOST);
    }
}
