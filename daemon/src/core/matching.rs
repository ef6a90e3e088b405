//! Which filters a call matches (domain.md section 3): the plain evaluator, and the index that finds the same answer
//! among 100,000 filters.
//!
//! The plain evaluator tests every filter that it is given, one after the other, and is the reference for the index. Both
//! look at the call and nothing else: which incidents are open, whether the service is disabled, and what a match leads to
//! are the writer's business. Truth is decided on the call as it came; every text that they hand out is made from the
//! redacted view given beside it.

mod compile;
mod condition;
mod evaluate;
mod explain;
mod index;
mod key;
mod near;
mod render;
mod select;

pub use compile::{CompiledFilter, CompiledResolve, CompiledTrigger};
pub use condition::CompiledCondition;
pub use evaluate::{ResolveHit, ServiceMatch, TriggerHit, evaluate};
pub use explain::{ExplainBuilder, ServiceLabel, explain};
pub use index::{FilterIndex, Filters, ServiceKey};
pub use key::correlation_key;
pub use render::{DESCRIPTION_BYTES_MAX, TITLE_CHARS_MAX};
pub use select::{SELECTED_MAX, Selected, select};

#[cfg(test)]
mod sample;
#[cfg(test)]
mod senders_tests;
#[cfg(test)]
mod tests;
