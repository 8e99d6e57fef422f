//! A container that writes whatever steers a terminal, looked at in a real terminal: its state is untouched.

use portable_pty::CommandBuilder;

use crate::{pty::seat::Seat, served::Served};

/// What it writes, line by line, over and over; each ends in a word that can be waited for.
const LINES: [&str; 18] = [
    "plain words, line one",
    "\\u001bc reset",
    "\\u001b[?1049l leave-the-screen",
    "\\u001b[?25h\\u001b[?2004l\\u001b[?1000h\\u001b[?1006h modes",
    "\\u001b]0;owned\\u0007 title",
    "\\u001b]52;c;b3duZWQ=\\u0007 clipboard",
    "\\u001b]8;;https://evil.example/\\u001b\\\\link\\u001b]8;;\\u001b\\\\ hyperlink",
    "\\u001bP1$r0m\\u001b\\\\ device-control",
    "\\u009b2J\\u009b?1049l one-byte-controls",
    "\\u000e\\u001b(0 charset lqqk",
    "\\u001b[5;1H\\u001b[1A\\u001b[2K cursor",
    "\\u001b[6n\\u001b[c\\u0005 questions",
    "\\u001b[3;40r\\u001b[?6h scroll-region",
    "\\u001b[8;7m\\u001b[40m\\u001b[30m hidden-words",
    "abc\\u202egpj.exe\\u2066 bidi",
    "a\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301 flood\\u200b\\ufeff",
    "\\r-- pod replaced, revision 7 -> 8, 41s gap -- \\b\\b\\b forged",
    "\\u001b]0;no end of this sequence",
];

fn served() -> Served {
    let mut lines: Vec<String> = LINES.iter().map(|l| format!("\"{l}\"")).collect();
    lines.push(format!("\"{} long\"", "x".repeat(20_000)));
    Served::new(&format!("container = 'gateway'\nlog-lines-per-second = 20\nlog-text = [{}]", lines.join(", ")))
}

/// Sequences that a console sends to draw: cursor, colours, erasing, and its own modes at the beginning and the end.
fn is_harmless(sequence: &str) -> bool {
    let body = sequence.trim_start_matches("\u{1b}[");
    let Some(last) = body.chars().last() else { return false };
    let parameters = &body[..body.len() - 1];
    let numbers = parameters.chars().all(|c| c.is_ascii_digit() || c == ';' || c == ':');
    match last {
        'm' | 'H' | 'J' | 'K' | 'A' | 'B' | 'C' | 'D' | 'G' | 'X' => numbers,
        'h' | 'l' => {
            ["?1049", "?25", "?2004", "?2026", "?1000", "?1002", "?1003", "?1006", "?1015"].contains(&parameters)
        }
        _ => false,
    }
}

/// Every escape sequence in what came, and every other control character.
fn controls(heard: &[u8]) -> (Vec<String>, Vec<char>) {
    let text = String::from_utf8_lossy(heard);
    let (mut sequences, mut others) = (Vec::new(), Vec::new());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            let mut sequence = String::from(c);
            let is_control = chars.peek() == Some(&'[');
            for c in chars.by_ref() {
                sequence.push(c);
                let ends = if is_control { sequence.len() > 2 && ('@'..='~').contains(&c) } else { true };
                if ends {
                    break;
                }
            }
            sequences.push(sequence);
        } else if c.is_control() && !matches!(c, '\n' | '\r') {
            others.push(c);
        }
    }
    (sequences, others)
}

#[test]
fn the_console_shows_it_and_the_terminal_is_as_it_was() {
    let served = served();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fleetdeck"));
    command.args([served.tenant.as_str(), "--kubeconfig", &served.kubeconfig]);
    let mut seat = Seat::take(command);
    seat.wait_for("BOOT");
    seat.press("l");
    seat.wait_for("following");
    seat.press("&leave|modes|owned|clipboard|forged\r");
    seat.wait_for("-- pod replaced, revision 7 -> 8, 41s gap --");
    // Drawn in every way that there is.
    for keys in ["a", "w", "J", "t", "&\x15\r", "/hidden|end of\r", "n", "G", "f", "f"] {
        seat.press(keys);
        seat.hear(std::time::Duration::from_millis(300));
    }
    seat.wait_for("following");
    let screen = seat.screen.screen();
    assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    // What was read so far may end within a sequence: the last one is left for whoever reads on.
    let whole = seat.heard.iter().rposition(|b| *b == 0x1b).unwrap_or(0);
    let (sequences, others) = controls(&seat.heard[..whole]);
    let hostile: Vec<_> = sequences.iter().filter(|s| !is_harmless(s)).collect();
    assert!(hostile.is_empty(), "{hostile:?}");
    assert!(others.is_empty(), "{others:?}");
    let text = String::from_utf8_lossy(&seat.heard).into_owned();
    for hidden in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}'] {
        assert!(!text.contains(hidden), "{hidden:?}");
    }
    // Each hostile mode is ours as often as we set it: once at the start.
    let count = |wanted: &str| sequences.iter().filter(|s| s.as_str() == wanted).count();
    assert_eq!((count("\u{1b}[?1049h"), count("\u{1b}[?1049l"), count("\u{1b}[?1000h")), (1, 0, 0));
    seat.press("\x03");
    assert!(seat.end().success());
    seat.assert_restored("hostile logs");
}

#[test]
fn the_verb_writes_no_control_character_to_a_terminal() {
    let served = served();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fleetdeck"));
    command.args(["logs", &served.tenant, "-f", "-c", "gateway", "--kubeconfig", &served.kubeconfig]);
    let mut seat = Seat::take(command);
    seat.wait_for("forged");
    seat.wait_for("bytes cut]");
    seat.press("\x03");
    seat.end();
    // The terminal itself echoes ctrl-c.
    let heard: Vec<u8> = seat.heard.iter().copied().filter(|b| *b != b'\x03').collect();
    let (sequences, others) = controls(&heard);
    assert_eq!((sequences, others), (Vec::<String>::new(), Vec::<char>::new()));
    seat.assert_restored("hostile logs");
}
