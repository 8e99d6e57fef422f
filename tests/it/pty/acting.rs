//! Tenants acted on from the console, by keys alone: the real binary, its own simulator, a real terminal.

use portable_pty::CommandBuilder;

use super::{opened, scenario, seat::Seat};

/// Boots take two minutes; here they take four seconds.
fn demo() -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fleetdeck"));
    command.args(["demo", "--speed", "30", "--scenario"]);
    command.arg(scenario());
    command
}

/// Past the moment in which a question that has just come up hears nothing.
fn answer(seat: &mut Seat, keys: &str) {
    std::thread::sleep(std::time::Duration::from_millis(300));
    seat.press(keys);
}

#[test]
fn a_marked_tenant_is_restarted_and_seen_to_be_done() {
    let mut seat = opened(demo());
    seat.wait_for(" live");
    seat.press(" r");
    seat.wait_for("Enter begins it");
    let asked = seat.screen.screen().contents();
    assert!(asked.contains("restart") && asked.contains("server dry run: its request accepted"), "{asked}");
    answer(&mut seat, "\r");
    seat.wait_for("restart has begun");
    seat.press("R");
    seat.wait_for("this console");
    seat.wait_for("1 done");
    seat.press("\r");
    seat.wait_for("DOWNTIME");
    seat.press("\x03");
    assert!(seat.end().success());
    let journal = seat.home.path().join(".local/state/fleetdeck/journal.jsonl");
    let told = std::fs::read_to_string(journal).unwrap();
    let news = |word: &str| told.lines().filter(|line| line.contains(&format!("\"news\":\"{word}\""))).count();
    assert_eq!((news("began"), news("done"), news("ended")), (1, 1, 1), "{told}");
}

#[test]
fn leaving_in_the_middle_stops_before_the_next_step_and_says_how_to_go_on() {
    let mut seat = opened(demo());
    seat.wait_for(" live");
    seat.press("Mr");
    seat.wait_for("y begins it");
    // Too early to have been read, and not what many tenants ask for.
    answer(&mut seat, "\r");
    seat.wait_for("many tenants are meant");
    seat.press("y");
    seat.wait_for("(R)");
    seat.press("q");
    seat.wait_for("This console carries out");
    answer(&mut seat, "y");
    assert!(seat.end().success());
    seat.assert_restored("leaving");
    let left = seat.screen.screen().contents();
    assert!(
        left.contains("was stopped before its next step") && left.contains("fleetdeck runs resume restart-"),
        "{left}"
    );
}
