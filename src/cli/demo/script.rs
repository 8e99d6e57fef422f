//! The `[fleet]` table of a scenario: which tenants there are, and what operators do to them, when.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::fleet::TenantId;

/// A scenario's fleet. Its times are seconds of the simulated clock; 0 is when the console opens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Script {
    /// Tenants in all; `--tenants` overrides it.
    #[serde(default = "two_dozen")]
    pub tenants: usize,
    /// How long the fleet has lived when the console opens.
    #[serde(default = "half_an_hour")]
    pub history: Seconds,
    /// Image of tenants that name none.
    pub image: String,
    /// Every so many of the tenants that are not named is of tier max; 0 is none.
    #[serde(default)]
    pub max_every: usize,
    #[serde(default, rename = "tenant")]
    pub named: Vec<Named>,
    #[serde(default, rename = "event")]
    pub events: Vec<Event>,
    #[serde(default)]
    pub live: Vec<Live>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Named {
    pub id: String,
    #[serde(default = "pro")]
    pub tier: String,
    pub image: Option<String>,
    /// Of its claims.
    pub storage_class: Option<String>,
    /// When it was created; some time in the fleet's history where absent.
    pub born: Option<Seconds>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Event {
    pub at: Seconds,
    pub tenant: String,
    #[serde(flatten)]
    pub deed: Deed,
}

/// Something that is done again and again while one looks, to the next tenant that is Ready and lets it be done.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Live {
    pub every: Seconds,
    #[serde(flatten)]
    pub deed: Deed,
}

/// What is done to a tenant. Each is what an operator could do by hand.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Deed {
    /// Its pod is deleted; the StatefulSet makes a new one.
    Restart,
    /// Rendered again with this image and applied, then restarted.
    Upgrade {
        image: String,
    },
    Suspend,
    /// A strategic merge patch, by a manager of that name.
    Patch {
        kind: String,
        name: String,
        manager: String,
        patch: String,
    },
    /// An object (JSON) of its namespace, applied.
    Apply {
        manifest: String,
    },
    /// An object of its namespace is deleted; with `force` at once and without regard for finalizers.
    Delete {
        kind: String,
        name: String,
        #[serde(default)]
        force: bool,
    },
    DeleteNamespace,
    /// From now on the simulated cluster behaves otherwise: the body of a `[[sim.rule]]`.
    Rule {
        name: String,
        rule: String,
    },
}

/// Seconds, written as `-12m`, `45s`, `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Seconds(pub i64);

impl TryFrom<String> for Seconds {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a time (expected e.g. -12m, 45s, 1h30m)");
        let (sign, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(&text)),
        };
        if rest.is_empty() {
            return Err(wrong());
        }
        let mut total = 0_i64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
            let mut after = rest[digits..].chars();
            let size = match after.next() {
                Some('s') => 1,
                Some('m') => 60,
                Some('h') => 3_600,
                _ => return Err(wrong()),
            };
            total = number.checked_mul(size).and_then(|n| total.checked_add(n)).ok_or_else(wrong)?;
            rest = after.as_str();
        }
        Ok(Self(sign * total))
    }
}

/// A scenario file whose fleet can't be played: file, line (0: the file as a whole), what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptError {
    pub file: String,
    pub line: usize,
    pub message: String,
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "scenario {}: {}", self.file, self.message),
            line => write!(f, "scenario {}:{line}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for ScriptError {}

#[derive(Deserialize)]
struct File {
    fleet: Script,
}

impl Script {
    /// Reads the `[fleet]` table; the rest of the file is the simulator's.
    ///
    /// # Errors
    /// Bad TOML, unknown keys, a tenant id that is none, an event of a tenant that is not named in the file.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, ScriptError> {
        let error = |line, message: String| ScriptError { file: file.to_owned(), line, message };
        let parsed: File = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(0, |s| 1 + text[..s.start.min(text.len())].matches('\n').count());
            error(line, e.message().to_owned())
        })?;
        parsed.fleet.check().map_err(|message| error(0, message))?;
        Ok(parsed.fleet)
    }

    fn check(&self) -> Result<(), String> {
        let mut ids = BTreeSet::new();
        for tenant in &self.named {
            tenant.id.parse::<TenantId>().map_err(|e| e.to_string())?;
            if !ids.insert(tenant.id.as_str()) {
                return Err(format!("two tenants are called {}", tenant.id));
            }
            if tenant.born.is_some_and(|born| born.0 > 0 || born.0 < -self.history.0) {
                return Err(format!("tenant {} is born outside the fleet's history", tenant.id));
            }
        }
        for event in &self.events {
            if !ids.contains(event.tenant.as_str()) {
                return Err(format!("an event is about tenant {}, which no [[fleet.tenant]] names", event.tenant));
            }
            if event.at.0 < -self.history.0 {
                return Err(format!("an event of tenant {} lies before the fleet's history", event.tenant));
            }
        }
        match self.live.iter().find(|l| l.every.0 < 1) {
            Some(_) => Err("a [[fleet.live]] happens more often than every second".to_owned()),
            None => Ok(()),
        }
    }
}

fn two_dozen() -> usize {
    24
}
fn half_an_hour() -> Seconds {
    Seconds(1_800)
}
fn pro() -> String {
    "pro".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_do() {
        for (text, seconds) in [("45s", 45), ("-12m", -720), ("1h30m", 5_400), ("-3m30s", -210), ("+0s", 0)] {
            assert_eq!(Seconds::try_from(text.to_owned()), Ok(Seconds(seconds)), "{text}");
        }
        for bad in ["", "-", "12", "m", "1d", "1.5m", "soon"] {
            assert!(Seconds::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_script_that_cannot_be_played_is_refused_with_its_place() {
        let check = |body: &str, line: usize, words: &str| {
            let error = Script::parse("x.toml", &format!("[fleet]\nimage = \"a:1\"\n{body}")).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.message.contains(words), "{error}");
        };
        check("colour = 1", 3, "unknown field `colour`");
        check("[[fleet.tenant]]\nid = \"A\"", 0, "is not a tenant id");
        check("[[fleet.tenant]]\nid = \"a\"\nborn = \"-2h\"", 0, "outside the fleet's history");
        check("[[fleet.event]]\nat = \"-1m\"\ntenant = \"x\"\ndo = \"restart\"", 0, "which no [[fleet.tenant]] names");
        check("[[fleet.live]]\nevery = \"0s\"\ndo = \"restart\"", 0, "more often");
    }
}
