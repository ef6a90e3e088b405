//! Random histories of calls against a model so plain that it is right by inspection: one service, keys, no registry.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::Value;
use tollgate_shared::incident::IncidentState;
use tollgate_shared::outcome::Outcome;

use crate::core::admin::Command;
use crate::core::testing::{World, fire, recover, unkeyed};
use crate::store::testing::redb_store;

const KEYS: [&str; 3] = ["a", "b", "c"];
const WINDOW_SECS: i64 = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sent {
    Fire(usize),
    Recover(usize),
    Unkeyed(usize),
}

#[derive(Clone, Debug)]
enum Step {
    Batch(Vec<Sent>),
    /// So many calls without a key, each another one.
    Storm(usize),
    ResolveByHand(usize),
    Restart,
    Wait(i64),
}

/// What an incident must look like.
#[derive(Debug, PartialEq)]
struct Expected {
    open: bool,
    occurrences: u64,
    duplicates: u64,
}

/// A key and what was open under it.
type Left = (usize, Option<usize>);

#[derive(Default)]
struct Model {
    now: i64,
    incidents: Vec<Expected>,
    open: HashMap<usize, usize>,
    /// When incidents without a key were opened, since the start.
    paced: Vec<i64>,
    overflow: Option<usize>,
    /// When, the incident touched, and what was left.
    remembered: HashMap<Sent, (i64, usize, Option<Left>)>,
}

impl Model {
    fn send(&mut self, sent: Sent) -> Outcome {
        if let Some((at, touched, left)) = self.remembered.get(&sent).copied() {
            let stands = match left {
                Some((key, open)) => self.open.get(&key).copied() == open,
                None => self.incidents[touched].open,
            };
            if self.now < at + WINDOW_SECS && stands {
                let incident = &mut self.incidents[touched];
                incident.duplicates += u64::from(incident.open);
                return Outcome::Duplicate;
            }
        }
        let (outcome, touched, left) = match sent {
            Sent::Unkeyed(_) => {
                let (outcome, touched) = self.unkeyed();
                (outcome, touched, None)
            }
            Sent::Fire(key) => match self.open.get(&key).copied() {
                Some(open) => {
                    self.incidents[open].occurrences += 1;
                    (Outcome::Attached, open, Some((key, Some(open))))
                }
                None => {
                    let new = self.create();
                    self.open.insert(key, new);
                    (Outcome::Created, new, Some((key, Some(new))))
                }
            },
            Sent::Recover(key) => {
                let Some(open) = self.open.remove(&key) else { return Outcome::NoMatch };
                self.incidents[open].open = false;
                (Outcome::Resolved, open, Some((key, None)))
            }
        };
        self.remembered.insert(sent, (self.now, touched, left));
        outcome
    }

    /// At most a hundred in any sixty seconds; what is beyond goes to the one that is open for that.
    fn unkeyed(&mut self) -> (Outcome, usize) {
        self.paced.retain(|at| self.now - at < 60);
        if self.paced.len() < 100 {
            self.paced.push(self.now);
            return (Outcome::Created, self.create());
        }
        if let Some(open) = self.overflow.filter(|at| self.incidents[*at].open) {
            self.incidents[open].occurrences += 1;
            return (Outcome::Attached, open);
        }
        let new = self.create();
        self.overflow = Some(new);
        (Outcome::Created, new)
    }

    fn create(&mut self) -> usize {
        self.incidents.push(Expected { open: true, occurrences: 1, duplicates: 0 });
        self.incidents.len() - 1
    }
}

impl Sent {
    fn body(self) -> Value {
        match self {
            Self::Fire(key) => fire(KEYS[key]),
            Self::Recover(key) => recover(KEYS[key]),
            Self::Unkeyed(text) => unkeyed(KEYS[text]),
        }
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![4 => (0..3_usize).prop_map(Sent::Fire), 3 => (0..3_usize).prop_map(Sent::Recover), 1 => (0..2_usize).prop_map(Sent::Unkeyed)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec(sent(), 1..6).prop_map(Step::Batch),
        2 => prop_oneof![Just(1_i64), Just(59), Just(60), Just(299), Just(300), Just(599), Just(600)].prop_map(Step::Wait),
        1 => (60..130_usize).prop_map(Step::Storm),
        1 => prop_oneof![0..8_usize, 95..110_usize].prop_map(Step::ResolveByHand),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_do_what_the_model_does(steps in proptest::collection::vec(step(), 1..40)) {
        let (mut world, b) = World::with_basics(World::on(redb_store()));
        let (mut model, mut told) = (Model::default(), 0);
        for step in steps {
            match step {
                Step::Batch(batch) => {
                    let bodies: Vec<_> = batch.iter().map(|sent| sent.body()).collect();
                    let decided: Vec<_> = world.batch(b.token, &bodies).into_iter().map(|d| d.outcome).collect();
                    let expected: Vec<_> = batch.into_iter().map(|sent| model.send(sent)).collect();
                    prop_assert_eq!(decided, expected);
                }
                Step::Storm(calls) => {
                    let bodies: Vec<_> = (told..told + calls).map(|number| unkeyed(&format!("storm {number}"))).collect();
                    told += calls;
                    let decided: Vec<_> = world.batch(b.token, &bodies).into_iter().map(|d| d.outcome).collect();
                    let expected: Vec<_> = bodies.iter().map(|_| model.unkeyed().0).collect();
                    prop_assert_eq!(decided, expected);
                }
                Step::ResolveByHand(nth) => {
                    let heads = world.incidents();
                    let Some(head) = heads.get(nth) else { continue };
                    let done = world.admin(Command::Resolve(head.id, None)).is_ok();
                    prop_assert_eq!(done, model.incidents[nth].open);
                    model.incidents[nth].open = false;
                    model.open.retain(|_, open| *open != nth);
                }
                Step::Restart => {
                    world.restart();
                    model.paced.clear();
                }
                Step::Wait(secs) => {
                    world.wait(secs);
                    model.now += secs;
                }
            }
            let found: Vec<_> = world.incidents().into_iter().map(|head| Expected {
                open: head.state != IncidentState::Resolved,
                occurrences: head.occurrences,
                duplicates: head.duplicates,
            }).collect();
            prop_assert_eq!(&found, &model.incidents);
        }
    }
}
