pub mod explain;
pub mod filter;
pub mod priority;
pub mod problem;
