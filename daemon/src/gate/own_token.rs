//! What a token may ask about itself: what am I, and extend me.

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tollgate_shared::api::WhoAmI;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::token::Permission;

use super::intake;
use super::marks::Marks;
use super::presented::{self, Holder};
use crate::core::access::{Actor, Door, Who};
use crate::core::admin::{Command, TokenCommand};
use crate::core::authenticate::{self, Denied, Noticed};
use crate::core::decision::Seen;
use crate::core::rights;
use crate::core::views;
use crate::daemon::Daemon;
use crate::edge::{Body, Peer, respond};
use crate::jobs::AdminJob;
use crate::lanes::NotQueued;
use crate::usage::Use;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// What am I?
    Who,
    /// Extend me; needs `token:refresh`.
    Refresh,
}

/// Answers a token's question about itself.
pub(super) async fn answer(
    daemon: &Arc<Daemon>,
    request: Request<Incoming>,
    peer: Peer,
    question: Question,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let registry = daemon.registry.load_full();
    let holder = match presented::holder(daemon, &registry, &parts, peer) {
        Ok(holder) => holder,
        Err(problem) => return respond::problem(problem),
    };
    let now = daemon.clock.now();
    let mut response = match permitted(daemon, &holder, peer, question) {
        Ok(noticed) => match carried_out(daemon, &holder, question, &parts).await {
            Ok(me) => {
                let user_agent = intake::user_agent(&parts, &daemon.redactor());
                let by = Use { user_agent: user_agent.as_deref(), ..used_by(daemon, &holder, peer, noticed) };
                daemon.usage.asked(holder.known.token.id, &by);
                daemon.events.changed(crate::events::Kind::Usage);
                respond::json(http::StatusCode::OK, &me)
            }
            Err(problem) => respond::problem(problem),
        },
        Err(denied) => {
            refused(daemon, &holder, peer, &denied);
            respond::problem(presented::outside(&denied))
        }
    };
    let current = daemon.registry.load().token(holder.known.token.id).cloned();
    let ends = current.and_then(|token| authenticate::Known { token, ..holder.known.clone() }.ends_soon(now));
    let (token, status) = (holder.known.token.id, response.status().as_u16());
    tracing::debug!(%token, ?question, status, "a token asked about itself");
    Marks { quota: None, ends }.put(response.headers_mut());
    response
}

fn permitted(daemon: &Daemon, holder: &Holder, peer: Peer, question: Question) -> Result<Noticed, Denied> {
    let token = &holder.known.token;
    if holder.via_query && !token.query_token {
        return Err(presented::refused_in_query(&holder.known));
    }
    let needs = (question == Question::Refresh).then_some(Permission::TokenRefresh);
    let ip = peer.ip().unwrap_or_else(|| [127, 0, 0, 1].into());
    let registry = daemon.registry.load();
    authenticate::check(&registry, token, ip, needs, daemon.clock.now())
}

/// Counted on the token like every refusal.
fn refused(daemon: &Daemon, holder: &Holder, peer: Peer, denied: &Denied) {
    let by = used_by(daemon, holder, peer, Noticed::default());
    daemon.usage.refused(holder.known.token.id, &by, denied.slug, false);
    daemon.events.changed(crate::events::Kind::Usage);
}

fn used_by(daemon: &Daemon, holder: &Holder, peer: Peer, noticed: Noticed) -> Use<'static> {
    let seen =
        Seen { old_secret: holder.known.old_secret, via_query: holder.via_query, ip_violation: noticed.ip_violation };
    let ip = peer.ip().unwrap_or_else(|| [127, 0, 0, 1].into());
    Use { at: daemon.clock.now(), ip, user_agent: None, seen, body_bytes: 0 }
}

async fn carried_out(
    daemon: &Arc<Daemon>,
    holder: &Holder,
    question: Question,
    parts: &http::request::Parts,
) -> Result<WhoAmI, Problem> {
    let token = &holder.known.token;
    if question == Question::Refresh {
        let registry = daemon.registry.load();
        let who = Who::Token(token.clone(), rights::living_owner(&registry, token).cloned());
        let request_id = parts.extensions.get::<crate::edge::RequestId>().map(|id| id.0.to_string());
        let actor = Actor { request_id, ..Actor::of(format!("token {}", token.id), who, Door::Gate) };
        drop(registry);
        changed(daemon, actor, TokenCommand::RefreshSelf(token.id, holder.known.mac)).await?;
    }
    let registry = daemon.registry.load();
    let now = registry.token(token.id).unwrap_or(token);
    let last_use = daemon.usage.view(token.id, daemon.clock.now()).last_use;
    Ok(views::who_am_i(&registry, now, last_use))
}

async fn changed(daemon: &Daemon, actor: Actor, command: TokenCommand) -> Result<(), Problem> {
    let (answer, waiting) = oneshot::channel();
    let job = AdminJob::Command { actor, command: Command::Token(command), answer };
    daemon.lanes.push_admin(job).map_err(|back| match back {
        NotQueued::Full(_) => presented::problem_of(Slug::Overloaded, "too many changes are waiting; try again"),
        NotQueued::Closed(_) => Problem::new(Slug::ShuttingDown, "the daemon is shutting down"),
    })?;
    let ended = || Problem::new(Slug::ShuttingDown, "the daemon stopped before it was done");
    waiting.await.unwrap_or_else(|_| Err(ended())).map(drop)
}
