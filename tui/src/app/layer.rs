//! What lies over a screen: one at a time.

use tollgate_shared::api::{RevokeReceipt, TalkersBy};

use super::action::Action;
use super::ask::Ask;
use super::danger::Danger;
use super::field::Field;
use super::forms::Form;
use super::hosts;
use super::identify::Identify;
use super::incidents;
use super::logs::suggest::Cycle;
use super::operators;
use super::palette::Palette;
use super::query::Range;
use super::requests;
use super::secret::ShowOnce;
use super::tokens::Sort;

/// A dialog, a menu or a prompt.
#[expect(clippy::large_enum_variant, reason = "one layer is there at a time, so its size costs nothing")]
#[derive(Clone, Debug)]
pub enum Layer {
    Help {
        top: usize,
    },
    Menu(Menu),
    Prompt(Prompt),
    Form(Form),
    Danger(Box<Danger>),
    /// One change of many, or one that is taken back.
    Ask(Box<Ask>),
    /// Every action and object, by a few letters.
    Palette(Box<Palette>),
    /// Whose value is this?
    Identify(Box<Identify>),
    /// What can be undone.
    Undo {
        at: usize,
    },
    /// What this console changed, as commands.
    History {
        at: usize,
    },
    Secret(Box<ShowOnce>),
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
    SortIncidents(incidents::Sort),
    SortRequests(requests::Sort),
    SortWorkflows(requests::WorkflowSort),
    SortOperators(operators::Sort),
    SortHosts(hosts::Sort),
    /// What those who call most are ordered by.
    SortTalkers(TalkersBy),
    /// The audit has one order.
    SortAudit,
    /// A value of the marked incident, by its place in the menu.
    Incident {
        place: usize,
        only: bool,
    },
    Log(LogPick),
}

/// What a letter chooses on the API log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPick {
    Range(Range),
    /// A saved query, by its place in the list.
    Query(usize),
    /// As [`LogPick::Query`], to be deleted.
    DropQuery(usize),
    /// A value of the marked row, by its place in the menu.
    Value {
        place: usize,
        only: bool,
    },
    Export(Export),
    Nothing,
}

/// What `x` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    Row,
    Body,
    Shown,
    Command,
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
    /// What Tab walks through.
    pub cycle: Option<Cycle>,
    /// How far back in the history the line is from; 0 = it was typed.
    pub back: usize,
}

/// What the line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKind {
    Command,
    Search,
    Filter,
    /// A time or a row to go to.
    Goto,
    /// The name under which the query is kept.
    SaveQuery,
}

impl PromptKind {
    /// The sign before the line.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Command => ":",
            Self::Search => "/",
            Self::Filter => "filter ",
            Self::Goto => "go to ",
            Self::SaveQuery => "save the query as @",
        }
    }
}

impl Prompt {
    #[must_use]
    pub fn new(kind: PromptKind, text: &str) -> Self {
        Self { kind, field: Field::new(text), error: None, before: text.to_owned(), cycle: None, back: 0 }
    }
}
