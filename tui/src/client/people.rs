//! The routes of operators, lockdown and audit.

use hyper::Method;
use tollgate_shared::api::{
    AuditVerdict, NewOperator, OperatorPatch, OperatorView, Page, SetLockdown, SetPassphrase, SignIn, SignedIn,
};
use tollgate_shared::audit::AuditRow;

use super::target::{Target, item};
use super::{Client, ClientError, PageQuery, Ticket};

/// Which audit rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Who.
    pub actor: Option<String>,
    /// What, `token.revoke`.
    pub action: Option<String>,
    /// On what: an id or a name.
    pub target: Option<String>,
    /// Rows of the last so many seconds.
    pub since_secs: Option<u64>,
    /// Rows before this seq.
    pub before: Option<u64>,
    /// Rows of one page, at most 1,000.
    pub limit: Option<u32>,
}

impl AuditQuery {
    fn target(&self) -> String {
        let target = Target::at("/v1/audit").text("actor", self.actor.as_deref());
        let target = target.text("action", self.action.as_deref()).text("target", self.target.as_deref());
        let target = target.number("since_secs", self.since_secs);
        target.number("before", self.before).number("limit", self.limit).done()
    }
}

impl Client {
    /// Operators.
    pub async fn operators(&self, page: &PageQuery) -> Result<Page<OperatorView>, ClientError> {
        self.get(&Target::at("/v1/operators").page(page).done()).await
    }

    /// Makes somebody an operator.
    pub async fn create_operator(&self, operator: &NewOperator) -> Result<OperatorView, ClientError> {
        self.send(Method::POST, "/v1/operators", operator).await
    }

    /// One operator.
    pub async fn operator(&self, reference: &str) -> Result<OperatorView, ClientError> {
        self.get(&item("operators", reference, "")).await
    }

    /// Changes an operator.
    pub async fn edit_operator(&self, reference: &str, patch: &OperatorPatch) -> Result<OperatorView, ClientError> {
        self.send(Method::PATCH, &item("operators", reference, ""), patch).await
    }

    /// Changes an operator if nobody has changed it since `version`; refused with `version-mismatch` otherwise.
    pub async fn edit_operator_version(
        &self,
        reference: &str,
        patch: &OperatorPatch,
        version: u64,
    ) -> Result<OperatorView, ClientError> {
        self.send_if_version(Method::PATCH, &item("operators", reference, ""), patch, version).await
    }

    /// Removes an operator.
    pub async fn delete_operator(&self, reference: &str) -> Result<(), ClientError> {
        self.delete(&item("operators", reference, "")).await
    }

    /// Sets an operator's passphrase or takes it away.
    pub async fn set_passphrase(&self, reference: &str, set: &SetPassphrase) -> Result<OperatorView, ClientError> {
        self.send(Method::POST, &item("operators", reference, "/passphrase"), set).await
    }

    /// Signs in on this connection; the ticket is for the others.
    pub async fn sign_in(&self, sign_in: &SignIn) -> Result<Ticket, ClientError> {
        let mut signed: SignedIn = self.send(Method::POST, "/v1/sign-in", sign_in).await?;
        Ok(Ticket::new(std::mem::take(&mut signed.operator), std::mem::take(&mut signed.ticket)))
    }

    /// Ends the sign-in of this connection, and its ticket.
    pub async fn sign_out(&self) -> Result<(), ClientError> {
        self.post_empty::<SignedIn>("/v1/sign-out").await.map(drop)
    }

    /// Locks down, or lifts the lockdown; the lockdown is then in [`super::Client::status`].
    pub async fn set_lockdown(&self, lockdown: &SetLockdown) -> Result<(), ClientError> {
        self.send_for_nothing(Method::POST, "/v1/lockdown", lockdown).await
    }

    /// The audit, newest first.
    pub async fn audit(&self, before: Option<u64>, limit: Option<u32>) -> Result<Page<AuditRow>, ClientError> {
        self.audit_rows(&AuditQuery { before, limit, ..AuditQuery::default() }).await
    }

    /// Some rows of the audit, newest first.
    pub async fn audit_rows(&self, query: &AuditQuery) -> Result<Page<AuditRow>, ClientError> {
        self.get(&query.target()).await
    }

    /// Walks the audit's chain.
    pub async fn verify_audit(&self) -> Result<AuditVerdict, ClientError> {
        self.get("/v1/audit/verify").await
    }
}
