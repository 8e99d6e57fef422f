//! `ls`, `show` and `wait` without a console, on what a real API server wrote.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    bad_input::{fleetdeck, home},
    scripted::{Reply, Server, json},
};

const PODS: &str = include_str!("../../src/index/digest/real/pods.json");
const NAMESPACES: &str = include_str!("../../src/index/digest/real/namespaces.json");
const SETS: &str = include_str!("../../src/index/digest/real/statefulsets.json");
const CLAIMS: &str = include_str!("../../src/index/digest/real/claims.json");
const QUOTAS: &str = include_str!("../../src/index/digest/real/quotas.json");
const EVENTS: &str = include_str!("../../src/index/digest/real/events.json");

/// Two tenants, Ready and Failing. The sender brings watch events of pods.
fn fleet() -> (Server, mpsc::Sender<String>, tempfile::TempDir) {
    let (send, changes) = mpsc::channel(16);
    let changes = Arc::new(Mutex::new(Some(changes)));
    let server = Server::new(move |path| {
        let list = match json::resource(path) {
            "pods" if path.contains("metrics") => return Reply::Json(404, json::status(404, "NotFound", "none")),
            "pods" => PODS,
            "namespaces" => NAMESPACES,
            "statefulsets" => SETS,
            "persistentvolumeclaims" => CLAIMS,
            "resourcequotas" => QUOTAS,
            "events" => EVENTS,
            "nodes" if !path.contains("/nodes/") => {
                return match json::is_watch(path) {
                    true => Reply::Hang,
                    false => Reply::Json(200, json::list(&[], "1", "")),
                };
            }
            "ingresses" if path.contains("/tenant-t0002/") => return Reply::Json(200, json::list(&[], "1", "")),
            "ingresses" => {
                let ingress =
                    r#"{"metadata":{"namespace":"tenant-t0001"},"spec":{"rules":[{"host":"t0001.openclaw.example"}]}}"#;
                return Reply::Json(200, json::list(&[ingress.to_owned()], "1", ""));
            }
            _ => return Reply::Json(404, json::status(404, "NotFound", "none")),
        };
        match (json::is_watch(path), json::resource(path)) {
            (false, _) => Reply::Json(200, list.to_owned()),
            (true, "pods") => match changes.lock().unwrap().take() {
                Some(changes) => Reply::Stream(changes),
                None => Reply::Hang,
            },
            (true, _) => Reply::Hang,
        }
    });
    let home = home(&format!("http://{}", server.listen()), "{}");
    (server, send, home)
}

fn output(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let done = fleetdeck(home, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

fn json_of(home: &Path, arguments: &[&str]) -> Value {
    let (code, out, err) = output(home, arguments);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn ls_tells_phases_to_people_and_programs() {
    let (_server, _changes, home) = fleet();
    let (code, out, err) = output(home.path(), &["ls"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let lines: Vec<Vec<&str>> = out.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["TENANT", "PHASE", "SINCE", "TIER", "IMAGE", "RESTARTS", "WHY"]);
    assert_eq!((lines[1][0], lines[1][1], lines[1][3], lines[1][4]), ("t0001", "Ready", "pro", "1.4.2"));
    assert_eq!((lines[2][0], lines[2][1]), ("t0002", "Failing"));
    assert!(out.lines().nth(2).unwrap().contains("image registry.example/openclaw:1.4.2 does not exist"), "{out}");

    let list = json_of(home.path(), &["ls", "-o", "json"]);
    assert_eq!((&list["apiVersion"], &list["kind"]), (&"fleetdeck/v1".into(), &"TenantList".into()));
    assert_eq!(list["sources"].as_array().unwrap().len(), 7);
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.iter().map(|i| i["phase"].as_str().unwrap()).collect::<Vec<_>>(), ["Ready", "Failing"]);
    assert_eq!(items[0]["volumes"][0]["usedBytes"], Value::Null, "unknown is not 0");
    assert_eq!(items[0]["serves"], true);

    let (_, lines, _) = output(home.path(), &["ls", "-o", "jsonl", "--phase", "failing"]);
    let items: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["id"], "t0002");
    let (_, out, _) = output(home.path(), &["ls", "--tier", "PRO", "--filter", "phase:!failing"]);
    assert_eq!(out.lines().count(), 2);
    let (code, out, err) = output(home.path(), &["ls", "--tier", "gold"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.contains("none of 2 tenants"), "{err}");
    assert_eq!(output(home.path(), &["ls", "--watch", "-o", "json"]).0, 2);
}

#[test]
fn show_finds_a_tenant_by_what_is_in_hand() {
    let (server, _changes, home) = fleet();
    let ip = json_of(home.path(), &["show", "t0001", "-o", "json"])["ip"].as_str().unwrap().to_owned();
    for name in ["t0001", "tenant-t0001", "t0001.openclaw.example", "tenant-t0001/openclaw-0", &ip] {
        let page = json_of(home.path(), &["show", name, "-o", "json"]);
        assert_eq!((&page["kind"], &page["id"]), (&"Tenant".into(), &"t0001".into()), "{name}");
        assert_eq!(page["boot"].as_array().unwrap().len(), 10, "scheduling, volumes, 7 stages, gateway");
        assert_eq!(page["ingressHosts"][0], "t0001.openclaw.example");
        assert_eq!(page["sentence"], "Your assistant is ready.");
        assert_eq!((&page["etaSeconds"], &page["forecast"]), (&Value::Null, &Value::Null), "it is there");
        assert_eq!(page["pastBoots"][0]["seconds"], 9);
        assert_eq!(page["usualBoot"], Value::Null, "one boot is no history");
    }
    for (tenant, words) in [
        (
            "t0001",
            ["Phase     Ready", "user: Your assistant is ready.", "1Gi, use unknown", "Use       unknown", "quota: "],
        ),
        ("t0002", ["Phase     Failing", "rehydrate-runtime-apt", "ImagePullBackOff", "Host      none", "Warnings"]),
    ] {
        let (code, page, _) = output(home.path(), &["show", tenant]);
        assert_eq!(code, 0);
        for word in words {
            assert!(page.contains(word), "{word} is not in\n{page}");
        }
    }
    let (code, out, err) = output(home.path(), &["show", "t000"]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains("no tenant \"t000\" in context prod; did you mean t0001, t0002?"), "{err}");
    let (code, _, err) = output(home.path(), &["show", "openclaw-0"]);
    assert_eq!(code, 3);
    assert!(err.contains("is 2 tenants: namespaces tenant-t0001, tenant-t0002"), "{err}");
    assert!(!server.asked().iter().any(|p| p.contains("secrets")), "secrets are never read");
}

/// What identifies the cluster of [`kept_fleet`].
const CLUSTER: &str = "6d3f9c1e-0000-4000-8000-0000000000aa";

/// The two tenants, on a cluster that has a namespace `kube-system`, as every cluster does.
pub(crate) fn kept_fleet() -> (Server, tempfile::TempDir) {
    let server = Server::new(|path| {
        if path.starts_with("/api/v1/namespaces/kube-system") {
            let namespace = format!(r#"{{"kind":"Namespace","metadata":{{"name":"kube-system","uid":"{CLUSTER}"}}}}"#);
            return Reply::Json(200, namespace);
        }
        let list = match json::resource(path) {
            "pods" if path.contains("metrics") => return Reply::Json(404, json::status(404, "NotFound", "none")),
            "pods" => PODS,
            "namespaces" => NAMESPACES,
            "statefulsets" => SETS,
            "persistentvolumeclaims" => CLAIMS,
            "resourcequotas" => QUOTAS,
            "events" => EVENTS,
            "nodes" if !path.contains("/nodes/") && !json::is_watch(path) => {
                return Reply::Json(200, json::list(&[], "1", ""));
            }
            "nodes" if !path.contains("/nodes/") => return Reply::Hang,
            _ => return Reply::Json(404, json::status(404, "NotFound", "none")),
        };
        if json::is_watch(path) { Reply::Hang } else { Reply::Json(200, list.to_owned()) }
    });
    let home = home(&format!("http://{}", server.listen()), "{}");
    (server, home)
}

/// Where the boots of that cluster are kept.
pub(crate) fn kept_boots(home: &Path) -> std::path::PathBuf {
    use sha2::Digest as _;
    let name: String = sha2::Sha256::digest(CLUSTER).iter().take(8).map(|b| format!("{b:02x}")).collect();
    home.join(format!(".local/state/fleetdeck/boots/{name}.json"))
}

#[test]
fn show_compares_with_the_boots_that_consoles_have_kept() {
    let (_server, home) = kept_fleet();
    let usual = |home: &Path| json_of(home, &["show", "t0001", "-o", "json"])["usualBoot"].clone();
    assert_eq!(usual(home.path()), Value::Null, "its own boot alone is no history");

    let stages = [
        "seed-app",
        "create-workspace",
        "write-config",
        "rehydrate-runtime-apt",
        "setup-sudo",
        "download-cli-tools",
        "copy-chrome-cdp",
    ];
    let boot = |n: u32| {
        let mut laps = vec![1; 18];
        laps[17] = 20 + n;
        serde_json::json!({
            "pod": format!("00000000-0000-4000-8000-00000000000{n}"),
            "tenant": format!("00000000-0000-4000-8000-00000000001{n}"),
            "at": 1_790_000_000 + n, "kind": 0, "laps": laps,
        })
    };
    let kind = serde_json::json!({
        "image": "registry.example/openclaw", "tier": "pro", "newVolumes": true, "stages": stages,
    });
    let file = serde_json::json!({
        "version": 1, "cluster": CLUSTER, "kinds": [kind], "boots": [boot(1), boot(2), boot(3)],
    });
    let path = kept_boots(home.path());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, file.to_string()).unwrap();
    let told = usual(home.path());
    assert_eq!(
        (&told["samples"], &told["medianSeconds"]),
        (&4.into(), &39.into()),
        "three kept ones and its own: {told}"
    );

    std::fs::write(&path, "{\"version\":1,").unwrap();
    let (code, out, err) = output(home.path(), &["show", "t0001", "-o", "json"]);
    assert_eq!((code, &serde_json::from_str::<Value>(&out).unwrap()["usualBoot"]), (0, &Value::Null));
    assert!(err.contains("the history of boots was damaged") && err.contains(".damaged"), "{err}");
    assert!(!path.exists() && path.with_extension("json.damaged").exists());
}

#[test]
fn wait_ends_by_its_goal_or_its_time() {
    let (_server, changes, home) = fleet();
    let (code, out, _) = output(home.path(), &["wait", "t0001", "--for", "phase=ready"]);
    assert_eq!((code, out.as_str()), (0, "t0001 is Ready\n"));
    drop(changes);

    let (_server, changes, home) = fleet();
    let mut waiting = start(home.path(), &["wait", "t0002", "--for", "ready", "--timeout", "20s"]);
    let mut err = BufReader::new(waiting.stderr.take().unwrap());
    let mut line = String::new();
    err.read_line(&mut line).unwrap();
    assert!(line.contains("t0002 is Failing"), "{line}");
    let mut pods: Value = serde_json::from_str(PODS).unwrap();
    let mut healed = pods["items"][0].take();
    let stuck = pods["items"][1]["metadata"].take();
    healed["metadata"]["uid"] = stuck["uid"].clone();
    healed["metadata"]["namespace"] = stuck["namespace"].clone();
    changes.blocking_send(json::event("MODIFIED", &healed.to_string())).unwrap();
    assert_eq!(waiting.wait().unwrap().code(), Some(0));

    let (_server, _changes, home) = fleet();
    let (code, _, err) = output(home.path(), &["wait", "t0002", "--for", "ready", "--timeout", "1s"]);
    assert_eq!(code, 1);
    assert!(err.contains("did not get there within 1 s; it is Failing"), "{err}");
    assert_eq!(output(home.path(), &["wait", "zoe", "--for", "ready"]).0, 3);
    assert_eq!(output(home.path(), &["wait", "zoe", "--for", "deleted"]).0, 0);
}

fn start(home: &Path, arguments: &[&str]) -> std::process::Child {
    let mut command: Command = fleetdeck(home, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_followed_list_is_one_line_per_change_and_ends_with_its_reader() {
    let (_server, changes, home) = fleet();
    let mut following = start(home.path(), &["ls", "--watch", "-o", "jsonl"]);
    let mut out = BufReader::new(following.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).unwrap()
    };
    for id in ["t0001", "t0002"] {
        let change = next();
        assert_eq!((&change["type"], &change["tenant"]["id"]), (&"ADDED".into(), &id.into()));
    }
    changes.blocking_send(json::event("ADDED", &json::pod(7, 900_001, false))).unwrap();
    let change = next();
    assert_eq!((&change["kind"], &change["type"]), (&"TenantChange".into(), &"ADDED".into()));
    assert_eq!(change["tenant"]["id"], "t7");
    // The same again is no change.
    changes.blocking_send(json::event("MODIFIED", &json::pod(7, 900_002, false))).unwrap();
    changes.blocking_send(json::event("MODIFIED", &json::pod(7, 900_003, true))).unwrap();
    let change = next();
    assert_eq!((&change["type"], &change["tenant"]["phase"]), (&"MODIFIED".into(), &"Ready".into()));
    changes.blocking_send(json::event("DELETED", &json::pod(7, 900_004, true))).unwrap();
    assert_eq!(next()["type"], "DELETED");

    drop(out);
    changes.blocking_send(json::event("ADDED", &json::pod(8, 900_005, true))).unwrap();
    assert_eq!(following.wait().unwrap().code(), Some(0), "a reader who has seen enough is no failure");
    let mut err = String::new();
    following.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(err, "");
}

#[test]
fn the_shell_gets_its_completions_and_man_its_page() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = output(home.path(), &["completions", shell]);
        assert!(code == 0 && out.contains("fleetdeck"), "{shell}");
    }
    let (code, page, _) = output(home.path(), &["man"]);
    assert!(code == 0 && page.starts_with(".ie") && page.contains("interrupted"), "{page}");
}
