//! The routes of workflows and requests.

use http::Method;

use super::{Act, Route, route};
use crate::core::access::Operation;

/// All of them.
pub const FLOW_ROUTES: &[(Method, &str, Route)] = &[
    (Method::GET, "/v1/workflows", route(Act::WorkflowList, Operation::See)),
    (Method::POST, "/v1/workflows", route(Act::WorkflowCreate, Operation::ChangeWorkflows)),
    (Method::POST, "/v1/workflows/try", route(Act::WorkflowTry, Operation::See)),
    (Method::GET, "/v1/workflows/{workflow}", route(Act::WorkflowShow, Operation::See)),
    (Method::PATCH, "/v1/workflows/{workflow}", route(Act::WorkflowEdit, Operation::ChangeWorkflows)),
    (Method::DELETE, "/v1/workflows/{workflow}", route(Act::WorkflowDelete, Operation::ChangeWorkflows)),
    (Method::GET, "/v1/requests", route(Act::RequestList, Operation::SeeRequests)),
    (Method::GET, "/v1/requests/{request}", route(Act::RequestShow, Operation::SeeRequests)),
    (Method::POST, "/v1/requests/{request}/retry", route(Act::RequestRetry, Operation::RetryRequests)),
    (Method::POST, "/v1/requests/{request}/cancel", route(Act::RequestCancel, Operation::CancelRequests)),
];
