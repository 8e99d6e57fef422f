use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use futures::TryStreamExt;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{
    ContainerStatus, Event, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodStatus, ResourceQuota,
};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, ListParams, LogParams, Patch, PatchParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::controlplane::{ControlPlane, Options, Scratch, client_for, eventually};

const STAGES: [&str; 7] = ["one", "two", "three", "four", "five", "six", "seven"];
const SOON: Duration = Duration::from_secs(60);

/// A StatefulSet of a tenant's shape: seven init containers, two containers, two claims.
fn stateful_set(notes: &[(&str, &str)], memory: &str) -> Value {
    let notes: BTreeMap<String, &str> =
        notes.iter().map(|(key, value)| (format!("test.fleetdeck/{key}"), *value)).collect();
    let container = |name: &str| {
        json!({
            "name": name, "image": "registry.invalid/app:1",
            "resources": {"requests": {"cpu": "10m", "memory": memory}, "limits": {"cpu": "10m", "memory": memory}},
        })
    };
    let claim = |name: &str| json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
    json!({
        "metadata": {"name": "app"},
        "spec": {
            "serviceName": "app",
            "selector": {"matchLabels": {"app": "app"}},
            "template": {
                "metadata": {"labels": {"app": "app"}, "annotations": notes},
                "spec": {
                    "nodeSelector": {"openclaw.ai/workload": "tenant"},
                    "initContainers": (STAGES.map(container)),
                    "containers": (["gateway", "browser"].map(container)),
                    "volumes": (["app-data", "config-data"].map(claim)),
                },
            },
        },
    })
}

async fn with_claims(scratch: &Scratch) {
    for name in ["app-data", "config-data"] {
        let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}});
        scratch.create::<PersistentVolumeClaim>(json!({"metadata": {"name": name}, "spec": spec})).await;
    }
}

fn condition(status: &PodStatus, kind: &str) -> bool {
    status.conditions.iter().flatten().any(|c| c.type_ == kind && c.status == "True")
}

fn states(statuses: Option<&Vec<ContainerStatus>>) -> String {
    let letter = |status: &ContainerStatus| match &status.state {
        Some(state) if state.running.is_some() => 'r',
        Some(state) if state.terminated.is_some() => 't',
        _ => 'w',
    };
    statuses.into_iter().flatten().map(letter).collect()
}

async fn pod_until(scratch: &Scratch, what: &str, good: impl Fn(&PodStatus) -> bool) -> PodStatus {
    let pods = scratch.api::<Pod>();
    eventually(what, SOON, || async {
        let status = pods.get_opt("app-0").await.unwrap()?.status?;
        good(&status).then_some(status)
    })
    .await
}

fn waits_for(statuses: Option<&Vec<ContainerStatus>>, name: &str, reason: &str) -> bool {
    statuses.into_iter().flatten().any(|status| {
        let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
        status.name == name && waiting.and_then(|waiting| waiting.reason.as_deref()) == Some(reason)
    })
}

#[tokio::test]
async fn a_pod_walks_through_its_stages() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scratch = Scratch::new(plane.client().await, "walk").await;
    with_claims(&scratch).await;
    scratch.create::<StatefulSet>(stateful_set(&[("stage", "1s"), ("ready", "1s")], "64Mi")).await;

    let mut seen: Vec<String> = Vec::new();
    let mut last = PodStatus::default();
    let watch = scratch.api::<Pod>().watch(&WatchParams::default(), "0").await.unwrap();
    futures::pin_mut!(watch);
    while let Some(event) = tokio::time::timeout(SOON, watch.try_next()).await.expect("a step each minute").unwrap() {
        let (WatchEvent::Added(pod) | WatchEvent::Modified(pod)) = event else { continue };
        let Some(status) = pod.status else { continue };
        let stages = states(status.init_container_statuses.as_ref());
        if !stages.is_empty() {
            let word = |kind| if condition(&status, kind) { kind } else { "-" };
            let containers = states(status.container_statuses.as_ref());
            seen.push(format!("{stages} {containers} {} {}", word("Initialized"), word("Ready")));
        }
        let ready = condition(&status, "Ready");
        last = status;
        if ready {
            break;
        }
    }
    seen.dedup();

    let mut expected = vec!["wwwwwww ww - -".to_owned()];
    for stage in 0..7 {
        let (done, left) = ("t".repeat(stage), "w".repeat(6 - stage));
        expected.push(format!("{done}r{left} ww - -"));
        let initialized = if stage == 6 { "Initialized" } else { "-" };
        expected.push(format!("{done}t{left} ww {initialized} -"));
    }
    expected.push("ttttttt rr Initialized -".into());
    expected.push("ttttttt rr Initialized Ready".into());
    assert_eq!(seen, expected);

    let mut before = last.start_time.as_ref().unwrap().0;
    for status in last.init_container_statuses.iter().flatten() {
        let ended = status.state.as_ref().and_then(|state| state.terminated.as_ref()).unwrap();
        let (started, finished) = (ended.started_at.as_ref().unwrap().0, ended.finished_at.as_ref().unwrap().0);
        assert!(before <= started && started < finished, "{}: {before} {started} {finished}", status.name);
        before = finished;
    }
    for claim in scratch.api::<PersistentVolumeClaim>().list(&ListParams::default()).await.unwrap() {
        assert_eq!(claim.status.unwrap().phase.as_deref(), Some("Bound"));
    }
}

#[tokio::test]
async fn a_full_quota_refuses_the_pod_and_says_so() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scratch = Scratch::new(plane.client().await, "quota").await;
    with_claims(&scratch).await;
    let quota = json!({"metadata": {"name": "tenant"}, "spec": {"hard": {"limits.memory": "100Mi"}}});
    scratch.create::<ResourceQuota>(quota).await;
    scratch.create::<StatefulSet>(stateful_set(&[], "64Mi")).await;

    let events = scratch.api::<Event>();
    let refused = ListParams::default().fields("type=Warning,reason=FailedCreate,involvedObject.kind=StatefulSet");
    let message = eventually("a FailedCreate event", SOON, || async {
        events.list(&refused).await.unwrap().items.into_iter().find_map(|event| event.message)
    })
    .await;
    assert!(
        message.contains("pods \"app-0\" is forbidden: exceeded quota: tenant, requested: limits.memory=128Mi, used: limits.memory=0, limited: limits.memory=100Mi"),
        "{message}"
    );
    assert!(scratch.api::<Pod>().list(&ListParams::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn each_fault_looks_as_a_kubelet_shows_it_and_heals() {
    let Some(plane) = ControlPlane::shared() else { return };
    /// Namespace, annotations, and what the pod's status shows then.
    type Fault = (&'static str, &'static [(&'static str, &'static str)], fn(&PodStatus) -> bool);
    let faults: [Fault; 7] = [
        ("pull", &[("fault", "imagepull")], |s| {
            waits_for(s.container_statuses.as_ref(), "gateway", "ImagePullBackOff")
                && states(s.container_statuses.as_ref()) == "wr"
                && s.phase.as_deref() == Some("Pending")
        }),
        ("pull-init", &[("fault", "imagepull"), ("container", "one")], |s| {
            waits_for(s.init_container_statuses.as_ref(), "one", "ImagePullBackOff")
        }),
        ("crash", &[("fault", "crashloop"), ("container", "browser")], |s| {
            waits_for(s.container_statuses.as_ref(), "browser", "CrashLoopBackOff")
                && s.container_statuses.iter().flatten().any(|c| {
                    let last = c.last_state.as_ref().and_then(|state| state.terminated.as_ref());
                    c.name == "browser" && c.restart_count >= 1 && last.is_some_and(|last| last.exit_code == 1)
                })
        }),
        ("oom", &[("fault", "oom")], |s| {
            s.container_statuses.iter().flatten().any(|c| {
                let last = c.last_state.as_ref().and_then(|state| state.terminated.as_ref());
                last.is_some_and(|last| last.reason.as_deref() == Some("OOMKilled") && last.exit_code == 137)
            })
        }),
        ("unready", &[("fault", "unready")], |s| {
            let ready: Vec<bool> = s.container_statuses.iter().flatten().map(|c| c.ready).collect();
            ready == [false, true] && states(s.container_statuses.as_ref()) == "rr"
        }),
        ("stuck", &[("fault", "stuck-init-3")], |s| states(s.init_container_statuses.as_ref()) == "tttrwww"),
        ("fail", &[("fault", "fail-init-2")], |s| {
            waits_for(s.init_container_statuses.as_ref(), "three", "CrashLoopBackOff")
                && states(s.init_container_statuses.as_ref()) == "ttwwwww"
        }),
    ];
    let client = plane.client().await;
    let stories = faults.map(|(name, notes, shows)| {
        let client = client.clone();
        async move {
            let scratch = Scratch::new(client, name).await;
            with_claims(&scratch).await;
            scratch.create::<StatefulSet>(stateful_set(&[notes, &[("stage", "200ms")]].concat(), "64Mi")).await;
            let status = pod_until(&scratch, name, shows).await;
            assert!(!condition(&status, "Ready"), "{name} is Ready: {status:?}");

            let heal = json!({"metadata": {"annotations": {"test.fleetdeck/fault": null}}});
            scratch.api::<Pod>().patch("app-0", &PatchParams::default(), &Patch::Merge(heal)).await.unwrap();
            pod_until(&scratch, &format!("{name} healed"), |status| condition(status, "Ready")).await;
        }
    });
    futures::future::join_all(stories).await;
}

#[tokio::test]
async fn helper_pods_end_well_or_badly() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scratch = Scratch::new(plane.client().await, "helper").await;
    let pods = scratch.api::<Pod>();
    for (name, fault, phase) in [("good", "", "Succeeded"), ("bad", "crashloop", "Failed")] {
        let container = json!({"name": "main", "image": "registry.invalid/app:1"});
        scratch
            .create::<Pod>(json!({
                "metadata": {"name": name, "annotations": {"test.fleetdeck/fault": fault}},
                "spec": {"restartPolicy": "Never", "containers": [container]},
            }))
            .await;
        eventually(phase, SOON, || async {
            let status = pods.get(name).await.unwrap().status?;
            (status.phase.as_deref() == Some(phase)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn claims_are_served_grow_and_leave_no_volume() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scratch = Scratch::new(plane.client().await, "claims").await;
    let claims = scratch.api::<PersistentVolumeClaim>();
    let volumes: Api<PersistentVolume> = Api::all(scratch.client.clone());
    for (name, class) in [("waits", "standard"), ("at-once", "immediate")] {
        let resources = json!({"requests": {"storage": "20Gi"}});
        let spec = json!({"storageClassName": class, "accessModes": ["ReadWriteOnce"], "resources": resources});
        scratch.create::<PersistentVolumeClaim>(json!({"metadata": {"name": name}, "spec": spec})).await;
    }
    let holds = |size: &'static str| {
        let claims = &claims;
        eventually(size, SOON, move || async move {
            let claim = claims.get("at-once").await.unwrap();
            let capacity = claim.status?.capacity?;
            (capacity.get("storage")?.0 == size).then_some(claim.spec?.volume_name?)
        })
    };
    let volume = holds("20Gi").await;
    let larger = json!({"spec": {"resources": {"requests": {"storage": "30Gi"}}}});
    claims.patch("at-once", &PatchParams::default(), &Patch::Merge(larger)).await.unwrap();
    assert_eq!(holds("30Gi").await, volume);
    let waiting = claims.get("waits").await.unwrap();
    assert_eq!(waiting.status.unwrap().phase.as_deref(), Some("Pending"), "no pod has asked for it");

    claims.delete("at-once", &DeleteParams::default()).await.unwrap();
    eventually("the volume is gone", SOON, || async {
        volumes.get_opt(&volume).await.unwrap().is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_node_goes_down_and_comes_back() {
    let Some(plane) = ControlPlane::shared() else { return };
    let nodes: Api<Node> = Api::all(plane.client().await);
    for (fault, ready) in [(json!("notready"), "False"), (Value::Null, "True")] {
        let patch = json!({"metadata": {"annotations": {"test.fleetdeck/fault": fault}}});
        nodes.patch("kwok-2", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        eventually("the node's condition changes", SOON, || async {
            let conditions = nodes.get("kwok-2").await.unwrap().status?.conditions?;
            conditions.iter().any(|c| c.type_ == "Ready" && c.status == ready).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_user_has_the_rights_that_were_bound_and_its_requests_are_counted() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scratch = Scratch::new(plane.client().await, "rights").await;
    let user = format!("reader-{}", scratch.namespace);
    let kubeconfig = plane.kubeconfig_as(&user, Some("readers"));
    for (name, path) in [("stranger", &plane.kubeconfig_for("stranger")), (&*user, &kubeconfig)] {
        let pods: Api<Pod> = Api::namespaced(client_for(path).await, &scratch.namespace);
        let error = pods.list(&ListParams::default()).await.unwrap_err();
        assert!(error.to_string().contains(&format!("User \\\"{name}\\\" cannot list resource")), "{error}");
    }
    let binding = json!({
        "metadata": {"name": "view"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "readers"}],
    });
    scratch.create::<RoleBinding>(binding).await;
    let pods: Api<Pod> = Api::namespaced(client_for(&kubeconfig).await, &scratch.namespace);
    eventually("the binding holds", SOON, || async { pods.list(&ListParams::default()).await.ok() }).await;

    let codes: Vec<u16> = plane.requests_of(&user).iter().map(|request| request.code).collect();
    assert_eq!((codes.first(), codes.last()), (Some(&403), Some(&200)), "{codes:?}");
    assert!(plane.requests_of(&user).iter().all(|r| (&*r.verb, &*r.resource) == ("list", "pods")));
}

#[tokio::test]
async fn kubectl_is_of_the_servers_version_and_logs_stream() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scratch = Scratch::new(plane.client().await, "logs").await;
    let output = Command::new(plane.kubectl())
        .args(["version", "-o", "json", "--kubeconfig"])
        .arg(plane.kubeconfig_path())
        .output()
        .unwrap();
    let version: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(version["clientVersion"]["gitVersion"], "v1.34.2");
    assert_eq!(version["serverVersion"]["gitVersion"], "v1.34.2");

    let container = json!({"name": "main", "image": "registry.invalid/app:1"});
    let pods = scratch.api::<Pod>();
    scratch.create::<Pod>(json!({"metadata": {"name": "app-0"}, "spec": {"containers": [container]}})).await;
    pod_until(&scratch, "it runs", |status| condition(status, "Ready")).await;
    let text = pods.logs("app-0", &LogParams { tail_lines: Some(1), ..LogParams::default() }).await.unwrap();
    assert_eq!(text, "second line\n");
    pods.delete("app-0", &DeleteParams::default()).await.unwrap();
    eventually("the pod is gone", SOON, || async { pods.get_opt("app-0").await.unwrap().is_none().then_some(()) })
        .await;
}

#[tokio::test]
async fn a_control_plane_leaves_nothing_behind() {
    if ControlPlane::shared().is_none() {
        return;
    }
    let options = Options { nodes: 1, audit: false, users: vec![] };
    let plane = tokio::task::spawn_blocking(move || ControlPlane::start(&options)).await.unwrap().unwrap();
    let nodes: Api<Node> = Api::all(plane.client().await);
    let names: Vec<_> = nodes.list(&ListParams::default()).await.unwrap().iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["kwok-0"]);
    let dir = plane.kubeconfig_path().parent().unwrap().to_owned();

    drop(plane);

    assert!(!dir.exists(), "{} is left", dir.display());
    let mentions = |entry: std::fs::DirEntry| {
        let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).contains(&dir.display().to_string())
    };
    let left = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| mentions(entry).then_some(())).count();
    assert_eq!(left, 0, "processes are left");
}
