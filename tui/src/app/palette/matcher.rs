//! Letters in their order, somewhere in a text: together and at the beginning of words is better.

use crate::app::logs::{fold, fold_char};

/// A letter of a word's beginning.
const AT_WORD: i32 = 10;
/// A letter right behind the one before.
const TOGETHER: i32 = 8;
/// The first letter of all.
const AT_START: i32 = 6;
/// A gap costs its length, up to this.
const GAP_MAX: usize = 6;
/// No label is read further.
const CHARS_MAX: usize = 200;

/// What is typed, in words: each of them has to be there.
pub(super) struct Pattern(Vec<Vec<char>>);

impl Pattern {
    pub(super) fn new(typed: &str) -> Self {
        Self(typed.split_whitespace().map(|word| fold(word).collect()).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How well a text fits; none where it does not. A short text is better than a long one.
    pub(super) fn score(&self, text: &str) -> Option<i32> {
        let chars: Vec<char> = text.chars().take(CHARS_MAX).collect();
        if self.is_empty() {
            return Some(0);
        }
        let words = self.0.iter().map(|word| best(word, &chars)).sum::<Option<i32>>()?;
        Some(words - i32::try_from(chars.len() / 4).unwrap_or(0))
    }
}

/// The best of all places at which the word can begin.
fn best(word: &[char], text: &[char]) -> Option<i32> {
    let first = word.first()?;
    let begins = (0..text.len()).filter(|at| fold_char(text[*at]) == *first);
    begins.filter_map(|at| from(word, text, at)).max()
}

/// The word's letters as early as they come from a place on.
fn from(word: &[char], text: &[char], start: usize) -> Option<i32> {
    let (mut score, mut before, mut at): (i32, Option<usize>, usize) = (0, None, start);
    for letter in word {
        let found = (at..text.len()).find(|place| fold_char(text[*place]) == *letter)?;
        score += match before {
            Some(before) if before + 1 == found => TOGETHER,
            Some(before) => -i32::try_from((found - before).min(GAP_MAX)).unwrap_or(0),
            None => 0,
        };
        let begins_word = found == 0 || !text[found - 1].is_alphanumeric();
        score += if begins_word { AT_WORD } else { 0 } + if found == 0 { AT_START } else { 0 };
        (before, at) = (Some(found), found + 1);
    }
    Some(score)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn score(typed: &str, text: &str) -> Option<i32> {
        Pattern::new(typed).score(text)
    }

    #[test]
    fn what_stands_together_and_at_a_beginning_is_better() {
        assert!(score("zab", "zabbix-prod") > score("zab", "az-a-b"));
        assert!(score("prod", "zabbix-prod") > score("prod", "paroxodus"));
        assert!(score("zp", "zabbix-prod") > score("zp", "zabbixprod"));
        assert!(score("ops net", "Ops/Network").is_some() && score("net ops", "Ops/Network").is_some());
        assert_eq!(score("xz", "zabbix"), None);
        assert_eq!(score("", ""), Some(0));
    }

    /// The plain way to say it: the letters come in their order.
    fn is_within(word: &str, text: &str) -> bool {
        let mut rest = text.chars().map(fold_char);
        fold(word).all(|letter| rest.any(|other| other == letter))
    }

    proptest! {
        #[test]
        fn a_text_fits_where_every_word_is_within_it(typed in "[abAB -]{0,8}", text in "[abAB -]{0,20}") {
            let plain = typed.split_whitespace().all(|word| is_within(word, &text));
            prop_assert_eq!(score(&typed, &text).is_some(), plain);
        }
    }
}
