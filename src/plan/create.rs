//! create: a tenant from its spec, in the order in which nothing comes before what it needs. Run again it finishes what was
//! begun, and it revives a parked tenant on the volumes that were kept.

use super::{
    Basis, Intent, Situation, Turn,
    refusal::{Refusal, Why},
    step::{Piece, Secret, Step},
    until::Until,
};
use crate::{
    fleet::{Phase, SpecDigest},
    index::Entry,
    manifest::{TenantSpec, render},
};

pub(super) fn recipes(spec: &TenantSpec, seen: &Situation<'_>, refusal: &mut Refusal) -> Vec<Vec<Step>> {
    let objects = match render(seen.base, spec) {
        Ok(objects) => objects,
        Err(error) => {
            for line in error.to_string().lines() {
                refusal.add(Some(&spec.id), Why::BadInput, line);
            }
            return Vec::new();
        }
    };
    let mut steps = Vec::new();
    for kind in Piece::ALL {
        // The Secrets before the pod that needs them.
        if kind == Piece::StatefulSet {
            steps.push(Step::EnsureSecret { secret: Secret::GatewayToken });
            steps.push(Step::EnsureSecret { secret: Secret::Litellm });
        }
        if objects.iter().any(|object| object.kind() == kind.kind()) {
            steps.push(Step::Apply { kind });
        }
    }
    let until = if spec.suspended { Until::Stopped } else { Until::Served };
    steps.push(Step::Await { until, seconds: Until::FIRST_BOOT });
    if !spec.suspended && objects.iter().any(|object| object.kind() == "Ingress") {
        steps.push(Step::Await { until: Until::Addressed, seconds: Until::ADDRESS });
    }
    vec![steps]
}

/// `entry`: what is there under this name already.
pub(super) fn turn(
    intent: &Intent,
    entry: Option<&Entry>,
    seen: &Situation<'_>,
    refusal: &mut Refusal,
) -> Option<Turn> {
    let Intent::Create { spec } = intent else { return None };
    let id = Some(spec.id.as_str());
    let mut said = format!("{} tenant on {}, image {}", spec.tier, spec.host, spec.image);
    let mut basis = Basis::default();
    let mut warnings = Vec::new();
    if let Some(entry) = entry {
        let tenant = &entry.tenant;
        if tenant.namespace_name.as_str() != spec.namespace() {
            let said = format!("namespace {} says that it is tenant {}", tenant.namespace_name, spec.id);
            refusal.add(id, Why::Exists, said);
            return None;
        }
        let kept = tenant.namespace.as_ref().and_then(|namespace| namespace.spec);
        let same = kept.is_some() && kept == spec.stored().ok().map(|text| SpecDigest::of(&text));
        match (&entry.verdict.phase, tenant.set()) {
            (Phase::Terminating, _) => {
                refusal.add(id, Why::Terminating, "the one of this name is being deleted; wait until it is gone");
                return None;
            }
            (phase, Some(_)) if phase.serves() || *phase == Phase::Suspended => {
                refusal.add(
                    id,
                    Why::Exists,
                    format!("it exists and is {phase}; `apply` and `upgrade` change a tenant"),
                );
                return None;
            }
            // What fails may have served for a year: it is brought to its end as it was begun, and not made another.
            (phase, Some(_)) if !same => {
                let said =
                    format!("it exists with another spec, and is {phase}; `upgrade` gives a tenant another image");
                refusal.add(id, Why::Exists, said);
                return None;
            }
            (_, Some(_)) => said = format!("finishes what was begun: {said}"),
            (_, None) if !tenant.claims.is_empty() => {
                if !same {
                    warnings.push(
                        "it is not the spec that was kept with the volumes: an image older than the one that wrote them \
                         refuses what it finds"
                            .to_owned(),
                    );
                }
                let names: Vec<_> = tenant.claims.iter().map(|c| c.name.as_str()).collect();
                said = format!("revived on the volumes {}: {said}", names.join(" and "));
                for (claim, name) in
                    [&spec.volumes.app, &spec.volumes.config].into_iter().map(|c| (tenant.claim(&c.name), &c.name))
                {
                    if claim.is_none() {
                        warnings.push(format!("there is no claim {name}: it is made anew, and empty"));
                    }
                }
            }
            (_, None) => said = format!("finishes what was begun: {said}"),
        }
        basis = Basis::of(entry).with_claims(tenant);
        // A create that is run again says the spec anew.
        basis.spec = None;
    }
    let taken = seen.hosts.iter().find(|(host, of)| host.eq_ignore_ascii_case(&spec.host) && *of != spec.namespace());
    if let Some((host, of)) = taken {
        refusal.add(id, Why::Exists, format!("host {host} is served by namespace {of} already"));
    }
    Some(Turn {
        tenant: spec.id.clone(),
        namespace: spec.namespace(),
        recipe: 0,
        said,
        basis,
        down: None,
        unwell: None,
        warnings,
        takes: Vec::new(),
        spec: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Tenant, fixture::*},
        plan::{Pace, Plan},
    };

    fn plan(there: Option<Tenant>) -> Result<Plan, Refusal> {
        let entry = there.map(with::entry);
        let intent = Intent::Create { spec: Box::new(with::spec("maria")) };
        let subjects: Vec<&Entry> = entry.iter().collect();
        with::situation(|seen| Plan::make(intent.clone(), Pace::default(), &subjects, seen))
    }

    #[test]
    fn the_pod_comes_last_and_its_secrets_before_it() {
        let plan = plan(None).unwrap();
        let words: Vec<String> = plan.recipes[0].iter().map(Step::words).collect();
        assert_eq!(words[0], "apply Namespace");
        let set = words.iter().position(|w| w == "apply StatefulSet").unwrap();
        let token = words.iter().position(|w| w.contains("gateway-token")).unwrap();
        assert!(token < set && set == words.len() - 3, "{words:?}");
        assert_eq!(plan.turns().next().unwrap().basis, Basis::default());
    }

    #[test]
    fn a_name_in_use_is_refused_and_a_parked_one_revived() {
        let refused = |there: Tenant| plan(Some(there)).unwrap_err().0[0].why;
        assert_eq!(refused(tenant("maria", Some(ready()))), Why::Exists);
        let mut going = tenant("maria", None);
        going.namespace.as_mut().unwrap().deleting = Some(at(1));
        assert_eq!(refused(going), Why::Terminating);
        let mut other = tenant("maria", None);
        other.namespace_name = text("box-maria");
        assert_eq!(refused(other), Why::Exists);

        let mut parked = tenant("maria", None);
        parked.sets = Box::default();
        let revived = plan(Some(parked.clone())).unwrap();
        let turn = revived.turns().next().unwrap();
        assert!(turn.said.starts_with("revived on the volumes app-data and config-data"), "{}", turn.said);
        assert_eq!(turn.basis.claims.len(), 2);
        parked.claims = Box::new([parked.claims[0].clone()]);
        let warnings = plan(Some(parked)).unwrap().turns().next().unwrap().warnings.join("\n");
        assert!(warnings.contains("not the spec that was kept") && warnings.contains("config-data"), "{warnings}");
        // A set without its pod: what was begun is finished, with the spec that it was begun with.
        let mut begun = tenant("maria", None);
        assert_eq!(refused(begun.clone()), Why::Exists);
        let spec = with::spec("maria").stored().unwrap();
        begun.namespace.as_mut().unwrap().spec = Some(SpecDigest::of(&spec));
        assert!(plan(Some(begun)).unwrap().turns().next().unwrap().said.starts_with("finishes"));
    }

    #[test]
    fn a_spec_that_cannot_be_rendered_is_refused() {
        let mut spec = with::spec("maria");
        spec.tier = "gold".to_owned();
        let intent = Intent::Create { spec: Box::new(spec) };
        let refusal = with::situation(|seen| Plan::make(intent.clone(), Pace::default(), &[], seen)).unwrap_err();
        assert!(refusal.0[0].why == Why::BadInput && refusal.to_string().contains("gold"), "{refusal}");
    }
}
