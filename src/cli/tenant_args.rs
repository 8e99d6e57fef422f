//! The flags that say what a tenant is; each stands for a field of its spec.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args as ClapArgs;

use crate::manifest::{Issuer, IssuerKind, KeyRef, LiteLlmTarget, TenantDraft, Toleration};

/// What is not said comes from `[defaults]` of the configuration file.
#[derive(Clone, Debug, ClapArgs)]
pub(super) struct TenantArgs {
    /// The tenant's id: 1 to 40 of a-z, 0-9 and `-`.
    pub tenant: String,

    /// A folder of the manifests' `tiers/`: pro or max.
    #[arg(long, value_name = "T")]
    tier: String,

    /// The gateway's image: name:tag, name@sha256:..., or only the tag or digest of the fleet's repository.
    #[arg(long, value_name = "IMAGE")]
    image: String,

    /// The headless browser's image.
    #[arg(long, value_name = "IMAGE")]
    browser_image: Option<String>,

    /// The image of the browser's view for people.
    #[arg(long, value_name = "IMAGE")]
    browser_ui_image: Option<String>,

    /// Host name of the Ingress; `<id>.<domain>` where the configuration has a domain.
    #[arg(long)]
    host: Option<String>,

    /// The owner's handle.
    #[arg(long)]
    owner: Option<String>,

    /// Run no pod, keep everything else.
    #[arg(long)]
    suspended: bool,

    /// An option of the manifests' `options/`, such as stand-in; several times or with commas.
    #[arg(long = "with", value_name = "OPTION", value_delimiter = ',')]
    options: Vec<String>,

    /// Size of the app's volume in GiB, 20 to 50.
    #[arg(long, value_name = "GIB")]
    app_size: Option<u32>,

    /// Size of the state's volume in GiB, 20 to 50.
    #[arg(long, value_name = "GIB")]
    config_size: Option<u32>,

    /// Name of the app's PersistentVolumeClaim [default: app-data].
    #[arg(long, value_name = "CLAIM")]
    app_claim: Option<String>,

    /// Name of the state's PersistentVolumeClaim [default: config-data].
    #[arg(long, value_name = "CLAIM")]
    config_claim: Option<String>,

    /// StorageClass of both volumes; the cluster's default without.
    #[arg(long, value_name = "CLASS")]
    storage_class: Option<String>,

    /// IngressClass; the cluster's default without.
    #[arg(long, value_name = "CLASS")]
    ingress_class: Option<String>,

    /// cert-manager's ClusterIssuer, or Issuer/NAME for one of the tenant's namespace.
    #[arg(long, value_name = "NAME", value_parser = issuer)]
    issuer: Option<Issuer>,

    /// The models' proxy: NAMESPACE/SERVICE:PORT, or a URL.
    #[arg(long, value_name = "PROXY", value_parser = litellm)]
    litellm: Option<LiteLlmTarget>,

    /// Address range behind the URL of --litellm, where that is not public HTTPS on port 443.
    #[arg(long, value_name = "RANGE", value_delimiter = ',', requires = "litellm")]
    litellm_cidr: Vec<String>,

    /// Secret and key with the key for the proxy, as SECRET/KEY [default: litellm/api-key].
    #[arg(long, value_name = "SECRET/KEY", value_parser = key_ref)]
    litellm_key: Option<KeyRef>,

    /// Node label that the pod asks for, besides the base's own.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    node_selector: Vec<(String, String)>,

    /// Taint that the pod bears: KEY=VALUE:EFFECT, KEY:EFFECT, or KEY for every effect.
    #[arg(long, value_name = "TAINT", value_parser = toleration)]
    toleration: Vec<Toleration>,

    /// Secret of the tenant's namespace to pull images with.
    #[arg(long, value_name = "SECRET", value_delimiter = ',')]
    pull_secret: Vec<String>,

    /// Extra label, on every object.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
}

impl TenantArgs {
    /// The draft that these flags describe, or which of them contradict each other.
    pub(super) fn draft(self) -> Result<TenantDraft, String> {
        let ranges: BTreeSet<String> = self.litellm_cidr.into_iter().collect();
        let litellm = match self.litellm {
            Some(LiteLlmTarget::Url { url, .. }) => Some(LiteLlmTarget::Url { url, cidrs: ranges }),
            Some(LiteLlmTarget::Service { .. }) if !ranges.is_empty() => {
                return Err("--litellm-cidr goes with a URL; a Service is reached by its namespace".to_owned());
            }
            other => other,
        };
        Ok(TenantDraft {
            id: self.tenant,
            tier: self.tier,
            image: self.image,
            browser_image: self.browser_image,
            browser_ui_image: self.browser_ui_image,
            host: self.host,
            owner: self.owner,
            suspended: self.suspended,
            app_claim: self.app_claim,
            config_claim: self.config_claim,
            app_size_gi: self.app_size,
            config_size_gi: self.config_size,
            storage_class: self.storage_class,
            ingress_class: self.ingress_class,
            issuer: self.issuer,
            litellm,
            litellm_key: self.litellm_key,
            node_selector: once("--node-selector", self.node_selector)?,
            tolerations: self.toleration,
            image_pull_secrets: self.pull_secret.into_iter().collect(),
            labels: once("--label", self.label)?,
            options: self.options.into_iter().collect(),
        })
    }
}

fn once(flag: &str, pairs: Vec<(String, String)>) -> Result<BTreeMap<String, String>, String> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        if map.insert(key.clone(), value).is_some() {
            return Err(format!("{flag} {key} is given twice"));
        }
    }
    Ok(map)
}

fn issuer(text: &str) -> Result<Issuer, String> {
    let (kind, name) = match text.split_once('/') {
        None => (IssuerKind::ClusterIssuer, text),
        Some(("ClusterIssuer", name)) => (IssuerKind::ClusterIssuer, name),
        Some(("Issuer", name)) => (IssuerKind::Issuer, name),
        Some((kind, _)) => return Err(format!("{kind} is neither ClusterIssuer nor Issuer")),
    };
    Ok(Issuer { kind, name: name.to_owned() })
}

fn litellm(text: &str) -> Result<LiteLlmTarget, String> {
    if text.contains("://") {
        return Ok(LiteLlmTarget::Url { url: text.to_owned(), cidrs: BTreeSet::new() });
    }
    let parts = text.split_once('/').and_then(|(namespace, rest)| {
        let (name, port) = rest.split_once(':')?;
        Some((namespace, name, port.parse().ok()?))
    });
    let (namespace, name, port) = parts.ok_or("expected NAMESPACE/SERVICE:PORT or a URL")?;
    Ok(LiteLlmTarget::Service { name: name.to_owned(), namespace: namespace.to_owned(), port, pods: BTreeMap::new() })
}

fn key_ref(text: &str) -> Result<KeyRef, String> {
    let (secret, key) = text.split_once('/').ok_or("expected SECRET/KEY")?;
    Ok(KeyRef { secret: secret.to_owned(), key: key.to_owned() })
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn toleration(text: &str) -> Result<Toleration, String> {
    let (taint, effect) = text.split_once(':').map_or((text, None), |(taint, effect)| (taint, Some(effect)));
    let (key, value) = taint.split_once('=').map_or((taint, None), |(key, value)| (key, Some(value)));
    if key.is_empty() {
        return Err("expected KEY=VALUE:EFFECT, KEY:EFFECT or KEY".to_owned());
    }
    Ok(Toleration {
        key: Some(key.to_owned()),
        operator: Some(if value.is_some() { "Equal" } else { "Exists" }.to_owned()),
        value: value.map(str::to_owned),
        effect: effect.map(str::to_owned),
        toleration_seconds: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        assert_eq!(issuer("le").unwrap().kind, IssuerKind::ClusterIssuer);
        assert_eq!(issuer("Issuer/le").unwrap(), Issuer { kind: IssuerKind::Issuer, name: "le".to_owned() });
        assert!(issuer("Cert/le").is_err());
        assert_eq!(litellm("models/proxy:4000").unwrap().url(), "http://proxy.models.svc:4000");
        assert_eq!(litellm("https://llm.example.com/").unwrap().url(), "https://llm.example.com");
        for wrong in ["models", "models/proxy", "models/proxy:x", "models/proxy:99999"] {
            assert!(litellm(wrong).is_err(), "{wrong}");
        }
        let taint = toleration("dedicated=tenant:NoSchedule").unwrap();
        assert_eq!(
            (taint.operator.as_deref(), taint.value.as_deref(), taint.effect.as_deref()),
            (Some("Equal"), Some("tenant"), Some("NoSchedule"))
        );
        assert_eq!(toleration("dedicated").unwrap().operator.as_deref(), Some("Exists"));
        assert!(toleration(":NoSchedule").is_err() && key_ref("x").is_err() && pair("x").is_err());
    }
}
