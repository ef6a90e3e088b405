//! End-to-end tests: the real programs, real sockets, real files. See the crate's README.

mod crash;
mod dedup;
mod fixtures;
mod people;
mod refusals;
mod revoke;
mod secrets;
mod shutdown;
mod startup;
mod support;
mod tail;
