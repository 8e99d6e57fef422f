//! Answers: JSON as it is stored, metadata only, or the Table that kubectl prints, by the request's Accept header.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::{Frame, SizeHint};
use serde_json::{Value, json};

use super::kinds::Kind;
use super::list::Page;
use super::object::Stored;
use super::route::Query;
use super::status::Status;
use super::table;

/// In which shape a client wants objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Whole,
    Metadata,
    Table(table::Include),
}

impl Shape {
    /// The first acceptable shape; 406 if there is none.
    pub(crate) fn wanted(headers: &HeaderMap, query: &Query) -> Result<Shape, Status> {
        let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("*/*");
        for part in accept.split(',') {
            let mut params = part.split(';').map(str::trim);
            if !matches!(params.next(), Some("application/json" | "*/*" | "application/*" | "")) {
                continue;
            }
            match params.find_map(|p| p.strip_prefix("as=")) {
                None => return Ok(Shape::Whole),
                Some("Table") => return Ok(Shape::Table(table::Include::parse(query.get("includeObject"))?)),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Shape::Metadata),
                Some(_) => {}
            }
        }
        Err(Status::new(
            406,
            "NotAcceptable",
            "406: Not Acceptable\n\nAvailable representations: application/json, application/json;stream=watch",
        ))
    }
}

/// A body of known length made of shared pieces.
struct Pieces {
    pieces: VecDeque<Bytes>,
    left: u64,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front();
        self.left -= piece.as_ref().map_or(0, |p| p.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

pub(crate) fn response(code: u16, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

pub(crate) fn json(code: u16, value: &Value) -> Response {
    let mut text = value.to_string();
    text.push('\n');
    response(code, "application/json", Body::from(text))
}

impl axum::response::IntoResponse for Status {
    fn into_response(self) -> Response {
        let mut response = json(self.code, &self.to_json());
        if let Some(seconds) = self.details.and_then(|d| d.retry_after) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// One object that came out of a write.
pub(crate) fn object(
    code: u16,
    kind: &'static Kind,
    value: &Arc<Value>,
    shape: Shape,
    now: jiff::Timestamp,
) -> Response {
    match shape {
        Shape::Whole => json(code, value),
        Shape::Metadata => json(code, &metadata_only(value)),
        Shape::Table(include) => json(code, &table::of(kind, std::slice::from_ref(value), include, true, now)),
    }
}

/// One stored object, without parsing it where the client wants it whole.
pub(crate) fn stored(code: u16, stored: &Stored, shape: Shape, now: jiff::Timestamp) -> Response {
    match shape {
        Shape::Whole => response(code, "application/json", Body::from(stored.bytes())),
        _ => object(code, stored.kind, &stored.value(), shape, now),
    }
}

pub(crate) fn metadata_only(value: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": value["metadata"]})
}

fn list_meta(page: &Page) -> Value {
    let mut meta = json!({"resourceVersion": page.version.to_string()});
    if !page.token.is_empty() {
        meta["continue"] = page.token.clone().into();
    }
    if let Some(remaining) = page.remaining {
        meta["remainingItemCount"] = remaining.into();
    }
    meta
}

pub(crate) fn list(kind: &'static Kind, page: &Page, shape: Shape, now: jiff::Timestamp) -> Response {
    match shape {
        Shape::Whole => whole_list(kind, page),
        Shape::Metadata => {
            let items: Vec<Value> = page.items.iter().map(|s| metadata_only(&s.value())).collect();
            json(
                200,
                &json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": list_meta(page), "items": items}),
            )
        }
        Shape::Table(include) => {
            let values: Vec<_> = page.items.iter().map(|s| s.value()).collect();
            let mut table = table::of(kind, &values, include, true, now);
            table["metadata"] = list_meta(page);
            json(200, &table)
        }
    }
}

fn whole_list(kind: &'static Kind, page: &Page) -> Response {
    let head = format!(
        "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{},\"items\":[",
        kind.kind,
        kind.api_version(),
        list_meta(page)
    );
    let mut pieces = VecDeque::with_capacity(2 * page.items.len() + 2);
    pieces.push_back(Bytes::from(head));
    for (at, stored) in page.items.iter().enumerate() {
        pieces.push_back(Bytes::from_static(if at == 0 { b"{" } else { b",{" }));
        pieces.push_back(stored.rest());
    }
    pieces.push_back(Bytes::from_static(b"]}\n"));
    let left = pieces.iter().map(|p| p.len() as u64).sum();
    response(200, "application/json", Body::new(Pieces { pieces, left }))
}
