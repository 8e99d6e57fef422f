//! Rules: which place of the cluster behaves how. Those of the file can be joined, at run time,
//! by named ones that are set and cleared.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::watch;

use super::{Amount, Glob, ScenarioError, Span};
use crate::sim::bell::{Bell, Ear};

/// One rule of a scenario. What is absent is left to the rules before it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Rule {
    pub namespace: Glob,
    pub pod: Glob,
    pub container: Glob,
    pub image: Glob,
    /// Name of a PersistentVolumeClaim; such a rule speaks of volumes only.
    pub claim: Glob,
    pub node: Glob,

    /// Run time of an init container.
    pub run_seconds: Option<Span>,
    /// From a container's start to its readiness, where it has a readiness or startup probe.
    pub ready_seconds: Option<Span>,
    /// From sandbox or previous container to the start of the next.
    pub start_seconds: Option<Span>,
    /// From SIGTERM to the end of the process.
    pub stop_seconds: Option<Span>,

    pub fault: Option<Fault>,
    /// When a crash, OOM, failure or eviction strikes, after the container's start.
    pub after_seconds: Option<Span>,
    pub exit_code: Option<i32>,
    /// The text of a failure: pull error, eviction, probe answer, provisioning error.
    pub message: Option<String>,
    /// The fault strikes so often and then no more.
    pub times: Option<u32>,
    /// How many times as long a `slow` place takes.
    pub factor: Option<f64>,

    pub cpu: Option<Amount>,
    pub memory: Option<Amount>,
    /// How full a volume is when it is made.
    pub fill_percent: Option<Span>,
    pub growth_percent_per_hour: Option<f64>,
    /// Inodes in use; grows with the bytes when absent.
    pub inodes_percent: Option<f64>,
    /// A chatty container: so many lines a second instead of one in some seconds.
    pub log_lines_per_second: Option<f64>,
    /// The node's clock, which stamps the lines, is ahead by so much, or behind.
    pub log_skew_seconds: Option<f64>,
    /// What a server writes, line by line, over and over.
    pub log_text: Option<Vec<String>>,
    /// What a container leaves as its termination message when it ends, well or not.
    pub last_words: Option<String>,
    /// Whether the image has a shell; it has.
    pub shell: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Takes back the fault of an earlier rule.
    None,
    /// An init container never ends.
    Hang,
    /// An init container ends with `exit-code`.
    Fail,
    /// A server ends with `exit-code` after `after-seconds`.
    Crash,
    /// Killed by the kernel after `after-seconds`.
    Oom,
    /// Runs, and never passes its readiness probe.
    NeverReady,
    /// The image can't be pulled.
    PullError,
    /// Takes `factor` times as long.
    Slow,
    /// The node evicts the pod after `after-seconds`.
    Evict,
    /// The pod's processes do not end, nor does the kubelet give up on them.
    StuckTerminating,
    /// The volume can't be attached.
    AttachFail,
    /// The node stops reporting.
    NodeNotReady,
    /// The claim's volume can't be made.
    ProvisionFail,
    /// The claim's volume can't be grown.
    ResizeFail,
    /// The API server refuses a StatefulSet's pod with `message`, as a webhook or Pod Security would.
    Refuse,
    /// The StatefulSet's controller does nothing.
    Unattended,
    /// The volume is attached and can't be mounted.
    MountFail,
    /// The pod's sandbox can't be made.
    SandboxFail,
    /// The kubelet can't put the container's configuration together (`CreateContainerConfigError`).
    ConfigError,
    /// The runtime can't create the container (`CreateContainerError`).
    CreateError,
    /// The container is killed because its liveness probe fails, `after-seconds` after its start.
    ProbeKill,
    /// The node is short of what `message` names: `MemoryPressure`, `DiskPressure` or `PIDPressure`.
    NodePressure,
}

/// Where something happens; what is `None` is not asked about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'a> {
    pub namespace: Option<&'a str>,
    pub pod: Option<&'a str>,
    pub container: Option<&'a str>,
    pub image: Option<&'a str>,
    pub claim: Option<&'a str>,
    pub node: Option<&'a str>,
}

/// All rules that match a place, folded into one.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    pub run: Span,
    pub ready: Span,
    pub start: Span,
    pub stop: Span,
    pub fault: Fault,
    pub after: Span,
    pub exit_code: i32,
    pub message: Option<String>,
    pub times: Option<u32>,
    pub cpu: Amount,
    pub memory: Amount,
    pub fill_percent: Span,
    pub growth_percent_per_hour: f64,
    pub inodes_percent: Option<f64>,
    pub log_lines_per_second: Option<f64>,
    pub log_skew_seconds: f64,
    pub log_text: Vec<String>,
    pub last_words: String,
    pub shell: bool,
}

impl Default for Behaviour {
    /// A place no rule speaks of: everything at once, nothing used.
    fn default() -> Self {
        let none = Span::new(0.0, 0.0);
        Self {
            run: none,
            ready: none,
            start: none,
            stop: none,
            fault: Fault::None,
            after: Span::new(3.0, 3.0),
            exit_code: 1,
            message: None,
            times: None,
            cpu: Amount::default(),
            memory: Amount::default(),
            fill_percent: none,
            growth_percent_per_hour: 0.0,
            inodes_percent: None,
            log_lines_per_second: None,
            log_skew_seconds: 0.0,
            log_text: vec![],
            last_words: String::new(),
            shell: true,
        }
    }
}

impl Behaviour {
    /// Whether this fault strikes at a container that has already been struck `restarts` times.
    pub(crate) fn strikes(&self, fault: Fault, restarts: u64) -> bool {
        self.fault == fault && self.times.is_none_or(|n| restarts < u64::from(n))
    }
}

impl Rule {
    /// Reads one rule, written as the body of a `[[sim.rule]]` entry.
    ///
    /// # Errors
    /// As [`super::Scenario::parse`].
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let error = |line, message| ScenarioError { file: name.to_owned(), line, message };
        let rule: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(0, |s| 1 + text[..s.start.min(text.len())].matches('\n').count());
            error(line, e.message().to_owned())
        })?;
        rule.check().map_err(|m| error(0, m))?;
        Ok(rule)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let place = format!("rule for pod `{}` container `{}`", self.pod, self.container);
        if self.fault == Some(Fault::Slow) && self.factor.is_none() {
            return Err(format!("{place}: fault `slow` needs `factor`"));
        }
        if self.factor.is_some_and(|f| !(0.0..=1e6).contains(&f)) {
            return Err(format!("{place}: `factor` must lie between 0 and a million"));
        }
        if self.factor.is_some() && self.fault != Some(Fault::Slow) {
            return Err(format!("{place}: `factor` belongs to fault `slow`"));
        }
        if self.log_lines_per_second.is_some_and(|f| !(0.001..=1e6).contains(&f)) {
            return Err(format!("{place}: `log-lines-per-second` must lie between 0.001 and a million"));
        }
        if self.log_skew_seconds.is_some_and(|s| !(-86_400.0..=86_400.0).contains(&s)) {
            return Err(format!("{place}: `log-skew-seconds` must lie within a day"));
        }
        Ok(())
    }

    fn matches(&self, at: &Place<'_>) -> bool {
        let hit = |glob: &Glob, value: Option<&str>| glob.is_any() || value.is_some_and(|v| glob.matches(v));
        hit(&self.namespace, at.namespace)
            && hit(&self.pod, at.pod)
            && hit(&self.container, at.container)
            && hit(&self.image, at.image)
            && hit(&self.claim, at.claim)
            && hit(&self.node, at.node)
    }

    fn fold_into(&self, b: &mut Behaviour) {
        fn put<T: Clone>(to: &mut T, from: &Option<T>) {
            if let Some(v) = from {
                *to = v.clone();
            }
        }
        put(&mut b.run, &self.run_seconds);
        put(&mut b.ready, &self.ready_seconds);
        put(&mut b.start, &self.start_seconds);
        put(&mut b.stop, &self.stop_seconds);
        put(&mut b.after, &self.after_seconds);
        put(&mut b.exit_code, &self.exit_code);
        put(&mut b.cpu, &self.cpu);
        put(&mut b.memory, &self.memory);
        put(&mut b.fill_percent, &self.fill_percent);
        put(&mut b.log_text, &self.log_text);
        put(&mut b.last_words, &self.last_words);
        put(&mut b.log_skew_seconds, &self.log_skew_seconds);
        put(&mut b.shell, &self.shell);
        put(&mut b.growth_percent_per_hour, &self.growth_percent_per_hour);
        b.inodes_percent = self.inodes_percent.or(b.inodes_percent);
        b.log_lines_per_second = self.log_lines_per_second.or(b.log_lines_per_second);
        match (self.fault, self.factor) {
            (Some(Fault::Slow), Some(factor)) => {
                for span in [&mut b.run, &mut b.ready, &mut b.start, &mut b.stop] {
                    *span = span.times(factor);
                }
            }
            (Some(fault), _) => {
                b.fault = fault;
                b.message.clone_from(&self.message);
                b.times = self.times;
            }
            (None, _) => {}
        }
    }
}

#[derive(Debug, Clone, Default)]
struct RuleSet {
    file: Arc<[Rule]>,
    named: BTreeMap<String, Rule>,
}

/// The rules in force. Clones speak of the same set.
#[derive(Debug, Clone)]
pub struct Rules(watch::Sender<RuleSet>, Bell);

impl Rules {
    #[must_use]
    pub fn new(file: Vec<Rule>) -> Self {
        Self(watch::Sender::new(RuleSet { file: file.into(), named: BTreeMap::new() }), Bell::default())
    }

    /// Puts a named rule in force, after those of the file; a rule of the same name is replaced.
    pub fn set(&self, name: &str, rule: Rule) {
        self.0.send_modify(|s| {
            s.named.insert(name.to_owned(), rule);
        });
        self.1.ring();
    }

    /// Takes a named rule back; false if there was none.
    pub fn clear(&self, name: &str) -> bool {
        let mut found = false;
        self.0.send_if_modified(|s| {
            found = s.named.remove(name).is_some();
            found
        });
        if found {
            self.1.ring();
        }
        found
    }

    #[must_use]
    pub fn at(&self, place: &Place<'_>) -> Behaviour {
        let set = self.0.borrow();
        let mut behaviour = Behaviour::default();
        for rule in set.file.iter().chain(set.named.values()) {
            if rule.matches(place) {
                rule.fold_into(&mut behaviour);
            }
        }
        behaviour
    }

    /// Completes whenever a rule was set or cleared.
    pub(crate) fn changes(&self) -> RuleChanges {
        RuleChanges(self.1.listen())
    }
}

pub(crate) struct RuleChanges(Ear);

impl RuleChanges {
    /// Waits for the next change; for ever once every [`Rules`] is gone.
    pub(crate) async fn next(&mut self) {
        if !self.0.heard().await {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        Rule::parse("test", text).expect(text)
    }

    #[test]
    fn later_rules_win_field_by_field() {
        let rules = Rules::new(vec![
            rule("run-seconds = 4\ncpu = '25m'"),
            rule("container = 'apt'\nfault = 'hang'"),
            rule("fault = 'slow'\nfactor = 2.0"),
        ]);
        let at = |container| rules.at(&Place { container: Some(container), ..Place::default() });
        assert_eq!(at("apt").fault, Fault::Hang);
        assert_eq!(at("apt").run, Span::new(8.0, 8.0));
        assert_eq!(at("sudo").fault, Fault::None);
        assert_eq!(at("sudo").cpu, Amount::parse("25m").expect("a quantity"));
    }

    #[test]
    fn a_rule_for_one_dimension_says_nothing_where_it_is_not_asked() {
        let rules = Rules::new(vec![rule("claim = 'app-data'\nfill-percent = 97")]);
        let claim = |claim| rules.at(&Place { claim, ..Place::default() }).fill_percent;
        assert_eq!(claim(Some("app-data")), Span::new(97.0, 97.0));
        assert_eq!(claim(Some("config-data")), Span::new(0.0, 0.0));
        assert_eq!(claim(None), Span::new(0.0, 0.0));
    }

    #[test]
    fn named_rules_come_and_go() {
        let rules = Rules::new(vec![]);
        let fault = |r: &Rules| r.at(&Place::default()).fault;
        let other = rules.clone();
        other.set("x", rule("fault = 'oom'"));
        assert_eq!(fault(&rules), Fault::Oom);
        assert!(rules.clear("x"));
        assert!(!rules.clear("x"));
        assert_eq!(fault(&other), Fault::None);
    }
}
