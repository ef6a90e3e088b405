//! The form of a backup on its own, and the way of a real state out and back.

use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::look::{Looked, look, open};
use super::make::write_copy;
use super::passphrase::Passphrase;
use super::restore::{Brought, NewKey, restore};
use super::seal::{Lock, Opening, Sealing};
use super::*;
use crate::core::access::{Actor, Door, Who};
use crate::core::model::RegistryChange;
use crate::daemon::MacKey;
use crate::files::key::TokenKey;
use crate::files::{self, DataDir};
use crate::store::testing::samples;
use crate::store::{OpenFile, RedbStore, StateSettings, Store as _};

/// Weak, so that a thousand cases are a matter of seconds; what is tested does not depend on it.
const WEAK: Strength = Strength { memory_kib: 8, passes: 1, lanes: 1 };

fn phrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

fn right() -> Passphrase {
    phrase("a ship in a bottle")
}

fn sealed(bytes: &[u8], lock: &Lock<'_>) -> Vec<u8> {
    let mut sealing = Sealing::begin(Vec::new(), lock).unwrap();
    sealing.write_all(bytes).unwrap();
    let (out, length) = sealing.finish().unwrap();
    assert_eq!(out.len() as u64, length);
    out
}

fn opened(file: &[u8], passphrase: Option<&Passphrase>) -> Result<Vec<u8>, BackupError> {
    let mut out = Vec::new();
    let read = Opening::begin(Cursor::new(file), passphrase)?.read_to_end(&mut out);
    read.map(|_| out).map_err(|error| BackupError::of_io("reading", error))
}

/// Around the borders of a chunk, and several of them.
fn lengths() -> impl Strategy<Value = usize> {
    let chunk = 64 * 1_024_usize;
    prop_oneof![0..200_usize, (chunk - 2)..(chunk + 3), (2 * chunk - 1)..(2 * chunk + 2)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out_locked_or_plain(length in lengths(), fill: u8, plain: bool) {
        let bytes: Vec<u8> = (0..length).map(|at| fill.wrapping_add(at as u8)).collect();
        let right = right();
        let lock = if plain { Lock::Plain } else { Lock::Passphrase(&right, WEAK) };
        let file = sealed(&bytes, &lock);
        prop_assert_eq!(is_sealed(&mut file.as_slice()), Some(!plain));
        prop_assert_eq!(opened(&file, (!plain).then_some(&right)).unwrap(), bytes);
    }

    #[test]
    fn any_flipped_bit_is_refused(length in lengths(), at: prop::sample::Index, bit in 0..8_u32, plain: bool) {
        let right = right();
        let lock = if plain { Lock::Plain } else { Lock::Passphrase(&right, WEAK) };
        let mut file = sealed(&vec![7; length], &lock);
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        let error = opened(&file, Some(&right)).unwrap_err();
        let told = matches!(error, BackupError::NotOne | BackupError::Cut | BackupError::Damaged { .. });
        prop_assert!(told, "byte {at}: {error}");
    }

    #[test]
    fn any_cut_is_told_as_a_cut_and_so_is_anything_added(length in lengths(), at: prop::sample::Index, plain: bool) {
        let right = right();
        let lock = if plain { Lock::Plain } else { Lock::Passphrase(&right, WEAK) };
        let file = sealed(&vec![7; length], &lock);
        let cut = &file[..at.index(file.len())];
        let error = opened(cut, Some(&right)).unwrap_err();
        prop_assert!(matches!(error, BackupError::Cut) || cut.is_empty(), "{} of {}: {error}", cut.len(), file.len());
        let longer = [file.as_slice(), &cut[..cut.len().min(100)], b"x"].concat();
        prop_assert!(matches!(opened(&longer, Some(&right)), Err(BackupError::Cut)));
    }

    #[test]
    fn chunks_that_change_places_are_refused(first in 0..3_usize, second in 0..3_usize, plain: bool) {
        prop_assume!(first != second);
        let right = right();
        let lock = if plain { Lock::Plain } else { Lock::Passphrase(&right, WEAK) };
        let mut file = sealed(&vec![7; 4 * 64 * 1_024], &lock);
        let (chunk, head) = (64 * 1_024 + 16, file.len() - 24 - 4 * (64 * 1_024 + 16));
        let place = |at: usize| head + at * chunk..head + (at + 1) * chunk;
        let (one, other) = (file[place(first)].to_vec(), file[place(second)].to_vec());
        file[place(first)].copy_from_slice(&other);
        file[place(second)].copy_from_slice(&one);
        let told = matches!(opened(&file, Some(&right)), Err(BackupError::Damaged { .. }));
        prop_assert!(told);
    }
}

#[test]
fn a_wrong_passphrase_a_missing_one_and_a_foreign_file_are_told_apart() {
    let right = right();
    let file = sealed(b"rows", &Lock::Passphrase(&right, WEAK));
    assert!(matches!(opened(&file, Some(&phrase("another passphrase"))), Err(BackupError::PassphraseWrong)));
    assert!(matches!(opened(&file, None), Err(BackupError::PassphraseMissing)));
    assert!(matches!(
        opened(b"PK\x03\x04 and so on, long enough to be anything at all", None),
        Err(BackupError::NotOne)
    ));
    assert!(matches!(opened(b"", None), Err(BackupError::NotOne)));
}

#[test]
fn two_backups_of_the_same_share_nothing_and_show_nothing() {
    let right = right();
    let words = b"incidents, tokens and everything else".repeat(4);
    let [one, other] = [(); 2].map(|()| sealed(&words, &Lock::Passphrase(&right, WEAK)));
    assert_ne!(one[89..200], other[89..200]);
    assert!(!one.windows(9).any(|window| window == b"incidents"));
}

#[test]
fn a_file_that_asks_for_endless_work_is_refused() {
    let mut file = sealed(b"rows", &Lock::Passphrase(&right(), WEAK));
    file[18..22].copy_from_slice(&u32::MAX.to_le_bytes());
    let sum = blake3::hash(&file[..81]);
    file[81..89].copy_from_slice(&sum.as_bytes()[..8]);
    let error = opened(&file, Some(&right())).unwrap_err();
    assert!(error.to_string().contains("more work than any release"), "{error}");
}

#[test]
fn a_passphrase_is_long_enough_and_its_file_is_nobody_elses() {
    use std::os::unix::fs::PermissionsExt as _;
    assert!(Passphrase::new(Zeroizing::new("eleven char".to_owned())).is_err());
    let base = TempDir::new().unwrap();
    let path = base.path().join("phrase");
    fs::write(&path, "a ship in a bottle\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Passphrase::read(&path).err().unwrap().to_string();
    assert!(error.contains("chmod 0600"), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(Passphrase::read(&path).unwrap().expose(), "a ship in a bottle");
}

// === a real state ===

/// A state with a team, a service, two tokens and an audit, and its key.
struct Old {
    _base: TempDir,
    store: Box<RedbStore>,
    key: TokenKey,
}

fn old() -> Old {
    let base = TempDir::new().unwrap();
    let directory = DataDir::open(&base.path().join("old")).unwrap();
    let key = TokenKey::create(directory.path()).unwrap();
    let key_check = MacKey::new(TokenKey::load(directory.path()).unwrap()).check_value();
    let path = directory.file("state.redb");
    let open: OpenFile = Arc::new(move || files::open_private(&path).map_err(io::Error::other));
    let settings = StateSettings { label: "state.redb".to_owned(), key_check, first_store_id: 7, cache_bytes: 1 << 20 };
    let mut store = RedbStore::open(open, settings).unwrap();
    store.load().unwrap();
    let committed = store.commit(samples::START, &mut |view| {
        view.put_registry(RegistryChange::PutTeam(samples::team(1)));
        view.put_registry(RegistryChange::PutService(samples::service(1)));
        for number in 1..=2 {
            view.put_registry(RegistryChange::PutToken(Box::new(samples::token(number))));
        }
        for number in 1..=3 {
            view.audit(samples::audit_row(number));
        }
    });
    assert!(committed.unwrap().wrote);
    Old { _base: base, store: Box::new(store), key }
}

fn manifest(with_key: bool) -> Manifest {
    Manifest {
        made_at: samples::START,
        made_by: "root".to_owned(),
        version: "0.1.0".to_owned(),
        host: "old-host".to_owned(),
        counts: CopyCounts::default(),
        with_key,
        settings: Vec::new(),
    }
}

impl Old {
    fn backup(&self, directory: &Path, passphrase: Option<&Passphrase>) -> PathBuf {
        let path = directory.join("t.backup");
        let lock = passphrase.map_or(Lock::Plain, |passphrase| Lock::Passphrase(passphrase, WEAK));
        let key = passphrase.map(|_| self.key.expose());
        let out = fs::File::create(&path).unwrap();
        write_copy(self.store.copier().as_ref(), manifest(key.is_some()), key, &lock, out).unwrap();
        path
    }
}

fn root() -> Actor {
    Actor::of("root".to_owned(), Who::Superuser, Door::Daemon)
}

fn reopened(directory: &Path) -> (crate::store::Loaded, Box<RedbStore>) {
    let key_check = MacKey::new(TokenKey::load(directory).unwrap()).check_value();
    let path = directory.join("state.redb");
    let open: OpenFile = Arc::new(move || files::open_private(&path).map_err(io::Error::other));
    let settings = StateSettings { label: "state.redb".to_owned(), key_check, first_store_id: 0, cache_bytes: 1 << 20 };
    let mut store = Box::new(RedbStore::open(open, settings).unwrap());
    (store.load().unwrap(), store)
}

#[test]
fn a_backup_comes_back_whole_locked_down_and_as_another_store_with_the_same_key() {
    let (old, base, right) = (old(), TempDir::new().unwrap(), right());
    let file = old.backup(base.path(), Some(&right));
    let Looked { manifest, encrypted, audit_broken, .. } = look(&open(&file).unwrap(), Some(&right)).unwrap();
    assert_eq!((encrypted, audit_broken, manifest.counts.tokens, manifest.counts.audit_rows), (true, None, 2, 3));
    let new = base.path().join("new");
    let Brought { settled, checked, .. } =
        restore(&open(&file).unwrap(), Some(&right), NewKey::No, &new, &root()).unwrap();
    assert_eq!((settled.without_secret, checked.damage), (0, Vec::new()));
    assert!(TokenKey::load(&new).unwrap().expose() == old.key.expose());
    let (loaded, _) = reopened(&new);
    assert_eq!((loaded.teams.len(), loaded.tokens.len()), (1, 2));
    assert_eq!(loaded.tokens[0].mac, samples::token(1).mac);
    assert_ne!(loaded.store_id, 7, "cursors into the old log must not fit");
    assert!(loaded.lockdown.unwrap().reason.contains("restore-review"));
    assert_eq!(loaded.restored.unwrap().backup_host, "old-host");
}

#[test]
fn a_plain_backup_needs_a_new_key_and_then_every_token_a_new_secret() {
    let (old, base) = (old(), TempDir::new().unwrap());
    let file = old.backup(base.path(), None);
    let new = base.path().join("new");
    let refused = restore(&open(&file).unwrap(), None, NewKey::No, &new, &root()).unwrap_err().to_string();
    assert!(refused.contains("--new-token-key"), "{refused}");
    let left: Vec<_> = fs::read_dir(&new).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["daemon.lock"], "the directory is as empty as before");
    let brought = restore(&open(&file).unwrap(), None, NewKey::Make, &new, &root()).unwrap();
    assert_eq!(brought.settled.without_secret, 2);
    let (loaded, _) = reopened(&new);
    assert!(loaded.tokens.iter().all(crate::core::model::Token::needs_rotation));
    assert!(loaded.tokens.iter().all(|token| token.overlap.is_none()));
}

#[test]
fn a_directory_that_holds_something_or_a_daemon_is_refused_and_nothing_in_it_is_touched() {
    let (old, base, right) = (old(), TempDir::new().unwrap(), right());
    let file = old.backup(base.path(), Some(&right));
    let new = base.path().join("new");
    let held = DataDir::open(&new).unwrap();
    let running = restore(&open(&file).unwrap(), Some(&right), NewKey::No, &new, &root()).unwrap_err();
    assert!(report_of(&running).contains("another daemon (pid"), "{}", report_of(&running));
    drop(held);
    fs::write(new.join("state.redb"), "precious").unwrap();
    let full = restore(&open(&file).unwrap(), Some(&right), NewKey::No, &new, &root()).unwrap_err();
    assert!(full.to_string().contains("is not empty (state.redb"), "{full}");
    assert_eq!(fs::read_to_string(new.join("state.redb")).unwrap(), "precious");
}

#[test]
fn a_damaged_backup_leaves_the_directory_empty_and_can_be_followed_by_a_whole_one() {
    let (old, base, right) = (old(), TempDir::new().unwrap(), right());
    let file = old.backup(base.path(), Some(&right));
    let whole = fs::read(&file).unwrap();
    let new = base.path().join("new");
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&file, &bytes).unwrap();
        assert!(restore(&open(&file).unwrap(), Some(&right), NewKey::No, &new, &root()).is_err(), "byte {at}");
    }
    fs::write(&file, &whole).unwrap();
    restore(&open(&file).unwrap(), Some(&right), NewKey::No, &new, &root()).unwrap();
}

#[test]
fn a_copy_is_of_one_moment_whatever_is_committed_meanwhile() {
    struct Racing<'r>(&'r mut dyn FnMut(), u64);
    impl crate::store::CopySink for Racing<'_> {
        fn begin(&mut self, _: CopyCounts) -> io::Result<()> {
            (self.0)();
            Ok(())
        }

        fn section(&mut self, name: &str, rows: u64) -> io::Result<()> {
            self.1 += if name == "tokens" { rows } else { 0 };
            Ok(())
        }

        fn row(&mut self, _: &[u8], _: &[u8]) -> io::Result<()> {
            Ok(())
        }
    }
    let mut old = old();
    let copier = old.store.copier();
    let mut commit = || {
        old.store
            .commit(samples::START, &mut |view| {
                view.put_registry(RegistryChange::PutToken(Box::new(samples::token(3))));
            })
            .unwrap();
    };
    let mut sink = Racing(&mut commit, 0);
    copier.copy(&mut sink).unwrap();
    assert_eq!(sink.1, 2, "the token that was committed meanwhile is of the next one");
}

fn report_of(error: &BackupError) -> String {
    crate::report(error)
}
