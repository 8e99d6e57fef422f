//! The console's whole state: one owner, flat, changed by `update` alone.

pub(crate) mod alerts;
pub(crate) mod asking;
pub(crate) mod attention;
pub(crate) mod confirm;
pub(crate) mod form;
pub(crate) mod list;
pub(crate) mod logs;
mod looks;
pub(crate) mod marks;
pub(crate) mod overlay;
pub(crate) mod pick;
mod reading;
pub(crate) mod runs;
pub(crate) mod seek;
pub(crate) mod volumes;
pub(crate) mod ways;
pub(crate) mod who;

use std::{collections::BTreeMap, sync::LazyLock};

use crate::{
    cluster::ObjectName,
    config::LogsMib,
    diagnose::{Board, Causes, Code, Tiers, standing},
    fleet::{At, Text},
    index::{
        Delta, Entry, Fleet, Kind,
        capacity::{Capacity, OneMore},
        facets::{By, Facet, facets},
        find::{Found, find},
    },
};

use crate::manifest::{Defaults, TierSize};

use self::{
    alerts::Alerts, attention::Attention, list::List, marks::Marks, overlay::Overlay, pick::Pick, runs::Runs,
    seek::Seek, volumes::Volumes, who::Who,
};
pub(crate) use self::{looks::Looks, reading::log_end};
use super::{
    ask::{Ask, Asked},
    command::Place,
    effect::Effect,
    session::{ContextChoice, ContextInfo, Unwatched},
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
    /// Counts of what tenants have in common.
    Facets {
        pick: Pick<FacetKey>,
    },
    Capacity {
        scroll: usize,
    },
    /// What it shows is in [`State::logs`].
    Logs,
    /// What they show is in [`State::runs`].
    Runs {
        pick: Pick<String>,
    },
    Run {
        id: String,
        scroll: usize,
    },
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

/// What is counted, and which value of it.
pub(crate) type FacetKey = (By, String);

/// Something to say in the footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Goes with the next key.
    Info(String),
    /// Stays until Esc, or until a newer error.
    Error(String),
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
    /// An error that an answer covers until the next key.
    covered: Option<String>,
    pub(crate) looks: Looks,
    /// The manifests' tiers, the smallest first.
    pub(crate) tiers: Vec<TierSize>,
    /// What the configuration says of tenants that are made.
    pub(crate) defaults: Defaults,
    pub(crate) marks: Marks,
    pub(crate) runs: Runs,
    /// Of the dialog that was opened last.
    pub(crate) token: u64,
    /// Whom the open page is about, for what is asked on its behalf.
    pub(crate) attention: Attention,
    pub(crate) alerts: Alerts,
    /// Bytes that a tail keeps.
    pub(crate) logs_cap: usize,
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
            covered: None,
            looks,
            tiers: Vec::new(),
            defaults: Defaults::default(),
            marks: Marks::default(),
            runs: Runs::default(),
            token: 0,
            attention: Attention::default(),
            alerts: Alerts::default(),
            logs_cap: LogsMib::default().bytes(),
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
            Some(View::Facets { .. }) => Place::Facets,
            Some(View::Logs) => Place::Logs,
            Some(View::Runs { .. }) => Place::Runs,
            Some(View::Run { .. }) => Place::Run,
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
            Some(
                View::Findings { .. } | View::Cause { .. } | View::Facets { .. } | View::Runs { .. } | View::Run { .. },
            ) => return None,
            Some(View::Volumes(page)) => return page.current()?.find(&self.fleet).map(|(entry, _)| entry),
            Some(View::Capacity { .. } | View::Logs) | None => self.list.current()?,
        };
        who.find(&self.fleet).here()
    }

    /// Whom a verb is about: in the fleet all that are marked, whatever the filter hides; else the one at hand.
    pub(crate) fn targets(&self) -> Vec<Who> {
        if self.views.is_empty() && !self.marks.is_empty() {
            return self.marks.iter().cloned().collect();
        }
        self.subject().map(|entry| Who::of(&entry.tenant)).into_iter().collect()
    }

    /// A question is on top, which a key answers.
    pub(crate) fn asks_a_question(&self) -> bool {
        matches!(self.overlays.last(), Some(Overlay::Confirm(_) | Overlay::Leave | Overlay::Asking(_)))
    }

    /// The clock has to be looked at: a page of runs reads now and then, and shows how long things take.
    pub(crate) fn watches_runs(&self) -> bool {
        matches!(self.views.last(), Some(View::Runs { .. } | View::Run { .. }))
    }

    /// The run that is open or selected.
    pub(crate) fn run(&self) -> Option<String> {
        match self.views.last()? {
            View::Run { id, .. } => Some(id.clone()),
            View::Runs { pick } => pick.key().cloned(),
            _ => None,
        }
    }

    /// The screen without the line that a run under way takes: what pages have.
    pub(crate) fn inner(&self) -> (u16, u16) {
        (self.size.0, self.size.1.saturating_sub(view::run_line::height(self)))
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

    /// What the tenants that the filter lets pass have in common.
    pub(crate) fn facets(&self) -> Vec<Facet> {
        let entries = self.list.order.iter().filter_map(|namespace| self.fleet.get(namespace));
        facets(entries.map(|e| (e, standing(&e.verdict.phase, self.board.of(&e.tenant.namespace_name)))))
    }

    /// Whom to call by now, where anybody wants to be called.
    pub(crate) fn alert(&mut self) -> Vec<Effect> {
        self.turn();
        self.alerts.due(&self.fleet, &self.board, self.now).into_iter().collect()
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
            self.alerts.begin(&self.fleet, &self.board);
        } else if was_settled {
            self.board.update(&self.fleet, &touched, self.now);
            if of_nodes {
                self.board.update_others(&self.fleet, self.now);
            }
            self.watch(&touched);
        }
        if touched.is_empty() && self.fleet.len() != known {
            self.list.disturb();
        }
        self.list.touch(touched);
    }

    fn watch<'a>(&mut self, touched: impl IntoIterator<Item = &'a Text>) {
        for namespace in touched {
            self.alerts.look(namespace, self.fleet.get(namespace), &self.board, self.now);
        }
    }

    /// Whom a finding has come to keep down, or does no longer, stands elsewhere in the list, and may be news.
    fn turn(&mut self) {
        let turned = self.board.turned();
        if self.fleet.sources().settled() {
            self.watch(&turned);
        }
        self.list.touch(turned);
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
            self.watch(&touched);
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
        self.turn();
        let settled = self.fleet.sources().settled();
        let said = self.list.settle(&self.fleet, &self.board, self.now, view::fleet::rows(self.inner()), settled);
        self.bring_in_line(said);
        view::logs::settle(self);
    }

    /// The same before a key acts, which is meant for the row that is selected on screen.
    pub(crate) fn settle_for_key(&mut self) {
        self.turn();
        let said = self.list.settle_for_key(&self.fleet, &self.board, self.now, view::fleet::rows(self.inner()));
        self.bring_in_line(said);
    }

    fn bring_in_line(&mut self, said: Option<String>) {
        if let Some(said) = said {
            self.inform(said);
        }
        if let Some(said) = self.marks.settle(&self.fleet) {
            self.inform(said);
        }
        let size = self.inner();
        self.causes = self.board.headline();
        // Grouped only for a page that shows it: a frame of the fleet must not pay for it.
        let grouped = self.views.iter().any(|v| matches!(v, View::Findings { .. } | View::Cause { .. }));
        let causes = if grouped { self.board.causes() } else { Causes::default() };
        let facets = self.views.iter().any(|v| matches!(v, View::Facets { .. }));
        let counted: Vec<FacetKey> =
            if facets { self.facets().into_iter().map(|f| (f.by, f.value)).collect() } else { Vec::new() };
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
                View::Volumes(page) => page.settle(&self.fleet, self.now, view::volumes::rows(size)),
                View::Facets { pick } => pick.settle(&counted),
                View::Runs { pick } => pick.settle(&self.runs.keys()),
                View::Capacity { .. } | View::Logs | View::Run { .. } => {}
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
        self.alerts.forget();
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
        self.marks.clear();
        self.runs.leave();
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

    /// When time alone will change what is shown, other than ages.
    pub(crate) fn is_due_some_day(&self) -> bool {
        self.fleet.next_due().is_some() || self.board.next_due().is_some()
    }

    /// Tells what is good to know. An error stays instead; but where somebody is asked or types, they have to see the answer.
    pub(crate) fn inform(&mut self, text: impl Into<String>) {
        if matches!(self.notice, Some(Notice::Error(_))) && self.overlays.is_empty() {
            return;
        }
        if let Some(Notice::Error(error)) = self.notice.replace(Notice::Info(text.into())) {
            self.covered = Some(error);
        }
    }

    /// The next key was pressed: what was said to the one before goes, and what it covered comes back.
    pub(crate) fn uncover(&mut self) {
        if matches!(self.notice, Some(Notice::Info(_))) {
            self.notice = self.covered.take().map(Notice::Error);
        }
    }

    /// Which keys to begin with. It goes with the first one.
    pub(crate) fn welcome(&mut self) {
        self.inform("first time here? Enter opens a tenant, / filters, ? lists all keys, q leaves");
    }

    pub(crate) fn fail(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice::Error(text.into()));
        self.covered = None;
    }
}

fn is_of_nodes(delta: &Delta) -> bool {
    match delta {
        Delta::Upsert(facet) => facet.part.kind() == Kind::Node,
        Delta::Remove(kind, _) | Delta::Page(kind, _) | Delta::Whole { kind, .. } | Delta::Resync { kind, .. } => {
            *kind == Kind::Node
        }
        _ => false,
    }
}

/// What the tiers of the contract in this program allow; nothing is compared where it cannot be read.
fn tiers() -> Tiers {
    static TIERS: LazyLock<Tiers> =
        LazyLock::new(|| crate::manifest::Base::embedded().map(|base| Tiers::of(&base)).unwrap_or_default());
    TIERS.clone()
}
