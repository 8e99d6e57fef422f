//! Reads the kubeconfig. Its errors never quote the file: it holds tokens.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::{
    super::{ClusterError, Fault, Place},
    proxy,
};
use crate::config::files;

/// One context of a kubeconfig, for a person to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextInfo {
    pub name: String,
    pub cluster: String,
    pub user: Option<String>,
    pub namespace: Option<String>,
    pub current: bool,
}

/// The contexts of the kubeconfig, in its order.
///
/// # Errors
/// An absent or unreadable kubeconfig.
pub fn contexts(file: Option<&Path>) -> Result<Vec<ContextInfo>, ClusterError> {
    let config = read(file)?;
    let current = config.current_context.clone();
    let infos = config.contexts.into_iter().map(|named| {
        let context = named.context.unwrap_or_default();
        ContextInfo {
            current: current.as_deref() == Some(&named.name),
            name: named.name,
            cluster: context.cluster,
            user: context.user,
            namespace: context.namespace,
        }
    });
    Ok(infos.collect())
}

/// The files that count where none is named, as kubectl sees it: KUBECONFIG's list, else `~/.kube/config`.
fn usual_files() -> Vec<PathBuf> {
    match std::env::var_os("KUBECONFIG").filter(|v| !v.is_empty()) {
        Some(list) => std::env::split_paths(&list).filter(|p| !p.as_os_str().is_empty()).collect(),
        None => std::env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}

pub(super) fn is_absent() -> bool {
    !usual_files().iter().any(|p| p.exists())
}

pub(super) fn in_pod() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

fn read(file: Option<&Path>) -> Result<Kubeconfig, ClusterError> {
    let files = match file {
        Some(file) => vec![file.to_owned()],
        None => {
            let (there, absent): (Vec<_>, Vec<_>) = usual_files().into_iter().partition(|p| p.exists());
            if there.is_empty() {
                let names: Vec<_> = absent.iter().map(|p| p.display().to_string()).collect();
                let said = format!("there is no kubeconfig: {} not found", names.join(", "));
                return Err(config_error(said, "name one with --kubeconfig or KUBECONFIG; or try `fleetdeck demo`"));
            }
            there
        }
    };
    let mut merged: Option<Kubeconfig> = None;
    for file in files {
        if files::is_half_utf16(&file) {
            let said = format!("the kubeconfig {} is UTF-16 that ends in the middle of a character", file.display());
            return Err(config_error(said, "it was cut off: write it anew, as UTF-8"));
        }
        let one = Kubeconfig::read_from(&file).map_err(|e| explain(&e, &file))?;
        merged = Some(match merged {
            None => one,
            Some(before) => before.merge(one).map_err(|e| explain(&e, &file))?,
        });
    }
    Ok(merged.unwrap_or_default())
}

fn config_error(said: impl Into<String>, advice: impl Into<String>) -> ClusterError {
    ClusterError::new(Fault::Config, &Arc::new(Place::default()), said, advice)
}

fn explain(error: &KubeconfigError, file: &Path) -> ClusterError {
    let file = file.display();
    match error {
        KubeconfigError::ReadConfig(e, path) => config_error(
            format!("the kubeconfig {} cannot be read: {e}", path.display()),
            "check the path and its rights",
        ),
        KubeconfigError::Parse(e) => {
            let at = e.location().map_or_else(String::new, |l| format!(":{}:{}", l.line(), l.column()));
            config_error(
                format!("{file}{at}: this is no kubeconfig (YAML error)"),
                "try `kubectl config view` with it, and mend what it names",
            )
        }
        other => config_error(format!("the kubeconfig {file} cannot be used: {other}"), ""),
    }
}

pub(super) async fn load(context: Option<&str>, file: Option<&Path>) -> Result<(Config, Place), ClusterError> {
    let kubeconfig = read(file)?;
    let known: Vec<String> = kubeconfig.contexts.iter().map(|c| c.name.clone()).collect();
    let source = file.map_or_else(
        || usual_files().iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "),
        |f| f.display().to_string(),
    );
    let choose = if known.is_empty() {
        format!("{source} has no contexts at all")
    } else {
        format!("known contexts: {}", known.join(", "))
    };
    let Some(name) =
        context.map(str::to_owned).or_else(|| kubeconfig.current_context.clone().filter(|c| !c.is_empty()))
    else {
        return Err(config_error(format!("{source} names no current context"), format!("pass --context; {choose}")));
    };
    let Some(named) = kubeconfig.contexts.iter().find(|c| c.name == name) else {
        return Err(config_error(format!("there is no context {name:?} in {source}"), choose));
    };
    let chosen = named.context.clone().unwrap_or_default();
    let cluster = kubeconfig.clusters.iter().find(|c| c.name == chosen.cluster).and_then(|c| c.cluster.clone());
    let mut place = Place {
        context: name.clone(),
        server: cluster.as_ref().and_then(|c| c.server.clone()).unwrap_or_default(),
        user: chosen.user.clone(),
        namespace: chosen.namespace.filter(|n| !n.is_empty()),
    };
    let own_proxy = cluster.and_then(|c| c.proxy_url).filter(|p| !p.is_empty());
    let options = KubeConfigOptions { context: Some(name), cluster: None, user: None };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|e| {
        let said = match &e {
            KubeconfigError::LoadClusterOfContext(cluster) => {
                format!("context {} names the cluster {cluster:?}, which {source} does not have", place.context)
            }
            KubeconfigError::MissingClusterUrl => format!("the cluster of context {} has no server URL", place.context),
            KubeconfigError::ParseClusterUrl(e) => {
                format!("the server URL {:?} of context {} is none: {e}", place.server, place.context)
            }
            other => format!("context {} of {source} cannot be used: {other}", place.context),
        };
        ClusterError::new(Fault::Config, &Arc::new(place.clone()), said, "mend the entry in the kubeconfig")
    })?;
    config.proxy_url =
        proxy::choose(own_proxy.as_deref(), &config.cluster_url, &proxy::Environment::read()).map_err(|said| {
            ClusterError::new(Fault::Config, &Arc::new(place.clone()), said, "an http:// or https:// URL is expected")
        })?;
    place.server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    Ok((config, place))
}
