//! End-to-end tests: the real programs, real sockets, real files. See the crate's README.

mod alertmanager;
mod console;
mod console_log;
mod crash;
mod dedup;
mod fixtures;
mod hostile;
mod operators;
mod people;
mod query;
mod readme;
mod refusals;
mod revoke;
mod secrets;
mod shutdown;
mod startup;
mod support;
mod tail;
mod tidy;
mod tokens;
