//! `tollgate man`: the man page, from the same tables as the command line, the console's keys and its commands.

mod page;

use clap::CommandFactory as _;

use self::page::Page;
use super::args::{Args, ManArgs};
use super::context::Done;
use super::exit::{CliError, Exit};
use super::io::Io;
use super::keys::word;
use crate::app::action::{Action, Danger};
use crate::app::keymap::{self, Binding, MenuLetter, Place};

/// The page's file.
const FILE: &str = "tollgate.1";

/// What the console is, before its keys.
const CONSOLE: &str = "Without a command and on a terminal, tollgate is the console: eight screens over the daemon's \
local socket. A key means the same everywhere. A single key that changes something is a capital, and asks first or can \
be taken back; what may not be done says why. Below, a key behind a full stop is pressed after it.";

/// What the console is without a screen, before its words.
const LINEAR: &str = "tollgate --linear, also with TERM=dumb or TOLLGATE_A11Y=1, is the console as lines of text, for screen \
readers, terminals without a cursor and scripts: the same lists, queries, actions and questions. Nothing is drawn again, \
no line is wider than 78 columns, numbers of rows stay until another page is read out, and what changed meanwhile is said \
once, before the next prompt, as news.";

pub(super) fn run(io: &mut Io, args: &ManArgs) -> Done {
    let page = page();
    match &args.dir {
        None => io.out.write_all(page.as_bytes())?,
        Some(dir) => {
            let path = dir.join(FILE);
            std::fs::write(&path, page).map_err(|error| {
                CliError::input(format!("{} cannot be written: {error}", path.display()), "name a directory")
            })?;
        }
    }
    Ok(Exit::Ok)
}

/// The whole page. The same for each run of one version: it holds no date.
fn page() -> String {
    let command = Args::command();
    let mut page = Page::begin(&command, "1", "Tollgate");
    page.options(&command);
    page.section("THE CONSOLE");
    page.text(CONSOLE);
    page.heading("Everywhere");
    bindings(&mut page, |binding| binding.places.is_empty());
    letters(&mut page, |letter| letter.places.is_empty());
    for place in Place::ALL {
        page.heading(&format!("On the screen {}", word(place)));
        bindings(&mut page, |binding| binding.places.contains(&place));
        letters(&mut page, |letter| letter.places.contains(&place));
    }
    page.section("COMMANDS OF THE CONSOLE");
    page.text("Typed after a colon; a beginning is enough where it is one. Behind each change the command that does the same.");
    Action::ALL.into_iter().for_each(|action| command_of(&mut page, action));
    page.section("LINE BY LINE");
    page.text(LINEAR);
    crate::linear::WORDS.into_iter().for_each(|(word, help)| page.item(word, help));
    page.section("COMMANDS");
    page.commands(&command);
    page.end(&command)
}

fn bindings(page: &mut Page, is_wanted: impl Fn(&Binding) -> bool) {
    for binding in keymap::BINDINGS.iter().filter(|binding| is_wanted(binding)) {
        let keys: Vec<String> = binding.keys.iter().map(ToString::to_string).collect();
        page.item(&keys.join(", "), binding.action.info().help);
    }
}

fn letters(page: &mut Page, is_wanted: impl Fn(&MenuLetter) -> bool) {
    for entry in keymap::MENU.iter().filter(|letter| is_wanted(letter)) {
        page.item(&format!(". {}", entry.letter), entry.action.info().help);
    }
}

fn command_of(page: &mut Page, action: Action) {
    let info = action.info();
    let asks = match info.danger {
        Danger::None => return page.item(info.name, info.help),
        Danger::Immediate => "at once",
        Danger::Confirmed => "asks first",
        Danger::Typed => "wants the name typed",
    };
    page.item(info.name, &format!("{} ({asks}): {}", info.help, info.cli));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn man_page_is_the_one_that_is_kept() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(FILE);
        let made = page();
        if std::env::var_os("UPDATE_MAN").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "tui/man/tollgate.1 is old: tollgate man --dir tui/man");
    }

    #[test]
    fn man_page_names_every_verb_every_key_and_every_command() {
        let page = page().replace("\\-", "-");
        fn verbs(command: &clap::Command, path: &str, page: &str) {
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name());
                assert!(page.contains(&path), "{path}");
                verbs(sub, &path, page);
            }
        }
        verbs(&Args::command(), "tollgate", &page);
        for action in Action::ALL {
            assert!(page.contains(&format!("\\fB{}\\fR", action.info().name)), "{action:?}");
            assert!(page.contains(action.info().help), "{action:?}");
        }
    }
}
