//! What one tenant is: everything that its objects depend on besides the base.

use super::error::{FieldError, ManifestError};
use super::image::PinnedImage;
use super::validate;
use crate::fleet::name::SPEC_ANNOTATION;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A tenant, complete: no default is left to be looked up, so whoever reads the annotation renders the same objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantSpec {
    /// A DNS label of at most 40 characters; the namespace is `tenant-<id>`.
    pub id: String,
    /// A folder of the base's `tiers/`, such as `pro`.
    pub tier: String,
    /// The gateway's image; the stages run in it too.
    pub image: PinnedImage,
    /// The headless browser's image.
    pub browser_image: PinnedImage,
    /// The image of the browser's view for people.
    pub browser_ui_image: PinnedImage,
    /// Host name of the Ingress.
    pub host: String,
    /// Handle of the owner, free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// A suspended tenant keeps everything but runs no pod.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// Both claims.
    pub volumes: Volumes,
    /// The cluster's default class where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_class: Option<String>,
    /// Who signs the host's certificate; where absent, something else provides the Secret `openclaw-tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Issuer>,
    /// The models' proxy.
    pub litellm: LiteLlm,
    /// Added to the base's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Dedicated pools are usually tainted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// Names of Secrets of the tenant's namespace.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub image_pull_secrets: BTreeSet<String>,
    /// Extra labels, on every object, pod and claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Folders of the base's `options/`, such as `stand-in`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub options: BTreeSet<String>,
    /// Who may reach the tenant, and what it may reach.
    pub network: Network,
}

/// The two claims of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Volumes {
    /// Mounted at `/app`.
    pub app: Claim,
    /// Mounted at `/home/node/.openclaw`.
    pub config: Claim,
}

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Claim {
    /// The claim's name; a restore brings a new one.
    pub name: String,
    /// Gibibytes, 20 to 50.
    pub size_gi: u32,
    /// The cluster's default class where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
}

/// An issuer of cert-manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issuer {
    pub kind: IssuerKind,
    pub name: String,
}

/// Of the cluster, or of the tenant's namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IssuerKind {
    ClusterIssuer,
    Issuer,
}

/// Where the models' proxy is and which Secret holds the key for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LiteLlm {
    pub target: LiteLlmTarget,
    pub key: KeyRef,
}

/// Where the models' proxy is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum LiteLlmTarget {
    /// A Service of this cluster.
    Service {
        name: String,
        namespace: String,
        port: u16,
        /// The proxy's pods; all pods of the namespace where empty.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pods: BTreeMap<String, String>,
    },
    /// A URL. Public HTTPS on port 443 needs nothing more; for all else the address ranges behind it are to be named, since a
    /// NetworkPolicy knows no host names.
    Url {
        url: String,
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        cidrs: BTreeSet<String>,
    },
}

impl LiteLlmTarget {
    /// The URL that the gateway is told, without a slash at its end.
    pub fn url(&self) -> String {
        match self {
            Self::Service { name, namespace, port, .. } => format!("http://{name}.{namespace}.svc:{port}"),
            Self::Url { url, .. } => url.trim_end_matches('/').to_owned(),
        }
    }
}

/// A key of a Secret in the tenant's namespace; the value is never read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRef {
    pub secret: String,
    pub key: String,
}

/// Who may reach the tenant, and what it may reach beyond the base's rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
    /// Namespace of the ingress controller.
    pub ingress_namespace: String,
    /// Namespace of the bot and of the fleet's own records.
    pub control_namespace: String,
    /// Addresses or narrow ranges of the ingress controller's pods. The gateway refuses its UI to a proxy that is not among them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub trusted_proxies: BTreeSet<String>,
    /// Addresses of a node-local DNS cache.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub node_local_dns: BTreeSet<IpAddr>,
    /// Ranges that no tenant may reach by HTTPS, beside the base's own: the fleet's public addresses.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub excluded_cidrs: BTreeSet<String>,
}

/// A pod's toleration, as Kubernetes has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Toleration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Equal` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Every effect where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

impl TenantSpec {
    /// `tenant-<id>`.
    pub fn namespace(&self) -> String {
        format!("tenant-{}", self.id)
    }

    /// All rules that the spec breaks by itself; whether tier and options exist is for the base to say.
    ///
    /// # Errors
    /// Every field that is wrong, with what would be right.
    pub fn validate(&self) -> Result<(), ManifestError> {
        let errors = validate::errors(self);
        if errors.is_empty() { Ok(()) } else { Err(ManifestError::Spec(errors)) }
    }
}

/// The spec that a live Namespace carries; `None` where it carries none and the tenant is to be adopted.
///
/// # Errors
/// An annotation that is not a spec, as one written by a newer fleetdeck may be.
pub fn stored_spec(namespace: &Value) -> Option<Result<TenantSpec, ManifestError>> {
    let text = namespace.pointer("/metadata/annotations")?.get(SPEC_ANNOTATION)?;
    let name = super::object::text(namespace, "/metadata/name");
    let parsed = text
        .as_str()
        .ok_or_else(|| "it is no text".to_owned())
        .and_then(|text| serde_json::from_str(text).map_err(|error| error.to_string()));
    Some(parsed.map_err(|error| {
        ManifestError::Base(format!(
            "Namespace {name}: the annotation {SPEC_ANNOTATION} is not a spec that this fleetdeck knows: {error}"
        ))
    }))
}

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
            return Err(ManifestError::Spec(errors));
        };
        let storage_class = self.storage_class.or_else(|| defaults.storage_class.clone());
        let claim = |name: Option<String>, standard: &str, size: Option<u32>, fleet: Option<u32>| Claim {
            name: name.unwrap_or_else(|| standard.to_owned()),
            size_gi: size.or(fleet).unwrap_or(20),
            storage_class: storage_class.clone(),
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

impl KeyRef {
    /// The Secret and key that the base itself names.
    pub(crate) fn standard() -> Self {
        Self { secret: "litellm".to_owned(), key: "api-key".to_owned() }
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
