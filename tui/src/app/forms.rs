//! Forms: fields, a button that does it, a Cancel button.

mod check;
mod filter;
mod many;
mod measures;
mod people;
mod plain;
mod settings;
mod token;
mod value;

pub use filter::{Cell, Part};
pub use measures::Measured;
pub use settings::{Difference, Logged, Settings, options_of};
pub use value::{Choice, FormField, Value, When};

use std::sync::Arc;

use tollgate_shared::api::{FilterView, OperatorView, TokenView};
use tollgate_shared::time::Timestamp;

use super::field::Field;
use super::first::Trying;
use super::key::Key;
use super::msg::Call;
use super::rights::Me;

/// What the form makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormKind {
    Token,
    /// Changes the token of this id.
    EditToken(String),
    /// Changes so many marked tokens.
    EditMany(usize),
    /// Limits a token, for a time or for good.
    Limit(Measured),
    /// Refuses a token's calls from some addresses for a time.
    Block(Measured),
    Team,
    Service,
    Filter,
    /// A filter written out.
    WriteFilter,
    /// Changes the filter of this id.
    EditFilter(String),
    /// Resolves the incident of this id.
    Resolve(String),
    /// Sends the sample alert of a preset with a token's secret.
    Sample(Trying),
    Operator,
    /// Changes the operator of this id.
    EditOperator(String),
    /// Sets the passphrase of the operator of this name.
    Passphrase(String),
    SignIn,
}

/// What Enter does where the mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnEnter {
    /// The next field.
    Next,
    /// Opens the fields that are folded away.
    Unfold,
    /// Sends the form, or shows what it would change.
    Send,
    Cancel,
}

/// A form.
#[derive(Clone, Debug)]
pub struct Form {
    pub kind: FormKind,
    pub fields: Vec<FormField>,
    /// A field, or behind them: the button, Cancel.
    pub focus: usize,
    /// What the daemon or the form said.
    pub error: Option<String>,
    pub pending: Option<u64>,
    /// Something was typed, so that Esc asks once more.
    pub changed: bool,
    pub asked: bool,
    /// One of the steps of the first path: team, service, filter, token.
    pub guided: bool,
    /// Which calls of the token were logged when the form was opened.
    pub logged: Logged,
    /// What is being changed, as it was when the form was opened.
    pub token: Option<Arc<TokenView>>,
    /// As [`Form::token`].
    pub operator: Option<Arc<OperatorView>>,
    /// As [`Form::token`].
    pub filter: Option<Arc<FilterView>>,
    /// The preset that filled the form in last.
    filled: String,
    /// The token as somebody else has made it meanwhile.
    pub theirs: Option<Arc<TokenView>>,
    /// Somebody else was faster, and what he made of it has been asked for.
    pub outdated: bool,
    /// Who fills it in; decides what may be granted.
    pub me: Option<Me>,
    /// Until then the daemon takes no further sign-in.
    pub wait_until: Option<Timestamp>,
}

impl Form {
    pub(in crate::app) fn new(kind: FormKind, fields: Vec<FormField>) -> Self {
        Self {
            kind,
            fields,
            focus: 0,
            error: None,
            pending: None,
            changed: false,
            asked: false,
            guided: false,
            logged: Logged::Off,
            token: None,
            operator: None,
            filter: None,
            filled: String::new(),
            theirs: None,
            outdated: false,
            me: None,
            wait_until: None,
        }
    }

    #[must_use]
    pub fn title(&self) -> String {
        let named = |name: Option<&str>, what: &str| format!("{what} {}", name.unwrap_or_default());
        match &self.kind {
            FormKind::Token => "NEW TOKEN".to_owned(),
            FormKind::EditToken(_) => named(self.token.as_ref().map(|token| token.name.as_str()), "EDIT TOKEN"),
            FormKind::EditMany(tokens) => format!("EDIT {tokens} marked tokens at once"),
            FormKind::Limit(of) => format!("LIMIT {}   {}", of.name, of.token),
            FormKind::Block(of) => format!("BLOCK addresses of {}   {}", of.name, of.token),
            FormKind::Team => "NEW TEAM".to_owned(),
            FormKind::Service => "NEW SERVICE".to_owned(),
            FormKind::Filter => "NEW FILTER from a preset".to_owned(),
            FormKind::WriteFilter => "NEW FILTER".to_owned(),
            FormKind::EditFilter(_) => {
                let filter = self.filter.as_ref();
                let service = filter.map(|filter| filter.service.name.as_str()).unwrap_or_default();
                named(filter.map(|filter| filter.spec.name.as_str()), &format!("EDIT FILTER {service} >"))
            }
            FormKind::Resolve(_) => "RESOLVE".to_owned(),
            FormKind::Sample(to) => named(Some(&to.name), "SAMPLE ALERT through"),
            FormKind::Operator => "NEW OPERATOR".to_owned(),
            FormKind::EditOperator(_) => named(self.operator.as_ref().map(|op| op.name.as_str()), "EDIT OPERATOR"),
            FormKind::Passphrase(name) => named(Some(name), "PASSPHRASE of"),
            FormKind::SignIn => "SIGN IN as an operator with a passphrase".to_owned(),
        }
    }

    #[must_use]
    pub fn button(&self) -> &'static str {
        match self.kind {
            _ if self.theirs.is_some() => "Reload, keep mine",
            FormKind::EditToken(_) | FormKind::EditMany(_) | FormKind::EditOperator(_) | FormKind::EditFilter(_) => {
                "Change ..."
            }
            FormKind::Limit(_) => "Limit",
            FormKind::Block(_) => "Block",
            FormKind::Resolve(_) => "Resolve",
            FormKind::Sample(_) => "Send",
            FormKind::Passphrase(_) => "Set",
            FormKind::SignIn => "Sign in",
            _ => "Create",
        }
    }

    /// True while the mark is on the button that does it.
    #[must_use]
    pub fn on_button(&self) -> bool {
        self.focus == self.fields.len()
    }

    #[must_use]
    pub fn on_cancel(&self) -> bool {
        self.focus > self.fields.len()
    }

    /// True while a field is on the form.
    #[must_use]
    pub fn is_shown(&self, index: usize) -> bool {
        let cell = self.fields.get(index).and_then(|field| field.cell);
        match self.fields.get(index).map(|field| field.when) {
            None | Some(When::Always) => true,
            Some(When::Row) => cell.is_some_and(|cell| self.is_row_shown(cell)),
            Some(When::Resolving) => self.is_resolving(),
            Some(When::More) => self.fields.iter().any(|field| matches!(field.value, Value::More(true))),
            Some(When::Choosing) => self.pick("may") == Some("choose"),
            Some(When::Dated) => self.pick("expires") == Some("date"),
        }
    }

    /// The fields that are on the form now, with their places.
    pub fn shown(&self) -> impl Iterator<Item = (usize, &FormField)> {
        self.fields.iter().enumerate().filter(|(index, _)| self.is_shown(*index))
    }

    /// Moves the mark, over what is not on the form.
    pub fn step(&mut self, by: isize) {
        let len = self.fields.len() + 2;
        for _ in 0..len {
            self.focus = (self.focus + len).saturating_add_signed(by.signum()) % len;
            if self.is_shown(self.focus) {
                return;
            }
        }
    }

    /// Gives a key to the field under the mark.
    pub fn key(&mut self, key: Key) -> bool {
        let Some(field) = self.fields.get_mut(self.focus) else { return false };
        if let Some(why) = &field.refused {
            self.error = Some(why.clone());
            return false;
        }
        let taken = field.key(key);
        self.changed |= taken && !matches!(field.value, Value::More(_));
        if taken {
            self.judge();
            self.fill_in();
        }
        taken
    }

    /// What Enter does now: the next field, and on the last one it sends. What is folded away is no field yet. A step of
    /// the first path asks one thing, its first field; all the others are filled in already.
    #[must_use]
    pub fn on_enter(&self) -> OnEnter {
        if self.on_cancel() {
            return OnEnter::Cancel;
        }
        if matches!(self.fields.get(self.focus).map(|field| &field.value), Some(Value::More(false))) {
            return OnEnter::Unfold;
        }
        let follows = |(at, field): (usize, &FormField)| at > self.focus && !matches!(field.value, Value::More(_));
        let asked = self.guided && self.focus == 0;
        if !asked && self.shown().any(follows) { OnEnter::Next } else { OnEnter::Send }
    }

    /// Enter on a field that is not the last one: the next one; what is folded opens first.
    pub fn enter(&mut self) {
        if let Some(Value::More(open @ false)) = self.fields.get_mut(self.focus).map(|field| &mut field.value) {
            *open = true;
        }
        self.step(1);
    }

    /// True for the one choice that a step of the first path is about: all of it is seen, and up and down choose.
    #[must_use]
    pub fn is_list(&self, index: usize) -> bool {
        let choice = |field: &FormField| matches!(field.value, Value::Choice(_));
        self.guided && index == 0 && index == self.focus && self.fields.first().is_some_and(choice)
    }

    /// Takes a paste into the field under the mark.
    pub fn paste(&mut self, text: &str) {
        let refused = self.fields.get(self.focus).and_then(|field| field.refused.clone());
        let pasted = match self.fields.get_mut(self.focus).map(|field| &mut field.value) {
            _ if refused.is_some() => Err(refused.unwrap_or_default()),
            Some(Value::Text(field)) => field.paste(text).map_err(|why| why.to_string()),
            Some(Value::Masked(field)) => field.paste(text).map_err(|why| why.to_string()),
            _ => Err("a paste goes into a text field only".to_owned()),
        };
        self.changed |= pasted.is_ok();
        self.error = pasted.err();
        self.judge();
    }

    /// The change that the form describes.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn submit(&self) -> Result<Call, String> {
        if let Some(wrong) = self.fault() {
            return Err(wrong.words);
        }
        match &self.kind {
            FormKind::Token => Ok(Call::CreateToken(Box::new(self.new_token()))),
            FormKind::EditToken(_) => self.token_change(),
            FormKind::Limit(of) | FormKind::Block(of) => self.measures_call(of),
            FormKind::WriteFilter | FormKind::EditFilter(_) => self.filter_call(),
            FormKind::Operator | FormKind::EditOperator(_) | FormKind::Passphrase(_) | FormKind::SignIn => {
                self.people_call()
            }
            _ => self.plain_call(),
        }
    }

    /// The command that does the same.
    #[must_use]
    pub fn cli(&self) -> String {
        match &self.kind {
            FormKind::EditMany(_) => {
                let options = self.many_patch().map(|patch| options_of(&patch)).unwrap_or_default();
                format!("tollgate token edit TOKEN{options}, for each of them")
            }
            FormKind::Token => self.token_cli(),
            FormKind::EditToken(token) => self.edit_cli(token),
            FormKind::Limit(of) | FormKind::Block(of) => self.measures_cli(of),
            FormKind::WriteFilter | FormKind::EditFilter(_) => self.filter_cli(),
            FormKind::Operator | FormKind::EditOperator(_) | FormKind::Passphrase(_) | FormKind::SignIn => {
                self.people_cli()
            }
            _ => self.plain_cli(),
        }
    }

    fn find(&self, label: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.label == label).map(|field| &field.value)
    }

    pub(in crate::app) fn field(&mut self, label: &str) -> Option<&mut FormField> {
        self.fields.iter_mut().find(|field| field.label == label)
    }

    fn text(&self, label: &str) -> Option<String> {
        match self.find(label)? {
            Value::Text(field) => Some(field.text()),
            _ => None,
        }
    }

    fn line(&self, label: &str) -> String {
        self.text(label).unwrap_or_default()
    }

    /// The value of a choice.
    #[must_use]
    pub fn pick(&self, label: &str) -> Option<&str> {
        match self.find(label)? {
            Value::Choice(choice) => Some(choice.value()),
            _ => None,
        }
    }

    fn chosen(&self, label: &str) -> Result<String, String> {
        match self.pick(label) {
            Some(value) if !value.is_empty() => Ok(value.to_owned()),
            _ => Err(format!("there is no {label} to choose yet")),
        }
    }

    fn tick(&self, label: &str) -> bool {
        matches!(self.find(label), Some(Value::Tick(true)))
    }

    /// Words of a line, at spaces and commas.
    fn words(&self, label: &str) -> Vec<String> {
        let text = self.line(label);
        text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests;
