//! `fleetdeck --version`: what this build is, and what it speaks. `.ci/stamp.rs` finds it out.

/// After the program's name.
pub(super) const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit     ",
    env!("FLEETDECK_BUILT_COMMIT"),
    "\ntarget     ",
    env!("FLEETDECK_BUILT_TARGET"),
    "\nkube       ",
    env!("FLEETDECK_BUILT_KUBE"),
    ", k8s-openapi ",
    env!("FLEETDECK_BUILT_K8S_OPENAPI"),
    "\nKubernetes API of ",
    env!("FLEETDECK_BUILT_KUBERNETES"),
    ", and servers from that on",
);
