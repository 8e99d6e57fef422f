//! What the console is started with: the face to `cli`, which wires it to a cluster.

use std::fmt;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use crate::{
    cluster::{
        Door, Errand, Forward, Room,
        logs::{Tail, Target, Wanted},
    },
    config::{Alert, LogsMib},
    engine::Desk,
    fleet::{
        At, Text,
        detail::{Guard, Opened, Storage},
    },
    index::{Delta, Fleet},
    manifest::{Defaults, TierSize},
    tui::{
        ask::{Answer, Ask, Refusal},
        glyph::GlyphSet,
        theme::ThemeFile,
    },
};

/// Which cluster is looked at, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextInfo {
    /// The context's name in the kubeconfig.
    pub name: String,
    pub user: String,
    /// Started with `--read-only`, or no right to write was found.
    pub read_only: bool,
    /// Marked as protected in the configuration: looks unmistakable.
    pub protected: bool,
    /// What has the objects of a tenant, for the screen that found none: `carries the label ...`.
    pub tenants: String,
}

/// A context that can be switched to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextChoice {
    pub name: String,
    /// The server's address or another word that tells it apart.
    pub about: String,
}

/// What is read on demand, for a page that stands on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unwatched {
    /// The unwatched objects of the tenant in this namespace, and of the volumes that its pod waits for.
    Tenant(Text, Vec<String>),
    /// The cluster's volumes and classes.
    Storage,
    /// Whether the cluster guards the tenants' data.
    Guard,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Learnt {
    Tenant(Text, Box<Opened>),
    /// `None` where they may not be listed.
    Storage(Option<Storage>),
    /// `None` where it may not be read.
    Guard(Option<Guard>),
}

/// One connected cluster: its news, its clock, and what to call it. Dropping it ends the readers, which see their
/// channel closed.
pub struct Feed {
    pub deltas: mpsc::Receiver<Delta>,
    /// The cluster's present, in whole seconds.
    pub clock: Box<dyn Fn() -> At + Send>,
    pub context: ContextInfo,
    /// Tries now what waits: broken connections, and what was forbidden.
    pub retry: Box<dyn Fn() + Send>,
    /// Finds something out because a person looks at it; what it finds comes with the deltas.
    pub errand: Box<dyn Fn(Errand) + Send>,
    /// Nobody looks at this namespace any more.
    pub leave: Box<dyn Fn(Text) + Send>,
    /// Shown the fleet after news, at most once a second, and at the end: the meters must know which nodes carry tenants,
    /// and boots that are over are kept.
    pub follow: Box<dyn Fn(&Fleet) + Send>,
    /// Reads what a page asks for.
    pub look: Look,
    /// Reads on demand.
    pub read: Box<dyn Fn(Unwatched) -> BoxFuture<'static, Learnt> + Send>,
    /// Reads logs; nothing is asked for before it has been shown pods.
    pub tail: Box<dyn Fn(Wanted, Vec<Target>) -> Tail + Send>,
    /// Ways into tenants' pods.
    pub ways: Ways,
    /// Where plans are made and started.
    pub desk: Desk,
    /// One line that stays on screen, such as the demo's "simulation".
    pub banner: Option<String>,
}

/// Ways into tenants' pods. Whoever made them asks for the rights and writes the visits down; an error is one sentence.
pub struct Ways {
    /// Lends the terminal to a shell until it ends; how it ended, in words. The other containers that run are named where
    /// this one has no shell.
    pub enter: Box<dyn Fn(Room, Vec<String>) -> Visit<String> + Send>,
    /// Opens a port of a tenant on this machine's loopback.
    pub forward: Box<dyn Fn(Target, Door) -> Visit<Forward> + Send>,
}

/// What comes of it, some day.
pub type Visit<T> = BoxFuture<'static, Result<T, String>>;

/// Reads from the cluster on demand.
pub type Look = Box<dyn Fn(Ask) -> BoxFuture<'static, Result<Answer, Refusal>> + Send>;

/// Connects to the context of this name; an error is one sentence that says what to do.
pub type Connect = Box<dyn Fn(String) -> BoxFuture<'static, Result<Feed, String>> + Send>;

pub struct Session {
    pub feed: Feed,
    pub contexts: Vec<ContextChoice>,
    pub connect: Connect,
    pub options: Options,
}

/// What flags and the configuration chose.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A theme's name; `None` is the default one.
    pub theme: Option<String>,
    /// Theme files of the user, already read.
    pub themes: Vec<ThemeFile>,
    /// `None` asks the locale.
    pub glyphs: Option<GlyphSet>,
    /// How somebody is called when a tenant turns Failing.
    pub alert: Alert,
    /// How much a tail keeps.
    pub logs: LogsMib,
    /// The mouse stays with the terminal (select, copy) unless it is asked for.
    pub mouse: bool,
    /// The manifests' tiers, the smallest first.
    pub tiers: Vec<TierSize>,
    /// What the configuration says of tenants that are made.
    pub defaults: Defaults,
    /// A tenant to open first: id, host, owner, namespace, `namespace/pod` or address.
    pub open: Option<String>,
    /// This person has never been here: a line says which keys to begin with.
    pub welcome: bool,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("context", &self.context).field("banner", &self.banner).finish_non_exhaustive()
    }
}
