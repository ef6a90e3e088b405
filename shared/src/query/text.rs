//! Text search without case.
//!
//! Each character is lower-cased by its simple mapping, as a filter condition with `ignore_case` does it (domain.md
//! section 3). Accents count: `e` does not find an accented one.

use std::borrow::Cow;

/// What to look for, folded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needle(String);

// === impl Needle ===

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        Self(fold(text).into_owned())
    }

    /// True where the text holds the needle.
    pub(super) fn is_in(&self, text: &str) -> bool {
        if text.len() < self.0.len() && text.is_ascii() {
            return false;
        }
        // Bodies are mostly ASCII, and folding 16 KiB of it for each term and row would be most of the cost.
        if text.is_ascii() { self.is_in_ascii(text.as_bytes()) } else { fold(text).contains(&self.0) }
    }

    /// True where the text is the needle.
    pub(super) fn is(&self, text: &str) -> bool {
        fold(text) == self.0
    }

    fn is_in_ascii(&self, text: &[u8]) -> bool {
        let needle = self.0.as_bytes();
        let Some((first, rest)) = needle.split_first() else { return true };
        let ends = text.len().saturating_sub(rest.len());
        let starts = text[..ends].iter().enumerate().filter(|(_, byte)| byte.to_ascii_lowercase() == *first);
        starts.into_iter().any(|(at, _)| text[at + 1..][..rest.len()].eq_ignore_ascii_case(rest))
    }
}

/// Each character lower-cased by its simple mapping.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    let is_folded = |c: char| c.is_ascii() && !c.is_ascii_uppercase();
    if text.chars().all(is_folded) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_does_not_count_and_accents_do() {
        assert!(Needle::new("CPU").is_in("High cpu on web01") && Needle::new("\u{c9}t\u{e9}").is_in("L'\u{e9}T\u{c9}"));
        assert!(!Needle::new("ete").is_in("\u{e9}t\u{e9}"));
        assert!(Needle::new("").is_in(""));
        assert!(Needle::new("k").is_in("300 \u{212a}"), "the Kelvin sign folds to k");
    }

    proptest! {
        #[test]
        fn the_fast_search_agrees_with_folding_both_sides(text in "[aAbB\u{e9}\u{c9}]{0,12}", needle in "[aAbB\u{e9}\u{c9}]{0,4}") {
            prop_assert_eq!(Needle::new(&needle).is_in(&text), fold(&text).contains(fold(&needle).as_ref()));
        }
    }
}
