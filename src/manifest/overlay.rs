//! A tenant's overlay: a folder of its own that holds the parts of the base it uses, so that `kubectl kustomize` works on it anywhere.

use super::base::Base;
use super::build::{build, gather};
use super::error::{FieldError, ManifestError};
use super::image::PinnedImage;
use super::object::{Object, text};
use super::order::APPLY;
use super::patches::{self, Patch};
use super::schema::pod_spec;
use super::spec::TenantSpec;
use super::tree::Tree;
use super::yaml::to_yaml;
use crate::fleet::name::{TENANT_LABEL, TIER_LABEL};
use serde_json::{Map, Value, json};

/// Names of container images that stand for a tenant's own.
const IMAGES: [&str; 3] = ["openclaw", "browser", "browser-ui"];

/// The files of the tenant's overlay as (path, text), sorted by path: `kustomization.yaml`, `patches/` and what it uses of the base.
///
/// # Errors
/// A spec that breaks a rule, or a base that does not offer what the spec asks for.
pub fn overlay(base: &Base, spec: &TenantSpec) -> Result<Vec<(String, String)>, ManifestError> {
    let (tree, _) = prepare(base, spec)?;
    Ok(tree.iter().map(|(path, content)| (path.to_owned(), content.to_owned())).collect())
}

/// The overlay and the objects that it gives.
pub(crate) fn prepare(base: &Base, spec: &TenantSpec) -> Result<(Tree, Vec<Object>), ManifestError> {
    spec.validate()?;
    exists("tier", &spec.tier, &base.tiers())?;
    spec.options.iter().try_for_each(|option| exists("options", option, &base.options()))?;
    let mut components = vec![format!("tiers/{}", spec.tier)];
    components.extend(spec.options.iter().map(|option| format!("options/{option}")));

    let parts = base.tree().only(|path| {
        let within = |part: &str| path.strip_prefix(part).is_some_and(|rest| rest.starts_with('/'));
        within("base") || components.iter().any(|part| within(part))
    });
    // What the spec changes is looked up in what base and components give, so that a base may put it where it likes.
    let before = gather(&with_root(&parts, &root(spec, &components, &[], false))?, "")?;
    let patches = patches::patches(&before, spec)?;
    let mut tree = with_root(&parts, &root(spec, &components, &patches, true))?;
    for patch in &patches {
        tree.insert(&patch.path(), &to_yaml([&patch.value]))?;
    }
    let objects = build(&tree, "")?;
    check_images(&objects)?;
    Ok((tree, objects))
}

fn exists(field: &str, name: &str, known: &[String]) -> Result<(), ManifestError> {
    if known.iter().any(|known| known == name) {
        return Ok(());
    }
    let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(ManifestError::Spec(vec![FieldError {
        field: field.to_owned(),
        message: format!("the base has no {name:?}; it has {list}"),
    }]))
}

fn with_root(tree: &Tree, root: &Value) -> Result<Tree, ManifestError> {
    let mut tree = tree.clone();
    tree.insert("kustomization.yaml", &to_yaml([root]))?;
    Ok(tree)
}

fn root(spec: &TenantSpec, components: &[String], patches: &[Patch], transform: bool) -> Value {
    let mut root = Map::new();
    root.insert("apiVersion".to_owned(), json!("kustomize.config.k8s.io/v1beta1"));
    root.insert("kind".to_owned(), json!("Kustomization"));
    root.insert("resources".to_owned(), json!(["base"]));
    root.insert("components".to_owned(), json!(components));
    if !transform {
        return Value::Object(root);
    }
    root.insert("namespace".to_owned(), json!(spec.namespace()));
    root.insert("labels".to_owned(), labels(spec));
    root.insert(
        "images".to_owned(),
        IMAGES
            .iter()
            .zip([&spec.image, &spec.browser_image, &spec.browser_ui_image])
            .map(|(name, image)| image_entry(name, image))
            .collect(),
    );
    root.insert("patches".to_owned(), patches.iter().map(Patch::entry).collect());
    root.insert("sortOptions".to_owned(), json!({"order": "legacy", "legacySortOptions": {"orderFirst": APPLY}}));
    Value::Object(root)
}

/// Selectors take name and tenant only: a tier may change, and a selector may not.
fn labels(spec: &TenantSpec) -> Value {
    let mut plain: Map<String, Value> = spec.labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    plain.insert(TIER_LABEL.to_owned(), json!(spec.tier));
    plain.insert("app.kubernetes.io/instance".to_owned(), json!(spec.id));
    plain.insert("app.kubernetes.io/managed-by".to_owned(), json!("fleetdeck"));
    json!([
        {"includeSelectors": true, "pairs": {"app.kubernetes.io/name": "openclaw", TENANT_LABEL: spec.id}},
        {"includeTemplates": true, "pairs": plain},
    ])
}

fn image_entry(name: &str, image: &PinnedImage) -> Value {
    let mut entry = Map::new();
    entry.insert("name".to_owned(), json!(name));
    entry.insert("newName".to_owned(), json!(image.name()));
    for (field, value) in [("newTag", image.tag()), ("digest", image.digest())] {
        if let Some(value) = value {
            entry.insert(field.to_owned(), json!(value));
        }
    }
    Value::Object(entry)
}

/// Every container runs a pinned image: no placeholder is left, and no patch has made up a container.
fn check_images(objects: &[Object]) -> Result<(), ManifestError> {
    for object in objects {
        let Some(prefix) = pod_spec(object.kind()) else { continue };
        let pod = object.value().pointer(&format!("/{}", prefix.join("/")));
        for list in ["initContainers", "containers"] {
            for container in pod.and_then(|pod| pod.get(list)).and_then(Value::as_array).into_iter().flatten() {
                if let Err(message) = text(container, "/image").parse::<PinnedImage>() {
                    let name = text(container, "/name");
                    return Err(ManifestError::Base(format!(
                        "{} {}, container {name}: {message}",
                        object.kind(),
                        object.name()
                    )));
                }
            }
        }
    }
    Ok(())
}
