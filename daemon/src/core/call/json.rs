//! JSON as a call may bear it: bounded in depth, and with words for what is wrong that repeat nothing of it.

use serde::de::IgnoredAny;
use serde_json::Value;

/// Objects and arrays inside one another; more is not parsed. Half of what the parser itself would bear.
pub const DEPTH_MAX: usize = 64;

/// Where and why JSON does not parse. Holds nothing of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonProblem {
    /// Counted from 1.
    pub line: usize,
    /// In bytes of the line, counted from 1; 0 = before its first byte.
    pub column: usize,
    /// Lower case, one clause.
    pub reason: String,
}

impl std::fmt::Display for JsonProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the body is not JSON: {} at line {}, column {}", self.reason, self.line, self.column)
    }
}

/// An object or array, `None` for other valid JSON, which only text rules can use. Costs one look at most for a body
/// that does not begin like either.
pub(super) fn parse(text: &str) -> Result<Option<Value>, JsonProblem> {
    let begins_like_json = text.trim_start().starts_with(['{', '[']);
    if !begins_like_json {
        return serde_json::from_str::<IgnoredAny>(text).map(|_| None).map_err(|error| problem(&error));
    }
    check_depth(text)?;
    let value: Value = serde_json::from_str(text).map_err(|error| problem(&error))?;
    // A number in disguise: the parser's own marker key, sent by somebody who knows it.
    Ok(Some(value).filter(|value| value.is_object() || value.is_array()))
}

/// Looks for nesting before the parser does: 100,000 brackets then cost one pass and no memory.
fn check_depth(text: &str) -> Result<(), JsonProblem> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(too_deep(text, at));
        }
    }
    Ok(())
}

fn too_deep(text: &str, at: usize) -> JsonProblem {
    let before = &text.as_bytes()[..at];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    JsonProblem {
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: at - line_start + 1,
        reason: format!("nested deeper than {DEPTH_MAX} levels at byte {}", at + 1),
    }
}

/// The parser's own words without the place, which stands beside them. Its words for wrong syntax are fixed ones; those
/// for wrong data would repeat the value.
fn problem(error: &serde_json::Error) -> JsonProblem {
    let words = if error.is_data() { "unusable value".to_owned() } else { error.to_string() };
    let reason = words.split(" at line ").next().unwrap_or_default().to_lowercase();
    JsonProblem { line: error.line(), column: error.column(), reason }
}
