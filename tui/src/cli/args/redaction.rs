use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) const AFTER_HELP: &str = "\
Built in, and always in force: credentials, cookies, tokens of ours anywhere,
members, headers and parameters named like secrets (password, *_token, api_key,
...; more names with log.redact_members of tollgate.toml).

A rule holds for calls from now on; rows that are in the log stay as they are
until they are 48 h old. Filters see the call as it came.";

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RedactionVerb {
    /// List the rules beside the built-in ones
    List,
    /// Add a rule, after trying it on a sample
    Add(RedactionAdd),
    /// Remove a rule
    Remove {
        /// The rule's name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Show what the log would keep of a call, with the rules there are and perhaps one more
    Try(RedactionTry),
}

/// What a rule cuts.
#[derive(Debug, Args)]
pub(in crate::cli) struct RuleArgs {
    /// Cut a place: alerts[*].annotations.note, @header.x-pin, @query.pin, or $ for the whole body
    #[arg(long, value_name = "PATH", conflicts_with = "pattern")]
    pub(in crate::cli) path: Option<String>,
    /// Cut what a regular expression matches; where it has groups, only what they match
    #[arg(long, value_name = "REGEX")]
    pub(in crate::cli) pattern: Option<String>,
    /// The expression ignores case
    #[arg(long, requires = "pattern")]
    pub(in crate::cli) ignore_case: bool,
}

/// A call to try rules on.
#[derive(Debug, Args)]
pub(in crate::cli) struct SampleArgs {
    /// The sample is a whole call as JSON: {"headers": {..}, "query": {..}, "body": .. or "text": ".."}
    #[arg(long)]
    pub(in crate::cli) call: bool,
    /// A header of the sample, `Name: value`; may be repeated
    #[arg(long = "header", value_name = "HEADER")]
    pub(in crate::cli) headers: Vec<String>,
    /// The query of the sample, without its `?`
    #[arg(long, value_name = "QUERY")]
    pub(in crate::cli) query: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RedactionAdd {
    /// What people will call it
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: String,
    #[command(flatten)]
    pub(in crate::cli) rule: RuleArgs,
    /// A body that the rule must cut something of, or it is not saved; `-` reads standard input
    #[arg(long, value_name = "FILE", required_unless_present = "untried", conflicts_with = "untried")]
    pub(in crate::cli) sample: Option<PathBuf>,
    /// Save it without a sample
    #[arg(long)]
    pub(in crate::cli) untried: bool,
    #[command(flatten)]
    pub(in crate::cli) of: SampleArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RedactionTry {
    /// The body of the sample; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) rule: RuleArgs,
    #[command(flatten)]
    pub(in crate::cli) of: SampleArgs,
}
