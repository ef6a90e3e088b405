//! Services with their filters compiled, from the records of a store. Nearly all of a start's time goes here, so it is
//! shared among the processors.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tollgate_shared::id::{ServiceId, TeamId};
use tollgate_shared::name::Name;

use super::{ServiceEntry, compile_stored};
use crate::core::model::{FilterRecord, Service};
use crate::spread;
use crate::store::Loaded;

/// The filters of fewer services are compiled sooner than a thread is made.
const SERVICES_A_THREAD_MIN: NonZeroUsize = NonZeroUsize::new(200).unwrap();

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
    let made = spread::over(&jobs, SERVICES_A_THREAD_MIN, |part| of_part(part, &teams))
        .map_err(|_| "compiling the stored filters ended in a panic".to_owned())?;
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
