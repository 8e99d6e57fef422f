//! One tenant's volumes and image as folders, and the running of a stage on them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shell {
    Dash,
    Busybox,
}

/// What a stage did.
#[derive(Debug)]
pub(crate) struct Run {
    /// None: it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    /// The container's termination message.
    pub(crate) message: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        let last = self.out.lines().last().unwrap_or_default();
        assert!(last.contains("] done: "), "the last line says how it ended: {self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn failed(self, code: i32, saying: &str) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        let last = self.err.lines().last().unwrap_or_default();
        assert!(last.contains("] failed: ") && self.err.contains(saying), "{self:#?}");
        assert!(self.message.contains(saying), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn warned(self, saying: &str) -> Self {
        assert!(self.err.contains("warning: ") && self.err.contains(saying), "{self:#?}");
        assert!(self.message.contains(saying), "{self:#?}");
        self
    }
}

pub(crate) struct Bench {
    pub(crate) shell: Shell,
    dir: TempDir,
    env: Vec<(String, String)>,
    /// Where programs are looked for before all others, if set.
    pub(crate) front: Option<&'static str>,
}

impl Bench {
    /// None, said loudly, if this machine has not the shell.
    pub(crate) fn new(shell: Shell) -> Option<Self> {
        shell.tools()?;
        let dir = tempfile::tempdir().unwrap();
        let bench = Self { shell, dir, env: Vec::new(), front: None };
        for name in ["image/dist", "app", "config", "source", "tmp", "system", "shims"] {
            fs::create_dir_all(bench.at(name)).unwrap();
        }
        bench.image("2026.8.2");
        // Some thousand flushes of this machine's disk would take minutes.
        bench.program("quick/sync", "");
        for (key, value) in config_map() {
            bench.write(&format!("source/{key}"), value);
        }
        Some(bench)
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.at(path).symlink_metadata().is_ok()
    }

    /// The names in a folder, sorted.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.at(path)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What the image brings: a few files, a link and a program.
    pub(crate) fn image(&self, version: &str) {
        let _ = fs::remove_dir_all(self.at("image"));
        self.write("image/package.json", &format!("{{\n  \"name\": \"openclaw\",\n  \"version\": \"{version}\"\n}}\n"));
        self.write("image/dist/index.js", &format!("// {version}\n"));
        self.write("image/node_modules/dep/index.js", "dep");
        self.write("image/.hidden", "h");
        self.write("image/openclaw.mjs", "#!/usr/bin/env node\n");
        fs::set_permissions(self.at("image/openclaw.mjs"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::hard_link(old_link(), self.at("image/node_modules/alias")).unwrap();
        // An image's files have the times of its layers, on every node and at every boot.
        touch_all(&self.at("image"));
    }

    /// A program that goes before the shell's own of that name.
    pub(crate) fn shim(&self, name: &str, script: &str) {
        self.program(&format!("shims/{name}"), script);
    }

    pub(crate) fn program(&self, path: &str, script: &str) {
        self.write(path, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The program of that name that a stage would run, `front` left out.
    pub(crate) fn tool(&self, name: &str) -> Option<PathBuf> {
        let tools = self.shell.tools()?.path.split(':').map(PathBuf::from);
        [self.at("shims"), self.at("quick")].into_iter().chain(tools).map(|f| f.join(name)).find(|path| path.exists())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.into(), value.into()));
    }

    pub(crate) fn run(&self, stage: &str) -> Run {
        self.run_file(&stages().join(format!("{stage}.sh")), &[])
    }

    pub(crate) fn run_file(&self, script: &Path, args: &[&str]) -> Run {
        let message = self.at("message");
        fs::write(&message, "").unwrap();
        let output = self.command(script, args).stdin(Stdio::null()).output().unwrap();
        Run {
            code: if output.status.signal().is_some() { None } else { output.status.code() },
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            message: fs::read_to_string(&message).unwrap(),
        }
    }

    pub(crate) fn command(&self, script: &Path, args: &[&str]) -> Command {
        let tools = self.shell.tools().unwrap();
        let folders = self.front.into_iter().chain(["shims", "quick"]).map(|f| self.at(f).display().to_string());
        let path = folders.chain([tools.path.clone()]).collect::<Vec<_>>().join(":");
        let mut command = Command::new(&tools.program[0]);
        // A group of its own, so that a shim can kill everything the stage started.
        command.args(&tools.program[1..]).arg(script).args(args).env_clear().process_group(0);
        let volumes = [
            ("STAGE_IMAGE_APP", "image"),
            ("STAGE_APP_VOLUME", "app"),
            ("STAGE_APP", "app"),
            ("STAGE_CONFIG_VOLUME", "config"),
            ("STAGE_CONFIG_SOURCE", "source"),
            ("STAGE_WORK", "tmp"),
            ("STAGE_SYSTEM_VOLUME", "system"),
            ("STAGE_ETC", "etc"),
            ("STAGE_APT_ETC", "etc/apt"),
            ("STAGE_DPKG_STATUS", "etc/status"),
            ("STAGE_TERMINATION_LOG", "message"),
            ("HOME", "tmp"),
        ];
        for (name, folder) in volumes {
            command.env(name, self.at(folder));
        }
        command.env("PATH", &path).env("STAGE_PATH", &path);
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        command
    }

    /// Everything below a folder: what each path is, its content, and when it was last written.
    pub(crate) fn snapshot(&self, folder: &str) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        walk(&self.at(folder), &mut |path, meta| {
            let what = if meta.is_symlink() {
                format!("-> {}", fs::read_link(path).unwrap().display())
            } else if meta.is_dir() {
                "folder".into()
            } else {
                format!("{:o} {:?}", meta.mode(), String::from_utf8_lossy(&fs::read(path).unwrap()))
            };
            found.insert(path.to_owned(), format!("{what} @{}.{}", meta.ctime(), meta.ctime_nsec()));
        });
        found
    }

    /// What the image's app must look like wherever it is copied to, without times.
    pub(crate) fn app(&self, folder: &str) -> BTreeMap<PathBuf, String> {
        let base = self.at(folder);
        self.snapshot(folder)
            .into_iter()
            .map(|(path, what)| {
                let what = what.rsplit_once(" @").unwrap().0.to_owned();
                (path.strip_prefix(&base).unwrap().to_owned(), what)
            })
            .collect()
    }
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        visit(&path, &meta);
        if meta.is_dir() {
            walk(&path, visit);
        }
    }
}

/// A link to `dep` with a time as old as that of the other files; the standard library cannot set it.
fn old_link() -> &'static Path {
    static LINK: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    &LINK
        .get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let link = dir.path().join("alias");
            symlink("dep", &link).unwrap();
            let touched = Command::new("touch").args(["-h", "-d", "@1767225600"]).arg(&link).status().unwrap();
            assert!(touched.success());
            (dir, link)
        })
        .1
}

fn touch_all(folder: &Path) {
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_767_225_600);
    walk(folder, &mut |path, meta| {
        if meta.is_file() {
            fs::File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
        }
    });
}

pub(crate) fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests")
}

pub(crate) fn stages() -> PathBuf {
    manifests().join("base/stages")
}

pub(crate) fn yaml(path: &str) -> serde_json::Value {
    let text = fs::read_to_string(manifests().join(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

pub(crate) fn config_map() -> &'static BTreeMap<String, String> {
    static DATA: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    DATA.get_or_init(|| serde_json::from_value(yaml("base/configmap.yaml")["data"].clone()).unwrap())
}

pub(crate) struct Tools {
    program: Vec<PathBuf>,
    pub(crate) path: String,
}

impl Shell {
    pub(crate) fn tools(self) -> Option<&'static Tools> {
        static DASH: OnceLock<Option<Tools>> = OnceLock::new();
        static BUSYBOX: OnceLock<Option<Tools>> = OnceLock::new();
        match self {
            Self::Dash => DASH.get_or_init(dash).as_ref(),
            Self::Busybox => BUSYBOX.get_or_init(busybox).as_ref(),
        }
    }
}

/// The program, or a loud line; in CI a gap is a failure.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let found = ["/usr/local/bin", "/usr/bin", "/bin"].iter().map(|d| Path::new(d).join(name)).find(|p| p.exists());
    if found.is_none() {
        crate::skip::without(name, "the stages are not tested with it");
    }
    found
}

fn dash() -> Option<Tools> {
    Some(Tools { program: vec![tool("dash")?], path: "/usr/bin:/bin".into() })
}

/// A folder of links, because not every build of busybox prefers its own tools.
fn busybox() -> Option<Tools> {
    let program = tool("busybox")?;
    let names = Command::new(&program).arg("--list").output().unwrap();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("busybox-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for name in String::from_utf8(names.stdout).unwrap().lines() {
        symlink(&program, folder.join(name)).unwrap();
    }
    Some(Tools { program: vec![program, "sh".into()], path: folder.to_str().unwrap().to_owned() })
}
