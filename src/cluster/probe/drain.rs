//! Asks a gateway to drain, by its admin plugin. That is off unless somebody has turned it on, and may want the token, which is
//! never read: both are answers.

use serde_json::{Value, json};

use super::{Asked, GATEWAY, line::Line};
use crate::{cluster::Cluster, fleet::probe::Heard};

const PATH: &str = "/api/v1/admin/rpc";

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drained {
    Ready,
    /// So much is under way.
    Busy(String),
    /// It cannot be asked, or does not want to; with the reason.
    Not(String),
}

impl Cluster {
    /// Asks once; who asks again with the same `request` renews it. A gateway that was drained goes on by itself after two minutes.
    pub async fn drain(&self, asked: &Asked, request: &str) -> Drained {
        let body = json!({
            "id": request, "method": "gateway.suspend.prepare",
            "params": { "requestId": request, "terminalPolicy": "preserve", "drain": true },
        });
        read(&Line::new(self, asked, GATEWAY).post(PATH, body.to_string()).await)
    }
}

fn read(heard: &Heard) -> Drained {
    let not = |why: &str| Drained::Not(why.to_owned());
    let answer = match heard {
        Heard::Answer(answer) => answer,
        Heard::Unasked { forbidden: true, .. } => return not("its ports may not be forwarded"),
        Heard::Unasked { why, .. } => return Drained::Not(format!("it could not be asked: {why}")),
        Heard::Refused => return not("its gateway does not listen"),
        Heard::Silent => return not("its gateway does not answer"),
        Heard::Broken(why) => return Drained::Not(format!("it broke off: {why}")),
    };
    match answer.status {
        401 | 403 => return not("its gateway wants its token for that, and tokens are never read"),
        404 | 405 => return not("its gateway offers no drain: the plugin admin-http-rpc is off, as it is by default"),
        _ => {}
    }
    // The page for people answers whatever path it does not know.
    let Some(said) = serde_json::from_slice::<Value>(&answer.body).ok().filter(|v| v["ok"].is_boolean()) else {
        return not("its gateway offers no drain");
    };
    if said["ok"] == false {
        return Drained::Not(format!(
            "its gateway refuses: {}",
            said["error"]["message"].as_str().unwrap_or("no reason")
        ));
    }
    match said["payload"]["status"].as_str() {
        Some("ready") => Drained::Ready,
        Some("busy" | "draining") => Drained::Busy(match said["payload"]["activeCount"].as_u64() {
            Some(1) => "one thing".to_owned(),
            Some(n) => format!("{n} things"),
            None => "something".to_owned(),
        }),
        _ => not("its gateway's answer is not understood"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::probe::Answer;

    #[test]
    fn whatever_a_gateway_says_is_an_answer() {
        let check = |status: u16, body: &str, expect: Result<&str, &str>| {
            let body = body.as_bytes().to_vec();
            let answer = Answer { status, body, ..Answer::default() };
            match (read(&Heard::Answer(answer)), expect) {
                (Drained::Ready, Ok("ready")) => {}
                (Drained::Busy(said), Ok(expect)) => assert_eq!(said, expect),
                (Drained::Not(why), Err(expect)) => assert!(why.contains(expect), "{why}"),
                (got, _) => panic!("{got:?}"),
            }
        };
        check(200, r#"{"ok":true,"payload":{"status":"ready","suspensionId":"x"}}"#, Ok("ready"));
        check(200, r#"{"ok":true,"payload":{"status":"draining","activeCount":2}}"#, Ok("2 things"));
        check(200, r#"{"ok":false,"error":{"message":"no"}}"#, Err("refuses: no"));
        check(200, "<html>Control</html>", Err("offers no drain"));
        check(404, "", Err("off, as it is by default"));
        check(401, "", Err("tokens are never read"));
        assert!(matches!(read(&Heard::Refused), Drained::Not(_)));
    }
}
