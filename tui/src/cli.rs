//! The command line: `tollgate NOUN VERB`. It is a client of the local socket like any other and holds no rules of
//! its own.

mod args;
mod asked;
mod audit;
mod backup;
mod call_file;
mod confirm;
mod context;
mod csv;
mod exit;
mod export;
mod filter;
mod follow;
mod forced;
mod histogram;
mod incident;
mod io;
mod keys;
mod lockdown;
mod log;
mod maintenance;
mod man;
mod names;
mod operator;
mod playback;
mod query;
mod redaction;
mod replay;
mod request;
mod restore;
mod scan;
mod secret;
mod send;
pub(crate) mod shell_words;
mod show_once;
mod status;
mod table;
mod team;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod verdict;
mod watch;
mod what_if;
mod when;
mod workflow;

pub use args::DemoArgs;
pub use exit::Exit;
pub(crate) use io::armour;
pub use io::{Io, Lines};
pub(crate) use keys::word as place_word;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _, Parser as _};
use tollgate_shared::api::StatusView;

use crate::client::{Client, ClientError, Origin, Ticket, socket_candidates};
use crate::console::playback::PlaybackOptions;
use crate::console::resume;
use crate::session::play::PlayError;
use crate::term::look::{Look, NoSuchLook};
use args::{Args, ConsoleFlags, Format, PlaybackArgs, Verb};
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
    /// A recording is to be shown on the terminal.
    Playback(PlaybackOptions),
}

/// What the console is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsoleArgs {
    /// The sockets to try, in order.
    pub sockets: Vec<PathBuf>,
    /// The socket, where it was named.
    pub named: Option<PathBuf>,
    /// How it is to look.
    pub look: Look,
    /// Without a key for so many seconds the screen is hidden.
    pub lock_after_secs: Option<u32>,
    /// As lines of text, whatever the terminal can.
    pub linear: bool,
    /// As lines of text on a terminal: `TERM=dumb`, or `TOLLGATE_A11Y=1`.
    pub plain_terminal: bool,
    /// A new file that keeps what happens.
    pub record: Option<PathBuf>,
    /// For an account that may use nothing else: no file is read or written.
    pub forced: bool,
    /// The file with the place of the last console, or why there can be none; none = it was not asked for.
    pub resume: Option<Result<PathBuf, String>>,
}

/// How commands reach the daemon, and what they may not do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// The sockets to try, in order.
    pub(crate) sockets: Vec<PathBuf>,
    /// The socket, where it was named: the lines that we suggest name it too.
    pub(crate) named: Option<PathBuf>,
    /// Who has signed in.
    pub(crate) ticket: Option<Arc<Ticket>>,
    /// See [`ConsoleArgs::forced`].
    pub(crate) forced: bool,
}

/// Reads a command line (the program's name first) and runs it. Errors are said on `io.err`; `var` reads the
/// environment.
pub async fn run(argv: Vec<OsString>, io: &mut Io, var: impl Fn(&str) -> Option<OsString>) -> Ran {
    let args = match Args::try_parse_from(&argv) {
        Ok(args) => args,
        Err(error) => return Ran::Command(refuse_usage(io, &error, &argv)),
    };
    let ordered = matches!(args.verb, Some(Verb::Console(_))).then(|| var(forced::ORIGINAL)).flatten();
    let Some(line) = ordered.filter(|line| !line.is_empty()) else { return begin(args, io, var, false).await };
    // What sshd's configuration says of socket and colour holds; the client says the rest.
    let outer = args.global;
    match forced::words(&line).and_then(|argv| parse(io, &argv, true)) {
        Ok(Ok(mut args)) => {
            (args.global.socket, args.global.no_color) = (outer.socket, outer.no_color || args.global.no_color);
            begin(args, io, var, true).await
        }
        Ok(Err(exit)) => Ran::Command(exit),
        Err(error) => Ran::Command(say(io, &error)),
    }
}

/// Runs the words of a line within this process, as another program's command line would be run.
pub(crate) async fn within(words: &[String], io: &mut Io, way: &Way) -> Exit {
    let argv: Vec<OsString> =
        ["tollgate"].into_iter().chain(words.iter().map(String::as_str)).map(Into::into).collect();
    let args = match parse(io, &argv, way.forced) {
        Ok(Ok(args)) => args,
        Ok(Err(exit)) => return exit,
        Err(error) => return say(io, &error),
    };
    match args.verb {
        None
        | Some(
            Verb::Console(_) | Verb::Demo(_) | Verb::Playback(_) | Verb::Backup(args::BackupArgs { verb: Some(_), .. }),
        ) => {
            let hint = "leave this one first:  quit";
            say(io, &CliError::usage("that is a program of its own", hint))
        }
        Some(verb) => {
            let way = match &args.global.socket {
                Some(path) => Way { sockets: vec![path.clone()], named: Some(path.clone()), ..way.clone() },
                None => way.clone(),
            };
            carry_out(io, &args.global, verb, &way, |name| std::env::var_os(name)).await
        }
    }
}

/// An error in lines: what happened, and what to do.
pub(crate) fn error_lines(error: ClientError) -> Vec<String> {
    CliError::from(error).lines()
}

/// The commands of a noun: `list`, `show` and so on; nothing where it is no noun.
pub(crate) fn verbs_of(noun: &str) -> Vec<String> {
    let command = Args::command();
    let noun = command.find_subcommand(noun);
    noun.into_iter().flat_map(clap::Command::get_subcommands).map(|verb| verb.get_name().to_owned()).collect()
}

/// Every first word that is a command, with its line of help.
pub(crate) fn nouns() -> Vec<(String, String)> {
    let command = Args::command();
    let about = |sub: &clap::Command| sub.get_about().map(ToString::to_string).unwrap_or_default();
    command.get_subcommands().map(|sub| (sub.get_name().to_owned(), about(sub))).collect()
}

/// The command line, or the exit code where it could not be read and that has been said.
fn parse(io: &mut Io, argv: &[OsString], is_forced: bool) -> Result<Result<Args, Exit>, CliError> {
    let mut command = Args::command();
    command.build();
    let matches = match command.clone().try_get_matches_from(argv) {
        Ok(matches) => matches,
        Err(error) => return Ok(Err(refuse_usage(io, &error, argv))),
    };
    if is_forced {
        forced::allow(&command, &matches)?;
    }
    Ok(Args::from_arg_matches(&matches).map_err(|error| refuse_usage(io, &error, argv)))
}

/// Runs a command line that has been read.
async fn begin(args: Args, io: &mut Io, var: impl Fn(&str) -> Option<OsString>, is_forced: bool) -> Ran {
    let console = |flags: ConsoleFlags, is_forced| console_args(flags, &args.global, &var, is_forced);
    let wanted = match args.verb {
        None => console(args.console, is_forced).map(Ran::Console),
        Some(Verb::Console(verb)) => console(verb.flags.or(args.console), is_forced || verb.forced).map(Ran::Console),
        Some(Verb::Demo(_)) if args.console.resume => {
            Err(CliError::usage("--resume is not for the demo: its daemon is gone with it", "use:  tollgate demo"))
        }
        Some(Verb::Demo(demo)) => {
            let theme = demo.theme.or(args.console.theme);
            console(ConsoleFlags { theme, ..args.console }, false).map(|console| Ran::Demo(demo, console))
        }
        Some(Verb::Playback(args)) if !args.print && io.out_is_tty && io.in_is_tty => {
            console(ConsoleFlags::default(), false).map(|console| {
                let PlaybackArgs { file, speed, to_end, .. } = args;
                Ran::Playback(PlaybackOptions { file, speed, to_end, look: console.look })
            })
        }
        Some(verb) => match args.console.given() {
            Some(option) => {
                let hint = format!("use it without a command:  tollgate {option}");
                Err(CliError::usage(format!("{option} is the console's"), hint))
            }
            None => {
                let (sockets, named) = sockets(&args.global, &var);
                let way = Way { sockets, named, ticket: None, forced: is_forced };
                Ok(Ran::Command(carry_out(io, &args.global, verb, &way, var).await))
            }
        },
    };
    wanted.unwrap_or_else(|error| Ran::Command(say(io, &error)))
}

/// The sockets to try, and the one that was named.
fn sockets(global: &args::Global, var: impl Fn(&str) -> Option<OsString>) -> (Vec<PathBuf>, Option<PathBuf>) {
    let sockets = socket_candidates(global.socket.as_deref(), &var);
    let is_named = global.socket.is_some() || var("TOLLGATE_SOCKET").is_some_and(|value| !value.is_empty());
    let named = sockets.first().filter(|_| is_named).cloned();
    (sockets, named)
}

fn console_args(
    flags: ConsoleFlags,
    global: &args::Global,
    var: impl Fn(&str) -> Option<OsString>,
    forced: bool,
) -> Result<ConsoleArgs, CliError> {
    if forced && flags.resume {
        return Err(forced::refused("--resume"));
    }
    let (sockets, named) = sockets(global, &var);
    Ok(ConsoleArgs {
        sockets,
        named,
        look: look(global, flags.theme, &var)?,
        lock_after_secs: flags.lock_after.map(|after| u32::try_from(after.as_secs().max(1)).unwrap_or(u32::MAX)),
        linear: flags.linear,
        plain_terminal: var("TERM").is_some_and(|term| term == "dumb")
            || var("TOLLGATE_A11Y").is_some_and(|value| value == "1"),
        record: flags.record,
        forced,
        resume: flags.resume.then(|| resume::place(&var)),
    })
}

async fn carry_out(
    io: &mut Io,
    global: &args::Global,
    verb: Verb,
    way: &Way,
    var: impl Fn(&str) -> Option<OsString>,
) -> Exit {
    let verb = match verb {
        Verb::Send(mut send) if send.nagios => {
            send.environment = send::environment(&var);
            Verb::Send(send)
        }
        verb => verb,
    };
    let done = execute(io, global, verb, way).await;
    let flushed = io.out.flush().map_err(CliError::from);
    done.and_then(|exit| flushed.map(|()| exit)).unwrap_or_else(|error| say(io, &error))
}

/// Says what is wrong with a recording.
pub fn refuse_recording(io: &mut Io, error: &PlayError) -> Exit {
    say(io, &playback::wrong(error))
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

async fn execute(io: &mut Io, global: &args::Global, verb: Verb, way: &Way) -> context::Done {
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
        Verb::Scan(args) => return scan(io, global, &args, way).await,
        Verb::Keys(args) => return keys::run(io, &args, global.output),
        Verb::Man(args) => return man::run(io, &args),
        Verb::Playback(args) => return playback::print(io, &args, global.output),
        // It needs no daemon, and most of all where there is none any more.
        Verb::Backup(args) if args.verb.is_some() => return backup::verify(&args, global.output),
        verb => verb,
    };
    let is_check = matches!(verb, Verb::Check(_));
    let done = match connect(way).await {
        Ok((client, status)) => {
            let (csv, quiet, yes) = (global.output == Format::Csv, global.quiet, global.yes);
            let har = global.output == Format::Har;
            let socket = way.named.clone();
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

async fn connect(way: &Way) -> Result<(Client, StatusView), CliError> {
    let client = Client::open_as(&way.sockets, way.ticket.clone()).await?.of(Origin::Cli);
    let status = client.status().await?;
    Ok((client, status))
}

/// Files can be read without a daemon; only what is in them cannot be judged.
async fn scan(io: &mut Io, global: &args::Global, args: &args::ScanArgs, way: &Way) -> context::Done {
    let finds = scan::search(io, args, global.quiet);
    let (client, status) = match connect(way).await {
        Ok(connected) => connected,
        Err(error) => return scan::report_offline(io, &finds, global, &error),
    };
    let format = if global.output == Format::Csv { Format::Table } else { global.output };
    let (csv, quiet, yes) = (global.output == Format::Csv, global.quiet, global.yes);
    let socket = way.named.clone();
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
        Verb::Backup(args) => backup::run(cx, args).await,
        Verb::RestoreReview(args) => restore::review(cx, args).await,
        Verb::Redaction(verb) => redaction::run(cx, verb).await,
        Verb::Expiring(args) => watch::expiring(cx, args).await,
        Verb::Hygiene => watch::hygiene(cx).await,
        Verb::Check(args) => watch::check(cx, args).await,
        Verb::Digest => watch::digest(cx),
        Verb::Status(args) => status::run(cx, args).await,
        // They were answered before a daemon was looked for.
        Verb::Console(_) | Verb::Demo(_) | Verb::Keys(_) | Verb::Man(_) | Verb::Playback(_) | Verb::Scan(_) => {
            Ok(Exit::Usage)
        }
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
    // As clap found it: the first word may be the value of an option.
    let unknown = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    if let Some(verb) = unknown.filter(|verb| DAEMON_VERBS.contains(verb)) {
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
