//! What `POST /v1/request` has of its own: who may come there, and what the workflows say.

use tollgate_shared::explain::Explain;
use tollgate_shared::problem::Slug;
use tollgate_shared::token::Scope;

use crate::core::authenticate::Denied;
use crate::core::decision::Content;
use crate::core::endpoint::Endpoint;
use crate::core::model::Token;
use crate::core::registry::Registry;
use crate::core::routing::{self, Plan};
use crate::core::workflows::{self, StartPlan};

/// What a list says of a call where there was nothing to ask.
const NOTHING_ASKED: &str = "no workflow was asked: none has a trigger";

/// Only global tokens create requests (domain.md §7). Asked before the permission: a team's token cannot have that at all.
pub(super) fn in_scope(endpoint: Endpoint, token: &Token) -> Result<(), Denied> {
    if endpoint == Endpoint::Request && token.scope != Scope::Global {
        let detail = "only global tokens start workflows; this token's scope is narrower";
        return Err(Denied::of(token, Slug::ScopeMissing, detail));
    }
    Ok(())
}

/// What the snapshot says of a call: its filters, or for `/v1/request` its workflows.
pub(super) fn judge(
    registry: &Registry,
    token: &Token,
    endpoint: Endpoint,
    content: &Content,
) -> (Plan, Option<StartPlan>) {
    match endpoint {
        Endpoint::Process | Endpoint::Enqueue => {
            (routing::plan_for(registry, token, &content.call, &content.redacted), None)
        }
        Endpoint::Request => {
            let plan = Plan { routing: registry.routing(), services: Vec::new() };
            (plan, Some(workflows::plan(registry, content)))
        }
    }
}

/// The verdict of the workflows for the log, and what its list says where there is none.
pub(super) fn explain(registry: &Registry, content: &Content) -> (Explain, Option<&'static str>) {
    let explain = workflows::explain(registry, &content.call, &content.redacted);
    let nothing = explain.matched.is_empty() && explain.nearest_misses.is_empty();
    (explain, nothing.then_some(NOTHING_ASKED))
}

/// Headers whose values make calls different ones: those that something there reads.
pub(super) fn header_names(registry: &Registry, endpoint: Endpoint) -> &[String] {
    match endpoint {
        Endpoint::Process | Endpoint::Enqueue => registry.header_names(),
        Endpoint::Request => registry.workflow_header_names(),
    }
}
