use std::os::unix::fs::FileExt;
use std::sync::Arc;

use proptest::prelude::*;
use redb::{ReadableTable, TableDefinition};
use tollgate_shared::log::LogRow;

use super::*;
use crate::core::model::RegistryChange;
use crate::store::testing::samples::{START, at, audit_row, log_row, service, team, token};
use crate::store::{LogHints, LogSettings, LogStore, OpenFile, RedbLog, RedbStore, StateSettings, Store};

const META: TableDefinition<'static, &str, i64> = TableDefinition::new("meta");
const HEADS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("heads");
const AUDIT: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("audit");

fn rows(seqs: std::ops::RangeInclusive<u64>) -> Vec<Arc<LogRow>> {
    seqs.map(|seq| log_row(seq, seq.cast_signed())).collect()
}

/// A log of two files: rows 1 to 300, of which 44 stand alone, and 301 to 310.
fn log() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut log = RedbLog::open(LogSettings::new(directory.path().to_owned())).unwrap();
    log.append(&rows(1..=256), START).unwrap();
    log.append(&rows(257..=300), START).unwrap();
    log.append(&rows(301..=310), at(3_601)).unwrap();
    Box::new(log).close().unwrap();
    directory
}

fn path_of(directory: &tempfile::TempDir, first_seq: u64) -> PathBuf {
    directory.path().join(format!("{first_seq:020}.redb"))
}

fn damage(directory: &tempfile::TempDir) -> Vec<String> {
    let checked = check_log(directory.path(), Some(311)).unwrap();
    checked.into_iter().flat_map(|checked| checked.damage).collect()
}

/// Changes a file as somebody would who has the engine.
fn tamper(path: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = redb::Database::create(path).unwrap();
    let txn = database.begin_write().unwrap();
    change(&txn);
    txn.commit().unwrap();
}

#[test]
fn an_untouched_log_is_well_and_stays_byte_for_byte() {
    let directory = log();
    let bytes = |first| fs::read(path_of(&directory, first)).unwrap();
    let before = (bytes(1), bytes(301));
    let checked = check_log(directory.path(), Some(311)).unwrap();
    assert_eq!(checked.iter().map(|file| file.damage.len() + file.notes.len()).sum::<usize>(), 0, "{checked:?}");
    assert_eq!(checked[0].holds, "format 2, seq 1 to 300, 300 rows: 1 blocks and 44 alone");
    assert!((bytes(1), bytes(301)) == before);
}

#[test]
fn a_segment_that_was_not_closed_is_looked_through_without_being_repaired() {
    let directory = log();
    let mut log = RedbLog::open(LogSettings::new(directory.path().to_owned())).unwrap();
    log.append(&rows(311..=311), at(3_602)).unwrap();
    let copy = tempfile::tempdir().unwrap();
    fs::copy(path_of(&directory, 301), path_of(&copy, 301)).unwrap();
    let before = fs::read(path_of(&copy, 301)).unwrap();
    let checked = check_log(copy.path(), None).unwrap();
    assert!(checked[0].damage.is_empty() && checked[0].notes[0].contains("not closed in order"), "{checked:?}");
    assert!(fs::read(path_of(&copy, 301)).unwrap() == before);
}

#[test]
fn a_newer_format_is_named_and_its_file_is_left_where_it_is() {
    let directory = log();
    tamper(&path_of(&directory, 1), |txn| {
        txn.open_table(META).unwrap().insert("format_version", 9).unwrap();
    });
    let found = damage(&directory);
    assert!(found[0].contains("format version 9, this program knows up to 2"), "{found:?}");
    let log = RedbLog::open(LogSettings::new(directory.path().to_owned())).unwrap();
    assert_eq!(log.reader().totals(START).damaged, 1);
    assert!(path_of(&directory, 1).is_file(), "the newer program can read it again");
}

#[test]
fn a_head_that_is_not_of_its_block_is_found() {
    let directory = log();
    tamper(&path_of(&directory, 1), |txn| {
        let mut heads = txn.open_table(HEADS).unwrap();
        let mut head = heads.get(1).unwrap().unwrap().value().to_vec();
        let last = head.len() - 1;
        head[last] ^= 1;
        heads.insert(1, head.as_slice()).unwrap();
    });
    let found = damage(&directory);
    assert!(found.iter().any(|what| what.contains("block at seq 1: its head does not fit its rows")), "{found:?}");
}

#[test]
fn rows_that_are_missing_or_aside_are_told() {
    let directory = log();
    fs::rename(path_of(&directory, 301), directory.path().join("00000000000000000301.redb.damaged")).unwrap();
    let mut log = RedbLog::open(LogSettings::new(directory.path().to_owned())).unwrap();
    log.append(&rows(320..=330), at(7_300)).unwrap();
    Box::new(log).close().unwrap();
    let checked = check_log(directory.path(), Some(300)).unwrap();
    assert!(checked[1].damage[0].contains("moved aside"), "{checked:?}");
    assert!(checked[2].notes[0].contains("rows 301 to 319 are in no file"), "{checked:?}");
    assert!(checked[2].notes[1].contains("the state would go on at 300"), "{checked:?}");
}

/// An open state without a row, its file and the directory that goes with it.
fn empty_state() -> (tempfile::TempDir, PathBuf, RedbStore) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let opened = path.clone();
    let open: OpenFile = Arc::new(move || crate::files::open_private(&opened).map_err(io::Error::other));
    let settings =
        StateSettings { label: "state.redb".to_owned(), key_check: [1; 32], first_store_id: 1, cache_bytes: 1 << 20 };
    let mut store = RedbStore::open(open, settings).unwrap();
    store.load().unwrap();
    (directory, path, store)
}

#[test]
fn a_changed_audit_row_breaks_the_chain_of_the_state() {
    let (_directory, path, mut store) = empty_state();
    store
        .commit(START, &mut |view| {
            for n in 1..=5 {
                view.audit(audit_row(n));
            }
        })
        .unwrap();
    Box::new(store).close().unwrap();
    let (checked, next_seq) = check_state(&path, "state.redb", Some(&[1; 32]));
    assert!(checked.damage.is_empty() && next_seq.is_some(), "{checked:?}");
    assert!(checked.holds.ends_with("5 audit rows"), "{checked:?}");
    let (foreign, _) = check_state(&path, "state.redb", Some(&[2; 32]));
    assert!(foreign.damage[0].contains("token key"), "{foreign:?}");
    tamper(&path, |txn| {
        let mut audit = txn.open_table(AUDIT).unwrap();
        let row = audit.get(2).unwrap().unwrap().value().to_vec();
        audit.insert(3, row.as_slice()).unwrap();
    });
    let (checked, _) = check_state(&path, "state.redb", None);
    assert!(checked.damage[0].contains("the audit's chain breaks at row"), "{checked:?}");
}

/// A state with a row of most kinds.
fn state() -> (tempfile::TempDir, PathBuf) {
    let (directory, path, mut store) = empty_state();
    for n in 1..=40 {
        store
            .commit(START, &mut |view| {
                view.put_registry(RegistryChange::PutTeam(team(n)));
                view.put_registry(RegistryChange::PutService(service(n)));
                view.put_registry(RegistryChange::PutToken(Box::new(token(n))));
                view.audit(audit_row(n));
            })
            .unwrap();
    }
    Box::new(store).close().unwrap();
    (directory, path)
}

/// Changes bytes of a file, and cuts it in half.
fn spoil(path: &Path, places: &[(prop::sample::Index, u8)], cut: bool) {
    let length = fs::metadata(path).unwrap().len();
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    for (place, flip) in places {
        flip_byte(&file, place.index(usize::try_from(length).unwrap()) as u64, *flip);
    }
    if cut {
        file.set_len(length / 2).unwrap();
    }
}

fn flip_byte(file: &fs::File, offset: u64, flip: u8) {
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ flip], offset).unwrap();
}

/// One changed byte in what the engine knows of its free pages stopped it while it closed the file. Where a reader was the
/// last to let go of it, or the log at its end, nothing caught that; and a log with such a file did not open at all.
/// Now it is damage like any other: told, and in nobody's way.
#[test]
fn bytes_of_the_first_and_the_last_page_may_be_others() {
    let directory = log();
    let path = path_of(&directory, 1);
    let whole = fs::read(&path).unwrap();
    let pages = (0..512).chain(whole.len() - 4_096..whole.len()).step_by(41);
    // Where this was found, as parts of 2^64 of the file.
    let found = [362_749_239_753_435_184, 368_125_630_006_265_079]
        .map(|part: u128| usize::try_from((whole.len() as u128 * part) >> 64).unwrap());
    for offset in pages.chain(found) {
        flip_byte(&fs::OpenOptions::new().read(true).write(true).open(&path).unwrap(), offset as u64, 1);
        let _findings = damage(&directory);
        let log = RedbLog::open(LogSettings::new(directory.path().to_owned())).unwrap();
        let page = log.reader().after(300, START, 1_000, usize::MAX, &LogHints::NONE, &|_| true).unwrap();
        assert_eq!(page.rows.len(), 10, "the other file is whole, whatever byte {offset} is");
        drop(log);
        fs::remove_file(path.with_extension("redb.damaged")).ok();
        fs::write(&path, &whole).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn bytes_that_changed_on_the_disk_stop_neither_the_check_nor_the_log(
        places in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..40), cut in any::<bool>(),
    ) {
        let directory = log();
        let path = path_of(&directory, 1);
        spoil(&path, &places, cut);
        let before = fs::read(&path).unwrap();
        let _findings = damage(&directory);
        prop_assert!(fs::read(&path).unwrap() == before, "the check changed it");
        let log = RedbLog::open(LogSettings::new(directory.path().to_owned())).unwrap();
        let page = log.reader().after(0, START, 1_000, usize::MAX, &LogHints::NONE, &|_| true).unwrap();
        prop_assert!(page.rows.iter().filter(|row| row.seq > 300).count() == 10, "the other file is whole");
    }

    #[test]
    fn bytes_that_changed_in_the_state_do_not_stop_the_check(
        places in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..40), cut in any::<bool>(),
    ) {
        let (_directory, path) = state();
        spoil(&path, &places, cut);
        let before = fs::read(&path).unwrap();
        let (_findings, _) = check_state(&path, "state.redb", Some(&[1; 32]));
        prop_assert!(fs::read(&path).unwrap() == before, "the check changed it");
    }
}
