//! A tenant without a stored spec is read off its live objects.

use super::{base, plain, random, rendered};
use fleetdeck::manifest::{Defaults, KeyRef, TenantSpec, adopt, stored_spec};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn live(spec: &TenantSpec) -> Vec<Value> {
    let mut objects: Vec<Value> = rendered(spec).iter().map(|object| object.value().clone()).collect();
    let namespace = objects.iter_mut().find(|object| object["kind"] == "Namespace").unwrap();
    namespace["metadata"]["annotations"].as_object_mut().unwrap().remove("openclaw.ai/spec");
    assert!(stored_spec(namespace).is_none());
    objects
}

fn fields(unknown: &[fleetdeck::manifest::Unknown]) -> BTreeSet<&str> {
    unknown.iter().map(|unknown| unknown.field.as_str()).collect()
}

#[test]
fn what_the_objects_show_is_read_and_the_rest_is_listed() {
    let mut rng = fastrand::Rng::with_seed(11);
    for n in 0..60 {
        let mut spec = random::spec(&mut rng, n);
        spec.options.clear();
        let mut adopted = adopt(&live(&spec), &base(), &Defaults::default()).unwrap();
        let unknown = fields(&adopted.unknown);
        assert!(unknown.is_superset(&BTreeSet::from(["litellm.target", "network", "options"])), "{unknown:?}");
        assert_eq!(unknown.contains("owner"), spec.owner.is_none());
        // Those two aside, it is the tenant that it was.
        adopted.spec.litellm.target = spec.litellm.target.clone();
        adopted.spec.network = spec.network.clone();
        assert_eq!(adopted.spec, spec);
    }
}

/// As another hand writes them: other image names, no labels of the tier, no TLS, claims of a template, a quota of no tier.
#[test]
fn a_tenant_of_another_hand() {
    let objects = [
        json!({"kind": "Namespace", "metadata": {"name": "tenant-jo"}}),
        json!({"kind": "ResourceQuota", "metadata": {"name": "q", "labels": {"openclaw.ai/tier": "max"}}, "spec": {"hard": {"pods": "3"}}}),
        json!({"kind": "Ingress", "metadata": {"name": "web"}, "spec": {"rules": [{"host": "jo.example.org"}]}}),
        json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data-0"}, "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "30Gi"}}}}),
        json!({"kind": "StatefulSet", "metadata": {"name": "app"}, "spec": {"replicas": 0, "template": {"spec": {
            "containers": [{"name": "gateway", "image": "x/openclaw:2026.7.1", "volumeMounts": [{"name": "d", "mountPath": "/app"}],
                "env": [{"name": "LITELLM_API_KEY", "valueFrom": {"secretKeyRef": {"name": "models", "key": "token"}}}]}],
            "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data-0"}}],
        }}}}),
    ];
    let adopted = adopt(&objects, &base(), &Defaults::default()).unwrap();
    let spec = &adopted.spec;
    assert_eq!((spec.id.as_str(), spec.tier.as_str(), spec.host.as_str()), ("jo", "max", "jo.example.org"));
    assert_eq!((spec.image.to_string().as_str(), spec.suspended), ("x/openclaw:2026.7.1", true));
    assert_eq!((spec.volumes.app.name.as_str(), spec.volumes.app.size_gi), ("data-0", 30));
    assert_eq!(spec.volumes.app.storage_class.as_deref(), Some("fast"));
    assert_eq!(spec.litellm.key, KeyRef { secret: "models".to_owned(), key: "token".to_owned() });
    let expected = [
        "tier",
        "browserImage",
        "browserUiImage",
        "litellm.target",
        "network",
        "options",
        "owner",
        "volumes.config.name",
        "volumes.config.sizeGi",
    ];
    assert_eq!(fields(&adopted.unknown), BTreeSet::from(expected));
}

#[test]
fn without_the_essentials_there_is_no_spec_and_each_is_named() {
    let error = adopt(&[json!({"kind": "Namespace", "metadata": {"name": "web"}})], &base(), &Defaults::default())
        .unwrap_err()
        .to_string();
    for field in ["id: ", "tier: ", "image: "] {
        assert!(error.lines().any(|line| line.starts_with(field)), "{error}");
    }
}

#[test]
fn the_quota_counts_more_than_the_label() {
    let mut objects = live(&plain("maria-k", "pro", &[]));
    for object in &mut objects {
        object["metadata"]["labels"]["openclaw.ai/tier"] = json!("max");
    }
    let adopted = adopt(&objects, &base(), &Defaults::default()).unwrap();
    assert_eq!(adopted.spec.tier, "pro");
    assert!(
        adopted.unknown.iter().any(|unknown| unknown.field == "tier" && unknown.message.contains("the label says max"))
    );
}

#[test]
fn a_stored_spec_of_a_newer_fleetdeck_is_not_half_read() {
    let mut namespace = rendered(&plain("maria-k", "pro", &[]))[0].value().clone();
    let text = namespace["metadata"]["annotations"]["openclaw.ai/spec"]
        .as_str()
        .unwrap()
        .replace("\"id\"", "\"gpu\":1,\"id\"");
    namespace["metadata"]["annotations"]["openclaw.ai/spec"] = json!(text);
    let error = stored_spec(&namespace).unwrap().unwrap_err().to_string();
    assert!(
        error.starts_with("Namespace tenant-maria-k: the annotation openclaw.ai/spec is not a spec")
            && error.contains("unknown field `gpu`"),
        "{error}"
    );
}
