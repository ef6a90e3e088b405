//! Requests in memory: the unfinished ones, and what deduplication needs of those of the last 24 h. Payloads and outputs
//! stay on disk.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tollgate_shared::id::{RequestId, TokenId, WorkflowId};
use tollgate_shared::limits::DEDUP_WINDOW_SECS_MAX;
use tollgate_shared::time::Timestamp;
use tollgate_shared::workflow::Step;

use crate::core::call::fingerprint::Fingerprint;
use crate::core::workflows::{RequestBrief, RequestRecord};

/// Requests as of the last commit.
#[derive(Debug, Default)]
pub(super) struct Requests {
    unfinished: BTreeMap<RequestId, Arc<RequestRecord>>,
    /// Unfinished and recent ones.
    briefs: BTreeMap<RequestId, RequestBrief>,
    prints: HashMap<(TokenId, Fingerprint), Vec<RequestId>>,
    payload_bytes: u64,
    /// The steps of one version are read once: after a restart thousands of requests may share them.
    steps: HashMap<(WorkflowId, u64), Arc<Vec<Step>>>,
}

impl Requests {
    /// Takes in one that was read from disk.
    pub(super) fn load(&mut self, mut record: RequestRecord) {
        let shared = self.steps.entry((record.workflow, record.version)).or_insert_with(|| record.steps.clone());
        if **shared == *record.steps {
            record.steps = shared.clone();
        }
        self.put(record);
    }

    /// What is loaded is loaded; what shares steps keeps them.
    pub(super) fn loaded(&mut self) {
        self.steps = HashMap::new();
    }

    pub(super) fn put(&mut self, record: RequestRecord) {
        let (id, brief) = (record.id, record.brief());
        let payload = record.payload_bytes;
        let finished = record.state.is_finished();
        let before = if finished { self.unfinished.remove(&id) } else { self.unfinished.insert(id, Arc::new(record)) };
        self.payload_bytes -= before.map_or(0, |before| before.payload_bytes);
        self.payload_bytes += if finished { 0 } else { payload };
        if let Some(print) = brief.print {
            let ids = self.prints.entry(print).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        self.briefs.insert(id, brief);
    }

    pub(super) fn get(&self, id: RequestId) -> Option<&Arc<RequestRecord>> {
        self.unfinished.get(&id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.unfinished.keys().copied()
    }

    pub(super) fn load_of(&self) -> (usize, u64) {
        (self.unfinished.len(), self.payload_bytes)
    }

    pub(super) fn started_by(&self, token: TokenId, print: &Fingerprint) -> impl Iterator<Item = &RequestBrief> {
        let ids = self.prints.get(&(token, *print)).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.briefs.get(id))
    }

    /// Forgets finished ones that no window can reach any more.
    pub(super) fn forget_before(&mut self, now: Timestamp) {
        let cutoff = now.plus_secs(-i64::from(DEDUP_WINDOW_SECS_MAX));
        let old =
            self.briefs.values().filter(|brief| brief.created_at < cutoff && !self.unfinished.contains_key(&brief.id));
        let old: Vec<_> = old.map(|brief| brief.id).collect();
        self.forget(&old);
    }

    pub(super) fn forget(&mut self, gone: &[RequestId]) {
        for id in gone {
            let Some(print) = self.briefs.remove(id).and_then(|brief| brief.print) else { continue };
            if let Some(ids) = self.prints.get_mut(&print) {
                ids.retain(|other| other != id);
                if ids.is_empty() {
                    self.prints.remove(&print);
                }
            }
        }
    }
}
