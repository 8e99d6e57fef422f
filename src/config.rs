//! Settings: file < environment < flags. The command line puts its flags over what is loaded here.

pub mod files;
pub mod history;
pub mod telemetry;
pub mod welcome;

use std::{collections::BTreeMap, fmt, num::NonZeroU16, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    fleet::{
        name::{POOL_SELECTOR, Roles},
        pattern::Pattern,
    },
    index::digest::Labels,
    manifest::Defaults,
};

/// What the configuration file and the environment say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of a theme.
    pub theme: Option<String>,
    /// How the console calls somebody when a tenant turns Failing.
    pub alert: Alert,
    /// The wheel moves the selection and a click sets it; the terminal's own selecting then wants Shift.
    pub mouse: bool,
    /// Mebibytes of lines that one tail keeps.
    pub logs_mib: LogsMib,
    /// Nothing may be changed from here.
    pub read_only: bool,
    /// The context to open; the kubeconfig's current one where none is named.
    pub context: Option<String>,
    pub kubeconfig: Option<PathBuf>,
    /// A site's own manifests, instead of the built-in ones.
    pub manifests: Option<PathBuf>,
    /// Namespaces to read where the whole cluster may not be read.
    pub namespaces: Vec<String>,
    /// Label keys that tell tenants, and their nodes.
    pub labels: LabelKeys,
    /// What tenants' containers are called.
    pub containers: Containers,
    /// What their claims are called.
    pub claims: Claims,
    /// Settings of single contexts, by name.
    pub contexts: BTreeMap<String, ContextSettings>,
    /// Fleet-wide values for what a tenant does not say.
    pub defaults: Defaults,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelKeys {
    /// Its value is the tenant's id; empty where only the names of Namespaces tell tenants.
    pub tenant: String,
    /// What tenants' Namespaces are called: `oc-tenant-*`.
    pub namespace: Option<Pattern>,
    pub tier: String,
    /// What else the objects of a tenant carry, as a label selector: `app.kubernetes.io/managed-by=openclaw-operator`.
    pub select: String,
    /// Label selector of the nodes that tenants run on; all nodes where it is empty.
    pub nodes: String,
}

/// Names of containers, by the parts that they play.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Containers {
    /// Where none of these is there, the first container is the gateway.
    pub gateway: Vec<String>,
    pub browser: Vec<String>,
    pub browser_ui: Vec<String>,
}

impl Default for Containers {
    fn default() -> Self {
        let Roles { gateway, browser, browser_ui, .. } = Roles::default();
        Self { gateway, browser, browser_ui }
    }
}

/// Names of claims, by what their volumes are for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Claims {
    pub app: Vec<String>,
    pub config: Vec<String>,
}

impl Default for Claims {
    fn default() -> Self {
        let Roles { app_claims, config_claims, .. } = Roles::default();
        Self { app: app_claims, config: config_claims }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContextSettings {
    /// A Prometheus that knows how full volumes are.
    pub prometheus: Option<Prometheus>,
    /// Destructive actions want the context's name typed.
    pub protected: bool,
    pub read_only: bool,
    pub namespaces: Vec<String>,
}

/// How much a tail keeps, in MiB; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct LogsMib(NonZeroU16);

impl LogsMib {
    pub fn bytes(self) -> usize {
        usize::from(self.0.get()) << 20
    }
}

impl Default for LogsMib {
    fn default() -> Self {
        Self(NonZeroU16::MIN.saturating_add(31))
    }
}

/// How a console calls somebody who looks elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Alert {
    #[default]
    None,
    /// BEL: the terminal rings or flashes, tmux marks the window.
    Bell,
    /// OSC 9: a notification of the desktop, where the terminal knows it.
    Notification,
}

impl Alert {
    pub const ALL: [Self; 3] = [Self::None, Self::Bell, Self::Notification];

    /// The word that stands for it in the configuration and the palette.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bell => "bell",
            Self::Notification => "notification",
        }
    }

    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.word() == word)
    }

    pub fn next(self) -> Self {
        match self {
            Self::None => Self::Bell,
            Self::Bell => Self::Notification,
            Self::Notification => Self::None,
        }
    }
}

/// Where a Prometheus is, and how to speak to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prometheus {
    pub url: String,
    /// A file with a bearer token.
    pub token_file: Option<PathBuf>,
    /// More label matchers, where it knows several clusters.
    pub matchers: String,
}

impl Default for LabelKeys {
    fn default() -> Self {
        let Labels { tenant, namespace, tier, .. } = Labels::default();
        Self { tenant, namespace, tier, select: String::new(), nodes: POOL_SELECTOR.to_owned() }
    }
}

/// What is wrong with the configuration: file, line and column, and what was expected.
#[derive(Debug)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// The file that is read where none is named: `$XDG_CONFIG_HOME/fleetdeck/config.toml`.
pub fn usual_path() -> Option<PathBuf> {
    files::xdg("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("fleetdeck/config.toml"))
}

impl Config {
    /// Loads `file` if one is named, else the usual one if it is there; then the environment.
    ///
    /// # Errors
    /// A named file that is absent, an unreadable one, and whatever in it is not understood.
    pub fn load(file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let path = match file {
            Some(named) => Some(named),
            None => usual_path().filter(|p| p.exists()),
        };
        let mut config = match path {
            Some(path) => {
                let text = files::read_text(&path).map_err(|e| ConfigError(e.to_string()))?;
                Self::parse(&text, &path.display().to_string())?
            }
            None => Self::default(),
        };
        config.overlay(|name| std::env::var(name).ok())?;
        config.check()?;
        Ok(config)
    }

    /// Reads the text of a configuration file; `name` stands in errors.
    ///
    /// # Errors
    /// TOML that is none, unknown keys, wrong types: each with line and column.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|e| {
            let at = e.span().map_or_else(String::new, |span| {
                let before = text.get(..span.start).unwrap_or(text);
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
                format!(":{line}:{column}")
            });
            ConfigError(format!(
                "{name}{at}: {}\n  `fleetdeck config example` prints a file with every key",
                e.message().trim_end()
            ))
        })
    }

    /// What each setting alone does not show.
    fn check(&self) -> Result<(), ConfigError> {
        if self.labels.tenant.trim().is_empty() && self.labels.namespace.is_none() {
            return Err(ConfigError(
                "labels: nothing tells tenants: `tenant` is empty, and there is no `namespace` (a pattern such as \"oc-tenant-*\")"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn overlay(&mut self, get: impl Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
        let set = |name: &str| get(name).filter(|v| !v.trim().is_empty());
        if let Some(theme) = set("FLEETDECK_THEME") {
            self.theme = Some(theme);
        }
        if let Some(context) = set("FLEETDECK_CONTEXT") {
            self.context = Some(context);
        }
        if let Some(file) = set("FLEETDECK_KUBECONFIG") {
            self.kubeconfig = Some(file.into());
        }
        if let Some(folder) = set("FLEETDECK_MANIFESTS") {
            self.manifests = Some(folder.into());
        }
        if let Some(list) = set("FLEETDECK_NAMESPACES") {
            self.namespaces = list.split(',').map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect();
        }
        if let Some(key) = set("FLEETDECK_TENANT_LABEL") {
            self.labels.tenant = key;
        }
        // Set to nothing it is no label, which only a pattern can stand in for.
        if get("FLEETDECK_TENANT_LABEL").is_some_and(|key| key.trim().is_empty())
            && set("FLEETDECK_NAMESPACE_PATTERN").is_some()
        {
            self.labels.tenant = String::new();
        }
        if let Some(pattern) = set("FLEETDECK_NAMESPACE_PATTERN") {
            let read = pattern.parse().map_err(|e| ConfigError(format!("FLEETDECK_NAMESPACE_PATTERN: {e}")))?;
            self.labels.namespace = Some(read);
        }
        if let Some(key) = set("FLEETDECK_TIER_LABEL") {
            self.labels.tier = key;
        }
        if let Some(selector) = set("FLEETDECK_NODE_SELECTOR") {
            self.labels.nodes = selector;
        }
        if let Some(word) = set("FLEETDECK_READ_ONLY") {
            self.read_only = match word.trim().to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => true,
                "0" | "false" | "no" | "off" => false,
                other => {
                    return Err(ConfigError(format!("FLEETDECK_READ_ONLY is {other:?}; expected true or false")));
                }
            };
        }
        Ok(())
    }

    /// The settings of one context; the defaults where it has none.
    pub fn of_context(&self, context: &str) -> ContextSettings {
        let mut settings = self.contexts.get(context).cloned().unwrap_or_default();
        settings.read_only |= self.read_only;
        if settings.namespaces.is_empty() {
            settings.namespaces.clone_from(&self.namespaces);
        }
        settings
    }

    pub fn labels(&self) -> Labels {
        let Containers { gateway, browser, browser_ui } = self.containers.clone();
        let Claims { app, config } = self.claims.clone();
        let roles = Roles { gateway, browser, browser_ui, app_claims: app, config_claims: config };
        let LabelKeys { tenant, namespace, tier, .. } = self.labels.clone();
        Labels { tenant: tenant.trim().to_owned(), namespace, tier, roles }
    }
}

/// A file with every key, and what it stands for.
pub const EXAMPLE: &str = include_str!("config/example.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read_and_says_the_defaults() {
        let example = Config::parse(EXAMPLE, "example").unwrap();
        assert_eq!((example.labels, example.containers), (LabelKeys::default(), Containers::default()));
        assert_eq!(example.claims, Claims::default());
        assert_eq!((example.logs_mib, example.logs_mib.bytes()), (LogsMib::default(), 32 << 20));
        assert!(example.contexts["prod"].protected);
        // Every key that is commented out is a key, too.
        let full: String = EXAMPLE
            .lines()
            .map(|l| l.strip_prefix("#= ").unwrap_or(l))
            .fold(String::new(), |all, line| all + line + "\n");
        assert!(Config::parse(&full, "full").unwrap().theme.is_some());
    }

    #[test]
    fn every_key_is_in_the_example() {
        let full: String = EXAMPLE.lines().map(|l| l.strip_prefix("#= ").unwrap_or(l).to_owned() + "\n").collect();
        let full: toml::Table = full.parse().unwrap();
        for table in ["", "labels", "containers", "claims", "contexts.prod", "contexts.prod.prometheus", "defaults"] {
            let header = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
            // What is known is named where a key is not.
            let said = Config::parse(&format!("{header}no_such_key = 1"), "c").unwrap_err().to_string();
            let known = said.lines().next().unwrap().split_once("expected").unwrap().1;
            let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
            assert!(known.len() > 1, "{said}");
            let mut shown = &full;
            for part in table.split('.').filter(|part| !part.is_empty()) {
                shown = shown[part].as_table().unwrap();
            }
            for key in known {
                assert!(shown.contains_key(key), "`config example` lacks {key} of [{table}]");
            }
        }
    }

    #[test]
    fn errors_name_the_place_and_what_is_known() {
        for (text, expect) in [
            ("theme = \"dark\"\nthemes = 1\n", "c.toml:2:1: unknown field `themes`, expected one of"),
            ("read_only = \"maybe\"", "c.toml:1:13: invalid type: string \"maybe\", expected a boolean"),
            ("\n\n[contexts.prod]\nprotect = true", "c.toml:4:1: unknown field `protect`, expected one of"),
            ("theme = ", "c.toml:1:9: "),
            ("logs_mib = 0", "c.toml:1:12: invalid value: integer `0`, expected a nonzero u16"),
        ] {
            let error = Config::parse(text, "c.toml").unwrap_err().to_string();
            assert!(error.starts_with(expect), "{error}");
        }
    }

    #[test]
    fn something_has_to_tell_tenants() {
        let checked = |text: &str| Config::parse(text, "c").unwrap().check().map_err(|e| e.to_string());
        assert!(checked("[labels]\ntenant = \"\"").unwrap_err().contains("nothing tells tenants"));
        assert_eq!(checked("[labels]\ntenant = \"\"\nnamespace = \"oc-*\""), Ok(()));
        let error = Config::parse("[labels]\nnamespace = \"oc\"", "c").unwrap_err().to_string();
        assert!(error.starts_with("c:2:13: \"oc\" is no pattern: a name with one `*`"), "{error}");
        let mut config = Config::default();
        let odd = |name: &str| (name == "FLEETDECK_NAMESPACE_PATTERN").then(|| "oc".to_owned());
        assert!(config.overlay(odd).unwrap_err().to_string().contains("FLEETDECK_NAMESPACE_PATTERN: \"oc\" is no"));
        config.overlay(|name| (name == "FLEETDECK_NAMESPACE_PATTERN").then(|| "oc-*".to_owned())).unwrap();
        assert_eq!(config.labels().namespace.map(|p| p.to_string()).as_deref(), Some("oc-*"));
        assert!(!config.labels().tenant.is_empty(), "what is not named stays");
        let no_label = |name: &str| match name {
            "FLEETDECK_NAMESPACE_PATTERN" => Some("oc-*".to_owned()),
            "FLEETDECK_TENANT_LABEL" => Some(String::new()),
            _ => None,
        };
        config.overlay(no_label).unwrap();
        assert!(config.labels().tenant.is_empty() && config.check().is_ok());
    }

    #[test]
    fn the_environment_is_over_the_file() {
        let mut config = Config::parse("theme = \"dark\"\nread_only = true", "c").unwrap();
        let env = |name: &str| match name {
            "FLEETDECK_THEME" => Some("light".to_owned()),
            "FLEETDECK_NAMESPACES" => Some("a, b,".to_owned()),
            "FLEETDECK_READ_ONLY" => Some("no".to_owned()),
            _ => None,
        };
        config.overlay(env).unwrap();
        assert_eq!((config.theme.as_deref(), config.read_only), (Some("light"), false));
        assert_eq!(config.of_context("any").namespaces, ["a", "b"]);
        let odd = |name: &str| (name == "FLEETDECK_READ_ONLY").then(|| "perhaps".to_owned());
        assert!(config.overlay(odd).is_err());
    }
}
