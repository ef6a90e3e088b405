//! What the daemon asks of a store.

use std::collections::BTreeSet;
use std::sync::Arc;

use tollgate_shared::audit::AuditRow;
use tollgate_shared::id::{IncidentId, RequestId, ServiceId, TokenId};
use tollgate_shared::incident::{IncidentHead, IncidentState, TimelineEntry};
use tollgate_shared::priority::Priority;
use tollgate_shared::time::Timestamp;

use crate::core::audit::AuditHead;
use crate::core::call::fingerprint::Fingerprint;
use crate::core::call::idempotency::IdempotencyKey;
use crate::core::measures::Measures;
use crate::core::model::{
    AnswerPlace, Answered, Backups, ClockSteps, DeadSecret, DedupEntry, FilterRecord, IncidentBody, KeptQuery,
    Lockdown, Maintenance, Operator, RedactionRules, RegistryChange, Restored, Service, StoredAnswer, Team, Token,
    TokenOptions, Tombstone, UsageRecord,
};
use crate::core::workflows::{RequestBrief, RequestRecord, StepOutput, Workflow};

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is of a newer format than this program knows.
    #[error(
        "{file} has format version {found}, this program knows up to {known}; start the newer tollgated that wrote it"
    )]
    NewerFormat {
        /// Which file.
        file: String,
        /// The version it has.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The database was written with another token key.
    #[error("the token key file is not the one that {file} was written with; restore the matching token.key")]
    ForeignKey {
        /// Which file.
        file: String,
    },
    /// Reading or writing failed. After a failed commit its outcome is unknown: reopen before going on.
    #[error("{doing} failed")]
    Io {
        /// What was being done, as `open state.redb`.
        doing: String,
        /// The engine's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row does not decode, or rows contradict each other.
    #[error("{what} is damaged: {detail}; stop the daemon and run tollgated check")]
    Damaged {
        /// Which row of which table.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// Everything that the daemon keeps in memory, as it stands on disk.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All teams.
    pub teams: Vec<Team>,
    /// All services.
    pub services: Vec<Service>,
    /// All filters.
    pub filters: Vec<FilterRecord>,
    /// All living tokens.
    pub tokens: Vec<Token>,
    /// All tombstones.
    pub tombstones: Vec<Tombstone>,
    /// All dead secrets.
    pub dead_secrets: Vec<DeadSecret>,
    /// All workflows.
    pub workflows: Vec<Workflow>,
    /// All operators.
    pub operators: Vec<Operator>,
    /// Queries that operators keep.
    pub kept_queries: Vec<KeptQuery>,
    /// What some tokens can besides.
    pub token_options: Vec<(TokenId, TokenOptions)>,
    /// What is set on some tokens for a time.
    pub measures: Vec<(TokenId, Measures)>,
    /// All maintenances, planned and running.
    pub maintenances: Vec<Maintenance>,
    /// Set while ingestion is locked down.
    pub lockdown: Option<Lockdown>,
    /// Set from a restore until its review.
    pub restored: Option<Restored>,
    /// The last backups that are known of.
    pub backups: Backups,
    /// What operators have cut from calls.
    pub redaction: RedactionRules,
    /// What the wall clock was set forward by, as long as erasing waits for it.
    pub clock_steps: ClockSteps,
    /// Usage of tokens and tombstones.
    pub usage: Vec<(TokenId, UsageRecord)>,
    /// The latest moment that any commit has seen: the clock never goes behind it.
    pub high_water: Timestamp,
    /// The next log seq that the state will give out.
    pub next_log_seq: u64,
    /// Random, made with the database: which log a cursor belongs to.
    pub store_id: u64,
}

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// False where nothing had changed and nothing was written.
    pub wrote: bool,
    /// Rows of incident heads that were written: one for each incident that the batch touched, however often.
    pub incident_rows: usize,
}

/// What the core sees and changes while it decides one batch: memory as of the last commit plus this batch's own changes.
/// Nothing that is put is visible outside before the commit is durable.
pub trait View {
    /// The open incident of a service with this key.
    fn open_incident(&self, service: ServiceId, key: &str) -> Option<IncidentId>;

    /// An open incident's head, or that of one resolved in this very batch. `None` for any other id.
    fn incident(&self, id: IncidentId) -> Option<IncidentHead>;

    /// How many incidents of a service are open.
    fn open_count(&self, service: ServiceId) -> u32;

    /// How many incidents are open.
    fn open_total(&self) -> usize;

    /// The open overflow incident of a service.
    fn overflow_incident(&self, service: ServiceId) -> Option<IncidentId>;

    /// What is remembered of a token's call, however old: the caller judges the window.
    fn dedup(&self, token: TokenId, fingerprint: &Fingerprint) -> Option<DedupEntry>;

    /// A request, finished or not, with this batch's changes.
    fn request(&self, id: RequestId) -> Option<Arc<RequestRecord>>;

    /// Requests that are queued or running, the oldest first.
    fn unfinished(&self) -> Vec<RequestId>;

    /// How many those are, and the bytes of their payloads.
    fn unfinished_load(&self) -> (usize, u64);

    /// Requests that equal calls of a token have started in the last 24 h.
    fn started_by(&self, token: TokenId, fingerprint: &Fingerprint) -> Vec<RequestBrief>;

    /// Inserts or replaces a request.
    fn put_request(&mut self, record: RequestRecord);

    /// Writes the payload of a request.
    fn put_request_payload(&mut self, id: RequestId, payload: String);

    /// Takes the payload of a request away.
    fn drop_request_payload(&mut self, id: RequestId);

    /// Inserts or replaces the output of a request's step.
    fn put_request_output(&mut self, id: RequestId, step: usize, output: StepOutput);
    /// What was answered under an idempotency key, however long ago: the caller judges that.
    fn answered(&self, key: &IdempotencyKey) -> Option<Answered>;

    /// Inserts or replaces a head. One whose state is resolved is no longer found by its key.
    fn put_incident(&mut self, head: IncidentHead);

    /// Writes the part that is written once.
    fn put_incident_body(&mut self, id: IncidentId, body: IncidentBody);

    /// Adds an entry. `Attached` after `Attached` is merged into it (count, last_at, event); beyond 200 entries the oldest
    /// but the first goes.
    fn add_timeline(&mut self, id: IncidentId, entry: TimelineEntry);

    /// Remembers a call. Keeps the bounds of domain.md §4: at most 1,000,000 entries, a token a quarter; the oldest goes.
    fn remember(&mut self, token: TokenId, fingerprint: Fingerprint, entry: DedupEntry);

    /// Remembers an answer under its key. Keeps at most 100,000; the oldest goes.
    fn remember_answer(&mut self, key: IdempotencyKey, answer: StoredAnswer);

    /// Changes the registry on disk (the snapshot in memory is the caller's).
    fn put_registry(&mut self, change: RegistryChange);

    /// Inserts or replaces a token's usage.
    fn put_usage(&mut self, token: TokenId, usage: UsageRecord);

    /// Adds an audit row; its `seq`, `previous` and `hash` are given here; returns the seq.
    fn audit(&mut self, row: AuditRow) -> u64;

    /// Gives out the next log seq. On disk with the next commit that writes something; giving one out does not by
    /// itself make a commit write. One that was given out is never given out again, also where the commit fails and the
    /// store is reopened: rows with it may be on their way to the log.
    fn next_log_seq(&mut self) -> u64;
}

/// The state: registry, usage, incidents, deduplication, audit. Owned by the writer thread.
pub trait Store: Send {
    /// Reads everything that lives in memory.
    ///
    /// # Errors
    /// Damage, or a format or key that does not fit.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// The next log seq will be at least `next`. Called once the log's last row is known: a seq that is in the log is
    /// never given out again, also where the state was restored from an older copy.
    fn raise_log_seq(&mut self, next: u64);

    /// One transaction: lets `decide` read and change the view, then writes all changes and makes them durable, then lets
    /// them into memory. Where `decide` changed nothing, nothing is written. `now` raises the high-water mark.
    ///
    /// # Errors
    /// The outcome on disk is unknown; nothing has entered memory; call [`Store::reopen`] before anything else.
    fn commit(&mut self, now: Timestamp, decide: &mut dyn FnMut(&mut dyn View)) -> Result<Committed, StoreError>;

    /// Closes and opens the files again and rebuilds memory from disk.
    ///
    /// # Errors
    /// As at the first opening.
    fn reopen(&mut self) -> Result<Loaded, StoreError>;

    /// Forgets deduplication entries that no window can reach any more, and idempotency keys (both after 24 h).
    ///
    /// # Errors
    /// As [`Store::commit`].
    fn sweep_dedup(&mut self, now: Timestamp) -> Result<(), StoreError>;

    /// Deletes incidents resolved before `cutoff`, at most `limit` in one transaction; returns how many.
    ///
    /// # Errors
    /// As [`Store::commit`].
    fn drop_resolved_before(&mut self, cutoff: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// Deletes requests that ended before `cutoff`, and the oldest beyond `keep_max` ended ones, at most `limit` in one
    /// transaction; returns how many.
    ///
    /// # Errors
    /// As [`Store::commit`].
    fn drop_finished_requests(&mut self, cutoff: Timestamp, keep_max: usize, limit: usize)
    -> Result<usize, StoreError>;

    /// A handle for reading beside the writer; it survives [`Store::reopen`].
    fn reader(&self) -> Arc<dyn Reader>;

    /// Flushes and closes.
    ///
    /// # Errors
    /// The files may not be complete.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// Which incidents a page shall hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Only of these services; empty = all.
    pub services: BTreeSet<ServiceId>,
    /// Only in these states; empty = all.
    pub states: Vec<IncidentState>,
    /// Only of these priorities; empty = all.
    pub priorities: Vec<Priority>,
    /// Only those that this token opened.
    pub token: Option<TokenId>,
    /// Only those with this text, in lower case, in title or key.
    pub text: Option<String>,
    /// Only those opened since.
    pub since: Option<Timestamp>,
}

/// Rows that one transaction of a [`Reader`] looks at: a long one pins pages that the writer has left behind.
pub const SCAN_ROWS_MAX: usize = 1_000;

impl IncidentFilter {
    /// Whether an incident is one of those asked for.
    pub fn passes(&self, head: &IncidentHead) -> bool {
        (self.services.is_empty() || self.services.contains(&head.service))
            && (self.states.is_empty() || self.states.contains(&head.state))
            && (self.priorities.is_empty() || self.priorities.contains(&head.priority))
            && self.token.is_none_or(|token| token == head.token)
            && self.since.is_none_or(|since| head.first_seen >= since)
            && self.text.as_deref().is_none_or(|text| holds(head, text))
    }
}

fn holds(head: &IncidentHead, text: &str) -> bool {
    head.title.to_lowercase().contains(text) || head.key.as_ref().is_some_and(|key| key.to_lowercase().contains(text))
}

/// A page of the audit trail, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The rows.
    pub rows: Vec<AuditRow>,
    /// Give it as `before` for the next page.
    pub next: Option<u64>,
}

/// A request with what is stored apart from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeRequest {
    /// The request.
    pub record: RequestRecord,
    /// Its payload, until it has succeeded.
    pub payload: Option<String>,
    /// The outputs of its steps by their places.
    pub outputs: Vec<(usize, StepOutput)>,
}

/// Reads beside the writer, in short transactions: what was committed when the call began.
pub trait Reader: Send + Sync {
    /// A page of heads, newest first, older than `before` where given; scans at most a bounded number of rows, so a page
    /// may be short although `next` is given. Returns the rows and the id to go on before.
    ///
    /// # Errors
    /// I/O or damage.
    fn incidents(
        &self,
        filter: &IncidentFilter,
        before: Option<IncidentId>,
        limit: usize,
    ) -> Result<(Vec<IncidentHead>, Option<IncidentId>), StoreError>;

    /// One incident whole.
    ///
    /// # Errors
    /// I/O or damage.
    fn incident(&self, id: IncidentId) -> Result<Option<(IncidentHead, IncidentBody, Vec<TimelineEntry>)>, StoreError>;

    /// The descriptions of incidents, of the first [`SCAN_ROWS_MAX`]; one that is gone is left out.
    ///
    /// # Errors
    /// I/O or damage.
    fn descriptions(&self, ids: &[IncidentId]) -> Result<Vec<(IncidentId, String)>, StoreError>;

    /// The document of an answer that was remembered; `None` where it is no longer kept.
    ///
    /// # Errors
    /// I/O or damage.
    fn stored_answer(&self, place: AnswerPlace) -> Result<Option<Vec<u8>>, StoreError>;

    /// Ids whose text contains `hint` (lower case, hyphens ignored), at most `limit`, newest first.
    ///
    /// # Errors
    /// I/O or damage.
    fn incident_ids_like(&self, hint: &str, limit: usize) -> Result<Vec<IncidentId>, StoreError>;

    /// Open incidents: all, and those of priority P1; and of one service where asked.
    fn open_counts(&self, service: Option<ServiceId>) -> (u32, u32);

    /// A page of requests that `pass`, newest first, older than `before` where given; only unfinished ones where asked.
    /// Scans at most a bounded number of rows, so a page may be short although the id to go on before is given.
    ///
    /// # Errors
    /// I/O or damage.
    fn requests(
        &self,
        only_unfinished: bool,
        before: Option<RequestId>,
        limit: usize,
        pass: &dyn Fn(&RequestRecord) -> bool,
    ) -> Result<(Vec<RequestRecord>, Option<RequestId>), StoreError>;

    /// One request whole.
    ///
    /// # Errors
    /// I/O or damage.
    fn request(&self, id: RequestId) -> Result<Option<WholeRequest>, StoreError>;

    /// Ids of requests whose text contains `hint` (lower case, hyphens ignored), at most `limit`, newest first.
    ///
    /// # Errors
    /// I/O or damage.
    fn request_ids_like(&self, hint: &str, limit: usize) -> Result<Vec<RequestId>, StoreError>;

    /// A page of the audit trail.
    ///
    /// # Errors
    /// I/O or damage.
    fn audit(&self, before: Option<u64>, limit: usize) -> Result<AuditPage, StoreError>;

    /// Audit rows after a seq, rising, at most `limit`: for walking the chain from its beginning.
    ///
    /// # Errors
    /// I/O or damage.
    fn audit_after(&self, after: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError>;

    /// Where the audit's chain ends.
    ///
    /// # Errors
    /// I/O or damage.
    fn audit_head(&self) -> Result<AuditHead, StoreError>;
}

/// Rows looked at for one page of incidents: enough that an ordinary page is full, few enough that it comes at once.
pub const PAGE_SCAN_ROWS: usize = 10_000;

/// A page of incidents out of several short transactions: full, or short although there is more where the filter fits few.
///
/// # Errors
/// As [`Reader::incidents`].
pub fn incident_page(
    reader: &dyn Reader,
    filter: &IncidentFilter,
    before: Option<IncidentId>,
    limit: usize,
) -> Result<(Vec<IncidentHead>, Option<IncidentId>), StoreError> {
    let (mut heads, mut next) = reader.incidents(filter, before, limit)?;
    let mut scanned = SCAN_ROWS_MAX;
    while let Some(from) = next.filter(|_| heads.len() < limit && scanned < PAGE_SCAN_ROWS) {
        let (more, after) = reader.incidents(filter, Some(from), limit - heads.len())?;
        heads.extend(more);
        next = after;
        scanned += SCAN_ROWS_MAX;
    }
    Ok((heads, next))
}
