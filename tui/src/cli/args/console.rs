use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration;
use crate::term::look::Look;

/// Options of the console, with or without its name.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct ConsoleFlags {
    /// Of the console: hide the screen (line by line: sign out) after so long without a key; after a sign-in always, 15m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) lock_after: Option<Duration>,
    /// Of the console: how it looks; before TOLLGATE_THEME, NO_COLOR, TERM, COLORTERM, the locale and COLORFGBG
    #[arg(long, value_enum, value_name = "THEME")]
    pub(in crate::cli) theme: Option<Look>,
    /// The console as lines of text, for screen readers and terminals without a cursor; TERM=dumb or TOLLGATE_A11Y=1 too
    #[arg(long)]
    pub(in crate::cli) linear: bool,
    /// Of the console: keep what happens in a new file, without secrets and bodies; `tollgate playback` shows it again
    #[arg(long, value_name = "FILE", conflicts_with = "linear")]
    pub(in crate::cli) record: Option<PathBuf>,
    /// Of the console: begin where your last one with --resume ended; ~/.local/state/tollgate/console.json keeps the place
    #[arg(long, conflicts_with = "linear")]
    pub(in crate::cli) resume: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ConsoleVerb {
    #[command(flatten)]
    pub(in crate::cli) flags: ConsoleFlags,
    /// For sshd's ForceCommand: no file of this host is read or written, and the program is not left by ctrl-z
    #[arg(long)]
    pub(in crate::cli) forced: bool,
}

impl ConsoleFlags {
    /// What was given in either place.
    pub(in crate::cli) fn or(self, other: Self) -> Self {
        Self {
            lock_after: self.lock_after.or(other.lock_after),
            theme: self.theme.or(other.theme),
            linear: self.linear || other.linear,
            record: self.record.or(other.record),
            resume: self.resume || other.resume,
        }
    }

    /// The first that was given, by name.
    pub(in crate::cli) fn given(&self) -> Option<&'static str> {
        let all = [
            (self.lock_after.is_some(), "--lock-after"),
            (self.theme.is_some(), "--theme"),
            (self.linear, "--linear"),
            (self.record.is_some(), "--record"),
            (self.resume, "--resume"),
        ];
        all.into_iter().find(|(given, _)| *given).map(|(_, name)| name)
    }
}
