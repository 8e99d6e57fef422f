//! Who may do what: the roles of `manifests/rbac`, on the simulator's RBAC and on the real one. Each role sees what it should,
//! is refused the rest, and nothing that was refused is asked for again.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use fleetdeck::{
    cluster::{
        Access, Ask, Cluster, ClusterError, Errand, Errands, Fault, Meters, Opening, Prompt, Room, Scope, Target,
        Watches, connect, look, watch,
    },
    fleet::{Right, Role, Text},
    index::{Delta, Fleet, Kind, Link, digest::Labels},
    manifest::Base,
    sim::{Sim, SimConfig},
};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};

use crate::controlplane::{ControlPlane, client_for};

/// A cluster with RBAC, and kubeconfigs for anybody.
struct Site {
    admin: Client,
    user: Box<dyn Fn(&str) -> PathBuf>,
    /// Tells apart what several runs make on one cluster.
    prefix: String,
    _held: Option<tempfile::TempDir>,
}

impl Site {
    async fn simulator() -> Self {
        let sim = Sim::new(SimConfig::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().to_owned();
        let serving = sim.clone();
        tokio::spawn(async move { serving.serve(listener).await });
        let write = move |user: Option<&str>| {
            let file = folder.join(user.unwrap_or("admin"));
            std::fs::write(&file, sim.kubeconfig(address, user)).unwrap();
            file
        };
        let admin = client_for(&write(None)).await;
        Self { admin, user: Box::new(move |name| write(Some(name))), prefix: "sim".to_owned(), _held: Some(home) }
    }

    async fn control_plane() -> Option<Self> {
        let plane = ControlPlane::shared()?;
        Some(Self {
            admin: plane.client().await,
            user: Box::new(|name| plane.kubeconfig_as(name, None)),
            prefix: format!("r{}", std::process::id()),
            _held: None,
        })
    }

    async fn apply(&self, object: &Value) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (kind, api_version) = (text("/kind"), text("/apiVersion"));
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let plural = format!("{}s", kind.to_lowercase());
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), &plural);
        let api: Api<DynamicObject> = match text("/metadata/namespace") {
            "" => Api::all_with(self.admin.clone(), &resource),
            namespace => Api::namespaced_with(self.admin.clone(), namespace, &resource),
        };
        let params = PatchParams::apply("rights-test").force();
        let name = text("/metadata/name");
        api.patch(name, &params, &Patch::Apply(object)).await.unwrap_or_else(|e| panic!("{kind} {name}: {e}"));
    }

    /// All of `manifests/rbac`.
    async fn roles(&self) {
        for object in manifests() {
            self.apply(&object).await;
        }
    }

    async fn namespace(&self, name: &str) -> String {
        let name = format!("tenant-{}-{name}", self.prefix);
        let id = name.trim_start_matches("tenant-");
        let labels = json!({"openclaw.ai/tenant": id, "openclaw.ai/tier": "pro"});
        self.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}))
            .await;
        let config = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "openclaw", "namespace": name, "labels": labels}});
        self.apply(&config).await;
        name
    }

    /// A user with this ClusterRole, everywhere or in one namespace.
    async fn bound(&self, who: &str, role: &str, namespace: Option<&str>) -> Cluster {
        let user = format!("{}-{who}", self.prefix);
        let mut binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("{user}-{role}")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("fleetdeck-{role}")},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        });
        if let Some(namespace) = namespace {
            binding["kind"] = "RoleBinding".into();
            binding["metadata"]["namespace"] = namespace.into();
        }
        self.apply(&binding).await;
        let file = (self.user)(&user);
        let cluster = as_user(&file).await;
        // The authorizer learns of a binding from its own watch.
        let ask = Ask { namespace: namespace.map(str::to_owned), ..Ask::of(Right::Logs, None) };
        let list = Ask { verb: "list", resource: "pods", ..ask };
        let mut access = Access::default();
        for _ in 0..100 {
            if access.may(&cluster, &list).await.unwrap() {
                return cluster;
            }
            access.clear();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{user} never got the rights of {role}");
    }
}

async fn as_user(kubeconfig: &Path) -> Cluster {
    let target = Target::Kubeconfig { context: None, file: Some(kubeconfig.to_owned()) };
    connect(&target, Prompt::Never).await.unwrap()
}

/// The objects of `manifests/rbac`, read as `kubectl apply -k` would.
fn manifests() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/rbac");
    let kustomization: Value =
        serde_saphyr::from_str(&std::fs::read_to_string(folder.join("kustomization.yaml")).unwrap()).unwrap();
    let files = kustomization["resources"].as_array().unwrap();
    let read = |file: &Value| std::fs::read_to_string(folder.join(file.as_str().unwrap())).unwrap();
    let objects = files.iter().map(read).flat_map(|text| serde_saphyr::from_multiple::<Value>(&text).unwrap());
    objects.collect()
}

fn rules(role: &str) -> Vec<Value> {
    let named = manifests().into_iter().find(|o| o["metadata"]["name"] == format!("fleetdeck-{role}"));
    named.unwrap()["rules"].as_array().unwrap().clone()
}

/// Group, resource and verb of everything that rules allow by themselves, whatever the name.
fn allowed(rules: &[Value]) -> BTreeSet<(String, String, String)> {
    let strings = |v: &Value| -> Vec<String> {
        v.as_array().into_iter().flatten().map(|s| s.as_str().unwrap().to_owned()).collect()
    };
    let mut all = BTreeSet::new();
    for rule in rules {
        for group in strings(&rule["apiGroups"]) {
            for resource in strings(&rule["resources"]) {
                for verb in strings(&rule["verbs"]) {
                    let named = rule["resourceNames"].as_array().map_or(String::new(), |n| format!(" {n:?}"));
                    all.insert((group.clone(), format!("{resource}{named}"), verb));
                }
            }
        }
    }
    all
}

#[test]
fn each_role_holds_the_one_before_it_and_none_reads_secrets() {
    let all = ["reader", "support", "oncall"].map(|role| allowed(&rules(role)));
    assert!(all[0].is_subset(&all[1]) && all[1].is_subset(&all[2]));
    for (_, resource, verb) in all.iter().flatten().chain(&allowed(&rules("volume-statistics"))) {
        assert!(!resource.contains('*') && verb != "*", "{verb} {resource}: no wildcards");
        let reads = ["get", "list", "watch", "update", "deletecollection"].contains(&verb.as_str());
        assert!(!(resource.starts_with("secrets") && reads), "{verb} {resource}");
    }
    for (_, resource, verb) in all[0].iter().chain(&all[1]) {
        let looks = ["get", "list", "watch"].contains(&verb.as_str()) || resource == "pods/portforward";
        assert!(looks, "{verb} {resource} is no look");
    }
    let secrets = allowed(&rules("oncall")).into_iter().filter(|(_, r, _)| r.starts_with("secrets"));
    let secrets: Vec<_> = secrets.map(|(_, resource, verb)| format!("{verb} {resource}")).collect();
    assert_eq!(secrets, ["create secrets", "patch secrets [String(\"gateway-token\")]"]);
}

/// Reads as the program does, until every kind is read or known to be closed.
async fn read(cluster: &Cluster, namespaces: &[&str]) -> (Fleet, mpsc::Receiver<Delta>, (Watches, Errands)) {
    let (send, mut deltas) = mpsc::channel(256);
    let namespaces = namespaces.iter().map(|n| (*n).to_owned()).collect();
    let watches = watch(cluster, &Scope { namespaces, ..Scope::default() }, &send);
    let errands = Errands::start(cluster, &Scope::default(), &send);
    errands.run(Errand::Rights { namespace: None });
    let mut fleet = Fleet::default();
    while !fleet.sources().settled() || fleet.rights(None).get(Right::Logs).is_none() {
        let delta = timeout(Duration::from_secs(60), deltas.recv()).await.expect("it is read in time").unwrap();
        fleet.apply(delta, cluster.clock().now());
    }
    (fleet, deltas, (watches, errands))
}

fn forbidden(fleet: &Fleet) -> Vec<Kind> {
    fleet.sources().iter().filter(|(_, f)| matches!(f.link, Link::Forbidden { .. })).map(|(kind, _)| kind).collect()
}

/// What a plain client of this user gets for a path: the HTTP status.
async fn status(kubeconfig: &Path, method: &str, path: &str, body: &Value) -> u16 {
    let client = client_for(kubeconfig).await;
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = http::Request::builder().method(method).uri(path).header("content-type", "application/json");
    match client.request_text(request.body(body).unwrap()).await {
        Ok(_) => 200,
        Err(kube::Error::Api(status)) => status.code,
        Err(e) => panic!("{path}: {e}"),
    }
}

async fn each_role_may_what_it_says_and_no_more(site: &Site) {
    site.roles().await;
    let namespace = site.namespace("a").await;
    for (name, role) in [("reader", Role::Reader), ("support", Role::Support), ("oncall", Role::OnCall)] {
        let cluster = site.bound(name, name, None).await;
        let (fleet, _deltas, _held) = read(&cluster, &[]).await;
        assert_eq!(forbidden(&fleet), [], "{name} reads all that is watched");
        assert!(fleet.get(&namespace).is_some(), "{name} sees the tenant");
        assert_eq!(fleet.role(), Some((role, None)), "{name}");
        let rights = fleet.rights(Some(&namespace));
        for (right, least) in [
            (Right::Logs, Some(Role::Support)),
            (Right::Forward, Some(Role::Support)),
            (Right::Shell, Some(Role::OnCall)),
            (Right::Restart, Some(Role::OnCall)),
            (Right::Change, Some(Role::OnCall)),
            (Right::Create, Some(Role::OnCall)),
            (Right::Purge, Some(Role::OnCall)),
            (Right::NodeStatistics, None),
            (Right::Everything, None),
        ] {
            assert_eq!(rights.get(right), Some(least.is_some_and(|least| role >= least)), "{name}: {right:?}");
        }

        // What a review says is what happens.
        let kubeconfig = (site.user)(&format!("{}-{name}", site.prefix));
        let inside = format!("/api/v1/namespaces/{namespace}");
        let secret = json!({"metadata": {"generateName": "x-"}, "stringData": {"a": "b"}});
        let (logs, act) = (role >= Role::Support, role == Role::OnCall);
        for (method, path, body, allowed) in [
            ("GET", format!("{inside}/secrets"), Value::Null, false),
            ("GET", format!("{inside}/secrets/gateway-token"), Value::Null, false),
            ("GET", "/api/v1/secrets".to_owned(), Value::Null, false),
            ("GET", format!("{inside}/configmaps"), Value::Null, true),
            ("GET", "/apis/storage.k8s.io/v1/csinodes".to_owned(), Value::Null, true),
            ("GET", "/apis/storage.k8s.io/v1/volumeattachments".to_owned(), Value::Null, true),
            ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles".to_owned(), Value::Null, false),
            ("GET", format!("{inside}/pods/nobody/log"), Value::Null, logs),
            ("DELETE", format!("{inside}/pods/nobody"), Value::Null, act),
            ("DELETE", format!("{inside}/persistentvolumeclaims/nobody"), Value::Null, act),
            ("POST", format!("{inside}/secrets"), secret, act),
        ] {
            let code = status(&kubeconfig, method, &path, &body).await;
            assert_eq!(code != 403, allowed, "{name}: {method} {path} gave {code}");
        }
        features(&cluster, &namespace, name, (logs, act)).await;
    }
}

/// What pages and verbs read when they are opened: it works, or says which right it lacks.
async fn features(cluster: &Cluster, namespace: &str, name: &str, (logs, act): (bool, bool)) {
    let base = Base::embedded().unwrap();
    let of = Opening { label: "openclaw.ai/tenant", base: &base, volumes: &[] };
    assert_eq!(cluster.opened(namespace, of).await.unread, [""; 0], "{name}: doors and limits");
    assert!(cluster.storage(&Labels::default()).await.is_ok(), "{name}: volumes and classes");
    assert!(cluster.events(namespace).await.is_ok(), "{name}: events");
    let objects = look::objects(cluster, namespace).await.unwrap();
    assert!(
        objects.names.len() > 1 && objects.missing.iter().all(|said| said.contains("may not")),
        "{name}: {objects:?}"
    );
    let told = |error: Option<ClusterError>, allowed: bool, right: &str| {
        let error = error.expect("there is no such pod");
        assert_eq!(error.fault != Fault::Forbidden, allowed, "{name}: {error:?}");
        assert!(allowed || error.said.contains(right), "{name}: {error:?}");
    };
    told(cluster.log_end(namespace, "nobody", "gateway", 5).await.err(), logs, "may not read the pod's log");
    let uid = "00000000-0000-4000-8000-000000000001".parse().unwrap();
    told(cluster.delete_pod(namespace, "nobody", uid).await.err(), act, "may not delete");
}

async fn a_role_in_one_namespace_is_told_so(site: &Site) {
    site.roles().await;
    let (mine, other) = (site.namespace("mine").await, site.namespace("other").await);
    let cluster = site.bound("dana", "support", Some(&mine)).await;
    let (mut fleet, deltas, held) = read(&cluster, &[&mine, &other]).await;
    assert!(fleet.get(&mine).is_some() && fleet.get(&other).is_none());
    let withheld = fleet.sources().get(Kind::Pod).withheld.clone();
    assert_eq!(withheld.len(), 1);
    assert!(withheld[0].0 == *other && withheld[0].1.contains("may not list pods"), "{withheld:?}");
    assert_eq!(fleet.role(), Some((Role::Reader, None)), "nothing is allowed in the whole cluster");

    let (send, mut answers) = mpsc::channel(8);
    let errands = Errands::start(&cluster, &Scope::default(), &send);
    errands.run(Errand::Rights { namespace: Some(Text::from(mine.as_str())) });
    let answer = timeout(Duration::from_secs(30), answers.recv()).await.unwrap().unwrap();
    fleet.apply(answer, cluster.clock().now());
    let rights = fleet.rights(Some(&mine));
    assert!(rights.may(Right::Logs) && rights.may(Right::Forward) && rights.get(Right::Restart) == Some(false));
    assert_eq!(rights.get(Right::Create), Some(false), "a namespace's role creates no namespaces");
    assert_eq!(fleet.role(), Some((Role::Support, Some(1))));
    assert!(!fleet.rights(Some(&other)).may(Right::Logs));

    // How often is counted on the simulator, which can wait for longer.
    drop((deltas, held));
}

async fn answers_are_remembered(site: &Site) {
    site.roles().await;
    let cluster = site.bound("carl", "reader", None).await;
    let mut access = Access::default();
    let ask = Ask::of(Right::Logs, None);
    assert_eq!(access.known(&ask), None);
    assert!(!access.may(&cluster, &ask).await.unwrap());
    assert_eq!(access.known(&ask), Some(false));
    let rights = access.rights(&cluster, None).await.unwrap();
    assert_eq!(rights.role(), Some(Role::Reader));
    assert!(Right::ALL.iter().all(|right| access.known(&Ask::of(*right, None)).is_some()));
    access.clear();
    assert_eq!(access.known(&ask), None);

    let namespace = site.namespace("c").await;
    let rights = access.rights(&cluster, Some(&namespace)).await.unwrap();
    assert_eq!((rights.get(Right::Logs), rights.get(Right::Create)), (Some(false), None), "none of a namespace's");
}

/// With `get pods/exec` alone: what the program takes for enough is what the server takes for enough.
async fn a_shell_needs_what_the_server_wants(site: &Site) {
    site.roles().await;
    let namespace = site.namespace("stream").await;
    let rule = |resource: &str, verbs: &[&str]| json!({"apiGroups": [""], "resources": [resource], "verbs": verbs});
    site.apply(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "fleetdeck-entering"},
        "rules": [rule("pods", &["get", "list", "watch"]), rule("pods/exec", &["get"])],
    }))
    .await;
    site.apply(&json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "waiting", "namespace": namespace},
        // On no node: whoever is let through to it is told so.
        "spec": {"nodeSelector": {"nowhere": "at-all"}, "containers": [{"name": "gateway", "image": "x"}]},
    }))
    .await;
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(site.admin.clone(), &namespace);
    let uid = pods.get("waiting").await.unwrap().metadata.uid.unwrap();
    let room = Room {
        namespace: Text::from(namespace.as_str()),
        pod: Text::from("waiting"),
        uid: uid.parse().unwrap(),
        container: Text::from("gateway"),
    };
    for (who, role, may) in [("enter", "entering", true), ("look", "reader", false)] {
        let cluster = site.bound(who, role, None).await;
        assert_eq!(cluster.minor().await, Some(34), "another server may want more");
        let mut access = Access::default();
        let rights = access.rights(&cluster, Some(&namespace)).await.unwrap();
        assert_eq!(rights.get(Right::Shell), Some(may), "{who}");
        assert_eq!(access.demand(&cluster, Right::Shell, &namespace).await.is_ok(), may, "{who}");
        let error = cluster.shell(&room, "sh", false).await.err().expect("it runs nowhere");
        assert_eq!(error.fault != Fault::Forbidden, may, "{who}: {error}");
    }
}

mod on_simulator {
    use super::*;

    #[tokio::test]
    async fn a_shell_needs_what_the_server_wants() {
        super::a_shell_needs_what_the_server_wants(&Site::simulator().await).await;
    }

    #[tokio::test]
    async fn each_role_may_what_it_says_and_no_more() {
        super::each_role_may_what_it_says_and_no_more(&Site::simulator().await).await;
    }

    #[tokio::test]
    async fn a_role_in_one_namespace_is_told_so() {
        super::a_role_in_one_namespace_is_told_so(&Site::simulator().await).await;
    }

    #[tokio::test]
    async fn answers_are_remembered() {
        super::answers_are_remembered(&Site::simulator().await).await;
    }

    /// What is refused is asked for once, and then by a person only.
    #[tokio::test(start_paused = true)]
    async fn nothing_forbidden_is_asked_again_in_a_loop() {
        let sim = Sim::new(SimConfig::default());
        let start = fleetdeck::fleet::At::parse("2026-11-24T20:00:00Z").unwrap();
        let clock = fleetdeck::cluster::Clock::scaled(start, 1.0);
        let admin = crate::sim_kubelet::client_of(&sim);
        let site = Site { admin, user: Box::new(|_| PathBuf::new()), prefix: "quiet".to_owned(), _held: None };
        site.roles().await;
        let (mine, other) = (site.namespace("mine").await, site.namespace("other").await);
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "carl-support", "namespace": mine},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "fleetdeck-support"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "carl"}],
        });
        site.apply(&binding).await;
        let cluster = fleetdeck::cluster::over(sim.connector_of("carl"), "sim", clock);
        let (mut fleet, mut deltas, held) = read(&cluster, &[&mine, &other]).await;
        let at_first = sim.tally("carl").forbidden;
        assert!(at_first > 0, "somebody who may see one namespace is refused the rest");
        let (send, mut measured) = mpsc::channel(256);
        let meters = Meters::start(&cluster, "openclaw.ai/tenant", &send);
        meters.nodes(Meters::nodes_of(&fleet));
        let quiet = async {
            loop {
                let delta = tokio::select! {
                    Some(delta) = deltas.recv() => delta,
                    Some(delta) = measured.recv() => delta,
                    else => break,
                };
                fleet.apply(delta, cluster.clock().now());
            }
        };
        _ = timeout(Duration::from_secs(600), quiet).await;
        let refused = sim.tally("carl").forbidden - at_first;
        // Each meter may find out once that it is closed.
        assert!(refused <= 4, "{refused} requests were refused in ten minutes in which nobody did anything");
        drop((held, meters));
    }

    #[tokio::test]
    async fn a_server_that_cannot_be_asked_leaves_rights_unknown() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let home = crate::bad_input::home(&format!("http://{nobody}"), "{}");
        let cluster = as_user(&home.path().join(".kube/config")).await;
        let mut access = Access::default();
        let error = access.rights(&cluster, None).await.unwrap_err();
        assert_eq!(error.fault, Fault::Unreachable);
        assert_eq!(access.known(&Ask::of(Right::Logs, None)), None);
    }
}

mod on_control_plane {
    use super::*;

    #[tokio::test]
    async fn a_shell_needs_what_the_server_wants() {
        let Some(site) = Site::control_plane().await else { return };
        super::a_shell_needs_what_the_server_wants(&site).await;
    }

    #[tokio::test]
    async fn each_role_may_what_it_says_and_no_more() {
        let Some(site) = Site::control_plane().await else { return };
        super::each_role_may_what_it_says_and_no_more(&site).await;
    }

    #[tokio::test]
    async fn a_role_in_one_namespace_is_told_so() {
        let Some(site) = Site::control_plane().await else { return };
        super::a_role_in_one_namespace_is_told_so(&site).await;
        // One refusal per kind and place, as the server counted them.
        let plane = ControlPlane::shared().unwrap();
        let asked = plane.requests_of(&format!("{}-dana", site.prefix));
        let mut refused = BTreeSet::new();
        for request in asked.iter().filter(|r| r.code == 403) {
            let what = (request.verb.clone(), request.resource.clone(), request.namespace.clone());
            assert!(refused.insert(what), "asked again: {request:?}");
        }
        assert!(refused.len() > 6, "{refused:?}");
        let reviews = asked.iter().filter(|r| r.resource.starts_with("selfsubject")).count();
        assert!(reviews < 40, "{reviews} reviews");
    }

    #[tokio::test]
    async fn answers_are_remembered() {
        let Some(site) = Site::control_plane().await else { return };
        super::answers_are_remembered(&site).await;
    }

    #[tokio::test]
    async fn the_server_knows_who_asks() {
        let Some(site) = Site::control_plane().await else { return };
        site.roles().await;
        let cluster = site.bound("agent", "reader", None).await;
        drop(cluster);
        let plane = ControlPlane::shared().unwrap();
        let asked = plane.requests_of(&format!("{}-agent", site.prefix));
        let agent = concat!("fleetdeck/", env!("CARGO_PKG_VERSION"));
        assert!(!asked.is_empty() && asked.iter().all(|r| r.agent == agent), "{asked:?}");
    }
}
