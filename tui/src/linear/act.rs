//! Actions on a row: allowed or not with the reason, the impact in words, the name typed, and the command that does it.

use std::io;

use super::change::without_keys;
use super::kinds::Kind;
use super::{Desk, list};
use crate::app::action::{Action, Danger as Level};
use crate::app::commands::CommandState;
use crate::app::danger::{Danger, Part, facts};
use crate::app::field::Field;
use crate::app::keymap::{self, Place};
use crate::app::layer::Layer;
use crate::app::msg::Call;
use crate::app::undo;
use crate::app::update::{command_line, perform, request};
use crate::app::words::shell;
use crate::cli::shell_words::{Meta, split};

impl Desk {
    /// All that can be done here, on a row or without one; what cannot be done now says why.
    pub(super) async fn actions(&mut self, number: Option<usize>) -> io::Result<()> {
        let row = match number.map(|number| (number, self.list.row(number).cloned())) {
            Some((number, None)) => return self.say_no_row(number),
            Some((_, row)) => row,
            None => None,
        };
        if let Err(error) = self.prepare(row.as_ref()).await {
            return self.say_error(error);
        }
        let place = self.list.kind.place();
        for action in changes_of(place).filter(|action| on_object(*action) == row.is_some() || number.is_none()) {
            let info = action.info();
            let line = match self.model.may(action) {
                _ if number.is_none() && on_object(action) => format!("{} N: {}", info.name, info.help),
                Ok(()) => format!("{}: {}{}", info.name, info.help, asks(info.danger)),
                Err(why) => format!("{}: not now: {}", info.name, without_keys(&why)),
            };
            self.io.line(&line)?;
        }
        Ok(())
    }

    /// Does an action: `words` are a row's number, where it needs one, and what the command behind it takes.
    pub(super) async fn act(&mut self, action: Action, mut words: Vec<String>) -> io::Result<()> {
        let place = self.list.kind.place();
        let name = action.info().name;
        if !is_everywhere(action) && !changes_of(place).any(|own| own == action) {
            return self.say(&elsewhere(action));
        }
        let is_of_marked = on_object(action) && self.marked.count(self.list.kind) > 0;
        let number = words.first().and_then(|word| word.parse().ok());
        if number.is_some() && on_object(action) {
            words.remove(0);
        }
        let row = match number.filter(|_| on_object(action)) {
            Some(number) => match self.list.row(number).cloned() {
                Some(row) => Some(row),
                None => return self.say_no_row(number),
            },
            None if is_of_marked => return self.act_on_marked(action, &words).await,
            None if on_object(action) => return self.say(&which_row(self.list.kind, name)),
            None => None,
        };
        if let Err(error) = self.prepare(row.as_ref()).await {
            return self.say_error(error);
        }
        if let Err(why) = self.model.may(action) {
            return self.say(&format!("{name}: {}; nothing was changed", without_keys(&why)));
        }
        if words.is_empty() { self.face(action).await } else { self.with_words(action, row.as_ref(), words).await }
    }

    async fn prepare(&mut self, row: Option<&list::Row>) -> Result<(), crate::client::ClientError> {
        let client = self.look_around().await?;
        self.select(&client, row).await
    }

    /// The command that an action is equal to, with what was typed behind it.
    async fn with_words(&mut self, action: Action, row: Option<&list::Row>, words: Vec<String>) -> io::Result<()> {
        let line = command_line(&self.model, action);
        let template: Vec<&str> = action.info().cli.split(' ').take_while(|word| !is_placeholder(word)).collect();
        let Ok(mut own) = split(&line, Meta::Text) else { return self.wants_words(action).await };
        let at = template.iter().position(|word| *word == "{}");
        own.truncate(at.unwrap_or(template.len()));
        // By id: a name may look like an option, or mean another one by now.
        own.extend(at.and_then(|_| row?.id(action)));
        self.command(&own.into_iter().skip(1).chain(words).collect::<Vec<_>>()).await
    }

    /// What the key of an action would bring up, line by line.
    pub(super) async fn face(&mut self, action: Action) -> io::Result<()> {
        let effects = perform(&mut self.model, action, (self.clock)());
        match self.model.layer.take() {
            Some(Layer::Danger(danger)) => return self.danger(*danger).await,
            Some(Layer::Form(_)) if action == Action::Resolve => return self.resolve().await,
            Some(_) => return self.wants_words(action).await,
            None => {}
        }
        self.carry_and_say(effects).await
    }

    /// The comment that the form of the screen asks for, and a yes: it is for good.
    async fn resolve(&mut self) -> io::Result<()> {
        let Some(row) = self.model.incidents.selected().cloned() else { return self.unchanged() };
        self.say(&format!("resolve {} {}: {}", row.head.priority, row.service.name, row.head.title))?;
        self.say("afterwards: for good: the next call opens a new one")?;
        let why = self.io.ask("comment (it stands in the timeline; may be left empty):")?;
        let Some(comment) = why else { return self.unchanged() };
        if !self.is_agreed()? {
            return self.unchanged();
        }
        let (incident, comment) = (row.head.id.to_string(), comment.trim().to_owned());
        let option = if comment.is_empty() { String::new() } else { format!(" --comment {}", shell(&comment)) };
        let line = format!("tollgate incident resolve {incident}{option}");
        let call = Call::Resolve { incident, comment: (!comment.is_empty()).then_some(comment) };
        let effects = request(&mut self.model, call, line, (self.clock)());
        let outcome = self.carry(effects).await;
        if outcome.is_done() { self.say("resolved") } else { self.say_outcome(&outcome) }
    }

    /// A command that nothing leads back from, with its line in the history.
    async fn final_command(&mut self, line: &str) -> io::Result<()> {
        let number = self.model.next_generation();
        self.model.commands.begin(line.to_owned(), number);
        let is_done = self.verb_line(line, &["--yes"]).await?;
        let state = match is_done {
            true => CommandState::Done((self.clock)()),
            false => CommandState::Failed("it was refused".to_owned()),
        };
        self.model.commands.end(number, state);
        Ok(())
    }

    /// What a form asks for is typed behind the word here; where its command asks by itself, it does.
    async fn wants_words(&mut self, action: Action) -> io::Result<()> {
        let info = action.info();
        let number = if on_object(action) { " N" } else { "" };
        let rest: Vec<&str> = info.cli.split(' ').skip_while(|word| !is_placeholder(word)).collect();
        let rest = match (action, rest.is_empty()) {
            (Action::EditOperator, _) => "--role reader --team-role Ops=manager".to_owned(),
            // It asks, or proposes, without being told more.
            (_, true) => {
                let line = command_line(&self.model, action);
                return self.verb_line(&line, &[]).await.map(drop);
            }
            (_, false) => rest.join(" "),
        };
        self.say(&format!("{} takes what is to be:  {}{number} {rest}", info.name, info.name))?;
        self.say(&format!("all that it takes is said by:  help {}", info.name))
    }

    /// The dialog before a grave change: what stops, why, the name.
    async fn danger(&mut self, mut danger: Danger) -> io::Result<()> {
        let name = danger.names().swap_remove(0);
        self.say(&format!("{} {name}", danger.verb()))?;
        if let Some(choice) = &danger.choice {
            let label = format!("how: {}; another way:  {}", choice.label(), danger.other_way());
            self.io.line(&label)?;
        }
        self.impact(&danger)?;
        if danger.wants_reason() {
            let why = self.io.ask("why (it stands in the audit; may be left empty):")?;
            let Some(why) = why else { return self.unchanged() };
            danger.reason = Field::new(why.trim());
        }
        if danger.wants_name() {
            let does = danger
                .verb()
                .split_once(' ')
                .map_or_else(|| format!("{} it", danger.verb()), |(verb, behind)| format!("{verb} it {behind}"));
            let question = format!("type {name} to {does}; Enter alone changes nothing:");
            danger.typed = Field::new(self.io.ask(&question)?.unwrap_or_default().trim());
        } else if !self.is_agreed()? {
            return self.unchanged();
        }
        if let Some(why) = danger.missing() {
            return self.say(why);
        }
        let has_way_back = danger.call(Vec::new()).is_ok_and(|call| undo::of(&self.model, &call, 0).is_some());
        if !has_way_back {
            return self.final_command(&danger.cli()).await;
        }
        danger.mark = Part::Do;
        self.model.layer = Some(Layer::Danger(Box::new(danger)));
        let outcome = self.press().await;
        self.say_outcome(&outcome)
    }

    /// One fact a line; the label stands before each.
    fn impact(&mut self, danger: &Danger) -> io::Result<()> {
        let mut label = "";
        let mut lines: Vec<String> = Vec::new();
        for (own, text) in facts(&self.model, danger) {
            let text = without_columns(&without_keys(&text)).replace(" !", ", soon");
            // A fact that goes on is one sentence where nobody has to see columns.
            match lines.last_mut().filter(|_| own.is_empty() && label == "AFTERWARDS") {
                Some(line) => line.extend([" ", text.as_str()]),
                None => lines.push(format!("{}: {text}", if own.is_empty() { label } else { own }.to_lowercase())),
            }
            label = if own.is_empty() { label } else { own };
        }
        lines.iter().try_for_each(|line| self.io.line(line))?;
        self.io.line(&format!("the command: {}", danger.cli()))
    }

    pub(super) fn is_agreed(&mut self) -> io::Result<bool> {
        let answer = self.io.ask("type yes to do it; Enter alone changes nothing:")?;
        Ok(matches!(answer.as_deref().map(str::trim), Some("y" | "yes")))
    }

    fn unchanged(&mut self) -> io::Result<()> {
        self.say("nothing was changed")
    }
}

/// Columns of a table as parts of a sentence.
pub(super) fn without_columns(text: &str) -> String {
    text.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// What changes something at a place, each once, in the order of the menu.
fn changes_of(place: Place) -> impl Iterator<Item = Action> {
    let letters = keymap::menu(place).map(|entry| entry.action);
    let keys = keymap::here(place).map(|binding| binding.action);
    let mut seen = std::collections::HashSet::new();
    letters.chain(keys).filter(move |action| action.changes() && *action != Action::Add && seen.insert(*action))
}

/// True for what is done to a row.
fn on_object(action: Action) -> bool {
    action.info().cli.contains("{}")
}

/// Needs neither a list nor a row of one.
fn is_everywhere(action: Action) -> bool {
    !on_object(action)
}

fn which_row(kind: Kind, name: &str) -> String {
    let or_mark = if kind.has_marks() { ", or mark rows first: mark N" } else { "" };
    format!("say on which row:  {name} N{or_mark}")
}

/// Where an action is at home.
fn elsewhere(action: Action) -> String {
    let name = action.info().name;
    let home = Place::ALL.into_iter().find(|place| changes_of(*place).any(|own| own == action));
    match home.map(crate::cli::place_word) {
        Some(word) => format!("{name} is for rows of {word}: type {word}, then {name} N"),
        None => format!("{name} is for the screen only"),
    }
}

fn asks(danger: Level) -> &'static str {
    match danger {
        Level::None | Level::Immediate => "",
        Level::Confirmed => "; asks first, or takes options",
        Level::Typed => "; wants the name typed",
    }
}

/// A word that stands for another one, or an option of an example.
fn is_placeholder(word: &str) -> bool {
    let capitals = |c: char| c.is_ascii_uppercase() || "/.-=".contains(c);
    word.starts_with("--") || (word.len() > 1 && word.trim_end_matches(".json").chars().all(capitals))
}
