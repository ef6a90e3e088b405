//! Whether somebody who was let in may stay: asked again and again of whoever holds a stream (http.md §2).

use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;

use super::access::{Actor, Operation, Target, Who, allows};
use super::authenticate;
use super::model::Token;
use super::registry::Registry;

/// Whether somebody who was let in earlier may still do something, anywhere, as he and the registry are now: a stream is
/// open for days. His address was looked at when he came.
///
/// # Errors
/// What the same request would be told now.
pub fn still_allows(registry: &Registry, actor: &Actor, operation: Operation, now: Timestamp) -> Result<(), Problem> {
    let present = actor.as_of_now(registry);
    if let Who::Token(was, _) = &actor.who {
        let revoked = || Problem::new(Slug::TokenRevoked, format!("token {} was revoked", was.id));
        let token = registry.token(was.id).ok_or_else(revoked)?;
        let anywhere = Token { ip_report_only: true, ..token.as_ref().clone() };
        authenticate::check(registry, &anywhere, [127, 0, 0, 1].into(), None, now)
            .map_err(|denied| Problem::new(denied.slug, denied.detail))?;
    }
    allows(&present, operation, Target::Any)
}
