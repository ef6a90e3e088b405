//! What the daemon finds wrong about itself, and how that becomes incidents on a configured service: one key for each
//! thing, opened once, resolved when it is over. Nobody has to ask, which on a host without mail nobody does.
//!
//! [`judge`] says what is wrong at one moment, [`settle`] puts it into a batch of the writer.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_shared::id::{CallId, FilterId, IncidentId, ServiceId, TokenId};
use tollgate_shared::incident::{IncidentHead, IncidentState, TimelineEntry, TimelineEvent};
use tollgate_shared::priority::Priority;
use tollgate_shared::time::Timestamp;

use super::call::Call;
use super::decide::{Bench, Origin, fire_once};
use super::model::Token;
use super::registry::Registry;
use super::routing::TriggerPlan;

/// A used token that ends within this is a concern (operator.md, Decisions).
pub const EXPIRING_SECS: i64 = 7 * DAY_SECS;
/// A token is used as long as its last call is no older.
pub const USED_SECS: i64 = 30 * DAY_SECS;
/// The latest that the end of an overlap becomes a concern before it; of a short one the last quarter.
pub const OVERLAP_SECS: i64 = DAY_SECS;
/// A host that was cut off by the end of an overlap is looked for so long.
pub const CUT_OFF_SECS: i64 = 7 * DAY_SECS;
/// What happens in bursts is over when it has not happened for so long.
pub const QUIET_SECS: i64 = 600;
/// Incidents that the daemon keeps open about itself; one more says how many there would be.
pub const CONCERNS_MAX: usize = 100;

const DAY_SECS: i64 = 86_400;
const GIB: u64 = 1 << 30;
/// Below this, and below a tenth of it, the disk is short (storage.md).
const DISK_SHORT: u64 = 2 * GIB;
/// Below this, and below 3 % of it, the next write may fail.
const DISK_FULL: u64 = GIB / 4;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// Its correlation key; the same as long as it is the same thing.
    pub key: String,
    /// True for as long as the incident is open: no figures that move.
    pub title: String,
    /// What it means and what to do.
    pub description: String,
    /// How bad it is now.
    pub priority: Priority,
}

/// What is known of the use of tokens.
pub trait Uses {
    /// The last accepted call of a token.
    fn last_use(&self, token: TokenId) -> Option<Timestamp>;

    /// When a call of it was last refused for its limit.
    fn limited_at(&self, token: TokenId) -> Option<Timestamp>;

    /// Of the hosts that called since `since`: those that have the old secret, and all. `rotated`: when the overlap that
    /// runs began.
    fn on_old_secret(&self, token: TokenId, rotated: Option<Timestamp>, since: Timestamp) -> (u32, u32);
}

/// Free and all bytes of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Free for the daemon.
    pub free: u64,
    /// All.
    pub total: u64,
}

/// What the daemon knows of itself at one moment.
pub struct Observed<'a> {
    /// Its tokens.
    pub registry: &'a Registry,
    /// Their use.
    pub uses: &'a dyn Uses,
    /// The disk with its files, where it could be asked.
    pub disk: Option<Disk>,
    /// When a row of the log was last lost.
    pub rows_lost_at: Option<Timestamp>,
    /// When a call was last turned away because the queue was full.
    pub overloaded_at: Option<Timestamp>,
    /// When a connection was last turned away for a limit.
    pub connections_at: Option<Timestamp>,
    /// The scheduled backup is behind (twice its interval), or its last try failed; false where there is no schedule.
    pub backup_overdue: bool,
    /// See `backup_overdue`.
    pub backup_failed: bool,
    /// Keys of its incidents that are open.
    pub open: &'a BTreeSet<String>,
    /// Now.
    pub now: Timestamp,
}

/// What was told since the start, with its priority: what somebody resolved by hand stays so until it gets worse.
pub type Told = BTreeMap<String, Priority>;

/// What came of [`settle`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// What is told from now on, if the commit succeeds.
    pub told: Told,
    /// Incidents opened, raised or resolved.
    pub changed: u32,
}

/// Everything that is wrong now: the worst first, at most [`CONCERNS_MAX`] and one that counts the rest.
pub fn judge(seen: &Observed<'_>) -> Vec<Concern> {
    let of_tokens = seen.registry.tokens().flat_map(|token| {
        [expiring(seen, token), on_old_secret(seen, token), over_its_limit(seen, token)].into_iter().flatten()
    });
    let of_daemon =
        [disk(seen), backup(seen), rows_lost(seen), overloaded(seen), connections(seen)].into_iter().flatten();
    let mut all: Vec<Concern> = of_tokens.chain(of_daemon).collect();
    all.sort_by(|a, b| (a.priority, &a.key).cmp(&(b.priority, &b.key)));
    if all.len() > CONCERNS_MAX {
        let left = all.split_off(CONCERNS_MAX);
        all.push(more(&left));
    }
    all
}

/// A used token that ends within a week, or has ended and was not revoked: its senders are or will be cut off.
fn expiring(seen: &Observed<'_>, token: &Token) -> Option<Concern> {
    let end = token.expires_at.filter(|end| *end < seen.now.plus_secs(EXPIRING_SECS))?;
    seen.uses.last_use(token.id).filter(|at| seen.now < at.plus_secs(USED_SECS))?;
    let soon = end < seen.now.plus_secs(DAY_SECS);
    Some(Concern {
        key: format!("expires:{}", token.id),
        title: format!("Token {} ends {}", token.name, minute(end)),
        description: format!(
            "It is in use; from then on its calls are answered 401. `tollgate token refresh {0}` extends it, \
             `tollgate token sources {0}` shows who sends.",
            token.id
        ),
        priority: if soon { Priority::P2 } else { Priority::P3 },
    })
}

/// Hosts that still have the old secret of a rotation when its overlap ends, or that were cut off by its end.
fn on_old_secret(seen: &Observed<'_>, token: &Token) -> Option<Concern> {
    let runs = token.overlap.filter(|overlap| overlap.runs(seen.now));
    let (rotated, since) = match runs {
        Some(overlap) => {
            let notice = (overlap.until.secs_since(overlap.since) / 4).min(OVERLAP_SECS);
            if seen.now < overlap.until.plus_secs(-notice) {
                return None;
            }
            (Some(overlap.since), overlap.since.plus_secs(-USED_SECS))
        }
        None if token.rotations == 0 => return None,
        None => (None, seen.now.plus_secs(-CUT_OFF_SECS)),
    };
    let (old, all) = seen.uses.on_old_secret(token.id, rotated, since);
    if old == 0 {
        return None;
    }
    let when = runs.map_or_else(|| "is over".to_owned(), |overlap| format!("ends {}", minute(overlap.until)));
    Some(Concern {
        key: format!("overlap:{}:{}", token.id, token.rotations),
        title: format!("The old secret of {} {when}, and hosts still have it", token.name),
        description: format!(
            "{old} of {all} hosts when this was opened. `tollgate token sources {0}` shows which; while the overlap runs, \
             `tollgate token overlap extend {0} --for 24h` gives them time.",
            token.id
        ),
        priority: if runs.is_some() { Priority::P3 } else { Priority::P2 },
    })
}

/// Calls of a token are being lost to its limit.
fn over_its_limit(seen: &Observed<'_>, token: &Token) -> Option<Concern> {
    lately(seen, seen.uses.limited_at(token.id))?;
    Some(Concern {
        key: format!("limit:{}", token.id),
        title: format!("Token {} is over its limit: calls are refused, alerts may be lost", token.name),
        description: format!(
            "They are answered 429. `tollgate token sources {0}` shows who sends so much, \
             `tollgate token edit {0} --rate N/min` changes the limit.",
            token.id
        ),
        priority: Priority::P2,
    })
}

/// The disk has little room. Once it was short it must gain a tenth to count as well again.
fn disk(seen: &Observed<'_>) -> Option<Concern> {
    let disk = seen.disk?;
    let short = DISK_SHORT.min(disk.total / 10);
    let bound = if seen.open.contains(DISK) { short + short / 10 } else { short };
    let full = disk.free < DISK_FULL.min(disk.total / 100 * 3);
    (disk.free < bound).then(|| Concern {
        key: DISK.to_owned(),
        title: "The disk with tollgated's files is nearly full".to_owned(),
        description: format!(
            "{} MiB were free when this was opened. Without room rows of the log are lost first, then calls are \
             answered 503. `tollgate status` says how much the log takes.",
            disk.free >> 20
        ),
        priority: if full { Priority::P1 } else { Priority::P2 },
    })
}

const DISK: &str = "disk";

fn rows_lost(seen: &Observed<'_>) -> Option<Concern> {
    lately(seen, seen.rows_lost_at)?;
    let description = "The calls were decided and answered; only what the debug log would have shown of them is \
                       missing. tollgated's own log says why, `tollgate status` counts them.";
    Some(Concern::of("log-rows", "Rows of the API log are being lost", description, Priority::P3))
}

fn overloaded(seen: &Observed<'_>) -> Option<Concern> {
    lately(seen, seen.overloaded_at)?;
    let description = "They were answered 503 with Retry-After: senders that try again lose nothing. `tollgate status \
                       --hour` shows the queue.";
    Some(Concern::of("queue", "Calls found the queue full and were turned away", description, Priority::P2))
}

/// Nobody looks for a backup before he needs one.
fn backup(seen: &Observed<'_>) -> Option<Concern> {
    let (title, priority) = match (seen.backup_overdue, seen.backup_failed) {
        (true, _) => ("The scheduled backup is overdue", Priority::P2),
        (false, true) => ("The scheduled backup failed", Priority::P3),
        (false, false) => return None,
    };
    let description =
        "`tollgate status` says why, and how old the last good one is; `tollgate backup FILE` makes one by hand.";
    Some(Concern::of("backup", title, description, priority))
}

fn connections(seen: &Observed<'_>) -> Option<Concern> {
    lately(seen, seen.connections_at)?;
    let description = "There were too many at once, in all or of one address: `tollgated config` shows \
                       gate.connections and gate.connections_per_address.";
    Some(Concern::of("connections", "Connections were turned away for a limit", description, Priority::P3))
}

impl Concern {
    fn of(key: &str, title: &str, description: &str, priority: Priority) -> Self {
        Self { key: key.to_owned(), title: title.to_owned(), description: description.to_owned(), priority }
    }
}

fn more(left: &[Concern]) -> Concern {
    let priority = left.iter().map(|one| one.priority).min().unwrap_or_default();
    let description =
        format!("{} when this was opened. `tollgate expiring` and `tollgate hygiene` list them.", left.len());
    Concern::of("more", "More is wrong than has an incident of its own", &description, priority)
}

fn lately(seen: &Observed<'_>, at: Option<Timestamp>) -> Option<Timestamp> {
    at.filter(|at| seen.now < at.plus_secs(QUIET_SECS))
}

fn minute(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d %H:%MZ").to_string()
}

/// Opens what is new, raises what got worse, resolves what is over. `open`: the daemon's open incidents as they were read
/// beside the writer. A service under maintenance gets none; they come when that is over.
pub fn settle(
    bench: &mut Bench<'_>,
    service: ServiceId,
    concerns: &[Concern],
    open: &[IncidentId],
    told: &Told,
) -> Settled {
    let mut settled = Settled::default();
    for concern in concerns {
        let known = told.get(&concern.key).copied();
        let here = bench.view.open_incident(service, &concern.key).and_then(|id| bench.view.incident(id));
        let changed = match here {
            Some(head) => raise(bench, head, concern.priority),
            // Somebody resolved it: he knows.
            None if known.is_some_and(|known| known <= concern.priority) => false,
            None if fire(bench, service, concern).is_none() => continue,
            None => true,
        };
        settled.changed += u32::from(changed);
        let worst = known.map_or(concern.priority, |known| known.min(concern.priority));
        settled.told.insert(concern.key.clone(), worst);
    }
    let is_over = |head: &IncidentHead| {
        head.service != service || !concerns.iter().any(|concern| head.key.as_ref() == Some(&concern.key))
    };
    for id in open {
        let own = bench.view.incident(*id).filter(|head| head.token == TokenId::DAEMON && head.state.is_open());
        if let Some(head) = own.filter(|head| !head.overflow && is_over(head)) {
            resolve(bench, head);
            settled.changed += 1;
        }
    }
    settled
}

fn fire(bench: &mut Bench<'_>, service: ServiceId, concern: &Concern) -> Option<IncidentId> {
    let trigger = TriggerPlan {
        filter: FilterId::DAEMON,
        key: Some(concern.key.clone()),
        title: concern.title.clone(),
        description: concern.description.clone(),
        priority: concern.priority,
    };
    let here = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    let text = format!("{}\n{}", concern.title, concern.description);
    let payload = Call { headers: Vec::new(), query: Vec::new(), source_ip: here, text, json: None };
    let call = CallId((bench.new_id)());
    let origin = Origin { call, token: TokenId::DAEMON, source_ip: here, payload: &payload };
    fire_once(bench, &origin, service, &trigger)
}

/// False where it is as bad already.
fn raise(bench: &mut Bench<'_>, mut head: IncidentHead, to: Priority) -> bool {
    let (id, from) = (head.id, head.priority);
    if to >= from {
        return false;
    }
    (head.priority, head.last_seen) = (to, bench.now);
    bench.view.put_incident(head);
    note(bench, id, TimelineEvent::Raised { from, to });
    true
}

fn resolve(bench: &mut Bench<'_>, mut head: IncidentHead) {
    let id = head.id;
    (head.state, head.resolved_at) = (IncidentState::Resolved, Some(bench.now));
    bench.view.put_incident(head);
    note(bench, id, TimelineEvent::ResolvedBy { by: "tollgated".to_owned(), comment: Some("it is over".to_owned()) });
}

fn note(bench: &mut Bench<'_>, id: IncidentId, event: TimelineEvent) {
    bench.view.add_timeline(id, TimelineEntry { at: bench.now, last_at: bench.now, count: 1, event });
}

#[cfg(test)]
mod tests;
