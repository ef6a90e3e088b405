//! The command line: `tollgate NOUN VERB`. It is a client of the local socket like any other and holds no rules of
//! its own.

mod args;
mod asked;
mod audit;
mod call_file;
mod confirm;
mod context;
mod csv;
mod exit;
mod export;
mod filter;
mod follow;
mod histogram;
mod incident;
mod io;
mod lockdown;
mod log;
mod maintenance;
mod operator;
mod query;
mod redaction;
mod replay;
mod request;
mod scan;
mod secret;
mod send;
mod show_once;
mod status;
mod table;
mod team;
#[cfg(test)]
mod tests;
mod token;
mod verdict;
mod watch;
mod what_if;
mod when;
mod workflow;

pub use args::DemoArgs;
pub use exit::Exit;
pub use io::Io;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};
use tollgate_shared::api::StatusView;

use crate::client::{Client, ClientError, Origin, socket_candidates};
use crate::term::look::{Look, NoSuchLook};
use args::{Args, Format, Verb};
use context::Context;
use exit::CliError;

/// Verbs of the other program: what needs the daemon stopped, or starts it.
const DAEMON_VERBS: [&str; 4] = ["compact", "migrate", "restore", "run"];

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Ran {
    /// A command; it is done.
    Command(Exit),
    /// No command: the console is wanted.
    Console(ConsoleArgs),
    /// The demo is wanted.
    Demo(DemoArgs, ConsoleArgs),
}

/// What the console is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsoleArgs {
    /// The sockets to try, in order.
    pub sockets: Vec<PathBuf>,
    /// How it is to look.
    pub look: Look,
    /// Without a key for so many seconds the screen is hidden.
    pub lock_after_secs: Option<u32>,
}

/// Reads a command line (the program's name first) and runs it. Errors are said on `io.err`; `var` reads the
/// environment.
pub async fn run(argv: Vec<OsString>, io: &mut Io, var: impl Fn(&str) -> Option<OsString>) -> Ran {
    let args = match Args::try_parse_from(&argv) {
        Ok(args) => args,
        Err(error) => return Ran::Command(refuse_usage(io, &error, &argv)),
    };
    let sockets = socket_candidates(args.global.socket.as_deref(), &var);
    let lock_after_secs = args.lock_after.map(|after| u32::try_from(after.as_secs().max(1)).unwrap_or(u32::MAX));
    let verb = match args.verb {
        None => {
            return match look(&args.global, args.theme, &var) {
                Ok(look) => Ran::Console(ConsoleArgs { sockets, look, lock_after_secs }),
                Err(error) => Ran::Command(say(io, &error)),
            };
        }
        Some(Verb::Demo(demo)) => {
            return match look(&args.global, demo.theme.or(args.theme), &var) {
                Ok(look) => Ran::Demo(demo, ConsoleArgs { sockets: Vec::new(), look, lock_after_secs }),
                Err(error) => Ran::Command(say(io, &error)),
            };
        }
        Some(_) if args.theme.is_some() => {
            let hint = "use it without a command:  tollgate --theme light";
            return Ran::Command(say(io, &CliError::usage("--theme is the console's", hint)));
        }
        Some(Verb::Send(mut send)) if send.nagios => {
            send.environment = send::environment(&var);
            Verb::Send(send)
        }
        Some(_) if lock_after_secs.is_some() => {
            let hint = "use it without a command:  tollgate --lock-after 10m";
            return Ran::Command(say(io, &CliError::usage("--lock-after is the console's", hint)));
        }
        Some(verb) => verb,
    };
    let is_named = args.global.socket.is_some() || var("TOLLGATE_SOCKET").is_some_and(|value| !value.is_empty());
    let socket = sockets.first().filter(|_| is_named).cloned();
    let done = execute(io, &args.global, verb, &sockets, socket).await;
    let flushed = io.out.flush().map_err(CliError::from);
    Ran::Command(done.and_then(|exit| flushed.map(|()| exit)).unwrap_or_else(|error| say(io, &error)))
}

/// What was asked for on the command line, else in the environment; NO_COLOR is the terminal's matter.
fn look(global: &args::Global, asked: Option<Look>, var: impl Fn(&str) -> Option<OsString>) -> Result<Look, CliError> {
    let named = || var("TOLLGATE_THEME").filter(|name| !name.is_empty());
    let look = match (asked, named()) {
        (Some(look), _) => look,
        (None, Some(name)) => name
            .to_string_lossy()
            .parse()
            .map_err(|error: NoSuchLook| CliError::usage(error.to_string(), "it stands in TOLLGATE_THEME"))?,
        (None, None) => Look::Auto,
    };
    Ok(if global.no_color { look.without_colour() } else { look })
}

/// The help on standard error, and 64: what `tollgate` alone does where there is no console.
pub fn refuse_without_command(io: &mut Io) -> Exit {
    let help = Args::command().render_help().to_string();
    help.lines().for_each(|line| io.note(line));
    Exit::Usage
}

async fn execute(
    io: &mut Io,
    global: &args::Global,
    verb: Verb,
    sockets: &[PathBuf],
    socket: Option<PathBuf>,
) -> context::Done {
    let is_export = matches!(&verb, Verb::Log(log) if matches!(log.verb, Some(args::LogVerb::Export(_))));
    if global.output == Format::Har && !is_export {
        return Err(CliError::usage(
            "har is a form of `log export` only",
            "use:  tollgate log export --output har --to FILE",
        ));
    }
    let format = if matches!(global.output, Format::Csv | Format::Har) { Format::Table } else { global.output };
    let verb = match verb {
        // With an address of its own it needs no daemon on this host.
        Verb::Send(args) if args.gate.is_some() => return send::run(io, args, None, format).await,
        Verb::Scan(args) => return scan(io, global, &args, sockets, socket).await,
        verb => verb,
    };
    let is_check = matches!(verb, Verb::Check(_));
    let done = match connect(sockets).await {
        Ok((client, status)) => {
            let (csv, quiet, yes) = (global.output == Format::Csv, global.quiet, global.yes);
            let har = global.output == Format::Har;
            let mut cx = Context { client: &client, io: &mut *io, status, format, csv, har, quiet, yes, socket };
            with_daemon(&mut cx, verb).await
        }
        // A banner has one line, also where there is nothing to say it.
        Err(CliError::Client(ClientError::NoDaemon { .. })) if matches!(verb, Verb::Digest) => {
            io.note("tollgate: no daemon answers");
            return Ok(Exit::NoDaemon);
        }
        Err(error) => Err(error),
    };
    match done {
        Err(error) if is_check => Ok(watch::nagios_failure(io, &error)),
        done => done,
    }
}

async fn connect(sockets: &[PathBuf]) -> Result<(Client, StatusView), CliError> {
    let client = Client::open(sockets).await?.of(Origin::Cli);
    let status = client.status().await?;
    Ok((client, status))
}

/// Files can be read without a daemon; only what is in them cannot be judged.
async fn scan(
    io: &mut Io,
    global: &args::Global,
    args: &args::ScanArgs,
    sockets: &[PathBuf],
    socket: Option<PathBuf>,
) -> context::Done {
    let finds = scan::search(io, args, global.quiet);
    let (client, status) = match connect(sockets).await {
        Ok(connected) => connected,
        Err(error) => return scan::report_offline(io, &finds, global, &error),
    };
    let format = if global.output == Format::Csv { Format::Table } else { global.output };
    let (csv, quiet, yes) = (global.output == Format::Csv, global.quiet, global.yes);
    scan::report(&mut Context { client: &client, io, status, format, csv, har: false, quiet, yes, socket }, finds).await
}

async fn with_daemon(cx: &mut Context<'_>, verb: Verb) -> context::Done {
    match verb {
        Verb::Team(verb) => team::team(cx, verb).await,
        Verb::Service(verb) => team::service(cx, verb).await,
        Verb::Filter(verb) => filter::run(cx, verb).await,
        Verb::WhatIf(verb) => what_if::run(cx, verb).await,
        Verb::Token(verb) => token::run(cx, verb).await,
        Verb::Incident(verb) => incident::run(cx, verb).await,
        Verb::Workflow(verb) => workflow::run(cx, verb).await,
        Verb::Request(verb) => request::run(cx, verb).await,
        Verb::Maintenance(verb) => maintenance::run(cx, verb).await,
        Verb::Log(args) => log::run(cx, args).await,
        Verb::Operator(verb) => operator::run(cx, verb).await,
        Verb::Audit(args) => audit::run(cx, args).await,
        Verb::Query(verb) => query::run(cx, verb).await,
        Verb::Lockdown(verb) => lockdown::run(cx, verb).await,
        Verb::Redaction(verb) => redaction::run(cx, verb).await,
        Verb::Expiring(args) => watch::expiring(cx, args).await,
        Verb::Hygiene => watch::hygiene(cx).await,
        Verb::Check(args) => watch::check(cx, args).await,
        Verb::Digest => watch::digest(cx),
        Verb::Status(args) => status::run(cx, args).await,
        // They were answered before a daemon was looked for.
        Verb::Demo(_) | Verb::Scan(_) => Ok(Exit::Usage),
        Verb::Send(_) if cx.status.tls => Err(send::over_tls(&cx.status.listen)),
        Verb::Send(args) => send::run(cx.io, args, Some(&cx.status.listen), cx.format).await,
    }
}

/// Says an error, once, and gives its exit code. A reader who went away has heard enough.
fn say(io: &mut Io, error: &CliError) -> Exit {
    if error.is_broken_pipe() {
        return Exit::Ok;
    }
    for (index, line) in error.lines().iter().enumerate() {
        let head = if index == 0 { "tollgate: " } else { "  " };
        io.note(&format!("{head}{line}"));
    }
    error.exit()
}

/// clap ends with 2, which is our *attention*: a typo in a cron line would read as a finding (operator.md, CLI).
fn refuse_usage(io: &mut Io, error: &clap::Error, argv: &[OsString]) -> Exit {
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match io.body("", &text) {
            Ok(()) => Exit::Ok,
            Err(error) => say(io, &error.into()),
        };
    }
    let verb = argv.iter().skip(1).filter_map(|word| word.to_str()).find(|word| !word.starts_with('-'));
    if error.kind() == ErrorKind::InvalidSubcommand && verb.is_some_and(|verb| DAEMON_VERBS.contains(&verb)) {
        let verb = verb.unwrap_or_default();
        return say(
            io,
            &CliError::usage(
                format!("`{verb}` is a command of the daemon"),
                format!("did you mean:  tollgated {verb}"),
            ),
        );
    }
    text.lines().for_each(|line| io.note(line));
    // A monitoring system takes any other code for an alarm of its own kind.
    if verb == Some("check") { Exit::Unknown } else { Exit::Usage }
}
