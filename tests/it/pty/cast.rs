//! A recording of a terminal: asciicast, version 2.

use std::time::Duration;

use serde_json::{Value, json};

/// What comes closer together is one event.
const TOGETHER: f64 = 0.03;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Output(String),
    /// A place to jump to, and what is seen there.
    Mark(String),
}

/// What a terminal was sent, and when: seconds from the beginning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cast {
    pub columns: u16,
    pub rows: u16,
    pub title: String,
    pub events: Vec<(f64, What)>,
    /// The beginning of a character whose end has not come.
    half: Vec<u8>,
}

impl Cast {
    pub(crate) fn new(columns: u16, rows: u16, title: &str) -> Self {
        Self { columns, rows, title: title.to_owned(), events: Vec::new(), half: Vec::new() }
    }

    pub(crate) fn output(&mut self, at: Duration, bytes: &[u8]) {
        self.half.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.half) {
            Ok(text) => text.len(),
            Err(error) => {
                assert_eq!(error.error_len(), None, "the console writes UTF-8");
                error.valid_up_to()
            }
        };
        let rest = self.half.split_off(whole);
        let text = String::from_utf8(std::mem::replace(&mut self.half, rest)).unwrap();
        let at = at.as_secs_f64();
        match self.events.last_mut() {
            Some((before, What::Output(said))) if at - *before < TOGETHER => said.push_str(&text),
            _ if text.is_empty() => {}
            _ => self.events.push((at, What::Output(text))),
        }
    }

    pub(crate) fn mark(&mut self, at: Duration, name: &str) {
        self.events.push((at.as_secs_f64(), What::Mark(name.to_owned())));
    }

    pub(crate) fn text(&self) -> String {
        let header = json!({
            "version": 2, "width": self.columns, "height": self.rows, "title": self.title, "idle_time_limit": 2.5,
            "env": { "TERM": "xterm-256color", "SHELL": "/bin/sh" },
        });
        let line = |(at, what): &(f64, What)| {
            let at = (at * 1_000.0).round() / 1_000.0;
            match what {
                What::Output(text) => json!([at, "o", text]),
                What::Mark(name) => json!([at, "m", name]),
            }
        };
        let lines = std::iter::once(header).chain(self.events.iter().map(line));
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Reads a recording; what is wrong with it, by line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate().map(|(n, line)| {
            let read = serde_json::from_str::<Value>(line);
            read.map(|value| (n + 1, value)).map_err(|e| format!("line {}: {e}", n + 1))
        });
        let (_, header) = lines.next().ok_or("it is empty")??;
        if header["version"] != 2 {
            return Err(format!("version {}, not 2", header["version"]));
        }
        let size = |key: &str| header[key].as_u64().and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
        let (Some(columns), Some(rows)) = (size("width"), size("height")) else {
            return Err("no width and height".to_owned());
        };
        let mut cast = Self::new(columns, rows, header["title"].as_str().unwrap_or_default());
        let mut last = 0.0;
        for line in lines {
            let (n, event) = line?;
            let wrong = || format!("line {n}: no event of asciicast v2: {event}");
            let [at, code, data] = event.as_array().map(Vec::as_slice).ok_or_else(wrong)? else { return Err(wrong()) };
            let (at, data) = (at.as_f64().ok_or_else(wrong)?, data.as_str().ok_or_else(wrong)?.to_owned());
            if at < last {
                return Err(format!("line {n}: time goes backwards"));
            }
            last = at;
            let what = match code.as_str() {
                Some("o") => What::Output(data),
                Some("m") => What::Mark(data),
                _ => return Err(wrong()),
            };
            cast.events.push((at, what));
        }
        Ok(cast)
    }

    /// Plays it, and calls `at` with each mark and the screen of that moment.
    pub(crate) fn replay(&self, mut at: impl FnMut(&str, &vt100::Screen)) {
        let mut screen = vt100::Parser::new(self.rows, self.columns, 0);
        for (_, what) in &self.events {
            match what {
                What::Output(text) => screen.process(text.as_bytes()),
                What::Mark(name) => at(name, screen.screen()),
            }
        }
    }
}

#[test]
fn what_is_recorded_is_read_again() {
    let mut cast = Cast::new(20, 2, "a title");
    let sent = "\u{1b}[1m▰ two\u{1b}[0m".as_bytes();
    // In the middle of a character, and close together.
    cast.output(Duration::from_millis(10), &sent[..5]);
    cast.output(Duration::from_millis(15), &sent[5..]);
    cast.mark(Duration::from_millis(16), "seen");
    cast.output(Duration::from_millis(900), b"\r\nthree");
    assert_eq!(cast.events.len(), 3, "{:?}", cast.events);
    let read = Cast::parse(&cast.text()).unwrap();
    assert_eq!(read.events, cast.events);
    let mut seen = Vec::new();
    read.replay(|name, screen| seen.push((name.to_owned(), screen.contents())));
    assert_eq!(seen, [("seen".to_owned(), "▰ two".to_owned())]);
    for (wrong, why) in [
        ("", "empty"),
        ("{\"version\":1,\"width\":1,\"height\":1}", "version"),
        ("{\"version\":2,\"width\":0,\"height\":1}", "width"),
        ("{\"version\":2,\"width\":9,\"height\":9}\n[2,\"o\",\"\"]\n[1,\"o\",\"\"]", "backwards"),
        ("{\"version\":2,\"width\":9,\"height\":9}\n[2,\"x\",\"\"]", "no event"),
        ("{\"version\":2,\"width\":9,\"height\":9}\n[2,\"o\"", "line 2"),
    ] {
        let said = Cast::parse(wrong).unwrap_err();
        assert!(said.contains(why), "{wrong}: {said}");
    }
}
