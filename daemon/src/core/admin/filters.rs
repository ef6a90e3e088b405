//! Filters: validated whole, every bad field named at once (domain.md §3).

use tollgate_shared::api::NewFilter;
use tollgate_shared::filter::{FilterSpec, preset, preset_names};
use tollgate_shared::id::FilterId;
use tollgate_shared::limits::FILTERS_PER_SERVICE_MAX;
use tollgate_shared::problem::{Problem, Slug};

use super::{Done, Office, Reply, invalid, name_of, without_secret};
use crate::core::access::Actor;
use crate::core::matching::CompiledFilter;
use crate::core::model::{FilterRecord, RegistryChange};

pub(super) fn create(office: &mut Office<'_>, actor: &Actor, new: NewFilter) -> Result<Done, Problem> {
    let entry = office.registry.find_service(&new.service)?.clone();
    let spec = spec_of(new)?;
    name_of("name", &spec.name)?;
    without_secret("filter", &serde_json::to_string(&spec).unwrap_or_default())?;
    let id = FilterId((office.new_id)());
    compiles(id, &spec)?;
    if entry.records.len() >= FILTERS_PER_SERVICE_MAX {
        let detail = format!("service `{}` has {FILTERS_PER_SERVICE_MAX} filters, which is the limit", entry.full_name);
        return Err(Problem::new(Slug::Validation, detail));
    }
    if entry.records.iter().any(|record| record.spec.name.to_lowercase() == spec.name.to_lowercase()) {
        let detail = format!("service `{}` has already a filter `{}`", entry.full_name, spec.name);
        return Err(Problem::new(Slug::Conflict, detail));
    }
    let position = entry.records.iter().map(|record| record.position).max().unwrap_or(0) + 1;
    let target = format!("filter {id} {}/{}", entry.full_name, spec.name);
    let record = FilterRecord { id, service: entry.service.id, position, spec, created_at: office.now };
    let changes = vec![RegistryChange::PutFilter(Box::new(record))];
    office.write(actor, &changes, "filter.create", target, String::new());
    Ok(Done { changes, reply: Reply::Filter(id) })
}

pub(super) fn delete(office: &mut Office<'_>, actor: &Actor, reference: &str) -> Result<Done, Problem> {
    let (entry, record) = office.registry.find_filter(reference)?;
    let target = format!("filter {} {}/{}", record.id, entry.full_name, record.spec.name);
    let changes = vec![RegistryChange::DeleteFilter(record.id)];
    office.write(actor, &changes, "filter.delete", target, String::new());
    Ok(Done { changes, reply: Reply::Deleted })
}

/// The spec that was asked for: a preset under its own or a given name, or one written out.
fn spec_of(new: NewFilter) -> Result<FilterSpec, Problem> {
    let mut spec = match (new.preset, new.spec) {
        (Some(name), None) => preset(&name).ok_or_else(|| {
            let known: Vec<_> = preset_names().collect();
            invalid("preset", format!("there is no preset `{name}`; one of {}", known.join(", ")))
        })?,
        (None, Some(spec)) => spec,
        _ => return Err(invalid("spec", "give either a preset or a spec")),
    };
    if let Some(name) = new.name {
        spec.name = name;
    }
    Ok(spec)
}

/// What is saved must compile: a filter that does not would keep the daemon from starting.
fn compiles(id: FilterId, spec: &FilterSpec) -> Result<(), Problem> {
    let Err(errors) = CompiledFilter::compile(id.0, 1, spec) else { return Ok(()) };
    let first = errors.first().map_or_else(String::new, |error| format!(": {}: {}", error.path, error.message));
    let detail =
        format!("the filter has {} bad field{}{first}", errors.len(), if errors.len() == 1 { "" } else { "s" });
    let problem = Problem::new(Slug::Validation, detail);
    Err(errors.into_iter().fold(problem, |problem, error| problem.with_error(error.path, error.message)))
}
