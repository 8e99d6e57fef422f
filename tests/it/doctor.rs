//! `doctor`, `explain` and the findings of `show`: on what a real API server wrote, and on the demo.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use fleetdeck::diagnose::Code;
use serde_json::Value;

use crate::{
    bad_input::{fleetdeck, home},
    scripted::{Reply, Server, json},
};

/// A cluster that reads as it was recorded; what is not watched may not be read.
fn recorded(open: bool) -> (Server, tempfile::TempDir) {
    let server = Server::new(move |path| {
        if json::is_watch(path) {
            return Reply::Hang;
        }
        let list = match json::resource(path) {
            _ if path.contains("metrics") || path.contains("/proxy/") => {
                return Reply::Json(404, json::status(404, "NotFound", "none"));
            }
            "pods" => include_str!("../../src/diagnose/real/pods.json"),
            "namespaces" => include_str!("../../src/diagnose/real/namespaces.json"),
            "statefulsets" => include_str!("../../src/diagnose/real/statefulsets.json"),
            "persistentvolumeclaims" => include_str!("../../src/diagnose/real/claims.json"),
            "resourcequotas" => include_str!("../../src/diagnose/real/quotas.json"),
            "events" => include_str!("../../src/diagnose/real/events.json"),
            "nodes" => include_str!("../../src/diagnose/real/nodes.json"),
            "networkpolicies" if open => include_str!("../../src/diagnose/real/networkpolicies.json"),
            "services" if open => include_str!("../../src/diagnose/real/services.json"),
            "ingresses" if open => include_str!("../../src/diagnose/real/ingresses.json"),
            "limitranges" if open => include_str!("../../src/diagnose/real/limitranges.json"),
            "persistentvolumes" if open => include_str!("../../src/diagnose/real/persistentvolumes.json"),
            "storageclasses" if open => include_str!("../../src/diagnose/real/storageclasses.json"),
            _ if open && (path.contains("validatingadmissionpolic") || path.contains("cert-manager.io")) => {
                return Reply::Json(404, json::status(404, "NotFound", "none"));
            }
            _ => return Reply::Json(403, json::status(403, "Forbidden", "no")),
        };
        Reply::Json(200, list.to_owned())
    });
    let home = home(&format!("http://{}", server.listen()), "{}");
    (server, home)
}

fn output(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let done = fleetdeck(home, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[test]
fn one_tenant_with_its_proof_and_an_exit_code() {
    let (_server, home) = recorded(true);
    let (code, out, err) = output(home.path(), &["doctor", "t0011"]);
    assert_eq!(code, 1, "{err}");
    for words in ["CRITICAL  class-missing", "do     ", "proof  event ProvisioningFailed", "\"nowhere\" not found"] {
        assert!(out.contains(words), "{words} is not in\n{out}");
    }
    assert!(err.contains("critical"), "{err}");

    let (code, out, _) = output(home.path(), &["doctor", "t0001", "-o", "json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &document["kind"], &document["apiVersion"]), (0, &"Findings".into(), &"fleetdeck/v1".into()));
    let codes: Vec<_> = document["items"].as_array().unwrap().iter().map(|i| i["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"ingress-no-tls") && codes.contains(&"network-wide"), "{codes:?}");
    assert!(
        document["items"].as_array().unwrap().iter().all(|i| i["tenant"] == "t0001" && i["severity"] != "critical")
    );

    assert_eq!(output(home.path(), &["doctor", "nobody"]).0, 3);
    let (_, page, _) = output(home.path(), &["show", "t0007", "-o", "json"]);
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!((&page["findings"][0]["code"], &page["findings"][0]["down"]), (&"quota-refused".into(), &true.into()));
    assert_eq!(page["findings"][0]["evidence"][0]["kind"], "event");
    let (_, page, _) = output(home.path(), &["show", "t0007"]);
    assert!(page.contains("Findings  critical quota-refused: quota `tenant-quota` refuses its pod"), "{page}");
}

#[test]
fn the_fleet_by_cause() {
    let (_server, home) = recorded(true);
    let (code, out, _) = output(home.path(), &["doctor"]);
    assert_eq!(code, 1);
    for words in [
        "critical  ",
        "causes, ",
        "storage class is missing: nowhere",
        "whom   1 tenant: t0011",
        "do     have an administrator apply manifests/guard",
    ] {
        assert!(out.contains(words), "{words} is not in\n{out}");
    }
    let (_, out, _) = output(home.path(), &["doctor", "-o", "json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    let causes = document["causes"].as_array().unwrap();
    assert_eq!((&causes[0]["severity"], &causes[0]["down"]), (&"critical".into(), &true.into()));
    assert_eq!(document["unread"], Value::Array(vec![]));
}

#[test]
fn what_may_not_be_read_is_said_and_nothing_is_found_in_it() {
    let (server, home) = recorded(false);
    let (code, out, _) = output(home.path(), &["doctor", "t0001"]);
    assert_eq!(code, 0, "{out}");
    for kind in ["networkpolicies", "services", "ingresses", "limitranges", "certificates", "persistentvolumes"] {
        assert!(out.contains(&format!("may not list {kind}")), "{kind} is not in\n{out}");
    }
    assert!(out.contains("may not get ValidatingAdmissionPolicy"), "{out}");
    for code in ["data-unguarded", "network-missing", "service-missing", "ingress-missing", "limitrange-missing"] {
        assert!(!out.contains(code), "{code} was found where nobody could look:\n{out}");
    }
    let asked = server.asked();
    let times = |what: &str| asked.iter().filter(|p| p.contains(what)).count();
    assert!(times("/networkpolicies") == 1 && times("/secrets") == 0, "{asked:?}");
}

/// The store of figures that the configuration names is asked, and what it tells is found in.
#[test]
fn a_volume_is_full_soon_by_what_prometheus_tells() {
    let (_server, home) = recorded(true);
    let store = Server::new(|path| {
        let series = |name: &str, value: &str| {
            format!(
                r#"{{"metric":{{"__name__":"{name}","namespace":"tenant-t0001","persistentvolumeclaim":"app-data"}},"value":[1790000000,"{value}"]}}"#
            )
        };
        let of = if path.contains("deriv") {
            vec![series("", "209715200")]
        } else {
            vec![
                series("kubelet_volume_stats_used_bytes", "536870912"),
                series("kubelet_volume_stats_capacity_bytes", "1073741824"),
            ]
        };
        let of = of.join(",");
        Reply::Json(200, format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{of}]}}}}"#))
    });
    let (_, out, _) = output(home.path(), &["doctor", "t0001"]);
    assert!(out.contains("Prometheus (the configuration names none"), "{out}");
    let folder = home.path().join(".config/fleetdeck");
    std::fs::create_dir_all(&folder).unwrap();
    let text = format!("[contexts.prod]\nprometheus = {{ url = \"http://{}\" }}\n", store.listen());
    std::fs::write(folder.join("config.toml"), text).unwrap();
    for arguments in [&["doctor", "t0001"][..], &["doctor"]] {
        let (_, out, err) = output(home.path(), arguments);
        assert!(!out.contains("Prometheus ("), "{out}{err}");
        assert!(out.contains("app-data is 50% full, and will be full in 2 days"), "{out}{err}");
    }
}

#[test]
fn codes_explain_themselves() {
    let home = tempfile::tempdir().unwrap();
    let (code, out, _) = output(home.path(), &["explain", "quota-refused"]);
    assert_eq!(code, 0);
    assert!(out.contains("kubectl describe statefulset openclaw -n NS") && out.contains("What to do:"), "{out}");
    let (code, out, err) = output(home.path(), &["explain", "quota-refusd"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("did you mean quota-refused"), "{err}");
    let (_, list, _) = output(home.path(), &["explain"]);
    for line in list.lines() {
        let word = line.split_whitespace().next().unwrap();
        let (code, out, err) = output(home.path(), &["explain", word, "-o", "json"]);
        assert_eq!(code, 0, "{word}: {err}");
        let text: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(text["code"], word);
    }
    assert!(list.lines().count() > 60);
    let (_, refusal, _) = output(home.path(), &["explain", "not-adopted"]);
    assert!(refusal.starts_with("not-adopted: the tenant has no stored spec (an operation is refused)"), "{refusal}");
    let (_, both, _) = output(home.path(), &["explain", "moving-tag"]);
    assert_eq!(both.matches("What to do:").count(), 2, "{both}");
}

/// A demo that is served until it is dropped.
struct Demo {
    process: Child,
    home: tempfile::TempDir,
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Demo {
    fn open(scenario: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".kube")).unwrap();
        let file = home.path().join(".kube/config");
        let mut command =
            fleetdeck(home.path(), &["sim", "--scenario", scenario, "--write-kubeconfig", file.to_str().unwrap()]);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("simulator on "), "{line}");
        Self { process, home }
    }
}

#[test]
fn the_demos_broken_tenants_have_the_right_first_finding() {
    let demo = Demo::open("default");
    let (code, out, err) = output(demo.home.path(), &["doctor", "-o", "json"]);
    assert_eq!(code, 1, "{err}");
    let document: Value = serde_json::from_str(&out).unwrap();
    let items = document["items"].as_array().unwrap();
    let first = |tenant: &str| items.iter().find(|i| i["tenant"] == tenant).map(|i| i["code"].as_str().unwrap());
    for (tenant, code) in [
        ("maria-k", "quota-refused"),
        ("leo", "image-missing"),
        ("tomas-v", "gateway-oom"),
        ("jun", "browser-down"),
        ("rosa", "namespace-stuck"),
        ("hugo", "volume-filling"),
    ] {
        assert_eq!(first(tenant), Some(code), "{tenant}: {out}");
    }
    // Those that are on their way, and those that sleep, are not ill.
    for tenant in ["oskar", "petra", "zoe", "ivo"] {
        let down = items.iter().find(|i| i["tenant"] == tenant && i["severity"] == "critical");
        assert!(down.is_none(), "{tenant}: {down:?}");
    }
}

/// The scenarios say beside each tenant what is found first in it; `also:`, what is found in the fleet, and `--probe`, what its
/// own answers tell. Together they show every finding that there is.
#[test]
fn every_finding_is_seen_in_a_scenario() {
    let scenarios = [
        ("troubles", include_str!("../../demo/scenarios/troubles.toml")),
        ("nodes", include_str!("../../demo/scenarios/nodes.toml")),
    ];
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    std::thread::scope(|scope| {
        let told = scenarios.map(|(name, text)| scope.spawn(move || told_of(name, text)));
        for told in told {
            let (its_wrong, its_seen) = told.join().unwrap();
            wrong.extend(its_wrong);
            seen.extend(its_seen);
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unseen: Vec<Code> = Code::ALL.iter().copied().filter(|c| !seen.contains(c.word())).collect();
    assert!(unseen.is_empty(), "in no scenario: {unseen:?}");
}

/// What a scenario promises and does not keep, and all codes that are seen in it.
fn told_of(name: &str, text: &str) -> (Vec<String>, BTreeSet<String>) {
    let mut wanted = Vec::new();
    let mut before = "";
    for line in text.lines() {
        if let Some(id) = line.strip_prefix("id = ") {
            wanted.push((id.trim_matches('"'), before.trim_start_matches("# ")));
        } else if line.starts_with("# ") {
            before = line;
        }
    }
    let demo = Demo::open(name);
    let found = |args: &[&str]| {
        let (_, out, err) = output(demo.home.path(), &[&["doctor", "-o", "json"], args].concat());
        let document: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {err}"));
        let code =
            |i: &Value| (i["tenant"].as_str().unwrap_or_default().to_owned(), i["code"].as_str().unwrap().to_owned());
        document["items"].as_array().unwrap().iter().map(code).collect::<Vec<_>>()
    };
    let mut wrong = Vec::new();
    // What `show` begins with is a screen, whatever is wrong; some of them stand for all.
    for (tenant, _) in wanted.iter().step_by(12) {
        let (_, page, _) = output(demo.home.path(), &["show", tenant]);
        let lines: Vec<&str> = page.lines().take_while(|line| !line.is_empty()).collect();
        let long = lines.iter().find(|line| unicode_width::UnicodeWidthStr::width(**line) > 80);
        if lines.len() > 24 || long.is_some() || !lines.iter().any(|l| l.starts_with("as of ")) {
            wrong.push(format!("{name}: {tenant} is told in {} lines, too long: {long:?}", lines.len()));
        }
    }
    let fleet = found(&[]);
    let mut seen: BTreeSet<String> = fleet.iter().map(|(_, code)| code.clone()).collect();
    for (tenant, what) in wanted {
        let its: Vec<&str> = fleet.iter().filter(|(t, _)| t == tenant).map(|(_, code)| code.as_str()).collect();
        let holds = if let Some(code) = what.strip_prefix("also: ") {
            its.contains(&code) || fleet.iter().any(|(tenant, c)| tenant.is_empty() && c == code)
        } else if let Some(code) = what.strip_prefix("with doctor TENANT --probe: ") {
            let own = found(&[tenant, "--probe"]);
            seen.extend(own.iter().map(|(_, code)| code.clone()));
            own.iter().any(|(_, c)| c == code)
        } else {
            its.first() == Some(&what)
        };
        if !holds {
            wrong.push(format!("{name}: {tenant} has {what}, found {its:?}"));
        }
    }
    (wrong, seen)
}
