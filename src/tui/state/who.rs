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

    pub(crate) fn is(&self, tenant: &Tenant) -> bool {
        tenant.namespace_name == self.namespace && self.uid.is_none_or(|uid| tenant.known_by(uid))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::*;

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
}
