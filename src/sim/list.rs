//! Lists: selection and paging. The pages of one list come from one moment, as with etcd: the first page takes a
//! snapshot (of pointers, not of bytes) that the continue token names until it is forgotten.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::kinds::Kind;
use super::object::Stored;
use super::route::Query;
use super::selector::{Fields, Labels, Selector};
use super::status::{Cause, Status};
use super::store::Store;

/// Snapshots that are remembered; the oldest goes first.
const SNAPSHOTS: usize = 64;

/// One page of a list.
pub(crate) struct Page {
    pub version: u64,
    pub items: Vec<Arc<Stored>>,
    pub token: String,
    pub remaining: Option<usize>,
}

struct Snapshot {
    id: u64,
    version: u64,
    items: Vec<Arc<Stored>>,
}

/// The snapshots behind the continue tokens.
#[derive(Clone, Default)]
pub(crate) struct Pages(Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    last_id: u64,
    snapshots: VecDeque<Arc<Snapshot>>,
}

pub(crate) fn selector(kind: &Kind, query: &Query) -> Result<Selector, Status> {
    Ok(Selector {
        labels: Labels::parse(query.get("labelSelector"))?,
        fields: Fields::parse(kind, query.get("fieldSelector"))?,
    })
}

impl Pages {
    pub(crate) fn page(
        &self,
        store: &Store,
        kind: &'static Kind,
        namespace: &str,
        query: &Query,
    ) -> Result<Page, Status> {
        let selector = selector(kind, query)?;
        let limit = match query.get("limit") {
            "" => 0,
            text => text
                .parse::<usize>()
                .map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")))?,
        };
        let token = query.get("continue");
        if !token.is_empty() {
            if !matches!(query.get("resourceVersion"), "" | "0") {
                return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
            }
            return self.go_on(token, limit, selector.is_empty());
        }
        let (version, mut items) = match selector.fields.name() {
            Some(name) if !namespace.is_empty() || !kind.namespaced => {
                let one = store.stored_one(kind, namespace, name);
                (store.version(), one.into_iter().collect())
            }
            _ => store.stored(kind, Some(namespace).filter(|n| !n.is_empty())),
        };
        check_version(version, query)?;
        if !selector.is_empty() {
            items.retain(|stored| selector.matches(stored));
        }
        if limit == 0 || items.len() <= limit {
            return Ok(Page { version, items, token: String::new(), remaining: None });
        }
        let id = self.keep(version, items.clone());
        let left = items.len() - limit;
        items.truncate(limit);
        let remaining = selector.is_empty().then_some(left);
        Ok(Page { version, items, token: format!("sim.{version}.{id}.{limit}"), remaining })
    }

    fn keep(&self, version: u64, items: Vec<Arc<Stored>>) -> u64 {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.last_id += 1;
        let id = shelf.last_id;
        if shelf.snapshots.len() == SNAPSHOTS {
            shelf.snapshots.pop_front();
        }
        shelf.snapshots.push_back(Arc::new(Snapshot { id, version, items }));
        id
    }

    fn go_on(&self, token: &str, limit: usize, whole: bool) -> Result<Page, Status> {
        let mut parts = token.split('.');
        let mut number = || parts.next().and_then(|p| p.parse::<usize>().ok());
        let numbers = token.strip_prefix("sim.").and_then(|_| {
            number();
            Some((number()?, number()?, number()?))
        });
        let Some((version, id, from)) = numbers else {
            return Err(Status::bad_request(
                "invalid continue token: continue key is not valid: it was not made by this server",
            ));
        };
        let found = {
            let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            shelf.snapshots.iter().find(|s| s.id == id as u64 && s.version == version as u64).cloned()
        };
        let Some(snapshot) = found else {
            return Err(Status::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
            ));
        };
        let end = if limit == 0 { snapshot.items.len() } else { (from + limit).min(snapshot.items.len()) };
        let items = snapshot.items.get(from..end).unwrap_or_default().to_vec();
        let left = snapshot.items.len().saturating_sub(end);
        let token = if left == 0 { String::new() } else { format!("sim.{version}.{id}.{end}") };
        Ok(Page { version: snapshot.version, items, token, remaining: (whole && left > 0).then_some(left) })
    }

    /// Forgets all snapshots: every continue token answers 410 from now on.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).snapshots.clear();
    }
}

fn check_version(now: u64, query: &Query) -> Result<(), Status> {
    let wanted = query.get("resourceVersion");
    if wanted.is_empty() {
        return Ok(());
    }
    let version: u64 = wanted.parse().map_err(|_| {
        Status::bad_request(format!("invalid resource version: resourceVersion: Invalid value: \"{wanted}\": strconv.ParseUint: parsing \"{wanted}\": invalid syntax"))
    })?;
    if version > now {
        let mut status =
            Status::new(504, "Timeout", format!("Timeout: Too large resource version: {version}, current: {now}"))
                .with_causes(vec![Cause::new("ResourceVersionTooLarge", "Too large resource version", "")]);
        if let Some(details) = &mut status.details {
            details.retry_after = Some(1);
        }
        return Err(status);
    }
    if query.get("resourceVersionMatch") == "Exact" && version != now {
        return Err(Status::expired("The resourceVersion for the provided list is too old."));
    }
    Ok(())
}
