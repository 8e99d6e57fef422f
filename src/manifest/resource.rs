//! An object on its way through a build.

use super::error::{ManifestError, Place};
use super::object::text;
use serde_json::Value;

/// The object, and what the build has to remember of it.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) value: Value,
    /// Names it had, oldest first; patches and references may use any of them.
    pub(crate) earlier_names: Vec<String>,
    /// Gets a hash of its content appended to its name.
    pub(crate) hashed: bool,
    pub(crate) place: Place,
}

impl Resource {
    pub(crate) fn kind(&self) -> &str {
        text(&self.value, "/kind")
    }

    pub(crate) fn name(&self) -> &str {
        text(&self.value, "/metadata/name")
    }

    pub(crate) fn api_version(&self) -> &str {
        text(&self.value, "/apiVersion")
    }

    /// True where a patch or generator that names this object means it.
    pub(crate) fn is(&self, api_version: &str, kind: &str, name: &str) -> bool {
        self.api_version() == api_version
            && self.kind() == kind
            && (self.name() == name || self.earlier_names.iter().any(|earlier| earlier == name))
    }

    pub(crate) fn remember_name(&mut self) {
        let name = self.name().to_owned();
        if !self.earlier_names.contains(&name) {
            self.earlier_names.push(name);
        }
    }
}

/// Adds a resource that is not there yet.
pub(crate) fn add(into: &mut Vec<Resource>, resource: Resource) -> Result<(), ManifestError> {
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
