//! upgrade: another image of the gateway. Applying restarts nobody (the StatefulSet is OnDelete); the pod is deleted after
//! its controller has seen the new template, so that the next one is surely of the new revision.

use super::{
    Situation, Turn,
    refusal::{Refusal, Why},
    step::{Piece, Step, Which},
    suspend::changeable,
    until::Until,
};
use crate::{
    fleet::{Claim, ImageRef, image::Version},
    index::Entry,
    manifest::PinnedImage,
};

/// Below this much of a volume left, migrations may not finish.
const FULL: u32 = 95;
const NEARLY: u32 = 85;
const AWAKE: usize = 0;
const ASLEEP: usize = 1;

pub(super) fn recipes() -> Vec<Vec<Step>> {
    // The scripts that the new template names, before it.
    let applies = [Piece::ConfigMap, Piece::Namespace, Piece::StatefulSet].map(|kind| Step::Apply { kind });
    let seen = Step::Await { until: Until::Observed, seconds: 120 };
    let mut awake = applies.to_vec();
    awake.extend([
        seen.clone(),
        Step::DeletePod { which: Which::Outdated },
        Step::Await { until: Until::Served, seconds: Until::BOOT },
    ]);
    let mut asleep = applies.to_vec();
    asleep.extend([seen, Step::Note { text: "applied, not verified: it is suspended and was not woken".to_owned() }]);
    vec![awake, asleep]
}

pub(super) fn turn(entry: &Entry, image: &PinnedImage, _: &Situation<'_>, refusal: &mut Refusal) -> Option<Turn> {
    let asleep = changeable(entry, refusal)?;
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    let before = refusal.0.len();
    let wanted = image.to_string();
    let set = tenant.set()?;
    if set.retention_deletes {
        refusal.add(id, Why::DataAtRisk, "its StatefulSet's retention policy deletes claims");
    }
    let up_to_date = set.image.as_deref() == Some(wanted.as_str());
    if up_to_date && (asleep || tenant.pod().is_some_and(|pod| pod.revision == set.update_revision)) {
        refusal.add(id, Why::NothingToDo, format!("it has {} already", short(&wanted)));
    }
    let mut warnings = Vec::new();
    let mut said = step(entry, image, &mut warnings, refusal);
    if refusal.0.len() > before {
        return None;
    }
    if asleep {
        said += ", applied without being woken";
    }
    let mut turn = Turn::for_entry(entry, if asleep { ASLEEP } else { AWAKE }, said);
    turn.warnings = warnings;
    if asleep {
        turn.down = None;
    }
    Some(turn)
}

/// From the image that there is to another, in words: refused where that goes back, may mean another tomorrow, or has no room.
pub(super) fn step(entry: &Entry, image: &PinnedImage, warnings: &mut Vec<String>, refusal: &mut Refusal) -> String {
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    if image.digest().is_none() && image.tag().and_then(Version::parse).is_none() {
        let said =
            format!("{} may mean another image tomorrow; name a version or a digest", image.tag().unwrap_or("no tag"));
        refusal.add(id, Why::MovingTag, said);
    }
    let old = tenant.running_image().or_else(|| tenant.wanted_image());
    let version = |tag: Option<&str>| tag.and_then(Version::parse);
    let (from, to) = (old.and_then(|i| version(i.tag)), version(image.tag()));
    if let (Some(from), Some(to)) = (&from, &to)
        && to < from
    {
        let said =
            format!("{to} is older than {from}: its state was migrated, and there is no way back without a backup");
        refusal.add(id, Why::Downgrade, said);
    }
    for claim in &tenant.claims {
        space(claim, warnings, id, refusal);
    }
    let gate = Version::parse("2026.8.1");
    if from.is_none() {
        warnings.push("the version that runs is not known: whether this goes forward cannot be told".to_owned());
    } else if from < gate && to >= gate {
        warnings.push(
            "crosses 2026.8.1, which refuses its page to ingress controllers that trustedProxies does not name"
                .to_owned(),
        );
    }
    let was = old.map_or("an unknown image", |i| i.short());
    format!("{was} -> {}", short(&image.to_string()))
}

fn short(image: &str) -> &str {
    ImageRef::parse(image).short()
}

fn space(claim: &Claim, warnings: &mut Vec<String>, id: Option<&str>, refusal: &mut Refusal) {
    match claim.percent() {
        Some(percent) if percent >= FULL => {
            let said = format!("{} is {percent} % full: migrations need space; `resize` it first", claim.name);
            refusal.add(id, Why::NoSpace, said);
        }
        Some(percent) if percent >= NEARLY => warnings.push(format!("{} is {percent} % full", claim.name)),
        Some(_) => {}
        None => warnings.push(format!("how full {} is, is not known", claim.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Tenant, VolumeUsage, fixture::*},
        plan::{Intent, Pace, Plan},
    };

    fn plan(image: &str, edit: impl Fn(&mut Tenant)) -> Result<Plan, Refusal> {
        let mut it = tenant("maria", Some(ready()));
        edit(&mut it);
        let entry = with::entry(it);
        let image = PinnedImage::given(image, Some("ghcr.io/openclaw/openclaw")).unwrap();
        with::situation(|seen| Plan::make(Intent::Upgrade { image: image.clone() }, Pace::default(), &[&entry], seen))
    }

    #[test]
    fn forward_only_and_to_something_definite() {
        let why = |image: &str| plan(image, |_| {}).unwrap_err().0.iter().map(|r| r.why).collect::<Vec<_>>();
        assert_eq!(why("2026.8.2"), [Why::NothingToDo]);
        assert_eq!(why("2026.7.1-2"), [Why::Downgrade]);
        assert_eq!(why("latest"), [Why::MovingTag]);
        let forward = plan("2026.9.1", |_| {}).unwrap();
        let turn = forward.turns().next().unwrap();
        assert_eq!((turn.said.as_str(), turn.recipe, turn.down), ("2026.8.2 -> 2026.9.1", AWAKE, Some(110)));
        let digest = format!("sha256:{}", "a".repeat(64));
        assert!(plan(&digest, |_| {}).is_ok());
    }

    #[test]
    fn who_sleeps_is_not_woken() {
        let plan = plan("2026.9.1", |t| {
            t.sets[0].wanted = 0;
            t.pods = Box::default();
        });
        let plan = plan.unwrap();
        let turn = plan.turns().next().unwrap();
        assert!(turn.said.ends_with("without being woken") && turn.down.is_none());
        assert!(!plan.steps(turn).iter().any(Step::interrupts));
    }

    #[test]
    fn a_full_volume_is_refused_and_an_unknown_one_said() {
        let usage = |percent: u64| {
            move |t: &mut Tenant| {
                let at = at(1);
                let size = 20 << 30;
                t.claims = Box::new([t.claims[0].clone()]);
                t.claims[0].usage = Some(VolumeUsage {
                    used: size / 100 * percent + 100,
                    capacity: size,
                    inodes_used: 1,
                    inodes: 100,
                    at,
                    source: crate::fleet::VolumeSource::Kubelet,
                });
            }
        };
        assert_eq!(plan("2026.9.1", usage(96)).unwrap_err().0[0].why, Why::NoSpace);
        let warned =
            |edit: &dyn Fn(&mut Tenant)| plan("2026.9.1", edit).unwrap().turns().next().unwrap().warnings.join("\n");
        assert!(warned(&usage(90)).contains("app-data is 90 % full"));
        assert!(!warned(&usage(50)).contains("app-data"));
        assert!(warned(&|_| {}).contains("how full app-data is, is not known"));
    }
}
