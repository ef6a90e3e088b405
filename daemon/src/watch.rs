//! The daemon's eye on itself: once a minute it gathers what [`concerns`] judges, and hands it to the
//! writer, which opens and resolves the incidents. Without `[self] service` nothing is looked at.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tollgate_shared::api::SelfService;
use tollgate_shared::id::{ServiceId, TokenId};
use tollgate_shared::incident::{IncidentHead, IncidentState};
use tollgate_shared::problem::Slug;
use tollgate_shared::time::Timestamp;

use crate::core::concerns::{self, Disk, Observed, Uses};
use crate::core::registry::Registry;
use crate::daemon::Daemon;
use crate::jobs::{AdminJob, Concerns};
use crate::store::{IncidentFilter, PAGE_SCAN_ROWS, StoreError, incident_page};
use crate::usage::UsageBook;

/// What is remembered from one look to the next.
#[derive(Default)]
pub struct Watch {
    bursts: Bursts,
    /// What was last said in the log.
    said: Option<String>,
}

/// Counters that only grow, and when each last did.
#[derive(Clone, Copy, Debug, Default)]
struct Bursts {
    rows_lost: Growth,
    overloaded: Growth,
    connections: Growth,
}

#[derive(Clone, Copy, Debug, Default)]
struct Growth {
    count: u64,
    at: Option<Timestamp>,
}

impl Growth {
    fn see(&mut self, count: u64, now: Timestamp) {
        if count > self.count {
            *self = Self { count, at: Some(now) };
        }
    }
}

impl Watch {
    /// Looks once. What cannot be handed on now is found again by the next look.
    pub async fn look(&mut self, daemon: &Arc<Daemon>) {
        let registry = daemon.registry.load_full();
        let Some(found) = service_of(daemon, &registry) else { return };
        self.say(daemon, found.as_ref().err());
        let Ok(service) = found else { return };
        let now = daemon.clock.now();
        self.bursts.rows_lost.see(daemon.meters.log_rows_lost.load(Ordering::Relaxed), now);
        self.bursts.overloaded.see(daemon.meters.overloaded.load(Ordering::Relaxed), now);
        self.bursts.connections.see(daemon.gate_edge.refused.load(Ordering::Relaxed), now);
        let (bursts, judging) = (self.bursts, daemon.clone());
        let job = tokio::task::spawn_blocking(move || gather(&judging, &registry, service, &bursts, now)).await;
        match job {
            // A full lane means that there is work enough.
            Ok(Ok(concerns)) => drop(daemon.lanes.push_admin(AdminJob::Concerns(concerns))),
            Ok(Err(error)) => tracing::error!(error = %crate::report(&error), "open incidents could not be read"),
            Err(_) => tracing::error!("looking at myself ended unexpectedly"),
        }
    }

    /// Once for each change, not once a minute.
    fn say(&mut self, daemon: &Daemon, problem: Option<&String>) {
        if self.said.as_ref() == problem {
            return;
        }
        let service = daemon.facts.self_service.as_deref().unwrap_or_default();
        match problem {
            Some(problem) => tracing::warn!(service, problem, "no incidents about tollgated itself are opened"),
            None => tracing::info!(service, "incidents about tollgated itself are opened again"),
        }
        self.said = problem.cloned();
    }
}

/// The configured service as it is now, or why there is none; `None` where nothing is configured.
fn service_of(daemon: &Daemon, registry: &Registry) -> Option<Result<ServiceId, String>> {
    let name = daemon.facts.self_service.as_deref()?;
    Some(match registry.find_service(name) {
        Ok(entry) if entry.service.enabled => Ok(entry.service.id),
        Ok(entry) => Err(format!("service `{}` is disabled", entry.full_name)),
        Err(error) => Err(error.to_string()),
    })
}

/// What `tollgate status` shows of it.
pub fn standing(daemon: &Daemon) -> Option<SelfService> {
    let found = service_of(daemon, &daemon.registry.load())?;
    Some(SelfService { service: daemon.facts.self_service.clone().unwrap_or_default(), problem: found.err() })
}

fn gather(
    daemon: &Daemon,
    registry: &Registry,
    service: ServiceId,
    bursts: &Bursts,
    now: Timestamp,
) -> Result<Concerns, StoreError> {
    let own = own_incidents(daemon, service)?;
    let keys: BTreeSet<String> = own.iter().filter_map(|head| head.key.clone()).collect();
    let backup = daemon.backups.view(registry.backups(), now, daemon.facts.started_at);
    let concerns = concerns::judge(&Observed {
        registry,
        uses: &daemon.usage,
        disk: disk(daemon),
        rows_lost_at: bursts.rows_lost.at,
        overloaded_at: bursts.overloaded.at,
        connections_at: bursts.connections.at,
        backup_overdue: backup.overdue,
        backup_failed: backup.failed.is_some(),
        open: &keys,
        now,
    });
    Ok(Concerns { service, concerns, open: own.iter().map(|head| head.id).collect() })
}

/// The daemon's own open incidents. Where so many of others are open that a look at all would be long, only those of the
/// service.
fn own_incidents(daemon: &Daemon, service: ServiceId) -> Result<Vec<IncidentHead>, StoreError> {
    let (all, _) = daemon.reader.open_counts(None);
    let few = usize::try_from(all).is_ok_and(|all| all <= PAGE_SCAN_ROWS);
    let filter = IncidentFilter {
        services: if few { BTreeSet::new() } else { [service].into() },
        states: vec![IncidentState::Triggered, IncidentState::Acknowledged],
        token: Some(TokenId::DAEMON),
        ..IncidentFilter::default()
    };
    let limit = 2 * concerns::CONCERNS_MAX + 2;
    incident_page(daemon.reader.as_ref(), &filter, None, limit).map(|(heads, _)| heads)
}

fn disk(daemon: &Daemon) -> Option<Disk> {
    let stat = rustix::fs::statvfs(&daemon.facts.data_dir).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some(Disk { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
}

impl Uses for UsageBook {
    fn last_use(&self, token: TokenId) -> Option<Timestamp> {
        self.last_used(token)
    }

    fn limited_at(&self, token: TokenId) -> Option<Timestamp> {
        self.last_refused_for(token, Slug::RateLimited)
    }

    fn on_old_secret(&self, token: TokenId, rotated: Option<Timestamp>, since: Timestamp) -> (u32, u32) {
        self.hosts_on_old_secret(token, rotated, since)
    }
}
