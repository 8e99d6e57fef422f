//! The patches that a spec makes against the base. They change fields that the base has: what the spec sets and the base has no
//! place for is an error, never dropped.

mod network;

use super::OWNER_ANNOTATION;
use super::error::ManifestError;
use super::json6902::token;
use super::object::{Object, text};
use super::spec::{Issuer, IssuerKind, KeyRef, TenantSpec};
use crate::fleet::name::SPEC_ANNOTATION;
use serde_json::{Map, Value, json};

/// What a base writes where a tenant's host belongs.
const HOST: &str = "tenant.invalid";

/// One patch file of an overlay.
pub(crate) struct Patch {
    file: String,
    target: Target,
    pub(crate) value: Value,
    rename: bool,
}

struct Target {
    kind: String,
    name: String,
}

impl Patch {
    pub(crate) fn path(&self) -> String {
        format!("patches/{}", self.file)
    }

    /// Its entry in the kustomization.
    pub(crate) fn entry(&self) -> Value {
        let mut entry = json!({"path": self.path(), "target": {"kind": self.target.kind, "name": self.target.name}});
        if self.rename {
            entry["options"] = json!({"allowNameChange": true});
        }
        entry
    }
}

/// The patches for `spec` against the objects that base and components give.
pub(crate) fn patches(objects: &[Object], spec: &TenantSpec) -> Result<Vec<Patch>, ManifestError> {
    let base = Objects(objects);
    let mut patches = vec![namespace(&base, spec)?, storage_quota(&base, spec)?];
    for (name, claim) in [("app-data", &spec.volumes.app), ("config-data", &spec.volumes.config)] {
        let object = base.find("PersistentVolumeClaim", name)?;
        let mut patch = merge_patch(
            object,
            json!({"spec": {"resources": {"requests": {"storage": format!("{}Gi", claim.size_gi)}}}}),
        );
        if let Some(class) = &claim.storage_class {
            patch.value["spec"]["storageClassName"] = json!(class);
        }
        if let Some(snapshot) = &claim.snapshot {
            patch.value["spec"]["dataSource"] =
                json!({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": snapshot});
        }
        if claim.name != name {
            patch.value["metadata"]["name"] = json!(claim.name);
            patch.rename = true;
        }
        patches.push(patch);
    }
    patches.extend(ingress(&base, spec)?);
    patches.push(network::network_policy(&base, spec)?);
    patches.push(config(&base, spec)?);
    patches.push(stateful_set(&base, spec)?);
    Ok(patches)
}

struct Objects<'a>(&'a [Object]);

impl<'a> Objects<'a> {
    fn find(&self, kind: &str, name: &str) -> Result<&'a Object, ManifestError> {
        let found = self.0.iter().find(|object| object.kind() == kind && object.name() == name);
        found.ok_or_else(|| ManifestError::Base(format!("the base has no {kind} {name}, which every tenant needs")))
    }
}

fn merge_patch(object: &Object, fields: Value) -> Patch {
    let mut value = fields;
    value["apiVersion"] = json!(object.api_version());
    value["kind"] = json!(object.kind());
    value["metadata"]["name"] = json!(object.name());
    Patch {
        file: format!("{}-{}.yaml", object.kind().to_lowercase(), object.name()),
        target: Target { kind: object.kind().to_owned(), name: object.name().to_owned() },
        value,
        rename: false,
    }
}

/// A patch by positions; each operation on a list is preceded by a test of what it expects there.
fn json_patch(object: &Object, operations: Vec<Value>) -> Patch {
    Patch {
        file: format!("{}-{}.json6902.yaml", object.kind().to_lowercase(), object.name()),
        target: Target { kind: object.kind().to_owned(), name: object.name().to_owned() },
        value: Value::Array(operations),
        rename: false,
    }
}

fn namespace(base: &Objects<'_>, spec: &TenantSpec) -> Result<Patch, ManifestError> {
    let mut found = base.0.iter().filter(|object| object.kind() == "Namespace");
    let (Some(object), None) = (found.next(), found.next()) else {
        return Err(ManifestError::Base("the base needs exactly one Namespace".to_owned()));
    };
    let stored = spec.stored().map_err(|error| ManifestError::Base(format!("the spec cannot be stored: {error}")))?;
    let mut annotations = json!({ SPEC_ANNOTATION: stored });
    if let Some(owner) = &spec.owner {
        annotations[OWNER_ANNOTATION] = json!(owner);
    }
    Ok(merge_patch(object, json!({"metadata": {"annotations": annotations}})))
}

fn storage_quota(base: &Objects<'_>, spec: &TenantSpec) -> Result<Patch, ManifestError> {
    let object = base.find("ResourceQuota", "storage")?;
    let bytes = 2 * (spec.volumes.app.size_gi + spec.volumes.config.size_gi);
    Ok(merge_patch(object, json!({"spec": {"hard": {"requests.storage": format!("{bytes}Gi")}}})))
}

fn ingress(base: &Objects<'_>, spec: &TenantSpec) -> Result<Vec<Patch>, ManifestError> {
    let object = base.find("Ingress", "openclaw")?;
    let mut fields = Map::new();
    if let Some(Issuer { kind, name }) = &spec.issuer {
        let annotation = match kind {
            IssuerKind::ClusterIssuer => "cert-manager.io/cluster-issuer",
            IssuerKind::Issuer => "cert-manager.io/issuer",
        };
        fields.insert("metadata".to_owned(), json!({"annotations": {annotation: name}}));
    }
    if let Some(class) = &spec.ingress_class {
        fields.insert("spec".to_owned(), json!({"ingressClassName": class}));
    }
    let mut hosts = Vec::new();
    pointers(object.value(), HOST, "", &mut hosts);
    if hosts.is_empty() {
        return Err(ManifestError::Base(format!(
            "Ingress openclaw of the base has no {HOST:?}, which stands for the tenant's host"
        )));
    }
    let mut patches =
        vec![json_patch(object, hosts.iter().flat_map(|path| exchange(path, HOST, &spec.host)).collect())];
    if !fields.is_empty() {
        patches.push(merge_patch(object, Value::Object(fields)));
    }
    Ok(patches)
}

/// The values of the fleet in the tenant's configuration: JSON, under keys that name their path in openclaw.json.
fn config(base: &Objects<'_>, spec: &TenantSpec) -> Result<Patch, ManifestError> {
    let object = base.find("ConfigMap", "openclaw-config")?;
    let mut values = vec![
        ("set.gateway.controlUi.allowedOrigins", json!([format!("https://{}", spec.host)])),
        ("set.models.providers.litellm.baseUrl", json!(spec.litellm.target.url())),
    ];
    if !spec.network.trusted_proxies.is_empty() {
        values.push(("set.gateway.trustedProxies", json!(spec.network.trusted_proxies)));
    }
    let mut data = Map::new();
    for (key, value) in values {
        if object.value().get("data").and_then(|data| data.get(key)).is_none() {
            return Err(ManifestError::Base(format!(
                "ConfigMap openclaw-config of the base has no key {key}, which every tenant sets"
            )));
        }
        data.insert(key.to_owned(), Value::String(value.to_string()));
    }
    Ok(merge_patch(object, json!({ "data": data })))
}

fn stateful_set(base: &Objects<'_>, spec: &TenantSpec) -> Result<Patch, ManifestError> {
    let object = base.find("StatefulSet", "openclaw")?;
    let mut pod = Map::new();
    if !spec.node_selector.is_empty() {
        pod.insert("nodeSelector".to_owned(), json!(spec.node_selector));
    }
    if !spec.tolerations.is_empty() {
        let kept = object
            .value()
            .pointer("/spec/template/spec/tolerations")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let own = spec.tolerations.iter().map(|toleration| json!(toleration));
        pod.insert("tolerations".to_owned(), kept.into_iter().chain(own).collect());
    }
    if !spec.image_pull_secrets.is_empty() {
        pod.insert(
            "imagePullSecrets".to_owned(),
            spec.image_pull_secrets.iter().map(|name| json!({ "name": name })).collect(),
        );
    }
    let key = &spec.litellm.key;
    if *key != KeyRef::standard() {
        let before = pod.len();
        for list in ["initContainers", "containers"] {
            let containers = object.value().pointer(&format!("/spec/template/spec/{list}")).and_then(Value::as_array);
            if let Some(items) = point_at_key(containers.map(Vec::as_slice).unwrap_or_default(), key) {
                pod.insert(list.to_owned(), items);
            }
        }
        if pod.len() == before {
            let KeyRef { secret, key } = KeyRef::standard();
            return Err(ManifestError::Base(format!(
                "no container of the base's StatefulSet has a variable from Secret {secret}, key {key}, in whose place the spec's key would go"
            )));
        }
    }
    let mut fields = Map::new();
    if spec.suspended {
        fields.insert("replicas".to_owned(), json!(0));
    }
    if !pod.is_empty() {
        fields.insert("template".to_owned(), json!({ "spec": pod }));
    }
    Ok(merge_patch(object, if fields.is_empty() { json!({}) } else { json!({ "spec": fields }) }))
}

/// All containers are named, in order: a merged list begins with the patch's items, and the order of stages is their sequence.
fn point_at_key(containers: &[Value], key: &KeyRef) -> Option<Value> {
    let variables: Vec<Vec<Value>> = containers.iter().map(|container| key_variables(container, key)).collect();
    if variables.iter().all(Vec::is_empty) {
        return None;
    }
    let items = containers.iter().zip(variables).map(|(container, env)| {
        let mut item = json!({"name": container["name"]});
        if !env.is_empty() {
            item["env"] = Value::Array(env);
        }
        item
    });
    Some(items.collect())
}

/// The variables of a container that hold the proxy's key, pointed at the spec's Secret.
fn key_variables(container: &Value, key: &KeyRef) -> Vec<Value> {
    let standard = KeyRef::standard();
    let env = container.get("env").and_then(Value::as_array);
    env.into_iter()
        .flatten()
        .filter(|variable| {
            let name = text(variable, "/valueFrom/secretKeyRef/name");
            name == standard.secret && text(variable, "/valueFrom/secretKeyRef/key") == standard.key
        })
        .map(|variable| json!({"name": variable["name"], "valueFrom": {"secretKeyRef": {"name": key.secret, "key": key.key}}}))
        .collect()
}

/// JSON pointers of every text in `value` that is exactly `wanted`.
fn pointers(value: &Value, wanted: &str, path: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text == wanted => found.push(path.to_owned()),
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| pointers(value, wanted, &format!("{path}/{}", token(key)), found));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| pointers(value, wanted, &format!("{path}/{i}"), found));
        }
        _ => {}
    }
}

fn test(path: &str, value: &Value) -> Value {
    json!({"op": "test", "path": path, "value": value})
}

fn replace(path: &str, value: &Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

fn add(path: &str, value: &Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

fn exchange(path: &str, old: &str, new: &str) -> [Value; 2] {
    [test(path, &json!(old)), replace(path, &json!(new))]
}
