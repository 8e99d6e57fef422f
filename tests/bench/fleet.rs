//! Ten thousand tenants, made from what a real API server wrote about one.

use fleetdeck::{
    fleet::At,
    index::{
        Delta, Fleet, Kind,
        digest::{Labels, Page, page},
    },
};

pub const TENANTS: usize = 10_000;

/// A moment after everything in the recorded objects.
#[allow(non_snake_case, reason = "reads as the constant it stands for")]
pub fn NOW() -> At {
    At::parse("2026-11-24T20:30:00Z").expect("a time")
}

const RECORDED: [(Kind, &str); 5] = [
    (Kind::Namespace, include_str!("../../src/index/digest/real/namespaces.json")),
    (Kind::Pod, include_str!("../../src/index/digest/real/pods.json")),
    (Kind::StatefulSet, include_str!("../../src/index/digest/real/statefulsets.json")),
    (Kind::Claim, include_str!("../../src/index/digest/real/claims.json")),
    (Kind::Quota, include_str!("../../src/index/digest/real/quotas.json")),
];

/// Stand in a template for a tenant's number, for the first eight digits of its UIDs, and for its restarts. As long as
/// what they stand for, and nothing that a recorded object says.
const NUMBER: &str = "t@@@@@";
const UID: &str = "########";
const RESTARTS: &str = "7777777";

/// The recorded lists, cut down to one tenant, as text. Tenants are made of it by putting their own numbers in, so that
/// making them leaves nothing behind in the heap that is measured.
pub struct Texts(Vec<(Kind, String)>);

impl Default for Texts {
    fn default() -> Self {
        let lists = RECORDED.iter().map(|(kind, text)| {
            let mut list: serde_json::Value = serde_json::from_str(text).expect("recorded JSON");
            let items = list["items"].as_array_mut().expect("a list");
            items.retain(|i| i["metadata"]["labels"]["openclaw.ai/tenant"] == "t0001");
            assert!(!items.is_empty(), "the recording has no {kind:?} of t0001");
            if *kind == Kind::Quota {
                // The recorded tenant has one quota, ours have three.
                for (digit, name, limits) in [("a", "maintenance", 5), ("b", "storage", 2)] {
                    let mut more = items[0].clone();
                    more["metadata"]["name"] = name.into();
                    let hard = more["spec"]["hard"].as_object().expect("limits").clone();
                    more["spec"]["hard"] = hard.into_iter().take(limits).collect();
                    let uid = more["metadata"]["uid"].as_str().expect("a UID").to_owned();
                    more["metadata"]["uid"] = format!("{}{digit}", &uid[..uid.len() - 1]).into();
                    items.push(more);
                }
            }
            for item in items {
                let uid = item["metadata"]["uid"].as_str().expect("a UID").to_owned();
                item["metadata"]["uid"] = format!("{UID}{}", &uid[8..]).into();
                if *kind == Kind::Claim {
                    item["spec"]["volumeName"] = format!("pvc-{UID}{}", &uid[8..]).into();
                }
                if let Some(containers) = item["status"]["containerStatuses"].as_array_mut() {
                    let restarts: u32 = RESTARTS.parse().expect("a number");
                    containers.iter_mut().for_each(|c| c["restartCount"] = restarts.into());
                }
            }
            (*kind, list.to_string().replace("t0001", NUMBER))
        });
        Self(lists.collect())
    }
}

impl Texts {
    /// The list of one kind of tenant `n`: another id, other UIDs, and where wanted another restart count.
    pub fn of(&self, kind: Kind, n: usize, restarts: usize) -> String {
        let (_, list) = self.0.iter().find(|(k, _)| *k == kind).expect("every kind is recorded");
        let list = list.replace(NUMBER, &format!("t{n:05}")).replace(UID, &format!("{n:08x}"));
        list.replace(RESTARTS, &restarts.to_string())
    }

    pub fn pod_page(&self, pods: usize) -> String {
        let mut page: serde_json::Value = serde_json::from_str(&self.of(Kind::Pod, 0, 0)).expect("JSON");
        let item = page["items"][0].clone();
        page["items"] = vec![item; pods].into();
        page.to_string()
    }

    pub fn pod(&self, n: usize, restarts: usize) -> String {
        self.of(Kind::Pod, n, restarts)
    }
}

pub fn upsert(pod: &str) -> Delta {
    Delta::Upsert(Box::new(read(Kind::Pod, pod).facets.remove(0)))
}

pub fn read(kind: Kind, text: &str) -> Page {
    page(kind, &Labels::default(), text.as_bytes()).expect("a list page")
}

pub fn read_pods(text: &str) -> usize {
    read(Kind::Pod, text).facets.len()
}

pub fn fill(texts: &Texts, tenants: usize) -> Fleet {
    let mut fleet = Fleet::default();
    for n in 0..tenants {
        for (kind, _) in RECORDED {
            for facet in read(kind, &texts.of(kind, n, 0)).facets {
                fleet.apply(Delta::Upsert(Box::new(facet)), NOW());
            }
        }
    }
    fleet
}
