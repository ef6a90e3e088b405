//! Planning and ending maintenances (domain.md §1).

use tollgate_shared::api::NewMaintenance;
use tollgate_shared::id::MaintenanceId;
use tollgate_shared::limits::{
    COMMENT_CHARS_MAX, MAINTENANCE_TAG_CHARS_MAX, MAINTENANCE_TAGS_MAX, MAINTENANCES_PER_SERVICE_MAX,
};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;

use super::{Done, Office, Reply, invalid, text_of};
use crate::core::access::Actor;
use crate::core::model::{Maintenance, RegistryChange};

pub(super) fn add(office: &mut Office<'_>, actor: &Actor, new: &NewMaintenance) -> Result<Done, Problem> {
    let entry = office.registry.find_service(&new.service)?.clone();
    let (from, until) = times(office.now, new)?;
    let planned = office.registry.maintenances_of(entry.service.id);
    if planned.iter().filter(|one| !one.is_over(office.now)).count() >= MAINTENANCES_PER_SERVICE_MAX {
        let detail = format!(
            "`{}` has {MAINTENANCES_PER_SERVICE_MAX} maintenances planned, which is the limit",
            entry.full_name
        );
        return Err(Problem::new(Slug::Validation, detail));
    }
    let one = Maintenance {
        id: MaintenanceId((office.new_id)()),
        service: entry.service.id,
        from,
        until,
        tags: tags_of(&new.tags)?,
        comment: text_of("comment", &new.comment, COMMENT_CHARS_MAX)?,
        created_at: office.now,
        created_by: actor.name.clone(),
    };
    let (id, detail) = (one.id, format!("from {from}, {}", one.words()));
    let changes = vec![RegistryChange::PutMaintenance(Box::new(one))];
    office.write(actor, &changes, "maintenance.add", format!("maintenance {id} of {}", entry.full_name), detail);
    Ok(Done { changes, reply: Reply::Maintenance(id) })
}

/// One that nobody ends must end by itself: only tags may stay until they are taken away.
fn times(now: Timestamp, new: &NewMaintenance) -> Result<(Timestamp, Option<Timestamp>), Problem> {
    let from = new.from.unwrap_or(now);
    match new.until {
        Some(until) if until <= from => Err(invalid("until", "it ends before it begins")),
        Some(until) if until <= now => Err(invalid("until", "it has passed already")),
        None if new.tags.is_empty() => {
            Err(invalid("until", "say when it ends; only one with tags may run until it is ended by hand"))
        }
        until => Ok((from, until)),
    }
}

fn tags_of(tags: &[String]) -> Result<Vec<String>, Problem> {
    if tags.len() > MAINTENANCE_TAGS_MAX {
        return Err(invalid("tags", format!("{} texts; {MAINTENANCE_TAGS_MAX} are the limit", tags.len())));
    }
    let one = |(at, tag): (usize, &String)| {
        let field = format!("tags[{at}]");
        if tag.trim().is_empty() {
            return Err(invalid(&field, "a blank text is in every payload"));
        }
        text_of(&field, tag, MAINTENANCE_TAG_CHARS_MAX)
    };
    tags.iter().enumerate().map(one).collect()
}

pub(super) fn end(office: &mut Office<'_>, actor: &Actor, id: MaintenanceId) -> Result<Done, Problem> {
    let one = office.registry.maintenance(id).ok_or_else(|| missing(id))?;
    let service = office.registry.service(one.service).map_or("(deleted)", |entry| entry.full_name.as_str());
    let (target, detail) = (format!("maintenance {id} of {service}"), one.words());
    let changes = vec![RegistryChange::DeleteMaintenance(id)];
    office.write(actor, &changes, "maintenance.end", target, detail);
    Ok(Done { changes, reply: Reply::Deleted })
}

/// Takes away those whose end has passed, each with its row in the audit.
pub(super) fn sweep(office: &mut Office<'_>, actor: &Actor) -> Done {
    let over: Vec<_> = office.registry.maintenances().filter(|one| one.is_over(office.now)).cloned().collect();
    let mut changes = Vec::new();
    for one in over {
        let service = office.registry.service(one.service).map_or("(deleted)", |entry| entry.full_name.as_str());
        let change = RegistryChange::DeleteMaintenance(one.id);
        let target = format!("maintenance {} of {service}", one.id);
        office.write(actor, std::slice::from_ref(&change), "maintenance.over", target, one.words());
        changes.push(change);
    }
    Done { changes, reply: Reply::Deleted }
}

pub(super) fn missing(id: MaintenanceId) -> Problem {
    Problem::new(Slug::NotFound, format!("there is no maintenance {id}; ended ones are in the audit"))
}
