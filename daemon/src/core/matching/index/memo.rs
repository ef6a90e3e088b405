//! Answers of conditions that many filters share, kept for the length of one call.

/// The number of a condition that only one part has: not worth keeping.
pub(super) const UNSHARED: u32 = u32::MAX;

/// Answers that are kept at a time; a power of two.
const PLACES: usize = 128;

/// A small direct-mapped cache: it costs no allocation, and what it forgets is asked again.
pub(super) struct Memo([(u32, bool); PLACES]);

// === impl Memo ===

impl Memo {
    pub(super) fn new() -> Self {
        Self([(UNSHARED, false); PLACES])
    }

    /// The answer of the condition with this number.
    pub(super) fn answer(&mut self, number: u32, ask: impl FnOnce() -> bool) -> bool {
        if number == UNSHARED {
            return ask();
        }
        let place = &mut self.0[number as usize % PLACES];
        if place.0 != number {
            *place = (number, ask());
        }
        place.1
    }
}
