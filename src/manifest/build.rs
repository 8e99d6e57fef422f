//! Builds a kustomization: gathers resources, runs generators, components and transformers in Kustomize's order, then hashes names,
//! mends references and sorts.

use super::error::{ManifestError, Place};
use super::json6902;
use super::kustomization::{Behavior, ConfigMapGenerator, Patch, Role, Target, place};
use super::load::{self, Document};
use super::merge::merge;
use super::names;
use super::object::{self, Object, group_version, text};
use super::order;
use super::transform;
use super::tree::Tree;
use serde_json::{Map, Value, json};
use serde_saphyr::Spanned;

/// An object on its way through the build.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) value: Value,
    /// Names it had, oldest first; patches and references may use any of them.
    pub(crate) earlier_names: Vec<String>,
    /// Gets a hash of its content appended to its name.
    hashed: bool,
    place: Place,
}

impl Resource {
    pub(crate) fn kind(&self) -> &str {
        text(&self.value, "/kind")
    }

    pub(crate) fn name(&self) -> &str {
        text(&self.value, "/metadata/name")
    }

    fn api_version(&self) -> &str {
        text(&self.value, "/apiVersion")
    }

    fn is(&self, api_version: &str, kind: &str, name: &str) -> bool {
        self.api_version() == api_version
            && self.kind() == kind
            && (self.name() == name || self.earlier_names.iter().any(|earlier| earlier == name))
    }

    fn remember_name(&mut self) {
        let name = self.name().to_owned();
        if !self.earlier_names.contains(&name) {
            self.earlier_names.push(name);
        }
    }
}

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
            self.generate(dir, &file, generator, into)?;
        }
        for entry in &kustomization.components {
            let at = place(&file, entry);
            let path = self.path(dir, entry, &at)?;
            self.folder(&path, Role::Component, &at)?;
            self.accumulate(&path, into)?;
        }
        for patch in &kustomization.patches {
            self.patch(dir, &file, patch, into)?;
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

    fn generate(
        &self,
        dir: &str,
        file: &str,
        generator: &Spanned<ConfigMapGenerator>,
        into: &mut Vec<Resource>,
    ) -> Result<(), ManifestError> {
        let at = place(file, generator);
        let generator = &generator.value;
        let mut data = Map::new();
        let mut put =
            |key: &str, value: &str, at: &Place| match data.insert(key.to_owned(), Value::String(value.to_owned())) {
                None if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) => {
                    Err(ManifestError::at(at, format!("{key:?} cannot be a key of a ConfigMap")))
                }
                None => Ok(()),
                Some(_) => Err(ManifestError::at(at, format!("the key {key} is given twice"))),
            };
        for source in &generator.files {
            let at = place(file, source);
            let (key, path) = source
                .value
                .split_once('=')
                .unwrap_or_else(|| (source.value.rsplit('/').next().unwrap_or_default(), &source.value));
            let content = load::resolve(dir, path).and_then(|path| self.tree.text(&path));
            put(
                key,
                content.ok_or_else(|| ManifestError::at(&at, format!("{path} is not in the manifest tree")))?,
                &at,
            )?;
        }
        for literal in &generator.literals {
            let at = place(file, literal);
            let (key, value) =
                literal.value.split_once('=').ok_or_else(|| ManifestError::at(&at, "a literal is key=value"))?;
            if value.starts_with(['"', '\'']) {
                return Err(ManifestError::at(&at, "Kustomize strips quotes around a literal; write it without"));
            }
            put(key, value, &at)?;
        }
        let mut value = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator.name}});
        if !data.is_empty() {
            value["data"] = Value::Object(data);
        }
        for (field, pairs) in [("labels", &generator.options.labels), ("annotations", &generator.options.annotations)] {
            if !pairs.is_empty() {
                value["metadata"][field] = json!(pairs);
            }
        }
        let made = Resource {
            value,
            earlier_names: Vec::new(),
            hashed: !generator.options.disable_name_suffix_hash,
            place: at.clone(),
        };
        let mut same = into.iter_mut().filter(|old| old.is("v1", "ConfigMap", &generator.name));
        match (generator.behavior, same.next()) {
            (Behavior::Create, _) => add(into, made),
            (Behavior::Merge | Behavior::Replace, None) => {
                Err(ManifestError::at(&at, format!("there is no ConfigMap {} to change", generator.name)))
            }
            (behavior, Some(old)) => {
                if old.hashed != made.hashed {
                    return Err(ManifestError::at(
                        &at,
                        "options.disableNameSuffixHash differs from that of the ConfigMap it changes",
                    ));
                }
                let mut new = made.value;
                let fields: &[&str] = if behavior == Behavior::Merge { &["data", "binaryData"] } else { &[] };
                let inherited = fields.iter().map(|field| (format!("/{field}"), *field)).collect::<Vec<_>>();
                for (pointer, field) in inherited {
                    let merged = union(old.value.pointer(&pointer), new.pointer(&pointer));
                    if !merged.is_empty() {
                        new[field] = Value::Object(merged);
                    }
                }
                for field in ["labels", "annotations"] {
                    let pointer = format!("/metadata/{field}");
                    let merged = union(old.value.pointer(&pointer), new.pointer(&pointer));
                    if !merged.is_empty() {
                        new["metadata"][field] = Value::Object(merged);
                    }
                }
                new["metadata"]["name"] = old.value["metadata"]["name"].clone();
                if let Some(namespace) = old.value.pointer("/metadata/namespace") {
                    new["metadata"]["namespace"] = namespace.clone();
                }
                old.value = new;
                Ok(())
            }
        }
    }

    fn patch(
        &self,
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
                let found = load::resolve(dir, &path.value).and_then(|full| self.tree.documents(&full));
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

fn add(into: &mut Vec<Resource>, resource: Resource) -> Result<(), ManifestError> {
    match into.iter().find(|old| old.is(resource.api_version(), resource.kind(), resource.name())) {
        Some(old) => Err(ManifestError::at(
            &resource.place,
            format!("{} {} is already given at {}", resource.kind(), resource.name(), old.place),
        )),
        None => {
            into.push(resource);
            Ok(())
        }
    }
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

fn union(old: Option<&Value>, new: Option<&Value>) -> Map<String, Value> {
    let mut all = old.and_then(Value::as_object).cloned().unwrap_or_default();
    all.extend(new.and_then(Value::as_object).cloned().unwrap_or_default());
    all
}
