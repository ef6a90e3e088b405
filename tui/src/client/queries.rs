//! Counts over the log, and the operator's saved queries.

use hyper::Method;
use tollgate_shared::api::{LogHistogram, Page, SaveQuery, SavedQuery, Screen};

use super::target::{Target, encode_segment};
use super::{Client, ClientError};

/// What is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramQuery {
    /// A query of the language; absent = every row.
    pub q: Option<String>,
    /// The first moment, or a length of time before now.
    pub since: Option<String>,
    /// The first moment that does not count any more.
    pub until: Option<String>,
    /// Stretches of time, at most 480; absent = 60.
    pub buckets: Option<u32>,
}

impl Client {
    /// Calls by time and outcome.
    pub async fn histogram(&self, query: &HistogramQuery) -> Result<LogHistogram, ClientError> {
        let target = Target::at("/v1/logs/histogram").text("q", query.q.as_deref());
        let target = target.text("since", query.since.as_deref()).text("until", query.until.as_deref());
        self.get(&target.number("buckets", query.buckets).done()).await
    }

    /// The caller's saved queries of one screen.
    pub async fn saved_queries(&self, screen: Screen) -> Result<Page<SavedQuery>, ClientError> {
        self.get(&Target::at("/v1/queries").text("screen", Some(screen.as_str())).done()).await
    }

    /// Keeps a query in place of one of that name.
    pub async fn save_query(&self, screen: Screen, name: &str, query: &SaveQuery) -> Result<SavedQuery, ClientError> {
        self.send(Method::PUT, &saved(screen, name), query).await
    }

    /// Deletes a saved query.
    pub async fn delete_query(&self, screen: Screen, name: &str) -> Result<(), ClientError> {
        self.delete(&saved(screen, name)).await
    }
}

fn saved(screen: Screen, name: &str) -> String {
    format!("/v1/queries/{screen}/{}", encode_segment(name))
}
