//! The end of a create: its door, and a node for its pod. What nobody can know for sure is said, and is no failure.

use fleetdeck::{
    cluster::{Address, Fault},
    fleet::name::CLAIM_ANNOTATION,
    manifest::TenantSpec,
    plan::{End, Intent, State, Step, Until},
    sim::scenario::Scenario,
};
use k8s_openapi::api::networking::v1::Ingress;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{
    conformance::{
        acting::{Operator, Told, one, ready},
        world::World,
    },
    controlplane::ControlPlane,
};

told_twice! { creating:
    a_create_ends_with_an_address_or_with_the_reason_why_there_is_none
    a_token_of_somebody_who_was_taken_over_from_is_refused
}

/// Another client than ours: only a test plays a controller.
pub(crate) async fn client(world: &World) -> Client {
    if let Some(sim) = &world.sim {
        return crate::sim_kubelet::client_of(sim);
    }
    ControlPlane::shared().expect("the world is one").client().await
}

async fn created(operator: &mut Operator<'_>, spec: &TenantSpec) -> Told {
    let intent = Intent::Create { spec: Box::new(spec.clone()) };
    let plan = operator.plan(intent, one(), &[], |_| true).await.unwrap();
    let last = plan.recipes[0].last().unwrap();
    assert!(matches!(last, Step::Await { until: Until::Addressed, .. }), "{last:?}");
    operator.run(&plan).await
}

fn said(told: &Told, spec: &TenantSpec) -> String {
    assert_eq!(told.end(), End::Done, "{}", told.said());
    match told.state(&spec.namespace()) {
        State::Done { said, .. } => said.clone(),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_create_ends_with_an_address_or_with_the_reason_why_there_is_none(world: &World) {
    let mut operator = Operator::new(world).await;
    // Without a class, where none is the default.
    let bare = world.spec("a");
    let told = said(&created(&mut operator, &bare).await, &bare);
    assert!(told.starts_with("Ready by the kubelet's probe"), "the proof comes first: {told}");
    assert!(
        told.contains("its Ingress has no address: ") && told.contains("no ") && told.contains("IngressClass"),
        "{told}"
    );
    // A class that nobody has made.
    let lost = TenantSpec { ingress_class: Some("nobody-has-made-it".to_owned()), ..world.spec("b") };
    let told = said(&created(&mut operator, &lost).await, &lost);
    assert!(told.contains("the cluster has no IngressClass nobody-has-made-it"), "{told}");
    // One that somebody serves.
    let class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": { "name": "stories" }, "spec": { "controller": "stories.example.com/ingress" },
    });
    match world.cluster.create(&class).await {
        Err(error) if error.fault != Fault::Exists => panic!("{error}"),
        _ => {}
    }
    let served = TenantSpec { ingress_class: Some("stories".to_owned()), ..world.spec("c") };
    let namespace = served.namespace();
    let ingresses: Api<Ingress> = Api::namespaced(client(world).await, &namespace);
    let serve = async {
        operator.watching.until(&namespace, "Ready", ready).await;
        let status = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": "192.0.2.7" }] } } });
        ingresses.patch_status("openclaw", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    };
    let mut other = Operator::new(world).await;
    let (told, ()) = tokio::join!(Box::pin(created(&mut other, &served)), Box::pin(serve));
    let told = said(&told, &served);
    assert!(told.ends_with("its Ingress has the address 192.0.2.7"), "{told}");
    // One whose controller does not run: the wait has an end.
    if world.sim.is_some() {
        let silent = TenantSpec { ingress_class: Some("stories".to_owned()), ..world.spec("d") };
        let told = said(&created(&mut operator, &silent).await, &silent);
        assert!(told.contains("for stories.example.com/ingress; whether that runs is not known"), "{told}");
    }
}

/// The default class is written into an Ingress by the server; on a cluster that stories share nobody may set one.
#[tokio::test(start_paused = true)]
async fn the_default_class_is_the_servers_choice() {
    let world = World::simulator("the_default_class");
    let class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": { "name": "usual", "annotations": { "ingressclass.kubernetes.io/is-default-class": "true" } },
        "spec": { "controller": "example.com/ingress" },
    });
    world.cluster.create(&class).await.unwrap();
    let mut operator = Operator::new(&world).await;
    let spec = world.spec("a");
    let told = said(&created(&mut operator, &spec).await, &spec);
    assert!(told.contains("IngressClass usual is for example.com/ingress"), "{told}");
}

/// Nobody reads a Secret, so that no version of it fences a write: the server compares the claim on it.
pub(crate) async fn a_token_of_somebody_who_was_taken_over_from_is_refused(world: &World) {
    let spec = world.spec("a");
    world.create(&spec).await;
    let (name, namespace, cluster) = ("gateway-token", spec.namespace(), &world.cluster);
    let [late, ours] = ["rotate-token-x/0", "rotate-token-x/1"].map(|claim| (CLAIM_ANNOTATION, claim));
    let replace = async |mark| cluster.replace_marked_secret(&namespace, name, ("token", "another"), mark).await;
    assert_eq!(replace(late).await.unwrap_err().fault, Fault::Refused, "nothing is marked yet");
    cluster.mark_secret(&namespace, name, late).await.unwrap();
    // It sleeps; somebody takes over.
    cluster.mark_secret(&namespace, name, ours).await.unwrap();
    let error = replace(late).await.unwrap_err();
    assert!(error.fault == Fault::Refused && !error.said.contains("another"), "{error}");
    replace(ours).await.unwrap();
    assert_eq!(replace(ours).await.unwrap_err().fault, Fault::Refused, "the mark goes with the write");
}

/// Nodes too small for anybody, and the words that an autoscaler has for it.
fn crowded() -> World {
    let text = "[[sim.node]]\nname = 'small'\nlabels = { 'openclaw.ai/workload' = 'tenant' }\n\
                allocatable = { cpu = '100m', memory = '512Mi', pods = 20, ephemeral-storage = '20Gi' }\n";
    World::with_scenario("crowded", Scenario::parse("small.toml", text).unwrap())
}

async fn autoscaler_says(world: &World, namespace: &str, reason: &str) {
    let pod = world.cluster.object(&Address::kind("Pod", namespace, "openclaw-0").unwrap()).await.unwrap().unwrap();
    let now = world.cluster.clock().now();
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": { "name": format!("as-{reason}").to_lowercase(), "namespace": namespace },
        "involvedObject": {
            "apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": "openclaw-0", "uid": pod["metadata"]["uid"],
        },
        "type": "Normal", "reason": reason, "message": "pod didn't trigger scale-up: 1 max node group size reached",
        "source": { "component": "cluster-autoscaler" }, "firstTimestamp": now, "lastTimestamp": now, "count": 1,
    });
    world.cluster.create(&event).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn want_of_room_is_a_failure_only_by_the_autoscalers_word() {
    let world = crowded();
    let spec = world.spec("a");
    let namespace = spec.namespace();
    let mut operator = Operator::new(&world).await;
    let mut other = Operator::new(&world).await;
    let began = world.cluster.clock().now();
    let say = async {
        operator.watching.until(&namespace, "without a node", |e| e.tenant.pod().is_some()).await;
        autoscaler_says(&world, &namespace, "TriggeredScaleUp").await;
        // As long as a node takes to come, and longer than a pod may fail for another reason.
        tokio::time::sleep(std::time::Duration::from_secs(400)).await;
        autoscaler_says(&world, &namespace, "NotTriggerScaleUp").await;
    };
    let (told, ()) = tokio::join!(Box::pin(created(&mut other, &spec)), Box::pin(say));
    let State::Failed { said, .. } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert!(said.starts_with("no node has room for its pod, and the autoscaler makes none: "), "{said}");
    let took = world.cluster.clock().now().since(began);
    assert!((400..500).contains(&took), "{took} s");
}
