//! Small shared strings.
//!
//! A fleet of ten thousand tenants repeats the same few hundred names, images, reasons and nodes. `Text` is one pointer
//! wide and cheap to clone; `Interner` makes equal texts share one allocation.

use std::{borrow::Borrow, collections::HashSet, fmt, ops::Deref, sync::Arc};

use arcstr::ArcStr;

use super::{ContainerSpec, QuotaFigures, Words, words::Said};

/// An immutable shared string, one pointer wide.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(ArcStr);

impl Text {
    /// A text of its own, not shared with any other until an [`Interner`] has seen it.
    pub fn new(s: impl AsRef<str>) -> Self {
        Self(ArcStr::from(s.as_ref()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Text {
    fn default() -> Self {
        Self(ArcStr::new())
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

// `HashSet<Text>` is searched by `&str`: `ArcStr` and `str` hash alike.
impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(s: &str) -> Self {
        Self::new(s)
    }
}

impl From<String> for Text {
    fn from(s: String) -> Self {
        Self::new(s)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Makes equal texts, specs, quotas and words share one allocation. Owned by the index alone.
#[derive(Debug, Default)]
pub struct Interner {
    texts: HashSet<Text>,
    specs: HashSet<Arc<ContainerSpec>>,
    said: HashSet<Arc<Said>>,
    quotas: HashSet<Arc<QuotaFigures>>,
}

impl Interner {
    /// Replaces `text` by the shared copy of the same string.
    pub fn share(&mut self, text: &mut Text) {
        if let Some(known) = self.texts.get(text.as_str()) {
            *text = known.clone();
        } else {
            self.texts.insert(text.clone());
        }
    }

    /// Replaces `spec` by the shared copy of the same one. What is new is kept as it is, its own texts shared.
    pub fn share_spec(&mut self, spec: &mut Arc<ContainerSpec>) {
        if let Some(known) = self.specs.get(spec) {
            *spec = Arc::clone(known);
            return;
        }
        let own = Arc::make_mut(spec);
        self.share(&mut own.name);
        self.share(&mut own.image);
        if let Some(id) = &mut own.image_id {
            self.share(id);
        }
        self.specs.insert(Arc::clone(spec));
    }

    /// Replaces `figures` by the shared copy of the same ones.
    pub fn share_quota(&mut self, figures: &mut Arc<QuotaFigures>) {
        if let Some(known) = self.quotas.get(figures) {
            *figures = Arc::clone(known);
            return;
        }
        let own = Arc::make_mut(figures);
        self.share(&mut own.name);
        own.lines.iter_mut().for_each(|(resource, ..)| self.share(resource));
        self.quotas.insert(Arc::clone(figures));
    }

    /// Replaces `words` by the shared copy of the same ones.
    pub fn share_words(&mut self, words: &mut Words) {
        let Some(said) = &mut words.0 else { return };
        if let Some(known) = self.said.get(said) {
            *said = Arc::clone(known);
            return;
        }
        let own = Arc::make_mut(said);
        for text in [&mut own.reason, &mut own.message].into_iter().flatten() {
            self.share(text);
        }
        self.said.insert(Arc::clone(said));
    }

    /// Forgets what nobody else holds, so that revisions and messages of the past do not pile up.
    pub fn sweep(&mut self) {
        self.specs.retain(|s| Arc::strong_count(s) > 1);
        self.specs.shrink_to_fit();
        self.quotas.retain(|s| Arc::strong_count(s) > 1);
        self.quotas.shrink_to_fit();
        self.said.retain(|s| Arc::strong_count(s) > 1);
        self.said.shrink_to_fit();
        // A literal of the program has no count and stays.
        self.texts.retain(|t| ArcStr::strong_count(&t.0).is_none_or(|n| n > 1));
        self.texts.shrink_to_fit();
    }

    /// Texts, specs, quotas and words held.
    pub fn len(&self) -> usize {
        self.texts.len() + self.specs.len() + self.quotas.len() + self.said.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture;

    #[test]
    fn equal_texts_share_one_allocation_and_unused_ones_go() {
        let mut pool = Interner::default();
        let (mut a, mut b) = (Text::new("node-1"), Text::new("node-1"));
        pool.share(&mut a);
        pool.share(&mut b);
        assert!(ArcStr::ptr_eq(&a.0, &b.0));
        assert_eq!(size_of::<Option<Text>>(), 8);
        drop((a, b));
        pool.sweep();
        assert!(pool.is_empty());
    }

    #[test]
    fn equal_container_specs_share_one_allocation_and_their_texts() {
        let mut pool = Interner::default();
        let made = || fixture::container("gateway", "ghcr.io/openclaw/openclaw:2026.8.2").spec;
        let (mut a, mut b) = (made(), made());
        pool.share_spec(&mut a);
        pool.share_spec(&mut b);
        assert!(Arc::ptr_eq(&a, &b));
        assert_eq!(pool.len(), 3, "a name, an image and the spec");
        drop((a, b));
        pool.sweep();
        assert!(pool.is_empty());
    }
}
