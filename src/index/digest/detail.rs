//! Objects that are read on demand -> plain data. One tenant's are few and small: a whole JSON value each is fine here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{DigestError, Labels};
use crate::fleet::{
    At, Quantity,
    clean::clean,
    detail::{
        Attachment, Certificate, Ingress, LimitRange, NetworkPolicy, Peer, PersistentVolume, Port, Rule, Selector,
        Service, SetDetail, StorageClass,
    },
};

/// The items of a list.
fn items(body: &[u8]) -> Result<Vec<Value>, DigestError> {
    let value: Value = serde_json::from_slice(body).map_err(|e| DigestError::of(&e))?;
    match value.get("items") {
        Some(Value::Array(items)) => Ok(items.clone()),
        Some(Value::Null) => Ok(Vec::new()),
        _ => Err(DigestError::Shape { expected: "a list", found: "something else".to_owned() }),
    }
}

/// Objects, each with its namespace; empty for what lives in none.
pub type Placed<T> = Vec<(String, T)>;

fn all<T>(body: &[u8], read: impl Fn(&Value) -> T) -> Result<Placed<T>, DigestError> {
    Ok(items(body)?.iter().map(|item| (text(item, "/metadata/namespace"), read(item))).collect())
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).map(|s| clean(s).into_owned()).unwrap_or_default()
}

fn optional(value: &Value, pointer: &str) -> Option<String> {
    Some(text(value, pointer)).filter(|t| !t.is_empty())
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn strings(value: &Value, pointer: &str) -> Vec<String> {
    list(value, pointer).filter_map(Value::as_str).map(|s| clean(s).into_owned()).collect()
}

fn map(value: &Value, pointer: &str) -> BTreeMap<String, String> {
    let entries = value.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(k, v)| Some((clean(k).into_owned(), clean(v.as_str()?).into_owned()))).collect()
}

/// # Errors
/// It is no list.
pub fn network_policies(body: &[u8]) -> Result<Placed<NetworkPolicy>, DigestError> {
    all(body, |item| {
        // Where nothing is said, a policy limits ingress, and egress if it has rules for it.
        let kinds = strings(item, "/spec/policyTypes");
        let limits = |kind: &str, field: &str| match kinds.as_slice() {
            [] => kind == "Ingress" || item.pointer(field).is_some(),
            kinds => kinds.iter().any(|k| k == kind),
        };
        let rules = |kind: &str, field: &str, peers: &str| {
            limits(kind, field).then(|| list(item, field).map(|r| rule(r, peers)).collect::<Vec<_>>())
        };
        let by_expressions =
            item.pointer("/spec/podSelector/matchExpressions").and_then(Value::as_array).is_some_and(|e| !e.is_empty());
        NetworkPolicy {
            name: text(item, "/metadata/name"),
            selects: (!by_expressions).then(|| map(item, "/spec/podSelector/matchLabels")),
            ingress: rules("Ingress", "/spec/ingress", "/from"),
            egress: rules("Egress", "/spec/egress", "/to"),
        }
    })
}

fn rule(rule: &Value, peers: &str) -> Rule {
    let port = |p: &Value| Port {
        port: match p.get("port") {
            Some(Value::Number(n)) => Some(n.to_string()),
            Some(Value::String(s)) => Some(clean(s).into_owned()),
            _ => None,
        },
        end: p.get("endPort").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok()),
        protocol: optional(p, "/protocol").unwrap_or_else(|| "TCP".to_owned()),
    };
    Rule { peers: list(rule, peers).map(peer).collect(), ports: list(rule, "/ports").map(port).collect() }
}

fn peer(peer: &Value) -> Peer {
    if peer.get("ipBlock").is_some() {
        return Peer::Block { cidr: text(peer, "/ipBlock/cidr"), except: strings(peer, "/ipBlock/except") };
    }
    let selector = |field: &str| {
        let value = peer.get(field).filter(|v| !v.is_null())?;
        let empty = |key: &str| match value.get(key) {
            None | Some(Value::Null) => true,
            Some(Value::Object(map)) => map.is_empty(),
            Some(Value::Array(list)) => list.is_empty(),
            Some(_) => false,
        };
        Some(Selector { all: empty("matchLabels") && empty("matchExpressions") })
    };
    Peer::Pods { namespaces: selector("namespaceSelector"), pods: selector("podSelector") }
}

/// # Errors
/// It is no list.
pub fn limit_ranges(body: &[u8]) -> Result<Placed<LimitRange>, DigestError> {
    all(body, |item| {
        let of_containers = list(item, "/spec/limits").filter(|l| l["type"] == "Container");
        let max = of_containers
            .flat_map(|l| map(l, "/max"))
            .filter_map(|(resource, text)| Some((resource, text.parse().ok()?)));
        LimitRange { name: text(item, "/metadata/name"), max: max.collect() }
    })
}

/// # Errors
/// It is no list.
pub fn services(body: &[u8]) -> Result<Placed<Service>, DigestError> {
    all(body, |item| Service {
        name: text(item, "/metadata/name"),
        kind: optional(item, "/spec/type").unwrap_or_else(|| "ClusterIP".to_owned()),
        ports: list(item, "/spec/ports").filter_map(|p| u16::try_from(p.get("port")?.as_u64()?).ok()).collect(),
        selector: map(item, "/spec/selector"),
    })
}

/// # Errors
/// It is no list.
pub fn ingresses(body: &[u8]) -> Result<Placed<Ingress>, DigestError> {
    all(body, |item| Ingress {
        name: text(item, "/metadata/name"),
        rules: list(item, "/spec/rules")
            .filter_map(|rule| Some((optional(rule, "/host")?, optional(rule, "/http/paths/0/backend/service/name"))))
            .collect(),
        tls_hosts: list(item, "/spec/tls").flat_map(|tls| strings(tls, "/hosts")).collect(),
        class: optional(item, "/spec/ingressClassName"),
    })
}

/// A list of which the facets hold all that is needed: it is only checked to be one.
///
/// # Errors
/// It is no list.
pub fn nothing_more(body: &[u8]) -> Result<Placed<()>, DigestError> {
    all(body, |_| ())
}

/// What of StatefulSets the facets leave out.
///
/// # Errors
/// It is no list.
pub fn set_details(body: &[u8]) -> Result<Placed<SetDetail>, DigestError> {
    all(body, set_detail)
}

fn set_detail(set: &Value) -> SetDetail {
    let nothing = Value::Null;
    let pod = set.pointer("/spec/template/spec").unwrap_or(&nothing);
    let gateway = list(pod, "/containers").find(|c| c["name"] == "gateway").or_else(|| list(pod, "/containers").next());
    let own = text(set, "/metadata/name");
    let mounted = list(pod, "/volumes").filter_map(|v| optional(v, "/persistentVolumeClaim/claimName"));
    // A claim of a template is called after template, set and ordinal.
    let of_templates = list(set, "/spec/volumeClaimTemplates")
        .filter_map(|t| Some(format!("{}-{own}-0", optional(t, "/metadata/name")?)));
    SetDetail {
        claims: mounted.chain(of_templates).collect(),
        pull_policy: gateway.and_then(|g| optional(g, "/imagePullPolicy")),
        pull_secrets: list(pod, "/imagePullSecrets").filter_map(|s| optional(s, "/name")).collect(),
        heap_mib: gateway.and_then(heap),
        node_selector: map(pod, "/nodeSelector"),
        service_account: optional(pod, "/serviceAccountName"),
        labels: map(set, "/spec/template/metadata/labels"),
        name: own,
    }
}

/// `--max-old-space-size=960` of NODE_OPTIONS.
fn heap(gateway: &Value) -> Option<u32> {
    let options = list(gateway, "/env").find(|e| e["name"] == "NODE_OPTIONS").and_then(|e| e["value"].as_str())?;
    let (_, rest) = options.split_once("max-old-space-size")?;
    let digits: String = rest.trim_start_matches(['=', ' ']).chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Certificates of cert-manager.
///
/// # Errors
/// It is no list.
pub fn certificates(body: &[u8]) -> Result<Placed<Certificate>, DigestError> {
    all(body, |item| {
        let condition = |kind: &str| list(item, "/status/conditions").find(|c| c["type"] == kind);
        let ready = condition("Ready");
        // While a renewal fails the certificate before may still be good: Ready says so, Issuing says why.
        let failed = condition("Issuing").filter(|c| c["reason"] == "Failed");
        let message = failed.or(ready.filter(|c| c["status"] != "True"));
        Certificate {
            name: text(item, "/metadata/name"),
            hosts: strings(item, "/spec/dnsNames"),
            expires: At::parse(&text(item, "/status/notAfter")),
            renews: At::parse(&text(item, "/status/renewalTime")),
            ready: ready.map(|c| c["status"] == "True"),
            since: ready.and_then(|c| At::parse(&text(c, "/lastTransitionTime"))),
            message: message.and_then(|c| optional(c, "/message")),
        }
    })
}

/// One page of VolumeAttachments, of these volumes alone; with the token of the next page.
///
/// # Errors
/// It is no list.
pub fn attachments(body: &[u8], volumes: &[String]) -> Result<(Vec<Attachment>, Option<String>), DigestError> {
    let page: Value = serde_json::from_slice(body).map_err(|e| DigestError::of(&e))?;
    if page.get("items").is_none() {
        return Err(DigestError::Shape { expected: "a list", found: "something else".to_owned() });
    }
    let ours = |item: &&Value| volumes.contains(&text(item, "/spec/source/persistentVolumeName"));
    let read = |item: &Value| {
        let deleting = At::parse(&text(item, "/metadata/deletionTimestamp"));
        let error = if deleting.is_some() { "/status/detachError" } else { "/status/attachError" };
        Attachment {
            name: text(item, "/metadata/name"),
            volume: text(item, "/spec/source/persistentVolumeName"),
            node: text(item, "/spec/nodeName"),
            attached: item.pointer("/status/attached").and_then(Value::as_bool).unwrap_or(false),
            created: At::parse(&text(item, "/metadata/creationTimestamp")),
            deleting,
            error: optional(item, &format!("{error}/message")),
            error_at: At::parse(&text(item, &format!("{error}/time"))),
        }
    };
    Ok((list(&page, "/items").filter(ours).map(read).collect(), optional(&page, "/metadata/continue")))
}

/// PersistentVolumes; `tenant_label` tells those that carry the tenants' label.
///
/// # Errors
/// It is no list.
pub fn persistent_volumes(body: &[u8], labels: &Labels) -> Result<Placed<PersistentVolume>, DigestError> {
    let labelled =
        |item: &Value| item.pointer("/metadata/labels").is_some_and(|all| all.get(labels.tenant.as_str()).is_some());
    all(body, |item| PersistentVolume {
        name: text(item, "/metadata/name"),
        phase: text(item, "/status/phase"),
        reclaim: text(item, "/spec/persistentVolumeReclaimPolicy"),
        class: text(item, "/spec/storageClassName"),
        capacity: text(item, "/spec/capacity/storage").parse::<Quantity>().ok(),
        namespace: text(item, "/spec/claimRef/namespace"),
        claim: text(item, "/spec/claimRef/name"),
        tenant: labels.namespace.is_none() && labelled(item) || labels.names(&text(item, "/spec/claimRef/namespace")),
        changed: At::parse(&text(item, "/status/lastPhaseTransitionTime")),
    })
}

/// # Errors
/// It is no list.
pub fn storage_classes(body: &[u8]) -> Result<Placed<StorageClass>, DigestError> {
    all(body, |item| {
        let annotations = map(item, "/metadata/annotations");
        StorageClass {
            name: text(item, "/metadata/name"),
            provisioner: text(item, "/provisioner"),
            is_default: annotations.get("storageclass.kubernetes.io/is-default-class").is_some_and(|v| v == "true"),
            reclaim: optional(item, "/reclaimPolicy").unwrap_or_else(|| "Delete".to_owned()),
            expands: item.get("allowVolumeExpansion").and_then(Value::as_bool).unwrap_or(false),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list_of(item: &Value) -> Vec<u8> {
        json!({"kind": "XList", "items": [item]}).to_string().into_bytes()
    }

    #[test]
    fn a_volume_is_a_tenant_s_by_its_label_or_by_the_namespace_of_its_claim() {
        let volume = |labels: Value, namespace: &str| {
            list_of(
                &json!({"metadata": {"name": "pv", "labels": labels}, "spec": {"claimRef": {"namespace": namespace}}}),
            )
        };
        let is_tenants = |body: &[u8], labels: &Labels| persistent_volumes(body, labels).unwrap()[0].1.tenant;
        let ours = Labels::default();
        assert!(is_tenants(&volume(json!({"openclaw.ai/tenant": "ada"}), "elsewhere"), &ours));
        assert!(is_tenants(&volume(json!({}), "tenant-ada"), &ours));
        assert!(!is_tenants(&volume(json!({"app": "x"}), "monitoring"), &ours));
        let named = Labels { tenant: String::new(), namespace: Some("oc-*".parse().unwrap()), ..ours };
        assert!(is_tenants(&volume(json!({}), "oc-ada"), &named));
        assert!(!is_tenants(&volume(json!({"": "x"}), "tenant-ada"), &named));
    }

    #[test]
    fn a_policy_limits_what_it_says_and_ingress_where_it_says_nothing() {
        let read = |spec: Value| {
            network_policies(&list_of(&json!({"metadata": {"name": "tenant"}, "spec": spec}))).unwrap().remove(0).1
        };
        let policy = read(json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [
            {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}, {"namespaceSelector": {}, "podSelector": {"matchLabels": {"a": "b"}}}],
             "ports": [{"port": 443, "protocol": "TCP", "endPort": 500}, {"port": "dns"}]},
            {}
        ]}));
        assert_eq!((policy.ingress, policy.selects), (None, Some(BTreeMap::new())));
        let egress = policy.egress.unwrap();
        assert_eq!(egress[0].peers[0], Peer::Block { cidr: "0.0.0.0/0".into(), except: vec!["10.0.0.0/8".into()] });
        assert_eq!(
            egress[0].peers[1],
            Peer::Pods { namespaces: Some(Selector { all: true }), pods: Some(Selector { all: false }) }
        );
        assert_eq!(egress[0].ports.iter().map(|p| p.port.as_deref()).collect::<Vec<_>>(), [Some("443"), Some("dns")]);
        assert_eq!(egress[0].ports.iter().map(|p| p.end).collect::<Vec<_>>(), [Some(500), None]);
        assert_eq!(egress[1], Rule::default(), "everybody, every port");
        let bare = read(json!({"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}));
        assert_eq!((bare.ingress, bare.egress, bare.selects), (Some(vec![]), None, None));
    }

    #[test]
    fn a_set_says_what_its_pods_mount_and_how_large_its_heap_is() {
        let body = json!({"metadata": {"name": "openclaw"}, "spec": {
        "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
        "template": {"metadata": {"labels": {"app": "x"}}, "spec": {
            "volumes": [{"name": "a", "persistentVolumeClaim": {"claimName": "app-data"}}, {"name": "tmp", "emptyDir": {}}],
            "imagePullSecrets": [{"name": "registry"}],
            "containers": [{"name": "gateway", "imagePullPolicy": "IfNotPresent", "env": [{"name": "NODE_OPTIONS", "value": "--trace --max-old-space-size=960 --x"}]}]
        }}}});
        let set = set_details(&list_of(&body)).unwrap().remove(0).1;
        assert_eq!(
            (set.claims.as_slice(), set.heap_mib),
            (&["app-data".to_owned(), "data-openclaw-0".to_owned()][..], Some(960))
        );
        assert_eq!(
            (set.pull_policy.as_deref(), set.pull_secrets.as_slice()),
            (Some("IfNotPresent"), &["registry".to_owned()][..])
        );
        assert!(set_details(b"{}").is_err() && set_details(b"<html>").is_err());
    }

    #[test]
    fn what_is_odd_is_read_as_far_as_it_goes() {
        for item in
            [json!({}), json!({"spec": 7, "metadata": []}), json!({"spec": {"rules": {}, "tls": "x"}}), json!(null)]
        {
            let body = list_of(&item);
            assert_eq!(network_policies(&body).unwrap().len() + set_details(&body).unwrap().len(), 2);
            assert_eq!(
                ingresses(&body).unwrap().len() + services(&body).unwrap().len() + limit_ranges(&body).unwrap().len(),
                3
            );
            assert_eq!(
                persistent_volumes(&body, &Labels::default()).unwrap().len() + storage_classes(&body).unwrap().len(),
                2
            );
        }
        assert!(services(b"[]").is_err() && services(br#"{"kind":"Status"}"#).is_err());
        let ingress = ingresses(&list_of(&json!({"spec": {"rules": [{"host": "a\u{1b}[2Jb"}]}}))).unwrap();
        assert_eq!(ingress[0].1.rules[0].0, "ab");
    }
}
