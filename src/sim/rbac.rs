//! Who may do what: bearer tokens or impersonation name users, and roles in the store say what these may.
//!
//! A request without credentials is the admin's, as on the API server's insecure port of old: client-go sends no token over
//! plain HTTP. A kubeconfig for another user therefore impersonates that user, which goes over any transport.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::Value;

use super::kinds;
use super::object::{name_of, namespace_of, text_at};
use super::route::Ask;
use super::status::{Cause, Details, Status};
use super::store::Store;

/// The token of the user who may do everything.
const ADMIN_TOKEN: &str = "sim-admin";
/// What the tokens of all other users begin with; the rest is the user's name.
const USER_TOKEN: &str = "sim-user-";

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub name: String,
    pub groups: Vec<String>,
}

impl User {
    pub(crate) fn admin() -> User {
        User { name: "sim-admin".into(), groups: vec!["system:masters".into(), "system:authenticated".into()] }
    }

    fn named(name: &str) -> User {
        let known = if name == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" };
        let mut groups = vec![known.to_owned()];
        if let Some((namespace, _)) = name.strip_prefix("system:serviceaccount:").and_then(|a| a.split_once(':')) {
            groups.push("system:serviceaccounts".into());
            groups.push(format!("system:serviceaccounts:{namespace}"));
        }
        User { name: name.into(), groups }
    }

    fn is_master(&self) -> bool {
        self.groups.iter().any(|g| g == "system:masters")
    }

    fn is_known(&self) -> bool {
        self.groups.iter().any(|g| g == "system:authenticated")
    }
}

/// The bearer token that a user's kubeconfig holds; `None` is the admin.
pub(crate) fn token(user: Option<&str>) -> String {
    user.map_or_else(|| ADMIN_TOKEN.to_owned(), |user| format!("{USER_TOKEN}{user}"))
}

/// Reads the user from a request.
pub(crate) fn authenticate(store: &Store, headers: &HeaderMap) -> Result<User, Status> {
    let unauthorized = || Status::new(401, "Unauthorized", "Unauthorized");
    let user = match headers.get(AUTHORIZATION) {
        None => User::admin(),
        Some(value) => match value.to_str().ok().and_then(|v| v.strip_prefix("Bearer ")) {
            Some(ADMIN_TOKEN) => User::admin(),
            Some(token) => {
                User::named(token.strip_prefix(USER_TOKEN).filter(|n| !n.is_empty()).ok_or_else(unauthorized)?)
            }
            None => return Err(unauthorized()),
        },
    };
    let Some(other) = headers.get("impersonate-user").and_then(|v| v.to_str().ok()) else { return Ok(user) };
    let ask = Ask { verb: "impersonate", resource: "users".into(), name: other.into(), ..Ask::default() };
    if user.name != other {
        authorise(store, &user, &ask)?;
    }
    let mut assumed = User::named(other);
    let groups = headers.get_all("impersonate-group");
    assumed.groups.extend(groups.iter().filter_map(|g| g.to_str().ok()).map(str::to_owned));
    Ok(assumed)
}

/// 403 with the API server's words unless some role allows it.
pub(crate) fn authorise(store: &Store, user: &User, ask: &Ask) -> Result<(), Status> {
    let verdict = decide(store, user, ask);
    if verdict.allowed { Ok(()) } else { Err(refusal(user, ask, &verdict.reason)) }
}

/// A decision, and what a review says about it.
pub(crate) struct Verdict {
    pub allowed: bool,
    pub reason: String,
}

pub(crate) fn decide(store: &Store, user: &User, ask: &Ask) -> Verdict {
    if user.is_master() || always(user, ask) {
        return Verdict { allowed: true, reason: String::new() };
    }
    let mut broken = Vec::new();
    for binding in bindings(store, user, &ask.namespace) {
        match role_rules(store, &binding.role, &binding.namespace) {
            Some(rules) if rules.as_array().into_iter().flatten().any(|rule| allows(rule, ask)) => {
                return Verdict { allowed: true, reason: format!("RBAC: allowed by {}", binding.described()) };
            }
            Some(_) => {}
            None => {
                let kind = text_at(&binding.role, &["kind"]).to_lowercase();
                broken.push(format!(
                    "{kind}.rbac.authorization.k8s.io \"{}\" not found",
                    text_at(&binding.role, &["name"])
                ));
            }
        }
    }
    let reason = match broken.as_slice() {
        [] => String::new(),
        [one] => format!("RBAC: {one}"),
        many => format!("RBAC: [{}]", many.join(", ")),
    };
    Verdict { allowed: false, reason }
}

/// What every user may do without a role: discovery, and asking about oneself.
fn always(user: &User, ask: &Ask) -> bool {
    let below = |roots: &[&str]| {
        roots.iter().any(|p| ask.path == *p || ask.path.strip_prefix(p).is_some_and(|r| r.starts_with('/')))
    };
    if !ask.is_resource() {
        let public = below(&["/version", "/healthz", "/livez", "/readyz"]);
        return ask.verb == "get" && (public || (user.is_known() && below(&["/api", "/apis", "/openapi"])));
    }
    let review = matches!(ask.group.as_str(), "authorization.k8s.io" | "authentication.k8s.io");
    user.is_known() && review && ask.verb == "create" && ask.resource.starts_with("selfsubject")
}

struct Binding {
    kind: &'static str,
    name: String,
    namespace: String,
    role: Value,
    subject: String,
}

impl Binding {
    fn described(&self) -> String {
        let name =
            if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.name, self.namespace) };
        let role = (text_at(&self.role, &["kind"]), text_at(&self.role, &["name"]));
        format!("{} \"{name}\" of {} \"{}\" to {}", self.kind, role.0, role.1, self.subject)
    }
}

fn bindings(store: &Store, user: &User, namespace: &str) -> Vec<Binding> {
    let mut out = Vec::new();
    let mut add = |kind: &'static str, object: &Value| {
        let mut subjects = object["subjects"].as_array().into_iter().flatten();
        if let Some(subject) = subjects.find_map(|s| names(s, user, namespace_of(object))) {
            let (name, namespace) = (name_of(object).to_owned(), namespace_of(object).to_owned());
            out.push(Binding { kind, name, namespace, role: object["roleRef"].clone(), subject });
        }
    };
    for object in store.list(kinds::CLUSTER_ROLE_BINDING, None) {
        add("ClusterRoleBinding", &object);
    }
    if !namespace.is_empty() {
        for object in store.list(kinds::ROLE_BINDING, Some(namespace)) {
            add("RoleBinding", &object);
        }
    }
    out
}

/// Whether a subject is this user, and how a review words it.
fn names(subject: &Value, user: &User, namespace: &str) -> Option<String> {
    let name = text_at(subject, &["name"]);
    match text_at(subject, &["kind"]) {
        "User" => (name == user.name).then(|| format!("User \"{name}\"")),
        "Group" => user.groups.iter().any(|g| g == name).then(|| format!("Group \"{name}\"")),
        "ServiceAccount" => {
            let own = text_at(subject, &["namespace"]);
            let own = if own.is_empty() { namespace } else { own };
            (user.name == format!("system:serviceaccount:{own}:{name}"))
                .then(|| format!("ServiceAccount \"{name}/{own}\""))
        }
        _ => None,
    }
}

fn role_rules(store: &Store, role: &Value, namespace: &str) -> Option<Value> {
    let name = text_at(role, &["name"]);
    let object = match text_at(role, &["kind"]) {
        "ClusterRole" => store.get(kinds::CLUSTER_ROLE, "", name),
        _ => store.get(kinds::ROLE, namespace, name),
    };
    object.map(|o| o["rules"].clone())
}

fn has(rule: &Value, key: &str, wanted: impl Fn(&str) -> bool) -> bool {
    rule[key].as_array().into_iter().flatten().filter_map(Value::as_str).any(|v| v == "*" || wanted(v))
}

fn allows(rule: &Value, ask: &Ask) -> bool {
    if !has(rule, "verbs", |v| v == ask.verb) {
        return false;
    }
    if !ask.is_resource() {
        return has(rule, "nonResourceURLs", |url| match url.strip_suffix('*') {
            Some(prefix) => ask.path.starts_with(prefix),
            None => ask.path == url,
        });
    }
    let resource = full_resource(ask);
    let of_any = format!("*/{}", ask.subresource);
    let named = rule["resourceNames"].as_array().filter(|names| !names.is_empty());
    has(rule, "apiGroups", |g| g == ask.group)
        && has(rule, "resources", |r| r == resource || (!ask.subresource.is_empty() && r == of_any))
        && named.is_none_or(|names| !ask.name.is_empty() && names.iter().any(|n| *n == *ask.name))
}

fn full_resource(ask: &Ask) -> String {
    if ask.subresource.is_empty() { ask.resource.clone() } else { format!("{}/{}", ask.resource, ask.subresource) }
}

fn refusal(user: &User, ask: &Ask, reason: &str) -> Status {
    let who = format!("User \"{}\" cannot {}", user.name, ask.verb);
    let tail = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    if !ask.is_resource() {
        let mut status = Status::new(403, "Forbidden", format!("forbidden: {who} path \"{}\"{tail}", ask.path));
        status.details = Some(Box::default());
        return status;
    }
    let qualified = if ask.group.is_empty() { ask.resource.clone() } else { format!("{}.{}", ask.resource, ask.group) };
    let named = if ask.name.is_empty() { String::new() } else { format!(" \"{}\"", ask.name) };
    let place = match ask.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let (resource, group) = (full_resource(ask), &ask.group);
    let message = format!(
        "{qualified}{named} is forbidden: {who} resource \"{resource}\" in API group \"{group}\" {place}{tail}"
    );
    let mut status = Status::new(403, "Forbidden", message);
    status.details = Some(Box::new(Details {
        name: ask.name.clone(),
        group: ask.group.clone(),
        kind: ask.resource.clone(),
        ..Details::default()
    }));
    status
}

/// Answers a SelfSubjectAccessReview.
pub(crate) fn access_review(store: &Store, user: &User, review: &Value) -> Result<Value, Status> {
    let (resource, path) = (&review["spec"]["resourceAttributes"], &review["spec"]["nonResourceAttributes"]);
    let text = |v: &Value, key: &str| text_at(v, &[key]).to_owned();
    let ask = if resource.is_object() {
        Ask {
            verb: known_verb(text_at(resource, &["verb"])),
            group: text(resource, "group"),
            version: text(resource, "version"),
            resource: text(resource, "resource"),
            namespace: text(resource, "namespace"),
            name: text(resource, "name"),
            subresource: text(resource, "subresource"),
            ..Ask::default()
        }
    } else if path.is_object() {
        Ask { verb: known_verb(text_at(path, &["verb"])), path: text(path, "path"), ..Ask::default() }
    } else {
        let why = "Required value: exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let message =
            format!("SelfSubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.resourceAttributes: {why}");
        return Err(Status::new(422, "Invalid", message).with_causes(vec![Cause::new(
            "FieldValueRequired",
            why,
            "spec.resourceAttributes",
        )]));
    };
    let verdict = decide(store, user, &ask);
    let mut out = review.clone();
    out["kind"] = "SelfSubjectAccessReview".into();
    out["apiVersion"] = "authorization.k8s.io/v1".into();
    out["status"] = serde_json::json!({"allowed": verdict.allowed});
    if !verdict.reason.is_empty() {
        out["status"]["reason"] = verdict.reason.into();
    }
    Ok(out)
}

/// A verb as the table of requests has it; one that nobody can use is allowed by `*` only.
fn known_verb(wanted: &str) -> &'static str {
    const VERBS: [&str; 13] = [
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
        "impersonate",
        "bind",
        "escalate",
        "use",
        "post",
    ];
    VERBS.into_iter().find(|known| *known == wanted).unwrap_or("?")
}

/// Answers a SelfSubjectRulesReview: all rules that reach into one namespace.
pub(crate) fn rules_review(store: &Store, user: &User, review: &Value) -> Value {
    let namespace = text_at(review, &["spec", "namespace"]);
    let mut rules = Vec::new();
    if user.is_master() {
        rules.push(serde_json::json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        rules.push(serde_json::json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
    }
    for binding in bindings(store, user, namespace) {
        let of_role = role_rules(store, &binding.role, &binding.namespace);
        rules.extend(of_role.and_then(|r| r.as_array().cloned()).unwrap_or_default());
    }
    let (paths, resources): (Vec<_>, Vec<_>) = rules.into_iter().partition(|rule| rule["nonResourceURLs"].is_array());
    serde_json::json!({
        "kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {},
        "status": {"resourceRules": resources, "nonResourceRules": paths, "incomplete": false},
    })
}
