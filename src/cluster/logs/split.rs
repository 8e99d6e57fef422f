//! Bytes to lines, whatever pieces they come in. A line beyond a bound is cut, and how much was cut is told.

/// Bytes of a line that are kept of what came: the longest text that is shown, and room behind it in which a secret
/// that begins within can be seen whole.
pub(super) const KEPT: usize = super::LONGEST + AHEAD;
/// Of a line that goes on beyond [`KEPT`], its last bytes are not shown: they may be half a secret.
pub(super) const AHEAD: usize = 4 << 10;

/// A splitter for one stream.
#[derive(Debug, Default)]
pub struct Split {
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    /// How many bytes of that line were not kept.
    over: u64,
}

impl Split {
    /// Gives every line that these bytes end, without its end, and how many bytes of it were cut off.
    pub fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8], u64)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (head, tail) = (&bytes[..end], &bytes[end + 1..]);
            bytes = tail;
            if self.rest.is_empty() && self.over == 0 {
                let kept = head.len().min(KEPT);
                line(&head[..kept], (head.len() - kept) as u64);
            } else {
                self.keep(head);
                line(&self.rest, self.over);
                self.forget();
            }
        }
        self.keep(bytes);
    }

    /// The end of the stream is the end of its last line.
    pub fn end(&mut self, mut line: impl FnMut(&[u8], u64)) {
        if !self.rest.is_empty() {
            line(&self.rest, self.over);
        }
        self.forget();
    }

    /// The last line broke off and will come again.
    pub fn forget(&mut self) {
        self.rest.clear();
        self.over = 0;
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = KEPT - self.rest.len();
        let kept = bytes.len().min(room);
        self.rest.extend_from_slice(&bytes[..kept]);
        self.over += (bytes.len() - kept) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<(Vec<u8>, u64)> {
        let mut split = Split::default();
        let mut out = Vec::new();
        for piece in pieces {
            split.push(piece, |line, over| out.push((line.to_vec(), over)));
        }
        split.end(|line, over| out.push((line.to_vec(), over)));
        out
    }

    #[test]
    fn lines_come_out_whole() {
        let check = |pieces: &[&[u8]], expect: &[&str]| {
            let got: Vec<_> = lines(pieces).into_iter().map(|(l, _)| String::from_utf8(l).unwrap()).collect();
            assert_eq!(got, expect);
        };
        check(&[b"a\nb\n"], &["a", "b"]);
        check(&[b"a", b"b\nc", b"", b"\n\nd"], &["ab", "c", "", "d"]);
        check(&[b"\n"], &[""]);
        check(&[b""], &[]);
    }

    #[test]
    fn an_overlong_line_is_cut_the_same_way_in_one_piece_and_in_many() {
        let long = [vec![b'x'; KEPT + 7], b"\nnext\n".to_vec()].concat();
        let whole = lines(&[&long]);
        assert_eq!((whole[0].0.len(), whole[0].1, whole[1].0.as_slice()), (KEPT, 7, &b"next"[..]));
        let pieces: Vec<&[u8]> = long.chunks(1_000).collect();
        assert_eq!(lines(&pieces), whole);
    }
}
