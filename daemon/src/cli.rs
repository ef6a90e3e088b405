//! The daemon's own command line: `tollgated run`, `tollgated config`, `tollgated check`.

mod check;
mod man;
mod passphrase;
mod restore;
mod source;
mod verify;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::assemble::{self, Runtimes, StartError};
use crate::backup::restore::NewKey;
use crate::config::{Config, ConfigErrors, Flags, LogLevel};
use crate::running;

/// Usage or configuration is wrong (EX_USAGE).
const EXIT_USAGE: u8 = 64;

/// The start or the end failed.
const EXIT_FAILURE: u8 = 1;

#[derive(Parser)]
#[command(
    name = "tollgated",
    version,
    about = "The Tollgate daemon: takes alerts, checks their API token, opens and resolves incidents, keeps the API log",
    after_help = "What needs the daemon stopped is done with tollgated; everything else with tollgate."
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Take calls until SIGTERM or SIGINT; prints one JSON line when ready
    Run(Flags),
    /// Show every setting, its value and where it comes from; exit 64 when one is wrong. Warns of backups on the data's disk
    Config(Flags),
    /// Look through the files of a stopped daemon and say what is damaged; changes nothing; exit 1 when something is
    Check(Flags),
    /// Bring a backup back into an empty data directory, daemon stopped; calls are answered 503 until it is reviewed
    Restore {
        /// A backup of `tollgate backup` or of the schedule
        file: PathBuf,
        /// File with the passphrase, mode 0600 [default: asked for on the terminal]
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        /// Make a new token key instead of the backup's: every token then needs a new secret
        #[arg(long)]
        new_token_key: bool,
        #[command(flatten)]
        flags: Flags,
    },
    /// Open a backup and say what it holds, without a daemon; exit 2 without the token key, 65 damaged, 77 wrong passphrase
    Verify {
        /// A backup of `tollgate backup` or of the schedule; `-` for standard input
        file: PathBuf,
        /// File with the passphrase, mode 0600 [default: asked for on the terminal]
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// The man page
    Man {
        /// Write it as DIR/tollgated.8, in place of one that is there [default: standard output]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Make a certificate that signs itself, for hosts without an authority; senders must be told to trust it
    #[cfg(feature = "tls")]
    SelfSigned {
        /// A name or address that senders call this host by; may be repeated
        #[arg(long = "for", value_name = "HOST", required = true)]
        names: Vec<String>,
        /// Where certificate.pem and key.pem are made; made itself (0700) where it is missing, and nothing is overwritten
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// Runs the program.
pub fn exec() -> ExitCode {
    match Arguments::try_parse() {
        Ok(Arguments { verb: Verb::Run(flags) }) => with_config(flags, run),
        Ok(Arguments { verb: Verb::Config(flags) }) => with_config(flags, |config| show_config(&config)),
        Ok(Arguments { verb: Verb::Check(flags) }) => with_config(flags, |config| check_files(&config)),
        Ok(Arguments { verb: Verb::Restore { file, passphrase_file, new_token_key, flags } }) => {
            let new_key = if new_token_key { NewKey::Make } else { NewKey::No };
            with_config(flags, |config| restore::run(&config, &file, passphrase_file.as_deref(), new_key))
        }
        Ok(Arguments { verb: Verb::Verify { file, passphrase_file, json } }) => {
            verify::verify(&file, passphrase_file.as_deref(), json)
        }
        Ok(Arguments { verb: Verb::Man { dir } }) => show_man(dir.as_deref()),
        #[cfg(feature = "tls")]
        Ok(Arguments { verb: Verb::SelfSigned { names, out } }) => self_signed(names, &out),
        Err(error) => usage(&error),
    }
}

fn show_man(directory: Option<&std::path::Path>) -> ExitCode {
    match man::write(directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("the man page cannot be written: {error}"));
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

fn check_files(config: &Config) -> ExitCode {
    match check::check(&config.data_dir, &mut std::io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_FAILURE),
        Err(error) => {
            say(&crate::report(&error));
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be told when the terminal is gone.
    drop(error.print());
    if let ErrorKind::InvalidSubcommand = error.kind() {
        let given = error.get(ContextKind::InvalidSubcommand).map(ToString::to_string);
        say(&match given.as_deref() {
            Some("backup") => "backups are made of the running daemon: tollgate backup FILE".to_owned(),
            Some("restore-review") => "the daemon must run for that: tollgate restore-review".to_owned(),
            _ => "what needs the daemon running is done with `tollgate`, for instance `tollgate status`".to_owned(),
        });
    }
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_USAGE),
    }
}

fn with_config(mut flags: Flags, then: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    flags.as_root = rustix::process::geteuid().is_root();
    match read_config(&flags) {
        Ok(config) => then(config),
        Err(message) => {
            say(&message);
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn read_config(flags: &Flags) -> Result<Config, String> {
    let env: BTreeMap<String, String> =
        std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
    let named = Config::named_file(&env, flags);
    let candidates = named.clone().map_or_else(|| Config::default_files(&env), |path| vec![path]);
    let mut file = None;
    for path in candidates {
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                file = Some((path, text));
                break;
            }
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        }
    }
    Config::load(file, &env, flags).map_err(|errors: ConfigErrors| format!("the configuration is wrong:\n{errors}"))
}

#[cfg(feature = "tls")]
fn self_signed(names: Vec<String>, directory: &std::path::Path) -> ExitCode {
    match crate::edge::tls::self_signed(names, directory) {
        Ok(files) => {
            let (certificate, key) = (files.certificate.display(), files.key.display());
            let lines = format!("[gate]\ntls_certificate = \"{certificate}\"\ntls_key = \"{key}\"\n");
            drop(std::io::stdout().write_all(lines.as_bytes()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&crate::report(&error));
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

fn show_config(config: &Config) -> ExitCode {
    let mut out = std::io::stdout().lock();
    for setting in config.describe() {
        if writeln!(out, "{} = {}    # {}; {}", setting.key, setting.value, setting.origin, setting.help).is_err() {
            return ExitCode::from(EXIT_FAILURE);
        }
    }
    if let Some(problem) = config.backup.as_ref().and_then(|plan| plan.same_disk(&config.data_dir)) {
        say(&problem);
    }
    ExitCode::SUCCESS
}

/// Log, build, start, wait, drain.
fn run(config: Config) -> ExitCode {
    start_logging(config.log.level);
    leave_no_core();
    match run_to_end(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&crate::report(&error));
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

/// Memory holds the key and what is on its way: the kernel writes no core of it, and nobody but root reads it.
fn leave_no_core() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let limited = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    let hidden = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    if let Err(error) = limited.and(hidden) {
        tracing::warn!(%error, "the kernel may write a core of this process; forbid it in the unit");
    }
}

fn run_to_end(config: &Config) -> Result<(), StartError> {
    let runtimes = Runtimes::new()?;
    let assembled = assemble::assemble(config, &runtimes)?;
    let running = running::start(assembled, runtimes)?;
    // Before anybody is told that it is ready: whoever waits for that line may stop it at once.
    let signals = running.runtime().block_on(async { stop_signals() })?;
    let ready = running.ready();
    tracing::info!(gate = ready.gate, socket = ready.socket, data_dir = %config.data_dir.display(), "taking calls");
    if let Ok(line) = serde_json::to_string(&ready) {
        let mut out = std::io::stdout().lock();
        // Whoever started us may not listen; the line is for those who do.
        drop(writeln!(out, "{line}").and_then(|()| out.flush()));
    }
    let reason = running.runtime().block_on(async {
        tokio::select! {
            signal_name = stop_signal(signals) => signal_name,
            () = running.broken() => "a thread of the daemon ended",
        }
    });
    tracing::info!(reason, "stopping");
    Ok(running.shut_down()?)
}

/// What tells the daemon to stop; needs a runtime around it.
fn stop_signals() -> Result<[Signal; 2], StartError> {
    let host = |source| StartError::Host { what: "signals", source };
    Ok([signal(SignalKind::terminate()).map_err(host)?, signal(SignalKind::interrupt()).map_err(host)?])
}

async fn stop_signal([mut terminate, mut interrupt]: [Signal; 2]) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// One line an event on standard error, without times where the journal adds its own.
fn start_logging(level: LogLevel) {
    let level = match level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
        LogLevel::Trace => tracing::Level::TRACE,
    };
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_max_level(level);
    let set = if std::env::var_os("JOURNAL_STREAM").is_some() {
        builder.without_time().try_init()
    } else {
        builder.try_init()
    };
    // Set already: by a program that runs the daemon inside itself.
    drop(set);
}

/// What stands in a damaged file may be anything: it must not drive a terminal.
fn visible(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { char::REPLACEMENT_CHARACTER } else { it }).collect()
}

fn say(message: &str) {
    // Nothing can be told when the terminal is gone.
    drop(writeln!(std::io::stderr(), "tollgated: {message}"));
}
