//! What lies over a screen: one at a time.

use tollgate_shared::api::RevokeReceipt;

use super::action::Action;
use super::danger::Danger;
use super::field::Field;
use super::forms::Form;
use super::secret::ShowOnce;
use super::tokens::Sort;

/// A dialog, a menu or a prompt.
#[derive(Clone, Debug)]
pub enum Layer {
    Help {
        top: usize,
    },
    Menu(Menu),
    Prompt(Prompt),
    Form(Form),
    Danger(Box<Danger>),
    Secret(ShowOnce),
    /// What was revoked, and what became of what it had issued.
    Receipt(Box<RevokeReceipt>, Vec<String>),
}

/// A choice by letter.
#[derive(Clone, Debug, Default)]
pub struct Menu {
    pub title: String,
    pub items: Vec<MenuItem>,
    pub at: usize,
}

/// A line of a menu.
#[derive(Clone, Debug)]
pub struct MenuItem {
    pub letter: char,
    pub words: String,
    /// The command that does the same.
    pub cli: String,
    pub pick: Pick,
    /// Why it cannot be chosen now.
    pub refused: Option<String>,
}

/// What a letter chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    Action(Action),
    Sort(Sort),
}

/// A line at the foot of the screen.
#[derive(Clone, Debug)]
pub struct Prompt {
    pub kind: PromptKind,
    pub field: Field,
    /// What is wrong with the line.
    pub error: Option<String>,
    /// What was in force before, for Esc.
    pub before: String,
}

/// What the line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKind {
    Command,
    Search,
    Filter,
}

impl PromptKind {
    /// The sign before the line.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Command => ":",
            Self::Search => "/",
            Self::Filter => "filter ",
        }
    }
}

impl Prompt {
    #[must_use]
    pub fn new(kind: PromptKind, text: &str) -> Self {
        Self { kind, field: Field::new(text), error: None, before: text.to_owned() }
    }
}
