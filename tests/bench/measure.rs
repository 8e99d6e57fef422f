//! Time, memory and a table.

use std::{
    alloc::System,
    time::{Duration, Instant},
};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts what is asked of it.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a block costs beside its bytes: glibc's eight, and what it rounds up.
pub const OVERHEAD: usize = 16;

/// The heap at a moment.
pub struct Heap(Region<'static, System>);

/// What is held of it.
pub struct Held {
    /// [`OVERHEAD`] of each block included.
    pub bytes: usize,
    pub blocks: usize,
}

impl Heap {
    pub fn now() -> Self {
        Self(Region::new(ALLOCATOR))
    }

    /// What is held now and was not then. Unlike the growth of the process it does not depend on what passed through.
    pub fn grown(&self) -> Held {
        let change = self.0.change();
        let blocks = change.allocations.saturating_sub(change.deallocations);
        let bytes = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
        Held { bytes: bytes + blocks * OVERHEAD, blocks }
    }
}

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
