//! Changes by people: each is validated, put into the view and audited in one transaction, or refused whole.

pub(in crate::core) mod filters;
mod guard;
mod incidents;
mod lockdown;
mod maintenance;
pub mod operators;
mod organisation;
pub mod queries;
pub mod redaction;
mod requests;
mod restore;
pub(in crate::core) mod tokens;
pub mod workflows;

use tollgate_shared::api::{
    FilterPatch, NewFilter, NewMaintenance, NewOperator, NewRedactionRule, NewService, NewTeam, NewWorkflow,
    OperatorPatch, ReviewRestore, Screen, ServicePatch, SetLockdown, WorkflowPatch,
};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::id::{
    FilterId, IncidentId, MaintenanceId, OperatorId, RequestId, ServiceId, TeamId, TokenId, WorkflowId,
};
use tollgate_shared::limits::COMMENT_CHARS_MAX;
use tollgate_shared::name::Name;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::secret::{self, TokenSecret};
use tollgate_shared::time::Timestamp;
use uuid::Uuid;

pub use self::filters::version_of as filter_version;
pub use self::incidents::IncidentAction;
pub use self::tokens::{BulkAction, DryRun, TokenCommand};
use super::access::{Actor, Operation};
use super::model::{BackupRecord, KeptQueryKey, Mac, RegistryChange};
use super::passwd::Passwd;
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
    /// Change a filter; refused where it is no longer at the given version.
    EditFilter(String, Box<FilterPatch>, Option<String>),
    /// Delete a filter.
    DeleteFilter(String),
    /// Change tokens.
    Token(TokenCommand),
    /// Take an incident.
    Acknowledge(IncidentId),
    /// Give it back.
    Unacknowledge(IncidentId),
    /// Close it, with words.
    Resolve(IncidentId, Option<String>),
    /// Create a workflow.
    CreateWorkflow(Box<NewWorkflow>),
    /// Change a workflow, if it still has this version.
    EditWorkflow(String, Box<WorkflowPatch>, Option<u64>),
    /// Delete a workflow.
    DeleteWorkflow(String),
    /// Queue a request again, from its first step where asked.
    RetryRequest(RequestId, bool),
    /// Stop a request, with words.
    CancelRequest(RequestId, Option<String>),
    /// One change to many incidents.
    BulkIncidents(Vec<IncidentId>, IncidentAction),
    /// Plan a maintenance.
    AddMaintenance(NewMaintenance),
    /// End one.
    EndMaintenance(MaintenanceId),
    /// Take away those that are over; the daemon's own.
    SweepMaintenances,
    /// Delete a team.
    DeleteTeam(String),
    /// Delete a service.
    DeleteService(String),
    /// Create an operator.
    CreateOperator(NewOperator),
    /// Change an operator; with a version: only where he is still at it.
    EditOperator(String, OperatorPatch, Option<u64>),
    /// Delete an operator.
    DeleteOperator(String),
    /// Set (a hash, made outside) or take away an operator's passphrase.
    SetPassphrase(String, Option<String>),
    /// Lock ingestion down, or lift it.
    SetLockdown(SetLockdown),
    /// Take calls again after a restore, once its tokens were looked at.
    ReviewRestore(ReviewRestore),
    /// A backup is on a disk; of the schedule, or somebody's.
    NoteBackup(Box<BackupRecord>, Scheduled),
    /// Keep a query.
    SaveQuery(queries::NewQuery),
    /// Forget one.
    DeleteQuery(Screen, String),
    /// Add a rule of redaction.
    AddRedaction(Box<NewRedactionRule>),
    /// Remove a rule of redaction.
    RemoveRedaction(String),
    /// Only write into the audit: a sign-in, a refusal, a reading of the log.
    Note(Note),
}

/// Whose backup it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduled {
    /// The daemon's own, on time.
    Yes,
    /// Somebody's, when he wanted it.
    No,
}

/// What is audited where nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// `sign-in`, `refused`, `log.read`, …
    pub action: &'static str,
    /// On what.
    pub target: String,
    /// In what words; never a secret.
    pub detail: String,
}

/// Random bytes for a secret; wiped when it is made.
pub struct Entropy {
    /// For the public id; unused by a rotation, which keeps the id.
    pub id: [u8; 8],
    /// For the secret.
    pub secret: [u8; 32],
}

/// Wipes what a secret was made from.
impl Drop for Entropy {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
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
    /// Several new tokens with their secrets; none where they were only checked.
    Secrets(Vec<(TokenId, TokenSecret)>),
    /// Several tokens.
    Tokens(Vec<TokenId>),
    /// A token was revoked; the audit row that says so.
    Revoked(TokenId, u64),
    /// An incident.
    Incident(IncidentId),
    /// A workflow.
    Workflow(WorkflowId),
    /// A request.
    Request(RequestId),
    /// So many incidents.
    Incidents(u32),
    /// A maintenance.
    Maintenance(MaintenanceId),
    /// An operator.
    Operator(OperatorId),
    /// The lockdown was set or lifted.
    Lockdown,
    /// The restored state was reviewed: so many tokens are let in, so many were suspended.
    Reviewed(u32, u32),
    /// A query is kept.
    Query(KeptQueryKey),
    /// A rule of redaction was added.
    Redaction,
    /// It is in the audit.
    Noted,
}

/// What carrying out a command needs.
pub struct Office<'a> {
    /// The authoritative registry.
    pub registry: &'a Registry,
    /// Authoritative memory; takes the changes.
    pub view: &'a mut dyn View,
    /// The keyed hash of secrets.
    pub mac_of: &'a dyn Fn(&str) -> Mac,
    /// Unix users of this host.
    pub users: &'a Passwd,
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
    /// What the caller must be allowed; `None` where that is asked when the object is found.
    pub fn operation(&self) -> Option<Operation> {
        Some(match self {
            Self::CreateTeam(_)
            | Self::DeleteTeam(_)
            | Self::CreateOperator(_)
            | Self::EditOperator(..)
            | Self::DeleteOperator(_)
            | Self::SetPassphrase(..)
            | Self::SetLockdown(_)
            | Self::ReviewRestore(_)
            | Self::AddRedaction(_)
            | Self::RemoveRedaction(_) => Operation::ChangeOrganisation,
            Self::CreateService(_)
            | Self::EditService(..)
            | Self::DeleteService(_)
            | Self::CreateFilter(_)
            | Self::EditFilter(..)
            | Self::DeleteFilter(_)
            | Self::AddMaintenance(_)
            | Self::EndMaintenance(_)
            | Self::SweepMaintenances => Operation::ChangeServices,
            Self::CreateWorkflow(_) | Self::EditWorkflow(..) | Self::DeleteWorkflow(_) => Operation::ChangeWorkflows,
            Self::RetryRequest(..) => Operation::RetryRequests,
            Self::CancelRequest(..) => Operation::CancelRequests,
            Self::NoteBackup(..) => Operation::Backup,
            Self::SaveQuery(_) | Self::DeleteQuery(..) => Operation::KeepQueries,
            Self::Note(_) => Operation::Introduce,
            // Of tokens it depends on the token: it is asked when that is found.
            Self::Token(_) => return None,
            Self::Acknowledge(_) | Self::Unacknowledge(_) | Self::Resolve(..) | Self::BulkIncidents(..) => {
                Operation::ChangeIncidents
            }
        })
    }
}

/// Carries out `command` for `actor`: validation, the change, its audit row.
///
/// # Errors
/// The problem that the caller is told; nothing has been put into the view.
pub fn execute(office: &mut Office<'_>, actor: &Actor, command: Command) -> Result<Done, Problem> {
    guard::authorise(office, actor, &command)?;
    match command {
        Command::CreateTeam(new) => organisation::create_team(office, actor, &new),
        Command::CreateService(new) => organisation::create_service(office, actor, &new),
        Command::EditService(service, patch) => organisation::edit_service(office, actor, &service, &patch),
        Command::CreateFilter(new) => filters::create(office, actor, *new),
        Command::EditFilter(filter, patch, seen) => filters::edit(office, actor, &filter, *patch, seen.as_deref()),
        Command::DeleteFilter(filter) => filters::delete(office, actor, &filter),
        Command::Token(command) => tokens::execute(office, actor, command),
        Command::Acknowledge(id) => incidents::acknowledge(office, actor, id),
        Command::Unacknowledge(id) => incidents::unacknowledge(office, actor, id),
        Command::Resolve(id, comment) => incidents::resolve(office, actor, id, comment),
        Command::CreateWorkflow(new) => workflows::create(office, actor, *new),
        Command::EditWorkflow(workflow, patch, version) => workflows::edit(office, actor, &workflow, *patch, version),
        Command::DeleteWorkflow(workflow) => workflows::delete(office, actor, &workflow),
        Command::RetryRequest(id, from_start) => requests::retry(office, actor, id, from_start),
        Command::CancelRequest(id, comment) => requests::cancel(office, actor, id, comment),
        Command::BulkIncidents(ids, action) => incidents::bulk(office, actor, &ids, action),
        Command::AddMaintenance(new) => maintenance::add(office, actor, &new),
        Command::EndMaintenance(id) => maintenance::end(office, actor, id),
        Command::SweepMaintenances => Ok(maintenance::sweep(office, actor)),
        Command::DeleteTeam(team) => organisation::delete_team(office, actor, &team),
        Command::DeleteService(service) => organisation::delete_service(office, actor, &service),
        Command::CreateOperator(new) => operators::create(office, actor, &new),
        Command::EditOperator(operator, patch, version) => operators::edit(office, actor, &operator, &patch, version),
        Command::DeleteOperator(operator) => operators::delete(office, actor, &operator),
        Command::SetPassphrase(operator, hash) => operators::set_passphrase(office, actor, &operator, hash),
        Command::SaveQuery(new) => queries::save(office, actor, new),
        Command::DeleteQuery(screen, name) => queries::delete(office, actor, screen, &name),
        Command::ReviewRestore(review) => restore::review(office, actor, &review),
        Command::NoteBackup(record, scheduled) => Ok(restore::note_backup(office, actor, *record, scheduled)),
        Command::SetLockdown(set) => lockdown::set(office, actor, &set),
        Command::AddRedaction(rule) => redaction::add(office, actor, *rule),
        Command::RemoveRedaction(name) => redaction::remove(office, actor, &name),
        Command::Note(note) => {
            office.write(actor, &[], note.action, note.target, note.detail);
            Ok(Done { changes: Vec::new(), reply: Reply::Noted })
        }
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
            pid: actor.pid,
            login_uid: actor.login_uid,
            origin: actor.origin(),
            request_id: actor.request_id.clone(),
            previous: String::new(),
            hash: String::new(),
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
    without_secret(field, text)?;
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
    without_secret(field, text)?;
    Ok(text.to_owned())
}

/// No text field keeps a token's value (domain.md §2): it would be shown to everybody who sees the object.
fn without_secret(field: &str, text: &str) -> Result<(), Problem> {
    if secret::find_in(text).is_empty() {
        return Ok(());
    }
    Err(invalid(field, "holds the value of a token, which nobody may read here; name the token by its id"))
}

/// An optional comment within its limit; blank counts as none.
fn comment_of(field: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => text_of(field, &text, COMMENT_CHARS_MAX).map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod incident_tests;

#[cfg(test)]
mod tests;
