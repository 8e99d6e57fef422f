//! What the user may do, as far as it was asked. Unknown is not "no".

use std::fmt;

/// Something that fleetdeck can do beyond reading what it watches, and that a cluster may forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    Logs,
    /// Also what probes go through.
    Forward,
    Shell,
    /// What the kubelets know of volumes. A strong right: it reaches the kubelet's whole API.
    NodeStatistics,
    /// Deleting a pod: its StatefulSet makes a new one.
    Restart,
    Change,
    Create,
    /// Deleting volumes.
    Purge,
    Everything,
}

/// The first minor version of Kubernetes 1 that wants `create` for a stream into a pod, whichever request opens it (its
/// feature gate is AuthorizePodWebsocketUpgradeCreatePermission).
const STREAMS_ARE_CREATED: u32 = 35;

impl Right {
    pub const ALL: [Self; 9] = [
        Self::Logs,
        Self::Forward,
        Self::Shell,
        Self::NodeStatistics,
        Self::Restart,
        Self::Change,
        Self::Create,
        Self::Purge,
        Self::Everything,
    ];

    /// Verb, API group and resource (with its subresource), as in an RBAC rule.
    pub fn rule(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Logs => ("get", "", "pods/log"),
            Self::Forward => ("get", "", "pods/portforward"),
            Self::Shell => ("get", "", "pods/exec"),
            Self::NodeStatistics => ("get", "", "nodes/proxy"),
            Self::Restart => ("delete", "", "pods"),
            Self::Change => ("patch", "apps", "statefulsets"),
            Self::Create => ("create", "", "namespaces"),
            Self::Purge => ("delete", "", "persistentvolumeclaims"),
            Self::Everything => ("*", "*", "*"),
        }
    }

    /// All verbs that a server of this minor version of Kubernetes 1 asks for, [`Right::rule`]'s first. Streams into pods
    /// are opened by a GET, and newer servers want `create` for what such a stream does; where the version is not known, the
    /// server will say what else it wants.
    pub fn verbs(self, minor: Option<u32>) -> impl Iterator<Item = &'static str> {
        let more = self.is_stream() && minor.is_some_and(|minor| minor >= STREAMS_ARE_CREATED);
        std::iter::once(self.rule().0).chain(more.then_some("create"))
    }

    fn is_stream(self) -> bool {
        matches!(self, Self::Forward | Self::Shell)
    }

    /// What to ask for: `get pods/log`.
    pub fn needs(self) -> String {
        let more = if self.is_stream() { ", from Kubernetes 1.35 on also create" } else { "" };
        format!("{}{more}", self.can_i())
    }

    /// Whether it is a right inside a namespace.
    pub fn is_namespaced(self) -> bool {
        !matches!(self, Self::NodeStatistics | Self::Create | Self::Everything)
    }

    /// For people: `read logs`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Logs => "read logs",
            Self::Forward => "forward ports and probe",
            Self::Shell => "open a shell",
            Self::NodeStatistics => "read node statistics",
            Self::Restart => "restart tenants",
            Self::Change => "change tenants",
            Self::Create => "create tenants",
            Self::Purge => "delete volumes",
            Self::Everything => "do everything",
        }
    }

    /// `get pods/log`, as `kubectl auth can-i` takes it.
    pub fn can_i(self) -> String {
        let (verb, group, resource) = self.rule();
        match (group, resource.split_once('/')) {
            ("" | "*", _) => format!("{verb} {resource}"),
            (group, None) => format!("{verb} {resource}.{group}"),
            (group, Some((of, sub))) => format!("{verb} {of}.{group}/{sub}"),
        }
    }
}

/// What somebody is to a fleet, told by what they may do: the names are those of the roles in `manifests/rbac`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Reader,
    Support,
    OnCall,
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Reader => "reader",
            Self::Support => "support",
            Self::OnCall => "oncall",
            Self::Admin => "admin",
        })
    }
}

/// The answers for one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights([Option<bool>; Right::ALL.len()]);

impl Rights {
    pub fn get(&self, right: Right) -> Option<bool> {
        self.0[right as usize]
    }

    pub fn set(&mut self, right: Right, allowed: bool) {
        self.0[right as usize] = Some(allowed);
    }

    pub fn may(&self, right: Right) -> bool {
        self.get(right) == Some(true)
    }

    pub fn all(&self) -> impl Iterator<Item = (Right, Option<bool>)> {
        Right::ALL.into_iter().map(|right| (right, self.get(right)))
    }

    /// With what a narrower scope adds: a "yes" of either counts, and a "no" only where the other says nothing else.
    pub fn with(mut self, narrower: &Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(narrower.0) {
            *mine = match (*mine, theirs) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (_, Some(false)) => Some(false),
                (mine, None) => mine,
            };
        }
        self
    }

    /// What holds in both scopes.
    pub fn common(mut self, other: &Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = match (*mine, theirs) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        self
    }

    /// The most that these rights make somebody; `None` where too little is known.
    pub fn role(&self) -> Option<Role> {
        if self.may(Right::Everything) {
            return Some(Role::Admin);
        }
        let known = |right| self.get(right);
        Some(match (known(Right::Restart)?, known(Right::Change)?, known(Right::Logs)?, known(Right::Forward)?) {
            (true, true, ..) => Role::OnCall,
            (_, _, true, true) => Role::Support,
            _ => Role::Reader,
        })
    }

    /// Nothing here changes anything. `false` where that is not known.
    pub fn only_look(&self) -> bool {
        let changes = [Right::Shell, Right::Restart, Right::Change, Right::Create, Right::Purge];
        changes.iter().all(|right| self.get(*right) == Some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(yes: &[Right]) -> Rights {
        let mut all = Rights::default();
        Right::ALL.iter().for_each(|r| all.set(*r, yes.contains(r)));
        all
    }

    #[test]
    fn rights_make_a_role() {
        let check = |yes: &[Right], role| assert_eq!(rights(yes).role(), Some(role), "{yes:?}");
        check(&[], Role::Reader);
        check(&[Right::Logs], Role::Reader);
        check(&[Right::Logs, Right::Forward], Role::Support);
        check(&[Right::Logs, Right::Forward, Right::Restart], Role::Support);
        check(&[Right::Restart, Right::Change], Role::OnCall);
        check(&[Right::Everything], Role::Admin);
        assert_eq!(Rights::default().role(), None, "unknown is not nothing");
        assert!(rights(&[Right::Logs, Right::Forward]).only_look() && !rights(&[Right::Shell]).only_look());
        assert!(!Rights::default().only_look());
    }

    #[test]
    fn scopes_add_up_and_what_is_common_is_what_both_allow() {
        let (logs, shell) = (rights(&[Right::Logs]), rights(&[Right::Shell]));
        let sum = logs.with(&shell);
        assert!(sum.may(Right::Logs) && sum.may(Right::Shell));
        assert_eq!(Rights::default().with(&logs), logs);
        assert_eq!(logs.with(&Rights::default()), logs);
        assert!(!logs.common(&shell).may(Right::Logs));
        assert_eq!(Rights::default().common(&logs).get(Right::Logs), None);
    }

    #[test]
    fn each_can_be_asked_for_with_kubectl() {
        assert_eq!(Right::Logs.can_i(), "get pods/log");
        assert_eq!(Right::Change.can_i(), "patch statefulsets.apps");
        assert_eq!(Right::Shell.needs(), "get pods/exec, from Kubernetes 1.35 on also create");
    }

    #[test]
    fn newer_servers_want_more_for_streams() {
        let check = |right: Right, minor, expect: &[&str]| {
            assert_eq!(right.verbs(minor).collect::<Vec<_>>(), expect, "{right:?} {minor:?}");
        };
        for right in [Right::Shell, Right::Forward] {
            check(right, Some(34), &["get"]);
            check(right, Some(35), &["get", "create"]);
            check(right, None, &["get"]);
        }
        check(Right::Logs, Some(40), &["get"]);
    }
}
