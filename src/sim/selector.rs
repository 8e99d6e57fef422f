//! Label and field selectors: parsing and matching, with the API server's refusals.

use super::kinds::{self, Kind};
use super::object::{Stored, text_at};
use super::status::Status;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
    Greater(String, i64),
    Less(String, i64),
}

/// A parsed label selector; the empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels(Vec<Requirement>);

impl Labels {
    pub(crate) fn parse(text: &str) -> Result<Labels, Status> {
        let mut out = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if !part.is_empty() {
                out.push(requirement(part).ok_or_else(|| unparsable(text))?);
            } else if !text.trim().is_empty() {
                return Err(unparsable(text));
            }
        }
        Ok(Labels(out))
    }

    /// The selector of a `LabelSelector` object (`matchLabels`, `matchExpressions`).
    pub(crate) fn from_object(selector: &Value) -> Labels {
        let mut out = Vec::new();
        for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
            out.push(Requirement::In(key.clone(), vec![value.as_str().unwrap_or_default().into()]));
        }
        for one in selector["matchExpressions"].as_array().into_iter().flatten() {
            let key = text_at(one, &["key"]).to_owned();
            let values = || {
                one["values"].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
            };
            match text_at(one, &["operator"]) {
                "In" => out.push(Requirement::In(key, values())),
                "NotIn" => out.push(Requirement::NotIn(key, values())),
                "Exists" => out.push(Requirement::Exists(key)),
                "DoesNotExist" => out.push(Requirement::Absent(key)),
                _ => {}
            }
        }
        Labels(out)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches<'a>(&self, get: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|r| match r {
            Requirement::In(key, values) => get(key).is_some_and(|v| values.iter().any(|w| w == v)),
            Requirement::NotIn(key, values) => get(key).is_none_or(|v| values.iter().all(|w| w != v)),
            Requirement::Exists(key) => get(key).is_some(),
            Requirement::Absent(key) => get(key).is_none(),
            Requirement::Greater(key, n) => get(key).and_then(|v| v.parse::<i64>().ok()).is_some_and(|v| v > *n),
            Requirement::Less(key, n) => get(key).and_then(|v| v.parse::<i64>().ok()).is_some_and(|v| v < *n),
        })
    }

    /// Whether the labels of an object (its `metadata.labels`) match.
    pub(crate) fn matches_object(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.matches(|key| labels.get(key).and_then(Value::as_str))
    }
}

impl std::fmt::Display for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, one) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match one {
                Requirement::In(key, values) if values.len() == 1 => write!(f, "{key}={}", values[0])?,
                Requirement::In(key, values) => write!(f, "{key} in ({})", values.join(","))?,
                Requirement::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(","))?,
                Requirement::Exists(key) => f.write_str(key)?,
                Requirement::Absent(key) => write!(f, "!{key}")?,
                Requirement::Greater(key, n) => write!(f, "{key}>{n}")?,
                Requirement::Less(key, n) => write!(f, "{key}<{n}")?,
            }
        }
        Ok(())
    }
}

fn unparsable(text: &str) -> Status {
    Status::bad_request(format!(
        "unable to parse requirement: found '{text}', expected: a label selector such as key=value"
    ))
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut from) = (Vec::new(), 0usize, 0usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                out.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    out.push(&text[from..]);
    out
}

fn is_key(key: &str) -> bool {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    !name.is_empty()
        && name.len() <= 63
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
}

fn is_value(value: &str) -> bool {
    value.len() <= 63 && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn requirement(part: &str) -> Option<Requirement> {
    let key = |text: &str| Some(text.trim().to_owned()).filter(|k| is_key(k));
    if let Some((left, right)) = part.split_once('(') {
        let values: Vec<String> = right.trim_end().strip_suffix(')')?.split(',').map(|v| v.trim().to_owned()).collect();
        if !values.iter().all(|v| is_value(v)) {
            return None;
        }
        let (name, operator) = left.trim().split_once(char::is_whitespace)?;
        return match operator.trim() {
            "in" => Some(Requirement::In(key(name)?, values)),
            "notin" => Some(Requirement::NotIn(key(name)?, values)),
            _ => None,
        };
    }
    let value = |text: &str| Some(text.trim().to_owned()).filter(|v| is_value(v));
    if let Some((left, right)) = part.split_once("!=") {
        return Some(Requirement::NotIn(key(left)?, vec![value(right)?]));
    }
    if let Some((left, right)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some(Requirement::In(key(left)?, vec![value(right)?]));
    }
    if let Some((left, right)) = part.split_once('>') {
        return Some(Requirement::Greater(key(left)?, right.trim().parse().ok()?));
    }
    if let Some((left, right)) = part.split_once('<') {
        return Some(Requirement::Less(key(left)?, right.trim().parse().ok()?));
    }
    match part.strip_prefix('!') {
        Some(rest) => Some(Requirement::Absent(key(rest)?)),
        None => Some(Requirement::Exists(key(part)?)),
    }
}

/// A parsed field selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, bool, String)>);

impl Fields {
    pub(crate) fn parse(kind: &Kind, text: &str) -> Result<Fields, Status> {
        let mut out = Vec::new();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (key, equal, value) = if let Some((key, value)) = part.split_once("!=") {
                (key, false, value)
            } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (key, true, value)
            } else {
                return Err(Status::bad_request(format!("invalid selector: '{text}'; can't understand '{part}'")));
            };
            if !matches!(key, "metadata.name" | "metadata.namespace") && !fields_of(kind).iter().any(|f| f.label == key)
            {
                return Err(Status::bad_request(unknown_field(kind, key)));
            }
            out.push((key.to_owned(), equal, value.to_owned()));
        }
        Ok(Fields(out))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one name that is asked for, when the selector says so (a watch of one object).
    pub(crate) fn name(&self) -> Option<&str> {
        self.0.iter().find(|(key, equal, _)| *equal && key == "metadata.name").map(|(_, _, value)| value.as_str())
    }

    fn matches(&self, stored: &Stored) -> bool {
        self.0.iter().all(|(key, equal, value)| (stored.field(key) == value) == *equal)
    }
}

fn unknown_field(kind: &Kind, key: &str) -> String {
    if fields_of(kind).is_empty() {
        format!("\"{key}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    } else {
        format!("field label not supported: {key}")
    }
}

/// One selectable field of a kind: its label, where it is, and what the API server assumes where it is absent.
pub(crate) struct Selectable {
    pub label: &'static str,
    pub path: &'static [&'static str],
    pub absent: &'static str,
}

const fn field(label: &'static str, path: &'static [&'static str]) -> Selectable {
    Selectable { label, path, absent: "" }
}

static POD_FIELDS: [Selectable; 8] = [
    field("spec.nodeName", &["spec", "nodeName"]),
    field("spec.restartPolicy", &["spec", "restartPolicy"]),
    field("spec.schedulerName", &["spec", "schedulerName"]),
    field("spec.serviceAccountName", &["spec", "serviceAccountName"]),
    Selectable { label: "spec.hostNetwork", path: &["spec", "hostNetwork"], absent: "false" },
    field("status.phase", &["status", "phase"]),
    field("status.podIP", &["status", "podIP"]),
    field("status.nominatedNodeName", &["status", "nominatedNodeName"]),
];
static EVENT_FIELDS: [Selectable; 12] = [
    field("involvedObject.kind", &["involvedObject", "kind"]),
    field("involvedObject.namespace", &["involvedObject", "namespace"]),
    field("involvedObject.name", &["involvedObject", "name"]),
    field("involvedObject.uid", &["involvedObject", "uid"]),
    field("involvedObject.apiVersion", &["involvedObject", "apiVersion"]),
    field("involvedObject.resourceVersion", &["involvedObject", "resourceVersion"]),
    field("involvedObject.fieldPath", &["involvedObject", "fieldPath"]),
    field("reason", &["reason"]),
    field("reportingComponent", &["reportingComponent"]),
    field("source", &["source", "component"]),
    field("type", &["type"]),
    field("action", &["action"]),
];
static NAMESPACE_FIELDS: [Selectable; 1] = [field("status.phase", &["status", "phase"])];
static NODE_FIELDS: [Selectable; 1] =
    [Selectable { label: "spec.unschedulable", path: &["spec", "unschedulable"], absent: "false" }];
static SECRET_FIELDS: [Selectable; 1] = [field("type", &["type"])];
static JOB_FIELDS: [Selectable; 1] = [field("status.successful", &["status", "succeeded"])];
static REPLICA_SET_FIELDS: [Selectable; 1] = [field("status.replicas", &["status", "replicas"])];

/// The selectable fields of a kind beside its name and namespace.
pub(crate) fn fields_of(kind: &Kind) -> &'static [Selectable] {
    match kind.id {
        id if id == kinds::POD.id => &POD_FIELDS,
        id if id == kinds::EVENT.id => &EVENT_FIELDS,
        id if id == kinds::NAMESPACE.id => &NAMESPACE_FIELDS,
        id if id == kinds::NODE.id => &NODE_FIELDS,
        id if id == kinds::SECRET.id => &SECRET_FIELDS,
        id if id == kinds::JOB.id => &JOB_FIELDS,
        id if id == kinds::REPLICA_SET.id => &REPLICA_SET_FIELDS,
        _ => &[],
    }
}

/// Both selectors of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    pub labels: Labels,
    pub fields: Fields,
}

impl Selector {
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, stored: &Stored) -> bool {
        self.labels.matches(|key| stored.label(key)) && self.fields.matches(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_selectors() {
        #[track_caller]
        fn check(selector: &str, labels: &[(&str, &str)], expect: bool) {
            let parsed = Labels::parse(selector).unwrap();
            let got = parsed.matches(|key| labels.iter().find(|(k, _)| *k == key).map(|(_, v)| *v));
            assert_eq!(got, expect, "{selector}");
        }
        let labels = [("a", "1"), ("x.io/t", "v")];
        check("", &labels, true);
        check("a=1,x.io/t==v", &labels, true);
        check("a!=1", &labels, false);
        check("b!=1", &labels, true);
        check("a in (1, 2),!b", &labels, true);
        check("a notin (1,2)", &labels, false);
        check("b notin (1,2)", &labels, true);
        check("a,!x.io/t", &labels, false);
        check("a>0,a<2", &labels, true);
        for bad in ["a in 1", "a in (1", "=b", "a=b c", "a=1,,b=2", "a within (x)"] {
            assert_eq!(Labels::parse(bad).unwrap_err().code, 400, "{bad}");
        }
    }

    #[test]
    fn field_selectors_know_their_kind() {
        assert!(Fields::parse(kinds::POD, "status.phase!=Running,spec.nodeName=n1").is_ok());
        assert!(Fields::parse(kinds::PVC, "metadata.name=x,metadata.namespace=y").is_ok());
        let refusal = Fields::parse(kinds::PVC, "status.phase=Bound").unwrap_err();
        assert!(refusal.message.starts_with("\"status.phase\" is not a known field selector"), "{refusal}");
    }
}
