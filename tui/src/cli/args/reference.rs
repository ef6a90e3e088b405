use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct KeysArgs {
    /// Only those of one screen: tokens, log, refused, incidents, requests, services, operators, audit or status
    #[arg(value_name = "SCREEN")]
    pub(in crate::cli) screen: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ManArgs {
    /// Write it as DIR/tollgate.1, in place of one that is there [default: standard output]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) dir: Option<PathBuf>,
}
