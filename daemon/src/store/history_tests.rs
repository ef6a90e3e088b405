//! Random histories: the store and the plain reference must show the same after every batch.

use proptest::prelude::*;
use tollgate_shared::priority::Priority;
use tollgate_shared::time::Timestamp;

use super::dedup::{Dedup, DedupBounds};
use super::testing::disk::Disk;
use super::testing::naive::NaiveStore;
use super::testing::samples::{
    START, acknowledged, at, attached, audit_row, body, dedup_entry, fingerprint, head, incident_id, resolved,
    service_id, token_id,
};
use super::{IncidentFilter, RedbStore, StateSettings, Store, View};

const SERVICES: u64 = 2;
const KEYS: u64 = 3;
const CALLS: u64 = 4;

/// What a call may do to the view.
#[derive(Clone, Copy, Debug)]
enum Step {
    Trigger { service: u64, key: u64, p1: bool },
    Resolve { service: u64, key: u64 },
    Unkeyed { service: u64, overflow: bool },
    Acknowledge { service: u64, key: u64 },
    Remember { token: u64, call: u64 },
    Audit,
    LogRow,
}

#[derive(Clone, Debug)]
enum Action {
    Batch(Vec<Step>),
    FailedBatch(Vec<Step>),
    Reopen,
    Sweep,
    DropResolved,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..SERVICES, 0..KEYS, any::<bool>()).prop_map(|(service, key, p1)| Step::Trigger { service, key, p1 }),
        2 => (0..SERVICES, 0..KEYS).prop_map(|(service, key)| Step::Resolve { service, key }),
        1 => (0..SERVICES, any::<bool>()).prop_map(|(service, overflow)| Step::Unkeyed { service, overflow }),
        1 => (0..SERVICES, 0..KEYS).prop_map(|(service, key)| Step::Acknowledge { service, key }),
        2 => (0..2_u64, 0..CALLS).prop_map(|(token, call)| Step::Remember { token, call }),
        1 => Just(Step::Audit),
        1 => Just(Step::LogRow),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => prop::collection::vec(step(), 0..6).prop_map(Action::Batch),
        1 => prop::collection::vec(step(), 1..6).prop_map(Action::FailedBatch),
        1 => Just(Action::Reopen),
        1 => Just(Action::Sweep),
        1 => Just(Action::DropResolved),
    ]
}

/// Does a step as the core would: by asking the view first. `n` numbers what it makes.
fn take(view: &mut dyn View, step: Step, n: u64) -> u64 {
    match step {
        Step::Trigger { service, key, p1 } => {
            let found = view.open_incident(service_id(service), &key.to_string());
            let mut head = match found.and_then(|id| view.incident(id)) {
                Some(head) => head,
                None => {
                    view.put_incident_body(incident_id(n), body(n));
                    head(n, service, Some(&key.to_string()))
                }
            };
            head.occurrences += 1;
            head.priority = if p1 { Priority::P1 } else { head.priority };
            view.add_timeline(head.id, attached(n));
            view.put_incident(head);
        }
        Step::Resolve { service, key } => {
            if let Some(open) =
                view.open_incident(service_id(service), &key.to_string()).and_then(|id| view.incident(id))
            {
                view.add_timeline(open.id, acknowledged(n));
                view.put_incident(resolved(open, n.cast_signed()));
            }
        }
        Step::Unkeyed { service, overflow } => match view.overflow_incident(service_id(service)).filter(|_| overflow) {
            Some(id) => view.add_timeline(id, attached(n)),
            None => {
                let mut head = head(n, service, None);
                head.overflow = overflow;
                view.put_incident_body(head.id, body(n));
                view.put_incident(head);
            }
        },
        Step::Acknowledge { service, key } => {
            if let Some(id) = view.open_incident(service_id(service), &key.to_string()) {
                view.add_timeline(id, acknowledged(n));
            }
        }
        Step::Remember { token, call } => view.remember(token_id(token), fingerprint(call), dedup_entry(n)),
        Step::Audit => return view.audit(audit_row(n)),
        Step::LogRow => return view.next_log_seq(),
    }
    0
}

/// Everything that a view shows. Calls before `horizon` are left out: they are in no window, so a store may forget them or
/// not.
fn shown(view: &dyn View, horizon: Timestamp) -> impl PartialEq + std::fmt::Debug + use<> {
    let services: Vec<_> = (0..SERVICES)
        .map(|service| {
            let id = service_id(service);
            let keys: Vec<_> = (0..KEYS).map(|key| view.open_incident(id, &key.to_string())).collect();
            let heads: Vec<_> = keys.iter().map(|open| open.and_then(|open| view.incident(open))).collect();
            (keys, heads, view.open_count(id), view.overflow_incident(id))
        })
        .collect();
    let call = |n| view.dedup(token_id(n / CALLS), &fingerprint(n % CALLS)).filter(|entry| entry.at >= horizon);
    let calls: Vec<_> = (0..2 * CALLS).map(call).collect();
    (services, calls, view.open_total())
}

/// Runs a batch and returns what each step answered and what the view showed after it.
fn batch(store: &mut dyn Store, steps: &[Step], n: u64, horizon: Timestamp) -> (Result<bool, ()>, String) {
    let mut log = String::new();
    let committed = store.commit(at(n.cast_signed()), &mut |view| {
        for (step, n) in steps.iter().zip(n..) {
            let answer = take(view, *step, n);
            log += &format!("{answer} {:?}\n", shown(view, horizon));
        }
    });
    (committed.map(|committed| committed.wrote).map_err(drop), log)
}

fn pages(store: &dyn Store) -> String {
    let reader = store.reader();
    let (heads, _) = reader.incidents(&IncidentFilter::default(), None, 500).unwrap();
    let whole: Vec<_> = heads.iter().map(|head| reader.incident(head.id).unwrap()).collect();
    let counts = [None, Some(service_id(0)), Some(service_id(1))].map(|service| reader.open_counts(service));
    format!("{whole:?} {counts:?} {:?}", reader.audit(None, 500).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_history_shows_the_same_as_in_the_plain_reference(actions in prop::collection::vec(action(), 1..25)) {
        let disk = Disk::default();
        let for_store = disk.clone();
        let settings = StateSettings {
            label: "state.redb".to_owned(),
            key_check: [9; 32],
            first_store_id: 42,
            cache_bytes: 1 << 20,
        };
        let mut store = RedbStore::open_on(move || for_store.clone(), settings).unwrap();
        let mut naive = NaiveStore::default();
        store.load().unwrap();
        naive.load().unwrap();
        let mut horizon = Timestamp::default();
        for (action, n) in actions.iter().zip((1_u64..).step_by(10)) {
            match action {
                Action::Batch(steps) => prop_assert_eq!(batch(&mut store, steps, n, horizon), batch(&mut naive, steps, n, horizon)),
                Action::FailedBatch(steps) => {
                    disk.fail_in(0);
                    naive.break_next_commit();
                    prop_assert_eq!(batch(&mut store, steps, n, horizon), batch(&mut naive, steps, n, horizon));
                    disk.mend();
                    naive.unbreak();
                    prop_assert_eq!(store.reopen().unwrap().next_log_seq, naive.reopen().unwrap().next_log_seq);
                }
                Action::Reopen => {
                    store.reopen().unwrap();
                    naive.reopen().unwrap();
                }
                Action::Sweep => {
                    horizon = at(n.cast_signed() / 2);
                    let now = horizon.plus_secs(86_400);
                    store.sweep_dedup(now).unwrap();
                    naive.sweep_dedup(now).unwrap();
                }
                Action::DropResolved => {
                    let cutoff = at(n.cast_signed() / 2);
                    prop_assert_eq!(
                        store.drop_resolved_before(cutoff, 100).unwrap(),
                        naive.drop_resolved_before(cutoff, 100).unwrap()
                    );
                }
            }
            prop_assert_eq!(batch(&mut store, &[Step::LogRow], n, horizon), batch(&mut naive, &[Step::LogRow], n, horizon));
            prop_assert_eq!(pages(&store), pages(&naive));
        }
    }

    #[test]
    fn dedup_keeps_its_bounds_and_the_oldest_goes(calls in prop::collection::vec((0..3_u64, 0..12_u64), 1..200)) {
        let bounds = DedupBounds { total: 10, token: 4 };
        let mut dedup = Dedup::new(bounds);
        let mut kept: Vec<(u64, u64, u64)> = Vec::new();
        for (n, (token, call)) in (0_u64..).zip(calls) {
            dedup.insert(n / 5, token_id(token), fingerprint(call), dedup_entry(n));
            kept.retain(|(t, c, _)| (*t, *c) != (token, call));
            kept.push((token, call, n));
            let oldest_of = |kept: &[(u64, u64, u64)], of: Option<u64>| {
                kept.iter().position(|(t, _, _)| of.is_none_or(|of| of == *t))
            };
            if kept.iter().filter(|(t, _, _)| *t == token).count() > bounds.token {
                kept.remove(oldest_of(&kept, Some(token)).unwrap());
            }
            if kept.len() > bounds.total {
                kept.remove(oldest_of(&kept, None).unwrap());
            }
            for token in 0..3 {
                for call in 0..12 {
                    let expected = kept.iter().find(|(t, c, _)| (*t, *c) == (token, call)).map(|(_, _, n)| dedup_entry(*n));
                    prop_assert_eq!(dedup.get(token_id(token), &fingerprint(call)).cloned(), expected);
                }
            }
            let living: Vec<u64> = kept.iter().map(|(_, _, n)| n / 5).collect();
            let rubbish: Vec<u64> = (0..=n / 5).filter(|block| !living.contains(block)).collect();
            prop_assert_eq!(dedup.rubbish(1_000), rubbish);
        }
    }
}

#[test]
fn a_file_of_another_key_or_a_newer_format_is_refused_by_name() {
    use super::StoreError;
    let disk = Disk::default();
    let open = |key_check: [u8; 32]| {
        let disk = disk.clone();
        let label = "state.redb".to_owned();
        RedbStore::open_on(
            move || disk.clone(),
            StateSettings { label, key_check, first_store_id: 1, cache_bytes: 1 << 20 },
        )
    };
    drop(open([1; 32]).unwrap());
    assert!(matches!(open([2; 32]), Err(StoreError::ForeignKey { file }) if file == "state.redb"));
    assert!(open([1; 32]).is_ok());
    let database = redb::Builder::new().create_with_backend(disk.clone()).unwrap();
    let txn = database.begin_write().unwrap();
    let meta: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("meta");
    txn.open_table(meta).unwrap().insert("format_version", 7_u64.to_le_bytes().as_slice()).unwrap();
    txn.commit().unwrap();
    drop(database);
    assert!(matches!(open([1; 32]), Err(StoreError::NewerFormat { found: 7, known: 1, .. })));
}

#[test]
fn a_state_file_is_locked_while_it_is_open_and_opens_again_after_closing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let open = || {
        let path = path.clone();
        let file = move || std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let (label, key_check) = ("state.redb".to_owned(), [1; 32]);
        let settings = StateSettings { label, key_check, first_store_id: 1, cache_bytes: 1 << 20 };
        RedbStore::open(std::sync::Arc::new(file), settings)
    };
    let mut store = open().unwrap();
    store.load().unwrap();
    assert!(open().is_err());
    store.reopen().unwrap();
    store.commit(START, &mut |view| assert_eq!(view.audit(audit_row(1)), 1)).unwrap();
    Box::new(store).close().unwrap();
    let mut store = open().unwrap();
    store.load().unwrap();
    assert_eq!(store.reader().audit(None, 10).unwrap().rows.len(), 1);
}
