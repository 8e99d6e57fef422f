//! Themes: what each role looks like, from a TOML file, degraded to what the terminal can show.
//!
//! `themes/*.toml` is embedded; a file of the user with the same name takes its place. This module touches no files: the
//! caller reads them and hands in their text.

mod color;
mod file;
mod role;

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};

pub(crate) use self::{
    color::{Depth, Ink},
    role::Role,
};
pub use file::ThemeError;

/// How a role looks; what is `None` is taken from the parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) fg: Option<Ink>,
    pub(crate) bg: Option<Ink>,
    pub(crate) attributes: Modifier,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Theme {
    pub(crate) name: String,
    pub(crate) about: String,
    ground: Ink,
    paint: bool,
    looks: [Option<Look>; Role::ALL.len()],
}

/// The styles of all roles on one terminal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Skin {
    styles: [Style; Role::ALL.len()],
}

impl Skin {
    pub(crate) fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }
}

impl Theme {
    /// The look of a role after its fallbacks.
    fn look(&self, role: Role) -> Look {
        let own = self.looks[role as usize].unwrap_or_default();
        let (_, parent) = role.spec();
        let Some(parent) = parent else { return own };
        let from = self.look(parent);
        // A background is a surface of its own: only the colour of the writing is handed down.
        let attributes = if self.looks[role as usize].is_some() { own.attributes } else { from.attributes };
        Look { fg: own.fg.or(from.fg), bg: own.bg, attributes }
    }

    pub(crate) fn skin(&self, depth: Depth) -> Skin {
        let mut styles = [Style::new(); Role::ALL.len()];
        for role in Role::ALL {
            let look = self.look(role);
            let mut style = Style::new().add_modifier(look.attributes);
            if depth > Depth::None {
                style.fg = look.fg.map(|ink| ink.at(depth));
                style.bg = look.bg.map(|ink| ink.at(depth));
                if role == Role::Text && self.paint {
                    style.bg = Some(self.ground.at(depth));
                }
            } else {
                style.fg = Some(Color::Reset);
            }
            styles[role as usize] = style;
        }
        Skin { styles }
    }
}

#[derive(rust_embed::RustEmbed)]
#[folder = "themes/"]
struct Embedded;

/// A theme file of the user's, read by the caller.
#[derive(Clone, Debug)]
pub struct ThemeFile {
    /// Name without the extension: what `--theme` asks for.
    pub name: String,
    /// Path, as errors should print it.
    pub path: String,
    pub text: String,
}

/// All themes by name.
#[derive(Clone, Debug)]
pub struct Themes(BTreeMap<String, Theme>);

impl Themes {
    pub const DEFAULT: &'static str = "dark";
    /// Stands in where there are no colours.
    pub(crate) const COLOURLESS: &'static str = "mono";

    /// The embedded themes and the user's own.
    ///
    /// # Errors
    /// The first thing that is wrong in a file, with file, line and key.
    pub fn load(user: &[ThemeFile]) -> Result<Self, ThemeError> {
        let mut themes = BTreeMap::new();
        for path in Embedded::iter() {
            let Some(name) = path.strip_suffix(".toml") else { continue };
            let bytes = Embedded::get(&path).map(|f| f.data).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            themes.insert(name.to_owned(), file::read(name, &format!("themes/{path}"), &text)?);
        }
        for ThemeFile { name, path, text } in user {
            themes.insert(name.clone(), file::read(name, path, text)?);
        }
        Ok(Self(themes))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Theme> {
        self.0.get(name)
    }

    /// The theme after `name`, round and round.
    pub(crate) fn after(&self, name: &str) -> Option<&str> {
        self.names().find(|n| *n > name).or_else(|| self.names().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn themes() -> Themes {
        Themes::load(&[]).unwrap()
    }

    /// WCAG 2 contrast of two colours, 1 to 21.
    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let luminance = |rgb: [u8; 3]| {
            let [r, g, b] = rgb.map(|c| {
                let c = f64::from(c) / 255.0;
                if c <= 0.03928 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn the_four_themes_are_there() {
        let names: Vec<_> = themes().names().map(str::to_owned).collect();
        assert_eq!(names, ["colorblind", "dark", "light", "mono"]);
        assert_eq!(themes().after("light"), Some("mono"));
        assert_eq!(themes().after("mono"), Some("colorblind"));
    }

    #[test]
    fn every_text_is_readable_on_its_ground_and_on_the_selected_row() {
        for (name, theme) in &themes().0 {
            let Some(ground) = theme.ground.rgb() else {
                assert_eq!(name, "mono", "{name} must say its ground as #rrggbb");
                continue;
            };
            let selected = theme.look(Role::Selected).bg.and_then(Ink::rgb);
            for role in Role::ALL.into_iter().filter(|r| *r != Role::BarTodo && *r != Role::Frame) {
                let look = theme.look(role);
                let Some(fg) = look.fg.and_then(Ink::rgb) else { continue };
                let own = look.bg.and_then(Ink::rgb).unwrap_or(ground);
                for (on, bg) in [("its ground", Some(own)), ("a selected row", selected)] {
                    let Some(bg) = bg else { continue };
                    if look.bg.is_some() && on != "its ground" {
                        continue;
                    }
                    let got = contrast(fg, bg);
                    assert!(got >= 4.5, "{name}: {} on {on}: contrast {got:.2}", role.name());
                }
            }
        }
    }

    /// Simulates full red-green blindness (deuteranopia, Machado 2009) and asks that bad, busy and good stay apart.
    #[test]
    fn the_colour_blind_theme_keeps_phases_apart_without_green() {
        let themes = themes();
        let theme = themes.get("colorblind").unwrap();
        let seen = |role| {
            let [r, g, b] = theme.look(role).fg.and_then(Ink::rgb).unwrap().map(f64::from);
            [
                0.367_322 * r + 0.860_646 * g - 0.227_968 * b,
                0.280_085 * r + 0.672_501 * g + 0.047_413 * b,
                -0.011_820 * r + 0.042_940 * g + 0.968_881 * b,
            ]
        };
        let roles = [Role::PhaseReady, Role::PhaseBooting, Role::PhaseDegraded, Role::PhaseFailing];
        for (i, a) in roles.into_iter().enumerate() {
            for b in roles.into_iter().skip(i + 1) {
                let distance: f64 = seen(a).iter().zip(seen(b)).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
                assert!(distance > 60.0, "{} and {} look alike: {distance:.0}", a.name(), b.name());
            }
        }
    }

    #[test]
    fn a_selected_row_shows_without_colours() {
        let skin = themes().get(Themes::COLOURLESS).unwrap().skin(Depth::None);
        assert!(skin.style(Role::Selected).add_modifier.contains(Modifier::REVERSED));
        for role in Role::ALL {
            let style = skin.style(role);
            assert!(matches!((style.fg, style.bg), (None | Some(Color::Reset), None)), "{role:?} {style:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_file_line_and_key() {
        let check = |text: &str, expect: &str| {
            let file = ThemeFile { name: "mine".into(), path: "t/mine.toml".into(), text: text.into() };
            let got = Themes::load(&[file]).map(|_| ()).unwrap_err().to_string();
            assert!(got.starts_with(expect), "{got}");
        };
        let head = "about = \"x\"\nground = \"#000000\"\npaint = true\n";
        check(
            &format!("{head}[roles]\n\"phase.broken\" = {{ fg = \"red\" }}\n"),
            "t/mine.toml:5: unknown role \"phase.broken\"",
        );
        check(&format!("{head}[roles]\ntext = {{ fg = \"pnik\" }}\n"), "t/mine.toml:5: \"pnik\" is no colour");
        check(&format!("{head}[palette]\nink = \"#12\"\n"), "t/mine.toml:5: \"#12\" is no colour");
        check(&format!("{head}[palette]\nink = [\"red\", \"red\"]\n"), "t/mine.toml:5: a pair is");
        check(&format!("{head}[roles]\ntext = {{ colour = \"red\" }}\n"), "t/mine.toml:5: unknown field `colour`");
        check("about = \"x\"\n", "t/mine.toml:1: missing field `ground`");
        check("about = \n", "t/mine.toml:1: ");
    }

    #[test]
    fn a_theme_of_the_user_may_be_short_and_take_the_place_of_ours() {
        let text =
            "about = \"x\"\nground = \"#000000\"\npaint = false\n[roles]\nerror = { fg = \"red\", bold = true }\n";
        let file = ThemeFile { name: "dark".into(), path: "dark.toml".into(), text: text.into() };
        let themes = Themes::load(&[file]).unwrap();
        assert_eq!(themes.names().count(), 4);
        let skin = themes.get("dark").unwrap().skin(Depth::True);
        let failing = skin.style(Role::PhaseFailing);
        assert_eq!(failing.fg, Some(Color::Red), "falls back to `error`");
        assert!(failing.add_modifier.contains(Modifier::BOLD));
        assert_eq!(skin.style(Role::Text), Style::new());
    }
}
