//! The power fails at every moment of a short history, and the disk fails at every change of it.

use super::testing::disk::Disk;
use super::testing::samples::{
    START, attached, audit_row, body, dedup_entry, fingerprint, head, incident_id, opened, resolved, team, token_id,
};
use super::{IncidentFilter, RedbStore, StateSettings, Store, StoreError};
use crate::core::model::RegistryChange;

/// Commits of the history.
const COMMITS: u64 = 8;

fn open(disk: &Disk) -> Result<RedbStore, StoreError> {
    let disk = disk.clone();
    let settings =
        StateSettings { label: "state.redb".to_owned(), key_check: [9; 32], first_store_id: 42, cache_bytes: 1 << 20 };
    let mut store = RedbStore::open_on(move || disk.clone(), settings)?;
    store.load()?;
    Ok(store)
}

/// The `n`th commit of the history: one thing in each table, so that a mix of two commits shows.
fn nth_commit(store: &mut RedbStore, n: u64) -> Result<(), StoreError> {
    let committed = store.commit(START.plus_secs(n.cast_signed()), &mut |view| {
        view.put_registry(RegistryChange::PutTeam(team(n)));
        view.put_incident(head(n, 1, Some(&n.to_string())));
        view.put_incident_body(incident_id(n), body(n));
        view.add_timeline(incident_id(n), opened(n));
        view.remember(token_id(1), fingerprint(n), dedup_entry(n));
        view.audit(audit_row(n));
        view.next_log_seq();
        if n > 1 {
            let before = n - 1;
            view.add_timeline(incident_id(before), attached(n));
            view.put_incident(resolved(head(before, 1, Some(&before.to_string())), n.cast_signed()));
        }
    })?;
    assert!(committed.wrote);
    Ok(())
}

/// How many commits of the history a store shows. Fails where its tables do not agree on that.
fn commits_shown(store: &mut RedbStore) -> u64 {
    let loaded = store.load().unwrap();
    let n = loaded.teams.len() as u64;
    assert!(loaded.teams.iter().zip(1..).all(|(found, n)| *found == team(n)), "teams of {n} commits");
    let reader = store.reader();
    let audit = reader.audit(None, 100).unwrap().rows;
    assert_eq!(audit.iter().rev().map(|row| row.seq).collect::<Vec<_>>(), (1..=n).collect::<Vec<_>>());
    let (heads, _) = reader.incidents(&IncidentFilter::default(), None, 100).unwrap();
    assert_eq!(heads.len() as u64, n);
    assert_eq!(reader.open_counts(None).0, u32::from(n > 0), "all but the last one are resolved");
    for number in 1..=n {
        let (head, found_body, timeline) = reader.incident(incident_id(number)).unwrap().unwrap();
        assert_eq!((head.state.is_open(), found_body), (number == n, body(number)));
        assert_eq!(timeline.len(), if number == n { 1 } else { 2 });
    }
    store
        .commit(START, &mut |view| {
            let remembered = |number: &u64| view.dedup(token_id(1), &fingerprint(*number)).is_some();
            assert_eq!((1..=COMMITS).filter(remembered).count() as u64, n);
            assert_eq!(view.open_incident(super::testing::samples::service_id(1), &n.to_string()).is_some(), n > 0);
        })
        .unwrap();
    assert_eq!(loaded.high_water, if n == 0 { Default::default() } else { START.plus_secs(n.cast_signed()) });
    n
}

#[test]
fn after_a_power_failure_at_any_moment_every_acknowledged_commit_is_there_and_none_is_half() {
    let disk = Disk::default();
    let mut store = open(&disk).unwrap();
    let mut acknowledged_at = vec![disk.moments()];
    for n in 1..=COMMITS {
        nth_commit(&mut store, n).unwrap();
        acknowledged_at.push(disk.moments());
    }
    Box::new(store).close().unwrap();
    for moment in 0..=disk.moments() {
        let acknowledged = acknowledged_at.iter().filter(|at| **at <= moment).count().saturating_sub(1) as u64;
        for kept in [0, 1, 2 + moment as u64, 1_000_003 + moment as u64] {
            // A file whose first pages never reached the disk was never acknowledged: it may be no database at all.
            let before_first = moment < acknowledged_at[0];
            let image = disk.crash_image(moment, kept);
            let mut store = match open(&Disk::of(image)) {
                Ok(store) => store,
                Err(_) if before_first => continue,
                Err(error) => panic!("moment {moment}, kept {kept}: {error:?}"),
            };
            let shown = commits_shown(&mut store);
            assert!(
                shown == acknowledged || shown == acknowledged + 1,
                "moment {moment}, kept {kept}: {acknowledged} commits were acknowledged, {shown} are there"
            );
        }
    }
}

#[test]
fn a_power_failure_during_repair_loses_nothing() {
    let disk = Disk::default();
    let mut store = open(&disk).unwrap();
    for n in 1..=3 {
        nth_commit(&mut store, n).unwrap();
    }
    let crashed = Disk::of(disk.crash_image(disk.moments(), 0));
    drop(open(&crashed).unwrap());
    let image = disk.crash_image(disk.moments(), 0);
    for moment in 0..=crashed.moments() {
        for kept in [0, 1, 7 + moment as u64] {
            let again = Disk::of(crashed.crash_image_over(&image, moment, kept));
            assert_eq!(commits_shown(&mut open(&again).unwrap()), 3, "moment {moment}, kept {kept}");
        }
    }
}

#[test]
fn after_a_disk_failure_at_any_change_the_store_reopens_with_every_acknowledged_commit() {
    for nth in 0.. {
        let disk = Disk::default();
        let mut store = open(&disk).unwrap();
        nth_commit(&mut store, 1).unwrap();
        let mut next = 2;
        disk.fail_in(nth);
        while next <= COMMITS {
            match nth_commit(&mut store, next) {
                Ok(()) => next += 1,
                Err(_) => {
                    assert!(disk.is_broken(), "change {nth}: a commit failed on a healthy disk");
                    assert!(nth_commit(&mut store, next).is_err(), "nothing is committed before the reopening");
                    assert!(store.reopen().is_err(), "the disk still fails, and so does the reopening");
                    disk.mend();
                    store.reopen().unwrap();
                    let shown = commits_shown(&mut store);
                    assert!(shown == next - 1 || shown == next, "change {nth}: {shown} instead of {}", next - 1);
                    next = shown + 1;
                }
            }
        }
        assert_eq!(commits_shown(&mut store), COMMITS);
        if nth >= disk.moments() {
            return;
        }
    }
}
