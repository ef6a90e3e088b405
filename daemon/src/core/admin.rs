//! Changes by people: each is validated, put into the view and audited in one transaction, or refused whole.

mod filters;
mod incidents;
mod organisation;
mod tokens;

use tollgate_shared::api::{NewFilter, NewService, NewTeam, NewToken, RevokeToken, ServicePatch, TokenPatch};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::id::{FilterId, IncidentId, ServiceId, TeamId, TokenId};
use tollgate_shared::limits::COMMENT_CHARS_MAX;
use tollgate_shared::name::Name;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::secret::TokenSecret;
use tollgate_shared::time::Timestamp;
use uuid::Uuid;

use super::access::{Actor, Operation, allows};
use super::model::{Mac, RegistryChange};
use super::registry::{LookupError, Registry};
use crate::store::View;

/// What a person wants changed. Objects are named by reference: the writer resolves them against the authoritative
/// registry, so that what was looked at is what is changed.
pub enum Command {
    /// Create a team.
    CreateTeam(NewTeam),
    /// Create a service.
    CreateService(NewService),
    /// Change a service.
    EditService(String, ServicePatch),
    /// Create a filter.
    CreateFilter(Box<NewFilter>),
    /// Delete a filter.
    DeleteFilter(String),
    /// Create a token, with fresh entropy.
    CreateToken(NewToken, Entropy),
    /// Change a token.
    EditToken(String, TokenPatch),
    /// Replace a token's secret, with fresh entropy.
    RotateToken(String, Entropy),
    /// End a token for good.
    RevokeToken(String, RevokeToken),
    /// Switch the debug option.
    SetDebug(String, bool),
    /// Take an incident.
    Acknowledge(IncidentId),
    /// Give it back.
    Unacknowledge(IncidentId),
    /// Close it, with words.
    Resolve(IncidentId, Option<String>),
}

/// Random bytes for a secret; wiped when it is made.
pub struct Entropy {
    /// For the public id; unused by a rotation, which keeps the id.
    pub id: [u8; 8],
    /// For the secret.
    pub secret: [u8; 32],
}

/// What was changed.
pub enum Reply {
    /// A team.
    Team(TeamId),
    /// A service.
    Service(ServiceId),
    /// A filter.
    Filter(FilterId),
    /// Something is gone.
    Deleted,
    /// A token.
    Token(TokenId),
    /// A token with its new secret: the only time that it is seen.
    Secret(TokenId, TokenSecret),
    /// A token was revoked; the audit row that says so.
    Revoked(TokenId, u64),
    /// An incident.
    Incident(IncidentId),
}

/// What carrying out a command needs.
pub struct Office<'a> {
    /// The authoritative registry.
    pub registry: &'a Registry,
    /// Authoritative memory; takes the changes.
    pub view: &'a mut dyn View,
    /// The keyed hash of secrets.
    pub mac_of: &'a dyn Fn(&str) -> Mac,
    /// Makes ids that sort by age.
    pub new_id: &'a mut dyn FnMut() -> Uuid,
    /// Now.
    pub now: Timestamp,
}

/// A change that was carried out.
pub struct Done {
    /// What the next registry differs in.
    pub changes: Vec<RegistryChange>,
    /// What the caller is told.
    pub reply: Reply,
}

impl Command {
    /// What the caller must be allowed.
    pub fn operation(&self) -> Operation {
        match self {
            Self::CreateTeam(_)
            | Self::CreateService(_)
            | Self::EditService(..)
            | Self::CreateFilter(_)
            | Self::DeleteFilter(_) => Operation::ChangeServices,
            Self::CreateToken(..)
            | Self::EditToken(..)
            | Self::RotateToken(..)
            | Self::RevokeToken(..)
            | Self::SetDebug(..) => Operation::ChangeTokens,
            Self::Acknowledge(_) | Self::Unacknowledge(_) | Self::Resolve(..) => Operation::ChangeIncidents,
        }
    }
}

/// Carries out `command` for `actor`: validation, the change, its audit row.
///
/// # Errors
/// The problem that the caller is told; nothing has been put into the view.
pub fn execute(office: &mut Office<'_>, actor: &Actor, command: Command) -> Result<Done, Problem> {
    allows(actor, command.operation())?;
    match command {
        Command::CreateTeam(new) => organisation::create_team(office, actor, &new),
        Command::CreateService(new) => organisation::create_service(office, actor, &new),
        Command::EditService(service, patch) => organisation::edit_service(office, actor, &service, &patch),
        Command::CreateFilter(new) => filters::create(office, actor, *new),
        Command::DeleteFilter(filter) => filters::delete(office, actor, &filter),
        Command::CreateToken(new, entropy) => tokens::create(office, actor, &new, entropy),
        Command::EditToken(token, patch) => tokens::edit(office, actor, &token, &patch),
        Command::RotateToken(token, entropy) => tokens::rotate(office, actor, &token, entropy),
        Command::RevokeToken(token, revoke) => tokens::revoke(office, actor, &token, &revoke),
        Command::SetDebug(token, on) => tokens::set_debug(office, actor, &token, on),
        Command::Acknowledge(id) => incidents::acknowledge(office, actor, id),
        Command::Unacknowledge(id) => incidents::unacknowledge(office, actor, id),
        Command::Resolve(id, comment) => incidents::resolve(office, actor, id, comment),
    }
}

impl Office<'_> {
    /// Writes the changes and their audit row; the end of every successful command. Returns the row's seq.
    fn write(
        &mut self,
        actor: &Actor,
        changes: &[RegistryChange],
        action: &str,
        target: String,
        detail: String,
    ) -> u64 {
        for change in changes {
            self.view.put_registry(change.clone());
        }
        self.view.audit(AuditRow {
            seq: 0,
            at: self.now,
            actor: actor.name.clone(),
            uid: actor.uid,
            action: action.to_owned(),
            target,
            detail,
        })
    }
}

impl From<LookupError> for Problem {
    fn from(error: LookupError) -> Self {
        let slug = match error {
            LookupError::Missing { .. } => Slug::NotFound,
            LookupError::Ambiguous { .. } => Slug::Conflict,
        };
        Self::new(slug, error.to_string())
    }
}

/// A name, or the field and why it is none.
fn name_of(field: &str, text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|why| invalid(field, why.to_string()))
}

/// 422 with one field named.
fn invalid(field: &str, message: impl Into<String>) -> Problem {
    let message = message.into();
    Problem::new(Slug::Validation, format!("{field}: {message}")).with_error(field, message)
}

/// Free text within its limit; line breaks and controls are data and are escaped where they are shown.
fn text_of(field: &str, text: &str, chars_max: usize) -> Result<String, Problem> {
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(invalid(field, format!("{chars} characters; {chars_max} are the limit")));
    }
    Ok(text.to_owned())
}

/// An optional comment within its limit; blank counts as none.
fn comment_of(field: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => text_of(field, &text, COMMENT_CHARS_MAX).map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests;
