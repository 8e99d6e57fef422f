//! From what a person says and what the fleet's configuration says to a complete spec.

use super::error::{FieldError, ManifestError};
use super::image::PinnedImage;
use super::spec::{Claim, Issuer, KeyRef, LiteLlm, LiteLlmTarget, Network, TenantSpec, Toleration, Volumes};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Fleet-wide values for what a tenant does not say, from the config file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// Repository for an image given by tag only; `ghcr.io/openclaw/openclaw` where absent.
    pub image_repository: Option<String>,
    pub browser_image: Option<PinnedImage>,
    pub browser_ui_image: Option<PinnedImage>,
    /// A tenant's host is `<id>.<domain>`.
    pub domain: Option<String>,
    pub storage_class: Option<String>,
    pub app_size_gi: Option<u32>,
    pub config_size_gi: Option<u32>,
    pub ingress_class: Option<String>,
    pub issuer: Option<Issuer>,
    pub litellm: Option<LiteLlmTarget>,
    pub litellm_key: Option<KeyRef>,
    pub node_selector: BTreeMap<String, String>,
    pub tolerations: Vec<Toleration>,
    pub image_pull_secrets: BTreeSet<String>,
    pub labels: BTreeMap<String, String>,
    pub options: BTreeSet<String>,
    /// `ingress-nginx` where absent.
    pub ingress_namespace: Option<String>,
    /// `fleetdeck` where absent.
    pub control_namespace: Option<String>,
    /// Days after which what the cluster remembers of a run is removed; 0 for never.
    pub runs_kept_days: Option<u32>,
    pub trusted_proxies: BTreeSet<String>,
    pub node_local_dns: BTreeSet<IpAddr>,
    pub excluded_cidrs: BTreeSet<String>,
}

/// What a person says of a tenant; the rest comes from [`Defaults`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantDraft {
    pub id: String,
    pub tier: String,
    /// A whole reference, or only a tag or digest.
    pub image: String,
    pub browser_image: Option<String>,
    pub browser_ui_image: Option<String>,
    pub host: Option<String>,
    pub owner: Option<String>,
    pub suspended: bool,
    pub app_claim: Option<String>,
    pub config_claim: Option<String>,
    pub app_size_gi: Option<u32>,
    pub config_size_gi: Option<u32>,
    pub storage_class: Option<String>,
    pub ingress_class: Option<String>,
    pub issuer: Option<Issuer>,
    pub litellm: Option<LiteLlmTarget>,
    pub litellm_key: Option<KeyRef>,
    /// Added to the fleet's; the same key overrides.
    pub node_selector: BTreeMap<String, String>,
    /// Added to the fleet's.
    pub tolerations: Vec<Toleration>,
    pub image_pull_secrets: BTreeSet<String>,
    pub labels: BTreeMap<String, String>,
    pub options: BTreeSet<String>,
}

/// Images of the browser and its view where neither tenant nor fleet names one.
const BROWSER_IMAGE: &str = "ghcr.io/browserless/chromium:v2.56.0";
const BROWSER_UI_IMAGE: &str = "docker.io/kasmweb/chrome:1.17.0";
const IMAGE_REPOSITORY: &str = "ghcr.io/openclaw/openclaw";

impl TenantDraft {
    /// The complete spec: what the draft says, then what the fleet says, then what the product says.
    ///
    /// # Errors
    /// Every field that is missing or wrong.
    pub fn resolve(self, defaults: &Defaults) -> Result<TenantSpec, ManifestError> {
        let mut errors = Vec::new();
        let mut image = |field: &str, given: Option<&str>, fleet: Option<&PinnedImage>, product: &str| {
            let read = match (given, fleet) {
                (Some(text), _) => PinnedImage::given(
                    text,
                    (field == "image").then(|| defaults.image_repository.as_deref().unwrap_or(IMAGE_REPOSITORY)),
                ),
                (None, Some(image)) => Ok(image.clone()),
                (None, None) => product.parse(),
            };
            read.map_err(|message| errors.push(FieldError { field: field.to_owned(), message })).ok()
        };
        let main = image("image", Some(&self.image), None, "");
        let browser =
            image("browserImage", self.browser_image.as_deref(), defaults.browser_image.as_ref(), BROWSER_IMAGE);
        let browser_ui = image(
            "browserUiImage",
            self.browser_ui_image.as_deref(),
            defaults.browser_ui_image.as_ref(),
            BROWSER_UI_IMAGE,
        );
        let host = self.host.or_else(|| defaults.domain.as_deref().map(|domain| format!("{}.{domain}", self.id)));
        if host.is_none() {
            let message = "give a host, or set the fleet's `domain` in the config file".to_owned();
            errors.push(FieldError { field: "host".to_owned(), message });
        }
        let (Some(image), Some(browser_image), Some(browser_ui_image), Some(host)) = (main, browser, browser_ui, host)
        else {
            // All that is wrong is said at once, the id too.
            if let Err(error) = self.id.parse::<crate::fleet::TenantId>() {
                errors.insert(0, FieldError { field: "id".to_owned(), message: error.to_string() });
            }
            return Err(ManifestError::Spec(errors));
        };
        let storage_class = self.storage_class.or_else(|| defaults.storage_class.clone());
        let claim = |name: Option<String>, standard: &str, size: Option<u32>, fleet: Option<u32>| Claim {
            name: name.unwrap_or_else(|| standard.to_owned()),
            size_gi: size.or(fleet).unwrap_or(20),
            storage_class: storage_class.clone(),
            snapshot: None,
        };
        let mut tolerations = defaults.tolerations.clone();
        tolerations.extend(self.tolerations.into_iter().filter(|own| !defaults.tolerations.contains(own)));
        let spec = TenantSpec {
            volumes: Volumes {
                app: claim(self.app_claim, "app-data", self.app_size_gi, defaults.app_size_gi),
                config: claim(self.config_claim, "config-data", self.config_size_gi, defaults.config_size_gi),
            },
            id: self.id,
            tier: self.tier,
            image,
            browser_image,
            browser_ui_image,
            host,
            owner: self.owner,
            suspended: self.suspended,
            ingress_class: self.ingress_class.or_else(|| defaults.ingress_class.clone()),
            issuer: self.issuer.or_else(|| defaults.issuer.clone()),
            litellm: LiteLlm {
                target: self.litellm.or_else(|| defaults.litellm.clone()).unwrap_or_else(|| LiteLlmTarget::Service {
                    name: "litellm".to_owned(),
                    namespace: "litellm".to_owned(),
                    port: 4000,
                    pods: BTreeMap::new(),
                }),
                key: self.litellm_key.or_else(|| defaults.litellm_key.clone()).unwrap_or_else(KeyRef::standard),
            },
            node_selector: over(&defaults.node_selector, self.node_selector),
            tolerations,
            image_pull_secrets: defaults.image_pull_secrets.iter().cloned().chain(self.image_pull_secrets).collect(),
            labels: over(&defaults.labels, self.labels),
            options: defaults.options.iter().cloned().chain(self.options).collect(),
            network: defaults.network(),
        };
        spec.validate()?;
        Ok(spec)
    }
}

impl Defaults {
    pub(crate) fn network(&self) -> Network {
        Network {
            ingress_namespace: self.ingress_namespace.clone().unwrap_or_else(|| "ingress-nginx".to_owned()),
            control_namespace: self.control_namespace.clone().unwrap_or_else(|| "fleetdeck".to_owned()),
            trusted_proxies: self.trusted_proxies.clone(),
            node_local_dns: self.node_local_dns.clone(),
            excluded_cidrs: self.excluded_cidrs.clone(),
        }
    }
}

fn over(fleet: &BTreeMap<String, String>, own: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = fleet.clone();
    all.extend(own);
    all
}
