//! What is broken outside is said in words that name the place, with the exit code of its kind.

use std::{io::Write as _, path::Path, process::Command};

use crate::scripted::{Reply, Server, json};

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs the program in a home of its own.
pub(crate) fn fleetdeck(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetdeck"));
    command.args(arguments).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
    command
}

fn run(home: &Path, arguments: &[&str]) -> Said {
    said(fleetdeck(home, arguments))
}

fn said(mut command: Command) -> Said {
    let done = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: done.status.code().unwrap(), out: text(done.stdout), err: text(done.stderr) }
}

#[track_caller]
fn check(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{}", said.err);
    for word in words {
        assert!(said.err.contains(word), "{word:?} is not in:\n{}", said.err);
    }
    assert!(!said.err.contains("panicked"), "{}", said.err);
}

/// A home with a kubeconfig for this server; `user` is the users[].user entry.
pub(crate) fn home(server: &str, user: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: prod\n\
         clusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
         users: [{{name: dana, user: {user}}}]\n\
         contexts: [{{name: prod, context: {{cluster: c, user: dana}}}}, {{name: stage, context: {{cluster: c, user: dana}}}}]\n"
    );
    std::fs::create_dir(home.path().join(".kube")).unwrap();
    std::fs::write(home.path().join(".kube/config"), text).unwrap();
    home
}

/// What `ls` says to a server with this script.
fn ls(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Said {
    let server = Server::new(script);
    let home = home(&format!("http://{}", server.listen()), "{token: hunter2}");
    run(home.path(), &["ls"])
}

#[test]
fn kubeconfigs() {
    let home = tempfile::tempdir().unwrap();
    check(&run(home.path(), &["ls"]), 2, &["there is no kubeconfig", ".kube/config not found", "fleetdeck demo"]);
    let file = home.path().join("kc.yaml");
    let ls = ["ls", "--kubeconfig", file.to_str().unwrap()];
    check(&run(home.path(), &ls), 2, &["kc.yaml cannot be read: No such file"]);
    for (text, words) in [
        ("users:\n- name: x\n  user: {token: hunter2\nclusters: {", "kc.yaml:"),
        ("just words", "kc.yaml"),
        ("\u{0}\u{1}binary", "kc.yaml"),
        ("", "names no current context"),
        ("current-context: gone\n", "there is no context \"gone\""),
    ] {
        std::fs::write(&file, text).unwrap();
        let said = run(home.path(), &ls);
        check(&said, 2, &[words]);
        assert!(!said.err.contains("hunter2"), "{}", said.err);
    }
    std::fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    check(&run(home.path(), &ls), 2, &["kc.yaml"]);
}

#[test]
fn contexts_clusters_and_credentials() {
    let unknown = home("https://127.0.0.1:1", "{}");
    check(
        &run(unknown.path(), &["ls", "--context", "nope"]),
        2,
        &["no context \"nope\"", "known contexts: prod, stage"],
    );
    check(&run(home("not a url", "{}").path(), &["ls"]), 2, &["server URL \"not a url\" of context prod"]);
    let missing =
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, interactiveMode: Never}}";
    check(
        &run(home("https://127.0.0.1:1", missing).path(), &["ls"]),
        2,
        &["plugin that the kubeconfig names is not installed"],
    );
    let failing = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, 'echo hunter2; echo please sign in >&2; exit 3'], interactiveMode: Never}}";
    let said = run(home("https://127.0.0.1:1", failing).path(), &["ls"]);
    check(&said, 2, &["plugin failed: please sign in"]);
    assert!(!said.err.contains("hunter2"), "{}", said.err);
    let certificate = "{client-certificate-data: Z2FyYmFnZQ==, client-key-data: Z2FyYmFnZQ==}";
    check(&run(home("https://127.0.0.1:1", certificate).path(), &["ls"]), 2, &["prod", "client-certificate"]);
}

#[test]
fn servers_that_are_not_there_or_speak_otherwise() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = run(home(&format!("http://{nobody}"), "{}").path(), &["ls"]);
    check(
        &said,
        4,
        &["nothing listens at http://127.0.0.1:", "connection refused", "context prod", "is the cluster up?"],
    );
    let said = run(home("http://no-such-host.invalid:6443", "{}").path(), &["ls"]);
    check(&said, 4, &["no-such-host.invalid", "is not known", "VPN"]);
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap();
    std::thread::spawn(move || {
        for io in plain.incoming() {
            io.unwrap().write_all(b"220 mail.example ESMTP\r\n").unwrap();
        }
    });
    let said = run(home(&format!("https://{address}"), "{}").path(), &["ls"]);
    check(&said, 4, &["what listens at https://127.0.0.1", "does not speak TLS", "really http"]);
    let greeting = ls(|_| Reply::Raw("SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned()));
    check(&greeting, 4, &["does not speak HTTP"]);
    let closed = ls(|_| Reply::Close);
    check(&closed, 4, &["closed the connection in the middle of list"]);
}

#[test]
fn answers_that_are_not_kubernetes() {
    let page = "<html><head><title>Sign in to \u{1b}[31mcorp</title></head></html>";
    for code in [200, 403, 502] {
        let said = ls(move |_| Reply::Json(code, page.to_owned()));
        check(&said, 4, &["a web page (\"Sign in to corp\")", "not by a Kubernetes API server", "proxy"]);
    }
    let half = ls(|_| Reply::Json(200, r#"{"kind":"PodList","items":[{"metadata":{"na"#.to_owned()));
    check(&half, 4, &["cut off", "line 1 column"]);
    let text = ls(|_| Reply::Json(200, "ok".to_owned()));
    check(&text, 4, &["makes no sense", "line 1 column 1"]);
    let other = ls(|_| Reply::Json(200, r#"{"kind":"Frob","secret":"hunter2"}"#.to_owned()));
    check(&other, 4, &["expected a list, got an object of kind Frob"]);
    assert!(!other.err.contains("hunter2"));
    let unversioned = ls(|_| Reply::Json(200, r#"{"kind":"PodList","items":[]}"#.to_owned()));
    check(&unversioned, 4, &["a list with a resourceVersion"]);
    let short = ls(|_| Reply::Raw("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"kind\":".to_owned()));
    check(&short, 4, &["closed the connection in the middle"]);
}

#[test]
fn users_that_may_not() {
    let said = ls(|_| Reply::Json(401, json::status(401, "Unauthorized", "Unauthorized")));
    check(&said, 5, &["does not accept the credentials of dana", "context prod", "expired"]);
    assert!(!said.err.contains("hunter2"));
    let said = ls(|_| Reply::Json(403, json::status(403, "Forbidden", "x is forbidden: User cannot list")));
    check(&said, 5, &["dana may not list", "User cannot list", "manifests/rbac"]);
    let partly = ls(|path| match json::resource(path) {
        "pods" => Reply::Json(200, json::list(&[json::pod(1, 1, true)], "5", "")),
        _ => Reply::Json(403, json::status(403, "Forbidden", "no")),
    });
    check(&partly, 0, &["note: dana may not list events"]);
    assert_eq!(partly.err.matches("may not list events").count(), 1);
    assert!(partly.out.contains("t1"), "{}", partly.out);
}

#[test]
fn one_bad_object_never_costs_the_others() {
    let bad = r#"{"metadata":{"name":["x"],"namespace":7},"spec":"none"}"#;
    let odd = json::pod(2, 2, true)
        .replace(r#""conditions":["#, r#""conditions":[7,"#)
        .replace(r#""podIP":"10.0.0.2""#, r#""podIP":{}"#);
    let said = ls(move |path| match json::resource(path) {
        "pods" if json::is_watch(path) => Reply::Hang,
        "pods" => Reply::Json(
            200,
            json::list(&[json::pod(1, 1, true), bad.to_owned(), "null".to_owned(), odd.clone()], "5", ""),
        ),
        _ => Reply::Json(200, json::list(&[], "5", "")),
    });
    check(&said, 0, &[]);
    assert_eq!(said.out.matches("Ready").count(), 2, "{}", said.out);
}

#[test]
fn hostile_text_does_not_reach_the_terminal() {
    let hostile = json::pod(1, 1, false).replace(
        r#""state":{"running":{"startedAt":"2026-11-24T19:00:30Z"}}"#,
        r#""state":{"waiting":{"reason":"CreateContainerError","message":"\u001b]0;owned\u0007a\u001b[2Jb\u202ec\nd"}}"#,
    );
    let said = ls(move |path| match json::resource(path) {
        "pods" => Reply::Json(200, json::list(std::slice::from_ref(&hostile), "5", "")),
        _ => Reply::Json(200, json::list(&[], "5", "")),
    });
    check(&said, 0, &[]);
    assert!(said.out.contains("cannot start: abc d"), "{:?}", said.out);
    assert!(!said.out.contains('\u{1b}'));
}

#[test]
fn configurations() {
    let home = home("http://127.0.0.1:1", "{}");
    let file = home.path().join(".config/fleetdeck/config.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "theme = \"dark\"\n\n[contexts.prod]\nprotekted = true\n").unwrap();
    check(&run(home.path(), &["ls"]), 2, &["config.toml:4:1: unknown field `protekted`", "config example"]);
    // The example is needed most when the file is broken.
    assert!(run(home.path(), &["config", "example"]).out.contains("[contexts.prod]"));
    check(&run(home.path(), &["config", "show"]), 2, &["config.toml:4:1"]);
    std::fs::write(&file, "theme = \"light\"\n[defaults]\ndomain = \"claw.example\"\n").unwrap();
    let shown = run(home.path(), &["config", "show", "--context", "stage"]);
    assert!(shown.out.contains("theme = \"light\"") && shown.out.contains("context = \"stage\""), "{}", shown.out);
    check(&run(home.path(), &["ls", "--config", "/nowhere/c.toml"]), 2, &["/nowhere/c.toml cannot be read"]);
    let mut odd = fleetdeck(home.path(), &["ls"]);
    odd.env("FLEETDECK_READ_ONLY", "perhaps");
    check(&said(odd), 2, &["FLEETDECK_READ_ONLY is \"perhaps\""]);
    let mut odd = fleetdeck(home.path(), &["ls"]);
    odd.env("FLEETDECK_LOG", "fleetdeck=loud");
    check(&said(odd), 2, &["FLEETDECK_LOG is not a log filter"]);
    check(&run(home.path(), &["ls", "--filter", "phse:x"]), 2, &["--filter", "phse"]);
}
