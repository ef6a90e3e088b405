//! Names of teams, services, filters and tokens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::NAME_CHARS_MAX;

/// A name: 1 to 64 visible characters, spaces allowed inside, not at the ends (domain.md §1). Unique among siblings
/// case-insensitively: compare [`Name::key`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or only white space.
    #[error("a name needs at least one visible character")]
    Empty,
    /// A control, bidirectional or zero-width character, or a line break.
    #[error("the character U+{0:04X} cannot be seen; a name is made of visible characters")]
    Invisible(u32),
    /// White space at the beginning or the end.
    #[error("a name neither begins nor ends with a space")]
    SpaceAtEnd,
    /// More than 64 characters.
    #[error("the name has {0} characters; {NAME_CHARS_MAX} are the limit")]
    TooLong(usize),
    /// `/` divides team and service in references such as `Ops/DB`.
    #[error("a name holds no `/`: it divides team and service, as in Ops/DB")]
    Slash,
}

impl Name {
    /// Takes `text` as a name, or says why it is none.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn new(text: &str) -> Result<Self, NameError> {
        let chars = text.chars().count();
        if text.trim().is_empty() {
            return Err(NameError::Empty);
        }
        if chars > NAME_CHARS_MAX {
            return Err(NameError::TooLong(chars));
        }
        if let Some(bad) = text.chars().find(|c| is_invisible(*c)) {
            return Err(NameError::Invisible(u32::from(bad)));
        }
        if text.trim() != text {
            return Err(NameError::SpaceAtEnd);
        }
        if text.contains('/') {
            return Err(NameError::Slash);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What uniqueness compares: the name in lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// True for characters that a reader cannot see or that reorder what he sees; a plain space is visible enough.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_1_to_64_visible_characters() {
        assert!(Name::new("a").is_ok());
        assert!(Name::new(&"\u{e9}".repeat(64)).is_ok());
        assert_eq!(Name::new(&"x".repeat(65)), Err(NameError::TooLong(65)));
        assert_eq!(Name::new("  "), Err(NameError::Empty));
        assert_eq!(Name::new("a\u{1b}[2J"), Err(NameError::Invisible(0x1b)));
        assert_eq!(Name::new("a\u{202e}b"), Err(NameError::Invisible(0x202e)));
        assert_eq!(Name::new(" a"), Err(NameError::SpaceAtEnd));
        assert_eq!(Name::new("Ops/DB"), Err(NameError::Slash));
    }

    #[test]
    fn names_are_unique_case_insensitively() {
        assert_eq!(Name::new("Ops").map(|n| n.key()), Name::new("oPS").map(|n| n.key()));
    }
}
