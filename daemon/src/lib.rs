pub mod config;
pub mod core;
pub mod edge;
pub mod files;
pub mod local;
