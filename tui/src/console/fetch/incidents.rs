//! The incidents that the screen shows: those that fit the query, open ones first.

use std::sync::Arc;

use super::{PAGE, page, words};
use crate::app::Net;
use crate::client::{Client, ClientError, IncidentQuery, PageQuery};

/// Incidents that are shown: open ones first, then the latest resolved ones; more of those where a query asks for some.
const OPEN_PAGES_MAX: usize = 5;
const RESOLVED: u32 = 100;

/// A query that the daemon does not take is answered with the reason, not asked again and again.
pub(super) async fn asked(client: &Client, query: &str) -> Result<Net, ClientError> {
    match pages(client, query).await {
        Err(ClientError::Problem(problem)) if !query.is_empty() => {
            let why = words(&ClientError::Problem(problem));
            Ok(Net::IncidentsRefused { query: query.to_owned(), why })
        }
        answer => answer,
    }
}

async fn pages(client: &Client, asked: &str) -> Result<Net, ClientError> {
    let q = (!asked.is_empty()).then(|| asked.to_owned());
    let query = |state: &str, page| IncidentQuery {
        q: q.clone(),
        state: Some(state.to_owned()),
        page,
        ..IncidentQuery::default()
    };
    let mut open = Vec::new();
    let mut cursor = None;
    let mut more = false;
    for _ in 0..OPEN_PAGES_MAX {
        let got = client.incidents(&query("open", page(cursor))).await?;
        open.extend(got.items.into_iter().map(Arc::new));
        cursor = got.next;
        more = cursor.is_some();
        if !more {
            break;
        }
    }
    let latest = PageQuery { limit: Some(if asked.is_empty() { RESOLVED } else { PAGE }), cursor: None };
    let resolved = client.incidents(&query("resolved", latest)).await?;
    Ok(Net::Incidents {
        query: asked.to_owned(),
        open,
        resolved: resolved.items.into_iter().map(Arc::new).collect(),
        more,
    })
}
