//! What a row is in the query language: `=` and `!` add such a term, and the title counts some of them.

use std::collections::BTreeMap;

use tollgate_shared::api::IncidentView;

use super::Incidents;
use crate::app::logs::column::Terms;

/// The values of a row that can be asked for, with the letter of the menu.
#[must_use]
pub fn values(row: &IncidentView) -> Vec<(char, Terms)> {
    let service = &row.service.name;
    let mut values = vec![
        ('p', Terms::is("priority", row.head.priority.as_str())),
        ('t', Terms::is("state", row.head.state.as_str())),
        ('u', Terms::is("urgency", &row.urgency)),
        ('s', Terms::is("service", service)),
    ];
    values.extend(service.split_once('/').map(|(team, _)| ('m', Terms::is("team", team))));
    values.push(('k', Terms::is("token", &row.token.name)));
    values.extend(row.head.key.as_deref().map(|key| ('e', Terms::is("key", key))));
    values.push(('i', Terms::is("id", &row.head.id.to_string())));
    values
}

/// What stands above the table: how many rows have which state and priority, and the services with most open ones.
#[must_use]
pub fn chips(incidents: &Incidents) -> Vec<(String, usize)> {
    let mut states: BTreeMap<_, usize> = BTreeMap::new();
    let mut priorities: BTreeMap<_, usize> = BTreeMap::new();
    let mut services: BTreeMap<&str, usize> = BTreeMap::new();
    for row in incidents.rows.iter().filter(|row| row.head.state.is_open()) {
        *states.entry(row.head.state).or_default() += 1;
        *priorities.entry(row.head.priority).or_default() += 1;
        *services.entry(&row.service.name).or_default() += 1;
    }
    let mut services: Vec<(&str, usize)> = services.into_iter().collect();
    services.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let states = states.into_iter().map(|(state, count)| (state.as_str().to_owned(), count));
    let priorities = priorities.into_iter().map(|(priority, count)| (priority.as_str().to_owned(), count));
    states.chain(priorities).chain(services.into_iter().map(|(name, count)| (name.to_owned(), count))).collect()
}
