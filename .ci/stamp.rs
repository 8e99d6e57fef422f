//! The build script: tells the compiler what `fleetdeck --version` says of this build.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write as _},
    path::Path,
    process::Command,
};

fn main() -> Result<(), Box<dyn Error>> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let root = Path::new(&root);
    let mut out = io::stdout().lock();
    writeln!(out, "cargo::rerun-if-changed=.ci/stamp.rs")?;
    writeln!(out, "cargo::rerun-if-changed=Cargo.lock")?;
    let commit = if env::var("PROFILE")? == "release" {
        for path in watched(root) {
            writeln!(out, "cargo::rerun-if-changed={path}")?;
        }
        commit(root).unwrap_or_else(|| "unknown".to_owned())
    } else {
        // Asked for anew after every commit it would compile everything anew.
        "unknown (a debug build does not ask)".to_owned()
    };
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let (openapi, kubernetes) = openapi(env::vars()).ok_or("k8s-openapi does not say its version")?;
    for (name, value) in [
        ("COMMIT", commit.as_str()),
        ("KUBE", locked(&lock, "kube").unwrap_or("unknown")),
        ("K8S_OPENAPI", openapi.as_str()),
        ("KUBERNETES", kubernetes.as_str()),
        ("TARGET", env::var("TARGET")?.as_str()),
    ] {
        writeln!(out, "cargo::rustc-env=FLEETDECK_BUILT_{name}={value}")?;
    }
    Ok(())
}

/// What a commit, or a change that is in none, touches.
fn watched(root: &Path) -> Vec<String> {
    let parts = ["Cargo.toml", "src", "manifests", "themes", "demo/scenarios"].map(str::to_owned);
    let of_git =
        ["HEAD", "packed-refs"].map(str::to_owned).into_iter().chain(git(root, &["symbolic-ref", "-q", "HEAD"]));
    let of_git = of_git.filter_map(|name| git(root, &["rev-parse", "--git-path", &name]));
    parts.into_iter().chain(of_git).filter(|path| root.join(path).exists()).collect()
}

/// The commit of these sources: as git says, or as `cargo package` has noted it. `-dirty` where files differ from it.
pub(crate) fn commit(root: &Path) -> Option<String> {
    of_package(root).or_else(|| of_git(root))
}

fn of_package(root: &Path) -> Option<String> {
    let note = fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    // Nothing else in it is quoted in this way, and a build script that reads JSON would cost every build its parser.
    let after = note.split_once("\"sha1\":")?.1.trim_start().strip_prefix('"')?;
    let sha1 = after.split_once('"')?.0;
    let plausible = sha1.len() >= 12 && sha1.bytes().all(|b| b.is_ascii_hexdigit());
    let dirty = note.split_whitespace().collect::<String>().contains("\"dirty\":true");
    plausible.then(|| format!("{}{}", &sha1[..12], if dirty { "-dirty" } else { "" }))
}

fn of_git(root: &Path) -> Option<String> {
    // Unpacked somewhere below another repository, that one's commit would be told.
    let prefix = git(root, &["rev-parse", "--show-prefix"])?;
    if !prefix.is_empty() {
        return None;
    }
    let commit = git(root, &["show", "-s", "--abbrev=12", "--format=%h of %cs", "HEAD"])?;
    let changed = git(root, &["status", "--porcelain", "--untracked-files=no"])?;
    let (hash, day) = commit.split_once(' ')?;
    Some(format!("{hash}{} {day}", if changed.is_empty() { "" } else { "-dirty" }))
}

/// What git says; none without git, and outside a repository.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(root).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The version of a package in a lock file.
pub(crate) fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let after = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?.1;
    Some(after.split_once('"')?.0)
}

/// The versions of k8s-openapi and of Kubernetes' API: cargo passes on what that crate's build says,
/// `DEP_K8S_OPENAPI_0_29_0_VERSION` being 0x00_01_22_00 in decimal for 1.34.
pub(crate) fn openapi(mut environment: impl Iterator<Item = (String, String)>) -> Option<(String, String)> {
    environment.find_map(|(name, value)| {
        let own = name.strip_prefix("DEP_K8S_OPENAPI_")?.strip_suffix("_VERSION")?.replace('_', ".");
        let api: u32 = value.parse().ok()?;
        Some((own, format!("{}.{}", api >> 16, api >> 8 & 0xff)))
    })
}
