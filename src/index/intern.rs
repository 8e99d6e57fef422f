//! Makes the texts of a facet share their allocations with those the index holds already.

use crate::fleet::{Condition, Container, Interner, State, Terminated, Text};

use super::delta::{Facet, Part};

pub(crate) fn share(pool: &mut Interner, facet: &mut Facet) {
    // Namespace, id and host are the tenant's own: nothing to share, and one copy is kept anyway.
    each(pool, [&mut facet.tier]);
    match &mut facet.part {
        Part::Namespace(n) => each(pool, [&mut n.remaining, &mut n.owner]),
        Part::Pod(pod) => {
            pool.share(&mut pod.name);
            each(pool, [&mut pod.owner, &mut pod.revision, &mut pod.node]);
            pool.share_words(&mut pod.words);
            for condition in [&mut pod.scheduled, &mut pod.ready] {
                share_condition(pool, condition);
            }
            pod.stages.iter_mut().chain(&mut *pod.containers).for_each(|c| share_container(pool, c));
        }
        Part::StatefulSet(set) => {
            pool.share(&mut set.name);
            each(pool, [&mut set.image, &mut set.run, &mut set.current_revision, &mut set.update_revision]);
        }
        Part::Claim(claim) => {
            pool.share(&mut claim.name);
            each(pool, [&mut claim.class]);
            claim.unrest.iter_mut().for_each(|u| each(pool, [&mut u.resize]));
        }
        Part::Quota(quota) => {
            pool.share_quota(&mut quota.figures);
        }
        Part::Node(node) => {
            pool.share(&mut node.name);
            each(pool, [&mut node.zone]);
            share_condition(pool, &mut node.ready);
            for pressure in &mut node.pressures {
                pool.share(&mut pressure.kind);
                each(pool, [&mut pressure.message]);
            }
            for taint in &mut node.taints {
                pool.share(&mut taint.key);
                pool.share(&mut taint.effect);
                each(pool, [&mut taint.value]);
            }
        }
        Part::Warning(w) => {
            for text in [&mut w.kind, &mut w.object, &mut w.reason, &mut w.message] {
                pool.share(text);
            }
            each(pool, [&mut w.container]);
        }
    }
}

fn each<const N: usize>(pool: &mut Interner, texts: [&mut Option<Text>; N]) {
    texts.into_iter().flatten().for_each(|t| pool.share(t));
}

fn share_condition(pool: &mut Interner, condition: &mut Option<Condition>) {
    if let Some(c) = condition {
        pool.share_words(&mut c.words);
    }
}

fn share_container(pool: &mut Interner, container: &mut Container) {
    pool.share_spec(&mut container.spec);
    match &mut container.state {
        State::Waiting(words) => pool.share_words(words),
        State::Terminated(t) => share_ending(pool, t),
        State::Running { .. } => {}
    }
    if let Some(last) = &mut container.last {
        share_ending(pool, last);
    }
}

fn share_ending(pool: &mut Interner, ending: &mut Terminated) {
    pool.share_words(&mut ending.words);
}
