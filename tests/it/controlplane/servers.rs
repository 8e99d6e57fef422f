//! Which servers, with which flags, and when they count as up.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};

use super::processes::{Handle, Processes};
use super::scratch::until;

/// Where the API server writes what it was asked, in the control plane's folder.
pub(super) const AUDIT_LOG: &str = "audit.log";
const AUDIT_POLICY: &str = "audit-policy.json";

/// One process to start.
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) binary: PathBuf,
    pub(super) args: Vec<String>,
}

pub(super) struct Ports {
    pub(super) api: u16,
    store: u16,
    store_peer: u16,
    pub(super) kubelet: u16,
}

impl Ports {
    /// Four ports that are free now. They are held together, so that they differ, and let go just before use.
    pub(super) fn free() -> Result<Self, String> {
        let held: Vec<TcpListener> =
            (0..4).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        let ports: Vec<u16> = held
            .iter()
            .map(|l| l.local_addr().map(|a| a.port()))
            .collect::<Result<_, _>>()
            .map_err(|e| e.to_string())?;
        let [api, store, store_peer, kubelet] = ports[..] else { unreachable!("four were asked for") };
        Ok(Self { api, store, store_peer, kubelet })
    }
}

/// The flags of one control plane.
pub(super) struct Plan<'a> {
    pub(super) assets: &'a Path,
    pub(super) dir: &'a Path,
    pub(super) ports: &'a Ports,
    pub(super) audit: bool,
}

impl Plan<'_> {
    pub(super) fn start_store(&self, processes: &Processes) -> Result<(), String> {
        let client = format!("http://127.0.0.1:{}", self.ports.store);
        let peer = format!("http://127.0.0.1:{}", self.ports.store_peer);
        processes.spawn(&self.server(
            "etcd",
            &[
                ("name", "test"),
                ("data-dir", &self.file("etcd")),
                ("listen-client-urls", &client),
                ("advertise-client-urls", &client),
                ("listen-peer-urls", &peer),
                ("initial-advertise-peer-urls", &peer),
                ("initial-cluster", &format!("test={peer}")),
                ("unsafe-no-fsync", "true"), // nothing here is worth a disk's patience
                ("log-level", "warn"),
            ],
        ))
    }

    pub(super) fn start_api(&self, processes: &Processes) -> Result<(), String> {
        let store = format!("http://127.0.0.1:{}", self.ports.store);
        let port = self.ports.api.to_string();
        let (audit_policy, audit_log) = (self.file(AUDIT_POLICY), self.file(AUDIT_LOG));
        let pki = |name: &str| self.file(name);
        let (ca, cert, key, accounts, accounts_public, tokens, run) = (
            pki("ca.crt"),
            pki("api.crt"),
            pki("api.key"),
            pki("accounts.key"),
            pki("accounts.pub"),
            pki("tokens.csv"),
            pki("run"),
        );
        let mut flags = vec![
            ("etcd-servers", store.as_str()),
            ("bind-address", "127.0.0.1"),
            ("secure-port", &port),
            // Must not be loopback. Only pods would use it, and there are none that run: an address for documentation.
            ("advertise-address", "198.51.100.1"),
            ("service-cluster-ip-range", "10.96.0.0/16"),
            ("tls-cert-file", &cert),
            ("tls-private-key-file", &key),
            ("cert-dir", &run),
            ("client-ca-file", &ca),
            ("token-auth-file", &tokens),
            ("authorization-mode", "RBAC"),
            ("service-account-issuer", "https://kubernetes.default.svc"),
            ("service-account-key-file", &accounts_public),
            ("service-account-signing-key-file", &accounts),
            ("kubelet-certificate-authority", &ca),
            ("kubelet-preferred-address-types", "InternalIP"),
            ("allow-privileged", "true"),
            ("event-ttl", "3h"),
        ];
        if self.audit {
            let policy = serde_json::json!({
                "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
                "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}],
            });
            std::fs::write(&audit_policy, policy.to_string()).map_err(|e| format!("{audit_policy}: {e}"))?;
            flags.extend([
                ("audit-policy-file", audit_policy.as_str()),
                ("audit-log-path", &audit_log),
                ("audit-log-mode", "blocking"), // a request that was answered is in the log
            ]);
        }
        processes.spawn(&self.server("kube-apiserver", &flags))
    }

    /// Controller manager and scheduler. Their clients' default rates would make a hundred tenants take minutes.
    pub(super) fn controllers(&self) -> Vec<Server> {
        let admin = self.file("admin.kubeconfig");
        let common = [
            ("kubeconfig", admin.as_str()),
            ("secure-port", "0"),
            ("leader-elect", "false"),
            ("kube-api-qps", "500"),
            ("kube-api-burst", "1000"),
        ];
        let (ca, accounts) = (self.file("ca.crt"), self.file("accounts.key"));
        let manager = [
            ("use-service-account-credentials", "true"),
            ("service-account-private-key-file", accounts.as_str()),
            ("root-ca-file", &ca),
            ("concurrent-statefulset-syncs", "10"),
            ("concurrent-resource-quota-syncs", "10"),
            ("concurrent-namespace-syncs", "20"),
        ];
        vec![
            self.server("kube-controller-manager", &[&common[..], &manager].concat()),
            self.server("kube-scheduler", &common),
        ]
    }

    pub(super) fn server(&self, name: &'static str, flags: &[(&str, &str)]) -> Server {
        let args = flags.iter().map(|(flag, value)| format!("--{flag}={value}")).collect();
        Server { name, binary: self.assets.join(name), args }
    }

    pub(super) fn file(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }
}

/// Until the API server says it is ready.
pub(super) async fn ready(client: &Client, processes: &Handle) -> Result<(), String> {
    until("the API server is ready", Duration::from_secs(90), || async {
        processes.alive()?;
        let request = http::Request::get("/readyz").body(Vec::new()).map_err(|e| e.to_string())?;
        Ok(client.request_text(request).await.is_ok_and(|text| text == "ok").then_some(()))
    })
    .await
}

/// Until the controllers have done a first piece of their work.
pub(super) async fn controllers_ready(client: &Client, processes: &Handle) -> Result<(), String> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    until("the default ServiceAccount exists", Duration::from_secs(60), || async {
        processes.alive()?;
        accounts.get_opt("default").await.map(|found| found.map(|_| ())).map_err(|e| e.to_string())
    })
    .await
}
