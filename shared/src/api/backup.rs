//! Backups, and the review that follows a restore.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What every backup ends with, followed by its length in bytes (eight bytes, the least first): a file that does not end so
/// is cut.
pub const BACKUP_END_MARK: &[u8; 16] = b"\ntollgate-end-1\n";

/// What a host needs beside its state and no backup holds, in words for people.
pub const NOT_IN_A_BACKUP: [&str; 7] = [
    "tollgate.toml",
    "TLS certificate and key",
    "the service's unit",
    "the unix groups of the sockets",
    "the directory of actions",
    "the passphrase",
    "the API log",
];

/// `POST /v1/backup`: the answer is the backup itself, as bytes; `Tollgate-Backup` is its id and `Tollgate-Backup-Bytes` its
/// length. Whoever has it on a disk says so with [`BackupWritten`]; only then it counts as the last one.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBackup {
    /// Encrypts it; 12 to 1,024 characters. The token key is in it then.
    #[serde(default)]
    pub passphrase: Option<String>,
    /// Not encrypted, and without the token key: no token of it can authenticate. One of both must be given.
    #[serde(default)]
    pub plain: bool,
}

impl Drop for NewBackup {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.passphrase);
    }
}

/// `POST /v1/backup/written`: the backup is whole, on a disk, under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupWritten {
    /// What `Tollgate-Backup` said.
    pub id: String,
    /// Where it is: a path on the host that the caller sees.
    pub place: String,
}

/// What is known of backups, in `GET /v1/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupView {
    /// The last good one, whoever made it; absent = none yet.
    pub last: Option<BackupMade>,
    /// The last good one of the schedule.
    pub last_scheduled: Option<BackupMade>,
    /// How often the daemon makes one by itself, seconds; absent = it does not.
    pub every_secs: Option<u64>,
    /// How many of those it keeps.
    pub keep: Option<u32>,
    /// In which directory.
    pub to: Option<String>,
    /// The schedule's last try, where that failed.
    pub failed: Option<BackupFailure>,
    /// The schedule is behind by more than its own interval.
    pub overdue: bool,
    /// The schedule's directory is on the same disk as the data: what takes the one takes the other. False also where it
    /// could not be asked.
    pub same_disk: bool,
}

/// A backup that is on a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupMade {
    /// The moment that it is of.
    pub made_at: Timestamp,
    /// Where it was written.
    pub place: String,
    /// Its length.
    pub bytes: u64,
    /// The token key is in it: tokens work again after a restore.
    pub with_key: bool,
    /// Who made it.
    pub by: String,
}

/// A try that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFailure {
    /// When.
    pub at: Timestamp,
    /// Why, and what to do.
    pub why: String,
}

/// The state came out of a backup and was not reviewed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredView {
    /// The moment that the backup is of: what was revoked since is alive in it.
    pub backup_made_at: Timestamp,
    /// The host that it was made on.
    pub backup_host: String,
    /// When it was brought back.
    pub at: Timestamp,
    /// The token key was not in it: every token of that time needs a new secret.
    pub new_key: bool,
}

/// `POST /v1/restore-review`: suspends these tokens and takes calls again, all or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewRestore {
    /// References of tokens that are to be suspended first.
    pub suspend: Vec<String>,
    /// How many tokens will be let in again: those in state `active` that are not suspended here. Another number changes
    /// nothing.
    pub confirm_count: u32,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReviewed {
    /// Tokens that are let in again.
    pub let_in: u32,
    /// Tokens that were suspended.
    pub suspended: u32,
}
