//! The API that kubelets and aggregated servers serve: logs, exec, port-forward, node stats, metrics.

use axum::Router;

use super::Api;

/// Routes beside those of the API machinery; requests come here authenticated and authorised, with `route::Ask`,
/// `route::Query` and `rbac::User` as extensions.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
}
