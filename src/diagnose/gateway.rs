//! A gateway that runs and does not serve: by its readiness, by its probe's own words, by what it answers when it is asked.

use super::{Answer, Case, Code, Evidence, Finding, GatewayProbe, Severity, browser, crash};
use crate::fleet::{Container, Phase, Pod, State, Warning};

pub(super) fn check(case: &mut Case<'_>) {
    let Some(pod) = case.pod() else { return };
    lines(case, pod);
    let Some(gateway) = pod.gateway() else { return };
    if let State::Running { since } = gateway.state {
        let asked = case.facts.gateway();
        let probe = asked.as_deref().filter(|p| since.is_none_or(|at| p.at >= at));
        if !gateway.ready {
            unready(case, pod, gateway, since, probe);
        } else {
            if let Some(probe) = probe {
                answers_wrong(case, probe);
            }
            limping(case, pod, gateway);
        }
    }
}

/// It runs and is not ready: a start within its time is none of our business, what lasts is.
fn unready(
    case: &mut Case<'_>,
    pod: &Pod,
    gateway: &Container,
    started: Option<crate::fleet::At>,
    probe: Option<&GatewayProbe>,
) {
    let fell = matches!(case.phase(), Phase::Degraded);
    let since = if fell { case.phase_since() } else { started };
    // A finding of its end explains it already, and one of what it says in its log.
    let known = case.found(|f| {
        f.down
            && matches!(
                f.code,
                Code::SchemaNewer
                    | Code::MigrationsRefused
                    | Code::ConfigInvalid
                    | Code::TokenMissing
                    | Code::NodeNotReady
            )
    });
    if known || (!fell && !case.lasted(started, gateway.start_budget())) {
        return;
    }
    let probes = case.warnings(pod.uid, &["Unhealthy"]);
    let of_gateway =
        |w: &&&Warning| w.container.as_ref().is_none_or(|c| *c == gateway.name) && w.message.starts_with("Readiness");
    let event = probes.iter().find(of_gateway).copied();
    let words = event.map_or("", |w| w.message.as_str());
    let age = case.age(since);
    let place = format!("Pod {} status.containerStatuses[{}].ready", pod.name, gateway.name);
    let evidence = Evidence::field(place, "false", since);
    let refused = words.contains("statuscode: 403")
        || words.contains("proxy_attribution_required")
        || probe.is_some_and(|p| p.ready == Answer::Attribution);
    let finding = if refused {
        attribution("the gateway answers its probe with 403: it cannot tell who asks")
    } else {
        let why = probe.map(reasons).filter(|w| !w.is_empty()).or_else(|| answer(words));
        let why = why.map_or_else(String::new, |w| format!(": {w}"));
        let sentence = if fell {
            format!("the gateway has not been ready for {age}, and was before{why}")
        } else {
            format!("the gateway has run for {age} and never became ready{why}")
        };
        Finding::critical(Code::GatewayNotReady, sentence)
            .about(why.trim_start_matches(": "))
            .advice("its conditions name what is missing; where there are none, its log does. A restart helps a gateway that hangs, not one that lacks something")
    };
    let finding = finding
        .down(true)
        .since(since)
        .proof(evidence)
        .proofs(event.map(Evidence::event))
        .proofs(probe.map(|p| Evidence::probe("gateway /readyz", reasons(p), Some(p.at))));
    case.find(finding);
}

fn attribution(sentence: &str) -> Finding {
    Finding::critical(Code::ProxyAttribution, sentence)
        .about("gateway.trustedProxies")
        .advice("since 2026.8.1 gateway.trustedProxies must hold the ingress controller's pods, narrowly (never a whole pod range); set trustedProxies in the tenant's spec and apply it")
}

/// What the gateway itself says it lacks.
fn reasons(probe: &GatewayProbe) -> String {
    let conditions = probe.conditions.iter().map(|(kind, reason, message)| match message.as_str() {
        "" => format!("{kind} ({reason})"),
        message => format!("{kind}: {message}"),
    });
    let all: Vec<_> = conditions.chain(probe.failing.iter().map(|f| format!("failing {f}"))).collect();
    match (&probe.ready, all.is_empty()) {
        (_, false) => all.join(", "),
        (Answer::Refused, _) => "nothing listens on its port".to_owned(),
        (Answer::Other(what), _) => what.clone(),
        _ => String::new(),
    }
}

/// `failing ["startup-sidecars"]` of `Readiness probe failed: not ready: /readyz 503: {...}`.
fn answer(words: &str) -> Option<String> {
    let rest = words.strip_prefix("Readiness probe failed: ").unwrap_or(words).trim();
    if rest.is_empty() {
        return None;
    }
    let pick = |key: &str| {
        let (_, list) = rest.split_once(&format!("\"{key}\":"))?;
        let value = list.trim_start();
        let end = if value.starts_with('[') { value.find(']').map(|i| i + 1) } else { value.find([',', '}']) }?;
        let value = value.get(..end)?.trim_matches(['[', ']', '"', ' ']).replace('"', "");
        (!value.is_empty()).then_some(value)
    };
    let picked = pick("pendingReason").or_else(|| pick("failing"));
    Some(picked.unwrap_or_else(|| rest.lines().next().unwrap_or(rest).chars().take(120).collect()))
}

/// Ready by the kubelet's word, and yet not as it should be.
fn answers_wrong(case: &mut Case<'_>, probe: &GatewayProbe) {
    let (severity, finding) = match (&probe.ready, &probe.live) {
        (Answer::Attribution, _) => {
            (Severity::Warning, attribution("the gateway answers 403 to whoever comes through a proxy"))
        }
        (Answer::Page, Answer::Page) => (
            Severity::Warning,
            Finding::warning(
                Code::GatewayPage,
                "every route answers with a page: what listens is the UI alone, or no gateway",
            )
            .about("page")
            .advice("a status of 200 proves nothing here: see which image runs, and its log"),
        ),
        (Answer::No, _) if !probe.failing.is_empty() || !probe.conditions.is_empty() => {
            let why = reasons(probe);
            (
                Severity::Warning,
                Finding::warning(Code::GatewayNotReady, format!("the gateway serves and is not whole: {why}"))
                    .about(why)
                    .advice("a channel that is down does not take the tenant down; its user misses that channel"),
            )
        }
        _ => return,
    };
    let mut finding = finding.since(Some(probe.at)).proof(Evidence::probe(
        "gateway /readyz",
        format!("{:?}", probe.ready),
        Some(probe.at),
    ));
    finding.severity = severity;
    case.find(finding);
}

/// The gateway is ready; another container, or the pod itself, is not.
fn limping(case: &mut Case<'_>, pod: &Pod, gateway: &Container) {
    if !matches!(case.phase(), Phase::Degraded | Phase::Unknown) || case.found(|f| f.code == Code::NodeNotReady) {
        return;
    }
    let since = case.phase_since();
    // A wait with a fault, and an end, are explained by their own words.
    let silent = |c: &Container| match c.state {
        State::Running { .. } => true,
        State::Waiting(_) => c.trouble().is_none(),
        State::Terminated(_) => false,
    };
    let lame = pod.containers.iter().find(|c| c.name != gateway.name && !c.ready && silent(c));
    if let Some(container) = lame {
        let probes = case.warnings(pod.uid, &["Unhealthy"]);
        let event = probes.iter().find(|w| w.container.as_ref() == Some(&container.name)).copied();
        let is_browser = pod.browser().is_some_and(|b| b.name == container.name);
        let code = if is_browser { Code::BrowserDown } else { Code::SidecarDown };
        let place = format!("Pod {} status.containerStatuses[{}].ready", pod.name, container.name);
        let how = if matches!(container.state, State::Running { .. }) {
            "runs and is not ready"
        } else {
            "has not been started yet"
        };
        let finding = Finding::warning(code, format!("{} {how}", container.name))
            .about(format!("{} not ready", container.name))
            .since(since)
            .advice("the gateway runs, but until this is ready the pod is not, and its Service sends nobody to it; its log says what it waits for")
            .proof(Evidence::field(place, "false", since))
            .proofs(event.map(Evidence::event))
            .proofs(browser::bad(case, pod, container).filter(|_| is_browser).map(|(_, answer)| answer));
        case.find(finding);
    } else if pod.containers.iter().all(|c| c.ready) && !pod.is_ready() {
        let condition = pod.ready.as_ref();
        let said = condition.and_then(|c| c.message().or(c.reason())).unwrap_or("not met");
        let fell = condition.and_then(|c| c.since);
        let started = gateway.running_since();
        // What gates a young pod takes its time; one that has been ready before is out of it from then on.
        let late = fell > started || case.lasted(started, gateway.start_budget());
        let severity = if late { Severity::Critical } else { Severity::Warning };
        let sentence = format!("all its containers are ready and the pod is not, so its Service leaves it out: {said}");
        let finding = Finding::new(Code::NotReady, severity, sentence)
            .down(true)
            .about(said)
            .since(condition.and_then(|c| c.since))
            .advice("a readiness gate is not met, or its node has gone silent: describe the pod and its node")
            .proof(Evidence::field(
                format!("Pod {} status.conditions[Ready]", pod.name),
                said,
                condition.and_then(|c| c.since),
            ));
        case.find(finding);
    }
}

/// What the gateway says in its log: the same marks as in its last words, and those that it lives with.
fn lines(case: &mut Case<'_>, pod: &Pod) {
    let all = case.facts.lines();
    let name = pod.gateway().map_or("", |g| g.name.as_str());
    for line in all.iter().filter(|l| l.container == name) {
        let evidence = Evidence::log(&line.container, line.text.as_str(), line.at);
        if line.text.contains("there is no key for the models") {
            let finding = models_key().since(line.at).proof(evidence);
            case.find_once(finding);
        } else if line.text.contains("rejected unattributable proxy traffic")
            || line.text.contains("proxy_attribution_required")
        {
            let mut finding = attribution("the gateway rejects what comes through its proxy: its user sees 403")
                .since(line.at)
                .proof(evidence);
            finding.severity = Severity::Warning;
            case.find_once(finding);
        } else if let Some(mut finding) = crash::own_words(&line.text) {
            // Words of a start that was followed by a good one are history.
            let serves = pod.gateway().is_some_and(|g| g.ready);
            if !serves {
                finding = finding
                    .down(case.is_failing() || matches!(case.phase(), Phase::Starting | Phase::Degraded))
                    .since(line.at)
                    .proof(evidence);
                case.find_once(finding);
            }
        }
    }
    // The same warning in what an earlier run left behind.
    let last = pod.gateway().and_then(|g| g.last.as_ref()).and_then(|t| t.message()).unwrap_or_default();
    if let Some(line) = last.lines().find(|l| l.contains("there is no key for the models")) {
        let finding = models_key().proof(Evidence::log(name, line, None));
        case.find_once(finding);
    }
}

fn models_key() -> Finding {
    Finding::warning(Code::ModelsKeyMissing, "there is no key for the models: the gateway runs, its models do not answer")
        .about("litellm")
        .advice("make the Secret litellm with the key api-key in its namespace (whoever gives out the keys does), then restart the tenant")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Extra, Facts, LogLine, fixture::*},
        fleet::{
            Probe,
            fixture::*,
            probe::{Gateway, GatewayState},
        },
        index::Delta,
    };

    #[test]
    fn a_gateway_that_never_becomes_ready_says_what_its_probe_says() {
        let mut t = tenant("a", Some(starting()));
        assert!(codes(&diagnose(&t, 379)).is_empty(), "it is starting");
        assert_eq!(diagnose(&t, 379).recheck, Some(at(380)));
        assert_eq!(first(&t, 380).sentence, "the gateway has run for 5m and never became ready");
        t.warnings = Box::new([event(
            "Pod",
            10,
            "Unhealthy",
            r#"Readiness probe failed: not ready: /readyz 503: {"ready":false,"failing":["startup-sidecars"],"uptimeMs":1}"#,
            370,
        )]);
        let finding = first(&t, 380);
        assert_eq!(
            (finding.code, finding.about.as_str(), finding.down),
            (Code::GatewayNotReady, "startup-sidecars", true)
        );
        t.warnings[0].message = text("Readiness probe failed: HTTP probe failed with statuscode: 403");
        assert_eq!(first(&t, 380).code, Code::ProxyAttribution);
    }

    #[test]
    fn its_own_answer_is_better_than_the_probes() {
        let probe = |ready: Answer| GatewayProbe {
            at: at(385),
            live: Answer::Yes,
            ready,
            failing: vec![],
            conditions: vec![("GatewayAcceptingWork".into(), "Draining".into(), "suspended by an operator".into())],
            version: None,
        };
        let extra = |p| Extra { gateway: Some(p), ..Extra::default() };
        let t = tenant("a", Some(starting()));
        let found = diagnose_with(&t, &extra(probe(Answer::No)), 390).findings;
        assert_eq!(found[0].about, "GatewayAcceptingWork: suspended by an operator");
        let t = tenant("a", Some(ready()));
        let found = diagnose_with(&t, &extra(probe(Answer::No)), 390).findings;
        assert_eq!(
            (found[0].code, found[0].severity, found[0].down),
            (Code::GatewayNotReady, Severity::Warning, false)
        );
        assert_eq!(diagnose_with(&t, &extra(probe(Answer::Attribution)), 390).findings[0].code, Code::ProxyAttribution);
        let page = GatewayProbe { live: Answer::Page, ..probe(Answer::Page) };
        assert_eq!(diagnose_with(&t, &extra(page), 390).findings[0].code, Code::GatewayPage);
        let old_build = GatewayProbe { live: Answer::Yes, conditions: vec![], ..probe(Answer::Page) };
        assert!(diagnose_with(&t, &extra(old_build), 390).findings.is_empty(), "an older build serves no such route");
        let of_an_earlier_pod = GatewayProbe { at: at(20), ..probe(Answer::No) };
        assert!(diagnose_with(&t, &extra(of_an_earlier_pod), 390).findings.is_empty());
    }

    #[test]
    fn what_the_console_asked_counts_for_the_pod_that_was_asked() {
        let gateway = |state: GatewayState| Gateway {
            state,
            proof: None,
            version: None,
            uptime_seconds: None,
            failing: Box::new([text("startup-sidecars")]),
            unmet: Box::default(),
        };
        let found = |state: GatewayState, pod: u128| {
            let t = tenant("a", Some(starting()));
            let mut fleet = fleet_of(&t, None, at(390));
            let probe =
                Probe { pod: uid(pod), at: at(385), deep: false, gateway: gateway(state), browser: None, page: None };
            let delta = Delta::Probe { namespace: t.namespace_name.clone(), probe: Box::new(probe) };
            fleet.apply(delta, at(390));
            let facts = Facts::of(fleet.get("tenant-a").unwrap(), &fleet);
            crate::diagnose::tenant(&facts, at(390)).findings.remove(0)
        };
        assert_eq!(found(GatewayState::NotReady, 10).about, "failing startup-sidecars");
        assert_eq!(found(GatewayState::Attribution, 10).code, Code::ProxyAttribution);
        assert_eq!(found(GatewayState::NotReady, 11).about, "", "an earlier pod was asked");
        let forbidden = GatewayState::Unasked { why: text("no"), forbidden: true };
        assert_eq!(found(forbidden, 10).about, "");
    }

    #[test]
    fn degraded_tenants_say_what_limps() {
        let mut pod = starting();
        pod.ready = condition(false, 300);
        let finding = first(&tenant("a", Some(pod)), 400);
        assert_eq!((finding.code, finding.since), (Code::GatewayNotReady, Some(at(300))));
        assert!(finding.sentence.contains("was before"), "{}", finding.sentence);

        let mut pod = ready();
        pod.containers[1].ready = false;
        pod.ready = condition(false, 300);
        let finding = first(&tenant("a", Some(pod)), 400);
        assert_eq!((finding.code, finding.severity), (Code::BrowserDown, Severity::Warning));

        let mut pod = ready();
        pod.containers[1].ready = false;
        pod.containers[1].state = waiting("ContainerCreating");
        let finding = first(&tenant("a", Some(pod)), 1_000);
        assert_eq!((finding.code, finding.sentence.as_str()), (Code::BrowserDown, "browser has not been started yet"));

        let mut pod = ready();
        pod.ready = condition(false, 300);
        let left_out = |pod: &Pod, now| {
            let finding = first(&tenant("a", Some(pod.clone())), now);
            (finding.code, finding.severity, finding.down)
        };
        assert_eq!(left_out(&pod, 310), (Code::NotReady, Severity::Critical, true), "it was ready before");
        pod.ready = condition(false, 1);
        assert_eq!(left_out(&pod, 379), (Code::NotReady, Severity::Warning, true), "a gate of a young pod");
        assert_eq!(diagnose(&tenant("a", Some(pod.clone())), 379).recheck, Some(at(380)));
        assert_eq!(left_out(&pod, 380), (Code::NotReady, Severity::Critical, true));
    }

    #[test]
    fn the_log_tells_what_the_status_cannot() {
        let line = |text: &str| Extra {
            lines: vec![LogLine { container: "gateway".into(), text: text.into(), at: Some(at(90)) }],
            ..Extra::default()
        };
        let t = tenant("a", Some(ready()));
        let found = |text: &str| diagnose_with(&t, &line(text), 200).findings;
        assert_eq!(
            found("[gateway] warning: there is no key for the models (Secret litellm, key api-key)")[0].code,
            Code::ModelsKeyMissing
        );
        assert_eq!(
            found("gateway rejected unattributable proxy traffic from 10.0.0.9")[0].code,
            Code::ProxyAttribution
        );
        assert!(
            found("OpenClaw startup migrations did not complete cleanly").is_empty(),
            "it serves: a start before failed"
        );
        let t = tenant("a", Some(starting()));
        let found = diagnose_with(&t, &line("OpenClaw startup migrations did not complete cleanly"), 400).findings;
        assert_eq!((found.len(), found[0].code, found[0].down), (1, Code::MigrationsRefused, true));
    }
}
