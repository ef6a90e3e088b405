//! The table of domain.md §1.

use tollgate_shared::id::{OperatorId, ServiceId, TeamId};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::role::{GlobalRole, TeamRole};
use tollgate_shared::token::{Permission, Scope};

use super::{Actor, Who};
use crate::core::model::Token;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// List and see teams, services, filters.
    See,
    /// List and see incidents.
    SeeIncidents,
    /// List and see requests.
    SeeRequests,
    /// List and see tokens.
    SeeTokens,
    /// See the daemon itself: status, events.
    SeeDaemon,
    /// Sign in, sign out, read what the interface is: anybody whom the socket let in.
    Introduce,
    /// What every change of a token asks at the door, before the token is found and the change has its own name.
    ChangeSomeToken,
    /// Create, edit, rotate, revoke an organisation's token, switch its debug.
    ChangeToken,
    /// Suspend a token: a responder may, in his team.
    SuspendToken,
    /// Create a personal token.
    CreatePersonalToken,
    /// Edit, refresh, rotate a personal token, switch its debug: its owner only.
    ChangePersonalToken,
    /// Revoke or suspend somebody's personal token: its owner, an admin, or a manager of his team.
    EndPersonalToken,
    /// Read and tail the API log.
    ReadLog,
    /// Teams, operators, global workflows, lockdown.
    ChangeOrganisation,
    /// Services, filters, team workflows.
    ChangeServices,
    /// Workflows: global ones by admins, a team's by its managers too.
    ChangeWorkflows,
    /// Have a request done again: as its workflow is changed.
    RetryRequests,
    /// Stop a request: a responder may, in his team.
    CancelRequests,
    /// Acknowledge and resolve incidents.
    ChangeIncidents,
    /// The audit trail.
    ReadAudit,
    /// Take a copy of everything, with the token key where it is encrypted: admins, themselves, never a token.
    Backup,
    /// Keep queries of one's own: every person with a role.
    KeepQueries,
}

/// What it is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything, or something that belongs to no team.
    Global,
    /// Something of a team.
    Team(TeamId),
    /// Something of one service of a team: as its team to people; a service's token reaches no other.
    Service {
        /// The service's team.
        team: TeamId,
        /// The service.
        service: ServiceId,
    },
    /// A personal token, with the teams' judgement left to the caller: `of` owns it.
    Personal {
        /// The owner.
        of: OperatorId,
        /// A team that he is a member of and the actor manages, if there is one.
        managed_team: Option<TeamId>,
    },
    /// Anything at all: whether there can be something that the actor may do it to. What he gets is then cut, and what
    /// he changes is asked about once more, by its own name.
    Any,
}

/// Whether `actor` may do `operation` to `target`.
///
/// # Errors
/// `unknown-operator` with his uid and the command that an admin would run; `permission-missing` for a token;
/// `scope-missing` for what a token does not reach; `forbidden` with the role that would be needed.
pub fn allows(actor: &Actor, operation: Operation, target: Target) -> Result<(), Problem> {
    if operation == Operation::Introduce {
        return Ok(());
    }
    if actor.read_only && !operation.is_reading() {
        return Err(Problem::new(Slug::Forbidden, "this socket is for reading; changes go over the admin socket"));
    }
    let token = match &actor.who {
        Who::Unknown => return Err(unknown(actor)),
        Who::Token(token, _) => Some(token),
        Who::Superuser | Who::Operator(_) | Who::Reader => None,
    };
    if let Some(token) = token {
        carries(token, operation)?;
        reaches(actor, token, target)?;
    }
    let allowed = match &actor.who {
        Who::Token(_, None) => organisation_token(operation),
        _ => person(actor, operation, target),
    };
    if allowed { Ok(()) } else { Err(forbidden(actor, operation)) }
}

/// Whether `actor` may give `permission` to a token of `target`: nobody grants what he lacks. For a personal token that is
/// what he may anywhere ([`Target::Any`] or [`Target::Personal`]); what counts at its use is what he may then.
pub fn may_grant(actor: &Actor, permission: Permission, target: Target) -> bool {
    if actor.lacks(permission) || actor.read_only {
        return false;
    }
    if matches!(actor.who, Who::Token(_, None)) {
        return true;
    }
    let target = if matches!(target, Target::Personal { .. }) { Target::Any } else { target };
    roles_at(actor, target).into_iter().any(|role| match role {
        Role::Admin | Role::Team(TeamRole::Manager) => true,
        Role::Reader | Role::Team(TeamRole::Observer) => permission.is_read(),
        Role::Team(TeamRole::Responder) => matches!(
            permission,
            Permission::IncidentsRead
                | Permission::IncidentsUpdate
                | Permission::IncidentsCreate
                | Permission::LogsRead
        ),
    })
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 22] = [
        Self::See,
        Self::SeeIncidents,
        Self::SeeRequests,
        Self::ChangeWorkflows,
        Self::RetryRequests,
        Self::CancelRequests,
        Self::SeeTokens,
        Self::SeeDaemon,
        Self::Introduce,
        Self::ChangeSomeToken,
        Self::ChangeToken,
        Self::SuspendToken,
        Self::CreatePersonalToken,
        Self::ChangePersonalToken,
        Self::EndPersonalToken,
        Self::ReadLog,
        Self::ChangeOrganisation,
        Self::ChangeServices,
        Self::ChangeIncidents,
        Self::ReadAudit,
        Self::Backup,
        Self::KeepQueries,
    ];

    /// True where nothing is changed by it.
    pub const fn is_reading(self) -> bool {
        matches!(
            self,
            Self::See
                | Self::SeeIncidents
                | Self::SeeRequests
                | Self::SeeTokens
                | Self::SeeDaemon
                | Self::ReadLog
                | Self::ReadAudit
        )
    }
}

/// A role that counts for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Admin,
    Reader,
    Team(TeamRole),
}

/// The roles that count: the team's own, which overrides the global one there also where it is lower; or the global one.
/// For anything at all: every role that he has.
fn roles_at(actor: &Actor, target: Target) -> Vec<Role> {
    let global = actor.global_role().map(|role| match role {
        GlobalRole::Admin => Role::Admin,
        GlobalRole::Reader => Role::Reader,
    });
    match target {
        Target::Team(team) | Target::Service { team, .. } => {
            actor.team_role(team).map(Role::Team).or(global).into_iter().collect()
        }
        Target::Global | Target::Personal { .. } => global.into_iter().collect(),
        Target::Any => {
            let teams = actor.teams().into_iter().filter_map(|team| actor.team_role(team)).map(Role::Team);
            global.into_iter().chain(teams).collect()
        }
    }
}

/// A person, or a personal token acting for one.
fn person(actor: &Actor, operation: Operation, target: Target) -> bool {
    let roles = roles_at(actor, target);
    let one_of = |wanted: &[Role]| roles.iter().any(|role| wanted.contains(role));
    let (manager, responder) = (Role::Team(TeamRole::Manager), Role::Team(TeamRole::Responder));
    match operation {
        Operation::Introduce => true,
        Operation::SeeDaemon => actor.has_some_role(),
        Operation::See | Operation::SeeIncidents | Operation::SeeRequests | Operation::ReadLog => {
            !roles.is_empty() || owns(actor, target)
        }
        Operation::SeeTokens => !roles.is_empty() || owns(actor, target) || manages_owner(actor, target),
        Operation::ReadAudit => one_of(&[Role::Admin, Role::Reader, manager]),
        Operation::Backup => matches!(actor.who, Who::Superuser | Who::Operator(_)) && one_of(&[Role::Admin]),
        Operation::KeepQueries => matches!(actor.who, Who::Superuser | Who::Operator(_)) && actor.has_some_role(),
        Operation::ChangeOrganisation => one_of(&[Role::Admin]),
        Operation::ChangeSomeToken => actor.has_some_role(),
        Operation::ChangeServices | Operation::ChangeToken | Operation::ChangeWorkflows | Operation::RetryRequests => {
            one_of(&[Role::Admin, manager])
        }
        Operation::SuspendToken | Operation::ChangeIncidents | Operation::CancelRequests => {
            one_of(&[Role::Admin, manager, responder])
        }
        Operation::CreatePersonalToken => {
            let for_himself = match target {
                Target::Personal { .. } => owns(actor, target),
                Target::Any | Target::Global => true,
                Target::Team(_) | Target::Service { .. } => !roles.is_empty(),
            };
            matches!(actor.who, Who::Operator(_)) && actor.has_some_role() && for_himself
        }
        Operation::ChangePersonalToken => owns(actor, target) || (target == Target::Any && is_operator(actor)),
        Operation::EndPersonalToken => {
            owns(actor, target)
                || one_of(&[Role::Admin])
                || manages_owner(actor, target)
                || (target == Target::Any && is_operator(actor))
        }
    }
}

fn is_operator(actor: &Actor) -> bool {
    actor.operator().is_some_and(|operator| operator.enabled)
}

fn owns(actor: &Actor, target: Target) -> bool {
    let Target::Personal { of, .. } = target else { return false };
    actor.operator().is_some_and(|operator| operator.enabled && operator.id == of)
}

fn manages_owner(actor: &Actor, target: Target) -> bool {
    matches!(target, Target::Personal { managed_team: Some(team), .. }
        if actor.team_role(team) == Some(TeamRole::Manager))
}

/// An organisation's token does what its permissions say; organisation and people stay with people.
fn organisation_token(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::ChangeOrganisation
            | Operation::ChangeServices
            | Operation::ChangeWorkflows
            | Operation::ReadAudit
            | Operation::Backup
            | Operation::KeepQueries
            | Operation::CreatePersonalToken
            | Operation::ChangePersonalToken
            | Operation::EndPersonalToken
    )
}

/// Whether the target is inside the token's scope. `mine` is every team that the owner is a member of now.
fn reaches(actor: &Actor, token: &Token, target: Target) -> Result<(), Problem> {
    let inside = match (token.scope, target) {
        (Scope::Global, _) | (_, Target::Any) => true,
        (Scope::Team(own), Target::Team(team) | Target::Service { team, .. }) => own == team,
        (Scope::Service(own), Target::Service { service, .. }) => own == service,
        (Scope::Mine, Target::Team(team) | Target::Service { team, .. }) => actor.team_role(team).is_some(),
        (Scope::Mine, Target::Personal { .. }) => owns(actor, target),
        _ => false,
    };
    if inside { Ok(()) } else { Err(Problem::new(Slug::ScopeMissing, "that is outside the token's scope")) }
}

/// What a token must carry for an operation; a sender's token sees nothing.
fn carries(token: &Token, operation: Operation) -> Result<(), Problem> {
    let needed = match operation {
        Operation::ChangeSomeToken
        | Operation::ChangeToken
        | Operation::SuspendToken
        | Operation::CreatePersonalToken
        | Operation::ChangePersonalToken
        | Operation::EndPersonalToken => Permission::TokensManage,
        Operation::SeeTokens => Permission::TokensRead,
        Operation::SeeIncidents => Permission::IncidentsRead,
        Operation::SeeRequests => Permission::RequestsRead,
        Operation::RetryRequests | Operation::CancelRequests => Permission::RequestsCreate,
        Operation::ReadLog => Permission::LogsRead,
        Operation::ChangeIncidents => Permission::IncidentsUpdate,
        Operation::See | Operation::SeeDaemon => {
            let reads = token.permissions.iter().any(|permission| permission.is_read());
            let missing = "the token may not read anything: it lacks incidents:read, tokens:read and logs:read";
            return if reads { Ok(()) } else { Err(Problem::new(Slug::PermissionMissing, missing)) };
        }
        Operation::Introduce
        | Operation::ChangeOrganisation
        | Operation::ChangeServices
        | Operation::ChangeWorkflows
        | Operation::ReadAudit
        | Operation::Backup
        | Operation::KeepQueries => return Ok(()),
    };
    if token.permissions.contains(&needed) {
        return Ok(());
    }
    Err(Problem::new(Slug::PermissionMissing, format!("the token lacks {needed}")))
}

fn unknown(actor: &Actor) -> Problem {
    let uid = actor.uid.map_or_else(|| "?".to_owned(), |uid| uid.to_string());
    let why = actor.why_unknown.as_deref().unwrap_or("has no role here");
    let detail =
        format!("uid {uid} {why}; an admin adds it with: tollgate operator add NAME --unix-user {uid} --role reader");
    Problem::new(Slug::UnknownOperator, detail)
}

fn forbidden(actor: &Actor, operation: Operation) -> Problem {
    if let Some(operator) = actor.operator().filter(|operator| !operator.enabled) {
        let detail = format!("operator `{}` is disabled; an admin enables him again", operator.name);
        return Problem::new(Slug::Forbidden, detail);
    }
    let needs = match operation {
        Operation::See
        | Operation::SeeIncidents
        | Operation::SeeRequests
        | Operation::SeeTokens
        | Operation::SeeDaemon
        | Operation::Introduce
        | Operation::ChangeSomeToken
        | Operation::ReadLog => "a role in that team, or reader",
        Operation::ChangeToken | Operation::ChangeServices | Operation::ChangeWorkflows | Operation::RetryRequests => {
            "manager of the team, or admin"
        }
        Operation::SuspendToken | Operation::ChangeIncidents | Operation::CancelRequests => {
            "responder or manager of the team, or admin"
        }
        Operation::CreatePersonalToken => "an operator with a role, for himself",
        Operation::ChangePersonalToken => "its owner",
        Operation::EndPersonalToken => "its owner, a manager of his team, or admin",
        Operation::ChangeOrganisation => "admin",
        Operation::Backup => "admin, in person",
        Operation::KeepQueries => "an operator with a role",
        Operation::ReadAudit => "manager, reader or admin",
    };
    Problem::new(Slug::Forbidden, format!("{} may not do this: it needs {needs}", actor.name))
}

#[cfg(test)]
mod tests;
