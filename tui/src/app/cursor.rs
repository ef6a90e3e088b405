//! The selection of a list: an id, and where the list is scrolled to.

/// Selection is by key: rows may come, go and move, the mark stays on what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor<K> {
    pub key: Option<K>,
    /// Where the key stands, or stood last.
    pub index: usize,
    /// The first row on the screen.
    pub top: usize,
    /// What is to be marked as soon as there are rows, and where it stood: another console left it so.
    pub awaited: Option<(K, usize)>,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { key: None, index: 0, top: 0, awaited: None }
    }
}

impl<K: Clone + PartialEq> Cursor<K> {
    /// After the rows changed: finds the key again. Where it is gone, the row at its place is taken; then true.
    pub fn relocate(&mut self, len: usize, key_at: impl Fn(usize) -> K) -> bool {
        if let Some((key, index)) = self.awaited.take_if(|_| len > 0) {
            (self.key, self.index) = (Some(key), index);
        }
        let Some(key) = self.key.clone() else {
            self.go(0, len, key_at);
            return false;
        };
        if self.index < len && key_at(self.index) == key {
            return false;
        }
        match (0..len).find(|index| key_at(*index) == key) {
            Some(index) => {
                // The list moved under the mark; it keeps its place on the screen.
                self.top = (self.top + index).saturating_sub(self.index);
                self.index = index;
                false
            }
            None => {
                self.go(self.index, len, key_at);
                true
            }
        }
    }

    /// Puts the mark on a row.
    pub fn go(&mut self, index: usize, len: usize, key_at: impl Fn(usize) -> K) {
        self.index = index.min(len.saturating_sub(1));
        self.key = (len > 0).then(|| key_at(self.index));
        self.awaited.take_if(|_| len > 0);
    }

    /// What is marked, or shall be, and where it stands.
    #[must_use]
    pub fn mark(&self) -> Option<(K, usize)> {
        self.awaited.clone().or_else(|| Some((self.key.clone()?, self.index)))
    }

    /// Moves the mark by rows.
    pub fn step(&mut self, by: isize, len: usize, key_at: impl Fn(usize) -> K) {
        self.go(self.index.saturating_add_signed(by), len, key_at);
    }

    /// Scrolls as little as needed to have the mark within `rows`.
    pub fn scroll(&mut self, rows: usize, len: usize) {
        let lowest = (self.index + 1).saturating_sub(rows);
        self.top = self.top.clamp(lowest, self.index.max(lowest)).min(len.saturating_sub(rows).max(lowest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stays_on_its_key_when_rows_come_before_it() {
        let mut cursor = Cursor::default();
        let rows = ["a", "b", "c"];
        cursor.go(1, 3, |at| rows[at]);
        let rows = ["x", "y", "a", "b", "c"];
        assert!(!cursor.relocate(5, |at| rows[at]));
        assert_eq!((cursor.key, cursor.index), (Some("b"), 3));
        assert!(cursor.relocate(1, |_| "z"));
        assert_eq!((cursor.key, cursor.index), (Some("z"), 0));
    }

    #[test]
    fn an_awaited_mark_waits_for_rows_and_takes_its_place_where_it_is_gone() {
        let awaits = |key| Cursor { awaited: Some((key, 2)), ..Cursor::default() };
        let (rows, mut cursor) = (["a", "b", "c", "d"], awaits("b"));
        cursor.relocate(0, |_| "none");
        assert_eq!((cursor.key, cursor.mark()), (None, Some(("b", 2))));
        cursor.relocate(4, |at| rows[at]);
        assert_eq!((cursor.key, cursor.index, cursor.awaited), (Some("b"), 1, None));
        let mut cursor = awaits("gone");
        cursor.relocate(4, |at| rows[at]);
        assert_eq!(cursor.key, Some("c"));
        let mut cursor = awaits("b");
        cursor.step(1, 4, |at| rows[at]);
        cursor.relocate(4, |at| rows[at]);
        assert_eq!(cursor.key, Some("b"), "the operator's own step: from the first row");
        assert_eq!(cursor.mark(), Some(("b", 1)));
    }

    #[test]
    fn scrolling_keeps_the_mark_visible_and_the_list_full() {
        let mut cursor = Cursor::<u32> { index: 50, ..Cursor::default() };
        cursor.scroll(10, 100);
        assert_eq!(cursor.top, 41);
        cursor.index = 45;
        cursor.scroll(10, 100);
        assert_eq!(cursor.top, 41);
        cursor.scroll(0, 0);
        cursor.index = 0;
        cursor.scroll(10, 3);
        assert_eq!(cursor.top, 0);
    }
}
