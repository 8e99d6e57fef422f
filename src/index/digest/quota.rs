//! ResourceQuota.

use serde::Deserialize;

use super::{
    super::delta::Part,
    Digested, Labels,
    lenient::{Entries, Obj, Raw},
    meta::Meta,
};
use crate::fleet::{Quota, clean::clean};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Object<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a>>,
    #[serde(borrow)]
    spec: Obj<Amounts<'a>>,
    #[serde(borrow)]
    status: Obj<Amounts<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Amounts<'a> {
    #[serde(borrow)]
    hard: Entries<'a>,
    #[serde(borrow)]
    used: Entries<'a>,
}

impl<'a> super::Object<'a> for Object<'a> {
    fn version(&self) -> &str {
        self.metadata.0.as_ref().map_or("", |m| &m.resource_version)
    }

    fn digest(self, labels: &Labels) -> Digested {
        let (spec, status) = (self.spec.or_default(), self.status.or_default());
        // Without a readable limit there is nothing to compare the use with.
        let entries = spec.hard.0.iter().filter_map(|(resource, hard)| {
            let used = status.used.get(resource).and_then(Raw::quantity);
            Some((clean(resource).into_owned().into(), hard.quantity()?, used))
        });
        self.metadata.or_default().facet(labels, |uid, name| Part::Quota(Quota::new(uid, name, entries)))
    }
}
