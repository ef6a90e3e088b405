//! `tollgate backup` and `tollgate restore-review`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Printed under the help of `tollgate backup`.
pub(super) const AFTER_HELP: &str = "\
A backup is encrypted with a passphrase, and the token key is in it. With
--plain it is not, and the key is not: no token of it can authenticate.

Over a network, without a file on this host:
  ssh HOST tollgate backup - --passphrase-file FILE > t.backup

It is brought back by the daemon's program, while the daemon is stopped:
  tollgated restore FILE";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct BackupArgs {
    #[command(subcommand)]
    pub(in crate::cli) verb: Option<BackupVerb>,
    /// A new file, and one that exists is never replaced; or - for standard output
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: Option<PathBuf>,
    /// File with the passphrase, mode 0600 [default: asked for twice, on the terminal]
    #[arg(long, value_name = "FILE", conflicts_with = "plain")]
    pub(in crate::cli) passphrase_file: Option<PathBuf>,
    /// Not encrypted, and without the token key: after a restore every token needs a new secret
    #[arg(long)]
    pub(in crate::cli) plain: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BackupVerb {
    /// Open a backup and say what it holds, without a daemon; 2 without the token key, 65 damaged, 77 wrong passphrase
    Verify {
        /// The backup; or - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// File with the passphrase, mode 0600 [default: asked for on the terminal]
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ReviewArgs {
    /// Suspend this token first: its id, name or a piece of the id; several at once, or the option again
    #[arg(long, value_name = "TOKEN", num_args = 1.., value_delimiter = ',')]
    pub(in crate::cli) suspend: Vec<String>,
    /// Do it: how many tokens are let in again, as the review says
    #[arg(long, value_name = "N")]
    pub(in crate::cli) confirm_count: Option<u32>,
}
