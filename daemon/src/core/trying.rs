//! Trying (domain.md §3, "Explain and dry run"): a proposal judged over logged calls, and a logged call judged today.
//!
//! The log keeps less than the sender sent: the beginning of the body, and no secret. Whatever would have been read of the
//! rest is unknown, so every answer is *matches*, *does not* or *cannot tell*, never a guess that looks like a fact.

mod fate;
mod judge;
mod proposal;
mod recall;
mod requests;
mod truth;

pub use fate::{Tried, compare, compare_with_then, then};
pub use judge::{Judged, judge};
pub use proposal::{Proposal, replay};
pub use recall::{Recalled, mark_redacted};
pub use requests::is_request;

#[cfg(test)]
mod tests;
