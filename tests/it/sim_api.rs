//! The simulator's API machinery through HTTP, as any client sees it. The expected texts are those of kube-apiserver 1.34.

use std::time::Duration;

use bytes::Bytes;
use fleetdeck::sim::{Fault, Sim, SimConfig, SimConnector, Target};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

mod kubectl;
mod watching;

const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
const CONFIG_MAPS: &str = "/api/v1/namespaces/t/configmaps";
const PODS: &str = "/api/v1/namespaces/t/pods";

/// One simulated cluster with the namespace `t`, and a client for it.
struct Server {
    sim: Sim,
    client: Client<SimConnector, Full<Bytes>>,
    user: Option<&'static str>,
}

impl Server {
    async fn start() -> Server {
        Server::with(SimConfig::default()).await
    }

    async fn with(config: SimConfig) -> Server {
        let sim = Sim::new(config);
        let client = Client::builder(TokioExecutor::new()).build(sim.connector());
        let server = Server { sim, client, user: None };
        server.post("/api/v1/namespaces", &json!({"metadata": {"name": "t"}})).await.created();
        server
    }

    fn user(&self, user: &'static str) -> Server {
        Server { sim: self.sim.clone(), client: self.client.clone(), user: Some(user) }
    }

    async fn open(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> http::Response<Incoming> {
        let mut request =
            Request::builder().method(method).uri(format!("http://sim.local{path}")).header("user-agent", "it/1");
        if let Some(user) = self.user {
            request = request.header("authorization", format!("Bearer sim-user-{user}"));
        }
        let request = request.header("content-type", content_type).body(Full::new(body)).unwrap();
        self.client.request(request).await.unwrap()
    }

    async fn send(&self, method: Method, path: &str, content_type: &str, body: &Value) -> Answer {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let response = self.open(method, path, content_type, body).await;
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer {
            code,
            value: serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes))),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "application/json", &Value::Null).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, "application/json", body).await
    }

    async fn patch(&self, path: &str, content_type: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, content_type, body).await
    }

    async fn delete(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::DELETE, path, "application/json", body).await
    }
}

#[derive(Debug)]
struct Answer {
    code: u16,
    value: Value,
}

impl Answer {
    #[track_caller]
    fn ok(self) -> Value {
        assert_eq!(self.code, 200, "{}", self.value);
        self.value
    }

    #[track_caller]
    fn created(self) -> Value {
        assert_eq!(self.code, 201, "{}", self.value);
        self.value
    }

    /// Checks a refusal: code, reason, and how its message begins.
    #[track_caller]
    fn refused(self, code: u16, reason: &str, message: &str) -> Value {
        assert_eq!((self.code, self.value["reason"].as_str()), (code, Some(reason)), "{}", self.value);
        assert!(self.value["message"].as_str().unwrap().starts_with(message), "{}", self.value["message"]);
        assert_eq!(self.value["code"], code);
        self.value
    }
}

fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

fn pod(name: &str, limits: &Value) -> Value {
    json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "a", "image": "i", "resources": {"limits": limits}}]}})
}

#[tokio::test]
async fn pages_of_a_list_come_from_one_moment() {
    let server = Server::start().await;
    for i in 0..5 {
        server.post(CONFIG_MAPS, &config_map(&format!("c{i}"), &json!({}))).await.created();
    }
    let first = server.get(&format!("{CONFIG_MAPS}?limit=2")).await.ok();
    assert_eq!(first["metadata"]["remainingItemCount"], 4);
    let token = first["metadata"]["continue"].as_str().unwrap();
    server.delete(&format!("{CONFIG_MAPS}/c3"), &Value::Null).await.ok();
    let second = server.get(&format!("{CONFIG_MAPS}?limit=9&continue={token}")).await.ok();
    let names: Vec<_> =
        second["items"].as_array().unwrap().iter().map(|i| i["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["c2", "c3", "c4", "kube-root-ca.crt"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert!(second["items"][0].get("kind").is_none());
    server.sim.compact();
    let message = "The provided continue parameter is too old to display a consistent list result.";
    server.get(&format!("{CONFIG_MAPS}?continue={token}")).await.refused(410, "Expired", message);
}

#[tokio::test]
async fn selectors_choose_and_refuse() {
    let server = Server::start().await;
    let mut labelled = config_map("a", &json!({}));
    labelled["metadata"]["labels"] = json!({"x": "1"});
    server.post(CONFIG_MAPS, &labelled).await.created();
    let count = async |query: &str| {
        server.get(&format!("/api/v1/configmaps?{query}")).await.ok()["items"].as_array().unwrap().len()
    };
    assert_eq!(count("labelSelector=x%3D1").await, 1);
    assert_eq!(count("labelSelector=x%20in%20(1,2)&fieldSelector=metadata.namespace%3Dt").await, 1);
    assert_eq!(count("fieldSelector=metadata.name%3Da").await, 1);
    server.get("/api/v1/pods?fieldSelector=spec.x%3D1").await.refused(
        400,
        "BadRequest",
        "field label not supported: spec.x",
    );
}

#[tokio::test]
async fn refusals_use_the_words_of_the_api_server() {
    let server = Server::start().await;
    server.get(&format!("{PODS}/x")).await.refused(404, "NotFound", "pods \"x\" not found");
    server.post("/api/v1/namespaces/no/configmaps", &config_map("a", &json!({}))).await.refused(
        404,
        "NotFound",
        "namespaces \"no\" not found",
    );
    let invalid = server.post(CONFIG_MAPS, &config_map("X", &json!({}))).await;
    invalid.refused(
        422,
        "Invalid",
        "ConfigMap \"X\" is invalid: metadata.name: Invalid value: \"X\": a lowercase RFC 1123 subdomain",
    );
    server.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.created();
    server.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.refused(
        409,
        "AlreadyExists",
        "configmaps \"a\" already exists",
    );
    let mut stale = config_map("a", &json!({}));
    stale["metadata"]["resourceVersion"] = "1".into();
    let path = format!("{CONFIG_MAPS}/a");
    let answer = server.send(Method::PUT, &path, "application/json", &stale).await;
    answer.refused(409, "Conflict", "Operation cannot be fulfilled on configmaps \"a\": the object has been modified");
    let strict =
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"bar\"";
    let mut unknown = config_map("b", &json!({}));
    unknown["bar"] = 1.into();
    server.post(&format!("{CONFIG_MAPS}?fieldValidation=Strict"), &unknown).await.refused(400, "BadRequest", strict);
    assert_eq!(server.get("/nothing").await.code, 404);
    server.get("/api/v1/nothings").await.refused(404, "NotFound", "the server could not find the requested resource");
}

#[tokio::test]
async fn dry_runs_leave_nothing_behind() {
    let server = Server::start().await;
    let path = format!("{CONFIG_MAPS}/a");
    let dry = "fieldManager=m&dryRun=All";
    let made = server.patch(&format!("{path}?{dry}"), APPLY, &config_map("a", &json!({"k": "v"}))).await.created();
    assert!(!made["metadata"]["uid"].as_str().unwrap().is_empty());
    assert_eq!(server.get(&path).await.code, 404);
    server.post(CONFIG_MAPS, &config_map("a", &json!({"k": "v"}))).await.created();
    let before = server.get(&path).await.ok();
    assert_eq!(
        server.patch(&format!("{path}?{dry}"), MERGE, &json!({"data": {"k": "w"}})).await.ok()["data"]["k"],
        "w"
    );
    server.delete(&format!("{path}?dryRun=All"), &Value::Null).await.ok();
    server.delete(&path, &json!({"dryRun": ["All"]})).await.ok();
    assert_eq!(server.get(&path).await.ok(), before);
}

#[tokio::test]
async fn apply_owns_conflicts_and_removes() {
    let server = Server::start().await;
    let path = format!("{CONFIG_MAPS}/a");
    let apply = async |manager: &str, data: Value| {
        server.patch(&format!("{path}?fieldManager={manager}"), APPLY, &config_map("a", &data)).await
    };
    let first = apply("one", json!({"k": "1", "l": "1"})).await.created();
    assert_eq!(first["metadata"]["managedFields"][0]["fieldsV1"], json!({"f:data": {"f:k": {}, "f:l": {}}}));
    let again = apply("one", json!({"k": "1", "l": "1"})).await.ok();
    assert_eq!(again["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"], "nothing changed");
    let conflict = apply("two", json!({"k": "2"})).await;
    let conflict = conflict.refused(409, "Conflict", "Apply failed with 1 conflict: conflict with \"one\": .data.k");
    assert_eq!(
        conflict["details"]["causes"],
        json!([{"reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".data.k"}])
    );
    // Two managers may agree; what one of them drops then stays.
    apply("two", json!({"k": "1"})).await.ok();
    assert_eq!(apply("one", json!({"l": "1"})).await.ok()["data"], json!({"k": "1", "l": "1"}));
    assert_eq!(apply("two", json!({"m": "1"})).await.ok()["data"], json!({"l": "1", "m": "1"}));
    // An update takes what it changes; force takes it back.
    server.patch(&format!("{path}?fieldManager=three"), MERGE, &json!({"data": {"l": "3"}})).await.ok();
    let message = "Apply failed with 1 conflict: conflict with \"three\" using v1: .data.l";
    apply("one", json!({"l": "1"})).await.refused(409, "Conflict", message);
    let forced = server
        .patch(&format!("{path}?fieldManager=one&force=true"), APPLY, &config_map("a", &json!({"l": "1"})))
        .await
        .ok();
    let managers: Vec<_> =
        forced["metadata"]["managedFields"].as_array().unwrap().iter().map(|m| m["manager"].clone()).collect();
    assert_eq!(managers, ["one", "two"]);
    let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
    server.patch(&path, APPLY, &config_map("a", &json!({}))).await.refused(422, "Invalid", message);
    let mut unknown = config_map("a", &json!({}));
    unknown["dota"] = json!({});
    let refused = server.patch(&format!("{path}?fieldManager=one"), APPLY, &unknown).await;
    assert_eq!(refused.code, 500);
    assert_eq!(
        refused.value["message"],
        "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .dota: field not declared in schema"
    );
}

#[tokio::test]
async fn apply_merges_lists_by_their_keys() {
    let server = Server::start().await;
    let path = "/apis/apps/v1/namespaces/t/statefulsets/s";
    let set = |containers: Value| {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {
            "replicas": 0, "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers}},
        }})
    };
    let both = json!([{"name": "x", "image": "1", "env": [{"name": "A", "value": "1"}]}, {"name": "y", "image": "1"}]);
    let made = server.patch(&format!("{path}?fieldManager=one"), APPLY, &set(both)).await.created();
    assert_eq!(made["metadata"]["generation"], 1);
    assert_eq!(made["spec"]["updateStrategy"], json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}));
    let part = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"},
        "spec": {"template": {"spec": {"containers": [{"name": "x", "image": "2"}]}}}});
    let message =
        "Apply failed with 1 conflict: conflict with \"one\": .spec.template.spec.containers[name=\"x\"].image";
    server.patch(&format!("{path}?fieldManager=two"), APPLY, &part).await.refused(409, "Conflict", message);
    let forced = server.patch(&format!("{path}?fieldManager=two&force=true"), APPLY, &part).await.ok();
    let containers = &forced["spec"]["template"]["spec"]["containers"];
    assert_eq!((containers[0]["image"].as_str(), containers[1]["image"].as_str()), (Some("2"), Some("1")));
    assert_eq!(containers[0]["env"][0]["value"], "1");
    let without_y = set(json!([{"name": "x", "env": [{"name": "A", "value": "1"}]}]));
    let last = server.patch(&format!("{path}?fieldManager=one"), APPLY, &without_y).await.ok();
    let containers = last["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert_eq!((containers.len(), containers[0]["image"].as_str()), (1, Some("2")));
    assert_eq!(last["metadata"]["generation"], 3);
    let message = "StatefulSet.apps \"s\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas'";
    server.patch(path, MERGE, &json!({"spec": {"serviceName": "z"}})).await.refused(422, "Invalid", message);
    let status = server
        .patch(&format!("{path}/status"), MERGE, &json!({"spec": {"replicas": 5}, "status": {"replicas": 2}}))
        .await
        .ok();
    assert_eq!(
        (&status["spec"]["replicas"], &status["status"]["replicas"], &status["metadata"]["generation"]),
        (&json!(0), &json!(2), &json!(3))
    );
    server.patch(&format!("{path}/scale"), MERGE, &json!({"spec": {"replicas": 4}})).await.ok();
    assert_eq!(server.get(path).await.ok()["spec"]["replicas"], 4);
}

#[tokio::test]
async fn deletes_check_their_preconditions() {
    let server = Server::start().await;
    let path = format!("{CONFIG_MAPS}/a");
    let made = server.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.created();
    let message = "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (no) does not match the UID in record";
    server.delete(&path, &json!({"preconditions": {"uid": "no"}})).await.refused(409, "Conflict", message);
    let message =
        "Operation cannot be fulfilled on ConfigMap \"a\": the ResourceVersion in the precondition (1) does not match";
    server.delete(&path, &json!({"preconditions": {"resourceVersion": "1"}})).await.refused(409, "Conflict", message);
    let gone = server.delete(&path, &json!({"preconditions": {"uid": made["metadata"]["uid"]}})).await.ok();
    assert_eq!((&gone["status"], &gone["details"]["uid"]), (&json!("Success"), &made["metadata"]["uid"]));
}

#[tokio::test]
async fn a_terminating_namespace_takes_nothing_new() {
    let server = Server::start().await;
    let mut held = config_map("held", &json!({}));
    held["metadata"]["finalizers"] = json!(["x.io/hold"]);
    server.post(CONFIG_MAPS, &held).await.created();
    assert_eq!(server.delete("/api/v1/namespaces/t", &Value::Null).await.ok()["status"]["phase"], "Terminating");
    let message =
        "configmaps \"b\" is forbidden: unable to create new content in namespace t because it is being terminated";
    let refused = server.post(CONFIG_MAPS, &config_map("b", &json!({}))).await.refused(403, "Forbidden", message);
    assert_eq!(refused["details"]["causes"][0]["reason"], "NamespaceTerminating");
    server.patch(&format!("{CONFIG_MAPS}/held"), MERGE, &json!({"metadata": {"finalizers": null}})).await.ok();
    assert_eq!(server.get("/api/v1/namespaces/t").await.code, 404);
}

#[tokio::test]
async fn quotas_admit_and_refuse() {
    let server = Server::start().await;
    let quota = |name: &str, hard: Value, scopes: Value| json!({"metadata": {"name": name}, "spec": {"hard": hard, "scopes": scopes}});
    let quotas = "/api/v1/namespaces/t/resourcequotas";
    let tier = quota("tier", json!({"limits.cpu": "1", "limits.memory": "1Gi"}), json!(["NotTerminating"]));
    server.post(quotas, &tier).await.created();
    server.post(quotas, &quota("storage", json!({"requests.storage": "10Gi"}), json!([]))).await.created();
    let open = pod("a", &json!({"cpu": "1"}));
    server.post(PODS, &open).await.refused(
        403,
        "Forbidden",
        "pods \"a\" is forbidden: failed quota: tier: must specify limits.memory for: a",
    );
    server.post(PODS, &pod("a", &json!({"cpu": "600m", "memory": "1Gi"}))).await.created();
    let message = "pods \"b\" is forbidden: exceeded quota: tier, requested: limits.cpu=500m,limits.memory=1Mi, used: limits.cpu=600m,limits.memory=1Gi, limited: limits.cpu=1,limits.memory=1Gi";
    server.post(PODS, &pod("b", &json!({"cpu": "500m", "memory": "1Mi"}))).await.refused(403, "Forbidden", message);
    let mut helper = pod("c", &json!({"cpu": "5", "memory": "9Gi"}));
    helper["spec"]["activeDeadlineSeconds"] = 60.into();
    server.post(PODS, &helper).await.created();
    let claim = |size: &str| json!({"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}});
    let message = "persistentvolumeclaims \"v\" is forbidden: exceeded quota: storage, requested: requests.storage=20Gi, used: requests.storage=0, limited: requests.storage=10Gi";
    server.post("/api/v1/namespaces/t/persistentvolumeclaims", &claim("20Gi")).await.refused(403, "Forbidden", message);
    let made = server.post("/api/v1/namespaces/t/persistentvolumeclaims", &claim("10Gi")).await.created();
    assert_eq!(made["metadata"]["finalizers"], json!(["kubernetes.io/pvc-protection"]));
}

#[tokio::test]
async fn limit_ranges_fill_in_and_bound() {
    let server = Server::start().await;
    let range = json!({"metadata": {"name": "l"}, "spec": {"limits": [
        {"type": "Container", "max": {"memory": "1Gi"}, "default": {"memory": "512Mi"}, "min": {"memory": "100Mi"}},
    ]}});
    server.post("/api/v1/namespaces/t/limitranges", &range).await.created();
    let made = server.post(PODS, &pod("a", &json!({"cpu": "10m"}))).await.created();
    let resources = &made["spec"]["containers"][0]["resources"];
    assert_eq!(
        resources,
        &json!({"limits": {"cpu": "10m", "memory": "512Mi"}, "requests": {"cpu": "10m", "memory": "512Mi"}})
    );
    let message = "pods \"b\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi";
    server.post(PODS, &pod("b", &json!({"memory": "2Gi"}))).await.refused(403, "Forbidden", message);
}

#[tokio::test]
async fn roles_say_who_may_do_what() {
    let server = Server::start().await;
    let bob = server.user("bob");
    let message =
        "pods is forbidden: User \"bob\" cannot list resource \"pods\" in API group \"\" in the namespace \"t\"";
    bob.get(PODS).await.refused(403, "Forbidden", message);
    let message = "namespaces is forbidden: User \"bob\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope";
    bob.get("/api/v1/namespaces").await.refused(403, "Forbidden", message);
    let binding = json!({
        "metadata": {"name": "support"}, "roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "User", "name": "bob"}],
    });
    server.post("/apis/rbac.authorization.k8s.io/v1/namespaces/t/rolebindings", &binding).await.created();
    bob.get(PODS).await.ok();
    bob.get(&format!("{PODS}?watch=true&timeoutSeconds=1&resourceVersion=1&allowWatchBookmarks=false")).await;
    let message = "secrets \"x\" is forbidden: User \"bob\" cannot get resource \"secrets\" in API group \"\" in the namespace \"t\"";
    bob.get("/api/v1/namespaces/t/secrets/x").await.refused(403, "Forbidden", message);
    let ask =
        |verb: &str| json!({"spec": {"resourceAttributes": {"verb": verb, "resource": "pods", "namespace": "t"}}});
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assert_eq!(bob.post(reviews, &ask("list")).await.created()["status"]["allowed"], true);
    assert_eq!(bob.post(reviews, &ask("delete")).await.created()["status"]["allowed"], false);
    let mut stranger = server.user("x");
    stranger.user = Some("");
    assert_eq!(stranger.get(PODS).await.code, 401);
}

#[tokio::test(start_paused = true)]
async fn faults_hit_what_they_are_aimed_at() {
    let server = Server::start().await;
    let faults = server.sim.faults();
    faults.arm(Target::of("list", "pods"), Fault::TooManyRequests { retry_after: 3 }, Some(1));
    let refused = server.get(PODS).await.refused(429, "TooManyRequests", "Too many requests");
    assert_eq!(refused["details"]["retryAfterSeconds"], 3);
    server.get(PODS).await.ok();
    let html = faults.arm(Target::of("list", "pods"), Fault::Html, None);
    assert!(server.get(PODS).await.value.as_str().unwrap().starts_with("<html>"));
    server.get(CONFIG_MAPS).await.ok();
    faults.disarm(html);
    faults.arm(Target::of("list", "pods"), Fault::CutAfter(10), Some(1));
    let response = server.open(Method::GET, PODS, "application/json", Bytes::new()).await;
    assert!(response.into_body().collect().await.is_err());
    faults.arm(Target::of("list", "pods"), Fault::Slow(Duration::from_secs(7)), Some(1));
    let before = tokio::time::Instant::now();
    server.get(PODS).await.ok();
    assert!(before.elapsed() >= Duration::from_secs(7));
    faults.arm(Target::of("list", "pods"), Fault::Stall, Some(1));
    assert!(tokio::time::timeout(Duration::from_secs(600), server.get(PODS)).await.is_err());
    assert_eq!(faults.hits(), 5);

    // What is on its way lands, though whoever sent it has gone.
    faults.arm(Target::of("create", "configmaps"), Fault::Late(Duration::from_secs(40)), Some(1));
    let late = config_map("late", &json!({}));
    let post = server.post(CONFIG_MAPS, &late);
    assert!(tokio::time::timeout(Duration::from_secs(5), post).await.is_err());
    let path = format!("{CONFIG_MAPS}/late");
    assert_eq!(server.get(&path).await.code, 404);
    tokio::time::sleep(Duration::from_secs(36)).await;
    server.get(&path).await.ok();
}
