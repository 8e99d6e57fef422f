//! One tenant's turn: is it still what was agreed on, then step by step.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use tokio::{sync::mpsc, time::sleep};

use super::{
    hold::Hold,
    look::look,
    orders::{Order, Orders},
    patience::Patience,
    token::Secrets,
    trouble::Trouble,
    view::View,
};
use crate::{
    cluster::{Address, Cluster},
    fleet::{
        At, SpecDigest, Uid,
        name::{DONE_ANNOTATION, RUN_ANNOTATION, SPEC_ANNOTATION, TENANT_LABEL},
    },
    manifest::{Base, Defaults, Object, render, stored_spec},
    plan::{Basis, Intent, Named, News, Plan, Situation, Turn},
};

/// What every turn of a run shares.
#[derive(Clone)]
pub(super) struct Shared<'a> {
    pub cluster: &'a Cluster,
    pub base: &'a Base,
    pub plan: &'a Plan,
    pub view: View,
    pub tell: mpsc::Sender<News>,
    pub orders: Orders,
    pub secrets: &'a Secrets,
    pub seed: u64,
    pub hold: Hold,
    /// How often the run has changed hands.
    pub epoch: u64,
    /// The namespace of the runs' records.
    pub control: &'a str,
    /// Who runs it.
    pub by: String,
    /// Nothing is written: the server is only asked.
    pub dry: bool,
}

/// Half seconds that an index may lag behind the server.
const LAG: u32 = 20;

/// One turn that is being taken.
pub(super) struct Act<'a> {
    pub(super) shared: Shared<'a>,
    pub(super) turn: Turn,
    pub(super) patience: Patience,
    /// What the tenant is rendered as after this turn.
    pub(super) objects: Vec<Object>,
    /// Name of Secret and key for the models' proxy.
    pub(super) key: Option<(String, String)>,
    /// Generation of the StatefulSet after our last write.
    pub(super) floor: i64,
    /// When the gateway was taken from its user.
    pub(super) down_since: Option<At>,
    /// When it was seen to be back.
    pub(super) back: Option<At>,
    /// The Namespace that the turn acts in, where the plan did not know it: it is made by this run.
    pub(super) home: Option<Uid>,
    /// Snapshots that were asked for.
    pub(super) asked: BTreeSet<String>,
    /// What carries our claim now.
    pub(super) claimed: Vec<Address>,
    /// The StatefulSet that Events are about.
    pub(super) set: Option<Named>,
    /// Events may not be written.
    pub(super) mute: bool,
    /// The tenant was brought to its end by an earlier holder.
    done: bool,
}

/// How a turn ended.
pub(super) enum Ending {
    Done {
        said: String,
        down: Option<u32>,
    },
    Failed {
        said: String,
        advice: String,
    },
    Held {
        said: String,
    },
    /// Somebody else goes on with the run.
    Superseded,
    /// A person stopped the run; the turn can be taken again.
    Stopped,
}

impl<'a> Act<'a> {
    pub(super) fn new(shared: Shared<'a>, turn: &Turn) -> Self {
        let patience = Patience::new(shared.seed, &turn.namespace, shared.tell.clone());
        Self {
            shared,
            turn: turn.clone(),
            patience,
            objects: Vec::new(),
            key: None,
            floor: 0,
            down_since: None,
            back: None,
            home: None,
            asked: BTreeSet::new(),
            claimed: Vec::new(),
            set: turn.basis.set.clone(),
            mute: false,
            done: false,
        }
    }

    pub(super) async fn take(mut self) -> Ending {
        let ending = match self.agree().await {
            Ok(()) if self.done => return Ending::Done { said: "done before".to_owned(), down: None },
            Ok(()) => self.steps().await,
            Err(trouble) => end(&trouble),
        };
        let done = match ending {
            Ending::Superseded => return ending,
            Ending::Done { .. } => true,
            _ => false,
        };
        match self.release(done).await {
            // The tenant is as it should be; that it is not noted costs a look at it when the run is gone on with.
            Ok(()) => ending,
            Err(Trouble::Superseded(_)) => Ending::Superseded,
            Err(trouble) => {
                tracing::warn!(said = trouble.words().0, "the claim on a tenant was left");
                ending
            }
        }
    }

    async fn steps(&mut self) -> Ending {
        let plan = self.shared.plan;
        let turn = self.turn.clone();
        let steps = plan.steps(&turn);
        let mut last = String::new();
        let before = if plan.care.probe { self.ills().await } else { None };
        for (number, step) in steps.iter().enumerate() {
            // A request in flight is never given up; before the next one is the place to stop.
            if self.shared.orders.now() == Order::Stop {
                return if self.shared.hold.is_lost() { Ending::Superseded } else { Ending::Stopped };
            }
            self.say(|tenant| News::Step { tenant, step: number, said: step.words() }).await;
            let done = match self.exec(number, step).await {
                Ok(said) if plan.care.probe && self.back.is_some() && step.serves() => {
                    self.proven(said, before.as_ref()).await
                }
                other => other,
            };
            match done {
                Ok(said) => {
                    last = if step.remarks() { format!("{last}; {said}") } else { said.clone() };
                    self.notice(number, step, &said).await;
                    self.say(|tenant| News::Did { tenant, step: number, said }).await;
                }
                Err(Trouble::Stopped) if self.shared.hold.is_lost() => return Ending::Superseded,
                Err(trouble) => return end(&trouble),
            }
        }
        let down = self.down_since.zip(self.back).map(|(since, back)| back.since(since));
        Ending::Done { said: last, down }
    }

    pub(super) fn now(&self) -> At {
        self.shared.cluster.clock().now()
    }

    pub(super) async fn say(&self, news: impl FnOnce(String) -> News) {
        // Whoever listened has gone; the work goes on.
        _ = self.shared.tell.send(news(self.turn.namespace.clone())).await;
    }

    /// A tenant that has moved is planned anew, alone; it is held if that says something else than what was agreed to.
    async fn agree(&mut self) -> Result<(), Trouble> {
        for attempt in 0_u32.. {
            let said = match self.begin().await {
                Err(Trouble::Moved(said)) => said,
                other => return other,
            };
            let shared = self.shared.clone();
            let Some((entry, sources)) = shared.view.get(&self.turn.namespace).await else {
                return Err(Trouble::Moved(said));
            };
            // A spec that stands in the plan is not made up anew.
            if self.turn.spec.is_some() {
                return Err(Trouble::Moved(said));
            }
            let none = Defaults::default();
            let found = look(shared.cluster, shared.base, &shared.plan.intent, &[&entry], &none).await?;
            let others = [(self.turn.namespace.clone(), self.turn.basis.others.clone())].into();
            let seen = Situation {
                context: shared.cluster.context(),
                cluster: shared.plan.cluster,
                author: &shared.plan.author,
                now: self.now(),
                nonce: 0,
                read_only: false,
                care: shared.plan.care,
                sources: &sources,
                base: shared.base,
                hosts: &[],
                others: &others,
                found: &found,
            };
            let intent = &shared.plan.intent;
            match self.turn.again(intent, &entry, &seen) {
                Ok(turn) if turn.basis != self.turn.basis => self.turn = turn,
                // The index has not seen yet what the server says.
                Ok(_) if attempt < LAG => {}
                Ok(_) => return Err(Trouble::Moved(said)),
                Err(different) => return Err(Trouble::Moved(format!("{said}; {different}"))),
            }
            if attempt >= LAG {
                return Err(Trouble::Moved(said));
            }
            sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    }

    /// Reads what is there, and renders what is to be.
    pub(super) async fn begin(&mut self) -> Result<(), Trouble> {
        let intent = &self.shared.plan.intent;
        // A restart is bound to its pod alone; whoever may do no more than that may not read Namespaces.
        if *intent == Intent::Restart && self.shared.hold.claim.is_none() {
            return Ok(());
        }
        let cluster = self.shared.cluster;
        let basis = self.turn.basis.clone();
        let at = address("Namespace", "", &self.turn.namespace)?;
        let namespace = self.patience.insist(async || Ok(cluster.object(&at).await?)).await?;
        let ours = namespace.as_ref().is_some_and(|n| self.is_ours(n));
        if namespace.as_ref().and_then(|n| annotation(n, DONE_ANNOTATION)) == Some(&self.shared.plan.id) {
            self.done = true;
            return Ok(());
        }
        check_namespace(&self.turn, intent, namespace.as_ref(), ours)?;
        let specified = namespace.as_ref().is_some_and(|n| annotation(n, SPEC_ANNOTATION).is_some());
        if matches!(intent, Intent::Adopt { .. }) && specified && !ours {
            return Err(Trouble::Moved("somebody has given it a spec since".to_owned()));
        }
        if let Some(set) = &basis.set {
            let at = address("StatefulSet", &self.turn.namespace, &set.name)?;
            let live = self.patience.insist(async || Ok(cluster.object(&at).await?)).await?;
            let ours = ours || live.as_ref().is_some_and(|s| self.is_ours(s));
            let remade = live.as_ref().filter(|s| intent.remakes() && uid(s) != basis.set_uid() && self.is_ours(s));
            match remade.and_then(uid) {
                // By an earlier holder of this run.
                Some(uid) => self.set = Some(Named { name: set.name.clone(), uid }),
                None => check_set(&basis, intent, live.as_ref(), ours)?,
            }
        }
        let spec = match intent {
            Intent::Create { spec } => Some((**spec).clone()),
            Intent::Restart | Intent::RotateToken | Intent::Snapshot { .. } | Intent::Delete { .. } => None,
            Intent::Adopt { .. } | Intent::Restore { .. } => self.turn.spec.as_deref().cloned(),
            Intent::SetTier { .. }
            | Intent::Resize { .. }
            | Intent::Suspend
            | Intent::Resume
            | Intent::Upgrade { .. }
            | Intent::Apply { .. }
            | Intent::Reprovision { .. } => {
                let stored = namespace.as_ref().and_then(stored_spec);
                let stored = stored.ok_or_else(|| Trouble::Moved("it carries no spec any more".to_owned()))?;
                Some(intent.change(&stored.map_err(|e| Trouble::Moved(e.to_string()))?))
            }
        };
        if let Some(spec) = spec {
            if intent.remakes() {
                self.on_its_volumes(&spec)?;
            }
            self.key = Some((spec.litellm.key.secret.clone(), spec.litellm.key.key.clone()));
            self.objects = render(self.shared.base, &spec).map_err(|e| Trouble::wrong(e.to_string()))?;
        }
        if let Some(namespace) = namespace {
            self.claim(&namespace).await?;
        }
        Ok(())
    }

    /// Whether this run has written the object before.
    fn is_ours(&self, object: &Value) -> bool {
        is_of(object, &self.shared.plan.id)
    }
}

/// Whether this run has written the object.
pub(super) fn is_of(object: &Value, run: &str) -> bool {
    let written = annotation(object, RUN_ANNOTATION);
    written.and_then(|text| text.split_once('/')).is_some_and(|(of, _)| of == run)
}

fn end(trouble: &Trouble) -> Ending {
    let (said, advice) = trouble.words();
    match trouble {
        Trouble::Stopped => Ending::Stopped,
        Trouble::Superseded(_) => Ending::Superseded,
        Trouble::Moved(_) | Trouble::Busy(_) => Ending::Held { said },
        _ => Ending::Failed { said, advice },
    }
}

fn check_namespace(turn: &Turn, intent: &Intent, live: Option<&Value>, ours: bool) -> Result<(), Trouble> {
    let moved = |said: &str| Err(Trouble::Moved(said.to_owned()));
    let Some(live) = live else {
        return match turn.basis.namespace {
            // A purge that is resumed has got there.
            Some(_) if !intent.is_purge() => moved("the tenant is gone"),
            _ => Ok(()),
        };
    };
    match turn.basis.namespace {
        Some(expected) if uid(live) != Some(expected) => {
            return moved("the tenant was deleted, and another of its name was made");
        }
        // Bound to its pod; the Namespace of a foreign tenant may carry no label, so that nobody saw it.
        None if *intent == Intent::Restart => {}
        None if !ours => {
            let label = live.pointer("/metadata/labels").and_then(|labels| labels.get(TENANT_LABEL));
            return match label {
                Some(_) => moved("a tenant of this name was made since"),
                None => moved("there is a namespace of this name, and it is no tenant"),
            };
        }
        _ => {}
    }
    if !intent.is_purge() && live.pointer("/metadata/deletionTimestamp").is_some() {
        return moved("the tenant is being deleted");
    }
    let spec = annotation(live, SPEC_ANNOTATION).map(SpecDigest::of);
    if !ours && turn.basis.spec.is_some() && spec != turn.basis.spec {
        return moved("its spec has changed since");
    }
    Ok(())
}

fn check_set(basis: &Basis, intent: &Intent, live: Option<&Value>, ours: bool) -> Result<(), Trouble> {
    let deletes = matches!(intent, Intent::Delete { .. });
    let Some(live) = live else {
        // Gone is what a delete wants.
        return if deletes || intent.remakes() && ours {
            Ok(())
        } else {
            Err(Trouble::Moved("its StatefulSet is gone".to_owned()))
        };
    };
    if uid(live) != basis.set_uid() {
        return Err(Trouble::Moved("its StatefulSet was replaced since".to_owned()));
    }
    let generation = live.pointer("/metadata/generation").and_then(Value::as_i64);
    if !ours && !deletes && basis.generation.is_some() && generation != basis.generation {
        return Err(Trouble::Moved("its StatefulSet has changed since".to_owned()));
    }
    Ok(())
}

pub(super) fn uid(object: &Value) -> Option<Uid> {
    object.pointer("/metadata/uid")?.as_str()?.parse().ok()
}

pub(super) fn version(object: &Value) -> Option<&str> {
    object.pointer("/metadata/resourceVersion")?.as_str()
}

pub(super) fn annotation<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

pub(super) fn address(kind: &str, namespace: &str, name: &str) -> Result<Address, Trouble> {
    Address::kind(kind, namespace, name).map_err(|why| Trouble::wrong(format!("{kind} {namespace}/{name}: {why}")))
}
