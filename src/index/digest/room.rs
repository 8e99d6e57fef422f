//! What stands on nodes beside tenants, how many disks a node takes, and what an autoscaler says of itself: lists that are
//! read when somebody asks how many more tenants fit.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    DigestError,
    lenient::{Entries, Int, List, Obj, Raw},
    meta::Meta,
};
use crate::{
    fleet::{Quantity, Text, Uid, clean::clean},
    index::capacity::{Group, Load},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pod<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a>>,
    #[serde(borrow)]
    spec: Obj<Spec<'a>>,
    #[serde(borrow)]
    status: Obj<Status<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec<'a> {
    #[serde(borrow)]
    node_name: Raw<'a>,
    #[serde(borrow)]
    containers: List<Container<'a>>,
    #[serde(borrow)]
    init_containers: List<Container<'a>>,
    #[serde(borrow)]
    overhead: Entries<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow)]
    resources: Obj<Resources<'a>>,
    #[serde(borrow)]
    restart_policy: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources<'a> {
    #[serde(borrow)]
    requests: Entries<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status<'a> {
    #[serde(borrow)]
    phase: Raw<'a>,
}

/// CPU and memory.
type Pair = [Quantity; 2];

fn pair(entries: &Entries<'_>) -> Pair {
    ["cpu", "memory"].map(|key| entries.get(key).and_then(Raw::quantity).unwrap_or_default())
}

fn plus(a: Pair, b: Pair) -> Pair {
    [a[0].saturating_add(b[0]), a[1].saturating_add(b[1])]
}

impl Spec<'_> {
    /// What the scheduler counts for a pod: its containers and sidecars together, or an init container with the sidecars
    /// that started before it, whichever is more.
    fn requests(&self) -> Pair {
        let of = |c: &Container<'_>| c.resources.0.as_ref().map(|r| pair(&r.requests)).unwrap_or_default();
        let mut sidecars = Pair::default();
        let mut peak = Pair::default();
        for init in &self.init_containers.0 {
            let with = plus(sidecars, of(init));
            peak = [peak[0].max(with[0]), peak[1].max(with[1])];
            if &*init.restart_policy == "Always" {
                sidecars = with;
            }
        }
        let running = self.containers.0.iter().map(of).fold(sidecars, plus);
        plus([peak[0].max(running[0]), peak[1].max(running[1])], pair(&self.overhead))
    }
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Page<'a, T> {
    #[serde(default)]
    items: Option<List<T>>,
    #[serde(borrow, default)]
    metadata: Obj<More<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct More<'a> {
    #[serde(borrow, rename = "continue")]
    next: Raw<'a>,
}

/// The items of a list, and the token of its next page.
fn items<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<(Vec<T>, Option<String>), DigestError> {
    let page: Page<'de, T> = serde_json::from_slice(body).map_err(|e| DigestError::of(&e))?;
    let Some(items) = page.items else {
        return Err(DigestError::Shape { expected: "a list", found: "something without items".to_owned() });
    };
    let next = page.metadata.or_default().next;
    Ok((items.0, (!next.is_empty()).then(|| next.to_string())))
}

/// Adds a page of pods, less those that are `known`, to what stands on each node. Pods that have ended take nothing.
pub fn loads(
    body: &[u8],
    known: &BTreeSet<Uid>,
    into: &mut BTreeMap<Text, Load>,
) -> Result<Option<String>, DigestError> {
    let (pods, next) = items::<Pod<'_>>(body)?;
    for pod in pods {
        if pod.metadata.0.as_ref().and_then(Meta::uid).is_some_and(|uid| known.contains(&uid)) {
            continue;
        }
        let (status, spec) = (pod.status.or_default(), pod.spec.or_default());
        let over = matches!(&*status.phase, "Succeeded" | "Failed");
        if let Some(node) = spec.node_name.text().filter(|_| !over) {
            let [cpu, memory] = spec.requests();
            into.entry(node).or_default().add(cpu, memory);
        }
    }
    Ok(next)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CsiNode<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a>>,
    #[serde(borrow)]
    spec: Obj<CsiSpec<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CsiSpec<'a> {
    #[serde(borrow)]
    drivers: List<Driver<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Driver<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    allocatable: Obj<Allocatable>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Allocatable {
    count: Int,
}

/// Reads a list of CSINodes: per node the drivers that state a limit, each with it.
pub fn csi_nodes(body: &[u8]) -> Result<BTreeMap<Text, Vec<(Text, u32)>>, DigestError> {
    let mut nodes = BTreeMap::new();
    for node in items::<CsiNode<'_>>(body)?.0 {
        let limits = node.spec.or_default().drivers.0.into_iter().filter_map(|driver| {
            let limit = driver.allocatable.0?.count.0.and_then(|n| u32::try_from(n).ok())?;
            Some((driver.name.text()?, limit))
        });
        if let Some(name) = node.metadata.or_default().name.text() {
            nodes.insert(name, limits.collect());
        }
    }
    Ok(nodes)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ConfigMap<'a> {
    #[serde(borrow)]
    data: Obj<StatusData<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusData<'a> {
    #[serde(borrow)]
    status: Raw<'a>,
}

/// Reads the ConfigMap `cluster-autoscaler-status`: its node groups. Both of its forms, YAML and the older text, name the
/// three figures by the same words.
pub fn autoscaler(body: &[u8]) -> Result<Vec<Group>, DigestError> {
    let map: Obj<ConfigMap<'_>> = serde_json::from_slice(body).map_err(|e| DigestError::of(&e))?;
    let status = map.or_default().data.or_default().status;
    let mut groups: Vec<Group> = Vec::new();
    for line in status.lines() {
        let line = line.trim_start_matches([' ', '-']);
        if let Some(name) = line.strip_prefix("name:").or_else(|| line.strip_prefix("Name:")) {
            let name = Text::from(&*clean(name.trim().trim_matches('"')));
            groups.push(Group { name, size: None, most: None });
        }
        let Some(group) = groups.last_mut() else { continue };
        group.size = group.size.or_else(|| figure(line, "cloudProviderTarget"));
        group.most = group.most.or_else(|| figure(line, "maxSize"));
    }
    Ok(groups)
}

/// The whole number behind `word:` or `word=`.
fn figure(line: &str, word: &str) -> Option<u32> {
    let rest = line.split(word).nth(1)?.trim_start_matches([':', '=', ' ', '"']);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_takes_the_most_it_ever_needs() {
        let pod = |node: &str, phase: &str, inits: &str| {
            format!(
                r#"{{"spec":{{"nodeName":"{node}","initContainers":[{inits}],"containers":[{{"resources":{{"requests":{{"cpu":"100m","memory":"128Mi"}}}}}},{{"resources":{{}}}}]}},"status":{{"phase":"{phase}"}}}}"#
            )
        };
        let big = r#"{"resources":{"requests":{"cpu":"500m"}}}"#;
        let sidecar = r#"{"restartPolicy":"Always","resources":{"requests":{"cpu":"50m","memory":"64Mi"}}}"#;
        let all = [
            pod("a", "Running", ""),
            pod("a", "Running", big),
            pod("a", "Running", &format!("{sidecar},{big}")),
            pod("a", "Succeeded", big),
            pod("", "Pending", big),
            "7".to_owned(),
        ];
        let body = format!(r#"{{"kind":"PodList","metadata":{{"continue":"x"}},"items":[{}]}}"#, all.join(","));
        let mut loads = BTreeMap::new();
        let nobody = BTreeSet::new();
        assert_eq!(super::loads(body.as_bytes(), &nobody, &mut loads).unwrap().as_deref(), Some("x"));
        let load = loads["a"];
        assert_eq!((load.pods, load.cpu.milli()), (3, 100 + 500 + 550));
        assert_eq!(load.memory.to_string(), "448Mi", "128 + 128 + 192");
        assert_eq!(loads.len(), 1);
        assert!(super::loads(b"{}", &nobody, &mut loads).is_err());
        assert!(super::loads(b"<html>", &nobody, &mut loads).is_err());

        // One that is counted elsewhere is not counted here.
        let known = "00000000-0000-0000-0000-000000000007";
        let own = pod("a", "Running", big).replacen('{', &format!(r#"{{"metadata":{{"uid":"{known}"}},"#), 1);
        let body = format!(r#"{{"items":[{own},{}]}}"#, pod("b", "Running", ""));
        let mut loads = BTreeMap::new();
        super::loads(body.as_bytes(), &[known.parse().unwrap()].into(), &mut loads).unwrap();
        assert_eq!(loads.keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn nodes_tell_how_many_disks_they_take() {
        let body = br#"{"items":[{"metadata":{"name":"n1"},"spec":{"drivers":[{"name":"disk.csi.azure.com","allocatable":{"count":16}},{"name":"file.csi.azure.com"}]}},{"metadata":{"name":"n2"},"spec":{"drivers":null}}]}"#;
        let nodes = csi_nodes(body).unwrap();
        assert_eq!(nodes["n1"], [(Text::from("disk.csi.azure.com"), 16)]);
        assert!(nodes["n2"].is_empty());
    }

    #[test]
    fn an_autoscaler_is_read_in_both_of_its_forms() {
        let body = |status: &str| serde_json::json!({ "data": { "status": status } }).to_string();
        let new = "autoscalerStatus: Running\nnodeGroups:\n- name: aks-tenants-vmss\n  health:\n    status: Healthy\n    cloudProviderTarget: 3\n    minSize: 1\n    maxSize: 10\n- name: \"aks-system\"\n";
        let old = "Cluster-autoscaler status at 2024-01-01:\nNodeGroups:\n  Name:        aks-tenants-vmss\n  Health:      Healthy (ready=3 unready=0 cloudProviderTarget=3 (minSize=1, maxSize=10))\n";
        for text in [new, old] {
            let groups = autoscaler(body(text).as_bytes()).unwrap();
            assert_eq!(
                (groups[0].name.as_str(), groups[0].size, groups[0].most),
                ("aks-tenants-vmss", Some(3), Some(10))
            );
        }
        assert_eq!(autoscaler(b"{}"), Ok(vec![]));
        assert!(autoscaler(b"<").is_err());
    }
}
