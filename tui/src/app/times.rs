//! How moments are shown: in UTC, in the operator's own time, or as how long ago.

use serde::{Deserialize, Serialize};
use tollgate_shared::time::Timestamp;

use super::words;

/// The form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    #[default]
    Utc,
    Local,
    Ago,
}

/// The form, with what it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub form: Form,
    /// Seconds that the operator's own time is ahead of UTC.
    pub offset_secs: i32,
}

impl Times {
    /// The next form.
    pub fn turn(&mut self) {
        self.form = match self.form {
            Form::Utc => Form::Local,
            Form::Local => Form::Ago,
            Form::Ago => Form::Utc,
        };
    }

    /// The form in words.
    #[must_use]
    pub fn words(self) -> String {
        match self.form {
            Form::Utc => "times are UTC".to_owned(),
            Form::Local => format!("times are local, UTC{}", self.offset()),
            Form::Ago => "times are how long ago".to_owned(),
        }
    }

    /// A column's name: a time that is not UTC says so.
    #[must_use]
    pub fn column(self, utc: &'static str) -> &'static str {
        match self.form {
            Form::Utc => utc,
            Form::Local => "LOCAL",
            Form::Ago => "AGO",
        }
    }

    /// `03:12:39`, or `2m`.
    #[must_use]
    pub fn clock(self, at: Timestamp, now: Timestamp) -> String {
        match self.form {
            Form::Ago => words::age(now.secs_since(at)),
            _ => words::clock(self.shifted(at)),
        }
    }

    /// `2026-11-22 03:12:39Z`, or `2m ago`.
    #[must_use]
    pub fn moment(self, at: Timestamp, now: Timestamp) -> String {
        match self.form {
            Form::Utc => words::moment(at),
            Form::Local => format!("{}{}", words::moment(self.shifted(at)).trim_end_matches('Z'), self.offset()),
            Form::Ago => format!("{} ago", words::age(now.secs_since(at))),
        }
    }

    /// The moment at which UTC shows what the operator's own clock shows.
    #[must_use]
    pub fn shifted(self, at: Timestamp) -> Timestamp {
        if self.form == Form::Local { at.plus_secs(self.offset_secs.into()) } else { at }
    }

    /// `+01:00`.
    fn offset(self) -> String {
        let (sign, minutes) = (if self.offset_secs < 0 { '-' } else { '+' }, self.offset_secs.unsigned_abs() / 60);
        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::now;

    #[test]
    fn a_time_that_is_not_utc_says_what_it_is() {
        let mut times = Times { form: Form::Utc, offset_secs: -12_600 };
        let at = now().plus_secs(-125);
        assert_eq!(times.moment(at, now()), "2026-11-22 03:11:55Z");
        times.turn();
        assert_eq!(times.moment(at, now()), "2026-11-21 23:41:55-03:30");
        assert_eq!((times.clock(at, now()).as_str(), times.column("TIME")), ("23:41:55", "LOCAL"));
        times.turn();
        assert_eq!(times.moment(at, now()), "2m ago");
        times.turn();
        assert_eq!(times.form, Form::Utc);
    }
}
