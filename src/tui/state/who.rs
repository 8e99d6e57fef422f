//! Who is meant: a tenant bound to its UID, so that a row that moves or a name that is used again never changes the target.

use crate::{
    fleet::{Tenant, Text, Uid},
    index::{Entry, Fleet},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) namespace: Text,
    pub(crate) id: Text,
    /// `None` where no object with a UID that counts is known yet (claims only).
    pub(crate) uid: Option<Uid>,
}

/// What became of somebody.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'a> {
    Here(&'a Entry),
    /// The namespace's name is in use again, by other objects.
    Replaced,
    Gone,
}

impl<'a> Found<'a> {
    pub(crate) fn here(self) -> Option<&'a Entry> {
        match self {
            Self::Here(entry) => Some(entry),
            _ => None,
        }
    }
}

impl Who {
    pub(crate) fn of(tenant: &Tenant) -> Self {
        Self { namespace: tenant.namespace_name.clone(), id: tenant.id.clone(), uid: tenant.uid() }
    }

    pub(crate) fn find<'a>(&self, fleet: &'a Fleet) -> Found<'a> {
        match fleet.get(&self.namespace) {
            Some(entry) if self.is(&entry.tenant) => Found::Here(entry),
            Some(_) => Found::Replaced,
            None => Found::Gone,
        }
    }

    /// The namespace's UID decides; before it is known, any object that was known then and still is.
    pub(crate) fn is(&self, tenant: &Tenant) -> bool {
        let Some(uid) = self.uid else {
            return tenant.namespace_name == self.namespace;
        };
        tenant.namespace_name == self.namespace
            && (tenant.uid() == Some(uid)
                || tenant.sets.iter().any(|s| s.uid == uid)
                || tenant.pods.iter().any(|p| p.uid == uid))
    }

    /// Binds to the best UID known by now, of the same tenant.
    pub(crate) fn rebind(&mut self, fleet: &Fleet) {
        if let Found::Here(entry) = self.find(fleet)
            && entry.tenant.uid() != self.uid
        {
            *self = Self::of(&entry.tenant);
        }
    }
}

/// The text names this tenant exactly: its id, namespace, host, pod or pod's address.
pub(crate) fn answers_to(entry: &Entry, text: &str) -> bool {
    let tenant = &entry.tenant;
    let host = tenant.namespace.as_ref().and_then(|n| n.host.as_deref());
    let owner = tenant.namespace.as_ref().and_then(|n| n.owner.as_deref());
    let pod = tenant.pod();
    // Every tenant's pod has the same name: it names one only together with its namespace.
    let full_pod = pod.and_then(|p| text.strip_suffix(p.name.as_str())?.strip_suffix('/'));
    tenant.id == *text
        || tenant.namespace_name == *text
        || [host, owner, pod.and_then(|p| p.ip.as_deref())].contains(&Some(text))
        || full_pod == Some(tenant.namespace_name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Verdict, fixture::*};

    #[test]
    fn a_tenant_is_known_by_its_uid_and_not_by_its_name() {
        let maria = tenant("maria", Some(ready()));
        let who = Who::of(&maria);
        assert!(who.is(&maria));
        let mut again = maria.clone();
        again.namespace.as_mut().unwrap().uid = uid(77);
        assert!(!who.is(&again), "the same names, a new namespace");

        // Seen first without its Namespace: bound to the StatefulSet, and still the same once the Namespace is read.
        let mut early = maria.clone();
        early.namespace = None;
        let who = Who::of(&early);
        assert_eq!(who.uid, Some(uid(20)));
        assert!(who.is(&maria));
    }

    #[test]
    fn people_name_a_tenant_by_what_they_have() {
        let mut pod = ready();
        pod.ip = Some(text("10.1.2.3"));
        let tenant = tenant("maria", Some(pod));
        let verdict = Verdict::of(&tenant, at(200));
        let entry = Entry { tenant, verdict, changed: None };
        for text in ["maria", "tenant-maria", "maria.oclawbox.com", "@maria", "10.1.2.3", "tenant-maria/openclaw-0"] {
            assert!(answers_to(&entry, text), "{text}");
        }
        for text in ["mari", "", "openclaw-0", "tenant-leo/openclaw-0", "/openclaw-0"] {
            assert!(!answers_to(&entry, text), "{text}");
        }
    }
}
