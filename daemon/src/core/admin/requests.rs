//! Requests by hand: cancel, retry (domain.md §7).

use std::sync::Arc;

use tollgate_shared::id::RequestId;
use tollgate_shared::problem::{Problem, Slug};

use super::{Done, Office, Reply, comment_of};
use crate::core::access::Actor;
use crate::core::workflows::{self, RequestRecord};

pub(super) fn cancel(
    office: &mut Office<'_>,
    actor: &Actor,
    id: RequestId,
    comment: Option<String>,
) -> Result<Done, Problem> {
    let comment = comment_of("comment", comment)?;
    let mut record = found(office, id)?.as_ref().clone();
    let note = match &comment {
        Some(comment) => format!("cancelled by {}: {comment}", actor.name),
        None => format!("cancelled by {}", actor.name),
    };
    workflows::cancel(&mut record, note, office.now)?;
    put(office, actor, record, "request.cancel", comment.unwrap_or_default())
}

pub(super) fn retry(office: &mut Office<'_>, actor: &Actor, id: RequestId, from_start: bool) -> Result<Done, Problem> {
    let mut record = found(office, id)?.as_ref().clone();
    let entry = office.registry.workflow(record.workflow).cloned().ok_or_else(|| {
        Problem::new(Slug::Conflict, "the workflow is deleted; there is nothing that could be done again")
    })?;
    workflows::retry(&mut record, &entry, from_start)?;
    let done = record.steps_done();
    let detail = if done == 0 { "from the first step".to_owned() } else { format!("after {done} steps") };
    put(office, actor, record, "request.retry", detail)
}

/// The request, wherever it is.
pub(super) fn found(office: &Office<'_>, id: RequestId) -> Result<Arc<RequestRecord>, Problem> {
    office.view.request(id).ok_or_else(|| Problem::new(Slug::NotFound, format!("there is no request {id}")))
}

fn put(
    office: &mut Office<'_>,
    actor: &Actor,
    record: RequestRecord,
    action: &str,
    detail: String,
) -> Result<Done, Problem> {
    let (id, target) = (record.id, format!("request {} {}", record.id, record.name));
    office.view.put_request(record);
    office.write(actor, &[], action, target, detail);
    Ok(Done { changes: Vec::new(), reply: Reply::Request(id) })
}
