//! The palette: every action and every object by a few of its letters.

mod matcher;

use tollgate_shared::api::Screen as QueryScreen;
use tollgate_shared::id::{OperatorId, TokenId};
use tollgate_shared::token::TokenState;

use super::action::Action;
use super::field::Field;
use super::model::Model;
use super::services::Node;
use matcher::Pattern;

/// Finds that are kept; more of them are a reason to type another letter.
const KEPT: usize = 100;
/// What stands in the description counts less than what stands in the name.
const DESCRIPTION: i32 = 40;

/// What sort of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Action,
    Token,
    Team,
    Service,
    Filter,
    Workflow,
    Operator,
    Query,
}

impl Kind {
    /// All of them, in the order in which equals are listed.
    pub const ALL: [Self; 8] = [
        Self::Action,
        Self::Token,
        Self::Team,
        Self::Service,
        Self::Filter,
        Self::Workflow,
        Self::Operator,
        Self::Query,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Token => "token",
            Self::Team => "team",
            Self::Service => "service",
            Self::Filter => "filter",
            Self::Workflow => "workflow",
            Self::Operator => "operator",
            Self::Query => "query",
        }
    }
}

/// What Enter leads to; by id, because rows may go while the palette is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Action(Action),
    Token(TokenId),
    /// A team, service or filter.
    Node(String),
    Workflow(String),
    Operator(OperatorId),
    /// A kept query.
    Query(QueryScreen, String),
}

/// A find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: Kind,
    pub label: String,
    pub detail: String,
    pub target: Target,
}

/// The palette while it is open.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    pub field: Field,
    /// The best first.
    pub found: Vec<Found>,
    /// How many there are of each kind: those that fit, and all.
    pub counts: Vec<(Kind, usize, usize)>,
    pub at: usize,
}

/// Something that can be found, not yet put into words.
enum Candidate<'m> {
    Action(Action),
    Token(&'m tollgate_shared::api::TokenView),
    Node(Node),
    Workflow(&'m tollgate_shared::api::WorkflowView),
    Operator(&'m tollgate_shared::api::OperatorView),
    Query(&'m tollgate_shared::api::SavedQuery),
}

impl Palette {
    /// Opens it: with nothing typed every action is listed.
    #[must_use]
    pub fn open(model: &Model) -> Self {
        let mut palette = Self::default();
        palette.look(model);
        palette
    }

    /// Looks for what is typed.
    pub fn look(&mut self, model: &Model) {
        let pattern = Pattern::new(&self.field.text());
        let mut found: Vec<(i32, Kind, Candidate<'_>)> = Vec::new();
        let mut counts: Vec<(Kind, usize, usize)> = Kind::ALL.iter().map(|kind| (*kind, 0, 0)).collect();
        for candidate in candidates(model) {
            let kind = candidate.kind();
            let of_kind = &mut counts[kind as usize];
            of_kind.2 += 1;
            let score = candidate.score(&pattern);
            of_kind.1 += usize::from(score.is_some());
            // Without a letter only actions are of use: objects have their screens.
            found.extend(
                score.filter(|_| kind == Kind::Action || !pattern.is_empty()).map(|score| (score, kind, candidate)),
            );
        }
        found.sort_by_key(|(score, kind, _)| (std::cmp::Reverse(*score), *kind));
        found.truncate(KEPT);
        self.found = found.into_iter().map(|(_, _, candidate)| candidate.found()).collect();
        counts.retain(|(_, _, all)| *all > 0);
        (self.counts, self.at) = (counts, 0);
    }

    /// Moves the mark.
    pub fn step(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by).min(self.found.len().saturating_sub(1));
    }

    #[must_use]
    pub fn chosen(&self) -> Option<&Found> {
        self.found.get(self.at)
    }
}

fn candidates(model: &Model) -> impl Iterator<Item = Candidate<'_>> {
    let services = &model.services;
    let living = model.tokens.all.iter().filter(|token| token.state != TokenState::Revoked);
    let teams = services.teams.iter().map(|team| Node::Team(std::sync::Arc::clone(team)));
    let nodes = teams
        .chain(services.services.iter().map(|service| Node::Service(std::sync::Arc::clone(service))))
        .chain(services.filters.iter().map(|filter| Node::Filter(std::sync::Arc::clone(filter))));
    // The audit's filter is not of the language, so a query over it leads nowhere here.
    let queries = model.logs.saved.iter().filter(|saved| saved.screen != QueryScreen::Audit);
    Action::ALL
        .into_iter()
        .map(Candidate::Action)
        .chain(living.map(|token| Candidate::Token(token)))
        .chain(nodes.map(Candidate::Node))
        .chain(model.requests.workflows.iter().map(|row| Candidate::Workflow(row)))
        .chain(model.operators.rows.iter().map(|row| Candidate::Operator(row)))
        .chain(queries.map(Candidate::Query))
}

impl Candidate<'_> {
    fn kind(&self) -> Kind {
        match self {
            Self::Action(_) => Kind::Action,
            Self::Token(_) => Kind::Token,
            Self::Node(Node::Team(_)) => Kind::Team,
            Self::Node(Node::Service(_)) => Kind::Service,
            Self::Node(Node::Filter(_)) => Kind::Filter,
            Self::Workflow(_) => Kind::Workflow,
            Self::Operator(_) => Kind::Operator,
            Self::Query(_) => Kind::Query,
        }
    }

    fn score(&self, pattern: &Pattern) -> Option<i32> {
        let (name, other) = match self {
            Self::Action(action) => (pattern.score(action.info().name), pattern.score(action.info().help)),
            Self::Token(token) => (pattern.score(&token.name), pattern.score(token.id.as_str())),
            Self::Node(node) => (pattern.score(&node.full_name()), None),
            Self::Workflow(row) => (pattern.score(&row.full_name), pattern.score(&row.public_id)),
            Self::Operator(row) => (pattern.score(&row.name), None),
            Self::Query(saved) => (pattern.score(saved.name.as_str()), pattern.score(&saved.q)),
        };
        name.max(other.map(|score| score - DESCRIPTION))
    }

    fn found(self) -> Found {
        let kind = self.kind();
        let (label, detail, target) = match self {
            Self::Action(action) => {
                (action.info().name.to_owned(), action.info().help.to_owned(), Target::Action(action))
            }
            Self::Token(token) => {
                let detail = format!("{}  {}", token.id, token.scope.name);
                (token.name.clone(), detail, Target::Token(token.id))
            }
            Self::Node(node) => (node.full_name(), node.id(), Target::Node(node.id())),
            Self::Workflow(row) => (row.full_name.clone(), row.public_id.clone(), Target::Workflow(row.id.to_string())),
            Self::Operator(row) => (row.name.clone(), super::operators::role(row).to_owned(), Target::Operator(row.id)),
            Self::Query(saved) => {
                let target = Target::Query(saved.screen, saved.q.clone());
                (format!("@{}", saved.name), format!("{}: {}", saved.screen, saved.q), target)
            }
        };
        Found { kind, label, detail, target }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;

    fn found(model: &Model, typed: &str) -> Palette {
        let mut palette = Palette { field: Field::new(typed), ..Palette::default() };
        palette.look(model);
        palette
    }

    #[test]
    fn actions_and_objects_are_found_by_a_few_letters_the_best_first() {
        let model = fixtures::model(80, 24, 12);
        assert_eq!(found(&model, "rot").found[0].target, Target::Action(Action::Rotate));
        let token = found(&model, "zabpro");
        assert!(matches!(token.found[0].target, Target::Token(_)), "{:?}", token.found[0]);
        assert_eq!(found(&model, "ops/net").found[0].kind, Kind::Service);
        assert_eq!(found(&model, "anna").found[0].kind, Kind::Operator);
        let none = found(&model, "qqqqzzzz");
        assert!(none.found.is_empty());
        assert!(none.counts.contains(&(Kind::Token, 0, 12)));
    }

    #[test]
    fn with_nothing_typed_every_action_is_there_and_no_object() {
        let model = fixtures::model(80, 24, 12);
        let palette = Palette::open(&model);
        assert!(palette.found.iter().all(|one| one.kind == Kind::Action));
        assert_eq!(palette.counts[0], (Kind::Action, Action::ALL.len(), Action::ALL.len()));
    }
}
