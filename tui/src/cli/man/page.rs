//! A man page from a command line: options, then every command with its own.

use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// A page that is being written.
pub(super) struct Page(Vec<u8>);

impl Page {
    /// Title, name and synopsis.
    pub(super) fn begin(command: &Command, section: &str, manual: &str) -> Self {
        let man = Man::new(command.clone()).section(section).manual(manual);
        let mut page = Self(Vec::new());
        page.write(|out| {
            man.render_title(out)?;
            man.render_name_section(out)?;
            man.render_synopsis_section(out)
        });
        page
    }

    /// The options of the program itself.
    pub(super) fn options(&mut self, command: &Command) {
        let man = Man::new(command.clone());
        self.write(|out| man.render_options_section(out));
    }

    pub(super) fn section(&mut self, title: &str) {
        self.roff(Roff::new().control("SH", [title]));
    }

    pub(super) fn heading(&mut self, title: &str) {
        self.roff(Roff::new().control("SS", [title]));
    }

    pub(super) fn text(&mut self, text: &str) {
        self.roff(Roff::new().control("PP", []).text([roman(text)]));
    }

    /// A term and what it means.
    pub(super) fn item(&mut self, term: &str, text: &str) {
        self.roff(Roff::new().control("TP", []).text([bold(term)]).text([roman(text)]));
    }

    /// Every command below `command`, with its options and what stands under its help.
    pub(super) fn commands(&mut self, command: &Command) {
        self.below(command, command.get_name());
    }

    /// What stands under the help of the program, and the whole page.
    pub(super) fn end(mut self, command: &Command) -> String {
        if let Some(after) = command.get_after_help() {
            self.section("NOTES");
            self.as_it_is(&after.to_string());
        }
        String::from_utf8_lossy(&self.0).into_owned()
    }

    fn below(&mut self, command: &Command, path: &str) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let path = format!("{path} {}", sub.get_name());
            self.command(sub, &path);
            self.below(sub, &path);
        }
    }

    fn command(&mut self, command: &Command, path: &str) {
        let words: Vec<String> = command.get_positionals().map(operand).collect();
        let options = command.get_arguments().any(|arg| !arg.is_positional()).then(|| "[OPTIONS]".to_owned());
        let line: Vec<String> = [path.to_owned()].into_iter().chain(options).chain(words).collect();
        self.heading(&line.join(" "));
        let aliases: Vec<&str> = command.get_visible_aliases().collect();
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let also = if aliases.is_empty() { String::new() } else { format!(" (also: {})", aliases.join(", ")) };
        self.text(&format!("{about}{also}"));
        command.get_arguments().filter(|arg| !arg.is_hide_set()).for_each(|arg| self.argument(arg));
        if let Some(after) = command.get_after_help() {
            self.as_it_is(&after.to_string());
        }
    }

    fn argument(&mut self, arg: &Arg) {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let takes = arg.get_action().takes_values();
        let default = (takes && !defaults.is_empty()).then(|| format!(" [default: {}]", defaults.join(", ")));
        self.item(&names(arg), &format!("{help}{}", default.unwrap_or_default()));
    }

    /// Lines whose breaks mean something.
    fn as_it_is(&mut self, text: &str) {
        let mut roff = Roff::new();
        roff.control("PP", []).control("nf", []);
        for line in text.lines() {
            roff.text([roman(line)]);
        }
        self.roff(roff.control("fi", []));
    }

    fn roff(&mut self, roff: &Roff) {
        self.write(|out| out.write_all(roff.to_roff().as_bytes()));
    }

    /// Memory takes every write.
    fn write(&mut self, write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) {
        let written = write(&mut self.0);
        debug_assert!(written.is_ok(), "a Vec takes every write");
    }
}

fn names(arg: &Arg) -> String {
    if arg.is_positional() {
        return operand(arg);
    }
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let value = if arg.get_action().takes_values() { format!(" {}", value(arg)) } else { String::new() };
    format!("{}{value}", names.join(", "))
}

fn operand(arg: &Arg) -> String {
    if arg.is_required_set() { value(arg) } else { format!("[{}]", value(arg)) }
}

fn value(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().map(clap::builder::Str::as_str).collect::<Vec<_>>().join(" ")
}
