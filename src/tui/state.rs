//! The console's whole state: one owner, flat, changed by `update` alone.

pub(crate) mod attention;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod overlay;
pub(crate) mod pick;
pub(crate) mod seek;
pub(crate) mod volumes;
pub(crate) mod ways;
pub(crate) mod who;

use std::{collections::BTreeMap, sync::LazyLock};

use crate::{
    cluster::{ObjectName, Said},
    diagnose::{Board, Causes, Code, LogLine, Telling, Tiers, awaited_volumes},
    fleet::{At, Right, Text},
    index::{
        Delta, Entry, Fleet, Kind,
        capacity::{Capacity, OneMore},
        find::{Found, find},
    },
};

use crate::manifest::TierSize;

use self::{attention::Attention, list::List, overlay::Overlay, pick::Pick, seek::Seek, volumes::Volumes, who::Who};
use super::{
    ask::{Answer, Ask, Asked, Refusal},
    command::Place,
    glyph::GlyphSet,
    session::{ContextChoice, ContextInfo, Learnt, Unwatched},
    theme::{Depth, Skin, Themes},
    view::{self, findings},
};

/// A view above the fleet.
#[derive(Clone, Debug)]
pub(crate) enum View {
    Tenant {
        who: Who,
        scroll: usize,
    },
    Page {
        page: Page,
        scroll: usize,
    },
    /// What is wrong in the fleet, by cause.
    Findings {
        pick: Pick<CauseKey>,
    },
    /// The tenants of one cause.
    Cause {
        cause: CauseKey,
        pick: Pick<Text>,
    },
    Volumes(Volumes),
    Capacity {
        scroll: usize,
    },
    /// What it shows is in [`State::logs`].
    Logs,
}

/// A page of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// Where the time of the fleet's boots goes.
    Boots,
    /// Events by time, of one tenant or of all.
    Events(Option<Who>),
    /// What changed lately.
    Changes,
    /// The objects of a tenant, the chosen one by its number.
    Objects(Who, usize),
    Yaml(Who, ObjectName),
}

impl Page {
    /// The tenant it is about, if it is about one.
    pub(crate) fn who(&self) -> Option<&Who> {
        match self {
            Self::Events(Some(who)) | Self::Objects(who, _) | Self::Yaml(who, _) => Some(who),
            Self::Boots | Self::Changes | Self::Events(None) => None,
        }
    }

    fn who_mut(&mut self) -> Option<&mut Who> {
        match self {
            Self::Events(Some(who)) | Self::Objects(who, _) | Self::Yaml(who, _) => Some(who),
            Self::Boots | Self::Changes | Self::Events(None) => None,
        }
    }

    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Boots => Place::Boots,
            Self::Events(_) => Place::Events,
            Self::Changes => Place::Changes,
            Self::Objects(..) => Place::Objects,
            Self::Yaml(..) => Place::Yaml,
        }
    }

    /// What it has to read.
    pub(crate) fn ask(&self) -> Option<Ask> {
        match self {
            Self::Boots | Self::Changes | Self::Events(None) => None,
            Self::Events(Some(who)) => Some(Ask::Events { namespace: who.namespace.to_string() }),
            Self::Objects(who, _) => Some(Ask::Objects { namespace: who.namespace.to_string() }),
            Self::Yaml(who, object) => Some(Ask::Yaml { namespace: who.namespace.to_string(), object: object.clone() }),
        }
    }
}

/// Which cause: a code and what it is about.
pub(crate) type CauseKey = (Code, String);

/// How long what was read on demand is taken for the present.
const READ_AGAIN: u32 = 120;

/// Something to say in the footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Goes with the next key.
    Info(String),
    /// Stays until Esc, or until a newer error.
    Error(String),
}

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

/// Seconds between two looks at the end of a log.
const LOG_EVERY: u32 = 3;
/// The same, of a container that is in trouble while nothing is under way.
const LOG_AT_REST: u32 = 30;

/// The question for the last lines of the stage, or of the gateway, that a tenant's boot is at.
pub(crate) fn log_end(entry: &Entry) -> Option<Ask> {
    Telling::of_boot(entry).map(|of| of_telling(entry, &of))
}

fn of_telling(entry: &Entry, of: &Telling) -> Ask {
    let namespace = entry.tenant.namespace_name.to_string();
    Ask::LogEnd { namespace, pod: of.pod.to_string(), pod_uid: of.pod_uid, container: of.container.to_string() }
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) fleet: Fleet,
    pub(crate) now: At,
    pub(crate) began: At,
    pub(crate) context: ContextInfo,
    pub(crate) banner: Option<String>,
    pub(crate) contexts: Vec<ContextChoice>,
    /// A switch of context that is under way.
    pub(crate) switching: Option<String>,
    /// A tenant to open as soon as it is seen: an id, host, namespace, pod name or address.
    pub(crate) awaited: Option<String>,
    pub(crate) size: (u16, u16),
    pub(crate) list: List,
    pub(crate) views: Vec<View>,
    /// The tail that is open; there as long as its view is.
    pub(crate) logs: Option<Box<logs::Logs>>,
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) notice: Option<Notice>,
    pub(crate) looks: Looks,
    /// The manifests' tiers, the smallest first.
    pub(crate) tiers: Vec<TierSize>,
    /// Whom the open page is about, for what is asked on its behalf.
    pub(crate) attention: Attention,
    /// What is searched for in the page on top.
    pub(crate) seek: Seek,
    pub(crate) answers: Asked,
    pub(crate) ways: ways::Ways,
    pub(crate) board: Board,
    /// Critical causes, and how many tenants they concern.
    pub(crate) causes: (usize, usize),
    /// Every finding of a tenant's page shows its proof, not the first alone.
    pub(crate) proofs: bool,
    /// What was asked for on demand, and when.
    wanted: BTreeMap<Unwatched, At>,
}

impl State {
    pub(crate) fn new(context: ContextInfo, looks: Looks, size: (u16, u16), now: At) -> Self {
        Self {
            fleet: Fleet::default(),
            now,
            began: now,
            context,
            banner: None,
            contexts: Vec::new(),
            switching: None,
            awaited: None,
            size,
            list: List::default(),
            views: Vec::new(),
            logs: None,
            overlays: Vec::new(),
            notice: None,
            looks,
            tiers: Vec::new(),
            attention: Attention::default(),
            answers: Asked::default(),
            ways: ways::Ways::default(),
            seek: Seek::default(),
            board: Board::new(tiers()),
            causes: (0, 0),
            proofs: false,
            wanted: BTreeMap::new(),
        }
    }

    /// Where keys go.
    pub(crate) fn place(&self) -> Place {
        match (self.overlays.last(), self.views.last()) {
            (Some(overlay), _) => overlay.place(),
            (None, view) => Self::place_of(view),
        }
    }

    /// The view below all overlays.
    pub(crate) fn ground(&self) -> Place {
        Self::place_of(self.views.last())
    }

    fn place_of(view: Option<&View>) -> Place {
        match view {
            Some(View::Tenant { .. }) => Place::Tenant,
            Some(View::Page { page, .. }) => page.place(),
            Some(View::Findings { .. } | View::Cause { .. }) => Place::Findings,
            Some(View::Volumes(_)) => Place::Volumes,
            Some(View::Capacity { .. }) => Place::Capacity,
            Some(View::Logs) => Place::Logs,
            None => Place::Fleet,
        }
    }

    /// The tenant that commands are about: the open one, else the selected one.
    pub(crate) fn subject(&self) -> Option<&Entry> {
        if let (Some(View::Logs), Some(logs)) = (self.views.last(), &self.logs) {
            return logs.target()?.find(&self.fleet);
        }
        let who = match self.views.iter().rev().find(|v| !matches!(v, View::Logs)) {
            Some(View::Tenant { who, .. }) => who,
            Some(View::Page { page, .. }) => page.who()?,
            Some(View::Findings { .. } | View::Cause { .. }) => return None,
            Some(View::Volumes(page)) => return page.current()?.find(&self.fleet).map(|(entry, _)| entry),
            Some(View::Capacity { .. } | View::Logs) | None => self.list.current()?,
        };
        who.find(&self.fleet).here()
    }

    /// How much room the tenants' nodes have.
    pub(crate) fn capacity(&self) -> Capacity {
        let ask = |size: &TierSize| {
            let of = |resource: &str| size.amount(resource).unwrap_or_default();
            let (cpu, memory) = (of("requests.cpu"), of("requests.memory"));
            OneMore { tier: size.tier.clone(), cpu, memory, disks: size.volumes }
        };
        let asks: Vec<OneMore> = self.tiers.iter().map(ask).collect();
        Capacity::of(&self.fleet, self.fleet.pool_facts(), &asks)
    }

    /// Every row is of the past: since when, and why.
    pub(crate) fn stale(&self) -> Option<(At, &Text)> {
        self.fleet.sources().broken().map(|(_, since, why)| (since, why))
    }

    /// Applies news to the fleet; the list is put in order at the next frame.
    pub(crate) fn apply(&mut self, delta: Delta) {
        let known = self.fleet.len();
        let was_settled = self.fleet.sources().settled();
        let of_nodes = is_of_nodes(&delta);
        let touched = self.fleet.apply(delta, self.now);
        for view in &mut self.views {
            if let View::Volumes(page) = view {
                page.disturb();
            }
        }
        // Before everything has been read once, most findings would be wrong a moment later.
        if !was_settled && self.fleet.sources().settled() {
            self.board.update_all(&self.fleet, self.now);
        } else if was_settled {
            self.board.update(&self.fleet, &touched, self.now);
            if of_nodes {
                self.board.update_others(&self.fleet, self.now);
            }
        }
        if touched.is_empty() && self.fleet.len() != known {
            self.list.disturb();
        }
        self.list.touch(touched);
    }

    /// Takes the time, and what time alone has changed. Tells whether anybody's phase may have moved.
    pub(crate) fn tick(&mut self, now: At) -> bool {
        self.now = now;
        let due = self.fleet.next_due().is_some_and(|due| due <= now);
        let touched = if due { self.fleet.tick(now) } else { Default::default() };
        let due = self.board.next_due().is_some_and(|due| due <= now);
        if due {
            self.board.tick(&self.fleet, now);
            self.board.update_others(&self.fleet, now);
        }
        if self.fleet.sources().settled() {
            self.board.update(&self.fleet, &touched, now);
        }
        let moved = due || !touched.is_empty();
        self.list.touch(touched);
        if self.list.depends_on_time() {
            self.list.disturb();
        }
        moved
    }

    /// Brings list, selection and pages in line with the fleet before a frame is drawn.
    pub(crate) fn settle(&mut self) {
        let settled = self.fleet.sources().settled();
        let said = self.list.settle(&self.fleet, self.now, view::fleet::rows(self.size), settled);
        self.bring_in_line(said);
        view::logs::settle(self);
    }

    /// The same before a key acts, which is meant for the row that is selected on screen.
    pub(crate) fn settle_for_key(&mut self) {
        let said = self.list.settle_for_key(&self.fleet, self.now, view::fleet::rows(self.size));
        self.bring_in_line(said);
    }

    fn bring_in_line(&mut self, said: Option<String>) {
        if let Some(said) = said {
            self.inform(said);
        }
        self.causes = self.board.headline();
        // Grouped only for a page that shows it: a frame of the fleet must not pay for it.
        let grouped = self.views.iter().any(|v| matches!(v, View::Findings { .. } | View::Cause { .. }));
        let causes = if grouped { self.board.causes() } else { Causes::default() };
        for view in &mut self.views {
            match view {
                View::Tenant { who, .. } => who.rebind(&self.fleet),
                View::Page { page, .. } => {
                    if let Some(who) = page.who_mut() {
                        who.rebind(&self.fleet);
                    }
                }
                View::Findings { pick } => pick.settle(&findings::keys(&causes)),
                View::Cause { cause, pick } => pick.settle(&findings::tenants(&causes, cause)),
                View::Volumes(page) => page.settle(&self.fleet, self.now, view::volumes::rows(self.size)),
                View::Capacity { .. } | View::Logs => {}
            }
        }
        if !self.views.iter().any(|v| matches!(v, View::Logs)) {
            self.logs = None;
        }
        self.meet();
    }

    /// Another cluster: nothing of the old one stays but the order of the rows.
    pub(crate) fn enter(&mut self, context: ContextInfo, banner: Option<String>) {
        let list = self.list.emptied();
        let said = format!("now on {}", context.name);
        self.fleet = Fleet::default();
        self.board.clear();
        self.wanted.clear();
        self.began = self.now;
        self.context = context;
        self.banner = banner;
        self.switching = None;
        self.awaited = None;
        self.list = list;
        self.views.clear();
        self.logs = None;
        self.overlays.clear();
        self.attention = Attention::default();
        self.answers = Asked::default();
        self.notice = Some(Notice::Info(said + self.ways.leave()));
    }

    /// Opens the tenant that the command line named, as soon as it is there.
    fn meet(&mut self) {
        let Some(asked) = &self.awaited else { return };
        let settled = self.fleet.sources().settled();
        match find(&self.fleet, asked) {
            Found::One(entry) => {
                let who = Who::of(&entry.tenant);
                self.list.select(who.clone());
                self.views = vec![View::Tenant { who, scroll: 0 }];
                self.awaited = None;
            }
            Found::Many(_) if settled => self.give_up(format!("several tenants answer to {asked:?}: choose one")),
            Found::Nobody(_) if settled => {
                self.give_up(format!("no tenant answers to {asked:?} (id, host, owner, namespace, pod or address)"));
            }
            // Who is meant may still come.
            Found::Many(_) | Found::Nobody(_) => {}
        }
    }

    fn give_up(&mut self, why: String) {
        if let Some(asked) = self.awaited.take() {
            self.list.filter_by(&asked);
        }
        self.fail(why);
    }

    /// What the page on screen would read again by itself, now and then: the end of the log of a stage that runs.
    pub(crate) fn wonder(&mut self, now: At) -> Option<Ask> {
        let Some(View::Tenant { who, .. }) = self.views.last() else { return None };
        let entry = who.find(&self.fleet).here()?;
        let ask = of_telling(entry, &Telling::first(entry)?);
        let every = if entry.verdict.phase.in_progress() { LOG_EVERY } else { LOG_AT_REST };
        if self.may_not(Right::Logs) || self.stale().is_some() {
            return None;
        }
        let again = self.answers.told(&ask).is_none_or(|told| now.since(told.at) >= every);
        (again && !self.answers.logs_are_refused(&who.namespace) && self.answers.begin(&ask)).then_some(ask)
    }

    /// What should be read now, because a page on screen stands on it; each once in a while, and what could not be read
    /// only when a person asks again.
    pub(crate) fn wants(&mut self) -> Vec<Unwatched> {
        let mut asks = match self.views.last() {
            Some(View::Tenant { who, .. }) => match who.find(&self.fleet).here() {
                Some(entry) => vec![Unwatched::Tenant(who.namespace.clone(), awaited_volumes(&entry.tenant))],
                None => vec![],
            },
            Some(View::Findings { .. }) => vec![Unwatched::Storage, Unwatched::Guard],
            _ => vec![],
        };
        asks.retain(|ask| {
            let refused = match ask {
                Unwatched::Tenant(namespace, _) => self.board.read(namespace).is_some_and(|o| !o.unread.is_empty()),
                Unwatched::Storage => !self.board.has_storage(),
                Unwatched::Guard => !self.board.has_guard(),
            };
            let asked = self.wanted.get(ask);
            !asked.is_some_and(|at| refused || self.now.since(*at) < READ_AGAIN)
        });
        self.wanted.extend(asks.iter().map(|ask| (ask.clone(), self.now)));
        asks
    }

    /// Forgets what was asked for, so that it is asked again.
    pub(crate) fn want_again(&mut self) {
        self.wanted.clear();
    }

    /// What a page asked for was read; last lines of a log are evidence too.
    pub(crate) fn looked(&mut self, ask: Ask, answer: Result<Answer, Refusal>) {
        if let (Ask::LogEnd { namespace, pod, pod_uid, container }, Ok(Answer::Log(lines))) = (&ask, &answer)
            && self.answers.waits_for(&ask)
        {
            let [pod, container] = [pod, container].map(|text| Text::from(text.as_str()));
            let line = |said: &Said| LogLine { container: container.to_string(), text: said.text.clone(), at: said.at };
            let lines = lines.iter().map(line).collect();
            let of = Telling { pod, pod_uid: *pod_uid, container };
            self.board.heard(&self.fleet, &Text::from(namespace.as_str()), &of, lines, self.now);
        }
        self.answers.end(ask, answer, self.now);
    }

    /// An answer has come.
    pub(crate) fn learn(&mut self, told: Learnt) {
        match told {
            Learnt::Tenant(namespace, opened) => self.board.opened(&self.fleet, &namespace, *opened, self.now),
            Learnt::Storage(Some(storage)) => self.board.stored(&self.fleet, storage, self.now),
            Learnt::Guard(Some(guard)) => self.board.guarded(&self.fleet, guard, self.now),
            Learnt::Storage(None) | Learnt::Guard(None) => {}
        }
    }

    /// When time alone will change what is shown, other than ages.
    pub(crate) fn is_due_some_day(&self) -> bool {
        self.fleet.next_due().is_some() || self.board.next_due().is_some()
    }

    pub(crate) fn inform(&mut self, text: impl Into<String>) {
        if !matches!(self.notice, Some(Notice::Error(_))) {
            self.notice = Some(Notice::Info(text.into()));
        }
    }

    pub(crate) fn fail(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice::Error(text.into()));
    }
}

fn is_of_nodes(delta: &Delta) -> bool {
    match delta {
        Delta::Upsert(facet) => facet.part.kind() == Kind::Node,
        Delta::Remove(kind, _) | Delta::Resync { kind, .. } => *kind == Kind::Node,
        _ => false,
    }
}

/// What the tiers of the contract in this program allow; nothing is compared where it cannot be read.
fn tiers() -> Tiers {
    static TIERS: LazyLock<Tiers> =
        LazyLock::new(|| crate::manifest::Base::embedded().map(|base| Tiers::of(&base)).unwrap_or_default());
    TIERS.clone()
}
