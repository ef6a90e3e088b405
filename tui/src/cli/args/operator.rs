use clap::{Args, Subcommand};

use super::team::NameArg;

/// Printed under the help of `operator`.
pub(super) const AFTER_HELP: &str = "\
The local socket knows you by your unix user. Signing in with a passphrase, for
unix accounts that several people share, holds for one connection and so is only
in the console.";

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OperatorVerb {
    /// Make somebody an operator
    Add(OperatorAdd),
    /// List operators
    List,
    /// Show one
    Show(OperatorRef),
    /// Change one; what is not named stays
    Edit(OperatorEdit),
    /// He may do nothing any more, and his personal tokens are refused
    Disable(OperatorRef),
    /// He may do again what he might
    Enable(OperatorRef),
    /// Remove him for good
    Remove(OperatorRef),
    /// Set his passphrase, read twice without echo or once from standard input
    Passphrase {
        /// Name or id
        #[arg(value_name = "OPERATOR")]
        operator: String,
        /// Take it away instead: he signs in by his unix user alone
        #[arg(long)]
        remove: bool,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OperatorRef {
    /// Name or id
    #[arg(value_name = "OPERATOR")]
    pub(in crate::cli) operator: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OperatorAdd {
    #[command(flatten)]
    pub(in crate::cli) name: NameArg,
    /// A unix user by name or uid; may be repeated
    #[arg(long, value_name = "USER")]
    pub(in crate::cli) unix_user: Vec<String>,
    /// What he may everywhere: admin or reader [default: nothing]
    #[arg(long, value_name = "ROLE")]
    pub(in crate::cli) role: Option<String>,
    /// What he may in a team: TEAM=manager, TEAM=responder or TEAM=observer; may be repeated
    #[arg(long, value_name = "TEAM=ROLE")]
    pub(in crate::cli) team_role: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OperatorEdit {
    /// Name or id
    #[arg(value_name = "OPERATOR")]
    pub(in crate::cli) operator: String,
    /// Only if he is still of this version, as `operator show` said it [default: as he is now]
    #[arg(long, value_name = "VERSION")]
    pub(in crate::cli) if_version: Option<u64>,
    /// A new name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// The whole new list of unix users, one an option
    #[arg(long, value_name = "USER", conflicts_with = "no_unix_user")]
    pub(in crate::cli) unix_user: Vec<String>,
    /// No unix user any more
    #[arg(long)]
    pub(in crate::cli) no_unix_user: bool,
    /// What he may everywhere: admin, reader or none
    #[arg(long, value_name = "ROLE")]
    pub(in crate::cli) role: Option<String>,
    /// The whole new list of team roles, one an option
    #[arg(long, value_name = "TEAM=ROLE", conflicts_with = "no_team_role")]
    pub(in crate::cli) team_role: Vec<String>,
    /// No team role any more
    #[arg(long)]
    pub(in crate::cli) no_team_role: bool,
}
