//! Scenario files: those inside the binary, by name, and a person's own, by path.

use std::path::Path;

use rust_embed::RustEmbed;

use crate::{config::files, sim::scenario::Scenario};

use super::script::{Script, ScriptError};

#[derive(RustEmbed)]
#[folder = "demo/scenarios/"]
struct Embedded;

/// A scenario in its two parts: what operators do, and how the cluster behaves.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub script: Script,
    pub sim: Scenario,
}

/// Why a scenario can't be played.
#[derive(Debug)]
pub(crate) enum ScenarioError {
    Unknown { name: String, known: Vec<String> },
    File(files::FileError),
    Script(ScriptError),
    Sim(crate::sim::scenario::ScenarioError),
}

impl std::fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown { name, known } => {
                write!(f, "there is no scenario {name:?}; built in are {}; a path names a file", known.join(", "))
            }
            Self::File(error) => error.fmt(f),
            Self::Script(error) => error.fmt(f),
            Self::Sim(error) => write!(f, "scenario {error}"),
        }
    }
}

impl std::error::Error for ScenarioError {}

/// Names of the built-in scenarios.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> =
        Embedded::iter().filter_map(|file| file.strip_suffix(".toml").map(str::to_owned)).collect();
    names.sort();
    names
}

/// Loads a built-in scenario by name, or a file by its path (anything with a slash or `.toml` in it).
pub(crate) fn load(name: &str) -> Result<Loaded, ScenarioError> {
    let text = if name.contains('/') || name.ends_with(".toml") {
        files::read_text(Path::new(name)).map_err(ScenarioError::File)?
    } else {
        let file = Embedded::get(&format!("{name}.toml"));
        let file = file.ok_or_else(|| ScenarioError::Unknown { name: name.to_owned(), known: names() })?;
        String::from_utf8_lossy(&file.data).into_owned()
    };
    let script = Script::parse(name, &text).map_err(ScenarioError::Script)?;
    let sim = Scenario::parse(name, &text).map_err(ScenarioError::Sim)?;
    Ok(Loaded { script, sim })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_can_be_played() {
        assert!(names().contains(&"default".to_owned()));
        for name in names() {
            load(&name).unwrap_or_else(|e| panic!("{e}"));
        }
    }

    #[test]
    fn an_unknown_one_is_refused_with_those_that_are_there() {
        let error = load("nothing").unwrap_err().to_string();
        assert!(error.contains("built in are") && error.contains("default"), "{error}");
        assert!(load("/nowhere/x.toml").unwrap_err().to_string().contains("/nowhere/x.toml"));
    }
}
