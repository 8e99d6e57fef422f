//! Figures that are polled: metrics.k8s.io pod metrics, and the kubelet's statistics summary.

use serde::{Deserialize, Deserializer, de::DeserializeSeed as _};

use super::{
    DigestError,
    lenient::{Each, Entries, Int, List, Obj, Raw},
};
use crate::{
    fleet::{At, Interner, PartUsage, Quantity, Text, Usage, VolumeSource, VolumeUsage},
    index::delta::Measure,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodMetricsList<'a> {
    #[serde(borrow)]
    kind: Raw<'a>,
    items: Measured,
}

/// What was read of each pod, made while the list is read: the list of a big fleet is not held beside it.
#[derive(Default)]
struct Measured(Vec<OfPod>);

struct OfPod {
    namespace: Text,
    pod: Text,
    cpu: Quantity,
    memory: Quantity,
    at: Option<At>,
    parts: Vec<(Text, PartUsage)>,
}

impl<'de> Deserialize<'de> for Measured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut found, mut pool) = (Vec::new(), Interner::default());
        let each = |pod: Option<PodMetrics<'de>>| found.extend(pod.and_then(|pod| pod.figures(&mut pool)));
        Each::new(each).deserialize(deserializer)?;
        Ok(Self(found))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodMetrics<'a> {
    #[serde(borrow)]
    metadata: Obj<Place<'a>>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    containers: List<ContainerMetrics<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ContainerMetrics<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    usage: Entries<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Place<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    namespace: Raw<'a>,
}

/// Reads `/apis/metrics.k8s.io/v1beta1/pods`: use per pod. A pod with a figure missing is left out: a sum over half of its
/// containers would be too low, and look true.
pub fn pod_metrics(body: &[u8], now: At) -> Result<Vec<Measure>, DigestError> {
    let list: Obj<PodMetricsList<'_>> = serde_json::from_slice(body).map_err(|e| DigestError::of(&e))?;
    let list = list.or_default();
    if &*list.kind != "PodMetricsList" {
        return Err(DigestError::Shape { expected: "a PodMetricsList", found: format!("kind {:?}", &*list.kind) });
    }
    let measure = |of: OfPod| {
        let usage = Usage::new(of.cpu, of.memory, of.at.unwrap_or(now))?;
        Some(Measure::Pod { namespace: of.namespace, pod: of.pod, usage, parts: of.parts })
    };
    Ok(list.items.0.into_iter().filter_map(measure).collect())
}

impl PodMetrics<'_> {
    fn figures(self, pool: &mut Interner) -> Option<OfPod> {
        // Pods and their containers are called the same in every tenant.
        let mut shared = |raw: &Raw<'_>| {
            let mut text = raw.text()?;
            pool.share(&mut text);
            Some(text)
        };
        let place = self.metadata.or_default();
        let (mut cpu, mut memory) = (Quantity::default(), Quantity::default());
        let mut parts = Vec::with_capacity(self.containers.0.len());
        for container in &self.containers.0 {
            let of = |resource: &str| container.usage.get(resource)?.quantity();
            let (own_cpu, own_memory) = (of("cpu")?, of("memory")?);
            cpu = cpu.saturating_add(own_cpu);
            memory = memory.saturating_add(own_memory);
            parts.extend(shared(&container.name).zip(PartUsage::new(own_cpu, own_memory)));
        }
        if self.containers.0.is_empty() {
            return None;
        }
        let (namespace, pod) = (place.namespace.text()?, shared(&place.name)?);
        Some(OfPod { namespace, pod, cpu, memory, at: self.timestamp.at(), parts })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Summary<'a> {
    #[serde(borrow)]
    pods: List<PodStats<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodStats<'a> {
    #[serde(borrow)]
    volume: List<VolumeStats<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct VolumeStats<'a> {
    #[serde(borrow)]
    pvc_ref: Obj<Place<'a>>,
    #[serde(borrow)]
    time: Raw<'a>,
    used_bytes: Int,
    capacity_bytes: Int,
    inodes: Int,
    inodes_used: Int,
}

/// Reads a node's `stats/summary`: what each claim's volume holds. A volume without both bytes figures is left out.
pub fn volume_stats(body: &[u8], now: At) -> Result<Vec<Measure>, DigestError> {
    let summary: Obj<Summary<'_>> = serde_json::from_slice(body).map_err(|e| DigestError::of(&e))?;
    let Some(summary) = summary.0 else {
        return Err(DigestError::Shape {
            expected: "a stats summary",
            found: "something that is no object".to_owned(),
        });
    };
    Ok(summary.pods.0.into_iter().flat_map(|pod| pod.volume.0).filter_map(|v| v.measure(now)).collect())
}

impl VolumeStats<'_> {
    fn measure(self, now: At) -> Option<Measure> {
        let claim = self.pvc_ref.0?;
        let size = |n: Int| n.0.and_then(|n| u64::try_from(n).ok());
        // Some filesystems have no inodes to count; the percentage of none is not asked for.
        let (inodes_used, inodes) =
            VolumeUsage::inodes(size(self.inodes_used).unwrap_or(0), size(self.inodes).unwrap_or(0));
        let usage = VolumeUsage {
            used: size(self.used_bytes)?,
            capacity: size(self.capacity_bytes)?,
            inodes_used,
            inodes,
            at: self.time.at().unwrap_or(now),
            source: VolumeSource::Kubelet,
        };
        Some(Measure::Volume { namespace: claim.namespace.text()?, claim: claim.name.text()?, usage })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::at;

    #[test]
    fn a_pod_is_the_sum_of_its_containers_or_not_measured() {
        let body = r#"{"kind":"PodMetricsList","items":[
            {"metadata":{"name":"openclaw-0","namespace":"tenant-a"},"timestamp":"2026-11-24T19:40:00Z",
             "containers":[{"name":"gateway","usage":{"cpu":"250000000n","memory":"512Mi"}},{"name":"browser","usage":{"cpu":"50m","memory":"100Mi"}}]},
            {"metadata":{"name":"half","namespace":"tenant-b"},"containers":[{"usage":{"cpu":"1"}}]},
            {"metadata":{"name":"none","namespace":"tenant-c"},"containers":[]}, 7]}"#;
        let measures = pod_metrics(body.as_bytes(), at(0)).unwrap();
        let [Measure::Pod { namespace, pod, usage, parts }] = &*measures else { panic!("{measures:?}") };
        assert_eq!((namespace.as_str(), pod.as_str()), ("tenant-a", "openclaw-0"));
        assert_eq!((usage.cpu().milli(), usage.memory().to_string().as_str()), (300, "612Mi"));
        assert_eq!((parts[1].0.as_str(), parts[1].1.memory().to_string().as_str()), ("browser", "100Mi"));
        assert!(pod_metrics(br#"{"kind":"Status"}"#, at(0)).is_err());
        assert!(pod_metrics(b"<html>", at(0)).is_err());
    }

    #[test]
    fn volumes_are_told_by_claim_and_unknown_stays_unknown() {
        let body = r#"{"node":{},"pods":[{"podRef":{"name":"p","namespace":"tenant-a"},"volume":[
            {"name":"kube-api-access","usedBytes":1,"capacityBytes":2},
            {"name":"app","pvcRef":{"name":"app-data","namespace":"tenant-a"},"time":"2026-11-24T19:40:00Z","usedBytes":7,"capacityBytes":20,"inodes":5,"inodesUsed":2},
            {"name":"cfg","pvcRef":{"name":"config-data","namespace":"tenant-a"},"capacityBytes":20}]}]}"#;
        let measures = volume_stats(body.as_bytes(), at(0)).unwrap();
        let [Measure::Volume { claim, usage, .. }] = &*measures else { panic!("{measures:?}") };
        assert_eq!((claim.as_str(), usage.percent(), usage.inodes_used), ("app-data", Some(35), 2));
    }
}
