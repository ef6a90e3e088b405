//! What can be typed.

use std::io;

use super::Desk;
use crate::app::action::Action;
use crate::app::commands;
use crate::app::update::command_line;
use crate::cli::nouns;
use crate::cli::shell_words::{Meta, split};

/// The words of this form of the console, each with what it does.
const OWN: [(&str, &str); 16] = [
    ("tokens, log, refused, incidents, requests, workflows, services, operators, audit, status", "list what is there"),
    ("filter QUERY", "only what fits, in the query language of the console; filter alone lists all again"),
    ("next, prev", "the next page, the page before"),
    ("show N", "row N whole"),
    ("actions N", "what can be done to row N, and why something cannot"),
    ("actions", "what can be done here"),
    ("WORD N", "do it: revoke 3, ack 1, debug 2; with options as the command takes them: edit 3 --expires 90d"),
    ("follow QUERY", "the log as it grows, until Enter"),
    ("Enter alone", "say what is new"),
    ("sign-in NAME, sign-out", "work as an operator with a passphrase"),
    ("COMMAND", "any command of tollgate: token create ci --scope global --secret-file ci.token"),
    ("help COMMAND", "what a command takes"),
    ("help actions", "all actions of the console"),
    ("help commands", "all commands of tollgate"),
    ("keys", "the keys of the console on a screen"),
    ("quit", "leave; so does the end of the input"),
];

impl Desk {
    pub(super) async fn help(&mut self, word: &str) -> io::Result<()> {
        match word {
            "" => OWN.iter().try_for_each(|(word, help)| self.io.line(&format!("{word}: {help}"))),
            "actions" => {
                let changes = Action::ALL.into_iter().map(Action::info).filter(|info| info.operation != "-");
                changes.into_iter().try_for_each(|info| self.io.line(&format!("{}: {}", info.name, info.help)))
            }
            "commands" => nouns().iter().try_for_each(|(noun, help)| self.io.line(&format!("{noun}: {help}"))),
            word if nouns().iter().any(|(noun, _)| word.split(' ').next() == Some(noun)) => self.help_of(word).await,
            word => match commands::parse(word) {
                Ok(action) => self.help_of_action(action).await,
                Err(why) => self.say(&why.replace('?', "help")),
            },
        }
    }

    async fn help_of_action(&mut self, action: Action) -> io::Result<()> {
        let info = action.info();
        self.say(&format!("{}: {}", info.name, info.help))?;
        let line = command_line(&self.model, action);
        let words = split(&line, Meta::Text).unwrap_or_default();
        let command: Vec<String> = words.into_iter().skip(1).take(2).collect();
        if command.is_empty() { Ok(()) } else { self.help_of(&command.join(" ")).await }
    }

    async fn help_of(&mut self, command: &str) -> io::Result<()> {
        let words: Vec<String> = command.split(' ').chain(["-h"]).map(str::to_owned).collect();
        self.verb(&words).await
    }
}
