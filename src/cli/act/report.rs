//! Tells people line by line, programs in one document.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    super::{
        args::OneFormat,
        json::API_VERSION,
        print::{self, Out},
    },
    Failure,
};
use crate::{
    engine::{Proposal, dry::Verdict},
    fleet::clean::clean,
    plan::{Event, Ledger, News, Plan, Preview, Refusal},
};

pub(in crate::cli) struct Report {
    output: OneFormat,
}

/// `--dry-run -o json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    preview: &'a Preview,
    /// Tenants that are left out, with the reason.
    left_out: &'a Refusal,
    /// What could not be found out, and whom it would interrupt.
    notes: &'a [String],
    /// By tenant: what the server says that it would do. Not asked for very many tenants.
    server: &'a BTreeMap<String, Vec<Verdict>>,
    plan: &'a Plan,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefusalDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    reasons: &'a Refusal,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    run: &'a str,
    verb: &'static str,
    ledger: &'a Ledger,
}

impl Report {
    pub(super) fn new(output: OneFormat) -> Self {
        Self { output }
    }

    /// For people on standard error, where they are asked; on standard output where it is all that was wanted.
    pub(super) fn preview(&self, proposal: &Proposal, alone: bool) -> Result<(), Failure> {
        let Proposal { plan, preview, left_out, server, notes, .. } = proposal;
        if self.output == OneFormat::Json {
            if !alone {
                return Ok(());
            }
            let mut out = Out::new();
            out.json(&PlanDocument { api_version: API_VERSION, kind: "Plan", preview, left_out, notes, server, plan })?;
            return out.flush();
        }
        let mut lines = preview.lines();
        for (tenant, verdicts) in server {
            lines.push(format!("what the server says for {tenant}:"));
            for verdict in verdicts {
                lines.push(format!("  {} {}", verdict.object, verdict.said));
                lines.extend(verdict.changes.iter().map(|c| format!("    {}", c.words())));
                lines.extend(verdict.refused.iter().map(|why| format!("    refused: {why}")));
            }
        }
        if let Some(who) = proposal.asked_about() {
            lines.push(format!("compared with what is live and asked of the server for {who}"));
        }
        if !left_out.0.is_empty() {
            lines.push(match left_out.0.len() {
                1 => "1 tenant is left out:".to_owned(),
                n => format!("{n} tenants are left out:"),
            });
            lines.extend(left_out.to_string().lines().map(|l| format!("  {l}")));
        }
        if alone {
            let mut out = Out::new();
            lines.iter().try_for_each(|line| out.line(&clean(line)))?;
            return out.flush();
        }
        lines.iter().for_each(|line| print::note(&clean(line)));
        Ok(())
    }

    pub(super) fn refused(&self, refusal: &Refusal) -> Result<(), Failure> {
        if self.output == OneFormat::Json {
            let mut out = Out::new();
            out.json(&RefusalDocument { api_version: API_VERSION, kind: "Refusal", reasons: refusal })?;
            out.flush()?;
        }
        Err(Failure::refused(refusal))
    }

    pub(super) fn event(&self, plan: &Plan, event: &Event) {
        let who = event.news.tenant().and_then(|namespace| plan.turn(namespace)).map(|turn| turn.tenant.as_str());
        // Each step is said when it is done, a wait as it goes.
        let step = match &event.news {
            News::Step { step, .. } => {
                plan.turn(event.news.tenant().unwrap_or_default()).and_then(|t| plan.steps(t).get(*step))
            }
            _ => None,
        };
        if step.is_some_and(|step| !matches!(step, crate::plan::Step::Await { .. })) {
            return;
        }
        let words = clean(&event.news.words()).into_owned();
        match (who, &event.news) {
            (_, News::Ended { .. }) => {}
            (Some(who), _) => print::note(&format!("{who}: {words}")),
            (None, _) => print::note(&words),
        }
    }

    pub(super) fn end(&self, plan: &Plan, ledger: &Ledger) -> Result<(), Failure> {
        let mut out = Out::new();
        match self.output {
            OneFormat::Json => {
                let verb = plan.intent.verb();
                out.json(&RunDocument { api_version: API_VERSION, kind: "Run", run: &plan.id, verb, ledger })?;
            }
            OneFormat::Text => {
                let said = ledger.end.as_ref().map_or("", |(_, said)| said.as_str());
                out.line(&format!("{}: {said}", plan.id))?;
            }
        }
        out.flush()
    }
}
