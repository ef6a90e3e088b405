//! Moments in words.

use chrono::SecondsFormat;
use tollgate_shared::time::Timestamp;

/// How moments are written: relative to the daemon's time where a person reads them, RFC 3339 in a pipe.
#[derive(Clone, Copy, Debug)]
pub(super) struct When {
    /// The daemon's time when the command began.
    pub(super) now: Timestamp,
    /// A person reads.
    pub(super) relative: bool,
}

impl When {
    /// A moment; `never` where there is none.
    pub(super) fn or_never(self, at: Option<Timestamp>) -> String {
        at.map_or_else(|| "never".to_owned(), |at| self.of(at))
    }

    /// A moment; nothing where there is none.
    pub(super) fn or_nothing(self, at: Option<Timestamp>) -> String {
        at.map(|at| self.of(at)).unwrap_or_default()
    }

    /// A moment.
    pub(super) fn of(self, at: Timestamp) -> String {
        if self.relative { relative(at, self.now) } else { at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true) }
    }

    /// A moment with both forms for a list of facts: `2026-11-28T03:14:00Z, in 6 d`.
    pub(super) fn full(self, at: Timestamp) -> String {
        let moment = at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true);
        if self.relative { format!("{moment}, {}", relative(at, self.now)) } else { moment }
    }

    /// A moment of a log row: with milliseconds in a pipe, day and time on a terminal.
    pub(super) fn row(self, at: Timestamp) -> String {
        let at = at.to_utc();
        if self.relative {
            at.format("%m-%d %H:%M:%S").to_string()
        } else {
            at.to_rfc3339_opts(SecondsFormat::Millis, true)
        }
    }
}

/// `in 6 d`, `2 min ago`, `now`.
fn relative(at: Timestamp, now: Timestamp) -> String {
    let secs = at.secs_since(now);
    match secs {
        0 => "now".to_owned(),
        1.. => format!("in {}", span(secs.unsigned_abs())),
        _ => format!("{} ago", span(secs.unsigned_abs())),
    }
}

/// A span in its one fitting unit, rounded down: `90 s` is `1 min`, 47 hours are `47 h`.
pub(super) fn span(secs: u64) -> String {
    match secs {
        0..60 => format!("{secs} s"),
        60..3_600 => format!("{} min", secs / 60),
        3_600..172_800 => format!("{} h", secs / 3_600),
        _ => format!("{} d", secs / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_worded_for_a_person_and_exact_for_a_pipe() {
        let now = Timestamp::from_micros(1_763_781_247_311_204);
        let person = When { now, relative: true };
        let pipe = When { relative: false, ..person };
        let cases = [(0, "now"), (59, "in 59 s"), (6 * 86_400, "in 6 d"), (-120, "2 min ago"), (-169_200, "47 h ago")];
        for (secs, words) in cases {
            assert_eq!(person.of(now.plus_secs(secs)), words);
        }
        assert_eq!(person.or_never(None), "never");
        assert_eq!(pipe.of(now), "2025-11-22T03:14:07Z");
        assert_eq!(pipe.row(now), "2025-11-22T03:14:07.311Z");
    }
}
