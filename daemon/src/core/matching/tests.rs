//! Each rule of domain.md section 3 that the evaluator implements, by its name.

mod conditions;
mod phases;
mod verdicts;
