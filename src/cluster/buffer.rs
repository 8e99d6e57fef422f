//! The body of an answer, of whatever length.

use std::{io, ops::Deref};

use memmap2::MmapMut;

/// From so many bytes on, a body lies in pages of its own.
const LARGE: usize = 64 << 10;

/// Bytes that came in pieces. Long ones lie outside the heap: a fleet's figures are some megabytes every few seconds, and an
/// allocator that has met one such block keeps room for the next for ever.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    short: Vec<u8>,
    long: Option<MmapMut>,
    /// Of `long`.
    used: usize,
}

impl Buffer {
    pub(super) fn clear(&mut self) {
        self.short.clear();
        self.used = 0;
    }

    /// # Errors
    /// The system has no memory left.
    pub(super) fn add(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.long.is_none() && self.short.len() + piece.len() <= LARGE {
            self.short.extend_from_slice(piece);
            return Ok(());
        }
        let needed = self.len() + piece.len();
        if self.long.as_ref().is_none_or(|long| long.len() < needed) {
            let mut longer = MmapMut::map_anon(needed.next_power_of_two().max(4 * LARGE))?;
            let so_far = self.len();
            longer[..so_far].copy_from_slice(self);
            (self.long, self.used) = (Some(longer), so_far);
            self.short = Vec::new();
        }
        if let Some(long) = &mut self.long {
            long[self.used..needed].copy_from_slice(piece);
            self.used = needed;
        }
        Ok(())
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.long.as_ref().map_or(&self.short, |long| &long[..self.used])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_came_however_much_and_in_whatever_pieces() {
        let mut buffer = Buffer::default();
        for (round, piece) in [7, 1_000, LARGE - 1, LARGE, LARGE + 1, 5 * LARGE].into_iter().enumerate() {
            let all: Vec<u8> = (0..11 * LARGE / 2).map(|n| (n * 31 + round) as u8).collect();
            for part in all.chunks(piece) {
                buffer.add(part).unwrap();
            }
            assert!(*buffer == *all, "in pieces of {piece}");
            buffer.clear();
            assert!(buffer.is_empty());
            buffer.add(b"short").unwrap();
            assert_eq!(&*buffer, b"short");
            buffer.clear();
        }
    }
}
