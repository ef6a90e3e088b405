//! Rows that are marked for one change of all of them. By id: a mark stays on what was read, wherever its row goes.

use std::collections::BTreeSet;

/// The ids that are marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks<K>(BTreeSet<K>);

impl<K> Default for Marks<K> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<K: Ord + Copy> Marks<K> {
    /// Marks one, or takes its mark away.
    pub fn switch(&mut self, key: K) {
        if !self.0.remove(&key) {
            self.0.insert(key);
        }
    }

    /// Marks all of these; where all of them are marked already, takes their marks away.
    pub fn switch_all(&mut self, keys: &[K]) {
        if keys.iter().all(|key| self.has(*key)) {
            keys.iter().for_each(|key| {
                self.0.remove(key);
            });
        } else {
            self.0.extend(keys.iter().copied());
        }
    }

    #[must_use]
    pub fn has(&self, key: K) -> bool {
        self.0.contains(&key)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What is gone is not marked any more.
    pub fn keep(&mut self, lives: impl Fn(K) -> bool) {
        self.0.retain(|key| lives(*key));
    }

    /// `6 marked`, and how many of them are not among the rows that are shown.
    #[must_use]
    pub fn words(&self, shown: impl Iterator<Item = K>) -> String {
        let seen = shown.filter(|key| self.has(*key)).count();
        match (self.len(), self.len().saturating_sub(seen)) {
            (0, _) => String::new(),
            (marked, 0) => format!("  {marked} marked"),
            (marked, hidden) => format!("  {marked} marked, {hidden} not shown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_are_shown_are_marked_and_then_none_of_them() {
        let mut marks = Marks::default();
        marks.switch(7);
        marks.switch_all(&[1, 2]);
        assert_eq!(marks.words([1, 2].into_iter()), "  3 marked, 1 not shown");
        marks.switch_all(&[1, 2]);
        assert!(marks.has(7) && marks.len() == 1);
        marks.keep(|key| key != 7);
        assert!(marks.is_empty() && marks.words([1].into_iter()).is_empty());
    }
}
