//! The routes of workflows and requests.

use hyper::Method;
use tollgate_shared::api::{
    CancelRequest, NewWorkflow, Page, RequestView, RetryRequest, TryWorkflow, WorkflowPatch, WorkflowTrial,
    WorkflowView,
};

use super::target::{Target, item};
use super::{Client, ClientError, PageQuery};

/// Which requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`; absent = all.
    pub state: Option<String>,
    /// Reference of a workflow.
    pub workflow: Option<String>,
    /// Requests of the last so many seconds.
    pub since_secs: Option<u64>,
    /// Which page.
    pub page: PageQuery,
}

impl Client {
    /// Workflows, of one team (`global`: of none) or all.
    pub async fn workflows(&self, team: Option<&str>, page: &PageQuery) -> Result<Page<WorkflowView>, ClientError> {
        self.get(&Target::at("/v1/workflows").text("team", team).page(page).done()).await
    }

    /// Creates a workflow.
    pub async fn create_workflow(&self, workflow: &NewWorkflow) -> Result<WorkflowView, ClientError> {
        self.send(Method::POST, "/v1/workflows", workflow).await
    }

    /// One workflow.
    pub async fn workflow(&self, reference: &str) -> Result<WorkflowView, ClientError> {
        self.get(&item("workflows", reference, "")).await
    }

    /// Changes a workflow, where a version is given only if it still has that.
    pub async fn edit_workflow(
        &self,
        reference: &str,
        patch: &WorkflowPatch,
        version: Option<u64>,
    ) -> Result<WorkflowView, ClientError> {
        let target = item("workflows", reference, "");
        match version {
            Some(version) => self.send_if_version(Method::PATCH, &target, patch, version).await,
            None => self.send(Method::PATCH, &target, patch).await,
        }
    }

    /// Deletes a workflow without unfinished requests.
    pub async fn delete_workflow(&self, reference: &str) -> Result<(), ClientError> {
        self.delete(&item("workflows", reference, "")).await
    }

    /// What would become of a request; nothing is started.
    pub async fn try_workflow(&self, tried: &TryWorkflow) -> Result<WorkflowTrial, ClientError> {
        self.send(Method::POST, "/v1/workflows/try", tried).await
    }

    /// Requests, newest first, without variables, payloads and outputs.
    pub async fn requests(&self, query: &RequestQuery) -> Result<Page<RequestView>, ClientError> {
        let target = Target::at("/v1/requests").text("state", query.state.as_deref());
        let target = target.text("workflow", query.workflow.as_deref()).number("since_secs", query.since_secs);
        self.get(&target.page(&query.page).done()).await
    }

    /// One request whole.
    pub async fn request_shown(&self, reference: &str) -> Result<RequestView, ClientError> {
        self.get(&item("requests", reference, "")).await
    }

    /// Queues a failed or cancelled request again.
    pub async fn retry_request(&self, reference: &str, retry: &RetryRequest) -> Result<RequestView, ClientError> {
        self.send(Method::POST, &item("requests", reference, "/retry"), retry).await
    }

    /// Stops a queued or running request.
    pub async fn cancel_request(&self, reference: &str, cancel: &CancelRequest) -> Result<RequestView, ClientError> {
        self.send(Method::POST, &item("requests", reference, "/cancel"), cancel).await
    }
}
