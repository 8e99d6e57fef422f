//! Writing requests that mean something else than the object at their path: evict, bind, scale.

use axum::response::Response;
use serde_json::{Value, json};

use super::Api;
use super::answer;
use super::body;
use super::dispatch::Call;
use super::edit::{delete_options, dry_run, write_of};
use super::kinds::{self, Kind};
use super::object::{is_terminating, name_of, text_at};
use super::patch;
use super::selector::Labels;
use super::status::{Cause, Status};

fn done() -> Response {
    answer::json(201, &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

pub(crate) fn evict(api: &Api, call: &Call) -> Result<Response, Status> {
    let eviction = body::json(&call.body)?;
    let (namespace, name) = (call.ask.namespace.as_str(), call.ask.name.as_str());
    let own = name_of(&eviction);
    if !own.is_empty() && own != name {
        return Err(Status::bad_request(format!(
            "name in URL does not match name in Eviction object: {name} != {own}"
        )));
    }
    let pod = api.store.get(kinds::POD, namespace, name).ok_or_else(|| Status::not_found(kinds::POD, name))?;
    let mut options = delete_options(call, &eviction["deleteOptions"])?;
    options.dry_run |= dry_run(call)?;
    let conditions = pod["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True");
    if ready && !is_terminating(&pod) {
        for budget in api.store.list(kinds::POD_DISRUPTION_BUDGET, Some(namespace)) {
            keeps_budget(&budget, &pod)?;
        }
    }
    api.store.delete(kinds::POD, namespace, name, &options)?;
    Ok(done())
}

fn keeps_budget(budget: &Value, pod: &Value) -> Result<(), Status> {
    let number = |key: &str| budget["status"][key].as_i64().unwrap_or(0);
    if number("disruptionsAllowed") > 0 || !Labels::from_object(&budget["spec"]["selector"]).matches_object(pod) {
        return Ok(());
    }
    let (wanted, healthy) = (number("desiredHealthy"), number("currentHealthy"));
    let why =
        format!("The disruption budget {} needs {wanted} healthy pods and has {healthy} currently", name_of(budget));
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    Err(Status::new(429, "TooManyRequests", message).with_causes(vec![Cause::new("DisruptionBudget", why, "")]))
}

pub(crate) fn bind(api: &Api, call: &Call) -> Result<Response, Status> {
    let binding = body::json(&call.body)?;
    let node = text_at(&binding, &["target", "name"]).to_owned();
    let (namespace, name) = (call.ask.namespace.as_str(), call.ask.name.as_str());
    let pod = api.store.get(kinds::POD, namespace, name).ok_or_else(|| Status::not_found(kinds::POD, name))?;
    let old = text_at(&pod, &["spec", "nodeName"]);
    if !old.is_empty() {
        return Err(Status::conflict(
            kinds::POD,
            name,
            &format!("pod {name} is already assigned to node {}", json!(old)),
        ));
    }
    api.store.modify(kinds::POD, namespace, name, |pod| pod["spec"]["nodeName"] = node.into())?;
    Ok(done())
}

fn scale_of(object: &Value) -> Value {
    let meta = &object["metadata"];
    // Kubernetes leaves a zero out here.
    let spec = match object["spec"]["replicas"].as_i64().unwrap_or(1) {
        0 => json!({}),
        replicas => json!({"replicas": replicas}),
    };
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"], "creationTimestamp": meta["creationTimestamp"],
        },
        "spec": spec,
        "status": {
            "replicas": object["status"]["replicas"].as_i64().unwrap_or(0),
            "selector": Labels::from_object(&object["spec"]["selector"]).to_string(),
        },
    })
}

pub(crate) fn scale(api: &Api, call: &Call, kind: &'static Kind) -> Result<Response, Status> {
    let (namespace, name) = (call.ask.shelf(kind), call.ask.name.as_str());
    if call.ask.verb == "get" {
        let object = api.store.get(kind, namespace, name).ok_or_else(|| Status::not_found(kind, name))?;
        return Ok(answer::json(200, &scale_of(&object)));
    }
    let write = write_of(call)?;
    let wanted = body::json(&call.body)?;
    let written = api.store.update(kind, namespace, name, &write, |old| {
        let mut scale = scale_of(old);
        match (call.ask.verb, call.content_type()) {
            ("patch", "application/json-patch+json") => patch::json(&mut scale, &wanted)?,
            ("patch", _) => patch::merge(&mut scale, &wanted),
            _ => scale = wanted,
        }
        let mut new = old.clone();
        new["spec"]["replicas"] = scale["spec"]["replicas"].as_i64().unwrap_or(0).into();
        if let Some(version) = scale["metadata"]["resourceVersion"].as_str() {
            new["metadata"]["resourceVersion"] = version.into();
        }
        Ok(new)
    })?;
    Ok(answer::json(200, &scale_of(&written)))
}
