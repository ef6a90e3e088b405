//! The counts over the list: calls by time and outcome, for the strip, and the brush in it.

use tollgate_shared::api::{LogHistogram, OutcomeCounts};
use tollgate_shared::time::Timestamp;

use crate::app::words;

/// Counts are not asked for more often than this,
const INTERVAL_SECS: i64 = 5;
/// nor more than this part of the time: a query that has to be asked of each row takes the daemon seconds.
const SHARE: i64 = 20;
/// Stretches that are asked for at most: more would not fit a wide screen.
pub const BUCKETS_MAX: u16 = 160;

/// The strip's state.
#[derive(Clone, Debug, Default)]
pub struct Strip {
    pub counts: Option<Box<LogHistogram>>,
    /// The moment that the brush stands on: the begin of a slot.
    pub brush: Option<Timestamp>,
    /// Why there are no counts.
    pub refused: Option<String>,
    /// The question whose answer is awaited.
    awaited: Option<u64>,
    asked_at: Option<Timestamp>,
    /// How long the last answer took, seconds.
    took: i64,
    /// What is shown is of another question, or rows have come since.
    stale: bool,
}

/// One stretch of time of the strip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    pub at: Timestamp,
    pub calls: u64,
    /// Those without the effect that they should have had.
    pub failed: u64,
}

impl Strip {
    /// What is shown is not true any more; `at_once`: another question was asked.
    pub fn spoil(&mut self, at_once: bool) {
        self.stale = true;
        if at_once {
            (self.counts, self.brush, self.refused) = (None, None, None);
            (self.awaited, self.asked_at) = (None, None);
        }
    }

    /// True where the counts are to be asked for now.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        let rested = self.asked_at.is_none_or(|at| now.secs_since(at) >= INTERVAL_SECS.max(self.took * SHARE));
        // The window moves on by itself, one slot at a time.
        let moved =
            self.counts.as_ref().is_some_and(|counts| now.secs_since(counts.until) >= counts.bucket_secs.into());
        rested && self.awaited.is_none() && (self.stale || self.asked_at.is_none() || moved)
    }

    pub fn begin(&mut self, number: u64, now: Timestamp) {
        (self.awaited, self.asked_at, self.stale) = (Some(number), Some(now), false);
    }

    /// Takes an answer, if it is the awaited one.
    pub fn take(&mut self, number: u64, answer: Result<Box<LogHistogram>, String>, now: Timestamp) {
        if self.awaited != Some(number) {
            return;
        }
        self.awaited = None;
        self.took = self.asked_at.map_or(0, |at| now.secs_since(at));
        match answer {
            Ok(counts) => (self.counts, self.refused) = (Some(counts), None),
            Err(words) => self.refused = Some(words),
        }
    }

    /// No answer comes any more: the connection is another one.
    pub fn forget_question(&mut self) {
        (self.awaited, self.asked_at) = (None, None);
    }

    /// All slots, empty ones too, oldest first.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        let Some(counts) = &self.counts else { return Vec::new() };
        let length = i64::from(counts.bucket_secs.max(60));
        let first = counts.since.as_secs().div_euclid(length);
        let last = (counts.until.as_secs() - 1).div_euclid(length);
        // A daemon that answers nonsense costs no more than a wide screen.
        let last = last.min(first + i64::from(BUCKETS_MAX) * 4);
        let at = |index: i64| Timestamp::from_micros(index * length * 1_000_000);
        let mut slots: Vec<Slot> = (first..=last).map(|index| Slot { at: at(index), ..Slot::default() }).collect();
        for bucket in &counts.buckets {
            let place = usize::try_from(bucket.at.as_secs().div_euclid(length) - first).ok();
            if let Some(slot) = place.and_then(|place| slots.get_mut(place)) {
                slot.calls += bucket.counts.total();
                slot.failed += failed(&bucket.counts);
            }
        }
        slots
    }

    /// Moves the brush to the next slot with a call. False if there is none in that direction.
    pub fn step(&mut self, later: bool) -> bool {
        let slots = self.slots();
        let full = |slot: &&Slot| slot.calls > 0;
        let found = match (later, self.brush) {
            (true, Some(brush)) => slots.iter().filter(full).find(|slot| slot.at > brush),
            (false, Some(brush)) => slots.iter().filter(full).rfind(|slot| slot.at < brush),
            (true, None) => None,
            (false, None) => slots.iter().rfind(full),
        };
        let found = found.map(|slot| slot.at);
        self.brush = found.or(self.brush);
        found.is_some()
    }

    /// All calls that are counted.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.counts.as_ref().map(|counts| counts.buckets.iter().map(|bucket| bucket.counts.total()).sum())
    }

    /// What stands right of the strip: the marked slot, or the largest.
    #[must_use]
    pub fn legend(&self) -> String {
        let Some(counts) = &self.counts else { return String::new() };
        let slots = self.slots();
        if let Some(slot) = self.brush.and_then(|brush| slots.iter().find(|slot| slot.at == brush)) {
            let failed =
                if slot.failed > 0 { format!(", {} failed", words::group(slot.failed)) } else { String::new() };
            return format!("[ ] {} {}{failed}", words::minute(slot.at), words::count(slot.calls, "call"));
        }
        let max = slots.iter().map(|slot| slot.calls).max().unwrap_or(0);
        let failures = if slots.iter().any(|slot| slot.failed > 0) { "  ! no match, refused" } else { "" };
        let part = if counts.exact { "" } else { "  older part not counted" };
        format!("max {}/{}{failures}{part}", words::group(max), unit(counts.bucket_secs))
    }
}

fn failed(counts: &OutcomeCounts) -> u64 {
    counts.no_match + counts.rejected
}

/// `min`, `h`, `10 min`.
fn unit(secs: u32) -> String {
    match secs {
        60 => "min".to_owned(),
        3_600 => "h".to_owned(),
        86_400 => "d".to_owned(),
        secs if secs % 3_600 == 0 => format!("{} h", secs / 3_600),
        secs => format!("{} min", secs.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{histogram, now};

    fn strip() -> Strip {
        let mut strip = Strip::default();
        strip.begin(1, now());
        strip.take(1, Ok(Box::new(histogram())), now());
        strip
    }

    #[test]
    fn empty_slots_are_filled_in_and_what_failed_is_told_apart() {
        let slots = strip().slots();
        assert_eq!(slots.len(), 15);
        assert_eq!(slots.iter().map(|slot| slot.calls).sum::<u64>(), strip().total().unwrap());
        assert!(slots.iter().any(|slot| slot.calls == 0) && slots.iter().any(|slot| slot.failed > 0));
    }

    #[test]
    fn the_brush_stops_only_where_there_are_calls() {
        let mut strip = strip();
        let mut seen = Vec::new();
        while strip.step(false) {
            let brush = strip.brush.unwrap();
            assert!(strip.slots().iter().any(|slot| slot.at == brush && slot.calls > 0));
            seen.push(brush);
        }
        assert!(seen.len() > 2 && seen.is_sorted_by(|a, b| a > b));
        assert!(strip.legend().starts_with("[ ]"), "{}", strip.legend());
    }

    #[test]
    fn an_answer_to_another_question_is_not_taken_and_counts_are_asked_for_seldom() {
        let mut strip = strip();
        let before = strip.total();
        strip.take(1, Ok(Box::new(LogHistogram { buckets: Vec::new(), ..histogram() })), now());
        assert_eq!(strip.total(), before);
        strip.spoil(false);
        assert!(!strip.is_due(now().plus_secs(4)) && strip.is_due(now().plus_secs(5)));
        strip.spoil(true);
        assert!(strip.is_due(now()));
    }
}
