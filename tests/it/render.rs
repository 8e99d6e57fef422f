//! The renderer: golden files, equality with Kustomize, quotas that fit, refusals with their place, and what a real API server says.

mod adopted;
mod golden;
mod kustomize;
mod on_control_plane;
mod quota;
mod random;
mod refused;
mod site;

use fleetdeck::manifest::{Base, Defaults, Object, TenantDraft, TenantSpec, render, to_yaml};
use std::collections::BTreeSet;

fn base() -> Base {
    Base::embedded().expect("the tree in the binary is sound")
}

/// A tenant that leaves nearly everything to the product's defaults.
fn plain(id: &str, tier: &str, options: &[&str]) -> TenantSpec {
    let draft = TenantDraft {
        id: id.to_owned(),
        tier: tier.to_owned(),
        image: "2026.8.2".to_owned(),
        owner: Some("@maria".to_owned()),
        options: options.iter().map(|option| (*option).to_owned()).collect::<BTreeSet<_>>(),
        ..TenantDraft::default()
    };
    let defaults = Defaults { domain: Some("tenants.example.com".to_owned()), ..Defaults::default() };
    draft.resolve(&defaults).expect("a sound draft")
}

fn yaml(objects: &[Object]) -> String {
    to_yaml(objects.iter().map(Object::value))
}

fn rendered(spec: &TenantSpec) -> Vec<Object> {
    render(&base(), spec).unwrap_or_else(|error| panic!("{spec:?}\n{error}"))
}

/// The kubectl to compare with.
fn kubectl() -> Option<std::path::PathBuf> {
    crate::skip::kubectl("our objects are not compared with Kustomize's")
}
