//! The pure renderer: loads, merges and transforms the YAML of `manifests/`, the one definition of every object of a tenant.
//!
//! A [`Base`] is a Kustomize tree held in memory; a [`TenantSpec`] says what one tenant is. [`render`] gives the tenant's
//! objects, [`overlay`] the folder from which `kubectl kustomize` makes the very same objects. Both come from the same text:
//! `render` builds what `overlay` writes. Nothing here touches a file, a clock or the network.

mod adopt;
mod base;
mod build;
mod cidr;
mod diff;
mod doors;
mod draft;
mod error;
mod generate;
mod guard;
mod image;
mod json6902;
mod kustomization;
mod load;
mod merge;
mod names;
mod object;
mod order;
mod overlay;
mod owner;
mod ownership;
mod patch;
mod patches;
mod redact;
mod resource;
mod schema;
mod spec;
mod transform;
mod tree;
mod validate;
mod yaml;

pub use adopt::{Adopted, Unknown, adopt};
pub use base::{Base, TierSize, tier_quotas, tier_sizes};
pub use diff::{Change, diff};
pub use doors::{DOORS, doors};
pub use draft::{Defaults, TenantDraft};
pub use error::{FieldError, ManifestError, Place};
pub use guard::{GUARD, guarded};
pub use image::PinnedImage;
pub use object::Object;
pub use overlay::overlay;
pub use owner::Owners;
pub use ownership::{as_moved, moved, others};
pub use redact::redact;
pub use spec::{
    Claim, Issuer, IssuerKind, KeyRef, LiteLlm, LiteLlmTarget, Network, TenantSpec, Toleration, Volumes, stored_spec,
};
pub use yaml::to_yaml;

/// Annotation on the Namespace with the owner's handle.
pub const OWNER_ANNOTATION: &str = "openclaw.ai/owner";

/// The tenant's objects, in the order in which they are to be applied: the Namespace first, the StatefulSet last.
///
/// # Errors
/// A spec that breaks a rule (each field is named), or a base that does not fit it (file and line).
pub fn render(base: &Base, spec: &TenantSpec) -> Result<Vec<Object>, ManifestError> {
    overlay::prepare(base, spec).map(|(_, objects)| objects)
}
