//! Bringing a backup back into an empty data directory, while no daemon runs on it.

use std::fs::File;
use std::path::Path;

use tollgate_shared::time::Timestamp;

use super::look::{Looked, Piece, look, read};
use super::passphrase::Passphrase;
use super::records::KeyBytes;
use super::{BackupError, Manifest};
use crate::clock::Clock;
use crate::core::access::Actor;
use crate::core::model::{ClockSteps, Operator, Restored};
use crate::core::restoring::{self, Settled};
use crate::daemon::MacKey;
use crate::files::key::{KEY_FILE, TokenKey};
use crate::files::{self, DataDir, LOG_DIR, STATE_FILE};
use crate::store::{Checked, CopyInto, OpenFile, RedbStore, StateSettings, Store as _, check_state};

/// What the state is called until it is whole.
const UNFINISHED: &str = "state.redb.restoring";

/// Memory for pages.
const CACHE_BYTES: usize = 64 << 20;

/// Whether tokens may lose their secrets by a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKey {
    /// A new token key is made, and every token needs a new secret.
    Make,
    /// The key of the backup, or nothing.
    No,
}

/// What was brought back.
#[derive(Debug)]
pub struct Brought {
    /// What the backup says of itself.
    pub looked: Looked,
    /// What was done to the state.
    pub settled: Settled,
    /// Who may do what, for a comparison with this host's users.
    pub operators: Vec<Operator>,
    /// When, by this host's clock.
    pub at: Timestamp,
    /// The new file, looked through.
    pub checked: Checked,
}

/// Restores a backup. It is read twice: nothing is written before it was found whole.
///
/// # Errors
/// [`BackupError`]; the directory is as empty as before.
pub fn restore(
    file: &File,
    passphrase: Option<&Passphrase>,
    new_key: NewKey,
    directory: &Path,
    actor: &Actor,
) -> Result<Brought, BackupError> {
    let data_dir = DataDir::open(directory)?;
    check_empty(&data_dir)?;
    let looked = look(file, passphrase)?;
    if !looked.manifest.with_key && new_key == NewKey::No {
        return Err(BackupError::Refused(
            "it holds no token key, so no token of it can authenticate: take an encrypted backup if there is one, or \
             add --new-token-key, after which every token needs a new secret"
                .to_owned(),
        ));
    }
    let brought = bring(file, passphrase, new_key, &data_dir, actor, looked);
    brought.inspect_err(|_| {
        for name in [UNFINISHED, KEY_FILE, STATE_FILE] {
            std::fs::remove_file(data_dir.file(name)).ok();
        }
    })
}

/// Only the lock that this program itself has taken may be there, and an empty directory of the log.
fn check_empty(data_dir: &DataDir) -> Result<(), BackupError> {
    let directory = data_dir.path();
    let io = |source| BackupError::Io { doing: format!("listing {}", directory.display()), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_empty_log =
            name == LOG_DIR && std::fs::read_dir(entry.path()).is_ok_and(|mut inside| inside.next().is_none());
        if name != files::LOCK_FILE && !is_empty_log {
            found.push(name);
        }
    }
    found.sort();
    let Some(first) = found.first() else { return Ok(()) };
    Err(BackupError::Refused(format!(
        "{} is not empty ({} and {} more): name an empty one with --data-dir, or move what is in it away",
        directory.display(),
        first.escape_debug(),
        found.len() - 1
    )))
}

fn bring(
    file: &File,
    passphrase: Option<&Passphrase>,
    new_key: NewKey,
    data_dir: &DataDir,
    actor: &Actor,
    looked: Looked,
) -> Result<Brought, BackupError> {
    let unfinished = data_dir.file(UNFINISHED);
    let mut into = CopyInto::create(files::create_new(&unfinished)?)?;
    let mut kept: Option<KeyBytes> = None;
    read(file, passphrase, &mut |piece| match piece {
        Piece::Manifest(_) => Ok(()),
        Piece::Key(key) => {
            kept = Some(key);
            Ok(())
        }
        Piece::Row(section, key, row) => Ok(into.row(section, key, row)?),
    })?;
    let key = match kept.filter(|_| new_key == NewKey::No) {
        Some(key) => TokenKey::put_back(data_dir.path(), &key)?,
        None => TokenKey::create(data_dir.path())?,
    };
    let key_check = MacKey::new(key).check_value();
    let mut id = [0; 8];
    getrandom::fill(&mut id).map_err(|_| BackupError::Host("random bytes"))?;
    into.finish(&key_check, u64::from_le_bytes(id))?;
    let (settled, operators, at) = settle(data_dir, key_check, &looked.manifest, new_key, actor)?;
    let state = data_dir.file(STATE_FILE);
    std::fs::rename(&unfinished, &state)
        .map_err(|source| BackupError::Io { doing: format!("naming {}", state.display()), source })?;
    files::sync_directory(data_dir.path())?;
    let (checked, _) = check_state(&state, STATE_FILE, Some(&key_check));
    Ok(Brought { looked, settled, operators, at, checked })
}

/// One commit of the store that the daemon itself will open: lockdown, marks, audit.
fn settle(
    data_dir: &DataDir,
    key_check: [u8; 32],
    manifest: &Manifest,
    new_key: NewKey,
    actor: &Actor,
) -> Result<(Settled, Vec<Operator>, Timestamp), BackupError> {
    let path = data_dir.file(UNFINISHED);
    let open: OpenFile = std::sync::Arc::new(move || files::open_private(&path).map_err(std::io::Error::other));
    let label = STATE_FILE.to_owned();
    let settings = StateSettings { label, key_check, first_store_id: 0, cache_bytes: CACHE_BYTES };
    let mut store = RedbStore::open(open, settings)?;
    let loaded = store.load()?;
    let at = Clock::system(loaded.high_water, &ClockSteps::default()).now();
    let restored = Restored {
        backup_made_at: manifest.made_at,
        backup_host: manifest.host.clone(),
        at,
        new_key: new_key == NewKey::Make,
    };
    let key =
        if restored.new_key { "a new token key: every token needs a new secret" } else { "the token key of then" };
    let detail = format!("backup of {} from {}, with {key}", manifest.made_at, manifest.host);
    let mut settled = Settled::default();
    store.commit(at, &mut |view| settled = restoring::settle(view, &loaded, &restored, actor, detail.clone()))?;
    Box::new(store).close()?;
    Ok((settled, loaded.operators, at))
}
