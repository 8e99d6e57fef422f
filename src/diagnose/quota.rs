//! Quotas that are missing, wider than the tier, exceeded or nearly used up, and memory that nearly is.

use super::{Case, Code, Evidence, Finding, render::rendered};
use crate::{
    fleet::{Quota, QuotaEntry, Tier},
    index::Kind,
};

/// Percent of a countable thing (claims, storage) from which it is near.
const NEAR: u32 = 90;
/// The same of memory that is in use.
const MEMORY_NEAR: u32 = 92;
/// A kernel kills at the limit, and a measure is old news after a few minutes.
const FRESH: u32 = 300;

pub(super) fn check(case: &mut Case<'_>) {
    if case.is_terminating() || (case.tenant().sets.is_empty() && case.tenant().pods.is_empty()) {
        return;
    }
    // Where its own spec says what there should be, that is the measure.
    let by_render = rendered(case).is_some();
    if case.tenant().quotas.is_empty() && !by_render {
        missing(case);
    }
    for quota in &case.tenant().quotas {
        for entry in quota.entries() {
            of_entry(case, quota, &entry);
            if !by_render {
                beside_tier(case, quota, &entry);
            }
        }
    }
    memory(case);
}

fn missing(case: &mut Case<'_>) {
    // Only a list that came and was empty says that there is none.
    let source = case.facts.fleet.sources().get(Kind::Quota);
    if !source.synced || !case.tenant().is_by_contract() {
        return;
    }
    let finding = Finding::warning(Code::QuotaMissing, "no quota limits what its namespace may use")
        .about("ResourceQuota")
        .advice(format!("{}; without one a tenant may crowd out others", case.bring("the quota of its tier")))
        .proof(Evidence::field(format!("ResourceQuotas of namespace {}", case.tenant().namespace_name), "none", None));
    case.find(finding);
}

fn of_entry(case: &mut Case<'_>, quota: &Quota, entry: &QuotaEntry<'_>) {
    let (resource, hard) = (entry.resource.as_str(), entry.hard);
    if let Some(used) = entry.used {
        // Made only for what is found: most quotas of most tenants are well.
        let proof = || {
            let said = format!("{resource} used {used}, hard {hard}");
            Evidence::field(format!("ResourceQuota {} status", quota.name()), said, None)
        };
        if used > hard {
            let finding = Finding::warning(
                Code::QuotaExceeded,
                format!(
                    "{resource} {used} is in use, quota `{}` allows {hard} by now: its next pod will be refused",
                    quota.name()
                ),
            )
            .about(resource)
            .advice(
                "the quota was lowered, or what runs is older than it: put one of them right before the next restart",
            )
            .proof(proof());
            case.find(finding);
        } else if countable(resource)
            && let Some(percent) = used.percent_of(hard).filter(|p| *p >= NEAR)
        {
            let finding = Finding::note(
                Code::QuotaNear,
                format!("{percent}% of {resource} are used: {used} of {hard} (quota `{}`)", quota.name()),
            )
            .about(resource)
            .advice("a restore or a new volume would be refused: remove what is left over, or widen the quota")
            .proof(proof());
            case.find(finding);
        }
    }
}

/// The tier's own figures are meant to be used to the full by the tenant's one pod; only more than that is odd.
fn beside_tier(case: &mut Case<'_>, quota: &Quota, entry: &QuotaEntry<'_>) {
    let (resource, hard) = (entry.resource.as_str(), entry.hard);
    if *quota.name() != *"tenant" && case.tenant().quotas.len() > 1 {
        return;
    }
    let tier = case.tenant().tier.as_ref().map(Tier::as_str);
    let allowed = tier.and_then(|tier| case.facts.tiers?.allows(tier, resource));
    if let (Some(tier), Some(allowed)) = (tier, allowed)
        && hard > allowed
    {
        let finding = Finding::note(
            Code::QuotaWide,
            format!("quota `{}` allows {resource} {hard}, tier {tier} {allowed}", quota.name()),
        )
        .about(format!("tier {tier} {resource}"))
        .advice("if it was widened on purpose, the tier should say so; else apply the render back")
        .proof(Evidence::field(
            format!("ResourceQuota {} spec.hard", quota.name()),
            format!("{resource} {hard}"),
            None,
        ));
        case.find_once(finding);
    }
}

/// What is used up bit by bit, unlike what one pod takes at once.
fn countable(resource: &str) -> bool {
    let name = resource.rsplit('/').next().unwrap_or(resource);
    name.ends_with("storage") && !name.contains("ephemeral")
        || matches!(name, "persistentvolumeclaims" | "secrets" | "configmaps" | "services")
        || name.starts_with("count")
        || resource.starts_with("count/")
}

fn memory(case: &mut Case<'_>) {
    let tenant = case.tenant();
    // One that counts no pod says nothing of what this one may use.
    let (Some(usage), Some(quota)) = (tenant.usage, tenant.quota().filter(|q| q.counts_a_pod())) else { return };
    let Some(limit) = quota.entry("limits.memory").map(|e| e.hard) else { return };
    let Some(percent) = usage.memory().percent_of(limit).filter(|percent| *percent >= MEMORY_NEAR) else { return };
    if !case.recent(Some(usage.at), FRESH) {
        return;
    }
    let finding = Finding::warning(
        Code::MemoryNear,
        format!("its pod uses {} of {} of memory ({percent}%)", usage.memory().bytes(), limit.bytes()),
    )
    .about("memory")
    .since(Some(usage.at))
    .advice("whichever container reaches its own limit first is killed: fewer browser pages, or the larger tier")
    .proof(Evidence::measure(
        "metrics.k8s.io, sum of its containers",
        usage.memory().bytes().to_string(),
        Some(usage.at),
    ));
    case.find(finding);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Facts, Severity, Tiers, fixture::*},
        fleet::{Quantity, Tenant, Usage, fixture::*},
    };

    fn with(entries: &[(&str, &str, &str)]) -> Tenant {
        let mut t = tenant("a", Some(ready()));
        let entry =
            |(resource, used, hard): &(&str, &str, &str)| (text(resource), hard.parse().unwrap(), used.parse().ok());
        t.quotas = Box::new([Quota::new(uid(50), text("tenant"), entries.iter().map(entry))]);
        t
    }

    #[test]
    fn a_pod_may_use_its_tier_to_the_full() {
        assert!(diagnose(&with(&[("limits.memory", "2Gi", "2Gi"), ("pods", "1", "1")]), 200).findings.is_empty());
        let found = diagnose(&with(&[("limits.memory", "2Gi", "1Gi")]), 200).findings;
        assert_eq!((found[0].code, found[0].severity), (Code::QuotaExceeded, Severity::Warning));
        let found = diagnose(&with(&[("requests.storage", "72Gi", "80Gi"), ("persistentvolumeclaims", "2", "4")]), 200)
            .findings;
        assert_eq!((found.len(), found[0].code, found[0].about.as_str()), (1, Code::QuotaNear, "requests.storage"));
        assert!(diagnose(&with(&[("requests.storage", "71Gi", "80Gi")]), 200).findings.is_empty());
    }

    #[test]
    fn no_quota_is_known_only_by_a_list_that_came() {
        let mut t = with(&[]);
        t.quotas = Box::default();
        assert_eq!(codes(&diagnose_on(&t, vec![], 200)), [Code::QuotaMissing]);
        assert!(diagnose(&t, 200).findings.is_empty(), "quotas were not read");
    }

    #[test]
    fn a_quota_wider_than_its_tier() {
        let tiers = Tiers::of(&crate::manifest::Base::embedded().unwrap());
        let found = |t: &Tenant| {
            let fleet = fleet_of(t, None, at(200));
            let entry = fleet.get(&t.namespace_name).unwrap();
            super::super::tenant(&Facts { tiers: Some(&tiers), ..Facts::of(entry, &fleet) }, at(200)).findings
        };
        let wide = found(&with(&[("limits.memory", "2Gi", "4Gi")]));
        assert_eq!(
            (wide[0].code, wide[0].sentence.as_str()),
            (Code::QuotaWide, "quota `tenant` allows limits.memory 4Gi, tier pro 2Gi")
        );
        assert!(found(&with(&[("limits.memory", "2Gi", "2Gi")])).is_empty());
        let mut max = with(&[("limits.memory", "4Gi", "4Gi")]);
        max.tier = Some(Tier::Max);
        assert!(found(&max).is_empty());
    }

    /// One for helpers is left where the tenant's own is gone, and says nothing of the tenant's pod.
    #[test]
    fn a_quota_that_counts_no_pod_limits_no_memory() {
        let mut t = with(&[("limits.memory", "0", "512Mi")]);
        t.usage = Usage::new(Quantity::default(), Quantity::whole(900 << 20), at(150));
        assert!(codes(&diagnose(&t, 200)).iter().all(|c| *c != Code::MemoryNear));
    }

    #[test]
    fn memory_is_near_its_end() {
        let mut t = with(&[("limits.memory", "2Gi", "2Gi")]);
        let used = |mib: i64| Usage::new(Quantity::default(), Quantity::whole(mib << 20), at(150));
        t.usage = used(1_900);
        assert_eq!(codes(&diagnose(&t, 200)), [Code::MemoryNear]);
        assert_eq!(diagnose(&t, 200).recheck, Some(at(450)), "no new measure may come");
        assert!(codes(&diagnose(&t, 450)).is_empty(), "an old measure");
        t.usage = used(1_800);
        assert!(codes(&diagnose(&t, 200)).is_empty());
    }
}
