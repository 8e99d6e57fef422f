//! What is said of a run is so, and comes in its order.

use std::collections::BTreeSet;

use fleetdeck::plan::{Event, Intent, News, Step, Turn, Until};

use super::Judge;

impl Judge {
    pub(super) fn say(&mut self, by: &str, event: &Event) {
        let line = serde_json::to_string(event).unwrap();
        self.note(&format!("{by} says {line}"));
        match &event.news {
            News::Began { .. } => {
                self.acting.remove(by);
                self.halted.remove(by);
            }
            News::Paused { .. } => self.halt(by, self.plan.pace.max_unavailable as usize),
            News::Resumed { .. } if self.failed < self.plan.pace.stop_after as usize => {
                self.halted.remove(by);
            }
            _ => {}
        }
        let Some(tenant) = event.news.tenant() else { return };
        let known = self.plan.turn(tenant).is_some();
        self.demand(known, || format!("{by} tells of {tenant}, which is no part of the plan"));
        let turn = self.plan.turn(tenant).cloned().unwrap();
        self.begins(by, tenant, &event.news);
        match &event.news {
            News::Step { step, said, .. } => {
                let seen = &self.seen[tenant];
                let next = seen.step.get(by).map_or(0, |last| last + 1);
                let meant = self.plan.steps(&turn).get(*step).is_some_and(|s| s.words() == *said);
                self.demand(*step == next && meant, || {
                    format!("{by} does step {step} of {tenant} ({said}) after {:?}", seen.step)
                });
                self.seen.get_mut(tenant).unwrap().step.insert(by.to_owned(), *step);
            }
            News::Did { step, said, .. } => self.did(&turn, *step, said),
            News::Done { .. } => self.done(&turn),
            _ => {}
        }
    }

    /// From here on nobody new is begun; of `most` that act, some may have been whose first word is still to come.
    fn halt(&mut self, by: &str, most: usize) {
        let acting = self.acting.get(by).map_or(0, BTreeSet::len);
        self.halted.entry(by.to_owned()).or_insert((acting, most));
    }

    /// A run that is paused, or has seen failures enough, takes nobody else.
    fn begins(&mut self, by: &str, tenant: &str, news: &News) {
        match news {
            News::Step { step: 0, .. } => {
                self.acting.entry(by.to_owned()).or_default().insert(tenant.to_owned());
                if let Some((begun, _)) = self.halted.get_mut(by) {
                    *begun += 1;
                }
                let fits = self.halted.get(by).is_none_or(|(begun, most)| begun <= most);
                self.demand(fits, || format!("{by} begins with {tenant}, though nobody new is to be begun"));
            }
            News::Done { .. } | News::Failed { .. } | News::Held { .. } | News::Skipped { .. } => {
                self.acting.entry(by.to_owned()).or_default().remove(tenant);
                // Who was unwell before is in a wave of its own, which does not count.
                let counts =
                    self.plan.waves.iter().any(|w| w.counts() && w.turns.iter().any(|t| t.namespace == tenant));
                self.failed += usize::from(counts && matches!(news, News::Failed { .. }));
                if self.failed >= self.plan.pace.stop_after as usize {
                    // The place of the one that failed stays empty.
                    self.halt(by, (self.plan.pace.max_unavailable as usize).saturating_sub(1));
                }
            }
            _ => {}
        }
    }

    /// What is said to be written was written.
    fn did(&self, turn: &Turn, step: usize, said: &str) {
        let seen = &self.seen[&turn.namespace];
        let is = |word: &str| said.split([',', ' ']).any(|w| w == word);
        match self.plan.steps(turn).get(step) {
            Some(Step::Apply { kind }) if is("made") || is("changed") => {
                let kind = kind.kind();
                self.demand(seen.written.contains(kind), || format!("{said}: {kind} was not written"));
            }
            Some(Step::DeletePod { .. }) if said.ends_with("is deleted") => {
                self.demand(seen.deleted.contains("Pod"), || format!("{said}: it was not"));
            }
            Some(Step::Delete { what }) if said.ends_with("is deleted") => {
                self.demand(seen.deleted.contains(what.kind()), || format!("{said}: it was not"));
            }
            Some(Step::ReplaceSecret { .. }) => self.demand(seen.tokens > 0, || format!("{said}: it was not")),
            _ => {}
        }
    }

    /// Whoever is said to be done is.
    fn done(&self, turn: &Turn) {
        let name = &turn.namespace;
        let seen = &self.seen[name];
        // Another run may have begun with it before this one's word was heard.
        let taken = seen.claim.as_ref().is_some_and(|claim| !claim.starts_with(&self.plan.id));
        let seen = seen.released.as_deref().filter(|_| taken).unwrap_or(seen);
        let steps = self.plan.steps(turn);
        let waits = |until: Until| steps.iter().any(|s| matches!(s, Step::Await { until: u, .. } if *u == until));
        let doomed = self.blights.doomed.as_deref() == Some(name);
        let well = seen.pod.as_ref().is_some_and(|pod| pod.ready && !pod.deleting);
        if (waits(Until::Served) || waits(Until::Replaced)) && !self.blights.nodes_die {
            self.demand(well && !doomed, || format!("{name} is done, but does not serve: {seen:?}"));
        }
        if waits(Until::Replaced) && matches!(self.plan.intent, Intent::RotateToken) {
            let knows = seen.pod.as_ref().is_some_and(|pod| pod.tokens == seen.tokens);
            self.demand(knows || self.blights.nodes_die, || {
                format!("{name}: its pod has not read its token: {seen:?}")
            });
        }
        if waits(Until::Stopped) || waits(Until::Removed) && !self.plan.intent.remakes() {
            self.demand(seen.pod.is_none(), || format!("{name} is done, but its pod is there"));
        }
        if waits(Until::Erased) {
            self.demand(seen.uid.is_none(), || format!("{name} is erased, but is there"));
        } else {
            // Whatever is done to it, a restore included, what it had is there still.
            for (claim, uid) in &seen.first {
                let kept = seen.claims.get(claim) == Some(uid);
                self.demand(kept, || format!("{name} is done, but volume {claim} is another one"));
            }
        }
    }
}
