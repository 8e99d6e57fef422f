//! Whatever is seen of a tenant: where its phase says that it does not serve, a finding says why; and what is found in
//! order is found in the same order again.

use proptest::prelude::*;

use super::{Code, Severity, fixture::*, kept_down};
use crate::fleet::{
    Condition, Container, Phase, Pod, PodPhase, State, StatefulSet, Tenant, Verdict, Warning, Words, fixture::*,
};
use crate::index::{Entry, Forecast, outlook::for_user};

const REASONS: [&str; 10] = [
    "PodInitializing",
    "ContainerCreating",
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "RunContainerError",
    "SomethingNew",
    "",
];

fn state() -> impl Strategy<Value = (State, bool, u32)> {
    let wait = (0..REASONS.len()).prop_map(|i| {
        let reason = REASONS[i];
        State::Waiting(Words::new((!reason.is_empty()).then(|| text(reason)), Some(text("secret \"x\" not found"))))
    });
    let run = prop_oneof![Just(Some(at(60))), Just(None)].prop_map(|since| State::Running { since });
    let end = prop_oneof![Just(0), Just(1), Just(28), Just(137)]
        .prop_map(|exit| State::Terminated(ended(exit, if exit == 137 { "OOMKilled" } else { "Error" }, 50, 60)));
    (prop_oneof![wait, run, end], any::<bool>(), 0_u32..3)
}

fn apply(container: &mut Container, (state, ready, restarts): (State, bool, u32)) {
    container.ready = ready && matches!(state, State::Running { .. });
    container.state = state;
    container.restarts = restarts;
    if restarts > 0 {
        container.last = Some(Box::new(ended(1, "Error", 10, 40)));
    }
}

fn pod() -> impl Strategy<Value = Pod> {
    let condition = || {
        prop_oneof![
            Just(None),
            Just(Some(Condition { met: true, since: Some(at(70)), words: Words::new(None, None) })),
            Just(Some(Condition {
                met: false,
                since: Some(at(70)),
                words: Words::new(
                    Some(text("Unschedulable")),
                    Some(text("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."))
                ),
            })),
            Just(Some(Condition { met: false, since: None, words: Words::new(None, None) })),
        ]
    };
    let phase = prop_oneof![4 => Just(PodPhase::Running), 2 => Just(PodPhase::Pending), 1 => Just(PodPhase::Failed)];
    (0_usize..=7, proptest::collection::vec(state(), 4), condition(), condition(), phase, any::<bool>(), any::<bool>())
        .prop_map(|(stages, states, scheduled, ready, phase, placed, going)| {
            let mut pod = booting(stages);
            let mut states = states.into_iter();
            if let (Some(stage), Some(state)) = (pod.stages.get_mut(stages), states.next()) {
                apply(stage, state);
            }
            for (container, state) in pod.containers.iter_mut().zip(states) {
                apply(container, state);
            }
            pod.phase = phase;
            pod.scheduled = scheduled;
            pod.ready = ready;
            if !placed {
                pod.node = None;
            }
            if going {
                pod.deleting = Some(at(100));
            }
            pod
        })
}

/// The kubelet tells of this pod that a Secret is not there.
fn unmounted(pod: &Pod, last: u32) -> Warning {
    let message = text("MountVolume.SetUp failed for volume \"x\" : secret \"x\" not found");
    let (reason, kind, object) = (text("FailedMount"), text("Pod"), pod.name.clone());
    Warning { object_uid: Some(pod.uid), last: Some(at(last)), reason, kind, object, message, ..refusal(50) }
}

fn any_tenant() -> impl Strategy<Value = Tenant> {
    let warned = (any::<bool>(), proptest::option::of(100_u32..5_000));
    (proptest::option::of(pod()), 0_u32..2, any::<bool>(), warned, any::<bool>(), any::<bool>()).prop_map(
        |(pod, wanted, has_set, (refused, hung), going, claims)| {
            let mut tenant = tenant("a", pod);
            tenant.sets = has_set.then(|| StatefulSet { wanted, ..set() }).into_iter().collect();
            let hung = hung.and_then(|last| Some(unmounted(tenant.pod()?, last)));
            tenant.warnings = refused.then(|| refusal(50)).into_iter().chain(hung).collect();
            if going && let Some(namespace) = &mut tenant.namespace {
                namespace.deleting = Some(at(90));
            }
            if !claims {
                tenant.claims = Box::default();
            }
            tenant
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_does_not_serve_is_explained(tenant in any_tenant(), now in 100_u32..5_000) {
        let verdict = Verdict::of(&tenant, at(now));
        let found = diagnose(&tenant, now).findings;
        match verdict.phase {
            Phase::Failing => {
                prop_assert!(!found.is_empty(), "{verdict:?}\n{tenant:#?}");
                prop_assert!(found[0].down, "{:?} is first of a failing tenant: {verdict:?}", found[0]);
                prop_assert_eq!(found[0].severity, Severity::Critical);
            }
            Phase::Degraded => prop_assert!(!found.is_empty(), "{verdict:?}\n{tenant:#?}"),
            Phase::Ready => prop_assert!(found.iter().all(|f| !f.down), "{found:?}"),
            Phase::Suspended | Phase::Parked => prop_assert!(found.iter().all(|f| !f.down || f.code == Code::PodStuck), "{found:?}"),
            _ => {}
        }
        for finding in &found {
            prop_assert!(!finding.sentence.is_empty() && !finding.advice.is_empty(), "{finding:?}");
            prop_assert!(!finding.evidence.is_empty(), "{finding:?} proves nothing");
            prop_assert!(!finding.sentence.ends_with('.') || finding.sentence.contains("0/"), "{finding:?}");
        }
        let mut pairs: Vec<_> = found.iter().map(|f| (f.code, f.about.clone())).collect();
        pairs.sort();
        pairs.dedup();
        prop_assert_eq!(pairs.len(), found.len(), "one fault told twice: {:?}", found);
        prop_assert_eq!(diagnose(&tenant, now).findings, found);
    }

    /// Somebody whom a critical finding keeps down is promised nothing, whatever phase Kubernetes' reports amount to.
    #[test]
    fn nobody_who_is_kept_down_is_told_of_a_start(
        tenant in any_tenant(),
        now in 100_u32..5_000,
        seconds in proptest::option::of(1_u32..900),
    ) {
        let verdict = Verdict::of(&tenant, at(now));
        let found = diagnose(&tenant, now).findings;
        let down = found.iter().any(|f| f.down && f.severity == Severity::Critical);
        let kept = kept_down(&verdict.phase, &found).is_some();
        prop_assert_eq!(kept, down && verdict.phase.in_progress());
        let forecast = seconds.map(|seconds| Forecast::Left { seconds, samples: 9 });
        let entry = Entry { verdict, tenant, changed: None };
        let said = for_user(&entry, forecast, kept);
        if kept {
            prop_assert_eq!(&*said, "Your assistant cannot start at the moment; an operator has to look at it.");
        }
    }
}

/// The property above is about somebody.
#[test]
fn a_pod_without_its_secret_is_kept_down_however_it_is_called() {
    let mut tenant = tenant("a", Some(booting(0)));
    tenant.pods[0].stages[0].state = waiting("PodInitializing");
    tenant.warnings = Box::new([unmounted(&tenant.pods[0], 650)]);
    let check = |tenant: &Tenant, now: u32, expect: Option<Code>| {
        let phase = Verdict::of(tenant, at(now)).phase;
        assert!(matches!(phase, Phase::Booting { .. }), "{phase:?}");
        assert_eq!(kept_down(&phase, &diagnose(tenant, now).findings).map(|f| f.code), expect);
    };
    check(&tenant, 700, Some(Code::ConfigMissing));
    tenant.warnings = Box::default();
    check(&tenant, 150, None);
    check(&tenant, 700, Some(Code::StartSlow));
}
