//! Exit codes and what is said on the way out: what happened, why, what to do next.

use std::io;

use tollgate_shared::problem::{Problem, Slug};

use crate::client::ClientError;

/// The exit codes of operator.md. Stable: scripts and cron lines depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// It failed.
    Failure = 1,
    /// Done, and something wants attention: nothing matched, the store is not healthy.
    Attention = 2,
    /// `check --nagios` only: it could not be found out.
    Unknown = 3,
    /// The command line is wrong. clap's own 2 is mapped to this one.
    Usage = 64,
    /// What was given to the command is wrong.
    BadInput = 65,
    /// No such object.
    NoObject = 66,
    /// No daemon answers.
    NoDaemon = 69,
    /// Not now: overloaded, locked down, short of disk.
    TryAgain = 75,
    /// Not permitted.
    NotPermitted = 77,
    /// ctrl-c.
    Interrupted = 130,
}

/// Why a command did not do what it should.
#[derive(Debug)]
pub(super) enum CliError {
    /// The daemon or the way to it.
    Client(ClientError),
    /// Standard output cannot be written.
    Output(io::Error),
    /// Anything that this program found out by itself.
    Said {
        exit: Exit,
        what: String,
        /// What to do, a line each.
        next: Vec<String>,
    },
}

impl CliError {
    /// A wrong command line, with the line to use.
    pub(super) fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Said { exit: Exit::Usage, what: what.into(), next: vec![next.into()] }
    }

    /// A file or text that is not what it should be.
    pub(super) fn input(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Said { exit: Exit::BadInput, what: what.into(), next: vec![next.into()] }
    }

    /// A failure of this program's own work.
    pub(super) fn failure(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Said { exit: Exit::Failure, what: what.into(), next: vec![next.into()] }
    }

    /// True where the reader of standard output has gone, as in `tollgate log | head`: no error, nothing to say.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The exit code.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Client(error) => client_exit(error),
            Self::Output(_) => Exit::Failure,
            Self::Said { exit, .. } => *exit,
        }
    }

    /// The words, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Client(error) => client_lines(error),
            Self::Output(error) => vec![format!("standard output cannot be written: {error}")],
            Self::Said { what, next, .. } => [what.clone()].into_iter().chain(next.iter().cloned()).collect(),
        }
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn client_exit(error: &ClientError) -> Exit {
    match error {
        ClientError::Broken { .. } | ClientError::Incompatible { .. } | ClientError::NotADaemon { .. } => Exit::Failure,
        ClientError::Denied { .. } => Exit::NotPermitted,
        ClientError::NoDaemon { .. } => Exit::NoDaemon,
        ClientError::Problem(problem) => problem_exit(problem),
        ClientError::TooSlow { .. } => Exit::TryAgain,
    }
}

/// The exit code of a refusal. A wrong confirmation is a wrong command line, not wrong input: nothing was looked at.
pub(super) fn problem_exit(problem: &Problem) -> Exit {
    match problem.slug() {
        Ok(Slug::Validation) if problem.errors.first().is_some_and(|error| error.path == "confirm") => Exit::Usage,
        Ok(Slug::Conflict | Slug::InUse | Slug::VersionMismatch | Slug::MethodNotAllowed) => Exit::Failure,
        Ok(_) | Err(_) => match problem.status {
            404 => Exit::NoObject,
            401 | 403 => Exit::NotPermitted,
            400 | 413 | 415 | 422 | 431 => Exit::BadInput,
            408 | 429 | 503 => Exit::TryAgain,
            _ => Exit::Failure,
        },
    }
}

fn client_lines(error: &ClientError) -> Vec<String> {
    let mut lines = vec![match error {
        ClientError::Broken { source, .. } => format!("{error}: {source}"),
        ClientError::Problem(problem) => return problem_lines(problem),
        _ => error.to_string(),
    }];
    match error {
        ClientError::NoDaemon { tried } => {
            lines.push("tried:".to_owned());
            lines.extend(tried.iter().map(|tried| format!("  {}  {}", tried.path.display(), tried.why)));
            lines.push("start one with:  tollgated run".to_owned());
            lines.push("or name the socket of one that runs:  tollgate --socket PATH, or TOLLGATE_SOCKET".to_owned());
        }
        ClientError::Denied { remedy, .. } => lines.extend(remedy.iter().cloned()),
        ClientError::Incompatible { .. } => lines.push("install the same version of both programs".to_owned()),
        ClientError::NotADaemon { .. } => lines.push("name the right socket:  tollgate --socket PATH".to_owned()),
        ClientError::TooSlow { .. } => lines.push("try again; `tollgate status` says what it is busy with".to_owned()),
        ClientError::Broken { .. } => lines.push("look whether the change was made before you repeat it".to_owned()),
        ClientError::Problem(_) => {}
    }
    lines
}

/// A refusal in words.
pub(super) fn problem_lines(problem: &Problem) -> Vec<String> {
    let what = match problem.detail.as_str() {
        "" => problem.title.clone(),
        detail => format!("{}: {detail}", problem.title),
    };
    let mut lines = vec![what];
    let errors = problem.errors.iter().map(|error| format!("{}: {}", error.path, error.message));
    // A single mistake is often the whole detail.
    lines.extend(errors.filter(|error| *error != problem.detail).map(|error| format!("  {error}")));
    lines.extend(problem.retry_after.map(|secs| format!("try again in {secs} s")));
    lines
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::client::Tried;

    #[test]
    fn every_slug_has_the_exit_code_of_its_kind() {
        let exits = [
            (Slug::NotFound, Exit::NoObject),
            (Slug::Forbidden, Exit::NotPermitted),
            (Slug::UnknownOperator, Exit::NotPermitted),
            (Slug::Validation, Exit::BadInput),
            (Slug::MalformedJson, Exit::BadInput),
            (Slug::Overloaded, Exit::TryAgain),
            (Slug::LockedDown, Exit::TryAgain),
            (Slug::StorageUnavailable, Exit::TryAgain),
            (Slug::Conflict, Exit::Failure),
            (Slug::Internal, Exit::Failure),
        ];
        for (slug, exit) in exits {
            assert_eq!(problem_exit(&Problem::new(slug, "")), exit, "{slug}");
        }
        for slug in Slug::ALL {
            let exit = problem_exit(&Problem::new(slug, ""));
            assert!(!matches!(exit, Exit::Ok | Exit::Attention), "{slug} would look like success");
        }
    }

    #[test]
    fn a_mistake_that_is_the_whole_detail_is_said_once() {
        let one = Problem::new(Slug::Validation, "name: is blank").with_error("name", "is blank");
        assert_eq!(problem_lines(&one).len(), 1);
        let two = Problem::new(Slug::Validation, "two mistakes").with_error("a", "is b").with_error("c", "is d");
        assert_eq!(problem_lines(&two).len(), 3);
    }

    #[test]
    fn a_wrong_confirmation_is_a_wrong_command_line() {
        let problem = Problem::new(Slug::Validation, "").with_error("confirm", "is not the token's name");
        assert_eq!(problem_exit(&problem), Exit::Usage);
    }

    #[test]
    fn no_daemon_lists_what_was_tried_and_how_to_start_one() {
        let tried = vec![Tried { path: PathBuf::from("/run/x.sock"), why: "no such file".into() }];
        let error = CliError::from(ClientError::NoDaemon { tried });
        assert_eq!(error.exit() as u8, 69);
        let text = error.lines().join("\n");
        assert!(text.contains("/run/x.sock  no such file") && text.contains("tollgated run"), "{text}");
    }
}
