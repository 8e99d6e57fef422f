//! Child processes that never outlive the test process.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::servers::Server;

const WATCHDOG: &str = include_str!("watchdog.sh");

/// A temporary folder and the processes that work in it. A small shell script waits at the other end of a pipe, kills them
/// and removes the folder once this process has dropped the pipe or died: a panic, Ctrl-C and `kill -9` are all the same to it.
pub(super) struct Processes {
    handle: Handle,
    watchdog: Child,
}

/// Starts processes and says whether they still run.
#[derive(Clone)]
pub(super) struct Handle {
    dir: PathBuf,
    children: Arc<Mutex<Vec<(&'static str, Child)>>>,
}

impl Processes {
    pub(super) fn new() -> Result<Self, String> {
        let dir = tempfile::Builder::new().prefix("fleetdeck-controlplane-").tempdir().map_err(|e| e.to_string())?;
        for folder in ["run", "log"] {
            fs::create_dir(dir.path().join(folder)).map_err(|e| e.to_string())?;
        }
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog.sh"])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // Ctrl-C is for the test process; the watchdog still has work to do then.
            .spawn()
            .map_err(|error| format!("no watchdog: {error}"))?;
        // From here on the watchdog removes the folder.
        Ok(Self { handle: Handle { dir: dir.keep(), children: Arc::default() }, watchdog })
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    pub(super) fn dir(&self) -> &Path {
        &self.handle.dir
    }

    pub(super) fn spawn(&self, server: &Server) -> Result<(), String> {
        self.handle.spawn(server)
    }

    /// The end of every log, for a start that failed.
    pub(super) fn last_words(&self) -> String {
        let mut words = String::new();
        for (name, _) in self.handle.children().iter() {
            let log = fs::read_to_string(self.handle.log(name)).unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(8).collect();
            let _ = writeln!(words, "--- {name}");
            for line in tail.into_iter().rev() {
                let _ = writeln!(words, "{line}");
            }
        }
        words
    }
}

impl Handle {
    pub(super) fn spawn(&self, server: &Server) -> Result<(), String> {
        let context = |error: std::io::Error| format!("{}: {error}", server.name);
        let log = File::create(self.log(server.name)).map_err(context)?;
        // The process notes its own number before it becomes the server: there is no moment when it runs unknown.
        let child = Command::new("sh")
            .args(["-c", r#"echo $$ >"$0" && exec "$@""#])
            .arg(self.dir.join("run").join(format!("{}.pid", server.name)))
            .arg(&server.binary)
            .args(&server.args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(context)?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(context)?;
        self.children().push((server.name, child));
        Ok(())
    }

    /// An error that names the first process that has ended.
    pub(super) fn alive(&self) -> Result<(), String> {
        for (name, child) in self.children().iter_mut() {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("{name} ended: {status}"));
            }
        }
        Ok(())
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.join("log").join(format!("{name}.log"))
    }

    fn children(&self) -> std::sync::MutexGuard<'_, Vec<(&'static str, Child)>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
        for (_, child) in self.handle.children().iter_mut() {
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn nothing_is_left_when_the_pipe_closes() {
        let processes = Processes::new().unwrap();
        let dir = processes.dir().to_owned();
        // `sleep` itself would not carry the folder among its arguments, as every server of ours does.
        let script = format!("# {}\nwhile :; do sleep 0.1; done", dir.display());
        let server = Server { name: "loop", binary: "sh".into(), args: vec!["-c".into(), script] };
        processes.spawn(&server).unwrap();
        let pid_file = dir.join("run/loop.pid");
        let began = Instant::now();
        let pid: u32 = loop {
            if let Some(pid) = fs::read_to_string(&pid_file).ok().and_then(|text| text.trim().parse().ok()) {
                break pid;
            }
            assert!(began.elapsed() < Duration::from_secs(5), "no pid");
            std::thread::sleep(Duration::from_millis(10));
        };
        processes.handle().alive().unwrap();
        assert!(Command::new("kill").args(["-0", &pid.to_string()]).status().unwrap().success());

        drop(processes);

        assert!(!dir.exists(), "{} is left", dir.display());
        assert!(!Command::new("kill").args(["-0", &pid.to_string()]).stderr(Stdio::null()).status().unwrap().success());
    }

    #[test]
    fn a_process_that_ended_is_named() {
        let processes = Processes::new().unwrap();
        let server = Server { name: "short", binary: "sh".into(), args: vec!["-c".into(), "echo why; exit 3".into()] };
        processes.spawn(&server).unwrap();
        let began = Instant::now();
        let error = loop {
            match processes.handle().alive() {
                Err(error) => break error,
                Ok(()) => assert!(began.elapsed() < Duration::from_secs(5)),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(error, "short ended: exit status: 3");
        assert_eq!(processes.last_words(), "--- short\nwhy\n");
    }
}
