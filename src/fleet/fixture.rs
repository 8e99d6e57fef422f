//! Tenants for tests, built by hand.

use std::sync::Arc;

use super::{name::Roles, *};

pub(crate) const STAGES: [&str; 7] = [
    "seed-app",
    "create-workspace",
    "write-config",
    "rehydrate-runtime-apt",
    "setup-sudo",
    "download-cli-tools",
    "copy-chrome-cdp",
];

/// Second `n` after an arbitrary start.
pub(crate) fn at(n: u32) -> At {
    At::from_unix(1_790_000_000 + i64::from(n)).unwrap()
}

pub(crate) fn uid(n: u128) -> Uid {
    Uid::from_u128(n)
}

pub(crate) fn text(s: &str) -> Text {
    Text::from(s)
}

pub(crate) fn waiting(reason: &str) -> State {
    State::Waiting(Words::reason_only(reason))
}

pub(crate) fn ended(exit_code: i32, reason: &str, started: u32, finished: u32) -> Terminated {
    Terminated::new(exit_code, Words::reason_only(reason), Some(at(started)), Some(at(finished)))
}

pub(crate) fn container(name: &str, image: &str) -> Container {
    Container {
        spec: Arc::new(ContainerSpec {
            name: text(name),
            image: text(image),
            role: Roles::default().of(name),
            ..ContainerSpec::default()
        }),
        state: waiting("PodInitializing"),
        last: None,
        restarts: 0,
        ready: false,
        started: false,
    }
}

pub(crate) fn condition(met: bool, since: u32) -> Option<Condition> {
    Some(Condition { met, since: Some(at(since)), words: Words::NONE })
}

pub(crate) fn moment(met: bool, since: u32) -> Option<Moment> {
    Some(Moment { met, since: Some(at(since)) })
}

/// A pod made at second 0, scheduled at 1, with no stage started yet.
pub(crate) fn pod() -> Pod {
    let image = "ghcr.io/openclaw/openclaw:2026.8.2";
    Pod {
        uid: uid(10),
        name: text("openclaw-0"),
        owner: Some(text("openclaw")),
        revision: Some(text("openclaw-1")),
        node: Some(text("node-1")),
        ip: None,
        created: Some(at(0)),
        deleting: None,
        grace: 30,
        phase: PodPhase::Pending,
        words: Words::NONE,
        scheduled: condition(true, 1),
        sandbox: moment(false, 1),
        initialized: moment(false, 1),
        ready: condition(false, 1),
        stages: STAGES.iter().map(|s| container(s, image)).collect(),
        containers: ["gateway", "browser", "browser-ui"].iter().map(|c| container(c, image)).collect(),
    }
}

/// The same with the first `n` stages done, ten seconds each, and the next one running.
pub(crate) fn booting(n: usize) -> Pod {
    let mut pod = pod();
    pod.sandbox = moment(true, 5);
    for (i, stage) in (0_u32..).zip(&mut *pod.stages).take(n) {
        stage.state = State::Terminated(ended(0, "Completed", 5 + i * 10, 15 + i * 10));
    }
    if let (Some(stage), Ok(done)) = (pod.stages.get_mut(n), u32::try_from(n)) {
        stage.state = State::Running { since: Some(at(5 + done * 10)) };
    }
    pod
}

/// The same with all stages done and all containers running since second 80, none ready.
pub(crate) fn starting() -> Pod {
    let mut pod = booting(7);
    pod.phase = PodPhase::Running;
    pod.initialized = moment(true, 75);
    for c in &mut pod.containers {
        c.state = State::Running { since: Some(at(80)) };
        c.started = true;
    }
    pod
}

/// The same, Ready since second 110.
pub(crate) fn ready() -> Pod {
    let mut pod = starting();
    pod.ready = condition(true, 110);
    for c in &mut pod.containers {
        c.ready = true;
    }
    pod
}

pub(crate) fn set() -> StatefulSet {
    StatefulSet {
        uid: uid(20),
        name: text("openclaw"),
        created: Some(at(0)),
        deleting: None,
        generation: 1,
        observed_generation: 1,
        wanted: 1,
        ready: 0,
        updated: 1,
        current_revision: Some(text("openclaw-1")),
        update_revision: Some(text("openclaw-1")),
        image: Some(text("ghcr.io/openclaw/openclaw:2026.8.2")),
        on_delete: true,
        partition: 0,
        retention_deletes: false,
        run: None,
    }
}

pub(crate) fn claim(n: u128, name: &str) -> Claim {
    Claim {
        uid: uid(30 + n),
        name: text(name),
        holds: Roles::default().held_by(name),
        created: Some(at(0)),
        phase: ClaimPhase::Bound,
        requested: Some(Quantity::whole(20 << 30)),
        capacity: Some(Quantity::whole(20 << 30)),
        class: Some(text("managed-csi")),
        volume: Volume::of(uid(30), Some(text("pvc-1"))),
        unrest: None,
        placed: false,
        usage: None,
        growth: None,
    }
}

/// A tenant of the contract with this pod.
/// What is under way with a claim that is to go since then.
pub(crate) fn going(since: u32) -> Option<Box<Unrest>> {
    Some(Box::new(Unrest { deleting: Some(at(since)), ..Unrest::default() }))
}

/// The same of one whose resize has come so far.
pub(crate) fn resizing(state: &str, since: Option<u32>) -> Option<Box<Unrest>> {
    Some(Box::new(Unrest { deleting: None, resize: Some(text(state)), resize_since: since.map(at) }))
}

pub(crate) fn tenant(id: &str, pod: Option<Pod>) -> Tenant {
    let mut tenant = Tenant::new(text(&format!("tenant-{id}")), text(id));
    tenant.tier = Some(Tier::Pro);
    tenant.namespace = Some(Namespace {
        uid: uid(1),
        created: Some(at(0)),
        deleting: None,
        remaining: None,
        host: Some(text(&format!("{id}.oclawbox.com"))),
        owner: Some(text(&format!("@{id}"))),
        spec: Some(SpecDigest::of(id)),
        claim: None,
        done: None,
    });
    tenant.sets = Box::new([set()]);
    tenant.pods = pod.into_iter().collect();
    tenant.claims = Box::new([claim(0, "app-data"), claim(1, "config-data")]);
    tenant
}

pub(crate) fn refusal(n: u32) -> Warning {
    Warning {
        uid: uid(40),
        name: text("openclaw.1"),
        kind: text("StatefulSet"),
        object: text("openclaw"),
        object_uid: Some(uid(20)),
        container: None,
        reason: text("FailedCreate"),
        message: text(
            "create Pod openclaw-0 in StatefulSet openclaw failed error: pods \"openclaw-0\" is forbidden: exceeded \
             quota: tenant, requested: limits.memory=2200Mi, used: limits.memory=0, limited: limits.memory=2Gi",
        ),
        count: 3,
        first: Some(at(n)),
        last: Some(at(n + 5)),
    }
}

/// A node of the pool that is as it should be.
pub(crate) fn node(name: &str) -> Node {
    Node {
        uid: uid(name.bytes().fold(500_u128, |n, b| n.wrapping_mul(31).wrapping_add(u128::from(b)))),
        name: text(name),
        created: Some(at(0)),
        deleting: None,
        ready: condition(true, 0),
        pressures: Box::default(),
        taints: Box::default(),
        unschedulable: false,
        zone: Some(text("weu-1")),
        cpu: Some(Quantity::whole(4)),
        memory: Some(Quantity::whole(16 << 30)),
        pods: Some(Quantity::whole(110)),
        attached: 0,
    }
}
