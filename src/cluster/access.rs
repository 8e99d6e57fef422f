//! What the user may do, asked once and remembered: what is not allowed is shown so instead of tried.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use super::{Cluster, ClusterError, Fault};
use crate::{
    fleet::{Right, Rights},
    index::digest::DigestError,
};

/// Reviews under way at a time.
const AT_ONCE: usize = 3;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    pub verb: &'static str,
    pub group: &'static str,
    /// With its subresource, or the one name that is asked about: `pods/log`, `secrets:gateway-token`.
    pub resource: &'static str,
    /// `None` asks for all namespaces.
    pub namespace: Option<String>,
}

impl Ask {
    pub fn of(right: Right, namespace: Option<&str>) -> Self {
        let (verb, group, resource) = right.rule();
        let namespace = namespace.filter(|_| right.is_namespaced()).map(str::to_owned);
        Self { verb, group, resource, namespace }
    }

    /// All that must be allowed by a server of this minor version.
    fn all_of(right: Right, minor: Option<u32>, namespace: Option<&str>) -> impl Iterator<Item = Self> {
        let first = Self::of(right, namespace);
        right.verbs(minor).map(move |verb| Self { verb, ..first.clone() })
    }
}

/// The answers so far. One owner; the engine's and the console's each have their own.
#[derive(Debug, Default)]
pub struct Access {
    told: HashMap<Ask, bool>,
    /// The server's minor version, once it was asked; `None` within where it does not tell.
    minor: Option<Option<u32>>,
}

impl Access {
    /// The answer, where it is known without asking.
    pub fn known(&self, ask: &Ask) -> Option<bool> {
        self.told.get(ask).copied()
    }

    /// Asks the server, once per question.
    ///
    /// # Errors
    /// The server could not be asked; nothing is remembered then.
    pub async fn may(&mut self, cluster: &Cluster, ask: &Ask) -> Result<bool, ClusterError> {
        if let Some(known) = self.known(ask) {
            return Ok(known);
        }
        let allowed = review(cluster, ask).await?;
        self.told.insert(ask.clone(), allowed);
        Ok(allowed)
    }

    /// The same, for what cannot be done without it.
    ///
    /// # Errors
    /// It is not allowed, or the server could not be asked.
    pub async fn demand(&mut self, cluster: &Cluster, right: Right, namespace: &str) -> Result<(), ClusterError> {
        let minor = self.minor(cluster).await;
        for ask in Ask::all_of(right, minor, Some(namespace)) {
            if !self.may(cluster, &ask).await? {
                let who = cluster.user().unwrap_or("this user");
                let missing = right.can_i().replacen(right.rule().0, ask.verb, 1);
                let said = format!("{who} may not {} in namespace {namespace} ({missing})", right.words());
                return Err(ClusterError::new(
                    Fault::Forbidden,
                    &cluster.place,
                    said,
                    "ask for the rights of manifests/rbac",
                ));
            }
        }
        Ok(())
    }

    async fn minor(&mut self, cluster: &Cluster) -> Option<u32> {
        match self.minor {
            Some(minor) => minor,
            None => *self.minor.insert(cluster.minor().await),
        }
    }

    /// All rights of a scope: a namespace's by one review of its rules, where the server's authorizer can list them; the
    /// whole cluster's, and what such a list leaves open, one by one.
    ///
    /// # Errors
    /// The server could not be asked; what was learned until then is remembered.
    pub async fn rights(&mut self, cluster: &Cluster, namespace: Option<&str>) -> Result<Rights, ClusterError> {
        let wanted = Right::ALL.into_iter().filter(|right| namespace.is_none() || right.is_namespaced());
        let minor = self.minor(cluster).await;
        let asks: Vec<(Right, Ask)> =
            wanted.flat_map(|right| Ask::all_of(right, minor, namespace).map(move |ask| (right, ask))).collect();
        if let Some(namespace) = namespace
            && asks.iter().any(|(_, ask)| self.known(ask).is_none())
        {
            let rules = rules(cluster, namespace).await?;
            for (_, ask) in &asks {
                if let Some(allowed) = rules.answer(ask) {
                    self.told.entry(ask.clone()).or_insert(allowed);
                }
            }
        }
        let open: Vec<Ask> = asks.iter().map(|(_, ask)| ask).filter(|a| self.known(a).is_none()).cloned().collect();
        let mut reviews = stream::iter(open)
            .map(|ask| async move { review(cluster, &ask).await.map(|allowed| (ask, allowed)) })
            .buffer_unordered(AT_ONCE);
        while let Some((ask, allowed)) = reviews.try_next().await? {
            self.told.insert(ask, allowed);
        }
        drop(reviews);
        let mut rights = Rights::default();
        for (right, ask) in &asks {
            // One verb that is missing is enough.
            if let Some(allowed) = self.known(ask).filter(|_| rights.get(*right) != Some(false)) {
                rights.set(*right, allowed);
            }
        }
        Ok(rights)
    }

    /// Forgets all: rights may have changed.
    pub fn clear(&mut self) {
        self.told.clear();
    }
}

async fn review(cluster: &Cluster, ask: &Ask) -> Result<bool, ClusterError> {
    let (resource, name) = ask.resource.split_once(':').unwrap_or((ask.resource, ""));
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let review = serde_json::json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": {
            "verb": ask.verb,
            "group": ask.group,
            "resource": resource,
            "subresource": subresource,
            "name": name,
            "namespace": ask.namespace.as_deref().unwrap_or(""),
        } },
    });
    let what = format!("ask whether {} {} is allowed", ask.verb, ask.resource);
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer: Answer<Verdict> = posted(cluster, path, &what, &review).await?;
    Ok(answer.status.allowed)
}

async fn rules(cluster: &Cluster, namespace: &str) -> Result<Rules, ClusterError> {
    let review = serde_json::json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": { "namespace": namespace },
    });
    let what = format!("ask what is allowed in namespace {namespace}");
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let answer: Answer<Rules> = posted(cluster, path, &what, &review).await?;
    Ok(answer.status)
}

async fn posted<T: for<'de> Deserialize<'de>>(
    cluster: &Cluster,
    path: &str,
    what: &str,
    review: &serde_json::Value,
) -> Result<T, ClusterError> {
    let body = cluster.post(path, what, review.to_string().into_bytes()).await?;
    serde_json::from_slice(&body).map_err(|_| {
        let found = DigestError::Shape { expected: "an access review", found: "something else".to_owned() };
        ClusterError::digest(&cluster.place, what, &body, &found)
    })
}

#[derive(Deserialize)]
struct Answer<T> {
    status: T,
}

#[derive(Deserialize)]
struct Verdict {
    allowed: bool,
}

/// What may be done in a namespace, as far as the server can list it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Rules {
    resource_rules: Vec<Rule>,
    /// An authorizer took part that cannot list its rules, such as a cloud's own: what is missing may be allowed.
    incomplete: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Rule {
    verbs: Vec<String>,
    api_groups: Vec<String>,
    resources: Vec<String>,
    resource_names: Vec<String>,
}

impl Rules {
    fn answer(&self, ask: &Ask) -> Option<bool> {
        let Ask { verb, group, resource, .. } = *ask;
        let any_of_sub = resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
        let has = |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
        let allows = |rule: &Rule| {
            rule.resource_names.is_empty()
                && has(&rule.verbs, verb)
                && has(&rule.api_groups, group)
                && (has(&rule.resources, resource)
                    || any_of_sub.as_ref().is_some_and(|any| rule.resources.contains(any)))
        };
        if self.resource_rules.iter().any(allows) {
            return Some(true);
        }
        (!self.incomplete).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_rules_answers_what_it_can() {
        let read = |json: &str| serde_json::from_str::<Answer<Rules>>(json).unwrap().status;
        let rules = read(
            r#"{"status":{"incomplete":false,"nonResourceRules":[],"resourceRules":[
            {"verbs":["get","list"],"apiGroups":[""],"resources":["pods","pods/log"]},
            {"verbs":["*"],"apiGroups":["*"],"resources":["*/exec"]},
            {"verbs":["delete"],"apiGroups":[""],"resources":["pods"],"resourceNames":["openclaw-0"]},
            {"verbs":["patch"],"apiGroups":["extensions"],"resources":["statefulsets"]}]}}"#,
        );
        let answer = |rules: &Rules, right| rules.answer(&Ask::of(right, None));
        let check = |right, expect| assert_eq!(answer(&rules, right), Some(expect), "{right:?}");
        check(Right::Logs, true);
        check(Right::Shell, true);
        check(Right::Forward, false);
        check(Right::Restart, false); // of one name only
        check(Right::Change, false); // of another group
        let cloud = read(
            r#"{"status":{"incomplete":true,"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["pods"]}]}}"#,
        );
        assert_eq!((answer(&cloud, Right::Restart), answer(&cloud, Right::Logs)), (Some(true), None));
    }
}
