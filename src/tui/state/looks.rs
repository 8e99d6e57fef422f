//! How things look on this terminal: theme, colours, glyphs.

use crate::tui::{
    glyph::GlyphSet,
    theme::{Depth, Skin, Themes},
};

/// How things look on this terminal.
#[derive(Clone, Debug)]
pub(crate) struct Looks {
    pub(crate) themes: Themes,
    pub(crate) theme: String,
    pub(crate) depth: Depth,
    pub(crate) glyphs: GlyphSet,
    pub(crate) skin: Skin,
}

impl Looks {
    /// # Errors
    /// The theme's name is unknown.
    pub(crate) fn new(themes: Themes, theme: &str, depth: Depth, glyphs: GlyphSet) -> Result<Self, String> {
        let skin = skin(&themes, theme, depth)?;
        Ok(Self { theme: theme.to_owned(), depth, glyphs, skin, themes })
    }

    pub(crate) fn wear(&mut self, theme: &str) -> Result<(), String> {
        self.skin = skin(&self.themes, theme, self.depth)?;
        theme.clone_into(&mut self.theme);
        Ok(())
    }
}

fn skin(themes: &Themes, name: &str, depth: Depth) -> Result<Skin, String> {
    let known = || themes.names().collect::<Vec<_>>().join(", ");
    let theme = themes.get(name).ok_or_else(|| format!("there is no theme {name:?}; known are {}", known()))?;
    // Without colours a theme made of colours would hide the selection: weight and reverse take over.
    let colourless = themes.get(Themes::COLOURLESS).filter(|_| depth == Depth::None);
    Ok(colourless.unwrap_or(theme).skin(depth))
}
