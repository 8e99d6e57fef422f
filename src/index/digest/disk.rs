//! `df` inside a pod: where its claims are mounted, and what the command printed.

use serde::Deserialize;

use super::{
    DigestError,
    lenient::{List, Obj, Raw},
};
use crate::{
    fleet::{At, Text, VolumeSource, VolumeUsage},
    index::delta::Measure,
};

/// A claim, and where a container has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub claim: Text,
    pub container: String,
    pub path: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Object<'a> {
    #[serde(borrow)]
    spec: Obj<Spec<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec<'a> {
    #[serde(borrow)]
    containers: List<Container<'a>>,
    #[serde(borrow)]
    volumes: List<Volume<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    volume_mounts: List<VolumeMount<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct VolumeMount<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    mount_path: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Volume<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    persistent_volume_claim: Obj<Source<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Source<'a> {
    #[serde(borrow)]
    claim_name: Raw<'a>,
}

/// Reads a pod: each claim once, in the first container that has it mounted. Paths that are no plain ones are left out: they
/// become words of a command.
pub fn mounts(pod: &[u8]) -> Result<Vec<Mount>, DigestError> {
    let object: Obj<Object<'_>> = serde_json::from_slice(pod).map_err(|e| DigestError::of(&e))?;
    let spec = object.or_default().spec.or_default();
    let mut mounts: Vec<Mount> = Vec::new();
    for volume in spec.volumes.0 {
        let Some(claim) = volume.persistent_volume_claim.0.and_then(|s| s.claim_name.text()) else { continue };
        let place = spec.containers.0.iter().find_map(|container| {
            let mount = container.volume_mounts.0.iter().find(|m| *m.name == *volume.name)?;
            let plain = mount.mount_path.starts_with('/') && !mount.mount_path.chars().any(char::is_control);
            plain.then(|| (container.name.to_string(), mount.mount_path.to_string()))
        });
        if let Some((container, path)) = place.filter(|_| !mounts.iter().any(|m| m.claim == claim)) {
            mounts.push(Mount { claim, container, path });
        }
    }
    Ok(mounts)
}

/// Reads what `df -P -k PATH...` printed (and `df -P -i` the same way), one line per path in their order. A line that is
/// none costs itself only.
pub fn df(namespace: &Text, mounts: &[&Mount], blocks: &str, inodes: &str, at: At) -> Vec<Measure> {
    let lines =
        |text: &str| -> Vec<Option<(u64, u64)>> { text.lines().skip(1).take(mounts.len()).map(figures).collect() };
    let (blocks, inodes) = (lines(blocks), lines(inodes));
    let measures = mounts.iter().enumerate().filter_map(|(i, mount)| {
        let (capacity, used) = (*blocks.get(i)?)?;
        let (all, taken) = inodes.get(i).copied().flatten().unwrap_or_default();
        let (inodes_used, all_inodes) = VolumeUsage::inodes(taken, all);
        let usage = VolumeUsage {
            used: used.checked_mul(1_024)?,
            capacity: capacity.checked_mul(1_024)?,
            inodes_used,
            inodes: all_inodes,
            at,
            source: VolumeSource::Df,
        };
        Some(Measure::Volume { namespace: namespace.clone(), claim: mount.claim.clone(), usage })
    });
    measures.collect()
}

/// `Filesystem 1024-blocks Used Available Capacity Mounted on`: all, and used. A name may hold blanks, so it is read from
/// the percentage on to the left.
fn figures(line: &str) -> Option<(u64, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let percent = words.iter().position(|w| w.ends_with('%') || *w == "-").filter(|at| *at >= 4)?;
    Some((words[percent - 3].parse().ok()?, words[percent - 2].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::{at, text};

    #[test]
    fn each_claim_is_found_where_it_is_mounted() {
        let pod = br#"{"spec":{"volumes":[
            {"name":"app","persistentVolumeClaim":{"claimName":"app-data"}},
            {"name":"cfg","persistentVolumeClaim":{"claimName":"config-data"}},
            {"name":"odd","persistentVolumeClaim":{"claimName":"odd-data"}},
            {"name":"tmp","emptyDir":{}}],
          "containers":[{"name":"gateway","volumeMounts":[{"name":"app","mountPath":"/app"},{"name":"tmp","mountPath":"/tmp"}]},
            {"name":"browser","volumeMounts":[{"name":"cfg","mountPath":"/profile"},{"name":"app","mountPath":"/x"},{"name":"odd","mountPath":"--help"}]}]}}"#;
        let found = mounts(pod).unwrap();
        let found: Vec<_> = found.iter().map(|m| (m.claim.as_str(), m.container.as_str(), m.path.as_str())).collect();
        assert_eq!(found, [("app-data", "gateway", "/app"), ("config-data", "browser", "/profile")]);
        assert_eq!(mounts(b"{}"), Ok(vec![]));
        assert!(mounts(b"<").is_err());
    }

    #[test]
    fn what_df_prints_is_read_by_its_columns() {
        let mount = |claim: &str| Mount { claim: text(claim), container: String::new(), path: String::new() };
        let (a, b, c) = (mount("a"), mount("b"), mount("c"));
        let blocks = "Filesystem     1024-blocks    Used Available Capacity Mounted on\n\
                      /dev/sdb          20511312 8388608  12106320      41% /app\n\
                      a name of words   20511312     100  20511212       1% /home/node/.openclaw\n\
                      nonsense\n";
        let inodes = "Filesystem      Inodes IUsed IFree IUse% Mounted on\n/dev/sdb 1310720 12 1310708 1% /app\ntmpfs 0 0 0 - /x\n";
        let measures = df(&text("tenant-a"), &[&a, &b, &c], blocks, inodes, at(7));
        let told: Vec<_> = measures
            .iter()
            .map(|m| match m {
                Measure::Volume { claim, usage, .. } => (claim.as_str(), usage.used, usage.inodes, usage.source),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [("a", 8_388_608 << 10, 1_310_720, VolumeSource::Df), ("b", 100 << 10, 0, VolumeSource::Df)]);
        assert!(df(&text("tenant-a"), &[&a], "", "", at(7)).is_empty());
        assert!(df(&text("tenant-a"), &[&a], "h\n1 99999999999999999999 2 3 4% /", "", at(7)).is_empty());
    }
}
