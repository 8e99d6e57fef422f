//! The messages that are read, by the numbers of Kubernetes' `generated.proto` files (1.34).

/// One field of a message, by its name in JSON.
pub(super) struct Field {
    pub number: u32,
    pub name: &'static str,
    pub of: Type,
}

pub(super) enum Type {
    Text,
    /// Base64 in JSON.
    Bytes,
    Flag,
    Number,
    /// A number of which 0 says that there is none.
    Count,
    Time,
    Quantity,
    Message(&'static [Field]),
    List(&'static Self),
    Map(&'static Self),
    /// Bytes that are a message themselves.
    Raw,
}

use Type::{Bytes, Count, Flag, List, Map, Message, Number, Quantity, Raw, Text, Time};

macro_rules! message {
    ($($name:ident { $($number:literal $field:literal $of:expr;)* })*) => {
        $(pub(super) const $name: &[Field] = &[$(Field { number: $number, name: $field, of: $of },)*];)*
    };
}

const TEXTS: Type = List(&Text);
const LABELS: Type = Map(&Text);

message! {
    // k8s.io/apimachinery/pkg/runtime
    UNKNOWN { 1 "typeMeta" Message(TYPE_META); 2 "raw" Raw; }
    TYPE_META { 1 "apiVersion" Text; 2 "kind" Text; }
    QUANTITY { 1 "string" Text; }
    // k8s.io/apimachinery/pkg/apis/meta/v1; managedFields and the server's own fields are not a client's to write.
    TIME { 1 "seconds" Number; }
    META {
        1 "name" Text; 2 "generateName" Text; 3 "namespace" Text; 5 "uid" Text; 6 "resourceVersion" Text;
        7 "generation" Count; 8 "creationTimestamp" Time; 9 "deletionTimestamp" Time;
        11 "labels" LABELS; 12 "annotations" LABELS; 13 "ownerReferences" List(&Message(OWNER)); 14 "finalizers" TEXTS;
    }
    OWNER {
        1 "kind" Text; 3 "name" Text; 4 "uid" Text; 5 "apiVersion" Text; 6 "controller" Flag; 7 "blockOwnerDeletion" Flag;
    }
    DELETE_OPTIONS {
        1 "gracePeriodSeconds" Number; 2 "preconditions" Message(PRECONDITIONS); 3 "orphanDependents" Flag;
        4 "propagationPolicy" Text; 5 "dryRun" TEXTS;
    }
    PRECONDITIONS { 1 "uid" Text; 2 "resourceVersion" Text; }
    // k8s.io/api/core/v1
    NAMESPACE { 1 "metadata" Message(META); 2 "spec" Message(NAMESPACE_SPEC); 3 "status" Message(NAMESPACE_STATUS); }
    NAMESPACE_SPEC { 1 "finalizers" TEXTS; }
    NAMESPACE_STATUS { 1 "phase" Text; }
    SECRET {
        1 "metadata" Message(META); 2 "data" Map(&Bytes); 3 "type" Text; 4 "stringData" LABELS; 5 "immutable" Flag;
    }
    CONFIG_MAP { 1 "metadata" Message(META); 2 "data" LABELS; 3 "binaryData" Map(&Bytes); 4 "immutable" Flag; }
    SERVICE_ACCOUNT {
        1 "metadata" Message(META); 2 "secrets" List(&Message(OBJECT)); 3 "imagePullSecrets" List(&Message(NAMED));
        4 "automountServiceAccountToken" Flag;
    }
    OBJECT {
        1 "kind" Text; 2 "namespace" Text; 3 "name" Text; 4 "uid" Text; 5 "apiVersion" Text; 6 "resourceVersion" Text;
        7 "fieldPath" Text;
    }
    NAMED { 1 "name" Text; }
    RESOURCE_QUOTA { 1 "metadata" Message(META); 2 "spec" Message(QUOTA_SPEC); }
    QUOTA_SPEC { 1 "hard" Map(&Quantity); 2 "scopes" TEXTS; 3 "scopeSelector" Message(SCOPES); }
    SCOPES { 1 "matchExpressions" List(&Message(SCOPE)); }
    SCOPE { 1 "scopeName" Text; 2 "operator" Text; 3 "values" TEXTS; }
    // k8s.io/api/rbac/v1
    ROLE { 1 "metadata" Message(META); 2 "rules" List(&Message(RULE)); }
    RULE { 1 "verbs" TEXTS; 2 "apiGroups" TEXTS; 3 "resources" TEXTS; 4 "resourceNames" TEXTS; 5 "nonResourceURLs" TEXTS; }
    BINDING { 1 "metadata" Message(META); 2 "subjects" List(&Message(SUBJECT)); 3 "roleRef" Message(ROLE_REF); }
    SUBJECT { 1 "kind" Text; 2 "apiGroup" Text; 3 "name" Text; 4 "namespace" Text; }
    ROLE_REF { 1 "apiGroup" Text; 2 "kind" Text; 3 "name" Text; }
    // k8s.io/api/authorization/v1
    ACCESS_REVIEW { 1 "metadata" Message(META); 2 "spec" Message(ACCESS); }
    ACCESS { 1 "resourceAttributes" Message(RESOURCE); 2 "nonResourceAttributes" Message(NON_RESOURCE); }
    RESOURCE {
        1 "namespace" Text; 2 "verb" Text; 3 "group" Text; 4 "version" Text; 5 "resource" Text; 6 "subresource" Text;
        7 "name" Text;
    }
    NON_RESOURCE { 1 "path" Text; 2 "verb" Text; }
    RULES_REVIEW { 1 "metadata" Message(META); 2 "spec" Message(WITHIN); }
    WITHIN { 1 "namespace" Text; }
    // k8s.io/api/policy/v1
    EVICTION { 1 "metadata" Message(META); 2 "deleteOptions" Message(DELETE_OPTIONS); }
}

/// What typed clients create in one go, and what they send to delete; bigger objects come as JSON or YAML from files.
pub(super) fn of(api_version: &str, kind: &str) -> Option<&'static [Field]> {
    Some(match (api_version, kind) {
        ("v1", "Namespace") => NAMESPACE,
        ("v1", "Secret") => SECRET,
        ("v1", "ConfigMap") => CONFIG_MAP,
        ("v1", "ServiceAccount") => SERVICE_ACCOUNT,
        ("v1", "ResourceQuota") => RESOURCE_QUOTA,
        ("rbac.authorization.k8s.io/v1", "Role" | "ClusterRole") => ROLE,
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => BINDING,
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview") => ACCESS_REVIEW,
        ("authorization.k8s.io/v1", "SelfSubjectRulesReview") => RULES_REVIEW,
        ("policy/v1", "Eviction") => EVICTION,
        ("v1" | "meta.k8s.io/v1", "DeleteOptions") => DELETE_OPTIONS,
        _ => return None,
    })
}
