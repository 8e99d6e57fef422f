//! `fleetdeck demo --context NAME`: a fleet of stand-ins on a cluster to play with, made and taken away by the plans that
//! make and delete any tenant. Only namespaces that carry the demo's label are touched.

mod clean;
mod ground;
mod make;
mod nodes;
mod waits;

use serde_json::Value;

use super::super::{args, failure::Failure, may_change, open};
use crate::{
    cluster::{Cluster, Prompt, Scope},
    config::Config,
    fleet::Uid,
    manifest::Defaults,
};

/// On every object that the demo makes.
const LABEL: (&str, &str) = ("fleetdeck-demo", "true");
/// Tenants that are acted on at once: one small node bears it.
const AT_ONCE: u32 = 4;

/// Makes or completes the fleet and opens the console on it, or takes it away.
pub(super) async fn run(config: &Config, options: &args::Demo) -> Result<(), Failure> {
    let (cluster, scope) = open(config, Prompt::May).await?;
    may_change(config, &cluster)?;
    // Its tenants are ours, whatever tells those of the fleet that this person runs.
    let is_usual = scope.labels.tenant == Scope::default().labels.tenant && scope.select.is_empty();
    let scope = Scope { namespaces: scope.namespaces, ..Scope::default() };
    let file = config.kubeconfig.as_ref().map_or_else(String::new, |file| format!(" --kubeconfig {}", file.display()));
    let there = format!("--context {}{file}", cluster.context());
    let protected = config.of_context(cluster.context()).protected;
    // Of the fleet's defaults only who leads to it is the play cluster's own affair: pools and disks are another's.
    let doors = Defaults {
        ingress_class: config.defaults.ingress_class.clone(),
        ingress_namespace: config.defaults.ingress_namespace.clone(),
        ..Defaults::default()
    };
    let site = Site { cluster, scope, doors, there, is_usual };
    if options.clean {
        // Whatever carries the label was made by a demo, so that no name of the context stands in the way.
        return clean::run(&site, options).await;
    }
    ground::is_meant(site.cluster.context(), protected, options.on_this_cluster).map_err(Failure::Refused)?;
    make::run(config, &site, options).await
}

/// Where the demo is played.
struct Site {
    cluster: Cluster,
    scope: Scope,
    doors: Defaults,
    /// What leads another command there.
    there: String,
    /// Other commands see the demo's tenants, too.
    is_usual: bool,
}

/// A namespace of the demo.
struct Own {
    name: String,
    uid: Uid,
}

impl Site {
    /// The namespaces that carry the demo's label.
    async fn own(&self) -> Result<Vec<Own>, Failure> {
        let (key, value) = LABEL;
        let found = self.cluster.objects("Namespace", "", &format!("{key}={value}")).await?;
        let text = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        // One that was passed over would be left behind, and called gone.
        let own = found.iter().map(|object| {
            let name = text(object, "/metadata/name").unwrap_or_default();
            let uid = text(object, "/metadata/uid").and_then(|uid| uid.parse().ok());
            uid.map(|uid| Own { name: name.clone(), uid })
                .ok_or_else(|| Failure::Failed(format!("namespace {name} of the demo has no UID that can be read")))
        });
        own.collect()
    }
}
