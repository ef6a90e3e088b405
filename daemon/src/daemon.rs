//! What all rooms share: the snapshot, the lanes, the counters, the readers. A handle without decisions of its own.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore};
use tollgate_shared::api::OutcomeCounts;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use crate::automation::Automation;
use crate::backup::book::BackupBook;
use crate::clock::Clock;
use crate::core::call::redact::Redactor;
use crate::core::measures::Samplers;
use crate::core::model::Mac;
use crate::core::quota::Quotas;
use crate::core::registry::Registry;
use crate::edge::EdgeCounters;
use crate::events::Events;
use crate::files::key::TokenKey;
use crate::hour::Hour;
use crate::ids::Ids;
use crate::jobs::LOG_QUEUE_JOBS;
use crate::lanes::Lanes;
use crate::people::People;
use crate::refused::RefusedRing;
use crate::store::{LogReader, Reader};
use crate::tail::TailHub;
use crate::talkers::Talkers;
use crate::usage::UsageBook;

/// The shared state of one daemon.
pub struct Daemon {
    /// What it was started with.
    pub facts: Facts,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: Ids,
    /// The registry as it is in force now.
    pub registry: ArcSwap<Registry>,
    /// The way to the writer.
    pub lanes: Lanes,
    /// What tokens are used for.
    pub usage: UsageBook,
    /// How much of their quotas tokens have used.
    pub quotas: Quotas,
    /// Which calls of tokens that are logged in part are logged.
    pub samplers: Samplers,
    /// The newest log rows.
    pub tail: TailHub,
    /// Calls refused before a token was known.
    pub refused: RefusedRing,
    /// What changed, for consoles.
    pub events: Events,
    /// What is cut out before anything is written, but for operators' rules.
    pub built_in_redactor: Redactor,
    /// Incidents and audit, beside the writer.
    pub reader: Arc<dyn Reader>,
    /// The log, beside the log thread.
    pub log_reader: Arc<dyn LogReader>,
    /// Counts.
    pub meters: Meters,
    /// Counts of the TCP door.
    pub gate_edge: Arc<EdgeCounters>,
    /// Hashes secrets.
    pub mac_key: MacKey,
    /// What is known of people beside the registry.
    pub people: People,
    /// Rung when the filter index wants to be melted: then the background need not wait for its next round.
    pub melt: Notify,
    /// What steps may do, and the runner's bell.
    pub automation: Automation,
    /// Backups: the schedule, and what is on its way.
    pub backups: BackupBook,
    /// Runs over the log that may go on at a time, each on a thread of its own.
    pub trials: Arc<Semaphore>,
}

/// Runs over the log at a time: more would only take the processor from one another.
pub const TRIALS_MAX: usize = 2;

impl Daemon {
    /// What is cut out before anything is written, as the rules are now.
    pub fn redactor(&self) -> Redactor {
        self.built_in_redactor.with_rules(self.registry.load().redaction().rules.clone())
    }
}

/// What the daemon was started with.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its own uid: admin, as root is.
    pub uid: u32,
    /// The host's name.
    pub host: String,
    /// Where it takes calls.
    pub listen: SocketAddr,
    /// It takes them over TLS.
    pub tls: bool,
    /// Where it opens incidents about itself, as `Team/Service`.
    pub self_service: Option<String>,
    /// Where it talks to operators.
    pub socket: PathBuf,
    /// Where its files are.
    pub data_dir: PathBuf,
    /// When it started.
    pub started_at: Timestamp,
    /// Which log a cursor belongs to.
    pub store_id: u64,
    /// Bytes of a body at most.
    pub body_bytes_max: usize,
    /// Seconds that a resolved incident is kept (domain.md §6).
    pub incidents_kept_secs: i64,
}

impl Facts {
    /// The address that senders are given.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.listen)
    }
}

/// The key of the tokens' MACs, read from its file at the start. Neither printable nor comparable.
pub struct MacKey(TokenKey);

/// Counts since the start.
#[derive(Default)]
pub struct Meters {
    /// Calls by outcome.
    calls: [AtomicU64; Outcome::ALL.len()],
    /// Calls that found the lane full.
    pub overloaded: AtomicU64,
    /// Commits.
    pub commits: AtomicU64,
    /// Commits that failed.
    pub commits_failed: AtomicU64,
    /// Calls of the last batch.
    pub last_batch: AtomicU64,
    /// Log rows written.
    pub log_rows: AtomicU64,
    /// Log rows lost.
    pub log_rows_lost: AtomicU64,
    /// Refusals counted instead of logged.
    pub log_rows_not_logged: AtomicU64,
    /// True while the store cannot be written.
    pub store_down: AtomicBool,
    /// Batches of rows that wait for the log thread.
    log_waiting: AtomicU64,
    /// The last hour, for charts.
    pub hour: Hour,
    /// Who calls most now.
    pub talkers: Talkers,
    /// Calls of the running ten seconds and of the ten before.
    rate: RateMeter,
}

/// Calls per ten seconds, without a lock.
#[derive(Default)]
struct RateMeter {
    slot: AtomicU64,
    now: AtomicU64,
    before: AtomicU64,
}

impl MacKey {
    /// Takes the key.
    pub fn new(key: TokenKey) -> Self {
        Self(key)
    }

    /// The key's bytes, for an encrypted backup alone.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The MAC of a secret.
    pub fn mac(&self, secret: &str) -> Mac {
        Mac(*blake3::keyed_hash(self.0.expose(), secret.as_bytes()).as_bytes())
    }

    /// Tells whether a database was written with this key, without saying anything of the key.
    pub fn check_value(&self) -> [u8; 32] {
        *blake3::keyed_hash(self.0.expose(), b"tollgate: which key is this").as_bytes()
    }
}

impl Meters {
    /// Counts a call.
    pub fn count(&self, outcome: Outcome, now: Timestamp) {
        self.calls[outcome as usize].fetch_add(1, Ordering::Relaxed);
        self.rate.count(now);
        self.hour.count(outcome, now);
    }

    /// Counts a call that was refused before a token was known.
    pub fn unknown(&self, ip: Option<IpAddr>, now: Timestamp) {
        self.hour.unknown(now);
        self.talkers.unknown(ip, now);
    }

    /// Counts what was given up, in the counter that says what it was.
    pub fn dropped(&self, counter: &AtomicU64, count: u64, now: Timestamp) {
        if count > 0 {
            counter.fetch_add(count, Ordering::Relaxed);
            self.hour.dropped(count, now);
        }
    }

    /// A batch of rows is about to wait for the log thread.
    pub fn log_pushed(&self, now: Timestamp) {
        let waiting = self.log_waiting.fetch_add(1, Ordering::Relaxed) + 1;
        // One more waits with the writer, which is no place in the queue.
        self.hour.log_queued(waiting.min(LOG_QUEUE_JOBS as u64), now);
    }

    /// The log thread has taken a batch up, or there is none to take it.
    pub fn log_taken(&self) {
        let less = |waiting: u64| Some(waiting.saturating_sub(1));
        // It always gives a number, so this cannot fail.
        self.log_waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok();
    }

    /// Calls by outcome.
    pub fn calls(&self) -> OutcomeCounts {
        let mut counts = OutcomeCounts::default();
        for outcome in Outcome::ALL {
            *counts.of(outcome) = self.calls[outcome as usize].load(Ordering::Relaxed);
        }
        counts
    }

    /// Calls of the last ten whole seconds.
    pub fn per_10_secs(&self, now: Timestamp) -> u64 {
        self.rate.last(now)
    }
}

impl RateMeter {
    fn slot_of(now: Timestamp) -> u64 {
        now.as_secs().max(0).unsigned_abs() / 10
    }

    fn turn(&self, slot: u64) {
        let old = self.slot.load(Ordering::Relaxed);
        let won = old < slot && self.slot.compare_exchange(old, slot, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if won {
            let ended = self.now.swap(0, Ordering::Relaxed);
            self.before.store(if slot == old + 1 { ended } else { 0 }, Ordering::Relaxed);
        }
    }

    fn count(&self, now: Timestamp) {
        self.turn(Self::slot_of(now));
        self.now.fetch_add(1, Ordering::Relaxed);
    }

    fn last(&self, now: Timestamp) -> u64 {
        self.turn(Self::slot_of(now));
        self.before.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
pub(crate) mod testing;
