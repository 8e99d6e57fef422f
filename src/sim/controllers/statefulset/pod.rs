//! The pods and claims that a StatefulSet makes of its templates.

use serde_json::{Value, json};

use crate::sim::controllers::objects::{items, member, owner_reference};
use crate::sim::kinds::STATEFUL_SET;
use crate::sim::object::{name_of, namespace_of, text_at, uid_of};

/// The ordinal of a pod's name, if it is one of this set's.
pub(super) fn ordinal(set: &str, pod: &str) -> Option<i64> {
    let digits = pod.strip_prefix(set)?.strip_prefix('-')?;
    (digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// A new pod of a template, with the identity of its ordinal.
pub(super) fn of_template(set: &Value, template: &Value, revision: &str, ordinal: i64) -> Value {
    let name = format!("{}-{ordinal}", name_of(set));
    let mut pod = json!({
        "metadata": {
            "name": name,
            "generateName": format!("{}-", name_of(set)),
            "namespace": namespace_of(set),
            "labels": template["metadata"]["labels"],
            "annotations": template["metadata"]["annotations"],
            "finalizers": template["metadata"]["finalizers"],
            "ownerReferences": [owner_reference(STATEFUL_SET, set)],
        },
        "spec": template["spec"],
    });
    if let Some(labels) = member(&mut pod["metadata"], "labels") {
        labels.insert("controller-revision-hash".into(), revision.into());
        labels.insert("statefulset.kubernetes.io/pod-name".into(), name.as_str().into());
        labels.insert("apps.kubernetes.io/pod-index".into(), ordinal.to_string().into());
    }
    if let Some(spec) = member(&mut pod, "spec") {
        spec.insert("hostname".into(), name.into());
        let subdomain = text_at(set, &["spec", "serviceName"]);
        if !subdomain.is_empty() {
            spec.insert("subdomain".into(), subdomain.into());
        }
        let claims = items(set, &["spec", "volumeClaimTemplates"]);
        if !claims.is_empty() {
            let mut volumes: Vec<Value> = claims
                .iter()
                .map(|c| {
                    json!({"name": name_of(c), "persistentVolumeClaim": {"claimName": claim_name(set, c, ordinal)}})
                })
                .collect();
            let others = spec.get("volumes").and_then(Value::as_array);
            let hidden = |v: &&Value| !claims.iter().any(|c| v["name"] == name_of(c));
            volumes.extend(others.into_iter().flatten().filter(hidden).cloned());
            spec.insert("volumes".into(), volumes.into());
        }
    }
    pod
}

/// The claims of the set's templates for one ordinal.
pub(super) fn claims(set: &Value, ordinal: i64) -> Vec<Value> {
    let delete_with_set = set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete";
    items(set, &["spec", "volumeClaimTemplates"])
        .iter()
        .map(|template| {
            let mut claim = json!({
                "metadata": {
                    "name": claim_name(set, template, ordinal),
                    "namespace": namespace_of(set),
                    "labels": template["metadata"]["labels"],
                    "annotations": template["metadata"]["annotations"],
                },
                "spec": template["spec"],
            });
            let selector = set["spec"]["selector"]["matchLabels"].as_object();
            if let Some(labels) = member(&mut claim["metadata"], "labels") {
                labels.extend(selector.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
            }
            if delete_with_set {
                claim["metadata"]["ownerReferences"] = json!([{
                    "apiVersion": "apps/v1", "kind": "StatefulSet",
                    "name": name_of(set), "uid": uid_of(set),
                }]);
            }
            claim
        })
        .collect()
}

fn claim_name(set: &Value, template: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", name_of(template), name_of(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals() {
        let check = |pod: &str, expect: Option<i64>| assert_eq!(ordinal("web", pod), expect, "{pod}");
        check("web-0", Some(0));
        check("web-12", Some(12));
        check("web-", None);
        check("web-x", None);
        check("web", None);
        check("web-2-0", None);
        check("other-0", None);
    }

    #[test]
    fn a_pod_has_its_identity_and_its_claims() {
        let set = json!({
            "metadata": {"name": "web", "namespace": "t", "uid": "u"},
            "spec": {
                "serviceName": "svc",
                "selector": {"matchLabels": {"a": "b"}},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"x": 1}}],
            },
        });
        let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {
            "containers": [{"name": "c"}],
            "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
        }});
        let pod = of_template(&set, &template, "web-abc", 3);
        assert_eq!(pod["metadata"]["name"], "web-3");
        assert_eq!(
            pod["metadata"]["labels"],
            json!({"a": "b", "controller-revision-hash": "web-abc",
                "statefulset.kubernetes.io/pod-name": "web-3", "apps.kubernetes.io/pod-index": "3"})
        );
        assert_eq!(pod["spec"]["hostname"], "web-3");
        assert_eq!(pod["spec"]["subdomain"], "svc");
        let volumes = &pod["spec"]["volumes"];
        assert_eq!(volumes[0]["persistentVolumeClaim"]["claimName"], "data-web-3");
        assert_eq!(volumes[1]["name"], "tmp");
        assert_eq!(volumes.as_array().map(Vec::len), Some(2));
        let claims = claims(&set, 3);
        assert_eq!(claims[0]["metadata"]["labels"], json!({"a": "b"}));
    }
}
