//! The services in the order of evaluation, in pieces behind `Arc`s: putting one in copies one piece and the pointers to the
//! others, not a pointer to each of 10,000 services.

use std::slice;
use std::sync::Arc;

use super::ServiceEntry;
use crate::core::matching::ServiceKey;

/// Services of one piece at most; a fuller one is halved.
const PIECE_MAX: usize = 128;

type Piece = Arc<Vec<Arc<ServiceEntry>>>;

/// All services: by team id, then service id (domain.md section 3).
#[derive(Clone, Default)]
pub(super) struct Order {
    /// None is empty.
    pieces: Vec<Piece>,
    len: usize,
}

/// A stretch of that order.
#[derive(Clone, Copy)]
pub struct Services<'r> {
    pieces: &'r [Piece],
    /// Services of the first piece that come before the stretch.
    skipped: usize,
    len: usize,
}

/// Walks a stretch.
#[derive(Clone)]
pub struct Iter<'r> {
    pieces: slice::Iter<'r, Piece>,
    piece: slice::Iter<'r, Arc<ServiceEntry>>,
    left: usize,
}

// === impl Order ===

impl Order {
    /// Takes services that are in order.
    pub(super) fn of(services: &[Arc<ServiceEntry>]) -> Self {
        debug_assert!(services.is_sorted_by_key(|entry| entry.key()), "services come in order");
        let pieces = services.chunks(PIECE_MAX / 2).map(|piece| Arc::new(piece.to_vec())).collect();
        Self { pieces, len: services.len() }
    }

    /// Puts a service in its place, over the one with its key.
    pub(super) fn put(&mut self, entry: &Arc<ServiceEntry>) {
        let number = self.piece_of(entry.key()).min(self.pieces.len().saturating_sub(1));
        let Some(piece) = self.pieces.get_mut(number) else {
            self.pieces.push(Arc::new(vec![entry.clone()]));
            self.len = 1;
            return;
        };
        let piece = Arc::make_mut(piece);
        match piece.binary_search_by_key(&entry.key(), |known| known.key()) {
            Ok(place) => piece[place] = entry.clone(),
            Err(place) => {
                piece.insert(place, entry.clone());
                self.len += 1;
            }
        }
        if piece.len() > PIECE_MAX {
            let second = piece.split_off(PIECE_MAX / 2);
            self.pieces.insert(number + 1, Arc::new(second));
        }
    }

    /// Takes a service out.
    pub(super) fn remove(&mut self, key: ServiceKey) {
        let number = self.piece_of(key);
        let Some(piece) = self.pieces.get_mut(number) else { return };
        let Ok(place) = piece.binary_search_by_key(&key, |known| known.key()) else { return };
        Arc::make_mut(piece).remove(place);
        self.len -= 1;
        if piece.is_empty() {
            self.pieces.remove(number);
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> Services<'_> {
        Services { pieces: &self.pieces, skipped: 0, len: self.len }
    }

    /// Those for which `before` is false and `within` is true; both are true of a beginning of the order only.
    pub(super) fn stretch(
        &self,
        before: impl Fn(ServiceKey) -> bool,
        within: impl Fn(ServiceKey) -> bool,
    ) -> Services<'_> {
        let (first, skipped) = self.partition(before);
        let (last, end) = self.partition(within);
        let whole: usize = self.pieces[first..last.max(first)].iter().map(|piece| piece.len()).sum();
        Services { pieces: &self.pieces[first..], skipped, len: (whole + end).saturating_sub(skipped) }
    }

    /// The piece and the place in it of the first service for which `before` is false.
    fn partition(&self, before: impl Fn(ServiceKey) -> bool) -> (usize, usize) {
        let is_before = |piece: &Piece| piece.last().is_some_and(|last| before(last.key()));
        let number = self.pieces.partition_point(is_before);
        let place = self.pieces.get(number).map_or(0, |piece| piece.partition_point(|entry| before(entry.key())));
        (number, place)
    }

    /// The piece where a key is, or would be unless it is above all.
    fn piece_of(&self, key: ServiceKey) -> usize {
        self.pieces.partition_point(|piece| piece.last().is_some_and(|last| last.key() < key))
    }
}

// === impl Services ===

impl<'r> Services<'r> {
    /// No service.
    pub(super) const NONE: Self = Self { pieces: &[], skipped: 0, len: 0 };

    /// One after the other.
    pub fn iter(self) -> Iter<'r> {
        let mut pieces = self.pieces.iter();
        let piece = pieces.next().map_or(&[][..], |piece| &piece[self.skipped..]);
        Iter { pieces, piece: piece.iter(), left: self.len }
    }

    /// How many.
    pub fn len(self) -> usize {
        self.len
    }

    /// True where there is none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

impl<'r> IntoIterator for Services<'r> {
    type Item = &'r Arc<ServiceEntry>;
    type IntoIter = Iter<'r>;

    fn into_iter(self) -> Iter<'r> {
        self.iter()
    }
}

// === impl Iter ===

impl<'r> Iterator for Iter<'r> {
    type Item = &'r Arc<ServiceEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        loop {
            if let Some(entry) = self.piece.next() {
                return Some(entry);
            }
            self.piece = self.pieces.next()?.iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
