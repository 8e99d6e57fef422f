//! What the cluster remembers of runs, and what can be said to them from anywhere.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use serde_json::{Value, json};

use super::{Declined, Desk, Work, identity, read_only};
use crate::{
    engine::{
        hold::{Lease, holder},
        prepull::own,
        record::{Record, Records},
        token::Secrets,
    },
    fleet::name::{CLAIM_ANNOTATION, DONE_ANNOTATION},
    plan::{Danger, Intent, Ledger, Plan, Preview, Refusal, State, Why, read::Here},
};

/// The end of a run that somebody stopped for good.
pub const ABORTED: &str = "aborted";

/// One run, in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub run: String,
    pub verb: String,
    pub author: String,
    /// When it was planned.
    pub made: String,
    pub tenants: u64,
    /// `running`, `paused`, `left` (nobody holds it and it is not at its end), `done`, `failed` or `aborted`.
    pub state: &'static str,
    /// Who acts, where somebody does.
    pub holder: Option<String>,
    pub since: Option<String>,
    /// How it ended, or what was ordered and by whom.
    pub said: String,
    pub failed: usize,
}

/// A run with its plan and where everybody stands, as far as the cluster tells.
#[derive(Clone, Debug)]
pub struct Shown {
    pub summary: Summary,
    pub plan: Arc<Plan>,
    /// Folded from the record and from what stands on the tenants themselves.
    pub ledger: Ledger,
    /// As the record has them: who failed, was held or is to be skipped, by namespace.
    pub states: BTreeMap<String, State>,
}

/// A run that nobody holds, with its plan: it can be gone on with.
#[derive(Debug)]
pub struct Left {
    record: Record,
    again: bool,
    pub plan: Plan,
}

/// What going on with a run means.
#[derive(Debug)]
pub enum Onward {
    /// Somebody holds it and it is paused: it was told to go.
    Told,
    /// Nobody holds it: it has to be taken over.
    Left(Box<Left>),
}

impl Desk {
    fn records(&self) -> Records {
        Records::new(&self.cluster, &self.control)
    }

    /// The namespace that runs are remembered in.
    pub fn control(&self) -> &str {
        &self.control
    }

    /// All runs that are remembered, the latest first.
    ///
    /// # Errors
    /// As any read.
    pub async fn runs(&self) -> Result<Vec<Summary>, Declined> {
        let records = self.records().list().await.map_err(|error| Declined::Trouble((*error).into()))?;
        let mut all = Vec::with_capacity(records.len());
        for record in &records {
            all.push(self.summary(record).await?);
        }
        Ok(all)
    }

    async fn summary(&self, record: &Record) -> Result<Summary, Declined> {
        // Nobody holds what is at its end: of a long history only the living are asked about.
        let who = match record.end {
            Some(_) => None,
            None => {
                let found = holder(&self.cluster, &self.control, &record.run).await;
                found.map_err(|error| Declined::Trouble((*error).into()))?.filter(|who| who.alive)
            }
        };
        let state = match (&record.end, &who) {
            (Some((end, _)), _) if end == "done" => "done",
            (Some((end, _)), _) if end == ABORTED => ABORTED,
            (Some(_), _) => "failed",
            (None, Some(_)) if record.order == "pause" => "paused",
            (None, Some(_)) => "running",
            (None, None) => "left",
        };
        let said = match &record.end {
            Some((_, said)) => said.clone(),
            None if record.order != "go" => format!("{} was asked for by {}", record.order, record.ordered_by),
            None if who.is_none() => "nobody holds it: `runs resume` goes on with it".to_owned(),
            None => String::new(),
        };
        Ok(Summary {
            run: record.run.clone(),
            verb: record.verb.clone(),
            author: record.author.clone(),
            made: record.made.clone(),
            tenants: record.tenants,
            state,
            since: who.as_ref().map(|w| w.since.clone()),
            holder: who.map(|w| w.who),
            said,
            failed: record.states.values().filter(|s| matches!(s, State::Failed { .. } | State::Held { .. })).count(),
        })
    }

    async fn record(&self, id: &str) -> Result<Record, Declined> {
        let found = self.records().get(id).await?;
        found.ok_or_else(|| Declined::NoSuch(format!("no run {id} is remembered in namespace {}", self.control)))
    }

    /// The plan of a run, if it is one that may be carried out here.
    async fn plan_of(&self, record: &Record) -> Result<Plan, Declined> {
        let text = self.records().plan(record).await?;
        let cluster = identity(&self.cluster).await?;
        let manifests = self.base.digest();
        let here = Here { context: self.cluster.context(), cluster, manifests: &manifests };
        let plan = Plan::read(&text, here).map_err(|mut refusal| {
            for reason in &mut refusal.0 {
                reason.said = format!("the plan of {}: {}", record.run, reason.said);
            }
            Declined::Refused(refusal)
        })?;
        if plan.id != record.run {
            let said = format!("the record of {} holds the plan of {}", record.run, plan.id);
            return Err(refused(Why::ForeignPlan, said));
        }
        Ok(plan)
    }

    /// One run, with where each of its tenants stands.
    ///
    /// # Errors
    /// It is not remembered, its plan is not to be read here, or as any read.
    pub async fn run(&self, id: &str) -> Result<Shown, Declined> {
        let mut shown = self.recorded(id, None).await?;
        self.stand(&shown.plan, &mut shown.ledger).await?;
        Ok(shown)
    }

    /// The same as far as the record tells: whoever watches the tenants knows who is done. `known`: its plan, which never changes.
    ///
    /// # Errors
    /// As [`Desk::run`].
    pub async fn recorded(&self, id: &str, known: Option<Arc<Plan>>) -> Result<Shown, Declined> {
        let record = self.record(id).await?;
        let summary = self.summary(&record).await?;
        let plan = match known {
            Some(plan) => plan,
            None => Arc::new(self.plan_of(&record).await?),
        };
        let ledger = Ledger::resumed(&plan, plan.made, &record.states);
        Ok(Shown { summary, plan, ledger, states: record.states })
    }

    /// Who is done and who is acted on stands on the tenants' Namespaces.
    async fn stand(&self, plan: &Plan, ledger: &mut Ledger) -> Result<(), Declined> {
        let label = &self.scope.homes();
        for namespace in self.cluster.objects("Namespace", "", label).await? {
            let text = |pointer: &str| namespace.pointer(pointer).and_then(Value::as_str);
            let Some(name) = text("/metadata/name") else { continue };
            let note = |key: &str| {
                namespace.pointer("/metadata/annotations").and_then(|all| all.get(key)).and_then(Value::as_str)
            };
            ledger.noted(&plan.id, name, note(DONE_ANNOTATION), note(CLAIM_ANNOTATION), self.cluster.clock().now());
        }
        Ok(())
    }

    /// Says `pause`, `go` or `stop` to whoever holds the run.
    ///
    /// # Errors
    /// It is at its end, or the record cannot be written.
    pub async fn order(&self, id: &str, order: &str) -> Result<(), Declined> {
        self.say(id, order, json!({})).await
    }

    /// The order, and in the same write what else it changes of the record.
    async fn say(&self, id: &str, order: &str, mut change: Value) -> Result<(), Declined> {
        if self.read_only {
            return Err(read_only());
        }
        let record = self.record(id).await?;
        if let Some((_, said)) = &record.end {
            return Err(refused(Why::Ended, format!("{id} is at its end: {said}")));
        }
        change["order"] = order.into();
        change["orderedBy"] = self.author.as_str().into();
        Ok(self.records().set(id, &change).await?)
    }

    /// Stops a run for good, whether somebody holds it or not: a holder that only stops leaves a run to be gone on with.
    ///
    /// # Errors
    /// As [`Desk::order`].
    pub async fn abort(&self, id: &str) -> Result<(), Declined> {
        self.say(id, "stop", json!({ "end": ABORTED, "said": format!("aborted by {}", self.author) })).await
    }

    /// Leaves one tenant out, if it was not begun yet; returns its id.
    ///
    /// # Errors
    /// No such run or tenant; or the record cannot be written.
    pub async fn skip(&self, id: &str, tenant: &str) -> Result<String, Declined> {
        if self.read_only {
            return Err(read_only());
        }
        let record = self.record(id).await?;
        let plan = self.plan_of(&record).await?;
        let turn = plan.turns().find(|t| t.tenant == tenant || t.namespace == tenant);
        let turn = turn.ok_or_else(|| Declined::NoSuch(format!("{tenant} is no part of {id}")))?;
        let state = State::Skipped { said: format!("left out by {}", self.author) };
        let state = serde_json::to_string(&state).unwrap_or_default();
        self.records().set(id, &json!({ format!("state.{}", turn.namespace): state })).await?;
        Ok(turn.tenant.clone())
    }

    /// Lets a paused run go where somebody holds it; else tells what there is to go on with. `again`: those that failed or
    /// were held are tried once more.
    ///
    /// # Errors
    /// Somebody acts on it, it is at its end, or it is none that may be gone on with by record alone.
    pub async fn onward(&self, id: &str, again: bool) -> Result<Onward, Declined> {
        if self.read_only {
            return Err(read_only());
        }
        let record = self.record(id).await?;
        let who = holder(&self.cluster, &self.control, id).await;
        if let Some(who) = who.map_err(|error| Declined::Trouble((*error).into()))?.filter(|w| w.alive) {
            if again || record.order == "go" {
                return Err(refused(Why::Busy, format!("{} acts on it, since {}", who.who, who.since)));
            }
            self.order(id, "go").await?;
            return Ok(Onward::Told);
        }
        open_still(&record, again)?;
        let mut plan = self.plan_of(&record).await?;
        own(&self.cluster, &self.base, &mut plan).await?;
        // Whoever goes on has typed no name: a record alone never deletes a volume. A delete that keeps them may go on.
        if plan.intent.is_purge()
            && let Danger::Names { names } = Preview::of(&plan).danger
        {
            let names = names.join(" ");
            let said = format!("{id} purges data; `fleetdeck delete --purge-data {names}` asks for the names anew");
            return Err(refused(Why::DataAtRisk, said));
        }
        Ok(Onward::Left(Box::new(Left { record, again, plan })))
    }

    /// The record of a run that is not at its end.
    ///
    /// # Errors
    /// It is, or it cannot be read.
    pub(super) async fn open_still(&self, id: &str) -> Result<Record, Declined> {
        let record = self.record(id).await?;
        open_still(&record, false)?;
        Ok(record)
    }

    /// Takes over what nobody holds.
    ///
    /// # Errors
    /// Somebody was faster, it has come to its end since, or the lease or record cannot be written.
    pub async fn take_up(&self, left: Left) -> Result<Work, Declined> {
        let Left { record, again, plan } = left;
        let id = record.run;
        let lease = Lease::take(&self.cluster, &self.control, &id, &self.author, fastrand::u64(..)).await?;
        let records = self.records();
        // What the holder before us wrote last counts, not what stood there before its lease ran out; and an abort that
        // somebody writes in this moment.
        let record = loop {
            let mut record = self.record(&id).await?;
            if let Err(closed) = open_still(&record, again) {
                lease.release().await;
                return Err(closed);
            }
            let mut change = json!({ "order": "go", "orderedBy": self.author, "end": null, "said": null });
            if again {
                let failed = |state: &State| matches!(state, State::Failed { .. } | State::Held { .. });
                let keys: Vec<String> =
                    record.states.iter().filter(|(_, s)| failed(s)).map(|(t, _)| t.clone()).collect();
                for tenant in keys {
                    change[format!("state.{tenant}")] = Value::Null;
                    record.states.remove(&tenant);
                }
            }
            if records.set_as_read(&record, &change).await? {
                break record;
            }
        };
        let ledger = Ledger::resumed(&plan, plan.made, &record.states);
        let (plan, secrets) = (Arc::new(plan), Secrets::default());
        Ok(Work { desk: self.clone(), plan, ledger, secrets, kept: Some((lease, records)) })
    }
}

impl Left {
    /// A key for the models' proxy is not remembered: its Secret has to be there.
    pub fn lacks_key(&self) -> bool {
        matches!(self.plan.intent, Intent::Create { .. })
    }
}

/// Whether a run can be gone on with.
fn open_still(record: &Record, again: bool) -> Result<(), Declined> {
    match &record.end {
        Some((end, said)) if !again || end == "done" || end == ABORTED => {
            Err(refused(Why::Ended, format!("{} is at its end: {said}", record.run)))
        }
        _ => Ok(()),
    }
}

fn refused(why: Why, said: String) -> Declined {
    Declined::Refused(Refusal::one(why, said))
}
