//! Small helpers that every story needs.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;

/// A client as `kubeconfig` says, on the calling runtime.
pub(crate) async fn client_for(kubeconfig: &Path) -> Client {
    let read = Kubeconfig::read_from(kubeconfig).unwrap_or_else(|error| panic!("{}: {error}", kubeconfig.display()));
    let mut config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", kubeconfig.display()));
    config.default_retry = false;
    Client::try_from(config).unwrap_or_else(|error| panic!("{}: {error}", kubeconfig.display()))
}

/// Asks until there is an answer. `Err` ends it at once.
pub(super) async fn until<T, F>(what: &str, limit: Duration, mut ask: impl FnMut() -> F) -> Result<T, String>
where
    F: Future<Output = Result<Option<T>, String>>,
{
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if began.elapsed() > limit {
            return Err(format!("not within {limit:?}: {what}"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Asks until there is an answer, and fails the test after `limit`.
pub(crate) async fn eventually<T, F>(what: &str, limit: Duration, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    until(what, limit, || {
        let asked = ask();
        async { Ok(asked.await) }
    })
    .await
    .unwrap_or_else(|why| panic!("{why}"))
}

/// A namespace of the calling test's own.
pub(crate) struct Scratch {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl Scratch {
    pub(crate) async fn new(client: Client, story: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // A cluster outlives a test run, process numbers do not repeat soon.
        let namespace = format!("{story}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let object = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();
        Self { client, namespace }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates `object`, which is of kind `K`.
    pub(crate) async fn create<K>(&self, object: serde_json::Value) -> K
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>
            + serde::Serialize
            + serde::de::DeserializeOwned
            + Clone
            + std::fmt::Debug,
        K::DynamicType: Default,
    {
        let object = serde_json::from_value(object).unwrap();
        self.api::<K>().create(&PostParams::default(), &object).await.unwrap()
    }

    /// Removes the namespace and waits until it is gone: on a real node, what runs there costs others.
    pub(crate) async fn delete(self) {
        let api: Api<Namespace> = Api::all(self.client.clone());
        api.delete(&self.namespace, &DeleteParams::default()).await.unwrap();
        eventually("the namespace is gone", Duration::from_secs(120), || async {
            api.get_opt(&self.namespace).await.unwrap().is_none().then_some(())
        })
        .await;
    }
}
