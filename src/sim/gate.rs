//! What every request passes before it is served: who sends it, whether it hits a fault, whether the sender may.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::faults::{self, Fault};
use super::rbac::{self, User};
use super::route::{Ask, Query};

/// Lets a request through, with its `Ask`, `Query` and `User` as extensions.
pub(crate) async fn gate(State(api): State<Api>, request: Request, next: Next) -> Response {
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
            Fault::Late(by) => return late(*by, api, request, next, (ask, query, user)).await,
            _ => {}
        }
    }
    let response = pass(api, request, next, (ask, query, user)).await;
    match fault {
        Some(fault) => faults::spoil(&fault, response),
        None => response,
    }
}

/// Who asks for what.
type Asked = (Ask, Query, User);

/// What is on its way is not taken back by whoever goes away.
async fn late(by: Duration, api: Api, request: Request, next: Next, asked: Asked) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let way = tokio::spawn(async move {
        tokio::time::sleep(by).await;
        pass(api, Request::from_parts(head, Body::from(body)), next, asked).await
    });
    way.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn pass(api: Api, mut request: Request, next: Next, (ask, query, user): Asked) -> Response {
    if let Err(status) = rbac::authorise(&api.store, &user, &ask) {
        api.store.audit.forbade(&user.name);
        return status.into_response();
    }
    let is_stream = ask.verb == "watch" || query.truth("follow");
    let extensions = request.extensions_mut();
    extensions.insert(ask);
    extensions.insert(query);
    extensions.insert(user);
    let response = next.run(request).await;
    if is_stream { api.faults.breakable(response) } else { response }
}
