//! `df` inside a tenant's pod: how full its volumes are, where neither the kubelets nor Prometheus may be asked.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::AttachParams};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::timeout,
};

use super::{Cluster, ClusterError, Fault, buffer::Buffer, http::encode};
use crate::{
    fleet::Text,
    index::{
        Measure,
        digest::{self, Mount},
    },
};

const PATIENCE: Duration = Duration::from_secs(15);
/// `df` prints a line a path.
const LONGEST: u64 = 64 << 10;

impl Cluster {
    /// What the claims of a pod hold, by `df` in the containers that have them mounted.
    ///
    /// # Errors
    /// The pod may not be read, no command may be run in it, or it has no `df`.
    pub async fn disks(&self, namespace: &Text, pod: &str) -> Result<Vec<Measure>, ClusterError> {
        let what = "get pods";
        let mut body = Buffer::default();
        let path = format!("/api/v1/namespaces/{}/pods/{}", encode(namespace), encode(pod));
        self.read(&path, what, &mut body).await?;
        let mounts = digest::mounts(&body).map_err(|e| ClusterError::digest(&self.place, what, &body, &e))?;
        let mut containers: Vec<&str> = mounts.iter().map(|m| m.container.as_str()).collect();
        containers.sort_unstable();
        containers.dedup();
        let mut measures = Vec::new();
        let mut failed = None;
        for container in containers {
            let here: Vec<&Mount> = mounts.iter().filter(|m| m.container == container).collect();
            let blocks = match self.df(namespace, pod, container, "-k", &here).await {
                Ok(blocks) => blocks,
                // Another one that has the same volume mounted may have a `df`.
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            };
            // Some have no way to count inodes; the bytes are worth as much without them.
            let inodes = self.df(namespace, pod, container, "-i", &here).await.unwrap_or_default();
            measures.extend(digest::df(namespace, &here, &blocks, &inodes, self.clock().now()));
        }
        match failed {
            Some(error) if measures.is_empty() => Err(error),
            _ => Ok(measures),
        }
    }

    async fn df(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        unit: &str,
        mounts: &[&Mount],
    ) -> Result<String, ClusterError> {
        let what = format!("run df in container {container} of pod {namespace}/{pod}");
        let fail = |why: String| ClusterError::new(Fault::Refused, &self.place, format!("{what}: {why}"), "");
        let command: Vec<&str> = ["df", "-P", unit].into_iter().chain(mounts.iter().map(|m| m.path.as_str())).collect();
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let params = AttachParams::default().container(container).stdin(false).stdout(true).stderr(true);
        let run = async {
            let mut process = api
                .exec(pod, command, &params)
                .await
                .map_err(|e| ClusterError::kube(&self.place, "open a shell in pods", &e))?;
            let (out, err) = tokio::join!(collect(process.stdout()), collect(process.stderr()));
            let status = match process.take_status() {
                Some(status) => status.await,
                None => None,
            };
            if status.as_ref().and_then(|s| s.status.as_deref()) == Some("Success") {
                return Ok(out);
            }
            // What `df` itself says tells more than its exit code.
            let said = if err.trim().is_empty() { status.and_then(|s| s.message).unwrap_or_default() } else { err };
            Err(fail(crate::fleet::clean::clean(said.trim()).into_owned()))
        };
        timeout(PATIENCE, run).await.unwrap_or_else(|_| Err(ClusterError::timeout(&self.place, &what, PATIENCE)))
    }
}

async fn collect(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(stream) = stream else { return String::new() };
    let mut bytes = Vec::new();
    // What came before a break is judged by what it says.
    _ = stream.take(LONGEST).read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
