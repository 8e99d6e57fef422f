//! A spec for a tenant that carries none, from what its live objects show.

use super::draft::{Defaults, TenantDraft};
use super::error::{FieldError, ManifestError};
use super::image::PinnedImage;
use super::object::text;
use super::spec::{Claim, Issuer, IssuerKind, KeyRef, TenantSpec, Toleration};
use super::validate::is_reserved_label;
use super::{Base, OWNER_ANNOTATION, base};
use crate::fleet::Quantity;
use crate::fleet::name::{TENANT_LABEL, TIER_LABEL};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A spec made from live objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    pub spec: TenantSpec,
    /// Fields that the objects do not show, with what was taken instead: a person has to look at these before anything is applied.
    pub unknown: Vec<Unknown>,
}

/// A field that could not be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The field's path in the spec.
    pub field: String,
    /// Why it is not known and what was taken.
    pub message: String,
}

/// Reads a tenant's spec off its live objects (Namespace, StatefulSet, PersistentVolumeClaims, ResourceQuotas, Ingress; others are ignored).
///
/// # Errors
/// Every field without which there is no spec: id, tier, image, host, or one that breaks a rule.
pub fn adopt(live: &[Value], base: &Base, defaults: &Defaults) -> Result<Adopted, ManifestError> {
    let mut reader = Reader { live, unknown: Vec::new(), errors: Vec::new() };
    let mut draft = TenantDraft { id: reader.id(), ..TenantDraft::default() };
    draft.tier = reader.tier(base);
    reader.pod(&mut draft, defaults);
    reader.ingress(&mut draft);
    let claims = reader.claims(&mut draft);
    reader.namespace(&mut draft);
    let Reader { unknown, errors, .. } = reader;
    if !errors.is_empty() {
        return Err(ManifestError::Spec(errors));
    }
    let mut spec = draft.resolve(&without_additions(defaults))?;
    if let Some([app, config]) = claims {
        spec.volumes.app = app;
        spec.volumes.config = config;
    }
    spec.validate()?;
    Ok(Adopted { spec, unknown })
}

/// What the fleet adds to every tenant must not be added to one that is read off the cluster: it has what it has.
fn without_additions(defaults: &Defaults) -> Defaults {
    Defaults {
        node_selector: BTreeMap::new(),
        tolerations: Vec::new(),
        image_pull_secrets: BTreeSet::new(),
        labels: BTreeMap::new(),
        options: BTreeSet::new(),
        storage_class: None,
        ingress_class: None,
        issuer: None,
        ..defaults.clone()
    }
}

struct Reader<'a> {
    live: &'a [Value],
    unknown: Vec<Unknown>,
    errors: Vec<FieldError>,
}

impl<'a> Reader<'a> {
    fn all(&self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.live.iter().filter(move |object| text(object, "/kind") == kind)
    }

    fn guess(&mut self, field: &str, message: impl Into<String>) {
        self.unknown.push(Unknown { field: field.to_owned(), message: message.into() });
    }

    fn fail(&mut self, field: &str, message: impl Into<String>) {
        self.errors.push(FieldError { field: field.to_owned(), message: message.into() });
    }

    fn id(&mut self) -> String {
        let label = |object: &'a Value| object.pointer("/metadata/labels")?.get(TENANT_LABEL)?.as_str();
        let namespace = self.all("Namespace").next();
        let found = namespace.and_then(label).or_else(|| self.all("StatefulSet").find_map(label));
        let found =
            found.or_else(|| namespace.and_then(|object| text(object, "/metadata/name").strip_prefix("tenant-")));
        match found {
            Some(id) => id.to_owned(),
            None => {
                self.fail("id", format!("neither Namespace nor StatefulSet has the label {TENANT_LABEL}, and the namespace is not called tenant-<id>"));
                String::new()
            }
        }
    }

    /// The label, unless the quota says otherwise: the quota is what holds.
    fn tier(&mut self, base: &Base) -> String {
        let quotas: Vec<&Value> = self.all("ResourceQuota").collect();
        let by_quota = base::tier_quotas(base).into_iter().find(|(_, hard)| {
            quotas.iter().any(|quota| {
                hard.iter().all(|(resource, figure)| {
                    let live = quota.pointer("/spec/hard").and_then(|hard| hard.get(resource)).and_then(Value::as_str);
                    live.and_then(quantity).is_some_and(|live| Some(live) == quantity(figure))
                })
            })
        });
        let label = self.live.iter().find_map(|object| object.pointer("/metadata/labels")?.get(TIER_LABEL)?.as_str());
        match (by_quota, label) {
            (Some((tier, _)), Some(label)) if tier != label => {
                self.guess("tier", format!("the label says {label}, the quota is that of {tier}; took {tier}"));
                tier
            }
            (Some((tier, _)), _) => tier,
            (None, Some(label)) => {
                self.guess("tier", format!("no quota is that of a tier; took {label} from the label"));
                label.to_owned()
            }
            (None, None) => {
                self.fail("tier", format!("no label {TIER_LABEL}, and no quota is that of a tier"));
                String::new()
            }
        }
    }

    fn pod(&mut self, draft: &mut TenantDraft, defaults: &Defaults) {
        let Some(stateful_set) = self.all("StatefulSet").next() else {
            self.fail("image", "there is no StatefulSet to read it from");
            return;
        };
        draft.suspended = stateful_set.pointer("/spec/replicas").and_then(Value::as_u64) == Some(0);
        let Some(pod) = stateful_set.pointer("/spec/template/spec") else {
            self.fail("image", "the StatefulSet has no pod template");
            return;
        };
        let containers: Vec<&Value> =
            ["containers", "initContainers"].iter().filter_map(|list| pod.get(list)?.as_array()).flatten().collect();
        let image = |name: &str| {
            containers
                .iter()
                .find(|container| text(container, "/name") == name)
                .map(|container| text(container, "/image").to_owned())
        };
        match image("gateway") {
            Some(found) => {
                if let Err(message) = found.parse::<PinnedImage>() {
                    self.fail("image", message);
                }
                draft.image = found;
            }
            None => self.fail("image", "the StatefulSet has no container gateway"),
        }
        for (field, name, slot) in [
            ("browserImage", "browser", &mut draft.browser_image),
            ("browserUiImage", "browser-ui", &mut draft.browser_ui_image),
        ] {
            match image(name).filter(|found| found.parse::<PinnedImage>().is_ok()) {
                Some(found) => *slot = Some(found),
                None => {
                    self.guess(field, format!("there is no container {name} with a pinned image; took the fleet's"));
                }
            }
        }
        let nodes: BTreeMap<String, String> =
            pod.get("nodeSelector").and_then(|map| serde_json::from_value(map.clone()).ok()).unwrap_or_default();
        draft.node_selector = nodes.into_iter().filter(|(key, _)| key != "openclaw.ai/workload").collect();
        for item in pod.get("tolerations").and_then(Value::as_array).into_iter().flatten() {
            match serde_json::from_value::<Toleration>(item.clone()) {
                Ok(toleration) => draft.tolerations.push(toleration),
                Err(error) => self.guess("tolerations", format!("one was left out: {error}")),
            }
        }
        let secrets = pod.get("imagePullSecrets").and_then(Value::as_array).into_iter().flatten();
        draft.image_pull_secrets = secrets.map(|secret| text(secret, "/name").to_owned()).collect();
        draft.labels = own_labels(stateful_set);
        draft.litellm_key = containers.iter().find_map(|container| key_of(container));
        if draft.litellm_key.is_none() {
            self.guess("litellm.key", "no container has a variable LITELLM_API_KEY from a Secret; took the fleet's");
        }
        self.guess("options", "whether the tenant was made with options cannot be read off its objects; took none");
        let taken = if defaults.litellm.is_some() { "the fleet's" } else { "the product's" };
        self.guess(
            "litellm.target",
            format!("where the models' proxy is cannot be read off the objects with certainty; took {taken}"),
        );
        self.guess("network", "the fleet's namespaces and addresses were taken, not those of the live NetworkPolicy");
    }

    fn ingress(&mut self, draft: &mut TenantDraft) {
        let mut ingresses = self.all("Ingress");
        let (Some(ingress), others) = (ingresses.next(), ingresses.count()) else {
            self.guess("host", "there is no Ingress; took the fleet's domain");
            return;
        };
        if others > 0 {
            self.guess(
                "host",
                format!("there are {} Ingresses; took the host of {}", others + 1, text(ingress, "/metadata/name")),
            );
        }
        let host = text(ingress, "/spec/rules/0/host");
        draft.host = (!host.is_empty()).then(|| host.to_owned());
        if draft.host.is_none() {
            self.guess("host", "the Ingress has no host; took the fleet's domain");
        }
        if ingress.pointer("/spec/rules/1").is_some() {
            self.guess("host", "the Ingress has several rules; took the first one's host");
        }
        let class = text(ingress, "/spec/ingressClassName");
        draft.ingress_class = (!class.is_empty()).then(|| class.to_owned());
        let annotations = ingress.pointer("/metadata/annotations");
        let named = |key: &str| annotations.and_then(|all| all.get(key)?.as_str()).map(str::to_owned);
        draft.issuer = match (named("cert-manager.io/cluster-issuer"), named("cert-manager.io/issuer")) {
            (Some(name), _) => Some(Issuer { kind: IssuerKind::ClusterIssuer, name }),
            (None, Some(name)) => Some(Issuer { kind: IssuerKind::Issuer, name }),
            (None, None) => None,
        };
    }

    /// The claims that the pod mounts where the app and the state belong.
    fn claims(&mut self, draft: &mut TenantDraft) -> Option<[Claim; 2]> {
        let pod = self.all("StatefulSet").next()?.pointer("/spec/template/spec")?;
        let mounted = |path: &str| {
            let containers = pod.get("containers")?.as_array()?;
            let mount = containers
                .iter()
                .filter_map(|container| container.get("volumeMounts")?.as_array())
                .flatten()
                .find(|mount| text(mount, "/mountPath") == path)?;
            let volume =
                pod.get("volumes")?.as_array()?.iter().find(|volume| text(volume, "/name") == text(mount, "/name"))?;
            let claim = text(volume, "/persistentVolumeClaim/claimName");
            (!claim.is_empty()).then(|| claim.to_owned())
        };
        let mut claims = Vec::new();
        for (field, path, standard) in
            [("volumes.app", "/app", "app-data"), ("volumes.config", "/home/node/.openclaw", "config-data")]
        {
            let name = mounted(path).unwrap_or_else(|| {
                self.guess(&format!("{field}.name"), format!("no container mounts a claim at {path}; took {standard}"));
                standard.to_owned()
            });
            claims.push(self.claim(field, name));
        }
        draft.storage_class = None;
        claims.try_into().ok()
    }

    fn claim(&mut self, field: &str, name: String) -> Claim {
        let Some(live) = self.all("PersistentVolumeClaim").find(|claim| text(claim, "/metadata/name") == name) else {
            self.guess(&format!("{field}.sizeGi"), format!("there is no PersistentVolumeClaim {name}; took 20"));
            return Claim { name, size_gi: 20, storage_class: None, snapshot: None };
        };
        let size = text(live, "/spec/resources/requests/storage");
        let size_gi = gibibytes(size).unwrap_or_else(|| {
            self.guess(
                &format!("{field}.sizeGi"),
                format!("{name} asks for {size:?}, which is no whole number of GiB; took 20"),
            );
            20
        });
        let class = text(live, "/spec/storageClassName");
        let source = text(live, "/spec/dataSource/name");
        let restored = text(live, "/spec/dataSource/kind") == "VolumeSnapshot";
        Claim {
            name,
            size_gi,
            storage_class: (!class.is_empty()).then(|| class.to_owned()),
            snapshot: restored.then(|| source.to_owned()),
        }
    }

    fn namespace(&mut self, draft: &mut TenantDraft) {
        let namespace = self.all("Namespace").next();
        let owner =
            namespace.and_then(|object| object.pointer("/metadata/annotations")?.get(OWNER_ANNOTATION)?.as_str());
        draft.owner = owner.map(str::to_owned);
        if owner.is_none() {
            self.guess("owner", format!("the Namespace has no annotation {OWNER_ANNOTATION}; left empty"));
        }
    }
}

/// Labels that neither fleetdeck nor Kubernetes sets.
fn own_labels(object: &Value) -> BTreeMap<String, String> {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    let own = labels.into_iter().flatten().filter(|(key, _)| !is_reserved_label(key));
    own.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// The Secret and key from which a container takes the key of the models' proxy.
fn key_of(container: &Value) -> Option<KeyRef> {
    let env = container.get("env")?.as_array()?;
    let variable = env.iter().find(|variable| text(variable, "/name") == "LITELLM_API_KEY")?;
    let [secret, key] = ["name", "key"].map(|field| text(variable, &format!("/valueFrom/secretKeyRef/{field}")));
    (!secret.is_empty() && !key.is_empty()).then(|| KeyRef { secret: secret.to_owned(), key: key.to_owned() })
}

fn quantity(text: &str) -> Option<Quantity> {
    text.parse().ok()
}

/// Whole gibibytes, where the quantity is that.
fn gibibytes(text: &str) -> Option<u32> {
    const GI: i64 = 1_000 << 30;
    let milli = quantity(text)?.milli();
    (milli >= 0 && milli % GI == 0).then(|| u32::try_from(milli / GI).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_gibibytes() {
        for (text, expect) in [("20Gi", Some(20)), ("20480Mi", Some(20)), ("20G", None), ("", None), ("x", None)] {
            assert_eq!(gibibytes(text), expect, "{text}");
        }
    }
}
