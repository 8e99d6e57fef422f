//! Figures that are polled: of pods and volumes.

use super::{Fleet, Touched};
use crate::{fleet::Text, index::delta::Measure};

impl Fleet {
    pub(super) fn measure(&mut self, measure: Measure, touched: &mut Touched) {
        match measure {
            Measure::Pod { namespace, pod, usage, parts } => {
                let Some(entry) = self.entries.get_mut(&namespace) else {
                    return;
                };
                let is_main = entry.tenant.pod().is_some_and(|p| p.name == pod);
                if is_main && entry.tenant.usage != Some(usage) {
                    entry.tenant.usage = Some(usage);
                    let of = |name: &Text| parts.iter().find(|(of, _)| of == name).map(|(_, part)| *part);
                    let containers = entry.tenant.pod().map_or(&[][..], |pod| &pod.containers);
                    entry.tenant.parts = containers.iter().map(|c| of(&c.name)).collect();
                    touched.insert(namespace);
                }
            }
            Measure::Volume { namespace, claim, usage } => {
                let Some(entry) = self.entries.get_mut(&namespace) else {
                    return;
                };
                let Some(claim) = entry.tenant.claims.iter_mut().find(|c| c.name == claim) else {
                    return;
                };
                // Of several sources the one that looked last counts.
                if claim.usage.is_none_or(|before| before != usage && before.at <= usage.at) {
                    let node_disk = claim.on_node_disk();
                    // A series begins with the second look: the first one is in the claim already.
                    if let Some(before) = claim.usage.replace(usage) {
                        let series = self.series.entry(claim.uid).or_default();
                        series.add(before.at, before.used);
                        series.add(usage.at, usage.used);
                        // What somebody has recorded reaches further back than we do.
                        if !claim.growth.is_some_and(|g| g.recorded) {
                            claim.growth = series.growth().filter(|_| !node_disk);
                        }
                    }
                    touched.insert(namespace);
                }
            }
            Measure::Growth { namespace, claim, growth } => {
                let claims = self.entries.get_mut(&namespace).map(|e| &mut e.tenant.claims);
                let Some(claim) = claims.and_then(|all| all.iter_mut().find(|c| c.name == claim)) else { return };
                if claim.growth != Some(growth) {
                    claim.growth = Some(growth);
                    touched.insert(namespace);
                }
            }
        }
    }
}
