//! What is done beside an operation, because whoever wants it wants it so.

use serde::{Deserialize, Serialize};

/// The cautions of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Care {
    /// Images are pulled onto the tenants' nodes before anybody is taken down for them.
    pub prepull: bool,
    /// A snapshot of each volume is cut first: the way back.
    pub snapshot: bool,
    /// Whoever is done is asked by us as well, through a port-forward.
    pub probe: bool,
}

impl Care {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
