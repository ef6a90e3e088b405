//! The credential of a request at the gate, and the token that it is a secret of. What is refused here has no known token
//! and goes to the *Refused* ring.

use http::request::Parts;
use tollgate_shared::problem::{Problem, Slug};

use super::refusals;
use crate::core::authenticate::{self, Denied, Known};
use crate::core::call::credential::{self, CredentialError};
use crate::core::registry::Registry;
use crate::daemon::Daemon;
use crate::edge::Peer;

/// Seconds that a sender shall wait when the lane is full.
const OVERLOADED_RETRY_SECS: u32 = 1;

/// Seconds between two tries of a suspended token's sender: a doubt is cleared in minutes, not in seconds.
const SUSPENDED_RETRY_SECS: u32 = 60;

/// A known token and how its secret was presented.
pub(super) struct Holder {
    pub(super) known: Known,
    pub(super) via_query: bool,
}

/// Finds the token of a request.
///
/// # Errors
/// No single credential, or none of a living token; noted already.
pub(super) fn holder(daemon: &Daemon, registry: &Registry, parts: &Parts, peer: Peer) -> Result<Holder, Problem> {
    let target = || format!("{} {}", parts.method, parts.uri.path());
    let presented = credential::extract(&parts.headers, parts.uri.query()).map_err(|why| {
        let slug = credential_slug(&why);
        refusals::note_target(daemon, target(), peer, slug, why.to_string(), None);
        Problem::new(slug, why.to_string())
    })?;
    let known = known(daemon, registry, &presented.value, target(), peer)?;
    Ok(Holder { known, via_query: presented.via_query })
}

/// The living token of a presented value.
///
/// # Errors
/// There is none; noted already.
pub(super) fn known(
    daemon: &Daemon,
    registry: &Registry,
    value: &str,
    target: String,
    peer: Peer,
) -> Result<Known, Problem> {
    let (now, mac_of) = (daemon.clock.now(), |secret: &str| daemon.mac_key.mac(secret));
    authenticate::identify(registry, value, &mac_of, now).map_err(|denied| {
        if let (Some(dead), Some(ip)) = (denied.dead, peer.ip()) {
            daemon.usage.tried_dead(dead, now, ip);
        }
        let (detail, id) = (denied.detail.clone(), denied.presented_id.clone());
        refusals::note_target(daemon, target, peer, denied.slug, detail, id);
        outside(&denied)
    })
}

fn credential_slug(why: &CredentialError) -> Slug {
    match why {
        CredentialError::Missing(_) => Slug::CredentialMissing,
        CredentialError::Multiple => Slug::MultipleCredentials,
    }
}

/// The refusal of a token that takes no secret in the query. It is named, for the secret really matched.
pub(super) fn refused_in_query(known: &Known) -> Denied {
    let detail = "this token is not taken in the query; send it as Authorization: Bearer";
    Denied::of(&known.token, Slug::TokenInvalid, detail)
}

/// What is told to a sender: where no living token is known, malformed and unknown look the same.
pub(super) fn outside(denied: &Denied) -> Problem {
    let detail = match denied.slug {
        Slug::TokenInvalid if denied.token.is_none() => {
            "the token is not known here; check that the whole value was copied"
        }
        Slug::TokenRevoked => "the token was revoked and will never work again; ask for a new one",
        _ => denied.detail.as_str(),
    };
    problem_of(denied.slug, detail)
}

/// A refusal with the time to wait, where there is one.
pub(super) fn problem_of(slug: Slug, detail: &str) -> Problem {
    let problem = Problem::new(slug, detail);
    match slug {
        Slug::Overloaded => problem.with_retry_after(OVERLOADED_RETRY_SECS),
        Slug::TokenSuspended => problem.with_retry_after(SUSPENDED_RETRY_SECS),
        _ => problem,
    }
}
