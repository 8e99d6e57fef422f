//! `--version`, and the build script behind it.

use std::{fs, path::Path, process::Command};

#[allow(dead_code)] // its `main` is cargo's to call
#[path = "../../.ci/stamp.rs"]
mod stamp;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").current_dir(folder).args(who).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_commit_is_git_s_or_the_package_s_and_never_another_repository_s() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert_eq!(stamp::commit(root), None, "no repository");
    git(root, &["init", "-q"]);
    assert_eq!(stamp::commit(root), None, "no commit");
    fs::write(root.join("file"), "1").unwrap();
    git(root, &["add", "file"]);
    git(root, &["commit", "-q", "-m", "one"]);
    let hash = git(root, &["rev-parse", "--short=12", "HEAD"]);
    let day = git(root, &["show", "-s", "--format=%cs"]);
    assert_eq!(stamp::commit(root), Some(format!("{hash} of {day}")));
    fs::write(root.join("file"), "2").unwrap();
    assert_eq!(stamp::commit(root), Some(format!("{hash}-dirty of {day}")));

    // A package that lies in somebody's repository.
    let package = root.join("package");
    fs::create_dir(&package).unwrap();
    assert_eq!(stamp::commit(&package), None);
    let note = |text: &str| fs::write(package.join(".cargo_vcs_info.json"), text).unwrap();
    note(
        "{\n  \"git\": {\n    \"sha1\": \"0123456789abcdef0123456789abcdef01234567\"\n  },\n  \"path_in_vcs\": \"\"\n}",
    );
    assert_eq!(stamp::commit(&package).as_deref(), Some("0123456789ab"));
    note(r#"{"git":{"sha1":"0123456789abcdef0123456789abcdef01234567","dirty": true}}"#);
    assert_eq!(stamp::commit(&package).as_deref(), Some("0123456789ab-dirty"));
    note(r#"{"git":{"sha1":"<script>"}}"#);
    assert_eq!(stamp::commit(&package), None);
}

#[test]
fn it_says_what_it_was_built_with() {
    let output = |flag: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_fleetdeck")).arg(flag).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let own = env!("CARGO_PKG_VERSION");
    assert_eq!(output("-V"), format!("fleetdeck {own}\n"), "one line for scripts");
    let said = output("--version");
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    let locked = |name| stamp::locked(&lock, name).unwrap();
    assert!(said.starts_with(&format!("fleetdeck {own}\ncommit     ")), "{said}");
    // The one says what its build was told, the other what was asked for.
    assert!(
        said.contains(&format!("\nkube       {}, k8s-openapi {}\n", locked("kube"), locked("k8s-openapi"))),
        "{said}"
    );
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let feature = manifest.split_once("features = [\"v1_").and_then(|(_, rest)| rest.split_once('"')).unwrap().0;
    assert!(said.contains(&format!("\nKubernetes API of 1.{feature}, and servers from that on\n")), "{said}");
}

#[test]
fn kubectl_runs_it_as_a_plugin_and_it_calls_itself_so() {
    let Some(kubectl) = crate::skip::kubectl("the plugin is not tested") else { return };
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_fleetdeck"), folder.path().join("kubectl-fleetdeck")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", folder.path().display());
    let run = |line: &str| {
        let mut command = Command::new(&kubectl);
        let output = command.args(line.split_whitespace()).env("PATH", &path).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, out, err) = run("fleetdeck explain quota-refused");
    assert!(code == 0 && out.starts_with("quota-refused"), "{out}{err}");
    let (code, out, err) = run("fleetdeck ls --help");
    assert!(code == 0 && out.contains("Usage: kubectl fleetdeck ls [OPTIONS]"), "{out}{err}");
    let (code, _, err) = run("fleetdeck ls --nothing");
    assert!(
        code == 2 && err.contains("Usage: kubectl fleetdeck ls"),
        "the exit code and its words are passed on: {err}"
    );
}

#[test]
fn every_verb_has_a_manual_page() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_fleetdeck")).args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (_, program) = run(&["man"]);
    let verbs: Vec<&str> = program
        .lines()
        .filter_map(|line| line.strip_prefix("fleetdeck\\-")?.strip_suffix("(1)"))
        .filter(|verb| *verb != "help")
        .collect();
    assert!(verbs.len() > 20, "{program}");
    for verb in verbs {
        let verb = verb.replace('\\', "");
        let (code, page) = run(&["man", &verb]);
        let title = format!(".TH fleetdeck-{verb} 1").replace('-', "\\-");
        assert!(code == 0 && page.replace("\\-", "-").contains(&title.replace("\\-", "-")), "{verb}: {page}");
    }
    assert_eq!(run(&["man", "nothing"]).0, 2);
}
