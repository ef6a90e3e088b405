use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct PlaybackArgs {
    /// A file that `tollgate --record` wrote; q leaves, Space stops and goes on
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
    /// So many times as fast as it happened; nothing is waited for longer than three seconds
    #[arg(long, value_name = "TIMES", default_value_t = 1, conflicts_with = "print", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(in crate::cli) speed: u32,
    /// At once to the last screen
    #[arg(long)]
    pub(in crate::cli) to_end: bool,
    /// Print the last screen as text, for a bug report or a test
    #[arg(long)]
    pub(in crate::cli) print: bool,
}
