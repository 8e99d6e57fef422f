//! How a fleet is read: lists, watches and what breaks them, on a clock that stands still.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use fleetdeck::{
    cluster::{Clock, Cluster, Fault, Meters, Scope, Watches, connect, watch},
    fleet::At,
    index::{Delta, Fleet, Kind, Link, Meter},
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::scripted::{Reply, Server, json};

/// A cluster in this process, read into an index.
struct Reading {
    server: Server,
    fleet: Fleet,
    cluster: Cluster,
    watches: Watches,
    deltas: mpsc::Receiver<Delta>,
    /// What has come of pods, in short.
    pods: Vec<String>,
}

fn cluster(server: &Server) -> Cluster {
    let start = At::parse("2026-11-24T20:00:00Z").unwrap();
    connect::over(server.connector(), "script", Clock::scaled(start, 1.0))
}

impl Reading {
    fn start(namespaces: &[&str], script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let server = Server::new(script);
        let cluster = cluster(&server);
        let (send, deltas) = mpsc::channel(4);
        let namespaces = namespaces.iter().map(|n| (*n).to_owned()).collect();
        let watches = watch(&cluster, &Scope { namespaces, ..Scope::default() }, &send);
        Self { server, fleet: Fleet::default(), cluster, watches, deltas, pods: Vec::new() }
    }

    async fn one(&mut self) {
        let delta = self.deltas.recv().await.unwrap();
        let short = match &delta {
            Delta::Upsert(facet) => (facet.part.kind(), format!("upsert {}", facet.key.namespace)),
            Delta::Page(kind, facets) => (*kind, format!("page {}", facets.len())),
            Delta::Whole { kind, keys, .. } => (*kind, format!("whole {}", keys.len())),
            Delta::Remove(kind, key) => (*kind, format!("remove {}", key.namespace)),
            Delta::Resync { kind, facets, .. } => (*kind, format!("resync {}", facets.len())),
            Delta::Link(kind, Link::Live) => (*kind, "live".to_owned()),
            Delta::Link(kind, Link::Broken { why, .. }) => (*kind, format!("broken: {why}")),
            Delta::Link(kind, Link::Forbidden { .. }) => (*kind, "forbidden".to_owned()),
            Delta::Link(kind, Link::Polling { every }) => (*kind, format!("polling {every}")),
            Delta::Withheld(kind, namespaces) => {
                let names: Vec<_> = namespaces.iter().map(|(name, _)| name.as_str()).collect();
                (*kind, format!("withheld {}", names.join(" ")))
            }
            other => panic!("{other:?}"),
        };
        if short.0 == Kind::Pod {
            self.pods.push(short.1);
        }
        self.fleet.apply(delta, self.cluster.clock().now());
    }

    /// Applies what comes until the pods' last word is this.
    async fn until(&mut self, word: &str) {
        let all = async {
            while self.pods.last().is_none_or(|last| !last.starts_with(word)) {
                self.one().await;
            }
        };
        if timeout(Duration::from_secs(3_600), all).await.is_err() {
            panic!("{word} never came: {:?}", self.pods);
        }
    }

    /// Applies what comes in this time.
    async fn during(&mut self, time: Duration) {
        let all = async {
            loop {
                self.one().await;
            }
        };
        _ = timeout(time, all).await;
    }

    fn asked(&self, resource: &str, is_watch: bool) -> Vec<String> {
        let all = self.server.asked().into_iter();
        all.filter(|p| json::resource(p) == resource && json::is_watch(p) == is_watch).collect()
    }
}

/// An open watch that brings nothing until the server ends it after its time.
fn quiet(path: &str) -> Reply {
    let seconds = path.split("timeoutSeconds=").nth(1).and_then(|t| t.split('&').next()).unwrap();
    let time = Duration::from_secs(seconds.parse().unwrap());
    let (send, pieces) = mpsc::channel(1);
    tokio::spawn(async move {
        sleep(time).await;
        drop(send);
    });
    Reply::Stream(pieces)
}

/// A stream of these pieces that stays open.
fn stays(pieces: Vec<String>) -> Reply {
    let (send, received) = mpsc::channel(1);
    tokio::spawn(async move {
        for piece in pieces {
            send.send(piece).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
    Reply::Stream(received)
}

/// Everything but pods: an empty list, and a watch that is quiet.
fn others(path: &str) -> Option<Reply> {
    if json::resource(path) == "pods" {
        return None;
    }
    Some(if json::is_watch(path) { quiet(path) } else { Reply::Json(200, json::list(&[], "1", "")) })
}

#[tokio::test(start_paused = true)]
async fn a_list_of_pages_shows_early() {
    let mut r = Reading::start(&[], |path| {
        others(path).unwrap_or_else(|| match path {
            p if json::is_watch(p) => quiet(p),
            p if p.contains("continue=tok") => Reply::Json(200, json::list(&[json::pod(3, 3, true)], "9", "")),
            _ => Reply::Json(200, json::list(&[json::pod(1, 1, true), json::pod(2, 2, true)], "9", "tok")),
        })
    });
    r.until("live").await;
    assert_eq!(r.pods, ["page 2", "page 1", "whole 3", "live"]);
    assert!(r.asked("pods", true)[0].contains("&resourceVersion=9"));
    assert!(r.asked("pods", false)[0].contains("labelSelector=openclaw.ai/tenant"));
    r.during(Duration::from_secs(5)).await;
    assert!(r.fleet.sources().settled());
    assert_eq!(r.fleet.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_list_again_is_one_resync_however_many_pages_it_has() {
    let lists = Arc::new(AtomicUsize::new(0));
    let mut r = Reading::start(&[], move |path| {
        others(path).unwrap_or_else(|| match (json::is_watch(path), path.contains("continue=tok")) {
            (true, _) if path.contains("resourceVersion=5") => {
                Reply::Json(410, json::status(410, "Expired", "too old"))
            }
            (true, _) => quiet(path),
            (false, false) => {
                let version = if lists.fetch_add(1, SeqCst) == 0 { "5" } else { "9" };
                Reply::Json(200, json::list(&[json::pod(1, 1, true)], version, "tok"))
            }
            (false, true) if lists.load(SeqCst) == 1 => {
                Reply::Json(200, json::list(&[json::pod(2, 2, true), json::pod(3, 3, true)], "5", ""))
            }
            (false, true) => Reply::Json(200, json::list(&[json::pod(3, 6, true)], "9", "")),
        })
    });
    r.until("live").await;
    assert_eq!(r.pods, ["page 1", "page 2", "whole 3", "resync 2", "live"]);
    r.during(Duration::from_secs(5)).await;
    let left: Vec<_> = r.fleet.iter().map(|e| e.tenant.namespace_name.as_str()).collect();
    assert_eq!(left, ["tenant-t1", "tenant-t3"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_brings_changes_and_goes_on_from_where_it_was() {
    let watches = Arc::new(AtomicUsize::new(0));
    let mut r = Reading::start(&[], move |path| {
        others(path).unwrap_or_else(|| {
            if !json::is_watch(path) {
                return Reply::Json(200, json::list(&[json::pod(1, 1, true)], "5", ""));
            }
            match watches.fetch_add(1, SeqCst) {
                // A bad object and a blank line cost nothing; the stream breaks in the middle of a line.
                0 => Reply::Cut(vec![
                    json::event("ADDED", &json::pod(2, 6, false)),
                    json::event("ADDED", "{\"metadata\":7}") + "\n",
                    json::bookmark(40),
                    json::event("DELETED", &json::pod(1, 41, true)),
                    "{\"type\":\"MODI".to_owned(),
                ]),
                1 => stays(vec![json::event("MODIFIED", &json::pod(2, 50, true))]),
                n => panic!("watch {n}"),
            }
        })
    });
    r.until("remove").await;
    r.pods.push("-".to_owned());
    r.until("upsert").await;
    let asked = r.asked("pods", true);
    assert!(asked[0].contains("resourceVersion=5") && asked[1].contains("resourceVersion=41"), "{asked:?}");
    assert_eq!(r.asked("pods", false).len(), 1, "no list after the first");
    assert_eq!(r.fleet.len(), 1);
    assert_eq!(r.fleet.iter().next().unwrap().verdict.phase.word(), "Ready");
}

#[tokio::test(start_paused = true)]
async fn too_old_is_listed_anew_without_haste() {
    for in_stream in [true, false] {
        let mut r = Reading::start(&[], move |path| {
            others(path).unwrap_or_else(|| match (json::is_watch(path), in_stream) {
                (false, _) => Reply::Json(200, json::list(&[json::pod(1, 1, true)], "5", "")),
                (true, true) => stays(vec![json::event("ERROR", &json::status(410, "Expired", "too old"))]),
                (true, false) => Reply::Json(410, json::status(410, "Expired", "too old")),
            })
        });
        r.during(Duration::from_secs(600)).await;
        let lists = r.asked("pods", false).len();
        assert!((10..60).contains(&lists), "in stream {in_stream}: {lists} lists in ten minutes");
        assert_eq!(r.fleet.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_break_is_said_with_its_beginning_and_mended_by_itself() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = tries.clone();
    let mut r = Reading::start(&[], move |path| {
        others(path).unwrap_or_else(|| match count.fetch_add(1, SeqCst) {
            0 => Reply::Json(200, json::list(&[json::pod(1, 1, true)], "5", "")),
            1 => Reply::Cut(vec![json::event("ADDED", &json::pod(2, 6, true))]),
            2..8 => Reply::Close,
            _ => quiet(path),
        })
    });
    r.until("broken").await;
    let Link::Broken { since, .. } = r.fleet.sources().get(Kind::Pod).link.clone() else { panic!() };
    assert_eq!(r.fleet.len(), 2, "what was known stays");
    r.until("live").await;
    let now = r.cluster.clock().now();
    assert!((10..90).contains(&now.since(since)), "{} s of back-off for six tries", now.since(since));
    assert_eq!(r.pods.iter().filter(|w| w.starts_with("broken")).count(), 1, "said once: {:?}", r.pods);
    assert_eq!(r.asked("pods", false).len(), 1);
    assert_eq!(r.watches.trouble().unwrap().fault, Fault::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn a_person_need_not_wait_for_the_back_off() {
    let tries = Arc::new(AtomicUsize::new(0));
    let mut r = Reading::start(&[], move |path| {
        others(path).unwrap_or_else(|| match (json::is_watch(path), tries.fetch_add(1, SeqCst)) {
            (false, 0..7) => Reply::Json(503, json::status(503, "ServiceUnavailable", "starting")),
            (false, _) => Reply::Json(200, json::list(&[], "1", "")),
            (true, _) => quiet(path),
        })
    });
    while r.asked("pods", false).len() < 7 {
        r.during(Duration::from_secs(1)).await;
    }
    let before = r.cluster.clock().now();
    r.watches.retry();
    r.until("live").await;
    assert!(r.cluster.clock().now().since(before) <= 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_to_wait_is_obeyed() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = tries.clone();
    let mut r = Reading::start(&[], move |path| {
        others(path).unwrap_or_else(|| match (json::is_watch(path), count.fetch_add(1, SeqCst)) {
            (false, 0) => Reply::Raw("HTTP/1.1 429 X\r\nRetry-After: 25\r\nContent-Length: 0\r\n\r\n".to_owned()),
            (false, _) => Reply::Json(200, json::list(&[], "1", "")),
            (true, _) => quiet(path),
        })
    });
    let before = r.cluster.clock().now();
    r.until("live").await;
    let waited = r.cluster.clock().now().since(before);
    assert!((24..27).contains(&waited), "{waited}");
    assert!(r.pods[0].contains("slow down (429)"), "{:?}", r.pods);
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_is_said_once_and_asked_again_only_by_a_person() {
    let mut r = Reading::start(&[], |path| {
        others(path).unwrap_or_else(|| Reply::Json(403, json::status(403, "Forbidden", "pods is forbidden")))
    });
    r.during(Duration::from_secs(3_600)).await;
    assert_eq!(r.pods, ["forbidden"]);
    assert_eq!(r.asked("pods", false).len(), 1);
    assert!(r.fleet.sources().settled(), "the others are there, and pods never will be");
    let Link::Forbidden { why } = &r.fleet.sources().get(Kind::Pod).link else { panic!() };
    assert!(why.contains("may not list pods"), "{why}");
    r.watches.retry();
    r.during(Duration::from_secs(60)).await;
    assert_eq!(r.asked("pods", false).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_watch_it_is_polled() {
    let mut r = Reading::start(&[], |path| {
        others(path).unwrap_or_else(|| match json::is_watch(path) {
            true => Reply::Json(403, json::status(403, "Forbidden", "cannot watch")),
            false => Reply::Json(200, json::list(&[json::pod(1, 1, true)], "5", "")),
        })
    });
    r.during(Duration::from_secs(600)).await;
    assert_eq!(r.fleet.sources().get(Kind::Pod).link, Link::Polling { every: 15 });
    let lists = r.asked("pods", false).len();
    assert!((30..42).contains(&lists), "{lists}");
    assert_eq!(r.asked("pods", true).len(), 1, "watching is not tried again");
}

#[tokio::test(start_paused = true)]
async fn where_the_cluster_is_closed_the_named_namespaces_are_read() {
    let forbidden = || Reply::Json(403, json::status(403, "Forbidden", "no"));
    let mut r = Reading::start(&["tenant-t1", "tenant-t2", "tenant-t3"], move |path| {
        let within = |n: u32| path.contains(&format!("/namespaces/tenant-t{n}"));
        match json::resource(path) {
            // The namespaces themselves can be got one by one.
            "tenant-t1" => Reply::Json(
                200,
                format!(
                    r#"{{"kind":"Namespace","metadata":{{"name":"tenant-t1","uid":"{}","labels":{{"openclaw.ai/tenant":"t1"}}}}}}"#,
                    json::uid(91)
                ),
            ),
            "tenant-t2" => Reply::Json(404, json::status(404, "NotFound", "gone")),
            _ if !within(1) && !within(2) => forbidden(),
            _ if json::is_watch(path) => quiet(path),
            "pods" if within(1) => Reply::Json(200, json::list(&[json::pod(1, 1, true)], "5", "")),
            "pods" => Reply::Json(200, json::list(&[json::pod(2, 1, true)], "5", "")),
            _ => Reply::Json(200, json::list(&[], "5", "")),
        }
    });
    r.during(Duration::from_secs(60)).await;
    assert!(r.fleet.sources().settled());
    assert_eq!(r.fleet.len(), 2);
    assert_eq!(r.pods, ["withheld tenant-t3", "resync 2", "live"], "one resync for all namespaces");
    let refused = r.server.asked().into_iter().filter(|p| p.contains("/namespaces/tenant-t3")).count();
    assert_eq!(refused, 6, "the namespace and the five kinds inside it, each once and never again");
    assert!(matches!(r.fleet.sources().get(Kind::Namespace).link, Link::Polling { .. }));
    assert!(r.fleet.get("tenant-t1").unwrap().tenant.namespace.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_is_left_and_said() {
    let mut r = Reading::start(&[], |path| others(path).unwrap_or(Reply::Hang));
    r.until("broken").await;
    assert_eq!(r.pods, ["broken: no answer to list pods within 30 s"]);
    assert_eq!(r.watches.trouble().unwrap().exit_code(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_dies_in_silence_is_found_out() {
    let mut r = Reading::start(&[], |path| {
        others(path).unwrap_or_else(|| match json::is_watch(path) {
            true => stays(vec![]),
            false => Reply::Json(200, json::list(&[], "5", "")),
        })
    });
    r.during(Duration::from_secs(400)).await;
    assert!((3..5).contains(&r.asked("pods", true).len()), "{:?}", r.asked("pods", true));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_fleet_costs_next_to_no_requests() {
    let mut r = Reading::start(&[], |path| match json::is_watch(path) {
        true => quiet(path),
        false => Reply::Json(200, json::list(&[], "5", "")),
    });
    r.during(Duration::from_secs(3_600)).await;
    let asked = r.server.asked();
    assert!(asked.len() < 250, "{} requests in an hour", asked.len());
    assert_eq!(asked.iter().filter(|p| !json::is_watch(p)).count(), Kind::ALL.len(), "each kind is listed once");
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_slows_the_watch_and_loses_nothing() {
    let mut r = Reading::start(&[], |path| {
        others(path).unwrap_or_else(|| match json::is_watch(path) {
            true => stays((1..=200).map(|n| json::event("ADDED", &json::pod(n, n + 5, true))).collect()),
            false => Reply::Json(200, json::list(&[], "5", "")),
        })
    });
    for _ in 0..50 {
        r.one().await;
        sleep(Duration::from_millis(300)).await;
    }
    r.during(Duration::from_secs(30)).await;
    assert_eq!(r.fleet.len(), 200);
    assert_eq!(r.asked("pods", true).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn measures_are_polled_gently_and_absence_is_quiet() {
    let server = Server::new(|path| {
        match path {
        p if p.contains("metrics.k8s.io") => Reply::Json(404, json::status(404, "NotFound", "no such group")),
        p if p.contains("/nodes/n1/") => Reply::Json(
            200,
            r#"{"pods":[{"volume":[{"pvcRef":{"name":"app-data","namespace":"tenant-a"},"usedBytes":5,"capacityBytes":10}]}]}"#
                .to_owned(),
        ),
        p if p.contains("/nodes/") => Reply::Json(503, "upstream".to_owned()),
        p => panic!("{p}"),
    }
    });
    let cluster = cluster(&server);
    let (send, mut deltas) = mpsc::channel(4);
    let meters = Meters::start(&cluster, "openclaw.ai/tenant", &send);
    meters.nodes(["n1", "n2"].into_iter().map(Into::into).collect());
    let mut got = Vec::new();
    _ = timeout(Duration::from_secs(1_800), async {
        loop {
            got.push(deltas.recv().await.unwrap());
        }
    })
    .await;
    let links: Vec<_> = got.iter().filter(|d| matches!(d, Delta::MeterLink(..))).collect();
    let [Delta::MeterLink(a, x), Delta::MeterLink(b, y)] = &*links else { panic!("{links:?}") };
    let states = [(*a, x.clone()), (*b, y.clone())];
    assert!(states.iter().any(|(m, l)| *m == Meter::Pods && matches!(l, Link::Absent { .. })), "{states:?}");
    assert!(states.contains(&(Meter::Volumes, Link::Polling { every: 60 })), "{states:?}");
    let asked = server.asked();
    let count = |what: &str| asked.iter().filter(|p| p.contains(what)).count();
    assert!((5..8).contains(&count("metrics.k8s.io")), "every five minutes: {}", count("metrics.k8s.io"));
    assert!((28..33).contains(&count("/nodes/n1/")), "every minute: {}", count("/nodes/n1/"));
    assert!(got.iter().any(|d| matches!(d, Delta::Measures(Meter::Volumes, m) if m.len() == 1)));
}

#[tokio::test(start_paused = true)]
async fn measures_that_are_forbidden_are_asked_for_once() {
    let server = Server::new(|_| Reply::Json(403, json::status(403, "Forbidden", "no")));
    let cluster = cluster(&server);
    let (send, mut deltas) = mpsc::channel(4);
    let meters = Meters::start(&cluster, "openclaw.ai/tenant", &send);
    meters.nodes(["n1", "n2"].into_iter().map(Into::into).collect());
    let mut forbidden = 0;
    _ = timeout(Duration::from_secs(3_600), async {
        loop {
            let delta = deltas.recv().await.unwrap();
            assert!(matches!(delta, Delta::MeterLink(_, Link::Forbidden { .. })), "{delta:?}");
            forbidden += 1;
        }
    })
    .await;
    assert_eq!((forbidden, server.asked().len()), (2, 2));
}
