//! How full the volumes are, in bytes and inodes, and how long they will do.

use super::{Case, Code, Evidence, Finding, Severity};
use crate::fleet::{Age, Claim, VolumeUsage, name::Holds, quantity::Bytes};

/// Percent from which it is a note, a warning, critical.
const STEPS: [(u32, Severity); 3] = [(97, Severity::Critical), (90, Severity::Warning), (80, Severity::Note)];
/// Days left from which it is critical, a warning.
const DAYS: [(u64, Severity); 2] = [(2, Severity::Critical), (7, Severity::Warning)];

/// A pace seen for less than this, in seconds, says nothing about days.
const LOOKED_AT: u32 = 3_600;
const DAY: u64 = 86_400;

pub(super) fn check(case: &mut Case<'_>) {
    if case.is_terminating() {
        return;
    }
    for claim in &case.tenant().claims {
        // The figures of a node's disk say nothing about the claim.
        let Some(usage) = claim.usage.filter(|_| !claim.on_node_disk()) else { continue };
        let bytes = usage.percent();
        let inodes = share(usage.inodes_used.into(), usage.inodes.into());
        let growth = claim.growth.filter(|g| g.over >= LOOKED_AT);
        let days = growth.and(claim.seconds_to_full()).map(|seconds| seconds / DAY);
        let severity = [step(bytes), step(inodes), days.and_then(soon)].into_iter().flatten().min();
        let Some(severity) = severity else { continue };
        // A stage or a gateway that ended for want of room has said so already: this is its proof.
        let told = case.found(|f| f.code == Code::VolumeFull && *f.about == *claim.name);
        let evidence = measure(claim, &usage);
        if told {
            case.find_once(Finding::critical(Code::VolumeFull, "").about(claim.name.as_str()).proof(evidence));
            continue;
        }
        let by_inodes = step(inodes).is_some_and(|s| step(bytes).is_none_or(|b| s < b));
        let fill = match (by_inodes, bytes) {
            (true, _) => format!("{}% of the inodes of {} are used", inodes.unwrap_or(0), claim.name),
            (false, Some(percent)) => format!("{} is {percent}% full", claim.name),
            (false, None) => format!("{} fills", claim.name),
        };
        let left = match days {
            Some(0) => ", and will be full within a day at its present pace".to_owned(),
            Some(days) => format!(", and will be full in {days} days at its present pace"),
            None => String::new(),
        };
        let finding = Finding::new(Code::VolumeFilling, severity, format!("{fill}{left}"))
            .about(claim.name.as_str())
            .advice(advice(claim, by_inodes))
            .proof(evidence)
            .proofs(growth.map(|g| {
                Evidence::measure(
                    format!("growth of {}", claim.name),
                    format!("{} a day, over {}", Bytes(g.bytes_per_day), Age(g.over)),
                    None,
                )
            }));
        case.find(finding);
    }
}

fn advice(claim: &Claim, by_inodes: bool) -> &'static str {
    match (by_inodes, claim.holds) {
        (true, _) => {
            "many small files: node_modules and package caches of the workspace; a larger claim brings more inodes on most file systems"
        }
        (_, Holds::App) => "releases of earlier images may lie there; grow the claim before the next upgrade",
        _ => {
            "media, session logs and package caches fill it: clean up with its user, or grow the claim; the gateway stays green on a full volume until it writes"
        }
    }
}

fn share(used: u64, of: u64) -> Option<u32> {
    u32::try_from((u128::from(used) * 100).checked_div(u128::from(of))?).ok()
}

fn step(percent: Option<u32>) -> Option<Severity> {
    STEPS.iter().find(|(from, _)| percent.is_some_and(|p| p >= *from)).map(|(_, severity)| *severity)
}

fn soon(days: u64) -> Option<Severity> {
    DAYS.iter().find(|(at_most, _)| days < *at_most).map(|(_, severity)| *severity)
}

fn bytes_text(bytes: u64) -> String {
    Bytes(i64::try_from(bytes).unwrap_or(i64::MAX)).to_string()
}

fn measure(claim: &Claim, usage: &VolumeUsage) -> Evidence {
    let mut said = format!("{} of {} used", bytes_text(usage.used), bytes_text(usage.capacity));
    // Nobody counted them where there are none at all.
    if usage.inodes > 0 {
        said += &format!(", {} of {} inodes", usage.inodes_used, usage.inodes);
    }
    let place = format!("PersistentVolumeClaim {}, by {}", claim.name, usage.source.word());
    Evidence::measure(place, said, Some(usage.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::fixture::*,
        fleet::{Growth, Tenant, fixture::*},
    };

    fn filled(percent: u64, inodes: u32) -> Tenant {
        let mut t = tenant("a", Some(ready()));
        t.claims[1].usage = Some(VolumeUsage {
            used: percent << 30,
            capacity: 100 << 30,
            inodes_used: inodes,
            inodes: 100,
            at: at(150),
            source: crate::fleet::VolumeSource::Kubelet,
        });
        t.claims[1].capacity = Some(crate::fleet::Quantity::whole(100 << 30));
        t
    }

    #[test]
    fn fullness_has_three_steps_in_bytes_and_inodes() {
        let check = |percent, inodes, expect: Option<(Severity, &str)>| {
            let found = diagnose(&filled(percent, inodes), 200).findings;
            assert_eq!(found.first().map(|f| (f.severity, f.sentence.as_str())), expect, "{percent} {inodes}");
        };
        check(79, 79, None);
        check(80, 10, Some((Severity::Note, "config-data is 80% full")));
        check(90, 10, Some((Severity::Warning, "config-data is 90% full")));
        check(97, 10, Some((Severity::Critical, "config-data is 97% full")));
        check(81, 91, Some((Severity::Warning, "91% of the inodes of config-data are used")));
        let mut unknown = filled(99, 99);
        unknown.claims[1].usage = None;
        assert!(diagnose(&unknown, 200).findings.is_empty());
        let mut nodes_disk = filled(99, 99);
        nodes_disk.claims[1].capacity = Some(crate::fleet::Quantity::whole(20 << 30));
        assert!(diagnose(&nodes_disk, 200).findings.is_empty(), "the node's disk, not the claim's");
    }

    #[test]
    fn what_will_be_full_soon_is_told_before_it_is() {
        let seen = |gib_per_day: u64, over| {
            let mut t = filled(60, 10);
            let bytes_per_day = i64::try_from(gib_per_day << 30).unwrap();
            t.claims[1].growth = Some(Growth { bytes_per_day, over, recorded: false });
            diagnose(&t, 200).findings
        };
        assert!(seen(50, 600).is_empty(), "ten minutes tell nothing about days");
        let with = |gib_per_day| seen(gib_per_day, 7_200);
        assert!(with(4).is_empty() && with(0).is_empty());
        assert_eq!(
            (with(8)[0].severity, with(8)[0].sentence.as_str()),
            (Severity::Warning, "config-data is 60% full, and will be full in 5 days at its present pace")
        );
        assert_eq!(with(50)[0].severity, Severity::Critical);
    }

    #[test]
    fn a_full_volume_that_broke_something_is_one_finding() {
        let mut t = filled(99, 10);
        let mut pod = starting();
        let end = saying(ended(1, "Error", 80, 100), "ENOSPC: no space left on device, write");
        pod.containers[0].state = waiting("CrashLoopBackOff");
        pod.containers[0].last = Some(Box::new(end));
        t.pods = Box::new([pod]);
        let found = diagnose(&t, 200).findings;
        assert_eq!((found.len(), found[0].code, found[0].down), (1, Code::VolumeFull, true));
        assert_eq!(found[0].evidence.len(), 3, "how it ended, what it said, how full it is");
    }
}
