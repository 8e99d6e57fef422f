//! The parts of a tenant: put in their place, and taken away.

use std::mem;

use crate::{
    fleet::{Tenant, Uid, Warning},
    index::delta::{Kind, Part},
};

/// Warnings kept per tenant: the latest ones.
const WARNINGS_KEPT: usize = 12;

/// Keeps the parts of `kind` whose UID passes; tells whether any went.
pub(super) fn retain(tenant: &mut Tenant, kind: Kind, keep: impl Fn(Uid) -> bool) -> bool {
    fn sift<T>(list: &mut Box<[T]>, keep: impl Fn(&T) -> bool) -> bool {
        if list.iter().all(&keep) {
            return false;
        }
        *list = mem::take(list).into_iter().filter(keep).collect();
        true
    }
    match kind {
        Kind::Namespace => {
            let gone = tenant.namespace.as_ref().is_some_and(|n| !keep(n.uid));
            if gone {
                tenant.namespace = None;
            }
            gone
        }
        Kind::Pod => sift(&mut tenant.pods, |p| keep(p.uid)),
        Kind::StatefulSet => sift(&mut tenant.sets, |s| keep(s.uid)),
        Kind::Claim => sift(&mut tenant.claims, |c| keep(c.uid)),
        Kind::Quota => sift(&mut tenant.quotas, |q| keep(q.uid)),
        Kind::Warning => sift(&mut tenant.warnings, |w| keep(w.uid)),
        Kind::Node => false,
    }
}

/// Puts a part in its place; tells whether anything changed.
pub(super) fn place(tenant: &mut Tenant, part: Part) -> bool {
    fn put<T: PartialEq>(list: &mut Box<[T]>, item: T, same: impl Fn(&T, &T) -> bool) -> bool {
        match list.iter_mut().find(|old| same(old, &item)) {
            Some(old) if *old == item => false,
            Some(old) => {
                *old = item;
                true
            }
            None => {
                // Grown in its place, where the allocator can: ten thousand short-lived lists leave holes behind.
                let mut longer = mem::take(list).into_vec();
                longer.reserve_exact(1);
                longer.push(item);
                *list = longer.into_boxed_slice();
                true
            }
        }
    }
    match part {
        Part::Namespace(n) => {
            let changed = tenant.namespace.as_ref() != Some(&n);
            tenant.namespace = Some(n);
            changed
        }
        Part::Pod(pod) => put(&mut tenant.pods, pod, |a, b| a.uid == b.uid),
        Part::StatefulSet(set) => put(&mut tenant.sets, set, |a, b| a.uid == b.uid),
        Part::Claim(mut claim) => {
            if let Some(before) = tenant.claims.iter().find(|c| c.uid == claim.uid) {
                (claim.usage, claim.growth) = (before.usage, before.growth);
            }
            put(&mut tenant.claims, claim, |a, b| a.uid == b.uid)
        }
        Part::Quota(quota) => put(&mut tenant.quotas, quota, |a, b| a.uid == b.uid),
        Part::Warning(warning) => keep_warning(&mut tenant.warnings, warning),
        Part::Node(_) => false,
    }
}

pub(super) fn keep_warning(kept: &mut Box<[Warning]>, warning: Warning) -> bool {
    if kept.contains(&warning) {
        return false;
    }
    let mut list = mem::take(kept).into_vec();
    list.retain(|w| w.uid != warning.uid);
    list.push(warning);
    if list.len() > WARNINGS_KEPT
        && let Some(oldest) = list.iter().enumerate().min_by_key(|(_, w)| w.last).map(|(i, _)| i)
    {
        list.remove(oldest);
    }
    *kept = list.into_boxed_slice();
    true
}
