//! What containers answer to HTTP on their declared ports, as the scenario's routes say.

use serde_json::Value;

use super::{container_status, is_running};
use crate::sim::Api;
use crate::sim::controllers::objects::items;
use crate::sim::controllers::queue::since;
use crate::sim::kubelet::images;
use crate::sim::object::{namespace_of, text_at};
use crate::sim::scenario::HttpRoute;

/// The container behind a port of a pod, if it listens.
pub(super) fn listener(pod: &Value, port: u16) -> Option<&Value> {
    let declares = |c: &&Value| items(c, &["ports"]).iter().any(|p| p["containerPort"] == port);
    let container = items(pod, &["spec", "containers"]).iter().find(declares)?;
    let name = text_at(container, &["name"]);
    let status = container_status(pod, name)?;
    // Before it is started nobody listens yet.
    (is_running(pod, name) && status["started"] == true).then_some(container)
}

/// The requests that a buffer holds completely, answered; what is left stays in the buffer.
/// True as the second part: the connection is to be closed after the answers.
pub(super) fn serve(api: &Api, pod: &Value, container: &Value, port: u16, buffer: &mut Vec<u8>) -> (Vec<u8>, bool) {
    let mut out = vec![];
    while let Some(end) = find(buffer, b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        let header = |name: &str| {
            let lines = head.split("\r\n").skip(1).filter_map(|l| l.split_once(':'));
            lines.into_iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim().to_owned())
        };
        let length: usize = header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        if buffer.len() < end + 4 + length {
            break;
        }
        let mut words = head.split("\r\n").next().unwrap_or_default().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = target.split('?').next().unwrap_or_default();
        let close = header("connection").is_some_and(|v| v.eq_ignore_ascii_case("close"));
        out.extend(answer(api, pod, container, port, method, path, close));
        buffer.drain(..end + 4 + length);
        if close {
            return (out, true);
        }
    }
    (out, false)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

fn answer(api: &Api, pod: &Value, container: &Value, port: u16, method: &str, path: &str, close: bool) -> Vec<u8> {
    let name = text_at(container, &["name"]);
    let fits = |r: &&HttpRoute| {
        r.namespace.matches(namespace_of(pod))
            && r.container.matches(name)
            && r.port.is_none_or(|p| p == port)
            && r.path.matches(path)
    };
    let route = api.ctx.scenario.http.iter().find(fits);
    let ready = container_status(pod, name).is_some_and(|c| c["ready"] == true);
    let (status, kind, body) = match (method, route) {
        (_, None) => (404, "text/plain", "404 page not found\n".to_owned()),
        ("POST", Some(route)) if route.posted => {
            (route.status, route.content_type.as_str(), fill(api, pod, container, &route.body, ready))
        }
        ("GET" | "HEAD", Some(route)) if !route.posted => {
            let status = if ready { route.status } else { route.status_unready.unwrap_or(route.status) };
            (status, route.content_type.as_str(), fill(api, pod, container, &route.body, ready))
        }
        _ => (405, "text/plain", "method not allowed\n".to_owned()),
    };
    let words = http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("");
    let connection = if close { "close" } else { "keep-alive" };
    let mut out = format!(
        "HTTP/1.1 {status} {words}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\ncache-control: no-store\r\nconnection: {connection}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    if method != "HEAD" {
        out.extend_from_slice(body.as_bytes());
    }
    out
}

fn fill(api: &Api, pod: &Value, container: &Value, body: &str, ready: bool) -> String {
    let status = container_status(pod, text_at(container, &["name"]));
    let started = status.and_then(|s| text_at(s, &["state", "running", "startedAt"]).parse().ok());
    let uptime = started.map_or(0, |at| since(at, api.store.now()).as_millis());
    body.replace("{uptime-ms}", &uptime.to_string())
        .replace("{tag}", images::tag(text_at(container, &["image"])))
        .replace("{ready}", if ready { "true" } else { "false" })
        .replace("{state}", if ready { "started" } else { "starting" })
}
