//! The routes of kept queries, and the counts over the log.

use hyper::Method;
use tollgate_shared::api::{LogHistogram, Page, SaveQuery, SavedQuery, Screen};

use super::target::{Target, encode_segment};
use super::{Client, ClientError, LogQuery};

fn kept(screen: Screen, name: &str) -> String {
    format!("/v1/queries/{screen}/{}", encode_segment(name))
}

impl Client {
    /// The queries that the caller keeps, by screen and name.
    pub async fn saved_queries(&self, screen: Option<Screen>) -> Result<Page<SavedQuery>, ClientError> {
        self.get(&Target::at("/v1/queries").text("screen", screen.map(Screen::as_str)).done()).await
    }

    /// One of them.
    pub async fn saved_query(&self, screen: Screen, name: &str) -> Result<SavedQuery, ClientError> {
        self.get(&kept(screen, name)).await
    }

    /// Keeps a query, in place of one of that name.
    pub async fn save_query(&self, screen: Screen, name: &str, save: &SaveQuery) -> Result<SavedQuery, ClientError> {
        self.send(Method::PUT, &kept(screen, name), save).await
    }

    /// Forgets one.
    pub async fn delete_query(&self, screen: Screen, name: &str) -> Result<(), ClientError> {
        self.delete(&kept(screen, name)).await
    }

    /// Calls by time and outcome, in `buckets` stretches at most.
    pub async fn histogram(&self, query: &LogQuery, buckets: u32) -> Result<LogHistogram, ClientError> {
        let target = Target::at("/v1/logs/histogram");
        self.get(&query.asked(target).number("buckets", Some(buckets)).done()).await
    }
}
