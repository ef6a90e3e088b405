//! The only reader of the clocks (storage.md, Clocks).
//!
//! Hosts without internet have bad clocks. What the daemon calls *now* never goes back, and it never goes slower than the
//! boot clock: it is the later of the wall clock and of the latest moment that was seen (in this run, or by the store's
//! high-water mark in an earlier one) plus what the boot clock has counted since. So a clock that is set back revives no
//! expired token, makes no expired row readable and lets no debug option run longer.
//!
//! A clock that is set forward is believed, for that is the safe side: tokens expire, rows are hidden. What cannot be taken
//! back waits: the erasing of rows goes by [`Clock::erasing_now`], which leaves out what the wall clock has gained on the
//! boot clock while any row from before that may still be younger than 48 h. The state keeps what was gained, so that a
//! start soon after a jump waits as well.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use tollgate_shared::limits::LOG_ROW_SECS;
use tollgate_shared::time::Timestamp;

use crate::core::model::{ClockStep, ClockSteps};

/// A wall clock that gains more than this on the boot clock within 48 h was set.
const JUMP_MIN_US: i64 = 600 * MICROS;
/// Smaller gains are how two clocks of one host differ.
const STEP_MIN_US: i64 = MICROS;
/// Steps within this long are kept as one, so that a clock that is set all the time fills no memory.
const STEP_EVERY_US: i64 = 300 * MICROS;
const MICROS: i64 = 1_000_000;

/// Gives the time. Shared by all rooms that need to know what now is; the core takes the answer as an argument.
pub struct Clock {
    /// How far *now* is ahead of the boot clock; only ever grows.
    ahead_us: AtomicI64,
    /// What the wall clock has gained, over the last 48 h.
    steps: Mutex<VecDeque<Step>>,
    /// Steps were seen that are not among those that were taken to be kept.
    has_new_steps: AtomicBool,
    /// Seconds of a jump that nobody has been told of.
    untold_secs: AtomicI64,
    source: Source,
}

/// The wall clock gained on the boot clock.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// By the boot clock, the last time of those kept as one.
    at_us: i64,
    gained_us: i64,
}

enum Source {
    System,
    #[cfg(test)]
    Manual {
        wall_us: AtomicI64,
        boot_us: AtomicI64,
    },
}

impl Clock {
    /// The host's clocks, not going behind `high_water`; `kept` are the steps of earlier runs. What the wall clock says at
    /// the start is believed: how long the daemon was away nobody has counted.
    pub fn system(high_water: Timestamp, kept: &ClockSteps) -> Self {
        Self::with(Source::System, high_water, kept)
    }

    /// Clocks that stand still until a test moves them.
    #[cfg(test)]
    pub fn manual(at: Timestamp) -> Self {
        Self::started_at(at, at, &ClockSteps::default())
    }

    /// The same where the wall clock and the high-water mark differ at the start.
    #[cfg(test)]
    pub fn started_at(wall: Timestamp, high_water: Timestamp, kept: &ClockSteps) -> Self {
        let (wall_us, boot_us) = (AtomicI64::new(wall.as_micros()), AtomicI64::new(0));
        Self::with(Source::Manual { wall_us, boot_us }, high_water, kept)
    }

    fn with(source: Source, high_water: Timestamp, kept: &ClockSteps) -> Self {
        let (wall_us, boot_us) = source.read();
        let now_us = high_water.as_micros().max(wall_us);
        Self {
            ahead_us: AtomicI64::new(now_us - boot_us),
            steps: Mutex::new(steps_of(kept, now_us, boot_us)),
            has_new_steps: AtomicBool::new(false),
            untold_secs: AtomicI64::new(0),
            source,
        }
    }

    /// Sets the wall clock of manual clocks, forwards or back.
    #[cfg(test)]
    pub fn set(&self, at: Timestamp) {
        if let Source::Manual { wall_us, .. } = &self.source {
            wall_us.store(at.as_micros(), Ordering::Relaxed);
        }
    }

    /// Lets time pass on both manual clocks.
    #[cfg(test)]
    pub fn pass(&self, secs: i64) {
        if let Source::Manual { wall_us, boot_us } = &self.source {
            wall_us.fetch_add(secs * MICROS, Ordering::Relaxed);
            boot_us.fetch_add(secs * MICROS, Ordering::Relaxed);
        }
    }

    /// The later of the wall clock and everything seen so far, which ages with the boot clock.
    pub fn now(&self) -> Timestamp {
        let (wall_us, boot_us) = self.source.read();
        let candidate = wall_us - boot_us;
        let before = self.ahead_us.fetch_max(candidate, Ordering::Relaxed);
        if candidate - before >= STEP_MIN_US {
            self.note_step(boot_us, candidate - before);
        }
        Timestamp::from_micros(boot_us + before.max(candidate))
    }

    /// The moment that erasing goes by: *now*, less what the wall clock has jumped forward within the last 48 h. What is 48 h
    /// old by this has really lain that long.
    pub fn erasing_now(&self) -> Timestamp {
        let now = self.now();
        let jumped = self.jumped_us();
        Timestamp::from_micros(now.as_micros() - jumped)
    }

    /// How far the wall clock is behind what was already seen, in seconds; 0 where it is not.
    pub fn behind_secs(&self) -> i64 {
        let (wall_us, boot_us) = self.source.read();
        (boot_us + self.ahead_us.load(Ordering::Relaxed) - wall_us).max(0) / MICROS
    }

    /// How far the wall clock has jumped forward within the last 48 h, in seconds; 0 where nothing like a jump was seen.
    pub fn jumped_secs(&self) -> i64 {
        self.jumped_us() / MICROS
    }

    /// Seconds of a forward jump that this has not said before; the caller writes it into the audit.
    pub fn take_jump(&self) -> Option<i64> {
        let secs = self.untold_secs.swap(0, Ordering::Relaxed);
        (secs > 0).then_some(secs)
    }

    /// The steps within the last 48 h, where there are some that this has not given before; the caller keeps them over a
    /// restart.
    pub fn take_steps(&self) -> Option<ClockSteps> {
        if !self.has_new_steps.swap(false, Ordering::Relaxed) {
            return None;
        }
        self.forget_old_steps();
        let ahead_us = self.ahead_us.load(Ordering::Relaxed);
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gained_later_us = 0;
        let mut kept = Vec::with_capacity(steps.len());
        for step in steps.iter().rev() {
            let at = Timestamp::from_micros(step.at_us + ahead_us - gained_later_us);
            kept.push(ClockStep { at, gained_us: step.gained_us });
            gained_later_us += step.gained_us;
        }
        kept.reverse();
        Some(ClockSteps { steps: kept })
    }

    /// What was taken could not be kept: it is given again.
    pub fn give_back_steps(&self) {
        self.has_new_steps.store(true, Ordering::Relaxed);
    }

    fn note_step(&self, at_us: i64, gained_us: i64) {
        if gained_us > JUMP_MIN_US {
            self.untold_secs.fetch_add(gained_us / MICROS, Ordering::Relaxed);
        }
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match steps.back_mut() {
            Some(last) if at_us - last.at_us < STEP_EVERY_US => {
                last.gained_us += gained_us;
                last.at_us = last.at_us.max(at_us);
            }
            _ => steps.push_back(Step { at_us, gained_us }),
        }
        self.has_new_steps.store(true, Ordering::Relaxed);
    }

    fn forget_old_steps(&self) {
        let oldest_us = self.source.read().1 - LOG_ROW_SECS * MICROS;
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        while steps.front().is_some_and(|step| step.at_us < oldest_us) {
            steps.pop_front();
        }
    }

    fn jumped_us(&self) -> i64 {
        self.forget_old_steps();
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let gained: i64 = steps.iter().map(|step| step.gained_us).sum();
        if gained > JUMP_MIN_US { gained } else { 0 }
    }
}

impl Source {
    /// The wall clock and the boot clock, in microseconds.
    fn read(&self) -> (i64, i64) {
        match self {
            Self::System => (system_now_us(), boot_now_us()),
            #[cfg(test)]
            Self::Manual { wall_us, boot_us } => (wall_us.load(Ordering::Relaxed), boot_us.load(Ordering::Relaxed)),
        }
    }
}

/// Steps of earlier runs by the boot clock of this one. What has passed since a step, *now* has counted, and besides what
/// was gained by later steps.
fn steps_of(kept: &ClockSteps, now_us: i64, boot_us: i64) -> VecDeque<Step> {
    let mut gained_later_us = 0;
    let mut steps = VecDeque::with_capacity(kept.steps.len());
    for step in kept.steps.iter().rev() {
        let age_us = now_us - step.at.as_micros() - gained_later_us;
        steps.push_front(Step { at_us: boot_us - age_us, gained_us: step.gained_us });
        gained_later_us += step.gained_us;
    }
    steps
}

#[expect(clippy::disallowed_methods, reason = "this is the room that reads the clock for all others")]
fn system_now_us() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.map_or(0, |elapsed| i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
}

/// Time since the host started, also while it slept.
fn boot_now_us() -> i64 {
    let since_boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    since_boot.tv_sec * MICROS + since_boot.tv_nsec / 1_000
}

#[cfg(test)]
mod tests;
