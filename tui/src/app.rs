//! The console's model: what is on the screen and what a key does to it.
//!
//! [`update::update`] is the only way in: messages go in, effects come out. Nothing here does I/O, reads a clock, rolls
//! dice, or knows ratatui and crossterm, so all of it is tested without a terminal and without a daemon.

pub mod action;
pub mod ask;
pub mod audit;
pub mod chips;
pub mod commands;
pub mod connection;
pub mod cursor;
pub mod danger;
pub mod detail;
pub mod field;
pub mod first;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod forms;
pub mod held;
pub mod history;
pub mod hosts;
pub mod identify;
pub mod incidents;
pub mod key;
pub mod keymap;
pub mod layer;
pub mod layout;
pub mod lock;
pub mod logs;
pub mod marks;
pub mod model;
pub mod msg;
pub mod operators;
pub mod order;
pub mod palette;
pub mod query;
pub mod requests;
pub mod resume;
pub mod rights;
pub mod secret;
pub mod services;
pub mod slow;
pub mod status;
pub mod tail;
pub mod times;
pub mod tokens;
pub mod trial;
pub mod undo;
pub mod update;
pub mod verdict;
pub mod words;

pub use model::{Model, Screen};
pub use msg::{Dirty, Effect, Effects, Msg, Net};

#[cfg(test)]
mod tests;
