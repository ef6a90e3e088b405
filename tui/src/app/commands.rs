//! The command line behind `:`, and the log of commands that the console's changes are equal to.

use std::collections::VecDeque;

use tollgate_shared::secret::find_in;
use tollgate_shared::time::Timestamp;

use super::action::Action;
use super::model::Screen;
use super::words;

/// Commands that are kept.
const KEPT: usize = 100;

/// Stands for a line that is not kept.
const SECRET: &str = "(this line holds what looks like a secret, so it is not kept)";

/// A change as the command that does the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    pub text: String,
    pub generation: u64,
    pub state: CommandState,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandState {
    Running,
    Done(Timestamp),
    Failed(String),
}

impl CommandLine {
    /// `done 03:10:02Z`.
    #[must_use]
    pub fn result(&self) -> String {
        match &self.state {
            CommandState::Running => "running".to_owned(),
            CommandState::Done(at) => format!("done {}Z", words::clock(*at)),
            CommandState::Failed(why) => format!("FAILED: {why}"),
        }
    }
}

/// The newest last. Never holds a secret: no command line does.
#[derive(Clone, Debug, Default)]
pub struct CommandLog(VecDeque<CommandLine>);

impl CommandLog {
    /// Keeps a line. One that holds a secret, because somebody typed one into a field, is not kept as it is.
    pub fn begin(&mut self, text: String, generation: u64) {
        let text = if find_in(&text).is_empty() { text } else { SECRET.to_owned() };
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(CommandLine { text, generation, state: CommandState::Running });
    }

    pub fn end(&mut self, generation: u64, state: CommandState) {
        if let Some(line) = self.0.iter_mut().find(|line| line.generation == generation) {
            line.state = state;
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn newest_first(&self) -> impl Iterator<Item = &CommandLine> {
        self.0.iter().rev()
    }

    #[must_use]
    pub fn last(&self) -> Option<&CommandLine> {
        self.0.back()
    }
}

/// A screen and the query for it: `tokens zabbix`, `log outcome:no_match`, `incidents P1`.
#[must_use]
pub fn asked(line: &str) -> Option<(Screen, &str)> {
    let (word, query) = line.trim_start().split_once(' ')?;
    let screen = match word {
        "tokens" => Screen::Tokens,
        "log" => Screen::Log,
        "incidents" => Screen::Incidents,
        _ => return None,
    };
    Some((screen, query.trim())).filter(|(_, query)| !query.is_empty())
}

/// What a typed command means.
///
/// # Errors
/// A sentence with the nearest names.
pub fn parse(line: &str) -> Result<Action, String> {
    // `lockdown on` as on the command line.
    let word = &line.split_whitespace().collect::<Vec<_>>().join("-");
    if matches!(word.as_str(), "q" | "q!" | "quit" | "exit") {
        return Ok(Action::Quit);
    }
    if let Some(action) = Action::ALL.into_iter().find(|action| action.info().name == *word) {
        return Ok(action);
    }
    let near = complete(word);
    match near.as_slice() {
        [] => Err(format!("`{word}` is no command; ? lists what can be done")),
        [only] => Ok(*only),
        many => {
            let names: Vec<_> = many.iter().take(6).map(|action| action.info().name).collect();
            Err(format!("`{word}` is not one command: {}", names.join(" ")))
        }
    }
}

/// The commands that a beginning may mean, those that begin with it first.
#[must_use]
pub fn complete(word: &str) -> Vec<Action> {
    let word = word.trim();
    let begins = Action::ALL.into_iter().filter(|action| action.info().name.starts_with(word));
    let holds = |action: &Action| !action.info().name.starts_with(word) && action.info().name.contains(word);
    begins.chain(Action::ALL.into_iter().filter(holds)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_holds_a_secret_whatever_was_typed() {
        let mut log = CommandLog::default();
        let secret = format!("tg_s_7QmX0c2LrT{}_abcdef", "a".repeat(43));
        log.begin(format!("tollgate token edit am --description {secret}"), 1);
        log.begin("tollgate token debug am on".to_owned(), 2);
        let lines: Vec<&str> = log.newest_first().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["tollgate token debug am on", SECRET]);
    }

    #[test]
    fn a_beginning_is_enough_where_it_is_one_command() {
        assert_eq!(parse("q"), Ok(Action::Quit));
        assert_eq!(parse("revo"), Ok(Action::Revoke));
        assert!(parse("add-").unwrap_err().contains("add-team"));
        assert!(parse("nonsense").unwrap_err().contains("no command"));
    }
}
