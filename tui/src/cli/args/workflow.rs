use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum WorkflowVerb {
    /// List workflows, of one team or all
    List {
        /// Only those of this team; `global` for those of none
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Show one with its variables, trigger and steps
    Show {
        /// Team/Name, public id, id, or a piece of one
        #[arg(value_name = "WORKFLOW")]
        workflow: String,
    },
    /// Create one from a JSON file
    Create(WorkflowCreate),
    /// Put what a JSON file says in the place of a workflow
    Edit(WorkflowEdit),
    /// Delete one; its requests stay in the list
    Delete {
        /// Team/Name, public id, id, or a piece of one
        #[arg(value_name = "WORKFLOW")]
        workflow: String,
    },
    /// Let calls start it; its queued requests go on
    Enable {
        /// Team/Name, public id, id, or a piece of one
        #[arg(value_name = "WORKFLOW")]
        workflow: String,
    },
    /// Let nothing start it; its queued requests wait
    Disable {
        /// Team/Name, public id, id, or a piece of one
        #[arg(value_name = "WORKFLOW")]
        workflow: String,
    },
    /// Say whether a call would start it, with what variables, and what stands in the way; nothing is started
    Try(WorkflowTry),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WorkflowCreate {
    /// The workflow as JSON, or as `show --output json` prints one; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
    /// Its team [default: global, for admins]
    #[arg(long, value_name = "TEAM")]
    pub(in crate::cli) team: Option<String>,
    /// Its name, instead of the file's
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WorkflowEdit {
    /// Team/Name, public id, id, or a piece of one
    #[arg(value_name = "WORKFLOW")]
    pub(in crate::cli) workflow: String,
    /// The workflow as JSON; one that `show --output json` printed is refused if it has been changed since
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WorkflowTry {
    /// A saved workflow: Team/Name, public id, id, or a piece of one
    #[arg(long, value_name = "WORKFLOW", required_unless_present = "spec", conflicts_with = "spec")]
    pub(in crate::cli) workflow: Option<String>,
    /// A workflow that is not saved, as JSON
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) spec: Option<PathBuf>,
    /// With --spec: the team that it would belong to
    #[arg(long, value_name = "TEAM", requires = "spec")]
    pub(in crate::cli) team: Option<String>,
    /// The body of the call; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
    /// The query of the call, without its `?`
    #[arg(long, value_name = "QUERY")]
    pub(in crate::cli) query: Option<String>,
}
