//! One tail's listening at the ring: for the tokens that its query names, or for all.

use std::collections::BTreeSet;
use std::sync::Arc;

use tollgate_shared::id::TokenId;

use super::LogQuery;
use crate::daemon::Daemon;
use crate::tail::{Listener, Next};

/// A query that names more tokens than this, as a team may have, listens for all.
const TOKENS_MAX: usize = 64;

/// Listens until it is dropped.
pub(super) struct Ear {
    daemon: Arc<Daemon>,
    listener: Listener,
    /// Of the registry that the tokens are of.
    version: u64,
}

impl Ear {
    pub(super) fn new(daemon: &Arc<Daemon>, tokens: Option<&BTreeSet<TokenId>>, version: u64) -> Self {
        let listener = daemon.tail.listen(few(tokens), daemon.tail.newest());
        Self { daemon: daemon.clone(), listener, version }
    }

    pub(super) fn hear(&self, limit: usize) -> Next {
        self.daemon.tail.hear(&self.listener, limit)
    }

    pub(super) fn seek(&self, after: u64) {
        self.daemon.tail.seek(&self.listener, after);
    }

    pub(super) async fn rung(&self) {
        self.listener.rung().await;
    }

    /// Listens for what the query names now, from behind `after`; says whether that is anything else than before.
    pub(super) fn turns_to(&mut self, query: &LogQuery, after: u64) -> bool {
        if query.version() == self.version {
            return false;
        }
        self.version = query.version();
        let tokens = few(query.tokens());
        if tokens.as_ref() == self.listener.tokens() {
            return false;
        }
        let listener = self.daemon.tail.listen(tokens, after);
        self.daemon.tail.leave(&self.listener);
        self.listener = listener;
        true
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.daemon.tail.leave(&self.listener);
    }
}

fn few(tokens: Option<&BTreeSet<TokenId>>) -> Option<BTreeSet<TokenId>> {
    tokens.filter(|tokens| tokens.len() <= TOKENS_MAX).cloned()
}
