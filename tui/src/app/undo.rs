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
        let Some(at) = self.waiting.iter().position(|one| one.number == number) else { return };
        let mut undoable = self.waiting.swap_remove(at);
        let Some(reply) = reply else { return };
        undoable.at = now;
        bind(&mut undoable, reply);
        self.done.push_front(undoable);
        self.done.truncate(KEPT);
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
