//! Who waits for which rows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tollgate_shared::id::TokenId;

/// Nothing that the reader asks for is new. No row has this seq.
const NOTHING: u64 = 0;

/// Wakes one reader, and holds its place.
#[derive(Debug)]
pub(super) struct Bell {
    /// The first seq that the reader has not seen and asks for. Changed under the ring's lock only.
    due: AtomicU64,
    rung: Notify,
}

/// A reader of the ring: its place, and what it asks for.
#[derive(Debug)]
pub struct Listener {
    bell: Arc<Bell>,
    /// `None` = rows of every token.
    tokens: Option<BTreeSet<TokenId>>,
}

/// All readers, found by what they ask for.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    all: Vec<Arc<Bell>>,
    by_token: HashMap<TokenId, Vec<Arc<Bell>>>,
}

// === impl Bell ===

impl Bell {
    pub(super) fn ring(&self) {
        self.rung.notify_one();
    }
}

// === impl Listener ===

impl Listener {
    pub(super) fn new(tokens: Option<BTreeSet<TokenId>>) -> Self {
        Self { bell: Arc::new(Bell { due: AtomicU64::new(NOTHING), rung: Notify::new() }), tokens }
    }

    /// Waits until there may be something new. Rung once for however many rows, until they are heard.
    pub async fn rung(&self) {
        self.bell.rung.notified().await;
    }

    /// The tokens whose rows are listened for; `None` = of every token.
    pub fn tokens(&self) -> Option<&BTreeSet<TokenId>> {
        self.tokens.as_ref()
    }

    /// A gap, which is of no token, is for everybody.
    pub(super) fn wants(&self, token: Option<TokenId>) -> bool {
        match (&self.tokens, token) {
            (Some(tokens), Some(token)) => tokens.contains(&token),
            _ => true,
        }
    }

    pub(super) fn due(&self) -> Option<u64> {
        Some(self.bell.due.load(Ordering::Relaxed)).filter(|due| *due != NOTHING)
    }

    pub(super) fn set_due(&self, due: Option<u64>) {
        self.bell.due.store(due.unwrap_or(NOTHING), Ordering::Relaxed);
    }
}

// === impl Listeners ===

impl Listeners {
    pub(super) fn add(&mut self, listener: &Listener) {
        let Some(tokens) = &listener.tokens else { return self.all.push(listener.bell.clone()) };
        for token in tokens {
            self.by_token.entry(*token).or_default().push(listener.bell.clone());
        }
    }

    pub(super) fn remove(&mut self, listener: &Listener) {
        let is_other = |bell: &Arc<Bell>| !Arc::ptr_eq(bell, &listener.bell);
        let Some(tokens) = &listener.tokens else { return self.all.retain(is_other) };
        for token in tokens {
            if let Some(bells) = self.by_token.get_mut(token) {
                bells.retain(is_other);
                if bells.is_empty() {
                    self.by_token.remove(token);
                }
            }
        }
    }

    /// Something of `token` (`None`: of nobody's, so everybody's) stands at `seq` now. Gives those to wake: a reader that
    /// knows of something already is not woken again before it has heard it.
    pub(super) fn due(&self, token: Option<TokenId>, seq: u64, rung: &mut Vec<Arc<Bell>>) {
        let mut mark = |bell: &Arc<Bell>| {
            let nothing = bell.due.compare_exchange(NOTHING, seq, Ordering::Relaxed, Ordering::Relaxed);
            if nothing.is_ok() {
                rung.push(bell.clone());
            }
        };
        self.all.iter().for_each(&mut mark);
        match token {
            Some(token) => self.by_token.get(&token).into_iter().flatten().for_each(&mut mark),
            None => self.by_token.values().flatten().for_each(&mut mark),
        }
    }
}
