//! The cluster's own guard over the tenants' data (`manifests/guard`), and whether what a cluster has is it.

use serde_json::Value;

use super::{diff::diff, error::ManifestError, load::parse};
use crate::fleet::detail::Guard;

/// Name of the policy and of its binding.
pub const GUARD: &str = "fleetdeck-guard";

const POLICY: &str = include_str!("../../manifests/guard/policy.yaml");
const BINDING: &str = include_str!("../../manifests/guard/binding.yaml");

/// Where somebody could exempt objects without touching a field that we render.
const NARROWING: [(bool, &str); 7] = [
    (false, "/spec/matchConditions"),
    (false, "/spec/paramKind"),
    (false, "/spec/matchConstraints/excludeResourceRules"),
    (false, "/spec/matchConstraints/namespaceSelector"),
    (false, "/spec/matchConstraints/objectSelector"),
    (true, "/spec/matchResources"),
    (true, "/spec/paramRef"),
];

/// What the policy and the binding that a cluster has, if it has them, amount to.
///
/// # Errors
/// None in a tested build: the embedded guard is read like any other manifest.
pub fn guarded(policy: Option<&Value>, binding: Option<&Value>) -> Result<Guard, ManifestError> {
    let Some(policy) = policy else { return Ok(Guard::Absent) };
    let Some(binding) = binding else { return Ok(Guard::Unbound) };
    let mut other = Vec::new();
    for (wanted, live) in [(POLICY, policy), (BINDING, binding)] {
        let wanted: Value = parse("guard", 0, wanted)?;
        let spec = |of: &Value| serde_json::json!({ "spec": of["spec"] });
        other.extend(diff(&spec(&wanted), &spec(live), "").into_iter().map(|change| change.path));
    }
    for (of_binding, pointer) in NARROWING {
        let live = if of_binding { binding } else { policy };
        let narrows = match live.pointer(pointer) {
            None | Some(Value::Null) => false,
            Some(Value::Object(map)) => !map.is_empty(),
            Some(Value::Array(list)) => !list.is_empty(),
            Some(_) => true,
        };
        if narrows {
            other.push(pointer.trim_start_matches('/').replace('/', "."));
        }
    }
    Ok(if other.is_empty() { Guard::Whole } else { Guard::Altered { fields: other } })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fleet::name::{PURGE_ANNOTATION, TENANT_LABEL};

    fn manifest(text: &str) -> Value {
        parse("guard", 0, text).unwrap()
    }

    #[test]
    fn the_guard_speaks_of_our_label_and_our_annotation() {
        for word in [TENANT_LABEL, PURGE_ANNOTATION] {
            assert!(POLICY.contains(&format!("'{word}'")), "{word}");
        }
        assert!(manifest(POLICY)["metadata"]["name"] == GUARD && manifest(BINDING)["spec"]["policyName"] == GUARD);
    }

    #[test]
    fn what_is_narrower_than_ours_is_told() {
        let check = |edit: &dyn Fn(&mut Value, &mut Value), expect: &[&str]| {
            let (mut policy, mut binding) = (manifest(POLICY), manifest(BINDING));
            // What the server fills in.
            policy["spec"]["matchConstraints"]["namespaceSelector"] = json!({});
            policy["spec"]["matchConstraints"]["matchPolicy"] = json!("Equivalent");
            policy["spec"]["matchConstraints"]["resourceRules"][0]["scope"] = json!("*");
            edit(&mut policy, &mut binding);
            let found = match guarded(Some(&policy), Some(&binding)).unwrap() {
                Guard::Whole => Vec::new(),
                Guard::Altered { fields } => fields,
                other => panic!("{other:?}"),
            };
            assert_eq!(found, expect);
        };
        check(&|_, _| {}, &[]);
        check(&|_, b| b["spec"]["validationActions"] = json!(["Warn"]), &["spec.validationActions[0]"]);
        check(&|p, _| p["spec"]["failurePolicy"] = json!("Ignore"), &["spec.failurePolicy"]);
        check(
            &|p, _| p["spec"]["matchConstraints"]["objectSelector"] = json!({"matchLabels": {"a": "b"}}),
            &["spec.matchConstraints.objectSelector"],
        );
        check(&|_, b| b["spec"]["matchResources"] = json!({"namespaceSelector": {}}), &["spec.matchResources"]);
        assert_eq!(guarded(None, None).unwrap(), Guard::Absent);
        assert_eq!(guarded(Some(&manifest(POLICY)), None).unwrap(), Guard::Unbound);
    }
}
