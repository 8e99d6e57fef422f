//! The parts of a tenant: put in their place, and taken away.

use std::mem;

use crate::{
    fleet::{Tenant, Uid, Warning},
    index::delta::{Kind, Part},
};

/// Warnings kept per tenant: the latest ones, and the first of what is told over and over.
const WARNINGS_KEPT: usize = 12;
/// The latest of what is told over and over: by these a loop is known.
const SPARED: usize = 3;

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
    if list.len() > WARNINGS_KEPT {
        list.sort_by_key(|w| (w.last, w.uid));
        list.remove(dispensable(&list));
    }
    *kept = list.into_boxed_slice();
    true
}

/// The one that tells least, of a list by age: of whatever is told most often the one with its neighbours nearest, but neither the
/// first nor the last three, so that one thing that goes on and on neither loses its beginning nor drives out all else; else the
/// oldest.
fn dispensable(list: &[Warning]) -> usize {
    let same = |a: &Warning, b: &Warning| a.reason == b.reason && a.object == b.object && a.kind == b.kind;
    let of = |w: &Warning| list.iter().enumerate().filter(|(_, other)| same(w, other)).map(|(i, _)| i).collect();
    let told: Vec<Vec<usize>> = list.iter().map(of).collect();
    let most = told.iter().max_by_key(|group| group.len()).filter(|group| group.len() > 1 + SPARED);
    let Some(most) = most else { return 0 };
    let at = |i: usize| list.get(i).and_then(|w| w.last);
    let gap = |i: &usize| match (at(most[i - 1]), at(most[i + 1])) {
        (Some(before), Some(after)) => after.since(before),
        _ => 0,
    };
    (1..most.len() - SPARED).min_by_key(gap).map_or(0, |i| most[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::*;

    fn told(reason: &str, n: u32) -> Warning {
        Warning { uid: uid(u128::from(n)), reason: text(reason), ..refusal(n) }
    }

    #[test]
    fn what_goes_on_and_on_keeps_its_beginning_and_drives_nobody_out() {
        let mut kept = Box::default();
        keep_warning(&mut kept, told("FailedMount", 1));
        for n in 10..60 {
            assert!(keep_warning(&mut kept, told("NodeAffinity", n)));
        }
        let left: Vec<u32> = kept.iter().filter_map(|w| w.first).map(|at_| at_.since(at(0))).collect();
        assert_eq!((left.len(), &left[..2], &left[9..]), (12, &[1, 10][..], &[57, 58, 59][..]));
        let gaps = left[1..].windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.max() < Some(20), "spread over its time: {left:?}");
        let mut kept = Box::default();
        for n in 0..20 {
            keep_warning(&mut kept, told(&format!("Reason{n}"), n));
        }
        assert_eq!((kept.len(), kept[0].first), (12, Some(at(8))), "else the oldest goes");
    }
}
