#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod api;
pub mod audit;
pub mod debug_cost;
pub mod explain;
pub mod filter;
pub mod id;
pub mod incident;
pub mod limits;
pub mod log;
pub mod name;
pub mod outcome;
pub mod priority;
pub mod problem;
pub mod query;
pub mod request;
pub mod role;
pub mod secret;
pub mod time;
pub mod token;
pub mod workflow;
