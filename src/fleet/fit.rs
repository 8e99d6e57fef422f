//! Whether a tenant's pod fits a tier: what it needs against what the tier's quota allows.

use super::{Quantity, Tenant, Text, Warning};

/// What a tier is made of.
const RESOURCES: [&str; 4] = ["limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];

/// Resources of a quota, each with a figure.
pub type Amounts = Vec<(Text, Quantity)>;

/// The answer for one tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    pub tier: Text,
    /// What does not fit: resource, need, allowance.
    pub short: Vec<(Text, Quantity, Quantity)>,
    /// What is left of the resource that is nearest to its end: resource, need, allowance.
    pub tightest: Option<(Text, Quantity, Quantity)>,
}

impl Fit {
    /// `needs` may name a few resources only: of the others nothing is known to be short.
    pub fn of(tier: &Text, needs: &[(Text, Quantity)], allows: &[(Text, Quantity)]) -> Self {
        let pairs: Vec<(Text, Quantity, Quantity)> = needs
            .iter()
            .filter_map(|(resource, need)| {
                let allowed = allows.iter().find(|(r, _)| r == resource)?.1;
                Some((resource.clone(), *need, allowed))
            })
            .collect();
        let share = |(_, need, allowed): &&(Text, Quantity, Quantity)| need.percent_of(*allowed).unwrap_or(0);
        Self {
            tier: tier.clone(),
            short: pairs.iter().filter(|(_, need, allowed)| need > allowed).cloned().collect(),
            tightest: pairs.iter().max_by_key(share).cloned(),
        }
    }

    pub fn fits(&self) -> bool {
        self.short.is_empty()
    }

    /// `fits max: limits.memory 2200Mi of 4Gi`, `too big for pro: limits.memory 2200Mi of 2Gi`.
    pub fn sentence(&self) -> String {
        let shown = |(resource, need, allowed): &(Text, Quantity, Quantity)| format!("{resource} {need} of {allowed}");
        match (&*self.short, &self.tightest) {
            ([], Some(tightest)) => format!("fits {}: {}", self.tier, shown(tightest)),
            ([], None) => format!("fits {}", self.tier),
            (short, _) => {
                let words: Vec<String> = short.iter().map(shown).collect();
                format!("too big for {}: {}", self.tier, words.join(", "))
            }
        }
    }
}

/// What the tenant's pod needs under a quota: by the pod that is there, or by the refusal of the one that is not. Empty
/// where neither tells.
pub fn needs(tenant: &Tenant) -> Amounts {
    if tenant.pod().is_some() {
        let of = |resource: &str| Some((Text::from(resource), counted(tenant, resource)?));
        return RESOURCES.iter().filter_map(|resource| of(resource)).collect();
    }
    let mut refusals: Vec<&Warning> = tenant.warnings.iter().filter(|w| w.message.contains("exceeded quota")).collect();
    refusals.sort_by_key(|w| w.last);
    refusals.last().map(|w| requested(&w.message)).unwrap_or_default()
}

/// The answer for each tier, where what the tenant needs is known.
pub fn of_tiers<'a>(tenant: &Tenant, tiers: impl Iterator<Item = (&'a Text, &'a [(Text, Quantity)])>) -> Vec<Fit> {
    let needs = needs(tenant);
    if needs.is_empty() {
        return Vec::new();
    }
    tiers.map(|(tier, allows)| Fit::of(tier, &needs, allows)).collect()
}

/// What the quota of the tenant's tier has counted of a resource: what its pod asks for.
pub fn counted(tenant: &Tenant, resource: &str) -> Option<Quantity> {
    tenant.quota()?.entry(resource)?.used.filter(|used| used.milli() > 0)
}

/// `... exceeded quota: tenant, requested: limits.memory=2200Mi,requests.cpu=1, used: ...`: only what is exceeded is named.
fn requested(message: &str) -> Amounts {
    let Some((_, rest)) = message.split_once("requested: ") else { return Amounts::new() };
    let list = rest.split(", used: ").next().unwrap_or_default();
    let pair = |item: &str| {
        let (resource, amount) = item.trim().split_once('=')?;
        Some((Text::from(resource), amount.trim().parse().ok()?))
    };
    list.split(',').filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::*;

    fn amounts(text: &str) -> Amounts {
        text.split_whitespace()
            .map(|item| {
                let (resource, amount) = item.split_once('=').unwrap();
                (Text::from(resource), amount.parse().unwrap())
            })
            .collect()
    }

    #[test]
    fn a_refused_pod_is_measured_by_its_refusal() {
        let mut tenant = tenant("maria-k", None);
        assert_eq!(needs(&tenant), []);
        tenant.warnings = Box::new([refusal(10)]);
        assert_eq!(needs(&tenant), amounts("limits.memory=2200Mi"));
        let pro = amounts("limits.cpu=1 limits.memory=2Gi");
        let max = amounts("limits.cpu=2 limits.memory=4Gi");
        let fit = Fit::of(&text("pro"), &needs(&tenant), &pro);
        assert_eq!((fit.fits(), fit.sentence().as_str()), (false, "too big for pro: limits.memory 2200Mi of 2Gi"));
        let fit = Fit::of(&text("max"), &needs(&tenant), &max);
        assert_eq!((fit.fits(), fit.sentence().as_str()), (true, "fits max: limits.memory 2200Mi of 4Gi"));
    }

    #[test]
    fn messages_are_read_as_they_are() {
        let check = |message: &str, expect: &str| assert_eq!(requested(message), amounts(expect), "{message}");
        check(
            "exceeded quota: t, requested: limits.cpu=3,limits.memory=8Gi, used: limits.cpu=0,limits.memory=0, limited: limits.cpu=1",
            "limits.cpu=3 limits.memory=8Gi",
        );
        check("exceeded quota: t, requested: limits.cpu=x,=,pods=1", "pods=1");
        check("failed quota: tenant: must specify limits.cpu", "");
    }
}
