//! Services with their filters compiled, from the records of a store. Nearly all of a start's time goes here, so it is
//! shared among the processors.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use tollgate_shared::id::{ServiceId, TeamId};
use tollgate_shared::name::Name;

use super::{ServiceEntry, compile_stored};
use crate::core::model::{FilterRecord, Service};
use crate::store::Loaded;

/// Fewer filters are compiled sooner than a thread is made.
const FILTERS_A_THREAD_MIN: usize = 2_000;

/// A service and the records of its filters.
type Job<'l> = (&'l Service, Vec<&'l FilterRecord>);

/// All services.
///
/// # Errors
/// A stored filter that does not compile.
pub(super) fn entries(loaded: &Loaded) -> Result<Vec<Arc<ServiceEntry>>, String> {
    let mut filters: HashMap<ServiceId, Vec<&FilterRecord>> = HashMap::new();
    for filter in &loaded.filters {
        filters.entry(filter.service).or_default().push(filter);
    }
    let teams: HashMap<TeamId, &Name> = loaded.teams.iter().map(|team| (team.id, &team.name)).collect();
    let jobs: Vec<Job<'_>> =
        loaded.services.iter().map(|service| (service, filters.remove(&service.id).unwrap_or_default())).collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(loaded.filters.len() / FILTERS_A_THREAD_MIN).max(1);
    let made: Vec<Result<Vec<_>, String>> = thread::scope(|scope| {
        let parts = jobs.chunks(jobs.len().div_ceil(threads).max(1));
        let started: Vec<_> = parts.map(|part| scope.spawn(|| of_part(part, &teams))).collect();
        let joined = started.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|made| made.unwrap_or_else(|_| Err("compiling the stored filters ended in a panic".to_owned())))
            .collect()
    });
    Ok(made.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

fn of_part(jobs: &[Job<'_>], teams: &HashMap<TeamId, &Name>) -> Result<Vec<Arc<ServiceEntry>>, String> {
    let entry = |(service, records): &Job<'_>| {
        let team = teams.get(&service.team).map_or("?", |name| name.as_str());
        let mut records: Vec<_> = records.iter().map(|record| Arc::new((*record).clone())).collect();
        records.sort_by_key(|record| (record.position, record.id));
        let compiled = records.iter().map(|record| compile_stored(record)).collect::<Result<_, _>>()?;
        Ok(Arc::new(ServiceEntry::new(Arc::new((*service).clone()), team, records, compiled)))
    };
    jobs.iter().map(entry).collect()
}
