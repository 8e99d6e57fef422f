//! What can be said of the scripts without running them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::bench::{manifests, tool};

fn scripts() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["base/stages", "options/stand-in/stages"] {
        let entries = fs::read_dir(manifests().join(folder)).unwrap();
        found.extend(entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "sh")));
    }
    found
}

#[test]
fn shellcheck_is_content() {
    let Some(shellcheck) = tool("shellcheck") else { return };
    assert!(scripts().len() > 15);
    let output = Command::new(shellcheck)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["--shell=sh", "--external-sources"])
        .args(scripts())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn shellcheck_is_content_with_the_demos_scripts() {
    let Some(shellcheck) = tool("shellcheck") else { return };
    let script = manifests().with_file_name("demo").join("kind.sh");
    let output = Command::new(shellcheck).arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// `2>&1 >file`, `echo -e` and the like are shellcheck's; this is about what no shell complains of.
#[test]
fn no_stage_writes_to_a_place_of_its_own_choice() {
    for path in scripts() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains('\r') && text.ends_with('\n'), "{}", path.display());
        for (number, line) in text.lines().enumerate() {
            let bare = line.contains("rm -rf /") || line.contains("rm -rf \"$1\"") || line.contains("rm -rf *");
            assert!(!bare, "{}:{}: {line}", path.display(), number + 1);
        }
    }
}
