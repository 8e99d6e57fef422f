//! The API that kubelets and aggregated servers serve: logs, exec, port-forward, node stats, metrics.

mod channel;
mod exec;
mod forward;
mod http;
mod log;
mod shell;
mod spdy;
mod stats;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::Value;

use super::Api;
use super::controllers::nodes;
use super::controllers::objects::{items, node_of};
use super::kinds::POD;
use super::object::text_at;
use super::status::Status;

/// Routes beside those of the API machinery; requests come here authenticated and authorised, with `route::Ask`,
/// `route::Query` and `rbac::User` as extensions.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/namespaces/{namespace}/pods/{name}/log", get(log::serve))
        .route("/api/v1/namespaces/{namespace}/pods/{name}/exec", get(exec::serve))
        .route("/api/v1/namespaces/{namespace}/pods/{name}/portforward", get(forward::serve))
        .route("/api/v1/nodes/{name}/proxy/{*rest}", get(stats::node_proxy))
        .route("/apis/metrics.k8s.io/v1beta1/nodes", get(stats::nodes))
        .route("/apis/metrics.k8s.io/v1beta1/nodes/{name}", get(stats::node))
        .route("/apis/metrics.k8s.io/v1beta1/pods", get(stats::all_pods))
        .route("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods", get(stats::pods))
        .route("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/{name}", get(stats::pod))
}

fn pod(api: &Api, namespace: &str, name: &str) -> Result<Arc<Value>, Status> {
    api.store.get(POD, namespace, name).ok_or_else(|| Status::not_found(POD, name))
}

/// The node that the API server has to ask, if it answers.
fn reachable_node<'a>(api: &Api, pod: &'a Value) -> Result<&'a str, Status> {
    let name = text_at(pod, &["metadata", "name"]);
    match node_of(pod) {
        "" => Err(Status::bad_request(format!("pod {name} does not have a host assigned"))),
        node if nodes::is_down(&api.ctx.rules, node) => {
            let host = text_at(pod, &["status", "hostIP"]);
            Err(Status::internal(format!("error dialing backend: dial tcp {host}:10250: i/o timeout")))
        }
        node => Ok(node),
    }
}

fn names(pod: &Value, list: &str) -> Vec<String> {
    items(pod, &["spec", list]).iter().map(|c| text_at(c, &["name"]).to_owned()).collect()
}

/// The container that a request means, as the API server picks it.
fn pick_container(pod: &Value, asked: &str) -> Result<String, Status> {
    let (main, inits) = (names(pod, "containers"), names(pod, "initContainers"));
    let pod_name = text_at(pod, &["metadata", "name"]);
    if !asked.is_empty() {
        if main.iter().chain(&inits).any(|n| n == asked) {
            return Ok(asked.to_owned());
        }
        return Err(Status::bad_request(format!("container {asked} is not valid for pod {pod_name}")));
    }
    if let [only] = main.as_slice() {
        return Ok(only.clone());
    }
    let mut message =
        format!("a container name must be specified for pod {pod_name}, choose one of: [{}]", main.join(" "));
    if !inits.is_empty() {
        message.push_str(&format!(" or one of the init containers: [{}]", inits.join(" ")));
    }
    Err(Status::bad_request(message))
}

/// The status of a container by name.
fn container_status<'a>(pod: &'a Value, name: &str) -> Option<&'a Value> {
    ["containerStatuses", "initContainerStatuses"]
        .iter()
        .flat_map(|list| items(pod, &["status", list]))
        .find(|c| c["name"] == name)
}

/// The spec of a container by name.
fn container_spec<'a>(pod: &'a Value, name: &str) -> Option<&'a Value> {
    ["containers", "initContainers"].iter().flat_map(|list| items(pod, &["spec", list])).find(|c| c["name"] == name)
}

fn is_running(pod: &Value, name: &str) -> bool {
    container_status(pod, name).is_some_and(|c| c["state"]["running"].is_object())
}
