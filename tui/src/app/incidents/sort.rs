//! The orders of the table of incidents.

use std::cmp::{Ordering, Reverse};

use serde::{Deserialize, Serialize};
use tollgate_shared::api::IncidentView;

/// The table's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Open ones first, then by priority, then the newest call.
    #[default]
    Attention,
    Priority,
    State,
    Service,
    LastCall,
    Opened,
    Calls,
    Title,
}

impl Sort {
    /// All orders with the letter of the sort menu.
    pub const ALL: [(char, Self, &'static str); 8] = [
        ('a', Self::Attention, "attention"),
        ('p', Self::Priority, "priority"),
        ('t', Self::State, "state"),
        ('s', Self::Service, "service"),
        ('l', Self::LastCall, "last call"),
        ('d', Self::Opened, "date of opening"),
        ('c', Self::Calls, "calls"),
        ('n', Self::Title, "title"),
    ];

    #[must_use]
    pub fn words(self) -> &'static str {
        Self::ALL.iter().find(|(_, sort, _)| *sort == self).map_or("", |(_, _, words)| words)
    }

    /// How two rows stand to each other; rows that are equal keep the order of attention.
    pub(super) fn compare(self, a: &IncidentView, b: &IncidentView) -> Ordering {
        let (left, right) = (&a.head, &b.head);
        match self {
            Self::Attention => Ordering::Equal,
            Self::Priority => left.priority.cmp(&right.priority),
            Self::State => left.state.cmp(&right.state),
            Self::Service => a.service.name.to_lowercase().cmp(&b.service.name.to_lowercase()),
            Self::LastCall => right.last_seen.cmp(&left.last_seen),
            Self::Opened => right.first_seen.cmp(&left.first_seen),
            Self::Calls => right.occurrences.cmp(&left.occurrences),
            Self::Title => left.title.to_lowercase().cmp(&right.title.to_lowercase()),
        }
    }
}

/// What everything is sorted by first.
pub(super) fn attention(row: &IncidentView) -> impl Ord + use<> {
    let head = &row.head;
    (!head.state.is_open(), head.priority, Reverse(head.last_seen))
}
