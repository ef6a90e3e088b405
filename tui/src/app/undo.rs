//! What this session changed and can take back, newest first. What is final is never among it.
//!
//! Before a change is sent, the change that would lead back is worked out from what is known then; after the answer it is
//! bound to the version that the answer named. Where somebody else has changed the object since, the daemon is told
//! nothing: undoing must not undo him.

mod back;

use std::collections::VecDeque;

use tollgate_shared::time::Timestamp;

use super::msg::{Call, Expect, Reply};

pub use back::of;

/// Changes that are kept.
const KEPT: usize = 50;

/// A change that can be taken back.
#[derive(Clone, Debug)]
pub struct Undoable {
    /// The number of the request that made the change.
    pub number: u64,
    pub at: Timestamp,
    /// What was changed: `zabbix-prod`.
    pub name: String,
    /// What it is now, and what it will be again.
    pub old: String,
    pub new: String,
    /// The request that leads back.
    pub call: Call,
    /// The command that does the same.
    pub cli: String,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub struct UndoList {
    /// Those whose answer has not come.
    waiting: Vec<Undoable>,
    /// The newest first.
    done: VecDeque<Undoable>,
}

impl UndoList {
    /// A change is under way.
    pub fn begin(&mut self, undoable: Option<Undoable>) {
        self.waiting.extend(undoable);
    }

    /// Its answer came; none = it was refused.
    pub fn end(&mut self, number: u64, reply: Option<&Reply>, now: Timestamp) {
        reply.into_iter().for_each(|reply| self.follow(reply));
        let Some(at) = self.waiting.iter().position(|one| one.number == number) else { return };
        let mut undoable = self.waiting.swap_remove(at);
        let Some(reply) = reply else { return };
        undoable.at = now;
        bind(&mut undoable, reply);
        self.done.push_front(undoable);
        self.done.truncate(KEPT);
    }

    /// What we did ourselves is none of somebody else's changes: where it led from the version that an older way back is
    /// bound to straight to the next one, that way is open still. One that was taken back frees the one before it so.
    fn follow(&mut self, reply: &Reply) {
        match reply {
            Reply::Token(token) => self.done.iter_mut().for_each(|one| one.rebind(token.id.as_str(), token.version)),
            Reply::Bulk(bulk) => {
                let of_all = |one: &mut Undoable| {
                    bulk.tokens.iter().for_each(|token| one.rebind(token.id.as_str(), token.version));
                };
                self.done.iter_mut().for_each(of_all);
            }
            Reply::Operator(row) => self.done.iter_mut().for_each(|one| one.rebind(&row.id.to_string(), row.version)),
            Reply::Workflow(row) => self.done.iter_mut().for_each(|one| one.rebind(&row.id.to_string(), row.version)),
            _ => {}
        }
    }

    #[must_use]
    pub fn get(&self, at: usize) -> Option<&Undoable> {
        self.done.get(at)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.done.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.done.is_empty()
    }

    /// The newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Undoable> {
        self.done.iter()
    }

    /// It was taken back, or cannot be any more.
    pub fn remove(&mut self, number: u64) {
        self.done.retain(|one| one.number != number);
    }
}

impl Undoable {
    /// Binds it to the version behind the one that it is bound to.
    fn rebind(&mut self, id: &str, next: u64) {
        let bound = match &mut self.call {
            Call::EditToken { token, version, .. } if token == id => version,
            Call::EditOperator { operator, version, .. } if operator == id => version,
            Call::SwitchWorkflow { workflow, version, .. } if workflow == id => version,
            Call::Guarded(expected, _) => {
                let of_it = expected.iter_mut().find_map(|one| match one {
                    Expect::Token { token, version } if token == id => Some(version),
                    _ => None,
                });
                let Some(version) = of_it else { return };
                version
            }
            _ => return,
        };
        if *bound + 1 == next {
            self.cli = self.cli.replace(&format!("--if-version {bound}"), &format!("--if-version {next}"));
            *bound = next;
        }
    }
}

/// Binds the way back to what the answer said the object is now.
fn bind(undoable: &mut Undoable, reply: &Reply) {
    let expected = match (&mut undoable.call, reply) {
        (Call::EditToken { version, .. }, Reply::Token(token)) => {
            *version = token.version;
            undoable.cli = undoable.cli.replace("--if-version 0", &format!("--if-version {}", token.version));
            Vec::new()
        }
        (Call::EditFilter { version, .. }, Reply::Filter(filter)) => {
            version.clone_from(&filter.version);
            Vec::new()
        }
        (Call::EditOperator { version, .. }, Reply::Operator(operator)) => {
            *version = operator.version;
            Vec::new()
        }
        (Call::SwitchWorkflow { version, .. }, Reply::Workflow(workflow)) => {
            *version = workflow.version;
            Vec::new()
        }
        (_, Reply::Token(token)) => vec![Expect::Token { token: token.id.to_string(), version: token.version }],
        (_, Reply::Incident(incident)) => {
            vec![Expect::Incident { incident: incident.head.id.to_string(), state: incident.head.state }]
        }
        (_, Reply::Service(service)) => {
            vec![Expect::Service { service: service.id.to_string(), enabled: service.enabled }]
        }
        (_, Reply::Bulk(bulk)) => {
            let expect = |token: &tollgate_shared::api::TokenView| Expect::Token {
                token: token.id.to_string(),
                version: token.version,
            };
            bulk.tokens.iter().map(expect).collect()
        }
        // Of incidents the number that is confirmed is the guard: the daemon leaves out what is not so any more.
        _ => Vec::new(),
    };
    if !expected.is_empty() {
        let call = std::mem::replace(&mut undoable.call, Call::SignOut);
        undoable.call = Call::Guarded(expected, Box::new(call));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use tollgate_shared::api::TokenView;

    fn suspended(number: u64) -> Undoable {
        let token = fixtures::token(5, "ups");
        let call = Call::Resume { token: token.id.to_string() };
        let (name, old, new) = (token.name, String::new(), String::new());
        Undoable { number, at: Timestamp::default(), name, old, new, call, cli: String::new() }
    }

    fn answer(version: u64) -> Reply {
        Reply::Token(Box::new(TokenView { version, ..fixtures::token(5, "ups") }))
    }

    fn bound(list: &UndoList, at: usize) -> u64 {
        match &list.get(at).unwrap().call {
            Call::Guarded(expected, _) => match expected[0] {
                Expect::Token { version, .. } => version,
                ref other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_older_way_back_stays_open_behind_our_own_changes_and_shuts_behind_others() {
        let now = Timestamp::default();
        let mut list = UndoList::default();
        list.begin(Some(suspended(1)));
        list.end(1, Some(&answer(7)), now);
        assert_eq!(bound(&list, 0), 7);
        list.begin(Some(suspended(2)));
        list.end(2, Some(&answer(8)), now);
        assert_eq!((bound(&list, 0), bound(&list, 1)), (8, 8), "ours led straight from one to the other");
        // The undo of the newer one, which has no way back of its own.
        list.end(3, Some(&answer(9)), now);
        list.remove(2);
        assert_eq!(bound(&list, 0), 9);
        list.end(4, Some(&answer(11)), now);
        assert_eq!(bound(&list, 0), 9, "somebody has changed it in between");
        list.end(5, None, now);
        assert_eq!(list.len(), 1);
    }
}
