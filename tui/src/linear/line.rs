//! What a line means.

use super::kinds::Kind;
use super::marks::{Picked, picked};
use crate::app::action::Action;
use crate::app::commands;
use crate::cli::shell_words::{Meta, split};
use crate::cli::verbs_of;

/// A line that was understood, or why it was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Nothing,
    Quit,
    Help(String),
    Open(Kind),
    Filter(String),
    /// By what; nothing = by what it can be sorted.
    Sort(String),
    Next,
    Previous,
    /// The same page again.
    Again,
    Show(usize),
    /// On a row, or those that need none.
    Actions(Option<usize>),
    Follow(String),
    Mark(Picked),
    Unmark(Picked),
    Marks,
    /// The change of this number, 1 being the newest.
    Undo(usize),
    UndoList,
    History,
    /// An action and what stands behind its word.
    Act(Action, Vec<String>),
    /// The same, of an action that changes nothing.
    Look(Action, Vec<String>),
    SignIn(String),
    SignOut,
    /// A command of the command line.
    Verb(Vec<String>),
    Wrong(String),
}

/// Reads a line. A colon before it, or the program's name, is as good as nothing.
pub(super) fn read(line: &str) -> Command {
    let line = line.trim();
    let line = line.strip_prefix(':').unwrap_or(line).trim_start();
    let line = line.strip_prefix("tollgate ").unwrap_or(line).trim_start();
    let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
    own(word, rest).unwrap_or_else(|| other(line, word, rest))
}

/// Words of this form of the console.
fn own(word: &str, rest: &str) -> Option<Command> {
    let is_verb = || rest.split_whitespace().next().is_some_and(|verb| verbs_of(word).iter().any(|own| own == verb));
    Some(match word {
        "" => Command::Nothing,
        "q" | "quit" | "exit" => Command::Quit,
        "help" | "?" => Command::Help(rest.to_owned()),
        "filter" if !is_verb() => Command::Filter(rest.to_owned()),
        "sort" => Command::Sort(rest.to_owned()),
        "next" => Command::Next,
        "prev" | "previous" => Command::Previous,
        "again" | "list" => Command::Again,
        "show" => number(rest).map_or_else(|| Command::Wrong("say which row:  show N".to_owned()), Command::Show),
        "actions" | "." | "menu" if rest.is_empty() => Command::Actions(None),
        "actions" | "." | "menu" => match number(rest) {
            Some(row) => Command::Actions(Some(row)),
            None => Command::Wrong("say which row:  actions N".to_owned()),
        },
        "follow" => Command::Follow(rest.to_owned()),
        "mark" if rest.is_empty() => {
            Command::Wrong("say which rows:  mark 3, mark 3-7, mark page, mark all, mark QUERY".to_owned())
        }
        "mark" => Command::Mark(picked(rest)),
        "mark-all" => Command::Mark(Picked::All),
        "unmark" if rest.is_empty() => Command::Unmark(Picked::All),
        "unmark" => Command::Unmark(picked(rest)),
        "marks" => Command::Marks,
        "undo" if rest == "list" => Command::UndoList,
        "undo" if rest.is_empty() => Command::Undo(1),
        "undo" => {
            number(rest).map_or_else(|| Command::Wrong("say undo, undo N or undo list".to_owned()), Command::Undo)
        }
        "history" => Command::History,
        "sign-in" => Command::SignIn(rest.to_owned()),
        "sign-out" => Command::SignOut,
        _ => return None,
    })
}

/// A screen, an action, or a command of the command line, by the first word.
fn other(line: &str, word: &str, rest: &str) -> Command {
    if let Some(kind) = Kind::of_word(word).filter(|_| rest.is_empty()) {
        return Command::Open(kind);
    }
    let words = match split(line, Meta::Text) {
        Ok(words) => words,
        Err(error) => return Command::Wrong(error.to_string()),
    };
    // A row's number is what an action has and a command has not: `revoke 3`, and `token revoke NAME`.
    if let Some(action) = action(word) {
        return Command::Act(action, words.into_iter().skip(1).collect());
    }
    if crate::cli::nouns().iter().any(|(noun, _)| noun == word) {
        return Command::Verb(words);
    }
    match commands::parse(word) {
        Ok(Action::Go(screen)) => Command::Open(Kind::of_screen(screen)),
        Ok(Action::Quit | Action::Leave) => Command::Quit,
        Ok(action) if action.changes() => Command::Act(action, words.into_iter().skip(1).collect()),
        // A beginning of a word that is one of ours.
        Ok(action) if action.info().name != word => {
            own(action.info().name, rest).unwrap_or_else(|| Command::Look(action, words.into_iter().skip(1).collect()))
        }
        Ok(action) => Command::Look(action, words.into_iter().skip(1).collect()),
        Err(why) => Command::Wrong(match near(word).as_slice() {
            [] => why.replace('?', "help"),
            near => format!("`{word}` is no command; near it: {}; help lists what can be done", near.join(", ")),
        }),
    }
}

/// Words of ours, lists and commands that begin so.
fn near(word: &str) -> Vec<String> {
    let own = super::help::words().map(str::to_owned);
    let all = own.chain(crate::cli::nouns().into_iter().map(|(noun, _)| noun));
    let mut near: Vec<String> = all.filter(|one| word.len() > 1 && one.starts_with(word)).collect();
    near.dedup();
    near
}

/// A change by its whole word, where no command of the command line has it.
fn action(word: &str) -> Option<Action> {
    let named = Action::ALL.into_iter().find(|action| action.info().name == word)?;
    named.changes().then_some(named)
}

fn number(text: &str) -> Option<usize> {
    text.trim().parse().ok().filter(|number| *number > 0)
}

/// True where a command's results are for a program, which takes lines as they are.
pub(super) fn is_for_machines(words: &[String]) -> bool {
    let form =
        words.iter().zip(words.iter().skip(1)).find(|(option, _)| *option == "--output").map(|(_, form)| form.as_str());
    let form = form.or_else(|| words.iter().find_map(|word| word.strip_prefix("--output=")));
    form.is_some_and(|form| form != "table") || words.first().is_some_and(|word| word == "man")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_line_is_a_screen_an_action_or_a_command() {
        assert_eq!(read(":tokens"), Command::Open(Kind::Tokens));
        assert_eq!(read("statu"), Command::Open(Kind::Status));
        assert_eq!(read("log"), Command::Open(Kind::Log));
        assert_eq!(read("log --since 15m"), Command::Verb(words("log --since 15m")));
        assert_eq!(read("tollgate token list"), Command::Verb(words("token list")));
        assert_eq!(read("filter state:active expires:<14d"), Command::Filter("state:active expires:<14d".into()));
        assert_eq!(read("filter list"), Command::Verb(words("filter list")));
        assert_eq!(read("revoke 3"), Command::Act(Action::Revoke, words("3")));
        assert_eq!(
            read("resolve 1 --comment 'all done'"),
            Command::Act(Action::Resolve, vec!["1".into(), "--comment".into(), "all done".into()])
        );
        assert_eq!(read("show 2"), Command::Show(2));
        assert!(matches!(read("show two"), Command::Wrong(_)));
        assert!(matches!(read("action"), Command::Wrong(why) if why.contains("near it: actions; help")));
        assert_eq!(read("wrap"), Command::Look(Action::Wrap, Vec::new()));
        assert_eq!(read("goto 17"), Command::Look(Action::Goto, words("17")));
        assert!(matches!(read("nonsense"), Command::Wrong(why) if why.contains("help")));
        assert_eq!((read("  "), read("q"), read("?")), (Command::Nothing, Command::Quit, Command::Help(String::new())));
    }

    #[test]
    fn every_change_of_the_action_table_can_be_typed() {
        for action in Action::ALL.into_iter().filter(|action| action.changes()) {
            let read = read(&format!("{} 1", action.info().name));
            let is_own = matches!(action, Action::SignIn | Action::SignOut);
            assert_eq!(matches!(read, Command::Act(found, _) if found == action), !is_own, "{action:?}: {read:?}");
        }
    }

    #[test]
    fn every_look_of_the_action_table_is_done_or_says_what_to_type_instead() {
        for action in Action::ALL.into_iter().filter(|action| !action.changes()) {
            match read(&format!("{} 1", action.info().name)) {
                Command::Look(found, _) => {
                    assert!(found == action && super::super::look::is_known(action), "{action:?}");
                }
                Command::Wrong(why) => panic!("{action:?}: {why}"),
                _ => {}
            }
        }
    }

    #[test]
    fn marks_orders_and_the_way_back_are_read_with_their_numbers() {
        assert_eq!(read("mark 3-5"), Command::Mark(Picked::Rows(vec![3, 4, 5])));
        assert_eq!(read("mark-all"), Command::Mark(Picked::All));
        assert_eq!(read("mark name:ci"), Command::Mark(Picked::Query("name:ci".to_owned())));
        assert_eq!((read("unmark"), read("marks")), (Command::Unmark(Picked::All), Command::Marks));
        assert!(matches!(read("mark"), Command::Wrong(why) if why.contains("mark 3-7")));
        assert_eq!(
            (read("undo"), read("undo 2"), read("undo list")),
            (Command::Undo(1), Command::Undo(2), Command::UndoList)
        );
        assert!(matches!(read("undo it"), Command::Wrong(_)));
        assert_eq!((read("sort calls"), read("histo")), (Command::Sort("calls".to_owned()), Command::History));
    }

    #[test]
    fn results_for_machines_are_told_from_those_for_people() {
        assert!(is_for_machines(&words("token list --output json")) && is_for_machines(&words("log --output=jsonl")));
        assert!(!is_for_machines(&words("token list")) && !is_for_machines(&words("token list --output table")));
    }
}
