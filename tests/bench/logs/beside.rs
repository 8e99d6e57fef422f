//! The same container followed by `fleetdeck logs` and by stock `kubectl logs`, at the same time.

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use fleetdeck::cluster::logs::Target;

use crate::{
    measure::Table,
    scale::{process::Process, world::World},
};

const FOLLOWED: Duration = Duration::from_secs(20);
const CONTAINER: &str = "browser-ui";

pub fn measure(table: &mut Table, world: &World, tenant: &Target) {
    let config = world.kubeconfig();
    let ours = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetdeck"));
        command.args(["logs", &tenant.id, "-c", CONTAINER, "-f", "--tail", "1", "--kubeconfig"]).arg(config);
        command
    };
    let Some(kubectl) = kubectl() else {
        table.row("beside kubectl", "not measured", "no kubectl: KUBECTL names one");
        return;
    };
    let theirs = || {
        let mut command = Command::new(&kubectl);
        let what =
            ["logs", "-f", "-n", &*tenant.namespace, "openclaw-0", "-c", CONTAINER, "--tail", "1", "--kubeconfig"];
        command.args(what).arg(config);
        command
    };
    let (a, b) = (Follower::start(ours()), Follower::start(theirs()));
    for (name, figures) in [("fleetdeck logs -f", a.join()), ("kubectl logs -f", b.join())] {
        let Figures { lines, bytes, lost, ticks, resident } = figures;
        let seconds = FOLLOWED.as_secs_f64();
        table.row(
            &format!("  {name}"),
            format!("{:.2} s of CPU", ticks as f64 / 100.0),
            format!(
                "{:.0} lines/s for {seconds:.0} s, {:.0} MB, {lost} lost, resident {resident:.1} MiB; both at once",
                lines as f64 / seconds,
                bytes as f64 / 1e6
            ),
        );
    }
}

/// From `KUBECTL`, or from the search path.
fn kubectl() -> Option<PathBuf> {
    if let Some(named) = env::var_os("KUBECTL") {
        return Some(named.into());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join("kubectl")).find(|file| Path::is_file(file))
}

struct Follower(thread::JoinHandle<Figures>);

struct Figures {
    lines: u64,
    bytes: u64,
    lost: u64,
    /// Hundredths of a second of CPU.
    ticks: u64,
    resident: f64,
}

impl Follower {
    fn start(mut command: Command) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        command.env("HOME", home.path()).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let process = Process(child.id());
        let mut lines = BufReader::with_capacity(1 << 16, child.stdout.take().expect("it is piped"));
        Self(thread::spawn(move || {
            let _home = home;
            let mut figures = Figures { lines: 0, bytes: 0, lost: 0, ticks: 0, resident: 0.0 };
            let (mut line, mut last) = (Vec::new(), None::<u64>);
            let mut until = None;
            while until.is_none_or(|until| Instant::now() < until) {
                line.clear();
                let n = lines.read_until(b'\n', &mut line).expect("it is readable");
                if n == 0 {
                    break;
                }
                // Counted from its first line on.
                until = until.or(Some(Instant::now() + FOLLOWED));
                figures.lines += 1;
                figures.bytes += n as u64;
                if let Some(number) = number(&line) {
                    figures.lost += last.map_or(0, |last| number.saturating_sub(last + 1));
                    last = Some(number);
                }
            }
            figures.ticks = process.ticks();
            figures.resident = process.resident_mib();
            let _ = child.kill();
            let _ = child.wait();
            figures
        }))
    }

    fn join(self) -> Figures {
        self.0.join().expect("it was read to its end")
    }
}

fn number(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    text.split(" tick ").nth(1)?.split(' ').next()?.parse().ok()
}
