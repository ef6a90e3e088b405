use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum FilterVerb {
    /// Create a filter from a preset or from a JSON file
    Create(FilterCreate),
    /// List filters, of one service or of all
    List {
        /// Only those of this service
        #[arg(long, value_name = "SERVICE")]
        service: Option<String>,
    },
    /// Show one filter with its conditions
    Show {
        /// Team/Service/Filter, id, or a piece of the id
        #[arg(value_name = "FILTER")]
        filter: String,
    },
    /// Delete a filter; its incidents stay
    Delete {
        /// Team/Service/Filter, id, or a piece of the id
        #[arg(value_name = "FILTER")]
        filter: String,
    },
    /// List the presets
    Presets,
    /// Say what a service's filters would make of a call, and why; nothing is changed
    Try(FilterTry),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FilterCreate {
    /// The service: Team/Service, id, or a piece of the id
    #[arg(long, value_name = "SERVICE")]
    pub(in crate::cli) service: String,
    /// A preset by name; `tollgate filter presets` lists them
    #[arg(long, value_name = "PRESET", required_unless_present = "file", conflicts_with = "file")]
    pub(in crate::cli) preset: Option<String>,
    /// A filter as JSON; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) file: Option<PathBuf>,
    /// The filter's name, instead of the preset's or the file's
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FilterTry {
    /// The service whose filters are tried
    #[arg(long, value_name = "SERVICE")]
    pub(in crate::cli) service: String,
    /// The body of the call; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
    /// FILE is a whole call as JSON: {"headers": {..}, "query": {..}, "body": .. or "text": ".."}
    #[arg(long)]
    pub(in crate::cli) call: bool,
    /// A header of the call, `Name: value`; may be repeated
    #[arg(long = "header", value_name = "HEADER")]
    pub(in crate::cli) headers: Vec<String>,
    /// The query of the call, without its `?`
    #[arg(long, value_name = "QUERY")]
    pub(in crate::cli) query: Option<String>,
}
