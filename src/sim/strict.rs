//! Which fields Kubernetes' types do not know: an object goes through its type once, and what does not come out again
//! was unknown.

mod certificate;
mod snapshot;

use k8s_openapi::api::{
    admissionregistration, apps, batch, coordination, core, networking, policy, rbac, scheduling, storage,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::kinds::{self, Kind};
use super::status::{Cause, Status};

/// The paths of unknown fields (`spec.containers[0].foo`), or 400 for a value of the wrong type.
pub(crate) fn unknown_fields(kind: &Kind, object: &Value) -> Result<Vec<String>, Status> {
    let known = round_trip(kind, object).map_err(|error| {
        let message =
            format!("{0} in version \"{1}\" cannot be handled as a {0}: json: {error}", kind.kind, kind.version);
        Status::bad_request(message)
    })?;
    let mut out = Vec::new();
    lost(object, &known, "", &mut out);
    Ok(out)
}

/// What a patch that is no apply has to say about unknown fields of its result.
pub(crate) fn check_patched(validation: &str, kind: &Kind, object: &Value) -> Result<Vec<String>, Status> {
    let unknown = unknown_fields(kind, object)?;
    let complaints: Vec<String> = unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    if complaints.is_empty() || validation == "Ignore" {
        return Ok(Vec::new());
    }
    if validation != "Strict" {
        return Ok(complaints);
    }
    let message =
        format!("Invalid value: {}: strict decoding error: {}", json!(object.to_string()), complaints.join(", "));
    let cause = Cause::new("FieldValueInvalid", message.clone(), "patch");
    Err(Status::new(422, "Invalid", format!(" \"\" is invalid: patch: {message}")).with_causes(vec![cause]))
}

fn lost(sent: &Value, known: &Value, path: &str, out: &mut Vec<String>) {
    match (sent, known) {
        (Value::Object(sent), Value::Object(known)) => {
            for (key, value) in sent.iter().filter(|(_, v)| !v.is_null()) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match known.get(key) {
                    Some(known) => lost(value, known, &path, out),
                    None => out.push(path),
                }
            }
        }
        (Value::Array(sent), Value::Array(known)) => {
            for (at, (sent, known)) in sent.iter().zip(known).enumerate() {
                lost(sent, known, &format!("{path}[{at}]"), out);
            }
        }
        _ => {}
    }
}

fn through<T: Serialize + DeserializeOwned>(object: &Value) -> serde_json::Result<Value> {
    serde_json::to_value(T::deserialize(object)?)
}

fn round_trip(kind: &Kind, object: &Value) -> serde_json::Result<Value> {
    match kind {
        k if k == kinds::NAMESPACE => through::<core::v1::Namespace>(object),
        k if k == kinds::POD => through::<core::v1::Pod>(object),
        k if k == kinds::PVC => through::<core::v1::PersistentVolumeClaim>(object),
        k if k == kinds::PV => through::<core::v1::PersistentVolume>(object),
        k if k == kinds::RESOURCE_QUOTA => through::<core::v1::ResourceQuota>(object),
        k if k == kinds::LIMIT_RANGE => through::<core::v1::LimitRange>(object),
        k if k == kinds::CONFIG_MAP => through::<core::v1::ConfigMap>(object),
        k if k == kinds::SECRET => through::<core::v1::Secret>(object),
        k if k == kinds::SERVICE => through::<core::v1::Service>(object),
        k if k == kinds::SERVICE_ACCOUNT => through::<core::v1::ServiceAccount>(object),
        k if k == kinds::ENDPOINTS => through::<core::v1::Endpoints>(object),
        k if k == kinds::EVENT => through::<core::v1::Event>(object),
        k if k == kinds::NODE => through::<core::v1::Node>(object),
        k if k == kinds::STATEFUL_SET => through::<apps::v1::StatefulSet>(object),
        k if k == kinds::CONTROLLER_REVISION => through::<apps::v1::ControllerRevision>(object),
        k if k == kinds::DEPLOYMENT => through::<apps::v1::Deployment>(object),
        k if k == kinds::REPLICA_SET => through::<apps::v1::ReplicaSet>(object),
        k if k == kinds::DAEMON_SET => through::<apps::v1::DaemonSet>(object),
        k if k == kinds::JOB => through::<batch::v1::Job>(object),
        k if k == kinds::INGRESS => through::<networking::v1::Ingress>(object),
        k if k == kinds::INGRESS_CLASS => through::<networking::v1::IngressClass>(object),
        k if k == kinds::NETWORK_POLICY => through::<networking::v1::NetworkPolicy>(object),
        k if k == kinds::POD_DISRUPTION_BUDGET => through::<policy::v1::PodDisruptionBudget>(object),
        k if k == kinds::STORAGE_CLASS => through::<storage::v1::StorageClass>(object),
        k if k == kinds::VOLUME_ATTACHMENT => through::<storage::v1::VolumeAttachment>(object),
        k if k == kinds::CSI_NODE => through::<storage::v1::CSINode>(object),
        k if k == kinds::CERTIFICATE => through::<certificate::Certificate>(object),
        k if k == kinds::VOLUME_SNAPSHOT => through::<snapshot::VolumeSnapshot>(object),
        k if k == kinds::LEASE => through::<coordination::v1::Lease>(object),
        k if k == kinds::PRIORITY_CLASS => through::<scheduling::v1::PriorityClass>(object),
        k if k == kinds::ADMISSION_POLICY => through::<admissionregistration::v1::ValidatingAdmissionPolicy>(object),
        k if k == kinds::ADMISSION_POLICY_BINDING => {
            through::<admissionregistration::v1::ValidatingAdmissionPolicyBinding>(object)
        }
        k if k == kinds::CLUSTER_ROLE => through::<rbac::v1::ClusterRole>(object),
        k if k == kinds::CLUSTER_ROLE_BINDING => through::<rbac::v1::ClusterRoleBinding>(object),
        k if k == kinds::ROLE => through::<rbac::v1::Role>(object),
        k if k == kinds::ROLE_BINDING => through::<rbac::v1::RoleBinding>(object),
        _ => Ok(object.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_found_at_any_depth() {
        #[track_caller]
        fn check(kind: &Kind, mut object: Value, expect: &[&str]) {
            object["apiVersion"] = kind.api_version().into();
            object["kind"] = kind.kind.into();
            assert_eq!(unknown_fields(kind, &object).unwrap(), expect);
        }
        check(
            kinds::POD,
            json!({"spec": {"containers": [{"name": "a", "foo": 1, "resources": {"limits": {"cpu": "1"}}}], "x": null}}),
            &["spec.containers[0].foo"],
        );
        check(
            kinds::CONFIG_MAP,
            json!({"metadata": {"name": "a", "labels": {"a": "b"}, "bad": 1}, "data": {"k": "v"}, "dota": {}}),
            &["dota", "metadata.bad"],
        );
        let source = json!({"persistentVolumeClaimName": "app-data", "pvc": "app-data"});
        check(
            kinds::VOLUME_SNAPSHOT,
            json!({"metadata": {"name": "a"}, "spec": {"source": source}}),
            &["spec.source.pvc"],
        );
        assert!(
            unknown_fields(kinds::CONFIG_MAP, &json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": 1}}))
                .is_err()
        );
    }

    #[test]
    fn every_kind_has_a_type() {
        for kind in kinds::ALL {
            let object =
                json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": {"name": "x"}, "nonsense": 1});
            if let Ok(unknown) = unknown_fields(kind, &object) {
                assert_eq!(unknown, ["nonsense"], "{}", kind.kind);
            }
        }
    }
}
