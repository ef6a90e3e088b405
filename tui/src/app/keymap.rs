//! Which key means what where. One meaning a key everywhere; what changes something in the daemon is a capital.

use super::action::Action;
use super::key::{Code, Key};
use super::logs::LogTab;
use super::model::{Model, Screen};

/// A place with keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Tokens,
    Calls,
    Refused,
    Incidents,
    Requests,
    Services,
    Operators,
    Audit,
    Status,
}

impl Place {
    pub const ALL: [Self; 9] = [
        Self::Tokens,
        Self::Calls,
        Self::Refused,
        Self::Incidents,
        Self::Requests,
        Self::Services,
        Self::Operators,
        Self::Audit,
        Self::Status,
    ];

    /// The screen that it belongs to.
    #[must_use]
    pub const fn screen(self) -> Screen {
        match self {
            Self::Tokens => Screen::Tokens,
            Self::Calls | Self::Refused => Screen::Log,
            Self::Incidents => Screen::Incidents,
            Self::Requests => Screen::Requests,
            Self::Services => Screen::Services,
            Self::Operators => Screen::Operators,
            Self::Audit => Screen::Audit,
            Self::Status => Screen::Status,
        }
    }

    /// Where the operator is.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        match model.screen {
            Screen::Tokens => Self::Tokens,
            Screen::Log if model.logs.tab == LogTab::Refused => Self::Refused,
            Screen::Log => Self::Calls,
            Screen::Incidents => Self::Incidents,
            Screen::Requests => Self::Requests,
            Screen::Services => Self::Services,
            Screen::Operators => Self::Operators,
            Screen::Audit => Self::Audit,
            Screen::Status => Self::Status,
        }
    }
}

/// Keys of an action in some places.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub keys: &'static [Key],
    /// Empty: everywhere.
    pub places: &'static [Place],
    pub action: Action,
    /// The word in the footer; the footer takes them in the table's order.
    pub hint: Option<&'static str>,
}

/// A letter after `.`.
#[derive(Clone, Copy, Debug)]
pub struct MenuLetter {
    pub letter: char,
    pub places: &'static [Place],
    pub action: Action,
}

use Place::{Audit, Calls, Incidents, Operators, Refused, Requests, Services, Status, Tokens};

const LISTS: &[Place] = &[Tokens, Calls, Refused, Incidents, Requests, Services, Operators, Audit];
const TAILS: &[Place] = &[Calls, Refused];

const fn everywhere(keys: &'static [Key], action: Action) -> Binding {
    Binding { keys, places: &[], action, hint: None }
}

const fn at(keys: &'static [Key], places: &'static [Place], action: Action, hint: Option<&'static str>) -> Binding {
    Binding { keys, places, action, hint }
}

/// The keymap.
pub const BINDINGS: &[Binding] = &[
    at(&[Key::plain(Code::Enter)], LISTS, Action::Open, Some("open")),
    at(&[Key::plain(Code::Enter)], &[Status], Action::Open, Some("open")),
    at(&[Key::char(' ')], &[Calls], Action::Follow, Some("follow")),
    at(&[Key::char(' ')], &[Tokens], Action::Mark, None),
    at(&[Key::char(' ')], &[Incidents], Action::Mark, Some("mark")),
    at(&[Key::char('*')], &[Tokens, Incidents], Action::MarkAll, None),
    at(&[Key::char('/')], LISTS, Action::Search, Some("find")),
    at(&[Key::char('f')], &[Tokens, Calls, Incidents, Audit], Action::Filter, Some("filter")),
    at(&[Key::char('A')], &[Tokens, Services], Action::Add, Some("add")),
    at(&[Key::char('A')], &[Calls, Incidents], Action::Add, None),
    at(&[Key::char('E')], &[Tokens], Action::Edit, Some("edit")),
    at(&[Key::char('=')], &[Calls, Incidents], Action::Only, Some("only")),
    at(&[Key::char('v')], &[Calls], Action::NextTab, Some("tab")),
    at(&[Key::char('D')], &[Tokens, Calls], Action::Debug, Some("debug")),
    at(&[Key::char('R')], &[Tokens], Action::Revoke, Some("revoke")),
    at(&[Key::char('S')], &[Tokens], Action::Suspend, Some("suspend")),
    at(&[Key::char('S')], &[Calls], Action::Suspend, None),
    at(&[Key::char('A')], &[Operators], Action::AddOperator, Some("add")),
    at(&[Key::char('B')], &[Tokens], Action::Block, None),
    at(&[Key::char('E')], &[Operators], Action::EditOperator, Some("edit")),
    at(&[Key::char('R')], &[Operators], Action::RemoveOperator, Some("remove")),
    at(&[Key::char('S')], &[Operators], Action::DisableOperator, Some("disable")),
    at(&[Key::char('E')], &[Services], Action::EditFilter, Some("edit")),
    at(&[Key::char('E')], &[Calls], Action::EditFilter, None),
    at(&[Key::char('R')], &[Services], Action::Remove, Some("remove")),
    at(&[Key::char('S')], &[Services], Action::Switch, Some("on, off")),
    at(&[Key::char('S')], &[Requests], Action::SwitchWorkflow, Some("on, off")),
    at(&[Key::char('V')], &[Audit], Action::Verify, Some("verify")),
    at(&[Key::char('v')], &[Tokens, Requests], Action::NextTab, Some("tab")),
    at(&[Key::plain(Code::Tab), Key::plain(Code::BackTab)], LISTS, Action::NextPane, Some("pane")),
    at(&[Key::char('}')], &[Calls], Action::NextError, Some("next err")),
    at(&[Key::char('{')], &[Calls], Action::PreviousError, None),
    at(&[Key::char('!')], &[Calls, Incidents], Action::Not, None),
    at(&[Key::char('T')], &[Calls], Action::Range, None),
    at(&[Key::char('[')], &[Calls], Action::Earlier, None),
    at(&[Key::char(']')], &[Calls], Action::Later, None),
    at(&[Key::char('Q')], &[Calls, Incidents], Action::Queries, None),
    at(&[Key::char('h'), Key::plain(Code::Left)], TAILS, Action::Left, None),
    at(&[Key::char('l'), Key::plain(Code::Right)], TAILS, Action::Right, None),
    at(&[Key::char('w')], TAILS, Action::Wrap, None),
    at(&[Key::char('z')], &[Calls], Action::Fold, None),
    at(&[Key::char('p')], &[Calls], Action::Form, None),
    at(&[Key::char('c')], &[Calls], Action::Compare, None),
    at(&[Key::char('x')], &[Calls], Action::Export, None),
    at(&[Key::char('F')], &[Tokens, Calls, Incidents], Action::FilterSwitch, None),
    at(&[Key::char('n')], LISTS, Action::FindNext, None),
    at(&[Key::char('N')], LISTS, Action::FindPrevious, None),
    at(&[Key::char('o')], &[Tokens, Incidents, Requests, Operators, Audit], Action::SortMenu, None),
    at(&[Key::char('o')], &[Status], Action::SortMenu, Some("sort")),
    at(&[Key::char('s')], &[Tokens, Incidents, Requests, Operators], Action::Resort, None),
    everywhere(&[Key::char('j'), Key::plain(Code::Down)], Action::Down),
    everywhere(&[Key::char('k'), Key::plain(Code::Up)], Action::Up),
    everywhere(&[Key::ctrl('d'), Key::plain(Code::PageDown)], Action::PageDown),
    everywhere(&[Key::ctrl('u'), Key::plain(Code::PageUp)], Action::PageUp),
    everywhere(&[Key::char('g'), Key::plain(Code::Home)], Action::Top),
    everywhere(&[Key::char('G'), Key::plain(Code::End)], Action::Bottom),
    everywhere(&[Key::char('1')], Action::Go(Screen::Tokens)),
    everywhere(&[Key::char('2')], Action::Go(Screen::Log)),
    everywhere(&[Key::char('3')], Action::Go(Screen::Incidents)),
    everywhere(&[Key::char('4')], Action::Go(Screen::Requests)),
    everywhere(&[Key::char('5')], Action::Go(Screen::Services)),
    everywhere(&[Key::char('6')], Action::Go(Screen::Operators)),
    everywhere(&[Key::char('7')], Action::Go(Screen::Audit)),
    everywhere(&[Key::char('8')], Action::Go(Screen::Status)),
    everywhere(&[Key::char('0')], Action::Worst),
    at(&[Key::char('+')], LISTS, Action::Grow, None),
    at(&[Key::char('-')], LISTS, Action::Shrink, None),
    everywhere(&[Key::char('y')], Action::Copy),
    everywhere(&[Key::char('u')], Action::Undo),
    everywhere(&[Key::char(':')], Action::Command),
    everywhere(&[Key::ctrl('p'), Key::char('P')], Action::Palette),
    everywhere(&[Key::char('t')], Action::TimeForm),
    everywhere(&[Key::char('m')], Action::Mouse),
    everywhere(&[Key::ctrl('l')], Action::Repaint),
    everywhere(&[Key::ctrl('z')], Action::Background),
    everywhere(&[Key::char('q')], Action::Leave),
    everywhere(&[Key::plain(Code::Esc), Key::plain(Code::Backspace)], Action::Back),
    Binding { keys: &[Key::char('.')], places: &[], action: Action::Menu, hint: Some("all") },
    Binding { keys: &[Key::char('?')], places: &[], action: Action::Help, hint: Some("help") },
];

/// The letters of the menu behind `.`.
pub const MENU: &[MenuLetter] = &[
    MenuLetter { letter: 'n', places: &[Tokens], action: Action::AddToken },
    MenuLetter { letter: 't', places: &[Tokens], action: Action::Sample },
    MenuLetter { letter: 'e', places: &[Tokens], action: Action::Edit },
    MenuLetter { letter: 'd', places: &[Tokens, Calls], action: Action::Debug },
    MenuLetter { letter: 'o', places: &[Tokens], action: Action::Rotate },
    MenuLetter { letter: 'x', places: &[Tokens], action: Action::Refresh },
    MenuLetter { letter: 's', places: &[Tokens, Calls], action: Action::Suspend },
    MenuLetter { letter: 'p', places: &[Tokens], action: Action::Allowlist },
    MenuLetter { letter: 'l', places: &[Tokens], action: Action::Limit },
    MenuLetter { letter: 'b', places: &[Tokens], action: Action::Block },
    MenuLetter { letter: 'r', places: &[Tokens], action: Action::Revoke },
    MenuLetter { letter: 'n', places: &[Operators], action: Action::AddOperator },
    MenuLetter { letter: 'e', places: &[Operators], action: Action::EditOperator },
    MenuLetter { letter: 's', places: &[Operators], action: Action::DisableOperator },
    MenuLetter { letter: 'w', places: &[Operators], action: Action::Passphrase },
    MenuLetter { letter: 'c', places: &[Operators], action: Action::DropPassphrase },
    MenuLetter { letter: 'r', places: &[Operators], action: Action::RemoveOperator },
    MenuLetter { letter: 'v', places: &[Audit], action: Action::Verify },
    MenuLetter { letter: 'l', places: &[Status], action: Action::LockDown },
    MenuLetter { letter: 'u', places: &[Status], action: Action::LiftLockdown },
    MenuLetter { letter: 'a', places: &[Incidents], action: Action::Acknowledge },
    MenuLetter { letter: 'u', places: &[Incidents], action: Action::Unacknowledge },
    MenuLetter { letter: 'v', places: &[Incidents], action: Action::Resolve },
    MenuLetter { letter: 't', places: &[Services], action: Action::AddTeam },
    MenuLetter { letter: 's', places: &[Services], action: Action::AddService },
    MenuLetter { letter: 'f', places: &[Services], action: Action::AddFilter },
    MenuLetter { letter: 't', places: &[Requests], action: Action::RetryRequest },
    MenuLetter { letter: 'c', places: &[Requests], action: Action::CancelRequest },
    MenuLetter { letter: 'd', places: &[Requests], action: Action::SwitchWorkflow },
    MenuLetter { letter: 'w', places: &[Services], action: Action::WriteFilter },
    MenuLetter { letter: 'n', places: &[Services], action: Action::AddToken },
    MenuLetter { letter: 'e', places: &[Services, Calls], action: Action::EditFilter },
    MenuLetter { letter: 'd', places: &[Services], action: Action::Switch },
    MenuLetter { letter: 'r', places: &[Services], action: Action::Remove },
    MenuLetter { letter: 'p', places: TAILS, action: Action::Follow },
    MenuLetter { letter: 't', places: &[Calls], action: Action::Goto },
    MenuLetter { letter: 'x', places: &[Calls], action: Action::Export },
    MenuLetter { letter: 'c', places: &[Calls], action: Action::Compare },
    MenuLetter { letter: 'n', places: &[Calls], action: Action::RowIncident },
    MenuLetter { letter: 'w', places: &[Calls, Incidents], action: Action::SaveQuery },
    MenuLetter { letter: 'm', places: &[Calls, Incidents], action: Action::DropQuery },
    MenuLetter { letter: 'l', places: &[Incidents], action: Action::IncidentCalls },
    MenuLetter { letter: 'z', places: &[], action: Action::Identify },
    MenuLetter { letter: 'h', places: &[], action: Action::History },
    MenuLetter { letter: 'i', places: &[], action: Action::SignIn },
    MenuLetter { letter: 'g', places: &[], action: Action::SignOut },
    MenuLetter { letter: 'k', places: &[], action: Action::LockScreen },
    MenuLetter { letter: 'y', places: &[], action: Action::Copy },
    MenuLetter { letter: 'q', places: &[], action: Action::Quit },
];

/// The action of a key at a place.
#[must_use]
pub fn find(place: Place, key: Key) -> Option<Action> {
    here(place).find(|binding| binding.keys.contains(&key)).map(|binding| binding.action)
}

/// The bindings of a place, its own and those of everywhere.
pub fn here(place: Place) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |binding| binding.places.is_empty() || binding.places.contains(&place))
}

/// The menu's letters at a place.
pub fn menu(place: Place) -> impl Iterator<Item = &'static MenuLetter> {
    MENU.iter().filter(move |letter| letter.places.is_empty() || letter.places.contains(&place))
}

/// The footer: at most eight hints, the last two always `.` and `?`.
#[must_use]
pub fn footer(place: Place) -> Vec<(String, &'static str, Action)> {
    let hints =
        here(place).filter_map(|binding| Some((binding.keys.first()?.to_string(), binding.hint?, binding.action)));
    let (fixed, own): (Vec<_>, Vec<_>) = hints.partition(|(key, ..)| key == "." || key == "?");
    own.into_iter().take(6).chain(fixed).collect()
}

/// What to say of a key that means nothing here.
#[must_use]
pub fn near(place: Place, key: Key) -> String {
    let mut near = Vec::new();
    if let Code::Char(letter) = key.code {
        let swapped = if letter.is_uppercase() { letter.to_lowercase().next() } else { letter.to_uppercase().next() };
        let swapped = swapped.filter(|other| *other != letter).map(Key::char);
        let action = swapped.and_then(|other| find(place, other).map(|action| (other, action)));
        near.extend(action.map(|(other, action)| format!("{other}: {}", action.info().help)));
        let letter = menu(place).find(|entry| entry.letter == letter);
        near.extend(letter.map(|entry| format!(".{}: {}", entry.letter, entry.action.info().help)));
    }
    if near.is_empty() {
        near.push("? shows the keys of this place".to_owned());
    }
    format!("{key} is not bound here; {}", near.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings_in_one_place() {
        for place in Place::ALL {
            let mut seen = std::collections::HashMap::new();
            for binding in here(place) {
                for key in binding.keys {
                    let before = seen.insert(*key, binding.action);
                    assert_eq!(before, None, "{key} at {place:?}");
                }
            }
            let mut letters = std::collections::HashSet::new();
            for entry in menu(place) {
                assert!(letters.insert(entry.letter), ".{} at {place:?}", entry.letter);
            }
        }
    }

    #[test]
    fn only_capitals_change_something_and_r_stays_unbound() {
        for binding in BINDINGS.iter().filter(|binding| binding.action.changes()) {
            for key in binding.keys {
                assert!(matches!(key.code, Code::Char(letter) if letter.is_uppercase()), "{key}");
            }
        }
        for place in Place::ALL {
            assert_eq!(find(place, Key::char('r')), None);
            assert_eq!(find(place, Key::char('9')), None, "there are eight screens");
        }
        assert!(near(Tokens, Key::char('r')).contains("R: revoke"), "{}", near(Tokens, Key::char('r')));
    }

    #[test]
    fn the_footer_ends_in_all_and_help_and_fits_eighty_columns() {
        for place in Place::ALL {
            let footer = footer(place);
            let width: usize = footer.iter().map(|(key, hint, _)| key.len() + 1 + hint.len() + 2).sum();
            assert!(footer.len() <= 8 && width <= 79, "{place:?} {width} {footer:?}");
            let last: Vec<_> = footer.iter().rev().take(2).map(|(_, hint, _)| *hint).collect();
            assert_eq!(last, ["help", "all"]);
        }
    }

    #[test]
    fn every_change_can_be_reached_by_a_key_or_a_letter() {
        for action in Action::ALL.into_iter().filter(|action| action.changes()) {
            let bound = BINDINGS.iter().any(|binding| binding.action == action);
            let lettered = MENU.iter().any(|entry| entry.action == action);
            assert!(bound || lettered, "{action:?}");
        }
    }
}
