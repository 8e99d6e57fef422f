//! From an authorised request to its answer.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};

use super::answer::{self, Shape};
use super::kinds::{self, Kind};
use super::rbac::{self, User};
use super::route::{Ask, Query};
use super::status::Status;
use super::{Api, discovery, edit, protobuf, subresource, watch};

/// The API server's limit on a request's body.
const MAX_BODY: usize = 3 << 20;

/// One request, read completely.
pub(crate) struct Call {
    pub ask: Ask,
    pub query: Query,
    pub user: User,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Call {
    /// The media type of the body, without parameters.
    pub(crate) fn content_type(&self) -> &str {
        let value = self.headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    /// A body in protobuf becomes the same object in JSON.
    fn translate(&mut self) -> Result<(), Status> {
        if self.content_type() == protobuf::MEDIA_TYPE && !self.body.is_empty() {
            self.body = protobuf::to_json(&self.body)?.to_string().into_bytes();
            self.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(())
    }
}

pub(crate) async fn dispatch(
    State(api): State<Api>,
    Extension(ask): Extension<Ask>,
    Extension(query): Extension<Query>,
    Extension(user): Extension<User>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) => {
            let message = format!("Request entity too large: limit is {MAX_BODY}");
            return Status::new(413, "RequestEntityTooLarge", message).into_response();
        }
    };
    let mut call = Call { ask, query, user, headers: head.headers, body };
    if let Err(status) = call.translate() {
        return status.into_response();
    }
    let work = || serve(&api, &call).unwrap_or_else(IntoResponse::into_response);
    api.store.audit.of(&call, work, |response| response.status().as_u16())
}

fn serve(api: &Api, call: &Call) -> Result<Response, Status> {
    let ask = &call.ask;
    if !ask.is_resource() {
        return Ok(discovery::serve(ask, &call.headers).unwrap_or_else(not_found_page));
    }
    if matches!(ask.group.as_str(), "authorization.k8s.io" | "authentication.k8s.io") && ask.version == "v1" {
        return review(api, call);
    }
    let Some(kind) = ask.kind() else {
        let served = discovery::is_group_version(&ask.group, &ask.version);
        return if served { Err(Status::no_such_path()) } else { Ok(not_found_page()) };
    };
    let misplaced = !ask.namespace.is_empty() && !kind.namespaced && kind != kinds::NAMESPACE;
    let unknown = !ask.subresource.is_empty() && !kind.subresources.contains(&ask.subresource.as_str());
    if misplaced || unknown || (kind.namespaced && ask.namespace.is_empty() && !ask.name.is_empty()) {
        return Err(Status::no_such_path());
    }
    match (ask.verb, ask.subresource.as_str()) {
        ("list" | "watch" | "get", "" | "status") => read(api, call, kind),
        ("create", "") if ask.name.is_empty() && (!kind.namespaced || !ask.namespace.is_empty()) => {
            edit::create(api, call, kind)
        }
        ("update", "" | "status" | "finalize") if !ask.name.is_empty() => edit::replace(api, call, kind),
        ("patch", "" | "status") if !ask.name.is_empty() => edit::patch(api, call, kind),
        ("delete", "") => edit::delete(api, call, kind),
        ("deletecollection", "") if kind != kinds::NAMESPACE && (!kind.namespaced || !ask.namespace.is_empty()) => {
            edit::delete_collection(api, call, kind)
        }
        ("create", "eviction") => subresource::evict(api, call),
        ("create", "binding") => subresource::bind(api, call),
        ("get" | "update" | "patch", "scale") => subresource::scale(api, call, kind),
        _ => Err(Status::method_not_allowed()),
    }
}

/// What Go's router answers where there is nothing at all.
fn not_found_page() -> Response {
    answer::response(404, "text/plain; charset=utf-8", Body::from("404 page not found\n"))
}

fn read(api: &Api, call: &Call, kind: &'static Kind) -> Result<Response, Status> {
    let ask = &call.ask;
    let shape = Shape::wanted(&call.headers, &call.query)?;
    let now = api.store.now();
    let namespace = ask.shelf(kind);
    match ask.verb {
        "get" => {
            let stored =
                api.store.stored_one(kind, namespace, &ask.name).ok_or_else(|| Status::not_found(kind, &ask.name))?;
            Ok(answer::stored(200, &stored, shape, now))
        }
        "watch" if ask.name.is_empty() => watch::start(&api.store, kind, namespace, &call.query, shape),
        "watch" => watch::start(
            &api.store,
            kind,
            namespace,
            &call.query.with("fieldSelector", &format!("metadata.name={}", ask.name)),
            shape,
        ),
        _ => {
            let page = api.pages.page(&api.store, kind, namespace, &call.query)?;
            Ok(answer::list(kind, &page, shape, now))
        }
    }
}

fn review(api: &Api, call: &Call) -> Result<Response, Status> {
    let answered = |value: &Value| Ok(answer::json(201, value));
    match (call.ask.verb, call.ask.resource.as_str()) {
        ("create", "selfsubjectaccessreviews") => {
            answered(&rbac::access_review(&api.store, &call.user, &super::body::json(&call.body)?)?)
        }
        ("create", "selfsubjectrulesreviews") => {
            answered(&rbac::rules_review(&api.store, &call.user, &super::body::json(&call.body)?))
        }
        ("create", "selfsubjectreviews") => answered(&json!({
            "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {},
            "status": {"userInfo": {"username": call.user.name, "groups": call.user.groups}},
        })),
        _ => Err(Status::no_such_path()),
    }
}
