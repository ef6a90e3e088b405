//! Backups of the state: what they look like, how they are made, looked through and brought back (storage.md, Backup).
//!
//! `seal` and `records` are the form of the file and know neither files nor the store; `make`, `look` and `restore` join
//! that form with a copy of the state, which `store` gives and takes; `book` and `schedule` are what the running daemon
//! remembers and does by itself.
//!
//! The log of calls is in no backup: it ends after 48 h by itself, and a backup that is kept for years would keep it.

pub mod book;
pub mod look;
pub mod make;
pub mod passphrase;
pub mod plan;
mod records;
pub mod restore;
pub mod schedule;
mod seal;
#[cfg(test)]
mod tests;

use std::io;

use serde::{Deserialize, Serialize};
use tollgate_shared::time::Timestamp;

use crate::files::FilesError;
use crate::files::key::KeyError;
use crate::store::{CopyCounts, StoreError};

pub use self::seal::{Strength, is_sealed};

/// What a backup says of itself, before its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The moment of the one reading that it is made of.
    pub made_at: Timestamp,
    /// Who asked for it, as in the audit.
    pub made_by: String,
    /// The version of the daemon that made it.
    pub version: String,
    /// The host that it ran on.
    pub host: String,
    /// What is in it.
    pub counts: CopyCounts,
    /// The token key is in it: tokens work again after a restore.
    pub with_key: bool,
    /// Settings of that daemon that were not the defaults, as `key = value`: no backup holds the configuration itself.
    pub settings: Vec<String>,
}

/// Why a backup was not made, does not open, or was not brought back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It does not begin as one.
    #[error("it is no backup of Tollgate")]
    NotOne,
    /// Written by a later release.
    #[error("it has format {found}, this program reads {known}: use the release that made it, or a newer one")]
    Newer {
        /// Its format.
        found: u8,
        /// Ours.
        known: u8,
    },
    /// The end mark is not where it belongs.
    #[error("it is cut, or something was added: its end is not where it belongs; use another copy")]
    Cut,
    /// A checksum or a seal does not hold.
    #[error("it is damaged: {what}; use another copy")]
    Damaged {
        /// What, and where.
        what: String,
    },
    /// It is encrypted and no passphrase was given.
    #[error("it is encrypted: give its passphrase")]
    PassphraseMissing,
    /// The head is whole, and this is not what it was locked with.
    #[error("the passphrase is not the one that it was made with")]
    PassphraseWrong,
    /// The passphrase cannot be used.
    #[error("the passphrase cannot be used: {0}")]
    Passphrase(String),
    /// The host gives no memory or random bytes.
    #[error("the host gives no {0}; try again")]
    Host(&'static str),
    /// A file or a pipe.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: String,
        /// The kernel's word.
        source: io::Error,
    },
    /// The state.
    #[error("the state could not be copied")]
    Store(#[from] StoreError),
    /// The data directory, or the place of a backup.
    #[error("a file cannot be used")]
    Files(#[from] FilesError),
    /// The token key.
    #[error("the token key cannot be written")]
    Key(#[from] KeyError),
    /// There is something already, or too little room.
    #[error("{0}")]
    Refused(String),
}

impl BackupError {
    /// A checksum or a seal that does not hold.
    fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    /// What an error says that went through a reader or a writer: ours comes out again as it was.
    fn of_io(doing: &str, error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(ours) => ours,
            Err(source) => Self::Io { doing: doing.to_owned(), source },
        }
    }
}

impl From<BackupError> for io::Error {
    fn from(error: BackupError) -> Self {
        Self::other(error)
    }
}
