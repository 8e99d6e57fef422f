//! Keys of a tail.

mod moment;
pub(crate) mod whose;

use crate::{
    cluster::logs::{Filter, Kept, Kind, Level, Pattern, Wanted, stamp},
    tui::{
        command::Id,
        effect::Effect,
        state::{
            State,
            logs::{Logs, REACHES, Times},
            overlay::{Asked, Overlay},
        },
        theme::Depth,
        view,
        widget::field::Field,
    },
};

fn tail(logs: &Logs) -> Effect {
    Effect::Tail { wanted: logs.wanted.clone(), targets: logs.targets.clone() }
}

pub(super) fn travel(state: &mut State, id: Id) {
    let page = view::logs::rows(state);
    let Some(logs) = &mut state.logs else { return };
    match id {
        Id::Bottom => logs.follow(),
        _ => logs.step(super::lines(id, page.saturating_sub(1))),
    }
}

/// Everything but moving.
pub(super) fn run(state: &mut State, id: Id) -> Vec<Effect> {
    let Some(logs) = &mut state.logs else { return vec![] };
    let said = match id {
        Id::LogFollow => {
            match (logs.at, logs.last().map(|line| line.number)) {
                (None, Some(last)) => logs.stand(last),
                _ => logs.follow(),
            }
            if logs.at.is_none() { "following" } else { "standing still: new lines are counted" }.to_owned()
        }
        Id::LogWrap => {
            logs.wrap = !logs.wrap;
            logs.shift = 0;
            if logs.wrap { "long lines are wrapped" } else { "long lines are cut: right and left move" }.to_owned()
        }
        Id::LogTimes => {
            logs.times = logs.times.next();
            return vec![];
        }
        Id::LogFull => {
            logs.full = !logs.full;
            return vec![];
        }
        Id::LogJson => {
            logs.folded = !logs.folded;
            if logs.folded { "JSON is shown as its message and fields" } else { "JSON is shown as it is" }.to_owned()
        }
        Id::LogColours if state.looks.depth == Depth::None => "this terminal shows no colours".to_owned(),
        Id::LogColours => {
            logs.colours = !logs.colours;
            if logs.colours { "the containers' own colours" } else { "colours by level" }.to_owned()
        }
        Id::LogRight => {
            logs.shift = (logs.shift + 20).min(16_384);
            return vec![];
        }
        Id::LogLeft => {
            logs.shift = logs.shift.saturating_sub(20);
            return vec![];
        }
        Id::LogOpen => return unfold(state),
        Id::LogSearch | Id::LogFilter | Id::LogNot | Id::LogTime => return ask(state, id),
        Id::LogNext | Id::LogPrevious => return seek(state, id),
        Id::LogError => return jump(state, true, "error", |k| k.level >= Level::Error),
        Id::LogMark => return mark(state),
        Id::LogNextMark => {
            let marks = logs.marks.clone();
            return jump(state, true, "marked line", move |k| marks.contains(&k.number));
        }
        Id::LogCopy => return copy(state),
        Id::LogSave => return save(state),
        Id::LogContainer => whose::next_container(logs),
        Id::LogTenant => whose::next_tenant(logs),
        Id::LogHide => hide(logs),
        Id::LogShowAll => {
            logs.hide(vec![]);
            "all containers are shown".to_owned()
        }
        Id::LogLevel => {
            let least = match logs.least() {
                Level::Unknown => Level::Warn,
                Level::Warn => Level::Error,
                _ => Level::Unknown,
            };
            logs.set_filter(Filter { least, ..logs.shown.filter().clone() });
            match least {
                Level::Unknown => "lines of all levels".to_owned(),
                level => format!("only lines that say they are {} or worse", level.word()),
            }
        }
        Id::LogInstance => {
            let previous = !logs.wanted.previous;
            let wanted = Wanted { previous, follow: !previous, ..logs.wanted.clone() };
            logs.again(wanted);
            let effect = tail(logs);
            state.inform(if previous { "the instances before the present ones" } else { "the present instances" });
            return vec![effect];
        }
        _ => return vec![],
    };
    state.inform(said);
    vec![]
}

/// The digits: how far back to read.
pub(super) fn reach(state: &mut State, n: usize) -> Vec<Effect> {
    let (Some(logs), Some((name, tail_lines, since))) = (&mut state.logs, REACHES.get(n)) else { return vec![] };
    let wanted = Wanted { tail: *tail_lines, since: *since, ..logs.wanted.clone() };
    logs.again(wanted);
    let effect = tail(logs);
    state.inform(format!("reading anew: {name}"));
    vec![effect]
}

fn unfold(state: &mut State) -> Vec<Effect> {
    let Some(logs) = &mut state.logs else { return vec![] };
    let Some((number, is_json)) = logs.current().map(|k| (k.number, crate::cluster::logs::unfold(k.str()).is_some()))
    else {
        return vec![];
    };
    if !is_json {
        state.inform("this line is no JSON: there is nothing to open");
    } else if !logs.opened.remove(&number) {
        logs.opened.insert(number);
        logs.stand(number);
    }
    vec![]
}

fn ask(state: &mut State, id: Id) -> Vec<Effect> {
    let Some(logs) = &state.logs else { return vec![] };
    let filter = logs.shown.filter();
    let (asked, pattern) = match id {
        Id::LogSearch => (Asked::Search, logs.search.as_ref()),
        Id::LogNot => (Asked::Not, filter.not.as_ref()),
        Id::LogTime => (Asked::Time, None),
        _ => (Asked::Only, filter.only.as_ref()),
    };
    let before = pattern.map(|p| p.text().to_owned()).unwrap_or_default();
    state.overlays.push(Overlay::Pattern { asked, field: Field::with(&before), before });
    vec![]
}

/// Takes a pattern while it is typed; one that is none yet changes nothing and says why.
pub(super) fn typed(state: &mut State, asked: Asked, text: &str) {
    let Some(logs) = &mut state.logs else { return };
    if asked == Asked::Time {
        logs.error = moment::parse(text, state.now).err().filter(|_| !text.is_empty());
        return;
    }
    let pattern = if text.is_empty() { Ok(None) } else { Pattern::new(text).map(Some) };
    match pattern {
        Err(why) => logs.error = Some(why),
        Ok(pattern) => {
            logs.error = None;
            match asked {
                Asked::Search => logs.search = pattern,
                Asked::Only => logs.set_filter(Filter { only: pattern, ..logs.shown.filter().clone() }),
                Asked::Not => logs.set_filter(Filter { not: pattern, ..logs.shown.filter().clone() }),
                Asked::Time => {}
            }
        }
    }
}

/// The field is closed: to the nearest match, or to the moment.
pub(super) fn asked(state: &mut State, asked: Asked, text: &str) {
    let Some(logs) = &mut state.logs else { return };
    logs.error = None;
    match asked {
        Asked::Search if logs.search.is_some() => drop(seek(state, Id::LogPrevious)),
        Asked::Time => {
            if let Ok(moment) = moment::parse(text, state.now) {
                go_to(state, moment);
            }
        }
        _ => {}
    }
}

/// To the first line that is not before a moment. Times are shown then.
fn go_to(state: &mut State, moment: i64) {
    let Some(logs) = &mut state.logs else { return };
    let lines = || logs.shown.from(&logs.ring, 0).filter_map(|k| Some((k.number, k.time?)));
    let (first, found) = (lines().next(), lines().find(|(_, time)| *time >= moment));
    let clock = |nanos: i64| stamp::rfc3339(nanos, 0);
    let (number, said) = match (found, first) {
        (Some((number, time)), Some((oldest, _))) if number == oldest && time > moment => {
            (number, Some(format!("the lines that are shown begin at {}: digits read further back", clock(time))))
        }
        (Some((number, _)), _) => (number, None),
        (None, Some(_)) => match logs.last().map(|k| (k.number, k.time)) {
            Some((number, time)) => {
                (number, Some(format!("the last line is of {}", time.map_or_else(|| "?".to_owned(), clock))))
            }
            None => return,
        },
        (None, None) => {
            state.inform("there is no line with a time");
            return;
        }
    };
    logs.stand(number);
    if logs.times == Times::Off {
        logs.times = Times::Clock;
    }
    if let Some(said) = said {
        state.inform(said);
    }
}

fn seek(state: &mut State, id: Id) -> Vec<Effect> {
    let Some(search) = state.logs.as_ref().and_then(|l| l.search.clone()) else {
        state.inform("nothing is searched for: / asks what");
        return vec![];
    };
    jump(state, id == Id::LogNext, "match", move |k| k.kind == Kind::Log && search.is_match(k.text))
}

fn jump(state: &mut State, forward: bool, what: &str, wanted: impl Fn(&Kept<'_>) -> bool) -> Vec<Effect> {
    let Some(logs) = &mut state.logs else { return vec![] };
    match logs.seek(forward, wanted) {
        Some(number) => logs.stand(number),
        None => {
            let way = if forward { "below" } else { "above" };
            state.inform(format!("no {what} {way}"));
        }
    }
    vec![]
}

fn mark(state: &mut State) -> Vec<Effect> {
    let Some(logs) = &mut state.logs else { return vec![] };
    let Some(number) = logs.current().map(|k| k.number) else { return vec![] };
    if !logs.marks.remove(&number) {
        logs.marks.insert(number);
    }
    logs.stand(number);
    vec![]
}

/// The marked lines, or the one the reader stands on.
fn copy(state: &mut State) -> Vec<Effect> {
    let Some(logs) = &state.logs else { return vec![] };
    let text = if logs.marks.is_empty() {
        logs.export(logs.current().into_iter())
    } else {
        logs.export(logs.shown.from(&logs.ring, 0).filter(|k| logs.marks.contains(&k.number)))
    };
    let lines = text.lines().count();
    if lines == 0 {
        state.inform("there is no line to copy");
        return vec![];
    }
    let what = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
    state.inform(format!("copied {what} (if your terminal takes OSC 52)"));
    vec![Effect::Copy(text)]
}

/// What is shown, with a head that tells what it is and what is missing.
fn save(state: &mut State) -> Vec<Effect> {
    let Some(logs) = &state.logs else { return vec![] };
    let who: Vec<_> = logs.targets.iter().map(|t| t.id.as_str()).collect();
    let containers: Vec<_> =
        logs.containers().filter(|c| logs.shown.filter().shows(c.lane)).map(|c| c.container.as_str()).collect();
    let mut head = format!("# tenants: {}\n# context: {}\n", who.join(", "), state.context.name);
    head += &format!("# containers: {}\n# saved: {}\n", containers.join(", "), state.now);
    let range = |k: Option<Kept<'_>>| k.and_then(|k| k.time).map_or_else(|| "?".to_owned(), |t| stamp::rfc3339(t, 3));
    head += &format!("# range: {} to {}\n", range(logs.shown.from(&logs.ring, 0).next()), range(logs.last()));
    let filter = logs.shown.filter();
    if let Some(only) = &filter.only {
        head += &format!("# only: {}\n", only.text());
    }
    if let Some(not) = &filter.not {
        head += &format!("# not: {}\n", not.text());
    }
    if filter.least != Level::Unknown {
        head += &format!("# level: {} or worse\n", filter.least.word());
    }
    head += &format!(
        "# lines: {}, dropped before them: {}; secrets are masked\n",
        logs.shown.len(&logs.ring),
        logs.ring.dropped_in_all()
    );
    let body = logs.export(logs.shown.from(&logs.ring, 0));
    let stamp: String = state.now.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    let first: String =
        who.first().map_or("", |w| w).chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let more = if who.len() > 1 { format!("-and-{}", who.len() - 1) } else { String::new() };
    vec![Effect::Save { name: format!("fleetdeck-{first}{more}-{stamp}.log"), text: head + &body }]
}

/// Switches off the container of the line the reader stands on.
fn hide(logs: &mut Logs) -> String {
    let Some(lane) = logs.current().filter(|k| k.kind == Kind::Log).map(|k| k.lane) else {
        return "there is no line of a container here".to_owned();
    };
    let mut hidden = logs.shown.filter().hidden.clone();
    hidden.push(lane);
    let name = logs.who(lane).to_owned();
    logs.hide(hidden);
    format!("{name} is hidden; = shows all")
}
