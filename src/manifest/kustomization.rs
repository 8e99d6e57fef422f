//! The part of Kustomize's own file that the renderer knows. Any other field is refused where it stands.

use super::error::{ManifestError, Place};
use super::load;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// Names under which Kustomize looks for its file in a folder.
pub(crate) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Kustomization {
    #[serde(default)]
    pub(crate) api_version: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) kind: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) resources: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) components: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) namespace: Option<String>,
    #[serde(default)]
    pub(crate) labels: Vec<Labels>,
    #[serde(default)]
    pub(crate) images: Vec<Image>,
    #[serde(default)]
    pub(crate) patches: Vec<Spanned<Patch>>,
    #[serde(default)]
    pub(crate) config_map_generator: Vec<Spanned<ConfigMapGenerator>>,
    #[serde(default)]
    pub(crate) sort_options: Option<SortOptions>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Labels {
    pub(crate) pairs: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) include_selectors: bool,
    #[serde(default)]
    pub(crate) include_templates: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Image {
    pub(crate) name: Spanned<String>,
    #[serde(default)]
    pub(crate) new_name: Option<String>,
    #[serde(default)]
    pub(crate) new_tag: Option<String>,
    #[serde(default)]
    pub(crate) digest: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Patch {
    #[serde(default)]
    pub(crate) path: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) patch: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) target: Option<Target>,
    #[serde(default)]
    pub(crate) options: Option<PatchOptions>,
}

/// Which objects a patch is for. Names are taken literally; Kustomize reads them as anchored regular expressions, so signs that
/// would mean something there are refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Target {
    #[serde(default)]
    pub(crate) group: Option<String>,
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default)]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PatchOptions {
    #[serde(default)]
    pub(crate) allow_name_change: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConfigMapGenerator {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) behavior: Behavior,
    #[serde(default)]
    pub(crate) files: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) literals: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) options: GeneratorOptions,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Behavior {
    #[default]
    Create,
    Merge,
    Replace,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct GeneratorOptions {
    #[serde(default)]
    pub(crate) disable_name_suffix_hash: bool,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SortOptions {
    pub(crate) order: String,
    #[serde(default)]
    pub(crate) legacy_sort_options: Option<SortLists>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SortLists {
    #[serde(default)]
    pub(crate) order_first: Vec<String>,
    #[serde(default)]
    pub(crate) order_last: Vec<String>,
}

/// What a kustomization is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Listed under `resources`, or the root.
    Base,
    /// Listed under `components`.
    Component,
}

impl Kustomization {
    /// Reads the text of a kustomization file.
    pub(crate) fn read(path: &str, text: &str) -> Result<Self, ManifestError> {
        let kustomization: Self = load::parse(path, 0, text).map_err(explain)?;
        kustomization.check(path)?;
        Ok(kustomization)
    }

    /// What the file says it is.
    pub(crate) fn role(&self) -> Role {
        match self.kind.as_ref().map(|kind| kind.value.as_str()) {
            Some("Component") => Role::Component,
            _ => Role::Base,
        }
    }

    fn check(&self, path: &str) -> Result<(), ManifestError> {
        let expected = match &self.kind {
            None => "kustomize.config.k8s.io/v1beta1",
            Some(kind) if kind.value == "Kustomization" => "kustomize.config.k8s.io/v1beta1",
            Some(kind) if kind.value == "Component" => "kustomize.config.k8s.io/v1alpha1",
            Some(kind) => return Err(ManifestError::at(&place(path, kind), "kind is Kustomization or Component")),
        };
        match &self.api_version {
            Some(version) if version.value != expected => {
                Err(ManifestError::at(&place(path, version), format!("apiVersion is {expected} here")))
            }
            _ => Ok(()),
        }
    }
}

/// The line on which a value of the file stands.
pub(crate) fn place<T>(file: &str, value: &Spanned<T>) -> Place {
    Place { file: file.to_owned(), line: usize::try_from(value.referenced.line()).unwrap_or(1) }
}

/// Makes serde's word about an unknown field one about Kustomize.
fn explain(error: ManifestError) -> ManifestError {
    match error {
        ManifestError::At(place, message) if message.contains("unknown field") => ManifestError::At(
            place,
            format!("{message}; the renderer does not know this Kustomize feature and will not ignore it"),
        ),
        other => other,
    }
}
