//! What an empty list says: what would be here, and the key that makes the first one.

use crate::app::action::Action;
use crate::app::connection::{Connection, Phase};
use crate::app::first::{self, Step};
use crate::app::layout::Area;
use crate::app::logs::LogTab;
use crate::app::requests::RequestsTab;
use crate::app::{Model, Screen};

use super::canvas::Canvas;

/// Draws the words where the list has no rows. True if it did.
pub(super) fn list(canvas: &mut Canvas<'_>, model: &Model, area: Area, loaded: bool, len: usize) -> bool {
    if len > 0 {
        return false;
    }
    let lines = if loaded && model.phase() != Phase::Incompatible { nothing(model) } else { waiting(model) };
    let theme = canvas.theme;
    let width = usize::from(area.width.saturating_sub(2));
    // The first line is the headline, however many rows it takes.
    let rows =
        lines.iter().enumerate().flat_map(|(at, line)| wrapped(line, width).into_iter().map(move |row| (at, row)));
    for (row, (at, text)) in (0..area.height).zip(rows) {
        let style = if at == 0 { theme.strong() } else { theme.plain() };
        canvas.text_at(area, row, &format!("  {text}"), style);
    }
    true
}

/// At spaces, so that a narrow screen shows the end of a sentence as well.
pub(super) fn wrapped(line: &str, width: usize) -> Vec<String> {
    let text = line.trim_start_matches(' ');
    let mut rows: Vec<String> = vec![line[..line.len() - text.len()].to_owned()];
    for (at, word) in text.split(' ').enumerate() {
        match rows.last_mut() {
            Some(row) if at == 0 => row.push_str(word),
            Some(row) if row.chars().count() + 1 + word.chars().count() <= width => {
                row.push(' ');
                row.push_str(word);
            }
            _ => rows.push(word.to_owned()),
        }
    }
    rows
}

/// There is no data yet, and why.
fn waiting(model: &Model) -> Vec<String> {
    match &model.connection {
        Connection::Connecting => vec!["connecting to tollgated".to_owned()],
        Connection::Live => vec!["loading".to_owned()],
        Connection::Reconnecting { why, tried, .. } => {
            let mut lines = vec![why.clone()];
            lines.extend(tried.iter().map(|tried| format!("  {tried}")));
            lines.push("start one with:  tollgated run     Enter tries again now, q leaves".to_owned());
            lines
        }
        Connection::Denied { why, remedy } => {
            let mut lines = vec![format!("no access: {why}")];
            lines.extend(remedy.iter().cloned());
            lines.push("Enter tries again, q leaves".to_owned());
            lines
        }
        Connection::Incompatible { ours, theirs } => vec![
            "the daemon is of another version".to_owned(),
            format!("daemon {theirs}, console {ours}: their answers may mean something else,"),
            "so nothing is shown. Install the same version of both programs.".to_owned(),
            "Enter tries again, q leaves".to_owned(),
        ],
    }
}

/// What the first path wants next, and the key that goes on with it.
fn missing(model: &Model, step: &Step) -> Vec<String> {
    let head = match model.screen {
        Screen::Log => "no rows",
        Screen::Incidents => "no incidents",
        _ => "no tokens yet",
    };
    let way_on = match model.may(Action::Add) {
        Ok(()) => format!("A  {}", step.way_on()),
        Err(why) => format!("(A: {why})"),
    };
    let debug = "Only calls of tokens with debug on are logged, for 48 h. Tab shows what was refused.".to_owned();
    let debug = Some(debug).filter(|_| model.screen == Screen::Log && matches!(step, Step::Call(_)));
    [head.to_owned(), format!("{}.", step.words()), way_on].into_iter().chain(debug).collect()
}

fn nothing(model: &Model) -> Vec<String> {
    // What is missing says more than what would be here, and no call can come before it is there.
    let query = model.logs.tail.filter.asked("").is_some() || !model.incidents.query().is_empty();
    let bare = match model.screen {
        Screen::Tokens => model.tokens.all.is_empty(),
        Screen::Log => model.logs.tab == LogTab::Calls && !query,
        Screen::Incidents => !query && model.incidents.refused.is_none(),
        _ => false,
    };
    if let Some(step) = first::next(model).filter(|_| bare) {
        return missing(model, &step);
    }
    let words: &[&str] = match model.screen {
        Screen::Tokens if !model.tokens.all.is_empty() => {
            &["no token passes the filter", "f changes it, F switches it off"]
        }
        Screen::Tokens => &["no tokens yet", "A  creates the first one"],
        Screen::Log if model.logs.tab == LogTab::Refused => &[
            "nothing was refused since the daemon started",
            "Calls with a wrong path or an unknown token would be here. Tab shows the calls.",
        ],
        Screen::Log if model.logs.tail.filter.asked("").is_some() => &[
            "no row fits",
            "f changes the query, F switches it off, T shows another time",
            "Only calls of tokens with debug on are logged, for 48 h. Tab shows what was refused.",
        ],
        Screen::Log => &[
            "no rows",
            "Only calls of tokens with debug on are logged, for 48 h.",
            "1 shows the tokens, D there switches debug on. Tab shows what was refused.",
        ],
        Screen::Incidents if !model.incidents.query().is_empty() => {
            &["no incident fits", "f changes the query, F switches it off"]
        }
        Screen::Incidents => {
            &["no incidents", "A call that matches a filter opens one. 2 shows calls, and why none matched."]
        }
        Screen::Requests if model.requests.tab == RequestsTab::Workflows => &[
            "no workflows",
            "tollgate workflow create --file WORKFLOW.json makes one; its steps run, post or open incidents",
        ],
        Screen::Requests => {
            &["no requests", "A call to /v1/request starts a workflow: its runs are here. v: workflows"]
        }
        Screen::Services => &["no teams yet", "A  creates the first one, then a service and a filter"],
        Screen::Operators => &[
            "no operators: root and the daemon's own account are admin all the same",
            "A  makes somebody an operator: his unix users, his roles",
        ],
        Screen::Audit => &["no such rows", "Every change, sign-in and refusal is here. f asks for others."],
        Screen::Status => &[],
    };
    let refused = (model.screen == Screen::Log).then(|| model.logs.tail.refused.clone()).flatten();
    let refused = refused.map(|words| format!("the daemon refused the query: {words}"));
    let hidden = match model.screen {
        Screen::Operators => model.operators.refused.clone(),
        Screen::Audit => model.audit.refused.clone(),
        Screen::Incidents if model.incidents.refused.is_some() => {
            let why = model.incidents.refused.clone().unwrap_or_default();
            return vec![format!("the daemon refused the query: {why}"), "f changes it, F switches it off".to_owned()];
        }
        _ => None,
    };
    if let Some(why) = hidden {
        return vec!["not for you to see".to_owned(), why];
    }
    refused.into_iter().chain(words.iter().map(|line| (*line).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_at_spaces_and_keeps_what_stands_before_it() {
        assert_eq!(wrapped("one two  three", 20), ["one two  three"]);
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("  /run/tollgate/admin.sock  no", 12), ["  /run/tollgate/admin.sock", " no"]);
        assert_eq!(wrapped("", 10), [""]);
    }
}
