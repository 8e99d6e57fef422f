//! `fleetdeck explain CODE`: what a finding means, how to see it by hand, what to do. Asks no cluster.

use super::{
    args::{Explain, OneFormat},
    failure::Failure,
    json::finding::Explained,
    print::Out,
};
use crate::diagnose::Code;

/// Width of running text where it goes to no terminal.
const WIDTH: usize = 100;

pub(super) fn run(args: &Explain) -> Result<(), Failure> {
    let Some(asked) = &args.code else { return list() };
    let code: Code = asked.parse().map_err(|error: crate::diagnose::UnknownCode| {
        let near: Vec<_> = error.near.iter().map(|c| c.word()).collect();
        let hint = if near.is_empty() {
            "`fleetdeck explain` lists them".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        Failure::Usage(format!("there is no finding {asked:?}; {hint}"))
    })?;
    let Some(text) = code.explain() else {
        return Err(Failure::Failed(format!("{code} has no text")));
    };
    let mut out = Out::new();
    if args.output == OneFormat::Json {
        out.json(&Explained::of(&text))?;
        return out.flush();
    }
    let width = out.width.unwrap_or(WIDTH).clamp(40, WIDTH);
    out.line(&format!("{code}: {}", code.title()))?;
    out.line("")?;
    for line in wrap(text.means, width) {
        out.line(&line)?;
    }
    out.line("")?;
    out.line("By hand (NS is the tenant's namespace):")?;
    for line in text.by_hand.lines() {
        out.line(&format!("  {line}"))?;
    }
    out.line("")?;
    out.line("What to do:")?;
    for line in wrap(text.act, width - 2) {
        out.line(&format!("  {line}"))?;
    }
    out.flush()
}

fn list() -> Result<(), Failure> {
    let mut out = Out::new();
    for code in Code::ALL {
        out.line(&format!("{:<24}{}", code.word(), code.title()))?;
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
