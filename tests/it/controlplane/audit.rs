//! What clients really asked the API server, from its audit log.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// One answered request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// `get`, `list`, `watch`, `create`, `patch`, …
    pub(crate) verb: String,
    /// `pods`, `pods/log`, …; empty for paths that are no resource.
    pub(crate) resource: String,
    pub(crate) namespace: String,
    /// HTTP status.
    pub(crate) code: u16,
    /// What the client calls itself.
    pub(crate) agent: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    stage: String,
    verb: String,
    user: User,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: ResponseStatus,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
}

#[derive(Default, Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

/// A long answer (a watch) counts once, when it has begun.
pub(super) fn requests_of(log: &Path, user: &str) -> Vec<Request> {
    let text = fs::read_to_string(log).unwrap_or_else(|error| panic!("{}: {error} (Options::audit?)", log.display()));
    text.lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok()) // the last line may be half written
        .filter(|line| line.user.username == user)
        .filter(|line| line.stage == if is_long(line) { "ResponseStarted" } else { "ResponseComplete" })
        .map(|line| {
            let ObjectRef { mut resource, subresource, namespace } = line.object_ref;
            if !subresource.is_empty() {
                resource = format!("{resource}/{subresource}");
            }
            Request { verb: line.verb, resource, namespace, code: line.response_status.code, agent: line.user_agent }
        })
        .collect()
}

fn is_long(line: &Line) -> bool {
    line.verb == "watch" && line.response_status.code == 200
}
