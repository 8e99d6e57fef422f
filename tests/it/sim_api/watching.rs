//! Watches: order, selection, bookmarks, history that is gone, streams that break.

use http_body_util::BodyExt;

use super::*;

/// An open watch, read line by line.
struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Lines {
    async fn open(server: &Server, path: &str) -> Lines {
        let response = server.open(Method::GET, path, "application/json", Bytes::new()).await;
        assert_eq!(response.status(), 200);
        Lines { body: response.into_body(), buffer: Vec::new() }
    }

    /// The next event, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                assert!(line.starts_with(b"{\"type\":\""));
                return Some(serde_json::from_slice(&line).unwrap());
            }
            match self.body.frame().await? {
                Ok(frame) => self.buffer.extend(frame.into_data().unwrap()),
                Err(_) => return None,
            }
        }
    }

    async fn names(&mut self, n: usize) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for _ in 0..n {
            let event = self.next().await.unwrap();
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            out.push((text(&event["type"]), text(&event["object"]["metadata"]["name"])));
        }
        out
    }
}

fn pairs(expect: &[(&str, &str)]) -> Vec<(String, String)> {
    expect.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[tokio::test]
async fn a_watch_sees_what_enters_and_leaves_its_selection() {
    let server = Server::start().await;
    let version = server.get(CONFIG_MAPS).await.ok()["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let mut watch =
        Lines::open(&server, &format!("{CONFIG_MAPS}?watch=1&labelSelector=x&resourceVersion={version}")).await;
    server.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.created();
    let label = |value: Value| json!({"metadata": {"labels": {"x": value}}});
    for value in [json!("1"), json!("2"), json!(null), json!("3")] {
        server.patch(&format!("{CONFIG_MAPS}/a"), MERGE, &label(value)).await.ok();
    }
    server.delete(&format!("{CONFIG_MAPS}/a"), &Value::Null).await.ok();
    let expect = [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "a"), ("DELETED", "a")];
    assert_eq!(watch.names(5).await, pairs(&expect));
}

#[tokio::test(start_paused = true)]
async fn initial_events_end_with_a_bookmark_and_the_watch_with_its_time() {
    let server = Server::start().await;
    let query =
        "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=100";
    let mut watch = Lines::open(&server, &format!("{CONFIG_MAPS}?{query}")).await;
    assert_eq!(watch.names(1).await, pairs(&[("ADDED", "kube-root-ca.crt")]));
    let end = watch.next().await.unwrap();
    assert_eq!(end["type"], "BOOKMARK");
    assert_eq!(end["object"]["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
    let later = watch.next().await.unwrap();
    assert_eq!((&later["type"], later["object"]["metadata"]["annotations"].is_null()), (&json!("BOOKMARK"), true));
    while let Some(event) = watch.next().await {
        assert_eq!(event["type"], "BOOKMARK");
    }
}

#[tokio::test]
async fn forgotten_history_is_an_error_inside_the_stream() {
    let config = SimConfig { history_events: 3, ..SimConfig::default() };
    let server = Server::with(config).await;
    for i in 0..6 {
        server.post(CONFIG_MAPS, &config_map(&format!("c{i}"), &json!({}))).await.created();
    }
    let mut watch = Lines::open(&server, &format!("{CONFIG_MAPS}?watch=1&resourceVersion=2")).await;
    let error = watch.next().await.unwrap();
    assert_eq!(
        (&error["type"], &error["object"]["code"], &error["object"]["reason"]),
        (&json!("ERROR"), &json!(410), &json!("Expired"))
    );
    assert!(error["object"]["message"].as_str().unwrap().starts_with("too old resource version: 2 ("));
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_cut_stream_breaks_and_goes_on_where_it_was() {
    let server = Server::start().await;
    let mut watch = Lines::open(&server, &format!("{CONFIG_MAPS}?watch=1")).await;
    let first = watch.next().await.unwrap();
    let version = first["object"]["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    server.sim.faults().cut_streams();
    assert!(watch.next().await.is_none());
    server.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.created();
    let mut watch = Lines::open(&server, &format!("{CONFIG_MAPS}?watch=1&resourceVersion={version}")).await;
    assert_eq!(watch.names(1).await, pairs(&[("ADDED", "a")]));
}

#[tokio::test]
async fn kube_s_own_watcher_follows() {
    use futures::StreamExt;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::runtime::watcher::{self, Event};

    let server = Server::start().await;
    let layer = kube::client::ConfigExt::base_uri_layer(&kube::Config::new("http://sim.local".parse().unwrap()));
    let service = tower::ServiceBuilder::new()
        .layer(layer)
        .service(Client::builder(TokioExecutor::new()).build(server.sim.connector()));
    let client = kube::Client::new(service, "t");
    for streaming in [false, true] {
        let mut config = watcher::Config::default();
        config = if streaming { config.streaming_lists() } else { config.page_size(1) };
        let mut events = Box::pin(watcher::watcher(kube::Api::<ConfigMap>::namespaced(client.clone(), "t"), config));
        let mut listed = Vec::new();
        loop {
            match events.next().await.unwrap().unwrap() {
                Event::InitApply(map) => listed.push(map.metadata.name.unwrap()),
                Event::InitDone => break,
                _ => {}
            }
        }
        assert!(listed.contains(&"kube-root-ca.crt".to_owned()), "{streaming}");
        let name = format!("made-{streaming}");
        server.post(CONFIG_MAPS, &config_map(&name, &json!({}))).await.created();
        match events.next().await.unwrap().unwrap() {
            Event::Apply(map) => assert_eq!(map.metadata.name.unwrap(), name),
            other => panic!("{other:?}"),
        }
    }
}
