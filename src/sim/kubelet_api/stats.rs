//! Node stats through the API server's proxy, and metrics.k8s.io.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sim::controllers::nodes as node_list;
use crate::sim::kinds::{NODE, POD};
use crate::sim::object::text_at;
use crate::sim::route::Query;
use crate::sim::selector::{Fields, Labels, Selector};
use crate::sim::status::Status;
use crate::sim::{Api, answer, metrics};

/// `nodes/<name>/proxy/...`: of the kubelet's own routes, those that clients of a fleet ask for.
pub(super) async fn node_proxy(
    State(api): State<Api>,
    Path((name, rest)): Path<(String, String)>,
) -> Result<Response, Status> {
    // `<name>:<port>` is allowed.
    let name = name.split(':').next().unwrap_or_default();
    let node = api.store.get(NODE, "", name).ok_or_else(|| Status::not_found(NODE, name))?;
    if node_list::is_down(&api.ctx.rules, name) {
        let host = text_at(&node["status"]["addresses"][0], &["address"]);
        return Err(Status::new(
            503,
            "ServiceUnavailable",
            format!("error trying to reach service: dial tcp {host}:10250: i/o timeout"),
        ));
    }
    match rest.trim_end_matches('/') {
        "stats/summary" => Ok(answer::json(200, &metrics::summary(&api.ctx, &node))),
        "healthz" => Ok("ok".into_response()),
        _ => Ok((http::StatusCode::NOT_FOUND, "404 page not found\n").into_response()),
    }
}

fn list(kind: &str, items: &[Value]) -> Response {
    answer::json(200, &json!({"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items}))
}

fn no_metrics(resource: &str, name: &str) -> Status {
    Status::new(404, "NotFound", format!("{resource}.metrics.k8s.io \"{name}\" not found"))
}

pub(super) async fn nodes(State(api): State<Api>) -> Response {
    let items: Vec<Value> = api.store.list(NODE, None).iter().filter_map(|n| metrics::node(&api.ctx, n)).collect();
    list("NodeMetricsList", &items)
}

pub(super) async fn node(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Status> {
    let node = api.store.get(NODE, "", &name).and_then(|n| metrics::node(&api.ctx, &n));
    node.map(|n| answer::json(200, &n)).ok_or_else(|| no_metrics("nodes", &name))
}

pub(super) async fn all_pods(State(api): State<Api>, Extension(query): Extension<Query>) -> Result<Response, Status> {
    pod_list(&api, None, &query)
}

pub(super) async fn pods(
    State(api): State<Api>,
    Path(namespace): Path<String>,
    Extension(query): Extension<Query>,
) -> Result<Response, Status> {
    pod_list(&api, Some(&namespace), &query)
}

fn pod_list(api: &Api, namespace: Option<&str>, query: &Query) -> Result<Response, Status> {
    let selector = Selector {
        labels: Labels::parse(query.get("labelSelector"))?,
        fields: Fields::parse(POD, query.get("fieldSelector"))?,
    };
    let stored = api.store.stored(POD, namespace).1;
    let chosen = stored.iter().filter(|pod| selector.matches(pod));
    let items: Vec<Value> = chosen.filter_map(|pod| metrics::pod(&api.ctx, &metrics::Pod::of(pod)?)).collect();
    Ok(list("PodMetricsList", &items))
}

pub(super) async fn pod(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Response, Status> {
    let pods = api.store.stored(POD, Some(&namespace)).1;
    let pod = pods.iter().find(|pod| *pod.name == *name).and_then(|pod| metrics::Pod::of(pod));
    let pod = pod.and_then(|pod| metrics::pod(&api.ctx, &pod));
    pod.map(|p| answer::json(200, &p)).ok_or_else(|| no_metrics("pods", &format!("{namespace}/{name}")))
}
