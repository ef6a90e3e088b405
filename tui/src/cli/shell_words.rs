//! A line taken apart into words as a shell does it, without any shell.

/// Characters that would make a shell do something: in a forced command they are refused rather than meant.
const META: &str = ";&|<>$`(){}*?[]!#~";

/// Whether such characters may stand unquoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meta {
    /// They are text: there is no shell near.
    Text,
    /// They are refused: whoever wrote them meant a shell.
    Refuse,
}

/// Why a line has no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WordsError {
    #[error("`{0}` means something to a shell, and there is none here; put it in quotes where it is text")]
    Meta(char),
    #[error("a quote is not closed")]
    Open,
    #[error("the line ends in a backslash")]
    Backslash,
    #[error("the line holds a control character")]
    Control,
}

/// The words of a line: blanks part them; quotes and backslashes keep blanks together, as in sh.
///
/// # Errors
/// See [`WordsError`]. In [`Meta::Refuse`] also `$` and a backtick within double quotes.
pub(crate) fn split(line: &str, meta: Meta) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.trim().chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            c if c.is_control() => return Err(WordsError::Control),
            '\'' => quoted(&mut rest, word.get_or_insert_default())?,
            '"' => double_quoted(&mut rest, word.get_or_insert_default(), meta)?,
            '\\' => word.get_or_insert_default().push(rest.next().ok_or(WordsError::Backslash)?),
            c if meta == Meta::Refuse && META.contains(c) => return Err(WordsError::Meta(c)),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(rest: &mut impl Iterator<Item = char>, word: &mut String) -> Result<(), WordsError> {
    loop {
        match rest.next().ok_or(WordsError::Open)? {
            '\'' => return Ok(()),
            c if c.is_control() => return Err(WordsError::Control),
            c => word.push(c),
        }
    }
}

fn double_quoted(rest: &mut impl Iterator<Item = char>, word: &mut String, meta: Meta) -> Result<(), WordsError> {
    loop {
        match rest.next().ok_or(WordsError::Open)? {
            '"' => return Ok(()),
            '\\' => match rest.next().ok_or(WordsError::Open)? {
                c @ ('"' | '\\' | '$' | '`') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c @ ('$' | '`') if meta == Meta::Refuse => return Err(WordsError::Meta(c)),
            c if c.is_control() => return Err(WordsError::Control),
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::app::words::shell;

    #[test]
    fn quotes_and_backslashes_keep_a_word_together() {
        let words = split(r#"token edit 'a b' --description "it's \"new\"" c\ d '' "#, Meta::Refuse).unwrap();
        assert_eq!(words, ["token", "edit", "a b", "--description", "it's \"new\"", "c d", ""]);
        assert_eq!(split("it'\\''s", Meta::Refuse), Err(WordsError::Open));
        assert_eq!(split(r"'it'\''s'", Meta::Refuse).unwrap(), ["it's"]);
    }

    #[test]
    fn what_means_something_to_a_shell_is_refused_unless_it_is_quoted() {
        for line in
            ["status; id", "status | cat", "log > x", "a $(id)", "a `id`", "a && b", "ls *", "a \"$HOME\"", "! x"]
        {
            assert!(matches!(split(line, Meta::Refuse), Err(WordsError::Meta(_))), "{line}");
            assert!(split(line, Meta::Text).is_ok(), "{line}");
        }
        assert_eq!(split("token list 'expires:<14d'", Meta::Refuse).unwrap()[2], "expires:<14d");
        assert_eq!(split("a\nb", Meta::Refuse), Err(WordsError::Control));
        assert_eq!(split("a \"b", Meta::Text), Err(WordsError::Open));
    }

    proptest! {
        #[test]
        fn every_text_that_was_quoted_for_a_shell_is_one_word_again(text in "[^\\p{Cc}]{0,30}") {
            for meta in [Meta::Text, Meta::Refuse] {
                prop_assert_eq!(split(&shell(&text), meta), Ok(vec![text.clone()]));
            }
        }
    }
}
