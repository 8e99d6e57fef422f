//! `fleetdeck diff TENANT`: what is not as the stored spec renders it, field by field, with whoever owns it.

use serde::Serialize;

use super::{
    act::troubled,
    args::{Diff, OneFormat},
    failure::Failure,
    follow::Follow,
    json::API_VERSION,
    open,
    print::Out,
    show::namespace_of,
};
use crate::{cluster::Prompt, config::Config, engine::compare, fleet::clean::clean, manifest::Change, plan::Drift};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    namespace: &'a str,
    /// Empty where everything is as it is rendered.
    items: &'a [Drift],
}

pub(super) async fn run(config: &Config, args: Diff) -> Result<(), Failure> {
    let (cluster, scope) = open(config, Prompt::May).await?;
    let base = super::base(config)?;
    let mut follow = Follow::start(cluster.clone(), scope);
    follow.settle().await?;
    let namespace = namespace_of(&mut follow, &args.tenant).await?;
    let compared = compare(&cluster, &base, &namespace, false).await.map_err(troubled)?;
    let Some(compared) = compared else {
        let said = format!("refused: {namespace} carries no spec to compare it with; `adopt` makes one");
        return Err(Failure::Refused(said));
    };
    let items = &compared.drift;
    let mut out = Out::new();
    match args.output {
        OneFormat::Json => {
            out.json(&Document { api_version: API_VERSION, kind: "Drift", namespace: &namespace, items })?;
        }
        OneFormat::Text => lines(items).iter().try_for_each(|line| out.line(&clean(line)))?,
    }
    out.flush()?;
    match items.len() {
        0 => Ok(()),
        1 => Err(Failure::Failed(format!("1 field of {namespace} is not as its spec renders it"))),
        n => Err(Failure::Failed(format!("{n} fields of {namespace} are not as its spec renders them"))),
    }
}

/// An object, and below it its fields.
fn lines(items: &[Drift]) -> Vec<String> {
    if items.is_empty() {
        return vec!["as its spec renders it".to_owned()];
    }
    let mut lines = Vec::new();
    let mut last = "";
    for item in items {
        if item.object != last {
            last = &item.object;
            lines.push(item.object.clone());
        }
        if item.path.is_empty() {
            lines.push("  is not there".to_owned());
            continue;
        }
        let what = Change { path: item.path.clone(), old: item.live.clone(), new: item.spec.clone() }.words();
        let whose = match &*item.owners {
            [] => String::new(),
            owners => format!("  ({})", owners.join(", ")),
        };
        lines.push(format!("  {what}{whose}"));
    }
    lines
}
