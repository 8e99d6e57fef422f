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
    (content(state, state.looks.glyphs.glyphs()).len(), usize::from(area(screen).height.saturating_sub(2)))
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, scroll: usize, screen: Rect) {
    let area = area(screen);
    let lines = content(state, paint.glyphs);
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

fn content(state: &State, glyphs: &crate::tui::glyph::Glyphs) -> Vec<Line> {
    let ground = state.ground();
    let mut lines: Vec<Line> = about(ground).iter().map(|text| vec![((*text).to_owned(), Role::Text)]).collect();
    lines.push(title("KEYS"));
    for command in Command::at(ground) {
        let why_not = (command.enabled)(state).err();
        let mut line = vec![(format!("{:<18}", keys(command)), Role::Key), (command.help.to_owned(), Role::Text)];
        if let Some(why) = why_not {
            line.push((format!(" (not now: {why})"), Role::Dim));
        }
        lines.push(line);
    }
    lines.push(title("IN A FIELD (filter, palette, contexts)"));
    let in_fields = commands().filter(|c| c.places.contains(&Place::Filter) && !c.places.contains(&ground));
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
