//! `fleetdeck demo --context`: a fleet of stand-ins on a cluster, made, completed and taken away by the real binary.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use fleetdeck::sim::{
    SimConfig,
    scenario::{Rule, Scenario},
};
use serde_json::Value;

use crate::acting::Bench;

const DEMO: &str = "demo --context fleetdeck-sim --on-this-cluster --tenants 8";
const CLEAN: &str = "demo --context fleetdeck-sim --clean";

fn names(bench: &Bench) -> Vec<String> {
    let list = bench.json("ls", 0);
    let items = list["items"].as_array().unwrap();
    items.iter().map(|i| i["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_demo_is_made_completed_and_taken_away_and_touches_nobody_else() {
    let bench = Bench::new();
    // A name that says nothing of play.
    let (code, _, err) = bench.run("demo --context fleetdeck-sim");
    assert!(code == 3 && err.contains("not evidently a cluster to play with"), "{err}");
    let (code, _, err) = bench.run("demo --clean");
    assert!(code == 2 && err.contains("--context"), "{err}");
    for simulated in ["--speed 5", "--scenario troubles"] {
        let (code, _, err) = bench.run(&format!("{DEMO} {simulated}"));
        assert!(code == 2 && err.contains("the simulator's"), "{err}");
    }
    let (code, _, err) = bench.run(CLEAN);
    assert!(code == 0 && err.contains("there is no demo"), "{err}");

    // Somebody lives there already, one of them under a name that the demo would take.
    for id in ["maria", "demo-jun"] {
        let (code, _, err) =
            bench.run(&format!("create {id} --tier pro --image 2026.8.2 --host {id}.example.com --yes"));
        assert_eq!(code, 0, "{err}");
    }
    let (code, _, err) = bench.run(DEMO);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("tenant-demo-jun is not the demo's; it is left alone"), "{err}");
    assert!(err.contains("demo-leo is made, and broken on purpose"), "{err}");
    assert_eq!(names(&bench).len(), 9, "{:?}", names(&bench));
    let show = |id: &str| bench.json(&format!("show {id}"), 0);
    assert_eq!(show("demo-jun")["phase"], "Ready", "it is left alone");

    // Run again it makes what is missing and leaves alone what is there.
    let (code, _, err) = bench.run("delete alma --purge-data --confirm alma");
    assert_eq!(code, 0, "{err}");
    let before = show("demo-tomas")["uid"].clone();
    assert!(before.is_string());
    let (code, _, err) = bench.run(DEMO);
    assert!(code == 0 && err.contains("alma is ready"), "{err}");
    assert_eq!((names(&bench).len(), &show("demo-tomas")["uid"]), (9, &before));

    // The wrong name takes nothing away; the right one all of the demo's, and only that.
    let (code, _, err) = bench.run(CLEAN);
    assert!(code == 2 && err.contains("--confirm fleetdeck-sim"), "{err}");
    assert_eq!(bench.run(&format!("{CLEAN} --confirm maria")).0, 2);
    assert_eq!(names(&bench).len(), 9);
    let (code, _, err) = bench.run(&format!("{CLEAN} --confirm fleetdeck-sim"));
    assert!(code == 0 && err.contains("gone: 7 namespaces"), "{err}");
    assert_eq!(names(&bench), ["demo-jun", "maria"]);
    assert_eq!(show("maria")["phase"], Value::from("Ready"));
}

/// Killed at once, while the first are being made: nobody was told, and there is no one left to tidy up.
#[test]
fn what_a_killed_demo_has_left_is_completed_or_taken_away() {
    let bench = Bench::new();
    let left = |bench: &Bench| {
        let mut making = bench.command(DEMO).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(making.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("[1/") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended before anybody was made");
        }
        making.kill().unwrap();
        making.wait().unwrap();
        let phases = bench.json("ls", 0)["items"].as_array().unwrap().len();
        assert!((1..8).contains(&phases), "{phases} of 8 are there");
    };
    left(&bench);
    let (code, _, err) = bench.run(&format!("{CLEAN} --confirm fleetdeck-sim"));
    assert!(code == 0 && err.contains("gone: "), "{err}");
    assert_eq!(names(&bench), [""; 0]);
    let (code, _, err) = bench.run(CLEAN);
    assert!(code == 0 && err.contains("there is no demo"), "{err}");

    left(&bench);
    let (code, _, err) = bench.run(DEMO);
    assert_eq!(code, 0, "{err}");
    assert_eq!(names(&bench).len(), 8, "{err}");
    let broken = ["leo", "tomas", "jun", "maria", "nadia", "hugo"].map(|id| format!("demo-{id}"));
    for id in names(&bench).iter().filter(|id| !broken.contains(id)) {
        assert_eq!(bench.json(&format!("show {id}"), 0)["phase"], "Ready", "{id}");
    }
}

#[test]
fn where_it_is_read_only_nothing_is_made_or_taken() {
    let bench = Bench::new();
    for line in [DEMO.to_owned(), format!("{CLEAN} --confirm fleetdeck-sim")] {
        let (code, _, err) = bench.run(&format!("{line} --read-only"));
        assert!(code == 3 && err.contains("read-only"), "{err}");
    }
}

#[test]
fn a_cluster_without_storage_says_so_before_anything_is_made() {
    let mut scenario = Scenario::builtin();
    scenario.storage_class.iter_mut().for_each(|class| class.default = false);
    let bench = Bench::of(SimConfig { speed: 60.0, scenario, ..SimConfig::default() });
    let (code, _, err) = bench.run(DEMO);
    assert!(code == 3 && err.contains("StorageClass"), "{err}");
    assert_eq!(names(&bench), [""; 0]);
    let (code, _, err) = bench.run(CLEAN);
    assert!(code == 0 && err.contains("there is no demo"), "{err}");
}

/// A laptop whose disk is full: no node takes pods, and waiting would end nowhere.
#[test]
fn a_cluster_whose_nodes_take_no_pods_says_so_before_anything_is_made() {
    let mut scenario = Scenario::builtin();
    scenario.rule.push(Rule::parse("full", "node = '*'\nfault = 'node-pressure'\nmessage = 'DiskPressure'").unwrap());
    let bench = Bench::of(SimConfig { speed: 60.0, scenario, ..SimConfig::default() });
    // The kubelets tell it with their next status.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let err = loop {
        let (code, _, err) = bench.run(DEMO);
        if code == 3 {
            break err;
        }
        assert!(std::time::Instant::now() < until, "{err}");
    };
    assert!(err.contains("no node of context fleetdeck-sim takes pods") && err.contains("is short of disk"), "{err}");
    assert_eq!(names(&bench), [""; 0]);
}

mod on_real_node {
    use std::{
        collections::BTreeSet,
        io::{BufRead as _, BufReader, Read as _},
        process::{Command, Stdio},
        time::{Duration, Instant},
    };

    use rustix::process::{Pid, Signal, kill_process};
    use serde_json::Value;

    use crate::controlplane::RealNode;

    /// Six in trouble, two well.
    const TENANTS: usize = 8;

    /// A person at that cluster.
    struct Person {
        node: RealNode,
        home: tempfile::TempDir,
        context: String,
    }

    impl Person {
        fn at(node: RealNode) -> Self {
            let config = std::fs::read_to_string(node.kubeconfig_path()).unwrap();
            let context = config.lines().find_map(|line| line.strip_prefix("current-context: ")).unwrap();
            let context = context.trim_matches('"').to_owned();
            Self { node, home: tempfile::tempdir().unwrap(), context }
        }

        fn command(&self, line: &str) -> Command {
            let mut command = Command::new(env!("CARGO_BIN_EXE_fleetdeck"));
            command.env_clear().env("HOME", self.home.path()).env("FLEETDECK_KUBECONFIG", self.node.kubeconfig_path());
            command.args(line.split_whitespace()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command
        }

        fn run(&self, line: &str) -> (i32, String, String) {
            let done = self.command(line).output().unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
        }

        fn demo(&self, more: &str) -> String {
            format!("demo --context {} {more}", self.context)
        }

        /// The demo's tenants, by id, with their phases.
        fn fleet(&self) -> Vec<(String, String)> {
            let (code, out, err) = self.run("ls -o json");
            assert_eq!(code, 0, "{err}");
            let list: Value = serde_json::from_str(&out).unwrap();
            let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
            let hosts = |item: &&Value| item["host"].as_str().is_some_and(|host| host.ends_with(".demo.example"));
            let items = list["items"].as_array().unwrap().iter().filter(hosts);
            items.map(|item| (text(item, "id"), text(item, "phase"))).collect()
        }

        /// The codes of what is wrong with a tenant.
        fn found(&self, id: &str) -> BTreeSet<String> {
            let (_, out, err) = self.run(&format!("doctor {id} -o json"));
            let told: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
            let findings = told["items"].as_array().unwrap();
            findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
        }
    }

    #[test]
    fn a_demo_is_cut_off_completed_diagnosed_upgraded_tailed_and_taken_away() {
        let Some(node) = RealNode::from_env() else { return };
        let person = Person::at(node);
        let make = person.demo(&format!("--on-this-cluster --tenants {TENANTS}"));
        let clean = person.demo(&format!("--clean --confirm {}", person.context));
        // Whatever an earlier run of this test has left.
        assert_eq!(person.run(&clean).0, 0);
        assert_eq!(person.fleet(), []);

        // Ctrl-C in the middle: what is begun is not finished, and it says how to go on.
        let began = Instant::now();
        let mut making = person.command(&make).spawn().unwrap();
        let mut said = BufReader::new(making.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("[1/") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended before anybody was made");
        }
        kill_process(Pid::from_raw(i32::try_from(making.id()).unwrap()).unwrap(), Signal::INT).unwrap();
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        assert_eq!(making.wait().unwrap().code(), Some(130), "{rest}");
        assert!(rest.contains("goes on, and with --clean takes away"), "{rest}");
        assert!(person.fleet().len() < TENANTS, "{:?}", person.fleet());

        // Run again it completes.
        let (code, _, err) = person.run(&make);
        assert_eq!(code, 0, "{err}");
        println!("a demo of {TENANTS}, cut off once: made in {} s", began.elapsed().as_secs());
        assert_eq!(person.fleet().len(), TENANTS, "{err}");
        let (code, _, err) = person.run(&make);
        assert!(code == 0 && !err.contains("making"), "there is nothing left to make: {err}");

        // Each is in the trouble that it was given, as a real cluster tells it.
        let until = Instant::now() + Duration::from_secs(180);
        for (id, codes) in [
            // Where no registry can be reached, no tag is known to be missing.
            ("demo-leo", &["image-missing", "registry-unreachable"][..]),
            ("demo-tomas", &["gateway-crash"]),
            ("demo-maria", &["quota-refused"]),
            ("demo-hugo", &["claim-missing"]),
        ] {
            while !person.found(id).iter().any(|found| codes.contains(&found.as_str())) {
                let (_, page, _) = person.run(&format!("doctor {id}"));
                assert!(Instant::now() < until, "{id} has none of {codes:?}:\n{page}");
                std::thread::sleep(Duration::from_secs(2));
            }
        }
        let broken = ["demo-leo", "demo-tomas", "demo-jun", "demo-maria", "demo-nadia", "demo-hugo"];
        let fleet = person.fleet();
        let well: Vec<&String> = fleet.iter().map(|(id, _)| id).filter(|id| !broken.contains(&id.as_str())).collect();
        assert_eq!(well.len(), 2, "{fleet:?}");
        assert!(fleet.iter().filter(|(id, _)| well.contains(&id)).all(|(_, phase)| phase == "Ready"), "{fleet:?}");

        // Acted on and tailed as any tenant is.
        let (code, _, err) = person.run(&format!("upgrade {} --image 2026.9.1 --yes", well[0]));
        assert_eq!(code, 0, "{err}");
        let (code, out, _) = person.run(&format!("show {} -o json", well[0]));
        let page: Value = serde_json::from_str(&out).unwrap();
        assert!(code == 0 && page["phase"] == "Ready", "{out}");
        let (code, out, err) = person.run(&format!("logs {} --tail 3", well[1]));
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("gateway"), "{out}");

        // All of it goes, with its volumes, and nothing else.
        let (code, _, err) = person.run(&clean);
        assert!(code == 0 && err.contains(&format!("gone: {TENANTS} namespaces")), "{err}");
        assert_eq!(person.fleet(), []);
        let (code, _, err) = person.run(&clean);
        assert!(code == 0 && err.contains("there is no demo"), "{err}");
        println!("and taken away again: {} s in all", began.elapsed().as_secs());
    }
}
