//! Patch entries: which objects they are for, and their application.

use super::error::{ManifestError, Place};
use super::json6902;
use super::kustomization::{Patch, Target, place};
use super::load::{self, Document};
use super::merge::merge;
use super::names;
use super::object::{group_version, text};
use super::resource::Resource;
use super::tree::Tree;
use serde_json::Value;
use serde_saphyr::Spanned;

/// Applies one patch entry of the kustomization `file` in folder `dir`.
pub(crate) fn patch(
    tree: &Tree,
    dir: &str,
    file: &str,
    entry: &Spanned<Patch>,
    into: &mut Vec<Resource>,
) -> Result<(), ManifestError> {
    let at = place(file, entry);
    let patch = &entry.value;
    let inline;
    let documents: &[Document] = match (&patch.path, &patch.patch) {
        (Some(path), None) => {
            let at = place(file, path);
            let found = load::resolve(dir, &path.value).and_then(|full| tree.documents(&full));
            found.ok_or_else(|| ManifestError::at(&at, format!("{} is not in the manifest tree", path.value)))??
        }
        (None, Some(text)) => {
            inline = inline_documents(text, &place(file, text))?;
            &inline
        }
        _ => return Err(ManifestError::at(&at, "a patch has either `path` or `patch`")),
    };
    let [document] = documents else {
        return Err(ManifestError::at(&at, format!("a patch is one document, this has {}", documents.len())));
    };
    let rename = patch.options.is_some_and(|options| options.allow_name_change);
    if document.value.is_array() {
        let Some(target) = &patch.target else {
            return Err(ManifestError::at(&at, "a JSON patch needs a `target`"));
        };
        let operations = json6902::operations(&document.value, &document.place)?;
        for index in select(into, target, &at)? {
            into[index].remember_name();
            let before = identity(&into[index].value);
            json6902::apply(&mut into[index].value, &operations, &document.place)?;
            if identity(&into[index].value) != before {
                return Err(ManifestError::at(&document.place, "a JSON patch may not change kind or name"));
            }
        }
        return Ok(());
    }
    let chosen = match &patch.target {
        Some(target) => select(into, target, &at)?,
        None => vec![named_by(into, &document.value, &document.place)?],
    };
    let mut deleted = Vec::new();
    for index in chosen {
        match strategic(&into[index], &document.value, rename, &document.place)? {
            Some(value) => {
                if rename {
                    into[index].remember_name();
                }
                into[index].value = value;
            }
            None => deleted.push(index),
        }
    }
    for index in deleted.into_iter().rev() {
        into.remove(index);
    }
    Ok(())
}

/// The documents of a patch written into the kustomization; all have the patch's place.
fn inline_documents(text: &Spanned<String>, at: &Place) -> Result<Vec<Document>, ManifestError> {
    let documents = load::documents(&at.file, &text.value).map_err(|error| match error {
        ManifestError::At(inner, message) => {
            ManifestError::at(at, format!("line {} of this patch: {message}", inner.line))
        }
        other => other,
    })?;
    Ok(documents.into_iter().map(|document| Document { place: at.clone(), ..document }).collect())
}

/// A strategic merge that keeps the object's kind, namespace and, unless it may change, its name.
fn strategic(resource: &Resource, patch: &Value, rename: bool, at: &Place) -> Result<Option<Value>, ManifestError> {
    let Some(mut value) = merge(&resource.value, patch, at)? else { return Ok(None) };
    value["apiVersion"] = resource.value["apiVersion"].clone();
    value["kind"] = resource.value["kind"].clone();
    if !rename {
        value["metadata"]["name"] = resource.value["metadata"]["name"].clone();
    } else if text(&value, "/metadata/name") != resource.name() && !names::can_be_renamed(resource.kind()) {
        return Err(ManifestError::at(
            at,
            format!("the renderer cannot follow a changed name of a {}", resource.kind()),
        ));
    }
    if text(&value, "/metadata/namespace") != text(&resource.value, "/metadata/namespace") {
        return Err(ManifestError::at(at, "a patch cannot move an object to another namespace"));
    }
    Ok(Some(value))
}

fn identity(value: &Value) -> [String; 4] {
    ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"].map(|pointer| text(value, pointer).to_owned())
}

fn named_by(resources: &[Resource], patch: &Value, at: &Place) -> Result<usize, ManifestError> {
    let [api_version, kind, name] = ["/apiVersion", "/kind", "/metadata/name"].map(|pointer| text(patch, pointer));
    if api_version.is_empty() || kind.is_empty() || name.is_empty() {
        return Err(ManifestError::at(
            at,
            "a patch without `target` names its object by apiVersion, kind and metadata.name",
        ));
    }
    let found = resources.iter().position(|resource| resource.is(api_version, kind, name));
    found.ok_or_else(|| ManifestError::at(at, format!("there is no {kind} {name} of {api_version} to patch")))
}

fn select(resources: &[Resource], target: &Target, at: &Place) -> Result<Vec<usize>, ManifestError> {
    for field in [&target.group, &target.version, &target.kind, &target.name].into_iter().flatten() {
        let bad = field.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '-' || *c == '.'));
        if let Some(bad) = bad {
            return Err(ManifestError::at(
                at,
                format!(
                    "target {field:?}: Kustomize would read {bad:?} as part of a pattern, which the renderer does not know; name one object"
                ),
            ));
        }
    }
    let wanted = |field: &Option<String>, value: &str| {
        field.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == value)
    };
    let found: Vec<usize> = (0..resources.len())
        .filter(|&index| {
            let resource = &resources[index];
            let (group, version) = group_version(resource.api_version());
            let name = wanted(&target.name, resource.name())
                || resource.earlier_names.iter().any(|name| wanted(&target.name, name));
            wanted(&target.group, group)
                && wanted(&target.version, version)
                && wanted(&target.kind, resource.kind())
                && name
        })
        .collect();
    if found.is_empty() {
        let [kind, name] = [&target.kind, &target.name].map(|field| field.as_deref().unwrap_or("object"));
        return Err(ManifestError::at(at, format!("there is no {kind} {name} to patch")));
    }
    Ok(found)
}
