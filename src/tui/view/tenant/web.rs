//! What gateway and browser answer, and why they were not asked where they were not.

use crate::{
    cluster::Asked,
    fleet::{Right, probe::Health},
    tui::{
        theme::Role,
        widget::paint::{Align, Paint},
    },
};

use super::section::{BODY, Subject, head};

pub(super) fn draw(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    head(paint, y, right, "WEB");
    let tenant = &of.entry.tenant;
    let Some(probe) = &tenant.probe else {
        let pod = tenant.pod();
        let text = if pod.is_none() {
            "no pod to ask".to_owned()
        } else if pod.and_then(|pod| Asked::of(&tenant.namespace_name, pod)).is_none() {
            "its gateway does not run: there is nobody to ask".to_owned()
        } else if of.rights.get(Right::Forward) == Some(false) {
            format!("you may not ask: it needs the right to {}", Right::Forward.needs())
        } else {
            "not asked yet".to_owned()
        };
        paint.text(BODY, y, right, &text, Role::Dim);
        return y + 2;
    };
    let mut lines = vec![("gateway", probe.gateway.sentence(), probe.gateway.health())];
    lines.extend(probe.browser.as_ref().map(|b| ("browser", b.sentence(), b.health())));
    lines.extend(probe.page.as_ref().map(|p| ("browser-ui", p.sentence(), p.health())));
    let asked = format!("asked {} ago", paint.age(probe.at));
    let mut end = right;
    for (i, (name, sentence, health)) in (0_u16..).zip(&lines) {
        let (glyph, role) = match health {
            Health::Good => (paint.glyphs.done, Role::Ok),
            Health::Impaired => (paint.glyphs.waiting, Role::Warn),
            Health::Bad => (paint.glyphs.failed, Role::Error),
            Health::Unknown => (paint.glyphs.forbidden, Role::Dim),
        };
        if i == 0
            && let Some(start) = paint.parts_right(BODY + 30, y, right, &[(&asked, Role::Dim)])
        {
            end = start.saturating_sub(2);
        }
        paint.text(BODY, y + i, right, glyph, role);
        paint.cell(BODY + 2, y + i, 11, name, Align::Left, Role::Text);
        paint.text(BODY + 14, y + i, if i == 0 { end } else { right }, sentence, Role::Text);
    }
    y + u16::try_from(lines.len()).unwrap_or(0) + 1
}
