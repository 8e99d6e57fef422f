//! The promise of the pure parts together: any bytes in any pieces give the same lines, and nothing in them steers a
//! terminal or is a secret.

use proptest::{collection::vec, prelude::*};

use super::{
    LONGEST,
    block::{Block, Lane, Pen},
    split::Split,
};

fn lines(pieces: &[&[u8]]) -> Block {
    let (mut split, mut pen, mut block) = (Split::default(), Pen::default(), Block::default());
    for piece in pieces {
        split.push(piece, |raw, over| block.write(&mut pen, Lane(0), None, raw, over));
    }
    split.end(|raw, over| block.write(&mut pen, Lane(0), None, raw, over));
    block
}

fn texts(block: &Block) -> Vec<(Vec<u8>, u32, bool)> {
    block.lines().iter().map(|l| (block.text(l).to_vec(), l.cut, l.masked)).collect()
}

/// Pieces of what hostile and ordinary containers write.
fn part() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..40),
        4 => "[ -~]{0,60}".prop_map(String::into_bytes),
        2 => "\\PC{0,20}".prop_map(String::into_bytes),
        2 => prop::sample::select(vec![
            &b"\n"[..], b"\r\n", b"\x1b[31m", b"\x1b]52;c;", b"\x1b]0;x\x07", b"\x1bP", b"\xc2\x9b2J", b"\xe2\x80\xae", b"\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
            b"Authorization: Bearer ", b"#token=", b"sk-ant-api03-0123456789abcdefghij", b"\"apiKey\":\"", b"-----BEGIN PRIVATE KEY-----\n",
            b"-----END PRIVATE KEY-----\n", b"eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.sig",
        ]).prop_map(<[u8]>::to_vec),
        1 => (0_usize..LONGEST * 2).prop_map(|n| vec![b'x'; n]),
    ]
}

proptest! {
    #[test]
    fn any_pieces_of_any_bytes_give_the_same_lines(parts in vec(part(), 0..24), cuts in vec(any::<prop::sample::Index>(), 0..24)) {
        let whole = parts.concat();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(whole.len() + 1)).collect();
        at.extend([0, whole.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|w| &whole[w[0]..w[1]]).collect();
        let expect = lines(&[&whole]);
        prop_assert_eq!(texts(&lines(&pieces)), texts(&expect));
        let single: Vec<&[u8]> = whole.chunks(1).take(4_000).collect();
        prop_assert_eq!(texts(&lines(&single)), texts(&lines(&[&whole[..whole.len().min(4_000)]])));
    }

    #[test]
    fn whatever_comes_is_one_line_of_harmless_text(parts in vec(part(), 0..24)) {
        for (text, _, _) in texts(&lines(&[&parts.concat()])) {
            let text = String::from_utf8(text).expect("clean text is UTF-8");
            prop_assert!(text.len() <= LONGEST);
            prop_assert!(text.chars().all(|c| c == '\t' || !crate::fleet::clean::is_hidden(c)), "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_masked_wherever_it_is_split(
        before in "[ a-z]{0,30}",
        secret in "[A-Za-z0-9]{20,60}",
        after in "[ a-z]{0,30}",
        cut in any::<prop::sample::Index>(),
        shape in 0_usize..5,
    ) {
        let line = match shape {
            0 => format!("{before} Bearer {secret} {after}\n"),
            1 => format!("{before} http://x/#token={secret} {after}\n"),
            2 => format!("{before} sk-{secret} {after}\n"),
            3 => format!("{before} {{\"OPENAI_API_KEY\":\"{secret}\"}} {after}\n"),
            _ => format!("{before} OPENCLAW_GATEWAY_TOKEN={secret} {after}\n"),
        };
        let at = cut.index(line.len());
        let block = lines(&[&line.as_bytes()[..at], &line.as_bytes()[at..]]);
        let text = String::from_utf8_lossy(block.text(&block.lines()[0])).into_owned();
        prop_assert!(!text.contains(&secret[..8]), "{text}");
        prop_assert!(text.contains("***"), "{text}");
    }
}
