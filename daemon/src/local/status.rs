//! What the daemon says of itself.

use std::sync::atomic::{AtomicU64, Ordering};

use http::Response;
use tollgate_shared::api::{Counters, HourView, StatusView};
use tollgate_shared::limits::LOG_ROW_SECS;
use tollgate_shared::problem::Problem;
use tollgate_shared::role::{GlobalRole, TeamRole};
use tollgate_shared::time::Timestamp;

use super::answers::{ok, read};
use super::operators;
use super::params::Call;
use crate::backup::book::restored_view;
use crate::core::access::Actor;
use crate::daemon::Daemon;
use crate::edge::Body;
use crate::jobs::LOG_QUEUE_JOBS;
use crate::watch;

/// A token that ends within this is worth a look.
const EXPIRING_SECS: i64 = 14 * 86_400;

pub(super) async fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let now = call.daemon.clock.now();
    let cutoff = now.plus_secs(-LOG_ROW_SECS);
    let log = read(&call.daemon, move |daemon| Ok(daemon.log_reader.totals(cutoff))).await?;
    let (daemon, registry) = (&call.daemon, call.daemon.registry.load());
    let (open_incidents, open_p1) = daemon.reader.open_counts(None);
    let soon = |end: Timestamp| end > now && end <= now.plus_secs(EXPIRING_SECS);
    Ok(ok(&StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        host: daemon.facts.host.clone(),
        caller_uid: call.actor.uid.unwrap_or(u32::MAX),
        caller: call.actor.name.clone(),
        caller_role: role(&call.actor).to_owned(),
        now,
        started_at: daemon.facts.started_at,
        listen: daemon.facts.listen.to_string(),
        tls: daemon.facts.tls,
        socket: daemon.facts.socket.display().to_string(),
        data_dir: daemon.facts.data_dir.display().to_string(),
        teams: count(registry.teams().len()),
        services: count(registry.services().len()),
        filters: count(registry.filter_count()),
        tokens: count(registry.token_count()),
        tokens_debug: count(registry.tokens().filter(|t| t.debug_until.is_some_and(|until| until > now)).count()),
        tokens_expiring: count(registry.tokens().filter(|t| t.expires_at.is_some_and(soon)).count()),
        tokens_suspended: count(registry.tokens().filter(|t| t.suspended.is_some()).count()),
        operators: count(registry.operators().len()),
        lockdown: operators::lockdown(daemon),
        restored: registry.restored().map(|restored| restored_view(restored)),
        backup: daemon.backups.view(registry.backups(), now, daemon.facts.started_at),
        open_incidents,
        open_p1,
        store: health(daemon),
        log,
        counters: counters(daemon, now),
        self_service: watch::standing(daemon),
    }))
}

/// The last hour, for charts.
pub(super) fn hour(call: &Call) -> Response<Body> {
    let (daemon, now) = (&call.daemon, call.daemon.clock.now());
    // What waits now is told to the writer only when it takes it up, which may be long where the disk is slow.
    daemon.meters.hour.queued(daemon.lanes.waiting().0, now);
    let (minutes, seconds) = daemon.meters.hour.view(now);
    ok(&HourView {
        now,
        since: daemon.facts.started_at,
        minutes,
        seconds,
        queue_max: count(daemon.lanes.calls_max()),
        log_queue_max: count(LOG_QUEUE_JOBS),
    })
}

/// The global role, or the strongest one in a team.
fn role(actor: &Actor) -> &'static str {
    let in_teams = || actor.teams().into_iter().filter_map(|team| actor.team_role(team)).min();
    actor.global_role().map(GlobalRole::as_str).or_else(|| in_teams().map(TeamRole::as_str)).unwrap_or("none")
}

fn health(daemon: &Daemon) -> String {
    let (behind, jumped) = (daemon.clock.behind_secs(), daemon.clock.jumped_secs());
    if daemon.meters.store_down.load(Ordering::Relaxed) {
        "down: the state cannot be written; calls are answered 503".to_owned()
    } else if behind > 0 {
        format!("healthy; the wall clock is {behind} s behind what was already seen")
    } else if jumped > 0 {
        format!(
            "healthy; the wall clock was set {jumped} s forward: tokens end by it, nothing is erased before its time"
        )
    } else {
        "healthy".to_owned()
    }
}

fn counters(daemon: &Daemon, now: Timestamp) -> Counters {
    let (meters, edge) = (&daemon.meters, &daemon.gate_edge);
    let (queue_calls, queue_bytes) = daemon.lanes.waiting();
    let (tails, tail_gaps) = daemon.tail.counts();
    Counters {
        calls: meters.calls(),
        refused: daemon.refused.total(),
        overloaded: load(&meters.overloaded),
        connections: load(&edge.accepted),
        connections_refused: load(&edge.refused),
        commits: load(&meters.commits),
        commits_failed: load(&meters.commits_failed),
        last_batch: load(&meters.last_batch),
        queue_calls: queue_calls as u64,
        queue_bytes: queue_bytes as u64,
        log_rows: load(&meters.log_rows),
        log_rows_lost: load(&meters.log_rows_lost),
        log_rows_not_logged: load(&meters.log_rows_not_logged),
        tails,
        tail_gaps,
        calls_per_10_secs: meters.per_10_secs(now),
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
