//! The lists, each with its word, its place among the keys of the screen, and what it says of itself.

use tollgate_shared::api::Screen as Kept;
use tollgate_shared::query::{AUDIT, INCIDENTS, LOGS, Schema, TOKENS};

use crate::app::Screen;
use crate::app::action::Action;
use crate::app::keymap::{self, Place};
use crate::app::requests::RequestsTab;

/// Which list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Tokens,
    Log,
    Refused,
    Incidents,
    Requests,
    Workflows,
    Services,
    Operators,
    Audit,
    /// No list: what the daemon says of itself.
    Status,
}

impl Kind {
    /// In the order of the screens; the first of a screen is the one that its name means.
    const ALL: [Self; 10] = [
        Self::Tokens,
        Self::Log,
        Self::Refused,
        Self::Incidents,
        Self::Requests,
        Self::Workflows,
        Self::Services,
        Self::Operators,
        Self::Audit,
        Self::Status,
    ];

    /// Where its keys and letters are. Word and screen follow from it.
    pub(super) const fn place(self) -> Place {
        match self {
            Self::Tokens => Place::Tokens,
            Self::Log => Place::Calls,
            Self::Refused => Place::Refused,
            Self::Incidents => Place::Incidents,
            Self::Requests | Self::Workflows => Place::Requests,
            Self::Services => Place::Services,
            Self::Operators => Place::Operators,
            Self::Audit => Place::Audit,
            Self::Status => Place::Status,
        }
    }

    /// What is typed for it.
    pub(super) fn word(self) -> &'static str {
        if self == Self::Workflows { "workflows" } else { crate::cli::place_word(self.place()) }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    pub(super) fn of_screen(screen: Screen) -> Self {
        Self::ALL.into_iter().find(|kind| kind.place().screen() == screen).unwrap_or_default()
    }

    /// The tab of the screen that it is on.
    pub(super) const fn tab(self) -> RequestsTab {
        if matches!(self, Self::Workflows) { RequestsTab::Workflows } else { RequestsTab::Requests }
    }

    /// True where rows can be marked.
    pub(super) fn has_marks(self) -> bool {
        keymap::here(self.place()).any(|binding| binding.action == Action::Mark)
    }

    /// True where there is more than one order.
    pub(super) fn has_orders(self) -> bool {
        keymap::here(self.place()).any(|binding| binding.action == Action::SortMenu)
    }

    /// The words of its heading: one, many.
    pub(super) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Tokens => ("token", "tokens"),
            Self::Log => ("call", "calls, the newest first"),
            Self::Refused => ("refused call", "refused calls, the newest first"),
            Self::Incidents => ("open incident", "open incidents"),
            Self::Requests => ("request", "requests, the newest first"),
            Self::Workflows => ("workflow", "workflows"),
            Self::Services => ("team, service or filter", "teams, services and filters"),
            Self::Operators => ("operator", "operators"),
            Self::Audit => ("change", "changes, the newest first"),
            Self::Status => ("", ""),
        }
    }

    /// What to do where it is empty.
    pub(super) const fn empty(self) -> &'static str {
        match self {
            Self::Tokens => "add-token NAME --scope SCOPE makes one",
            Self::Log => "calls are logged while a token's debug is on: tokens, then debug N",
            Self::Refused => "every call since the start had a token that is known",
            Self::Incidents => "filter state:resolved lists those that are over",
            Self::Requests => "calls of a global token start workflows: workflows lists them",
            Self::Workflows => "workflow create --file FILE makes one",
            Self::Services => "add-team NAME makes the first one; then add-service, add-filter, add-token",
            Self::Operators => "add-operator NAME --unix-user USER --role ROLE makes one",
            Self::Audit | Self::Status => "",
        }
    }

    pub(super) const fn schema(self) -> Option<&'static Schema> {
        match self {
            Self::Tokens => Some(&TOKENS),
            Self::Log => Some(&LOGS),
            Self::Incidents => Some(&INCIDENTS),
            Self::Audit => Some(&AUDIT),
            _ => None,
        }
    }

    /// Where its queries are kept.
    pub(super) const fn kept(self) -> Option<Kept> {
        match self {
            Self::Tokens => Some(Kept::Tokens),
            Self::Log => Some(Kept::Logs),
            Self::Incidents => Some(Kept::Incidents),
            Self::Audit => Some(Kept::Audit),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_screen_and_every_place_has_a_list_with_its_own_word() {
        for place in Place::ALL {
            let kind = Kind::of_word(crate::cli::place_word(place)).unwrap();
            assert_eq!(kind.place(), place);
        }
        for screen in [Screen::Tokens, Screen::Log, Screen::Requests, Screen::Status] {
            assert_eq!(Kind::of_screen(screen).place().screen(), screen);
        }
        assert_eq!((Kind::of_screen(Screen::Log), Kind::of_word("workflows")), (Kind::Log, Some(Kind::Workflows)));
        let marked: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kind.has_marks()).collect();
        assert_eq!(marked, [Kind::Tokens, Kind::Incidents]);
    }
}
