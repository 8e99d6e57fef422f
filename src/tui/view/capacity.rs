//! How much room the tenants' nodes have.

use ratatui::layout::Rect;

use crate::{
    index::{
        Kind, Link,
        capacity::{Capacity, NodeRoom, Share},
    },
    tui::{
        state::State,
        theme::Role,
        widget::{
            bar,
            paint::{Align, Paint},
            wrap::wrap,
        },
    },
};

/// Title, width and meaning of each column.
const COLUMNS: [(&str, u16, &str); 6] = [
    ("NODE", 20, "a node of the tenants' pool (`nodes` of the configuration)"),
    ("CPU", 22, "what its pods ask for of what it gives; what they use is another matter"),
    ("MEMORY", 22, "the same for memory"),
    ("PODS", 9, "pods on it of pods that it takes"),
    ("DISKS", 9, "disks attached of those that its storage driver allows; a tenant takes two"),
    ("MORE", 12, "how many more tenants of each tier fit on it"),
];

/// For the help.
pub(crate) fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    COLUMNS.iter().map(|(title, _, meaning)| (*title, *meaning))
}

/// Lines of the page that are not nodes.
fn head(capacity: &Capacity) -> u16 {
    // Sentence, tightest node, autoscaler, gaps, and the titles.
    u16::try_from(capacity.gaps.len()).unwrap_or(0).min(4) + 5
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, scroll: usize, area: Rect) {
    let right = area.right().saturating_sub(1);
    let capacity = &state.capacity();
    let (mut y, x) = (area.y, area.x + 1);
    paint.text(x, y, right, &capacity.sentence(), Role::Title);
    if let Some(at) = state.fleet.pool_facts().map(|facts| facts.at) {
        let age = paint.age(at);
        paint.parts_right(x + 30, y, right, &[(&format!("listed {age} ago"), Role::Dim)]);
    }
    y += 1;
    if let Some((node, word, percent)) = capacity.tightest() {
        let role = bar::share_role(percent);
        let text = format!("tightest: {} has {percent}% of its {word} asked for", node.name);
        paint.text(x, y, right, &text, if percent >= bar::HIGH { role } else { Role::Text });
    }
    y += 1;
    paint.text(x, y, right, &capacity.scaling_sentence(), Role::Text);
    y += 1;
    if let Link::Forbidden { why } = &state.fleet.sources().get(Kind::Node).link {
        y = wrap(paint, x, y, right, &format!("{} nodes: {why}", paint.glyphs.forbidden), Role::Warn, 2);
    }
    for gap in capacity.gaps.iter().take(4) {
        paint.text(x, y, right, &format!("{} {gap}", paint.glyphs.forbidden), Role::Warn);
        y += 1;
    }
    y += 1;
    let titles = paint.style(Role::Columns);
    paint.buf.set_style(Rect { y, height: 1, ..area }, titles);
    let placed = places(area);
    for (at, title, width) in &placed {
        paint.cell(*at, y, *width, title, Align::Left, Role::Columns);
    }
    y += 1;
    for (line, node) in (y..area.bottom()).zip(capacity.nodes.iter().skip(scroll)) {
        row(paint, capacity, node, &placed, line, right);
    }
}

/// Where a column begins, its title, its width.
type Placed = (u16, &'static str, u16);

/// From here on the columns have their whole width; below, the figures beside the meters go first, so that disks and what still
/// fits stay.
const WIDE: u16 = 100;

fn width(of: &(&'static str, u16, &'static str), area: Rect) -> u16 {
    match of.0 {
        _ if area.width >= WIDE => of.1,
        "NODE" => 18,
        "CPU" | "MEMORY" => 11,
        "PODS" | "DISKS" => 7,
        _ => of.1,
    }
}

/// Whole columns only, from the left; the last one keeps its place.
fn places(area: Rect) -> Vec<Placed> {
    let [middle @ .., last] = &COLUMNS;
    let mut x = area.x + 1;
    let mut placed: Vec<Placed> = Vec::new();
    for column in middle {
        let width = width(column, area);
        if x + width + last.1 < area.right() {
            placed.push((x, column.0, width));
            x += width + 1;
        }
    }
    placed.push((x, last.0, last.1));
    placed
}

fn row(paint: &mut Paint<'_>, capacity: &Capacity, node: &NodeRoom, placed: &[Placed], y: u16, right: u16) {
    for (x, title, width) in placed {
        let (x, width) = (*x, *width);
        match *title {
            "NODE" => paint.cell(x, y, width, &node.name, Align::Left, Role::Text),
            "CPU" => meter(paint, node.cpu, &format!("{}", node.cpu.taken), x, y, width),
            "MEMORY" => meter(paint, node.memory, &node.memory.taken.bytes().to_string(), x, y, width),
            "PODS" => paint.cell(x, y, width, &of(node.pods), Align::Left, Role::Text),
            "DISKS" => paint.cell(x, y, width, &of(node.disks), Align::Left, Role::Text),
            _ => match &node.closed {
                Some(why) => drop(paint.text(x, y, right, why, Role::Warn)),
                None => {
                    let words: Vec<String> = capacity
                        .asks
                        .iter()
                        .zip(&node.fits)
                        .map(|(ask, n)| format!("{} {}", n.map_or_else(|| "?".to_owned(), |n| n.to_string()), ask.tier))
                        .collect();
                    paint.text(x, y, right, &words.join(" / "), Role::Text);
                }
            },
        }
    }
}

fn meter(paint: &mut Paint<'_>, share: Share, taken: &str, x: u16, y: u16, width: u16) {
    let percent = share.percent();
    let bar = if width < 14 { width.saturating_sub(5) } else { 8 };
    bar::meter(paint, x, y, bar, percent);
    let role = percent.map_or(Role::Dim, bar::share_role);
    let text = percent.map_or_else(|| "-".to_owned(), bar::share_text);
    paint.cell(x + bar, y, 5, &text, Align::Right, role);
    paint.cell(x + 14, y, width.saturating_sub(14), taken, Align::Left, Role::Dim);
}

/// `31/110`, `12/?`.
fn of(share: Share) -> String {
    let whole = share.whole.map_or_else(|| "?".to_owned(), |q| q.value().to_string());
    format!("{}/{whole}", share.taken.value())
}

/// How far the page scrolls.
pub(crate) fn last(state: &State) -> usize {
    let capacity = state.capacity();
    let chrome = super::header::HEIGHT + super::footer::HEIGHT + head(&capacity);
    capacity.nodes.len().saturating_sub(usize::from(state.inner().1.saturating_sub(chrome)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{
        fleet::{Quantity, fixture::*},
        index::{
            Delta, Facet, Key, Kind, Part,
            capacity::{Group, Load, PoolFacts},
        },
        tui::{fixture::*, glyph::GlyphSet, state::State, theme::Depth},
    };

    fn console() -> State {
        let mut state = with(mixed());
        let mut nodes = vec![node("node-1"), node("node-2"), node("aks-tenants-31558391-vmss000002")];
        nodes[0].attached = 14;
        nodes[1].unschedulable = true;
        let facet = |n: crate::fleet::Node| {
            let key = Key { namespace: n.name.clone(), uid: n.uid };
            Facet { key, tenant: None, tier: None, part: Part::Node(n) }
        };
        let facets = nodes.into_iter().map(facet).collect();
        feed(&mut state, vec![Delta::Resync { kind: Kind::Node, namespace: None, facets }]);
        state
    }

    fn listed() -> PoolFacts {
        let load = Load { cpu: Quantity::from_milli(400), memory: Quantity::whole(1 << 30), pods: 9 };
        let names = ["node-1", "node-2", "aks-tenants-31558391-vmss000002"].map(text);
        let limits = names.clone().map(|n| (n, vec![(text("disk.csi.azure.com"), 16)]));
        PoolFacts {
            at: at(NOW - 20),
            others: Ok(names.map(|n| (n, load)).into()),
            disks: Ok(BTreeMap::from(limits)),
            groups: Ok(vec![Group { name: text("aks-tenants"), size: Some(3), most: Some(10) }]),
        }
    }

    #[test]
    fn room_on_each_node() {
        let mut state = console();
        press(&mut state, "N");
        insta::assert_snapshot!("capacity_unlisted_80x24", screen(&mut state, 80, 24));
        feed(&mut state, vec![Delta::Pool(Box::new(listed()))]);
        for (width, height) in [(80, 24), (120, 40), (44, 14)] {
            insta::assert_snapshot!(format!("capacity_{width}x{height}"), screen(&mut state, width, height));
        }
        state.looks = looks("mono", Depth::None, GlyphSet::Ascii);
        insta::assert_snapshot!("capacity_80x24_ascii_mono", styled(&mut state, 80, 24));
        press(&mut state, "? esc G esc");
        assert!(screen(&mut state, 80, 24).contains("TENANT"));
    }

    #[test]
    fn the_pool_is_listed_once_the_page_is_open_and_then_seldom() {
        let mut state = console();
        press(&mut state, "N");
        assert_eq!(state.errands().len(), 1);
        assert!(state.errands().is_empty() && state.attends());
        state.tick(at(NOW + 299));
        assert!(state.errands().is_empty());
        state.tick(at(NOW + 300));
        assert_eq!(state.errands().len(), 1);
        press(&mut state, "esc");
        state.tick(at(NOW + 900));
        assert!(state.errands().is_empty() && !state.attends());
    }
}
