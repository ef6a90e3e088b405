//! Actions of the console that only look: what they are line by line, and why those that move on a screen are none.

use std::io;

use super::Desk;
use super::kinds::Kind;
use super::list::{List, Row};
use crate::app::action::Action;

/// What is typed here instead, or why there is nothing to type.
const INSTEAD: [(Action, &str); 38] = [
    (Action::Export, "say where to: export --to FILE; log export QUERY prints the rows"),
    (Action::NextPane, "show N has what the other pane shows"),
    (Action::NextTab, "show N, token sources NAME, token issued NAME, audit target:NAME have what the tabs show"),
    (Action::Down, "rows have numbers: next turns the page"),
    (Action::Up, "rows have numbers: prev turns the page"),
    (Action::Bottom, "next goes on; follow reads the log as it grows"),
    (Action::Search, "filter TEXT lists the rows that hold a text"),
    (Action::FindNext, "next turns the page"),
    (Action::FindPrevious, "prev turns the page"),
    (Action::Palette, "type a word itself: help actions has all"),
    (Action::TimeForm, "times are in UTC, or how long ago"),
    (Action::Mouse, "there is nothing to click"),
    (Action::Only, "filter FIELD:VALUE, such as filter token:NAME outcome:no_match"),
    (Action::Not, "filter not FIELD:VALUE"),
    (Action::Left, "show N reads a row whole"),
    (Action::Right, "show N reads a row whole"),
    (Action::Wrap, "long lines are broken at 78 columns"),
    (Action::Fold, "show N reads a call with its body; log show SEQ --output json has it for a program"),
    (Action::Form, "show N reads a call with its body; log show SEQ --output json has it for a program"),
    (Action::Compare, "show N reads each of two calls; log replay SEQ says what today's filters make of one"),
    (Action::Range, "say how long: range 15m, or filter since:15m"),
    (Action::Earlier, "filter since:2h until:1h, or log --histogram"),
    (Action::Later, "filter since:2h until:1h, or log --histogram"),
    (Action::NextError, "filter status:>=400 lists the calls that were refused or failed"),
    (Action::PreviousError, "filter status:>=400 lists the calls that were refused or failed"),
    (Action::Goto, "say which row: goto SEQ; or filter since:2h until:1h"),
    (Action::SaveQuery, "say its name: save-query NAME keeps this list's filter"),
    (Action::DropQuery, "say its name: drop-query NAME"),
    (Action::RowIncident, "say which row of the log: row-incident N"),
    (Action::IncidentCalls, "say which row of the incidents: incident-calls N"),
    (Action::Grow, "there are no panes"),
    (Action::Shrink, "there are no panes"),
    (Action::Copy, "show N has the id; your terminal copies"),
    (Action::Command, "a line is a command: help"),
    (Action::Background, "ctrl-z does it"),
    (Action::Back, "nothing is open; quit leaves"),
    (Action::LockScreen, "sign-out ends a sign-in, --lock-after does it by itself; quit leaves"),
    (Action::Open, "say which row: show N"),
];

impl Desk {
    /// Does what an action is here.
    pub(super) async fn look(&mut self, action: Action, words: &[String]) -> io::Result<()> {
        let number = words.first().and_then(|word| word.parse::<usize>().ok()).filter(|number| *number > 0);
        match (action, number, words) {
            (Action::Worst, ..) => self.worst().await,
            (Action::Resort | Action::Repaint, ..) => self.again().await,
            (Action::PageDown, ..) => self.turn(true).await,
            (Action::PageUp, ..) => self.turn(false).await,
            (Action::Top, ..) => self.first_page().await,
            (Action::FilterSwitch, ..) => self.switch_filter().await,
            (Action::Open, Some(number), _) => self.show(number).await,
            (Action::Goto, _, [row]) => self.run(&["log", "show", row]).await,
            (Action::Range, _, [time]) => self.range(time).await,
            (Action::SaveQuery, _, [name]) => self.save_query(name).await,
            (Action::DropQuery, _, [name]) => match self.list.kind.kept() {
                Some(screen) => self.run(&["query", "delete", screen.as_str(), name]).await,
                None => self.no_queries(),
            },
            (Action::Export, _, [_, ..]) => self.command_of(action, words).await,
            (Action::RowIncident, Some(number), _) => self.row_incident(number).await,
            (Action::IncidentCalls, Some(number), _) => self.incident_calls(number).await,
            _ => match instead(action) {
                Some(words) => self.say(&format!("{} is for the screen. Here: {words}", action.info().name)),
                None => self.command_of(action, words).await,
            },
        }
    }

    /// The command that shows the same.
    async fn command_of(&mut self, action: Action, words: &[String]) -> io::Result<()> {
        let command = action.info().cli.split(' ').skip(1).map(str::to_owned);
        let words: Vec<String> = command.chain(words.iter().cloned()).collect();
        self.verb(&words).await
    }

    async fn run(&mut self, words: &[&str]) -> io::Result<()> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        self.verb(&words).await
    }

    /// What `0` goes to: said, and the list that it is in.
    async fn worst(&mut self) -> io::Result<()> {
        let looked = async {
            let client = self.look_around().await?;
            self.know_tokens(&client).await
        };
        if let Err(error) = looked.await {
            return self.say_error(error);
        }
        let Some((words, screen)) = self.model.worst() else { return self.say("nothing is wrong") };
        self.say(&words)?;
        let kind = Kind::of_screen(screen);
        self.open(kind).await
    }

    async fn range(&mut self, time: &str) -> io::Result<()> {
        let filter = if time == "all" { String::new() } else { format!("since:{time}") };
        self.list = List::of(Kind::Log, String::new());
        self.filter(&filter).await
    }

    async fn save_query(&mut self, name: &str) -> io::Result<()> {
        let Some(screen) = self.list.kind.kept() else { return self.no_queries() };
        let filter = self.list.filter().to_owned();
        if filter.is_empty() {
            return self.say("this list has no filter to keep: filter QUERY, then save-query NAME");
        }
        self.run(&["query", "save", screen.as_str(), name, &filter]).await
    }

    fn no_queries(&mut self) -> io::Result<()> {
        self.say("queries are kept of tokens, log, incidents and audit: open one of them first")
    }

    /// The incidents that a call touched.
    async fn row_incident(&mut self, number: usize) -> io::Result<()> {
        let Some(row) = self.list.row(number) else { return self.say_no_row(number) };
        let Row::Call(call) = row else { return self.say("that is for rows of log: type log, then row-incident N") };
        let ids: Vec<String> = call.incidents.iter().map(ToString::to_string).collect();
        if ids.is_empty() {
            return self.say("this call touched no incident: show N says why");
        }
        for id in ids {
            self.run(&["incident", "show", &id]).await?;
        }
        Ok(())
    }

    /// The logged calls that fed an incident.
    async fn incident_calls(&mut self, number: usize) -> io::Result<()> {
        let Some(row) = self.list.row(number) else { return self.say_no_row(number) };
        let Row::Incident(incident) = row else {
            return self.say("that is for rows of incidents: type incidents, then incident-calls N");
        };
        let filter = format!("incident:{}", incident.head.id);
        self.list = List::of(Kind::Log, String::new());
        self.filter(&filter).await
    }
}

fn instead(action: Action) -> Option<&'static str> {
    INSTEAD.iter().find(|(own, _)| *own == action).map(|(_, words)| *words)
}

/// True where the table above, a command of its own, or the command line has it.
#[cfg(test)]
pub(super) fn is_known(action: Action) -> bool {
    let is_done = matches!(action, Action::Worst | Action::Resort | Action::Repaint | Action::PageDown)
        || matches!(action, Action::PageUp | Action::Top | Action::FilterSwitch);
    let cli = action.info().cli;
    is_done || instead(action).is_some() || (cli.len() > "tollgate".len() && !cli.chars().any(char::is_uppercase))
}
