//! Decides and does no I/O: synchronous, takes `now`, tested without a runtime.

pub mod call;
pub mod matching;
pub mod model;
