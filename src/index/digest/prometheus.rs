//! Prometheus' answers to instant queries: what the kubelets' volume statistics are in its store, for the whole fleet at once.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    DigestError,
    lenient::{List, Obj, Raw},
};
use crate::{
    fleet::{At, Growth, Text, VolumeSource, VolumeUsage},
    index::delta::Measure,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow)]
    status: Raw<'a>,
    #[serde(borrow)]
    data: Obj<Data<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow)]
    result: List<Series<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Series<'a> {
    #[serde(borrow)]
    metric: Obj<Metric<'a>>,
    /// `[1790000000.5, "123"]`
    value: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metric<'a> {
    #[serde(borrow, rename = "__name__")]
    name: Raw<'a>,
    #[serde(borrow)]
    namespace: Raw<'a>,
    #[serde(borrow)]
    persistentvolumeclaim: Raw<'a>,
}

impl Series<'_> {
    fn number(&self) -> Option<(f64, f64)> {
        let at = self.value.get(0)?.as_f64()?;
        let text = self.value.get(1)?.as_str()?;
        let number: f64 = text.parse().ok()?;
        // NaN and infinities are Prometheus' words for "nothing".
        number.is_finite().then_some((at, number))
    }
}

fn read(body: &[u8]) -> Result<List<Series<'_>>, DigestError> {
    let answer: Obj<Answer<'_>> = serde_json::from_slice(body).map_err(|e| DigestError::of(&e))?;
    let answer = answer.or_default();
    if &*answer.status != "success" {
        let found = format!("status {:?}", &*answer.status);
        return Err(DigestError::Shape { expected: "a successful answer of Prometheus", found });
    }
    Ok(answer.data.or_default().result)
}

/// Reads `kubelet_volume_stats_*`. A claim without both bytes figures is left out; of a claim that several series tell of
/// (a volume that moved between nodes), the fuller figure counts.
pub fn prometheus_volumes(body: &[u8]) -> Result<Vec<Measure>, DigestError> {
    #[derive(Default)]
    struct Found {
        figures: [Option<u64>; 4],
        at: Option<At>,
    }
    const NAMES: [&str; 4] = ["used_bytes", "capacity_bytes", "inodes_used", "inodes"];
    let mut found: BTreeMap<(Text, Text), Found> = BTreeMap::new();
    for series in read(body)?.0 {
        let Some((at, number)) = series.number().filter(|(_, n)| (0.0..1.8e19).contains(n)) else { continue };
        let metric = series.metric.or_default();
        let Some(name) = metric.name.strip_prefix("kubelet_volume_stats_") else { continue };
        let slot = NAMES.iter().position(|known| *known == name);
        let (Some(slot), Some(namespace), Some(claim)) =
            (slot, metric.namespace.text(), metric.persistentvolumeclaim.text())
        else {
            continue;
        };
        let entry = found.entry((namespace, claim)).or_default();
        // Whole numbers by nature.
        entry.figures[slot] = entry.figures[slot].max(Some(number as u64));
        entry.at = entry.at.max(At::from_unix(at as i64));
    }
    let measures = found.into_iter().filter_map(|((namespace, claim), found)| {
        let [used, capacity, inodes_used, inodes] = found.figures;
        let (inodes_used, inodes) = VolumeUsage::inodes(inodes_used.unwrap_or(0), inodes.unwrap_or(0));
        let usage = VolumeUsage {
            used: used?,
            capacity: capacity?,
            inodes_used,
            inodes,
            at: found.at?,
            source: VolumeSource::Prometheus,
        };
        Some(Measure::Volume { namespace, claim, usage })
    });
    Ok(measures.collect())
}

/// Reads bytes a day per claim; `over` is the time that the query looks at.
pub fn prometheus_growth(body: &[u8], over: u32) -> Result<Vec<Measure>, DigestError> {
    let measures = read(body)?.0.into_iter().filter_map(|series| {
        let (_, pace) = series.number()?;
        let metric = series.metric.or_default();
        let growth = Growth { bytes_per_day: pace as i64, over, recorded: true };
        Some(Measure::Growth {
            namespace: metric.namespace.text()?,
            claim: metric.persistentvolumeclaim.text()?,
            growth,
        })
    });
    Ok(measures.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_holds_the_fleets_volumes() {
        let series = |name: &str, claim: &str, value: &str| {
            format!(
                r#"{{"metric":{{"__name__":"kubelet_volume_stats_{name}","namespace":"tenant-a","persistentvolumeclaim":"{claim}","node":"n"}},"value":[1790000000.123,{value}]}}"#
            )
        };
        let all = [
            series("used_bytes", "app-data", r#""7000000000""#),
            series("used_bytes", "app-data", r#""6000000000""#),
            series("capacity_bytes", "app-data", r#""2.1e10""#),
            series("inodes", "app-data", r#""1310720""#),
            series("inodes_used", "app-data", r#""12""#),
            series("used_bytes", "config-data", r#""1""#),
            series("capacity_bytes", "config-data", r#""NaN""#),
            series("capacity_bytes", "other", "7"),
            "7".to_owned(),
        ];
        let body = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#, all.join(","));
        let measures = prometheus_volumes(body.as_bytes()).unwrap();
        let [Measure::Volume { claim, usage, .. }] = &*measures else { panic!("{measures:?}") };
        assert_eq!(
            (claim.as_str(), usage.used, usage.percent(), usage.inodes),
            ("app-data", 7_000_000_000, Some(33), 1_310_720)
        );
        assert_eq!(usage.source, VolumeSource::Prometheus);
        let measures = prometheus_growth(body.as_bytes(), 3_600).unwrap();
        assert!(matches!(&measures[0], Measure::Growth { growth, .. } if growth.bytes_per_day == 7_000_000_000));
    }

    #[test]
    fn what_is_no_answer_of_prometheus_is_an_error() {
        for body in
            ["", "<html>", "[]", "{}", r#"{"status":"error","error":"bad_data"}"#, r#"{"status":"success","data""#]
        {
            assert!(prometheus_volumes(body.as_bytes()).is_err(), "{body}");
        }
        assert_eq!(prometheus_volumes(br#"{"status":"success","data":{"result":"x"}}"#), Ok(vec![]));
    }
}
