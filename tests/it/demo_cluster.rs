//! `fleetdeck demo --context`: a fleet of stand-ins on a cluster, made, completed and taken away by the real binary.

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

#[test]
fn where_it_is_read_only_nothing_is_made_or_taken() {
    let bench = Bench::new();
    for line in [DEMO.to_owned(), format!("{CLEAN} --confirm fleetdeck-sim")] {
        let (code, _, err) = bench.run(&format!("{line} --read-only"));
        assert!(code == 3 && err.contains("read-only"), "{err}");
    }
}
