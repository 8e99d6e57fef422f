//! Raw lines as a kubelet sends them, and the way they go into blocks.

use fleetdeck::cluster::logs::{Block, Lane, Pen, Seen, Split, stamp};

/// Containers that they come from.
const LANES: u16 = 20;
/// Raw bytes that come at a time, as a reader takes them.
const PIECE: usize = 32 << 10;

/// What every container has of its own.
#[derive(Default)]
struct Reader {
    split: Split,
    pen: Pen,
    seen: Seen,
}

/// Feeds the same second of twenty containers' logs, over and over.
pub struct Feeder {
    texts: Vec<Vec<u8>>,
    readers: Vec<Reader>,
    /// Raw bytes so far.
    pub bytes: u64,
}

impl Default for Feeder {
    fn default() -> Self {
        let texts = (0..LANES).map(text).collect();
        Self { texts, readers: (0..LANES).map(|_| Reader::default()).collect(), bytes: 0 }
    }
}

impl Feeder {
    /// At least so many lines; how many.
    pub fn feed(&mut self, lines: u64, mut to: impl FnMut(Block)) -> u64 {
        let mut fed = 0;
        let mut turn = 0;
        while fed < lines {
            let lane = turn % usize::from(LANES);
            let text = &self.texts[lane];
            let pieces = text.chunks(PIECE);
            let piece =
                pieces.clone().nth(turn / usize::from(LANES) % pieces.len()).expect("it is taken round and round");
            turn += 1;
            let mut block = Block::default();
            let Reader { split, pen, seen } = &mut self.readers[lane];
            let lane = Lane(u16::try_from(lane).expect("there are few"));
            split.push(piece, |raw, over| {
                let (time, text) = match stamp::parse(raw) {
                    Some((time, from)) => (Some(time), &raw[from..]),
                    None => (None, raw),
                };
                if seen.is_new(time, text) {
                    block.write(pen, lane, time, text, over);
                }
            });
            self.bytes += piece.len() as u64;
            fed += block.len() as u64;
            to(block);
        }
        fed
    }
}

/// 10,000 lines of one container.
fn text(lane: u16) -> Vec<u8> {
    let mut text = Vec::new();
    for n in 0..10_000_u32 {
        let time = stamp::rfc3339(1_790_000_000_000_000_000 + i64::from(n) * 100_000, 9);
        let line = match n % 50 {
            0 => format!("Authorization: Bearer {n:x}abcdefghijklmnopqrstuvwx accepted"),
            1 => format!("\u{1b}[31mERROR\u{1b}[0m request {n} failed: error 502 from http://litellm:4000/v1"),
            2 => format!(
                r#"{{"level":30,"time":{n},"msg":"page loaded","url":"https://example.com/{n}","ms":{}}}"#,
                n % 900
            ),
            _ => format!("container-{lane}: tick {n} requests={} errors=0 p95={}ms", n % 40, 5 + n % 90),
        };
        text.extend_from_slice(format!("{time} {line}\n").as_bytes());
    }
    text
}
