//! Operators: who works with Tollgate, as whom the kernel names them, and what they may (domain.md §1).

use tollgate_shared::api::{NewOperator, OperatorPatch};
use tollgate_shared::id::{OperatorId, TeamId};
use tollgate_shared::name::Name;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::role::{GlobalRole, TeamRole};
use tollgate_shared::token::Owner;

use super::{Done, Office, Reply, invalid, name_of};
use crate::core::access::Actor;
use crate::core::model::{Operator, RegistryChange, UnixUser};
use crate::core::registry::Registry;

/// Unix users of one operator, and teams that he has a role in.
const LIST_MAX: usize = 64;

/// The uid that stands for "not mapped into this user namespace": it could be anybody and never gets a role.
pub const UNMAPPED_UID: u32 = 65_534;

pub(super) fn create(office: &mut Office<'_>, actor: &Actor, new: &NewOperator) -> Result<Done, Problem> {
    let name = unused_name(office.registry, &new.name, None)?;
    let id = OperatorId((office.new_id)());
    let operator = Operator {
        id,
        name,
        unix_users: users_of(office, &new.unix_users, id)?,
        passphrase: None,
        role: new.role.as_deref().map_or(Ok(None), role_of)?,
        team_roles: team_roles_of(office.registry, &new.team_roles)?,
        enabled: true,
        created_at: office.now,
        created_by: actor.name.clone(),
        version: 1,
    };
    let detail = described(office.registry, &operator);
    put(office, actor, operator, "operator.create", detail)
}

pub(super) fn edit(
    office: &mut Office<'_>,
    actor: &Actor,
    reference: &str,
    patch: &OperatorPatch,
    version: Option<u64>,
) -> Result<Done, Problem> {
    let before = office.registry.find_operator(reference)?.clone();
    if let Some(seen) = version.filter(|seen| *seen != before.version) {
        let detail = format!("operator `{}` is at version {}; you saw {seen}: look again", before.name, before.version);
        return Err(Problem::new(Slug::VersionMismatch, detail));
    }
    let mut operator = before.as_ref().clone();
    if let Some(name) = &patch.name {
        operator.name = unused_name(office.registry, name, Some(operator.id))?;
    }
    if let Some(users) = &patch.unix_users {
        operator.unix_users = users_of(office, users, operator.id)?;
    }
    if let Some(role) = &patch.role {
        operator.role = role_of(role)?;
    }
    if let Some(roles) = &patch.team_roles {
        operator.team_roles = team_roles_of(office.registry, roles)?;
    }
    operator.enabled = patch.enabled.unwrap_or(operator.enabled);
    if operator == *before {
        return Ok(Done { changes: Vec::new(), reply: Reply::Operator(operator.id) });
    }
    let action = match (before.enabled, operator.enabled) {
        (true, false) => "operator.disable",
        (false, true) => "operator.enable",
        _ => "operator.edit",
    };
    operator.version += 1;
    let detail = format!("{} -> {}", described(office.registry, &before), described(office.registry, &operator));
    put(office, actor, operator, action, detail)
}

/// Sets or takes away the passphrase; `hash` was made outside of the writer. Neither is ever in the audit.
pub(super) fn set_passphrase(
    office: &mut Office<'_>,
    actor: &Actor,
    reference: &str,
    hash: Option<String>,
) -> Result<Done, Problem> {
    let mut operator = office.registry.find_operator(reference)?.as_ref().clone();
    let detail = if hash.is_some() { "set" } else { "removed" };
    operator.passphrase = hash;
    operator.version += 1;
    put(office, actor, operator, "operator.passphrase", detail.to_owned())
}

pub(super) fn delete(office: &mut Office<'_>, actor: &Actor, reference: &str) -> Result<Done, Problem> {
    let operator = office.registry.find_operator(reference)?.clone();
    let owned = office.registry.tokens().filter(|token| token.owner == Owner::Operator(operator.id));
    let tokens: Vec<_> = owned.map(|token| ("tokens", format!("{} {}", token.id, token.name))).collect();
    super::organisation::unused("operator", operator.name.as_str(), tokens)?;
    let kept = office.registry.kept_queries(Some(operator.id)).map(|kept| RegistryChange::DeleteQuery(kept.key()));
    let changes: Vec<_> = kept.chain([RegistryChange::DeleteOperator(operator.id)]).collect();
    let (target, detail) = (target_of(&operator), described(office.registry, &operator));
    office.write(actor, &changes, "operator.delete", target, detail);
    Ok(Done { changes, reply: Reply::Deleted })
}

fn put(
    office: &mut Office<'_>,
    actor: &Actor,
    operator: Operator,
    action: &str,
    detail: String,
) -> Result<Done, Problem> {
    let (id, target) = (operator.id, target_of(&operator));
    let changes = vec![RegistryChange::PutOperator(Box::new(operator))];
    office.write(actor, &changes, action, target, detail);
    Ok(Done { changes, reply: Reply::Operator(id) })
}

fn target_of(operator: &Operator) -> String {
    format!("operator {} {}", operator.id, operator.name)
}

/// What of an operator the audit shows, before and after a change.
fn described(registry: &Registry, operator: &Operator) -> String {
    let team = |id: TeamId| registry.team(id).map_or_else(|| id.to_string(), |team| team.name.to_string());
    let user = |user: &UnixUser| match user.name.as_str() {
        "" => user.uid.to_string(),
        name => format!("{name} ({})", user.uid),
    };
    let users: Vec<_> = operator.unix_users.iter().map(user).collect();
    let roles: Vec<_> = operator.team_roles.iter().map(|(id, role)| format!("{}={role}", team(*id))).collect();
    let role = operator.role.map_or("none", GlobalRole::as_str);
    let (users, roles) = (users.join(", "), roles.join(", "));
    let enabled = if operator.enabled { "enabled" } else { "disabled" };
    format!("name {}; unix users {users}; role {role}; team roles {roles}; {enabled}", operator.name)
}

fn unused_name(registry: &Registry, text: &str, own: Option<OperatorId>) -> Result<Name, Problem> {
    let name = name_of("name", text)?;
    // A name that the daemon gives itself or its callers would make the audit ambiguous.
    let taken = ["root", "tollgated"].contains(&name.key().as_str()) || name.key().starts_with("uid ");
    if taken || name.key().starts_with("token ") {
        return Err(invalid("name", "root, tollgated, `uid …` and `token …` are names that the daemon gives itself"));
    }
    if registry.operators().any(|other| Some(other.id) != own && other.name.key() == name.key()) {
        return Err(Problem::new(Slug::Conflict, format!("there is already an operator `{name}`")));
    }
    Ok(name)
}

/// Users by name or uid. One uid is one operator: the kernel could not tell two apart; those who share an account sign in.
fn users_of(office: &Office<'_>, given: &[String], own: OperatorId) -> Result<Vec<UnixUser>, Problem> {
    short_enough("unix_users", given)?;
    let mut users: Vec<UnixUser> = Vec::with_capacity(given.len());
    for (at, text) in given.iter().enumerate() {
        let field = format!("unix_users[{at}]");
        let uid = text.parse().ok().or_else(|| office.users.uid_of(text)).ok_or_else(|| {
            invalid(&field, format!("there is no unix user `{text}` on this host; give the name or the uid"))
        })?;
        if uid == 0 || uid == UNMAPPED_UID || uid == u32::MAX {
            return Err(invalid(
                &field,
                format!("uid {uid} can be no operator: 0 is admin anyway, the others are nobody"),
            ));
        }
        let other = office.registry.operators().find(|op| op.id != own && op.unix_users.iter().any(|u| u.uid == uid));
        if let Some(other) = other {
            let detail = format!(
                "uid {uid} is operator `{}` already; people who share an account get a passphrase and sign in",
                other.name
            );
            return Err(Problem::new(Slug::Conflict, detail).with_error(field, "is taken"));
        }
        if !users.iter().any(|user| user.uid == uid) {
            users.push(UnixUser { uid, name: office.users.name_of(uid).to_owned() });
        }
    }
    Ok(users)
}

fn role_of(text: &str) -> Result<Option<GlobalRole>, Problem> {
    if text == "none" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|why| invalid("role", format!("{why}, none")))
}

/// `TEAM=manager`, each team once.
fn team_roles_of(registry: &Registry, given: &[String]) -> Result<Vec<(TeamId, TeamRole)>, Problem> {
    short_enough("team_roles", given)?;
    let mut roles: Vec<(TeamId, TeamRole)> = Vec::with_capacity(given.len());
    for (at, text) in given.iter().enumerate() {
        let field = format!("team_roles[{at}]");
        let Some((team, role)) = text.rsplit_once('=') else {
            return Err(invalid(&field, format!("`{text}` is no team role; TEAM=manager, responder or observer")));
        };
        let role = role.parse().map_err(|why| invalid(&field, format!("{why}")))?;
        let team = registry.find_team(team).map_err(|why| invalid(&field, why.to_string()))?.id;
        if roles.iter().any(|(known, _)| *known == team) {
            return Err(invalid(&field, "the team is named twice"));
        }
        roles.push((team, role));
    }
    Ok(roles)
}

fn short_enough(field: &str, list: &[String]) -> Result<(), Problem> {
    if list.len() > LIST_MAX {
        return Err(invalid(field, format!("{} entries; {LIST_MAX} are the limit", list.len())));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
