//! A console's session in a file, for bug reports and regression tests: what came in, not what was drawn.
//!
//! The first line is a [`Header`], each other one an [`Entry`]: JSON, one a line. Played back through
//! [`crate::app::update::update`] with the same times, the same messages give the same model, so no daemon is needed.
//! No secret gets here: [`Secret`](crate::app::secret::Secret) and [`Hidden`](crate::app::msg::Hidden) have no other
//! form in JSON than their length, letters typed into a masked field are stars, and `scrub` takes out what senders wrote.

pub mod play;
pub mod record;
mod scrub;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use tollgate_shared::time::Timestamp;

use crate::app::Msg;

/// The form of the file; another number is another form.
pub const FORM: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// See [`FORM`].
    pub tollgate_session: u32,
    /// Of the program that wrote it.
    pub version: String,
    pub started: Timestamp,
    pub columns: u16,
    pub rows: u16,
    pub lock_after_secs: Option<u32>,
    /// Seconds that the operator's own time was ahead of UTC.
    pub offset_secs: i32,
}

/// A later line: a message, or why there are no more.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Microseconds after the start; what `update` was told as the time.
    pub t: u64,
    pub msg: Option<Msg>,
    pub end: Option<String>,
}
