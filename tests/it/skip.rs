//! Whether this run has what a test needs, and how it says that it has not.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The value of `variable`, or `None` after saying that the calling test is skipped.
///
/// Unset and in CI it fails instead: there a skip would hide a gap. `0` or empty is CI's own word that another of its runs
/// covers the test.
pub(crate) fn wanted(variable: &str, example: &str) -> Option<String> {
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
    say(&format!("{test}: to run it set {variable}={example} (see tests/it/controlplane.rs)"));
    None
}

pub(crate) fn asked_for(variable: &str, example: &str) -> bool {
    wanted(variable, example).is_some()
}

/// The runs that bring a control plane or a node select tests by name: one that the filter misses would never run.
pub(crate) fn named_for(filter: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("main");
    // Under --test-threads=1 libtest runs tests on the main thread.
    assert!(
        name == "main" || name.contains(filter),
        "{name} must have {filter:?} in its path, or CI will not select it"
    );
}

/// Says that something is not tested for want of a tool; fails in CI, which has to install it.
pub(crate) fn without(tool: &str, untested: &str) {
    assert!(std::env::var_os("CI").is_none(), "there is no {tool}, and in CI a skip is a failure: {untested}");
    say(&format!("there is no {tool}: {untested}"));
}

/// The kubectl to test against: `FLEETDECK_KUBECTL`, or the one on the path.
pub(crate) fn kubectl(untested: &str) -> Option<PathBuf> {
    let named = std::env::var_os("FLEETDECK_KUBECTL").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| "kubectl".into());
    let runs = Command::new(&path).args(["version", "--client"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if runs.is_ok_and(|status| status.success()) {
        return Some(path);
    }
    assert!(named.is_none(), "FLEETDECK_KUBECTL names {}, which does not run", path.display());
    without("kubectl", untested);
    None
}

fn say(words: &str) {
    // Past libtest's capture, which swallows the output of tests that pass.
    // In one write: whoever reads it finds the whole line, whatever other tests print in the same moment.
    let _ = std::io::stderr().write_all(format!("SKIPPED: {words}\n").as_bytes());
}
