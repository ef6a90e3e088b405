//! The routes of trying.

use hyper::Method;
use tollgate_shared::api::{FilterPatch, FilterView, ReplayVerdict, WhatIf, WhatIfItem};

use super::target::item;
use super::{Client, ClientError, Lines, encode};

impl Client {
    /// Changes a filter, refused where it is no longer at `version`.
    pub async fn edit_filter(
        &self,
        reference: &str,
        patch: &FilterPatch,
        version: &str,
    ) -> Result<FilterView, ClientError> {
        self.send_if_version(Method::PATCH, &item("filters", reference, ""), patch, version).await
    }

    /// Runs a proposal over logged calls; dropping the lines ends the run in the daemon.
    pub async fn what_if(&self, what: &WhatIf) -> Result<Lines<WhatIfItem>, ClientError> {
        self.open_stream(Method::POST, "/v1/what-if", Some(encode(what)?)).await
    }

    /// What a logged call would come to today; nothing is sent.
    pub async fn replay(&self, seq: u64) -> Result<ReplayVerdict, ClientError> {
        self.post_empty(&format!("/v1/logs/{seq}/replay")).await
    }
}
