//! Orders of tables: rows move only when somebody asks for it, and what is new comes first.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A choice of the sort menu: its letter, and what it says.
pub type Choices<S> = &'static [(char, S, &'static str)];

/// The order of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order<S> {
    pub by: S,
    pub reverse: bool,
}

impl<S: Copy + PartialEq> Order<S> {
    /// A letter of the menu; the same one again reverses.
    pub fn choose(&mut self, by: S) {
        self.reverse = by == self.by && !self.reverse;
        self.by = by;
    }

    /// Sorts; rows that are equal stay as they came.
    pub fn sort<T>(self, rows: &mut [T], compare: impl Fn(S, &T, &T) -> Ordering) {
        rows.sort_by(|a, b| {
            let order = compare(self.by, a, b);
            if self.reverse { order.reverse() } else { order }
        });
    }
}

impl<S: Copy + PartialEq + Default> Order<S> {
    /// `  sort: state, reversed`; nothing for the order that a table has by itself.
    #[must_use]
    pub fn words(self, all: Choices<S>) -> String {
        if self == Self::default() {
            return String::new();
        }
        let by = all.iter().find(|(_, by, _)| *by == self.by).map_or("", |(_, _, words)| *words);
        format!("  sort: {by}{}", if self.reverse { ", reversed" } else { "" })
    }
}

/// Rows that were asked for again: those that stay keep their places, new ones come before them.
pub fn merge<T, K: Eq + Hash>(old: &[Arc<T>], fresh: Vec<Arc<T>>, id: impl Fn(&T) -> K) -> Vec<Arc<T>> {
    let known: HashMap<K, Arc<T>> = fresh.iter().map(|row| (id(row), Arc::clone(row))).collect();
    let before: HashSet<K> = old.iter().map(|row| id(row)).collect();
    let mut rows: Vec<Arc<T>> = fresh.into_iter().filter(|row| !before.contains(&id(row))).collect();
    rows.extend(old.iter().filter_map(|row| known.get(&id(row)).cloned()));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_keeps_its_place_and_what_is_new_comes_first() {
        let rows = |ids: &[(u32, char)]| ids.iter().map(|row| Arc::new(*row)).collect::<Vec<_>>();
        let old = rows(&[(3, 'a'), (1, 'a'), (2, 'a')]);
        let merged = merge(&old, rows(&[(1, 'b'), (3, 'b'), (4, 'b')]), |row| row.0);
        assert_eq!(merged, rows(&[(4, 'b'), (3, 'b'), (1, 'b')]), "with what is known of them now");
    }

    #[test]
    fn the_same_letter_again_reverses_and_another_one_does_not() {
        let mut order = Order { by: 'a', reverse: false };
        order.choose('b');
        assert!(!order.reverse);
        order.choose('b');
        assert!(order.reverse);
        order.choose('a');
        assert_eq!(order, Order { by: 'a', reverse: false });
    }
}
