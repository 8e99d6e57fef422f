//! What the question "how many more tenants fit" needs beside the watches: the pods of others, the nodes' limits of disks, and
//! the autoscaler's own report. Three kinds of lists, read when somebody asks.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cluster, ClusterError, Fault, Scope, buffer::Buffer, http::encode};
use crate::{
    fleet::{Text, Uid},
    index::{
        Kind,
        capacity::{Group, Load, PoolFacts},
        digest::{self, DigestError},
    },
};

/// Pods to a page: one takes some 10 KB, a page is held in memory.
const PAGE: u32 = 250;
/// A cluster with more pods than this beside its tenants is not listed whole.
const PAGES: usize = 80;
/// Only those that are on a node; what has ended holds nothing.
const STANDING: &str = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed";

impl Cluster {
    /// Of everybody but the tenants: their pods are watched already.
    pub async fn pool_facts(&self, scope: &Scope) -> PoolFacts {
        let why = |e: ClusterError| Text::from(e.said.as_str());
        let (others, disks, groups) = tokio::join!(self.other_pods(scope), self.disk_limits(), self.autoscaler());
        PoolFacts {
            at: self.clock().now(),
            others: others.map_err(why),
            disks: disks.map_err(why),
            groups: groups.map_err(why),
        }
    }

    async fn other_pods(&self, scope: &Scope) -> Result<BTreeMap<Text, Load>, ClusterError> {
        // Where no selector says "all but these", all are listed, and the tenants' own are passed over.
        let known = match scope.others() {
            Some(_) => BTreeSet::new(),
            None => self.tenants_pods(scope).await?,
        };
        let mut loads = BTreeMap::new();
        let selector = scope.others().unwrap_or_default();
        self.pods_by_page("list pods of others", &selector, |page| digest::loads(page, &known, &mut loads)).await?;
        Ok(loads)
    }

    /// The UIDs of the tenants' pods.
    async fn tenants_pods(&self, scope: &Scope) -> Result<BTreeSet<Uid>, ClusterError> {
        let mut known = BTreeSet::new();
        let take = |page: &[u8]| {
            let page = digest::page(Kind::Pod, &scope.labels, page)?;
            known.extend(page.facets.iter().filter(|f| f.tenant.is_some()).map(|f| f.key.uid));
            Ok(page.next)
        };
        self.pods_by_page("list pods of tenants", &scope.tenants(), take).await?;
        Ok(known)
    }

    /// Hands over the pods that stand on nodes, page by page; `take` says how the next one is asked for.
    async fn pods_by_page(
        &self,
        what: &str,
        selector: &str,
        mut take: impl FnMut(&[u8]) -> Result<Option<String>, DigestError>,
    ) -> Result<(), ClusterError> {
        let (selector, fields) = (encode(selector), encode(STANDING));
        let mut next: Option<String> = None;
        let mut body = Buffer::default();
        for _ in 0..PAGES {
            let more = next.as_deref().map_or_else(String::new, |token| format!("&continue={}", encode(token)));
            let path = format!("/api/v1/pods?labelSelector={selector}&fieldSelector={fields}&limit={PAGE}{more}");
            self.read(&path, what, &mut body).await?;
            next = take(&body).map_err(|e| ClusterError::digest(&self.place, what, &body, &e))?;
            if next.is_none() {
                return Ok(());
            }
        }
        let said = format!("{what}: there are more than {}", PAGES * PAGE as usize);
        Err(ClusterError::new(Fault::Refused, &self.place, said, ""))
    }

    async fn disk_limits(&self) -> Result<BTreeMap<Text, Vec<(Text, u32)>>, ClusterError> {
        self.read_as("/apis/storage.k8s.io/v1/csinodes", "list csinodes", digest::csi_nodes).await
    }

    /// No such ConfigMap is no failure: then there is no autoscaler, or one that does not tell.
    async fn autoscaler(&self) -> Result<Vec<Group>, ClusterError> {
        let path = "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status";
        match self.read_as(path, "read the autoscaler's status", digest::autoscaler).await {
            Err(e) if e.fault == Fault::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    async fn read_as<T>(
        &self,
        path: &str,
        what: &str,
        read: impl Fn(&[u8]) -> Result<T, DigestError>,
    ) -> Result<T, ClusterError> {
        let mut body = Buffer::default();
        self.read(path, what, &mut body).await?;
        read(&body).map_err(|e| ClusterError::digest(&self.place, what, &body, &e))
    }
}
