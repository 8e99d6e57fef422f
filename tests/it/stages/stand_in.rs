//! The stand-in's app and its answers, which the real stages and probes meet on a cluster.

use std::io::Write;
use std::process::Stdio;

use super::bench::manifests;
use super::{Bench, Shell, under_both_shells};

under_both_shells!(the_same_version_is_the_same_app, it_answers_as_a_gateway_does);

fn the_same_version_is_the_same_app(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    let make = manifests().join("options/stand-in/stages/stand-in-app.sh");
    for (version, releases) in [("2026.8.2", 1), ("2026.8.2", 1), ("2026.9.1", 2)] {
        bench.set("OPENCLAW_VERSION", version);
        std::fs::remove_dir_all(bench.at("image")).unwrap();
        let run = bench.run_file(&make, &[bench.at("image").to_str().unwrap()]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        bench.run("seed-app").done();
        assert!(super::seed::current(&bench).starts_with(version));
        assert_eq!(bench.list("app/releases").len(), releases, "{version}");
    }
}

fn it_answers_as_a_gateway_does(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    bench.set("STAND_IN_RUN", bench.at("tmp").to_str().unwrap());
    let answer = manifests().join("options/stand-in/stages/stand-in-answer.sh");
    let check = |role: &str, request: &str, status: &str, kind: &str, body: &str| {
        let mut child = bench.command(&answer, &[role]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let (head, got) = output.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}")) && head.contains(&format!("Content-Type: {kind}")),
            "{request}: {head}"
        );
        assert!(got.contains(body) && (!got.is_empty() || request.starts_with("HEAD")), "{request}: {got}");
    };
    let json = "application/json";
    check("gateway", "GET /healthz", "200", json, "\"ok\":true");
    check("gateway", "GET /startupz", "503", json, "\"status\":\"starting\"");
    check("gateway", "GET /readyz", "503", json, "startup-sidecars");
    bench.write("tmp/state", "2026.8.2 0 started\n");
    check("gateway", "GET /startupz", "200", json, "\"version\":\"2026.8.2\"");
    check("gateway", "GET /readyz?x=1", "200", json, "\"ready\":true");
    check("gateway", "HEAD /readyz", "200", json, "");
    check("gateway", "POST /healthz", "405", "text/plain", "");
    check("gateway", "GET /nowhere", "200", "text/html", "<!doctype html>");
    bench.write("tmp/state", "2026.8.2 0 draining\n");
    check("gateway", "GET /readyz", "503", json, "gateway-draining");
    check("browser", "GET /json/version", "200", json, "webSocketDebuggerUrl");
    check("browser", "GET /pressure", "200", json, "\"isAvailable\":true");
    check("browser", "GET /nowhere", "404", json, "");
    check("browser-ui", "GET /", "200", "text/html", "<!doctype html>");
}
