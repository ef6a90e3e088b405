use clap::{Args, Subcommand};

/// A name, given by its place or by `--name`.
#[derive(Debug, Args)]
pub(in crate::cli) struct NameArg {
    /// The name: 1 to 64 visible characters
    #[arg(value_name = "NAME", required_unless_present = "name_option")]
    name: Option<String>,
    /// The name, as an option
    #[arg(long = "name", id = "name_option", value_name = "NAME", conflicts_with = "name")]
    option: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TeamVerb {
    /// Create a team
    Create(NameArg),
    /// List all teams
    List,
    /// Delete a team that has no services and tokens any more
    Delete {
        /// Name, id, or a piece of the id
        #[arg(value_name = "TEAM")]
        team: String,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ServiceVerb {
    /// Create a service in a team
    Create(ServiceCreate),
    /// List services, of one team or of all
    List {
        /// Only those of this team (id, name or a piece of the id)
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Show one service
    Show {
        /// Team/Service, id, or a piece of the id
        #[arg(value_name = "SERVICE")]
        service: String,
    },
    /// Delete a service that has no filters, tokens and open incidents any more
    Delete {
        /// Team/Service, id, or a piece of the id
        #[arg(value_name = "SERVICE")]
        service: String,
    },
    /// Switch a service off: it creates nothing, its filters are not tested
    Disable {
        /// Team/Service, id, or a piece of the id
        #[arg(value_name = "SERVICE")]
        service: String,
    },
    /// Switch a service on again
    Enable {
        /// Team/Service, id, or a piece of the id
        #[arg(value_name = "SERVICE")]
        service: String,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ServiceCreate {
    /// The team; not needed with Team/Service
    #[arg(long, value_name = "TEAM")]
    pub(in crate::cli) team: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) name: NameArg,
}

impl NameArg {
    /// The name; clap has made sure that there is exactly one.
    pub(in crate::cli) fn into_name(self) -> String {
        self.name.or(self.option).unwrap_or_default()
    }
}
