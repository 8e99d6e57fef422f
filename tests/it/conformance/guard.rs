//! The cluster's own guard over the tenants' data, on a real API server that has it: every way in which a claim is deleted.
//! The simulator stores the policy and does not judge by it, so that these stories are told once. A guard is of the whole
//! cluster: it has a control plane of its own, since other stories delete namespaces by hand.

use std::{path::Path, process::Command, time::Duration};

use fleetdeck::{
    cluster::{Address, Mode, Only},
    fleet::{Uid, detail::Guard, name::PURGE_ANNOTATION},
    index::digest::Labels,
    plan::{End, Intent, Pace},
};
use serde_json::{Value, json};

use super::{
    acting::{Operator, ready},
    world::World,
};
use crate::controlplane::{ControlPlane, Options, eventually};

const LONG: Duration = Duration::from_secs(60);
const CLAIM: &str = "PersistentVolumeClaim";
/// Whom the server names when it refuses.
const REFUSED: &str = "ValidatingAdmissionPolicy 'fleetdeck-guard' with binding 'fleetdeck-guard' denied request";

struct Site<'p> {
    plane: &'p ControlPlane,
    world: World,
}

impl Site<'_> {
    /// kubectl's success, and what it said.
    fn kubectl(&self, line: &str) -> (bool, String) {
        let mut command = Command::new(self.plane.kubectl());
        command.arg("--kubeconfig").arg(self.plane.kubeconfig_path()).args(line.split_whitespace());
        let done = command.output().unwrap();
        let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (done.status.success(), said)
    }

    fn does(&self, line: &str) {
        let (done, said) = self.kubectl(line);
        assert!(done, "kubectl {line}: {said}");
    }

    fn is_refused(&self, line: &str) {
        let (done, said) = self.kubectl(line);
        assert!(!done && said.contains(REFUSED), "kubectl {line}: {said}");
    }

    /// As its manifest says, and in force.
    async fn guarded(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/guard");
        self.does(&format!("apply -k {}", folder.display()));
        self.does("create namespace probe");
        self.does("label namespace probe openclaw.ai/tenant=probe");
        eventually("the guard is in force", LONG, || async {
            let (_, said) = self.kubectl("delete namespace probe --dry-run=server");
            said.contains(REFUSED).then_some(())
        })
        .await;
    }

    async fn claim(&self, namespace: &str, name: &str) -> Value {
        let at = Address::kind(CLAIM, namespace, name).unwrap();
        let claim = self.world.cluster.object(&at).await.unwrap();
        claim.unwrap_or_else(|| panic!("claim {namespace}/{name} is gone"))
    }

    async fn stays(&self, namespace: &str, name: &str) {
        let claim = self.claim(namespace, name).await;
        assert!(claim["metadata"].get("deletionTimestamp").is_none(), "{claim}");
    }

    async fn mark(&self, at: &Address, uid: &str) {
        let live = self.world.cluster.object(at).await.unwrap().unwrap();
        let only = Only { uid: uid_of(&live).parse().unwrap(), version: None };
        self.world.cluster.annotate(at, only, "somebody", &json!({ PURGE_ANNOTATION: uid })).await.unwrap();
    }

    /// Until the server has refused this controller to delete claims there.
    async fn refused_to(&self, controller: &str, namespace: &str) {
        let user = format!("system:serviceaccount:kube-system:{controller}");
        eventually(&format!("{controller} is refused"), LONG, || async {
            let asked = self.plane.requests_of(&user);
            let of_claims = |r: &&crate::controlplane::Request| {
                r.resource == "persistentvolumeclaims" && r.namespace == namespace && r.verb.starts_with("delete")
            };
            asked.iter().filter(of_claims).any(|r| r.code == 403).then_some(())
        })
        .await;
    }
}

fn uid_of(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap().to_owned()
}

mod on_control_plane {
    use super::*;

    #[tokio::test]
    async fn no_way_of_deleting_a_tenants_data_passes_but_a_purge() {
        let Some(plane) = ControlPlane::apart(&Options::default()) else { return };
        let world = World::of_plane(&plane, "no_way_of_deleting").await;
        let site = Site { plane: &plane, world };
        assert_eq!(site.world.cluster.guard(&Labels::default()).await.unwrap(), Guard::Absent);
        site.guarded().await;
        assert_eq!(site.world.cluster.guard(&Labels::default()).await.unwrap(), Guard::Whole);

        // A fleet that another label tells is guarded from when its Namespaces carry the guard's label, too.
        let theirs = Labels { tenant: "app.kubernetes.io/instance".to_owned(), ..Labels::default() };
        let labelled = async || match site.world.cluster.guard(&theirs).await.unwrap() {
            Guard::Labelled { namespaces, .. } => namespaces.into_iter().collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(labelled().await, ["probe"]);
        site.does("create namespace oc-ada");
        let claim = r#"{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "oc-ada",
            "labels": {"app.kubernetes.io/instance": "ada"}}, "spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}}}"#;
        site.world.cluster.apply(&serde_json::from_str(claim).unwrap(), Mode::Live).await.unwrap();
        site.does("label namespace oc-ada openclaw.ai/tenant=ada");
        assert_eq!(labelled().await, ["oc-ada", "probe"]);
        // The server hears of the label when it next looks.
        eventually("oc-ada's claim is guarded", LONG, || async {
            let (done, said) = site.kubectl("delete pvc data -n oc-ada --dry-run=server");
            assert!(done || said.contains(REFUSED), "{said}");
            (!done).then_some(())
        })
        .await;

        let mut operator = Operator::new(&site.world).await;
        let (kept, purged) = (site.world.spec("kept"), site.world.spec("purged"));
        for spec in [&kept, &purged] {
            operator.create(spec).await;
        }
        let ns = kept.namespace();
        by_hand(&site, &ns).await;
        by_owners(&site, &ns).await;
        by_retention(&site, &ns).await;

        // Ours passes, for it says first what it means to delete.
        let name = purged.namespace();
        let plan = operator.plan(Intent::Delete { purge: true }, Pace::default(), &[&name], ready).await.unwrap();
        let told = operator.run(&plan).await;
        assert_eq!(told.end(), End::Done, "{}", told.said());
        assert_eq!(site.world.cluster.namespace_uid(&name).await.unwrap(), None);

        by_the_namespace(&site, &ns).await;

        // Nobody else is in its way, and who weakens it is told.
        site.does("create namespace others");
        site.does("delete namespace others");
        let merge = "--type=merge -p {\"spec\":{\"validationActions\":[\"Audit\"]}}";
        site.does(&format!("patch validatingadmissionpolicybinding fleetdeck-guard {merge}"));
        let weak = Guard::Altered { fields: vec!["spec.validationActions[0]".to_owned()] };
        assert_eq!(site.world.cluster.guard(&Labels::default()).await.unwrap(), weak);
        site.does("delete validatingadmissionpolicybinding fleetdeck-guard");
        assert_eq!(site.world.cluster.guard(&Labels::default()).await.unwrap(), Guard::Unbound);
    }
}

async fn by_hand(site: &Site<'_>, ns: &str) {
    site.is_refused(&format!("delete pvc app-data -n {ns}"));
    site.is_refused(&format!("delete pvc --all -n {ns} --force --grace-period=0"));
    site.is_refused(&format!("delete namespace {ns}"));
    // One request for all claims of a namespace.
    site.is_refused(&format!("delete --raw /api/v1/namespaces/{ns}/persistentvolumeclaims"));
    // The UID of another claim opens nothing.
    let other = uid_of(&site.claim(ns, "config-data").await);
    site.mark(&Address::kind(CLAIM, ns, "app-data").unwrap(), &other).await;
    site.is_refused(&format!("delete pvc app-data -n {ns}"));
    // The words say what would.
    let uid = uid_of(&site.claim(ns, "app-data").await);
    let (_, said) = site.kubectl(&format!("delete pvc app-data -n {ns}"));
    assert!(said.contains("--purge-data") && said.contains(&uid), "{said}");
    // Our own client sees a refusal of the cluster, not a missing right.
    let at = Address::kind(CLAIM, ns, "app-data").unwrap();
    let only = Only { uid: uid.parse::<Uid>().unwrap(), version: None };
    let error = site.world.cluster.remove(&at, only, Mode::Live).await.unwrap_err();
    assert!(error.said.contains("denied request") && error.exit_code() != 5, "{error}");
    for name in ["app-data", "config-data"] {
        site.stays(ns, name).await;
    }
}

/// The garbage collector follows an owner that is gone.
async fn by_owners(site: &Site<'_>, ns: &str) {
    site.does(&format!("create configmap owner -n {ns}"));
    let at = Address::kind("ConfigMap", ns, "owner").unwrap();
    let owner = uid_of(&site.world.cluster.object(&at).await.unwrap().unwrap());
    let owned = json!({ "metadata": { "ownerReferences":
        [{ "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner }] } });
    let claim = Address::kind(CLAIM, ns, "config-data").unwrap();
    site.world.cluster.merge(&claim, "somebody", &owned).await.unwrap();
    site.does(&format!("delete configmap owner -n {ns}"));
    site.refused_to("generic-garbage-collector", ns).await;
    site.stays(ns, "config-data").await;
    let free = json!({ "metadata": { "ownerReferences": null } });
    site.world.cluster.merge(&claim, "somebody", &free).await.unwrap();
}

/// A StatefulSet by another hand, whose retention policy deletes what it made; its claim has no label.
async fn by_retention(site: &Site<'_>, ns: &str) {
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "other", "namespace": ns },
        "spec": {
            "serviceName": "other", "replicas": 1, "selector": { "matchLabels": { "app": "other" } },
            "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Delete", "whenScaled": "Retain" },
            "template": {
                "metadata": { "labels": { "app": "other" } },
                "spec": { "containers": [{ "name": "c", "image": "busybox" }] },
            },
            "volumeClaimTemplates": [{
                "metadata": { "name": "data" },
                "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
            }],
        },
    });
    site.world.cluster.create(&set).await.unwrap();
    let owned = || async {
        let at = Address::kind(CLAIM, ns, "data-other-0").unwrap();
        let claim = site.world.cluster.object(&at).await.unwrap()?;
        claim["metadata"]["ownerReferences"].is_array().then_some(())
    };
    eventually("its claim, which it owns", LONG, owned).await;
    let before = site.claim(ns, "data-other-0").await;
    assert!(before["metadata"]["labels"].get("openclaw.ai/tenant").is_none(), "{before}");
    site.does(&format!("delete statefulset other -n {ns}"));
    eventually("the garbage collector has asked for it", LONG, || async {
        let asked = site.plane.requests_of("system:serviceaccount:kube-system:generic-garbage-collector");
        let refused = asked.iter().filter(|r| r.resource == "persistentvolumeclaims" && r.code == 403);
        // One of the story before, and one of this.
        (refused.count() > 1).then_some(())
    })
    .await;
    site.stays(ns, "data-other-0").await;
}

/// A Namespace that goes, with claims that nobody meant: it waits for them.
async fn by_the_namespace(site: &Site<'_>, ns: &str) {
    let at = Address::kind("Namespace", "", ns).unwrap();
    let uid = uid_of(&site.world.cluster.object(&at).await.unwrap().unwrap());
    site.mark(&at, &uid).await;
    site.does(&format!("delete namespace {ns} --wait=false"));
    site.refused_to("namespace-controller", ns).await;
    for name in ["app-data", "config-data", "data-other-0"] {
        site.stays(ns, name).await;
        let uid = uid_of(&site.claim(ns, name).await);
        site.mark(&Address::kind(CLAIM, ns, name).unwrap(), &uid).await;
    }
    eventually("the namespace goes once its claims may", LONG, || async {
        site.world.cluster.namespace_uid(ns).await.unwrap().is_none().then_some(())
    })
    .await;
}
