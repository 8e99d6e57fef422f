//! Certificates, tokens and kubeconfigs of one control plane, as files in its folder.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use serde_json::{Value, json};

pub(super) struct Pki {
    dir: PathBuf,
    url: String,
    ca: CertifiedIssuer<'static, KeyPair>,
}

/// How a user proves who it is.
pub(super) enum Credentials<'a> {
    Token(String),
    /// One group at most: Kubernetes reads one per organisation, and rcgen writes one organisation.
    Certificate {
        group: Option<&'a str>,
    },
}

impl Pki {
    /// Writes `ca.crt`, `api.{crt,key}`, `accounts.{key,pub}`, `tokens.csv` and a kubeconfig for `admin` and for each user.
    pub(super) fn create(dir: &Path, url: &str, users: &[(&str, Vec<&str>)]) -> Result<Self, String> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name("fleetdeck-test", None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let ca = CertifiedIssuer::self_signed(params, key()?).map_err(|e| e.to_string())?;
        let pki = Self { dir: dir.to_owned(), url: url.to_owned(), ca };
        pki.write("ca.crt", &pki.ca.pem())?;

        // One certificate serves the API server and kwok's kubelets: they share an address.
        let mut params = CertificateParams::new(["localhost".to_owned(), "kubernetes.default.svc".to_owned()])
            .map_err(|e| e.to_string())?;
        for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 96, 0, 1)] {
            params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(address)));
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (certificate, private) = pki.sign(params)?;
        pki.write("api.crt", &certificate)?;
        pki.write("api.key", &private)?;
        // Service accounts' tokens; the API server reads no public key out of a private one of this form.
        let accounts = key()?;
        pki.write("accounts.key", &accounts.serialize_pem())?;
        pki.write("accounts.pub", &accounts.public_key_pem())?;

        let mut tokens = String::new();
        let admin = ("admin", vec!["system:masters"]);
        for (user, groups) in std::iter::once(&admin).chain(users) {
            let token = token()?;
            let _ = writeln!(tokens, "{token},{user},{user},\"{}\"", groups.join(","));
            pki.issue(user, &Credentials::Token(token))?;
        }
        pki.write("tokens.csv", &tokens)?;
        Ok(pki)
    }

    pub(super) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.dir.join(format!("{user}.kubeconfig"))
    }

    /// Writes a kubeconfig for `user`; a certificate has its group in it, a token has its groups in `tokens.csv`.
    pub(super) fn issue(&self, user: &str, credentials: &Credentials<'_>) -> Result<PathBuf, String> {
        let secret = match credentials {
            Credentials::Token(token) => json!({"token": token}),
            Credentials::Certificate { group } => {
                let mut params = CertificateParams::default();
                params.distinguished_name = name(user, *group);
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                let (certificate, private) = self.sign(params)?;
                self.write(&format!("{user}.crt"), &certificate)?;
                self.write(&format!("{user}.key"), &private)?;
                json!({"client-certificate": self.dir.join(format!("{user}.crt")), "client-key": self.dir.join(format!("{user}.key"))})
            }
        };
        let path = self.kubeconfig(user);
        self.write(&format!("{user}.kubeconfig"), &self.config(user, &secret).to_string())?;
        Ok(path)
    }

    fn config(&self, user: &str, secret: &Value) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority": self.dir.join("ca.crt")}}],
            "users": [{"name": user, "user": secret}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        })
    }

    fn sign(&self, mut params: CertificateParams) -> Result<(String, String), String> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = key()?;
        let certificate = params.signed_by(&key, &self.ca).map_err(|e| e.to_string())?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    fn write(&self, file: &str, text: &str) -> Result<(), String> {
        // The folder is the owner's alone, so its files need no modes of their own.
        let path = self.dir.join(file);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn name(user: &str, group: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, user);
    if let Some(group) = group {
        name.push(DnType::OrganizationName, group);
    }
    name
}

fn key() -> Result<KeyPair, String> {
    KeyPair::generate().map_err(|e| e.to_string())
}

fn token() -> Result<String, String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|e| format!("/dev/urandom: {e}"))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
