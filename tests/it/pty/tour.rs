//! The recorded tour: demo/tour.toml says what is typed and what each step must show, the real program is led through it,
//! and the recording that lies beside it shows the same.
//!
//! `UPDATE_GOLDEN=1 cargo test --test it tour` records it anew, at a reader's pace.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize};
use serde::Deserialize;

use super::{
    cast::Cast,
    seat::{PATIENCE, SIZE, Seat},
};

const ENOUGH: usize = 300_000;
/// A question that has just come up hears nothing for a moment.
const GLANCE: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tour {
    title: String,
    columns: u16,
    rows: u16,
    command: String,
    step: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// What is seen once the keys have done their work.
    mark: String,
    types: String,
    shows: Vec<String>,
    /// Seconds that a reader gets.
    reads: f64,
}

impl Step {
    fn is_shown(&self, screen: &vt100::Screen) -> bool {
        let contents = screen.contents();
        self.shows.iter().all(|text| contents.contains(text))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo")
}

fn tour() -> Tour {
    toml::from_str(&fs::read_to_string(folder().join("tour.toml")).unwrap()).unwrap()
}

/// Whoever takes the tour, and the tape that runs along.
struct Guide {
    seat: Seat,
    cast: Cast,
    began: Instant,
    records: bool,
}

impl Guide {
    fn new(tour: &Tour, records: bool) -> Self {
        let mut shell = CommandBuilder::new("sh");
        shell.arg("-i");
        let program = Path::new(env!("CARGO_BIN_EXE_fleetdeck")).parent().unwrap();
        let path = [program.as_os_str().to_owned(), OsString::from("/usr/bin:/bin")].join(&OsString::from(":"));
        let home = tempfile::tempdir().unwrap();
        shell.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PS1", "$ ")] {
            shell.env(name, value);
        }
        shell.env("HOME", home.path());
        shell.env("PATH", path);
        let size = PtySize { rows: tour.rows, cols: tour.columns, ..SIZE };
        let seat = Seat::sized(shell, home, size);
        Self { seat, cast: Cast::new(tour.columns, tour.rows, &tour.title), began: Instant::now(), records }
    }

    fn watch(&mut self, span: Duration) {
        let until = Instant::now() + span;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let before = self.seat.heard.len();
            if self.seat.hear(left.min(Duration::from_millis(50))).is_some() {
                self.cast.output(self.began.elapsed(), &self.seat.heard[before..]);
            }
            if left.is_zero() {
                return;
            }
        }
    }

    fn wait(&mut self, what: &str, met: impl Fn(&vt100::Screen) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !met(self.seat.screen.screen()) {
            let shown = self.seat.screen.screen().contents();
            assert!(Instant::now() < until, "{what:?} did not come; the screen:\n{shown}");
            self.watch(Duration::from_millis(50));
        }
    }

    /// One by one: an Esc together with what follows would be another key.
    fn types(&mut self, keys: &str) {
        for key in keys.chars() {
            self.seat.press(&key.to_string());
            let pause = match key {
                '\u{1b}' | '\r' => 250,
                _ if self.records => 90,
                _ => 20,
            };
            self.watch(Duration::from_millis(pause));
        }
    }

    fn step(&mut self, step: &Step) {
        self.types(&step.types);
        self.wait(&step.mark, |screen| step.is_shown(screen));
        self.cast.mark(self.began.elapsed(), &step.mark);
        let reads = if self.records { Duration::from_secs_f64(step.reads) } else { GLANCE };
        self.watch(reads);
    }
}

fn take(tour: &Tour, records: bool) -> Cast {
    let mut guide = Guide::new(tour, records);
    guide.wait("the prompt", |screen| screen.contents().contains('$'));
    guide.types(&format!("{}\r", tour.command));
    guide.wait("the console", vt100::Screen::alternate_screen);
    let (last, steps) = tour.step.split_last().unwrap();
    for step in steps {
        guide.step(step);
        assert!(guide.seat.screen.screen().alternate_screen(), "{}: the console is still there", step.mark);
    }
    guide.types(&last.types);
    guide.wait("the shell", |screen| !screen.alternate_screen());
    guide.step(&Step { types: String::new(), mark: last.mark.clone(), shows: last.shows.clone(), reads: last.reads });
    guide.cast
}

#[test]
fn the_tour_shows_what_its_script_says() {
    let tour = tour();
    let records = std::env::var_os("UPDATE_GOLDEN").is_some();
    let cast = take(&tour, records);
    // What was just taken is as good a recording as the one that is kept.
    shows(&tour, &Cast::parse(&cast.text()).unwrap());
    if records {
        fs::write(folder().join("tour.cast"), cast.text()).unwrap();
    }
}

/// Each step at its mark, and nothing else.
fn shows(tour: &Tour, cast: &Cast) {
    assert_eq!((cast.columns, cast.rows, &cast.title), (tour.columns, tour.rows, &tour.title));
    let mut steps = tour.step.iter();
    cast.replay(|name, screen| {
        let step = steps.next().unwrap_or_else(|| panic!("{name:?} is no step of the tour"));
        assert_eq!(step.mark, name, "the tour has other steps by now");
        assert!(step.is_shown(screen), "{name:?} has to show {:?}:\n{}", step.shows, screen.contents());
    });
    assert!(steps.next().is_none(), "the recording ends before the tour does");
}

#[test]
fn the_recording_that_is_kept_is_the_tour() {
    let text = fs::read_to_string(folder().join("tour.cast")).unwrap();
    assert!(text.len() <= ENOUGH, "{} bytes", text.len());
    let cast = Cast::parse(&text).unwrap();
    shows(&tour(), &cast);
    // Of whoever recorded it there is nothing in it.
    for private in ["/root", "/home/", "/tmp/", "/work"] {
        assert!(!text.contains(private), "the recording holds {private}");
    }
}
