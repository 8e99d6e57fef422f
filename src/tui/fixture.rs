//! Fleets and screens for the tests of the console.

use std::{collections::BTreeMap, fmt::Write as _};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier},
};

use crate::{
    fleet::{fixture::*, *},
    index::{Delta, Facet, Key, Kind, Link, Measure, Meter, Part},
    manifest::{Base, tier_sizes},
};

use super::{
    effect::Effect,
    glyph::GlyphSet,
    keymap::Keymap,
    msg::Msg,
    session::{ContextChoice, ContextInfo},
    state::{Looks, State},
    theme::{Depth, Themes},
    update::update,
    view,
};

/// The console's present in most tests.
pub(crate) const NOW: u32 = 10_000;

pub(crate) fn looks(theme: &str, depth: Depth, glyphs: GlyphSet) -> Looks {
    Looks::new(Themes::load(&[]).unwrap(), theme, depth, glyphs).unwrap()
}

pub(crate) fn context() -> ContextInfo {
    ContextInfo {
        name: "prod-weu".into(),
        user: "oncall@ops".into(),
        read_only: false,
        protected: false,
        tenants: "carries the label openclaw.ai/tenant".into(),
    }
}

/// A console that has heard nothing yet.
pub(crate) fn console() -> State {
    let looks = looks("dark", Depth::True, GlyphSet::Unicode);
    let mut state = State::new(context(), looks, (80, 24), at(NOW));
    state.began = at(NOW - 7);
    state.tiers = tier_sizes(&Base::embedded().unwrap());
    state.contexts = [("prod-weu", "https://weu.example"), ("prod-eus", "https://eus.example"), ("lab", "kind")]
        .map(|(name, about)| ContextChoice { name: name.into(), about: about.into() })
        .to_vec();
    state
}

/// Every part of a tenant as facets, its objects' UIDs made from `n`.
pub(crate) fn facets(n: u128, mut tenant: Tenant) -> Vec<Facet> {
    let base = n * 1_000;
    let namespace = tenant.namespace_name.clone();
    let label = tenant.tier.take().map(|t| text(t.as_str()));
    let mut parts = Vec::new();
    if let Some(ns) = tenant.namespace {
        let it = Namespace { uid: uid(base + 1), ..ns };
        parts.push((it.uid, Part::Namespace(it)));
    }
    for set in tenant.sets {
        let it = StatefulSet { uid: uid(base + 20), ..set };
        parts.push((it.uid, Part::StatefulSet(it)));
    }
    for pod in tenant.pods {
        let it = Pod { uid: uid(base + 10), ..pod };
        parts.push((it.uid, Part::Pod(it)));
    }
    for (i, claim) in (0..).zip(tenant.claims) {
        let it = Claim { uid: uid(base + 30 + i), ..claim };
        parts.push((it.uid, Part::Claim(it)));
    }
    for quota in tenant.quotas {
        let mut it = quota;
        it.uid = uid(base + 50);
        parts.push((it.uid, Part::Quota(it)));
    }
    for (i, warning) in (0..).zip(tenant.warnings) {
        let about = uid(if warning.kind == *"Pod" { base + 10 } else { base + 20 });
        let it = Warning { uid: uid(base + 60 + i), object_uid: Some(about), ..warning };
        parts.push((it.uid, Part::Warning(it)));
    }
    let facet = |(uid, part)| Facet {
        key: Key { namespace: namespace.clone(), uid },
        tenant: Some(tenant.id.clone()),
        tier: label.clone(),
        part,
    };
    parts.into_iter().map(facet).collect()
}

/// What the polls would bring for these tenants.
fn measures(tenants: &[Tenant]) -> [Delta; 2] {
    let (mut pods, mut volumes) = (Vec::new(), Vec::new());
    for tenant in tenants {
        let namespace = &tenant.namespace_name;
        if let (Some(pod), Some(usage)) = (tenant.pod(), tenant.usage) {
            let named = pod.containers.iter().zip(&tenant.parts);
            let parts = named.filter_map(|(c, part)| Some((c.name.clone(), (*part)?))).collect();
            pods.push(Measure::Pod { namespace: namespace.clone(), pod: pod.name.clone(), usage, parts });
        }
        for claim in &tenant.claims {
            if let Some(usage) = claim.usage {
                volumes.push(Measure::Volume { namespace: namespace.clone(), claim: claim.name.clone(), usage });
            }
            if let Some(growth) = claim.growth {
                volumes.push(Measure::Growth { namespace: namespace.clone(), claim: claim.name.clone(), growth });
            }
        }
    }
    [Delta::Measures(Meter::Pods, pods), Delta::Measures(Meter::Volumes, volumes)]
}

/// First lists of every kind, with these tenants in them, and one round of measures.
pub(crate) fn first_lists(tenants: Vec<Tenant>) -> Vec<Delta> {
    let measures = measures(&tenants);
    let mut by_kind: BTreeMap<Kind, Vec<Facet>> = Kind::ALL.into_iter().map(|k| (k, vec![])).collect();
    for (n, tenant) in (1..).zip(tenants) {
        for facet in facets(n, tenant) {
            by_kind.entry(facet.part.kind()).or_default().push(facet);
        }
    }
    let lists = by_kind.into_iter().map(|(kind, facets)| Delta::Resync { kind, namespace: None, facets });
    lists.chain(measures).collect()
}

/// Moves everything a pod says about time so that second 0 becomes `start`.
pub(crate) fn later(mut pod: Pod, start: u32) -> Pod {
    let shift = |at: &mut Option<At>| *at = at.map(|a| a.plus(start));
    let ended = |t: &mut Terminated| {
        shift(&mut t.started);
        shift(&mut t.finished);
    };
    shift(&mut pod.created);
    for c in [&mut pod.scheduled, &mut pod.ready].into_iter().flatten() {
        shift(&mut c.since);
    }
    for c in [&mut pod.sandbox, &mut pod.initialized].into_iter().flatten() {
        shift(&mut c.since);
    }
    for c in pod.stages.iter_mut().chain(&mut *pod.containers) {
        match &mut c.state {
            State_::Running { since } => shift(since),
            State_::Terminated(t) => ended(t),
            State_::Waiting(_) => {}
        }
        if let Some(last) = &mut c.last {
            ended(last);
        }
    }
    pod
}

use crate::fleet::State as State_;

pub(crate) fn quota(memory: &str) -> Quota {
    quota_used(memory, memory)
}

pub(crate) fn quota_used(memory: &str, used: &str) -> Quota {
    let entry = |resource: &str, hard: &str, used: Option<&str>| {
        (text(resource), hard.parse().unwrap(), used.map(|u| u.parse().unwrap()))
    };
    let entries = [
        entry("limits.cpu", "1", Some("1")),
        entry("limits.memory", memory, Some(used)),
        entry("requests.cpu", "250m", Some("100m")),
        entry("requests.memory", "1Gi", None),
    ];
    Quota::new(uid(50), text("tenant"), entries)
}

fn usage(claim: &mut Claim, percent: u64) {
    let capacity = 20 << 30;
    claim.usage = Some(VolumeUsage {
        used: capacity / 100 * percent + 1_000,
        capacity,
        inodes_used: 12,
        inodes: 100,
        at: at(NOW - 40),
        source: VolumeSource::Kubelet,
    });
}

pub(crate) fn member(id: &str, pod: Option<Pod>, disks: (u64, u64)) -> Tenant {
    let mut tenant = tenant(id, pod);
    tenant.quotas = Box::new([quota("2Gi")]);
    for (claim, percent) in tenant.claims.iter_mut().zip([disks.0, disks.1]) {
        usage(claim, percent);
    }
    tenant
}

/// One tenant of most kinds, seen at [`NOW`].
pub(crate) fn mixed() -> Vec<Tenant> {
    let mut all = Vec::new();

    let mut maria = member("maria-k", None, (41, 62));
    maria.quotas = Box::new([quota_used("2Gi", "0")]);
    maria.warnings = Box::new([refusal(NOW - 720)]);
    all.push(maria);

    let mut pull = booting(0);
    pull.stages[0].state = State_::Waiting(Words::new(
        Some(text("ImagePullBackOff")),
        Some(text("Back-off pulling image \"ghcr.io/openclaw/openclaw:2026.8.9\"")),
    ));
    let mut leo = member("leo", Some(later(pull, NOW - 240)), (12, 30));
    leo.tier = Some(Tier::Max);
    leo.sets[0].image = Some(text("ghcr.io/openclaw/openclaw:2026.8.9"));
    all.push(leo);

    let mut oom = starting();
    oom.containers[0].state = waiting("CrashLoopBackOff");
    oom.containers[0].last = Some(Box::new(ended(137, "OOMKilled", 80, 100)));
    oom.containers[0].restarts = 7;
    let mut tomas = member("tomas-v", Some(later(oom, NOW - 1_900)), (55, 97));
    let pace = |bytes_per_day| Some(Growth { bytes_per_day, over: 86_400, recorded: true });
    (tomas.claims[0].growth, tomas.claims[1].growth) = (pace(-20 << 20), pace(900 << 20));
    all.push(tomas);

    let mut dead = ready();
    dead.containers[1].ready = false;
    dead.containers[1].restarts = 3;
    dead.containers[1].state = State_::Terminated(ended(137, "OOMKilled", 80, 300));
    dead.ready = condition(false, 300);
    all.push(member("jun", Some(later(dead, NOW - 420)), (40, 71)));

    all.push(member("nadia", Some(later(booting(3), NOW - 76)), (22, 18)));
    all.push(member("oskar", Some(later(booting(6), NOW - 68)), (22, 18)));
    all.push(member("petra", Some(later(starting(), NOW - 98)), (31, 44)));

    for (id, start) in [("ada", 9_000), ("ben-with-a-very-long-name-of-39-chars", 5_000), ("chloe", 200)] {
        let mut tenant = member(id, Some(later(ready(), start)), (12, 30));
        tenant.usage = Usage::new(Quantity::from_milli(430), Quantity::whole(900 << 20), at(NOW - 15));
        let part = |cpu, memory: i64| PartUsage::new(Quantity::from_milli(cpu), Quantity::whole(memory << 20));
        tenant.parts = Box::new([part(300, 600), part(120, 250), part(10, 50)]);
        all.push(tenant);
    }

    let mut unknown_volumes = member("emil", Some(later(ready(), 300)), (0, 0));
    unknown_volumes.claims[0].usage = None;
    unknown_volumes.claims[1].usage.as_mut().unwrap().capacity = 500 << 30;
    unknown_volumes.sets[0].image = Some(text("ghcr.io/openclaw/openclaw:2026.8.3"));
    all.push(unknown_volumes);

    let mut replaced = later(ready(), 300);
    replaced.deleting = Some(at(NOW + 20));
    all.push(member("gus", Some(replaced), (12, 30)));

    let mut suspended = member("hana", None, (12, 30));
    suspended.sets[0].wanted = 0;
    all.push(suspended);

    let mut parked = member("ivo", None, (12, 30));
    parked.sets = Box::default();
    parked.quotas = Box::default();
    parked.tier = Some(Tier::Other(text("gold")));
    all.push(parked);

    let mut going = member("kai", None, (12, 30));
    going.sets = Box::default();
    let namespace = going.namespace.as_mut().unwrap();
    namespace.deleting = Some(at(NOW - 3_700));
    namespace.remaining =
        Some(text("Some content in the namespace has finalizers remaining: example.com/stuck in 1 resource instances"));
    all.push(going);
    all
}

/// A console that has read these tenants.
pub(crate) fn with(tenants: Vec<Tenant>) -> State {
    let mut state = console();
    feed(&mut state, first_lists(tenants));
    feed(&mut state, vec![Delta::Rights { namespace: None, rights: oncall() }]);
    for kind in Kind::ALL {
        feed(&mut state, vec![Delta::Link(kind, Link::Live)]);
    }
    state
}

/// What the role `oncall` of `manifests/rbac` may do.
pub(crate) fn oncall() -> Rights {
    let mut rights = Rights::default();
    Right::ALL
        .iter()
        .for_each(|right| rights.set(*right, *right != Right::Everything && *right != Right::NodeStatistics));
    rights
}

pub(crate) fn feed(state: &mut State, deltas: Vec<Delta>) {
    let keys = Keymap::new();
    for delta in deltas {
        update(state, &keys, Msg::Delta(delta));
    }
    state.settle();
}

/// Presses keys, written as in the table, apart by blanks; a quoted word is typed letter by letter.
pub(crate) fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let map = Keymap::new();
    let mut effects = Vec::new();
    for word in keys.split(' ').filter(|w| !w.is_empty()) {
        let events: Vec<KeyEvent> = match word.strip_prefix('"').and_then(|w| w.strip_suffix('"')) {
            Some(typed) => typed.chars().map(|c| event(&c.to_string())).collect(),
            None => vec![event(word)],
        };
        for event in events {
            state.settle_for_key();
            effects.extend(update(state, &map, Msg::Key(event)));
            state.settle();
        }
    }
    effects
}

fn event(name: &str) -> KeyEvent {
    let (rest, modifiers) = match name.strip_prefix("ctrl-") {
        Some(rest) => (rest, KeyModifiers::CONTROL),
        None => (name, KeyModifiers::NONE),
    };
    let code = match rest {
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pgup" => KeyCode::PageUp,
        "pgdn" => KeyCode::PageDown,
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backspace" => KeyCode::Backspace,
        "space" => KeyCode::Char(' '),
        other => KeyCode::Char(other.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

pub(crate) fn frame(state: &mut State, width: u16, height: u16) -> Buffer {
    state.size = (width, height);
    state.settle();
    let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width, height });
    view::draw(state, &mut buffer);
    buffer
}

/// The screen as text; blanks at the ends of lines are cut.
pub(crate) fn screen(state: &mut State, width: u16, height: u16) -> String {
    lines(&frame(state, width, height))
}

pub(crate) fn lines(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip > 0 {
                skip -= 1;
                continue;
            }
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The screen, and below it the same screen in letters that stand for styles, with their legend.
pub(crate) fn styled(state: &mut State, width: u16, height: u16) -> String {
    let buffer = frame(state, width, height);
    let mut out = lines(&buffer);
    let mut letters: Vec<(Color, Color, Modifier)> = Vec::new();
    let alphabet: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    for y in 0..height {
        let mut line = String::new();
        for x in 0..width {
            let cell = &buffer[(x, y)];
            let style = (cell.fg, cell.bg, cell.modifier);
            let i = letters.iter().position(|l| *l == style).unwrap_or_else(|| {
                letters.push(style);
                letters.len() - 1
            });
            line.push(alphabet[i]);
        }
        out.push_str(&line);
        out.push('\n');
    }
    for (letter, (fg, bg, modifier)) in alphabet.iter().zip(letters) {
        let _ = writeln!(out, "{letter}: {fg} on {bg} {modifier:?}");
    }
    out
}
