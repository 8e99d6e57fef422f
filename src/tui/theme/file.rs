//! A theme file: TOML -> [`Theme`], or an error that names file, line and key.

use std::{collections::BTreeMap, fmt};

use ratatui::style::Modifier;
use serde::Deserialize;
use toml::Spanned;

use super::{Ink, Look, Role, Theme};

/// What is wrong in a theme file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeError {
    file: String,
    line: Option<usize>,
    what: String,
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

impl std::error::Error for ThemeError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    about: String,
    /// The background that the colours are made for.
    ground: Spanned<Swatch>,
    /// Paint the ground, or leave the terminal's own.
    paint: bool,
    #[serde(default)]
    palette: BTreeMap<String, Spanned<Swatch>>,
    #[serde(default)]
    roles: BTreeMap<Spanned<String>, RawLook>,
}

/// A colour, alone or with the one of the sixteen that stands in for it.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Swatch {
    One(String),
    WithAnsi([String; 2]),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLook {
    fg: Option<Spanned<String>>,
    bg: Option<Spanned<String>>,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    dim: bool,
    #[serde(default)]
    italic: bool,
    #[serde(default)]
    underline: bool,
    #[serde(default)]
    reverse: bool,
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn error(&self, at: Option<usize>, what: impl Into<String>) -> ThemeError {
        let line = at.map(|at| self.text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1);
        ThemeError { file: self.file.to_owned(), line, what: what.into() }
    }

    fn plain(&self, name: &str, at: usize) -> Result<Ink, ThemeError> {
        Ink::parse(name).ok_or_else(|| {
            let names = Ink::names();
            self.error(
                Some(at),
                format!("{name:?} is no colour: expected #rrggbb, default, a name of [palette] or one of {names}"),
            )
        })
    }

    fn swatch(&self, swatch: &Spanned<Swatch>) -> Result<Ink, ThemeError> {
        let at = swatch.span().start;
        match swatch.get_ref() {
            Swatch::One(name) => self.plain(name, at),
            Swatch::WithAnsi([full, ansi]) => match (self.plain(full, at)?, self.plain(ansi, at)?) {
                (Ink::Rgb(rgb, _), Ink::Ansi(n)) => Ok(Ink::Rgb(rgb, Some(n))),
                // The terminal's own colour stands in: said as such, so that the pair is not half a pair.
                (Ink::Rgb(..), _) | (Ink::Default | Ink::Ansi(_), _) => {
                    Err(self.error(Some(at), format!("a pair is [\"#rrggbb\", \"<one of {}>\"]", Ink::names())))
                }
            },
        }
    }

    fn ink(&self, name: &Spanned<String>, palette: &BTreeMap<String, Ink>) -> Result<Ink, ThemeError> {
        match palette.get(name.get_ref()) {
            Some(ink) => Ok(*ink),
            None => self.plain(name.get_ref(), name.span().start),
        }
    }
}

/// Reads a theme. `file` is what errors call it.
pub(super) fn read(name: &str, file: &str, text: &str) -> Result<Theme, ThemeError> {
    let reader = Reader { file, text };
    let raw: Raw =
        toml::from_str(text).map_err(|e| reader.error(e.span().map(|s| s.start), e.message().trim_end().to_owned()))?;
    let mut palette = BTreeMap::new();
    for (name, swatch) in &raw.palette {
        palette.insert(name.clone(), reader.swatch(swatch)?);
    }
    let mut looks = [None; Role::ALL.len()];
    for (role_name, look) in &raw.roles {
        let Some(role) = Role::by_name(role_name.get_ref()) else {
            let known: Vec<_> = Role::ALL.into_iter().map(Role::name).collect();
            let what = format!("unknown role {:?}; the roles are {}", role_name.get_ref(), known.join(", "));
            return Err(reader.error(Some(role_name.span().start), what));
        };
        let ink = |name: &Option<Spanned<String>>| name.as_ref().map(|n| reader.ink(n, &palette)).transpose();
        let mut attributes = Modifier::empty();
        for (on, modifier) in [
            (look.bold, Modifier::BOLD),
            (look.dim, Modifier::DIM),
            (look.italic, Modifier::ITALIC),
            (look.underline, Modifier::UNDERLINED),
            (look.reverse, Modifier::REVERSED),
        ] {
            attributes.set(modifier, on);
        }
        looks[role as usize] = Some(Look { fg: ink(&look.fg)?, bg: ink(&look.bg)?, attributes });
    }
    let ground = reader.swatch(&raw.ground)?;
    Ok(Theme { name: name.to_owned(), about: raw.about, ground, paint: raw.paint, looks })
}
