//! Who may do what: one function decides, for every door (domain.md §1).
//!
//! [`allows`] is the whole table. It is asked by the local door, by management over the gate (a token acts with its
//! permissions, a personal one with no more than its owner may now), and by the writer before a change.

mod actor;
mod sight;
mod table;

pub use actor::{Actor, Door, Who};
pub use sight::{Sight, managed_team, service_target, token_target};
pub use table::{Operation, Target, allows, may_grant};
