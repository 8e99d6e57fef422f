//! `fleetdeck runs`: what the cluster remembers of runs, and what can be said to them from anywhere.

use serde::Serialize;

use super::{
    super::{
        args::OneFormat,
        json::API_VERSION,
        print::{self, Out},
    },
    Failure, Report, carry_out,
    confirm::confirm,
    desk,
    targets::{Common, Runs, RunsVerb},
};
use crate::{
    cli::open,
    cluster::Prompt,
    config::Config,
    engine::{
        Desk,
        desk::runs::{Onward, Summary},
    },
    fleet::clean::clean,
    plan::{Danger, Plan, State},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunList<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [Summary],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunPage<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    run: &'a Summary,
    plan: &'a Plan,
    /// By namespace: who failed, was held or is to be skipped.
    states: &'a std::collections::BTreeMap<String, State>,
    /// By namespace: where everybody stands, as far as the record and the tenants tell.
    turns: &'a std::collections::BTreeMap<String, State>,
}

pub(crate) async fn run(config: &Config, args: Runs) -> Result<(), Failure> {
    let (cluster, scope) = open(config, Prompt::May).await?;
    let desk = desk(config, cluster, scope)?;
    let output = args.output;
    match args.what {
        None => list(&desk, output).await,
        Some(RunsVerb::Show { id }) => show(&desk, output, &id).await,
        Some(RunsVerb::Pause { id }) => order(&desk, &id, "pause").await,
        Some(RunsVerb::Abort { id }) => {
            desk.abort(&id).await?;
            print::note(&format!("{id} is aborted for good; whoever acts on it stops before the next step"));
            Ok(())
        }
        Some(RunsVerb::Skip { id, tenant }) => {
            let tenant = desk.skip(&id, &tenant).await?;
            print::note(&format!("{id}: {} is left out, if it was not begun yet", clean(&tenant)));
            Ok(())
        }
        Some(RunsVerb::Resume { id, confirm }) => go_on(config, &desk, output, &id, false, confirm).await,
        Some(RunsVerb::Retry { id, confirm }) => go_on(config, &desk, output, &id, true, confirm).await,
    }
}

async fn list(desk: &Desk, output: OneFormat) -> Result<(), Failure> {
    let items = desk.runs().await?;
    let mut out = Out::new();
    if output == OneFormat::Json {
        out.json(&RunList { api_version: API_VERSION, kind: "RunList", items: &items })?;
        return out.flush();
    }
    if items.is_empty() {
        print::note(&format!("no runs are remembered in namespace {}", desk.control()));
    }
    for item in &items {
        out.line(&clean(&line(item)))?;
    }
    out.flush()
}

async fn show(desk: &Desk, output: OneFormat, id: &str) -> Result<(), Failure> {
    let shown = desk.run(id).await?;
    let (plan, turns) = (&*shown.plan, &shown.ledger.turns);
    let mut out = Out::new();
    if output == OneFormat::Json {
        let (run, states) = (&shown.summary, &shown.states);
        out.json(&RunPage { api_version: API_VERSION, kind: "Run", run, plan, states, turns })?;
        return out.flush();
    }
    let midway = if matches!(shown.summary.state, "running" | "paused") { "acted on now" } else { "left midway" };
    out.line(&clean(&line(&shown.summary)))?;
    for wave in &plan.waves {
        out.line(&format!("wave {}: {} tenants", clean(&wave.name), wave.turns.len()))?;
        for turn in &wave.turns {
            let state = match turns.get(&turn.namespace) {
                Some(State::Failed { said, .. }) => format!("failed: {said}"),
                Some(State::Held { said }) => format!("held: {said}"),
                Some(State::Skipped { .. }) => "skipped".to_owned(),
                Some(State::Done { .. }) => format!("done: {}", turn.said),
                Some(State::Acting { .. }) => format!("{midway}: {}", turn.said),
                Some(State::Waiting) | None => turn.said.clone(),
            };
            out.line(&clean(&format!("  {}  {state}", turn.tenant)))?;
        }
    }
    out.flush()
}

/// Says something to whoever holds the run.
async fn order(desk: &Desk, id: &str, order: &str) -> Result<(), Failure> {
    desk.order(id, order).await?;
    heard(id, order);
    Ok(())
}

fn heard(id: &str, order: &str) {
    print::note(&format!("{id}: {order} is asked for; its holder hears it within seconds"));
}

/// Lets a paused run go, where somebody holds it; else takes it over.
async fn go_on(
    config: &Config,
    desk: &Desk,
    output: OneFormat,
    id: &str,
    again: bool,
    confirm: Vec<String>,
) -> Result<(), Failure> {
    let left = match desk.onward(id, again).await? {
        Onward::Told => {
            heard(id, "go");
            return Ok(());
        }
        Onward::Left(left) => *left,
    };
    if left.lacks_key() {
        print::note("note: a key for the models' proxy is not remembered: its Secret has to be there");
    }
    let context = desk.context();
    if config.of_context(context).protected {
        // The plan itself was agreed to when it was made.
        let agreed = Common { yes: true, confirm, ..Common::default() };
        self::confirm(&agreed, &Danger::Enter, Some(context))?;
    }
    let work = desk.take_up(left).await?;
    Box::pin(carry_out(&Report::new(output), work)).await
}

fn line(item: &Summary) -> String {
    let who = item.holder.as_ref().map_or_else(String::new, |who| format!(" by {who}"));
    let tenants = if item.tenants == 1 { "1 tenant".to_owned() } else { format!("{} tenants", item.tenants) };
    let said = if item.said.is_empty() { String::new() } else { format!("  {}", item.said) };
    format!("{}  {}{who}  {tenants}, begun by {}{said}", item.run, item.state, item.author)
}
