//! A slow line: while the log is followed, only the newest row is shown, one a second, and the others are counted. A list
//! that scrolls is written anew with each row, and takes such a line seconds.

use tollgate_shared::time::Timestamp;

use super::logs::LogTab;
use super::model::{Model, Screen};
use super::tail::Tail;

/// It counts as slow for so long after it was measured to be: with little to write there is nothing to measure.
pub const HELD_SECS: i64 = 60;

/// What stands on the screen meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowLine {
    pub until: Timestamp,
    /// The first row of the list.
    pub first: u64,
    /// The last row before the list stood still.
    pub last: u64,
}

impl SlowLine {
    fn of(tail: &Tail, until: Timestamp) -> Self {
        let first = tail.entries.get(tail.cursor.top).map_or(0, super::tail::Entry::seq);
        Self { until, first, last: tail.last_seq() }
    }

    /// Rows that came since the list stood still.
    #[must_use]
    pub fn since(&self, tail: &Tail) -> usize {
        tail.entries.iter().rev().take_while(|entry| entry.seq() > self.last).count()
    }
}

/// The line was measured to be slow.
pub(super) fn measured(model: &mut Model) {
    let until = model.now.plus_secs(HELD_SECS);
    match &mut model.slow {
        Some(slow) => slow.until = until,
        None => model.slow = Some(SlowLine::of(&model.logs.tail, until)),
    }
}

/// Where nothing is followed the list may be another one by now; and a line may have become fast.
pub(super) fn settle(model: &mut Model) {
    let Some(slow) = model.slow else { return };
    let over = slow.until <= model.now;
    if over || following(model).is_none() {
        model.slow = (!over).then(|| SlowLine::of(&model.logs.tail, slow.until));
    }
}

/// How the log is shown, where it is followed over a slow line.
#[must_use]
pub fn following(model: &Model) -> Option<SlowLine> {
    let is_log = model.screen == Screen::Log && model.logs.tab == LogTab::Calls;
    model.slow.filter(|_| is_log && !model.logs.tail.paused)
}
