//! The boots of a cluster's fleet, kept between runs: one small JSON file per cluster in the state directory.
//!
//! No name of a tenant stands in it: UIDs, the gateway's image, the names of stages, seconds.
//!
//! Several consoles may write one file. Each reads it, adds what it knows and puts the union in its place as a whole; a
//! boot is known by its pod's UID, so none counts twice. Two that do so at the very same moment lose what only the other
//! had learned, until that one writes again: it always writes all that it knows. Both watched the same cluster, so that
//! there is hardly ever such a boot.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::files;
use crate::{
    fleet::{At, Text, Uid, boot::Lap, clean::clean},
    index::history::{BootKind, History, KEPT, PastBoot},
};

const VERSION: u32 = 1;
/// More than [`KEPT`] boots of forty stages each.
const LONGEST: u64 = 2 << 20;
/// Stages of one boot: far more than any pod has.
const MOST_STAGES: usize = 64;

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    version: u32,
    /// What tells the cluster; the file's name is only its digest.
    cluster: String,
    kinds: Vec<KindRow>,
    boots: Vec<Row>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct KindRow {
    image: String,
    tier: String,
    new_volumes: Option<bool>,
    stages: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Row {
    pod: String,
    tenant: String,
    /// Seconds since 1970.
    at: i64,
    /// Place in `kinds`.
    kind: usize,
    laps: Vec<Option<u16>>,
}

/// Only the version: the rest of a newer file may be anything.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// Where the boots of one cluster are kept.
#[derive(Clone, Debug)]
pub struct BootFile {
    path: PathBuf,
    cluster: String,
}

/// What a file could tell.
#[derive(Debug, Default)]
pub struct Kept {
    pub boots: Vec<PastBoot>,
    /// What was wrong, in a sentence.
    pub trouble: Option<String>,
    /// The file is a newer version's, or could not be read: it is left alone.
    hands_off: bool,
}

impl BootFile {
    /// The file of a cluster; `None` without a home. `cluster` is what identifies it: the UID of its namespace
    /// `kube-system`, which no other cluster has, or its server's address where that may not be read.
    pub fn of(cluster: &str) -> Option<Self> {
        let folder = files::xdg("XDG_STATE_HOME", ".local/state")?.join("fleetdeck/boots");
        Some(Self::within(&folder, cluster))
    }

    fn within(folder: &Path, cluster: &str) -> Self {
        let name: String = Sha256::digest(cluster).iter().take(8).map(|b| format!("{b:02x}")).collect();
        Self { path: folder.join(format!("{name}.json")), cluster: cluster.to_owned() }
    }

    /// Reads what is kept. A file that cannot be understood is set aside, one that cannot be read is left alone; both are
    /// said, and stop nothing.
    pub fn load(&self) -> Kept {
        let text = match files::read_small(&self.path, LONGEST) {
            Ok(Some(text)) => text,
            Ok(None) => return Kept::default(),
            Err(error) if error.is_content() => return self.set_aside(&error.to_string()),
            // It may be whole, and readable again tomorrow.
            Err(error) => return Kept { trouble: Some(error.to_string()), hands_off: true, ..Kept::default() },
        };
        match serde_json::from_str::<Head>(&text) {
            Ok(head) if head.version > VERSION => {
                let trouble = format!("{} is of a newer fleetdeck and left alone", self.path.display());
                return Kept { boots: vec![], trouble: Some(trouble), hands_off: true };
            }
            Ok(_) => {}
            Err(error) => return self.set_aside(&error.to_string()),
        }
        match serde_json::from_str::<Document>(&text) {
            Ok(document) if document.cluster == self.cluster => match boots(&document) {
                Some(boots) => Kept { boots, ..Kept::default() },
                None => self.set_aside("boots without sense"),
            },
            Ok(_) => self.set_aside("it is of another cluster"),
            Err(error) => self.set_aside(&error.to_string()),
        }
    }

    fn set_aside(&self, why: &str) -> Kept {
        let trouble = match files::set_aside(&self.path) {
            Ok(aside) => format!("the history of boots was damaged ({why}) and is set aside as {}", aside.display()),
            Err(error) => format!("the history of boots is damaged ({why}): {error}"),
        };
        Kept { trouble: Some(trouble), ..Kept::default() }
    }

    /// Adds these boots to what is kept. Returns what was wrong with the file that was there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, boots: &[Arc<PastBoot>]) -> Result<Option<String>, files::FileError> {
        let kept = self.load();
        if kept.hands_off {
            return Ok(kept.trouble);
        }
        let mut all = History::default();
        all.merge(kept.boots);
        all.merge(boots.iter().map(|b| (**b).clone()));
        // Sums of numbers and texts: serialising them does not fail.
        let text = serde_json::to_string(&self.document(&all)).unwrap_or_default();
        files::write_atomic(&self.path, &text)?;
        Ok(kept.trouble)
    }

    fn document(&self, history: &History) -> Document {
        let mut kinds: BTreeMap<&BootKind, usize> = BTreeMap::new();
        let mut document = Document { version: VERSION, cluster: self.cluster.clone(), ..Document::default() };
        for boot in history.boots() {
            let next = kinds.len();
            let kind = *kinds.entry(&boot.kind).or_insert(next);
            if kind == document.kinds.len() {
                document.kinds.push(KindRow {
                    image: boot.kind.image.to_string(),
                    tier: boot.kind.tier.as_ref().map_or_else(String::new, ToString::to_string),
                    new_volumes: boot.kind.new_volumes,
                    stages: boot.kind.stages.iter().map(ToString::to_string).collect(),
                });
            }
            document.boots.push(Row {
                pod: boot.pod.to_string(),
                tenant: boot.tenant.to_string(),
                at: boot.at.unix(),
                kind,
                laps: boot.laps.iter().map(|s| Some(*s).filter(|s| *s != PastBoot::UNKNOWN)).collect(),
            });
        }
        document
    }
}

/// The document's boots; `None` where one makes no sense, for then the others are not to be trusted either.
fn boots(document: &Document) -> Option<Vec<PastBoot>> {
    let text = |s: &String| Text::from(&*clean(s));
    let kind = |row: &KindRow| {
        (row.stages.len() <= MOST_STAGES).then(|| {
            Arc::new(BootKind {
                image: text(&row.image),
                tier: Some(text(&row.tier)),
                new_volumes: row.new_volumes,
                stages: row.stages.iter().map(text).collect(),
            })
        })
    };
    let kinds: Vec<_> = document.kinds.iter().map(kind).collect::<Option<_>>()?;
    let boot = |row: &Row| {
        let kind = kinds.get(row.kind)?;
        (row.laps.len() == Lap::count(kind.stages.len())).then_some(())?;
        Some(PastBoot {
            pod: row.pod.parse::<Uid>().ok()?,
            tenant: row.tenant.parse::<Uid>().ok()?,
            at: At::from_unix(row.at)?,
            kind: Arc::clone(kind),
            laps: row.laps.iter().map(|s| s.unwrap_or(PastBoot::UNKNOWN)).collect(),
        })
    };
    document.boots.iter().rev().take(KEPT).map(boot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Pod, Tenant, fixture::*};

    fn boot(n: u128) -> PastBoot {
        let mut tenant: Tenant = tenant("a", Some(Pod { uid: uid(n), ..ready() }));
        tenant.namespace.as_mut().unwrap().uid = uid(1_000 + n);
        PastBoot::of(&tenant).unwrap()
    }

    fn some(ns: impl IntoIterator<Item = u128>) -> Vec<Arc<PastBoot>> {
        ns.into_iter().map(|n| Arc::new(boot(n))).collect()
    }

    fn pods(file: &BootFile) -> Vec<Uid> {
        let kept = file.load();
        assert_eq!(kept.trouble, None);
        let mut pods: Vec<_> = kept.boots.iter().map(|b| b.pod).collect();
        pods.sort();
        pods
    }

    #[test]
    fn what_is_written_is_read_again_and_two_writers_make_a_union() {
        let dir = tempfile::tempdir().unwrap();
        let file = BootFile::within(dir.path(), "cluster-1");
        assert_eq!(pods(&file), []);
        file.save(&some([1, 2])).unwrap();
        assert_eq!(file.load().boots, [boot(2), boot(1)]);
        // Another console that began before, and knows one of them.
        file.save(&some([2, 3])).unwrap();
        assert_eq!(pods(&file), [1, 2, 3].map(uid));
        file.save(&some([1, 2])).unwrap();
        assert_eq!(pods(&file), [1, 2, 3].map(uid), "nothing is lost and nothing counts twice");
        assert_eq!(pods(&BootFile::within(dir.path(), "cluster-2")), [], "another cluster's boots are its own");
        let text = files::read_text(&file.path).unwrap();
        assert!(!text.contains("tenant-a") && !text.contains("\"a\""), "no tenant is named: {text}");
    }

    #[test]
    fn writers_at_the_same_time_damage_nothing_and_in_the_end_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = BootFile::within(dir.path(), "c");
        let write = |n: u128| {
            for _ in 0..20 {
                assert_eq!(file.save(&some([n, n + 100])).unwrap(), None, "the file is whole at any time");
            }
        };
        std::thread::scope(|scope| {
            for n in 1..=4 {
                scope.spawn(move || write(n));
            }
        });
        // Whoever writes last has read all that was written before; what a race lost comes with its own next write.
        (1..=4).for_each(write);
        assert_eq!(pods(&file), [1, 2, 3, 4, 101, 102, 103, 104].map(uid));
    }

    #[test]
    fn unknown_laps_stay_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let file = BootFile::within(dir.path(), "c");
        let mut boot = boot(1);
        boot.laps[3] = PastBoot::UNKNOWN;
        file.save(&[Arc::new(boot.clone())]).unwrap();
        let kept = file.load().boots;
        assert_eq!((kept[0].lap(3), kept[0].whole()), (None, None));
        assert_eq!(kept, [boot]);
    }

    #[test]
    fn a_damaged_file_is_said_and_set_aside_and_a_newer_one_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = BootFile::within(dir.path(), "c");
        file.save(&some([1])).unwrap();
        let good = files::read_text(&file.path).unwrap();
        for bad in [
            String::new(),
            good[..good.len() / 2].to_owned(),
            "[]".to_owned(),
            good.replace("\"cluster\":\"c\"", "\"cluster\":\"d\""),
            good.replace("\"kind\":0", "\"kind\":7"),
            good.replace("\"laps\":[1,", "\"laps\":["),
            good.replace("\"at\":", "\"at\":-"),
            good.replace("\"laps\":[1,", "\"laps\":[70000,"),
            "x".repeat(usize::try_from(LONGEST).unwrap() + 1),
        ] {
            files::write_atomic(&file.path, &bad).unwrap();
            let said = file.save(&some([2])).unwrap().unwrap_or_default();
            assert!(said.contains("damaged") && said.contains("set aside as"), "{said}: {:.80}", bad);
            assert_eq!(pods(&file), [uid(2)]);
        }
        let newer = "{\"version\":2,\"boots\":{}}";
        files::write_atomic(&file.path, newer).unwrap();
        let said = file.save(&some([2])).unwrap().unwrap();
        assert!(said.contains("newer fleetdeck"), "{said}");
        assert_eq!(files::read_text(&file.path).unwrap(), newer);
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = BootFile::within(dir.path(), "c");
        std::fs::create_dir(&file.path).unwrap();
        let said = file.save(&some([1])).unwrap().unwrap();
        assert!(said.contains("cannot be read"), "{said}");
        assert!(file.path.is_dir());
    }
}
