//! What can be typed.

use std::io;

use super::Desk;
use crate::app::action::Action;
use crate::app::commands;
use crate::app::update::command_line;
use crate::cli::nouns;
use crate::cli::shell_words::{Meta, split};

/// The words of this form of the console, each with what it does.
pub(crate) const WORDS: [(&str, &str); 24] = [
    ("tokens, log, refused, incidents, requests, workflows, services, operators, audit, status", "list what is there"),
    ("filter QUERY", "only what fits, in the query language of the console, or @NAME; filter alone lists all again"),
    ("sort", "by what the list can be sorted; sort WORD, sort WORD reverse"),
    ("next, prev, top, again", "the next page, the page before, the first one, this one as it is now"),
    ("show N", "row N whole"),
    ("worst", "the worst thing, and the list that it is in"),
    ("actions N", "what can be done to row N, and why something cannot"),
    ("actions", "what can be done here"),
    ("WORD N", "do it: revoke 3, ack 1, debug 2; with options as the command takes them: edit 3 --expires 90d"),
    ("mark N, mark 3-7, mark page, mark all, mark QUERY", "mark tokens or incidents; the numbers may be several"),
    ("WORD without a number", "do it to all that are marked: a table says whom it concerns, and whom not and why"),
    ("marks, unmark N, unmark", "read out what is marked; take one mark away, or all"),
    ("undo, undo N, undo list", "take back the last change, or another one of the list; what is final cannot be"),
    ("history", "what this session changed, as commands"),
    ("follow QUERY", "the log as it grows, until Enter"),
    ("Enter alone", "say what is new"),
    ("save-query NAME, queries", "keep the filter of this list for filter @NAME; list those that are kept"),
    ("sign-in NAME, sign-out", "work as an operator with a passphrase"),
    ("COMMAND", "any command of tollgate: token create ci --scope global --secret-file ci.token"),
    ("help WORD", "what a word, an action or a command takes"),
    ("help actions", "all actions of the console"),
    ("help commands", "all commands of tollgate"),
    ("keys", "the keys of the console on a screen"),
    ("quit", "leave; so does the end of the input"),
];

impl Desk {
    pub(super) async fn help(&mut self, word: &str) -> io::Result<()> {
        if let Some((words, help)) = own(word) {
            self.io.line(&format!("{words}: {help}"))?;
            if !is_noun(word) {
                return Ok(());
            }
        }
        match word {
            "" => WORDS.iter().try_for_each(|(word, help)| self.io.line(&format!("{word}: {help}"))),
            "actions" => {
                let infos = Action::ALL.into_iter().map(Action::info).filter(|info| info.operation != "-");
                infos.into_iter().try_for_each(|info| self.io.line(&format!("{}: {}", info.name, info.help)))
            }
            "commands" => nouns().iter().try_for_each(|(noun, help)| self.io.line(&format!("{noun}: {help}"))),
            word if word.split(' ').next().is_some_and(is_noun) => self.help_of(word).await,
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

/// The line of a word of ours.
fn own(word: &str) -> Option<(&'static str, &'static str)> {
    WORDS.into_iter().find(|(line, _)| words_of(line).any(|own| own == word))
}

/// Our own words, without those that stand for others.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    WORDS.into_iter().flat_map(|(line, _)| words_of(line))
}

fn words_of(line: &'static str) -> impl Iterator<Item = &'static str> {
    let first = line.split(", ").filter_map(|part| part.split(' ').next());
    first.filter(|word| !word.is_empty() && !word.contains(char::is_uppercase))
}

/// True for the first word of a command.
fn is_noun(word: &str) -> bool {
    nouns().iter().any(|(noun, _)| noun == word)
}

#[cfg(test)]
mod tests {
    use super::super::line::{Command, read};
    use super::*;

    #[test]
    fn every_word_of_the_help_can_be_typed() {
        let typed = ["sort", "next", "prev", "top", "again", "worst", "actions", "marks", "unmark", "undo", "history"];
        for word in typed {
            assert!(own(word).is_some(), "{word} has a line");
            assert!(!matches!(read(word), Command::Wrong(_)), "{word}");
        }
        assert_eq!(own("mark").map(|(words, _)| words.starts_with("mark N")), Some(true));
        assert_eq!((own("without"), own("")), (None, None));
        assert!(own("filter").is_some() && is_noun("filter"), "both are said");
    }
}
