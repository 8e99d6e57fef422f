//! `fleetdeck capacity`: how many more tenants fit, and what stands in the way.

use super::{
    args::{CapacityArgs, OneFormat},
    failure::Failure,
    follow::Follow,
    json::capacity::CapacityPage,
    open,
    print::Out,
    table::Table,
    tiers,
};
use crate::{
    cluster::{ClusterError, Fault, Prompt},
    config::Config,
    index::{
        Kind, Link,
        capacity::{Capacity, NodeRoom, OneMore, Share},
    },
    manifest::TierSize,
};

pub(super) async fn run(config: &Config, args: CapacityArgs) -> Result<(), Failure> {
    let asks: Vec<OneMore> = tiers(config)?.iter().map(ask).collect();
    let (cluster, scope) = open(config, Prompt::May).await?;
    let mut follow = Follow::start(cluster, scope);
    follow.settle().await?;
    if let Link::Forbidden { why } = &follow.fleet.sources().get(Kind::Node).link {
        // Without its nodes there is nothing to say of a pool.
        return Err(forbidden(&follow, why));
    }
    follow.list_pool().await;
    let now = follow.now();
    let capacity = Capacity::of(&follow.fleet, follow.fleet.pool_facts(), &asks);
    let mut out = Out::new();
    match args.output {
        OneFormat::Json => out.json(&CapacityPage::of(&capacity, follow.fleet.sources(), now))?,
        OneFormat::Text => text(&mut out, &capacity)?,
    }
    out.flush()
}

/// What one more tenant of a tier takes.
pub(super) fn ask(size: &TierSize) -> OneMore {
    let of = |resource: &str| size.amount(resource).unwrap_or_default();
    OneMore { tier: size.tier.clone(), cpu: of("requests.cpu"), memory: of("requests.memory"), disks: size.volumes }
}

fn forbidden(follow: &Follow, why: &str) -> Failure {
    let error = follow.trouble().filter(|e| e.fault == Fault::Forbidden);
    error.map_or_else(|| Failure::Failed(why.to_owned()), |e: ClusterError| e.into())
}

fn text(out: &mut Out, capacity: &Capacity) -> Result<(), Failure> {
    out.line(&capacity.sentence())?;
    if let Some((node, word, percent)) = capacity.tightest() {
        out.line(&format!("tightest: {} has {percent}% of its {word} asked for", node.name))?;
    }
    out.line(&capacity.scaling_sentence())?;
    for gap in &capacity.gaps {
        out.line(&format!("not counted: {gap}"))?;
    }
    if capacity.nodes.is_empty() {
        return Ok(());
    }
    out.line("")?;
    let mut table = Table::new(&["NODE", "TENANTS", "CPU", "MEMORY", "PODS", "DISKS", "MORE", "CLOSED"]);
    for node in &capacity.nodes {
        table.row(row(capacity, node));
    }
    for line in table.lines(out.width) {
        out.line(&line)?;
    }
    Ok(())
}

fn row(capacity: &Capacity, node: &NodeRoom) -> Vec<String> {
    let share = |share: Share, text: fn(crate::fleet::Quantity) -> String| {
        let whole = share.whole.map_or_else(|| "?".to_owned(), text);
        format!("{} of {whole}", text(share.taken))
    };
    let count = |q: crate::fleet::Quantity| q.value().to_string();
    let mut row = vec![
        node.name.to_string(),
        node.tenants.to_string(),
        share(node.cpu, |q| q.to_string()),
        share(node.memory, |q| q.bytes().to_string()),
        share(node.pods, count),
        share(node.disks, count),
    ];
    let more = capacity.asks.iter().zip(&node.fits).map(|(ask, fits)| {
        let fits = fits.map_or_else(|| "?".to_owned(), |n| n.to_string());
        format!("{fits} {}", ask.tier)
    });
    row.push(more.collect::<Vec<_>>().join(" / "));
    row.push(node.closed.clone().unwrap_or_else(|| "-".to_owned()));
    row
}
