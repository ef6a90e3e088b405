//! The routes of redaction rules.

use hyper::Method;
use tollgate_shared::api::{NewRedactionRule, Page, RedactionRuleView, RedactionTried, TryRedaction};

use super::target::{Target, item};
use super::{Client, ClientError, PageQuery};

impl Client {
    /// Rules beside the built-in ones.
    pub async fn redaction_rules(&self, page: &PageQuery) -> Result<Page<RedactionRuleView>, ClientError> {
        self.get(&Target::at("/v1/redaction").page(page).done()).await
    }

    /// Adds a rule; with a sample only where it cuts something there.
    pub async fn add_redaction(&self, rule: &NewRedactionRule) -> Result<RedactionRuleView, ClientError> {
        self.send(Method::POST, "/v1/redaction", rule).await
    }

    /// Removes a rule by name.
    pub async fn remove_redaction(&self, name: &str) -> Result<(), ClientError> {
        self.delete(&item("redaction", name, "")).await
    }

    /// What the log would keep of a call.
    pub async fn try_redaction(&self, tried: &TryRedaction) -> Result<RedactionTried, ClientError> {
        self.send(Method::POST, "/v1/redaction/try", tried).await
    }
}
