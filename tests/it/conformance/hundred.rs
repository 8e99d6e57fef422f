//! A hundred tenants boot at once on a real API server, and each is told, step by step, as stock kubectl tells its pod.

use std::{
    collections::BTreeMap,
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fleetdeck::fleet::Phase;
use futures::{StreamExt as _, stream};
use portable_pty::CommandBuilder;
use serde_json::Value;

use super::world::World;
use crate::{
    controlplane::{ControlPlane, Options},
    pty::seat::Seat,
};

const TENANTS: usize = 100;
/// How many are made at the same time.
const AT_ONCE: usize = 8;
/// Longer than the slowest machine needs.
const PATIENCE: Duration = Duration::from_secs(240);

/// The steps of each tenant's way, each once in a row.
type Ways = BTreeMap<String, Vec<String>>;

/// The phase that `kubectl get pods` implies of a tenant of seven stages and three containers; `None` before its pod runs
/// anything, which Kubernetes calls Pending and we tell apart further.
fn implied(ready: &str, status: &str) -> Option<String> {
    Some(match (status, status.strip_prefix("Init:").and_then(|of| of.strip_suffix("/7"))) {
        ("Pending", _) => return None,
        (_, Some(done)) => format!("Booting {}", done.parse::<usize>().unwrap() + 1),
        ("Running", _) if ready == "3/3" => "Ready".to_owned(),
        ("Running" | "PodInitializing", _) => "Starting".to_owned(),
        _ => panic!("kubectl says {status} {ready}"),
    })
}

fn ours(phase: &Phase) -> Option<String> {
    Some(match phase {
        Phase::Creating => return None,
        Phase::Booting { index, total: 7, .. } => format!("Booting {index}"),
        other => other.word().to_owned(),
    })
}

fn went(ways: &mut Ways, namespace: &str, step: Option<String>) {
    let Some(step) = step else { return };
    let way = ways.entry(namespace.to_owned()).or_default();
    if way.last() != Some(&step) {
        way.push(step);
    }
}

/// Stock kubectl, which writes down each change of each pod.
struct Beside(Child);

impl Beside {
    fn of(plane: &ControlPlane, to: &Path) -> Self {
        let mut command = Command::new(plane.kubectl());
        command.arg("--kubeconfig").arg(plane.kubeconfig_path());
        command.args(["get", "pods", "--all-namespaces", "--watch", "--no-headers"]);
        Self(command.stdout(File::create(to).unwrap()).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn theirs(file: &Path) -> Ways {
    let mut ways = Ways::new();
    let text = std::fs::read_to_string(file).unwrap();
    // The last line may be half written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for line in whole.lines() {
        let columns: Vec<_> = line.split_whitespace().collect();
        let [namespace, "openclaw-0", ready, status, ..] = columns[..] else { panic!("{line}") };
        went(&mut ways, namespace, implied(ready, status));
    }
    ways
}

fn listed(kubeconfig: &Path, home: &Path) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetdeck"));
    command.env_clear().env("HOME", home).args(["ls", "-o", "json", "--kubeconfig"]);
    let output = command.arg(kubeconfig).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["items"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
}

mod on_control_plane {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_hundred_tenants_are_told_as_kubectl_tells_their_pods() {
        let Some(plane) = ControlPlane::apart(&Options { audit: false, ..Options::default() }) else { return };
        let world = World::of_plane(&plane, "hundred").await;
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("kubectl");
        let kubectl = Beside::of(&plane, &file);
        let mut console = CommandBuilder::new(env!("CARGO_BIN_EXE_fleetdeck"));
        console.arg("--kubeconfig");
        console.arg(plane.kubeconfig_path());
        let mut seat = Seat::take(console);
        let mut watching = world.watch();
        watching.settle().await;

        let specs: Vec<_> = (0..TENANTS).map(|n| world.spec(&format!("{n:03}"))).collect();
        let mut making = stream::iter(&specs).map(|spec| world.create(spec)).buffer_unordered(AT_ONCE);
        let mut ways = Ways::new();
        let (mut made, mut asked, until) = (0, false, Instant::now() + PATIENCE);
        loop {
            tokio::select! {
                Some(()) = making.next(), if made < TENANTS => made += 1,
                () = watching.step("news of a hundred tenants") => {
                    for entry in watching.fleet.iter() {
                        went(&mut ways, &entry.tenant.namespace_name, ours(&entry.verdict.phase));
                    }
                }
            }
            // In the midst of it.
            if made == TENANTS / 2 && !asked {
                asked = true;
                let (kubeconfig, home) = (plane.kubeconfig_path(), home.path().to_owned());
                let seen = tokio::task::spawn_blocking(move || listed(&kubeconfig, &home)).await.unwrap();
                assert!(seen.len() >= TENANTS / 2, "{} were made, and {} are listed", made, seen.len());
            }
            let ready = watching.fleet.iter().filter(|e| e.verdict.phase == Phase::Ready).count();
            if ready == TENANTS {
                break;
            }
            assert!(Instant::now() < until, "{ready} of {TENANTS} are Ready; {ways:?}");
        }
        assert_eq!(made, TENANTS);

        tokio::task::block_in_place(|| {
            seat.wait("the count", |screen| screen.contents().contains("100 tenants"));
            seat.wait("everybody ready", |screen| screen.contents().contains("100 ready"));
            seat.press("q");
            seat.end();
        });
        let last = listed(&plane.kubeconfig_path(), home.path());
        let ready = last.iter().filter(|t| t["phase"] == "Ready").count();
        assert_eq!((last.len(), ready), (TENANTS, TENANTS));

        // Its last lines may be on their way.
        let until = Instant::now() + PATIENCE;
        let mut theirs = theirs(&file);
        while theirs != ways && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(200)).await;
            theirs = super::theirs(&file);
        }
        drop(kubectl);
        for (namespace, way) in &ways {
            assert_eq!(Some(way), theirs.get(namespace), "{namespace}, ours and kubectl's");
        }
        assert_eq!(theirs.len(), TENANTS);
        let whole = ways.values().filter(|way| way.len() == 9).count();
        assert!(whole > 0, "nobody was seen at each step: {ways:?}");
    }
}
