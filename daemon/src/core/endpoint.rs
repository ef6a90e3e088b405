//! Where calls come in, and what each door says in its own words.

use tollgate_shared::token::Permission;

/// A path of the gate that takes calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /v1/process`.
    #[default]
    Process,
    /// `POST /v1/request`: starts workflows; for global tokens only.
    Request,
    /// `POST /v2/enqueue`: PagerDuty's Events API v2, the token as `routing_key`.
    Enqueue,
}

impl Endpoint {
    /// Its path: part of a call's fingerprint and of the scope of an idempotency key.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Process => "/v1/process",
            Self::Request => "/v1/request",
            Self::Enqueue => "/v2/enqueue",
        }
    }

    /// What a token must be permitted there.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Process | Self::Enqueue => Permission::IncidentsCreate,
            Self::Request => Permission::RequestsCreate,
        }
    }
}
