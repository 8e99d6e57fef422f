//! What works here, and what the screen means: made from the command table, the columns and the filter's keys.

use ratatui::layout::Rect;

use crate::{
    fleet::Phase,
    index::Query,
    tui::{
        command::{Command, Place, commands},
        keymap::Key,
        state::State,
        theme::Role,
        widget::{boxed, paint::Paint},
    },
};

use super::fleet::{column::Column, phase_role};

const WIDTH: u16 = 100;

type Line = Vec<(String, Role)>;

fn area(screen: Rect) -> Rect {
    boxed::centred(screen, WIDTH, screen.height.saturating_sub(2))
}

/// Lines in all, and lines on screen.
pub(crate) fn extent(state: &State) -> (usize, usize) {
    let screen = Rect { x: 0, y: 0, width: state.size.0, height: state.size.1 };
    let area = area(screen);
    (folded(content(state, state.looks.glyphs.glyphs()), area).len(), usize::from(area.height.saturating_sub(2)))
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, scroll: usize, screen: Rect) {
    let area = area(screen);
    let lines = folded(content(state, paint.glyphs), area);
    let inside = usize::from(area.height.saturating_sub(2));
    let scroll = scroll.min(lines.len().saturating_sub(inside));
    let place = state.ground().title();
    let more = lines.len().saturating_sub(scroll + inside);
    let foot = format!(" esc closes {} {more} more lines ", paint.glyphs.dot);
    let foot = if more > 0 { foot.as_str() } else { " esc closes " };
    let inner = boxed::draw(paint, area, &format!("help: {place}"), &[(foot, Role::Hint)]);
    for (y, line) in (inner.top()..inner.bottom()).zip(lines.iter().skip(scroll)) {
        let mut x = inner.x;
        for (text, role) in line {
            x = paint.text(x, y, inner.right(), text, *role);
        }
    }
}

/// Lines that are longer than the box, broken at blanks; what follows stands below what was explained.
fn folded(lines: Vec<Line>, area: Rect) -> Vec<Line> {
    let width = usize::from(area.width.saturating_sub(4));
    let long = |line: &Line| line.iter().map(|(text, _)| text.chars().count()).sum::<usize>() > width;
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        if !long(&line) {
            all.push(line);
            continue;
        }
        let head = if line.len() > 1 { Some(line[0].clone()) } else { None };
        let indent = head.as_ref().map_or(0, |(text, _)| text.chars().count().min(width / 2));
        let mut now: Line = head.into_iter().collect();
        let mut used = now.iter().map(|(text, _)| text.chars().count()).sum::<usize>();
        let mut fresh = true;
        for (text, role) in line.iter().skip(usize::from(line.len() > 1)) {
            for word in text.split_whitespace() {
                let gap = usize::from(!fresh);
                if used + gap + word.chars().count() > width && !fresh {
                    all.push(std::mem::replace(&mut now, vec![(" ".repeat(indent), Role::Text)]));
                    (used, fresh) = (indent, true);
                }
                let gap = if fresh { "" } else { " " };
                now.push((format!("{gap}{word}"), *role));
                used += gap.len() + word.chars().count();
                fresh = false;
            }
        }
        all.push(now);
    }
    all
}

fn content(state: &State, glyphs: &crate::tui::glyph::Glyphs) -> Vec<Line> {
    let ground = state.ground();
    let mut lines: Vec<Line> = about(ground).iter().map(|text| vec![((*text).to_owned(), Role::Text)]).collect();
    lines.push(title("KEYS"));
    for command in Command::at(ground) {
        let why_not = (command.enabled)(state).err();
        let mut line = vec![(format!("{:<17} ", keys(command)), Role::Key), (command.help.to_owned(), Role::Text)];
        if let Some(why) = why_not {
            line.push((format!(" (not now: {why})"), Role::Dim));
        }
        lines.push(line);
    }
    lines.push(title("IN A FIELD (filter, palette, contexts)"));
    let in_fields = commands().filter(|c| c.places.has(Place::Filter) && !c.places.has(ground));
    lines.extend(in_fields.map(|c| entry(&keys(c), c.help)));
    if ground == Place::Capacity {
        lines.push(title("COLUMNS"));
        lines.extend(super::capacity::columns().map(|(head, meaning)| entry(head, meaning)));
        return lines;
    }
    if ground == Place::Volumes {
        lines.push(title("COLUMNS"));
        lines.extend(super::volumes::columns().map(|(head, meaning)| entry(head, meaning)));
        return lines;
    }
    if !matches!(ground, Place::Fleet | Place::Tenant) {
        return lines;
    }
    lines.push(title("PHASES"));
    for (rank, word) in Phase::WORDS.into_iter().enumerate() {
        let head = format!("{} {word:<16}", glyphs.phase_rank(rank));
        lines.push(vec![(head, phase_role(rank)), (phase_meaning(word).to_owned(), Role::Text)]);
    }
    lines.push(title("COLUMNS"));
    lines.extend(Column::all().iter().map(|c| entry(c.title(glyphs).0, c.meaning())));
    lines.push(title(
        "FILTER: words (id, host, owner, pod, address, image) and terms, ! negates, commas are alternatives",
    ));
    lines.extend(Query::KEYS.iter().map(|(key, meaning)| entry(&format!("{key}:"), meaning)));
    lines
}

/// What a page shows, where its lines do not say it themselves.
fn about(place: Place) -> &'static [&'static str] {
    match place {
        Place::Boots => &[
            "Each boot seen to its end is remembered: the latest 2,048, five of a tenant,",
            "between runs too. Only cold ones count: nothing in the pod has restarted.",
            "They are told apart by image (whatever its tag), tier, stages, and whether",
            "the volumes were new. MEDIAN and P95 are of the latest 128 of a kind.",
            "The parts sum to the whole: scheduling, volumes (attach, mount, sandbox),",
            "stages, gateway until it is ready; between them images and starts. The first",
            "image may count as volumes: some nodes tell of the sandbox only after it.",
            "SHARE is of all the time that those boots took.",
            "",
        ],
        Place::Facets => &[
            "How many of the tenants that the filter lets pass have what in common. Enter",
            "puts the chosen value into the filter, in the stead of its own kind.",
            "",
        ],
        Place::Events => &[
            "Of one tenant: its events as the cluster keeps them (an hour), ordinary ones",
            "too, read when the page is opened; warnings come in by themselves. Of the",
            "fleet: its warnings. The latest is first; the same again is counted.",
            "",
        ],
        Place::Changes => &[
            "What was seen to change since the console was started, and what objects tell",
            "of themselves: pods made, containers that ended, warnings. The latest is first.",
            "",
        ],
        Place::Objects | Place::Yaml => &[
            "Read now, and not followed: ctrl-r reads again. Managed fields are folded;",
            "values of variables that are called like a secret are left out, as is",
            "whatever looks like one. Secrets are never read. In the YAML / searches, n and",
            "N go from match to match.",
            "",
        ],
        _ => &[],
    }
}

fn keys(command: &Command) -> String {
    let keys: Vec<_> = command.keys.iter().filter_map(|k| Key::parse(k)).map(|k| k.to_string()).collect();
    if keys.is_empty() { format!(":{}", command.name) } else { keys.join(" ") }
}

fn title(text: &str) -> Line {
    vec![(text.to_owned(), Role::Title)]
}

fn entry(head: &str, text: &str) -> Line {
    vec![(format!("{head:<18}"), Role::Key), (text.to_owned(), Role::Text)]
}

fn phase_meaning(word: &str) -> &'static str {
    match word {
        "Failing" => "it will not become ready by itself",
        "Degraded" => "it answers, or did, but a part of it is down",
        "Creating" => "its pod is not made or not scheduled yet",
        "Booting" => "its stages run, one after another",
        "Starting" => "the gateway runs and is not ready yet; its user is refused until then",
        "Updating" => "its pod is being replaced",
        "Terminating" => "its namespace is being deleted",
        "Ready" => "it answers its user",
        "Suspended" => "scaled to nothing on purpose",
        "Parked" => "volumes kept, nothing runs",
        _ => "what is seen fits no phase",
    }
}
