//! What a row of each resource answers for each field.

use std::net::IpAddr;

use uuid::Uuid;

use super::FieldId;
use crate::api::{IncidentView, NamedRef, ScopeView, TokenView};
use crate::audit::AuditRow;
use crate::id::{ServiceId, TokenId};
use crate::log::LogRow;
use crate::time::Timestamp;

/// One value of a field. Which variant a field has goes with its [`super::Kind`]; another one satisfies nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// For ip fields.
    Ip(IpAddr),
    /// For numbers, statuses, lengths of time (microseconds) and moments (microseconds since 1970). A moment that never
    /// comes is `i64::MAX`, one that never was is `i64::MIN`.
    Number(i64),
    /// For names that are looked up.
    Service(ServiceId),
    /// For texts, labels and words; words exactly as the schema has them.
    Text(&'a str),
    /// For names that are looked up, and for pieces of token ids.
    Token(TokenId),
    /// For pieces of ids.
    Uuid(Uuid),
}

/// The body of a row, as stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BodyText<'a> {
    /// The redacted text.
    pub text: &'a str,
    /// It is not all of it.
    pub is_cut: bool,
}

/// Something that a query can judge.
pub trait Row {
    /// True where one of the field's values satisfies `test`. A field that the row has no value for, or that its schema
    /// does not have, is false.
    fn any(&self, field: FieldId, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool;

    /// True where one of the texts that free text is looked for in satisfies `test`.
    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool;

    /// The body that `body.<path>` conditions look into.
    fn body(&self) -> Option<BodyText<'_>> {
        None
    }
}

// === impl Row for LogRow ===

impl Row for LogRow {
    fn any(&self, field: FieldId, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        match field {
            FieldId::Body => test(Cell::Text(&self.body)),
            FieldId::Bytes => test(number(self.body_bytes)),
            FieldId::Call => test(Cell::Uuid(self.call.0)),
            FieldId::From => self.from.as_deref().is_some_and(|from| test(Cell::Text(from))),
            FieldId::Incident => self.incidents.iter().any(|incident| test(Cell::Uuid(incident.0))),
            FieldId::Ip => test(Cell::Ip(self.remote_ip)),
            FieldId::Latency => test(number(self.latency_us)),
            FieldId::Method => test(Cell::Text(&self.method)),
            FieldId::Outcome => test(Cell::Text(self.outcome.as_str())),
            FieldId::Path => test(Cell::Text(&self.path)),
            FieldId::Problem => self.problem.as_deref().is_some_and(|problem| test(Cell::Text(problem))),
            FieldId::Request => self.requests().any(|request| test(Cell::Uuid(request.0))),
            FieldId::Seq => test(number(self.seq)),
            FieldId::Service | FieldId::Team => test(Cell::Token(self.token)) || any_matched_service(self, test),
            FieldId::Since | FieldId::Until => test(moment(self.at)),
            FieldId::Status => test(Cell::Number(self.status.into())),
            FieldId::Title => test(Cell::Text(&self.summary)),
            FieldId::Token => test(Cell::Token(self.token)),
            FieldId::UserAgent => self.user_agent.as_deref().is_some_and(|agent| test(Cell::Text(agent))),
            _ => false,
        }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        let optional = [&self.from, &self.user_agent, &self.problem];
        let texts = [&self.summary, &self.path, &self.query].into_iter();
        // The body comes last: it is the longest by far.
        texts.chain(optional.into_iter().flatten()).chain([&self.body]).any(|text| test(text))
    }

    fn body(&self) -> Option<BodyText<'_>> {
        Some(BodyText { text: &self.body, is_cut: self.truncated })
    }
}

fn any_matched_service(row: &LogRow, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
    let matched = row.explain.iter().flat_map(|explain| &explain.matched);
    matched.filter_map(|filter| filter.service_id.parse().ok()).any(|id| test(Cell::Service(id)))
}

// === impl Row for TokenView ===

impl Row for TokenView {
    fn any(&self, field: FieldId, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        let last_use = self.usage.last_use.as_ref();
        match field {
            FieldId::Addresses => test(Cell::Text(if self.allowed_ips.is_empty() { "any" } else { "listed" })),
            FieldId::Created => test(moment(self.created_at)),
            FieldId::CreatedBy => test(Cell::Text(&self.created_by)),
            FieldId::Debug => test(Cell::Number(self.debug_until.map_or(i64::MIN, Timestamp::as_micros))),
            FieldId::Expires => test(Cell::Number(self.expires_at.map_or(i64::MAX, Timestamp::as_micros))),
            FieldId::Id => test(Cell::Token(self.id)),
            FieldId::Ip => last_use.is_some_and(|last| test(Cell::Ip(last.ip))),
            FieldId::IssuedBy => test(Cell::Text(&self.issued_by)),
            FieldId::Name => test(Cell::Text(&self.name)),
            FieldId::Owner => {
                test(Cell::Text(&self.owner)) || self.owner_id.as_deref().is_some_and(|id| test(Cell::Text(id)))
            }
            FieldId::QueryToken => test(Cell::Text(if self.usage.query_token_calls > 0 { "used" } else { "unused" })),
            FieldId::Scope => any_scope(&self.scope, test),
            FieldId::Service => self.scope.kind == "service" && any_name(&self.scope.name, test),
            FieldId::State => test(Cell::Text(self.state.as_str())),
            FieldId::Team => {
                matches!(self.scope.kind.as_str(), "team" | "service") && test(Cell::Text(team_of(&self.scope.name)))
            }
            FieldId::Unused => test(moment(last_use.map_or(self.created_at, |last| last.at))),
            FieldId::Used => test(Cell::Number(last_use.map_or(i64::MIN, |last| last.at.as_micros()))),
            _ => false,
        }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        [&self.name, self.id.as_str(), &self.description, &self.created_by].into_iter().any(test)
    }
}

/// What `scope:` is compared with: the kind, the id, the name with and without them.
pub fn any_scope(scope: &ScopeView, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
    let id = scope.id.as_deref().unwrap_or_default();
    let with_kind = format!("{}:{}", scope.kind, scope.name);
    [scope.kind.as_str(), id, &with_kind].into_iter().any(|text| test(Cell::Text(text))) || any_name(&scope.name, test)
}

/// What `service:` and `team:` of an incident are compared with; false for any other field.
pub fn any_service(field: FieldId, service: &NamedRef, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
    match field {
        FieldId::Service => any_ref(service, test),
        FieldId::Team => test(Cell::Text(team_of(&service.name))),
        _ => false,
    }
}

// === impl Row for IncidentView ===

impl Row for IncidentView {
    fn any(&self, field: FieldId, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        let head = &self.head;
        match field {
            FieldId::Age | FieldId::Since | FieldId::Until => test(moment(head.first_seen)),
            FieldId::Id => test(Cell::Uuid(head.id.0)),
            FieldId::Key => head.key.as_deref().is_some_and(|key| test(Cell::Text(key))),
            FieldId::Occurrences => test(number(head.occurrences)),
            FieldId::Priority => test(Cell::Text(head.priority.as_str())),
            FieldId::Seen => test(moment(head.last_seen)),
            FieldId::Service | FieldId::Team => any_service(field, &self.service, test),
            FieldId::State => {
                test(Cell::Text(head.state.as_str())) || (head.state.is_open() && test(Cell::Text("open")))
            }
            FieldId::Title => test(Cell::Text(&head.title)),
            FieldId::Token => any_ref(&self.token, test),
            FieldId::Urgency => test(Cell::Text(&self.urgency)),
            _ => false,
        }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        test(&self.head.title) || test(&self.description) || self.head.key.as_deref().is_some_and(test)
    }
}

// === impl Row for AuditRow ===

impl Row for AuditRow {
    fn any(&self, field: FieldId, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        match field {
            FieldId::Action => test(Cell::Text(&self.action)),
            FieldId::Actor => test(Cell::Text(&self.actor)),
            FieldId::Detail => test(Cell::Text(&self.detail)),
            FieldId::Seq => test(number(self.seq)),
            FieldId::Since | FieldId::Until => test(moment(self.at)),
            FieldId::Target => test(Cell::Text(&self.target)),
            FieldId::Uid => self.uid.is_some_and(|uid| test(Cell::Number(uid.into()))),
            _ => false,
        }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        [&self.actor, &self.action, &self.target, &self.detail].into_iter().any(|text| test(text))
    }
}

fn number(number: u64) -> Cell<'static> {
    Cell::Number(i64::try_from(number).unwrap_or(i64::MAX))
}

fn moment(at: Timestamp) -> Cell<'static> {
    Cell::Number(at.as_micros())
}

/// `Ops/DB` is asked for as `Ops/DB` and as `DB`.
fn any_name(name: &str, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
    let without_team = name.split_once('/').map_or(name, |(_, rest)| rest);
    test(Cell::Text(name)) || test(Cell::Text(without_team))
}

fn any_ref(named: &NamedRef, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
    test(Cell::Text(&named.id)) || any_name(&named.name, test)
}

fn team_of(name: &str) -> &str {
    name.split_once('/').map_or(name, |(team, _)| team)
}
