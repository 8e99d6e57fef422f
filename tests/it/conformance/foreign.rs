//! A fleet that another hand has made and runs: other labels, other names, another shape.

use fleetdeck::{
    cluster::{Mode, Scope},
    diagnose::{Board, Code, Tiers},
    engine::Order,
    fleet::{
        At, Phase,
        name::{Holds, Roles},
    },
    index::{Entry, digest::Labels},
    plan::{End, Intent, Ledger, Why},
};
use serde_json::{Value, json};

use crate::conformance::{
    acting::{Operator, image, one},
    world::World,
};

told_twice! { foreign:
    an_operator_s_fleet_is_watched_and_diagnosed_at_once
    containers_play_the_parts_that_the_configuration_gives_them
    names_of_namespaces_tell_tenants_where_no_label_does
}

const IMAGE: &str = "ghcr.io/openclaw/openclaw:2026.8.2";
/// As that operator calls them.
const CONTAINERS: [(&str, &str); 2] = [("openclaw", IMAGE), ("chromium", "docker.io/chromedp/headless-shell:stable")];

/// As openclaw-operator labels what it makes; its Namespaces are whoever's.
fn labels(instance: &str) -> Value {
    json!({
        "app.kubernetes.io/name": "openclaw",
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/managed-by": "openclaw-operator",
    })
}

fn scope() -> Scope {
    Scope {
        labels: Labels { tenant: "app.kubernetes.io/instance".to_owned(), ..Labels::default() },
        select: "app.kubernetes.io/managed-by=openclaw-operator".to_owned(),
        ..Scope::default()
    }
}

/// An instance as that operator shapes it: a claim of another name, its own stages, `openclaw` and `chromium`.
async fn make(world: &World, namespace: &str, instance: &str, nodes: Value, containers: &[(&str, &str)]) {
    make_with(world, namespace, instance, labels(instance), nodes, containers).await;
}

async fn make_with(
    world: &World,
    namespace: &str,
    instance: &str,
    labels: Value,
    nodes: Value,
    containers: &[(&str, &str)],
) {
    let container = |name: &str, image: &str| json!({ "name": name, "image": image, "command": ["sleep", "1d"] });
    let meta = |name: &str| json!({ "name": name, "namespace": namespace, "labels": labels });
    let stages: Vec<Value> =
        ["init-config", "init-skills", "init-plugins"].iter().map(|stage| container(stage, IMAGE)).collect();
    let containers: Vec<Value> = containers.iter().map(|(name, image)| container(name, image)).collect();
    let objects = [
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }),
        json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta(&format!("{instance}-data")),
            "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "10Gi" } } } }),
        json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta(instance), "spec": {
            "replicas": 1, "serviceName": instance, "podManagementPolicy": "Parallel",
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": {
                "nodeSelector": nodes,
                "tolerations": [{ "operator": "Exists" }],
                "initContainers": stages,
                "containers": containers,
                "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": format!("{instance}-data") } }],
            } },
        } }),
        // Somebody else's workload with the same label key: no tenant.
        json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": { "name": "elsewhere", "namespace": namespace,
                "labels": { "app.kubernetes.io/instance": "prometheus", "app.kubernetes.io/managed-by": "Helm" } },
            "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } }),
    ];
    for object in &objects {
        world.cluster.apply(object, Mode::Live).await.unwrap_or_else(|e| panic!("{e}"));
    }
}

pub(crate) async fn an_operator_s_fleet_is_watched_and_diagnosed_at_once(world: &World) {
    let spec = world.spec("op");
    let (well, lost) = (format!("oc-{}", spec.namespace()), format!("oc-{}-2", spec.namespace()));
    make(world, &well, "ada", json!({ "openclaw.ai/workload": "tenant" }), &CONTAINERS).await;
    make(world, &lost, "ben", json!({ "example.com/nowhere": "x" }), &CONTAINERS).await;
    let mut operator = Operator::new(world).await;
    operator.watching = world.watch_as(&scope());
    operator.watching.settle().await;
    let up = |e: &Entry| e.verdict.phase == Phase::Ready;
    let phases = operator.watching.until(&well, "up", up).await;
    assert!(!phases.is_empty());
    let unplaced = |e: &Entry| e.tenant.pod().is_some_and(|p| p.scheduled.as_ref().is_some_and(|c| !c.met));
    operator.watching.until(&lost, "nowhere to go", unplaced).await;
    let ada = &operator.entry(&well).tenant;
    assert_eq!((ada.id.as_str(), ada.tier.is_none()), ("ada", true));
    assert_eq!(
        ada.wanted_image().unwrap().tag,
        Some("2026.8.2"),
        "the main container is the gateway, whatever its name"
    );
    assert_eq!(ada.pod().unwrap().stages.len(), 3, "its own stages");
    assert_eq!(ada.pod().unwrap().browser().map(|c| c.name.as_str()), Some("chromium"));
    let claims: Vec<&str> = ada.claims.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(claims, ["ada-data"], "another's claim with the same label key is nobody's here");

    // What is wrong with it is found; that it is not made as ours is no fault.
    let mut board = Board::new(Tiers::default());
    board.update_all(&operator.watching.fleet, now(world));
    let found: Vec<Code> = board.of(&well).iter().map(|f| f.code).collect();
    assert_eq!(found, [], "a healthy one");
    // The scheduler is given a while before its word is taken for the end of the matter.
    board.update_all(&operator.watching.fleet, now(world).plus(120));
    let told: Vec<Code> = board.of(&lost).iter().map(|f| f.code).collect();
    assert_eq!(told, [Code::NoNodeMatches]);

    // What changes tenants says that it is to be adopted first.
    let refusal = operator.plan(image("2026.9.1"), one(), &[&well], up).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::NotAdopted, "{refusal}");
    // A restart is bound to its pod, and needs nothing of ours; its Namespace carries no label, so that nobody has seen it.
    let before = operator.entry(&well).tenant.pod().unwrap().uid;
    assert_eq!(operator.entry(&well).tenant.namespace, None);
    let plan = operator.plan(Intent::Restart, one(), &[&well], up).await.unwrap();
    let kept = operator.keep(&plan, "dana").await.unwrap();
    operator.scope = scope();
    let told = operator.run_until(&plan, Ledger::new(&plan), Some(kept), |_| Order::Go).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    let anew = |e: &Entry| up(e) && e.tenant.pod().is_some_and(|pod| pod.uid != before);
    operator.watching.until(&well, "its new pod", anew).await;
    for namespace in [&well, &lost] {
        if let Some(uid) = world.cluster.namespace_uid(namespace).await.unwrap() {
            world.cluster.delete_namespace(namespace, uid).await.unwrap();
        }
    }
}

/// The gateway is neither the first container nor called so, and the browser has a name of its own.
pub(crate) async fn containers_play_the_parts_that_the_configuration_gives_them(world: &World) {
    let namespace = format!("oc-{}", world.spec("cam").namespace());
    let containers = [
        ("metrics", "docker.io/library/busybox:1.36"),
        ("app", IMAGE),
        ("headful", "docker.io/chromedp/headless-shell:stable"),
    ];
    make(world, &namespace, "cam", json!({ "openclaw.ai/workload": "tenant" }), &containers).await;
    let mut operator = Operator::new(world).await;
    let up = |e: &Entry| e.verdict.phase == Phase::Ready;
    let named = Roles {
        gateway: vec!["app".to_owned()],
        browser: vec!["headful".to_owned()],
        config_claims: vec!["*-data".to_owned()],
        ..Roles::default()
    };
    for (roles, gateway, image, browser) in
        [(Roles::default(), "metrics", "docker.io/library/busybox:1.36", None), (named, "app", IMAGE, Some("headful"))]
    {
        let scope = scope();
        operator.watching = world.watch_as(&Scope { labels: Labels { roles, ..scope.labels.clone() }, ..scope });
        operator.watching.settle().await;
        operator.watching.until(&namespace, "up", up).await;
        let cam = &operator.entry(&namespace).tenant;
        let pod = cam.pod().unwrap();
        assert_eq!(pod.gateway().map(|c| c.name.as_str()), Some(gateway));
        assert_eq!(pod.browser().map(|c| c.name.as_str()), browser);
        assert_eq!(cam.set().and_then(|set| set.image.as_deref()), Some(image));
        let held = cam.claim_for(Holds::Config).map(|claim| claim.name.as_str());
        assert_eq!(held, browser.and(Some("cam-data")));
    }
    if let Some(uid) = world.cluster.namespace_uid(&namespace).await.unwrap() {
        world.cluster.delete_namespace(&namespace, uid).await.unwrap();
    }
}

/// A chart that somebody installs once per user: every copy has the same labels, and only the Namespace says whose it is.
pub(crate) async fn names_of_namespaces_tell_tenants_where_no_label_does(world: &World) {
    let prefix = format!("oc-{}", world.spec("dot").namespace());
    let (dot, eve) = (format!("{prefix}-dot-x"), format!("{prefix}-eve-x"));
    let staging = format!("{prefix}-dot-staging");
    let chart = json!({ "app": "claw" });
    let pool = json!({ "openclaw.ai/workload": "tenant" });
    for (namespace, labels) in [(&dot, chart.clone()), (&eve, json!({ "app": "wiki" })), (&staging, chart)] {
        make_with(world, namespace, "claw", labels, pool.clone(), &CONTAINERS).await;
    }
    let named = Labels {
        tenant: String::new(),
        namespace: Some(format!("{prefix}-*-x").parse().unwrap()),
        ..Labels::default()
    };
    let scope = Scope { labels: named, select: "app=claw".to_owned(), ..Scope::default() };
    let mut operator = Operator::new(world).await;
    operator.watching = world.watch_as(&scope);
    operator.watching.settle().await;
    let up = |e: &Entry| e.verdict.phase == Phase::Ready;
    operator.watching.until(&dot, "up", up).await;
    let entry = operator.entry(&dot);
    assert_eq!((entry.tenant.id.as_str(), entry.tenant.pods.len(), entry.tenant.claims.len()), ("dot", 1, 1));
    let all: Vec<&str> = operator.watching.fleet.iter().map(|e| e.tenant.id.as_str()).collect();
    assert_eq!(all, ["dot", "eve"], "both have such a name; the third has not");
    let eves = &operator.entry(&eve).tenant;
    assert!(eves.namespace.is_some() && eves.sets.is_empty() && eves.claims.is_empty(), "nothing in it is selected");

    // The same without any selector: whatever lies in such a namespace is that tenant's.
    operator.watching = world.watch_as(&Scope { select: String::new(), ..scope.clone() });
    operator.watching.settle().await;
    operator.watching.until(&eve, "up", up).await;
    operator.watching.until(&dot, "its Namespace", |e| e.tenant.namespace.is_some() && up(e)).await;
    let all: Vec<&str> = operator.watching.fleet.iter().map(|e| e.tenant.id.as_str()).collect();
    assert_eq!(all, ["dot", "eve"]);
    assert_eq!(operator.entry(&dot).tenant.claims.len(), 2);

    // What stands on the nodes beside tenants are the pods that are not theirs.
    let everywhere = Scope { select: String::new(), ..scope.clone() };
    let mut beside = Vec::new();
    for scope in [&Scope::default(), &scope, &everywhere] {
        let others = world.cluster.pool_facts(scope).await.others.unwrap();
        beside.push(others.values().map(|load| load.pods).sum::<u32>());
    }
    // Nobody else is in a simulation.
    if world.sim.is_some() {
        assert_eq!(beside, [3, 2, 1]);
    }

    let refusal = operator.plan(image("2026.9.1"), one(), &[&dot], up).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::NotAdopted, "{refusal}");
    for namespace in [&dot, &eve, &staging] {
        if let Some(uid) = world.cluster.namespace_uid(namespace).await.unwrap() {
            world.cluster.delete_namespace(namespace, uid).await.unwrap();
        }
    }
}

fn now(world: &World) -> At {
    world.cluster.clock().now()
}
