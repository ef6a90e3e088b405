//! When to draw: at once for the operator, seldom for the stream, never for nothing.

use std::time::{Duration, Instant};

/// Sixty frames a second: faster than the eye, and a held key costs no more.
const INPUT_INTERVAL: Duration = Duration::from_micros(16_667);
/// Ten frames a second: more cannot be read, and each is up to 6 KB on an SSH link.
const STREAM_INTERVAL: Duration = Duration::from_millis(100);
/// Relative times change their text once a second at most.
const CLOCK_INTERVAL: Duration = Duration::from_secs(1);
/// On a link below [`super::writer::SLOW_LINK_BYTES_PER_S`] the tail shows one row a second.
const SLOW_STREAM_INTERVAL: Duration = Duration::from_secs(1);

/// Why the screen differs from the model; the most urgent reason counts, so the order of the variants matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DirtyKind {
    /// The text of a relative time changed.
    Clock,
    /// Records or states came from the daemon.
    Stream,
    /// The operator pressed a key, pasted or resized.
    Input,
}

/// What the loop is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Draw now, then call [`FramePolicy::drawn`].
    Draw,
    /// Ask again then, or when something more urgent happens.
    WaitUntil(Instant),
    /// Ask again when the model changes or the writer reports its frame as written.
    Idle,
}

/// The frame policy. It owns no clock.
#[derive(Clone, Debug, Default)]
pub struct FramePolicy {
    last_drawn: Option<Instant>,
}

impl FramePolicy {
    /// Decides for a model that is dirty for a reason (or clean), with a writer that is idle (or still has a frame).
    /// A frame is never dropped, since ratatui takes what it flushed for shown: a busy writer means that none is
    /// drawn.
    #[must_use]
    pub fn next(&self, now: Instant, dirty: Option<DirtyKind>, writer_ready: bool, slow_link: bool) -> Draw {
        let Some(kind) = dirty.filter(|_| writer_ready) else { return Draw::Idle };
        let due = self.last_drawn.map(|last| last + self.interval(kind, slow_link));
        match due {
            Some(due) if now < due => Draw::WaitUntil(due),
            _ => Draw::Draw,
        }
    }

    /// Notes that a frame was drawn. It showed everything, so all kinds start to wait again.
    pub fn drawn(&mut self, now: Instant) {
        self.last_drawn = Some(now);
    }

    fn interval(&self, kind: DirtyKind, slow_link: bool) -> Duration {
        match kind {
            DirtyKind::Input => INPUT_INTERVAL,
            DirtyKind::Stream if slow_link => SLOW_STREAM_INTERVAL,
            DirtyKind::Stream => STREAM_INTERVAL,
            DirtyKind::Clock => CLOCK_INTERVAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames drawn in a second when the loop asks every millisecond.
    fn frames_in_a_second(kind: DirtyKind, slow_link: bool) -> usize {
        let start = Instant::now();
        let mut policy = FramePolicy::default();
        let mut frames = 0;
        for ms in 0..1000 {
            let now = start + Duration::from_millis(ms);
            if policy.next(now, Some(kind), true, slow_link) == Draw::Draw {
                policy.drawn(now);
                frames += 1;
            }
        }
        frames
    }

    #[test]
    fn clean_model_draws_no_frame() {
        let mut policy = FramePolicy::default();
        let now = Instant::now();
        assert_eq!(policy.next(now, None, true, false), Draw::Idle);
        policy.drawn(now);
        assert_eq!(policy.next(now + Duration::from_secs(3600), None, true, false), Draw::Idle);
    }

    #[test]
    fn first_frame_is_drawn_at_once() {
        for kind in [DirtyKind::Clock, DirtyKind::Stream, DirtyKind::Input] {
            assert_eq!(FramePolicy::default().next(Instant::now(), Some(kind), true, true), Draw::Draw);
        }
    }

    #[test]
    fn each_reason_has_its_own_cap() {
        assert!((55..=60).contains(&frames_in_a_second(DirtyKind::Input, false)));
        assert_eq!(frames_in_a_second(DirtyKind::Stream, false), 10);
        assert_eq!(frames_in_a_second(DirtyKind::Stream, true), 1);
        assert_eq!(frames_in_a_second(DirtyKind::Clock, false), 1);
    }

    #[test]
    fn key_does_not_wait_for_the_interval_of_the_stream() {
        let mut policy = FramePolicy::default();
        let start = Instant::now();
        policy.drawn(start);
        let soon = start + Duration::from_millis(20);
        let due = start + STREAM_INTERVAL;
        assert_eq!(policy.next(soon, Some(DirtyKind::Stream), true, false), Draw::WaitUntil(due));
        assert_eq!(policy.next(soon, Some(DirtyKind::Stream.max(DirtyKind::Input)), true, false), Draw::Draw);
    }

    #[test]
    fn busy_writer_stops_drawing_and_not_the_model() {
        let policy = FramePolicy::default();
        let now = Instant::now();
        assert_eq!(policy.next(now, Some(DirtyKind::Input), false, false), Draw::Idle);
        assert_eq!(policy.next(now, Some(DirtyKind::Input), true, false), Draw::Draw);
    }
}
