//! The regular expressions of `matches`: linear in the text, and bounded in what they may cost to keep.

use regex::{Regex, RegexBuilder};
use thiserror::Error;

use super::PATTERN_CHARS_MAX;

/// Bytes that one compiled pattern may take. One `\w` of all scripts needs about 50 KiB, so `\w{16}` passes
/// and `\w{50}` does not; ASCII costs almost nothing.
const COMPILED_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of its search cache. Beyond it the engine starts over and stays linear, only slower.
const CACHE_BYTES_MAX: usize = 1024 * 1024;
/// Brackets within brackets.
const NESTING_MAX: u32 = 32;

/// A text is not a pattern that we accept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Compiled it needs more than 1 MiB.
    #[error("this pattern becomes too large; use smaller repeat counts, or (?-u) where only ASCII matters")]
    TooLarge,
    /// More than [`PATTERN_CHARS_MAX`] characters.
    #[error("a pattern may have at most {PATTERN_CHARS_MAX} characters")]
    TooLong,
    /// Not a regular expression; the parser says where.
    #[error("not a regular expression: {0}")]
    Syntax(String),
}

/// Compiles a pattern of `matches`; `ignore_case` is `(?i)` before the whole.
///
/// # Errors
/// Too long, too large once compiled, or not a regular expression.
pub fn compile_pattern(pattern: &str, ignore_case: bool) -> Result<Regex, PatternError> {
    if pattern.chars().count() > PATTERN_CHARS_MAX {
        return Err(PatternError::TooLong);
    }
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(CACHE_BYTES_MAX)
        .nest_limit(NESTING_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
            other => PatternError::Syntax(last_line(&other.to_string())),
        })
}

/// The engine explains itself over several lines with a drawing; its last line says what is wrong.
fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_anywhere_and_may_ignore_case() {
        assert!(compile_pattern("b+", false).unwrap().is_match("abbc"));
        assert!(!compile_pattern("b+", false).unwrap().is_match("ABBC"));
        assert!(compile_pattern("b+", true).unwrap().is_match("ABBC"));
    }

    #[test]
    fn patterns_are_limited_in_length_and_in_compiled_size() {
        assert!(matches!(compile_pattern(&"a".repeat(257), false), Err(PatternError::TooLong)));
        assert!(matches!(compile_pattern(r"\w{200}", false), Err(PatternError::TooLarge)));
        assert!(matches!(compile_pattern(r"((a{90}){90}){90}", false), Err(PatternError::TooLarge)));
        assert!(compile_pattern(r"\w{8}-\w{4}-\w{4}", false).is_ok());
        assert!(compile_pattern(r"\d{1,3}(\.\d{1,3}){3}", true).is_ok());
        assert!(compile_pattern(&["critical"; 28].join("|"), true).is_ok());
    }

    #[test]
    fn a_syntax_error_is_said_in_one_line() {
        let error = compile_pattern("a(b", false).unwrap_err().to_string();
        assert_eq!(error, "not a regular expression: unclosed group");
    }
}
