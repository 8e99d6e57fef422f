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

/// The recorded lists, cut down to one tenant.
pub struct Texts(Vec<(Kind, serde_json::Value)>);

impl Default for Texts {
    fn default() -> Self {
        let lists = RECORDED.iter().map(|(kind, text)| {
            let mut list: serde_json::Value = serde_json::from_str(text).expect("recorded JSON");
            let items = list["items"].as_array_mut().expect("a list");
            items.retain(|i| i["metadata"]["labels"]["openclaw.ai/tenant"] == "t0001");
            assert!(!items.is_empty(), "the recording has no {kind:?} of t0001");
            (*kind, list)
        });
        Self(lists.collect())
    }
}

impl Texts {
    /// The list of one kind of tenant `n`: another id, other UIDs, and where wanted another restart count.
    fn of(&self, kind: Kind, n: usize, restarts: usize) -> String {
        let (_, list) = self.0.iter().find(|(k, _)| *k == kind).expect("every kind is recorded");
        let mut list = list.clone();
        for item in list["items"].as_array_mut().expect("a list") {
            let uid = item["metadata"]["uid"].as_str().expect("a UID").to_owned();
            item["metadata"]["uid"] = format!("{n:08x}{}", &uid[8..]).into();
            if let Some(containers) = item["status"]["containerStatuses"].as_array_mut() {
                containers.iter_mut().for_each(|c| c["restartCount"] = restarts.into());
            }
        }
        list.to_string().replace("t0001", &format!("t{n:05}"))
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

fn read(kind: Kind, text: &str) -> Page {
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
