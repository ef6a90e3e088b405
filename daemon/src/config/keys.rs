//! Every setting in one table: its name in `tollgate.toml`, its environment variable, its default.
//!
//! A default of `""` is worked out from the environment or means "none".

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// `section.key` in the file; a name without a dot stands above the sections.
    pub name: &'static str,
    pub variable: &'static str,
    pub default: &'static str,
    /// What it is, with its unit; shown by `tollgated config`.
    pub help: &'static str,
}

const fn key(name: &'static str, variable: &'static str, default: &'static str, help: &'static str) -> Key {
    Key { name, variable, default, help }
}

/// All settings, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key("data_dir", "TOLLGATE_DATA_DIR", "", "directory of the state, the log and the key"),
    key("gate.listen", "TOLLGATE_LISTEN", "127.0.0.1:7480", "address and port for calls"),
    key("gate.allow_plain_http", "TOLLGATE_ALLOW_PLAIN_HTTP", "false", "plain HTTP beyond this host"),
    // Both or neither; read once, at the start.
    key(
        "gate.tls_certificate",
        "TOLLGATE_TLS_CERTIFICATE",
        "",
        "PEM file of the certificate and its chain; empty = plain",
    ),
    key("gate.tls_key", "TOLLGATE_TLS_KEY", "", "PEM file of the certificate's key, for the daemon's user alone"),
    // Senders' bodies are a few KiB; half a MiB leaves room for a whole Alertmanager group.
    key("gate.body_limit", "TOLLGATE_BODY_LIMIT", "512KiB", "largest body of a call"),
    key("gate.connections", "TOLLGATE_CONNECTIONS", "4096", "open connections in all"),
    key("gate.connections_per_address", "TOLLGATE_CONNECTIONS_PER_ADDRESS", "256", "open connections of one address"),
    key("gate.host_allowlist", "TOLLGATE_HOST_ALLOWLIST", "", "host names served besides addresses and localhost"),
    key("gate.origin_allowlist", "TOLLGATE_ORIGIN_ALLOWLIST", "", "origins of web pages that may call"),
    key("socket.path", "TOLLGATE_SOCKET", "", "the local socket of console and command line"),
    // The daemon's own user; with a group, 0660 is the usual choice.
    key("socket.mode", "TOLLGATE_SOCKET_MODE", "0600", "permission bits of the socket, octal"),
    key("socket.group", "TOLLGATE_SOCKET_GROUP", "", "numeric group of the socket"),
    // Who is let in by its group is still asked who he is; over this socket nobody changes anything.
    key("socket.reader_path", "TOLLGATE_READER_SOCKET", "", "a second socket for reading only; empty = none"),
    key("socket.reader_group", "TOLLGATE_READER_GROUP", "", "numeric group of the reader socket"),
    key("socket.reader_role", "TOLLGATE_READER_ROLE", "none", "role of unknown uids over it: none or reader"),
    // Calls waiting for the writer: at 10,000 calls a second this is under half a second.
    key("limits.queue_calls", "TOLLGATE_QUEUE_CALLS", "4096", "calls waiting for the writer"),
    key("limits.queue_bytes", "TOLLGATE_QUEUE_BYTES", "64MiB", "bodies in flight and waiting"),
    // A tail holds up to 1 MiB while its reader stands still; consoles have one or two.
    key("limits.tails_per_uid", "TOLLGATE_TAILS_PER_UID", "64", "tails of the log that one uid or token may have open"),
    key("limits.shutdown", "TOLLGATE_SHUTDOWN", "10s", "time to finish requests at the end"),
    // Three months of history answer "since when"; longer is a matter of disk.
    key("limits.incidents_kept", "TOLLGATE_INCIDENTS_KEPT", "90d", "how long a resolved incident is kept"),
    // An hour a segment keeps "gone at most 65 min after 48 h" true.
    key("log.segment_time", "TOLLGATE_SEGMENT_TIME", "1h", "time span of one segment of the API log"),
    key("log.segment_bytes", "TOLLGATE_SEGMENT_BYTES", "256MiB", "size at which a segment is closed early"),
    // A service of its own, say Ops/Tollgate, so that its maintenance silences nothing else.
    key(
        "self.service",
        "TOLLGATE_SELF_SERVICE",
        "",
        "service, as Team/Service, for incidents about tollgated; empty = none",
    ),
    key("log.level", "TOLLGATE_LOG_LEVEL", "info", "error, warn, info, debug or trace"),
    key(
        "automation.actions",
        "TOLLGATE_ACTIONS",
        "",
        "directory of the programs that workflows may start; empty = none",
    ),
    // Each is a process or a connection; four leave a host of two cores responsive.
    key("automation.concurrency", "TOLLGATE_AUTOMATION_CONCURRENCY", "4", "steps of workflows carried out at once"),
    key(
        "automation.post_allowlist",
        "TOLLGATE_POST_ALLOWLIST",
        "",
        "where workflows may post to, such as http://chat.example:8080",
    ),
    // Nobody runs a backup by hand on a ship; the key is in it only because it is encrypted.
    key("backup.every", "TOLLGATE_BACKUP_EVERY", "", "how often the daemon makes a backup, such as 24h; empty = never"),
    key("backup.keep", "TOLLGATE_BACKUP_KEEP", "7", "how many of those it keeps"),
    key("backup.to", "TOLLGATE_BACKUP_TO", "", "directory of those backups; it must exist"),
    key(
        "backup.passphrase_file",
        "TOLLGATE_BACKUP_PASSPHRASE_FILE",
        "",
        "file with the passphrase that encrypts them, mode 0600",
    ),
    key(
        "log.redact_members",
        "TOLLGATE_REDACT_MEMBERS",
        "password,secret,token,api_key,routing_key,authorization",
        "body members whose values are never stored",
    ),
];

/// The row of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The known name that looks most like the given one, for "did you mean".
#[must_use]
pub fn nearest<'k>(wrong: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let scored = known.map(|name| (distance(wrong, name), name)).min()?;
    (scored.0 <= 1 + wrong.len() / 4).then_some(scored.1)
}

/// Levenshtein distance over bytes; names are ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
