//! The command line as clap reads it. Each noun has its own file; what a command does is in `cli/<noun>.rs`.

mod audit;
mod backup;
mod console;
mod filter;
mod incident;
mod log;
mod maintenance;
mod operator;
mod playback;
mod query;
mod redaction;
mod reference;
mod request;
mod send;
mod team;
mod token;
mod watch;
mod what_if;
mod workflow;

pub(super) use audit::{AuditArgs, AuditVerb, AuditView};
pub(super) use backup::{BackupArgs, BackupVerb, ReviewArgs};
pub(super) use console::{ConsoleFlags, ConsoleVerb};
pub(super) use filter::{FilterCreate, FilterEdit, FilterTry, FilterVerb};
pub(super) use incident::{IncidentFilter, IncidentList, IncidentPick, IncidentVerb};
pub(super) use log::{LogArgs, LogExport, LogReplay, LogVerb, LogView};
pub(super) use maintenance::{MaintenanceAdd, MaintenanceVerb};
pub(super) use operator::{OperatorAdd, OperatorEdit, OperatorVerb};
pub(super) use playback::PlaybackArgs;
pub(super) use query::{Asked, QueryVerb};
pub(super) use redaction::{RedactionAdd, RedactionTry, RedactionVerb, RuleArgs, SampleArgs};
pub(super) use reference::{KeysArgs, ManArgs};
pub(super) use request::{RequestList, RequestVerb};
pub(super) use send::SendArgs;
pub(super) use team::{ServiceCreate, ServiceVerb, TeamVerb};
pub(super) use token::{
    Bulk, BulkRevoke, BulkSuspend, BulkTarget, Rate, Switch, TokenCreate, TokenEdit, TokenImport, TokenList,
    TokenOverlap, TokenRefresh, TokenRotate, TokenSettings, TokenVerb,
};
pub(super) use watch::{CheckArgs, ExpiringArgs, LockdownVerb, ScanArgs, StatusArgs};
pub(super) use what_if::{Over, WhatIfFilter, WhatIfToken, WhatIfVerb};
pub(super) use workflow::{WorkflowCreate, WorkflowEdit, WorkflowTry, WorkflowVerb};

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::term::look::Look;

/// Printed under the help of `tollgate`.
const AFTER_HELP: &str = "\
Exit codes:
  0 ok, 1 failure, 2 attention (nothing matched, something is not
  healthy, a token ends soon or was found),
  64 usage, 65 bad input, 66 no such object, 69 no daemon, 75 try again,
  77 not permitted, 130 interrupted

The socket of the daemon is looked for in this order:
  --socket, TOLLGATE_SOCKET, $XDG_RUNTIME_DIR/tollgate/admin.sock,
  /run/tollgate/admin.sock, /run/tollgate/reader.sock,
  ~/.local/share/tollgate/admin.sock

What needs the daemon stopped is a verb of `tollgated`, everything else one of
`tollgate`.";

/// Create API tokens, see what their calls did, and work on the incidents they opened
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, after_help = AFTER_HELP, max_term_width = 100, disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(flatten)]
    pub(super) console: ConsoleFlags,
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
}

/// Flags that work before and after the command.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Global {
    /// The daemon's socket file, instead of looking for one
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// How results are written
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t = Format::Table)]
    pub(super) output: Format,
    /// No colour in the console; the commands write none anyway. NO_COLOR does the same
    #[arg(long, global = true)]
    pub(super) no_color: bool,
    /// No notes and no confirmations, only results and errors
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// Answer yes where only a yes is asked
    #[arg(long, global = true)]
    pub(super) yes: bool,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For reading
    Table,
    /// One JSON document: an object, or an array of all rows
    Json,
    /// One JSON object a line, as they come
    Jsonl,
    /// Lists as comma-separated values that are safe to open in a spreadsheet; all else as a table
    Csv,
    /// HTTP Archive 1.2, for `log export`
    Har,
}

/// The nouns.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Teams: create, list, delete
    #[command(subcommand)]
    Team(TeamVerb),
    /// Services of teams: create, list, switch on and off, delete
    #[command(subcommand)]
    Service(ServiceVerb),
    /// API filters of services: which calls open and resolve incidents
    #[command(subcommand)]
    Filter(FilterVerb),
    /// What a filter, a scope, an address list, an end or a revocation would change in the calls of the last 48 h
    #[command(subcommand)]
    WhatIf(WhatIfVerb),
    /// API tokens: create, list, edit, refresh, rotate, suspend, revoke and more
    #[command(subcommand)]
    Token(TokenVerb),
    /// Incidents: list, acknowledge, resolve
    #[command(subcommand)]
    Incident(IncidentVerb),
    /// Automation workflows: what a call to /v1/request starts
    #[command(subcommand)]
    Workflow(WorkflowVerb),
    /// Requests: the runs of workflows; list, follow, retry, cancel
    #[command(subcommand)]
    Request(RequestVerb),
    /// Times in which a service opens no incidents: add, list, end
    #[command(subcommand)]
    Maintenance(MaintenanceVerb),
    /// The API log: calls of tokens whose debug option is on, kept for 48 h
    Log(LogArgs),
    /// Queries that you keep, for log, tokens, incidents and audit: list, save, delete
    #[command(subcommand)]
    Query(QueryVerb),
    /// Who may do what: add, list, edit, disable, remove, passphrase
    #[command(subcommand, after_help = operator::AFTER_HELP)]
    Operator(OperatorVerb),
    /// Who changed what, newest first; verify, export
    Audit(AuditArgs),
    /// Stop taking calls, or take them again
    #[command(subcommand)]
    Lockdown(LockdownVerb),
    /// A backup of everything but the API log, into a new file; `backup verify` looks through one
    #[command(after_help = backup::AFTER_HELP)]
    Backup(BackupArgs),
    /// After `tollgated restore`: what is alive again, suspend what is in doubt, take calls again
    RestoreReview(ReviewArgs),
    /// What is cut from calls before they are logged: list, try, add, remove rules
    #[command(subcommand, after_help = redaction::AFTER_HELP)]
    Redaction(RedactionVerb),
    /// The tokens that end soon; exit 2 where there are some
    Expiring(ExpiringArgs),
    /// Tokens that want to be looked at: idle, never used, without end or address list, used as ?token=
    Hygiene,
    /// For monitoring: is the daemon well, do tokens end soon, are there backups as scheduled
    Check(CheckArgs),
    /// One line for a login banner; nothing where all is well
    Digest,
    /// Look for tokens in files, and say which of them live; exit 2 where one does or may
    Scan(ScanArgs),
    /// How the daemon is, where it listens, and what to do first
    Status(StatusArgs),
    /// The whole product on sample data: a daemon on a temporary directory, senders, and the console on top
    Demo(DemoArgs),
    /// The console, by its name; what a bare `tollgate` starts. Under sshd's ForceCommand: what the client asked for
    Console(ConsoleVerb),
    /// Every key of the console, by screen, with what it does
    Keys(KeysArgs),
    /// The man page
    Man(ManArgs),
    /// Show again what `tollgate --record` kept; needs no daemon
    Playback(PlaybackArgs),
    /// Send a call to the daemon's listen address, as a sender would (all other commands use the local socket)
    Send(SendArgs),
}

/// What the demo does.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct DemoArgs {
    /// No console: print the tail and a summary, then end
    #[arg(long)]
    pub headless: bool,
    /// How long without the console
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
    /// How the console looks, as `tollgate --theme`
    #[arg(long, value_enum, value_name = "THEME")]
    pub theme: Option<Look>,
}

/// A duration as people write it, `15m` or `48h`; whole seconds.
fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a duration as 30s, 15m, 48h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::*;

    fn each(command: &mut Command, path: &str, look: &mut impl FnMut(&str, &mut Command)) {
        look(path, command);
        for sub in command.get_subcommands_mut() {
            let path = format!("{path} {}", sub.get_name());
            each(sub, &path, look);
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_verb_says_what_it_does_in_one_line_and_its_help_renders() {
        each(&mut Args::command(), "tollgate", &mut |path, command| {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.contains('\n'), "{path} needs one line of help");
            assert!(command.render_long_help().to_string().contains("Usage"), "{path}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{path}: {} has no help", argument.get_id());
            }
        });
    }

    #[test]
    fn global_flags_work_before_and_after_the_command() {
        for line in ["tollgate --output json -q team list", "tollgate team list --output json --quiet"] {
            let args = Args::try_parse_from(line.split(' ')).unwrap();
            assert_eq!((args.global.output, args.global.quiet), (Format::Json, true), "{line}");
        }
    }
}
