//! A map in pieces behind `Arc`s: cloning the whole copies pointers, changing one entry copies one piece.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

/// Pieces of a map. With 100,000 tokens one piece holds about 400.
const SHARDS: usize = 256;

/// A persistent hash map.
#[derive(Clone)]
pub(super) struct Shards<K, V> {
    pieces: Arc<[Arc<HashMap<K, V>>]>,
    hasher: RandomState,
    len: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Shards<K, V> {
    pub(super) fn new() -> Self {
        Self { pieces: (0..SHARDS).map(|_| Arc::default()).collect(), hasher: RandomState::new(), len: 0 }
    }

    fn piece_of(&self, key: &K) -> usize {
        usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0)
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.pieces[self.piece_of(key)].get(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        let piece = self.piece_of(&key);
        let fresh = Arc::make_mut(&mut Arc::make_mut(&mut self.pieces)[piece]).insert(key, value).is_none();
        self.len += usize::from(fresh);
    }

    pub(super) fn remove(&mut self, key: &K) {
        let piece = self.piece_of(key);
        let gone = Arc::make_mut(&mut Arc::make_mut(&mut self.pieces)[piece]).remove(key).is_some();
        self.len -= usize::from(gone);
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.pieces.iter().flat_map(|piece| piece.values())
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many pieces the two do not have in common.
    #[cfg(test)]
    pub(super) fn pieces_not_shared_with(&self, other: &Self) -> usize {
        self.pieces.iter().zip(other.pieces.iter()).filter(|(one, two)| !Arc::ptr_eq(one, two)).count()
    }
}
