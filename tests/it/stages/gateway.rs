//! gateway.sh and ready.sh: the start, and whether it may get traffic.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;

use super::{Bench, Shell, under_both_shells};

under_both_shells!(
    it_starts_what_was_seeded,
    it_does_not_start_without_app_or_token,
    ready_by_every_version,
    the_first_success_is_written_down
);

fn it_starts_what_was_seeded(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    bench.run("seed-app").done();
    bench.set("OPENCLAW_GATEWAY_TOKEN", "tok-secret");
    bench.shim("node", "echo \"$PWD: $*; key $LITELLM_API_KEY; $(cat package.json)\"");
    let run = bench.run("gateway").warned("no key for the models");
    assert_eq!(run.code, Some(0));
    assert!(
        run.out.contains("/app/current: dist/index.js gateway --bind lan --port 18789; key not-configured; "),
        "{run:?}"
    );
    assert!(run.out.contains("2026.8.2") && !format!("{run:?}").contains("tok-secret"), "{run:?}");
    bench.set("LITELLM_API_KEY", "sk-1");
    let run = bench.run("gateway");
    assert!(run.out.contains("key sk-1") && run.err.is_empty(), "{run:?}");

    // A node of the tenant's own, first in its PATH, is not what runs the gateway; its tools still find it.
    let path = format!("{}:{}", bench.at("config/home/bin").display(), bench.shell.tools().unwrap().path);
    bench.program("config/home/bin/node", "echo the tenant");
    bench.set("PATH", &path);
    bench.shim("node", "echo \"the image; PATH $PATH\"");
    let run = bench.run("gateway");
    assert!(run.out.contains(&format!("the image; PATH {path}")), "{run:?}");
}

fn it_does_not_start_without_app_or_token(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    bench.shim("node", "echo started");
    bench.set("OPENCLAW_GATEWAY_TOKEN", "t");
    bench.run("gateway").failed(65, "no app");
    bench.run("seed-app").done();
    bench.set("OPENCLAW_GATEWAY_TOKEN", "");
    bench.run("gateway").failed(78, "token");
}

/// A gateway that answers each route so; any other gets the UI's page. Ends with the test.
fn serve(routes: &'static [(&'static str, u16, &'static str)]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                request.push(byte[0]);
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let (status, kind, body) = routes
                .iter()
                .find(|(route, ..)| *route == path)
                .map_or((200, "text/html", "<!doctype html>"), |(_, status, body)| {
                    (*status, "application/json; charset=utf-8", *body)
                });
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    port
}

fn ready_by_every_version(shell: Shell) {
    let check = |what: &str, routes, expect: bool| {
        let Some(mut bench) = Bench::new(shell) else { return };
        bench.run("seed-app").done();
        bench.set("OPENCLAW_GATEWAY_PORT", &serve(routes).to_string());
        let run = bench.run("ready");
        assert_eq!(run.code, Some(i32::from(!expect)), "{what}: {run:?}");
        assert_eq!(run.out.is_empty(), expect, "the event says why: {what}: {run:?}");
    };
    check("started", &[("/startupz", 200, r#"{"ok":true,"status":"started","version":"2026.8.2"}"#)], true);
    check(
        "starting",
        &[("/startupz", 503, r#"{"ok":false,"status":"starting"}"#), ("/readyz", 200, r#"{"ready":true}"#)],
        false,
    );
    check("draining", &[("/startupz", 503, r#"{"ok":false,"status":"draining"}"#)], false);
    check(
        "one channel down, new",
        &[("/startupz", 200, r#"{"ok":true}"#), ("/readyz", 503, r#"{"ready":false,"failing":["telegram"]}"#)],
        true,
    );
    // Older: /startupz is the UI's page.
    check("older, ready", &[("/readyz", 200, r#"{"ready":true,"failing":[]}"#)], true);
    check("older, no checker yet", &[("/readyz", 200, r#"{"ok":true,"status":"ready"}"#)], true);
    check("older, starting", &[("/readyz", 503, r#"{"ready":false,"failing":["startup-sidecars"]}"#)], false);
    check(
        "older, draining",
        &[("/readyz", 503, r#"{"ready":false,"failing":["telegram","gateway-draining"]}"#)],
        false,
    );
    check("older, one channel down", &[("/readyz", 503, r#"{"ready":false,"failing":["telegram"]}"#)], true);
    check("older, no reason given", &[("/readyz", 503, r#"{"ready":false}"#)], false);
    check("oldest", &[("/healthz", 200, r#"{"ok":true,"status":"live"}"#)], true);
    check("only the page", &[], false);
    check(
        "403 by attribution",
        &[
            ("/startupz", 403, r#"{"error":{}}"#),
            ("/readyz", 403, r#"{"error":{}}"#),
            ("/healthz", 200, r#"{"ok":true}"#),
        ],
        true,
    );

    let Some(mut bench) = Bench::new(shell) else { return };
    bench.set("OPENCLAW_GATEWAY_PORT", "1"); // nobody listens there
    assert_eq!(bench.run("ready").code, Some(1));
}

fn the_first_success_is_written_down(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    bench.run("seed-app").done();
    bench.run("create-workspace").done();
    let release = super::seed::current(&bench);
    bench.set("OPENCLAW_GATEWAY_PORT", &serve(&[("/startupz", 200, r#"{"ok":true}"#)]).to_string());
    assert_eq!(bench.run("ready").code, Some(0));
    assert_eq!(bench.read("config/.stages/ready"), format!("{release}\n"));
    let before = bench.snapshot("config");
    assert_eq!(bench.run("ready").code, Some(0));
    assert_eq!(before, bench.snapshot("config"), "written once, not at every probe");
    // A volume that cannot be written does not make the gateway unready.
    fs::remove_dir_all(bench.at("config/.stages")).unwrap();
    symlink("/dev/full", bench.at("config/.stages")).unwrap();
    assert_eq!(bench.run("ready").code, Some(0));
}
