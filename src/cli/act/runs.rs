//! `fleetdeck runs`: what the cluster remembers of runs, and what can be said to them from anywhere.

use serde::Serialize;
use serde_json::json;

use super::{
    super::{
        args::OneFormat,
        json::API_VERSION,
        print::{self, Out},
    },
    Errand, Failure, Report, author, carry_out,
    confirm::confirm,
    control, identity,
    targets::{Common, Runs, RunsVerb},
    troubled,
};
use crate::{
    cli::{may_change, open},
    cluster::{Cluster, ClusterError, Prompt},
    config::Config,
    engine::{Lease, Record, Records, Secrets, hold::holder},
    fleet::clean::clean,
    manifest::Base,
    plan::{Danger, Intent, Ledger, Plan, Preview, State, read::Here},
};

/// The end of a run that somebody stopped for good.
const ABORTED: &str = "aborted";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunList<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [Item],
}

/// One run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    run: String,
    verb: String,
    author: String,
    made: String,
    tenants: u64,
    /// `running`, `paused`, `left` (nobody holds it and it is not at its end), `done`, `failed` or `aborted`.
    state: &'static str,
    holder: Option<String>,
    since: Option<String>,
    /// How it ended, or what was ordered and by whom.
    said: String,
    failed: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunPage<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    run: &'a Item,
    plan: &'a Plan,
    /// By namespace: who failed, was held or is to be skipped.
    states: &'a std::collections::BTreeMap<String, State>,
}

pub(crate) async fn run(config: &Config, args: Runs) -> Result<(), Failure> {
    let (cluster, scope) = open(config, Prompt::May).await?;
    let control = control(config);
    let records = Records::new(&cluster, &control);
    let desk = Desk { config, cluster: &cluster, records: &records, output: args.output };
    match args.what {
        None => desk.list().await,
        Some(RunsVerb::Show { id }) => desk.show(&id).await,
        Some(RunsVerb::Pause { id }) => desk.order(&id, "pause").await,
        Some(RunsVerb::Abort { id }) => desk.abort(&id).await,
        Some(RunsVerb::Skip { id, tenant }) => desk.skip(&id, &tenant).await,
        Some(RunsVerb::Resume { id, confirm }) => desk.go_on(&id, false, confirm, &scope).await,
        Some(RunsVerb::Retry { id, confirm }) => desk.go_on(&id, true, confirm, &scope).await,
    }
}

struct Desk<'a> {
    config: &'a Config,
    cluster: &'a Cluster,
    records: &'a Records,
    output: OneFormat,
}

impl Desk<'_> {
    async fn list(&self) -> Result<(), Failure> {
        let mut items = Vec::new();
        for record in self.records.list().await.map_err(Failure::Cluster)? {
            items.push(self.item(&record).await.map_err(Failure::Cluster)?);
        }
        let mut out = Out::new();
        if self.output == OneFormat::Json {
            out.json(&RunList { api_version: API_VERSION, kind: "RunList", items: &items })?;
            return out.flush();
        }
        if items.is_empty() {
            print::note(&format!("no runs are remembered in namespace {}", self.records.control()));
        }
        for item in &items {
            out.line(&clean(&line(item)))?;
        }
        out.flush()
    }

    async fn item(&self, record: &Record) -> Result<Item, Box<ClusterError>> {
        let who = holder(self.cluster, self.records.control(), &record.run).await?.filter(|who| who.alive);
        let state = match (&record.end, &who) {
            (Some((end, _)), _) if end == "done" => "done",
            (Some((end, _)), _) if end == ABORTED => "aborted",
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
        Ok(Item {
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

    async fn record(&self, id: &str) -> Result<Record, Failure> {
        let found = self.records.get(id).await.map_err(troubled)?;
        found.ok_or_else(|| {
            Failure::NoSuchTenant(format!("no run {id} is remembered in namespace {}", self.records.control()))
        })
    }

    /// The plan, if it is one that may be carried out here.
    async fn plan(&self, record: &Record, base: &Base) -> Result<Plan, Failure> {
        let text = self.records.plan(record).await.map_err(troubled)?;
        let cluster = identity(self.cluster).await?;
        let manifests = base.digest();
        let here = Here { context: self.cluster.context(), cluster, manifests: &manifests };
        let plan = Plan::read(&text, here);
        let plan =
            plan.map_err(|refusal| Failure::Refused(format!("refused: the plan of {}: {refusal}", record.run)))?;
        if plan.id != record.run {
            return Err(Failure::Refused(format!(
                "refused: the record of {} holds the plan of {}",
                record.run, plan.id
            )));
        }
        Ok(plan)
    }

    async fn show(&self, id: &str) -> Result<(), Failure> {
        let record = self.record(id).await?;
        let item = self.item(&record).await.map_err(Failure::Cluster)?;
        let base = Base::embedded().map_err(|e| Failure::Failed(e.to_string()))?;
        let plan = self.plan(&record, &base).await?;
        let mut out = Out::new();
        if self.output == OneFormat::Json {
            let page =
                RunPage { api_version: API_VERSION, kind: "Run", run: &item, plan: &plan, states: &record.states };
            out.json(&page)?;
            return out.flush();
        }
        out.line(&clean(&line(&item)))?;
        for wave in &plan.waves {
            out.line(&format!("wave {}: {} tenants", clean(&wave.name), wave.turns.len()))?;
            for turn in &wave.turns {
                let state = match record.states.get(&turn.namespace) {
                    Some(State::Failed { said, .. }) => format!("failed: {said}"),
                    Some(State::Held { said }) => format!("held: {said}"),
                    Some(State::Skipped { .. }) => "skipped".to_owned(),
                    _ => turn.said.clone(),
                };
                out.line(&clean(&format!("  {}  {state}", turn.tenant)))?;
            }
        }
        out.flush()
    }

    /// Says something to whoever holds the run.
    async fn order(&self, id: &str, order: &str) -> Result<(), Failure> {
        self.say(id, order, json!({})).await
    }

    /// The order, and in the same write what else it changes of the record.
    async fn say(&self, id: &str, order: &str, mut change: serde_json::Value) -> Result<(), Failure> {
        may_change(self.config, self.cluster)?;
        let record = self.record(id).await?;
        if let Some((_, said)) = &record.end {
            return Err(Failure::Refused(format!("refused: {id} is at its end: {said}")));
        }
        change["order"] = order.into();
        change["orderedBy"] = author().into();
        self.records.set(id, &change).await.map_err(troubled)?;
        print::note(&format!("{id}: {order} is asked for; its holder hears it within seconds"));
        Ok(())
    }

    async fn abort(&self, id: &str) -> Result<(), Failure> {
        // Its end, whether somebody holds it or not: a holder that stops leaves a run to be gone on with.
        self.say(id, "stop", json!({ "end": ABORTED, "said": format!("aborted by {}", author()) })).await
    }

    async fn skip(&self, id: &str, tenant: &str) -> Result<(), Failure> {
        may_change(self.config, self.cluster)?;
        let record = self.record(id).await?;
        let base = Base::embedded().map_err(|e| Failure::Failed(e.to_string()))?;
        let plan = self.plan(&record, &base).await?;
        let turn = plan.turns().find(|t| t.tenant == tenant || t.namespace == tenant);
        let turn = turn.ok_or_else(|| Failure::NoSuchTenant(format!("{tenant} is no part of {id}")))?;
        let state = State::Skipped { said: format!("left out by {}", author()) };
        let state = serde_json::to_string(&state).map_err(|e| Failure::Failed(e.to_string()))?;
        self.records.set(id, &json!({ format!("state.{}", turn.namespace): state })).await.map_err(troubled)?;
        print::note(&format!("{id}: {} is left out, if it was not begun yet", turn.tenant));
        Ok(())
    }

    /// Lets a paused run go, where somebody holds it; else takes it over.
    async fn go_on(
        &self,
        id: &str,
        again: bool,
        confirm: Vec<String>,
        scope: &crate::cluster::Scope,
    ) -> Result<(), Failure> {
        may_change(self.config, self.cluster)?;
        let mut record = self.record(id).await?;
        let who = holder(self.cluster, self.records.control(), id).await.map_err(Failure::Cluster)?.filter(|w| w.alive);
        if let Some(who) = who {
            if again || record.order == "go" {
                return Err(Failure::Refused(format!("refused: {} acts on it, since {}", who.who, who.since)));
            }
            return self.order(id, "go").await;
        }
        open_still(&record, again)?;
        let base = Base::embedded().map_err(|e| Failure::Failed(e.to_string()))?;
        let plan = self.plan(&record, &base).await?;
        // Whoever goes on has typed no name: a record alone never deletes a volume.
        if let Danger::Names { names } = Preview::of(&plan).danger {
            let names = names.join(" ");
            return Err(Failure::Refused(format!(
                "refused: {id} purges data; `fleetdeck delete --purge-data {names}` asks for the names anew"
            )));
        }
        if matches!(plan.intent, Intent::Create { .. }) {
            print::note("note: a key for the models' proxy is not remembered: its Secret has to be there");
        }
        let by = author();
        let control = self.records.control().to_owned();
        let context = self.cluster.context();
        if self.config.of_context(context).protected {
            // The plan itself was agreed to when it was made.
            let agreed = Common { yes: true, confirm, ..Common::default() };
            self::confirm(&agreed, &Danger::Enter, Some(context))?;
        }
        let lease = Lease::take(self.cluster, &control, id, &by, fastrand::u64(..)).await.map_err(troubled)?;
        // What the holder before us wrote last counts, not what stood there before its lease ran out.
        record = self.record(id).await?;
        if let Err(closed) = open_still(&record, again) {
            lease.release().await;
            return Err(closed);
        }
        let mut change = json!({ "order": "go", "orderedBy": by, "end": null, "said": null });
        if again {
            let failed = |state: &State| matches!(state, State::Failed { .. } | State::Held { .. });
            let keys: Vec<String> = record.states.iter().filter(|(_, s)| failed(s)).map(|(t, _)| t.clone()).collect();
            for tenant in keys {
                change[format!("state.{tenant}")] = serde_json::Value::Null;
                record.states.remove(&tenant);
            }
        }
        self.records.set(id, &change).await.map_err(troubled)?;
        let ledger = Ledger::resumed(&plan, plan.made, &record.states);
        let report = Report::new(self.output);
        let errand =
            Errand { cluster: self.cluster, scope, base: &base, plan: &plan, control: &control, report: &report };
        carry_out(errand, ledger, Secrets::default(), by, Some((lease, self.records.clone()))).await
    }
}

/// Whether a run can be gone on with.
fn open_still(record: &Record, again: bool) -> Result<(), Failure> {
    match &record.end {
        Some((end, said)) if !again || end == "done" || end == ABORTED => {
            Err(Failure::Refused(format!("refused: {} is at its end: {said}", record.run)))
        }
        _ => Ok(()),
    }
}

fn line(item: &Item) -> String {
    let who = item.holder.as_ref().map_or_else(String::new, |who| format!(" by {who}"));
    let tenants = if item.tenants == 1 { "1 tenant".to_owned() } else { format!("{} tenants", item.tenants) };
    let said = if item.said.is_empty() { String::new() } else { format!("  {}", item.said) };
    format!("{}  {}{who}  {tenants}, begun by {}{said}", item.run, item.state, item.author)
}
