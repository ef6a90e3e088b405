use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct SendArgs {
    /// The body; `-` reads standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["nagios", "sample"], conflicts_with = "nagios")]
    pub(in crate::cli) file: Option<PathBuf>,
    /// The sample alert of a preset instead of a file, to try the way in; `tollgate filter presets` lists them
    #[arg(long, value_name = "PRESET", conflicts_with_all = ["file", "nagios"])]
    pub(in crate::cli) sample: Option<String>,
    /// As a notification command of Nagios or Icinga: the body is made of NAGIOS_* and ICINGA_* in the environment
    #[arg(long)]
    pub(in crate::cli) nagios: bool,
    /// With --nagios: a macro, such as HOSTNAME=web01, instead of the environment's; may be repeated
    #[arg(long = "macro", value_name = "NAME=VALUE", requires = "nagios")]
    pub(in crate::cli) macros: Vec<String>,
    /// The macros of the environment; not an option.
    #[arg(skip)]
    pub(in crate::cli) environment: Vec<(String, String)>,
    /// A file with the token's secret; `-` reads standard input (never an option: `ps` shows those)
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) token_file: PathBuf,
    /// Where to send to, http://HOST:PORT [default: where the daemon listens]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) gate: Option<String>,
    /// The sender's name, put before the title of an incident
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) from: Option<String>,
    /// Start workflows instead of opening incidents: those whose trigger matches, or the one of --workflow
    #[arg(long)]
    pub(in crate::cli) request: bool,
    /// With --request: the public id of the workflow to start
    #[arg(long, value_name = "ID", requires = "request")]
    pub(in crate::cli) workflow: Option<String>,
    /// With --request: a variable, NAME=VALUE; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", requires = "request")]
    pub(in crate::cli) variables: Vec<String>,
    /// A header, `Name: value`; may be repeated
    #[arg(long = "header", value_name = "HEADER")]
    pub(in crate::cli) headers: Vec<String>,
}
