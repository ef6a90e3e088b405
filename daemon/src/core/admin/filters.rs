//! Filters: validated whole, every bad field named at once (domain.md §3).

use std::sync::Arc;

use tollgate_shared::api::{FilterPatch, NewFilter};
use tollgate_shared::filter::{FilterSpec, preset, preset_names};
use tollgate_shared::id::FilterId;
use tollgate_shared::limits::FILTERS_PER_SERVICE_MAX;
use tollgate_shared::problem::{Problem, Slug};

use super::{Done, Office, Reply, invalid, name_of, without_secret};
use crate::core::access::Actor;
use crate::core::matching::CompiledFilter;
use crate::core::model::{FilterRecord, RegistryChange};
use crate::core::registry::ServiceEntry;

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

/// Changes what the patch names; the filter is checked whole, as when it is created.
pub(super) fn edit(
    office: &mut Office<'_>,
    actor: &Actor,
    reference: &str,
    patch: FilterPatch,
    seen: Option<&str>,
) -> Result<Done, Problem> {
    let (entry, old) = office.registry.find_filter(reference)?;
    let (entry, old) = (entry.clone(), old.as_ref().clone());
    let version = version_of(&old);
    if seen.is_some_and(|seen| seen != version) {
        let detail = format!("filter `{}` was changed meanwhile; it is at version {version}", old.spec.name);
        return Err(Problem::new(Slug::VersionMismatch, detail));
    }
    let FilterPatch { spec, name, enabled, position } = patch;
    let mut record = old.clone();
    record.spec = spec.unwrap_or(record.spec);
    record.spec.name = name.unwrap_or(record.spec.name);
    record.spec.enabled = enabled.unwrap_or(record.spec.enabled);
    record.position = position.unwrap_or(record.position);
    name_of("name", &record.spec.name)?;
    compiles(record.id, &record.spec)?;
    let lower = record.spec.name.to_lowercase();
    if entry.records.iter().any(|other| other.id != record.id && other.spec.name.to_lowercase() == lower) {
        let detail = format!("service `{}` has already a filter `{}`", entry.full_name, record.spec.name);
        return Err(Problem::new(Slug::Conflict, detail).with_error("name", "is taken"));
    }
    let (id, name) = (record.id, record.spec.name.clone());
    let detail = differences(&old, &record);
    let changes = placed(&entry, record, position.is_some());
    if !changes.is_empty() {
        let target = format!("filter {id} {}/{name}", entry.full_name);
        office.write(actor, &changes, "filter.edit", target, detail);
    }
    Ok(Done { changes, reply: Reply::Filter(id) })
}

/// What tells whether a filter is still the one that somebody looked at: its content and its place.
pub fn version_of(record: &FilterRecord) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(&record.position.to_le_bytes());
    hash.update(&record.spec.to_json().unwrap_or_default());
    hash.finalize().to_hex().chars().take(16).collect()
}

/// The changes that put `record` among the filters of its service, at its own position where that was asked for: then the
/// others make room and are counted anew from 1. What stays as it is is not among them.
pub(in crate::core) fn placed(entry: &ServiceEntry, record: FilterRecord, moves: bool) -> Vec<RegistryChange> {
    let mut records: Vec<_> = entry.records.iter().filter(|other| other.id != record.id).collect();
    let own = Arc::new(record);
    if moves {
        let place = usize::try_from(own.position).unwrap_or(usize::MAX).saturating_sub(1).min(records.len());
        records.insert(place, &own);
    } else {
        let place = records.partition_point(|other| other.position < own.position);
        records.insert(place, &own);
    }
    let unchanged = |record: &FilterRecord| entry.records.iter().any(|known| **known == *record);
    let numbered = (1..).zip(records).map(|(place, record)| {
        let position = if moves { place } else { record.position };
        FilterRecord { position, ..record.as_ref().clone() }
    });
    numbered.filter(|record| !unchanged(record)).map(|record| RegistryChange::PutFilter(Box::new(record))).collect()
}

/// What the audit says of an edit.
fn differences(old: &FilterRecord, new: &FilterRecord) -> String {
    let mut words = Vec::new();
    if old.spec.name != new.spec.name {
        words.push(format!("name {} -> {}", old.spec.name, new.spec.name));
    }
    if old.spec.enabled != new.spec.enabled {
        words.push(if new.spec.enabled { "enabled".to_owned() } else { "disabled".to_owned() });
    }
    if old.spec.trigger != new.spec.trigger {
        words.push("trigger changed".to_owned());
    }
    if old.spec.resolve != new.spec.resolve {
        words.push("resolve changed".to_owned());
    }
    if old.position != new.position {
        words.push(format!("position {} -> {}", old.position, new.position));
    }
    words.join(", ")
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
pub(in crate::core) fn compiles(id: FilterId, spec: &FilterSpec) -> Result<(), Problem> {
    let Err(errors) = CompiledFilter::compile(id.0, 1, spec) else { return Ok(()) };
    let first = errors.first().map_or_else(String::new, |error| format!(": {}: {}", error.path, error.message));
    let detail =
        format!("the filter has {} bad field{}{first}", errors.len(), if errors.len() == 1 { "" } else { "s" });
    let problem = Problem::new(Slug::Validation, detail);
    Err(errors.into_iter().fold(problem, |problem, error| problem.with_error(error.path, error.message)))
}
