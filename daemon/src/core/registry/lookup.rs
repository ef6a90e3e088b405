//! References: an id, a name or a hint that a person gave, and the one object that it means.

use std::sync::Arc;

use tollgate_shared::id::{FilterId, TokenId, WorkflowId};
use tollgate_shared::query::nearest;

use super::{Registry, ServiceEntry};
use crate::core::model::{FilterRecord, Operator, Team, Token};
use crate::core::workflows::WorkflowEntry;

/// Hints shorter than this would be guesses.
const HINT_CHARS_MIN: usize = 4;

/// Candidates named in a refusal.
const CANDIDATES_MAX: usize = 5;

/// Why a reference names no single object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// Nothing fits.
    #[error("there is no {kind} `{reference}`{}", did_you_mean(.near.as_deref()))]
    Missing {
        /// team, service, filter, token.
        kind: &'static str,
        /// What was given, cut to 80 characters.
        reference: String,
        /// The name that looks most like it.
        near: Option<String>,
    },
    /// Several fit.
    #[error("`{reference}` fits several {kind}s: {candidates}; give the id")]
    Ambiguous {
        /// team, service, filter, token.
        kind: &'static str,
        /// What was given.
        reference: String,
        /// The first five.
        candidates: Ambiguity,
    },
}

/// Objects that a reference fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguity(Vec<String>);

impl std::fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0[..self.0.len().min(CANDIDATES_MAX)].join(", "))?;
        if self.0.len() > CANDIDATES_MAX { write!(f, " and {} more", self.0.len() - CANDIDATES_MAX) } else { Ok(()) }
    }
}

/// What a reference is compared with.
struct Candidate<T> {
    object: T,
    id: String,
    names: Vec<String>,
    label: String,
}

impl Registry {
    /// A team by id, name or hint.
    ///
    /// # Errors
    /// None fits, or several.
    pub fn find_team(&self, reference: &str) -> Result<&Arc<Team>, LookupError> {
        find("team", reference, self.teams().map(|team| candidate(team, team.id, vec![team.name.key()], &team.name)))
    }

    /// A service by id, `Team/Service`, a service name that only one team has, or a hint.
    ///
    /// # Errors
    /// None fits, or several.
    pub fn find_service(&self, reference: &str) -> Result<&Arc<ServiceEntry>, LookupError> {
        let candidates = self.services().iter().map(|entry| {
            let names = vec![entry.full_name.to_lowercase(), entry.service.name.key()];
            candidate(entry, entry.service.id, names, &entry.full_name)
        });
        find("service", reference, candidates)
    }

    /// A filter by id, `Team/Service/Filter`, a name that only one filter has, or a hint.
    ///
    /// # Errors
    /// None fits, or several.
    pub fn find_filter(&self, reference: &str) -> Result<(&Arc<ServiceEntry>, &Arc<FilterRecord>), LookupError> {
        let candidates = self.services().iter().flat_map(|entry| {
            entry.records.iter().map(move |record| {
                let full = format!("{}/{}", entry.full_name, record.spec.name);
                let names = vec![full.to_lowercase(), record.spec.name.to_lowercase()];
                candidate((entry, record), record.id, names, &full)
            })
        });
        find("filter", reference, candidates)
    }

    /// A living token by id, name or hint.
    ///
    /// # Errors
    /// None fits, or several: names are unique only within a scope.
    pub fn find_token(&self, reference: &str) -> Result<&Arc<Token>, LookupError> {
        if let Some(token) = reference.parse::<TokenId>().ok().and_then(|id| self.token(id)) {
            return Ok(token);
        }
        let key = reference.to_lowercase();
        let mut named: Vec<_> = self.tokens_keyed(&key).collect();
        if named.is_empty() && reference.chars().count() >= HINT_CHARS_MIN {
            named = self.tokens().filter(|token| token.id.as_str().contains(reference)).collect();
        }
        // The name or hint is found by an index or without allocating: 100,000 tokens are ordinary.
        let candidates = named.into_iter().map(|token| candidate(token, token.id, vec![key.clone()], &token.id));
        find("token", reference, candidates)
    }

    /// An operator by id, name or hint.
    ///
    /// # Errors
    /// None fits, or several.
    pub fn find_operator(&self, reference: &str) -> Result<&Arc<Operator>, LookupError> {
        let candidates = self.operators().map(|op| candidate(op, op.id, vec![op.name.key()], &op.name));
        find("operator", reference, candidates)
    }

    /// A workflow by id, public id, `Team/Name`, a name that only one workflow has, or a hint.
    ///
    /// # Errors
    /// None fits, or several.
    pub fn find_workflow(&self, reference: &str) -> Result<&Arc<WorkflowEntry>, LookupError> {
        if let Some(entry) = self.workflow_named(reference) {
            return Ok(entry);
        }
        let candidates = self.workflows().map(|entry| {
            let workflow = &entry.workflow;
            let names = vec![entry.full_name.to_lowercase(), workflow.spec.name.to_lowercase()];
            // A hint may be a piece of either id.
            let ids = format!("{} {}", workflow.id, workflow.public_id);
            Candidate { object: entry, id: ids, names, label: entry.full_name.clone() }
        });
        find("workflow", reference, candidates)
    }

    /// The name of a filter, or of the workflow that opened an incident in a filter's place, or that it is gone.
    pub fn filter_name(&self, id: FilterId) -> String {
        if id == FilterId::DAEMON {
            return DAEMON.to_owned();
        }
        let filter = self.filter(id).map(|(_, record)| record.spec.name.clone());
        let workflow = || self.workflow(WorkflowId(id.0)).map(|entry| format!("workflow {}", entry.full_name));
        filter.or_else(workflow).unwrap_or_else(|| "(deleted)".to_owned())
    }

    /// The name of a token, living or dead.
    pub fn token_name(&self, id: TokenId) -> String {
        if id == TokenId::DAEMON {
            return DAEMON.to_owned();
        }
        let living = self.token(id).map(|token| token.name.to_string());
        living
            .or_else(|| self.tombstone(id).map(|t| t.token.name.to_string()))
            .unwrap_or_else(|| "(unknown)".to_owned())
    }
}

/// What is shown for the daemon's own doing.
const DAEMON: &str = "tollgated itself";

fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

fn candidate<T>(object: T, id: impl ToString, names: Vec<String>, label: &impl ToString) -> Candidate<T> {
    Candidate { object, id: id.to_string(), names, label: label.to_string() }
}

/// The best kind of fit decides: exact id, then name, then hint; within a kind there must be one.
fn find<T>(
    kind: &'static str,
    reference: &str,
    candidates: impl Iterator<Item = Candidate<T>>,
) -> Result<T, LookupError> {
    let (wanted, hint) = (reference.to_lowercase(), reference.chars().count() >= HINT_CHARS_MIN);
    let mut fits: [Vec<Candidate<T>>; 2] = [Vec::new(), Vec::new()];
    let mut others = Vec::new();
    for candidate in candidates {
        if candidate.id == reference {
            return Ok(candidate.object);
        }
        if candidate.names.contains(&wanted) {
            fits[0].push(candidate);
        } else if hint && candidate.id.contains(reference) {
            fits[1].push(candidate);
        } else {
            others.push(candidate.label);
        }
    }
    let reference: String = reference.chars().take(80).collect();
    for mut found in fits {
        match found.len() {
            0 => {}
            1 => return found.pop().map(|c| c.object).ok_or(LookupError::Missing { kind, reference, near: None }),
            _ => {
                let candidates = Ambiguity(found.into_iter().map(|c| c.label).collect());
                return Err(LookupError::Ambiguous { kind, reference, candidates });
            }
        }
    }
    let near = nearest(&reference, others.iter().map(String::as_str)).map(str::to_owned);
    Err(LookupError::Missing { kind, reference, near })
}
