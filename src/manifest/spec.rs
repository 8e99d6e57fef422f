//! What one tenant is: everything that its objects depend on besides the base.

use super::error::ManifestError;
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
    /// The VolumeSnapshot that it was made from. Kept for good: a claim's source can be neither changed nor taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
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

    /// As it is kept with the tenant.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn stored(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
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

impl KeyRef {
    /// The Secret and key that the base itself names.
    pub(crate) fn standard() -> Self {
        Self { secret: "litellm".to_owned(), key: "api-key".to_owned() }
    }
}
