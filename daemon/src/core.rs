//! Decides and does no I/O: synchronous, takes `now`, tested without a runtime.

pub mod access;
pub mod admin;
pub mod answer;
pub mod asked;
pub mod audit;
pub mod authenticate;
pub mod call;
pub mod concerns;
pub mod decide;
pub mod decision;
pub mod endpoint;
pub mod maintenance;
pub mod matching;
pub mod measures;
pub mod model;
pub mod passwd;
pub mod quota;
pub mod registry;
pub mod restoring;
pub mod rights;
pub mod routing;
pub mod standing;
pub mod token_list;
pub mod trying;
pub mod views;
pub mod workflows;

#[cfg(test)]
pub(crate) mod testing;
