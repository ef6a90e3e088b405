#![doc = include_str!("../README.md")]

pub mod assemble;
pub mod automation;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
pub mod daemon;
pub mod edge;
pub mod events;
pub mod files;
pub mod gate;
pub mod hour;
pub mod ids;
pub mod jobs;
pub mod lanes;
pub mod local;
pub mod logger;
pub mod people;
pub mod refused;
pub mod running;
pub mod spread;
pub mod store;
pub mod tail;
pub mod talkers;
pub mod usage;
pub mod watch;
pub mod writer;

/// An error with all its causes, for the log: the one place where a chain is printed.
pub fn report(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
