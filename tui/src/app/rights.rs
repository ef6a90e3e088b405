//! What the operator may do (domain.md §1), so that an action which would be refused is grey and says why.
//!
//! The daemon decides. This saves the way to it: where something is not known here, it is asked.

use serde::{Deserialize, Serialize};
use tollgate_shared::api::{IncidentView, OperatorView, TokenView};
use tollgate_shared::request::RequestState;
use tollgate_shared::role::{GlobalRole, TeamRole};
use tollgate_shared::token::{Permission, TokenState};

use super::action::Action;
use super::model::{Model, Screen};
use super::services::Node;

/// Who works here, as far as it decides what he may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// His name in the audit.
    pub name: String,
    /// root and the daemon's own account: everything, but no operator with tokens of his own.
    pub superuser: bool,
    /// This socket is for reading, whoever it is.
    pub read_only: bool,
    /// The operator that he is.
    pub operator: Option<OperatorView>,
}

/// A role that counts somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Admin,
    Reader,
    Team(TeamRole),
}

impl Me {
    /// The roles that count in a team: its own overrides the global one, also where it is lower.
    fn roles_in(&self, team: &str) -> Vec<Role> {
        let Some(operator) = &self.operator else { return self.global().into_iter().collect() };
        let own = operator.team_roles.iter().find(|(name, _)| name.to_lowercase() == team.to_lowercase());
        own.map(|(_, role)| Role::Team(*role)).or_else(|| self.global()).into_iter().collect()
    }

    fn global(&self) -> Option<Role> {
        match self.operator.as_ref().and_then(|operator| operator.role) {
            _ if self.superuser => Some(Role::Admin),
            Some(GlobalRole::Admin) => Some(Role::Admin),
            Some(GlobalRole::Reader) => Some(Role::Reader),
            None => None,
        }
    }

    fn roles_at(&self, team: Option<&str>) -> Vec<Role> {
        team.map_or_else(|| self.global().into_iter().collect(), |team| self.roles_in(team))
    }

    fn everywhere(&self) -> Vec<Role> {
        let teams = self.operator.iter().flat_map(|operator| &operator.team_roles).map(|(_, role)| Role::Team(*role));
        self.global().into_iter().chain(teams).collect()
    }

    fn owns(&self, token: &TokenView) -> bool {
        let own = self.operator.as_ref().map(|operator| operator.id.to_string());
        own.is_some() && token.owner_id == own
    }

    /// Why nothing at all may be changed.
    ///
    /// # Errors
    /// The reason.
    pub fn may_change(&self) -> Result<(), String> {
        if self.read_only {
            return Err("this socket is for reading; changes go over the admin socket".to_owned());
        }
        if self.operator.as_ref().is_some_and(|operator| !operator.enabled) {
            return Err(format!("operator {} is disabled; an admin enables him again", self.name));
        }
        match self.everywhere().as_slice() {
            [] if !self.superuser => Err(format!("{} has no role: an admin gives one on screen 6", self.name)),
            roles if roles.iter().all(|role| *role == Role::Reader) => {
                Err("needs manager of a team, or admin".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn admin(&self) -> Result<(), String> {
        if self.global() == Some(Role::Admin) { Ok(()) } else { Err("needs admin".to_owned()) }
    }

    fn audit(&self) -> Result<(), String> {
        let reads = |role: &Role| matches!(role, Role::Admin | Role::Reader | Role::Team(TeamRole::Manager));
        if self.everywhere().iter().any(reads) { Ok(()) } else { Err("needs reader, manager or admin".to_owned()) }
    }

    /// Everything inside a team; without one: what belongs to none.
    fn manager(&self, team: Option<&str>) -> Result<(), String> {
        let may = |role: &Role| matches!(role, Role::Admin | Role::Team(TeamRole::Manager));
        if self.roles_at(team).iter().any(may) { Ok(()) } else { Err(needs("manager", team)) }
    }

    fn manager_somewhere(&self) -> Result<(), String> {
        let may = |role: &Role| matches!(role, Role::Admin | Role::Team(TeamRole::Manager));
        if self.everywhere().iter().any(may) { Ok(()) } else { Err(needs("manager", Some("a team"))) }
    }

    fn responder(&self, team: Option<&str>) -> Result<(), String> {
        let may = |role: &Role| matches!(role, Role::Admin | Role::Team(TeamRole::Manager | TeamRole::Responder));
        if self.roles_at(team).iter().any(may) { Ok(()) } else { Err(needs("responder", team)) }
    }

    /// Edit, rotate, refresh, debug.
    fn change(&self, token: &TokenView) -> Result<(), String> {
        if token.owner_id.is_none() {
            return self.manager(team_of(token));
        }
        if self.owns(token) { Ok(()) } else { Err(format!("needs its owner, {}", token.owner)) }
    }

    /// Revoke, suspend. Whether he manages a team of its owner's only the daemon knows.
    fn end(&self, token: &TokenView) -> Result<(), String> {
        if token.owner_id.is_none() {
            return self.manager(team_of(token));
        }
        let may = self.owns(token) || self.manager_somewhere().is_ok();
        if may { Ok(()) } else { Err(format!("needs {}, a manager of his team, or admin", token.owner)) }
    }

    fn suspend(&self, token: &TokenView) -> Result<(), String> {
        if token.owner_id.is_none() { self.responder(team_of(token)) } else { self.end(token) }
    }

    /// A personal token needs an operator whose it is.
    ///
    /// # Errors
    /// What is missing.
    pub fn personal(&self) -> Result<(), String> {
        match &self.operator {
            Some(_) if !self.everywhere().is_empty() => Ok(()),
            Some(_) => Err("needs a role".to_owned()),
            None => Err(format!("needs an operator; {} is none", self.name)),
        }
    }

    /// An organisation's token of this scope.
    ///
    /// # Errors
    /// What is missing.
    pub fn create(&self, scope: &str) -> Result<(), String> {
        self.manager(team_of_scope(scope))
    }

    /// Nobody grants what he lacks: whether he may give `permission` to a token of `scope`.
    ///
    /// # Errors
    /// What is missing.
    pub fn grant(&self, permission: Permission, scope: &str, personal: bool) -> Result<(), String> {
        let roles = match team_of_scope(scope) {
            _ if scope == "mine" => self.everywhere(),
            _ if personal && scope == "global" => self.everywhere(),
            team => self.roles_at(team),
        };
        let may = |role: &Role| match role {
            Role::Admin | Role::Team(TeamRole::Manager) => true,
            Role::Reader | Role::Team(TeamRole::Observer) => permission.is_read(),
            Role::Team(TeamRole::Responder) => matches!(
                permission,
                Permission::IncidentsRead
                    | Permission::IncidentsUpdate
                    | Permission::IncidentsCreate
                    | Permission::LogsRead
            ),
        };
        if roles.iter().any(may) { Ok(()) } else { Err(needs("manager", team_of_scope(scope))) }
    }
}

fn needs(role: &str, team: Option<&str>) -> String {
    match team {
        Some(team) => format!("needs {role} of {team}, or admin"),
        None => "needs admin".to_owned(),
    }
}

/// The team that a token of the organisation belongs to; none for a global one.
fn team_of(token: &TokenView) -> Option<&str> {
    match token.scope.kind.as_str() {
        "team" => Some(&token.scope.name),
        "service" => token.scope.name.split('/').next(),
        _ => None,
    }
}

/// The team of `team:Ops` and `service:Ops/DB`.
fn team_of_scope(scope: &str) -> Option<&str> {
    let (_, name) = scope.split_once(':')?;
    name.split('/').next()
}

/// Why an action cannot be done now, on what is marked. What only looks can always be done.
///
/// # Errors
/// The reason in a few words: the connection, the role, or the object's state.
pub fn may(model: &Model, action: Action) -> Result<(), String> {
    if action == Action::Verify || action == Action::Go(Screen::Audit) {
        return model.me.as_ref().map_or(Ok(()), Me::audit);
    }
    if !action.changes() {
        return Ok(());
    }
    model.connection.may_change(model.heard_at, model.now)?;
    if matches!(action, Action::SignIn | Action::SignOut) {
        return signing(model, action);
    }
    if action == Action::Sample {
        // Whoever has the secret may send, with this program or without.
        return if model.marks() > 0 { of_marked(model, action) } else { Ok(()) };
    }
    if model.marks() > 0 && is_of_rows(action) {
        return of_marked(model, action);
    }
    by_role(model, action)?;
    by_state(model, action)
}

/// True for what is done to the marked row of a table that has marks.
#[must_use]
pub fn is_of_rows(action: Action) -> bool {
    is_of_token(action) || matches!(action, Action::Acknowledge | Action::Unacknowledge | Action::Resolve)
}

/// True for what is done to a token that exists.
fn is_of_token(action: Action) -> bool {
    matches!(
        action,
        Action::Edit
            | Action::Debug
            | Action::Revoke
            | Action::Rotate
            | Action::Refresh
            | Action::Suspend
            | Action::Allowlist
            | Action::Limit
            | Action::Block
    )
}

/// Of rows that are marked the dialog says one by one what may not be done: here only what holds for all of them.
fn of_marked(model: &Model, action: Action) -> Result<(), String> {
    let single = matches!(action, Action::Debug | Action::Rotate | Action::Allowlist | Action::Limit | Action::Block);
    if single || action == Action::Sample {
        let (marked, verb) = (model.marks(), if model.marks() == 1 { "is" } else { "are" });
        return Err(format!("it is for one row at a time, and {marked} {verb} marked: Esc unmarks them"));
    }
    match &model.me {
        Some(me) => me.may_change().or_else(|why| if may_own_tokens(model, me, action) { Ok(()) } else { Err(why) }),
        None => unknown(model),
    }
}

fn signing(model: &Model, action: Action) -> Result<(), String> {
    match (action, &model.signed_in) {
        (Action::SignOut, None) => Err("nobody is signed in: your unix account is who you are".to_owned()),
        _ => Ok(()),
    }
}

fn by_role(model: &Model, action: Action) -> Result<(), String> {
    let Some(me) = &model.me else { return unknown(model) };
    me.may_change().or_else(|why| if may_own_tokens(model, me, action) { Ok(()) } else { Err(why) })?;
    let team = model.services.selected_team().map(|team| team.name.as_str());
    match action {
        Action::AddTeam | Action::LockDown | Action::LiftLockdown => me.admin(),
        Action::AddOperator
        | Action::EditOperator
        | Action::RemoveOperator
        | Action::DisableOperator
        | Action::Passphrase
        | Action::DropPassphrase => me.admin(),
        Action::Remove if matches!(model.services.selected(), Some(Node::Team(_))) => me.admin(),
        Action::AddService
        | Action::AddFilter
        | Action::WriteFilter
        | Action::EditFilter
        | Action::Remove
        | Action::Switch
            if model.screen == Screen::Services =>
        {
            me.manager(team)
        }
        Action::AddService
        | Action::AddFilter
        | Action::WriteFilter
        | Action::EditFilter
        | Action::Remove
        | Action::Switch => me.manager_somewhere(),
        Action::AddToken => me.manager_somewhere().or_else(|_| me.personal()),
        Action::RetryRequest => me.manager(workflow_team(model).as_deref()),
        Action::CancelRequest => me.responder(workflow_team(model).as_deref()),
        Action::SwitchWorkflow => me.manager(workflow_team(model).as_deref()),
        Action::Acknowledge | Action::Unacknowledge | Action::Resolve => incident(model, me),
        _ => model.marked_token().map_or(Ok(()), |token| on_token(me, action, token)),
    }
}

/// A reader or an observer may have personal tokens that read.
fn may_own_tokens(model: &Model, me: &Me, action: Action) -> bool {
    if action == Action::Add && model.screen != Screen::Tokens {
        return false;
    }
    let of_tokens = matches!(
        action,
        Action::Add
            | Action::AddToken
            | Action::Edit
            | Action::Debug
            | Action::Revoke
            | Action::Rotate
            | Action::Refresh
            | Action::Suspend
            | Action::Allowlist
            | Action::Limit
            | Action::Block
    );
    of_tokens && !me.read_only && me.personal().is_ok() && me.operator.as_ref().is_some_and(|own| own.enabled)
}

/// Until it is known who works here, the status says at least whether he only reads.
fn unknown(model: &Model) -> Result<(), String> {
    let status = model.status.as_ref().filter(|status| status.caller_role == "reader");
    status.map_or(Ok(()), |status| Err(format!("{} is a reader: reading only", status.caller)))
}

/// Why an action cannot be done to a token, wherever the mark is.
///
/// # Errors
/// The reason in a few words.
pub fn may_token(model: &Model, action: Action, token: &TokenView) -> Result<(), String> {
    match &model.me {
        Some(me) => {
            me.may_change().or_else(|why| if may_own_tokens(model, me, action) { Ok(()) } else { Err(why) })?;
            on_token(me, action, token)?;
        }
        None => unknown(model)?,
    }
    token_state(action, token)
}

/// As [`may_token`], for an incident.
///
/// # Errors
/// The reason in a few words.
pub fn may_incident(model: &Model, action: Action, row: &IncidentView) -> Result<(), String> {
    let Some(me) = model.me.as_ref().filter(|_| action.changes()) else { return unknown(model) };
    me.may_change()?;
    me.responder(row.service.name.split('/').next())
}

fn incident(model: &Model, me: &Me) -> Result<(), String> {
    let Some(row) = model.incidents.selected() else { return Ok(()) };
    me.responder(row.service.name.split('/').next())
}

fn on_token(me: &Me, action: Action, token: &TokenView) -> Result<(), String> {
    match action {
        Action::Revoke => me.end(token),
        Action::Suspend if token.suspended.is_some() => me.end(token),
        Action::Suspend => me.suspend(token),
        Action::Edit
        | Action::Debug
        | Action::Rotate
        | Action::Refresh
        | Action::Allowlist
        | Action::Limit
        | Action::Block => me.change(token),
        _ => Ok(()),
    }
}

/// What the object itself forbids, whoever asks.
fn by_state(model: &Model, action: Action) -> Result<(), String> {
    if action == Action::LiftLockdown && model.lockdown().is_none() {
        return Err("there is no lockdown".to_owned());
    }
    if action == Action::LiftLockdown && model.status.as_ref().is_some_and(|status| status.restored.is_some()) {
        return Err("a restored state is reviewed first: tollgate restore-review".to_owned());
    }
    if action == Action::LockDown && model.lockdown().is_some() {
        return Err("it is locked down already".to_owned());
    }
    on_node(model, action)?;
    model.marked_token().map_or(Ok(()), |token| token_state(action, token))
}

/// What a token's state forbids.
fn token_state(action: Action, token: &TokenView) -> Result<(), String> {
    match action {
        _ if !is_of_token(action) => Ok(()),
        _ if token.state == TokenState::Revoked => Err("it is revoked, for good".to_owned()),
        Action::Rotate | Action::Refresh | Action::Allowlist if token.sealed => {
            Err("it is sealed: neither its secret nor its end changes".to_owned())
        }
        Action::Refresh if token.expires_at.is_none() => Err("it never ends".to_owned()),
        _ => Ok(()),
    }
}

/// The team of the marked request or workflow; none for a global one.
fn workflow_team(model: &Model) -> Option<String> {
    let of_request = model.requests.selected().and_then(|row| row.team.as_ref());
    let of_workflow = model.requests.selected_workflow().and_then(|row| row.team.as_ref());
    of_request.or(of_workflow).map(|team| team.name.clone())
}

fn on_node(model: &Model, action: Action) -> Result<(), String> {
    let state = model.requests.selected().map(|row| row.state);
    let node = model.services.selected().filter(|_| model.screen == Screen::Services);
    match (action, state) {
        (Action::RetryRequest, Some(state)) if !matches!(state, RequestState::Failed | RequestState::Cancelled) => {
            return Err(format!("it is {state}: only what failed or was cancelled is retried"));
        }
        (Action::CancelRequest, Some(state)) if state.is_finished() => return Err(format!("it is {state} already")),
        (Action::RetryRequest | Action::CancelRequest, None) => return Err("no request is marked".to_owned()),
        (Action::SwitchWorkflow, _) if model.requests.selected_workflow().is_none() => {
            return Err("no workflow is marked: v shows them".to_owned());
        }
        _ => {}
    }
    match (action, node) {
        (Action::EditFilter, Some(Node::Team(_) | Node::Service(_))) => {
            Err("only a filter is edited: mark one; S switches a service off".to_owned())
        }
        (Action::Switch, Some(Node::Team(_))) => Err("a team has no switch; its services have".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
