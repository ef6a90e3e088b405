//! Building a segment: count what the filters ask for, choose a guard for each part, post it there.

use std::collections::HashMap;

use tollgate_shared::filter::{Mode, Op, Quantifier};

use super::candidates::Postings;
use super::guard::{Census, Guard};
use super::memo::UNSHARED;
use super::paths::Paths;
use super::segment::{Entry, Home, Segment};
use super::texts::PathGuardsBuilder;
use super::{Filters, ServiceKey};
use crate::core::matching::compile::CompiledFilter;
use crate::core::matching::condition::CompiledCondition;

/// What makes two conditions one question.
#[derive(PartialEq, Eq, Hash)]
struct Question<'a> {
    path: u32,
    op: Op,
    quantifier: Quantifier,
    negate: bool,
    ignore_case: bool,
    values: &'a [String],
}

/// Where each part is posted.
#[derive(Default)]
struct Poster<'a> {
    guards: HashMap<Guard<'a>, u32>,
    posted: Vec<(u32, u32)>,
    always: Vec<u32>,
}

/// Builds a segment of services in rising order.
pub(super) fn segment(services: Vec<(ServiceKey, Filters)>) -> Segment {
    debug_assert!(services.is_sorted_by(|(a, _), (b, _)| a < b), "services come in the order of evaluation");
    let (services, filters) = number(services);
    let enabled = || filters.iter().filter(|entry| entry.filter.enabled);
    let mut census = Census::default();
    enabled().flat_map(|entry| conditions(&entry.filter)).for_each(|condition| census.add(condition));
    let shared = questions(&filters, &census);
    let mut poster = Poster::default();
    for (number, entry) in (0..).zip(&filters).filter(|(_, entry)| entry.filter.enabled) {
        poster.filter(number, &entry.filter, &census);
    }
    let paths = paths(&poster.guards, &census);
    let postings = Postings::new(poster.posted, poster.guards.len(), poster.always);
    Segment { services, filters, shared, paths, postings }
}

/// Gives services and filters their places.
fn number(services: Vec<(ServiceKey, Filters)>) -> (Vec<Home>, Vec<Entry>) {
    let (mut homes, mut entries) = (Vec::with_capacity(services.len()), Vec::new());
    let mut shared = 0;
    for (service, (key, filters)) in (0..).zip(services) {
        let first = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        for filter in filters.iter() {
            entries.push(Entry { filter: filter.clone(), service, shared });
            shared += u32::try_from(conditions(filter).count()).unwrap_or(u32::MAX);
        }
        homes.push(Home { key, filters, first });
    }
    (homes, entries)
}

/// All conditions of a filter: the trigger's first.
fn conditions(filter: &CompiledFilter) -> impl Iterator<Item = &CompiledCondition> {
    filter.trigger.conditions.iter().chain(filter.resolve.iter().flat_map(|part| &part.conditions))
}

/// The numbers of the conditions in the memo: equal conditions have one number, those without an equal have none.
fn questions(filters: &[Entry], census: &Census<'_>) -> Vec<u32> {
    let mut numbers = HashMap::new();
    let mut uses: Vec<u32> = Vec::new();
    let asked = filters.iter().flat_map(|entry| conditions(&entry.filter)).map(|condition| {
        let number = *numbers.entry(question(condition, census)).or_insert(uses.len());
        uses.resize(uses.len().max(number + 1), 0);
        uses[number] += 1;
        number
    });
    let asked: Vec<_> = asked.collect();
    let shared = |number: usize| if uses[number] > 1 { u32::try_from(number).unwrap_or(UNSHARED) } else { UNSHARED };
    asked.into_iter().map(shared).collect()
}

fn question<'a>(condition: &'a CompiledCondition, census: &Census<'_>) -> Question<'a> {
    Question {
        path: census.path(&condition.path),
        op: condition.op,
        quantifier: condition.quantifier,
        negate: condition.negate,
        ignore_case: condition.ignore_case,
        values: &condition.values,
    }
}

fn paths(guards: &HashMap<Guard<'_>, u32>, census: &Census<'_>) -> Paths {
    let mut builders: HashMap<u32, PathGuardsBuilder<'_>> = HashMap::new();
    for (guard, number) in guards {
        builders.entry(guard.path).or_default().add(guard.fold, guard.test, *number);
    }
    let mut paths = Paths::default();
    for (number, path) in (0..).zip(census.paths()) {
        if let Some(builder) = builders.remove(&number) {
            paths.add(path, builder.finish());
        }
    }
    paths
}

// === impl Poster ===

impl<'a> Poster<'a> {
    fn filter(&mut self, number: u32, filter: &'a CompiledFilter, census: &Census<'a>) {
        if let Some(part) = &filter.resolve {
            self.part(2 * number, &part.conditions, part.mode, census);
        }
        if filter.trigger.match_all {
            self.always.push(2 * number + 1);
        } else {
            self.part(2 * number + 1, &filter.trigger.conditions, filter.trigger.mode, census);
        }
    }

    fn part(&mut self, part: u32, conditions: &'a [CompiledCondition], mode: Mode, census: &Census<'a>) {
        let Some(guards) = census.rarest(conditions, mode) else { return self.always.push(part) };
        for guard in guards {
            let next = u32::try_from(self.guards.len()).unwrap_or(u32::MAX);
            let number = *self.guards.entry(guard).or_insert(next);
            self.posted.push((number, part));
        }
    }
}
