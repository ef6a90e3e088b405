//! What every state store must do, in the domain's words. Each test runs against each implementation.

mod answers;
mod requests;

use std::sync::Arc;

use tollgate_shared::incident::{IncidentHead, IncidentState};
use tollgate_shared::limits::TIMELINE_ENTRIES_MAX;
use tollgate_shared::priority::Priority;

use super::testing::disk::Disk;
use super::testing::naive::NaiveStore;
use super::testing::samples::{
    START, acknowledged, at, attached, audit_row, body, dead_secret, dedup_entry, fingerprint, head, incident_id,
    opened, resolved, service, service_id, team, token, token_id, tombstone,
};
use super::{IncidentFilter, RedbStore, StateSettings, Store, View};
use crate::core::audit::Walk;
use crate::core::model::{ClockStep, ClockSteps, RegistryChange, UsageRecord};

use self::answers::{
    a_commit_writes_the_row_of_an_incident_once_however_often_it_was_touched,
    an_answer_is_found_under_its_key_in_its_batch_afterwards_and_after_a_restart,
    answers_are_forgotten_after_24_hours_on_disk_too, incidents_are_cut_by_priority_token_text_and_age,
    options_measures_and_maintenances_are_loaded_and_go_with_what_they_are_of,
};

use self::requests::{
    ended_requests_are_remembered_for_duplicates_and_can_be_taken_up_again,
    requests_come_in_pages_newest_first_and_old_ones_are_dropped_whole,
    unfinished_requests_and_what_they_brought_survive_a_restart,
};

/// An implementation with its disk: opening twice means a restart.
trait Bench {
    fn open(&self) -> Box<dyn Store>;
    fn break_next_commit(&self);
    fn mend(&self);
}

struct RedbBench(Disk);

struct NaiveBench(NaiveStore);

impl Bench for RedbBench {
    fn open(&self) -> Box<dyn Store> {
        let disk = self.0.clone();
        let settings = StateSettings {
            label: "state.redb".to_owned(),
            key_check: [9; 32],
            first_store_id: 42,
            cache_bytes: 1 << 20,
        };
        Box::new(RedbStore::open_on(move || disk.clone(), settings).unwrap())
    }

    fn break_next_commit(&self) {
        self.0.fail_in(1);
    }

    fn mend(&self) {
        self.0.mend();
    }
}

impl Bench for NaiveBench {
    fn open(&self) -> Box<dyn Store> {
        Box::new(self.0.clone())
    }

    fn break_next_commit(&self) {
        self.0.break_next_commit();
    }

    fn mend(&self) {}
}

/// Runs each named function against each implementation, as a test of its own.
macro_rules! for_each_store {
    ($($test:ident),* $(,)?) => {
        mod redb {
            $(#[test] fn $test() { super::$test(&super::RedbBench(super::Disk::default())); })*
        }
        mod naive {
            $(#[test] fn $test() { super::$test(&super::NaiveBench(super::NaiveStore::default())); })*
        }
    };
}

for_each_store!(
    a_batch_sees_its_own_changes_and_nobody_else_does,
    a_resolved_incident_frees_its_key_within_its_batch,
    a_commit_without_changes_writes_nothing_but_moves_the_log_seq,
    nothing_of_a_failed_commit_is_visible_after_reopening,
    a_restart_rebuilds_what_lives_in_memory,
    the_log_seq_is_never_given_out_twice,
    attaches_merge_across_commits_and_200_entries_are_kept_the_first_for_ever,
    incidents_come_in_pages_newest_first_and_filtered,
    incident_ids_are_found_by_a_piece_of_them,
    a_failed_commit_leaves_the_chain_where_it_was,
    audit_rows_are_chained_over_batches_and_restarts,
    audit_seqs_have_no_holes_and_pages_go_back,
    a_buried_token_leaves_its_tombstone_dead_secret_and_usage,
    resolved_incidents_past_their_retention_are_dropped_whole,
    dedup_entries_older_than_24_hours_are_forgotten_on_disk_too,
    readers_survive_a_reopening,
    the_overflow_incident_is_found_until_it_is_resolved,
    an_answer_is_found_under_its_key_in_its_batch_afterwards_and_after_a_restart,
    answers_are_forgotten_after_24_hours_on_disk_too,
    options_measures_and_maintenances_are_loaded_and_go_with_what_they_are_of,
    incidents_are_cut_by_priority_token_text_and_age,
    a_commit_writes_the_row_of_an_incident_once_however_often_it_was_touched,
    unfinished_requests_and_what_they_brought_survive_a_restart,
    ended_requests_are_remembered_for_duplicates_and_can_be_taken_up_again,
    requests_come_in_pages_newest_first_and_old_ones_are_dropped_whole,
);

fn open(bench: &dyn Bench) -> Box<dyn Store> {
    let mut store = bench.open();
    store.load().unwrap();
    store
}

fn commit(store: &mut dyn Store, mut decide: impl FnMut(&mut dyn View)) {
    assert!(store.commit(START, &mut |view| decide(view)).unwrap().wrote);
}

/// Looks at memory as the core does.
fn look<T>(store: &mut dyn Store, mut ask: impl FnMut(&dyn View) -> T) -> T {
    let mut answer = None;
    assert!(!store.commit(START, &mut |view| answer = Some(ask(view))).unwrap().wrote);
    answer.unwrap()
}

fn open_one(view: &mut dyn View, n: u64, key: &str) {
    view.put_incident(head(n, 1, Some(key)));
    view.put_incident_body(incident_id(n), body(n));
    view.add_timeline(incident_id(n), opened(n));
}

fn a_batch_sees_its_own_changes_and_nobody_else_does(bench: &dyn Bench) {
    let mut store = open(bench);
    let reader = store.reader();
    commit(store.as_mut(), |view| {
        open_one(view, 1, "db-1");
        assert_eq!(view.open_incident(service_id(1), "db-1"), Some(incident_id(1)));
        assert_eq!(view.open_incident(service_id(2), "db-1"), None);
        assert_eq!((view.open_count(service_id(1)), view.open_total()), (1, 1));
        view.remember(token_id(1), fingerprint(1), dedup_entry(1));
        assert_eq!(view.dedup(token_id(1), &fingerprint(1)), Some(dedup_entry(1)));
        assert_eq!(view.dedup(token_id(2), &fingerprint(1)), None, "the scope is the token");
        assert_eq!(reader.open_counts(None), (0, 0));
        assert_eq!(reader.incident(incident_id(1)).unwrap(), None);
    });
    assert_eq!(reader.open_counts(Some(service_id(1))), (1, 0));
    assert_eq!(reader.incident(incident_id(1)).unwrap(), Some((head(1, 1, Some("db-1")), body(1), vec![opened(1)])));
    let mut raised = head(1, 1, Some("db-1"));
    raised.priority = Priority::P1;
    commit(store.as_mut(), |view| view.put_incident(raised.clone()));
    assert_eq!(reader.open_counts(None), (1, 1));
    assert_eq!(look(store.as_mut(), |view| view.open_total()), 1);
}

fn a_resolved_incident_frees_its_key_within_its_batch(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| {
        open_one(view, 1, "db-1");
        view.put_incident(resolved(head(1, 1, Some("db-1")), 1));
        assert_eq!(view.open_incident(service_id(1), "db-1"), None);
        assert_eq!(view.incident(incident_id(1)).unwrap().state, IncidentState::Resolved);
        assert_eq!(view.open_count(service_id(1)), 0);
        open_one(view, 2, "db-1");
        assert_eq!(view.open_incident(service_id(1), "db-1"), Some(incident_id(2)));
    });
    look(store.as_mut(), |view| {
        assert_eq!(view.open_incident(service_id(1), "db-1"), Some(incident_id(2)));
        assert_eq!(view.incident(incident_id(1)), None, "resolved in an earlier batch");
        assert_eq!(view.open_count(service_id(1)), 1);
    });
    commit(store.as_mut(), |view| view.put_incident(resolved(head(2, 1, Some("db-1")), 2)));
    assert_eq!(look(store.as_mut(), |view| view.open_incident(service_id(1), "db-1")), None);
    assert_eq!(store.reader().open_counts(None), (0, 0));
}

fn a_commit_without_changes_writes_nothing_but_moves_the_log_seq(bench: &dyn Bench) {
    let mut store = open(bench);
    let mut seqs = Vec::new();
    for _ in 0..2 {
        let committed = store.commit(START, &mut |view| seqs.push(view.next_log_seq())).unwrap();
        assert!(!committed.wrote);
    }
    commit(store.as_mut(), |view| {
        seqs.push(view.next_log_seq());
        view.put_registry(RegistryChange::PutTeam(team(1)));
    });
    assert_eq!(seqs, [1, 2, 3]);
    store.close().unwrap();
    let loaded = bench.open().load().unwrap();
    assert_eq!((loaded.next_log_seq, loaded.high_water, loaded.store_id), (4, START, 42));
}

fn nothing_of_a_failed_commit_is_visible_after_reopening(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| open_one(view, 1, "db-1"));
    bench.break_next_commit();
    let failed = store.commit(START, &mut |view| {
        open_one(view, 2, "db-2");
        view.audit(audit_row(1));
    });
    assert!(failed.is_err());
    bench.mend();
    assert_eq!(store.reopen().unwrap().next_log_seq, 1);
    look(store.as_mut(), |view| {
        assert_eq!(view.open_incident(service_id(1), "db-1"), Some(incident_id(1)));
        assert_eq!(view.open_incident(service_id(1), "db-2"), None);
    });
    commit(store.as_mut(), |view| assert_eq!(view.audit(audit_row(1)), 1));
    assert_eq!(store.reader().open_counts(None), (1, 0));
}

fn a_restart_rebuilds_what_lives_in_memory(bench: &dyn Bench) {
    let mut store = open(bench);
    let steps = ClockSteps { steps: vec![ClockStep { at: at(1), gained_us: 9 }] };
    commit(store.as_mut(), |view| {
        view.put_registry(RegistryChange::SetClockSteps(steps.clone()));
        view.put_registry(RegistryChange::PutTeam(team(1)));
        view.put_registry(RegistryChange::PutService(service(1)));
        view.put_registry(RegistryChange::PutToken(Box::new(token(1))));
        view.put_usage(token_id(1), UsageRecord { rows_not_logged: 3, ..UsageRecord::default() });
        open_one(view, 1, "db-1");
        open_one(view, 2, "db-2");
        view.remember(token_id(1), fingerprint(1), dedup_entry(1));
        view.audit(audit_row(1));
    });
    commit(store.as_mut(), |view| view.put_incident(resolved(head(2, 1, Some("db-2")), 5)));
    assert!(store.commit(at(7), &mut |view| view.put_registry(RegistryChange::PutTeam(team(2)))).is_ok());
    store.close().unwrap();
    let mut store = bench.open();
    let loaded = store.load().unwrap();
    assert_eq!((loaded.teams, loaded.services), (vec![team(1), team(2)], vec![service(1)]));
    assert_eq!((loaded.tokens, loaded.tombstones), (vec![token(1)], vec![]));
    assert_eq!(loaded.usage, [(token_id(1), UsageRecord { rows_not_logged: 3, ..UsageRecord::default() })]);
    assert_eq!((loaded.high_water, loaded.clock_steps), (at(7), steps));
    look(store.as_mut(), |view| {
        assert_eq!(view.incident(incident_id(1)), Some(head(1, 1, Some("db-1"))));
        assert_eq!(view.open_incident(service_id(1), "db-1"), Some(incident_id(1)));
        assert_eq!(view.open_incident(service_id(1), "db-2"), None);
        assert_eq!((view.open_count(service_id(1)), view.open_total()), (1, 1));
        assert_eq!(view.dedup(token_id(1), &fingerprint(1)), Some(dedup_entry(1)));
    });
    assert_eq!(store.reader().open_counts(Some(service_id(1))), (1, 0));
    commit(store.as_mut(), |view| assert_eq!(view.audit(audit_row(2)), 2));
}

fn the_log_seq_is_never_given_out_twice(bench: &dyn Bench) {
    let mut store = open(bench);
    store.commit(START, &mut |view| assert_eq!(view.next_log_seq(), 1)).unwrap();
    assert_eq!(store.reopen().unwrap().next_log_seq, 2, "no disk knows of seq 1, but the log does");
    store.raise_log_seq(10);
    store.raise_log_seq(5);
    store.commit(START, &mut |view| assert_eq!(view.next_log_seq(), 10)).unwrap();
}

fn attaches_merge_across_commits_and_200_entries_are_kept_the_first_for_ever(bench: &dyn Bench) {
    let mut store = open(bench);
    let id = incident_id(1);
    let timeline = |store: &dyn Store| store.reader().incident(id).unwrap().unwrap().2;
    commit(store.as_mut(), |view| {
        open_one(view, 1, "db-1");
        view.add_timeline(id, attached(2));
        view.add_timeline(id, attached(3));
    });
    commit(store.as_mut(), |view| view.add_timeline(id, attached(5)));
    let entries = timeline(store.as_ref());
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[1].at, entries[1].last_at, entries[1].count), (at(2), at(5), 3));
    assert_eq!(entries[1].event, attached(5).event);
    commit(store.as_mut(), |view| {
        for n in 0..150 {
            view.add_timeline(id, acknowledged(n));
        }
    });
    commit(store.as_mut(), |view| {
        for n in 150..300 {
            view.add_timeline(id, acknowledged(n));
        }
    });
    let entries = timeline(store.as_ref());
    assert_eq!(entries.len(), TIMELINE_ENTRIES_MAX);
    assert_eq!((&entries[0], &entries[1], &entries[199]), (&opened(1), &acknowledged(101), &acknowledged(299)));
}

fn incidents_come_in_pages_newest_first_and_filtered(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| {
        for n in 1..=10 {
            let head = head(n, n % 2, None);
            view.put_incident(if n % 5 == 0 { resolved(head, 1) } else { head });
        }
    });
    let all = |filter: &IncidentFilter| {
        let (reader, mut before, mut ids) = (store.reader(), None, Vec::new());
        loop {
            let (page, next) = reader.incidents(filter, before, 3).unwrap();
            assert!(page.len() <= 3);
            ids.extend(page.into_iter().map(|head| head.id));
            before = next;
            if before.is_none() {
                return ids;
            }
        }
    };
    let ids = |ns: &[u64]| ns.iter().map(|n| incident_id(*n)).collect::<Vec<_>>();
    assert_eq!(all(&IncidentFilter::default()), ids(&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]));
    let even = IncidentFilter { services: [service_id(0)].into(), ..IncidentFilter::default() };
    assert_eq!(all(&even), ids(&[10, 8, 6, 4, 2]));
    let open = IncidentFilter { states: vec![IncidentState::Triggered, IncidentState::Acknowledged], ..even };
    assert_eq!(all(&open), ids(&[8, 6, 4, 2]));
    let of_both = IncidentFilter { services: [service_id(0), service_id(1)].into(), ..open };
    assert_eq!(all(&of_both), ids(&[9, 8, 7, 6, 4, 3, 2, 1]), "several services' open ones are one list by age");
    let closed = IncidentFilter { states: vec![IncidentState::Resolved], ..IncidentFilter::default() };
    assert_eq!(all(&closed), ids(&[10, 5]));
}

fn incident_ids_are_found_by_a_piece_of_them(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| (1..=20).for_each(|n| view.put_incident(head(n, 1, None))));
    let reader = store.reader();
    let text = incident_id(7).to_string();
    assert_eq!(reader.incident_ids_like(&text, 5).unwrap(), [incident_id(7)]);
    assert_eq!(reader.incident_ids_like(&text.to_uppercase()[20..], 5).unwrap(), [incident_id(7)]);
    assert_eq!(reader.incident_ids_like("0198", 3).unwrap(), [incident_id(20), incident_id(19), incident_id(18)]);
    assert!(reader.incident_ids_like("ffff", 3).unwrap().is_empty());
}

fn audit_seqs_have_no_holes_and_pages_go_back(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| assert_eq!((view.audit(audit_row(1)), view.audit(audit_row(2))), (1, 2)));
    commit(store.as_mut(), |view| assert_eq!(view.audit(audit_row(3)), 3));
    let reader = store.reader();
    let page = reader.audit(None, 2).unwrap();
    assert_eq!((page.rows.iter().map(|row| row.seq).collect::<Vec<_>>(), page.next), (vec![3, 2], Some(2)));
    let page = reader.audit(page.next, 2).unwrap();
    assert_eq!((page.rows.iter().map(|row| row.seq).collect::<Vec<_>>(), page.next), (vec![1], None));
    assert_eq!(page.rows[0].target, "team 1");
}

fn audit_rows_are_chained_over_batches_and_restarts(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| assert_eq!((view.audit(audit_row(1)), view.audit(audit_row(2))), (1, 2)));
    store.close().unwrap();
    let mut store = open(bench);
    commit(store.as_mut(), |view| assert_eq!(view.audit(audit_row(3)), 3));
    let reader = store.reader();
    let mut walk = Walk::new(reader.audit_head().unwrap(), None);
    assert!(reader.audit_after(0, 2).unwrap().into_iter().all(|row| walk.step(row)));
    assert!(reader.audit_after(walk.at(), 2).unwrap().into_iter().all(|row| walk.step(row)));
    let verdict = walk.end();
    assert!(verdict.intact && verdict.rows == 3, "{}", verdict.detail);
}

fn a_failed_commit_leaves_the_chain_where_it_was(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| assert_eq!(view.audit(audit_row(1)), 1));
    let before = store.reader().audit_head().unwrap();
    bench.break_next_commit();
    assert!(
        store
            .commit(START, &mut |view| {
                view.audit(audit_row(2));
            })
            .is_err()
    );
    bench.mend();
    store.reopen().unwrap();
    assert_eq!(store.reader().audit_head().unwrap(), before);
    commit(store.as_mut(), |view| assert_eq!(view.audit(audit_row(3)), 2));
    let (mut walk, rows) = (Walk::new(store.reader().audit_head().unwrap(), None), store.reader().audit_after(0, 9));
    assert!(rows.unwrap().into_iter().all(|row| walk.step(row)) && walk.end().intact);
}

fn a_buried_token_leaves_its_tombstone_dead_secret_and_usage(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| {
        view.put_registry(RegistryChange::PutToken(Box::new(token(1))));
        view.put_usage(token_id(1), UsageRecord::default());
    });
    commit(store.as_mut(), |view| {
        view.put_registry(RegistryChange::PutDeadSecret(dead_secret(1)));
        view.put_registry(RegistryChange::Bury(Box::new(tombstone(1))));
    });
    let loaded = store.reopen().unwrap();
    assert!(loaded.tokens.is_empty());
    assert_eq!((loaded.tombstones, loaded.dead_secrets), (vec![tombstone(1)], vec![dead_secret(1)]));
    assert_eq!(loaded.usage.len(), 1);
}

fn resolved_incidents_past_their_retention_are_dropped_whole(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| (1..=4).for_each(|n| open_one(view, n, &n.to_string())));
    commit(store.as_mut(), |view| {
        for n in 1..=3 {
            view.put_incident(resolved(head(n, 1, None), n.cast_signed()));
        }
    });
    assert_eq!(store.drop_resolved_before(at(3), 1).unwrap(), 1);
    assert_eq!(store.drop_resolved_before(at(3), 10).unwrap(), 1);
    assert_eq!(store.drop_resolved_before(at(3), 10).unwrap(), 0);
    let (left, _) = store.reader().incidents(&IncidentFilter::default(), None, 10).unwrap();
    assert_eq!(left.iter().map(|head| head.id).collect::<Vec<_>>(), [incident_id(4), incident_id(3)]);
    assert_eq!(store.reader().incident(incident_id(1)).unwrap(), None);
    assert_eq!(store.reader().open_counts(None), (1, 0));
}

fn dedup_entries_older_than_24_hours_are_forgotten_on_disk_too(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| view.remember(token_id(1), fingerprint(1), dedup_entry(0)));
    commit(store.as_mut(), |view| view.remember(token_id(1), fingerprint(2), dedup_entry(100)));
    store.sweep_dedup(at(86_400 + 50)).unwrap();
    for _restart in 0..2 {
        look(store.as_mut(), |view| {
            assert_eq!(view.dedup(token_id(1), &fingerprint(1)), None);
            assert_eq!(view.dedup(token_id(1), &fingerprint(2)), Some(dedup_entry(100)));
        });
        store.reopen().unwrap();
    }
}

fn readers_survive_a_reopening(bench: &dyn Bench) {
    let mut store = open(bench);
    let reader = store.reader();
    commit(store.as_mut(), |view| open_one(view, 1, "db-1"));
    store.reopen().unwrap();
    commit(store.as_mut(), |view| open_one(view, 2, "db-2"));
    assert_eq!(reader.incidents(&IncidentFilter::default(), None, 10).unwrap().0.len(), 2);
    assert_eq!(reader.open_counts(None), (2, 0));
    assert_eq!(Arc::strong_count(&reader), 1);
}

fn the_overflow_incident_is_found_until_it_is_resolved(bench: &dyn Bench) {
    let mut store = open(bench);
    let overflow = head(1, 1, None);
    let overflow = IncidentHead { overflow: true, ..overflow };
    commit(store.as_mut(), |view| view.put_incident(overflow.clone()));
    store.reopen().unwrap();
    assert_eq!(look(store.as_mut(), |view| view.overflow_incident(service_id(1))), Some(incident_id(1)));
    commit(store.as_mut(), |view| view.put_incident(resolved(overflow.clone(), 1)));
    assert_eq!(look(store.as_mut(), |view| view.overflow_incident(service_id(1))), None);
}
