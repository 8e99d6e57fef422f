//! The real binary on a simulator served over HTTP.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::served::Served;

pub(crate) fn end(child: &mut Child) -> Option<i32> {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(Instant::now() < until, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_ends_well_on_a_closed_pipe_and_on_ctrl_c() {
    // A line in ten seconds: a closed pipe is not found out by writing.
    let served = Served::new("container = 'gateway'");
    let spawn = || served.logs(&["-f"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut child = spawn();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with("seed-app | seed-app: begin"), "{line}");
    drop(lines);
    assert_eq!(end(&mut child), Some(0));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");

    let mut child = spawn();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut line).unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(end(&mut child), Some(130));
}

#[test]
fn lines_are_documents_for_programs_and_masked_for_all() {
    let served = Served::new(
        "container = 'gateway'\nlog-lines-per-second = 20\nlog-text = ['open http://x/#token=s3cr3t-s3cr3t', '{\"level\":\"error\",\"msg\":\"no\"}', \"a\\u001b]0;evil\\u0007b\"]",
    );
    std::thread::sleep(Duration::from_secs(1));
    let output = served.logs(&["-c", "gateway", "-o", "jsonl"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(lines.len() > 6, "{text}");
    let first = &lines[0];
    assert_eq!((&first["apiVersion"], &first["kind"]), (&"fleetdeck/v1".into(), &"LogLine".into()));
    assert_eq!((&first["tenant"], &first["container"]), (&served.tenant.as_str().into(), &"gateway".into()));
    assert!(first["time"].as_str().unwrap().ends_with('Z'));
    let with = |needle: &str| lines.iter().find(|l| l["message"].as_str().unwrap().contains(needle)).unwrap();
    assert_eq!((&with("#token=***")["masked"], &with("\"msg\"")["level"]), (&true.into(), &"error".into()));
    assert!(lines.iter().any(|l| l["message"] == "ab"), "{text}");
    assert!(!text.contains("s3cr3t") && !text.contains('\u{1b}'));

    let grep = |pattern: &str| {
        let output = served.logs(&["-c", "gateway", "--grep", pattern]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let found = grep("LEVEL|#TOKEN");
    assert_eq!(found, "", "large letters are meant as they are");
    let found = grep("level|#token");
    assert!(found.lines().count() > 2 && found.lines().all(|l| l.contains("level") || l.contains("#token")), "{found}");
}

#[test]
fn exit_codes_and_words() {
    let served = Served::new("container = 'gateway'");
    let check = |args: &[&str], code: i32, words: &str| {
        let output = served.logs(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    };
    check(&["-c", "nope"], 3, "no container \"nope\"");
    check(&["nobody-else"], 3, "no tenant \"nobody-else\"");
    check(&["--grep", "("], 2, "--grep: unclosed group");
    check(&["--since", "soon"], 2, "--since");
    check(&["-f", "--previous"], 2, "cannot be used with");
    check(&["-c", "gateway", "--previous"], 1, "previous terminated container");
}
