//! Random histories of requests against a model that is right by inspection: steps one after the other, tries, pauses,
//! crashes, hands that cancel and retry.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::testing::redb_store;

/// Failures that each step may have before it stops the request; the last one opens an incident and needs no runner.
const RETRIES: [u32; 3] = [0, 2, 0];
/// The place of that one.
const INCIDENT: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Act {
    Start,
    /// The runner has a free place.
    Claim,
    /// One of the steps in its hands ends; its report may be made twice, for the first answer may be lost.
    Finish {
        nth: usize,
        well: bool,
        twice: bool,
    },
    /// What was in its hands is in nobody's.
    Crash,
    Cancel(usize),
    Retry {
        nth: usize,
        from_start: bool,
    },
    Wait(i64),
}

/// What a request must look like.
#[derive(Debug)]
struct Expected {
    id: RequestId,
    state: RequestState,
    /// Steps that have succeeded.
    at: usize,
    /// The step stands as running, whoever has it in hand.
    running: bool,
    attempts: [u32; 3],
    failures: u32,
    waits_until: i64,
}

#[derive(Default)]
struct Model {
    now: i64,
    requests: Vec<Expected>,
    /// Steps in the runner's hands.
    in_hand: BTreeMap<RequestId, Box<StepOrder>>,
    incidents: usize,
}

impl Model {
    /// The order that must come: the oldest request that is due, its first step that has not succeeded.
    fn claim(&mut self) -> Option<(RequestId, usize, u32)> {
        for request in &mut self.requests {
            let is_finished = !matches!(request.state, RequestState::Queued | RequestState::Running);
            if is_finished || self.in_hand.contains_key(&request.id) || self.now < request.waits_until {
                continue;
            }
            request.state = RequestState::Running;
            request.attempts[request.at] += 1;
            if request.at != INCIDENT {
                request.running = true;
                return Some((request.id, request.at, request.attempts[request.at]));
            }
            self.incidents += 1;
            (request.at, request.state) = (request.at + 1, RequestState::Succeeded);
        }
        None
    }

    fn finish(&mut self, order: &StepOrder, well: bool) {
        let now = self.now;
        let request = self.requests.iter_mut().find(|request| request.id == order.request).unwrap();
        let is_its_step = request.running && (request.at, request.attempts[order.at]) == (order.at, order.attempt);
        if !is_its_step {
            return;
        }
        request.running = false;
        if well {
            (request.at, request.failures) = (request.at + 1, 0);
            return;
        }
        request.failures += 1;
        if request.failures > RETRIES[order.at] {
            request.state = RequestState::Failed;
        } else {
            request.waits_until = now + (1 << (request.failures - 1));
        }
    }

    fn cancel(&mut self, nth: usize) -> bool {
        let request = &mut self.requests[nth];
        let may = matches!(request.state, RequestState::Queued | RequestState::Running);
        if may {
            (request.state, request.running, request.waits_until) = (RequestState::Cancelled, false, 0);
        }
        may
    }

    fn retry(&mut self, nth: usize, from_start: bool) -> bool {
        let request = &mut self.requests[nth];
        let may = matches!(request.state, RequestState::Failed | RequestState::Cancelled);
        if may {
            (request.state, request.failures, request.waits_until) = (RequestState::Queued, 0, 0);
            request.at = if from_start { 0 } else { request.at };
        }
        may
    }
}

/// The rules at work, and the model beside them.
struct Both {
    flows: Flows,
    workflow: WorkflowId,
    model: Model,
}

impl Both {
    fn new() -> Self {
        let (mut world, basics) = World::with_basics(World::on(redb_store()));
        let token = world.token(new_token("starter", "global"));
        let mut flows = Flows { world, basics, token };
        let workflow = flows.create(
            None,
            json!({ "steps": [
                { "name": "one", "run": { "program": "one.sh" } },
                { "name": "two", "run": { "program": "two.sh", "retries": 2 } },
                { "name": "note", "incident": { "service": "Ops/DB", "title": "done" } },
            ]}),
        );
        Self { flows, workflow, model: Model::default() }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Start => self.start(),
            Act::Claim => drop(self.claim()),
            Act::Finish { nth, well, twice } => {
                let Some(id) = self.model.in_hand.keys().nth(nth).copied() else { return };
                let order = self.model.in_hand.remove(&id).unwrap();
                for _ in 0..=usize::from(twice) {
                    self.flows.report(&order, (!well).then_some("status 1"));
                    self.model.finish(&order, well);
                }
            }
            Act::Crash => {
                self.flows.world.restart();
                self.model.in_hand.clear();
            }
            Act::Cancel(nth) => {
                let Some(id) = self.model.requests.get(nth).map(|request| request.id) else { return };
                let done = self.flows.world.admin(Command::CancelRequest(id, None)).is_ok();
                assert_eq!(done, self.model.cancel(nth));
            }
            Act::Retry { nth, from_start } => {
                let Some(id) = self.model.requests.get(nth).map(|request| request.id) else { return };
                let done = self.flows.world.admin(Command::RetryRequest(id, from_start)).is_ok();
                assert_eq!(done, self.model.retry(nth, from_start));
            }
            Act::Wait(secs) => {
                self.flows.world.wait(secs);
                self.model.now += secs;
            }
        }
        self.compare();
    }

    fn start(&mut self) {
        let id = self.flows.start(self.workflow, json!({ "n": self.model.requests.len() }));
        let state = RequestState::Queued;
        let fresh = Expected { id, state, at: 0, running: false, attempts: [0; 3], failures: 0, waits_until: 0 };
        self.model.requests.push(fresh);
    }

    /// Takes the order that must come, with the request's own id whatever happened before, and never one of a request that
    /// was cancelled.
    fn claim(&mut self) -> bool {
        let in_hand = self.model.in_hand.keys().copied().collect();
        let order = self.flows.turn(&Turn { in_hand, claim: true, ..Turn::default() }).order;
        let expected = self.model.claim();
        assert_eq!(order.as_ref().map(|order| (order.request, order.at, order.attempt)), expected);
        let Some(order) = order else { return false };
        self.model.in_hand.insert(order.request, order);
        true
    }

    fn compare(&self) {
        for expected in &self.model.requests {
            let record = self.flows.record(expected.id);
            let succeeded = record.runs.iter().take_while(|run| run.state == StepState::Succeeded).count();
            let attempts: Vec<u32> = record.runs.iter().map(|run| run.attempts).collect();
            assert_eq!((record.state, succeeded, record.failures), (expected.state, expected.at, expected.failures));
            assert_eq!(attempts, expected.attempts, "{expected:?}");
        }
        let notes: u64 = self.flows.world.incidents().iter().map(|head| head.occurrences).sum();
        assert_eq!(notes, self.model.incidents as u64, "an incident step is done once for each time it was reached");
    }

    /// From here on everything goes well: whatever has not ended ends.
    fn run_to_the_end(&mut self) {
        while self.model.requests.iter().any(|r| matches!(r.state, RequestState::Queued | RequestState::Running)) {
            self.act(Act::Wait(300));
            while self.claim() {}
            while !self.model.in_hand.is_empty() {
                self.act(Act::Finish { nth: 0, well: true, twice: false });
            }
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    let nth = 0..3_usize;
    prop_oneof![
        2 => Just(Act::Start),
        6 => Just(Act::Claim),
        6 => (nth.clone(), prop::bool::weighted(0.6), prop::bool::weighted(0.2))
            .prop_map(|(nth, well, twice)| Act::Finish { nth, well, twice }),
        2 => Just(Act::Crash),
        2 => nth.clone().prop_map(Act::Cancel),
        3 => (nth, any::<bool>()).prop_map(|(nth, from_start)| Act::Retry { nth, from_start }),
        3 => prop_oneof![Just(1_i64), Just(2), Just(4)].prop_map(Act::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whatever_ends_crashes_or_is_cancelled_every_step_is_done_at_least_once_and_none_after_a_cancel(
        acts in proptest::collection::vec(act(), 1..40),
    ) {
        let mut both = Both::new();
        both.act(Act::Start);
        acts.into_iter().for_each(|act| both.act(act));
        both.run_to_the_end();
    }
}
