//! Names and labels of the tenant contract (design.md section 1).

use std::{fmt, str::FromStr};

use super::{Text, pattern::between};

/// Label on every object of a tenant; its value is the tenant's id.
pub const TENANT_LABEL: &str = "openclaw.ai/tenant";
/// Label with the tier, on every object of a tenant.
pub const TIER_LABEL: &str = "openclaw.ai/tier";
/// How the Namespaces begin that our own renderer makes; the id follows.
pub const NAMESPACE_PREFIX: &str = "tenant-";
/// Selector of the nodes that tenants run on: what the contract's pods ask for.
pub const POOL_SELECTOR: &str = "openclaw.ai/workload=tenant";
/// Annotation on the Namespace: the spec that the tenant was rendered from, as JSON.
pub const SPEC_ANNOTATION: &str = "openclaw.ai/spec";
/// Annotation of the run that last wrote the object: `<run>/<step>`.
pub const RUN_ANNOTATION: &str = "fleetdeck.openclaw.ai/run";

/// Annotation of the run that acts on the object now: `<run>/<how often it has changed hands>`.
pub const CLAIM_ANNOTATION: &str = "fleetdeck.openclaw.ai/claim";
/// Annotation on the Namespace: the last run that brought this tenant to its end.
pub const DONE_ANNOTATION: &str = "fleetdeck.openclaw.ai/done";
/// Which run has replaced the gateway token, and after it which pod was there: `<run>/<UID>`, on the Namespace.
pub const TOKEN_ANNOTATION: &str = "fleetdeck.openclaw.ai/token";
/// Annotation that names an object's own UID: it is to be purged. The cluster's guard lets nothing go without it.
pub const PURGE_ANNOTATION: &str = "fleetdeck.openclaw.ai/purge";

/// The part that a container plays in a tenant's pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    Gateway,
    Browser,
    /// The page on which a person sees the browser.
    BrowserUi,
    #[default]
    Other,
}

/// What a claim's volume is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Holds {
    /// The program: the contract's `app-data`.
    App,
    /// What a person's assistant knows: `config-data`.
    Config,
    #[default]
    Other,
}

/// What containers and claims are called by the parts they play; configurable for fleets made by other hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    pub gateway: Vec<String>,
    pub browser: Vec<String>,
    pub browser_ui: Vec<String>,
    /// Each stands for itself and for what a restore calls its successors (`app-data-...`); one `*` in it for anything.
    pub app_claims: Vec<String>,
    pub config_claims: Vec<String>,
}

impl Default for Roles {
    fn default() -> Self {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        Self {
            gateway: names(&["gateway"]),
            // Ours, and what other hands call it.
            browser: names(&["browser", "chromium", "chrome"]),
            browser_ui: names(&["browser-ui"]),
            app_claims: names(&["app-data"]),
            config_claims: names(&["config-data"]),
        }
    }
}

impl Roles {
    pub fn of(&self, container: &str) -> Role {
        let is = |names: &[String]| names.iter().any(|name| name == container);
        match () {
            () if is(&self.gateway) => Role::Gateway,
            () if is(&self.browser) => Role::Browser,
            () if is(&self.browser_ui) => Role::BrowserUi,
            () => Role::Other,
        }
    }

    pub fn held_by(&self, claim: &str) -> Holds {
        let fits = |name: &String| match name.split_once('*') {
            Some((head, tail)) => between(claim, head, tail).is_some(),
            None => claim.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
        };
        match () {
            () if self.app_claims.iter().any(fits) => Holds::App,
            () if self.config_claims.iter().any(fits) => Holds::Config,
            () => Holds::Other,
        }
    }
}

/// A tenant's id: a DNS label of at most 40 characters, so that `tenant-<id>` is a namespace's name too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Text);

/// Why a text is no tenant id. Its message says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantIdError(String);

impl fmt::Display for TenantIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a tenant id: 1 to 40 of a-z, 0-9 and '-', beginning and ending with a letter or digit",
            self.0
        )
    }
}

impl std::error::Error for TenantIdError {}

impl TenantId {
    pub const MAX_LEN: usize = 40;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The Namespace our own renderer gives this tenant.
    pub fn namespace(&self) -> String {
        format!("{NAMESPACE_PREFIX}{}", self.0)
    }
}

impl FromStr for TenantId {
    type Err = TenantIdError;

    fn from_str(text: &str) -> Result<Self, TenantIdError> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let bytes = text.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        let ok = text.len() <= Self::MAX_LEN
            && bytes.iter().all(|b| inner(*b))
            && ends.iter().all(|end| end.is_some_and(|b| *b != b'-'));
        if ok { Ok(Self(Text::from(text))) } else { Err(TenantIdError(text.chars().take(80).collect())) }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_told_by_their_names() {
        let ours = Roles::default();
        let held = |name| ours.held_by(name);
        assert_eq!(["app-data", "app-data-20261127-0102"].map(held), [Holds::App; 2]);
        assert_eq!(["config-data", "app-database", "app", "my-app-data"].map(held), {
            [Holds::Config, Holds::Other, Holds::Other, Holds::Other]
        });
        let theirs = Roles { config_claims: vec!["*-data".to_owned(), "state*1".to_owned()], ..ours };
        let held = |name| theirs.held_by(name);
        assert_eq!(["app-data", "ana-data", "state-1", "state1"].map(held)[1..], [Holds::Config; 3]);
        assert_eq!(["data", "state-2", "-datax"].map(held), [Holds::Other; 3]);
    }

    #[test]
    fn ids_are_dns_labels() {
        let longest = "a".repeat(40);
        for good in ["a", "maria-k", "7", &longest] {
            assert_eq!(good.parse::<TenantId>().unwrap().as_str(), good);
        }
        let too_long = "a".repeat(41);
        for bad in ["", "-a", "a-", "Maria", "a_b", "a.b", "ü", "a b", "../x", &too_long] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
    }
}
