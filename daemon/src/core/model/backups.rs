//! What the state keeps of backups and of where it came from.

use serde::{Deserialize, Serialize};
use tollgate_shared::time::Timestamp;

/// The state came out of a backup, and nobody has reviewed its tokens yet: what was revoked after the backup was made is
/// alive in it. Until the review calls are answered 503.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The moment that the backup is of.
    pub backup_made_at: Timestamp,
    /// The host that it was made on.
    pub backup_host: String,
    /// When it was brought back.
    pub at: Timestamp,
    /// The token key was not in it: every token of that time needs a new secret.
    pub new_key: bool,
}

/// The last backups that are known to be whole on some disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backups {
    /// The last one, whoever made it.
    pub last: Option<BackupRecord>,
    /// The last one of the schedule.
    pub scheduled: Option<BackupRecord>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupRecord {
    /// The moment that it is of.
    pub made_at: Timestamp,
    /// Where it was written, as whoever wrote it says.
    pub place: String,
    /// Its length.
    pub bytes: u64,
    /// The token key is in it, encrypted with the rest.
    pub with_key: bool,
    /// Who made it.
    pub by: String,
}
