//! Workflows and requests: what a restart brings back, what pages show, what retention takes.

use std::sync::Arc;

use tollgate_shared::id::{RequestId, WorkflowId};
use tollgate_shared::request::{RequestState, StepRun};
use tollgate_shared::workflow::{RunStep, Step, StepKind};
use uuid::Uuid;

use super::{Bench, commit, look, open};
use crate::core::workflows::{RequestRecord, StepOutput};
use crate::store::testing::samples::{IP, START, at, call_id, fingerprint, token_id};

/// Ids begin with their moment, which is what a start looks for.
fn id(n: u128) -> RequestId {
    let millis = u128::try_from(START.as_micros() / 1_000).unwrap();
    RequestId(Uuid::from_u128((millis << 80) | (0x7000_8700 << 48) | n))
}

fn record(n: u128, state: RequestState) -> RequestRecord {
    let step = Step { name: "go".to_owned(), run: Some(RunStep::new("go.sh")), ..Step::default() };
    RequestRecord {
        id: id(n),
        workflow: WorkflowId(Uuid::from_u128(1)),
        version: 1,
        name: "restart".to_owned(),
        public_id: "w_7QmX0c2LrT".to_owned(),
        team: None,
        steps: Arc::new(vec![step]),
        state,
        token: token_id(1),
        call: call_id(1),
        source_ip: IP,
        fingerprint: Some(fingerprint(1)),
        variables: [("host".to_owned(), "db1".to_owned())].into(),
        runs: vec![StepRun::pending("go", StepKind::Run)],
        failures: 0,
        note: String::new(),
        retries: 0,
        payload_bytes: 7,
        created_at: START,
        started_at: None,
        finished_at: state.is_finished().then_some(at(10)),
    }
}

pub(super) fn unfinished_requests_and_what_they_brought_survive_a_restart(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| {
        for n in [1, 2] {
            view.put_request(record(n, RequestState::Queued));
            view.put_request_payload(id(n), format!("payload {n}"));
        }
        view.put_request_output(id(1), 0, StepOutput { text: "so far".to_owned(), truncated: false });
        assert_eq!((view.unfinished(), view.unfinished_load()), (vec![id(1), id(2)], (2, 14)));
        assert_eq!(view.started_by(token_id(1), &fingerprint(1)).len(), 2, "a batch sees its own");
    });
    drop(store);
    let mut store = open(bench);
    let (ids, load, started) = look(store.as_mut(), |view| {
        (view.unfinished(), view.unfinished_load(), view.started_by(token_id(1), &fingerprint(1)).len())
    });
    assert_eq!((ids, load, started), (vec![id(1), id(2)], (2, 14), 2));
    let whole = store.reader().request(id(1)).unwrap().unwrap();
    assert_eq!((whole.record, whole.payload.as_deref()), (record(1, RequestState::Queued), Some("payload 1")));
    assert_eq!(whole.outputs, [(0, StepOutput { text: "so far".to_owned(), truncated: false })]);
}

pub(super) fn ended_requests_are_remembered_for_duplicates_and_can_be_taken_up_again(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| view.put_request(record(1, RequestState::Running)));
    commit(store.as_mut(), |view| {
        view.put_request(record(1, RequestState::Failed));
        view.drop_request_payload(id(1));
    });
    drop(store);
    let mut store = open(bench);
    let states = look(store.as_mut(), |view| {
        assert!(view.unfinished().is_empty());
        view.started_by(token_id(1), &fingerprint(1)).iter().map(|brief| brief.state).collect::<Vec<_>>()
    });
    assert_eq!(states, [RequestState::Failed]);
    assert_eq!(look(store.as_mut(), |view| view.request(id(1))).unwrap().state, RequestState::Failed);
    commit(store.as_mut(), |view| view.put_request(record(1, RequestState::Queued)));
    assert_eq!(look(store.as_mut(), |view| view.unfinished()), [id(1)]);
    // Its row among the ended ones is stale now: retention must not take it.
    store.drop_finished_requests(at(1_000), 100, 100).unwrap();
    assert!(store.reader().request(id(1)).unwrap().is_some());
}

pub(super) fn requests_come_in_pages_newest_first_and_old_ones_are_dropped_whole(bench: &dyn Bench) {
    let mut store = open(bench);
    commit(store.as_mut(), |view| {
        (1..=4).for_each(|n| view.put_request(record(n, RequestState::Running)));
    });
    commit(store.as_mut(), |view| {
        for n in 1..=3 {
            let ended = at(10 * i64::try_from(n).unwrap());
            view.put_request(RequestRecord { finished_at: Some(ended), ..record(n, RequestState::Succeeded) });
            view.put_request_output(id(n), 0, StepOutput::default());
        }
    });
    let reader = store.reader();
    let ids = |only_unfinished| -> Vec<RequestId> {
        reader.requests(only_unfinished, None, 9, &|_| true).unwrap().0.iter().map(|record| record.id).collect()
    };
    assert_eq!((ids(false), ids(true)), (vec![id(4), id(3), id(2), id(1)], vec![id(4)]));
    let (page, next) = reader.requests(false, Some(id(4)), 1, &|record| record.id != id(3)).unwrap();
    assert_eq!((page[0].id, next.is_some()), (id(2), true));
    assert_eq!(store.drop_finished_requests(at(11), 100, 100).unwrap(), 1);
    assert_eq!(store.drop_finished_requests(at(11), 1, 100).unwrap(), 1, "two are too many");
    assert_eq!(ids(false), [id(4), id(3)]);
    assert!(reader.request(id(1)).unwrap().is_none());
    assert_eq!(store.drop_finished_requests(at(11), 1, 100).unwrap(), 0);
}
