//! The verbs that change something, by the real binary on a simulator behind a socket.

mod rights;
mod taken_over;

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
    sync::mpsc,
};

use fleetdeck::sim::{Sim, SimConfig};
use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;

/// A simulator on a thread of its own, and a home whose kubeconfig leads to it.
pub(crate) struct Bench {
    home: tempfile::TempDir,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        // A boot of minutes passes in seconds.
        Self::of(SimConfig { speed: 60.0, ..SimConfig::default() })
    }

    pub(crate) fn of(config: SimConfig) -> Self {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let sim = Sim::new(config);
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let users = [None, Some("viewer"), Some("restarter")].map(|user| sim.kubeconfig(address, user));
                tell.send(users).unwrap();
                tokio::select! {
                    served = sim.serve(listener) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        let [admin, viewer, restarter] = told.recv().unwrap();
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("admin"), admin).unwrap();
        std::fs::write(home.path().join("viewer"), viewer).unwrap();
        std::fs::write(home.path().join("restarter"), restarter).unwrap();
        Self { home, _stop: stop }
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetdeck"));
        let home = self.home.path();
        command.env_clear().env("HOME", home).env("USER", "dana").env("XDG_STATE_HOME", home.join("state"));
        command.env("FLEETDECK_KUBECONFIG", home.join("admin")).args(line.split_whitespace());
        command.stdin(Stdio::null());
        command
    }

    /// What only a test looks at.
    fn token(&self, namespace: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let secret = runtime.block_on(async {
            let client = crate::controlplane::client_for(&self.home.path().join("admin")).await;
            kube::Api::<Secret>::namespaced(client, namespace).get("gateway-token").await.unwrap()
        });
        String::from_utf8(secret.data.unwrap()["token"].0.clone()).unwrap()
    }

    pub(crate) fn run(&self, line: &str) -> (i32, String, String) {
        done(&self.command(line).output().unwrap())
    }

    pub(crate) fn json(&self, line: &str, code: i32) -> Value {
        let (got, out, err) = self.run(&format!("{line} -o json"));
        assert_eq!(got, code, "{line}: {out}{err}");
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{line}: {e}: {out}"))
    }
}

fn done(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

const CREATE: &str = "create maria --tier pro --image 2026.8.1 --host maria.example.com";

#[test]
fn a_tenants_life_on_the_command_line() {
    let bench = Bench::new();
    // Looking changes nothing.
    let (code, out, err) = bench.run(&format!("{CREATE} --dry-run"));
    assert_eq!(code, 0, "{err}");
    for words in [
        "create maria in context fleetdeck-sim",
        "apply Namespace",
        "Namespace tenant-maria would be made",
        "not asked: its Namespace does not exist yet",
    ] {
        assert!(out.contains(words), "{words} is not in\n{out}");
    }
    let (code, _, err) = bench.run(CREATE);
    assert!(code == 2 && err.contains("nothing was done") && err.contains("--yes"), "{err}");
    assert_eq!(bench.json("ls", 0)["items"], Value::Array(Vec::new()));

    // The key goes in by standard input and comes out nowhere.
    let mut child = bench
        .command(&format!("{CREATE} --key-from-stdin --yes"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"sk-do-not-tell\n").unwrap();
    let (code, out, err) = done(&child.wait_with_output().unwrap());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("1 done") && !format!("{out}{err}").contains("sk-do-not-tell"), "{out}{err}");
    let journal = std::fs::read_to_string(bench.home.path().join("state/fleetdeck/journal.jsonl")).unwrap();
    assert!(journal.lines().count() > 20 && !journal.contains("sk-do-not-tell"));
    let first: Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    assert!(first["plan"]["version"] == 1 && first["author"].as_str().unwrap().starts_with("dana@"), "{first}");
    let last: Value = serde_json::from_str(journal.lines().last().unwrap()).unwrap();
    assert_eq!((&last["news"], &last["end"]), (&"ended".into(), &"done".into()));

    let run = bench.json("restart maria --yes", 0);
    assert_eq!((&run["kind"], &run["ledger"]["turns"]["tenant-maria"]["state"]), (&"Run".into(), &"done".into()));

    let plan = bench.json("upgrade --all --image 2026.8.2 --dry-run", 0);
    assert_eq!((&plan["kind"], &plan["plan"]["intent"]["verb"]), (&"Plan".into(), &"upgrade".into()));
    let server = plan["server"]["maria"].as_array().unwrap();
    let set = server.iter().find(|v| v["object"].as_str().unwrap().starts_with("StatefulSet")).unwrap();
    let paths: Vec<&str> = set["changes"].as_array().unwrap().iter().map(|c| c["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"spec.template.spec.containers[gateway].image"), "{paths:?}");
    assert!(!paths.iter().any(|p| p.contains("fleetdeck")), "{paths:?}");
    assert_eq!(bench.run("upgrade maria --image 2026.8.2 --yes").0, 0);
    assert_eq!(bench.json("show maria", 0)["runningImage"], "ghcr.io/openclaw/openclaw:2026.8.2");

    // Refusals come with their reasons, and with an exit code of their own.
    for (line, why) in [
        ("upgrade maria --image 2026.8.2 --yes", "nothing-to-do"),
        ("upgrade maria --image 2026.8.1 --yes", "downgrade"),
        ("upgrade --all --image latest --yes", "moving-tag"),
        ("resume maria --yes", "nothing-to-do"),
        ("restart maria --yes --read-only", "read-only"),
        (&format!("{CREATE} --yes"), "exists"),
    ] {
        let refusal = bench.json(line, 3);
        assert_eq!(refusal["reasons"][0]["why"], why, "{line}: {refusal}");
    }
    assert_eq!(bench.run("restart nobody --yes").0, 3);

    // Made anew on its volumes, whose UIDs are told before and after.
    let volumes = bench.json("show maria", 0)["volumes"].clone();
    let plan = bench.json("reprovision maria --dry-run", 0);
    assert!(plan["preview"]["downtime"].as_str().unwrap().contains("detached and attached"), "{plan}");
    assert!(plan["server"]["maria"].to_string().contains("would be made anew"), "{plan}");
    let (code, _, err) = bench.run("reprovision maria --yes");
    assert!(code == 0 && err.matches("2 volumes are there, by UID").count() >= 3, "{err}");
    let names = |volumes: &Value| volumes.as_array().unwrap().iter().map(|v| v["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&bench.json("show maria", 0)["volumes"]), names(&volumes));
    // Nothing has drifted.
    assert_eq!(bench.json("diff maria", 0)["items"], Value::Array(Vec::new()));
    assert_eq!(bench.json("apply maria --yes", 3)["reasons"][0]["why"], "nothing-to-do");

    // Larger volumes, another tier, a new token that nobody sees.
    for (line, why) in [
        ("resize maria --app-size 60Gi --yes", "bad-input"),
        ("resize maria --app-size 20Gi --yes", "nothing-to-do"),
        ("set-tier maria --tier gold --yes", "bad-input"),
        ("set-tier maria --tier pro --yes", "nothing-to-do"),
    ] {
        assert_eq!(bench.json(line, 3)["reasons"][0]["why"], why, "{line}");
    }
    assert_eq!(bench.run("resize maria --yes").0, 2, "which volume?");
    let (code, _, err) = bench.run("resize maria --app-size 30Gi --yes");
    assert!(code == 0 && err.contains("app-data has 30Gi"), "{err}");
    let (code, _, err) = bench.run("set-tier maria --tier max --yes");
    assert!(code == 0 && err.contains("3 quotas count as rendered"), "{err}");
    assert_eq!(bench.json("show maria", 0)["tier"], "max");
    let before = bench.token("tenant-maria");
    let (code, out, err) = bench.run("rotate-token maria --yes");
    let after = bench.token("tenant-maria");
    assert!(code == 0 && err.contains("Secret gateway-token is replaced"), "{err}");
    assert!(before != after && !format!("{out}{err}").contains(&after), "another one, and it is shown nowhere");

    let (code, _, err) = bench.run("delete maria --yes");
    assert!(code == 2 && err.contains("--confirm maria"), "{err}");
    let (code, _, err) = bench.run("delete maria --confirm maria");
    assert!(code == 0 && err.contains("2 volumes are there, by UID"), "{err}");
    assert_eq!(bench.json("show maria", 0)["volumes"].as_array().unwrap().len(), 2);
    assert_eq!(bench.run("delete maria --purge-data --confirm maria").0, 0);
    assert_eq!(bench.json("ls", 0)["items"], Value::Array(Vec::new()));
}

/// A site's own manifests: ours, with a pod that has longer to stop.
fn site(bench: &Bench) -> String {
    let (from, to) =
        (std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests"), bench.home.path().join("site"));
    copy(&from, &to);
    let file = to.join("base/statefulset.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("terminationGracePeriodSeconds: 60"));
    std::fs::write(&file, text.replace("GracePeriodSeconds: 60", "GracePeriodSeconds: 45")).unwrap();
    to.display().to_string()
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn every_verb_renders_from_a_sites_own_manifests() {
    let bench = Bench::new();
    let site = site(&bench);
    let (code, _, err) = bench.run(&format!("{CREATE} --yes --manifests {site}"));
    assert_eq!(code, 0, "{err}");
    assert_eq!(bench.json(&format!("diff maria --manifests {site}"), 0)["items"], Value::Array(Vec::new()));
    let grace = |found: &Value| found.to_string().contains("terminationGracePeriodSeconds");
    let diff = bench.json("diff maria", 1);
    assert!(grace(&diff), "{diff}");
    // Whoever upgrades with the site's moves the image alone, and with ours takes theirs back.
    for (manifests, theirs) in [(format!("--manifests {site}"), false), (String::new(), true)] {
        let plan = bench.json(&format!("upgrade maria --image 2026.8.2 --dry-run {manifests}"), 0);
        let server = plan["server"]["maria"].clone();
        assert_eq!(grace(&server), theirs, "{manifests}: {server}");
    }
    let lines = ["reprovision maria --yes", "set-tier maria --tier max --yes", "apply maria --image 2026.8.2 --yes"];
    for line in lines {
        let (code, _, err) = bench.run(&format!("{line} --manifests {site}"));
        assert_eq!(code, 0, "{line}: {err}");
        assert_eq!(bench.run(&format!("diff maria --manifests {site}")).0, 0, "{line}");
    }
    // The environment says it as well, and a folder that is none is refused before anything is asked.
    let mut diff = bench.command("diff maria");
    assert_eq!(done(&diff.env("FLEETDECK_MANIFESTS", &site).output().unwrap()).0, 0);
    let (code, _, err) = bench.run("upgrade maria --image 2026.9.1 --yes --manifests /nowhere/at/all");
    assert!(code != 0 && err.contains("/nowhere/at/all"), "{code}: {err}");
}

#[test]
fn who_may_not_is_told_every_right_that_is_missing() {
    let bench = Bench::new();
    assert_eq!(bench.run(&format!("{CREATE} --yes")).0, 0);
    let viewer = format!("--kubeconfig {}", bench.home.path().join("viewer").display());
    let refusal = bench.json(&format!("upgrade maria --image 2026.8.2 --yes {viewer}"), 3);
    let said = refusal.to_string();
    for right in
        ["may not patch namespaces", "may not patch statefulsets in namespace tenant-maria", "may not delete pods"]
    {
        assert!(said.contains(right), "{right}: {said}");
    }
    assert_eq!(bench.json("show maria", 0)["image"], "ghcr.io/openclaw/openclaw:2026.8.1");
}

/// Begins a run of many, and answers once its first pod is deleted.
fn begun(bench: &Bench, line: &str) -> (std::process::Child, String) {
    let mut child = bench.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap())).map(Result::unwrap);
    assert!(lines.any(|line| line.contains("pod openclaw-0 is deleted")), "{line} got as far as the first pod");
    // Whoever writes has to be read.
    std::thread::spawn(move || lines.for_each(drop));
    let runs = bench.json("runs", 0);
    (child, runs["items"][0]["run"].as_str().unwrap().to_owned())
}

#[test]
fn a_run_hears_what_is_said_to_it_from_elsewhere() {
    let bench = Bench::new();
    for name in ["anna", "bert", "cleo"] {
        let create = format!("create {name} --tier pro --image 2026.8.1 --host {name}.example.com --yes");
        assert_eq!(bench.run(&create).0, 0);
    }
    let image = |name: &str| bench.json(&format!("show {name}"), 0)["runningImage"].as_str().unwrap().to_owned();
    let until = |run: &str, state: &str| {
        let begun = std::time::Instant::now();
        loop {
            let shown = bench.json(&format!("runs show {run}"), 0);
            if shown["state"] == state {
                return shown;
            }
            assert!(begun.elapsed().as_secs() < 60, "{state}: {shown}");
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
    };
    // The holder looks every ten seconds; the soak gives it the time.
    let (mut holder, run) = begun(&bench, "upgrade --all --image 2026.8.2 --canary 1 --soak 12s --yes");
    assert_eq!(bench.run(&format!("runs pause {run}")).0, 0);
    assert_eq!(bench.run(&format!("runs skip {run} cleo")).0, 0);
    assert_eq!(bench.run(&format!("runs skip {run} nobody")).0, 3);
    until(&run, "paused");
    std::thread::sleep(std::time::Duration::from_secs(20));
    assert!(holder.try_wait().unwrap().is_none(), "paused, not at its end");
    assert!(image("anna").ends_with("2026.8.2") && image("bert").ends_with("2026.8.1"));
    assert_eq!(bench.run(&format!("runs resume {run}")).0, 0);
    assert!(holder.wait().unwrap().success());
    assert_eq!(until(&run, "done")["states"]["tenant-cleo"]["state"], "skipped");
    assert!(image("bert").ends_with("2026.8.2") && image("cleo").ends_with("2026.8.1"));

    let (mut holder, run) = begun(&bench, "upgrade --all --image 2026.8.3 --canary 1 --soak 90s --yes");
    assert_eq!(bench.run(&format!("runs abort {run}")).0, 0);
    assert_eq!(holder.wait().unwrap().code(), Some(130));
    assert!(until(&run, "aborted")["said"].as_str().unwrap().starts_with("aborted by dana@"));
    assert!(image("anna").ends_with("2026.8.3") && image("bert").ends_with("2026.8.2"));
    for again in ["resume", "retry"] {
        let (code, _, err) = bench.run(&format!("runs {again} {run}"));
        assert!(code == 3 && err.contains("is at its end"), "{again}: {err}");
    }
}

#[test]
fn a_run_that_was_killed_is_resumed_by_another_user() {
    let bench = Bench::new();
    for name in ["anna", "bert"] {
        let create = format!("create {name} --tier pro --image 2026.8.1 --host {name}.example.com --yes");
        assert_eq!(bench.run(&create).0, 0);
    }
    let mut child = bench
        .command("upgrade anna bert --image 2026.8.2 --canary 0 --yes")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let killed = lines.map(Result::unwrap).any(|line| line.contains("pod openclaw-0 is deleted"));
    assert!(killed, "it got as far as the first pod");
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();

    let list = bench.json("runs", 0);
    let upgrade = list["items"].as_array().unwrap().iter().find(|i| i["verb"] == "upgrade").unwrap().clone();
    let run = upgrade["run"].as_str().unwrap();
    assert!(upgrade["state"] == "running" && upgrade["holder"].as_str().unwrap().starts_with("dana@"), "{upgrade}");
    let (code, _, err) = bench.run(&format!("runs resume {run}"));
    assert!(code == 3 && err.contains("acts on it, since"), "{err}");

    // Its lease runs out by the clock on the wall.
    let left = std::time::Instant::now();
    while bench.json(&format!("runs show {run}"), 0)["state"] != "left" {
        assert!(left.elapsed().as_secs() < 60, "the lease of a dead holder runs out");
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    // Who only asks is not held up by what a dead run has left.
    // With other manifests than it was planned with it is another plan.
    let site = site(&bench);
    let (code, _, err) = bench.run(&format!("runs resume {run} --manifests {site}"));
    assert!(code == 3 && err.contains("other manifests"), "{err}");
    let asked = bench.json("upgrade anna --image 2026.8.3 --dry-run", 0);
    assert!(asked["server"]["anna"].as_array().unwrap().len() > 2, "{asked}");
    // Where the context is protected, its name is to be said once more.
    let config = bench.home.path().join("config.toml");
    std::fs::write(&config, "[contexts.fleetdeck-sim]\nprotected = true\n").unwrap();
    let (code, _, err) = bench.run(&format!("runs resume {run} --config {}", config.display()));
    assert!(code == 2 && err.contains("--confirm fleetdeck-sim"), "{err}");
    let protected = format!("runs resume {run} -o json --config {} --confirm fleetdeck-sim", config.display());
    let mut resume = bench.command(&protected);
    let (code, out, err) = done(&resume.env("USER", "erin").output().unwrap());
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains("gone on with by erin@"), "{err}");
    for name in ["anna", "bert"] {
        assert_eq!(bench.json(&format!("show {name}"), 0)["runningImage"], "ghcr.io/openclaw/openclaw:2026.8.2");
    }
    let shown = bench.json(&format!("runs show {run}"), 0);
    assert_eq!((&shown["state"], &shown["said"]), (&"done".into(), &"2 done".into()));
    assert_eq!(bench.run(&format!("runs retry {run}")).0, 3);
    assert_eq!(bench.run("runs show nothing-of-this-name").0, 3);
}

/// The operator's own disk: what is done does not depend on what is written down of it here, and what is missing is said once.
#[test]
fn a_full_disk_here_stops_nothing_there_and_is_told_once() {
    let bench = Bench::new();
    let state = bench.home.path().join("state/fleetdeck");
    std::fs::create_dir_all(&state).unwrap();
    for file in ["journal.jsonl", "fleetdeck.log"] {
        std::os::unix::fs::symlink("/dev/full", state.join(file)).unwrap();
    }
    let mut create = bench.command("create anna --tier pro --image 2026.8.2 --host anna.example.com --yes");
    let (code, _, err) = done(&create.env("FLEETDECK_LOG", "debug").output().unwrap());
    assert_eq!(code, 0, "{err}");
    for (file, words) in [("journal.jsonl", "not everything of this is written down"), ("fleetdeck.log", "lacks lines")]
    {
        let said: Vec<&str> = err.lines().filter(|line| line.contains(file)).collect();
        assert!(said.len() == 1 && said[0].contains(words) && said[0].contains("No space left"), "{err}");
    }
    assert!(!err.contains("Unable to write"), "{err}");
    assert_eq!(bench.json("show anna", 0)["phase"], "Ready");
    // A place that is no folder at all.
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::write(&state, "").unwrap();
    let (code, _, err) = bench.run("restart anna --yes");
    assert!(code == 0 && err.matches("not everything of this is written down").count() == 1, "{err}");
}

/// A verb that is new is in neither list, and has to be put into one of them.
#[test]
fn read_only_refuses_every_verb_that_changes_anything_or_goes_in() {
    const LOOKS: &str = "ls show doctor explain capacity render wait logs diff sim config completions man help";
    const ACTS: [&str; 20] = [
        "create bob --tier pro --image 2026.8.2 --host bob.example.com",
        "restart anna",
        "suspend anna",
        "resume anna",
        "upgrade anna --image 2026.9.1",
        "adopt anna",
        "snapshot anna",
        "restore anna --app-snapshot latest",
        "set-tier anna --tier max",
        "resize anna --app-size 40Gi",
        "rotate-token anna",
        "apply anna",
        "reprovision anna",
        "delete anna",
        "runs pause restart-20260101-000000-0001",
        "runs abort restart-20260101-000000-0001",
        "runs retry restart-20260101-000000-0001",
        "demo --context fleetdeck-sim --on-this-cluster",
        "shell anna",
        "forward anna gateway",
    ];
    let bench = Bench::new();
    let (_, help, _) = bench.run("--help");
    let (_, verbs) = help.split_once("Commands:\n").unwrap();
    let verbs = verbs.lines().take_while(|line| !line.is_empty()).filter(|line| line.starts_with("  "));
    let verbs: Vec<&str> =
        verbs.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(verbs.len() > 25, "{verbs:?}");
    for verb in verbs {
        let acts = ACTS.iter().any(|line| line.split(' ').next() == Some(verb));
        assert!(acts != LOOKS.split(' ').any(|looks| looks == verb), "{verb}");
    }
    let made = bench.run(&format!("{} --yes", ACTS[0].replace("bob", "anna")));
    assert_eq!(made.0, 0, "{}", made.2);
    for line in ACTS {
        let (code, _, err) = bench.run(&format!("{line} --read-only"));
        assert!(code == 3 && err.contains("read-only"), "{line}: {code}, {err}");
    }
}
