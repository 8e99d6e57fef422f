//! Whether this run has what a test needs, and how it says that it has not.

use std::io::Write;

/// The value of `variable`, or `None` after saying that the calling test is skipped.
///
/// Unset and in CI it fails instead: there a skip would hide a gap. `0` or empty is CI's own word that another of its runs
/// covers the test.
pub(super) fn wanted(variable: &str, example: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    let deferred = matches!(value.as_deref(), Some("" | "0"));
    if let Some(value) = value.filter(|_| !deferred) {
        return Some(value);
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(
        deferred || std::env::var_os("CI").is_none(),
        "{test} needs {variable}={example}, and in CI a skip is a failure ({variable}=0 says that another run covers it)"
    );
    // Past libtest's capture, which swallows the output of tests that pass.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: {test}: to run it set {variable}={example} (see tests/it/controlplane.rs)"
    );
    None
}

pub(super) fn asked_for(variable: &str, example: &str) -> bool {
    wanted(variable, example).is_some()
}

/// The runs that bring a control plane or a node select tests by name: one that the filter misses would never run.
pub(super) fn named_for(filter: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("main");
    // Under --test-threads=1 libtest runs tests on the main thread.
    assert!(
        name == "main" || name.contains(filter),
        "{name} must have {filter:?} in its path, or CI will not select it"
    );
}
