//! Line by line what stock kubectl shows, over real HTTP.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use crate::served::Served;

#[test]
fn the_same_lines_as_kubectl() {
    let Some(program) = crate::skip::kubectl("logs are not compared with it") else { return };
    let served = Served::new("container = 'gateway'\nlog-lines-per-second = 50");
    let kubectl = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.args(["--kubeconfig", &served.kubeconfig, "-n", &served.namespace, "logs", "openclaw-0"]).args(args);
        command
    };
    let text = |mut command: Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // Stages are over: nothing is added while we look.
    for stage in ["seed-app", "create-workspace", "copy-chrome-cdp"] {
        let theirs = text(kubectl(&["-c", stage, "--timestamps"]));
        assert!(theirs.lines().count() >= 3, "{theirs}");
        assert_eq!(text(served.logs(&["-c", stage, "-t"])), theirs, "{stage}");
        assert_eq!(text(served.logs(&["-c", stage, "--tail", "2"])), text(kubectl(&["-c", stage, "--tail", "2"])));
    }
    // A container that goes on: both follow, and where they overlap they agree.
    let follow = |mut command: Command| {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines: Vec<String> = lines.map(Result::unwrap).take(3_000).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        lines
    };
    let theirs = std::thread::spawn({
        let command = kubectl(&["-c", "gateway", "--timestamps", "-f", "--tail", "20"]);
        move || follow(command)
    });
    std::thread::sleep(Duration::from_millis(200));
    let ours = follow(served.logs(&["-c", "gateway", "-t", "-f", "--tail", "20"]));
    let theirs = theirs.join().unwrap();
    let from = theirs.iter().position(|l| *l == ours[0]).expect("they overlap");
    let both = ours.len().min(theirs.len() - from);
    assert!(both > 1_500, "{both}");
    assert_eq!(ours[..both], theirs[from..from + both]);
}
