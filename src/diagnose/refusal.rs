//! No pod, because its creation is refused: the StatefulSet's own event is the only trace of it.

use super::{Case, Code, Evidence, Finding};
use crate::fleet::{Quantity, StatefulSet, Tenant, Warning};

/// While a pod goes, the quota's count lags behind: a refusal is real after this.
const GRACE: u32 = 30;
/// A pod follows its StatefulSet within a moment.
const SILENCE: u32 = 180;

pub(super) fn check(case: &mut Case<'_>) {
    let Some(set) = case.set() else { return };
    if case.tenant().pod().is_some() {
        return;
    }
    let refusals = case.warnings(set.uid, &["FailedCreate"]);
    match refusals.first() {
        Some(latest) if case.lasted(case.tenant().refused_since(latest), GRACE) => {
            let finding = refused(case.tenant(), latest)
                .down(true)
                .since(case.tenant().refused_since(latest))
                .proof(Evidence::event(latest));
            case.find(finding);
        }
        Some(_) => {}
        None => absent(case, set),
    }
}

fn absent(case: &mut Case<'_>, set: &StatefulSet) {
    // When the pod went is known only if we saw it go.
    let since = case.facts.entry.changed.max(set.created);
    if !case.lasted(since, SILENCE) {
        return;
    }
    let behind = set.observed_generation < set.generation;
    let sentence = if behind {
        "the StatefulSet controller has not looked at the StatefulSet's last change: no pod is made"
    } else {
        "the StatefulSet has no pod, and no event says why"
    };
    let observed =
        format!("replicas {}, generation {}, observed {}", set.wanted, set.generation, set.observed_generation);
    let finding = Finding::critical(Code::PodAbsent, sentence)
        .down(true)
        .since(since)
        .advice(
            "look whether kube-controller-manager runs and whether events may be read; then describe the StatefulSet",
        )
        .proof(Evidence::field(format!("StatefulSet {} spec and status", set.name), observed, None));
    case.find(finding);
}

fn refused(tenant: &Tenant, event: &Warning) -> Finding {
    let message = event.message.as_str();
    let core = message.split_once(" is forbidden: ").map_or(message, |(_, rest)| rest);
    if let Some(rest) = core.strip_prefix("exceeded quota: ") {
        return quota(tenant, rest);
    }
    if let Some(rest) = core.strip_prefix("failed quota: ") {
        let (name, what) = rest.split_once(": ").unwrap_or((rest, "must specify more"));
        return Finding::critical(Code::QuotaIncomplete, format!("quota `{name}` refuses its pod: a container {what}"))
            .about(what)
            .advice("give every container and stage the figures that the quota counts, or bring the LimitRange back that gives defaults");
    }
    if ["usage per Container is", "usage per Pod is", "limit to request ratio", "usage per PersistentVolumeClaim is"]
        .iter()
        .any(|m| core.contains(m))
    {
        // `[maximum memory usage per Container is 1Gi, but limit is 2Gi, maximum ...]`: a clause for each container.
        let clauses = core.trim_start_matches('[').trim_end_matches(']');
        let first = clauses.match_indices(", m").next().map_or(clauses, |(i, _)| &clauses[..i]);
        return Finding::critical(Code::LimitRangeRefused, format!("a LimitRange refuses its pod: {first}"))
            .about(first)
            .advice("compare the container's resources with the namespace's LimitRange: one of the two was changed; apply the render back");
    }
    if core.contains("violates PodSecurity") {
        return Finding::critical(Code::PodSecurityRefused, format!("its pod {core}"))
            .about("PodSecurity")
            .advice("setup-sudo and sudo need root: the namespace's label pod-security.kubernetes.io/enforce must be `baseline` or absent");
    }
    if let Some((_, rest)) = core.split_once("serviceaccount \"").or_else(|| message.split_once("serviceaccount \"")) {
        let name = rest.split('"').next().unwrap_or(rest);
        return Finding::critical(
            Code::ServiceAccountMissing,
            format!("its pod is refused: there is no ServiceAccount {name}"),
        )
        .about(name)
        .advice(
            "bring the ServiceAccount back (the render of a tenant has it): the StatefulSet tries again by itself",
        );
    }
    if core.contains("admission webhook")
        || core.contains("failed calling webhook")
        || message.contains("failed calling webhook")
    {
        let rest = message.split_once("webhook \"").map_or("", |(_, rest)| rest);
        let name = rest.split('"').next().unwrap_or(rest);
        return Finding::critical(Code::WebhookRefused, format!("admission webhook {name} stands in the way of its pod: {core}"))
            .about(name)
            .advice("if it denies, its reason is in the message; if it does not answer, look at the webhook's own Service and pods");
    }
    Finding::critical(Code::PodRefused, format!("its pod is refused: {core}"))
        .about(core)
        .advice("the API server's words say what; describe the StatefulSet for the whole of them")
}

/// `tenant, requested: limits.memory=2200Mi, used: limits.memory=0, limited: limits.memory=2Gi`
fn quota(tenant: &Tenant, text: &str) -> Finding {
    let (name, rest) = text.split_once(", requested: ").unwrap_or((text, ""));
    let (requested, rest) = rest.split_once(", used: ").unwrap_or((rest, ""));
    let (used, limited) = rest.split_once(", limited: ").unwrap_or((rest, ""));
    let value = |list: &str, resource: &str| {
        list.split(',')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == resource))
            .map(|(_, v)| v.to_owned())
    };
    let mut clauses = Vec::new();
    let mut resources = Vec::new();
    let number = |text: &str| text.parse::<Quantity>().unwrap_or_default();
    let pairs = || requested.split(',').filter_map(|pair| pair.split_once('='));
    // What could not be met by an empty quota is the cause; beside it the rest is often only the pod before, still counted.
    let never = |resource: &str, asked: &str| value(limited, resource).is_some_and(|l| number(asked) > number(&l));
    let some_never = pairs().any(|(resource, asked)| never(resource, asked));
    for (resource, asked) in pairs() {
        let (Some(used), Some(limit)) = (value(used, resource), value(limited, resource)) else { continue };
        let beyond = number(asked).saturating_add(number(&used)) > number(&limit);
        if !beyond || (some_never && !never(resource, asked)) {
            continue;
        }
        clauses.push(format!("{resource} {asked} is asked for, {limit} allowed, {used} used"));
        resources.push(resource);
    }
    let sentence = if clauses.is_empty() {
        format!("quota `{name}` refuses its pod")
    } else {
        format!("quota `{name}` refuses its pod: {}", clauses.join("; "))
    };
    let others: Vec<_> = tenant.pods.iter().filter(|p| p.owner.is_none()).map(|p| p.name.as_str()).collect();
    let advice = match (!some_never && !clauses.is_empty(), others.as_slice()) {
        (true, [pod, ..]) => format!("the room is taken by pod {pod}: delete it if it is a left-over"),
        (true, []) => "something else in the namespace takes the room: list its pods".to_owned(),
        (false, _) => "the pod asks for more than its tier: put the tier's figures back (apply the render), or move the tenant to a larger tier".to_owned(),
    };
    Finding::critical(Code::QuotaRefused, sentence).about(resources.join(", ")).advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnose::fixture::*, fleet::fixture::*};

    fn with_message(message: &str) -> Tenant {
        let mut t = tenant("a", None);
        t.warnings = Box::new([refusal(100)]);
        t.warnings[0].message = text(message);
        t
    }

    #[test]
    fn a_quota_refusal_is_one_after_its_grace_and_only_without_a_pod() {
        let mut t = tenant("a", None);
        t.warnings = Box::new([refusal(100)]);
        assert!(codes(&diagnose(&t, 129)).is_empty());
        let finding = first(&t, 130);
        assert_eq!(finding.code, Code::QuotaRefused);
        assert_eq!(
            finding.sentence,
            "quota `tenant` refuses its pod: limits.memory 2200Mi is asked for, 2Gi allowed, 0 used"
        );
        assert_eq!((finding.about.as_str(), finding.since), ("limits.memory", Some(at(100))));
        assert!(finding.down && finding.evidence[0].count == 3);
        t.pods = Box::new([ready()]);
        assert!(codes(&diagnose(&t, 130)).is_empty(), "there is a pod by now");
        t.pods = Box::default();
        t.sets[0].uid = uid(77);
        assert!(!codes(&diagnose(&t, 130)).contains(&Code::QuotaRefused), "it was told of an earlier set");
    }

    #[test]
    fn who_takes_the_room_is_named() {
        let mut t = with_message(
            "create Pod openclaw-0 in StatefulSet openclaw failed error: pods \"openclaw-0\" is forbidden: exceeded quota: tenant, requested: limits.memory=2Gi,pods=1, used: limits.memory=1Gi,pods=0, limited: limits.memory=2Gi,pods=1",
        );
        let mut helper = ready();
        (helper.owner, helper.name, helper.uid) = (None, text("df-helper"), uid(90));
        t.pods = Box::new([helper]);
        let finding = first(&t, 500);
        assert_eq!(finding.about, "limits.memory", "pods would fit");
        assert!(finding.advice.contains("pod df-helper"), "{}", finding.advice);
    }

    #[test]
    fn each_admission_has_its_own_words() {
        let pod = "create Pod openclaw-0 in StatefulSet openclaw failed error: ";
        let check = |message: &str, code: Code, about: &str| {
            let finding = first(&with_message(&format!("{pod}{message}")), 500);
            assert_eq!((finding.code, finding.about.as_str()), (code, about), "{message}");
        };
        let forbidden = "pods \"openclaw-0\" is forbidden: ";
        check(
            &format!(
                "{forbidden}failed quota: tenant: must specify limits.cpu for: seed-app; limits.memory for: seed-app"
            ),
            Code::QuotaIncomplete,
            "must specify limits.cpu for: seed-app; limits.memory for: seed-app",
        );
        check(
            &format!(
                "{forbidden}[maximum memory usage per Container is 1Gi, but limit is 2Gi, maximum memory usage per Container is 1Gi, but limit is 3Gi]"
            ),
            Code::LimitRangeRefused,
            "maximum memory usage per Container is 1Gi, but limit is 2Gi",
        );
        check(
            &format!("{forbidden}violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false"),
            Code::PodSecurityRefused,
            "PodSecurity",
        );
        check(
            &format!(
                "{forbidden}error looking up service account tenant-a/openclaw: serviceaccount \"openclaw\" not found"
            ),
            Code::ServiceAccountMissing,
            "openclaw",
        );
        check(
            "admission webhook \"validate.kyverno.svc\" denied the request: no",
            Code::WebhookRefused,
            "validate.kyverno.svc",
        );
        check(
            "Internal error occurred: failed calling webhook \"mutate.example\": failed to call webhook: context deadline exceeded",
            Code::WebhookRefused,
            "mutate.example",
        );
        check(&format!("{forbidden}something new"), Code::PodRefused, "something new");
    }

    #[test]
    fn silence_is_a_finding_too() {
        let mut t = tenant("a", None);
        assert!(codes(&diagnose(&t, 179)).is_empty());
        assert_eq!(first(&t, 180).code, Code::PodAbsent);
        t.sets[0].wanted = 0;
        assert!(codes(&diagnose(&t, 180)).is_empty(), "it is suspended");
    }
}
