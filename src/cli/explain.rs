//! `fleetdeck explain CODE`: what a finding or the reason of a refusal means, how to see it by hand, what to do. Asks no
//! cluster.

use super::{
    args::{Explain, OneFormat},
    failure::Failure,
    json::{
        API_VERSION,
        finding::{Explained, Explanations},
    },
    print::Out,
};
use crate::{
    diagnose::{Code, Explanation},
    plan::refusal::Why,
};

/// Width of running text where it goes to no terminal.
const WIDTH: usize = 100;

pub(super) fn run(args: &Explain) -> Result<(), Failure> {
    let Some(asked) = &args.code else { return list(args.output) };
    let (finding, refusal) = (asked.parse::<Code>(), asked.parse::<Why>());
    // One word may be both: a moving tag is found on a tenant, and refused in an upgrade.
    let texts = [
        finding.as_ref().ok().and_then(|code| code.explain()).map(|text| ("finding", text)),
        refusal.ok().and_then(Why::explain).map(|text| ("refusal", text)),
    ];
    let texts: Vec<_> = texts.into_iter().flatten().collect();
    if texts.is_empty() {
        let mut near: Vec<_> = finding.err().map_or_else(Vec::new, |e| e.near.iter().map(|c| c.word()).collect());
        let shares = |why: &Why| asked.split('-').any(|part| part.len() > 2 && why.word().contains(part));
        near.extend(Why::ALL.into_iter().filter(shares).map(Why::word));
        let hint = if near.is_empty() {
            "`fleetdeck explain` lists them".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        return Err(Failure::Usage(format!("there is no finding or refusal {asked:?}; {hint}")));
    }
    let mut out = Out::new();
    if args.output == OneFormat::Json {
        // A finding is the wider idea; its refusal says what to do in an operation.
        let (of, text) = &texts[0];
        out.json(&Explained::of(text, of))?;
        return out.flush();
    }
    let width = out.width.unwrap_or(WIDTH).clamp(40, WIDTH);
    for (i, (of, text)) in texts.iter().enumerate() {
        if i > 0 {
            out.line("")?;
        }
        let as_refusal = if *of == "refusal" { " (an operation is refused)" } else { "" };
        out.line(&format!("{}: {}{as_refusal}", text.word, text.title))?;
        for line in body(text, width) {
            out.line(&line)?;
        }
    }
    out.flush()
}

fn body(text: &Explanation, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    lines.extend(wrap(text.means, width));
    lines.extend([String::new(), "By hand (NS is the tenant's namespace):".to_owned()]);
    lines.extend(text.by_hand.lines().map(|line| format!("  {line}")));
    lines.extend([String::new(), "What to do:".to_owned()]);
    lines.extend(wrap(text.act, width - 2).into_iter().map(|line| format!("  {line}")));
    lines
}

fn list(output: OneFormat) -> Result<(), Failure> {
    let mut out = Out::new();
    if output == OneFormat::Json {
        let findings = Code::ALL.iter().filter_map(|code| Some(Explained::of(&code.explain()?, "finding")));
        let refusals = Why::ALL.into_iter().filter_map(|why| Some(Explained::of(&why.explain()?, "refusal")));
        let items = findings.chain(refusals).collect();
        out.json(&Explanations { api_version: API_VERSION, kind: "ExplanationList", items })?;
        return out.flush();
    }
    for code in Code::ALL {
        out.line(&format!("{:<24}{}", code.word(), code.title()))?;
    }
    for why in Why::ALL {
        out.line(&format!("{:<24}refused: {}", why.word(), why.title()))?;
    }
    out.flush()
}

/// Breaks running text at blanks.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map_or(0, |l| l.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_blanks_and_long_words_stay_whole() {
        assert_eq!(wrap("a bc  def", 4), ["a bc", "def"]);
        assert_eq!(wrap("abcdefgh i", 4), ["abcdefgh", "i"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
