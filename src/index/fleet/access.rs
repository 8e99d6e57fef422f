//! What the user may do here.

use super::Fleet;
use crate::fleet::{Rights, Role};

impl Fleet {
    /// What the user may do in this namespace, or in the whole cluster, as far as that is known.
    pub fn rights(&self, namespace: Option<&str>) -> Rights {
        let narrower = namespace.and_then(|name| self.rights_in.get(name));
        narrower.map_or(self.rights, |narrower| self.rights.with(narrower))
    }

    /// What the user is to this fleet; with the number of namespaces where it is not for the whole cluster.
    pub fn role(&self) -> Option<(Role, Option<usize>)> {
        let wide = self.rights.role();
        let all = self.rights_in.values().map(|narrower| self.rights.with(narrower));
        let narrow = all.reduce(|a, b| a.common(&b)).and_then(|rights| rights.role());
        match narrow.filter(|narrow| wide.is_none_or(|wide| *narrow > wide)) {
            Some(role) => Some((role, Some(self.rights_in.len()))),
            None => Some((wide?, None)),
        }
    }
}
