//! Builds a kustomization: gathers resources, runs generators, components and transformers in Kustomize's order, then hashes names,
//! mends references and sorts.

use super::error::{ManifestError, Place};
use super::generate::generate;
use super::kustomization::{Role, place};
use super::load::{self, Document};
use super::names;
use super::object::{self, Object};
use super::order;
use super::patch::patch;
use super::resource::{Resource, add};
use super::transform;
use super::tree::Tree;
use serde_json::Value;
use serde_saphyr::Spanned;

/// The objects of folder `dir` under the names by which a patch calls them: before hashes, references and order.
pub(crate) fn gather(tree: &Tree, dir: &str) -> Result<Vec<Object>, ManifestError> {
    Ok(resources(tree, dir)?.into_iter().map(|resource| Object::new(resource.value)).collect())
}

fn resources(tree: &Tree, dir: &str) -> Result<Vec<Resource>, ManifestError> {
    let mut resources = Vec::new();
    Builder { tree, stack: Vec::new() }.accumulate(dir, &mut resources)?;
    Ok(resources)
}

/// The objects that the kustomization of folder `dir` gives.
pub(crate) fn build(tree: &Tree, dir: &str) -> Result<Vec<Object>, ManifestError> {
    let (file, root) = tree.kustomization(dir)?;
    let mut resources = resources(tree, dir)?;
    for resource in &mut resources {
        if resource.hashed {
            resource.remember_name();
            let name = format!("{}-{}", resource.name(), names::config_map_hash(&resource.value));
            resource.value["metadata"]["name"] = Value::String(name);
        }
    }
    names::fix_references(&mut resources);
    let mut objects: Vec<Object> = resources.into_iter().map(|resource| Object::new(resource.value)).collect();
    order::sort(&mut objects, root.sort_options.as_ref(), &Place { file, line: 1 })?;
    Ok(objects)
}

struct Builder<'a> {
    tree: &'a Tree,
    /// Folders being built, to find a folder that includes itself.
    stack: Vec<String>,
}

impl Builder<'_> {
    /// Adds what folder `dir` gives to `into`; a component also transforms what is there already.
    fn accumulate(&mut self, dir: &str, into: &mut Vec<Resource>) -> Result<(), ManifestError> {
        let (file, kustomization) = self.tree.kustomization(dir)?;
        self.stack.push(dir.to_owned());
        for entry in &kustomization.resources {
            let at = place(&file, entry);
            let path = self.path(dir, entry, &at)?;
            if let Some(documents) = self.tree.documents(&path) {
                for Document { value, place } in documents? {
                    object::check(value, place)?;
                    no_null(value, "", place)?;
                    add(
                        into,
                        Resource {
                            value: value.clone(),
                            earlier_names: Vec::new(),
                            hashed: false,
                            place: place.clone(),
                        },
                    )?;
                }
            } else {
                self.folder(&path, Role::Base, &at)?;
                let mut inner = Vec::new();
                self.accumulate(&path, &mut inner)?;
                for resource in inner {
                    add(into, resource)?;
                }
            }
        }
        for generator in &kustomization.config_map_generator {
            generate(self.tree, dir, &file, generator, into)?;
        }
        for entry in &kustomization.components {
            let at = place(&file, entry);
            let path = self.path(dir, entry, &at)?;
            self.folder(&path, Role::Component, &at)?;
            self.accumulate(&path, into)?;
        }
        for entry in &kustomization.patches {
            patch(self.tree, dir, &file, entry, into)?;
        }
        for resource in into.iter_mut() {
            if let Some(namespace) = kustomization.namespace.as_deref().filter(|namespace| !namespace.is_empty()) {
                resource.remember_name();
                transform::namespace(&mut resource.value, namespace);
            }
            kustomization.labels.iter().for_each(|labels| transform::labels(&mut resource.value, labels));
            kustomization.images.iter().for_each(|image| transform::images(&mut resource.value, image));
        }
        for image in &kustomization.images {
            literal_name(&image.name.value, &place(&file, &image.name))?;
        }
        self.stack.pop();
        Ok(())
    }

    fn path(&self, dir: &str, entry: &Spanned<String>, at: &Place) -> Result<String, ManifestError> {
        if entry.value.contains("://") || entry.value.contains("?ref=") {
            return Err(ManifestError::at(
                at,
                format!("{}: the renderer loads nothing from elsewhere; copy it into the tree", entry.value),
            ));
        }
        load::resolve(dir, &entry.value)
            .ok_or_else(|| ManifestError::at(at, format!("{} leads out of the manifest tree", entry.value)))
    }

    fn folder(&self, path: &str, expected: Role, at: &Place) -> Result<(), ManifestError> {
        if !self.tree.has_dir(path) {
            return Err(ManifestError::at(at, format!("{path} is not in the manifest tree")));
        }
        if self.stack.iter().any(|open| open == path) {
            return Err(ManifestError::at(at, format!("{path} includes itself")));
        }
        match (expected, self.tree.kustomization(path)?.1.role()) {
            (Role::Base, Role::Component) => {
                Err(ManifestError::at(at, format!("{path} is a Component; list it under `components`")))
            }
            (Role::Component, Role::Base) => {
                Err(ManifestError::at(at, format!("{path} is no Component; list it under `resources`")))
            }
            _ => Ok(()),
        }
    }
}

fn literal_name(name: &str, at: &Place) -> Result<(), ManifestError> {
    match name.chars().find(|c| !(c.is_ascii_alphanumeric() || "-_./:".contains(*c))) {
        None => Ok(()),
        Some(bad) => Err(ManifestError::at(
            at,
            format!(
                "Kustomize would read {bad:?} in an image's name as part of a pattern, which the renderer does not know"
            ),
        )),
    }
}

/// Kustomize drops some nulls and keeps others, by how they were spelt; the renderer has none.
fn no_null(value: &Value, path: &str, at: &Place) -> Result<(), ManifestError> {
    match value {
        Value::Null => {
            Err(ManifestError::at(at, format!("{} is null; leave the field out", path.trim_start_matches('.'))))
        }
        Value::Object(map) => map.iter().try_for_each(|(key, value)| no_null(value, &format!("{path}.{key}"), at)),
        Value::Array(list) => {
            list.iter().enumerate().try_for_each(|(i, value)| no_null(value, &format!("{path}.{i}"), at))
        }
        _ => Ok(()),
    }
}
