//! `tollgate keys`: every key of the console, from the table that the console itself reads.

use std::io::Write as _;

use serde::Serialize;

use super::args::{Format, KeysArgs};
use super::context::Done;
use super::csv;
use super::exit::{CliError, Exit};
use super::io::Io;
use super::table::{Table, words};
use crate::app::action::{Action, Danger};
use crate::app::keymap::{self, Place};

/// Before the letters of the menu of all actions.
const LEAD: char = '.';

/// A key at a place and what it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct KeyRow {
    /// The screen, in the word of its command.
    screen: &'static str,
    /// One key, or `.` and a letter.
    key: String,
    /// The word after `:`.
    action: &'static str,
    /// What it does, in one line.
    help: &'static str,
    /// What comes before a change: `none`, `immediate`, `confirmed` or `typed`.
    danger: &'static str,
    /// The route of the local socket, `-` where it only moves on the screen.
    operation: &'static str,
    /// The command that does or shows the same.
    command: &'static str,
}

/// Needs no daemon: the table is in this program.
pub(super) fn run(io: &mut Io, args: &KeysArgs, format: Format) -> Done {
    let rows = rows(args.screen.as_deref())?;
    match format {
        Format::Json => io.json(&rows, true)?,
        Format::Jsonl => rows.iter().try_for_each(|row| io.json(row, false))?,
        Format::Csv => {
            for cells in table(&rows).cells() {
                writeln!(io.out, "{}", csv::safe_line(cells.iter().map(String::as_str)))?;
            }
        }
        Format::Table | Format::Har => {
            let width = io.out_is_tty.then_some(io.width);
            table(&rows).lines(width).iter().try_for_each(|line| writeln!(io.out, "{line}"))?;
        }
    }
    Ok(Exit::Ok)
}

/// The rows of one screen or of all, in the order of the screens and of the table.
fn rows(screen: Option<&str>) -> Result<Vec<KeyRow>, CliError> {
    let places = Place::ALL.into_iter().filter(|place| screen.is_none_or(|name| name == word(*place)));
    let rows: Vec<KeyRow> = places.flat_map(of_place).collect();
    if rows.is_empty() {
        let names = Place::ALL.map(word).join(" ");
        return Err(CliError::usage("there is no such screen", format!("name one of:  {names}")));
    }
    Ok(rows)
}

/// The keys of a place: its own, those of everywhere, and the letters after `.`.
fn of_place(place: Place) -> Vec<KeyRow> {
    let keys = keymap::here(place).flat_map(|binding| binding.keys.iter().map(|key| (key.to_string(), binding.action)));
    let letters = keymap::menu(place).map(|entry| (format!("{LEAD}{}", entry.letter), entry.action));
    keys.chain(letters).map(|(key, action)| row(place, key, action)).collect()
}

fn row(place: Place, key: String, action: Action) -> KeyRow {
    let info = action.info();
    KeyRow {
        screen: word(place),
        key,
        action: info.name,
        help: info.help,
        danger: danger_word(info.danger),
        operation: info.operation,
        command: info.cli,
    }
}

fn danger_word(danger: Danger) -> &'static str {
    match danger {
        Danger::None => "none",
        Danger::Immediate => "immediate",
        Danger::Confirmed => "confirmed",
        Danger::Typed => "typed",
    }
}

/// The screen's word; the log has two places.
pub(crate) fn word(place: Place) -> &'static str {
    match place {
        Place::Tokens => "tokens",
        Place::Calls => "log",
        Place::Refused => "refused",
        Place::Incidents => "incidents",
        Place::Requests => "requests",
        Place::Services => "services",
        Place::Operators => "operators",
        Place::Audit => "audit",
        Place::Status => "status",
    }
}

fn table(rows: &[KeyRow]) -> Table {
    let columns = [words("SCREEN"), words("KEY"), words("COMMAND"), words("DOES"), words("CHANGES")];
    let mut table = Table::new(columns);
    for row in rows {
        let changes = if row.danger == "none" { "" } else { row.danger };
        table.row([row.screen, &row.key, row.action, row.help, changes].map(str::to_owned));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_dispatched_is_listed_with_the_same_action() {
        let all = rows(None).unwrap();
        for place in Place::ALL {
            for binding in keymap::here(place) {
                for key in binding.keys {
                    let found = keymap::find(place, *key).unwrap().info().name;
                    let listed = |row: &&KeyRow| row.screen == word(place) && row.key == key.to_string();
                    assert_eq!(all.iter().find(listed).map(|row| row.action), Some(found), "{key} at {place:?}");
                }
            }
        }
        assert!(all.iter().any(|row| row.key == ".o" && row.action == "rotate" && row.danger == "typed"));
    }

    #[test]
    fn one_screen_can_be_named_and_a_wrong_name_lists_the_right_ones() {
        let log = rows(Some("log")).unwrap();
        assert!(log.iter().all(|row| row.screen == "log") && log.len() > 30, "{}", log.len());
        let error = rows(Some("kitchen")).unwrap_err();
        assert!(error.lines().join(" ").contains("incidents"), "{:?}", error.lines());
    }
}
