//! Is this a cluster to play with?

/// What the tools that make such clusters call their contexts.
const PLAY: [&str; 7] = ["kind-", "k3d-", "minikube", "orbstack", "docker-desktop", "rancher-desktop", "colima"];

/// `told`: the person says that this cluster is meant.
///
/// # Errors
/// Why no fleet is made there, and what to do.
pub(super) fn is_meant(context: &str, protected: bool, told: bool) -> Result<(), String> {
    if protected {
        return Err(format!("refused: the configuration marks context {context} as protected: no demo is made there"));
    }
    if told || is_play(context) {
        return Ok(());
    }
    Err(format!(
        "refused: context {context} is not evidently a cluster to play with ({}): the demo makes tenants there and breaks \
         them; if it is meant, say --on-this-cluster",
        PLAY.join(", ")
    ))
}

/// By its name alone: a word that ends in `-` begins it, another one is the whole or is followed by `-`.
fn is_play(context: &str) -> bool {
    PLAY.iter().any(|word| match context.strip_prefix(word) {
        Some("") => !word.ends_with('-'),
        Some(rest) => word.ends_with('-') || rest.starts_with('-'),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_evidently_for_play_passes_unasked() {
        for play in
            ["kind-kind", "kind-fleetdeck-demo", "k3d-x", "minikube", "minikube-m02", "orbstack", "docker-desktop"]
        {
            assert!(is_meant(play, false, false).is_ok(), "{play}");
            assert!(is_meant(play, true, true).unwrap_err().contains("protected"), "{play}");
        }
        for real in
            ["", "prod", "kind-", "kinds", "kubernetes-admin@kind", "minikubes", "aks-minikube", "my-docker-desktop"]
        {
            let refused = is_meant(real, false, false);
            assert!(refused.is_err() && is_meant(real, false, true).is_ok(), "{real}");
        }
    }
}
