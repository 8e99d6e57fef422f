//! The certificate of a tenant's host, by cert-manager's own status. The Secret that holds it is never read.

use super::{Case, Code, Evidence, Finding, Severity};
use crate::fleet::{At, detail::Certificate};

/// cert-manager renews a certificate of ninety days a month before its end: one that is nearer to it was not renewed.
const NEAR: u32 = 14 * DAY;
const DAY: u32 = 86_400;
/// An issuer needs some minutes for a first certificate, and a renewal some tries.
const ISSUING: u32 = 900;

pub(super) fn check(case: &mut Case<'_>) {
    let Some(opened) = case.facts.opened.filter(|_| !case.is_terminating()) else { return };
    for certificate in opened.certificates.iter().flatten() {
        match certificate.expires {
            Some(expires) => expiring(case, certificate, expires),
            None => unissued(case, certificate),
        }
    }
}

fn expiring(case: &mut Case<'_>, certificate: &Certificate, expires: At) {
    let left = expires.since(case.now);
    let hosts = hosts(certificate);
    let (severity, sentence) = if left == 0 {
        (Severity::Critical, format!("the certificate of {hosts} has expired on {expires}: browsers refuse it"))
    } else if left <= NEAR {
        let days = left / DAY;
        let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        (Severity::Warning, format!("the certificate of {hosts} expires in {days}, and was not renewed"))
    } else {
        let from = expires.unix() - i64::from(NEAR);
        case.look_again(At::from_unix(from).unwrap_or(expires));
        return;
    };
    if left > 0 {
        case.look_again(expires);
    }
    report(case, certificate, Finding::new(Code::CertificateExpiring, severity, sentence).since(certificate.renews));
}

fn unissued(case: &mut Case<'_>, certificate: &Certificate) {
    if certificate.ready == Some(true) || !case.lasted(certificate.since, ISSUING) {
        return;
    }
    let age = case.age(certificate.since);
    let sentence = format!("no certificate has been issued for {} for {age}", hosts(certificate));
    report(case, certificate, Finding::warning(Code::CertificateMissing, sentence).since(certificate.since));
}

fn report(case: &mut Case<'_>, certificate: &Certificate, finding: Finding) {
    let Certificate { name, message, expires, .. } = certificate;
    let ends = expires.map(|at| Evidence::field(format!("Certificate {name} status.notAfter"), at.to_string(), None));
    let said = message
        .as_ref()
        .map(|m| Evidence::field(format!("Certificate {name} status.conditions"), m.as_str(), certificate.since));
    let advice = "describe the Certificate, then its CertificateRequest, Order and Challenge: the last of them says what its issuer waits for";
    case.find(finding.about(format!("Certificate {name}")).advice(advice).proofs(ends).proofs(said));
}

fn hosts(certificate: &Certificate) -> String {
    if certificate.hosts.is_empty() { certificate.name.clone() } else { certificate.hosts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Diagnosis, Facts, fixture::*},
        fleet::{detail::Opened, fixture::*},
    };

    fn with(certificate: Certificate, now: u32) -> Diagnosis {
        let opened = Opened { certificates: Some(vec![certificate]), ..Opened::default() };
        let t = tenant("a", Some(ready()));
        let fleet = fleet_of(&t, None, at(now));
        let entry = fleet.get(&t.namespace_name).unwrap();
        crate::diagnose::tenant(&Facts { opened: Some(&opened), ..Facts::of(entry, &fleet) }, at(now))
    }

    fn certificate(expires: Option<u32>) -> Certificate {
        Certificate {
            name: "openclaw-tls".into(),
            hosts: vec!["a.example.com".into()],
            expires: expires.map(at),
            renews: None,
            ready: Some(expires.is_some()),
            since: Some(at(100)),
            message: expires.is_none().then(|| "waiting for the challenge".to_owned()),
        }
    }

    #[test]
    fn a_certificate_is_told_two_weeks_before_its_end_and_at_it() {
        let end = 30 * DAY;
        let fine = with(certificate(Some(end)), end - NEAR - 1);
        assert_eq!((codes(&fine), fine.recheck), (vec![], Some(at(end - NEAR))));
        let near = with(certificate(Some(end)), end - NEAR);
        assert_eq!((codes(&near), near.recheck), (vec![Code::CertificateExpiring], Some(at(end))));
        assert!(near.findings[0].sentence.contains("expires in 14 days"), "{}", near.findings[0].sentence);
        let over = with(certificate(Some(end)), end);
        assert_eq!((codes(&over), over.findings[0].severity), (vec![Code::CertificateExpiring], Severity::Critical));
    }

    #[test]
    fn one_that_was_never_issued_is_told_after_a_while_in_its_issuers_words() {
        assert_eq!(codes(&with(certificate(None), 999)), []);
        let found = with(certificate(None), 1_000).findings;
        assert_eq!(found[0].code, Code::CertificateMissing);
        assert!(found[0].evidence.iter().any(|e| e.said == "waiting for the challenge"), "{found:?}");
    }
}
