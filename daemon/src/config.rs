//! The configuration: parsed once into types, from `tollgate.toml`, then `TOLLGATE_*`, then flags; the later wins.
//!
//! Nothing is guessed and nothing is skipped: an unknown key or variable and every bad value are reported together,
//! each with the place it came from. Reading is pure ([`Config::load`] gets a map and a text), so tests never touch
//! the environment.
//!
//! Defaults that depend on the surroundings:
//! * data: `$XDG_DATA_HOME/tollgate`, else `$HOME/.local/share/tollgate`, else `/var/lib/tollgate`;
//! * socket: `$XDG_RUNTIME_DIR/tollgate/admin.sock`, else for root `/run/tollgate/admin.sock`, else
//!   `<data_dir>/admin.sock`;
//! * file: `$XDG_CONFIG_HOME/tollgate/tollgate.toml`, else `$HOME/.config/tollgate/tollgate.toml`, else
//!   `/etc/tollgate/tollgate.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tollgate_shared::workflow::WebAddress;

use crate::backup::plan::Plan;

pub mod keys;
mod layers;
mod values;

pub use self::layers::Origin;

use self::layers::Layers;
use self::values::Reader;

/// The parsed configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub automation: Automation,
    /// Backups that the daemon makes by itself; `None` = none.
    pub backup: Option<Plan>,
    pub data_dir: PathBuf,
    pub gate: Gate,
    pub limits: Limits,
    pub log: Log,
    /// Where the daemon opens incidents about itself, as `Team/Service`; `None` = nowhere.
    pub self_service: Option<String>,
    pub socket: Socket,
    described: Vec<Setting>,
}

/// What steps of workflows may do.
#[derive(Debug, Clone)]
pub struct Automation {
    /// `None` = no step starts a program.
    pub actions: Option<PathBuf>,
    pub concurrency: usize,
    pub post_allowlist: Vec<WebAddress>,
}

/// The TCP door.
#[derive(Debug, Clone)]
pub struct Gate {
    pub listen: SocketAddr,
    /// Set by hand only: tokens cross the network readable.
    pub allow_plain_http: bool,
    /// Calls and management over TLS, and over nothing else.
    pub tls: Option<TlsFiles>,
    pub body_limit_bytes: u64,
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    pub host_allowlist: Vec<String>,
    pub origin_allowlist: Vec<String>,
}

/// Where certificate and key are, in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate first, then its chain.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// The local door.
#[derive(Debug, Clone)]
pub struct Socket {
    pub path: PathBuf,
    pub mode: u32,
    pub group: Option<u32>,
    /// A second socket, for those who may only look.
    pub reader_path: Option<PathBuf>,
    pub reader_group: Option<u32>,
    /// Over the reader socket, a uid that is no operator's is a reader.
    pub anybody_reads: bool,
}

/// Bounds of what waits.
#[derive(Debug, Clone)]
pub struct Limits {
    pub queue_calls_max: usize,
    pub queue_bytes_max: u64,
    /// Tails of the log that one uid or token may have open.
    pub tails_per_uid_max: usize,
    pub shutdown: Duration,
    pub incidents_kept: Duration,
}

/// The API log and the daemon's own log.
#[derive(Debug, Clone)]
pub struct Log {
    pub level: LogLevel,
    /// Lower case.
    pub redact_members: Vec<String>,
    pub segment_time: Duration,
    pub segment_bytes_max: u64,
}

/// How much the daemon says about itself, from little to much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The flags of `tollgated`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory of the state, the log and the key
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Local socket of console and command line
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Address and port for calls
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Take calls from other hosts without TLS: tokens cross the network readable
    #[arg(long)]
    pub allow_plain_http: bool,
    /// error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Whether the daemon runs as root; set by `main`, since reading it here would not be pure.
    #[arg(skip)]
    pub as_root: bool,
}

/// One setting as it came out, for `tollgated config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub key: &'static str,
    pub value: String,
    pub origin: Origin,
    pub help: &'static str,
}

/// One thing wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting's name; empty where the file does not parse.
    pub key: String,
    pub origin: Origin,
    pub message: String,
}

/// Everything wrong with the configuration at once; one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

// === impl Config ===

impl Config {
    /// Parses the three layers. `file` is the path (for messages) and the text of the configuration file.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong.
    pub fn load(
        file: Option<(PathBuf, String)>,
        env: &BTreeMap<String, String>,
        flags: &Flags,
    ) -> Result<Config, ConfigErrors> {
        let mut layers = Layers::new();
        let mut errors = Vec::new();
        if let Some((path, text)) = file {
            layers::read_file(&path, &text, &mut layers, &mut errors);
        }
        layers::read_environment(env, &mut layers, &mut errors);
        layers::read_flags(flags, &mut layers);
        let mut reader = Reader::new(&layers, errors);
        let config = reader.config(env, flags);
        let (described, mut errors) = reader.finish();
        if let Some(error) = config.as_ref().and_then(|config| config.plain_http_error(&layers)) {
            errors.push(error);
        }
        match config {
            Some(config) if errors.is_empty() => Ok(Config { described, ..config }),
            _ => Err(ConfigErrors(errors)),
        }
    }

    /// Every setting with its value and where that came from.
    #[must_use]
    pub fn describe(&self) -> &[Setting] {
        &self.described
    }

    /// Every setting that is not its default, as `key = value`.
    #[must_use]
    pub fn changed(&self) -> Vec<String> {
        let changed = self.described.iter().filter(|setting| setting.origin != Origin::Default);
        changed.map(|setting| format!("{} = {}", setting.key, setting.value)).collect()
    }

    /// Where the file is looked for without `--config` and `TOLLGATE_CONFIG`; the first that exists is read.
    #[must_use]
    pub fn default_files(env: &BTreeMap<String, String>) -> Vec<PathBuf> {
        let own = xdg(env, "XDG_CONFIG_HOME", ".config").map(|base| base.join("tollgate/tollgate.toml"));
        own.into_iter().chain([PathBuf::from("/etc/tollgate/tollgate.toml")]).collect()
    }

    /// The file that was asked for by flag or variable: it must exist, unlike a default one.
    #[must_use]
    pub fn named_file(env: &BTreeMap<String, String>, flags: &Flags) -> Option<PathBuf> {
        flags.config.clone().or_else(|| env.get("TOLLGATE_CONFIG").map(PathBuf::from))
    }

    fn plain_http_error(&self, layers: &Layers) -> Option<ConfigError> {
        let listen = self.gate.listen;
        if listen.ip().to_canonical().is_loopback() || self.gate.allow_plain_http || self.gate.tls.is_some() {
            return None;
        }
        let origin = layers.get("gate.listen").map_or(Origin::Default, |raw| raw.origin.clone());
        let message = format!(
            "{listen} is reachable from other hosts and tokens would cross the network readable; set tls_certificate and \
             tls_key, or where it is right as it is add these lines to tollgate.toml:\n    [gate]\n    listen = \"{listen}\"\n    allow_plain_http = true"
        );
        Some(ConfigError { key: "gate.listen".to_owned(), origin, message })
    }
}

/// A base directory of the XDG specification; a relative value counts as unset, as it says.
fn xdg(env: &BTreeMap<String, String>, variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| env.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
}

fn default_data_dir(env: &BTreeMap<String, String>) -> PathBuf {
    let own = xdg(env, "XDG_DATA_HOME", ".local/share").map(|base| base.join("tollgate"));
    own.unwrap_or_else(|| PathBuf::from("/var/lib/tollgate"))
}

fn default_socket(env: &BTreeMap<String, String>, flags: &Flags, data_dir: &Path) -> PathBuf {
    let runtime = env.get("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    match runtime {
        Some(base) => base.join("tollgate/admin.sock"),
        None if flags.as_root => PathBuf::from("/run/tollgate/admin.sock"),
        None => data_dir.join("admin.sock"),
    }
}

// === impl ConfigErrors ===

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        let says_its_name = matches!(&self.origin, Origin::Variable(name) if *name == self.key);
        if !self.key.is_empty() && !says_its_name {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests;
