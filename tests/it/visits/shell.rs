use std::{
    io::Write as _,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use fleetdeck::cluster::{Exit, Room, shell::SHELLS};
use portable_pty::{CommandBuilder, PtySize};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    conformance::world::World,
    logs::binary::end,
    pty::seat::{SIZE, Seat},
    served::Served,
};

/// Shell verbs that read a script.
fn script(served: &Served, args: &[&str], text: &str) -> Output {
    let mut command = served.verb("shell", args);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may refuse before it reads.
    _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap()
}

fn at_terminal(served: &Served, args: &[&str]) -> Seat {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fleetdeck"));
    command.args(["shell", &served.tenant, "--kubeconfig", &served.kubeconfig]);
    command.args(args);
    Seat::take(command)
}

#[test]
fn a_script_goes_in_and_its_exit_code_comes_out() {
    let served = Served::new("container = 'gateway'");
    let done = script(&served, &[], "hostname\nexit 7\n");
    assert_eq!((done.status.code(), String::from_utf8(done.stdout).unwrap().as_str()), (Some(7), "openclaw-0\n"));
    let done = script(&served, &["-c", "browser"], "echo fine\n");
    assert_eq!((done.status.code(), done.stdout), (Some(0), b"fine\n".to_vec()));
    let journal = served.journal();
    let line = |n: usize, key: &str| journal[n][key].as_str().unwrap_or_default().to_owned();
    assert_eq!(journal.len(), 4);
    assert_eq!((line(0, "visit").as_str(), line(0, "container").as_str()), ("shell-began", "gateway"));
    assert_eq!((line(1, "visit").as_str(), line(1, "said").as_str()), ("shell-ended", "exit 7"));
    assert_eq!((line(3, "container").as_str(), line(3, "tenant")), ("browser", served.namespace.clone()));
    assert!(journal.iter().all(|l| !l.to_string().contains("hostname")), "what was typed is nobody's: {journal:?}");
}

#[test]
fn a_script_that_is_ended_from_outside_is_written_down() {
    let served = Served::new("container = 'gateway'");
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let before = served.journal().len();
        let mut command = served.verb("shell", &[]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Its input stays open: the shell waits for more.
        let until = Instant::now() + Duration::from_secs(20);
        while served.journal().len() == before {
            assert!(Instant::now() < until, "nobody went in");
            std::thread::sleep(Duration::from_millis(20));
        }
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
        assert_eq!(end(&mut child), Some(code));
        let journal = served.journal();
        assert_eq!(journal.len(), before + 2, "{journal:?}");
        assert_eq!(
            (&journal[before + 1]["visit"], &journal[before + 1]["said"]),
            (&"shell-ended".into(), &"interrupted".into())
        );
    }
}

#[test]
fn what_cannot_be_entered_says_why_and_what_can() {
    let served = Served::new("container = 'browser-ui'\nshell = false");
    let check = |args: &[&str], code: i32, words: &str| {
        let done = script(&served, args, "");
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    };
    check(&["-c", "browser-ui"], 1, "has no shell (bash, sh); others that run: gateway, browser");
    check(&["-c", "seed-app"], 1, "does not run now; others that run: gateway");
    check(&["-c", "nope"], 3, "no container \"nope\"");
    check(&["--read-only"], 3, "this is read-only");
    assert!(served.journal().iter().all(|l| l["container"] == "browser-ui"), "a refusal is no visit");
}

#[test]
fn a_terminal_is_lent_with_its_size_and_given_back() {
    let served = Served::new("container = 'gateway'");
    let mut seat = at_terminal(&served, &[]);
    seat.wait_for("in context fleetdeck-sim; `exit` returns");
    seat.wait("a prompt", |s| s.contents().trim_end().ends_with('$'));
    assert_ne!(format!("{:?}", seat.master.get_termios().unwrap()), seat.before, "the terminal is raw");
    seat.press("stty size\r");
    seat.wait_for("24 80");
    let size = PtySize { rows: 40, cols: 120, ..SIZE };
    seat.screen.screen_mut().set_size(size.rows, size.cols);
    seat.master.resize(size).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    seat.press("stty size\r");
    seat.wait_for("40 120");
    // Not for us: it goes to the shell inside.
    seat.press("\x03");
    seat.wait_for("^C");
    seat.press("exit 3\r");
    assert_eq!(seat.end().exit_code(), 3);
    seat.assert_restored("a shell");
}

#[tokio::test(start_paused = true)]
async fn another_pod_of_the_same_name_is_not_entered() {
    let world = World::simulator("not entered");
    let spec = world.spec("a");
    world.create(&spec).await;
    let mut watching = world.watch();
    let namespace = spec.namespace();
    let ready = |e: &fleetdeck::index::Entry| e.verdict.phase == fleetdeck::fleet::Phase::Ready;
    watching.until(&namespace, "Ready", ready).await;
    let entry = watching.fleet.get(&namespace).unwrap();
    let pod = entry.tenant.pod().unwrap().clone();
    let rooms = Room::all(&entry.tenant.namespace_name, &pod);
    let names: Vec<&str> = rooms.iter().map(|r| r.container.as_str()).collect();
    assert_eq!(names, ["gateway", "browser", "browser-ui"]);
    let room = rooms[0].clone();

    let shell = world.cluster.shell(&room, SHELLS[1], false).await.unwrap();
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let script = &b"echo hello\nnonsense\nexit 300"[..];
    let exit = shell.join(script, &mut out, &mut errors, futures::stream::pending()).await.unwrap();
    assert_eq!((exit, out.as_slice()), (Exit::Code(300), &b"hello\n"[..]));
    assert!(String::from_utf8(errors).unwrap().contains("nonsense: not found"));

    world.cluster.delete_pod(&namespace, &pod.name, pod.uid).await.unwrap();
    watching.until(&namespace, "another pod", |e| e.tenant.pod().is_some_and(|p| p.uid != pod.uid) && ready(e)).await;
    let refused = world.cluster.shell(&room, SHELLS[1], false).await.err().unwrap();
    assert!(refused.said.contains("that pod is gone"), "{refused}");
}
