//! Questions for rows apart from the stream.

use tollgate_shared::time::Timestamp;

/// Rows of the log that are fetched apart from the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The rows before the first.
    Older { before: u64 },
    /// The rows behind the last.
    Newer { after: u64 },
    /// The rows that a gap stands for.
    Gap { from: u64, to: u64 },
    /// As [`Page::UpTo`], for the row that was being read when another console ended.
    Again(u64),
    /// The newest rows, where there is nothing to follow.
    Newest,
    /// The rows from a moment on, in place of what is shown.
    From(Timestamp),
    /// The rows up to one, in place of what is shown.
    UpTo(u64),
    /// The last row of those that are sought before this one.
    LastBefore(Sought, u64),
    /// The first row of those that are sought behind this one.
    FirstAfter(Sought, u64),
}

/// What a row is gone to for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// It had no effect that it should have had.
    Failed,
    /// It has the text that is searched for.
    Text,
}
