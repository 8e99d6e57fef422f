//! `fleetdeck config show|example`.

use super::{args::ConfigVerb, failure::Failure, print::Out};
use crate::config::{Config, EXAMPLE};

pub(super) fn run(what: ConfigVerb, config: Result<Config, Failure>) -> Result<(), Failure> {
    let mut out = Out::new();
    match what {
        // Needed most when the own file is broken.
        ConfigVerb::Example => out.bytes(EXAMPLE.as_bytes())?,
        ConfigVerb::Show => {
            let text = toml::to_string(&config?).map_err(|e| Failure::Failed(format!("not to be shown: {e}")))?;
            out.bytes(text.as_bytes())?;
        }
    }
    out.flush()
}
