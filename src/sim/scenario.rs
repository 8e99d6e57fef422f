//! What the simulated cluster is made of and how it behaves, as a TOML table `[sim]`.
//!
//! A scenario file may hold other tables beside `[sim]` (they belong to whoever plays the file);
//! inside `[sim]` an unknown key is an error. What a scenario leaves out (nodes, storage classes,
//! images, users, routes) is taken from the built-in one, `scenario/builtin.toml`.

mod amount;
mod glob;
mod rules;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

pub use amount::{Amount, Span};
pub use glob::Glob;
pub use rules::{Behaviour, Fault, Place, Rule, Rules};

const BUILTIN: &str = include_str!("scenario/builtin.toml");

/// The `[sim]` table of a scenario file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Scenario {
    /// Pods are Ready as soon as they are scheduled, and make no Normal events: for bulk creation.
    pub instant: bool,
    /// Pools of identical nodes.
    pub node: Vec<NodePool>,
    pub storage_class: Vec<StorageClass>,
    /// First match wins; a reference that matches none does not exist.
    pub image: Vec<Image>,
    /// All matching rules apply, later ones win field by field.
    pub rule: Vec<Rule>,
    pub user: Vec<User>,
    /// What a container answers on its declared ports.
    pub http: Vec<HttpRoute>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NodePool {
    /// Nodes are called `<name>-1`, `<name>-2`, ...
    pub name: String,
    #[serde(default = "one")]
    pub count: u32,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub taints: Vec<Taint>,
    /// `cpu`, `memory`, `pods`, `ephemeral-storage`; capacity is shown equal to it.
    #[serde(default)]
    pub allocatable: BTreeMap<String, Amount>,
    /// How many volumes a node can have attached.
    #[serde(default = "many")]
    pub volumes: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Taint {
    pub key: String,
    #[serde(default)]
    pub value: String,
    pub effect: TaintEffect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TaintEffect {
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StorageClass {
    pub name: String,
    #[serde(default)]
    pub default: bool,
    pub provisioner: String,
    #[serde(default)]
    pub binding: Binding,
    #[serde(default)]
    pub reclaim: Reclaim,
    /// `allowVolumeExpansion`.
    #[serde(default = "yes")]
    pub expansion: bool,
    /// Whether a mounted volume's file system grows at once; otherwise it waits, with
    /// FileSystemResizePending, until a pod mounts the volume anew.
    #[serde(default = "yes")]
    pub online_resize: bool,
    /// Whether a volume can be mounted only in the zone of the node that it was made for.
    #[serde(default)]
    pub zonal: bool,
    #[serde(default = "a_second")]
    pub provision_seconds: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Binding {
    #[default]
    WaitForFirstConsumer,
    Immediate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Reclaim {
    #[default]
    Delete,
    Retain,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Image {
    /// Glob over the reference as the pod names it.
    #[serde(rename = "match")]
    pub reference: Glob,
    #[serde(default = "image_size")]
    pub size: Amount,
    /// First pull on a node; later ones find it in the node's cache.
    #[serde(default = "a_second")]
    pub pull_seconds: Span,
    /// False: the registry says there is no such reference.
    #[serde(default = "yes")]
    pub known: bool,
}

/// Somebody besides the admin, who may do everything.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct User {
    pub name: String,
    /// What this user may do, in all namespaces.
    #[serde(default)]
    pub allow: Vec<Allow>,
}

/// One RBAC rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Allow {
    pub verbs: Vec<String>,
    /// API groups, `""` is the core group; all when absent.
    #[serde(default = "star")]
    pub groups: Vec<String>,
    /// `pods`, `pods/log`, `*`.
    pub resources: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpRoute {
    #[serde(default)]
    pub namespace: Glob,
    #[serde(default)]
    pub container: Glob,
    #[serde(default)]
    pub port: Option<u16>,
    /// Glob over the path, without the query.
    pub path: Glob,
    /// Answers POST, and nothing else.
    #[serde(default)]
    pub posted: bool,
    #[serde(default = "ok_status")]
    pub status: u16,
    /// Answer while the container is running and not ready.
    #[serde(default)]
    pub status_unready: Option<u16>,
    #[serde(default = "json_type")]
    pub content_type: String,
    /// `{uptime-ms}`, `{tag}` (of the image), `{ready}` and `{state}` (started or starting) are filled in.
    #[serde(default)]
    pub body: String,
}

fn one() -> u32 {
    1
}
fn many() -> u32 {
    64
}
fn yes() -> bool {
    true
}
fn a_second() -> Span {
    Span::new(0.5, 1.5)
}
fn image_size() -> Amount {
    Amount::whole(180 << 20)
}
fn ok_status() -> u16 {
    200
}
fn json_type() -> String {
    "application/json".into()
}
fn star() -> Vec<String> {
    vec!["*".into()]
}

/// A scenario that cannot be played: which file, which line, what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    pub file: String,
    /// 1-based; 0 when the fault is the file as a whole.
    pub line: usize,
    pub message: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for ScenarioError {}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    sim: Option<Scenario>,
}

impl Scenario {
    /// Reads the `[sim]` table of a scenario file; `name` is what errors call the file.
    ///
    /// # Errors
    /// Bad TOML, an unknown key inside `[sim]`, a value out of range, or two nodes or classes of one name.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let mut scenario = Self::parse_alone(name, text)?;
        let builtin = Self::builtin();
        let fill = |mine: &mut Vec<_>, theirs: Vec<_>| {
            if mine.is_empty() {
                *mine = theirs;
            }
        };
        fill(&mut scenario.node, builtin.node);
        if scenario.storage_class.is_empty() {
            scenario.storage_class = builtin.storage_class;
        }
        if scenario.image.is_empty() {
            scenario.image = builtin.image;
        }
        if scenario.user.is_empty() {
            scenario.user = builtin.user;
        }
        // Own routes and timings come on top of the built-in ones, not in their place.
        scenario.http.extend(builtin.http);
        scenario.rule = [builtin.rule, scenario.rule].concat();
        Ok(scenario)
    }

    /// The scenario used when none is named.
    #[must_use]
    pub fn builtin() -> Self {
        Self::parse_alone("builtin.toml", BUILTIN).expect("the built-in scenario is parsed by a unit test")
    }

    /// Three nodes, no timing rules and pods that are Ready at once: for benchmarks and bulk tests.
    #[must_use]
    pub fn instant() -> Self {
        Self { instant: true, ..Self::builtin() }
    }

    fn parse_alone(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml::from_str(text).map_err(|e| ScenarioError {
            file: name.to_owned(),
            line: e.span().map_or(0, |s| 1 + text[..s.start.min(text.len())].matches('\n').count()),
            message: e.message().to_owned(),
        })?;
        let scenario = file.sim.unwrap_or_default();
        scenario.check().map_err(|message| ScenarioError { file: name.to_owned(), line: 0, message })?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), String> {
        unique("node pool", self.node.iter().map(|n| &n.name))?;
        unique("storage class", self.storage_class.iter().map(|c| &c.name))?;
        unique("user", self.user.iter().map(|u| &u.name))?;
        if self.storage_class.iter().filter(|c| c.default).count() > 1 {
            return Err("more than one storage class is marked default".into());
        }
        self.rule.iter().try_for_each(Rule::check)
    }
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("two entries are called {what} `{name}`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtin_is_sound() {
        let s = Scenario::builtin();
        assert_eq!(s.node[0].count, 3);
        assert_eq!(s.node[0].labels["openclaw.ai/workload"], "tenant");
        assert!(s.storage_class[0].default);
    }

    #[test]
    fn errors_name_file_and_line() {
        let check = |text: &str, expect: &str| {
            let got = Scenario::parse("x.toml", text).expect_err(text).to_string();
            assert!(got.starts_with(expect), "{text:?}: {got:?}");
        };
        check("[sim]\n\nspeed = 3\n", "x.toml:3: unknown field `speed`");
        check("[sim]\n[[sim.rule]]\npod = 3\n", "x.toml:3: ");
        check("[sim]\n[[sim.rule]]\nfault = \"hnag\"\n", "x.toml:3: unknown variant `hnag`");
        check("[sim]\n[[sim.rule]]\nrun-seconds = [5, 2]\n", "x.toml:3: a range must not end before it starts");
        check("[sim]\n[[sim.rule]]\ncpu = \"12 apples\"\n", "x.toml:3: `12 apples` is not a quantity");
        check("[sim\n", "x.toml:1: ");
        check("[[sim.node]]\nname='a'\n[[sim.node]]\nname='a'\n", "x.toml: two entries are called node pool `a`");
        check("[[sim.rule]]\nfault='slow'\n", "x.toml: rule for pod `*` container `*`: fault `slow` needs `factor`");
    }

    #[test]
    fn siblings_of_sim_are_left_alone() {
        let s = Scenario::parse("x.toml", "[fleet]\ntenants = 24\n[sim]\ninstant = true\n");
        assert!(s.expect("parses").instant);
        let s = Scenario::parse("x.toml", "[fleet]\ntenants = 24\n").expect("parses");
        assert_eq!(s, {
            let mut b = Scenario::builtin();
            b.instant = false;
            b
        });
    }
}
