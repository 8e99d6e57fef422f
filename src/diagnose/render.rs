//! The doors of a tenant beside what its own stored spec renders: who may reach it, and what it may use. Where a tenant has
//! such a spec it is the measure; the fixed criteria of `exposure` and `quota` are for tenants without one, and for what
//! others have added.

use super::{Case, Code, Evidence, Finding};
use crate::fleet::{
    Quantity,
    detail::{Departure, FieldDeparture, Rendered},
};

pub(super) fn check(case: &mut Case<'_>) {
    let Some(rendered) = rendered(case) else { return };
    for departure in &rendered.departures {
        let finding = match &departure.field {
            None => absent(case, departure),
            Some(field) => Some(differs(departure, field)),
        };
        if let Some(finding) = finding {
            case.find_once(finding);
        }
    }
}

/// The comparison, where there is one and the tenant is there to stay.
pub(super) fn rendered<'a>(case: &Case<'a>) -> Option<&'a Rendered> {
    let opened = case.facts.opened.filter(|_| !case.is_terminating() && !case.tenant().sets.is_empty())?;
    opened.rendered.as_ref()
}

fn absent(case: &Case<'_>, departure: &Departure) -> Option<Finding> {
    let Departure { kind, name, .. } = departure;
    let (code, what) = match kind.as_str() {
        "NetworkPolicy" => (Code::NetworkMissing, "what may reach it and leave it is open"),
        "ResourceQuota" => (Code::QuotaMissing, "what its namespace uses is not limited by it"),
        "LimitRange" => (Code::LimitRangeMissing, "helper pods have no limits, and a quota may refuse them"),
        "Ingress" => (Code::IngressMissing, "it has no address for its user"),
        // Whether any Service leads to its pod is looked at by itself.
        _ => return None,
    };
    let sentence = format!("{kind} {name}, which its spec renders, is not there: {what}");
    let finding =
        if code == Code::LimitRangeMissing { Finding::note(code, sentence) } else { Finding::warning(code, sentence) };
    let place = format!("{kind}s of namespace {}", case.tenant().namespace_name);
    let finding = finding.about(format!("{kind} {name}")).advice("apply the tenant's render: it brings it back");
    Some(finding.proof(Evidence::field(place, format!("no {name}"), None)))
}

fn differs(departure: &Departure, field: &FieldDeparture) -> Finding {
    let Departure { kind, name, .. } = departure;
    let shown = |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), clip);
    let proof = Evidence::field(
        format!("{kind} {name} {}", field.path),
        format!("{}; its render has {}", shown(&field.live), shown(&field.rendered)),
        None,
    );
    let path = &field.path;
    let (code, sentence) = match kind.as_str() {
        // A policy is a list of what may pass: whatever was changed or added there passes or is kept out.
        "NetworkPolicy" => (Code::NetworkWide, format!("NetworkPolicy {name} is not what its spec renders: {path}")),
        "ResourceQuota" if wider(field) => {
            (Code::QuotaWide, format!("quota `{name}` allows more than its spec renders: {path}"))
        }
        "Ingress" if path.starts_with("spec.tls") => {
            (Code::IngressNoTls, format!("Ingress {name} is served with other TLS than its spec renders: {path}"))
        }
        _ => (Code::RenderDrift, format!("{kind} {name} is not what its spec renders: {path}")),
    };
    let finding = match code {
        Code::NetworkWide | Code::IngressNoTls => Finding::warning(code, sentence),
        _ => Finding::note(code, sentence),
    };
    finding
        .about(format!("{kind} {name}"))
        .advice("see `fleetdeck diff` for all of it; apply the render back, or put into the spec what is wanted")
        .proof(proof)
}

/// A limit that is higher than rendered, or gone.
fn wider(field: &FieldDeparture) -> bool {
    let amount = |text: &Option<String>| text.as_deref().and_then(|t| t.trim_matches('"').parse::<Quantity>().ok());
    match (amount(&field.rendered), amount(&field.live)) {
        (Some(rendered), Some(live)) => live > rendered,
        (Some(_), None) => field.live.is_none(),
        _ => false,
    }
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Facts, Severity, fixture::*},
        fleet::{detail::Opened, fixture::*},
    };

    fn found(departures: Vec<Departure>) -> Vec<Finding> {
        let objects = ["NetworkPolicy", "ResourceQuota", "LimitRange", "Service", "Ingress"];
        let objects = objects.map(|kind| (kind.to_owned(), "tenant".to_owned())).to_vec();
        let opened = Opened { rendered: Some(Rendered { objects, departures }), ..Opened::default() };
        let t = tenant("a", Some(ready()));
        let fleet = fleet_of(&t, None, at(200));
        let entry = fleet.get(&t.namespace_name).unwrap();
        crate::diagnose::tenant(&Facts { opened: Some(&opened), ..Facts::of(entry, &fleet) }, at(200)).findings
    }

    fn departure(kind: &str, field: Option<(&str, Option<&str>, Option<&str>)>) -> Departure {
        let text = |t: Option<&str>| t.map(str::to_owned);
        let field = field.map(|(path, rendered, live)| FieldDeparture {
            path: path.to_owned(),
            rendered: text(rendered),
            live: text(live),
        });
        Departure { kind: kind.to_owned(), name: "tenant".to_owned(), field }
    }

    #[test]
    fn what_is_as_rendered_is_no_finding() {
        assert!(found(vec![]).is_empty());
    }

    #[test]
    fn what_is_missing_or_otherwise_than_rendered_is_one_with_both_sides_as_proof() {
        let check = |departure: Departure, expect: (Code, Severity)| {
            let found = found(vec![departure]);
            assert_eq!(found.iter().map(|f| (f.code, f.severity)).collect::<Vec<_>>(), [expect]);
            found.into_iter().next().unwrap()
        };
        check(departure("NetworkPolicy", None), (Code::NetworkMissing, Severity::Warning));
        check(departure("LimitRange", None), (Code::LimitRangeMissing, Severity::Note));
        let field = Some(("spec.egress", Some("[1]"), Some("[1,{}]")));
        let wide = check(departure("NetworkPolicy", field), (Code::NetworkWide, Severity::Warning));
        assert_eq!(wide.evidence[0].place, "NetworkPolicy tenant spec.egress");
        assert_eq!(wide.evidence[0].said, "[1,{}]; its render has [1]");
        let hard = |live| departure("ResourceQuota", Some(("spec.hard[limits.memory]", Some("\"2Gi\""), live)));
        check(hard(Some("\"4Gi\"")), (Code::QuotaWide, Severity::Note));
        check(hard(None), (Code::QuotaWide, Severity::Note));
        check(hard(Some("\"1Gi\"")), (Code::RenderDrift, Severity::Note));
        let tls = Some(("spec.tls", Some("[{}]"), None));
        check(departure("Ingress", tls), (Code::IngressNoTls, Severity::Warning));
        let class = Some(("spec.ingressClassName", Some("\"a\""), Some("\"b\"")));
        check(departure("Ingress", class), (Code::RenderDrift, Severity::Note));
    }
}
