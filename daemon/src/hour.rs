//! The gate's last hour, by minute and by second, for charts: what became of calls, how long they took, how full the queues
//! were. In memory alone, of a fixed size; counting a call allocates nothing.

use std::sync::{Mutex, PoisonError};

use tollgate_shared::api::HourBucket;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

/// Buckets of each ring.
const BUCKETS: i64 = 60;

/// Classes of times that share a power of two: a class is at most an eighth wide, so its middle is at most 6 % off.
const CLASSES_PER_OCTAVE: usize = 8;

/// Classes up to 2^26 µs, more than a minute; no request is given so long.
const CLASSES: usize = 24 * CLASSES_PER_OCTAVE;

/// The last hour of all calls.
pub struct Hour(
    /// Held for a few additions, never over I/O or an await: that is cheaper than keeping 400 numbers in step without it.
    Mutex<Rings>,
);

#[derive(Clone)]
struct Rings {
    minutes: Ring,
    seconds: Ring,
}

/// Buckets of one length, by their number since 1970 modulo their count.
#[derive(Clone)]
struct Ring {
    bucket_secs: i64,
    newest: i64,
    buckets: Vec<Bucket>,
}

#[derive(Clone)]
struct Bucket {
    /// Counts by class of outcome; times and `at` are filled in when they are asked for.
    counts: HourBucket,
    answers: u32,
    slowest_us: u64,
    times: [u32; CLASSES],
}

// === impl Hour ===

impl Default for Hour {
    fn default() -> Self {
        Self(Mutex::new(Rings { minutes: Ring::new(60), seconds: Ring::new(1) }))
    }
}

impl Hour {
    /// Counts a call of a known token.
    pub fn count(&self, outcome: Outcome, now: Timestamp) {
        self.note(now, |bucket| {
            let counts = &mut bucket.counts;
            let count = match outcome {
                Outcome::Created | Outcome::Attached | Outcome::Resolved | Outcome::Started => &mut counts.effect,
                Outcome::Duplicate => &mut counts.duplicate,
                Outcome::Suppressed => &mut counts.suppressed,
                Outcome::NoMatch => &mut counts.no_match,
                Outcome::Rejected => &mut counts.refused,
            };
            *count = count.saturating_add(1);
        });
    }

    /// Counts a call that was refused before a token was known.
    pub fn unknown(&self, now: Timestamp) {
        self.note(now, |bucket| bucket.counts.unknown = bucket.counts.unknown.saturating_add(1));
    }

    /// Notes how long an answer took, microseconds.
    pub fn answered(&self, took_us: u64, now: Timestamp) {
        self.note(now, |bucket| {
            let class = &mut bucket.times[class_of(took_us)];
            *class = class.saturating_add(1);
            bucket.answers = bucket.answers.saturating_add(1);
            bucket.slowest_us = bucket.slowest_us.max(took_us);
        });
    }

    /// Notes how many calls wait for the writer.
    pub fn queued(&self, calls: usize, now: Timestamp) {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        self.note(now, |bucket| bucket.counts.queue = bucket.counts.queue.max(calls));
    }

    /// Notes how many batches wait for the log.
    pub fn log_queued(&self, batches: u64, now: Timestamp) {
        let batches = u32::try_from(batches).unwrap_or(u32::MAX);
        self.note(now, |bucket| bucket.counts.log_queue = bucket.counts.log_queue.max(batches));
    }

    /// Counts what was given up.
    pub fn dropped(&self, count: u64, now: Timestamp) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.note(now, |bucket| bucket.counts.drops = bucket.counts.drops.saturating_add(count));
    }

    /// The last 60 minutes and the last 60 seconds, each without holes and oldest first.
    pub fn view(&self, now: Timestamp) -> (Vec<HourBucket>, Vec<HourBucket>) {
        // Copied, so that nobody waits while percentiles are looked for.
        let rings = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (rings.minutes.view(now), rings.seconds.view(now))
    }

    /// Counters survive a panic elsewhere: a poisoned lock is taken all the same.
    fn note(&self, now: Timestamp, note: impl Fn(&mut Bucket)) {
        let mut rings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        note(rings.minutes.at(now));
        note(rings.seconds.at(now));
    }
}

// === impl Ring ===

impl Ring {
    fn new(bucket_secs: i64) -> Self {
        let buckets = (0..BUCKETS).map(|_| Bucket::default()).collect();
        Self { bucket_secs, newest: 0, buckets }
    }

    /// The bucket of a moment. Threads may come a little late to each other: what is no longer than the ring ago still
    /// goes where it belongs, what is older to the newest.
    fn at(&mut self, now: Timestamp) -> &mut Bucket {
        let number = self.number_of(now);
        for number in (number - BUCKETS + 1).max(self.newest + 1)..=number {
            self.buckets[slot(number)] = Bucket::default();
        }
        self.newest = self.newest.max(number);
        let number = if self.holds(number) { number } else { self.newest };
        &mut self.buckets[slot(number)]
    }

    fn view(&self, now: Timestamp) -> Vec<HourBucket> {
        let newest = self.number_of(now);
        let numbers = newest - BUCKETS + 1..=newest;
        let bucket =
            |number| if self.holds(number) { self.buckets[slot(number)].view() } else { HourBucket::default() };
        let at = |number: i64| Timestamp::default().plus_secs(number * self.bucket_secs);
        numbers.map(|number| HourBucket { at: at(number), ..bucket(number) }).collect()
    }

    fn holds(&self, number: i64) -> bool {
        number <= self.newest && number > self.newest - BUCKETS
    }

    fn number_of(&self, at: Timestamp) -> i64 {
        at.as_secs().div_euclid(self.bucket_secs)
    }
}

fn slot(number: i64) -> usize {
    usize::try_from(number.rem_euclid(BUCKETS)).unwrap_or(0)
}

// === impl Bucket ===

impl Default for Bucket {
    fn default() -> Self {
        Self { counts: HourBucket::default(), answers: 0, slowest_us: 0, times: [0; CLASSES] }
    }
}

impl Bucket {
    fn view(&self) -> HourBucket {
        let slowest_us = (self.answers > 0).then_some(self.slowest_us);
        HourBucket {
            p50_us: self.percentile(50),
            p95_us: self.percentile(95),
            p99_us: self.percentile(99),
            slowest_us,
            ..self.counts
        }
    }

    /// What so many of 100 answers did not exceed.
    fn percentile(&self, of_100: u64) -> Option<u64> {
        let rank = (u64::from(self.answers) * of_100).div_ceil(100);
        let mut seen = 0;
        let class = self.times.iter().position(|count| {
            seen += u64::from(*count);
            rank > 0 && seen >= rank
        })?;
        Some(middle_of(class).min(self.slowest_us))
    }
}

/// Up to eight microseconds each has a class of its own; above that each power of two has eight.
fn class_of(took_us: u64) -> usize {
    let Some(octave) = took_us.checked_ilog2().filter(|octave| *octave >= 3) else {
        return usize::try_from(took_us).unwrap_or(0);
    };
    let within = usize::try_from((took_us >> (octave - 3)) & 7).unwrap_or(0);
    let above = usize::try_from(octave - 2).unwrap_or(0);
    (above * CLASSES_PER_OCTAVE + within).min(CLASSES - 1)
}

fn middle_of(class: usize) -> u64 {
    let (octave, within) = (class / CLASSES_PER_OCTAVE, (class % CLASSES_PER_OCTAVE) as u64);
    if octave == 0 {
        return within;
    }
    let width = 1 << (octave - 1);
    (8 + within) * width + width / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A whole minute.
    const START: Timestamp = Timestamp::from_micros(1_700_000_040_000_000);

    #[test]
    fn every_minute_of_the_hour_is_there_also_the_empty_ones() {
        let hour = Hour::default();
        let (minutes, seconds) = hour.view(START);
        assert_eq!((minutes.len(), seconds.len()), (60, 60));
        assert_eq!((minutes[59].at, seconds[59].at), (START, START));
        assert_eq!((minutes[0].at, seconds[0].at), (START.plus_secs(-59 * 60), START.plus_secs(-59)));
        assert!(minutes.iter().chain(&seconds).all(|b| *b == HourBucket { at: b.at, ..HourBucket::default() }));
    }

    #[test]
    fn calls_are_counted_by_what_became_of_them() {
        let hour = Hour::default();
        for outcome in Outcome::ALL {
            hour.count(outcome, START);
        }
        hour.unknown(START);
        hour.count(Outcome::Created, START.plus_secs(61));
        let (minutes, seconds) = hour.view(START.plus_secs(61));
        let last = minutes[58];
        assert_eq!((last.effect, last.duplicate, last.suppressed, last.no_match, last.refused), (4, 1, 1, 1, 1));
        assert_eq!((last.unknown, last.known_calls(), last.calls()), (1, 8, 9));
        assert_eq!((minutes[59].effect, seconds[59].effect), (1, 1));
        assert_eq!(seconds.iter().map(HourBucket::calls).sum::<u64>(), 1, "the others are more than a minute ago");
    }

    #[test]
    fn what_is_older_than_an_hour_is_gone_also_after_a_long_silence() {
        let hour = Hour::default();
        hour.count(Outcome::Created, START);
        assert_eq!(hour.view(START.plus_secs(59 * 60 + 59)).0[0].effect, 1);
        assert_eq!(hour.view(START.plus_secs(3_600)).0.iter().map(HourBucket::calls).sum::<u64>(), 0);
        hour.count(Outcome::NoMatch, START.plus_secs(3_600));
        let minutes = hour.view(START.plus_secs(3_600)).0;
        assert_eq!((minutes[59].effect, minutes[59].no_match), (0, 1), "the slot of an hour ago was emptied");
        hour.count(Outcome::NoMatch, START.plus_secs(400 * 86_400));
        assert_eq!(hour.view(START.plus_secs(400 * 86_400)).0.iter().map(HourBucket::calls).sum::<u64>(), 1);
    }

    #[test]
    fn a_thread_that_comes_late_counts_where_its_call_belongs() {
        let hour = Hour::default();
        hour.count(Outcome::Created, START.plus_secs(120));
        hour.count(Outcome::NoMatch, START);
        let minutes = hour.view(START.plus_secs(120)).0;
        assert_eq!((minutes[57].no_match, minutes[59].effect), (1, 1));
        hour.count(Outcome::Duplicate, START.plus_secs(-7_200));
        assert_eq!(hour.view(START.plus_secs(120)).0[59].duplicate, 1, "too old to have a place, and still counted");
    }

    #[test]
    fn queues_show_their_highest_and_drops_add_up() {
        let hour = Hour::default();
        for calls in [3, 70, 20] {
            hour.queued(calls, START);
            hour.log_queued(calls as u64 / 10, START);
            hour.dropped(2, START);
        }
        let minute = hour.view(START).0[59];
        assert_eq!((minute.queue, minute.log_queue, minute.drops), (70, 7, 6));
    }

    #[test]
    fn percentiles_are_those_of_the_answers() {
        let hour = Hour::default();
        (1..=100).for_each(|ms| hour.answered(ms * 1_000, START));
        let minute = hour.view(START).0[59];
        let near = |found: Option<u64>, exact: u64| found.is_some_and(|us| us.abs_diff(exact) * 100 <= exact * 7);
        assert!(
            near(minute.p50_us, 50_000) && near(minute.p95_us, 95_000) && near(minute.p99_us, 99_000),
            "{minute:?}"
        );
        assert_eq!(minute.slowest_us, Some(100_000));
        hour.answered(7, START.plus_secs(60));
        let alone = hour.view(START.plus_secs(60)).0[59];
        assert_eq!((alone.p50_us, alone.p99_us, alone.slowest_us), (Some(7), Some(7), Some(7)));
    }

    proptest! {
        #[test]
        fn a_class_holds_its_own_middle_and_no_time_is_more_than_a_sixteenth_from_it(took_us in 0_u64..1 << 26) {
            let middle = middle_of(class_of(took_us));
            prop_assert_eq!(class_of(middle), class_of(took_us));
            prop_assert!(middle.abs_diff(took_us) * 16 <= took_us, "{} in the class of {}", took_us, middle);
        }

        #[test]
        fn a_longer_time_is_never_in_a_lower_class(one in any::<u64>(), other in any::<u64>()) {
            let (short, long) = (one.min(other), one.max(other));
            prop_assert!(class_of(short) <= class_of(long) && class_of(long) < CLASSES);
        }
    }
}
