//! What an actor sees: lists, pages and tails are cut to it.

use tollgate_shared::id::{OperatorId, ServiceId, TeamId, TokenId};
use tollgate_shared::role::TeamRole;
use tollgate_shared::token::{Owner, Scope};

use super::{Actor, Operation, Target, allows};
use crate::core::model::Token;
use crate::core::registry::Registry;

/// An actor's sight of one registry.
pub struct Sight<'a> {
    actor: &'a Actor,
    registry: &'a Registry,
}

/// What a service is asked about as; a service that is gone belongs to no team.
pub fn service_target(registry: &Registry, service: ServiceId) -> Target {
    registry.service(service).map_or(Target::Global, |entry| Target::Service { team: entry.service.team, service })
}

/// What a token is asked about as: its owner's where it is a personal one, else what its scope is of.
pub fn token_target(registry: &Registry, actor: &Actor, token: &Token) -> Target {
    match (token.owner, token.scope) {
        (Owner::Operator(of), _) => Target::Personal { of, managed_team: managed_team(registry, actor, of) },
        (_, Scope::Team(team)) => Target::Team(team),
        (_, Scope::Service(service)) => service_target(registry, service),
        (_, Scope::Global | Scope::Mine) => Target::Global,
    }
}

/// A team of which `member` is a member and `actor` a manager.
pub fn managed_team(registry: &Registry, actor: &Actor, member: OperatorId) -> Option<TeamId> {
    let member = registry.operator(member)?;
    let teams = member.team_roles.iter().map(|(team, _)| *team);
    teams.into_iter().find(|team| actor.team_role(*team) == Some(TeamRole::Manager))
}

impl<'a> Sight<'a> {
    /// What `actor` sees of `registry`.
    pub fn new(actor: &'a Actor, registry: &'a Registry) -> Self {
        Self { actor, registry }
    }

    /// True where nothing need be cut: he sees what belongs to no team, and no team role takes anything away from that.
    pub fn of_everything(&self, operation: Operation) -> bool {
        self.may(operation, Target::Global)
            && self.registry.teams().all(|team| self.may(operation, Target::Team(team.id)))
    }

    /// Whether he may do it to something of a team.
    pub fn team(&self, operation: Operation, team: TeamId) -> bool {
        self.may(operation, Target::Team(team)) || self.services_of(team).any(|s| self.service(operation, s))
    }

    /// Whether he may do it to something of a service.
    pub fn service(&self, operation: Operation, service: ServiceId) -> bool {
        self.may(operation, service_target(self.registry, service))
    }

    /// Whether he may do it to a token, living or dead; one that is not known belongs to no team.
    pub fn token(&self, operation: Operation, token: TokenId) -> bool {
        let dead = || self.registry.tombstone(token).map(|stone| &stone.token);
        let target = match self.registry.token(token).map(AsRef::as_ref).or_else(dead) {
            Some(token) => token_target(self.registry, self.actor, token),
            None => Target::Global,
        };
        self.may(operation, target)
    }

    fn services_of(&self, team: TeamId) -> impl Iterator<Item = ServiceId> {
        self.registry.reached(Scope::Team(team)).iter().map(|entry| entry.service.id)
    }

    fn may(&self, operation: Operation, target: Target) -> bool {
        allows(self.actor, operation, target).is_ok()
    }
}
