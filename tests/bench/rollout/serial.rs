//! What a fleet is upgraded with where there is nothing better: a loop that patches a tenant's image, lets its pod be
//! replaced, waits for readiness, and goes on to the next. So many such loops side by side as tenants may be down at once.

use std::time::Duration;

use fleetdeck::{
    cluster::{Address, Cluster},
    sim::{Fault, Target},
};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::world::{REPOSITORY, World, spec};

/// A release of some size, from a registry at some distance.
pub const WEATHER: &str = "
[[sim.image]]
match = '*'
pull-seconds = [40, 60]
";
/// How often the loop looks, as `kubectl rollout status` would hear it at once.
const EVERY: Duration = Duration::from_millis(500);

pub struct Took {
    pub wall: Duration,
    down: Vec<Duration>,
}

impl Took {
    pub fn median_down(&self) -> u64 {
        let mut down = self.down.clone();
        down.sort_unstable();
        down.get(down.len() / 2).map_or(0, Duration::as_secs)
    }
}

/// An API server that refuses now and then, and answers slowly at times.
pub fn faults(world: &World) {
    let faults = world.sim.faults();
    for resource in ["statefulsets", "pods"] {
        faults.arm(Target::of("patch", resource), Fault::Unavailable, Some(5));
        faults.arm(Target::of("delete", resource), Fault::TooManyRequests { retry_after: 2 }, Some(5));
        faults.arm(Target::of("get", resource), Fault::Slow(Duration::from_secs(2)), Some(5));
    }
}

pub async fn patched(world: &World, tag: &str, at_once: u32) -> Took {
    faults(world);
    let began = Instant::now();
    let cluster = &world.cluster;
    let image = format!("{REPOSITORY}:{tag}");
    let namespaces = (0..world.fleet.len()).map(|n| spec(n).namespace());
    let loops = stream::iter(namespaces).map(|namespace| one(cluster, namespace, image.clone()));
    let down = loops.buffer_unordered(at_once as usize).collect().await;
    Took { wall: began.elapsed(), down }
}

/// One tenant; how long it was down.
async fn one(cluster: &Cluster, namespace: String, image: String) -> Duration {
    let set = Address::kind("StatefulSet", &namespace, "openclaw").expect("a name");
    let live = until(|| cluster.object(&set)).await.expect("its StatefulSet");
    let old = live["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    let of_app = |list: &Value| -> Vec<Value> {
        let all = list.as_array().into_iter().flatten().filter(|c| c["image"] == old);
        all.map(|c| json!({ "name": c["name"], "image": image })).collect()
    };
    let spec = &live["spec"]["template"]["spec"];
    let (init, main) = (of_app(&spec["initContainers"]), of_app(&spec["containers"]));
    let patch = json!({ "spec": { "template": { "spec": { "initContainers": init, "containers": main } } } });
    until(|| cluster.patch("apps/v1", "StatefulSet", &namespace, "openclaw", "kubectl-patch", &patch)).await;
    let revision = loop {
        let live = until(|| cluster.object(&set)).await.expect("its StatefulSet");
        let (generation, seen) = (&live["metadata"]["generation"], &live["status"]["observedGeneration"]);
        if generation == seen {
            break live["status"]["updateRevision"].clone();
        }
        sleep(EVERY).await;
    };
    let pod = until(|| cluster.pod(&namespace, "openclaw-0")).await.expect("its pod");
    let began = Instant::now();
    until(|| cluster.delete_pod(&namespace, "openclaw-0", pod.uid)).await;
    let at = Address::kind("Pod", &namespace, "openclaw-0").expect("a name");
    loop {
        sleep(EVERY).await;
        let Some(pod) = until(|| cluster.object(&at)).await else { continue };
        let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions.filter(|c| c["type"] == "Ready").any(|c| c["status"] == "True");
        if ready && pod["metadata"]["labels"]["controller-revision-hash"] == revision {
            return began.elapsed();
        }
    }
}

/// Asks again until it is answered, as a shell loop with `until` does.
async fn until<T, E, F: Future<Output = Result<T, E>>>(ask: impl Fn() -> F) -> T {
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(_) => sleep(Duration::from_secs(1)).await,
        }
    }
}
