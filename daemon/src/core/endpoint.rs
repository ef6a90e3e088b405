//! Where calls come in, and what each door says in its own words.

/// A path of the gate that takes calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /v1/process`.
    #[default]
    Process,
    /// `POST /v2/enqueue`: PagerDuty's Events API v2, the token as `routing_key`.
    Enqueue,
}

impl Endpoint {
    /// Its path: part of a call's fingerprint and of the scope of an idempotency key.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Process => "/v1/process",
            Self::Enqueue => "/v2/enqueue",
        }
    }
}
