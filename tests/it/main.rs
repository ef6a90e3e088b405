//! End-to-end tests: the real programs, real sockets, real files. See the crate's README.

mod alertmanager;
mod console;
mod crash;
mod dedup;
mod export;
mod fixtures;
mod hostile;
mod machine;
mod operators;
mod people;
mod readme;
mod redaction;
mod refusals;
mod revoke;
mod secrets;
mod shutdown;
mod startup;
mod support;
mod tail;
mod tidy;
mod tokens;
mod uids;
