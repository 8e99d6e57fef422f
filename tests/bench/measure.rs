//! Time, memory and a table.

use std::time::{Duration, Instant};

/// The best of nine runs: what the work costs when nobody else wants the core.
pub fn best(mut work: impl FnMut()) -> Duration {
    work();
    let mut least = Duration::MAX;
    for _ in 0..9 {
        let start = Instant::now();
        work();
        least = least.min(start.elapsed());
    }
    least
}

/// Resident bytes of this process; 0 where the system does not tell.
pub fn resident() -> u64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/statm") else { return 0 };
    let pages: u64 = text.split_whitespace().nth(1).and_then(|p| p.parse().ok()).unwrap_or(0);
    pages * 4_096
}

/// Prints each figure as it is known: the later ones may take long.
pub struct Table;

impl Table {
    #[allow(clippy::print_stdout, reason = "a benchmark's figures are its output")]
    pub fn row(&mut self, what: &str, figure: impl Into<String>, note: impl Into<String>) {
        println!("{what:<28} {:>24}   {}", figure.into(), note.into());
    }
}
