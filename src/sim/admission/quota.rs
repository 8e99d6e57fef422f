//! ResourceQuota: what objects use, and the refusals of what exceeds it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::defaults::quality;
use super::super::kinds::{self, Kind};
use super::super::object::{name_of, namespace_of, text_at};
use super::super::quantity::Quantity;
use super::super::status::Status;
use super::super::store::Inner;
use super::limits::quantities;

/// Amounts by resource name.
pub(crate) type Amounts = BTreeMap<String, Quantity>;

/// What a write takes from quotas, to be booked once it is certain: (namespace, quota, `status.used`).
pub(in super::super) type Charges = Vec<(String, String, Amounts)>;

/// What a pod asks for and is limited to: the larger of its containers' sum and of any init container, sidecars counted
/// beside what starts after them.
pub(crate) fn pod_amounts(spec: &Value) -> (Amounts, Amounts) {
    let of = |key: &str| {
        let (mut sum, mut peak) = (Amounts::new(), Amounts::new());
        for one in spec["initContainers"].as_array().into_iter().flatten() {
            let amounts = quantities(&one["resources"][key]);
            if one["restartPolicy"] == "Always" {
                add(&mut sum, &amounts);
                raise(&mut peak, &sum);
            } else {
                let mut with_sidecars = sum.clone();
                add(&mut with_sidecars, &amounts);
                raise(&mut peak, &with_sidecars);
            }
        }
        for one in spec["containers"].as_array().into_iter().flatten() {
            add(&mut sum, &quantities(&one["resources"][key]));
        }
        raise(&mut sum, &peak);
        add(&mut sum, &quantities(&spec["overhead"]));
        sum
    };
    (of("requests"), of("limits"))
}

fn add(to: &mut Amounts, more: &Amounts) {
    for (resource, amount) in more {
        let sum = to.get(resource).copied().unwrap_or(Quantity::ZERO).plus(*amount);
        to.insert(resource.clone(), sum);
    }
}

fn raise(to: &mut Amounts, more: &Amounts) {
    for (resource, amount) in more {
        let high = to.get(resource).copied().unwrap_or(*amount).max(*amount);
        to.insert(resource.clone(), high);
    }
}

/// Whether each object of this kind uses the same, so that none has to be looked into.
pub(crate) fn is_counted_only(kind: &Kind) -> bool {
    ![kinds::POD, kinds::PVC, kinds::SERVICE].contains(&kind)
}

/// What one object uses, under every name that a quota may give it.
pub(crate) fn usage(kind: &Kind, object: &Value) -> Amounts {
    let mut out = Amounts::new();
    let mut one = |name: String| out.insert(name, Quantity::of(1));
    one(format!("count/{}", kind.resource()));
    if kind == kinds::POD && matches!(text_at(object, &["status", "phase"]), "Failed" | "Succeeded") {
        // An ended pod still counts as an object, but uses nothing.
        return out;
    }
    let counted = [kinds::POD, kinds::PVC, kinds::SERVICE, kinds::SECRET, kinds::CONFIG_MAP, kinds::RESOURCE_QUOTA];
    if counted.contains(&kind) {
        one(kind.plural.into());
    }
    if kind == kinds::SERVICE {
        match text_at(object, &["spec", "type"]) {
            "LoadBalancer" => drop(one("services.loadbalancers".into())),
            "NodePort" => drop(one("services.nodeports".into())),
            _ => {}
        }
    }
    if kind == kinds::POD {
        let (requests, limits) = pod_amounts(&object["spec"]);
        for (resource, amount) in requests {
            if matches!(resource.as_str(), "cpu" | "memory" | "ephemeral-storage") {
                out.insert(resource.clone(), amount);
            }
            out.insert(format!("requests.{resource}"), amount);
        }
        for (resource, amount) in limits {
            out.insert(format!("limits.{resource}"), amount);
        }
    }
    if kind == kinds::PVC {
        let class = text_at(object, &["spec", "storageClassName"]);
        let storage =
            Quantity::from_json(&object["spec"]["resources"]["requests"]["storage"]).unwrap_or(Quantity::ZERO);
        out.insert("requests.storage".into(), storage);
        if !class.is_empty() {
            out.insert(format!("{class}.storageclass.storage.k8s.io/requests.storage"), storage);
            out.insert(format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), Quantity::of(1));
        }
    }
    out
}

/// Whether a quota's scopes cover an object; a quota with scopes covers pods only.
pub(crate) fn covers(quota: &Value, kind: &Kind, object: &Value) -> bool {
    let scopes = quota["spec"]["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let selectors = quota["spec"]["scopeSelector"]["matchExpressions"].as_array();
    let mut scopes = scopes.peekable();
    if scopes.peek().is_none() && selectors.is_none_or(Vec::is_empty) {
        return true;
    }
    kind == kinds::POD
        && scopes.all(|scope| in_scope(scope, object))
        && selectors.into_iter().flatten().all(|one| selected(one, object))
}

fn in_scope(scope: &str, pod: &Value) -> bool {
    let has_deadline = pod["spec"]["activeDeadlineSeconds"].is_number();
    match scope {
        "Terminating" => has_deadline,
        "NotTerminating" => !has_deadline,
        "BestEffort" => quality(&pod["spec"]) == "BestEffort",
        "NotBestEffort" => quality(&pod["spec"]) != "BestEffort",
        _ => false,
    }
}

fn selected(expression: &Value, pod: &Value) -> bool {
    let scope = text_at(expression, &["scopeName"]);
    let (operator, values) = (text_at(expression, &["operator"]), expression["values"].as_array());
    if scope != "PriorityClass" {
        return in_scope(scope, pod) == (operator != "DoesNotExist");
    }
    let class = text_at(pod, &["spec", "priorityClassName"]);
    let named = values.is_some_and(|v| v.iter().any(|one| *one == *class));
    match operator {
        "In" => named,
        "NotIn" => !named,
        "Exists" => !class.is_empty(),
        _ => class.is_empty(),
    }
}

fn printed(amounts: &Amounts) -> String {
    amounts.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

/// What a write may take, or the refusal of the first quota that it exceeds.
pub(super) fn check(
    inner: &mut Inner,
    kind: &'static Kind,
    old: Option<&Value>,
    new: &Value,
) -> Result<Charges, Status> {
    let namespace = namespace_of(new);
    let quotas: Vec<_> = inner.in_namespace(kinds::RESOURCE_QUOTA, Some(namespace)).map(|s| s.value()).collect();
    if quotas.is_empty() || (kind == kinds::RESOURCE_QUOTA && old.is_some()) || kind == kinds::EVENT {
        return Ok(Charges::new());
    }
    let mut delta = usage(kind, new);
    if let Some(old) = old {
        for (resource, before) in usage(kind, old) {
            let now = delta.get(&resource).copied().unwrap_or(Quantity::ZERO);
            delta.insert(resource, now.minus(before));
        }
        delta.retain(|_, amount| amount.is_positive());
        if delta.is_empty() {
            return Ok(Charges::new());
        }
    }
    let mut charges = Charges::new();
    for quota in quotas.iter().filter(|quota| covers(quota, kind, new)) {
        let hard = if quota["status"]["hard"].is_object() { &quota["status"]["hard"] } else { &quota["spec"]["hard"] };
        let hard = quantities(hard);
        let refuse = |why: String| Err(Status::forbidden(kind, name_of(new), why));
        if kind == kinds::POD && old.is_none() {
            let missing = unspecified(&hard, &new["spec"]);
            if !missing.is_empty() {
                return refuse(format!("failed quota: {}: must specify {missing}", name_of(quota)));
            }
        }
        let requested: Amounts =
            delta.iter().filter(|(k, _)| hard.contains_key(*k)).map(|(k, v)| (k.clone(), *v)).collect();
        if requested.is_empty() {
            continue;
        }
        let used = quantities(&quota["status"]["used"]);
        let mut wanted = used.clone();
        add(&mut wanted, &requested);
        let exceeded: Vec<&String> = requested.keys().filter(|k| wanted[*k] > hard[*k]).collect();
        if !exceeded.is_empty() {
            let only = |amounts: &Amounts| -> Amounts {
                exceeded.iter().map(|k| ((*k).clone(), amounts.get(*k).copied().unwrap_or(Quantity::ZERO))).collect()
            };
            return refuse(format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                name_of(quota),
                printed(&only(&requested)),
                printed(&only(&used)),
                printed(&only(&hard))
            ));
        }
        charges.push((namespace.to_owned(), name_of(quota).to_owned(), wanted));
    }
    Ok(charges)
}

/// Which of a quota's compute resources some container leaves open: `limits.cpu for: a,b; limits.memory for: a`.
fn unspecified(hard: &Amounts, spec: &Value) -> String {
    let mut out = Vec::new();
    for resource in hard.keys() {
        let (field, plain) = match resource.as_str() {
            "cpu" | "memory" | "ephemeral-storage" => ("requests", resource.as_str()),
            other => match other.split_once('.') {
                Some((field @ ("requests" | "limits"), plain @ ("cpu" | "memory" | "ephemeral-storage"))) => {
                    (field, plain)
                }
                _ => continue,
            },
        };
        let mut names = Vec::new();
        for list in ["initContainers", "containers"] {
            for one in spec[list].as_array().into_iter().flatten() {
                if one["resources"][field].get(plain).is_none() {
                    names.push(text_at(one, &["name"]));
                }
            }
        }
        if !names.is_empty() {
            names.sort_unstable();
            out.push(format!("{resource} for: {}", names.join(",")));
        }
    }
    out.join("; ")
}

/// Books what a write took.
pub(in super::super) fn charge(inner: &mut Inner, charges: Charges) {
    for (namespace, name, used) in charges {
        let Some(stored) = inner.find(kinds::RESOURCE_QUOTA, &namespace, &name) else { continue };
        let old = inner.value(&stored);
        let mut new = (*old).clone();
        if !new["status"]["hard"].is_object() {
            new["status"]["hard"] = new["spec"]["hard"].clone();
        }
        let hard = quantities(&new["status"]["hard"]);
        let used: Map<String, Value> = used
            .iter()
            .filter(|(k, _)| hard.contains_key(*k))
            .map(|(k, v)| (k.clone(), v.to_string().into()))
            .collect();
        new["status"]["used"] = used.into();
        inner.replace(kinds::RESOURCE_QUOTA, &old, new);
    }
}
