//! The routes of tokens. `reference` is an id, a name or a hint.

use hyper::Method;
use serde::Serialize;
use tollgate_shared::api::{
    BulkResult, BulkTokens, ChangeOverlap, Identified, IdentifyToken, ImportToken, NewToken, Page, RevokeReceipt,
    RevokeToken, RotateToken, SetDebug, SourceView, SuspendToken, TokenCreated, TokenPatch, TokenView,
};

use super::target::{Target, item};
use super::{Client, ClientError, PageQuery};

/// Which tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenQuery {
    /// A query in the language; what else is asked must hold too.
    pub q: Option<String>,
    /// `global`, `team:Ops`, `service:Ops/DB`.
    pub scope: Option<String>,
    /// Reference of a team: its own tokens and those of its services.
    pub team: Option<String>,
    /// `organisation` or an operator.
    pub owner: Option<String>,
    /// `active`, `expired`, `suspended`, `not_yet_valid`, `needs_rotation` or `revoked`; absent = all that live.
    pub state: Option<String>,
    /// Who created them.
    pub created_by: Option<String>,
    /// They end within so many seconds.
    pub expires_within_secs: Option<u64>,
    /// They were not used for so many seconds.
    pub unused_secs: Option<u64>,
    /// They were never used.
    pub never_used: bool,
    /// They never end.
    pub no_expiry: bool,
    /// They may be used from any address.
    pub no_allowlist: bool,
    /// Calls came with `?token=`.
    pub uses_query_token: bool,
    /// Their calls are logged.
    pub debug: bool,
    /// A column, `-` before it reverses.
    pub sort: Option<String>,
    /// Which page.
    pub page: PageQuery,
}

/// `POST /v1/tokens/batch`.
#[derive(Serialize)]
struct Batch<'a> {
    tokens: &'a [NewToken],
    dry_run: bool,
}

impl TokenQuery {
    fn target(&self) -> String {
        self.filtered(Target::at("/v1/tokens")).text("sort", self.sort.as_deref()).page(&self.page).done()
    }

    fn filtered(&self, target: Target) -> Target {
        target
            .text("q", self.q.as_deref())
            .text("scope", self.scope.as_deref())
            .text("team", self.team.as_deref())
            .text("owner", self.owner.as_deref())
            .text("state", self.state.as_deref())
            .text("created_by", self.created_by.as_deref())
            .number("expires_within_secs", self.expires_within_secs)
            .number("unused_secs", self.unused_secs)
            .flag("never_used", self.never_used)
            .flag("no_expiry", self.no_expiry)
            .flag("no_allowlist", self.no_allowlist)
            .flag("uses_query_token", self.uses_query_token)
            .flag("debug", self.debug)
    }
}

impl Client {
    /// Tokens.
    pub async fn tokens(&self, query: &TokenQuery) -> Result<Page<TokenView>, ClientError> {
        self.get(&query.target()).await
    }

    /// Creates a token; the answer is the only one with its secret.
    pub async fn create_token(&self, token: &NewToken) -> Result<TokenCreated, ClientError> {
        self.send(Method::POST, "/v1/tokens", token).await
    }

    /// Creates many tokens or none, in the order given. A dry run is always refused: with 422 and every error there is,
    /// or with none.
    pub async fn create_tokens(&self, tokens: &[NewToken], dry_run: bool) -> Result<Page<TokenCreated>, ClientError> {
        self.send(Method::POST, "/v1/tokens/batch", &Batch { tokens, dry_run }).await
    }

    /// Makes a value of another system a token's secret.
    pub async fn import_token(&self, import: &ImportToken) -> Result<TokenView, ClientError> {
        self.send(Method::POST, "/v1/tokens/import", import).await
    }

    /// Whose values these are, one a line.
    pub async fn identify(&self, values: &IdentifyToken) -> Result<Page<Identified>, ClientError> {
        self.send(Method::POST, "/v1/tokens/identify", values).await
    }

    /// One token; a revoked one is found by its id.
    pub async fn token(&self, reference: &str) -> Result<TokenView, ClientError> {
        self.get(&item("tokens", reference, "")).await
    }

    /// Changes a token if nobody has changed it since `version`; refused with `version-mismatch` otherwise.
    pub async fn edit_token_version(
        &self,
        reference: &str,
        patch: &TokenPatch,
        version: u64,
    ) -> Result<TokenView, ClientError> {
        self.send_if_version(Method::PATCH, &item("tokens", reference, ""), patch, version).await
    }

    /// Replaces a token's secret, with an overlap or during one.
    pub async fn rotate_token_with(&self, reference: &str, rotate: &RotateToken) -> Result<TokenCreated, ClientError> {
        self.send(Method::POST, &item("tokens", reference, "/rotate"), rotate).await
    }

    /// Moves the end of a running overlap.
    pub async fn change_overlap(&self, reference: &str, change: &ChangeOverlap) -> Result<TokenView, ClientError> {
        self.send(Method::POST, &item("tokens", reference, "/overlap"), change).await
    }

    /// Moves a token's end by the duration that was chosen for it.
    pub async fn refresh_token(&self, reference: &str) -> Result<TokenView, ClientError> {
        self.post_empty(&item("tokens", reference, "/refresh")).await
    }

    /// Doubts a token: its calls are answered 503.
    pub async fn suspend_token(&self, reference: &str, suspend: &SuspendToken) -> Result<TokenView, ClientError> {
        self.send(Method::POST, &item("tokens", reference, "/suspend"), suspend).await
    }

    /// Ends a suspension.
    pub async fn resume_token(&self, reference: &str) -> Result<TokenView, ClientError> {
        self.post_empty(&item("tokens", reference, "/resume")).await
    }

    /// Revokes a token for good.
    pub async fn revoke_token(&self, reference: &str, revoke: &RevokeToken) -> Result<RevokeReceipt, ClientError> {
        self.send(Method::POST, &item("tokens", reference, "/revoke"), revoke).await
    }

    /// One change to many tokens, or only their list.
    pub async fn bulk_tokens(&self, bulk: &BulkTokens) -> Result<BulkResult, ClientError> {
        self.send(Method::POST, "/v1/tokens/bulk", bulk).await
    }

    /// Switches a token's debug option.
    pub async fn debug_token(&self, reference: &str, debug: &SetDebug) -> Result<TokenView, ClientError> {
        self.send(Method::POST, &item("tokens", reference, "/debug"), debug).await
    }

    /// Where a token's calls came from.
    pub async fn token_sources(&self, reference: &str, page: &PageQuery) -> Result<Page<SourceView>, ClientError> {
        self.get(&Target::at(&item("tokens", reference, "/sources")).page(page).done()).await
    }

    /// The tokens that a token created.
    pub async fn issued_tokens(&self, reference: &str, page: &PageQuery) -> Result<Page<TokenView>, ClientError> {
        self.get(&Target::at(&item("tokens", reference, "/issued")).page(page).done()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_change_gets_the_filter_without_page_and_order() {
        let query = TokenQuery { sort: Some("name".into()), never_used: true, ..TokenQuery::default() };
        assert_eq!(query.target(), "/v1/tokens?never_used=true&sort=name");
    }
}
