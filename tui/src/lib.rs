pub mod app;
pub mod safe_text;
pub mod term;
