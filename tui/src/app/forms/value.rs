//! What a field of a form holds.

use super::super::field::{Field, Masked};
use super::super::key::{Code, Key};

/// A field with its label.
#[derive(Clone, Debug)]
pub struct FormField {
    pub label: &'static str,
    pub value: Value,
    /// What stands behind the field.
    pub hint: String,
    /// When it is on the form.
    pub when: When,
    /// Why it cannot be changed.
    pub refused: Option<String>,
}

/// When a field is on the form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    #[default]
    Always,
    /// While `more` is open.
    More,
    /// While permissions are chosen one by one.
    Choosing,
    /// While the end is given as a date.
    Dated,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Value {
    Text(Field),
    Masked(Masked),
    Choice(Choice),
    Tick(bool),
    /// Opens and closes the fields that are seldom needed.
    More(bool),
}

/// One of several; typing narrows them.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub options: Vec<(String, String)>,
    pub at: usize,
    pub typed: String,
}

impl FormField {
    pub(super) fn text(label: &'static str, value: &str, hint: &str) -> Self {
        Self::new(label, Value::Text(Field::new(value)), hint)
    }

    pub(super) fn masked(label: &'static str, hint: &str) -> Self {
        Self::new(label, Value::Masked(Masked::default()), hint)
    }

    pub(super) fn choice(label: &'static str, options: Vec<(String, String)>, at: usize, hint: &str) -> Self {
        Self::new(label, Value::Choice(Choice::new(options, at)), hint)
    }

    pub(super) fn tick(label: &'static str, on: bool, hint: &str) -> Self {
        Self::new(label, Value::Tick(on), hint)
    }

    pub(super) fn new(label: &'static str, value: Value, hint: &str) -> Self {
        Self { label, value, hint: hint.to_owned(), when: When::Always, refused: None }
    }

    pub(super) fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Gives it a key. False if the key means nothing here.
    pub(super) fn key(&mut self, key: Key) -> bool {
        match &mut self.value {
            Value::Text(field) => field.key(key),
            Value::Masked(field) => field.key(key),
            Value::Choice(choice) => choice.key(key),
            Value::Tick(on) | Value::More(on) if key == Key::char(' ') => {
                *on = !*on;
                true
            }
            Value::Tick(_) | Value::More(_) => false,
        }
    }

    /// True where two fields hold the same.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Text(a), Value::Text(b)) => a.text() == b.text(),
            (Value::Choice(a), Value::Choice(b)) => a.value() == b.value(),
            (Value::Tick(a), Value::Tick(b)) => a == b,
            _ => true,
        }
    }
}

impl Choice {
    pub(in crate::app) fn new(options: Vec<(String, String)>, at: usize) -> Self {
        Self { options, at, typed: String::new() }
    }

    /// The words of the chosen one.
    #[must_use]
    pub fn label(&self) -> &str {
        self.options.get(self.at).map_or("", |(label, _)| label)
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> &str {
        self.options.get(self.at).map_or("", |(_, value)| value)
    }

    /// Chooses a value, where there is such a one.
    pub fn pick(&mut self, value: &str) {
        if let Some(at) = self.options.iter().position(|(_, own)| own == value) {
            self.at = at;
        }
    }

    pub(in crate::app) fn key(&mut self, key: Key) -> bool {
        let len = self.options.len().max(1);
        match key.code {
            Code::Left => self.at = (self.at + len - 1) % len,
            Code::Right | Code::Char(' ') => self.at = (self.at + 1) % len,
            Code::Backspace => drop(self.typed.pop()),
            Code::Char(letter) if !key.ctrl => self.narrow(letter),
            _ => return false,
        }
        true
    }

    /// Letters look for an option; a letter that fits none begins anew.
    fn narrow(&mut self, letter: char) {
        self.typed.push(letter);
        if self.seek() {
            return;
        }
        self.typed = letter.to_string();
        if !self.seek() {
            self.typed.clear();
        }
    }

    fn seek(&mut self) -> bool {
        let typed = self.typed.to_lowercase();
        let found = self.options.iter().position(|(label, _)| label.to_lowercase().contains(&typed));
        if let Some(at) = found {
            self.at = at;
        }
        found.is_some()
    }
}
