//! Whose last lines are worth reading: what a container says tells what its status does not. Who reads them hands them to
//! [`super::Board::heard`].

use crate::{
    fleet::{Boot, Phase, Pod, State, StepKind, StepState, Text, Uid},
    index::Entry,
};

/// A container of one very pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    pub pod: Text,
    pub pod_uid: Uid,
    pub container: Text,
}

impl Telling {
    /// The container that a tenant's boot hangs on, or else one in trouble; `None` of a tenant that is well.
    pub fn first(entry: &Entry) -> Option<Self> {
        Self::of_boot(entry).or_else(|| Self::in_trouble(entry).next())
    }

    /// The stage, or the gateway, that a boot is at, once it has begun to write.
    pub fn of_boot(entry: &Entry) -> Option<Self> {
        if !matches!(entry.verdict.phase, Phase::Booting { .. } | Phase::Starting | Phase::Failing) {
            return None;
        }
        let pod = entry.tenant.pod()?;
        let boot = Boot::of(pod);
        let step = boot.current()?;
        let container = match &step.kind {
            StepKind::Stage(name) => name.clone(),
            StepKind::Gateway => pod.gateway()?.name.clone(),
            StepKind::Scheduling | StepKind::Volumes => return None,
        };
        let began = matches!(step.state, StepState::Running { .. } | StepState::Failed { since: Some(_), .. });
        began.then(|| Self::of(pod, container))
    }

    /// All that is worth a look when somebody asks what is wrong: also a gateway that runs, which lives with much.
    pub fn all(entry: &Entry) -> Vec<Self> {
        let pod = entry.tenant.pod();
        let gateway = pod.and_then(|pod| Some((pod, pod.gateway()?)));
        let gateway = gateway.filter(|(_, c)| matches!(c.state, State::Running { .. }));
        let gateway = gateway.map(|(pod, c)| Self::of(pod, c.name.clone()));
        let mut all = Vec::new();
        for telling in Self::of_boot(entry).into_iter().chain(Self::in_trouble(entry)).chain(gateway) {
            if !all.contains(&telling) {
                all.push(telling);
            }
        }
        all
    }

    fn in_trouble(entry: &Entry) -> impl Iterator<Item = Self> {
        let pod = entry.tenant.pod();
        pod.into_iter().flat_map(|pod| {
            // One that has never run has written nothing.
            let tells = pod.containers.iter().filter(|c| match &c.state {
                State::Waiting(_) => c.last.is_some(),
                State::Running { .. } => !c.ready,
                State::Terminated(_) => true,
            });
            tells.map(|c| Self::of(pod, c.name.clone()))
        })
    }

    fn of(pod: &Pod, container: Text) -> Self {
        Self { pod: pod.name.clone(), pod_uid: pod.uid, container }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::fixture::*,
        fleet::{Terminated, Words, fixture::*},
    };

    fn names(pod: Pod) -> (Option<String>, Vec<String>) {
        let fleet = fleet_of(&tenant("a", Some(pod)), None, at(200));
        let entry = fleet.get("tenant-a").unwrap();
        let name = |t: Telling| t.container.to_string();
        (Telling::first(entry).map(name), Telling::all(entry).into_iter().map(name).collect())
    }

    #[test]
    fn it_is_what_the_boot_hangs_on_or_what_is_in_trouble() {
        let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(names(ready()), (None, own(&["gateway"])));
        assert_eq!(names(booting(3)), (Some(STAGES[3].to_owned()), own(&[STAGES[3]])));
        let mut pod = booting(3);
        pod.stages[3].state = waiting("PodInitializing");
        assert_eq!(names(pod), (None, vec![]), "it has written nothing yet");
        assert_eq!(names(starting()).0.as_deref(), Some("gateway"));
        let mut pod = ready();
        pod.containers[1].state = waiting("CrashLoopBackOff");
        pod.containers[1].last = Some(Box::new(Terminated::new(1, Words::reason_only("Error"), None, None)));
        pod.containers[1].ready = false;
        let browser = pod.containers[1].name.to_string();
        assert_eq!(names(pod), (Some(browser.clone()), vec![browser, "gateway".to_owned()]));
    }
}
