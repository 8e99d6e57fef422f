//! Small shared strings.
//!
//! A fleet of ten thousand tenants repeats the same few hundred names, images, reasons and nodes. `Text` is one pointer
//! wide and cheap to clone; `Interner` makes equal texts share one allocation.

use std::{borrow::Borrow, collections::HashSet, fmt, ops::Deref, sync::Arc};

/// An immutable shared string, one pointer wide.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<Box<str>>);

impl Text {
    /// A text of its own, not shared with any other until an [`Interner`] has seen it.
    pub fn new(s: impl Into<Box<str>>) -> Self {
        Self(Arc::new(s.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::new("")
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

// `HashSet<Text>` is searched by `&str`: `Arc`, `Box` and `str` hash alike.
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

/// Makes equal texts share one allocation. Owned by the index alone.
#[derive(Debug, Default)]
pub struct Interner(HashSet<Text>);

impl Interner {
    /// Replaces `text` by the shared copy of the same string.
    pub fn share(&mut self, text: &mut Text) {
        if let Some(known) = self.0.get(text.as_str()) {
            *text = known.clone();
        } else {
            self.0.insert(text.clone());
        }
    }

    /// Forgets the strings that nobody else holds, so that revisions and messages of the past do not pile up.
    pub fn sweep(&mut self) {
        self.0.retain(|t| Arc::strong_count(&t.0) > 1);
        self.0.shrink_to_fit();
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_one_allocation_and_unused_ones_go() {
        let mut pool = Interner::default();
        let (mut a, mut b) = (Text::new("node-1"), Text::new("node-1"));
        pool.share(&mut a);
        pool.share(&mut b);
        assert!(Arc::ptr_eq(&a.0, &b.0));
        assert_eq!(size_of::<Option<Text>>(), 8);
        drop((a, b));
        pool.sweep();
        assert!(pool.is_empty());
    }
}
