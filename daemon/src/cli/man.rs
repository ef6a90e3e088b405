//! `tollgated man`: the man page, from the command line and the settings as this program reads them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use clap::{Arg, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Arguments;
use crate::config::{Config, Flags};

/// The page's file.
const FILE: &str = "tollgated.8";

/// Where settings stand; the daemon's README says more.
const SETTINGS: &str = "From tollgate.toml ($XDG_CONFIG_HOME/tollgate or /etc/tollgate, or --config FILE), then from \
TOLLGATE_* variables, then from options; later wins. `tollgated config` prints each with its value and origin.";
const EXIT: &str = "0: stopped in order. 1: start or stop failed, or check found damage. 64: usage or configuration.";

/// Writes the page to standard output or into a directory.
pub(super) fn write(directory: Option<&Path>) -> std::io::Result<()> {
    let page = page()?;
    match directory {
        Some(directory) => std::fs::write(directory.join(FILE), page),
        None => std::io::stdout().lock().write_all(&page),
    }
}

/// The whole page. The same for each run of one version: it holds no date.
fn page() -> std::io::Result<Vec<u8>> {
    let command = Arguments::command();
    let man = Man::new(command.clone()).section("8").manual("Tollgate");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    command.get_subcommands().for_each(|sub| of_command(&mut roff, sub));
    roff.control("SH", ["SETTINGS"]).text([roman(SETTINGS)]);
    settings().iter().for_each(|(key, help)| item(&mut roff, key, help));
    roff.control("SH", ["EXIT STATUS"]).text([roman(EXIT)]);
    roff.control("SH", ["SEE ALSO"]).text([bold("tollgate"), roman("(1)")]);
    page.write_all(roff.to_roff().as_bytes())?;
    Ok(page)
}

fn of_command(roff: &mut Roff, command: &Command) {
    let title = format!("tollgated {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    roff.control("SS", [title.as_str()]).text([roman(about)]);
    for arg in command.get_arguments() {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        item(roff, &name(arg), &help);
    }
}

fn name(arg: &Arg) -> String {
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().and_then(<[_]>::first).filter(|_| takes);
    let value = value.map(|value| format!(" {value}")).unwrap_or_default();
    format!("--{}{value}", arg.get_long().unwrap_or_default())
}

fn item(roff: &mut Roff, term: &str, text: &str) {
    roff.control("TP", []).text([bold(term)]).text([roman(text)]);
}

/// Every setting. Their values belong to a host, so they are not on the page.
fn settings() -> Vec<(&'static str, &'static str)> {
    let flags = Flags { data_dir: Some("/".into()), socket: Some("/s".into()), ..Flags::default() };
    let config = Config::load(None, &BTreeMap::new(), &flags);
    let config = config.as_ref().map(Config::describe).unwrap_or_default();
    config.iter().map(|setting| (setting.key, setting.help)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // A build with TLS has one command more.
    #[cfg(not(feature = "tls"))]
    #[test]
    fn man_page_is_the_one_that_is_kept() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(FILE);
        let made = page().unwrap();
        if std::env::var_os("UPDATE_MAN").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(kept == made, "daemon/man/tollgated.8 is old: tollgated man --dir daemon/man");
    }

    #[test]
    fn man_page_names_every_command_and_every_setting() {
        let page = String::from_utf8(page().unwrap()).unwrap().replace("\\-", "-");
        for command in Arguments::command().get_subcommands() {
            assert!(page.contains(&format!("tollgated {}", command.get_name())), "{}", command.get_name());
        }
        assert!(settings().len() > 10, "the settings were found");
        for (key, _) in settings() {
            assert!(page.contains(key), "{key}");
        }
    }
}
