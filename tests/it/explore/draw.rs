//! What a seed draws.

use fleetdeck::{
    cluster::{Address, Mode, Only},
    fleet::Phase,
    index::Entry,
    plan::{Care, Intent, Pace},
};
use serde_json::json;

use super::scene::{ASLEEP, AWAKE, FOREIGN, NEW, PARKED, namespace};
use crate::conformance::{acting::image, world::World};

/// What is done, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    verb: Verb,
    whom: Vec<&'static str>,
    pub care: Care,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Restart,
    Suspend,
    Resume,
    Upgrade,
    Reprovision,
    Apply,
    Force,
    Tier,
    Resize,
    Rotate,
    Adopt,
    Create,
    Revive,
    Park,
    Purge,
    Snapshot,
    Restore,
}

use Verb::*;

/// Rollouts come more often, for there is more that can go wrong.
const VERBS: [Verb; 22] = [
    Restart,
    Upgrade,
    Upgrade,
    Upgrade,
    Upgrade,
    Suspend,
    Resume,
    Reprovision,
    Reprovision,
    Apply,
    Force,
    Tier,
    Tier,
    Resize,
    Rotate,
    Adopt,
    Create,
    Revive,
    Park,
    Purge,
    Snapshot,
    Restore,
];

/// What becomes of one who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Through,
    /// Gone for good, between two polls of its future.
    Crash(usize),
    /// Asleep from then on, for so many seconds.
    Nap(usize, u64),
}

/// What somebody else does meanwhile, so many seconds after the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    Nothing,
    /// For so many seconds.
    Pauses(u64, u64),
    Skips(u64, &'static str),
    Aborts(u64),
    /// A tenant's Namespace is deleted, and another of its name is made.
    Remakes(u64, &'static str),
}

#[derive(Clone, Debug)]
pub struct Drawn {
    pub deed: Deed,
    pub pace: Pace,
    /// The one who begins, and those who look whether they have to go on with it.
    pub fates: [Fate; 3],
    /// A tenant whose gateway never becomes ready.
    pub doomed: Option<&'static str>,
    /// A node that dies, so many seconds after the beginning, for so many.
    pub node: Option<(u32, u64, u64)>,
    pub aside: Aside,
    pub rng: fastrand::Rng,
}

impl Drawn {
    pub fn of(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let verb = VERBS[rng.usize(..VERBS.len())];
        let mut whom = match verb {
            Resume => vec![ASLEEP],
            Adopt => vec![FOREIGN],
            Create => vec![NEW],
            Revive => vec![PARKED],
            Restore => vec![AWAKE[0]],
            Force => vec![AWAKE[1]],
            Upgrade | Reprovision | Tier | Rotate if rng.bool() => [&AWAKE[..], &[ASLEEP]].concat(),
            _ => AWAKE[..rng.usize(2..=4)].to_vec(),
        };
        rng.shuffle(&mut whom);
        let mut deed = Deed { verb, whom, care: Care::default() };
        let pace = Pace {
            canary: rng.u32(..3),
            max_unavailable: rng.u32(1..4),
            soak: rng.u32(..40),
            stop_after: if rng.bool() { 9 } else { rng.u32(1..4) },
        };
        let mut fates = [Fate::Through; 3];
        for fate in &mut fates[..2] {
            // Early and late ones alike: a run is polled some hundred or thousand times.
            let at = 1 + (10_f64.powf(rng.f64() * 3.6)) as usize;
            *fate = match rng.u32(..5) {
                // Whoever goes on with a purge by record alone is refused.
                0 | 1 if verb != Purge => Fate::Crash(at),
                2 | 3 => Fate::Nap(at, rng.u64(5..160)),
                _ => Fate::Through,
            };
        }
        let doomed = (rng.u32(..6) == 0).then(|| deed.whom[rng.usize(..deed.whom.len())]);
        let node = (rng.u32(..8) == 0).then(|| (rng.u32(1..4), rng.u64(..60), rng.u64(30..500)));
        // Drawn apart and for some only: what is drawn for the others stays what it was.
        let mut aside = Aside::Nothing;
        if seed.is_multiple_of(3) {
            let mut rng = fastrand::Rng::with_seed(seed ^ 0xa51d_e000);
            let care = rng.u32(..4);
            deed.care.snapshot = care == 0 && matches!(verb, Upgrade | Reprovision | Park);
            deed.care.prepull = care == 1 && verb == Upgrade;
            let after = rng.u64(..90);
            let who = deed.whom[rng.usize(..deed.whom.len())];
            let lives = !matches!(verb, Create | Revive | Restore | Adopt | Purge | Force);
            aside = match rng.u32(..6) {
                0 => Aside::Pauses(after, rng.u64(1..60)),
                1 => Aside::Skips(after / 3, who),
                2 => Aside::Aborts(after),
                3 if lives => Aside::Remakes(after / 2, who),
                _ => Aside::Nothing,
            };
        }
        Self { deed, pace, fates, doomed, node, aside, rng }
    }

    /// Something is broken that no run can mend, or somebody wants another end of it: it may well fail.
    pub fn is_blighted(&self) -> bool {
        self.doomed.is_some() || self.node.is_some() || self.is_bent()
    }

    /// Somebody wants another end than the plan's.
    fn is_bent(&self) -> bool {
        matches!(self.aside, Aside::Skips(..) | Aside::Aborts(_) | Aside::Remakes(..))
    }

    pub fn blights(&self) -> super::judge::Blights {
        let doomed = self.doomed.map(namespace);
        super::judge::Blights { doomed, nodes_die: self.node.is_some(), bent: self.is_bent() }
    }
}

impl Deed {
    pub fn of(verb: Verb, whom: &[&'static str]) -> Self {
        Self { verb, whom: whom.to_vec(), care: Care::default() }
    }

    pub fn namespaces(&self) -> Vec<String> {
        match self.verb {
            Create => Vec::new(),
            _ => self.whom.iter().map(|name| namespace(name)).collect(),
        }
    }

    /// What has to be there before it is planned.
    pub async fn prepare(&self, world: &World) {
        for name in &self.whom {
            let namespace = namespace(name);
            if matches!(self.verb, Apply) {
                let at = Address::kind("NetworkPolicy", &namespace, "tenant").unwrap();
                let live = world.cluster.object(&at).await.unwrap().unwrap();
                let only = Only { uid: live["metadata"]["uid"].as_str().unwrap().parse().unwrap(), version: None };
                world.cluster.remove(&at, only, Mode::Live).await.unwrap();
            }
            if matches!(self.verb, Force) {
                let patch = json!({ "spec": { "template": { "spec": { "terminationGracePeriodSeconds": 7 } } } });
                let edit =
                    world.cluster.patch("apps/v1", "StatefulSet", &namespace, "openclaw", "kubectl-edit", &patch);
                edit.await.unwrap();
            }
        }
    }

    pub async fn intent(&self, world: &World) -> Intent {
        match self.verb {
            Restart => Intent::Restart,
            Suspend => Intent::Suspend,
            Resume => Intent::Resume,
            Upgrade => image("2026.8.2"),
            Reprovision => Intent::Reprovision { image: None },
            Apply => Intent::Apply { force: false, image: None },
            Force => Intent::Apply { force: true, image: None },
            Tier => Intent::SetTier { tier: "max".to_owned() },
            Resize => Intent::Resize { app: Some(30), config: None },
            Rotate => Intent::RotateToken,
            Adopt => Intent::Adopt { from: vec!["kubectl-client-side-apply".to_owned()] },
            Create | Revive => Intent::Create { spec: Box::new(world.spec(self.whom[0])) },
            Park => Intent::Delete { purge: false },
            Purge => Intent::Delete { purge: true },
            Snapshot => Intent::Snapshot { class: None },
            Restore => {
                let list = world.cluster.objects("VolumeSnapshot", &namespace(self.whom[0]), "").await.unwrap();
                let of = |claim: &str| {
                    let of = |s: &&serde_json::Value| s["spec"]["source"]["persistentVolumeClaimName"] == claim;
                    list.iter().find(of).map(|s| s["metadata"]["name"].as_str().unwrap().to_owned())
                };
                Intent::Restore { app: of("app-data"), config: of("config-data") }
            }
        }
    }

    /// How whoever plans it sees each tenant.
    pub fn seen(&self, entry: &Entry) -> bool {
        let phase = &entry.verdict.phase;
        match self.verb {
            Revive => entry.tenant.set().is_none(),
            // The edit is to be seen, and the revision that came of it.
            Force => entry.tenant.set().is_some_and(|set| {
                set.generation > 1
                    && set.observed_generation >= set.generation
                    && entry.tenant.pod().is_some_and(|pod| pod.revision != set.update_revision)
            }),
            _ => matches!(phase, Phase::Ready | Phase::Suspended),
        }
    }
}
