//! Secrets are made and replaced, and never read.

use serde_json::Value;

use super::super::{act::Act, claim::guard, token::token, trouble::Trouble};
use crate::{cluster::Mode, plan::Secret};

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
        self.patience
            .insist(async || Ok(cluster.ensure_secret(&namespace, &name, &labels, &key, &value).await?))
            .await?;
        Ok(format!("Secret {name} is there"))
    }

    /// A token of which no more is known than that it is another one.
    pub(super) async fn replace_secret(&mut self, secret: Secret) -> Result<String, Trouble> {
        let (cluster, hold) = (self.shared.cluster, self.shared.hold.clone());
        let (namespace, name, value) = (self.turn.namespace.clone(), secret.name(), made_up()?);
        self.patience
            .insist(async || {
                guard(&hold, None).await?;
                Ok(cluster.replace_secret(&namespace, name, "token", &value, Mode::Live).await?)
            })
            .await?;
        Ok(format!("Secret {name} is replaced"))
    }

    /// Whether it could be: with a value that nobody keeps.
    pub(in crate::engine) async fn may_replace(&mut self, secret: Secret) -> Result<(), Trouble> {
        let cluster = self.shared.cluster;
        let (namespace, name, value) = (self.turn.namespace.clone(), secret.name(), made_up()?);
        let ask = async || Ok(cluster.replace_secret(&namespace, name, "token", &value, Mode::DryRun).await?);
        self.patience.insist(ask).await
    }
}

fn made_up() -> Result<String, Trouble> {
    token().ok_or_else(|| Trouble::wrong("this machine has no randomness to make a token of"))
}
