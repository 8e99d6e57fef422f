//! Secrets do not leave a container's log, an event or a status: what looks like one is replaced before a line is kept,
//! shown, copied or saved.
//!
//! Works on clean text, so that no colour or invisible mark can stand inside of a secret. There is no way back: the
//! original is never kept. What is a secret by its shape alone (keys with a known beginning, bearer tokens, URLs) is
//! masked anywhere; what is one by its name (`token=`, `"apiKey":`) wherever a value follows.

use std::{borrow::Cow, sync::OnceLock};

use regex::bytes::Regex;

/// What stands in a secret's place.
pub const MASK: &[u8] = b"***";

/// No private key has more lines.
const KEY_LINES: u32 = 120;

/// A cheap look: lines without any of these need no other.
const TRIGGER: &str = r"(?i-u)bearer|token|secret|passw|passphrase|api[_-]?key|apikey|authorization|cookie|credential|private[_-]?key|access[_-]?key|signature|[?&#;](?:key|sig|auth|code|pwd)=|://[^/\s]*@|sk[-_]|[rp]k[-_]|gh[pousr]_|github_pat|gl[a-z]{2,4}-|xox[a-z]-|xapp-|hooks\.slack|akia|asia|aiza|ya29\.|eyj|hf_|npm_|gsk_|pplx-|r8_|whsec_|dop_v1|shpat_|key-|aiv?s_|-----|bot[0-9]{6}|[0-9]{8}:[a-z0-9_-]{30}|[0-9a-f]{48}";

/// Each with the group that is the secret.
const SHAPES: &[&str] = &[
    // Keys that tell by their beginning.
    r"(?-u)\b((?:sk|rk|pk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9_-]{12,})",
    r"(?-u)\b((?:gh[pousr]_|github_pat_|gl[a-z]{2,4}-|xox[a-z]-|xapp-|hf_|npm_|gsk_|pplx-|r8_|whsec_|dop_v1_|shpat_|ya29\.)[A-Za-z0-9_.-]{10,})",
    r"(?-u)\b((?:AKIA|ASIA)[0-9A-Z]{12,})",
    r"(?-u)\b(AIza[0-9A-Za-z_-]{20,})",
    r"(?-u)\b(key-[0-9a-f]{24,})",
    // A JSON web token: its head alone tells.
    r"(?-u)\b(eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3})",
    // A Telegram bot's token.
    r"(?-u)\b(?:bot)?([0-9]{8,12}:[A-Za-z0-9_-]{30,})",
    r"(?-u)hooks\.slack\.com/services/([A-Za-z0-9/_-]+)",
    // The gateway makes its own tokens of 24 random bytes; no usual hash has this length.
    r"(?-u)(?:\b|[^0-9A-Fa-f])([0-9a-f]{48})(?:\b|[^0-9A-Fa-f])",
    // `Bearer x`, `Authorization: Basic x`.
    r#"(?i-u)\bbearer(?:\s+|\s*[:=]\s*|%20)["'\\]*([^\s"'\\,;]{4,})"#,
    r#"(?i-u)\b(?:proxy-)?authorization["'\\]*\s*[:=,]\s*["'\\]*(?:(?:bearer|basic|token|digest|apikey)\s+)?([^\s"'\\,;]{3,})"#,
    r#"(?i-u)\b(?:set-)?cookie["'\\]*\s*[:=]\s*["'\\]*([^\s"'\\][^"'\\]{3,})"#,
    // User and password inside of a URL.
    r"(?-u)://([^/\s@:]*:[^/\s@]+|[^/\s@:]{20,})@",
    // `#token=`, and other parameters of a URL.
    r#"(?i-u)[?&\#;](?:[a-z0-9_.-]*(?:token|secret|password|passwd|api[_-]?key|apikey|signature|credential)|key|sig|auth|code|pwd)=([^\s&\#"'\\<>]+)"#,
    // A name that tells, and its value.
    r#"(?i-u)(?:^|[^a-z0-9])[a-z0-9_.-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|apikey|private[_-]?key|access[_-]?key|secret[_-]?key|credentials?)["'\\]*\s*(?:[:=]|=>)\s*(?:"((?:[^"\\]|\\.)+)|'((?:[^'\\]|\\.)+)|\\+["']([^"'\\]+)|([^\s"'\\,;}\]){&]+))"#,
];

/// What follows `token:` in a sentence and gives nothing away.
const WORDS: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "nil",
    "undefined",
    "unset",
    "set",
    "missing",
    "absent",
    "present",
    "required",
    "expired",
    "invalid",
    "empty",
    "not",
    "no",
    "is",
    "was",
    "has",
    "must",
    "malformed",
    "mismatch",
    "unknown",
    "redacted",
    "[redacted]",
    "<redacted>",
    "ok",
    "yes",
    "rejected",
    "refused",
    "revoked",
    "rotated",
    "unauthorized",
    "forbidden",
    "denied",
    "failed",
    "error",
    "the",
    "a",
    "an",
    "string",
    "***",
    "****",
    "*****",
    "******",
    "********",
];

struct Shapes {
    trigger: Regex,
    shapes: Vec<Regex>,
}

fn shapes() -> &'static Shapes {
    static SHAPES_ONCE: OnceLock<Shapes> = OnceLock::new();
    SHAPES_ONCE.get_or_init(|| {
        let build = |text: &str| Regex::new(text).expect("a constant that a test compiles");
        Shapes { trigger: build(TRIGGER), shapes: SHAPES.iter().map(|s| build(s)).collect() }
    })
}

/// A text of any number of lines as it may be kept and shown.
pub fn masked(text: &str) -> Cow<'_, str> {
    if !shapes().trigger.is_match(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut masker = Masker::default();
    let lines = text.split('\n').map(|line| {
        let mut line = line.as_bytes().to_vec();
        masker.line(&mut line, 0);
        String::from_utf8_lossy(&line).into_owned()
    });
    Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
}

/// Masks the lines of one stream, in their order: a private key goes over several.
#[derive(Debug, Default)]
pub struct Masker {
    /// Lines of a private key so far.
    key: Option<u32>,
}

impl Masker {
    /// Masks the clean text of a line, which stands at the end of `out`; tells whether anything was masked.
    pub fn line(&mut self, out: &mut Vec<u8>, start: usize) -> bool {
        if let Some(lines) = self.key {
            let text = &out[start..];
            let ends = contains(text, b"-----END");
            let goes_on = lines < KEY_LINES && is_key_text(text);
            self.key = (goes_on && !ends).then_some(lines + 1);
            if ends || goes_on {
                out.truncate(start);
                out.extend_from_slice(MASK);
                return true;
            }
        }
        let shapes = shapes();
        if !shapes.trigger.is_match(&out[start..]) {
            return false;
        }
        let mut masked = false;
        if let Some(begin) = find(&out[start..], b"-----BEGIN ")
            && contains(&out[start + begin..], b"PRIVATE KEY-----")
        {
            if !contains(&out[start + begin..], b"-----END") {
                self.key = Some(0);
            }
            out.truncate(start + begin);
            out.extend_from_slice(MASK);
            masked = true;
        }
        for shape in &shapes.shapes {
            masked |= replace(shape, out, start);
        }
        masked
    }
}

/// Base64 and the headers of a PEM block, as a log may indent or quote them.
fn is_key_text(text: &[u8]) -> bool {
    let trimmed = text.trim_ascii();
    trimmed.len() <= 200
        && trimmed.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=-:, \"'\\|".contains(b))
        && (trimmed.iter().filter(|b| **b == b' ').count() <= 4)
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, needle)
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    find(text, needle).is_some()
}

fn replace(shape: &Regex, out: &mut Vec<u8>, start: usize) -> bool {
    let mut masked: Option<Vec<u8>> = None;
    let mut copied = 0;
    let text = &out[start..];
    for found in shape.captures_iter(text) {
        let Some(secret) = found.iter().skip(1).flatten().next() else { continue };
        let named_password = found.get(0).is_some_and(|m| contains(&m.as_bytes().to_ascii_lowercase(), b"pass"));
        if says_nothing(secret.as_bytes()) || is_count(secret.as_bytes()) && !named_password {
            continue;
        }
        let to = masked.get_or_insert_default();
        to.extend_from_slice(&text[copied..secret.start()]);
        to.extend_from_slice(MASK);
        copied = secret.end();
    }
    let Some(mut masked) = masked else { return false };
    masked.extend_from_slice(&text[copied..]);
    out.truncate(start);
    out.extend_from_slice(&masked);
    true
}

/// A bare number: `max_token: 4096`.
fn is_count(value: &[u8]) -> bool {
    let value = value.trim_ascii_end();
    let value = value.strip_suffix(b".").unwrap_or(value);
    value.len() <= 9 && value.iter().all(u8::is_ascii_digit)
}

/// A word of a sentence, or a mask.
fn says_nothing(value: &[u8]) -> bool {
    let value = value.trim_ascii_end();
    let value = value.strip_suffix(b".").unwrap_or(value);
    value.iter().all(|b| *b == b'*') || WORDS.iter().any(|w| value.eq_ignore_ascii_case(w.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut out = b"kept ".to_vec();
        out.extend_from_slice(text.as_bytes());
        Masker::default().line(&mut out, 5);
        String::from_utf8(out.split_off(5)).unwrap()
    }

    #[test]
    fn secrets_of_the_usual_shapes_are_masked() {
        let check = |text: &str, expect: &str| {
            assert_eq!(masked(text), expect, "{text}");
            assert_eq!(masked(expect), expect, "masking twice changes nothing");
        };
        check("Authorization: Bearer abc.def-123 ok", "Authorization: Bearer *** ok");
        check("authorization=Basic dXNlcjpwYXNz, next", "authorization=Basic ***, next");
        check(r#"{"headers":{"authorization":"Bearer s3cr3t"}}"#, r#"{"headers":{"authorization":"Bearer ***"}}"#);
        check("open http://10.0.0.1:18789/#token=9f8e7d6c&x=1", "open http://10.0.0.1:18789/#token=***&x=1");
        check("GET /json?token=abc HTTP/1.1", "GET /json?token=*** HTTP/1.1");
        check("OPENCLAW_GATEWAY_TOKEN=hunter2", "OPENCLAW_GATEWAY_TOKEN=***");
        check("export LITELLM_API_KEY='it is long'", "export LITELLM_API_KEY='***'");
        check(r#"{"apiKey":"abc","n":1}"#, r#"{"apiKey":"***","n":1}"#);
        check(r#"{"msg":"{\"token\":\"abc\"}"}"#, r#"{"msg":"{\"token\":\"***\"}"}"#);
        check("using sk-ant-api03-AbCdEf0123456789xyz now", "using *** now");
        check("key sk-proj-abcdefghijkl_mnop", "key ***");
        check("ghp_0123456789abcdefghij0123 pushed", "*** pushed");
        check("AKIAIOSFODNN7EXAMPLE", "***");
        check("AIzaSyA1234567890abcdefghijklmnopq", "***");
        check("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "jwt *** end");
        check(
            "https://api.telegram.org/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe",
            "https://api.telegram.org/bot***/getMe",
        );
        check("postgres://app:p4ss@db:5432/x", "postgres://***@db:5432/x");
        check(&format!("token {} made", "0123456789abcdef".repeat(3)), "token *** made");
        check("password: \"a \\\" b\" done", "password: \"***\" done");
        check("Set-Cookie: session=abcdef; Path=/", "Set-Cookie: ***");
        check("xoxb-123456789012-abcdef", "***");
        check("passphrase=hunter2", "passphrase=***");
        check("password=12345678", "password=***");
        check("with pk-0123456789abcdef", "with ***");
        check("clone https://0123456789abcdefghijkl@git.example/x", "clone https://***@git.example/x");
        let two = "0123456789abcdef".repeat(3);
        check(&format!("{two} {two}"), "*** ***");
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "gateway: listening on 0.0.0.0:18789",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "max_tokens: 4096, total_tokens=120",
            "invalid token: expired",
            "the token is missing",
            "token_type: input",
            "error: refusing to bind gateway without auth",
            "http://10.0.0.1:3000/json/version",
            "task-1 risk-free desk-12345",
            "2026-11-26T01:02:03Z key pressed",
            "asiago and tokio",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn a_text_of_many_lines_is_masked_line_by_line() {
        let text = "first\n-----BEGIN PRIVATE KEY-----\nMIIEpAIB\n-----END PRIVATE KEY-----\ntoken=abc";
        assert_eq!(super::masked(text), "first\n***\n***\n***\ntoken=***");
        assert!(matches!(super::masked("nothing to hide"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_private_key_is_masked_to_its_end_and_no_further() {
        let lines = [
            "writing -----BEGIN RSA PRIVATE KEY-----",
            "MIIEpAIBAAKCAQEA7bq3",
            "  c2VjcmV0Cg==",
            "-----END RSA PRIVATE KEY-----",
            "and on, with a life of its own: it goes.",
        ];
        let mut masker = Masker::default();
        let got: Vec<_> = lines
            .iter()
            .map(|line| {
                let mut out = line.as_bytes().to_vec();
                masker.line(&mut out, 0);
                String::from_utf8(out).unwrap()
            })
            .collect();
        assert_eq!(got, ["writing ***", "***", "***", "***", lines[4]]);
        // One whose end never comes does not hide what follows it.
        let mut masker = Masker::default();
        let mut out = b"-----BEGIN PRIVATE KEY-----".to_vec();
        masker.line(&mut out, 0);
        let mut next = b"gateway: ready (it took 3 s), listening!".to_vec();
        assert!(!masker.line(&mut next, 0));
    }
}
