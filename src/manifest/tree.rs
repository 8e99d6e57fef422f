//! Files of a manifest tree, each read once.

use super::error::{ManifestError, Place};
use super::kustomization::{FILE_NAMES, Kustomization};
use super::load::{self, Document, resolve};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Path with `/` between its parts -> file. A clone shares the files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Arc<File>>,
}

/// What is wrong with a file is an error where it is used: a file that only goes into a ConfigMap may hold anything.
#[derive(Debug)]
struct File {
    text: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Kustomization(Result<Box<Kustomization>, ManifestError>),
    Documents(Result<Vec<Document>, ManifestError>),
}

impl Tree {
    pub(crate) fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ManifestError> {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.insert(path, text)?;
        }
        Ok(tree)
    }

    pub(crate) fn insert(&mut self, path: &str, text: &str) -> Result<(), ManifestError> {
        let name = path.rsplit('/').next().unwrap_or_default();
        let content = if FILE_NAMES.contains(&name) {
            Content::Kustomization(Kustomization::read(path, text).map(Box::new))
        } else if name.ends_with(".yaml") || name.ends_with(".yml") {
            Content::Documents(load::documents(path, text))
        } else {
            Content::Documents(Err(ManifestError::at(&start(path), "a file of objects or patches ends in .yaml")))
        };
        self.put(path, Arc::new(File { text: text.to_owned(), content }))
    }

    fn put(&mut self, path: &str, file: Arc<File>) -> Result<(), ManifestError> {
        match resolve("", path) {
            Some(normal) if normal == path && !path.is_empty() => {}
            _ => {
                return Err(ManifestError::at(
                    &start(path),
                    "a path in a manifest tree is relative and has no `.` or `..` in it",
                ));
            }
        }
        match self.files.insert(path.to_owned(), file) {
            None => Ok(()),
            Some(_) => Err(ManifestError::at(&start(path), "this file is in the tree twice")),
        }
    }

    /// The files for which `keep` holds.
    pub(crate) fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let kept = self.files.iter().filter(|(path, _)| keep(path));
        Self { files: kept.map(|(path, file)| (path.clone(), Arc::clone(file))).collect() }
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(|file| file.text.as_str())
    }

    /// The YAML documents of a file; `None` where there is no such file.
    pub(crate) fn documents(&self, path: &str) -> Option<Result<&[Document], ManifestError>> {
        self.files.get(path).map(|file| match &file.content {
            Content::Documents(Ok(documents)) => Ok(documents.as_slice()),
            Content::Documents(Err(error)) => Err(error.clone()),
            Content::Kustomization(_) => {
                Err(ManifestError::at(&start(path), "this is a kustomization; list its folder instead"))
            }
        })
    }

    /// The path and content of the kustomization of folder `dir`.
    pub(crate) fn kustomization(&self, dir: &str) -> Result<(String, &Kustomization), ManifestError> {
        let mut found = FILE_NAMES.iter().filter_map(|name| {
            let path = resolve(dir, name)?;
            self.files.get(&path).map(|file| (path, file))
        });
        let Some((path, file)) = found.next() else {
            let folder = if dir.is_empty() { "." } else { dir };
            return Err(ManifestError::at(&start(&format!("{folder}/kustomization.yaml")), "this file is missing"));
        };
        if let Some((second, _)) = found.next() {
            return Err(ManifestError::at(&start(&second), format!("this folder has {path} as well; keep one")));
        }
        match &file.content {
            Content::Kustomization(Ok(kustomization)) => Ok((path, kustomization)),
            Content::Kustomization(Err(error)) | Content::Documents(Err(error)) => Err(error.clone()),
            Content::Documents(Ok(_)) => Err(ManifestError::at(&start(&path), "this is no kustomization")),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file.text.as_str()))
    }

    /// True where `dir` holds at least one file.
    pub(crate) fn has_dir(&self, dir: &str) -> bool {
        self.files.keys().any(|path| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Names of the folders directly beneath `dir`.
    pub(crate) fn dirs(&self, dir: &str) -> Vec<String> {
        let beneath = |path: &String| Some(path.strip_prefix(dir)?.strip_prefix('/')?.split_once('/')?.0.to_owned());
        let mut names: Vec<String> = self.files.keys().filter_map(beneath).collect();
        names.dedup();
        names
    }
}

fn start(path: &str) -> Place {
    Place { file: path.to_owned(), line: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_plain_and_given_once() {
        for paths in [["../x", "a"], ["a//x", "a"], ["/x", "a"], ["a", "a"], ["./x", "a"]] {
            assert!(Tree::new(paths.map(|path| (path, ""))).is_err(), "{paths:?}");
        }
        let tree = Tree::new([("tiers/pro/a", ""), ("tiers/max/b", ""), ("tiers/max/c", ""), ("tiers/x", "")]).unwrap();
        assert_eq!(tree.dirs("tiers"), ["max", "pro"]);
        assert!(tree.has_dir("tiers/max") && !tree.has_dir("tiers/ma") && !tree.has_dir("tiers/x"));
    }
}
