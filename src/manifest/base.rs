//! The Kustomize tree that tenants are rendered from: the one in the binary, or a site's own.

use super::build::gather;
use super::error::ManifestError;
use super::tree::Tree;
use crate::fleet::{Quantity, Text};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Folders of `manifests/` that tenants are made of; its other folders are for the cluster.
const PARTS: [&str; 3] = ["base", "tiers", "options"];

#[derive(RustEmbed)]
#[folder = "manifests/"]
struct Embedded;

/// A tree with `base/`, `tiers/<tier>/` and `options/<option>/`.
#[derive(Clone, Debug)]
pub struct Base {
    tree: Tree,
}

impl Base {
    /// The tree that this binary was built with.
    ///
    /// # Errors
    /// None in a tested build; the tree is read like any other.
    pub fn embedded() -> Result<Self, ManifestError> {
        let mut files = Vec::new();
        for path in Embedded::iter() {
            let content = Embedded::get(&path).map(|file| String::from_utf8(file.data.into_owned()));
            match content {
                Some(Ok(text)) => files.push((path.into_owned(), text)),
                _ => return Err(ManifestError::Base(format!("the embedded file {path} is not UTF-8 text"))),
            }
        }
        Self::load(files.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// A tree given as (path, text), paths with `/` and relative to the tree's root. Files outside `base/`, `tiers/` and `options/`
    /// are left alone.
    ///
    /// # Errors
    /// File and line of what is malformed or unknown in a kustomization.
    pub fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ManifestError> {
        let ours = files.into_iter().filter(|(path, _)| {
            PARTS.iter().any(|part| path.strip_prefix(part).is_some_and(|rest| rest.starts_with('/')))
        });
        let base = Self { tree: Tree::new(ours)? };
        base.tree.kustomization("base")?;
        for folder in ["tiers", "options"] {
            for name in base.tree.dirs(folder) {
                base.tree.kustomization(&format!("{folder}/{name}"))?;
            }
        }
        Ok(base)
    }

    /// Names of the tiers, sorted.
    pub fn tiers(&self) -> Vec<String> {
        self.tree.dirs("tiers")
    }

    /// Names of the options, sorted.
    pub fn options(&self) -> Vec<String> {
        self.tree.dirs("options")
    }

    /// Tells this tree from any other: a plan is carried out with the manifests that it was previewed from.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (path, text) in self.tree.iter() {
            for part in [path, text] {
                hash.update(part.len().to_be_bytes());
                hash.update(part);
            }
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }
}

/// What a tier is: the figures of its quota, and the volumes that a tenant has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierSize {
    pub tier: Text,
    pub amounts: Vec<(Text, Quantity)>,
    pub volumes: u32,
}

impl TierSize {
    pub fn amount(&self, resource: &str) -> Option<Quantity> {
        self.amounts.iter().find(|(name, _)| *name == resource).map(|(_, amount)| *amount)
    }
}

/// The tiers of a tree, the smallest first.
pub fn tier_sizes(base: &Base) -> Vec<TierSize> {
    let volumes = gather(base.tree(), "base")
        .map_or(0, |objects| objects.iter().filter(|object| object.kind() == "PersistentVolumeClaim").count());
    let size = |(tier, hard): (String, BTreeMap<String, String>)| TierSize {
        tier: Text::from(tier),
        amounts: hard.into_iter().filter_map(|(name, q)| Some((Text::from(name), q.parse().ok()?))).collect(),
        volumes: u32::try_from(volumes).unwrap_or(0),
    };
    let mut sizes: Vec<TierSize> = tier_quotas(base).into_iter().map(size).collect();
    sizes.sort_by_key(|size| size.amount("requests.memory"));
    sizes
}

/// The figures that each tier's quota sets, as (tier, resource -> quantity).
pub fn tier_quotas(base: &Base) -> Vec<(String, BTreeMap<String, String>)> {
    base.tiers()
        .into_iter()
        .filter_map(|tier| {
            let mut tree = base.tree.clone();
            let root = format!("resources: [base]\ncomponents: [tiers/{tier}]\n");
            tree.insert("kustomization.yaml", &root).ok()?;
            let objects = gather(&tree, "").ok()?;
            let quota = objects.iter().find(|object| object.kind() == "ResourceQuota" && object.name() == "tenant")?;
            let hard =
                quota.value().pointer("/spec/hard").and_then(|hard| serde_json::from_value(hard.clone()).ok())?;
            Some((tier, hard))
        })
        .collect()
}
