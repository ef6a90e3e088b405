//! The last hour of a token's calls, minute by minute, and the last ten seconds.

use tollgate_shared::api::RecentUse;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use super::Use;

/// Minutes that the sparkline looks back.
const MINUTES: usize = 60;

/// Seconds that are "now".
const SECONDS: i64 = 10;

/// Calls of the last 60 minutes, in a ring by minute.
pub(super) struct Hour {
    minute: i64,
    calls: [u32; MINUTES],
    hits: [u32; MINUTES],
    /// The last seconds, by their number modulo ten.
    seconds: [(i64, RecentUse); SECONDS as usize],
}

impl Default for Hour {
    fn default() -> Self {
        Self { minute: 0, calls: [0; MINUTES], hits: [0; MINUTES], seconds: Default::default() }
    }
}

impl Hour {
    /// Moves the ring on to `minute`, forgetting what is more than an hour old.
    fn turn_to(&mut self, minute: i64) {
        let passed = (minute - self.minute).clamp(0, MINUTES as i64);
        for step in 0..passed {
            let slot = Self::slot(minute - step);
            self.calls[slot] = 0;
            self.hits[slot] = 0;
        }
        self.minute = self.minute.max(minute);
    }

    fn slot(minute: i64) -> usize {
        usize::try_from(minute.rem_euclid(MINUTES as i64)).unwrap_or(0)
    }

    /// Counts a call; without an outcome it was refused.
    pub(super) fn count(&mut self, by: &Use<'_>, outcome: Option<Outcome>) {
        self.turn_to(by.at.as_secs().div_euclid(60));
        let slot = Self::slot(self.minute);
        let hit = outcome.is_some_and(Outcome::has_effect);
        self.calls[slot] = self.calls[slot].saturating_add(1);
        self.hits[slot] = self.hits[slot].saturating_add(u32::from(hit));
        self.count_second(by, outcome.is_some());
    }

    /// A call that comes later than ten seconds behind the newest has no place any more.
    fn count_second(&mut self, by: &Use<'_>, accepted: bool) {
        let second = by.at.as_secs();
        let (newest, recent) = &mut self.seconds[usize::try_from(second.rem_euclid(SECONDS)).unwrap_or(0)];
        if second > *newest {
            (*newest, *recent) = (second, RecentUse::default());
        }
        if second == *newest {
            recent.accepted = recent.accepted.saturating_add(u32::from(accepted));
            recent.refused = recent.refused.saturating_add(u32::from(!accepted));
            recent.body_bytes += if accepted { by.body_bytes as u64 } else { 0 };
        }
    }

    /// The running second and the nine before it.
    pub(super) fn recent(&self, now: Timestamp) -> RecentUse {
        let now = now.as_secs();
        let recent = self.seconds.iter().filter(|(second, _)| (now - SECONDS + 1..=now).contains(second));
        recent.fold(RecentUse::default(), |sum, (_, one)| RecentUse {
            accepted: sum.accepted.saturating_add(one.accepted),
            refused: sum.refused.saturating_add(one.refused),
            body_bytes: sum.body_bytes + one.body_bytes,
        })
    }

    /// Calls of the last hour.
    pub(super) fn total(&self, now: Timestamp) -> u32 {
        self.since(now).0.iter().sum()
    }

    /// Calls per minute, oldest first, and the hits of the hour.
    pub(super) fn since(&self, now: Timestamp) -> (Vec<u32>, u32) {
        let minute = now.as_secs().div_euclid(60);
        let age = |back: i64| {
            (minute - back <= self.minute && minute - back > self.minute - MINUTES as i64)
                .then(|| Self::slot(minute - back))
        };
        let backs = (0..MINUTES as i64).rev();
        let calls = backs.clone().map(|back| age(back).map_or(0, |slot| self.calls[slot])).collect();
        let hits = backs.filter_map(age).map(|slot| self.hits[slot]).sum();
        (calls, hits)
    }
}
