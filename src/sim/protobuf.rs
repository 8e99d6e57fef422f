//! Bodies in Kubernetes' protobuf, which kubectl's and other programs' typed clients send (`kubectl create namespace`): turned
//! into the JSON of the same object, so that nothing else needs to know. Answers are JSON; such clients take both.
//!
//! client-go falls back from a 415 only for CBOR, so a kind that is not in [`messages`] is refused as by a server that
//! speaks no protobuf for it, which is what the real one does for custom resources.

mod messages;

use serde_json::{Map, Value};

use self::messages::{Field, Type};
use super::{clock, defaults::base64, status::Status};

pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";
const MAGIC: &[u8] = b"k8s\0";

/// The JSON of an enveloped object.
pub(crate) fn to_json(body: &[u8]) -> Result<Value, Status> {
    let unknown = body.strip_prefix(MAGIC).and_then(|body| message(messages::UNKNOWN, body));
    let Some(unknown) = unknown else {
        return Err(Status::bad_request("provided data does not appear to be a protobuf message"));
    };
    let text = |field: &str| unknown.json["typeMeta"][field].as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let Some(fields) = messages::of(&api_version, &kind) else {
        return Err(unsupported());
    };
    let Some(object) = message(fields, &unknown.raw) else {
        return Err(Status::bad_request(format!(
            "{kind} in version \"{api_version}\" cannot be read: its protobuf is broken"
        )));
    };
    let mut json = object.json;
    json["apiVersion"] = api_version.into();
    json["kind"] = kind.into();
    Ok(json)
}

/// The server takes no body of that format here.
pub(crate) fn unsupported() -> Status {
    let message = "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml";
    Status::new(415, "UnsupportedMediaType", message)
}

/// A message that was read; `raw` is its field of that kind, where it has one.
struct Read {
    json: Value,
    raw: Vec<u8>,
}

/// `None` where the bytes are no such message. Fields that are not named are left out, as the format wants it.
fn message(fields: &[Field], mut bytes: &[u8]) -> Option<Read> {
    let (mut object, mut raw) = (Map::new(), Vec::new());
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let wire = wire(key & 7, &mut bytes)?;
        let Some(field) = u32::try_from(key >> 3).ok().and_then(|n| fields.iter().find(|f| f.number == n)) else {
            continue;
        };
        match (&field.of, &wire) {
            (Type::Raw, Wire::Bytes(bytes)) => raw = bytes.to_vec(),
            (Type::Map(of), Wire::Bytes(entry)) => {
                let (key, value) = entry_of(of, entry)?;
                object.entry(field.name).or_insert_with(|| Map::new().into()).as_object_mut()?.insert(key, value);
            }
            (Type::List(of), wire) => {
                let item = value(of, wire)?.unwrap_or_else(|| "".into());
                object.entry(field.name).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()?.push(item);
            }
            (of, wire) => {
                if let Some(value) = value(of, wire)? {
                    object.insert(field.name.to_owned(), value);
                }
            }
        }
    }
    Some(Read { json: object.into(), raw })
}

fn entry_of(of: &Type, mut entry: &[u8]) -> Option<(String, Value)> {
    let (mut key, mut item) = (String::new(), Value::from(""));
    while !entry.is_empty() {
        let tag = varint(&mut entry)?;
        match (tag >> 3, wire(tag & 7, &mut entry)?) {
            (1, Wire::Bytes(bytes)) => key = String::from_utf8(bytes.to_vec()).ok()?,
            (2, wire) => item = value(of, &wire)?.unwrap_or_else(|| "".into()),
            _ => {}
        }
    }
    Some((key, item))
}

/// One value; `Some(None)` where it is written and says nothing, as the senders do with empty texts and times.
fn value(of: &Type, wire: &Wire<'_>) -> Option<Option<Value>> {
    Some(match (of, wire) {
        (Type::Text, Wire::Bytes(bytes)) => {
            let text = std::str::from_utf8(bytes).ok()?;
            (!text.is_empty()).then(|| text.into())
        }
        (Type::Bytes, Wire::Bytes(bytes)) => Some(base64(bytes).into()),
        (Type::Flag, Wire::Number(n)) => Some((*n != 0).into()),
        // Negative numbers are written as their two's complement.
        (Type::Number, Wire::Number(n)) => Some(n.cast_signed().into()),
        (Type::Count, Wire::Number(n)) => (*n != 0).then(|| (*n).into()),
        (Type::Message(fields), Wire::Bytes(bytes)) => Some(message(fields, bytes)?.json),
        (Type::Quantity, Wire::Bytes(bytes)) => {
            Some(message(messages::QUANTITY, bytes)?.json.get("string").cloned().unwrap_or_else(|| "0".into()))
        }
        (Type::Time, Wire::Bytes(bytes)) => {
            let seconds = message(messages::TIME, bytes)?.json["seconds"].as_i64();
            seconds.and_then(|s| jiff::Timestamp::from_second(s).ok()).map(|at| clock::stamp(at).into())
        }
        _ => return None,
    })
}

enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn wire<'a>(kind: u64, bytes: &mut &'a [u8]) -> Option<Wire<'a>> {
    let take = |bytes: &mut &'a [u8], n: usize| {
        let (head, rest) = bytes.split_at_checked(n)?;
        *bytes = rest;
        Some(head)
    };
    Some(match kind {
        0 => Wire::Number(varint(bytes)?),
        1 => Wire::Bytes(take(bytes, 8)?),
        2 => {
            let n = usize::try_from(varint(bytes)?).ok()?;
            Wire::Bytes(take(bytes, n)?)
        }
        5 => Wire::Bytes(take(bytes, 4)?),
        _ => return None,
    })
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A field of bytes shorter than 128.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    fn envelope(api_version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &meta), &field(2, object), &field(3, b""), &field(4, b"")].concat()
    }

    #[test]
    fn what_kubectl_sends_becomes_the_same_object_in_json() {
        // As client-go writes it: empty texts and an empty creationTimestamp are there.
        let label = [field(1, b"team"), field(2, b"a")].concat();
        let meta = [
            field(1, b"demo"),
            field(2, b""),
            field(3, b""),
            vec![7 << 3, 0],
            field(8, b""),
            field(11, &label),
            field(14, b"x/y"),
        ]
        .concat();
        let namespace = [field(1, &meta), field(2, b""), field(3, &field(1, b""))].concat();
        let expect = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "demo", "labels": {"team": "a"}, "finalizers": ["x/y"]}, "spec": {}, "status": {},
        });
        assert_eq!(to_json(&envelope("v1", "Namespace", &namespace)), Ok(expect));

        let data = [field(1, b"token"), field(2, &[0, 255])].concat();
        let secret = [field(1, &field(1, b"s")), field(2, &data), vec![5 << 3, 1]].concat();
        let secret = to_json(&envelope("v1", "Secret", &secret)).unwrap();
        assert_eq!((&secret["data"]["token"], &secret["immutable"]), (&json!("AP8="), &json!(true)));

        let hard = [field(1, b"pods"), field(2, &field(1, b"3"))].concat();
        let quota = field(2, &field(1, &hard));
        assert_eq!(to_json(&envelope("v1", "ResourceQuota", &quota)).unwrap()["spec"]["hard"], json!({"pods": "3"}));
    }

    #[test]
    fn what_is_broken_or_not_known_is_refused() {
        let code = |body: &[u8]| to_json(body).unwrap_err().code;
        assert_eq!(code(b"{}"), 400);
        assert_eq!(code(&envelope("v1", "Namespace", &[0x0a, 0x7f, 1])), 400, "it says it were longer");
        assert_eq!(code(&envelope("v1", "Namespace", &[0xff; 11])), 400, "no end of a number");
        assert_eq!(code(&envelope("apps/v1", "Deployment", b"")), 415);
        let whole = envelope("v1", "Namespace", &field(1, &field(1, b"demo")));
        for end in MAGIC.len()..whole.len() {
            // Cut short anywhere, it is an error or an object that lacks something, and never a panic.
            let _ = to_json(&whole[..end]);
        }
    }
}
