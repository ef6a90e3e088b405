//! From text to types: one small parser for each kind of value, and the bounds of each number.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use tollgate_shared::workflow::WebAddress;

use super::keys::{self, KEYS};
use super::layers::{Layers, Origin, Raw};
use super::{
    Automation, Config, ConfigError, Flags, Gate, Limits, Log, LogLevel, Setting, Socket, TlsFiles, default_data_dir,
    default_socket,
};
use crate::backup::plan::Plan;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Reads values out of the layers and collects what is wrong with them.
pub(super) struct Reader<'l> {
    layers: &'l Layers,
    errors: Vec<ConfigError>,
    /// Defaults that were worked out, by key name.
    worked_out: BTreeMap<&'static str, String>,
}

type Parsed<T> = Result<T, String>;

// === impl Reader ===

impl<'l> Reader<'l> {
    pub(super) fn new(layers: &'l Layers, errors: Vec<ConfigError>) -> Self {
        Reader { layers, errors, worked_out: BTreeMap::new() }
    }

    /// Reads every key, so that every error is found; `None` when one of them is bad.
    pub(super) fn config(&mut self, env: &BTreeMap<String, String>, flags: &Flags) -> Option<Config> {
        let data_dir = self.path("data_dir", || default_data_dir(env));
        let base = data_dir.clone().unwrap_or_default();
        let socket_path = self.path("socket.path", || default_socket(env, flags, &base));
        let gate = self.gate();
        let automation = self.automation();
        let backup = self.backup();
        let limits = self.limits();
        let log = self.log();
        let self_service = self.get("self.service", full_service);
        let mode = self.get("socket.mode", mode);
        let own_group = self.get("socket.group", group);
        let reader_path = self.get("socket.reader_path", optional_path);
        let reader_group = self.get("socket.reader_group", group);
        let anybody_reads = self.get("socket.reader_role", reader_role);
        let socket = Socket {
            path: socket_path?,
            mode: mode?,
            group: own_group?,
            reader_path: reader_path?,
            reader_group: reader_group?,
            anybody_reads: anybody_reads?,
        };
        let (gate, limits, log) = (gate?, limits?, log?);
        let (automation, backup, data_dir, self_service) = (automation?, backup?, data_dir?, self_service?);
        Some(Config { automation, backup, data_dir, gate, limits, log, self_service, socket, described: Vec::new() })
    }

    pub(super) fn finish(self) -> (Vec<Setting>, Vec<ConfigError>) {
        let described = KEYS.iter().map(|key| {
            let raw = self.raw(key.name);
            Setting { key: key.name, value: raw.text, origin: raw.origin, help: key.help }
        });
        (described.collect(), self.errors)
    }

    fn gate(&mut self) -> Option<Gate> {
        let listen = self.get("gate.listen", address);
        let allow_plain_http = self.get("gate.allow_plain_http", boolean);
        let tls = self.tls();
        let body_limit_bytes = self.get("gate.body_limit", |text| size(text, KIB..=64 * MIB));
        let connections_max = self.get("gate.connections", |text| count(text, 1..=100_000));
        let connections_per_address_max = self.get("gate.connections_per_address", |text| count(text, 1..=100_000));
        let host_allowlist = self.get("gate.host_allowlist", |text| list(text, host_name));
        let origin_allowlist = self.get("gate.origin_allowlist", |text| list(text, origin));
        Some(Gate {
            listen: listen?,
            allow_plain_http: allow_plain_http?,
            tls: tls?,
            body_limit_bytes: body_limit_bytes?,
            connections_max: connections_max?,
            connections_per_address_max: connections_per_address_max?,
            host_allowlist: host_allowlist?,
            origin_allowlist: origin_allowlist?,
        })
    }

    fn automation(&mut self) -> Option<Automation> {
        let actions = self.get("automation.actions", optional_path);
        let concurrency = self.get("automation.concurrency", |text| count(text, 1..=64));
        let post_allowlist = self.get("automation.post_allowlist", |text| items(text, web_origin));
        Some(Automation { actions: actions?, concurrency: concurrency?, post_allowlist: post_allowlist? })
    }

    /// With an interval everything else is needed: a schedule that writes nowhere, or cannot be restored from, is none.
    fn backup(&mut self) -> Option<Option<Plan>> {
        let every = self.get("backup.every", |text| optional(text, |text| duration(text, 60..=366 * 86_400)));
        let keep = self.get("backup.keep", |text| count(text, 1..=10_000));
        let to = self.get("backup.to", optional_path);
        let passphrase_file = self.get("backup.passphrase_file", optional_path);
        let (every, keep, to, passphrase_file) = (every?, keep?, to?, passphrase_file?);
        let Some(every) = every else { return Some(None) };
        let missing = match (&to, &passphrase_file) {
            (None, _) => "backup.to",
            (_, None) => "backup.passphrase_file",
            (Some(to), Some(file)) => {
                return Some(Some(Plan { every, keep, to: to.clone(), passphrase_file: file.clone() }));
            }
        };
        let (key, origin) = ("backup.every".to_owned(), self.raw("backup.every").origin);
        self.errors.push(ConfigError { key, origin, message: format!("is of no use alone: set {missing} too") });
        None
    }

    /// Both files or neither: one alone is a mistake, and guessing would mean plain HTTP.
    fn tls(&mut self) -> Option<Option<TlsFiles>> {
        let certificate = self.get("gate.tls_certificate", optional_path)?;
        let key = self.get("gate.tls_key", optional_path)?;
        let (missing, given) = match (certificate, key) {
            (Some(certificate), Some(key)) => return Some(Some(TlsFiles { certificate, key })),
            (None, None) => return Some(None),
            (None, Some(_)) => ("gate.tls_certificate", "gate.tls_key"),
            (Some(_), None) => ("gate.tls_key", "gate.tls_certificate"),
        };
        let (key, origin) = (given.to_owned(), self.raw(given).origin);
        self.errors.push(ConfigError { key, origin, message: format!("is of no use alone: set {missing} too") });
        None
    }

    fn limits(&mut self) -> Option<Limits> {
        let queue_calls_max = self.get("limits.queue_calls", |text| count(text, 16..=1_000_000));
        let queue_bytes_max = self.get("limits.queue_bytes", |text| size(text, MIB..=4096 * MIB));
        let tails_per_uid_max = self.get("limits.tails_per_uid", |text| count(text, 1..=10_000));
        let shutdown = self.get("limits.shutdown", |text| duration(text, 1..=300));
        let incidents_kept = self.get("limits.incidents_kept", |text| duration(text, 86_400..=10 * 366 * 86_400));
        Some(Limits {
            queue_calls_max: queue_calls_max?,
            queue_bytes_max: queue_bytes_max?,
            tails_per_uid_max: tails_per_uid_max?,
            shutdown: shutdown?,
            incidents_kept: incidents_kept?,
        })
    }

    fn log(&mut self) -> Option<Log> {
        let segment_time = self.get("log.segment_time", |text| duration(text, 60..=3600));
        let segment_bytes_max = self.get("log.segment_bytes", |text| size(text, MIB..=16 * 1024 * MIB));
        let level = self.get("log.level", level);
        let redact_members = self.get("log.redact_members", |text| list(text, member));
        Some(Log {
            level: level?,
            redact_members: redact_members?,
            segment_time: segment_time?,
            segment_bytes_max: segment_bytes_max?,
        })
    }

    fn get<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let raw = self.raw(name);
        match parse(raw.text.trim()) {
            Ok(value) => Some(value),
            Err(message) => {
                self.errors.push(ConfigError { key: name.to_owned(), origin: raw.origin, message });
                None
            }
        }
    }

    fn path(&mut self, name: &'static str, default: impl FnOnce() -> PathBuf) -> Option<PathBuf> {
        if self.layers.contains_key(name) {
            return self.get(name, path);
        }
        let path = default();
        self.worked_out.insert(name, path.display().to_string());
        Some(path)
    }

    fn raw(&self, name: &'static str) -> Raw {
        let default = || {
            let text = self.worked_out.get(name).cloned();
            let text = text.unwrap_or_else(|| keys::find(name).map_or("", |key| key.default).to_owned());
            Raw { text, origin: Origin::Default }
        };
        self.layers.get(name).cloned().unwrap_or_else(default)
    }
}

// === parsers ===

fn address(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_| "not an address with a port, write for example 127.0.0.1:7480 or [::1]:7480".to_owned())
}

fn boolean(text: &str) -> Parsed<bool> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

fn count(text: &str, range: RangeInclusive<usize>) -> Parsed<usize> {
    let plain = text.replace('_', "");
    let number = plain.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("write a number from {} to {}", range.start(), range.end()))
}

/// Bytes, or with the unit `KiB`, `MiB` or `GiB`.
fn size(text: &str, range: RangeInclusive<u64>) -> Parsed<u64> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "kib" => Some(KIB),
        "mib" => Some(MIB),
        "gib" => Some(1024 * MIB),
        _ => None,
    };
    let number = digits.trim().replace('_', "").parse::<u64>().ok();
    let bytes = factor.zip(number).and_then(|(factor, number)| number.checked_mul(factor));
    bytes.filter(|bytes| range.contains(bytes)).ok_or_else(|| {
        format!("write bytes, KiB, MiB or GiB, from {} to {}", shown_size(*range.start()), shown_size(*range.end()))
    })
}

fn shown_size(bytes: u64) -> String {
    if bytes >= MIB { format!("{}MiB", bytes / MIB) } else { format!("{}KiB", bytes / KIB) }
}

fn duration(text: &str, secs: RangeInclusive<u64>) -> Parsed<Duration> {
    let [min, max] = [*secs.start(), *secs.end()].map(Duration::from_secs);
    let parsed = humantime::parse_duration(text).ok().filter(|duration| (min..=max).contains(duration));
    parsed.ok_or_else(|| {
        let [min, max] = [min, max].map(humantime::format_duration);
        format!("write a time such as 10s or 5m, from {min} to {max}")
    })
}

fn level(text: &str) -> Parsed<LogLevel> {
    match text {
        "error" => Ok(LogLevel::Error),
        "warn" => Ok(LogLevel::Warn),
        "info" => Ok(LogLevel::Info),
        "debug" => Ok(LogLevel::Debug),
        "trace" => Ok(LogLevel::Trace),
        _ => Err("write error, warn, info, debug or trace".to_owned()),
    }
}

/// Octal; bits for the world are refused, because then anybody on the host could connect.
fn mode(text: &str) -> Parsed<u32> {
    let bits = u32::from_str_radix(text.trim_start_matches("0o"), 8).ok();
    let bits = bits.filter(|bits| bits & !0o770 == 0 && bits & 0o600 == 0o600);
    bits.ok_or_else(|| "write octal bits in quotes, \"0600\" or \"0660\"; nothing for the world".to_owned())
}

fn group(text: &str) -> Parsed<Option<u32>> {
    if text.is_empty() {
        return Ok(None);
    }
    let id = text.parse().ok().filter(|id| *id != u32::MAX).map(Some);
    id.ok_or_else(|| "write the group's number, `getent group NAME` shows it".to_owned())
}

fn path(text: &str) -> Parsed<PathBuf> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err("write a path that begins with /".to_owned()) }
}

fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Parsed<Option<T>> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

fn optional_path(text: &str) -> Parsed<Option<PathBuf>> {
    optional(text, path)
}

/// `Team/Service`. Whether there is one is asked again and again: it may be made later, or renamed.
fn full_service(text: &str) -> Parsed<Option<String>> {
    let is_full = text.split_once('/').is_some_and(|(team, service)| !team.is_empty() && !service.is_empty());
    match text {
        "" => Ok(None),
        text if is_full => Ok(Some(text.to_owned())),
        _ => Err("write the service with its team, as in Ops/Tollgate".to_owned()),
    }
}

fn reader_role(text: &str) -> Parsed<bool> {
    match text {
        "none" => Ok(false),
        "reader" => Ok(true),
        _ => Err("write none or reader".to_owned()),
    }
}

fn list(text: &str, item: impl Fn(&str) -> Parsed<String>) -> Parsed<Vec<String>> {
    items(text, item)
}

fn items<T>(text: &str, item: impl Fn(&str) -> Parsed<T>) -> Parsed<Vec<T>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(item).collect()
}

fn host_name(text: &str) -> Parsed<String> {
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if is_name { Ok(text.to_ascii_lowercase()) } else { Err(format!("{text} is no host name, write it without port")) }
}

/// Scheme, host and port of a place to post to, nothing behind it.
fn web_origin(text: &str) -> Parsed<WebAddress> {
    let address: WebAddress = text.parse().map_err(|error| format!("{text}: {error}"))?;
    let bare = address.path_and_query == "/";
    if bare { Ok(address) } else { Err(format!("{text}: only scheme, host and port, as in {}", address.origin())) }
}

fn origin(text: &str) -> Parsed<String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_origin = host.is_some_and(|host| !host.is_empty() && !host.contains('/') && host != "*");
    if is_origin {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("{text} is no origin such as https://noc.example"))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of the other item parsers")]
fn member(text: &str) -> Parsed<String> {
    Ok(text.to_lowercase())
}
