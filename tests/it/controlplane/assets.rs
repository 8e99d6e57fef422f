//! The binaries: whatever `tests/controlplane/build` says.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds what is missing and gives the folder. Its progress goes to standard error, for the first build takes minutes.
pub(super) fn folder() -> Result<PathBuf, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/controlplane/build");
    let output = Command::new(script)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{script}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{script} failed, see above ({})", output.status));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
