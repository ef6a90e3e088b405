//! What a token of a list answers to a query, without being made into a view: 100,000 are asked, a page of them is shown.

use tollgate_shared::query::{Cell, FieldId, Row as Asked, any_scope};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Owner, Scope};

use super::Row;
use crate::core::model::Issuer;
use crate::core::registry::Registry;
use crate::core::views;
use crate::usage::UsageFacts;

/// A token with all that a query can ask of it.
pub(super) struct TokenRow<'a> {
    pub(super) row: Row<'a>,
    /// The default where the query asks nothing of its use.
    pub(super) facts: UsageFacts,
    pub(super) registry: &'a Registry,
    pub(super) now: Timestamp,
}

impl Asked for TokenRow<'_> {
    fn any(&self, field: FieldId, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        let (token, brief) = (|| self.row.token(), self.row.brief());
        let moment = |at: Timestamp| Cell::Number(at.as_micros());
        let last_used = self.facts.last_used;
        match field {
            FieldId::Addresses => test(Cell::Text(if token().allowed_ips.is_empty() { "any" } else { "listed" })),
            FieldId::Created => test(moment(token().created_at)),
            FieldId::CreatedBy => test(Cell::Text(&token().created_by)),
            FieldId::Debug => test(Cell::Number(self.debug_until())),
            FieldId::Expires => test(Cell::Number(brief.expires_at.map_or(i64::MAX, Timestamp::as_micros))),
            FieldId::Id => test(Cell::Token(token().id)),
            FieldId::Ip => self.facts.last_ip.is_some_and(|ip| test(Cell::Ip(ip))),
            FieldId::IssuedBy => self.any_issuer(test),
            FieldId::Name => test(Cell::Text(brief.name())),
            FieldId::Owner => self.any_owner(test),
            FieldId::QueryToken => test(Cell::Text(if self.facts.query_token { "used" } else { "unused" })),
            FieldId::Scope => any_scope(&views::scope(self.registry, brief.scope), test),
            FieldId::Service => matches!(brief.scope, Scope::Service(_)) && self.any_service(test),
            FieldId::State => test(Cell::Text(self.state())),
            FieldId::Team => self.team().is_some_and(|team| test(Cell::Text(&team))),
            FieldId::Unused => test(moment(last_used.unwrap_or_else(|| token().created_at))),
            FieldId::Used => test(Cell::Number(last_used.map_or(i64::MIN, Timestamp::as_micros))),
            _ => false,
        }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.row.brief().words().any(test)
    }
}

impl TokenRow<'_> {
    fn debug_until(&self) -> i64 {
        let living = matches!(self.row, Row::Living(_));
        self.row.token().debug_until.filter(|_| living).map_or(i64::MIN, Timestamp::as_micros)
    }

    fn state(&self) -> &'static str {
        match self.row {
            Row::Dead(_) => "revoked",
            Row::Living(listed) => views::state_of(&listed.object, self.now).as_str(),
        }
    }

    fn any_owner(&self, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        let owner = self.row.brief().owner;
        let by_id = |test: &mut dyn FnMut(Cell<'_>) -> bool| match owner {
            Owner::Organisation => false,
            Owner::Operator(id) => test(Cell::Text(&id.to_string())),
        };
        test(Cell::Text(&views::owner_name(self.registry, owner))) || by_id(test)
    }

    fn any_issuer(&self, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        let issuer = self.row.token().issued_by;
        let by_id = |test: &mut dyn FnMut(Cell<'_>) -> bool| match issuer {
            Issuer::Operator(id) => test(Cell::Text(&id.to_string())),
            Issuer::Superuser | Issuer::Token(_) => false,
        };
        test(Cell::Text(&views::issuer_name(self.registry, issuer))) || by_id(test)
    }

    fn any_service(&self, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        let view = views::scope(self.registry, self.row.brief().scope);
        let short = view.name.split_once('/').map_or(view.name.as_str(), |(_, name)| name);
        test(Cell::Text(&view.name)) || test(Cell::Text(short))
    }

    fn team(&self) -> Option<String> {
        let team = match self.row.brief().scope {
            Scope::Team(team) => team,
            Scope::Service(service) => self.registry.service(service)?.service.team,
            Scope::Global | Scope::Mine => return None,
        };
        self.registry.team(team).map(|team| team.name.to_string())
    }
}
