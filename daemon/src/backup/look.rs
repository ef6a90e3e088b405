//! Looking through a backup: it opens, every seal holds, every row that is counted decodes, the audit's chain holds.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _};
use std::path::Path;

use serde::Serialize;

use super::passphrase::Passphrase;
use super::records::{KeyBytes, Record};
use super::seal::Opening;
use super::{BackupError, Manifest};
use crate::store::{CopyCheck, StoreError};

/// What a whole backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// What it says of itself; its counts were counted again.
    pub manifest: Manifest,
    /// It is encrypted.
    pub encrypted: bool,
    /// Why the chain of the audit in it does not hold; absent = it holds.
    pub audit_broken: Option<String>,
    /// Its length.
    pub bytes: u64,
}

/// Opens a backup, and looks at nothing yet.
///
/// # Errors
/// There is no such file, or it is not for us.
pub fn open(path: &Path) -> Result<File, BackupError> {
    File::open(path).map_err(|source| BackupError::Io { doing: format!("opening {}", path.display()), source })
}

/// Whether a passphrase is wanted; false also where it is no backup.
#[must_use]
pub fn is_encrypted(mut file: &File) -> bool {
    file.rewind().is_ok() && super::is_sealed(&mut file) == Some(true)
}

/// Reads a backup to its end, from its beginning on, and changes nothing.
///
/// # Errors
/// [`BackupError`]: what is wrong with it, told apart as well as it can be.
pub fn look(file: &File, passphrase: Option<&Passphrase>) -> Result<Looked, BackupError> {
    let bytes = file.metadata().map_err(|error| BackupError::of_io("reading the backup", error))?.len();
    let mut check = CopyCheck::default();
    let mut looked = None;
    read(file, passphrase, &mut |piece| match piece {
        Piece::Manifest(manifest) => {
            looked = Some(manifest);
            Ok(())
        }
        Piece::Key(_) => Ok(()),
        Piece::Row(section, key, row) => check.row(section, &key, &row).map_err(damaged),
    })?;
    let checked = check.end().map_err(damaged)?;
    let manifest = looked.filter(|manifest| manifest.counts == checked.counts);
    let manifest = manifest.ok_or_else(|| BackupError::damaged("it does not hold what it says it holds"))?;
    Ok(Looked { manifest: *manifest, encrypted: is_encrypted(file), audit_broken: checked.audit_broken, bytes })
}

/// A piece of a backup, in order: what it says of itself, the key where it is in it, rows.
pub(super) enum Piece<'p> {
    Manifest(Box<Manifest>),
    Key(KeyBytes),
    /// Of this section.
    Row(&'p str, Vec<u8>, Vec<u8>),
}

/// Reads a backup piece by piece, each only once its seal was found whole, and holds that all that belongs there is.
pub(super) fn read(
    file: &File,
    passphrase: Option<&Passphrase>,
    each: &mut dyn FnMut(Piece<'_>) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let mut from = BufReader::new(Opening::begin(file, passphrase)?);
    let Record::Manifest(manifest) = Record::read(&mut from)? else {
        return Err(BackupError::damaged("it does not begin with what it says of itself"));
    };
    let with_key = manifest.with_key;
    each(Piece::Manifest(manifest))?;
    if with_key {
        let Record::Key(key) = Record::read(&mut from)? else {
            return Err(BackupError::damaged("it says that it holds the token key and does not"));
        };
        each(Piece::Key(key))?;
    }
    let (mut section, mut due) = (String::new(), 0);
    loop {
        match Record::read(&mut from)? {
            Record::Section(name, rows) if due == 0 => (section, due) = (name, rows),
            Record::Row(key, row) if due > 0 => {
                due -= 1;
                each(Piece::Row(&section, key, row))?;
            }
            Record::End if due == 0 => break,
            _ => return Err(BackupError::damaged("its parts are not in their order")),
        }
    }
    let mut more = [0];
    match from.read(&mut more).map_err(|error| BackupError::of_io("reading the backup", error))? {
        0 => Ok(()),
        _ => Err(BackupError::damaged("something follows its end")),
    }
}

/// A row that does not decode although every seal holds: it was so when the backup was made.
fn damaged(error: StoreError) -> BackupError {
    match error {
        StoreError::Damaged { what, detail } => BackupError::damaged(format!("{what}: {detail}")),
        other => other.into(),
    }
}
