//! Logged calls to `/v1/request`: workflows were asked, and no filter.

use tollgate_shared::api::NamedRef;
use tollgate_shared::api::trying::{Doubt, Fate, NAMED_MAX, TriedEffect, Verdict};
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;

use super::fate::{Tried, by_count};
use super::recall::Recalled;
use crate::core::decision::Content;
use crate::core::endpoint::Endpoint;
use crate::core::registry::Registry;
use crate::core::workflows;

/// True where the row is of a call to `/v1/request`.
pub fn is_request(row: &LogRow) -> bool {
    row.path == Endpoint::Request.path()
}

/// What the call would start today, or why it would be refused whole.
pub(super) fn now(registry: &Registry, recalled: &Recalled) -> Fate {
    let content = Content { call: recalled.call.clone(), redacted: recalled.call.clone() };
    match workflows::plan(registry, &content).starts {
        Err(refusal) => Fate { refused: Some(refusal.slug.as_str().to_owned()), effects: Vec::new() },
        Ok(starts) => {
            let entries = starts.workflows.iter().filter_map(|(id, _)| registry.workflow(*id));
            let named = entries.map(|entry| started(&entry.workflow.public_id, &entry.full_name));
            Fate { refused: None, effects: named.take(NAMED_MAX).collect() }
        }
    }
}

/// What the call started then, of a row that was not refused.
fn then(registry: &Registry, row: &LogRow, recalled: &Recalled) -> Fate {
    let started_any = matches!(row.outcome, Outcome::Started | Outcome::Duplicate);
    let effects = match workflows::named_workflow(&recalled.call).ok().flatten() {
        _ if !started_any => Vec::new(),
        Some(public_id) => {
            let name = registry.workflow_named(&public_id).map(|entry| entry.full_name.clone());
            vec![started(&public_id, name.as_deref().unwrap_or("(deleted)"))]
        }
        // In the row's verdict a workflow stands where a filter's service does.
        None => {
            let matched = row.explain.iter().flat_map(|explain| &explain.matched);
            matched.map(|one| started(&one.service_id, &one.service)).take(NAMED_MAX).collect()
        }
    };
    Fate { refused: None, effects }
}

/// A call through today's workflows, beside what became of it; its token is let in.
pub(super) fn tried(registry: &Registry, row: &LogRow, refused_then: Option<String>) -> Tried {
    let Some(recalled) = Recalled::of(row) else {
        let fate = Fate { refused: refused_then, effects: Vec::new() };
        return Tried { verdict: Verdict::CannotTell, doubt: Some(Doubt::NotKept), before: fate.clone(), after: fate };
    };
    let before = match refused_then {
        Some(slug) => Fate { refused: Some(slug), effects: Vec::new() },
        None => then(registry, row, &recalled),
    };
    let after = now(registry, &recalled);
    let verdict = match (&before.refused, &after.refused) {
        (Some(_), Some(_)) => Verdict::Unchanged,
        (Some(_), None) => Verdict::Gained,
        (None, Some(_)) => Verdict::Lost,
        (None, None) if same(&before, &after) => Verdict::Unchanged,
        (None, None) => by_count(before.effects.len(), after.effects.len()),
    };
    match recalled.whole_doubt() {
        Some(doubt) => Tried { verdict: Verdict::CannotTell, doubt: Some(doubt), before, after },
        None => Tried { verdict, doubt: None, before, after },
    }
}

fn same(one: &Fate, other: &Fate) -> bool {
    let sorted = |fate: &Fate| {
        let mut ids: Vec<String> = fate.effects.iter().map(|effect| effect.service.id.clone()).collect();
        ids.sort_unstable();
        ids
    };
    sorted(one) == sorted(other)
}

/// A workflow stands where a service does, and there is one trigger in it.
fn started(public_id: &str, name: &str) -> TriedEffect {
    TriedEffect {
        service: NamedRef { id: public_id.to_owned(), name: name.to_owned() },
        filter: NamedRef { id: String::new(), name: String::new() },
        phase: "start".to_owned(),
        key: None,
        priority: None,
        title: None,
    }
}
