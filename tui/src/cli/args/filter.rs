use std::path::PathBuf;

use clap::{Args, Subcommand};
use tollgate_shared::priority::Priority;

use super::Over;

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
    /// Show one filter with its conditions; --output json gives what `edit --file` takes, as `spec`
    Show {
        /// Team/Service/Filter, id, or a piece of the id
        #[arg(value_name = "FILTER")]
        filter: String,
    },
    /// Change a filter: the whole from a file or preset, or single fields
    Edit(Box<FilterEdit>),
    /// Give a filter another place among those of its service; the first that is true wins
    Move {
        /// Team/Service/Filter, id, or a piece of the id
        #[arg(value_name = "FILTER")]
        filter: String,
        /// Its new place, from 1; beyond the last means the last
        #[arg(long, value_name = "PLACE", value_parser = clap::value_parser!(u32).range(1..))]
        to: u32,
    },
    /// Switch a filter on
    Enable {
        /// Team/Service/Filter, id, or a piece of the id
        #[arg(value_name = "FILTER")]
        filter: String,
    },
    /// Switch a filter off: neither its trigger nor its resolve part is asked
    Disable {
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
    /// List the presets, or print one as a JSON file to begin with
    Presets {
        /// The one to print
        #[arg(value_name = "PRESET")]
        preset: Option<String>,
    },
    /// Say what is probably not meant in a filter; exit 2 where there is something
    Lint {
        /// A saved filter: Team/Service/Filter, id, or a piece of the id
        #[arg(value_name = "FILTER", required_unless_present = "file", conflicts_with = "file")]
        filter: Option<String>,
        /// A filter as JSON; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Say what a service's filters would make of a call or of the logged calls, and why; nothing is changed
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
    /// Save nothing: say what it would change in the logged calls
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) over: Over,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FilterEdit {
    /// Team/Service/Filter, id, or a piece of the id
    #[arg(value_name = "FILTER")]
    pub(in crate::cli) filter: String,
    /// The filter whole, as JSON; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) file: Option<PathBuf>,
    /// All parts from a preset; the name stays
    #[arg(long, value_name = "PRESET", conflicts_with = "file")]
    pub(in crate::cli) preset: Option<String>,
    /// A new name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// The priority where the call names none: P1 to P5
    #[arg(long, value_name = "PRIORITY")]
    pub(in crate::cli) priority: Option<Priority>,
    /// A path that says the priority; may be repeated, all together replace the old ones
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) priority_from: Vec<String>,
    /// A path that says the title; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) title_from: Vec<String>,
    /// A path that says the description; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) description_from: Vec<String>,
    /// A path of the correlation key; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) correlate: Vec<String>,
    /// Save nothing: say what it would change in the logged calls
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) over: Over,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FilterTry {
    /// The service whose filters are tried
    #[arg(long, value_name = "SERVICE")]
    pub(in crate::cli) service: String,
    /// The body of a call; `-` reads standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["call", "log"], conflicts_with_all = ["call", "log"])]
    pub(in crate::cli) file: Option<PathBuf>,
    /// A logged call instead, by the seq of its row
    #[arg(long, value_name = "SEQ", conflicts_with = "log")]
    pub(in crate::cli) call: Option<u64>,
    /// All logged calls instead: what would be gained and lost beside what was decided then
    #[arg(long)]
    pub(in crate::cli) log: bool,
    /// FILE is a whole call as JSON: {"headers": {..}, "query": {..}, "body": .. or "text": ".."}
    #[arg(long, requires = "file")]
    pub(in crate::cli) recorded: bool,
    /// A header of the call, `Name: value`; may be repeated
    #[arg(long = "header", value_name = "HEADER", requires = "file")]
    pub(in crate::cli) headers: Vec<String>,
    /// The query of the call, without its `?`
    #[arg(long, value_name = "QUERY", requires = "file")]
    pub(in crate::cli) query: Option<String>,
    /// A filter as JSON that is not saved, tried among the others
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) draft: Option<PathBuf>,
    /// The saved filter whose place the draft takes
    #[arg(long, value_name = "FILTER", requires = "draft")]
    pub(in crate::cli) replaces: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) over: Over,
}
