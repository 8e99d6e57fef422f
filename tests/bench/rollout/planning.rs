//! An upgrade of ten thousand tenants, planned on what the index knows.

use std::{collections::BTreeMap, hint::black_box};

use fleetdeck::{
    index::{Delta, Fleet, Kind},
    manifest::Base,
    plan::{Care, Pace, Plan, Situation},
};

use serde_json::{Value, json};

use super::upgrade;
use crate::{
    fleet::{NOW, TENANTS, Texts, fill, read},
    measure::{Table, best},
};

pub fn measure(table: &mut Table) {
    let base = Base::embedded().expect("the built-in manifests");
    let texts = Texts::default();
    let mut fleet = fill(&texts, TENANTS);
    for n in 0..TENANTS {
        specified(&mut fleet, &texts, n);
    }
    let sources = fresh();
    let entries: Vec<_> = fleet.iter().collect();
    let situation = Situation {
        context: "prod",
        cluster: None,
        author: "dana@desk",
        now: NOW(),
        nonce: 7,
        read_only: false,
        care: Care { prepull: true, snapshot: false, probe: true },
        sources: sources.sources(),
        base: &base,
        hosts: &[],
        others: &BTreeMap::new(),
        found: &BTreeMap::new(),
    };
    let pace = Pace { canary: 10, max_unavailable: 20, soak: 60, stop_after: 3 };
    let intent = upgrade("2099.1.1");
    let make = || Plan::make(intent.clone(), pace, &entries, &situation);
    let plan = make().unwrap_or_else(|refusal| super::fail(&refusal.to_string()));
    assert_eq!(plan.turns().count(), TENANTS);
    let took = best(|| {
        black_box(make().is_ok());
    });
    let text = serde_json::to_string(&plan).expect("a plan is JSON");
    table.row(
        "plan an upgrade of 10,000",
        format!("{:.1} ms", took.as_secs_f64() * 1e3),
        format!("budget 200 ms; as text {} bytes a tenant", text.len() / TENANTS),
    );
}

/// The recorded tenants were made by another hand: these carry a spec, as ours do.
fn specified(fleet: &mut Fleet, texts: &Texts, number: usize) {
    let mut list: Value = serde_json::from_str(&texts.of(Kind::Namespace, number, 0)).expect("JSON");
    let spec = json!({ "id": format!("t{number:05}"), "tier": "pro", "host": format!("t{number:05}.example.com") });
    list["items"][0]["metadata"]["annotations"]["openclaw.ai/spec"] = spec.to_string().into();
    for facet in read(Kind::Namespace, &list.to_string()).facets {
        fleet.apply(Delta::Upsert(Box::new(facet)), NOW());
    }
}

/// A fleet of which everything has been read: nobody is in it.
fn fresh() -> Fleet {
    let mut fleet = Fleet::default();
    for kind in Kind::ALL {
        fleet.apply(Delta::Resync { kind, namespace: None, facets: Vec::new() }, NOW());
    }
    fleet
}
