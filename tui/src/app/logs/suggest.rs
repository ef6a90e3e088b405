//! The query bar's help while a query is typed: what could stand at the cursor, what is wrong, how many of the rows that
//! are here it would show.

use std::collections::BTreeSet;
use std::ops::Range;

use tollgate_shared::id::ServiceId;
use tollgate_shared::query::{
    self, Bound, Completion, Field, FieldId, INCIDENTS, Kind, LOGS, Named, Names, Place, Query, QueryError, Reach,
    Schema, typed_value,
};

use crate::app::model::{Model, Screen};
use crate::app::services::Services;
use crate::app::tokens::Tokens;

/// Rows that a query is tried on while it is typed.
const TRIED_MAX: usize = 2_000;
/// Names that are offered.
const NAMES_MAX: usize = 50;

/// A walk through what could stand at one place; Tab goes on.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// The line and the cursor before the first Tab.
    text: String,
    cursor: usize,
    offered: Vec<Completion>,
    at: usize,
}

impl Cycle {
    /// Begins; `None` where nothing could stand there.
    #[must_use]
    pub fn new(model: &Model, text: &str, cursor: usize) -> Option<Self> {
        let offered = offers(model, text, cursor);
        (!offered.is_empty()).then(|| Self { text: text.to_owned(), cursor, offered, at: 0 })
    }

    /// The line with the next thing in place, the cursor in it, and whether there are others.
    pub fn step(&mut self) -> (String, usize, bool) {
        let chosen = &self.offered[self.at];
        self.at = (self.at + 1) % self.offered.len();
        let (text, cursor) = replaced(&self.text, &chosen.replace, &chosen.text);
        debug_assert!(chosen.replace.end == self.cursor, "completions end at the cursor");
        (text, cursor, self.offered.len() > 1)
    }
}

/// A text with characters replaced, and the place behind them.
#[must_use]
pub fn replaced(text: &str, at: &Range<usize>, with: &str) -> (String, usize) {
    let before = text.chars().take(at.start);
    let after = text.chars().skip(at.end);
    (before.chain(with.chars()).chain(after).collect(), at.start + with.chars().count())
}

/// What could stand at the cursor, names of what exists first where a name is wanted.
#[must_use]
pub fn offers(model: &Model, text: &str, cursor: usize) -> Vec<Completion> {
    let mut offered = Vec::new();
    if let Place::Value { field, typed, is_compared: false } = query::place(schema(model), text, cursor)
        && let Some(named) = named(field)
    {
        let beginning: String = text.chars().skip(typed.start).take(typed.len()).collect();
        offered.extend(names(model, named, &beginning).into_iter().map(|name| Completion {
            replace: typed.clone(),
            text: typed_value(&name).into_owned(),
            help: format!("{} {name}", named.as_str()),
        }));
    }
    offered.extend(query::complete(schema(model), text, cursor));
    offered
}

/// What the bar of this screen asks about.
#[must_use]
pub fn schema(model: &Model) -> &'static Schema {
    schema_of(model.screen)
}

fn schema_of(screen: Screen) -> &'static Schema {
    if screen == Screen::Incidents { &INCIDENTS } else { &LOGS }
}

/// What the values of a field are names of.
fn named(field: &Field) -> Option<Named> {
    match (field.kind, field.id) {
        (Kind::Named(named), _) => Some(named),
        (Kind::Label, FieldId::Service) => Some(Named::Service),
        (Kind::Label, FieldId::Team) => Some(Named::Team),
        (Kind::Label, FieldId::Token) => Some(Named::Token),
        _ => None,
    }
}

/// Names that begin with a text, then those that hold it.
fn names(model: &Model, named: Named, beginning: &str) -> Vec<String> {
    let wanted = beginning.to_lowercase();
    let services = &model.services;
    let mut all: Vec<String> = match named {
        Named::Token => model.tokens.all.iter().map(|token| token.name.clone()).collect(),
        Named::Team => services.teams.iter().map(|team| team.name.clone()).collect(),
        Named::Service => {
            services.services.iter().map(|service| format!("{}/{}", service.team.name, service.name)).collect()
        }
    };
    all.retain(|name| name.to_lowercase().contains(&wanted) && *name != beginning);
    all.sort_by_cached_key(|name| (!name.to_lowercase().starts_with(&wanted), name.to_lowercase()));
    all.truncate(NAMES_MAX);
    all
}

/// What the bar says of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is a query; so many of the rows that were tried pass, and a part of them only if `cut`.
    Passes { rows: usize, of: usize },
    /// It is a query, but this console does not know a name in it; the daemon may.
    UnknownName(QueryError),
    /// It is no query.
    Wrong(QueryError),
}

/// Tries a line on the newest of the rows that are here.
#[must_use]
pub fn judge(model: &Model, text: &str) -> Judged {
    judge_on(model, model.screen, text)
}

/// As [`judge`], of another screen's rows.
#[must_use]
pub fn judge_on(model: &Model, screen: Screen, text: &str) -> Judged {
    let query = match Query::parse(text, schema_of(screen)) {
        Ok(query) => query,
        Err(error) => return Judged::Wrong(error),
    };
    match query.bind(&Known { tokens: &model.tokens, services: &model.services }, model.now) {
        Ok(bound) => passes(model, screen, &bound),
        Err(error) => Judged::UnknownName(error),
    }
}

fn passes(model: &Model, screen: Screen, bound: &Bound) -> Judged {
    let count = |passed: &mut dyn Iterator<Item = bool>| {
        passed.fold((0, 0), |(rows, of), passes| (rows + usize::from(passes), of + 1))
    };
    let (rows, of) = match screen {
        Screen::Incidents => {
            count(&mut model.incidents.rows.iter().take(TRIED_MAX).map(|row| bound.passes(row.as_ref())))
        }
        _ => count(&mut model.logs.tail.rows().rev().take(TRIED_MAX).map(|row| row.look(|row| bound.passes(row)))),
    };
    Judged::Passes { rows, of }
}

/// The names that this console knows: of living tokens only.
struct Known<'m> {
    tokens: &'m Tokens,
    services: &'m Services,
}

impl Names for Known<'_> {
    fn reach(&self, named: Named, text: &str) -> Option<Reach> {
        let wanted = text.to_lowercase();
        match named {
            Named::Token => {
                let is_meant = |name: &str, id: &str| name.to_lowercase() == wanted || id == text;
                let tokens = self.tokens.all.iter().filter(|token| is_meant(&token.name, token.id.as_str()));
                let tokens: BTreeSet<_> = tokens.map(|token| token.id).collect();
                (!tokens.is_empty()).then(|| Reach { tokens, services: BTreeSet::new() })
            }
            Named::Service | Named::Team => self.services_of(named, &wanted),
        }
    }

    fn near(&self, _: Named, _: &str) -> Option<String> {
        None
    }
}

impl Known<'_> {
    fn services_of(&self, named: Named, wanted: &str) -> Option<Reach> {
        let is_meant = |service: &tollgate_shared::api::ServiceView| {
            let (team, name) = (service.team.name.to_lowercase(), service.name.to_lowercase());
            match named {
                Named::Team => team == wanted || service.team.id == wanted,
                _ => name == wanted || format!("{team}/{name}") == wanted || service.id.to_string() == wanted,
            }
        };
        let meant: Vec<_> = self.services.services.iter().filter(|service| is_meant(service)).collect();
        let is_team = |name: &str| named == Named::Team && name.to_lowercase() == wanted;
        if meant.is_empty() && !self.services.teams.iter().any(|team| is_team(&team.name)) {
            return None;
        }
        let services: BTreeSet<ServiceId> = meant.iter().map(|service| service.id).collect();
        let reaches = |scope: &tollgate_shared::api::ScopeView| match scope.kind.as_str() {
            "service" => services.iter().any(|id| scope.id.as_deref() == Some(&id.to_string())),
            "team" => is_team(&scope.name),
            _ => false,
        };
        let tokens = self.tokens.all.iter().filter(|token| reaches(&token.scope)).map(|token| token.id).collect();
        Some(Reach { tokens, services })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;

    #[test]
    fn names_of_what_exists_are_offered_where_a_name_is_wanted() {
        let model = fixtures::model(80, 24, 12);
        let offered = offers(&model, "token:zab", 9);
        assert_eq!(offered[0].text, "zabbix-prod-1");
        let offered = offers(&model, "service:net", 11);
        assert_eq!(offered[0].text, "Ops/Network");
        assert!(offers(&model, "out", 3)[0].text.starts_with("outcome:"));
    }

    #[test]
    fn tab_walks_through_what_could_stand_there_and_round_again() {
        let model = fixtures::model(80, 24, 12);
        let mut cycle = Cycle::new(&model, "status:4 x", 8).unwrap();
        let (text, cursor, _) = cycle.step();
        assert_eq!((text.as_str(), cursor), ("status:4xx x", 10));
        let mut cycle = Cycle::new(&model, "s", 1).unwrap();
        let first = cycle.step();
        let mut seen = vec![first.0.clone()];
        loop {
            let next = cycle.step().0;
            if next == first.0 {
                break;
            }
            seen.push(next);
        }
        assert!(seen.len() > 2, "{seen:?}");
    }

    #[test]
    fn a_line_is_tried_on_the_rows_that_are_here() {
        let model = fixtures::model(80, 24, 12);
        let rows = model.logs.tail.rows().count();
        assert_eq!(judge(&model, ""), Judged::Passes { rows, of: rows });
        let Judged::Passes { rows: failed, of } = judge(&model, "outcome:no_match") else { panic!() };
        assert!(failed > 0 && failed < of);
        assert!(matches!(judge(&model, "token:nobody"), Judged::UnknownName(_)));
        assert!(matches!(judge(&model, "outcome:no"), Judged::Wrong(_)));
        assert!(matches!(judge(&model, "team:Ops or service:Power"), Judged::Passes { .. }));
    }
}
