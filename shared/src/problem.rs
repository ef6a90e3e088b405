//! Problem details (RFC 9457): the one shape of every error answer, and the closed table of its slugs.
//!
//! The daemon writes them, the console and the command line read them, so both sides share this type. A problem never
//! echoes a token, a header or the body of the call it answers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::query::QueryError;

const TYPE_PREFIX: &str = "urn:tollgate:problem:";

/// One row of the closed error table (http.md section 1), in alphabetical order.
///
/// `IpBlocked` (403) is not in that table: it is for a time, and the sender must learn which of the two it is. Nor are six
/// that the doors need: `Forbidden` (an operator without the role, 403),
/// `HostNotAllowed` and `OriginNotAllowed` (403, against DNS rebinding and browsers), `Internal` (500),
/// `MalformedRequest` (400, a head that HTTP/1.1 forbids) and `UnknownOperator` (403, a local uid without a role).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slug {
    /// 400: `Content-Encoding` or the charset cannot be undone, or the bytes are not of it.
    BadEncoding,
    /// 408: the body did not arrive in time.
    BodyTimeout,
    /// 413: more bytes than the limit.
    BodyTooLarge,
    /// 409: a name is taken, a reference fits several objects, or the state forbids the change.
    Conflict,
    /// 401: no token in any of the places where one is looked for.
    CredentialMissing,
    /// 403: the operator's role does not allow it.
    Forbidden,
    /// 431: the request head exceeds its limit.
    HeadersTooLarge,
    /// 403: the `Host` is not on the list.
    HostNotAllowed,
    /// 422: the same idempotency key came with another body.
    IdempotencyMismatch,
    /// 409: other objects depend on this one; the detail lists them.
    InUse,
    /// 500: a fault of the daemon; its log says more.
    Internal,
    /// 403: calls of this token from this address are refused for a time; the detail says until when.
    IpBlocked,
    /// 403: the address is not on the token's list (domain.md section 2).
    IpNotAllowed,
    /// 503: after a restore nobody has looked at the tokens yet.
    LockedDown,
    /// 400: declared JSON that does not parse, and no filter took it as text.
    MalformedJson,
    /// 400: the head breaks HTTP/1.1.
    MalformedRequest,
    /// 405: the path exists, the method does not; `Allow` lists them.
    MethodNotAllowed,
    /// 400: tokens in more than one place (RFC 6750 section 2).
    MultipleCredentials,
    /// 404: no such path or object.
    NotFound,
    /// 403: a browser sent it for a page that is not on the list.
    OriginNotAllowed,
    /// 503: the queue is full; nothing was taken.
    Overloaded,
    /// 403: the token lives and lacks the permission.
    PermissionMissing,
    /// 429: more calls than the token's rate.
    RateLimited,
    /// 403: the object is outside the token's scope.
    ScopeMissing,
    /// 503: the daemon is ending; nothing was taken.
    ShuttingDown,
    /// 503: the disk refuses; whether the call took effect is unknown.
    StorageUnavailable,
    /// 401: its time is over.
    TokenExpired,
    /// 401: malformed or unknown; the sender is not told which.
    TokenInvalid,
    /// 401: its time has not begun.
    TokenNotYetValid,
    /// 401: revoked, or an old secret of a rotated token.
    TokenRevoked,
    /// 503: suspended; not a 401, which would make senders drop alerts.
    TokenSuspended,
    /// 403: a local uid without a role; the detail names it.
    UnknownOperator,
    /// 415: the body is not text.
    UnsupportedMediaType,
    /// 422: understood and not acceptable; `errors` names each field.
    Validation,
    /// 412: the object has changed since it was read.
    VersionMismatch,
}

/// A slug that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown problem type, the other side is probably newer: update this program")]
pub struct UnknownSlug;

/// One wrong member of a request: where and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) or the name of the parameter.
    pub path: String,
    /// What is wrong with it, for a person.
    pub message: String,
    /// The place in a query: first character and the one behind the last, from 0; equal where something is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<[usize; 2]>,
    /// A text that can be put in that place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl FieldError {
    /// What is wrong with a member, without a place in it.
    #[must_use]
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), at: None, suggestion: None }
    }
}

/// An RFC 9457 problem document, media type `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:tollgate:problem:<slug>`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Constant for each slug.
    pub title: String,
    /// The HTTP status, repeated for readers who see only the body.
    pub status: u16,
    /// What happened here and what to do; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The path that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The id in `X-Request-Id`, for finding the call in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Seconds to wait before the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Every wrong field, where the slug is `validation`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

// === impl Slug ===

impl Slug {
    /// Every slug, in alphabetical order.
    pub const ALL: [Slug; 35] = [
        Slug::BadEncoding,
        Slug::BodyTimeout,
        Slug::BodyTooLarge,
        Slug::Conflict,
        Slug::CredentialMissing,
        Slug::Forbidden,
        Slug::HeadersTooLarge,
        Slug::HostNotAllowed,
        Slug::IdempotencyMismatch,
        Slug::InUse,
        Slug::Internal,
        Slug::IpBlocked,
        Slug::IpNotAllowed,
        Slug::LockedDown,
        Slug::MalformedJson,
        Slug::MalformedRequest,
        Slug::MethodNotAllowed,
        Slug::MultipleCredentials,
        Slug::NotFound,
        Slug::OriginNotAllowed,
        Slug::Overloaded,
        Slug::PermissionMissing,
        Slug::RateLimited,
        Slug::ScopeMissing,
        Slug::ShuttingDown,
        Slug::StorageUnavailable,
        Slug::TokenExpired,
        Slug::TokenInvalid,
        Slug::TokenNotYetValid,
        Slug::TokenRevoked,
        Slug::TokenSuspended,
        Slug::UnknownOperator,
        Slug::UnsupportedMediaType,
        Slug::Validation,
        Slug::VersionMismatch,
    ];

    /// The last part of the type URN; stable for ever.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status of every answer with this slug.
    #[must_use]
    pub fn status(self) -> u16 {
        self.row().0
    }

    /// The constant human title.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// Whether an answer must carry `Retry-After`: 429 and every 503 do.
    #[must_use]
    pub fn wants_retry_after(self) -> bool {
        matches!(self.status(), 429 | 503)
    }

    /// The `WWW-Authenticate` value (RFC 6750 section 3.1). A call without any credential gets the realm and no
    /// error code; the other rows name the code and no realm.
    #[must_use]
    pub fn www_authenticate(self) -> Option<&'static str> {
        match self {
            Slug::CredentialMissing => Some("Bearer realm=\"tollgate\""),
            Slug::MultipleCredentials => Some("Bearer error=\"invalid_request\""),
            Slug::TokenExpired | Slug::TokenInvalid | Slug::TokenNotYetValid | Slug::TokenRevoked => {
                Some("Bearer error=\"invalid_token\"")
            }
            Slug::PermissionMissing | Slug::ScopeMissing => Some("Bearer error=\"insufficient_scope\""),
            _ => None,
        }
    }

    fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Slug::BadEncoding => (400, "bad-encoding", "The body's encoding is broken"),
            Slug::BodyTimeout => (408, "body-timeout", "The request took too long to arrive"),
            Slug::BodyTooLarge => (413, "body-too-large", "The body is too large"),
            Slug::Conflict => (409, "conflict", "The change conflicts with what exists"),
            Slug::CredentialMissing => (401, "credential-missing", "A token is required"),
            Slug::Forbidden => (403, "forbidden", "Your role does not allow this"),
            Slug::HeadersTooLarge => (431, "headers-too-large", "The request head is too large"),
            Slug::HostNotAllowed => (403, "host-not-allowed", "This host name is not served"),
            Slug::IdempotencyMismatch => (422, "idempotency-mismatch", "The idempotency key was used for another body"),
            Slug::InUse => (409, "in-use", "Something still uses this object"),
            Slug::Internal => (500, "internal", "Tollgate failed"),
            Slug::IpBlocked => (403, "ip-blocked", "This address is blocked for the token for a time"),
            Slug::IpNotAllowed => (403, "ip-not-allowed", "This address may not use the token"),
            Slug::LockedDown => (503, "locked-down", "Tollgate is locked down"),
            Slug::MalformedJson => (400, "malformed-json", "The JSON does not parse"),
            Slug::MalformedRequest => (400, "malformed-request", "The request head is not valid HTTP/1.1"),
            Slug::MethodNotAllowed => (405, "method-not-allowed", "The method is not allowed here"),
            Slug::MultipleCredentials => (400, "multiple-credentials", "More than one credential was sent"),
            Slug::NotFound => (404, "not-found", "No such resource"),
            Slug::OriginNotAllowed => (403, "origin-not-allowed", "Requests from web pages are refused"),
            Slug::Overloaded => (503, "overloaded", "Tollgate is overloaded"),
            Slug::PermissionMissing => (403, "permission-missing", "The token lacks the permission"),
            Slug::RateLimited => (429, "rate-limited", "Too many requests"),
            Slug::ScopeMissing => (403, "scope-missing", "The token's scope does not reach this"),
            Slug::ShuttingDown => (503, "shutting-down", "Tollgate is shutting down"),
            Slug::StorageUnavailable => (503, "storage-unavailable", "Tollgate cannot store anything now"),
            Slug::TokenExpired => (401, "token-expired", "The token has expired"),
            Slug::TokenInvalid => (401, "token-invalid", "The token is not valid"),
            Slug::TokenNotYetValid => (401, "token-not-yet-valid", "The token is not valid yet"),
            Slug::TokenRevoked => (401, "token-revoked", "The token was revoked"),
            Slug::TokenSuspended => (503, "token-suspended", "The token is suspended"),
            Slug::UnknownOperator => (403, "unknown-operator", "You have no role here"),
            Slug::UnsupportedMediaType => (415, "unsupported-media-type", "The body is not text"),
            Slug::Validation => (422, "validation", "The request is not acceptable"),
            Slug::VersionMismatch => (412, "version-mismatch", "The object has changed meanwhile"),
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Slug {
    type Err = UnknownSlug;

    fn from_str(text: &str) -> Result<Self, UnknownSlug> {
        Slug::ALL.into_iter().find(|slug| slug.as_str() == text).ok_or(UnknownSlug)
    }
}

// === impl Problem ===

impl Problem {
    /// A problem with the slug's title and status. `detail` says what happened and what to do.
    #[must_use]
    pub fn new(slug: Slug, detail: impl Into<String>) -> Self {
        Problem {
            type_: format!("{TYPE_PREFIX}{slug}"),
            title: slug.title().to_owned(),
            status: slug.status(),
            detail: detail.into(),
            instance: None,
            request_id: None,
            retry_after: slug.wants_retry_after().then_some(1),
            errors: Vec::new(),
        }
    }

    /// Names the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// Sets the seconds of `Retry-After`. At least one: "0" makes senders spin.
    #[must_use]
    pub fn with_retry_after(mut self, secs: u32) -> Self {
        self.retry_after = Some(secs.max(1));
        self
    }

    /// Adds one wrong field: its JSON Pointer or parameter name, and why.
    #[must_use]
    pub fn with_error(mut self, path: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldError { path: path.into(), message: message.into(), at: None, suggestion: None });
        self
    }

    /// The refusal of a query that came as the parameter `q`: `errors[0]` has the place and, where there is one, the text
    /// to put there; the detail says both in words.
    #[must_use]
    pub fn of_query(error: &QueryError) -> Self {
        let meant = error.suggestion.as_ref().map(|text| format!("; did you mean `{text}`?")).unwrap_or_default();
        let mut problem = Self::new(Slug::Validation, format!("q: {error}{meant}"));
        problem.errors.push(FieldError {
            path: "q".to_owned(),
            message: error.message.clone(),
            at: Some([error.at.start, error.at.end]),
            suggestion: error.suggestion.clone(),
        });
        problem
    }

    /// What is wrong with the query, where that is what the problem is about.
    #[must_use]
    pub fn query_error(&self) -> Option<QueryError> {
        let wrong = self.errors.iter().find(|wrong| wrong.path == "q")?;
        let [start, end] = wrong.at?;
        Some(QueryError {
            at: start..end.max(start),
            message: wrong.message.clone(),
            suggestion: wrong.suggestion.clone(),
        })
    }

    /// The slug of the type URN.
    ///
    /// # Errors
    /// [`UnknownSlug`] when the document is not ours or comes from a newer daemon.
    pub fn slug(&self) -> Result<Slug, UnknownSlug> {
        self.type_.strip_prefix(TYPE_PREFIX).ok_or(UnknownSlug)?.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_alphabetical_and_every_slug_parses_back() {
        let names: Vec<&str> = Slug::ALL.iter().map(|slug| slug.as_str()).collect();
        assert!(names.is_sorted(), "{names:?}");
        for slug in Slug::ALL {
            assert_eq!(slug.as_str().parse(), Ok(slug));
        }
        assert_eq!("made-up".parse::<Slug>(), Err(UnknownSlug));
    }

    #[test]
    fn statuses_are_errors_and_every_shortage_says_when_to_return() {
        for slug in Slug::ALL {
            assert!((400..600).contains(&slug.status()), "{slug}");
            let problem = Problem::new(slug, "");
            assert_eq!(problem.retry_after.is_some(), matches!(slug.status(), 429 | 503), "{slug}");
        }
    }

    #[test]
    fn www_authenticate_follows_rfc_6750() {
        assert_eq!(Slug::CredentialMissing.www_authenticate(), Some("Bearer realm=\"tollgate\""));
        for slug in Slug::ALL {
            let value = slug.www_authenticate();
            assert!(slug.status() != 401 || value.is_some(), "{slug} is a 401 without a challenge");
            let has_realm = value.is_some_and(|text| text.contains("realm"));
            assert_eq!(has_realm, slug == Slug::CredentialMissing, "{slug}");
        }
    }

    #[test]
    fn document_leaves_out_what_is_empty_and_reads_it_back() {
        let bare = Problem::new(Slug::NotFound, "");
        let text = serde_json::to_string(&bare).unwrap();
        assert_eq!(text, r#"{"type":"urn:tollgate:problem:not-found","title":"No such resource","status":404}"#);
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), bare);

        let mut full = Problem::new(Slug::Validation, "two members are wrong")
            .with_request_id("r1")
            .with_retry_after(0)
            .with_error("/name", "too long");
        full.instance = Some("/v1/tokens".to_owned());
        assert_eq!(full.retry_after, Some(1));
        let back: Problem = serde_json::from_str(&serde_json::to_string(&full).unwrap()).unwrap();
        assert_eq!(back, full);
        assert_eq!(back.slug(), Ok(Slug::Validation));
    }
}
