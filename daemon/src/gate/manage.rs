//! Management over the gate: the same resources as on the local socket, for scripts with a token (http.md §2).
//!
//! Only `Authorization: Bearer`, never the query: a management address must not carry a secret. Only where the gate speaks
//! TLS or listens on this host alone: what a token may change must not cross a network readable.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::token::Owner;

use super::{intake, refusals};
use crate::core::access::{Actor, Door, Who};
use crate::core::authenticate::{self, Denied};
use crate::core::call::credential;
use crate::core::decision::Seen;
use crate::core::model::{Operator, Token};
use crate::daemon::Daemon;
use crate::edge::{Body, Peer, RequestId, respond};
use crate::local::Local;
use crate::usage::Use;

/// Answers a management request, or says why not.
pub(super) async fn answer(
    daemon: &Arc<Daemon>,
    manage: &Local,
    request: Request<Incoming>,
    peer: Peer,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match caller(daemon, &parts, peer) {
        Ok(actor) => manage.answer(Request::from_parts(parts, body), actor).await,
        Err(problem) => respond::problem(problem),
    }
}

/// Whether management is served here at all.
pub(super) fn is_served(daemon: &Daemon) -> bool {
    daemon.facts.tls || daemon.facts.listen.ip().to_canonical().is_loopback()
}

fn caller(daemon: &Daemon, parts: &Parts, peer: Peer) -> Result<Actor, Problem> {
    let refuse = |slug, detail: String, id| {
        let target = format!("{} {}", parts.method, parts.uri.path());
        refusals::note_target(daemon, target, peer, slug, detail.clone(), id);
        Problem::new(slug, detail)
    };
    only_bearer(parts).map_err(|(slug, detail)| refuse(slug, detail.to_owned(), None))?;
    let presented = credential::extract(&parts.headers, None)
        .map_err(|why| refuse(Slug::CredentialMissing, why.to_string(), None))?;
    let ip = peer.ip().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    let user_agent = intake::user_agent(parts, &daemon.redactor());
    let by =
        Use { at: daemon.clock.now(), ip, user_agent: user_agent.as_deref(), seen: Seen::default(), body_bytes: 0 };
    let (token, owner) = known(daemon, &presented.value, &by).map_err(|denied| {
        let id = denied.presented_id.clone();
        let problem = refuse(denied.slug, denied.detail.clone(), id);
        let hidden = denied.slug == Slug::TokenInvalid;
        if hidden { Problem::new(denied.slug, "the token is not known here") } else { problem }
    })?;
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.to_string());
    let name = format!("token {}", token.id);
    Ok(Actor { request_id, ..Actor::of(name, Who::Token(token, owner), Door::Gate) })
}

/// # Errors
/// Another form of credential than `Authorization: Bearer`, or one in the query.
fn only_bearer(parts: &Parts) -> Result<(), (Slug, &'static str)> {
    let in_query = parts.uri.query().unwrap_or_default().split('&');
    if in_query.into_iter().any(|pair| pair.starts_with("token=") || pair.starts_with("access_token=")) {
        return Err((Slug::CredentialMissing, "management takes no token in the query; send Authorization: Bearer"));
    }
    let scheme = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_bearer = scheme.split(' ').next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"));
    if is_bearer {
        Ok(())
    } else {
        Err((Slug::CredentialMissing, "management takes Authorization: Bearer and no other form"))
    }
}

/// The living token of a value, usable from this address now, with its owner where it is a personal one. Its use, or its
/// refusal, counts on the token.
fn known(daemon: &Daemon, value: &str, by: &Use<'_>) -> Result<(Arc<Token>, Option<Arc<Operator>>), Denied> {
    let registry = daemon.registry.load();
    let known = authenticate::identify(&registry, value, &|secret| daemon.mac_key.mac(secret), by.at)
        .inspect_err(|denied| denied.dead.into_iter().for_each(|dead| daemon.usage.tried_dead(dead, by.at, by.ip)))?;
    let (token, old_secret) = (known.token, known.old_secret);
    let by = Use { seen: Seen { old_secret, ..by.seen }, ..by.clone() };
    // Which permission it takes is asked by the operation; here it is only asked to be alive and at the right address.
    let noticed = authenticate::check(&registry, &token, by.ip, None, by.at).inspect_err(|denied| {
        daemon.usage.refused(token.id, &by, denied.slug, false);
    })?;
    let seen = Seen { ip_violation: noticed.ip_violation, ..by.seen };
    daemon.usage.asked(token.id, &Use { seen, ..by });
    let owner = match token.owner {
        Owner::Organisation => None,
        Owner::Operator(id) => registry.operator(id).cloned(),
    };
    Ok((token, owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(target: &str, authorization: Option<&str>) -> Parts {
        let mut request = Request::get(target);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn management_takes_a_bearer_token_and_no_other_form() {
        assert!(only_bearer(&parts("/v1/tokens", Some("Bearer tg_x"))).is_ok());
        assert!(only_bearer(&parts("/v1/tokens?q=a", Some("bearer tg_x"))).is_ok());
        for (target, value) in [
            ("/v1/tokens", None),
            ("/v1/tokens", Some("Token tg_x")),
            ("/v1/tokens", Some("Basic dG9rZW46eA==")),
            ("/v1/tokens?token=tg_x", None),
            ("/v1/tokens?access_token=tg_x", Some("Bearer tg_x")),
        ] {
            assert!(only_bearer(&parts(target, value)).is_err(), "{target} {value:?}");
        }
    }
}
