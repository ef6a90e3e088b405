//! A line of text that is being typed.

use std::fmt;

use tollgate_shared::secret::find_in;
use zeroize::Zeroizing;

use super::key::{Code, Key};

/// No field takes more; what is longer is refused whole rather than cut in silence.
pub const FIELD_CHARS_MAX: usize = 1_000;

/// Text and the place of the cursor in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    chars: Vec<char>,
    cursor: usize,
}

/// A line that is typed without being shown. Overwritten when dropped; in `Debug` it is not there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Masked(Zeroizing<String>);

/// Why a paste was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasteRefused {
    #[error("the paste has {0} characters and a field takes {FIELD_CHARS_MAX}: nothing of it was kept")]
    TooLong(usize),
    #[error("that looks like a token's secret: it was not kept and not sent; :identify says whose it is")]
    Secret,
}

impl Field {
    #[must_use]
    pub fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        Self { cursor: chars.len(), chars }
    }

    /// As [`Field::new`], with the cursor before a character.
    #[must_use]
    pub fn with_cursor(text: &str, cursor: usize) -> Self {
        let field = Self::new(text);
        Self { cursor: cursor.min(field.chars.len()), ..field }
    }

    #[must_use]
    pub fn text(&self) -> String {
        self.chars.iter().collect()
    }

    /// What stands before the cursor.
    #[must_use]
    pub fn before_cursor(&self) -> String {
        self.chars[..self.cursor].iter().collect()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// Takes a key of a text field. False if the key means nothing here.
    pub fn key(&mut self, key: Key) -> bool {
        match (key.code, key.ctrl) {
            (Code::Char('u'), true) => self.chars.drain(..std::mem::take(&mut self.cursor)).for_each(drop),
            (Code::Char('w'), true) => self.delete_word(),
            (Code::Char(letter), false) => self.insert(letter),
            (Code::Backspace, _) if self.cursor > 0 => {
                self.cursor -= 1;
                self.chars.remove(self.cursor);
            }
            (Code::Delete, _) if self.cursor < self.chars.len() => drop(self.chars.remove(self.cursor)),
            (Code::Backspace | Code::Delete, _) => {}
            (Code::Left, _) => self.cursor = self.cursor.saturating_sub(1),
            (Code::Right, _) => self.cursor = (self.cursor + 1).min(self.chars.len()),
            (Code::Home, _) => self.cursor = 0,
            (Code::End, _) => self.cursor = self.chars.len(),
            _ => return false,
        }
        true
    }

    /// Takes a paste: line breaks and tabs become spaces.
    ///
    /// # Errors
    /// Where it does not fit or looks like a secret; the field is then as it was.
    pub fn paste(&mut self, text: &str) -> Result<(), PasteRefused> {
        let text = text.trim_end_matches(['\r', '\n']);
        if !find_in(text).is_empty() {
            return Err(PasteRefused::Secret);
        }
        let chars = text.chars().count();
        if chars + self.chars.len() > FIELD_CHARS_MAX {
            return Err(PasteRefused::TooLong(chars));
        }
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).for_each(|c| self.insert(c));
        Ok(())
    }

    fn insert(&mut self, letter: char) {
        if self.chars.len() < FIELD_CHARS_MAX {
            self.chars.insert(self.cursor, letter);
            self.cursor += 1;
        }
    }

    fn delete_word(&mut self) {
        let is_space = |c: &char| c.is_whitespace();
        let end = self.chars[..self.cursor].iter().rposition(|c| !is_space(c)).map_or(0, |at| at + 1);
        let start = self.chars[..end].iter().rposition(is_space).map_or(0, |at| at + 1);
        self.chars.drain(start..self.cursor);
        self.cursor = start;
    }
}

impl Masked {
    /// What was typed: for the request, nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }

    /// Takes a key; the end of the line is the only place to type at. False if the key means nothing here.
    pub fn key(&mut self, key: Key) -> bool {
        match (key.code, key.ctrl) {
            (Code::Char('u'), true) => self.0 = Zeroizing::default(),
            (Code::Char(letter), false) => self.push(letter),
            (Code::Backspace, _) => drop(self.0.pop()),
            _ => return false,
        }
        true
    }

    /// Takes a paste; passphrases come out of password stores.
    ///
    /// # Errors
    /// Where it does not fit; the field is then as it was.
    pub fn paste(&mut self, text: &str) -> Result<(), PasteRefused> {
        let text = text.trim_end_matches(['\r', '\n']);
        let chars = text.chars().count();
        if chars + self.chars() > FIELD_CHARS_MAX {
            return Err(PasteRefused::TooLong(chars));
        }
        text.chars().filter(|c| !c.is_control()).for_each(|c| self.push(c));
        Ok(())
    }

    /// Holds these values and nothing else, one a line.
    ///
    /// # Errors
    /// Where they do not fit; the field is then as it was.
    pub fn hold(&mut self, values: &[&str]) -> Result<(), PasteRefused> {
        let chars = values.iter().map(|value| value.chars().count() + 1).sum();
        if chars > FIELD_CHARS_MAX {
            return Err(PasteRefused::TooLong(chars));
        }
        self.0 = Zeroizing::default();
        for (at, value) in values.iter().enumerate() {
            (at > 0).then(|| self.push('\n'));
            value.chars().for_each(|c| self.push(c));
        }
        Ok(())
    }

    fn push(&mut self, letter: char) {
        if self.0.len() + letter.len_utf8() > self.0.capacity() {
            // A string that grows leaves its old bytes behind: the new one is filled by hand, the old one overwritten.
            let mut larger = Zeroizing::new(String::with_capacity((self.0.capacity() * 2).max(128)));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        if self.chars() < FIELD_CHARS_MAX {
            self.0.push(letter);
        }
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masked(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_of_100_kb_is_refused_whole_and_said() {
        let mut field = Field::new("ab");
        let refused = field.paste(&"x".repeat(100_000)).unwrap_err();
        assert!(refused.to_string().contains("100000 characters"), "{refused}");
        assert_eq!(field.text(), "ab");
    }

    #[test]
    fn a_secret_is_caught_in_every_field() {
        let mut field = Field::default();
        let secret = format!("tg_s_7QmX0c2LrT{}_abcdef", "a".repeat(43));
        assert_eq!(field.paste(&secret), Err(PasteRefused::Secret));
        assert!(field.is_empty());
    }

    #[test]
    fn the_keys_of_a_line_editor_work_at_both_ends() {
        let mut field = Field::new("one two");
        field.key(Key::ctrl('w'));
        assert_eq!(field.text(), "one ");
        field.key(Key::plain(Code::Home));
        field.key(Key::plain(Code::Backspace));
        field.key(Key::plain(Code::Delete));
        assert_eq!(field.text(), "ne ");
        field.key(Key::plain(Code::End));
        field.key(Key::plain(Code::Delete));
        field.key(Key::ctrl('u'));
        assert!(field.is_empty());
    }
}
