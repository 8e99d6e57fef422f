//! The Table that kubectl prints: columns by kind, with the API server's names and words.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::{self, Kind};
use super::object::text_at;
use super::status::Status;

mod pod;

/// `includeObject` of a request for a Table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    Nothing,
    Metadata,
    Object,
}

impl Include {
    pub(crate) fn parse(text: &str) -> Result<Include, Status> {
        match text {
            "None" => Ok(Include::Nothing),
            "" | "Metadata" => Ok(Include::Metadata),
            "Object" => Ok(Include::Object),
            other => Err(Status::bad_request(format!("unrecognized includeObject value: \"{other}\""))),
        }
    }
}

type Cells = fn(&Value, Timestamp) -> Vec<Value>;

/// The columns of a kind (`+` marks those of `-o wide`) and how a row is made.
fn layout(kind: &Kind) -> (&'static str, Cells) {
    match kind.id {
        id if id == kinds::POD.id => {
            ("Name,Ready,Status,Restarts,Age,+IP,+Node,+Nominated Node,+Readiness Gates", pod::cells)
        }
        id if id == kinds::STATEFUL_SET.id => ("Name,Ready,Age,+Containers,+Images", stateful_set),
        id if id == kinds::PVC.id => {
            ("Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age,+VolumeMode", claim)
        }
        id if id == kinds::PV.id => (
            "Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,VolumeAttributesClass,Reason,Age,+VolumeMode",
            volume,
        ),
        id if id == kinds::NAMESPACE.id => ("Name,Status,Age", namespace),
        id if id == kinds::RESOURCE_QUOTA.id => ("Name,Request,Limit,Age", quota),
        id if id == kinds::EVENT.id => {
            ("Last Seen,Type,Reason,Object,+Subobject,+Source,Message,+First Seen,+Count,+Name", event)
        }
        id if id == kinds::NODE.id => (
            "Name,Status,Roles,Age,Version,+Internal-IP,+External-IP,+OS-Image,+Kernel-Version,+Container-Runtime",
            node,
        ),
        id if id == kinds::SERVICE.id => ("Name,Type,Cluster-IP,External-IP,Port(s),Age,+Selector", service),
        id if id == kinds::INGRESS.id => ("Name,Class,Hosts,Address,Ports,Age", ingress),
        id if id == kinds::CONFIG_MAP.id => {
            ("Name,Data,Age", |o, now| vec![name(o), (count(&o["data"]) + count(&o["binaryData"])).into(), age(o, now)])
        }
        id if id == kinds::SECRET.id => {
            ("Name,Type,Data,Age", |o, now| vec![name(o), o["type"].clone(), count(&o["data"]).into(), age(o, now)])
        }
        id if id == kinds::SERVICE_ACCOUNT.id => {
            ("Name,Secrets,Age", |o, now| vec![name(o), count(&o["secrets"]).into(), age(o, now)])
        }
        id if id == kinds::LEASE.id => {
            ("Name,Holder,Age", |o, now| vec![name(o), text_at(o, &["spec", "holderIdentity"]).into(), age(o, now)])
        }
        id if id == kinds::STORAGE_CLASS.id => {
            ("Name,Provisioner,ReclaimPolicy,VolumeBindingMode,AllowVolumeExpansion,Age", storage_class)
        }
        _ => ("Name,Age", |o, now| vec![name(o), age(o, now)]),
    }
}

/// The Table of some objects of one kind.
pub(crate) fn of(kind: &Kind, objects: &[Arc<Value>], include: Include, with_columns: bool, now: Timestamp) -> Value {
    let (columns, cells) = layout(kind);
    let columns: Vec<Value> = columns
        .split(',')
        .map(|name| {
            let (name, priority) = name.strip_prefix('+').map_or((name, 0), |name| (name, 1));
            let format = if name == "Name" { "name" } else { "" };
            json!({"name": name, "type": "string", "format": format, "description": "", "priority": priority})
        })
        .collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut row = json!({"cells": cells(object, now)});
            match include {
                Include::Nothing => {}
                Include::Metadata => row["object"] = super::answer::metadata_only(object),
                Include::Object => row["object"] = (**object).clone(),
            }
            row
        })
        .collect();
    let version = match objects {
        [one] => text_at(one, &["metadata", "resourceVersion"]),
        _ => "",
    };
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version},
        "columnDefinitions": if with_columns { Value::Array(columns) } else { Value::Null },
        "rows": rows,
    })
}

fn name(object: &Value) -> Value {
    object["metadata"]["name"].clone()
}

fn count(value: &Value) -> usize {
    value.as_object().map_or_else(|| value.as_array().map_or(0, Vec::len), serde_json::Map::len)
}

fn or_none(text: &str) -> Value {
    if text.is_empty() { "<none>".into() } else { text.into() }
}

fn age(object: &Value, now: Timestamp) -> Value {
    since(text_at(object, &["metadata", "creationTimestamp"]), now).into()
}

/// How long ago a time was, in kubectl's short form.
fn since(text: &str, now: Timestamp) -> String {
    match text.parse::<Timestamp>() {
        Ok(then) => short(now.as_second() - then.as_second()),
        Err(_) => "<unknown>".into(),
    }
}

/// A span in at most two units, the second one only while it matters.
fn short(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |a: i64, unit: char, b: i64, small: char| {
        if b == 0 { format!("{a}{unit}") } else { format!("{a}{unit}{b}{small}") }
    };
    match seconds {
        s if s < 0 => "0s".into(),
        s if s < 120 => format!("{s}s"),
        _ if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 192 => two(days, 'd', hours % 24, 'h'),
        _ if days < 730 => format!("{days}d"),
        _ if days < 2920 => two(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

fn containers(spec: &Value) -> [Value; 2] {
    let join = |key: &str| {
        let list = spec["containers"].as_array().into_iter().flatten();
        Value::from(list.map(|c| text_at(c, &[key])).collect::<Vec<_>>().join(","))
    };
    [join("name"), join("image")]
}

fn stateful_set(o: &Value, now: Timestamp) -> Vec<Value> {
    let ready = o["status"]["readyReplicas"].as_i64().unwrap_or(0);
    let wanted = o["spec"]["replicas"].as_i64().unwrap_or(1);
    let [names, images] = containers(&o["spec"]["template"]["spec"]);
    vec![name(o), format!("{ready}/{wanted}").into(), age(o, now), names, images]
}

fn access_modes(modes: &Value) -> Value {
    let short = modes.as_array().into_iter().flatten().map(|mode| match mode.as_str().unwrap_or_default() {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        other => other,
    });
    short.collect::<Vec<_>>().join(",").into()
}

fn unset(text: &str) -> Value {
    if text.is_empty() { "<unset>".into() } else { text.into() }
}

fn claim(o: &Value, now: Timestamp) -> Vec<Value> {
    let gone = !text_at(o, &["metadata", "deletionTimestamp"]).is_empty();
    let phase = if gone { "Terminating" } else { text_at(o, &["status", "phase"]) };
    let bound = !text_at(o, &["spec", "volumeName"]).is_empty();
    let (capacity, modes) = if bound {
        (text_at(o, &["status", "capacity", "storage"]), access_modes(&o["status"]["accessModes"]))
    } else {
        ("", "".into())
    };
    let mode = text_at(o, &["spec", "volumeMode"]);
    vec![
        name(o),
        phase.into(),
        text_at(o, &["spec", "volumeName"]).into(),
        capacity.into(),
        modes,
        text_at(o, &["spec", "storageClassName"]).into(),
        unset(text_at(o, &["spec", "volumeAttributesClassName"])),
        age(o, now),
        unset(mode),
    ]
}

fn volume(o: &Value, now: Timestamp) -> Vec<Value> {
    let claim = &o["spec"]["claimRef"];
    let claim = if claim.is_object() {
        format!("{}/{}", text_at(claim, &["namespace"]), text_at(claim, &["name"]))
    } else {
        String::new()
    };
    let gone = !text_at(o, &["metadata", "deletionTimestamp"]).is_empty();
    vec![
        name(o),
        text_at(o, &["spec", "capacity", "storage"]).into(),
        access_modes(&o["spec"]["accessModes"]),
        text_at(o, &["spec", "persistentVolumeReclaimPolicy"]).into(),
        if gone { "Terminating" } else { text_at(o, &["status", "phase"]) }.into(),
        claim.into(),
        text_at(o, &["spec", "storageClassName"]).into(),
        unset(text_at(o, &["spec", "volumeAttributesClassName"])),
        text_at(o, &["status", "reason"]).into(),
        age(o, now),
        unset(text_at(o, &["spec", "volumeMode"])),
    ]
}

fn namespace(o: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(o), text_at(o, &["status", "phase"]).into(), age(o, now)]
}

fn quota(o: &Value, now: Timestamp) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (key, hard) in o["status"]["hard"].as_object().into_iter().flatten() {
        let used = text_at(&o["status"]["used"], &[key]);
        let text = format!("{key}: {used}/{}", hard.as_str().unwrap_or_default());
        if key.starts_with("limits") { limits.push(text) } else { requests.push(text) }
    }
    vec![name(o), requests.join(", ").into(), limits.join(", ").into(), age(o, now)]
}

fn event(o: &Value, now: Timestamp) -> Vec<Value> {
    let first_of = |keys: &[&str]| {
        keys.iter().map(|key| text_at(o, &[key])).find(|t| !t.is_empty()).unwrap_or_default().to_owned()
    };
    let last = Some(text_at(o, &["series", "lastObservedTime"]))
        .filter(|t| !t.is_empty())
        .map_or_else(|| first_of(&["lastTimestamp", "eventTime"]), str::to_owned);
    let about = &o["involvedObject"];
    let object = format!("{}/{}", text_at(about, &["kind"]).to_lowercase(), text_at(about, &["name"]));
    let source = [text_at(o, &["source", "component"]), text_at(o, &["source", "host"])];
    let source = source.iter().filter(|s| !s.is_empty()).copied().collect::<Vec<_>>().join(", ");
    let source = if source.is_empty() { text_at(o, &["reportingComponent"]).to_owned() } else { source };
    let times = o["series"]["count"].as_i64().or(o["count"].as_i64()).unwrap_or(1);
    vec![
        since(&last, now).into(),
        text_at(o, &["type"]).into(),
        text_at(o, &["reason"]).into(),
        object.into(),
        text_at(about, &["fieldPath"]).into(),
        source.into(),
        text_at(o, &["message"]).trim().into(),
        since(&first_of(&["firstTimestamp", "eventTime"]), now).into(),
        times.into(),
        name(o),
    ]
}

fn node(o: &Value, now: Timestamp) -> Vec<Value> {
    let ready = o["status"]["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == "Ready");
    let mut status = match ready.map(|c| text_at(c, &["status"])) {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if o["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    let labels = o["metadata"]["labels"].as_object();
    let roles: Vec<&str> =
        labels.into_iter().flatten().filter_map(|(k, _)| k.strip_prefix("node-role.kubernetes.io/")).collect();
    let address = |wanted: &str| {
        let list = o["status"]["addresses"].as_array().into_iter().flatten();
        or_none(list.filter(|a| a["type"] == wanted).map(|a| text_at(a, &["address"])).next().unwrap_or_default())
    };
    let info = |key: &str| text_at(o, &["status", "nodeInfo", key]);
    let or_unknown = |text: &str| Value::from(if text.is_empty() { "<unknown>" } else { text });
    vec![
        name(o),
        status.into(),
        or_none(&roles.join(",")),
        age(o, now),
        info("kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        or_unknown(info("osImage")),
        or_unknown(info("kernelVersion")),
        or_unknown(info("containerRuntimeVersion")),
    ]
}

fn service(o: &Value, now: Timestamp) -> Vec<Value> {
    let ports = o["spec"]["ports"].as_array().into_iter().flatten().map(|p| {
        let protocol = text_at(p, &["protocol"]);
        match p["nodePort"].as_i64() {
            Some(node) => format!("{}:{node}/{protocol}", p["port"]),
            None => format!("{}/{protocol}", p["port"]),
        }
    });
    let selector = o["spec"]["selector"].as_object().into_iter().flatten();
    let selector: Vec<_> = selector.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    vec![
        name(o),
        text_at(o, &["spec", "type"]).into(),
        or_none(text_at(o, &["spec", "clusterIP"])),
        "<none>".into(),
        or_none(&ports.collect::<Vec<_>>().join(",")),
        age(o, now),
        or_none(&selector.join(",")),
    ]
}

fn ingress(o: &Value, now: Timestamp) -> Vec<Value> {
    let hosts: Vec<_> = o["spec"]["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|r| text_at(r, &["host"]))
        .filter(|h| !h.is_empty())
        .collect();
    let hosts = if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") };
    let addresses = o["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten().map(|i| {
        let ip = text_at(i, &["ip"]);
        if ip.is_empty() { text_at(i, &["hostname"]) } else { ip }
    });
    let ports = if count(&o["spec"]["tls"]) > 0 { "80, 443" } else { "80" };
    vec![
        name(o),
        or_none(text_at(o, &["spec", "ingressClassName"])),
        hosts.into(),
        addresses.collect::<Vec<_>>().join(",").into(),
        ports.into(),
        age(o, now),
    ]
}

fn storage_class(o: &Value, now: Timestamp) -> Vec<Value> {
    let default = text_at(&o["metadata"]["annotations"], &["storageclass.kubernetes.io/is-default-class"]) == "true";
    let title = format!("{}{}", text_at(o, &["metadata", "name"]), if default { " (default)" } else { "" });
    vec![
        title.into(),
        o["provisioner"].clone(),
        text_at(o, &["reclaimPolicy"]).into(),
        text_at(o, &["volumeBindingMode"]).into(),
        o["allowVolumeExpansion"].as_bool().unwrap_or(false).into(),
        age(o, now),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn spans_are_short() {
        for (seconds, expect) in [
            (5, "5s"),
            (119, "119s"),
            (125, "2m5s"),
            (600, "10m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (100_000, "27h"),
            (180_000, "2d2h"),
            (800_000, "9d"),
        ] {
            assert_eq!(super::short(seconds), expect);
        }
    }
}
