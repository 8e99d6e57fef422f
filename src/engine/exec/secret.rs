//! Secrets are made and replaced, and never read.

use serde_json::{Value, json};

use super::super::{
    act::{Act, address, annotation, uid},
    claim::{annotate, guard},
    token::token,
    trouble::Trouble,
};
use crate::{
    cluster::{Address, ClusterError, Fault, Mode},
    fleet::name::{CLAIM_ANNOTATION, TENANT_LABEL, TOKEN_ANNOTATION},
    plan::Secret,
};

/// How often a Secret is marked once more before the server's word is taken for the last one.
const MARKED_ANEW: u32 = 3;

impl Act<'_> {
    pub(super) async fn secret(&mut self, secret: Secret) -> Result<String, Trouble> {
        let namespace = self.turn.namespace.clone();
        let labels = self.objects.first().map_or(Value::Null, |o| o.value()["metadata"]["labels"].clone());
        let (name, key, value) = match secret {
            Secret::GatewayToken => ("gateway-token".to_owned(), "token".to_owned(), made_up()?),
            Secret::Litellm => {
                let (name, key) = self.key.clone().unwrap_or_else(|| ("litellm".to_owned(), "api-key".to_owned()));
                let Some(value) = self.shared.secrets.litellm(&namespace) else {
                    return Ok(format!("Secret {name}: none was given, so it has to be there; it is never read"));
                };
                (name, key, value.to_owned())
            }
        };
        let cluster = self.shared.cluster;
        let fence = self.fence();
        self.patience
            .insist(async || {
                guard(&fence, None).await?;
                Ok(cluster.ensure_secret(&namespace, &name, &labels, &key, &value).await?)
            })
            .await?;
        Ok(format!("Secret {name} is there"))
    }

    /// A token of which no more is known than that it is another one; where there is none, the first. A run that was cut off
    /// replaces it once: what it had done stands on the Namespace, with the pod that was there by then.
    pub(super) async fn replace_secret(&mut self, secret: Secret) -> Result<String, Trouble> {
        if self.replaced_before().await?.is_some() {
            return Ok(format!("Secret {} was replaced by this run already", secret.name()));
        }
        let (cluster, fence) = (self.shared.cluster, self.fence());
        let (namespace, name, value) = (self.turn.namespace.clone(), secret.name(), made_up()?);
        let labels = json!({ TENANT_LABEL: self.turn.tenant });
        let claim = self.shared.hold.claim.clone();
        let mut refused = 0;
        self.patience
            .insist(async || {
                guard(&fence, None).await?;
                let absent = |error: &ClusterError| error.fault == Fault::NotFound;
                let Some(ours) = &claim else {
                    return match cluster.replace_secret(&namespace, name, "token", &value, Mode::Live).await {
                        Err(error) if absent(&error) => {
                            Ok(cluster.ensure_secret(&namespace, name, &labels, "token", &value).await?)
                        }
                        other => Ok(other?),
                    };
                };
                // It is never read, so that no version fences the write: the claim is written on it, and the server compares.
                let mark = (CLAIM_ANNOTATION, ours.as_str());
                match cluster.mark_secret(&namespace, name, mark).await {
                    // One that somebody else has made meanwhile is as new.
                    Err(error) if absent(&error) => {
                        return Ok(cluster.ensure_secret(&namespace, name, &labels, "token", &value).await?);
                    }
                    other => other?,
                }
                guard(&fence, None).await?;
                match cluster.replace_marked_secret(&namespace, name, ("token", &value), mark).await {
                    // Somebody has taken over in between, or an answer was lost: the lease tells.
                    Err(error) if error.fault == Fault::Refused && refused < MARKED_ANEW => {
                        refused += 1;
                        Err(Trouble::Again)
                    }
                    other => Ok(other?),
                }
            })
            .await?;
        self.note_replaced().await?;
        Ok(format!("Secret {name} is replaced"))
    }

    /// The pod that may have read the token of before, where this run has replaced it; empty where there was none.
    pub(in crate::engine) async fn replaced_before(&mut self) -> Result<Option<String>, Trouble> {
        if self.shared.hold.claim.is_none() {
            return Ok(None);
        }
        let (cluster, at) = (self.shared.cluster, address("Namespace", "", &self.turn.namespace)?);
        let live = self.patience.insist(async || Ok(cluster.object(&at).await?)).await?;
        let noted = live.as_ref().and_then(|live| annotation(live, TOKEN_ANNOTATION)?.split_once('/'));
        Ok(noted.filter(|(run, _)| *run == self.shared.plan.id).map(|(_, pod)| pod.to_owned()))
    }

    /// Between the replacing and this the run may be cut off: then it is replaced once more, and the pod not twice.
    async fn note_replaced(&mut self) -> Result<(), Trouble> {
        if self.shared.hold.claim.is_none() {
            return Ok(());
        }
        let (cluster, fence) = (self.shared.cluster, self.fence());
        let at = address("Namespace", "", &self.turn.namespace)?;
        let pod_at = self.pod_at()?;
        let run = self.shared.plan.id.clone();
        self.patience
            .insist(async || {
                let pod = match &pod_at {
                    Some(at) => cluster.object(at).await?,
                    None => None,
                };
                let pod = pod.as_ref().and_then(uid).map(|uid| uid.to_string()).unwrap_or_default();
                let Some(live) = cluster.object(&at).await? else { return Ok(()) };
                guard(&fence, Some(&live)).await?;
                annotate(cluster, &at, &live, &json!({ TOKEN_ANNOTATION: format!("{run}/{pod}") })).await
            })
            .await
    }

    /// The tenant's pod, whichever it is.
    pub(in crate::engine) fn pod_at(&self) -> Result<Option<Address>, Trouble> {
        let basis = &self.turn.basis;
        // One that is being made has none that was seen.
        let Some(set) = basis.set.as_ref().or(self.set.as_ref()) else { return Ok(None) };
        let name = basis.pod.as_ref().map_or_else(|| format!("{}-0", set.name), |pod| pod.name.clone());
        address("Pod", &self.turn.namespace, &name).map(Some)
    }

    /// Whether it could be: with a value that nobody keeps.
    pub(in crate::engine) async fn may_replace(&mut self, secret: Secret) -> Result<(), Trouble> {
        let cluster = self.shared.cluster;
        let (namespace, name, value) = (self.turn.namespace.clone(), secret.name(), made_up()?);
        let ask = async || match cluster.replace_secret(&namespace, name, "token", &value, Mode::DryRun).await {
            // Then it is made.
            Err(error) if error.fault == Fault::NotFound => Ok(()),
            other => Ok(other?),
        };
        self.patience.insist(ask).await
    }
}

fn made_up() -> Result<String, Trouble> {
    token().ok_or_else(|| Trouble::wrong("this machine has no randomness to make a token of"))
}
