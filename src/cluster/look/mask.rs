//! The one place through which texts of tenants go before a person sees them: cleaned, then masked as their logs are.

use crate::{cluster::logs::Masker, fleet::clean::clean};

/// The lines of one text, in their order: a private key goes over several.
#[derive(Debug, Default)]
pub(super) struct Lines(Masker);

impl Lines {
    /// The next line as it may be shown.
    pub(super) fn shown(&mut self, line: &str) -> String {
        let mut text = clean(line).into_owned().into_bytes();
        self.0.line(&mut text, 0);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// A text of one line as it may be shown.
pub fn masked(line: &str) -> String {
    Lines::default().shown(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shown_without_secrets_and_without_what_steers_a_terminal() {
        for (line, kept, gone) in [
            ("plain line, 100%", "plain line, 100%", "***"),
            ("GET /?token=abc123&x=1", "GET /?token=", "abc123"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer ", "abc.def"),
            ("password: hunter2, done", ", done", "hunter2"),
            ("key sk-0123456789abcdefghij used", " used", "sk-0123"),
            ("\u{1b}[31mtoken=abcdef\u{1b}[0m", "token=", "\u{1b}"),
            ("größe token=ü日ü日", "größe token=", "ü日"),
        ] {
            let shown = masked(line);
            assert!(shown.contains(kept) && !shown.contains(gone), "{line:?}: {shown:?}");
        }
    }

    #[test]
    fn a_private_key_is_hidden_to_its_end() {
        let text = "a: 1\n-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nabcdEFGH0123\n-----END RSA PRIVATE KEY-----\nb: 2";
        let mut lines = Lines::default();
        let shown: Vec<_> = text.lines().map(|line| lines.shown(line)).collect();
        assert_eq!((shown[0].as_str(), shown[5].as_str()), ("a: 1", "b: 2"));
        assert!(shown[1..5].iter().all(|line| line == "***"), "{shown:?}");
    }
}
