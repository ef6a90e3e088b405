//! The form for an SSH account that may use this program and nothing else: `ForceCommand tollgate console --forced`.
//!
//! What the client asked for stands in `SSH_ORIGINAL_COMMAND`; it is read as words of this command line. There is no shell
//! in between and none behind, and no file of the host is read or written.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::exit::{CliError, Exit};
use super::shell_words::{Meta, split};

/// Where sshd puts the command line of the client.
pub(super) const ORIGINAL: &str = "SSH_ORIGINAL_COMMAND";
/// Standard input, which is the client's, or standard output.
const STDIO: &str = "-";
/// Options that reach beyond this daemon though they name no file.
const BEYOND: [&str; 1] = ["gate"];
/// Commands that are for a host of one's own, below these: what looks through a backup keeps it on a disk meanwhile.
const OWN_HOST: [(&str, &str); 2] = [("tollgate", "demo"), ("backup", "verify")];

/// The words that a client sent, the program's name first.
///
/// # Errors
/// They would need a shell.
pub(super) fn words(line: &OsStr) -> Result<Vec<OsString>, CliError> {
    let refuse = |what: String| CliError::usage(what, "use:  ssh HOST token list, or:  ssh -t HOST");
    let line = line.to_str().ok_or_else(|| refuse("the command line is not UTF-8 text".to_owned()))?;
    let words = split(line, Meta::Refuse).map_err(|error| refuse(error.to_string()))?;
    let words = words.into_iter().map(OsString::from).skip_while(|word| word == "tollgate");
    Ok([OsString::from("tollgate")].into_iter().chain(words).collect())
}

/// Whether a command line stays within what a forced form may do.
///
/// # Errors
/// The option or command that does not.
pub(super) fn allow(command: &Command, matches: &ArgMatches) -> Result<(), CliError> {
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let given =
            matches.try_contains_id(id).unwrap_or(false) && matches.value_source(id) == Some(ValueSource::CommandLine);
        let names_file = arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
        let stdio = || matches.get_raw(id).is_some_and(|mut values| values.all(|value| value == STDIO));
        if given && (BEYOND.contains(&id) || names_file && !stdio()) {
            return Err(refused(&arg.to_string()));
        }
    }
    let Some((name, matches)) = matches.subcommand() else { return Ok(()) };
    if OWN_HOST.contains(&(command.get_name(), name)) {
        return Err(refused(name));
    }
    command.find_subcommand(name).map_or(Ok(()), |sub| allow(sub, matches))
}

/// What may not be used here, in words.
pub(super) fn refused(what: &str) -> CliError {
    CliError::Said {
        exit: Exit::NotPermitted,
        what: format!(
            "`{what}` is not for this account: no file of this host is read or written, and no other host asked"
        ),
        next: vec!["results go to standard output, and what is given comes from standard input:  -".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::args::Args;
    use super::*;

    fn judge(line: &str) -> Result<(), CliError> {
        let mut command = Args::command();
        command.build();
        let matches = command.clone().try_get_matches_from(words(OsStr::new(line))?).unwrap();
        allow(&command, &matches)
    }

    #[test]
    fn commands_pass_and_files_do_not() {
        for line in [
            "",
            "tollgate status",
            "token list --output json",
            "--quiet token create n --scope global",
            "token identify -",
            "log export --output jsonl",
            "log export --to -",
            "backup - --plain",
            "audit verify",
            "--linear",
            "console",
            "filter create --service Ops/DB --file -",
        ] {
            assert!(judge(line).is_ok(), "{line}");
        }
        for line in [
            "token create n --scope global --secret-file x",
            "token create --from x --secrets-to y",
            "log export --to x",
            "--record x",
            "console --record x",
            "scan /etc",
            "token identify /etc/shadow",
            "--socket /tmp/x status",
            "status --socket /tmp/x",
            "filter create --service Ops/DB --file /etc/shadow",
            "send --token-file /etc/shadow -",
            "send --gate http://10.0.0.1 --token-file - -",
            "playback x",
            "backup x --plain",
            "backup - --passphrase-file /etc/shadow",
            "backup verify -",
            "man --dir /tmp",
            "demo",
        ] {
            let error = judge(line).unwrap_err();
            assert_eq!(error.exit(), Exit::NotPermitted, "{line}");
        }
        assert_eq!(words(OsStr::new("status; sh")).unwrap_err().exit(), Exit::Usage);
    }

    #[test]
    fn every_option_that_names_a_file_is_known_to_name_one() {
        fn look(command: &Command, path: &str) {
            for arg in command.get_arguments() {
                let value_names: Vec<&str> =
                    arg.get_value_names().unwrap_or_default().iter().map(clap::builder::Str::as_str).collect();
                let names = |name: &str| value_names.contains(&name);
                let is_file = arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
                // A PATH may be one within JSON.
                assert!(is_file || !(names("FILE") || names("DIR")), "{path} {}", arg.get_id());
                assert!(!is_file || names("FILE") || names("DIR") || names("PATH"), "{path} {}", arg.get_id());
            }
            command.get_subcommands().for_each(|sub| look(sub, &format!("{path} {}", sub.get_name())));
        }
        look(&Args::command(), "tollgate");
    }
}
