//! Claims and volumes.

use serde_json::json;

use super::*;
use crate::sim::delete::DeleteOptions;
use crate::sim::kinds::{NODE, PV, PVC, VOLUME_ATTACHMENT};

fn claim(name: &str, class: Option<&str>, size: &str) -> Value {
    let mut claim = json!({
        "metadata": {"name": name, "namespace": "t"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    });
    if let Some(class) = class {
        claim["spec"]["storageClassName"] = class.into();
    }
    claim
}

fn set_with_claim(name: &str) -> Value {
    set_with(
        "web",
        json!({
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
            "containers": [{"name": "gateway", "image": "a:1"}],
        }),
    )
}

impl World {
    fn claim(&self, name: &str) -> Option<Arc<Value>> {
        self.ctx.store.get(PVC, "t", name)
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_waits_for_its_pod_and_then_binds() {
    let world = World::new(Scenario::builtin());
    world.create(PVC, claim("app-data", None, "20Gi"));
    world.seconds(30).await;
    let c = world.claim("app-data").expect("there");
    assert_eq!(c["spec"]["storageClassName"], "standard");
    assert_ne!(c["status"]["phase"], "Bound");
    assert!(world.has_event("WaitForFirstConsumer waiting for first consumer to be created before binding"));
    world.create(STATEFUL_SET, set_with_claim("app-data"));
    world.until_ready("web-0").await;
    let c = world.claim("app-data").expect("there");
    assert_eq!(c["status"]["phase"], "Bound");
    assert_eq!(c["status"]["capacity"]["storage"], "20Gi");
    let pv = world.ctx.store.get(PV, "", text_at(&c, &["spec", "volumeName"])).expect("a volume");
    assert_eq!(pv["status"]["phase"], "Bound");
    assert_eq!(pv["spec"]["claimRef"]["name"], "app-data");
    assert!(world.has_event("ProvisioningSucceeded Successfully provisioned volume pvc-"));

    // In use, it only goes when the pod has gone; its volume follows.
    world.ctx.store.delete(PVC, "t", "app-data", &DeleteOptions::default()).expect("marked");
    world.seconds(60).await;
    assert!(world.claim("app-data").is_some(), "a pod uses it");
    world.ctx.store.modify(STATEFUL_SET, "t", "web", |s| s["spec"]["replicas"] = 0.into()).expect("scaled");
    world.until("the claim is gone", |w| w.claim("app-data").is_none()).await;
    world.until("the volume is gone", |w| w.ctx.store.list(PV, None).is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn provisioning_fails_and_heals() {
    let world = World::new(Scenario::builtin());
    world.rule("x", "claim = 'app-*'\nfault = 'provision-fail'\nmessage = 'quota of disks reached'");
    world.create(PVC, claim("app-data", None, "20Gi"));
    world.create(STATEFUL_SET, set_with_claim("app-data"));
    let text = "ProvisioningFailed failed to provision volume with StorageClass \"standard\": quota of disks reached";
    world.until("it fails", |w| w.has_event(text)).await;
    world.seconds(100).await;
    let pod = world.pod("web-0").expect("there");
    assert!(text_at(&pod, &["spec", "nodeName"]).is_empty(), "no volume, no node");
    world.ctx.rules.clear("x");
    world.until_ready("web-0").await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_claim_keeps_the_pod_unscheduled() {
    let world = World::new(Scenario::builtin());
    world.create(STATEFUL_SET, set_with_claim("app-data"));
    let text = "0/3 nodes are available: persistentvolumeclaim \"app-data\" not found. not found";
    world.until("refused", |w| w.has_event(text)).await;
    world.create(PVC, claim("app-data", None, "20Gi"));
    world.until_ready("web-0").await;
}

#[tokio::test(start_paused = true)]
async fn a_volume_grows_online_or_when_it_is_mounted_again() {
    for (online, extra) in [(true, "true"), (false, "false")] {
        let world = World::of(&format!(
            "[[sim.storage-class]]\nname = 's'\ndefault = true\nprovisioner = 'd'\nonline-resize = {extra}"
        ));
        world.create(PVC, claim("app-data", None, "20Gi"));
        world.create(STATEFUL_SET, set_with_claim("app-data"));
        world.until_ready("web-0").await;
        let grow = |c: &mut Value| c["spec"]["resources"]["requests"]["storage"] = "40Gi".into();
        world.ctx.store.modify(PVC, "t", "app-data", grow).expect("edited");
        let pending =
            |w: &World| w.claim("app-data").is_some_and(|c| condition(&c, "FileSystemResizePending") == Some("True"));
        world.until("pending", pending).await;
        world.seconds(300).await;
        assert_eq!(pending(&world), !online);
        if !online {
            world.ctx.store.delete(POD, "t", "web-0", &DeleteOptions::default()).expect("deleted");
        }
        let grown = |w: &World| w.claim("app-data").is_some_and(|c| c["status"]["capacity"]["storage"] == "40Gi");
        world.until("grown", grown).await;
        assert!(!pending(&world));
    }
}

#[tokio::test(start_paused = true)]
async fn attachments_tell_which_node_has_a_volume_and_go_with_its_last_pod() {
    let world = World::new(Scenario::builtin());
    world.rule("x", "fault = 'attach-fail'\nmessage = 'no free slot'");
    world.create(PVC, claim("app-data", None, "20Gi"));
    world.create(STATEFUL_SET, set_with_claim("app-data"));
    let only = |w: &World| w.ctx.store.list(VOLUME_ATTACHMENT, None).into_iter().next();
    let failed = |w: &World| only(w).is_some_and(|a| a["status"]["attachError"]["message"] == "no free slot");
    world.until("it cannot be attached", failed).await;
    world.ctx.rules.clear("x");
    world.until_ready("web-0").await;
    let attachment = only(&world).expect("there");
    let pod = world.pod("web-0").expect("there");
    assert_eq!(attachment["spec"]["nodeName"], pod["spec"]["nodeName"]);
    assert_eq!(attachment["status"], json!({"attached": true}));
    let node = pod["spec"]["nodeName"].as_str().expect("placed").to_owned();
    let listed = |w: &World| {
        let node = w.ctx.store.get(NODE, "", &node).expect("there");
        node["status"]["volumesAttached"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(listed(&world), 1);
    let volume = world.claim("app-data").expect("there")["spec"]["volumeName"].clone();
    assert_eq!(attachment["spec"]["source"]["persistentVolumeName"], volume);
    world.ctx.store.modify(STATEFUL_SET, "t", "web", |s| s["spec"]["replicas"] = 0.into()).expect("scaled");
    world.until("it is let go", |w| only(w).is_none()).await;
    assert_eq!(listed(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn claims_of_templates_are_made_and_kept() {
    let world = World::new(Scenario::builtin());
    let mut set = set_with("web", json!({"containers": [{"name": "gateway", "image": "a:1"}]}));
    set["spec"]["volumeClaimTemplates"] = json!([{
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }]);
    world.create(STATEFUL_SET, set);
    world.until_ready("web-0").await;
    assert!(world.has_event("SuccessfulCreate create Claim data-web-0 Pod web-0 in StatefulSet web success"));
    world.ctx.store.delete(STATEFUL_SET, "t", "web", &DeleteOptions::default()).expect("deleted");
    world.until("the pod is gone", |w| w.pod("web-0").is_none()).await;
    world.seconds(60).await;
    assert_eq!(world.claim("data-web-0").expect("kept")["status"]["phase"], "Bound");
}
