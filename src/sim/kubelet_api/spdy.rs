//! SPDY/3.1 frames, as far as `kubectl port-forward` needs them: it tunnels them through a WebSocket.
//!
//! Header blocks are one zlib stream per direction with a preset dictionary. The inflater here takes no dictionary, so it
//! is given it as a stored block of its own; what is sent needs no compression and goes out as stored blocks.

use std::collections::BTreeMap;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

/// The words of the SPDY/3 specification, section 2.6.10.1.
const DICTIONARY: &[u8] = include_bytes!("spdy/dictionary.bin");
/// `CMF`, `FLG` and, as a dictionary is used, its checksum.
const ZLIB_HEADER: usize = 6;
const FIN: u8 = 1;
/// A frame's length has 24 bits; nobody who forwards a port needs half of that.
const MAX_FRAME: usize = 4 << 20;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// SYN_STREAM: names in small letters.
    Open {
        stream: u32,
        headers: BTreeMap<String, String>,
    },
    Data {
        stream: u32,
        bytes: Bytes,
        fin: bool,
    },
    Ping(u32),
    /// RST_STREAM.
    Reset(u32),
}

/// Reads one direction of a connection.
pub(super) struct Decoder {
    buffer: Vec<u8>,
    inflate: Decompress,
    began: bool,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { buffer: vec![], inflate: Decompress::new(false), began: false }
    }

    /// The frames that are complete with these bytes; those of no interest are left out.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, String> {
        self.buffer.extend_from_slice(bytes);
        let mut frames = vec![];
        while let Some(head) = self.buffer.get(..8) {
            let word = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
            let (flags, length) = (head[4], u32::from_be_bytes([0, head[5], head[6], head[7]]) as usize);
            if length > MAX_FRAME {
                return Err(format!("a frame of {length} bytes is too long"));
            }
            if self.buffer.len() < 8 + length {
                break;
            }
            let rest = self.buffer.split_off(8 + length);
            let body = std::mem::replace(&mut self.buffer, rest).split_off(8);
            frames.extend(self.frame(word, flags, &body)?);
        }
        Ok(frames)
    }

    fn frame(&mut self, word: u32, flags: u8, body: &[u8]) -> Result<Option<Frame>, String> {
        if word >> 31 == 0 {
            let bytes = Bytes::copy_from_slice(body);
            return Ok(Some(Frame::Data { stream: word, bytes, fin: flags & FIN != 0 }));
        }
        let number = |at: usize| {
            let four = body.get(at..at + 4).ok_or("a control frame is too short")?;
            Ok::<u32, String>(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
        };
        let stream = || Ok::<u32, String>(number(0)? & 0x7fff_ffff);
        Ok(match word & 0xffff {
            1 => {
                let block = body.get(10..).ok_or("a SYN_STREAM frame is too short")?;
                Some(Frame::Open { stream: stream()?, headers: headers(&self.inflate(block)?)? })
            }
            3 => Some(Frame::Reset(stream()?)),
            6 => Some(Frame::Ping(number(0)?)),
            // HEADERS: they move the dictionary on, though nobody reads them.
            8 => {
                self.inflate(body.get(4..).ok_or("a HEADERS frame is too short")?)?;
                None
            }
            _ => None,
        })
    }

    fn inflate(&mut self, mut block: &[u8]) -> Result<Vec<u8>, String> {
        if !self.began {
            self.began = true;
            let has_dictionary = block.get(1).is_some_and(|flags| flags & 0x20 != 0);
            block = block
                .get(if has_dictionary { ZLIB_HEADER } else { 2 }..)
                .ok_or("the first header block is too short")?;
            self.run(&stored(DICTIONARY))?;
        }
        self.run(block)
    }

    fn run(&mut self, input: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = Vec::with_capacity(4096);
        let before = self.inflate.total_in();
        loop {
            let used = usize::try_from(self.inflate.total_in() - before).unwrap_or(usize::MAX);
            let rest = input.get(used..).unwrap_or_default();
            let status = self.inflate.decompress_vec(rest, &mut out, FlushDecompress::Sync);
            let full = out.len() == out.capacity();
            match status.map_err(|e| format!("a header block does not inflate: {e}"))? {
                Status::Ok if full && out.len() < MAX_FRAME => out.reserve(4096),
                Status::BufError | Status::Ok | Status::StreamEnd => return Ok(out),
            }
        }
    }
}

fn headers(block: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let mut rest = block;
    let number = |rest: &mut &[u8]| {
        let (four, after) = rest.split_first_chunk::<4>().ok_or("a header block ends early")?;
        *rest = after;
        Ok::<usize, String>(u32::from_be_bytes(*four) as usize)
    };
    let count = number(&mut rest)?;
    let mut out = BTreeMap::new();
    for _ in 0..count.min(1000) {
        let mut text = || {
            let length = number(&mut rest)?;
            let (text, after) = rest.split_at_checked(length).ok_or("a header block ends early")?;
            rest = after;
            Ok::<String, String>(String::from_utf8_lossy(text).into_owned())
        };
        let (name, value) = (text()?.to_lowercase(), text()?);
        out.insert(name, value);
    }
    Ok(out)
}

/// A deflate block that is not compressed.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut out = vec![0];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(&bytes[..usize::from(length)]);
    out
}

fn control(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80, 3];
    out.extend(kind.to_be_bytes());
    out.extend(u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
    out.extend(body);
    out
}

/// Writes the other direction.
#[derive(Default)]
pub(super) struct Encoder {
    began: bool,
}

impl Encoder {
    /// SYN_REPLY without headers: the stream is accepted.
    pub(super) fn accept(&mut self, stream: u32) -> Vec<u8> {
        let mut body = stream.to_be_bytes().to_vec();
        if !self.began {
            self.began = true;
            body.extend([0x78, 0x01]);
        }
        body.extend(stored(&0_u32.to_be_bytes()));
        // The flush: Go's reader hands out nothing before it.
        body.extend(stored(&[]));
        control(2, &body)
    }

    pub(super) fn pong(&self, id: u32) -> Vec<u8> {
        control(6, &id.to_be_bytes())
    }

    /// Data, the last of the stream if `fin`.
    pub(super) fn data(&self, stream: u32, bytes: &[u8], fin: bool) -> Vec<u8> {
        let mut out = stream.to_be_bytes().to_vec();
        out.extend(u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
        out[4] = u8::from(fin);
        out.extend(bytes);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(stream: u32, block: &[u8]) -> Vec<u8> {
        let mut body = stream.to_be_bytes().to_vec();
        body.extend([0; 6]);
        body.extend(block);
        control(1, &body)
    }

    fn header_block(pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut out = (pairs.len() as u32).to_be_bytes().to_vec();
        for text in pairs.iter().flat_map(|(k, v)| [k, v]) {
            out.extend((text.len() as u32).to_be_bytes());
            out.extend(text.as_bytes());
        }
        out
    }

    #[test]
    fn frames_arrive_in_any_pieces() {
        let encoder = Encoder::default();
        let mut block = vec![0x78, 0x01];
        block.extend(stored(&header_block(&[("Port", "18789"), ("streamtype", "data")])));
        let mut wire = open(1, &block);
        wire.extend(encoder.data(1, b"hello", true));
        wire.extend(encoder.pong(7));
        for size in [1, 3, wire.len()] {
            let mut decoder = Decoder::new();
            let frames: Vec<Frame> = wire.chunks(size).flat_map(|c| decoder.feed(c).unwrap()).collect();
            let headers = [("port", "18789"), ("streamtype", "data")].map(|(k, v)| (k.to_owned(), v.to_owned()));
            let expect = [
                Frame::Open { stream: 1, headers: headers.into() },
                Frame::Data { stream: 1, bytes: Bytes::from_static(b"hello"), fin: true },
                Frame::Ping(7),
            ];
            assert_eq!(frames, expect, "in pieces of {size}");
        }
    }

    #[test]
    fn a_block_that_refers_to_the_dictionary_is_understood() {
        // By zlib with this dictionary and a sync flush: the headers of a port-forward's first stream.
        let block = include_bytes!("spdy/first_block.bin");
        let mut decoder = Decoder::new();
        let frames = decoder.feed(&open(1, block)).unwrap();
        let [Frame::Open { headers, .. }] = frames.as_slice() else { panic!("{frames:?}") };
        assert_eq!(headers["streamtype"], "error");
        assert_eq!(headers["port"], "18789");
    }

    #[test]
    fn broken_frames_are_errors() {
        let check = |bytes: &[u8]| assert!(Decoder::new().feed(bytes).is_err(), "{bytes:?}");
        check(&control(1, &[0, 0]));
        check(&control(3, &[0, 0]));
        check(&open(1, &[0x78, 0x01, 0xff, 0xff, 0xff]));
        check(&[0, 0, 0, 1, 0, 0xff, 0xff, 0xff]);
    }
}
