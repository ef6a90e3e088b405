//! Answers under idempotency keys, options and maintenances, cuts of the incidents, rows written in one commit.

use tollgate_shared::id::IncidentId;
use tollgate_shared::incident::IncidentHead;
use tollgate_shared::priority::Priority;

use super::{Bench, commit, look, open, open_one};
use crate::core::measures::Measures;
use crate::core::model::{IncidentBody, RegistryChange, TokenOptions};
use crate::store::testing::samples::{
    START, at, fingerprint, head, idempotency_key, incident_id, maintenance, measures, stored_answer, token, token_id,
    tombstone,
};
use crate::store::{Committed, IncidentFilter};

pub(super) fn an_answer_is_found_under_its_key_in_its_batch_afterwards_and_after_a_restart(bench: &dyn Bench) {
    let mut store = open(bench);
    let (key, mut place) = (idempotency_key(1), None);
    commit(store.as_mut(), |view| {
        view.remember_answer(idempotency_key(9), stored_answer(9));
        view.remember_answer(key, stored_answer(1));
        place = view.answered(&key).map(|answered| answered.place);
    });
    let found = look(store.as_mut(), |view| view.answered(&key)).unwrap();
    assert_eq!(
        (Some(found.place), found.status, found.print),
        (place, 201, fingerprint(1)),
        "the batch knew its place"
    );
    assert_eq!(store.reader().stored_answer(found.place).unwrap(), Some(stored_answer(1).body));
    drop(store);
    let mut store = open(bench);
    let again = look(store.as_mut(), |view| view.answered(&key)).unwrap();
    assert_eq!(store.reader().stored_answer(again.place).unwrap(), Some(stored_answer(1).body));
    assert_eq!(look(store.as_mut(), |view| view.answered(&idempotency_key(2))), None);
}

pub(super) fn answers_are_forgotten_after_24_hours_on_disk_too(bench: &dyn Bench) {
    let mut store = open(bench);
    let key = idempotency_key(1);
    commit(store.as_mut(), |view| view.remember_answer(key, stored_answer(1)));
    let place = look(store.as_mut(), |view| view.answered(&key)).unwrap().place;
    store.sweep_dedup(at(1 + 86_399)).unwrap();
    assert!(store.reader().stored_answer(place).unwrap().is_some());
    store.sweep_dedup(at(1 + 86_400)).unwrap();
    assert_eq!(store.reader().stored_answer(place).unwrap(), None);
    drop(store);
    assert_eq!(look(open(bench).as_mut(), |view| view.answered(&key)), None);
}

pub(super) fn options_measures_and_maintenances_are_loaded_and_go_with_what_they_are_of(bench: &dyn Bench) {
    let mut store = open(bench);
    let options = TokenOptions { delivery_ids: true };
    commit(store.as_mut(), |view| {
        view.put_registry(RegistryChange::PutToken(Box::new(token(1))));
        view.put_registry(RegistryChange::PutTokenOptions(token_id(1), options));
        view.put_registry(RegistryChange::PutMeasures(token_id(1), measures()));
        view.put_registry(RegistryChange::PutMeasures(token_id(2), measures()));
        view.put_registry(RegistryChange::PutMeasures(token_id(2), Measures::default()));
        view.put_registry(RegistryChange::PutMaintenance(Box::new(maintenance(1))));
    });
    let loaded = store.reopen().unwrap();
    assert_eq!((loaded.token_options, loaded.maintenances), (vec![(token_id(1), options)], vec![maintenance(1)]));
    assert_eq!(loaded.measures, [(token_id(1), measures())], "no measure at all is no row");
    commit(store.as_mut(), |view| {
        view.put_registry(RegistryChange::Bury(Box::new(tombstone(1))));
        view.put_registry(RegistryChange::DeleteMaintenance(maintenance(1).id));
    });
    let loaded = store.reopen().unwrap();
    assert!(loaded.token_options.is_empty() && loaded.measures.is_empty() && loaded.maintenances.is_empty());
}

pub(super) fn incidents_are_cut_by_priority_token_text_and_age(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| {
        for n in 1..=4 {
            let own = head(n, 1, Some(&format!("Key-{n}")));
            let (priority, first_seen) =
                if n == 3 { (Priority::P1, at(100)) } else { (Priority::P3, at(n.cast_signed())) };
            view.put_incident(IncidentHead { priority, first_seen, ..own });
        }
        let source_ip = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        view.put_incident_body(incident_id(2), IncidentBody { description: "two".to_owned(), source_ip });
    });
    let read = store.reader().descriptions(&[incident_id(1), incident_id(2), incident_id(9)]).unwrap();
    assert_eq!(read, [(incident_id(2), "two".to_owned())]);
    let found = |filter: IncidentFilter| -> Vec<IncidentId> {
        store.reader().incidents(&filter, None, 100).unwrap().0.iter().map(|head| head.id).collect()
    };
    let all = IncidentFilter::default;
    assert_eq!(found(IncidentFilter { priorities: vec![Priority::P1], ..all() }), [incident_id(3)]);
    assert_eq!(found(IncidentFilter { text: Some("key-2".to_owned()), ..all() }), [incident_id(2)]);
    assert_eq!(found(IncidentFilter { text: Some("disk 4 is".to_owned()), ..all() }), [incident_id(4)]);
    assert_eq!(found(IncidentFilter { token: Some(token_id(1)), ..all() }).len(), 4);
    assert!(found(IncidentFilter { token: Some(token_id(2)), ..all() }).is_empty());
    assert!(found(IncidentFilter { since: Some(at(200)), ..all() }).is_empty());
    assert_eq!(found(IncidentFilter { since: Some(at(4)), ..all() })[0], incident_id(4));
}

pub(super) fn a_commit_writes_the_row_of_an_incident_once_however_often_it_was_touched(bench: &dyn Bench) {
    let mut store = open(bench);
    let committed = store
        .commit(START, &mut |view| {
            open_one(view, 1, "a");
            for _ in 0..500 {
                let mut head = view.incident(incident_id(1)).unwrap();
                head.occurrences += 1;
                view.put_incident(head);
            }
        })
        .unwrap();
    assert_eq!(committed, Committed { wrote: true, incident_rows: 1 });
}
