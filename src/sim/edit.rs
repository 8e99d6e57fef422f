//! The writing requests for objects as such: create, replace, patch, apply, delete.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};

use super::Api;
use super::answer::{self, Shape};
use super::apply::{self, Apply};
use super::body;
use super::delete::{DeleteOptions, Deleted, Propagation};
use super::dispatch::Call;
use super::kinds::Kind;
use super::object::{metadata_mut, name_of, namespace_of, text_at, uid_of};
use super::patch;
use super::status::{self, Cause, Status};
use super::strict;
use super::validate;
use super::write::{Operation, Write};

/// Who writes: the `fieldManager` of the query, or the program that the user agent names.
pub(crate) fn write_of(call: &Call) -> Result<Write, Status> {
    let manager = call.query.get("fieldManager");
    if manager.len() > 128 {
        return Err(options_invalid(
            call,
            "fieldManager",
            "FieldValueTooLong",
            "Too long: may not be more than 128 bytes",
        ));
    }
    let agent = call.headers.get(http::header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let manager = if manager.is_empty() { agent.split('/').next().unwrap_or_default() } else { manager };
    let mut write = Write::by(if manager.is_empty() { "unknown" } else { manager });
    write.subresource = match call.ask.subresource.as_str() {
        "status" => "status",
        "scale" => "scale",
        _ => "",
    };
    write.dry_run = dry_run(call)?;
    Ok(write)
}

fn options_invalid(call: &Call, field: &str, reason: &str, message: &str) -> Status {
    let kind = match call.ask.verb {
        "create" => "CreateOptions",
        "update" => "UpdateOptions",
        "patch" => "PatchOptions",
        _ => "DeleteOptions",
    };
    let mut status = Status::new(422, "Invalid", format!("{kind}.meta.k8s.io \"\" is invalid: {field}: {message}"))
        .with_causes(vec![Cause::new(reason, message, field)]);
    if let Some(details) = &mut status.details {
        (details.group, details.kind) = ("meta.k8s.io".into(), kind.into());
    }
    status
}

pub(crate) fn dry_run(call: &Call) -> Result<bool, Status> {
    let mut on = false;
    for value in call.query.all("dryRun") {
        if value != "All" {
            let message = format!("Unsupported value: [{}]: supported values: \"All\"", json!(value));
            return Err(options_invalid(call, "dryRun", "FieldValueNotSupported", &message));
        }
        on = true;
    }
    Ok(on)
}

fn answer(
    api: &Api,
    call: &Call,
    kind: &'static Kind,
    code: u16,
    object: &Arc<Value>,
    warnings: &[String],
) -> Result<Response, Status> {
    let shape = Shape::wanted(&call.headers, &call.query)?;
    let mut response = answer::object(code, kind, object, shape, api.store.now());
    for warning in warnings {
        // A warning that is no header value (control characters) is dropped, as nobody could read it.
        if let Ok(value) = http::HeaderValue::from_str(&format!("299 - {}", json!(warning))) {
            response.headers_mut().append(http::header::WARNING, value);
        }
    }
    Ok(response)
}

/// The body as an object of the kind that the path names, in the place that the path names.
fn object_of(call: &Call, kind: &'static Kind) -> Result<(Value, Vec<String>), Status> {
    let (mut object, warnings) = body::read(call, kind)?;
    let ask = &call.ask;
    if kind.namespaced {
        let own = namespace_of(&object);
        if !own.is_empty() && own != ask.namespace {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        metadata_mut(&mut object)?.insert("namespace".into(), ask.namespace.clone().into());
    }
    if !ask.name.is_empty() {
        let own = name_of(&object).to_owned();
        if own != ask.name && !(own.is_empty() && ask.verb == "patch") {
            let name = &ask.name;
            return Err(Status::bad_request(format!(
                "the name of the object ({own}) does not match the name on the URL ({name})"
            )));
        }
        metadata_mut(&mut object)?.insert("name".into(), ask.name.clone().into());
    }
    Ok((object, warnings))
}

pub(crate) fn create(api: &Api, call: &Call, kind: &'static Kind) -> Result<Response, Status> {
    let write = write_of(call)?;
    let (object, warnings) = object_of(call, kind)?;
    if !text_at(&object, &["metadata", "resourceVersion"]).is_empty() {
        return Err(Status::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    let created = api.store.create_with(kind, object, &write)?;
    answer(api, call, kind, 201, &created, &warnings)
}

pub(crate) fn replace(api: &Api, call: &Call, kind: &'static Kind) -> Result<Response, Status> {
    let write = write_of(call)?;
    let (object, warnings) = object_of(call, kind)?;
    let written = api.store.update(kind, call.ask.shelf(kind), &call.ask.name, &write, |old| {
        if call.ask.subresource == "finalize" {
            let mut new = old.clone();
            new["spec"]["finalizers"] = object["spec"]["finalizers"].clone();
            return Ok(new);
        }
        Ok(object)
    })?;
    answer(api, call, kind, 200, &written, &warnings)
}

pub(crate) fn patch(api: &Api, call: &Call, kind: &'static Kind) -> Result<Response, Status> {
    let mut write = write_of(call)?;
    let (namespace, name) = (call.ask.shelf(kind), call.ask.name.as_str());
    let content_type = call.content_type();
    match content_type {
        "application/apply-patch+yaml" => {
            if call.query.get("fieldManager").is_empty() {
                let message = "Required value: is required for apply patch";
                return Err(options_invalid(call, "fieldManager", "FieldValueRequired", message));
            }
            write.operation = Operation::Apply;
            return server_side_apply(api, call, kind, &write);
        }
        "application/json-patch+json" | "application/merge-patch+json" | "application/strategic-merge-patch+json" => {}
        _ => {
            let mut status = Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
            status.details = Some(Box::default());
            return Err(status);
        }
    }
    if call.query.truth("force") {
        let message = "Forbidden: may not be specified for non-apply patch";
        return Err(options_invalid(call, "force", "FieldValueForbidden", message));
    }
    let patch_body = body::json(&call.body)?;
    let mut warnings = Vec::new();
    let written = api.store.update(kind, namespace, name, &write, |old| {
        let mut new = old.clone();
        match content_type {
            "application/json-patch+json" => patch::json(&mut new, &patch_body)?,
            "application/merge-patch+json" => patch::merge(&mut new, &patch_body),
            _ => patch::strategic(kind, &mut new, &patch_body)?,
        }
        warnings = strict::check_patched(call.query.get("fieldValidation"), kind, &new)?;
        Ok(new)
    })?;
    answer(api, call, kind, 200, &written, &warnings)
}

fn server_side_apply(api: &Api, call: &Call, kind: &'static Kind, write: &Write) -> Result<Response, Status> {
    let (config, warnings) = object_of(call, kind)?;
    let how = Apply { manager: &write.manager, force: call.query.truth("force"), subresource: write.subresource };
    let (namespace, name) = (call.ask.shelf(kind), call.ask.name.as_str());
    let (version, uid) = (text_at(&config, &["metadata", "resourceVersion"]).to_owned(), uid_of(&config).to_owned());
    if api.store.stored_one(kind, namespace, name).is_none() {
        if write.subresource == "status" {
            return Err(Status::not_found(kind, name));
        }
        if !uid.is_empty() {
            let cause = validate::invalid_value("metadata.uid", &json!(uid), "field is immutable");
            return Err(Status::invalid(kind, name, vec![cause]));
        }
        let fresh = apply::apply(kind, None, &config, &how)?;
        match api.store.create_with(kind, fresh, write) {
            Ok(created) => return answer(api, call, kind, 201, &created, &warnings),
            // Somebody was faster: apply to what is there now.
            Err(status) if status.reason == "AlreadyExists" => {}
            Err(status) => return Err(status),
        }
    }
    let written = api.store.update(kind, namespace, name, write, |old| {
        let mut new = apply::apply(kind, Some(old), &config, &how)?;
        if !version.is_empty() {
            new["metadata"]["resourceVersion"] = version.into();
        }
        if !uid.is_empty() {
            new["metadata"]["uid"] = uid.into();
        }
        Ok(new)
    })?;
    answer(api, call, kind, 200, &written, &warnings)
}

/// `DeleteOptions` from a body, with the query's values where the body has none.
pub(crate) fn delete_options(call: &Call, body: &Value) -> Result<DeleteOptions, Status> {
    let grace = body["gracePeriodSeconds"].as_i64().or_else(|| call.query.get("gracePeriodSeconds").parse().ok());
    let policy = body["propagationPolicy"].as_str().unwrap_or_else(|| call.query.get("propagationPolicy"));
    let orphan = body["orphanDependents"].as_bool().unwrap_or_else(|| call.query.truth("orphanDependents"));
    let propagation = match policy {
        "" => orphan.then_some(Propagation::Orphan),
        "Background" => Some(Propagation::Background),
        "Foreground" => Some(Propagation::Foreground),
        "Orphan" => Some(Propagation::Orphan),
        other => {
            let values = "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"";
            let message = format!("Unsupported value: {}: {values}", json!(other));
            return Err(options_invalid(call, "propagationPolicy", "FieldValueNotSupported", &message));
        }
    };
    let dry = body["dryRun"].as_array().is_some_and(|list| list.iter().any(|v| v == "All"));
    let precondition = |key: &str| body["preconditions"][key].as_str().map(str::to_owned);
    Ok(DeleteOptions {
        grace: grace.map(|g| u64::try_from(g).unwrap_or(1)),
        propagation,
        uid: precondition("uid"),
        resource_version: precondition("resourceVersion"),
        dry_run: dry || dry_run(call)?,
    })
}

fn optional_body(call: &Call) -> Result<Value, Status> {
    if call.body.is_empty() { Ok(Value::Null) } else { body::json(&call.body) }
}

pub(crate) fn delete(api: &Api, call: &Call, kind: &'static Kind) -> Result<Response, Status> {
    let options = delete_options(call, &optional_body(call)?)?;
    let deleted = api.store.delete(kind, call.ask.shelf(kind), &call.ask.name, &options)?;
    match &deleted {
        Deleted::Gone(object) if !kind.returns_deleted => {
            Ok(answer::json(200, &status::deleted(kind, name_of(object), uid_of(object))))
        }
        _ => answer(api, call, kind, 200, deleted.object(), &[]),
    }
}

pub(crate) fn delete_collection(api: &Api, call: &Call, kind: &'static Kind) -> Result<Response, Status> {
    let mut options = delete_options(call, &optional_body(call)?)?;
    (options.uid, options.resource_version) = (None, None);
    let page = api.pages.page(&api.store, kind, call.ask.shelf(kind), &call.query)?;
    for stored in &page.items {
        match api.store.delete(kind, &stored.namespace, &stored.name, &options) {
            Err(status) if !status.is_not_found() => return Err(status),
            _ => {}
        }
    }
    Ok(answer::list(kind, &page, Shape::wanted(&call.headers, &call.query)?, api.store.now()))
}
