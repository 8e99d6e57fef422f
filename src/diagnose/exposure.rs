//! The doors of a tenant: what may reach it and what it may reach, whether its host is served with TLS, whether its
//! helpers have limits. Known only where somebody opened the tenant. What the tenant's own spec renders is `render`'s to
//! judge.

use ipnet::IpNet;

use super::{Case, Code, Evidence, Finding, render::rendered};
use crate::fleet::detail::{Ingress, NetworkPolicy, Opened, Peer, Rule};

/// Ranges that no tenant may reach: other tenants, nodes, the API server, an instance's metadata.
const PRIVATE: [&str; 6] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7"];

pub(super) fn check(case: &mut Case<'_>) {
    let Some(opened) = case.facts.opened.filter(|_| !case.is_terminating() && !case.tenant().sets.is_empty()) else {
        return;
    };
    network(case, opened);
    limits(case, opened);
    services(case, opened);
    ingresses(case, opened);
}

fn network(case: &mut Case<'_>, opened: &Opened) {
    let Some(policies) = &opened.policies else { return };
    let namespace = case.tenant().namespace_name.clone();
    let labels = opened.set.as_ref().map(|s| &s.labels);
    // A policy by expressions is taken to select the pod: to call a closed door open would be worse.
    let selects = |p: &&NetworkPolicy| match (&p.selects, labels) {
        (Some(wanted), Some(labels)) => wanted.iter().all(|(key, value)| labels.get(key) == Some(value)),
        _ => true,
    };
    let ours: Vec<_> = policies.iter().filter(selects).collect();
    let own = rendered(case);
    let directions = if own.is_some() { 0 } else { 2 };
    for (direction, open, count) in [
        (
            "leave",
            "reach everything: other tenants, nodes and the API server",
            ours.iter().filter(|p| p.egress.is_some()).count(),
        ),
        ("reach", "be reached from everywhere in the cluster", ours.iter().filter(|p| p.ingress.is_some()).count()),
    ]
    .into_iter()
    .take(directions)
    {
        if count == 0 {
            let finding = Finding::warning(
                Code::NetworkMissing,
                format!("no network policy says what may {direction} it: it may {open}"),
            )
            .about(format!("what may {direction} it"))
            .advice(case.bring("the policy"))
            .proof(Evidence::field(
                format!("NetworkPolicies of namespace {namespace} that select its pod"),
                format!("{} of {}", count, policies.len()),
                None,
            ));
            case.find_once(finding);
        }
    }
    // Policies add up: one that is wide makes all the others vain.
    let added = ours.into_iter().filter(|p| !own.is_some_and(|own| own.knows("NetworkPolicy", &p.name)));
    for policy in added {
        let mut wide: Vec<(String, &str)> = Vec::new();
        for (i, rule) in policy.egress.iter().flatten().enumerate() {
            wide.extend(wide_egress(rule).map(|why| (format!("spec.egress[{i}]"), why)));
        }
        for (i, rule) in policy.ingress.iter().flatten().enumerate() {
            wide.extend(wide_ingress(rule).map(|why| (format!("spec.ingress[{i}]"), why)));
        }
        for (place, why) in wide {
            let finding = Finding::warning(
                Code::NetworkWide,
                format!("network policy {} is wider than the contract: {why}", policy.name),
            )
            .about(why)
            .advice("apply the render back; if the way is needed, give it its own narrow rule in the base")
            .proof(Evidence::field(format!("NetworkPolicy {} {place}", policy.name), why, None));
            case.find_once(finding);
        }
    }
}

fn wide_egress(rule: &Rule) -> Option<&'static str> {
    if rule.ports.iter().all(|p| p.is_only("53")) && !rule.ports.is_empty() {
        return None;
    }
    if rule.peers.is_empty() {
        return Some("it may leave to every address");
    }
    for peer in &rule.peers {
        match peer {
            Peer::Block { cidr, except } => {
                let Some(block) = range(cidr) else { continue };
                if reaches_private(block, except) {
                    return Some("it may leave to private addresses, where other tenants, nodes and metadata are");
                }
                if is_world(block) && (rule.ports.is_empty() || rule.ports.iter().any(|p| !p.is_only("443"))) {
                    return Some("it may leave to the world on other ports than 443");
                }
            }
            Peer::Pods { namespaces: Some(selector), pods } if selector.all && pods.as_ref().is_none_or(|p| p.all) => {
                return Some("it may leave to the pods of every namespace");
            }
            Peer::Pods { .. } => {}
        }
    }
    None
}

fn wide_ingress(rule: &Rule) -> Option<&'static str> {
    if rule.peers.is_empty() {
        return Some("everybody may reach it");
    }
    for peer in &rule.peers {
        match peer {
            Peer::Block { cidr, except } => match range(cidr) {
                Some(block) if is_world(block) => return Some("every address may reach it"),
                Some(block) if reaches_private(block, except) => {
                    return Some("a whole private range may reach it, where other tenants are");
                }
                _ => {}
            },
            Peer::Pods { namespaces: Some(selector), pods } if selector.all && pods.as_ref().is_none_or(|p| p.all) => {
                return Some("the pods of every namespace may reach it");
            }
            _ => {}
        }
    }
    None
}

/// A whole private range is in it, and not all of that is left out.
fn reaches_private(block: IpNet, except: &[String]) -> bool {
    // Parts that are together the whole leave out the whole.
    let except = IpNet::aggregate(&except.iter().filter_map(|e| range(e)).collect());
    let left_out = |range: &IpNet| except.iter().any(|e| e.contains(range));
    PRIVATE.iter().filter_map(|p| range(p)).any(|range| block.contains(&range) && !left_out(&range))
}

/// As the API server takes it: bits below the mask count for nothing.
fn range(cidr: &str) -> Option<IpNet> {
    cidr.parse::<IpNet>().ok().map(|range| range.trunc())
}

/// All addresses, or a half of them: nobody writes more than that who means less.
fn is_world(range: IpNet) -> bool {
    range.prefix_len() <= 1
}

fn limits(case: &mut Case<'_>, opened: &Opened) {
    let expected = case.tenant().is_by_contract() && rendered(case).is_none();
    if opened.limits.as_ref().is_none_or(|all| !all.is_empty()) || !expected {
        return;
    }
    let finding =
        Finding::note(Code::LimitRangeMissing, "no LimitRange gives helper pods their limits: a quota may refuse them")
            .about("LimitRange")
            .advice(case.bring("the LimitRange"))
            .proof(Evidence::field(format!("LimitRanges of namespace {}", case.tenant().namespace_name), "none", None));
    case.find(finding);
}

fn services(case: &mut Case<'_>, opened: &Opened) {
    let Some(services) = &opened.services else { return };
    let labels = opened.set.as_ref().map(|s| &s.labels);
    let leads = |selector: &std::collections::BTreeMap<String, String>| {
        labels.is_none_or(|labels| {
            !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        })
    };
    if services.iter().any(|s| leads(&s.selector)) {
        return;
    }
    let said = services.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
    let finding = Finding::critical(
        Code::ServiceMissing,
        "no Service leads to its pod: its user cannot reach it, however well it is",
    )
    .about("Service")
    .advice(case.bring("the Service"))
    .proof(Evidence::field(
        format!("Services of namespace {} whose selector fits the pod's labels", case.tenant().namespace_name),
        if said.is_empty() { "none".to_owned() } else { format!("none of {said}") },
        None,
    ));
    case.find(finding);
}

fn ingresses(case: &mut Case<'_>, opened: &Opened) {
    let Some(ingresses) = &opened.ingresses else { return };
    let namespace = case.tenant().namespace_name.clone();
    let own = rendered(case);
    if ingresses.is_empty() && own.is_none() {
        let finding = Finding::warning(Code::IngressMissing, "no Ingress leads to it: it has no address for its user")
            .about("Ingress")
            .advice(format!("{}, unless something else serves its host (a Gateway's route)", case.bring("the Ingress")))
            .proof(Evidence::field(format!("Ingresses of namespace {namespace}"), "none", None));
        case.find(finding);
    }
    for ingress in ingresses {
        if !own.is_some_and(|own| own.knows("Ingress", &ingress.name)) {
            bare(case, ingress);
        }
        backend(case, ingress, opened);
    }
}

fn bare(case: &mut Case<'_>, ingress: &Ingress) {
    let covers = |host: &str| {
        let wildcard = host.split_once('.').map(|(_, domain)| format!("*.{domain}"));
        ingress.tls_hosts.iter().any(|h| h == host || wildcard.as_deref() == Some(h))
    };
    let bare: Vec<_> = ingress.rules.iter().map(|(host, _)| host.as_str()).filter(|h| !covers(h)).collect();
    if bare.is_empty() {
        return;
    }
    let hosts = bare.join(", ");
    let finding = Finding::warning(
        Code::IngressNoTls,
        format!("Ingress {} serves {hosts} without TLS: the token travels in the clear", ingress.name),
    )
    .about("TLS")
    .advice(format!("{}; then see that its certificate is issued", case.bring("the host under tls")))
    .proof(Evidence::field(
        format!("Ingress {} spec.tls", ingress.name),
        format!("hosts [{}]", ingress.tls_hosts.join(", ")),
        None,
    ));
    case.find(finding);
}

fn backend(case: &mut Case<'_>, ingress: &Ingress, opened: &Opened) {
    let Some(services) = &opened.services else { return };
    for (host, service) in &ingress.rules {
        let Some(service) = service else { continue };
        if services.iter().any(|s| s.name == *service) {
            continue;
        }
        let finding =
            Finding::critical(Code::ServiceMissing, format!("{host} leads to Service {service}, which does not exist"))
                .about("Service")
                .advice(case.bring("the Service"))
                .proof(Evidence::field(format!("Ingress {} spec.rules", ingress.name), service.as_str(), None));
        case.find_once(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Facts, fixture::*},
        fleet::{
            detail::{LimitRange, Port, Selector, Service, SetDetail},
            fixture::*,
        },
    };
    use std::collections::BTreeMap;

    fn block(cidr: &str, except: &[&str]) -> Peer {
        Peer::Block { cidr: cidr.into(), except: except.iter().map(|e| (*e).to_owned()).collect() }
    }

    fn rule(peers: Vec<Peer>, ports: &[&str]) -> Rule {
        let port = |p: &&str| {
            let (from, to) = p.split_once('-').unwrap_or((p, ""));
            Port { port: Some(from.to_owned()), end: to.parse().ok(), protocol: "TCP".into() }
        };
        Rule { peers, ports: ports.iter().map(port).collect() }
    }

    fn pods_of(all_namespaces: bool) -> Peer {
        Peer::Pods { namespaces: Some(Selector { all: all_namespaces }), pods: None }
    }

    /// As the render makes it.
    fn opened() -> Opened {
        let labels = BTreeMap::from([("app.kubernetes.io/name".to_owned(), "openclaw".to_owned())]);
        Opened {
            set: Some(SetDetail { name: "openclaw".into(), labels: labels.clone(), ..SetDetail::default() }),
            policies: Some(vec![NetworkPolicy {
                name: "tenant".into(),
                selects: Some(BTreeMap::new()),
                ingress: Some(vec![rule(vec![pods_of(false)], &["18789"])]),
                egress: Some(vec![
                    rule(vec![pods_of(false)], &["53"]),
                    rule(vec![block("0.0.0.0/0", &PRIVATE), block("::/0", &["fc00::/7"])], &["443"]),
                ]),
            }]),
            limits: Some(vec![LimitRange::default()]),
            services: Some(vec![Service { name: "openclaw".into(), selector: labels, ..Service::default() }]),
            ingresses: Some(vec![Ingress {
                name: "openclaw".into(),
                rules: vec![("a.example.com".into(), Some("openclaw".into()))],
                tls_hosts: vec!["a.example.com".into()],
                class: None,
            }]),
            ..Opened::default()
        }
    }

    fn found(opened: &Opened) -> Vec<Code> {
        let t = tenant("a", Some(ready()));
        let fleet = fleet_of(&t, None, at(200));
        let entry = fleet.get(&t.namespace_name).unwrap();
        codes(&super::super::tenant(&Facts { opened: Some(opened), ..Facts::of(entry, &fleet) }, at(200)))
    }

    #[test]
    fn the_contracts_own_doors_are_no_finding_nor_are_unknown_ones() {
        assert!(found(&opened()).is_empty());
        assert!(found(&Opened::default()).is_empty());
    }

    #[test]
    fn policies_that_are_missing_or_wide() {
        let with = |edit: &dyn Fn(&mut NetworkPolicy)| {
            let mut o = opened();
            edit(&mut o.policies.as_mut().unwrap()[0]);
            found(&o)
        };
        let mut none = opened();
        none.policies = Some(vec![]);
        assert_eq!(
            found(&none),
            [Code::NetworkMissing, Code::NetworkMissing],
            "what may leave it, and what may reach it"
        );
        assert_eq!(with(&|p| p.egress = None), [Code::NetworkMissing]);
        assert_eq!(
            with(&|p| p.selects = Some(BTreeMap::from([("app".into(), "other".into())]))),
            [Code::NetworkMissing, Code::NetworkMissing],
            "it selects other pods"
        );
        for wide in [
            rule(vec![], &[]),
            rule(vec![block("0.0.0.0/0", &[])], &["443"]),
            rule(vec![block("0.0.0.0/0", &PRIVATE)], &[]),
            rule(vec![block("0.0.0.0/0", &PRIVATE)], &["443", "25"]),
            rule(vec![block("10.0.0.0/8", &[])], &[]),
            rule(vec![block("10.0.0.0/7", &["10.0.0.0/9"])], &["443"]),
            rule(vec![block("::/0", &[])], &["443"]),
            rule(vec![block("0.0.0.0/0", &PRIVATE)], &["443-65535"]),
            rule(vec![block("128.0.0.0/1", &PRIVATE)], &["25"]),
            rule(vec![], &["53-65535"]),
            rule(vec![pods_of(true)], &["80"]),
        ] {
            assert_eq!(with(&|p| p.egress.as_mut().unwrap().push(wide.clone())), [Code::NetworkWide], "{wide:?}");
        }
        assert!(with(&|p| p.egress.as_mut().unwrap().push(rule(vec![], &["53"]))).is_empty(), "DNS may be anywhere");
        assert!(
            with(&|p| p.egress.as_mut().unwrap().push(rule(vec![block("10.1.2.0/24", &[])], &["4000"]))).is_empty(),
            "a narrow way"
        );
        let halves: Vec<&str> = PRIVATE[1..].iter().copied().chain(["10.0.0.0/9", "10.128.0.0/9"]).collect();
        assert!(
            with(&|p| p.egress.as_mut().unwrap().push(rule(vec![block("0.0.0.0/0", &halves)], &["443"]))).is_empty(),
            "a range that is left out in two parts"
        );
        for wide in [
            rule(vec![], &["18789"]),
            rule(vec![pods_of(true)], &[]),
            rule(vec![block("0.0.0.0/0", &[])], &[]),
            rule(vec![block("10.0.0.0/8", &[])], &["18789"]),
        ] {
            assert_eq!(with(&|p| p.ingress.as_mut().unwrap().push(wide.clone())), [Code::NetworkWide], "{wide:?}");
        }
    }

    #[test]
    fn service_ingress_and_limits() {
        let with = |edit: &dyn Fn(&mut Opened)| {
            let mut o = opened();
            edit(&mut o);
            found(&o)
        };
        assert_eq!(with(&|o| o.limits = Some(vec![])), [Code::LimitRangeMissing]);
        assert_eq!(with(&|o| o.ingresses = Some(vec![])), [Code::IngressMissing]);
        assert_eq!(with(&|o| o.ingresses.as_mut().unwrap()[0].tls_hosts.clear()), [Code::IngressNoTls]);
        assert!(with(&|o| o.ingresses.as_mut().unwrap()[0].tls_hosts = vec!["*.example.com".into()]).is_empty());
        assert_eq!(with(&|o| o.services = Some(vec![])), [Code::ServiceMissing]);
        assert_eq!(
            with(&|o| o.services.as_mut().unwrap()[0].selector = BTreeMap::from([("app".into(), "x".into())])),
            [Code::ServiceMissing]
        );
        assert_eq!(
            with(&|o| o.ingresses.as_mut().unwrap()[0].rules[0].1 = Some("gone".into())),
            [Code::ServiceMissing]
        );
    }

    #[test]
    fn parts_that_are_together_the_whole_leave_out_the_whole() {
        let check = |cidr: &str, except: &[&str], expect| {
            let except: Vec<_> = except.iter().map(|e| (*e).to_owned()).collect();
            assert_eq!(reaches_private(range(cidr).unwrap(), &except), expect, "{cidr} but {except:?}");
        };
        check("10.0.0.0/8", &["10.0.0.0/9", "10.128.0.0/10", "10.192.0.0/10"], false);
        check("10.0.0.0/8", &["10.0.0.0/9", "10.128.0.0/10"], true);
        check("10.1.2.3/8", &["10.0.0.0/8"], false);
        check("10.1.2.0/24", &[], false);
        check("0.0.0.0/0", &["10.0.0.0/8"], true);
        check("::/0", &["fd00::/8", "fc00::/8"], false);
        check("::/0", &["fd00::/8"], true);
        assert!(is_world(range("128.0.0.0/1").unwrap()) && !is_world(range("64.0.0.0/2").unwrap()));
        for wrong in ["10.0.0.0", "10.0.0.0/33", "x/8"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }
}
