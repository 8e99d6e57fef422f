//! A browser that its container's state calls well and that does not answer, or gives nobody a way to its Chrome.

use super::{Case, Code, Evidence, Finding};
use crate::fleet::{Container, Pod, State, probe::Health};

pub(super) fn check(case: &mut Case<'_>) {
    let Some(pod) = case.pod() else { return };
    // One that is not ready is told by its state, with this as a further proof.
    let Some(browser) = pod.browser().filter(|b| b.ready) else { return };
    let Some((word, evidence)) = bad(case, pod, browser) else { return };
    let finding = Finding::warning(Code::BrowserDown, format!("{} {}", browser.name, evidence.said))
        .about(format!("{} {word}", browser.name))
        .since(evidence.at)
        .advice("its container is ready and its own answer is not good: tools that browse fail. Its log says more; a restart of the tenant brings a new one")
        .proof(evidence);
    case.find(finding);
}

/// What it answered, where that is bad and of the life that runs.
pub(super) fn bad(case: &Case<'_>, pod: &Pod, browser: &Container) -> Option<(&'static str, Evidence)> {
    let State::Running { since } = browser.state else { return None };
    let probe = case.tenant().probe.as_deref()?;
    let asked = probe.browser.as_ref().filter(|b| b.health() == Health::Bad)?;
    let of_this = probe.pod == pod.uid && since.is_none_or(|since| probe.at >= since);
    of_this.then(|| {
        (asked.word(), Evidence::probe(format!("browser on port {}", asked.port), asked.sentence(), Some(probe.at)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Facts, Proof, Severity, fixture::*},
        fleet::{
            Probe, Text,
            fixture::*,
            probe::{Browser, BrowserAnswers, BrowserState, Gateway, GatewayState},
        },
        index::Delta,
    };

    fn found(pod: Pod, state: BrowserState, of: u128, asked_at: u32) -> Vec<Finding> {
        let t = tenant("a", Some(pod));
        let mut fleet = fleet_of(&t, None, at(390));
        let answers = BrowserAnswers { port: 3_000, ..BrowserAnswers::default() };
        let gateway = Gateway {
            state: GatewayState::Serving,
            proof: None,
            version: None,
            uptime_seconds: None,
            failing: Box::default(),
            unmet: Box::default(),
        };
        let browser = Some(Browser { state, ..Browser::of(&answers) });
        let probe = Probe { pod: uid(of), at: at(asked_at), deep: true, gateway, browser, page: None };
        fleet.apply(Delta::Probe { namespace: t.namespace_name.clone(), probe: Box::new(probe) }, at(390));
        let entry = fleet.get("tenant-a").unwrap();
        crate::diagnose::tenant(&Facts::of(entry, &fleet), at(390)).findings
    }

    #[test]
    fn a_browser_that_is_silent_or_refuses_is_down_by_its_own_answer() {
        let silent = found(ready(), BrowserState::Silent, 10, 385);
        let got = (silent[0].code, silent[0].severity, silent[0].down, silent[0].sentence.as_str());
        assert_eq!(got, (Code::BrowserDown, Severity::Warning, false, "browser does not answer in time"));
        let proof = &silent[0].evidence[0];
        assert_eq!(
            (proof.proof, proof.place.as_str(), proof.at),
            (Proof::Probe, "browser on port 3000", Some(at(385)))
        );
        for bad in [BrowserState::NothingListens, BrowserState::NoDevTools, BrowserState::Broken { why: text("reset") }]
        {
            assert_eq!(codes(found(ready(), bad.clone(), 10, 385).as_slice()), [Code::BrowserDown], "{bad:?}");
        }
        let busy = BrowserState::Busy { reason: Text::from("full") };
        let forbidden = BrowserState::Unasked { why: text("no right"), forbidden: true };
        for other in [BrowserState::Well, BrowserState::Unauthorized, busy, forbidden] {
            assert!(found(ready(), other.clone(), 10, 385).is_empty(), "{other:?}");
        }
        assert!(found(ready(), BrowserState::Silent, 11, 385).is_empty(), "an earlier pod was asked");
        assert!(found(ready(), BrowserState::Silent, 10, 79).is_empty(), "an earlier life was asked");
    }

    #[test]
    fn of_one_that_is_not_ready_the_answer_is_a_further_proof() {
        let mut pod = ready();
        pod.containers[1].ready = false;
        pod.ready = condition(false, 300);
        let found = found(pod, BrowserState::NothingListens, 10, 385);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].sentence, "browser runs and is not ready");
        assert_eq!(found[0].evidence[1].said, "does not listen on its port");
    }
}
