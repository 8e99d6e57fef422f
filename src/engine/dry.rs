//! What the server says that it would do: each step's request with `dryRun=All`, and what would differ.

use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    act::{Act, Shared, address, uid, version},
    exec::{as_agreed, config, snapshot::has_no_volume, without_run},
    hold::Hold,
    orders::{Order, orders},
    patience::Patience,
    token::Secrets,
    trouble::Trouble,
    view::View,
};
use crate::{
    cluster::{Address, Cluster, Fault, MANAGER, Mode, Only},
    manifest::{Base, Change, Object, as_moved, diff},
    plan::{Intent, Named, Piece, Plan, Step, Turn, What},
};

/// The server's word on one object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub object: String,
    /// `would be made`, `would change`, `as it is`, `would be deleted`, `not asked`.
    pub said: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Why the server would refuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// It would, for fields that belong to another manager.
    #[serde(skip)]
    pub owned: bool,
}

impl Verdict {
    fn but(mut self, trouble: &Trouble) -> Self {
        let (said, advice) = trouble.words();
        self.owned = matches!(trouble, Trouble::Cluster(error) if error.fault == Fault::Owned);
        self.refused = Some(if self.owned { format!("{said}; {advice}") } else { said });
        self
    }
}

/// Asks about every step of one turn; nothing is changed.
pub async fn dry_run(cluster: &Cluster, base: &Base, plan: &Plan, turn: &Turn, control: &str) -> Vec<Verdict> {
    let (tell, mut told) = mpsc::channel(16);
    let (_voice, orders) = orders(Order::Go);
    let secrets = Secrets::default();
    let hold = Hold::unrecorded(cluster);
    let (view, secrets) = (View::blind(), &secrets);
    let shared = Shared {
        cluster,
        base,
        plan,
        view,
        tell,
        orders,
        secrets,
        seed: 0,
        hold,
        epoch: 0,
        control,
        by: String::new(),
        dry: true,
    };
    let ask = async move {
        let mut act = Act::new(shared, turn);
        let mut verdicts = Vec::new();
        match act.begin().await {
            Ok(()) => {
                if let Err(trouble) = steps(&mut act, &mut verdicts).await {
                    verdicts.push(refused(&turn.namespace, &trouble));
                }
            }
            Err(trouble) => verdicts.push(refused(&turn.namespace, &trouble)),
        }
        verdicts
    };
    // Retries are not told: nobody waits for them here but the one who asked.
    let drain = async { while told.recv().await.is_some() {} };
    let (verdicts, ()) = tokio::join!(ask, drain);
    verdicts
}

fn refused(object: &str, trouble: &Trouble) -> Verdict {
    said_of(object.to_owned(), "refused".to_owned()).but(trouble)
}

async fn steps(act: &mut Act<'_>, verdicts: &mut Vec<Verdict>) -> Result<(), Trouble> {
    let cluster = act.shared.cluster;
    let turn = act.turn.clone();
    let turn = &turn;
    let namespace_at = address("Namespace", "", &turn.namespace)?;
    let mut absent = None;
    for step in act.shared.plan.steps(turn) {
        match step {
            Step::Apply { kind } => {
                for object in act.objects.iter().filter(|o| o.kind() == kind.kind()) {
                    let at = Address::of(object.value()).map_err(Trouble::wrong)?;
                    // Nothing can be asked about what is in a Namespace that is not there.
                    if absent == Some(true) {
                        verdicts.push(verdict(&at, "not asked: its Namespace does not exist yet"));
                        continue;
                    }
                    let found = act.patience.insist(async || Ok(cluster.object(&at).await?)).await?;
                    if let (Intent::Adopt { from }, Some(live)) = (&act.shared.plan.intent, &found) {
                        // As it will be by then: the server cannot be asked about that yet.
                        let live = as_moved(live, object.value(), from, MANAGER);
                        let wanted = config(object, Some(&live), "-/-", None)?;
                        let changes = changes(&wanted, &live);
                        verdicts.push(Verdict { changes, ..verdict(&at, "would change, once its fields are ours") });
                        continue;
                    }
                    if *kind == Piece::StatefulSet && act.shared.plan.intent.remakes() {
                        verdicts.push(anew(cluster, &mut act.patience, object, &at, found.as_ref()).await?);
                        continue;
                    }
                    let wanted = config(object, found.as_ref(), "-/-", turn.basis.set.as_ref())?;
                    let mut said = verdict(&at, "would be made");
                    if let Some(live) = &found {
                        said.changes = changes(&wanted, live);
                        said.said = if said.changes.is_empty() { "as it is" } else { "would change" }.to_owned();
                    }
                    let ask = async || Ok(as_agreed(cluster, &wanted, &turn.takes, Mode::DryRun).await?);
                    let answer = act.patience.insist(ask).await;
                    if let Err(trouble) = answer {
                        said.refused = Some(trouble.words().0);
                    }
                    if at == namespace_at {
                        absent = Some(found.is_none());
                    }
                    verdicts.push(said);
                }
            }
            Step::Delete { what } => {
                let target = match what {
                    What::StatefulSet => turn.basis.set.as_ref().map(|s| (s.name.clone(), s.uid)),
                    What::Tenant => turn.basis.namespace.map(|uid| (turn.namespace.clone(), uid)),
                    _ => turn.basis.others.iter().find(|o| o.kind == what.kind()).map(|o| (o.name.clone(), o.uid)),
                };
                let Some((name, expected)) = target else { continue };
                let within = if *what == What::Tenant { "" } else { turn.namespace.as_str() };
                let at = address(what.kind(), within, &name)?;
                // Not asked: the cluster's guard wants a word first that a dry run does not say.
                if *what == What::Tenant {
                    verdicts.push(verdict(&at, WHOLE));
                    continue;
                }
                if *what == What::StatefulSet
                    && let Err(trouble) = act.volumes_stay(&Named { name, uid: expected }).await
                {
                    verdicts.push(refused(&at.to_string(), &trouble));
                    continue;
                }
                verdicts.push(deletion(act, &at, expected).await?);
            }
            Step::DeletePod { .. } => {
                let Some(pod) = &turn.basis.pod else { continue };
                let at = address("Pod", &turn.namespace, &pod.name)?;
                verdicts.push(deletion(act, &at, pod.uid).await?);
            }
            Step::Snapshot => {
                for (claim, name) in act.snapshots() {
                    let object = format!("VolumeSnapshot {}/{name}", turn.namespace);
                    let at = address("PersistentVolumeClaim", &turn.namespace, &claim)?;
                    let live = act.shared.cluster.object(&at).await?;
                    let said = match live.as_ref().is_some_and(has_no_volume) {
                        true => format!("would not be made: {claim} has no volume yet"),
                        false => format!("would be made of {claim}"),
                    };
                    verdicts.push(said_of(object, said));
                }
            }
            Step::TakeOwnership { kind } => {
                for object in act.rendered_of(*kind) {
                    let at = Address::of(object.value()).map_err(Trouble::wrong)?;
                    let mut said = verdict(&at, "as it is");
                    match act.take_fields(&object, Mode::DryRun).await {
                        Ok(0) => {}
                        Ok(fields) => said.said = format!("would give up {fields} fields to {MANAGER}"),
                        Err(trouble) => said = said.but(&trouble),
                    }
                    verdicts.push(said);
                }
            }
            Step::EnsureSecret { secret } => {
                let object = format!("Secret {}/{}", turn.namespace, secret.name());
                let said = "would be made unless it is there; it is never read".to_owned();
                verdicts.push(said_of(object, said));
            }
            Step::ReplaceSecret { secret } => {
                let object = format!("Secret {}/{}", turn.namespace, secret.name());
                let said = "would be replaced; it is never read".to_owned();
                let said = said_of(object, said);
                verdicts.push(match act.may_replace(*secret).await {
                    Ok(_) => said,
                    Err(trouble) => said.but(&trouble),
                });
            }
            Step::Prepull { .. } | Step::Drain | Step::Await { .. } | Step::Note { .. } => {}
        }
    }
    Ok(())
}

/// Of a Namespace that goes.
const WHOLE: &str = "would be deleted with all in it";

impl Verdict {
    /// A tenant goes with everything; that was not asked of the server.
    pub fn is_whole(&self) -> bool {
        self.said == WHOLE
    }

    pub fn deletes(&self) -> bool {
        self.said.starts_with("would be deleted")
    }
}

/// A StatefulSet that takes the place of another: the server is asked under a name that is free, since what is immutable in the
/// one that is there is no matter for the next.
async fn anew(
    cluster: &Cluster,
    patience: &mut Patience,
    object: &Object,
    at: &Address,
    live: Option<&Value>,
) -> Result<Verdict, Trouble> {
    let mut said = verdict(at, "would be made anew");
    let mut wanted = config(object, None, "-/-", None)?;
    if let Some(live) = live {
        said.changes = changes(&wanted, live);
    }
    wanted["metadata"]["name"] = format!("{}-anew", object.name()).into();
    let answer = patience.insist(async || Ok(cluster.apply(&wanted, Mode::DryRun).await?)).await;
    Ok(match answer {
        Ok(_) => said,
        Err(trouble) => said.but(&trouble),
    })
}

/// What would change of it, but for which run wrote last.
fn changes(wanted: &Value, live: &Value) -> Vec<Change> {
    diff(&without_run(wanted), &without_run(live), MANAGER)
}

fn verdict(at: &Address, said: &str) -> Verdict {
    said_of(at.to_string(), said.to_owned())
}

fn said_of(object: String, said: String) -> Verdict {
    Verdict { object, said, changes: Vec::new(), refused: None, owned: false }
}

async fn deletion(act: &mut Act<'_>, at: &Address, expected: crate::fleet::Uid) -> Result<Verdict, Trouble> {
    let cluster = act.shared.cluster;
    let ask = act.patience.insist(async || {
        let Some(live) = cluster.object(at).await? else { return Ok("is gone already") };
        if uid(&live) != Some(expected) {
            return Ok("is another one by now, and would be left alone");
        }
        match cluster.remove(at, Only { uid: expected, version: version(&live) }, Mode::DryRun).await {
            Ok(()) => Ok("would be deleted"),
            Err(error) if error.fault == Fault::NotFound => Ok("is gone already"),
            Err(error) => Err(error.into()),
        }
    });
    Ok(match ask.await {
        Ok(said) => verdict(at, said),
        Err(trouble) => verdict(at, "would not be deleted").but(&trouble),
    })
}
