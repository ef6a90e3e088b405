//! The table of domain.md §1.

use tollgate_shared::id::{OperatorId, TeamId};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::role::{GlobalRole, TeamRole};
use tollgate_shared::token::Permission;

use super::{Actor, Who};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// List and see teams, services, filters, tokens, incidents.
    See,
    /// See the daemon itself: status, events.
    SeeDaemon,
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
    /// Acknowledge and resolve incidents.
    ChangeIncidents,
    /// The audit trail.
    ReadAudit,
}

/// What it is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything, or something that belongs to no team.
    Global,
    /// Something of a team.
    Team(TeamId),
    /// A personal token, with the teams' judgement left to the caller: `of` owns it.
    Personal {
        /// The owner.
        of: OperatorId,
        /// A team that he is a member of and the actor manages, if there is one.
        managed_team: Option<TeamId>,
    },
    /// Anything at all of what the actor can see somewhere: lists are then cut to it.
    Any,
}

/// Whether `actor` may do `operation` to `target`.
///
/// # Errors
/// `unknown-operator` with his uid and the command that an admin would run; `permission-missing` for a token;
/// `forbidden` with the role that would be needed.
pub fn allows(actor: &Actor, operation: Operation, target: Target) -> Result<(), Problem> {
    if matches!(actor.who, Who::Unknown) {
        return Err(unknown(actor));
    }
    if let Some(missing) = permission_of(operation).filter(|permission| actor.lacks(*permission)) {
        return Err(Problem::new(Slug::PermissionMissing, format!("the token lacks {missing}")));
    }
    if is_organisation_token(actor) {
        return organisation_token(actor, operation, target);
    }
    if person(actor, operation, target) { Ok(()) } else { Err(forbidden(actor, operation)) }
}

/// Whether `actor` may give `permission` to a token of `target`: nobody grants what he lacks.
pub fn may_grant(actor: &Actor, permission: Permission, target: Target) -> bool {
    if actor.lacks(permission) {
        return false;
    }
    match role_at(actor, target) {
        RoleAt::Admin | RoleAt::Team(TeamRole::Manager) => true,
        RoleAt::Reader | RoleAt::Team(TeamRole::Observer) => permission.is_read(),
        RoleAt::Team(TeamRole::Responder) => matches!(
            permission,
            Permission::IncidentsRead
                | Permission::IncidentsUpdate
                | Permission::IncidentsCreate
                | Permission::LogsRead
        ),
        RoleAt::None => is_organisation_token(actor),
    }
}

/// The role that counts for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RoleAt {
    Admin,
    Reader,
    Team(TeamRole),
    None,
}

fn role_at(actor: &Actor, target: Target) -> RoleAt {
    let team = match target {
        Target::Team(team) => Some(team),
        _ => None,
    };
    if let Some(role) = team.and_then(|team| actor.team_role(team)) {
        return RoleAt::Team(role);
    }
    match actor.global_role() {
        Some(GlobalRole::Admin) => RoleAt::Admin,
        Some(GlobalRole::Reader) => RoleAt::Reader,
        None => RoleAt::None,
    }
}

/// A person, or a personal token acting for one.
fn person(actor: &Actor, operation: Operation, target: Target) -> bool {
    if matches!(actor.who, Who::Superuser) {
        return true;
    }
    let role = role_at(actor, target);
    let member = !actor.teams().is_empty();
    match operation {
        Operation::SeeDaemon => role != RoleAt::None || member,
        Operation::See | Operation::ReadLog => {
            role != RoleAt::None || (target == Target::Any && member) || owns(actor, target)
        }
        Operation::ReadAudit => {
            matches!(role, RoleAt::Admin | RoleAt::Reader | RoleAt::Team(TeamRole::Manager))
                || (target == Target::Any && manages_some(actor))
        }
        Operation::ChangeOrganisation => role == RoleAt::Admin,
        Operation::ChangeServices | Operation::ChangeToken => {
            matches!(role, RoleAt::Admin | RoleAt::Team(TeamRole::Manager))
        }
        Operation::SuspendToken | Operation::ChangeIncidents => {
            matches!(role, RoleAt::Admin | RoleAt::Team(TeamRole::Manager | TeamRole::Responder))
        }
        Operation::CreatePersonalToken => matches!(actor.who, Who::Operator(_)) && (role != RoleAt::None || member),
        Operation::ChangePersonalToken => owns(actor, target),
        Operation::EndPersonalToken => {
            owns(actor, target)
                || role == RoleAt::Admin
                || matches!(target, Target::Personal { managed_team: Some(team), .. }
                    if actor.team_role(team) == Some(TeamRole::Manager))
        }
    }
}

fn owns(actor: &Actor, target: Target) -> bool {
    match (&actor.who, target) {
        (Who::Operator(operator) | Who::Token(_, Some(operator)), Target::Personal { of, .. }) => {
            operator.enabled && operator.id == of
        }
        _ => false,
    }
}

fn manages_some(actor: &Actor) -> bool {
    actor.teams().into_iter().any(|team| actor.team_role(team) == Some(TeamRole::Manager))
}

fn is_organisation_token(actor: &Actor) -> bool {
    matches!(actor.who, Who::Token(_, None))
}

/// An organisation's token may, inside its scope, what its permissions say; organisation and people stay with people.
fn organisation_token(actor: &Actor, operation: Operation, target: Target) -> Result<(), Problem> {
    use tollgate_shared::token::Scope;
    let Who::Token(token, None) = &actor.who else { return Err(forbidden(actor, operation)) };
    let for_people = matches!(
        operation,
        Operation::ChangeOrganisation
            | Operation::ChangeServices
            | Operation::ReadAudit
            | Operation::CreatePersonalToken
            | Operation::ChangePersonalToken
            | Operation::EndPersonalToken
    );
    let in_scope = match (token.scope, target) {
        (Scope::Global, _) | (_, Target::Any) => true,
        (Scope::Team(own), Target::Team(team)) => own == team,
        _ => false,
    };
    if for_people {
        return Err(forbidden(actor, operation));
    }
    if in_scope { Ok(()) } else { Err(Problem::new(Slug::ScopeMissing, "that is outside the token's scope")) }
}

/// What a token must carry for an operation.
fn permission_of(operation: Operation) -> Option<Permission> {
    match operation {
        Operation::ChangeToken
        | Operation::SuspendToken
        | Operation::CreatePersonalToken
        | Operation::ChangePersonalToken
        | Operation::EndPersonalToken => Some(Permission::TokensManage),
        Operation::ReadLog => Some(Permission::LogsRead),
        Operation::ChangeIncidents => Some(Permission::IncidentsUpdate),
        Operation::See
        | Operation::SeeDaemon
        | Operation::ChangeOrganisation
        | Operation::ChangeServices
        | Operation::ReadAudit => None,
    }
}

fn unknown(actor: &Actor) -> Problem {
    let uid = actor.uid.map_or_else(|| "?".to_owned(), |uid| uid.to_string());
    let detail = format!(
        "uid {uid} has no role here; an admin adds it with: tollgate operator add NAME --unix-user {uid} --role reader"
    );
    Problem::new(Slug::UnknownOperator, detail)
}

fn forbidden(actor: &Actor, operation: Operation) -> Problem {
    let needs = match operation {
        Operation::See | Operation::SeeDaemon | Operation::ReadLog => "a role in that team, or reader",
        Operation::ChangeToken | Operation::ChangeServices => "manager of the team, or admin",
        Operation::SuspendToken | Operation::ChangeIncidents => "responder or manager of the team, or admin",
        Operation::CreatePersonalToken => "an operator with a role",
        Operation::ChangePersonalToken => "its owner",
        Operation::EndPersonalToken => "its owner, a manager of his team, or admin",
        Operation::ChangeOrganisation => "admin",
        Operation::ReadAudit => "manager, reader or admin",
    };
    Problem::new(Slug::Forbidden, format!("{} may not do this: it needs {needs}", actor.name))
}
