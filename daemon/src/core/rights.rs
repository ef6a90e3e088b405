//! What a token may do now, and what a token is to somebody who wants to change it (domain.md §1 and §2).
//!
//! A personal token is never worth more than its owner is at this moment: that is judged at each use, here.

use std::sync::Arc;

use tollgate_shared::id::{OperatorId, TeamId};
use tollgate_shared::token::{Owner, Permission, Scope};

use super::access::{Actor, Door, Operation, Target, Who, allows, may_grant, service_target};
use super::model::{Operator, Token};
use super::registry::Registry;

/// The owner of a personal token, while he exists and is enabled. `None` as well for the organisation's tokens.
pub fn living_owner<'r>(registry: &'r Registry, token: &Token) -> Option<&'r Arc<Operator>> {
    match token.owner {
        Owner::Organisation => None,
        Owner::Operator(id) => registry.operator(id).filter(|operator| operator.enabled),
    }
}

/// Whether `token` may use `permission` now: it carries it and, where it is personal, its owner could grant it.
pub fn has(registry: &Registry, token: &Token, permission: Permission) -> bool {
    if !token.permissions.contains(&permission) {
        return false;
    }
    if token.owner == Owner::Organisation {
        return true;
    }
    let Some(owner) = living_owner(registry, token) else { return false };
    // A token refreshes itself by its owner's leave to have it at all.
    if permission == Permission::TokenRefresh {
        return true;
    }
    let owner = as_actor(owner);
    match token.scope {
        Scope::Mine => owner.teams().into_iter().any(|team| may_grant(&owner, permission, Target::Team(team))),
        scope => may_grant(&owner, permission, target_of_scope(registry, scope)),
    }
}

/// What a token may do now.
pub fn effective(registry: &Registry, token: &Token) -> Vec<Permission> {
    token.permissions.iter().copied().filter(|permission| has(registry, token, *permission)).collect()
}

/// The teams whose services a token of scope `mine` reaches now: those where its owner may create incidents. `None` for
/// every other scope.
pub fn own_teams(registry: &Registry, token: &Token) -> Option<Vec<TeamId>> {
    if token.scope != Scope::Mine {
        return None;
    }
    let owner = living_owner(registry, token).map(as_actor);
    let mut teams = owner.as_ref().map(Actor::teams).unwrap_or_default();
    teams.retain(|team| {
        owner.as_ref().is_some_and(|owner| may_grant(owner, Permission::IncidentsCreate, Target::Team(*team)))
    });
    teams.sort_unstable();
    teams.dedup();
    Some(teams)
}

/// What an organisation's token of this scope belongs to.
pub fn target_of_scope(registry: &Registry, scope: Scope) -> Target {
    match scope {
        Scope::Global | Scope::Mine => Target::Global,
        Scope::Team(team) => Target::Team(team),
        Scope::Service(service) => service_target(registry, service),
    }
}

/// What a token of this scope and owner is to `actor`.
pub fn target_of(registry: &Registry, actor: &Actor, scope: Scope, owner: Owner) -> Target {
    match owner {
        Owner::Organisation => target_of_scope(registry, scope),
        Owner::Operator(of) => Target::Personal { of, managed_team: managed_team(registry, actor, of) },
    }
}

/// Whether `actor` finds tokens of this scope and owner in lists. Who may end a personal token must see it first.
pub fn may_see(registry: &Registry, actor: &Actor, scope: Scope, owner: Owner) -> bool {
    if matches!(actor.who, Who::Superuser) {
        return true;
    }
    let target = target_of(registry, actor, scope, owner);
    let personal = matches!(target, Target::Personal { .. });
    allows(actor, Operation::See, target).is_ok()
        || (personal && allows(actor, Operation::EndPersonalToken, target).is_ok())
}

/// A team that `of` is a member of and `actor` manages.
fn managed_team(registry: &Registry, actor: &Actor, of: OperatorId) -> Option<TeamId> {
    let member = registry.operator(of)?;
    let mut teams = member.team_roles.iter().map(|(team, _)| *team);
    teams.find(|team| actor.team_role(*team) == Some(tollgate_shared::role::TeamRole::Manager))
}

fn as_actor(operator: &Arc<Operator>) -> Actor {
    Actor::of(operator.name.to_string(), Who::Operator(operator.clone()), Door::Gate)
}
