//! A cursor in a list whose rows come and go: it stays with what it was put on.

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pick<K> {
    key: Option<K>,
    pub(crate) at: usize,
}

impl<K> Default for Pick<K> {
    fn default() -> Self {
        Self { key: None, at: 0 }
    }
}

impl<K: Clone + PartialEq> Pick<K> {
    /// Follows what it is on; where that is gone, it stays in its place.
    pub(crate) fn settle(&mut self, keys: &[K]) {
        let found = self.key.as_ref().and_then(|key| keys.iter().position(|k| k == key));
        self.at = found.unwrap_or(self.at).min(keys.len().saturating_sub(1));
        self.key = keys.get(self.at).cloned();
    }

    pub(crate) fn step(&mut self, keys: &[K], by: isize) {
        self.at = self.at.saturating_add_signed(by).min(keys.len().saturating_sub(1));
        self.key = keys.get(self.at).cloned();
    }

    pub(crate) fn key(&self) -> Option<&K> {
        self.key.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_its_row_and_never_leaves_the_list() {
        let mut pick = Pick::default();
        pick.settle(&["a", "b", "c"]);
        pick.step(&["a", "b", "c"], 1);
        assert_eq!((pick.key(), pick.at), (Some(&"b"), 1));
        pick.settle(&["x", "a", "b"]);
        assert_eq!((pick.key(), pick.at), (Some(&"b"), 2));
        pick.settle(&["x"]);
        assert_eq!((pick.key(), pick.at), (Some(&"x"), 0));
        pick.step(&["x"], isize::MAX);
        pick.settle(&[]);
        assert_eq!((pick.key(), pick.at), (None, 0));
    }
}
