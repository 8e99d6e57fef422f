//! Plays a script on a cluster, through the client alone: what it does could be done on any cluster.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::{
    cluster::{Cluster, ClusterError, Mode},
    fleet::TenantId,
    manifest::{Base, Defaults, ManifestError, PinnedImage, TenantDraft, TenantSpec, render},
    sim::scenario::Rule,
};

use super::{
    hands::{ByHand, Hands},
    roster::Resident,
    script::{Deed, Script},
};

/// The pod of a tenant's StatefulSet.
const POD: &str = "openclaw-0";

/// Why a demo fleet could not be made.
#[derive(Debug)]
pub(crate) enum PlayError {
    /// The script asks for something that no tenant can be.
    Spec {
        tenant: String,
        error: ManifestError,
    },
    Manifest {
        tenant: String,
        line: String,
    },
    Cluster(ClusterError),
}

impl std::fmt::Display for PlayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Spec { tenant, error } => write!(f, "demo tenant {tenant}: {error}"),
            Self::Manifest { tenant, line } => write!(f, "demo tenant {tenant}: {line}"),
            Self::Cluster(error) => write!(f, "making the demo's fleet: {error}"),
        }
    }
}

impl std::error::Error for PlayError {}

impl From<ClusterError> for PlayError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(error)
    }
}

/// Sets a named rule of a simulated cluster.
type SetRule = Box<dyn Fn(&str, Rule) + Send + Sync>;

/// The operators of the demo.
pub(crate) struct Player {
    cluster: Cluster,
    base: Base,
    defaults: Defaults,
    /// Simulated seconds per second.
    speed: f64,
    specs: BTreeMap<String, TenantSpec>,
    /// Makes a simulated cluster behave otherwise; nothing else does.
    rules: Option<SetRule>,
}

/// One thing that happens at a time of the script.
#[derive(Clone, Debug)]
enum Moment {
    Birth(Resident),
    Deed { tenant: String, deed: Deed },
}

impl Player {
    pub(crate) fn new(cluster: Cluster, speed: f64) -> Result<Self, PlayError> {
        let base = Base::embedded()
            .map_err(|error| PlayError::Spec { tenant: "(the built-in manifests)".to_owned(), error })?;
        Ok(Self { cluster, base, defaults: Defaults::default(), speed, specs: BTreeMap::new(), rules: None })
    }

    /// On a simulated cluster, whose behaviour a script may change.
    pub(crate) fn with_rules(self, set: impl Fn(&str, Rule) + Send + Sync + 'static) -> Self {
        Self { rules: Some(Box::new(set)), ..self }
    }

    /// Plays everything up to the opening, beginning at once with the fleet's history; what comes after the opening is
    /// returned, to be played with [`Player::go_on`].
    pub(crate) async fn history(&mut self, script: &Script, residents: &[Resident]) -> Result<Later, PlayError> {
        let opening = Instant::now() + self.real(script.history.0);
        let mut moments: Vec<(i64, Moment)> = residents.iter().map(|r| (r.born, Moment::Birth(r.clone()))).collect();
        let known = |id: &str| residents.iter().any(|r| r.id == id);
        let events = script.events.iter().filter(|e| known(&e.tenant));
        moments.extend(events.map(|e| (e.at.0, Moment::Deed { tenant: e.tenant.clone(), deed: e.deed.clone() })));
        moments.sort_by_key(|(at, _)| *at);
        let later = moments.split_off(moments.partition_point(|(at, _)| *at <= 0));
        for (at, moment) in moments {
            sleep_until(opening - self.real(-at)).await;
            self.play(moment).await?;
        }
        sleep_until(opening).await;
        Ok(Later { opening, moments: later, script: script.clone() })
    }

    /// Plays what happens while one looks, without an end. A deed that the cluster refuses is left out: the demo shows
    /// what is there, and a tenant may have been deleted by whoever plays with it.
    pub(crate) async fn go_on(mut self, later: Later) {
        let mut queue: Vec<(Instant, Next)> = Vec::new();
        for (at, moment) in later.moments {
            queue.push((later.opening + self.real(at), Next::Once(moment)));
        }
        for live in later.script.live {
            let every = self.real(live.every.0);
            queue.push((later.opening + every, Next::Again { every, deed: live.deed }));
        }
        let mut turn = 0_usize;
        while let Some(i) = (0..queue.len()).min_by_key(|i| queue[*i].0) {
            let (at, next) = queue.swap_remove(i);
            sleep_until(at).await;
            let outcome = match next {
                Next::Once(moment) => self.play(moment).await,
                Next::Again { every, deed } => {
                    turn += 1;
                    let outcome = self.again(&deed, turn).await;
                    queue.push((at + every, Next::Again { every, deed }));
                    outcome
                }
            };
            if let Err(error) = outcome {
                tracing::warn!(%error, "a deed of the demo was refused");
            }
        }
    }

    fn real(&self, simulated: i64) -> Duration {
        Duration::from_secs(simulated.unsigned_abs()).div_f64(self.speed)
    }

    async fn play(&mut self, moment: Moment) -> Result<(), PlayError> {
        match moment {
            Moment::Birth(resident) => self.create(&resident).await,
            Moment::Deed { tenant, deed } => self.act(&tenant, &deed).await,
        }
    }

    /// What `create` does: the rendered objects in order, and the Secrets that no file holds.
    async fn create(&mut self, resident: &Resident) -> Result<(), PlayError> {
        let spec = self.spec(resident)?;
        self.apply(&resident.id, &spec).await?;
        self.specs.insert(resident.id.clone(), spec);
        Ok(())
    }

    fn spec(&self, resident: &Resident) -> Result<TenantSpec, PlayError> {
        let draft = TenantDraft {
            id: resident.id.clone(),
            tier: resident.tier.clone(),
            image: resident.image.clone(),
            host: Some(format!("{}.oclawbox.example", resident.id)),
            owner: Some(format!("@{}", resident.id.replace('-', "_"))),
            storage_class: resident.storage_class.clone(),
            ..TenantDraft::default()
        };
        draft.resolve(&self.defaults).map_err(|error| PlayError::Spec { tenant: resident.id.clone(), error })
    }

    async fn apply(&self, id: &str, spec: &TenantSpec) -> Result<(), PlayError> {
        let fail = |error| PlayError::Spec { tenant: id.to_owned(), error };
        let objects = render(&self.base, spec).map_err(fail)?;
        for object in &objects {
            // The token before the pod that needs it.
            if object.kind() == "StatefulSet" {
                self.secrets(id, object.namespace(), &object.value()["metadata"]["labels"]).await?;
            }
            self.cluster.apply(object.value(), Mode::Live).await?;
        }
        Ok(())
    }

    async fn secrets(&self, id: &str, namespace: &str, labels: &Value) -> Result<(), PlayError> {
        let token: String = std::iter::repeat_with(fastrand::alphanumeric).take(48).collect();
        self.cluster.ensure_secret(namespace, "gateway-token", labels, "token", &token).await?;
        let key = format!("sk-demo-{id}");
        self.cluster.ensure_secret(namespace, "litellm", labels, "api-key", &key).await?;
        Ok(())
    }

    /// What is done to one tenant.
    pub(crate) async fn act(&mut self, id: &str, deed: &Deed) -> Result<(), PlayError> {
        let tenant: TenantId = id.parse().map_err(|e: crate::fleet::TenantIdError| PlayError::Manifest {
            tenant: id.to_owned(),
            line: e.to_string(),
        })?;
        let namespace = tenant.namespace();
        let hands = Hands { cluster: &self.cluster, namespace: &namespace };
        match deed {
            Deed::Restart => self.restart(&namespace).await,
            Deed::Upgrade { image } => {
                let image = PinnedImage::given(image, None)
                    .map_err(|line| PlayError::Manifest { tenant: id.to_owned(), line })?;
                self.change(id, |spec| spec.image = image).await?;
                self.restart(&namespace).await
            }
            Deed::Suspend => self.change(id, |spec| spec.suspended = true).await,
            Deed::Patch { kind, name, manager, patch } => {
                let patch: Value = self.json(id, patch)?;
                hands.patch(kind, name, manager, &patch).await.map_err(|error| by_hand(id, kind, error))
            }
            Deed::Apply { manifest } => {
                let object: Value = self.json(id, manifest)?;
                hands.apply(&object).await.map_err(|error| by_hand(id, &object["kind"].to_string(), error))
            }
            Deed::Delete { kind, name, force } => {
                hands.delete(kind, name, *force).await.map_err(|error| by_hand(id, kind, error))
            }
            Deed::Rule { name, rule } => {
                let rule = Rule::parse(name, rule)
                    .map_err(|error| PlayError::Manifest { tenant: id.to_owned(), line: error.to_string() })?;
                // A script for real clusters has none: nothing there could follow it.
                if let Some(set) = &self.rules {
                    set(name, rule);
                }
                Ok(())
            }
            Deed::DeleteNamespace => match self.cluster.namespace_uid(&namespace).await? {
                Some(uid) => Ok(self.cluster.delete_namespace(&namespace, uid).await?),
                None => Ok(()),
            },
        }
    }

    fn json(&self, id: &str, text: &str) -> Result<Value, PlayError> {
        let wrong = |e: serde_json::Error| PlayError::Manifest { tenant: id.to_owned(), line: e.to_string() };
        serde_json::from_str(text).map_err(wrong)
    }

    async fn change(&mut self, id: &str, edit: impl FnOnce(&mut TenantSpec)) -> Result<(), PlayError> {
        let Some(mut spec) = self.specs.get(id).cloned() else { return Ok(()) };
        edit(&mut spec);
        self.apply(id, &spec).await?;
        self.specs.insert(id.to_owned(), spec);
        Ok(())
    }

    async fn restart(&self, namespace: &str) -> Result<(), PlayError> {
        match self.cluster.pod(namespace, POD).await? {
            Some(pod) => Ok(self.cluster.delete_pod(namespace, POD, pod.uid).await?),
            None => Ok(()),
        }
    }

    /// The next tenant that is Ready and that the deed would change.
    async fn again(&mut self, deed: &Deed, turn: usize) -> Result<(), PlayError> {
        let fits = |spec: &TenantSpec| match deed {
            Deed::Upgrade { image } => spec.image.to_string() != *image,
            _ => true,
        };
        let candidates: Vec<String> = self.specs.iter().filter(|(_, s)| fits(s)).map(|(id, _)| id.clone()).collect();
        for n in 0..candidates.len() {
            // An upgrade goes through the fleet in order; what merely happens, happens here and there.
            let i = if matches!(deed, Deed::Upgrade { .. }) { n } else { (turn * 7 + n) % candidates.len() };
            let id = &candidates[i];
            let pod = self.cluster.pod(&format!("tenant-{id}"), POD).await?;
            if pod.is_some_and(|p| p.is_ready() && p.deleting.is_none()) {
                return self.act(id, deed).await;
            }
        }
        Ok(())
    }
}

fn by_hand(id: &str, kind: &str, error: ByHand) -> PlayError {
    match error {
        ByHand::Kind => PlayError::Manifest { tenant: id.to_owned(), line: format!("no demo touches a {kind}") },
        ByHand::Volume => PlayError::Manifest { tenant: id.to_owned(), line: "its claim has no volume".to_owned() },
        ByHand::Cluster(error) => error.into(),
    }
}

/// What is still to come at the opening.
pub(crate) struct Later {
    opening: Instant,
    moments: Vec<(i64, Moment)>,
    script: Script,
}

enum Next {
    Once(Moment),
    Again { every: Duration, deed: Deed },
}
