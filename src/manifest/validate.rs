//! The rules of a spec, field by field.

use super::cidr;
use super::error::FieldError;
use super::image::PinnedImage;
use super::spec::{Claim, LiteLlmTarget, TenantSpec, Toleration};
use super::yaml::resolves_to_other_type;
use crate::fleet::TenantId;
use std::collections::BTreeMap;

/// Every rule that the spec breaks.
pub(crate) fn errors(spec: &TenantSpec) -> Vec<FieldError> {
    let mut rules = Rules(Vec::new());
    let id: Result<TenantId, _> = spec.id.parse();
    rules.check("id", id.is_ok(), || id.map_or_else(|error| error.to_string(), |_| String::new()));
    rules.label("tier", &spec.tier);
    for (field, image) in
        [("image", &spec.image), ("browserImage", &spec.browser_image), ("browserUiImage", &spec.browser_ui_image)]
    {
        let parsed: Result<PinnedImage, String> = image.to_string().parse();
        rules.check(field, parsed.is_ok(), || parsed.err().unwrap_or_default());
    }
    rules.host("host", &spec.host);
    if let Some(owner) = &spec.owner {
        rules.check(
            "owner",
            (1..=100).contains(&owner.chars().count()) && !owner.chars().any(char::is_control),
            || "an owner's handle has 1 to 100 characters, none of them control characters".to_owned(),
        );
    }
    rules.claim("volumes.app", &spec.volumes.app);
    rules.claim("volumes.config", &spec.volumes.config);
    rules.check("volumes.config.name", spec.volumes.app.name != spec.volumes.config.name, || {
        "both volumes have the same claim".to_owned()
    });
    for (field, claim, other) in [
        ("volumes.app.name", &spec.volumes.app.name, "config-data"),
        ("volumes.config.name", &spec.volumes.config.name, "app-data"),
    ] {
        rules.check(field, claim != other, || format!("{other} is the name of the other volume's claim"));
    }
    if let Some(class) = &spec.ingress_class {
        rules.subdomain("ingressClass", class);
    }
    if let Some(issuer) = &spec.issuer {
        rules.subdomain("issuer.name", &issuer.name);
    }
    rules.litellm(&spec.litellm.target);
    rules.subdomain("litellm.key.secret", &spec.litellm.key.secret);
    let key = &spec.litellm.key.key;
    rules.check(
        "litellm.key.key",
        !key.is_empty() && key.len() <= 253 && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)),
        || format!("{key:?} cannot be a key of a Secret"),
    );
    rules.pairs("nodeSelector", &spec.node_selector);
    for (i, toleration) in spec.tolerations.iter().enumerate() {
        rules.toleration(&format!("tolerations[{i}]"), toleration);
    }
    for name in &spec.image_pull_secrets {
        rules.subdomain("imagePullSecrets", name);
    }
    rules.pairs("labels", &spec.labels);
    for key in spec.labels.keys() {
        let ours = is_reserved_label(key);
        rules.check(&format!("labels.{key}"), !ours, || {
            "labels of this domain are set by fleetdeck and Kubernetes; choose a domain of your own".to_owned()
        });
    }
    for option in &spec.options {
        rules.label("options", option);
    }
    rules.label("network.ingressNamespace", &spec.network.ingress_namespace);
    rules.label("network.controlNamespace", &spec.network.control_namespace);
    for proxy in &spec.network.trusted_proxies {
        let known = proxy.parse::<std::net::IpAddr>().is_ok() || cidr::parse(proxy).is_ok();
        rules
            .check("network.trustedProxies", known, || format!("{proxy:?} is neither an address nor an address range"));
    }
    for range in &spec.network.excluded_cidrs {
        let parsed = cidr::parse(range);
        rules.check("network.excludedCidrs", parsed.as_ref().is_ok_and(|cidr| cidr.prefix_len() > 0), || {
            parsed.err().unwrap_or_else(|| "this range is the whole world".to_owned())
        });
    }
    rules.0
}

/// Labels that fleetdeck and Kubernetes set themselves.
pub(crate) fn is_reserved_label(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let own = ["openclaw.ai", "app.kubernetes.io", "kubernetes.io", "k8s.io"];
    own.iter().any(|own| domain.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_label_value(text: &str) -> bool {
    text.len() <= 63
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && text.chars().next().is_none_or(|c| c.is_ascii_alphanumeric())
        && text.chars().last().is_none_or(|c| c.is_ascii_alphanumeric())
}

fn is_label_key(text: &str) -> bool {
    let (domain, name) = text.split_once('/').map_or((None, text), |(domain, name)| (Some(domain), name));
    !name.is_empty() && is_label_value(name) && domain.is_none_or(is_subdomain)
}

struct Rules(Vec<FieldError>);

impl Rules {
    fn check(&mut self, field: &str, holds: bool, message: impl FnOnce() -> String) {
        if !holds {
            self.0.push(FieldError { field: field.to_owned(), message: message() });
        }
    }

    fn label(&mut self, field: &str, text: &str) {
        self.check(field, is_label(text), || {
            format!("{text:?} is no DNS label: lower-case letters, digits and `-`, at most 63")
        });
    }

    fn subdomain(&mut self, field: &str, text: &str) {
        self.check(field, is_subdomain(text), || {
            format!("{text:?} is no object name: lower-case letters, digits, `-` and `.`")
        });
    }

    fn host(&mut self, field: &str, text: &str) {
        self.check(field, is_subdomain(text) && text != "invalid" && !text.ends_with(".invalid"), || {
            format!("{text:?} is no host name: labels of lower-case letters, digits and `-`, joined by dots, not a wildcard and not below .invalid")
        });
    }

    fn claim(&mut self, field: &str, claim: &Claim) {
        self.label(&format!("{field}.name"), &claim.name);
        self.check(&format!("{field}.sizeGi"), (20..=50).contains(&claim.size_gi), || {
            format!("{} GiB is outside 20 to 50", claim.size_gi)
        });
        if let Some(class) = &claim.storage_class {
            self.subdomain(&format!("{field}.storageClass"), class);
        }
        if let Some(snapshot) = &claim.snapshot {
            self.subdomain(&format!("{field}.snapshot"), snapshot);
        }
    }

    fn pairs(&mut self, field: &str, pairs: &BTreeMap<String, String>) {
        for (key, value) in pairs {
            self.check(&format!("{field}.{key}"), is_label_key(key), || format!("{key:?} is no label key"));
            // Kustomize loses the quotes of a key that it adds, and then fails on what is no longer a text.
            self.check(&format!("{field}.{key}"), !resolves_to_other_type(key), || {
                format!("{key:?} would be read as a number or a boolean; give it a domain")
            });
            self.check(&format!("{field}.{key}"), is_label_value(value), || format!("{value:?} is no label value"));
        }
    }

    fn toleration(&mut self, field: &str, toleration: &Toleration) {
        let operator = toleration.operator.as_deref().unwrap_or("Equal");
        self.check(&format!("{field}.operator"), ["Equal", "Exists"].contains(&operator), || {
            format!("{operator:?} is neither Equal nor Exists")
        });
        self.check(&format!("{field}.value"), operator != "Exists" || toleration.value.is_none(), || {
            "Exists takes no value".to_owned()
        });
        match &toleration.key {
            Some(key) => self.check(&format!("{field}.key"), is_label_key(key), || format!("{key:?} is no taint key")),
            None => self.check(&format!("{field}.key"), operator == "Exists", || {
                "without a key the operator is Exists".to_owned()
            }),
        }
        let value = toleration.value.as_deref().unwrap_or_default();
        self.check(&format!("{field}.value"), is_label_value(value), || format!("{value:?} is no taint value"));
        let effect = toleration.effect.as_deref();
        let known = effect.is_none_or(|effect| ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect));
        self.check(&format!("{field}.effect"), known, || {
            format!("{:?} is none of NoSchedule, PreferNoSchedule, NoExecute", effect.unwrap_or_default())
        });
        self.check(
            &format!("{field}.tolerationSeconds"),
            toleration.toleration_seconds.is_none() || effect == Some("NoExecute"),
            || "seconds go with the effect NoExecute".to_owned(),
        );
    }

    fn litellm(&mut self, target: &LiteLlmTarget) {
        match target {
            LiteLlmTarget::Service { name, namespace, port, pods } => {
                self.label("litellm.target.service.name", name);
                self.label("litellm.target.service.namespace", namespace);
                self.check("litellm.target.service.port", *port > 0, || "a port is 1 to 65535".to_owned());
                self.pairs("litellm.target.service.pods", pods);
            }
            LiteLlmTarget::Url { url, cidrs } => {
                let field = "litellm.target.url.url";
                match Endpoint::parse(url) {
                    Err(message) => self.check(field, false, || message),
                    Ok(endpoint) => self.check("litellm.target.url.cidrs", !cidrs.is_empty() || endpoint.is_public_https(), || {
                        "name the address ranges behind this URL: a NetworkPolicy knows no host names, and only HTTPS on port 443 is open to the world".to_owned()
                    }),
                }
                for range in cidrs {
                    let parsed = cidr::parse(range);
                    self.check("litellm.target.url.cidrs", parsed.is_ok(), || parsed.err().unwrap_or_default());
                }
            }
        }
    }
}

/// Scheme and port of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) https: bool,
    pub(crate) port: u16,
    /// The host is an address, which may well be a private one.
    address: bool,
}

impl Endpoint {
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{url:?} is no URL of a proxy: write https://host, https://host:port or http://host:port, with a path if need be"
            )
        };
        let (https, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(wrong()),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        let port = match port {
            None => {
                if https {
                    443
                } else {
                    80
                }
            }
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?,
        };
        let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.~%".contains(c));
        if !is_subdomain(host) || host.ends_with(".invalid") || !plain {
            return Err(wrong());
        }
        Ok(Self { https, port, address: host.parse::<std::net::IpAddr>().is_ok() })
    }

    pub(crate) fn is_public_https(self) -> bool {
        self.https && self.port == 443 && !self.address
    }
}
