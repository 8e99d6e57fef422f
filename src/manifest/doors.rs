//! The doors of a tenant (who may reach it, what it may use) beside what its own stored spec renders.

use serde_json::Value;

use super::{Base, Change, ManifestError, TenantSpec, diff, render};
use crate::fleet::detail::{Departure, FieldDeparture, Rendered};

/// Kinds that are compared.
pub const DOORS: [&str; 5] = ["NetworkPolicy", "ResourceQuota", "LimitRange", "Service", "Ingress"];
/// Kinds in which what somebody added is as telling as what somebody changed; in the others the API server fills in too
/// much.
const CLOSED: [&str; 2] = ["NetworkPolicy", "ResourceQuota"];

/// Compares what is live with the render of `spec`. `live` may hold other objects, too.
///
/// # Errors
/// The spec cannot be rendered from this base.
pub fn doors(base: &Base, spec: &TenantSpec, live: &[Value]) -> Result<Rendered, ManifestError> {
    let mut rendered = Rendered::default();
    for object in render(base, spec)?.iter().filter(|o| DOORS.contains(&o.kind())) {
        let (kind, name) = (object.kind().to_owned(), object.name().to_owned());
        rendered.objects.push((kind.clone(), name.clone()));
        let departure = |field| Departure { kind: kind.clone(), name: name.clone(), field };
        let Some(found) = live.iter().find(|l| l["kind"] == kind && l["metadata"]["name"] == *name) else {
            rendered.departures.push(departure(None));
            continue;
        };
        rendered.departures.extend(departures(&kind, object.value(), found).into_iter().map(|f| departure(Some(f))));
    }
    Ok(rendered)
}

/// Fields of the spec alone: labels and annotations open no door.
fn departures(kind: &str, rendered: &Value, live: &Value) -> Vec<FieldDeparture> {
    let said = |value: Option<Value>| value.map(|v| v.to_string());
    let is_spec = |change: &Change| change.path.starts_with("spec");
    let mut all: Vec<_> = diff(rendered, live, "")
        .into_iter()
        .filter(is_spec)
        .map(|c| FieldDeparture { path: c.path, rendered: said(c.new), live: said(c.old) })
        .collect();
    if CLOSED.contains(&kind) {
        // The other way round: only what the render does not have at all is new.
        let added = diff(live, rendered, "").into_iter().filter(is_spec).filter(|c| c.old.is_none());
        let added = added.filter(|c| !c.path.ends_with(".protocol"));
        all.extend(added.map(|c| FieldDeparture { path: c.path, rendered: None, live: said(c.new) }));
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::Object;

    fn spec() -> TenantSpec {
        serde_json::from_value(json!({
            "id": "a", "tier": "pro", "image": "ghcr.io/openclaw/openclaw:2026.8.2", "browserImage": "b:1",
            "browserUiImage": "u:1", "host": "a.example.com",
            "volumes": {"app": {"name": "app-data", "sizeGi": 20}, "config": {"name": "config-data", "sizeGi": 20}},
            "litellm": {"target": {"service": {"name": "litellm", "namespace": "litellm", "port": 4000}},
                "key": {"secret": "litellm", "key": "api-key"}},
            "network": {"ingressNamespace": "ingress", "controlNamespace": "control"},
        }))
        .unwrap()
    }

    fn live(edit: impl Fn(&mut Value)) -> Vec<Value> {
        let base = Base::embedded().unwrap();
        let mut all: Vec<Value> = render(&base, &spec()).unwrap().into_iter().map(Object::into_value).collect();
        all.iter_mut().for_each(edit);
        all
    }

    #[track_caller]
    fn check(kind: &str, edit: impl Fn(&mut Value), expect: &[&str]) {
        let live = live(|object| {
            if object["kind"] == kind {
                edit(object);
            }
        });
        let found = doors(&Base::embedded().unwrap(), &spec(), &live).unwrap();
        assert!(found.has("NetworkPolicy") && found.knows("ResourceQuota", "tenant") && !found.has("Pod"));
        let paths: Vec<_> =
            found.departures.iter().map(|d| d.field.as_ref().map_or("absent", |f| f.path.as_str())).collect();
        assert_eq!(paths, expect);
    }

    #[test]
    fn what_the_server_fills_in_is_no_departure_and_what_a_person_opened_is_one() {
        check("Pod", |_| {}, &[]);
        check(
            "Service",
            |s| {
                s["spec"]["clusterIP"] = "10.0.0.7".into();
                s["metadata"]["labels"]["team"] = "x".into();
            },
            &[],
        );
        check(
            "LimitRange",
            |l| l["spec"]["limits"][0]["defaultRequest"]["cpu"] = json!("10m"),
            &["spec.limits[Container].defaultRequest.cpu"],
        );
        check("NetworkPolicy", |p| p["metadata"]["name"] = "other".into(), &["absent"]);
        // A peer that was the cluster's DNS and is now every namespace's: nothing rendered was changed, something was added.
        check(
            "NetworkPolicy",
            |p| p["spec"]["ingress"][0]["from"][0]["podSelector"] = json!({"matchLabels": {"a": "b"}}),
            &["spec.ingress[0].from[0].podSelector"],
        );
        check("NetworkPolicy", |p| p["spec"]["egress"].as_array_mut().unwrap().push(json!({})), &["spec.egress"]);
        check(
            "ResourceQuota",
            |q| {
                if q["metadata"]["name"] == "tenant" {
                    q["spec"]["hard"]["limits.memory"] = "64Gi".into();
                }
            },
            &["spec.hard[limits.memory]"],
        );
        check(
            "Ingress",
            |i| {
                i["spec"].as_object_mut().unwrap().remove("tls");
            },
            &["spec.tls"],
        );
    }
}
