//! From the console at a real terminal into a tenant's pod, and back.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize};
use rustix::process::Signal;

use crate::{
    pty::seat::{SIZE, Seat},
    served::Served,
};

fn console(served: &Served, args: &[&str]) -> Seat {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fleetdeck"));
    command.args([served.tenant.as_str(), "--kubeconfig", &served.kubeconfig]);
    command.args(args);
    // The journal of the machine that is played.
    let mut seat = Seat::take_at_home(command, served.home.path());
    seat.wait_for("BOOT");
    seat
}

#[test]
fn a_shell_has_the_terminal_and_gives_it_back_to_the_console() {
    let served = Served::new("container = 'gateway'");
    let mut seat = console(&served, &[]);
    seat.press("x");
    seat.wait_for("a shell in pod");
    seat.press("browser\r");
    seat.wait("a prompt", |s| !s.alternate_screen() && s.contents().trim_end().ends_with('$'));
    seat.press("stty size\r");
    seat.wait_for("24 80");
    let size = PtySize { rows: 40, cols: 120, ..SIZE };
    seat.screen.screen_mut().set_size(size.rows, size.cols);
    seat.master.resize(size).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    // Each key is the shell's, those too that mean something to the console.
    seat.press("stty size\r");
    seat.wait_for("40 120");
    seat.press("exit 3\r");
    seat.wait("the console", |s| s.alternate_screen() && s.hide_cursor() && s.bracketed_paste());
    seat.wait_for("ended with exit code 3");
    assert!(seat.screen.screen().contents().lines().count() > 30, "it has the new size");
    // It takes keys again, the first one too.
    seat.press("?");
    seat.wait_for("help: tenant");
    seat.press("\x03");
    assert!(seat.end().success());
    seat.assert_restored("a shell in the console");
    let journal = served.journal();
    let visits: Vec<_> =
        journal.iter().map(|l| (l["visit"].as_str().unwrap(), l["container"].as_str().unwrap())).collect();
    assert_eq!(visits, [("shell-began", "browser"), ("shell-ended", "browser")]);
    assert_eq!(journal[1]["said"], "exit 3");
}

fn answer(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    _ = stream.read_to_string(&mut answer);
    Some(answer)
}

#[test]
fn forwards_live_as_long_as_the_console_or_until_they_are_ended() {
    let served = Served::new("container = 'gateway'");
    let mut seat = console(&served, &[]);
    let open = |seat: &mut Seat, door: &str| {
        seat.press(&format!("Fopen {door}\r"));
        seat.wait("an address", |s| s.contents().contains(&format!("/ is {door} of")));
        let text = seat.screen.screen().contents();
        let url = text.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address").to_owned();
        assert!(url.starts_with("127.0.0.1:"), "{url}");
        url
    };
    let gateway = open(&mut seat, "gateway");
    assert!(answer(&gateway).unwrap().starts_with("HTTP/1.1 200"));
    seat.wait_for("1 forward F");
    let page = open(&mut seat, "browser-ui");
    seat.wait_for("2 forwards F");
    seat.press("Fend gateway\r");
    seat.wait_for("is forwarded no more");
    let gone = |address: &str| {
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_ok() {
            assert!(Instant::now() < until, "the port is open still");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    gone(&gateway);
    seat.signal(Signal::TERM);
    seat.end();
    seat.assert_restored("SIGTERM with an open forward");
    gone(&page);
    let journal = served.journal();
    let visits: Vec<_> = journal.iter().map(|l| (l["visit"].as_str().unwrap(), l["door"].as_str().unwrap())).collect();
    let expect = [
        ("forward-began", "gateway"),
        ("forward-began", "browser-ui"),
        ("forward-ended", "gateway"),
        ("forward-ended", "browser-ui"),
    ];
    assert_eq!(visits, expect);
    assert_eq!(journal[2]["connections"], 1);
}

#[test]
fn a_read_only_console_has_no_way_in() {
    let served = Served::new("container = 'gateway'");
    let mut seat = console(&served, &["--read-only"]);
    for key in ["x", "F"] {
        seat.press(key);
        seat.wait_for("this is read-only: there is no way into pods from here");
        // Put away by the next key, whatever it means: no escape, which would belong to the one after it.
        seat.press("~");
        seat.wait("the footer", |s| !s.contents().contains("this is read-only"));
    }
    seat.press("\x03");
    assert!(seat.end().success());
    assert!(served.journal().is_empty());
}
