//! A run in the cluster: one ConfigMap with its settings, orders and failures, and the plan in numbered further ones. Who is
//! done stands on the tenant itself, so that a run writes as much as it has tenants, and no more.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{act::uid, hold::holder, trouble::Trouble};
use crate::{
    cluster::{Address, Cluster, ClusterError, Fault, MANAGER, Mode, Only},
    fleet::At,
    plan::{End, Event, News, Plan, State},
};

/// Label of everything that a run keeps in the control namespace; its value is the run's id.
pub(super) const RUN_LABEL: &str = "fleetdeck.openclaw.ai/run";
/// Label of a run's first ConfigMap.
const HEAD_LABEL: &str = "fleetdeck.openclaw.ai/run-head";
/// Bytes of a plan in one ConfigMap: they may hold a mebibyte, names and JSON around it included.
const PIECE: usize = 900 << 10;
/// Seconds.
const DAY: u32 = 86_400;
/// Runs that are swept away at a time: whoever begins something waits for it.
const SWEPT: usize = 10;

/// What a run's record says.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub run: String,
    pub verb: String,
    pub author: String,
    pub tenants: u64,
    pub made: String,
    /// `go`, `pause` or `stop`.
    pub order: String,
    pub ordered_by: String,
    /// How it ended, with its words.
    pub end: Option<(String, String)>,
    /// Tenants that failed, were held or are to be skipped, by namespace.
    pub states: BTreeMap<String, State>,
    pieces: u64,
    /// `metadata.resourceVersion` of its head as it was read.
    version: String,
}

/// The record of one run.
#[derive(Clone, Debug)]
pub struct Records {
    cluster: Cluster,
    /// The namespace that holds the fleet's records.
    control: String,
}

fn name(run: &str, piece: u64) -> String {
    if piece == 0 { format!("run-{run}") } else { format!("run-{run}-{piece}") }
}

fn text<'v>(object: &'v Value, key: &str) -> &'v str {
    object["data"][key].as_str().unwrap_or_default()
}

impl Records {
    pub fn new(cluster: &Cluster, control: &str) -> Self {
        Self { cluster: cluster.clone(), control: control.to_owned() }
    }

    pub fn control(&self) -> &str {
        &self.control
    }

    fn at(&self, run: &str, piece: u64) -> Result<Address, Trouble> {
        Address::kind("ConfigMap", &self.control, &name(run, piece)).map_err(Trouble::wrong)
    }

    /// Writes a new run down, the plan before the head: a head is there only when the whole is.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn begin(&self, plan: &Plan) -> Result<(), Trouble> {
        self.furnish().await?;
        let whole = serde_json::to_string(plan).map_err(|e| Trouble::wrong(e.to_string()))?;
        let mut pieces = Vec::new();
        let mut rest = whole.as_str();
        while !rest.is_empty() {
            let mut cut = PIECE.min(rest.len());
            while !rest.is_char_boundary(cut) {
                cut -= 1;
            }
            let (piece, after) = rest.split_at(cut);
            pieces.push(piece);
            rest = after;
        }
        for (number, piece) in (1..).zip(&pieces) {
            self.make(&plan.id, number, &json!({ "plan": piece })).await?;
        }
        let head = json!({
            "verb": plan.intent.verb(), "author": plan.author, "made": plan.made, "order": "go",
            "tenants": plan.turns().count().to_string(), "pieces": pieces.len().to_string(),
        });
        self.make(&plan.id, 0, &head).await
    }

    /// The namespace for records, where it is not there yet.
    async fn furnish(&self) -> Result<(), Trouble> {
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.control } });
        let at = Address::kind("Namespace", "", &self.control).map_err(Trouble::wrong)?;
        match self.cluster.object(&at).await {
            Ok(Some(_)) => return Ok(()),
            // Whether it is there is not for this user to know; the records themselves will tell.
            Err(error) if error.fault == Fault::Forbidden => return Ok(()),
            Err(error) => return Err(error.into()),
            Ok(None) => {}
        }
        match self.cluster.create(&namespace).await {
            Err(error) if error.fault != Fault::Exists => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn make(&self, run: &str, piece: u64, data: &Value) -> Result<(), Trouble> {
        let mut labels = json!({ RUN_LABEL: run });
        if piece == 0 {
            labels[HEAD_LABEL] = "true".into();
        }
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": name(run, piece), "namespace": self.control, "labels": labels },
            "data": data,
        });
        match self.cluster.create(&object).await {
            // An answer was lost; ids are not given twice.
            Err(error) if error.fault != Fault::Exists => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// All runs, the latest first.
    ///
    /// # Errors
    /// As any read.
    pub async fn list(&self) -> Result<Vec<Record>, Box<ClusterError>> {
        let heads = self.cluster.objects("ConfigMap", &self.control, HEAD_LABEL).await.map_err(Box::new)?;
        let mut records: Vec<Record> = heads.iter().map(read).collect();
        records.sort_by(|a, b| (&b.made, &b.run).cmp(&(&a.made, &a.run)));
        Ok(records)
    }

    /// Removes what is remembered of runs older than this, with their leases and whatever pods they left; some at a time.
    ///
    /// # Errors
    /// As any read; what may not be removed.
    pub async fn sweep(&self, days: u32) -> Result<usize, Trouble> {
        let now = self.cluster.clock().now();
        let old = |record: &Record| At::parse(&record.made).is_some_and(|made| now.since(made) / DAY >= days);
        let mut swept = 0;
        for record in self.list().await.map_err(Trouble::Cluster)?.into_iter().filter(old).take(SWEPT) {
            let held = holder(&self.cluster, &self.control, &record.run).await.map_err(Trouble::Cluster)?;
            if held.is_some_and(|who| who.alive) {
                continue;
            }
            let selector = format!("{RUN_LABEL}={}", record.run);
            let lease = Address::kind("Lease", &self.control, &name(&record.run, 0)).map_err(Trouble::wrong)?;
            let mut all = vec![lease];
            // The pieces; the head goes last, so that what was begun is found again.
            for kind in ["Pod", "ConfigMap"] {
                for object in self.cluster.objects(kind, &self.control, &selector).await? {
                    let found = object["metadata"]["name"].as_str().unwrap_or_default();
                    if kind != "ConfigMap" || found != name(&record.run, 0) {
                        all.push(Address::kind(kind, &self.control, found).map_err(Trouble::wrong)?);
                    }
                }
            }
            all.push(self.at(&record.run, 0)?);
            for at in all {
                let live = self.cluster.object(&at).await?;
                let Some(uid) = live.as_ref().and_then(uid) else { continue };
                match self.cluster.remove(&at, Only { uid, version: None }, Mode::Live).await {
                    Err(error) if error.fault != Fault::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
            swept += 1;
        }
        Ok(swept)
    }

    /// One run; `None` where there is none of this id.
    ///
    /// # Errors
    /// As any read.
    pub async fn get(&self, run: &str) -> Result<Option<Record>, Trouble> {
        let head = self.cluster.object(&self.at(run, 0)?).await?;
        Ok(head.as_ref().map(read))
    }

    /// The text of a run's plan; whoever reads it checks it.
    ///
    /// # Errors
    /// As any read, and a piece that is missing.
    pub async fn plan(&self, record: &Record) -> Result<String, Trouble> {
        let mut whole = String::new();
        for piece in 1..=record.pieces {
            let found = self.cluster.object(&self.at(&record.run, piece)?).await?;
            let found =
                found.ok_or_else(|| Trouble::wrong(format!("piece {piece} of the plan of {} is gone", record.run)))?;
            whole += text(&found, "plan");
        }
        Ok(whole)
    }

    /// Sets keys of a run's head; null takes one away.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn set(&self, run: &str, data: &Value) -> Result<(), Trouble> {
        Ok(self.cluster.merge(&self.at(run, 0)?, MANAGER, &json!({ "data": data })).await.map(drop)?)
    }

    /// The same if nobody has changed the head since it was read; `false` where somebody has.
    ///
    /// # Errors
    /// What the server refuses.
    pub(super) async fn set_as_read(&self, record: &Record, data: &Value) -> Result<bool, Trouble> {
        let patch = json!({ "metadata": { "resourceVersion": record.version }, "data": data });
        match self.cluster.merge(&self.at(&record.run, 0)?, MANAGER, &patch).await {
            Ok(_) => Ok(true),
            Err(error) if error.fault == Fault::Conflict => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps what has to outlive the run's holder: failures and the end.
    pub(super) async fn keep(&self, run: &str, event: &Event) -> Result<(), Trouble> {
        let state = match &event.news {
            News::Failed { said, advice, .. } => State::Failed { said: said.clone(), advice: advice.clone() },
            News::Held { said, .. } => State::Held { said: said.clone() },
            News::Ended { end, said } => {
                // One that was stopped or handed over can be gone on with.
                if matches!(end, End::Superseded | End::Stopped) {
                    return Ok(());
                }
                let end = serde_json::to_value(end).unwrap_or_default();
                return self.set(run, &json!({ "end": end, "said": said })).await;
            }
            _ => return Ok(()),
        };
        let tenant = event.news.tenant().unwrap_or_default();
        let state = serde_json::to_string(&state).unwrap_or_default();
        self.set(run, &json!({ format!("state.{tenant}"): state })).await
    }
}

fn read(head: &Value) -> Record {
    let data = head["data"].as_object().into_iter().flatten();
    let states = data.filter_map(|(key, value)| {
        let tenant = key.strip_prefix("state.")?;
        // One that was written by hand and makes no sense is no leave to act on the tenant.
        let state = serde_json::from_str(value.as_str().unwrap_or_default()).ok().filter(State::is_final);
        let odd = || State::Held { said: "what the run's record says of it makes no sense".to_owned() };
        Some((tenant.to_owned(), state.unwrap_or_else(odd)))
    });
    let run = head["metadata"]["labels"][RUN_LABEL].as_str().unwrap_or_default();
    let end = text(head, "end");
    Record {
        run: run.to_owned(),
        verb: text(head, "verb").to_owned(),
        author: text(head, "author").to_owned(),
        tenants: text(head, "tenants").parse().unwrap_or_default(),
        made: text(head, "made").to_owned(),
        order: text(head, "order").to_owned(),
        ordered_by: text(head, "orderedBy").to_owned(),
        end: (!end.is_empty()).then(|| (end.to_owned(), text(head, "said").to_owned())),
        states: states.collect(),
        pieces: text(head, "pieces").parse().unwrap_or_default(),
        version: head["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned(),
    }
}
