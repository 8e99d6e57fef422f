//! Who lives in the demo's fleet: the tenants that the scenario names, and as many more as are asked for.

use super::script::Script;

/// Given names for tenants that no scenario names.
const NAMES: [&str; 40] = [
    "alma", "anton", "bela", "carla", "chloe", "cyrus", "dora", "edda", "elif", "emil", "enzo", "fay", "felix",
    "greta", "gus", "hana", "ilse", "jonas", "kai", "lena", "lio", "luca", "mara", "mei", "milo", "nils", "noor",
    "olga", "otto", "pia", "quinn", "rafa", "sana", "sven", "tara", "theo", "uma", "vera", "wim", "yara",
];

/// A tenant of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resident {
    pub id: String,
    pub tier: String,
    pub image: String,
    pub storage_class: Option<String>,
    /// Seconds of the simulated clock, before the console opens: never positive.
    pub born: i64,
}

/// The residents in the order of their birth. The same script, number and seed give the same fleet.
pub(crate) fn roster(script: &Script, tenants: usize, seed: u64) -> Vec<Resident> {
    let mut dice = fastrand::Rng::with_seed(seed);
    // Those that nothing is told of have all long been up when the console opens: two minutes and a half is the
    // longest boot; where the history is shorter than that, they boot.
    let youngest = -(script.history.0 * 3 / 5);
    let mut some_time = || if script.history.0 < 1 { 0 } else { dice.i64(-script.history.0..=youngest) };
    let mut residents: Vec<Resident> = Vec::with_capacity(tenants);
    for named in script.named.iter().take(tenants) {
        residents.push(Resident {
            id: named.id.clone(),
            tier: named.tier.clone(),
            image: named.image.clone().unwrap_or_else(|| script.image.clone()),
            storage_class: named.storage_class.clone(),
            born: named.born.map_or_else(&mut some_time, |b| b.0),
        });
    }
    let mut n = 0;
    while residents.len() < tenants {
        let (round, name) = (n / NAMES.len(), NAMES[n % NAMES.len()]);
        let id = if round == 0 { name.to_owned() } else { format!("{name}-{round}") };
        n += 1;
        if residents.iter().take(script.named.len()).any(|r| r.id == id) {
            continue;
        }
        let is_max = script.max_every > 0 && n % script.max_every == 0;
        let tier = if is_max { "max" } else { "pro" }.to_owned();
        residents.push(Resident { id, tier, image: script.image.clone(), storage_class: None, born: some_time() });
    }
    residents.sort_by(|a, b| (a.born, &a.id).cmp(&(b.born, &b.id)));
    residents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> Script {
        Script::parse("default.toml", include_str!("../../../demo/scenarios/default.toml")).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_fleet_of_distinct_tenants() {
        let script = script();
        for tenants in [1, 5, 24, 1_000] {
            let fleet = roster(&script, tenants, 7);
            assert_eq!(fleet.len(), tenants);
            assert_eq!(fleet, roster(&script, tenants, 7));
            let ids: std::collections::BTreeSet<_> = fleet.iter().map(|r| &r.id).collect();
            assert_eq!(ids.len(), tenants);
            assert!(fleet.iter().all(|r| (-script.history.0..=0).contains(&r.born)));
            assert!(fleet.iter().all(|r| r.id.parse::<crate::fleet::TenantId>().is_ok()));
        }
        assert_ne!(roster(&script, 24, 7), roster(&script, 24, 8));
    }
}
