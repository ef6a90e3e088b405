#![doc = include_str!("../README.md")]

pub mod binaries;
pub mod daemon;
pub mod fixtures;
pub mod http;
pub mod output;
pub mod process;
pub mod terminal;
pub mod wait;

/// Says on standard error, in one form, that a test does not run here and why. A skipped test passes, so its line must be
/// easy to find: `grep '^SKIPPED'`.
pub fn skipped(test: &str, why: &str) {
    eprintln!("SKIPPED {test}: {why}");
}
