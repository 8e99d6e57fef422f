//! Pre-pull: what nodes have and lack, and the pods that fetch it. They run in the control namespace, so that no tenant's
//! quota pays for them, do nothing, and end by themselves even if nobody is left to remove them.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    act::{Shared, address, uid},
    record::RUN_LABEL,
    trouble::Trouble,
};
use crate::{
    cluster::{Address, Cluster, ClusterError, Fault, Mode, Only},
    index::Entry,
    manifest::{Base, Object, render, stored_spec},
    plan::{Intent, Made, News, Plan, Pull, Step, Stock, prepull::normal},
};

/// Seconds between two looks at the pods.
const EVERY: u32 = 2;
/// Nodes that pull at once: a registry serves the fleet, too.
const AT_ONCE: usize = 20;
/// Of so many tenants it is read what they are made of; more of a fleet are made of the same.
const READ: usize = 200;
const READS_AT_ONCE: usize = 4;
/// Words by which a registry says that asking again brings the same.
const FOR_GOOD: [&str; 7] =
    ["not found", "manifest unknown", "denied", "unauthorized", "invalid reference", "401", "403"];

/// What is known of the nodes that host these tenants, and of the images that each is made of afterwards.
///
/// # Errors
/// As any read; what may not be read is left out.
pub(super) async fn stock(
    cluster: &Cluster,
    base: &Base,
    intent: &Intent,
    entries: &[&Entry],
) -> Result<Stock, Trouble> {
    let hosted: Vec<(String, String)> = entries
        .iter()
        .filter_map(|e| Some((e.tenant.namespace_name.to_string(), e.tenant.pod()?.node.as_ref()?.to_string())))
        .collect();
    let mut read = stream::iter(hosted.iter().take(READ).cloned())
        .map(|(namespace, node)| async move {
            let made = made(cluster, base, intent, &namespace).await;
            (namespace, node, made)
        })
        .buffer_unordered(READS_AT_ONCE);
    let (mut stock, mut all) = (Stock::default(), Made::default());
    while let Some((namespace, node, made)) = read.next().await {
        let made = made?;
        add(&mut all, &made);
        stock.wanted.insert(namespace, (node, made));
    }
    drop(read);
    for (namespace, node) in hosted.into_iter().skip(READ) {
        stock.wanted.insert(namespace, (node, all.clone()));
    }
    stock.nodes = nodes(cluster).await?;
    Ok(stock)
}

fn add(all: &mut Made, made: &Made) {
    all.images.extend(made.images.iter().cloned());
    all.secrets.extend(made.secrets.iter().cloned());
}

/// A plan that was read back pulls what its tenants are made of, whatever stands in it: an image that somebody has written into
/// the record is not run by whoever goes on with it. As many tenants are read as it takes to account for all of it; all of
/// them where that is never so.
///
/// # Errors
/// As any read.
pub(super) async fn own(cluster: &Cluster, base: &Base, plan: &mut Plan) -> Result<(), Trouble> {
    if !plan.opening.iter().any(|step| matches!(step, Step::Prepull { .. })) {
        return Ok(());
    }
    let namespaces: Vec<String> = plan.turns().map(|turn| turn.namespace.clone()).collect();
    let intent = plan.intent.clone();
    let mut read = stream::iter(namespaces)
        .map(|namespace| {
            let intent = &intent;
            async move { made(cluster, base, intent, &namespace).await }
        })
        .buffer_unordered(READS_AT_ONCE);
    let mut all = Made::default();
    while let Some(made) = read.next().await {
        add(&mut all, &made?);
        if plan.pulls_only(&all) {
            break;
        }
    }
    drop(read);
    plan.pull_only(&all);
    Ok(())
}

/// What the tenant's pod is made of after the operation; nothing where that may not be read, or is not known.
async fn made(cluster: &Cluster, base: &Base, intent: &Intent, namespace: &str) -> Result<Made, Trouble> {
    let at = address("Namespace", "", namespace)?;
    let live = match cluster.object(&at).await {
        Err(error) if error.fault == Fault::Forbidden => None,
        other => other?,
    };
    let spec = live.as_ref().and_then(stored_spec).and_then(Result::ok).map(|spec| intent.change(&spec));
    // What cannot be rendered is refused by who plans it.
    let objects = spec.and_then(|spec| render(base, &spec).ok()).unwrap_or_default();
    let set = objects.iter().find(|object| object.kind() == "StatefulSet").map(Object::value);
    let lists = ["initContainers", "containers"].map(|list| format!("/spec/template/spec/{list}"));
    let containers = lists.iter().filter_map(|list| set?.pointer(list)?.as_array()).flatten();
    let images = containers.filter_map(|c| c["image"].as_str()).map(str::to_owned).collect();
    // Those of its ServiceAccount are added to every pod that names none itself.
    let account = objects.iter().find(|object| object.kind() == "ServiceAccount").map(Object::value);
    let lists =
        [set.and_then(|s| s.pointer("/spec/template/spec/imagePullSecrets")), account.map(|a| &a["imagePullSecrets"])];
    let names = lists.into_iter().flatten().filter_map(Value::as_array).flatten().filter_map(|s| s["name"].as_str());
    Ok(Made { images, secrets: names.map(str::to_owned).collect() })
}

/// By node, the images that it names; `None` where nodes may not be read. A node names no more than its 50 largest, so that one
/// that is not named may be there: then its pod ends at once.
async fn nodes(cluster: &Cluster) -> Result<Option<BTreeMap<String, BTreeSet<String>>>, ClusterError> {
    let nodes = match cluster.objects("Node", "", "").await {
        Err(error) if error.fault == Fault::Forbidden => return Ok(None),
        other => other?,
    };
    let of = |node: &Value| {
        let images = node.pointer("/status/images").and_then(Value::as_array).into_iter().flatten();
        let names = images.filter_map(|image| image["names"].as_array()).flatten().filter_map(Value::as_str);
        let name = node.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        (name.to_owned(), names.map(normal).collect())
    };
    Ok(Some(nodes.iter().map(of).collect()))
}

/// How it stands with one node.
enum Fetched {
    Yes,
    NotYet(String),
    /// Asking again would bring the same.
    Never(String),
}

/// Pulls, and removes the pods again, however it ends. Comes back with what was done, or with why nobody should be begun.
pub(super) async fn prepull(shared: &Shared<'_>, pulls: &[Pull], seconds: u32) -> Result<String, Trouble> {
    let pulled = pull(shared, pulls, seconds).await;
    // What is left of them ends by its own deadline.
    if let Err(error) = clear(shared).await {
        tracing::warn!(said = error.said, "pods that pulled images were left");
    }
    pulled
}

async fn pull(shared: &Shared<'_>, pulls: &[Pull], seconds: u32) -> Result<String, Trouble> {
    let cluster = shared.cluster;
    let deadline = Instant::now() + cluster.clock().real(seconds);
    let mut orders = shared.orders.clone();
    let mut done: BTreeSet<usize> = BTreeSet::new();
    let mut last = String::new();
    loop {
        let waiting: Vec<usize> = (0..pulls.len()).filter(|n| !done.contains(n)).take(AT_ONCE).collect();
        let mut lacks = BTreeMap::new();
        let (pods, readable) = match pods(shared).await {
            Ok(pods) => (pods, true),
            Err(error) => {
                lacks.extend(waiting.iter().map(|n| (*n, error.said.clone())));
                (BTreeMap::new(), false)
            }
        };
        for n in waiting.into_iter().filter(|_| readable) {
            let fetched = match pods.get(&name(&shared.plan.id, n)) {
                Some(pod) => judge(pod),
                None => Fetched::NotYet(begin(shared, n, &pulls[n], seconds).await?),
            };
            match fetched {
                Fetched::Yes => {
                    done.insert(n);
                    if let Some(pod) = pods.get(&name(&shared.plan.id, n)) {
                        _ = remove(shared, pod).await;
                    }
                }
                Fetched::NotYet(said) => _ = lacks.insert(n, said),
                Fetched::Never(said) => return Err(refused(&pulls[n], &said, shared.control)),
            }
        }
        if done.len() == pulls.len() {
            return Ok(format!("pre-pulled on {} nodes", done.len()));
        }
        let said = match lacks.iter().next() {
            Some((n, why)) => {
                format!("pre-pull: {} of {} nodes have it; {}: {why}", done.len(), pulls.len(), pulls[*n].node)
            }
            None => format!("pre-pull: {} of {} nodes have it", done.len(), pulls.len()),
        };
        if Instant::now() >= deadline {
            let (n, why) = lacks.into_iter().next().unwrap_or_default();
            if why.contains("Pull") {
                return Err(refused(&pulls[n], &why, shared.control));
            }
            // Not the image's fault: the tenants' own pods may do better.
            return Ok(format!("{said}; not within {seconds} s, which leaves it to the tenants' own pods"));
        }
        if said != last {
            last.clone_from(&said);
            _ = shared.tell.send(News::Opening { said }).await;
        }
        tokio::select! {
            biased;
            () = orders.stopped() => return Err(Trouble::Stopped),
            () = sleep(cluster.clock().real(EVERY)) => {}
        }
    }
}

fn refused(pull: &Pull, why: &str, control: &str) -> Trouble {
    let secrets: Vec<&str> = pull.secrets.iter().map(String::as_str).collect();
    let with = if secrets.is_empty() {
        String::new()
    } else {
        format!(" The tenants pull with Secret {}, which namespace {control} has to have, too.", secrets.join(" and "))
    };
    Trouble::wrong(format!(
        "node {} cannot pull {}: {why}; nobody was begun.{with} Where only the tenants' own pods may pull it, --no-prepull \
         begins without",
        pull.node,
        pull.images.join(" or ")
    ))
}

fn name(run: &str, n: usize) -> String {
    format!("pull-{run}-{n}")
}

/// Makes the pod of a node; says how that went. What does not pass by itself shows in the end.
async fn begin(shared: &Shared<'_>, n: usize, pull: &Pull, seconds: u32) -> Result<String, Trouble> {
    if !shared.hold.sure().await? {
        return Ok("is looked at again".to_owned());
    }
    match shared.cluster.create(&pod(&shared.plan.id, shared.control, n, pull, seconds)).await {
        Err(error) if error.fault != Fault::Exists => Ok(error.said),
        _ => Ok("pulling".to_owned()),
    }
}

/// A pod that does nothing, on one node, with one container per image.
fn pod(run: &str, control: &str, n: usize, pull: &Pull, seconds: u32) -> Value {
    let containers: Vec<Value> = pull
        .images
        .iter()
        .enumerate()
        .map(|(n, image)| {
            json!({
                "name": format!("image-{n}"), "image": image, "imagePullPolicy": "IfNotPresent",
                // An image without it fails to start, which shows as well that it is there.
                "command": ["true"],
                "resources": { "requests": { "cpu": "1m", "memory": "8Mi" }, "limits": { "cpu": "100m", "memory": "64Mi" } },
                "securityContext": {
                    "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
                    "runAsUser": 65_534, "capabilities": { "drop": ["ALL"] }, "seccompProfile": { "type": "RuntimeDefault" },
                },
            })
        })
        .collect();
    // One that is not there is passed over by the kubelet: whether it is cannot be asked without reading Secrets.
    let secrets: Vec<Value> = pull.secrets.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name(run, n), "namespace": control, "labels": { RUN_LABEL: run } },
        "spec": {
            "nodeName": pull.node, "restartPolicy": "Never", "activeDeadlineSeconds": seconds,
            "terminationGracePeriodSeconds": 1, "automountServiceAccountToken": false, "enableServiceLinks": false,
            "tolerations": [{ "operator": "Exists" }], "imagePullSecrets": secrets, "containers": containers,
        },
    })
}

async fn pods(shared: &Shared<'_>) -> Result<BTreeMap<String, Value>, ClusterError> {
    let selector = format!("{RUN_LABEL}={}", shared.plan.id);
    let pods = shared.cluster.objects("Pod", shared.control, &selector).await?;
    let named = |pod: Value| (pod["metadata"]["name"].as_str().unwrap_or_default().to_owned(), pod);
    Ok(pods.into_iter().map(named).collect())
}

fn judge(pod: &Value) -> Fetched {
    let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let wanted = pod.pointer("/spec/containers").and_then(Value::as_array).map_or(0, Vec::len);
    let statuses = statuses.map_or(&[][..], Vec::as_slice);
    for status in statuses {
        let state = &status["state"];
        let waits = &state["waiting"];
        let reason = waits["reason"].as_str().unwrap_or_default();
        // Whatever went wrong after the pull, the image is there.
        let there = state.get("running").is_some()
            || state.get("terminated").is_some_and(|t| t["startedAt"].is_string())
            || status["imageID"].as_str().is_some_and(|id| !id.is_empty())
            || matches!(reason, "CreateContainerError" | "RunContainerError" | "CreateContainerConfigError");
        if there {
            continue;
        }
        let message = waits["message"].as_str().unwrap_or_default();
        let said = if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") };
        let pulls = matches!(reason, "ErrImagePull" | "ImagePullBackOff");
        return match () {
            () if reason == "InvalidImageName" => Fetched::Never(said),
            () if pulls && FOR_GOOD.iter().any(|word| message.contains(word)) => Fetched::Never(said),
            () if said.is_empty() || reason == "ContainerCreating" => Fetched::NotYet("pulling".to_owned()),
            () => Fetched::NotYet(said),
        };
    }
    if wanted > 0 && statuses.len() >= wanted {
        return Fetched::Yes;
    }
    // A kubelet that turned it away, or one that was not heard of yet.
    let text = |field: &str| pod["status"][field].as_str().unwrap_or_default();
    Fetched::NotYet(match (text("reason"), text("message")) {
        ("", _) => "pulling".to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    })
}

async fn remove(shared: &Shared<'_>, pod: &Value) -> Result<(), ClusterError> {
    let (Some(uid), Ok(at)) = (uid(pod), Address::of(&with_kind(pod))) else { return Ok(()) };
    match shared.cluster.remove(&at, Only { uid, version: None }, Mode::Live).await {
        Err(error) if error.fault == Fault::NotFound => Ok(()),
        other => other,
    }
}

/// Items of a list do not say what they are.
fn with_kind(pod: &Value) -> Value {
    let name = |field: &str| pod["metadata"][field].clone();
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name("name"), "namespace": name("namespace") },
    })
}

/// Removes every pod of the run.
async fn clear(shared: &Shared<'_>) -> Result<(), ClusterError> {
    // Whoever has taken the run over pulls by pods of the same names.
    if shared.hold.is_lost() {
        return Ok(());
    }
    for pod in pods(shared).await?.values() {
        remove(shared, pod).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pod: &Value) -> String {
        match judge(pod) {
            Fetched::Yes => "yes".to_owned(),
            Fetched::NotYet(said) => format!("not yet {said}"),
            Fetched::Never(said) => format!("never {said}"),
        }
    }

    #[test]
    fn an_image_is_there_however_its_container_ends() {
        let check = |statuses: Value, expect: &str| {
            let pod = json!({ "spec": { "containers": [{}] }, "status": { "containerStatuses": statuses } });
            assert!(told(&pod).starts_with(expect), "{statuses}: {}", told(&pod));
        };
        check(json!([]), "not yet pulling");
        check(json!([{ "state": { "running": {} } }]), "yes");
        check(json!([{ "imageID": "x@sha256:1", "state": { "waiting": { "reason": "CrashLoopBackOff" } } }]), "yes");
        check(json!([{ "state": { "waiting": { "reason": "RunContainerError", "message": "no true" } } }]), "yes");
        check(json!([{ "state": { "waiting": { "reason": "ContainerCreating" } } }]), "not yet pulling");
        let pull =
            |message: &str| json!([{ "state": { "waiting": { "reason": "ErrImagePull", "message": message } } }]);
        check(pull("dial tcp: timeout"), "not yet ErrImagePull");
        check(pull("ghcr.io/x: not found"), "never");
        check(json!([{ "state": { "waiting": { "reason": "InvalidImageName" } } }]), "never");
        let away = json!({ "spec": { "containers": [{}] }, "status": { "phase": "Failed", "reason": "OutOfpods", "message": "m" } });
        assert_eq!(told(&away), "not yet OutOfpods: m");
    }
}
