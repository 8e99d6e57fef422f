//! Event of type Warning.

use serde::Deserialize;

use super::{
    super::delta::Part,
    Digested, Labels,
    lenient::{Int, Obj, Raw},
    meta::Meta,
};
use crate::fleet::{Text, Warning};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Object<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a>>,
    #[serde(borrow)]
    involved_object: Obj<Reference<'a>>,
    #[serde(borrow)]
    reason: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    count: Int,
    #[serde(borrow)]
    first_timestamp: Raw<'a>,
    #[serde(borrow)]
    last_timestamp: Raw<'a>,
    #[serde(borrow)]
    event_time: Raw<'a>,
    #[serde(borrow)]
    series: Obj<Series<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reference<'a> {
    #[serde(borrow)]
    kind: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    uid: Raw<'a>,
    #[serde(borrow)]
    field_path: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series<'a> {
    count: Int,
    #[serde(borrow)]
    last_observed_time: Raw<'a>,
}

impl Reference<'_> {
    /// `seed-app` of `spec.initContainers{seed-app}`.
    fn container(&self) -> Option<Text> {
        let (_, rest) = self.field_path.split_once("ontainers{")?;
        let name = rest.strip_suffix('}')?;
        (!name.is_empty()).then(|| Text::from(&*crate::fleet::clean::clean(name)))
    }
}

impl<'a> super::Object<'a> for Object<'a> {
    fn version(&self) -> &str {
        self.metadata.0.as_ref().map_or("", |m| &m.resource_version)
    }

    fn digest(self, labels: &Labels) -> Digested {
        // The server selects by type; a server that does not must not fill the index.
        if &*self.kind != "Warning" {
            return Digested::Ignored;
        }
        let (meta, about, series) =
            (self.metadata.or_default(), self.involved_object.or_default(), self.series.or_default());
        let text = |raw: &Raw<'_>| raw.text().unwrap_or_default();
        meta.facet(labels, |uid, name| {
            let once = self.event_time.at();
            Part::Warning(Warning {
                uid,
                name,
                kind: text(&about.kind),
                object: text(&about.name),
                object_uid: about.uid.parse(),
                container: about.container(),
                reason: text(&self.reason),
                message: self.message.said().unwrap_or_default(),
                count: self.count.count().max(series.count.count()).max(1),
                first: self.first_timestamp.at().or(once).or(meta.created()),
                last: series
                    .last_observed_time
                    .at()
                    .or(self.last_timestamp.at())
                    .or(once)
                    .or(self.first_timestamp.at())
                    .or(meta.created()),
            })
        })
    }
}
