//! What the server tells about itself: version, groups, resources (both forms), and as much OpenAPI as kubectl asks for.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::answer;
use super::kinds::{self, Kind};
use super::route::Ask;

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Served resources that are not stored: (group, version, kind, plural, singular, namespaced, verbs).
type Virtual = (&'static str, &'static str, &'static str, &'static str, &'static str, bool, &'static [&'static str]);
const VIRTUAL: [Virtual; 5] = [
    (
        "authorization.k8s.io",
        "v1",
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
        "selfsubjectaccessreview",
        false,
        &["create"],
    ),
    (
        "authorization.k8s.io",
        "v1",
        "SelfSubjectRulesReview",
        "selfsubjectrulesreviews",
        "selfsubjectrulesreview",
        false,
        &["create"],
    ),
    ("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", "selfsubjectreview", false, &["create"]),
    ("metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", "", false, &["get", "list"]),
    ("metrics.k8s.io", "v1beta1", "PodMetrics", "pods", "", true, &["get", "list"]),
];

/// Groups and their one version, in the order of the API server's own list: the core group first.
fn group_versions() -> Vec<(&'static str, &'static str)> {
    let mut out: Vec<(&str, &str)> = Vec::new();
    let all = kinds::ALL.iter().map(|k| (k.group, k.version)).chain(VIRTUAL.iter().map(|v| (v.0, v.1)));
    for one in all {
        if !out.contains(&one) {
            out.push(one);
        }
    }
    out
}

pub(crate) fn is_group_version(group: &str, version: &str) -> bool {
    group_versions().contains(&(group, version))
}

/// The answer for a path that is no resource; `None` where nothing is served.
pub(crate) fn serve(ask: &Ask, headers: &HeaderMap) -> Option<Response> {
    if ask.verb != "get" && ask.verb != "head" {
        return None;
    }
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let aggregated = accept.contains("as=APIGroupDiscoveryList") && accept.contains("v=v2");
    let parts: Vec<&str> = ask.path.trim_matches('/').split('/').collect();
    let body = match parts.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => {
            return Some(answer::response(200, "text/plain; charset=utf-8", Body::from("ok")));
        }
        ["version"] => version(),
        ["api"] | ["apis"] if aggregated => {
            let list = aggregated_list(parts[0] == "api");
            return Some(answer::response(200, AGGREGATED, Body::from(list.to_string())));
        }
        ["api"] => json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        ["apis"] => {
            let groups: Vec<Value> =
                group_versions().into_iter().filter(|(g, _)| !g.is_empty()).map(|(g, v)| group(g, v)).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["api", "v1"] => resources("", "v1"),
        ["apis", name] => {
            let (name, version) = group_versions().into_iter().find(|(g, _)| !g.is_empty() && g == name)?;
            let mut group = group(name, version);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            group
        }
        ["apis", group, version] if is_group_version(group, version) => resources(group, version),
        ["openapi", "v3"] => openapi_index(),
        ["openapi", "v3", rest @ ..] => openapi(rest)?,
        ["openapi", "v2"] => {
            json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.34.2"}, "paths": {}})
        }
        _ => return None,
    };
    Some(answer::json(200, &body))
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "34", "gitVersion": "v1.34.2+fleetdeck-sim", "gitCommit": "", "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc", "platform": "linux/amd64",
    })
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.into() } else { format!("{group}/{version}") }
}

fn group(group: &str, version: &str) -> Value {
    let version = json!({"groupVersion": group_version(group, version), "version": version});
    json!({"name": group, "versions": [version.clone()], "preferredVersion": version})
}

/// The verbs of a subresource, and the kind that it speaks.
fn subresource(kind: &Kind, name: &str) -> (&'static [&'static str], Value) {
    let other = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    match name {
        "status" => (&["get", "patch", "update"], other(kind.group, kind.version, kind.kind)),
        "scale" => (&["get", "patch", "update"], other("autoscaling", "v1", "Scale")),
        "eviction" => (&["create"], other("policy", "v1", "Eviction")),
        "binding" => (&["create"], other("", "v1", "Binding")),
        "log" => (&["get"], other("", "v1", "Pod")),
        "exec" => (&["create", "get"], other("", "v1", "PodExecOptions")),
        "attach" => (&["create", "get"], other("", "v1", "PodAttachOptions")),
        "portforward" => (&["create", "get"], other("", "v1", "PodPortForwardOptions")),
        "proxy" => {
            (&["create", "delete", "get", "patch", "update"], other("", "v1", &format!("{}ProxyOptions", kind.kind)))
        }
        "finalize" => (&["update"], other("", "v1", "Namespace")),
        _ => (&["get", "patch", "update"], other(kind.group, kind.version, kind.kind)),
    }
}

fn resources(group: &str, version: &str) -> Value {
    let mut out = Vec::new();
    for kind in kinds::ALL.iter().filter(|k| k.group == group && k.version == version) {
        let mut one = json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind, "verbs": VERBS,
        });
        if !kind.short.is_empty() {
            one["shortNames"] = json!(kind.short);
        }
        if !kind.categories.is_empty() {
            one["categories"] = json!(kind.categories);
        }
        out.push(one);
        for name in kind.subresources {
            let (verbs, speaks) = subresource(kind, name);
            let mut one = json!({
                "name": format!("{}/{name}", kind.plural), "singularName": "", "namespaced": kind.namespaced,
                "kind": speaks["kind"], "verbs": verbs,
            });
            if speaks["group"] != *group || speaks["version"] != *version {
                one["group"] = speaks["group"].clone();
                one["version"] = speaks["version"].clone();
            }
            out.push(one);
        }
    }
    for (_, _, kind, plural, singular, namespaced, verbs) in VIRTUAL.iter().filter(|v| v.0 == group && v.1 == version) {
        out.push(
            json!({"name": plural, "singularName": singular, "namespaced": namespaced, "kind": kind, "verbs": verbs}),
        );
    }
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group, version), "resources": out})
}

fn aggregated_list(core: bool) -> Value {
    let items = group_versions().into_iter().filter(|(g, _)| g.is_empty() == core).map(|(group, version)| {
        let stored = kinds::ALL.iter().filter(|k| k.group == group && k.version == version).map(|kind| {
            let subresources = kind.subresources.iter().map(|name| {
                let (verbs, speaks) = subresource(kind, name);
                json!({"subresource": name, "responseKind": speaks, "verbs": verbs})
            });
            json!({
                "resource": kind.plural, "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
                "scope": if kind.namespaced { "Namespaced" } else { "Cluster" }, "singularResource": kind.singular, "verbs": VERBS,
                "shortNames": kind.short, "categories": kind.categories, "subresources": subresources.collect::<Vec<_>>(),
            })
        });
        let not_stored = VIRTUAL.iter().filter(|v| v.0 == group && v.1 == version).map(|(group, version, kind, plural, singular, namespaced, verbs)| {
            json!({
                "resource": plural, "responseKind": {"group": group, "version": version, "kind": kind},
                "scope": if *namespaced { "Namespaced" } else { "Cluster" }, "singularResource": singular, "verbs": verbs,
            })
        });
        json!({
            "metadata": {"name": group, "creationTimestamp": null},
            "versions": [{"version": version, "resources": stored.chain(not_stored).collect::<Vec<_>>(), "freshness": "Current"}],
        })
    });
    let items: Vec<Value> = items.collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn path_of(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn openapi_index() -> Value {
    let paths = group_versions().into_iter().map(|(group, version)| {
        let path = path_of(group, version);
        let url = json!({"serverRelativeURL": format!("/openapi/v3/{path}")});
        (path, url)
    });
    json!({"paths": paths.collect::<serde_json::Map<_, _>>()})
}

/// Paths with the query parameters of PATCH: from these kubectl learns that the server validates fields and dry-runs.
fn openapi(rest: &[&str]) -> Option<Value> {
    let wanted = rest.join("/");
    let (group, version) = group_versions().into_iter().find(|(g, v)| path_of(g, v) == wanted)?;
    let parameter =
        |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let parameters: Vec<Value> =
        ["dryRun", "fieldManager", "fieldValidation", "force"].into_iter().map(parameter).collect();
    let paths = kinds::ALL.iter().filter(|k| k.group == group && k.version == version).map(|kind| {
        let place = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
        let operation = json!({
            "operationId": format!("patch{}", kind.kind), "parameters": parameters, "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind.kind},
        });
        (format!("/{wanted}/{place}{}/{{name}}", kind.plural), json!({"patch": operation}))
    });
    Some(json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.34.2"},
        "paths": paths.collect::<serde_json::Map<_, _>>(), "components": {"schemas": {}},
    }))
}
