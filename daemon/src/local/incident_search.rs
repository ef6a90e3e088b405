//! Pages of incidents that a query asks for.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use tollgate_shared::api::{IncidentView, NamedRef, Page};
use tollgate_shared::id::{IncidentId, ServiceId};
use tollgate_shared::incident::IncidentState;
use tollgate_shared::priority::Priority;
use tollgate_shared::problem::Problem;
use tollgate_shared::query::{Bound, Cell, FieldId, INCIDENTS, Row, any_service, typed_value};
use tollgate_shared::time::Timestamp;

use crate::core::asked::{bound, parsed};
use crate::core::registry::{Registry, ServiceEntry};
use crate::core::views;
use crate::store::{IncidentFilter, PAGE_SCAN_ROWS, Reader, SCAN_ROWS_MAX, StoreError};

/// Incidents of one reading.
const CHUNK_ROWS: usize = 500;

/// What a list asks for: a filter that the store understands, and the rest of the query.
#[derive(Clone, Debug)]
pub struct IncidentSearch {
    filter: IncidentFilter,
    bound: Bound,
    /// Everything that passes the filter passes.
    is_plain: bool,
}

impl IncidentSearch {
    /// A query on top of a filter; `None` where nothing can pass. What the query demands of state, service, team, priority
    /// and age goes into the filter: the store finds that without reading all rows.
    ///
    /// # Errors
    /// 422 with the place in `q`.
    pub fn new(
        q: &str,
        mut filter: IncidentFilter,
        registry: &Registry,
        now: Timestamp,
    ) -> Result<Option<Self>, Problem> {
        let asked = parsed(q, &INCIDENTS)?;
        let bound = bound(&asked, registry, now)?;
        if let Some(states) = asked.required(FieldId::State).map(states_named) {
            filter.states = common(std::mem::take(&mut filter.states), states);
            if filter.states.is_empty() {
                return Ok(None);
            }
        }
        if let Some(priority) = asked.required(FieldId::Priority).and_then(|text| text.parse::<Priority>().ok()) {
            filter.priorities = common(std::mem::take(&mut filter.priorities), vec![priority]);
            if filter.priorities.is_empty() {
                return Ok(None);
            }
        }
        for (field, name) in [(FieldId::Service, "service"), (FieldId::Team, "team")] {
            let Some(text) = asked.required(field) else { continue };
            let named = services_named(&format!("{name}:{}", typed_value(text)), registry, now)?;
            let services = std::mem::take(&mut filter.services);
            filter.services = if services.is_empty() { named } else { &services & &named };
            if filter.services.is_empty() {
                return Ok(None);
            }
        }
        let oldest = Timestamp::from_micros(*bound.hints().at.start());
        if oldest.as_micros() > i64::MIN {
            filter.since = filter.since.max(Some(oldest));
        }
        Ok(Some(Self { is_plain: asked.expr().is_none(), filter, bound }))
    }

    /// A page, newest first.
    ///
    /// # Errors
    /// I/O or damage.
    pub fn page(
        &self,
        reader: &dyn Reader,
        registry: &Registry,
        mut before: Option<IncidentId>,
        limit: usize,
    ) -> Result<Page<IncidentView>, StoreError> {
        let (mut items, mut looked_at) = (Vec::new(), 0);
        loop {
            let rows = if self.is_plain { limit - items.len() } else { CHUNK_ROWS };
            let (heads, next) = reader.incidents(&self.filter, before, rows)?;
            looked_at += SCAN_ROWS_MAX;
            let words = Words { reader, ids: heads.iter().map(|head| head.id).collect(), read: OnceCell::new() };
            let rows = heads.into_iter().map(|head| WithWords { view: views::incident(registry, head), words: &words });
            items.extend(rows.filter(|row| self.bound.passes(row)).map(|row| row.view));
            looked_at += if words.were_read()? { SCAN_ROWS_MAX } else { 0 };
            if items.len() >= limit {
                items.truncate(limit);
                let next = items.last().map(|last: &IncidentView| last.head.id.to_string());
                return Ok(Page { items, next });
            }
            before = next;
            if before.is_none() || looked_at >= PAGE_SCAN_ROWS {
                return Ok(Page { items, next: before.map(|id| id.to_string()) });
            }
        }
    }
}

/// What both lists hold; an empty one of a filter holds everything.
fn common<T: PartialEq>(of_filter: Vec<T>, asked: Vec<T>) -> Vec<T> {
    if of_filter.is_empty() { asked } else { of_filter.into_iter().filter(|one| asked.contains(one)).collect() }
}

/// Open ones are kept apart, so the store is told where they alone are asked for.
fn states_named(state: &str) -> Vec<IncidentState> {
    match state.to_ascii_lowercase().as_str() {
        "open" => vec![IncidentState::Triggered, IncidentState::Acknowledged],
        "triggered" => vec![IncidentState::Triggered],
        "acknowledged" => vec![IncidentState::Acknowledged],
        _ => vec![IncidentState::Resolved],
    }
}

/// The services that one condition is about; it means the same here as in the whole query.
fn services_named(condition: &str, registry: &Registry, now: Timestamp) -> Result<BTreeSet<ServiceId>, Problem> {
    let bound = bound(&parsed(condition, &INCIDENTS)?, registry, now)?;
    let row = |entry: &ServiceEntry| NamedRef { id: entry.service.id.to_string(), name: entry.full_name.clone() };
    let named = registry.services().iter().filter(|entry| bound.passes(&OfService(row(entry))));
    Ok(named.map(|entry| entry.service.id).collect())
}

/// An incident of which only the service is known.
struct OfService(NamedRef);

impl Row for OfService {
    fn any(&self, field: FieldId, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        any_service(field, &self.0, test)
    }

    fn any_text(&self, _: &mut dyn FnMut(&str) -> bool) -> bool {
        false
    }
}

/// Descriptions of the incidents of one reading, read together and only where the query asks for words: lists do not hold
/// them.
struct Words<'a> {
    reader: &'a dyn Reader,
    ids: Vec<IncidentId>,
    read: OnceCell<Result<HashMap<IncidentId, String>, StoreError>>,
}

struct WithWords<'a> {
    view: IncidentView,
    words: &'a Words<'a>,
}

impl Words<'_> {
    /// The description; nothing where it could not be read, which [`Words::were_read`] tells.
    fn of(&self, id: IncidentId) -> Option<&str> {
        let read = self.read.get_or_init(|| Ok(self.reader.descriptions(&self.ids)?.into_iter().collect()));
        read.as_ref().ok()?.get(&id).map(String::as_str)
    }

    fn were_read(self) -> Result<bool, StoreError> {
        self.read.into_inner().transpose().map(|read| read.is_some())
    }
}

impl Row for WithWords<'_> {
    fn any(&self, field: FieldId, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        self.view.any(field, test)
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.view.any_text(test) || self.words.of(self.view.head.id).is_some_and(test)
    }
}
