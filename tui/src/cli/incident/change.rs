//! Acknowledge, give back, resolve: one incident, several, or all that a filter finds.

use std::io::Read as _;

use tollgate_shared::api::{BulkIncidents, BulkIncidentsResult, ResolveIncident, Screen};
use tollgate_shared::query::typed_value;

use super::incidents;
use crate::cli::args::{Asked, Format, IncidentFilter, IncidentPick};
use crate::cli::asked;
use crate::cli::context::{Context, Done};
use crate::cli::exit::{CliError, Exit};
use crate::cli::verdict::count;

/// References on standard input: all that one change takes are far fewer.
const REFERENCES_BYTES_MAX: u64 = 1 << 20;

/// What is done.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Acknowledge,
    Unacknowledge,
    Resolve(Option<String>),
}

impl Change {
    fn wire(&self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Unacknowledge => "unacknowledge",
            Self::Resolve(_) => "resolve",
        }
    }
}

pub(super) async fn run(cx: &mut Context<'_>, mut pick: IncidentPick, change: Change) -> Done {
    pick.incidents = references(cx, pick.incidents)?;
    match pick.incidents.as_slice() {
        [] => by_filter(cx, pick, &change).await,
        [one] => single(cx, one, change).await,
        _ => {
            let mut bulk = BulkIncidents { incidents: pick.incidents, ..bulk_of(&change) };
            bulk.confirm_count = Some(cx.client.bulk_incidents(&bulk).await?.count);
            carried_out(cx, &bulk).await
        }
    }
}

async fn single(cx: &mut Context<'_>, reference: &str, change: Change) -> Done {
    let incident = match change {
        Change::Acknowledge => cx.client.acknowledge(reference).await?,
        Change::Unacknowledge => cx.client.unacknowledge(reference).await?,
        Change::Resolve(comment) => cx.client.resolve(reference, &ResolveIncident { comment }).await?,
    };
    cx.changed(&incident, |incident| {
        format!("{} is {}: {}", incident.head.id, incident.head.state, incident.head.title)
    })
}

/// Without a count what is found is only listed; on a terminal the count is asked for.
async fn by_filter(cx: &mut Context<'_>, pick: IncidentPick, change: &Change) -> Done {
    let asked = Asked { words: Vec::new(), query: pick.query };
    let given = asked::text(cx, Screen::Incidents, &asked).await?;
    let q = query_text(given, &pick.filter);
    let mut bulk = BulkIncidents { q, confirm_count: pick.confirm_count, ..bulk_of(change) };
    if bulk.confirm_count.is_none() {
        let found = cx.client.bulk_incidents(&bulk).await;
        let found = found.map_err(|error| asked::drawn(error, Some(&bulk.q)))?;
        show(cx, &found)?;
        if found.count == 0 {
            return Ok(Exit::Ok);
        }
        bulk.confirm_count = Some(typed_count(cx, change, found.count)?);
    }
    carried_out(cx, &bulk).await
}

/// The options as conditions of the query; all must hold.
fn query_text(given: Option<String>, filter: &IncidentFilter) -> String {
    let mut terms: Vec<String> = given.map(|given| format!("({given})")).into_iter().collect();
    let mut term = |field: &str, value: Option<&String>| {
        terms.extend(value.map(|value| format!("{field}:{}", typed_value(value))));
    };
    term("service", filter.service.as_ref());
    term("token", filter.token.as_ref());
    term("since", filter.since.map(|since| format!("{}s", since.as_secs())).as_ref());
    let priorities = filter.priority.iter().flat_map(|list| list.split(','));
    let priorities: Vec<String> = priorities.map(|one| format!("priority:{}", typed_value(one.trim()))).collect();
    if !priorities.is_empty() {
        terms.push(format!("({})", priorities.join(" or ")));
    }
    if let Some(text) = filter.text.as_deref().map(typed_value) {
        terms.push(format!("(title:{text} or key:{text})"));
    }
    terms.join(" ")
}

fn bulk_of(change: &Change) -> BulkIncidents {
    let comment = match change {
        Change::Resolve(comment) => comment.clone(),
        Change::Acknowledge | Change::Unacknowledge => None,
    };
    BulkIncidents { action: change.wire().to_owned(), comment, ..BulkIncidents::default() }
}

fn show(cx: &mut Context<'_>, found: &BulkIncidentsResult) -> Done {
    if cx.format != Format::Table {
        return cx.object(found, |_| Vec::new());
    }
    cx.rows(&found.incidents, "no such open incidents", incidents)?;
    let shown = u32::try_from(found.incidents.len()).unwrap_or(u32::MAX);
    if found.count > shown {
        cx.note(&format!("and {} more", found.count - shown));
    }
    Ok(Exit::Ok)
}

/// The count, typed: the same as was listed, or nothing happens.
fn typed_count(cx: &mut Context<'_>, change: &Change, found: u32) -> Result<u32, CliError> {
    let number = count(u64::from(found), "incident");
    if !cx.io.in_is_tty {
        let what = format!("{} {number}: nothing was changed", change.wire());
        return Err(CliError::usage(what, format!("repeat the line with:  --confirm-count {found}")));
    }
    let question = format!("{} these {number}? Their number to go on:", change.wire());
    let typed = cx.io.ask(&question)?.unwrap_or_default();
    let typed = typed.trim().parse().ok().filter(|typed| *typed == found);
    typed.ok_or_else(|| CliError::failure("that is not their number", "nothing was changed"))
}

async fn carried_out(cx: &mut Context<'_>, bulk: &BulkIncidents) -> Done {
    let result = cx.client.bulk_incidents(bulk).await;
    let result = result.map_err(|error| asked::drawn(error, Some(&bulk.q).filter(|q| !q.is_empty())))?;
    let done = format!("{}: {}", bulk.action, count(u64::from(result.count), "incident"));
    cx.changed(&result, |_| done)
}

fn references(cx: &mut Context<'_>, given: Vec<String>) -> Result<Vec<String>, CliError> {
    if given != ["-"] {
        return Ok(given);
    }
    let mut text = String::new();
    cx.io.input.by_ref().take(REFERENCES_BYTES_MAX).read_to_string(&mut text)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let references: Vec<String> = lines.map(str::to_owned).collect();
    match references.is_empty() {
        true => Err(CliError::input("standard input names no incident", "write one id or piece of an id a line")),
        false => Ok(references),
    }
}
