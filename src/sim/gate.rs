//! What every request passes before it is served: who sends it, whether it hits a fault, whether the sender may.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::faults::{self, Fault};
use super::rbac;
use super::route::{Ask, Query};

/// Lets a request through, with its `Ask`, `Query` and `User` as extensions.
pub(crate) async fn gate(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let ask = Ask::parse(request.method(), request.uri().path(), &query);
    let user = match rbac::authenticate(&api.store, request.headers()) {
        Ok(user) => user,
        Err(status) => return status.into_response(),
    };
    let fault = api.faults.pick(&user, &ask);
    if let Some(fault) = &fault {
        if let Some(response) = faults::instead(fault, &ask) {
            return response;
        }
        match fault {
            Fault::Stall => std::future::pending::<()>().await,
            Fault::Slow(by) => tokio::time::sleep(*by).await,
            _ => {}
        }
    }
    if let Err(status) = rbac::authorise(&api.store, &user, &ask) {
        api.store.audit.forbade(&user.name);
        return status.into_response();
    }
    let is_stream = ask.verb == "watch" || query.truth("follow");
    let extensions = request.extensions_mut();
    extensions.insert(ask);
    extensions.insert(query);
    extensions.insert(user);
    let mut response = next.run(request).await;
    if is_stream {
        response = api.faults.breakable(response);
    }
    match fault {
        Some(fault) => faults::spoil(&fault, response),
        None => response,
    }
}
