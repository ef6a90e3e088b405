//! Pages for readers beside the writer.

use std::sync::Arc;

use redb::ReadTransaction;
use tollgate_shared::audit::AuditRow;
use tollgate_shared::id::{IncidentId, RequestId, ServiceId};
use tollgate_shared::incident::{IncidentHead, TimelineEntry};
use uuid::Uuid;

use super::handle::{Handle, fail};
use super::hints::newest_like;
use super::requests;
use super::tables::{ANSWERS, AUDIT, BODIES, HEADS, META, TIMELINE, read_marks};
use crate::core::audit::AuditHead;
use crate::core::model::{AnswerPlace, IncidentBody};
use crate::core::workflows::RequestRecord;
use crate::store::open::OpenIncidents;
use crate::store::rows::{AnswerBlock, decode, service_of};
use crate::store::traits::SCAN_ROWS_MAX;
use crate::store::{AuditPage, IncidentFilter, Reader, StoreError, WholeRequest};

const DOING: &str = "read incidents";

/// Reads through the store's handle, so it survives a reopening.
pub(super) struct RedbReader {
    pub(super) handle: Arc<Handle>,
    pub(super) open: OpenIncidents,
}

impl Reader for RedbReader {
    fn incidents(
        &self,
        filter: &IncidentFilter,
        before: Option<IncidentId>,
        limit: usize,
    ) -> Result<(Vec<IncidentHead>, Option<IncidentId>), StoreError> {
        if !filter.states.is_empty() && filter.states.iter().all(|state| state.is_open()) {
            return Ok(self.open.page(filter, before, limit));
        }
        let txn = self.handle.read()?;
        let end = before.map_or(u128::MAX, |id| id.0.as_u128());
        let heads = txn.open_table(HEADS).map_err(fail(DOING))?;
        let mut page = Page { filter, limit, heads: Vec::new(), last: None, scanned: 0, done: false };
        for row in heads.range(..end).map_err(fail(DOING))?.rev() {
            let (id, head) = row.map_err(fail(DOING))?;
            if page.takes(id.value(), head.value())? {
                return Ok(page.whole());
            }
        }
        page.done = true;
        Ok(page.whole())
    }

    fn incident(&self, id: IncidentId) -> Result<Option<(IncidentHead, IncidentBody, Vec<TimelineEntry>)>, StoreError> {
        let txn = self.handle.read()?;
        let key = id.0.as_u128();
        let heads = txn.open_table(HEADS).map_err(fail(DOING))?;
        let Some(head) = heads.get(key).map_err(fail(DOING))? else { return Ok(None) };
        let bodies = txn.open_table(BODIES).map_err(fail(DOING))?;
        let body = bodies.get(key).map_err(fail(DOING))?.ok_or_else(|| StoreError::Damaged {
            what: format!("incident {id}"),
            detail: "it has no body".to_owned(),
        })?;
        let timeline = txn.open_table(TIMELINE).map_err(fail(DOING))?;
        let entries = timeline.range((key, 0)..=(key, u32::MAX)).map_err(fail(DOING))?;
        let entries = entries.map(|row| decode(row.map_err(fail(DOING))?.1.value())).collect::<Result<_, _>>()?;
        Ok(Some((decode(head.value())?, decode(body.value())?, entries)))
    }

    fn descriptions(&self, ids: &[IncidentId]) -> Result<Vec<(IncidentId, String)>, StoreError> {
        let bodies = self.handle.read()?.open_table(BODIES).map_err(fail(DOING))?;
        let mut found = Vec::new();
        for id in ids.iter().take(SCAN_ROWS_MAX) {
            if let Some(body) = bodies.get(id.0.as_u128()).map_err(fail(DOING))? {
                found.push((*id, decode::<IncidentBody>(body.value())?.description));
            }
        }
        Ok(found)
    }

    fn stored_answer(&self, place: AnswerPlace) -> Result<Option<Vec<u8>>, StoreError> {
        const DOING: &str = "read an answer";
        let table = self.handle.read()?.open_table(ANSWERS).map_err(fail(DOING))?;
        let Some(row) = table.get(place.block).map_err(fail(DOING))? else { return Ok(None) };
        let block: AnswerBlock = decode(row.value())?;
        let at = usize::try_from(place.index).unwrap_or(usize::MAX);
        Ok(block.entries.into_iter().nth(at).map(|(_, answer)| answer.body))
    }

    fn incident_ids_like(&self, hint: &str, limit: usize) -> Result<Vec<IncidentId>, StoreError> {
        newest_like(hint, limit, |id: &IncidentId| id.0, |before| ids_before(&self.handle.read()?, before))
    }

    fn open_counts(&self, service: Option<ServiceId>) -> (u32, u32) {
        self.open.counts(service)
    }

    fn requests(
        &self,
        only_unfinished: bool,
        before: Option<RequestId>,
        limit: usize,
        pass: &dyn Fn(&RequestRecord) -> bool,
    ) -> Result<(Vec<RequestRecord>, Option<RequestId>), StoreError> {
        requests::page(&self.handle.read()?, only_unfinished, before, limit, pass)
    }

    fn request(&self, id: RequestId) -> Result<Option<WholeRequest>, StoreError> {
        requests::whole(&self.handle.read()?, id)
    }

    fn request_ids_like(&self, hint: &str, limit: usize) -> Result<Vec<RequestId>, StoreError> {
        requests::ids_like(&self.handle, hint, limit)
    }

    fn audit(&self, before: Option<u64>, limit: usize) -> Result<AuditPage, StoreError> {
        const DOING: &str = "read the audit trail";
        let limit = limit.min(SCAN_ROWS_MAX);
        let txn = self.handle.read()?;
        let table = txn.open_table(AUDIT).map_err(fail(DOING))?;
        let mut newest_first = table.range(..before.unwrap_or(u64::MAX)).map_err(fail(DOING))?.rev();
        let mut page = AuditPage::default();
        for row in newest_first.by_ref().take(limit) {
            page.rows.push(decode(row.map_err(fail(DOING))?.1.value())?);
        }
        if newest_first.next().is_some() {
            page.next = page.rows.last().map(|row: &AuditRow| row.seq);
        }
        Ok(page)
    }

    fn audit_after(&self, after: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        const DOING: &str = "walk the audit trail";
        let txn = self.handle.read()?;
        let table = txn.open_table(AUDIT).map_err(fail(DOING))?;
        let rows = table.range(after.saturating_add(1)..).map_err(fail(DOING))?.take(limit.min(SCAN_ROWS_MAX));
        rows.map(|row| decode(row.map_err(fail(DOING))?.1.value())).collect()
    }

    fn audit_head(&self) -> Result<AuditHead, StoreError> {
        let meta = self.handle.read()?.open_table(META).map_err(fail("read where the audit trail ends"))?;
        Ok(read_marks(&meta)?.audit_head())
    }
}

/// A page in the making.
struct Page<'f> {
    filter: &'f IncidentFilter,
    limit: usize,
    heads: Vec<IncidentHead>,
    last: Option<u128>,
    scanned: usize,
    done: bool,
}

impl Page<'_> {
    /// Looks at a row; true where the page ends after it.
    fn takes(&mut self, id: u128, row: &[u8]) -> Result<bool, StoreError> {
        (self.last, self.scanned) = (Some(id), self.scanned + 1);
        // The service stands at the beginning of a head: most rows of other services need not be read whole.
        let others = !self.filter.services.is_empty()
            && service_of(row).is_some_and(|service| !self.filter.services.contains(&service));
        if !others {
            let head: IncidentHead = decode(row)?;
            // Ids rise with time: whatever follows is older still.
            self.done = self.filter.since.is_some_and(|since| head.first_seen < since);
            if self.filter.passes(&head) {
                self.heads.push(head);
            }
        }
        Ok(self.done || self.heads.len() >= self.limit || self.scanned >= SCAN_ROWS_MAX)
    }

    fn whole(self) -> (Vec<IncidentHead>, Option<IncidentId>) {
        let next = self.last.filter(|_| !self.done).map(|id| IncidentId(Uuid::from_u128(id)));
        (self.heads, next)
    }
}

/// The ids before `before`, newest first, at most [`SCAN_ROWS_MAX`].
fn ids_before(txn: &ReadTransaction, before: Option<IncidentId>) -> Result<Vec<IncidentId>, StoreError> {
    let end = before.map_or(u128::MAX, |id| id.0.as_u128());
    let heads = txn.open_table(HEADS).map_err(fail(DOING))?;
    let rows = heads.range(..end).map_err(fail(DOING))?.rev().take(SCAN_ROWS_MAX);
    rows.map(|row| Ok(IncidentId(Uuid::from_u128(row.map_err(fail(DOING))?.0.value())))).collect()
}
