//! The routes about people, the audit and the daemon as a whole; with the other table all of management.

use http::Method;

use super::flow_routes::FLOW_ROUTES;
use super::{Act, ROUTES, Route, route};
use crate::core::access::Operation;

/// All routes about people.
pub const PEOPLE_ROUTES: &[(Method, &str, Route)] = &[
    (Method::DELETE, "/v1/teams/{team}", route(Act::TeamDelete, Operation::ChangeOrganisation)),
    (Method::DELETE, "/v1/services/{service}", route(Act::ServiceDelete, Operation::ChangeServices)),
    (Method::GET, "/v1/operators", route(Act::OperatorList, Operation::See)),
    (Method::POST, "/v1/operators", route(Act::OperatorCreate, Operation::ChangeOrganisation)),
    (Method::GET, "/v1/operators/{operator}", route(Act::OperatorShow, Operation::See)),
    (Method::PATCH, "/v1/operators/{operator}", route(Act::OperatorEdit, Operation::ChangeOrganisation)),
    (Method::DELETE, "/v1/operators/{operator}", route(Act::OperatorDelete, Operation::ChangeOrganisation)),
    (
        Method::POST,
        "/v1/operators/{operator}/passphrase",
        route(Act::OperatorPassphrase, Operation::ChangeOrganisation),
    ),
    (Method::POST, "/v1/sign-in", route(Act::SignIn, Operation::Introduce)),
    (Method::POST, "/v1/sign-out", route(Act::SignOut, Operation::Introduce)),
    (Method::POST, "/v1/lockdown", route(Act::LockdownSet, Operation::ChangeOrganisation)),
    (Method::POST, "/v1/backup", route(Act::Backup, Operation::Backup)),
    (Method::POST, "/v1/backup/written", route(Act::BackupWritten, Operation::Backup)),
    (Method::POST, "/v1/restore-review", route(Act::RestoreReview, Operation::ChangeOrganisation)),
    (Method::GET, "/v1/audit/verify", route(Act::AuditVerify, Operation::ReadAudit)),
    (Method::GET, "/v1/redaction", route(Act::RedactionList, Operation::See)),
    (Method::POST, "/v1/redaction", route(Act::RedactionAdd, Operation::ChangeOrganisation)),
    (Method::POST, "/v1/redaction/try", route(Act::RedactionTry, Operation::See)),
    (Method::DELETE, "/v1/redaction/{rule}", route(Act::RedactionRemove, Operation::ChangeOrganisation)),
    (Method::GET, "/v1/openapi.json", route(Act::OpenApi, Operation::Introduce)),
];

/// Every route of management.
pub fn all() -> Vec<(Method, &'static str, Route)> {
    ROUTES.iter().chain(PEOPLE_ROUTES).chain(FLOW_ROUTES).cloned().collect()
}
