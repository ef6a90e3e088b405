//! Everything that the console can do, once: the keymap, the footer, `?`, `.`, and `:` are all made from this table.

mod rows;

use self::rows::{go, look};
use super::model::Screen;

/// An action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Go(Screen),
    Worst,
    NextPane,
    NextTab,
    Down,
    Up,
    PageDown,
    PageUp,
    Top,
    Bottom,
    Open,
    Search,
    FindNext,
    FindPrevious,
    Filter,
    FilterSwitch,
    SortMenu,
    Resort,
    Mark,
    MarkAll,
    Undo,
    History,
    Palette,
    Identify,
    TimeForm,
    Mouse,
    Follow,
    NextError,
    PreviousError,
    Only,
    Not,
    Left,
    Right,
    Wrap,
    Fold,
    Form,
    Compare,
    Export,
    Range,
    Goto,
    Earlier,
    Later,
    Queries,
    SaveQuery,
    DropQuery,
    RowIncident,
    IncidentCalls,
    Grow,
    Shrink,
    Copy,
    Menu,
    Help,
    Command,
    Repaint,
    Background,
    Back,
    Leave,
    Quit,
    Add,
    AddTeam,
    AddService,
    AddFilter,
    RetryRequest,
    CancelRequest,
    SwitchWorkflow,
    WriteFilter,
    EditFilter,
    Remove,
    Switch,
    AddToken,
    Sample,
    Edit,
    Debug,
    Revoke,
    Rotate,
    Refresh,
    Suspend,
    Allowlist,
    Limit,
    Block,
    Acknowledge,
    Unacknowledge,
    Resolve,
    AddOperator,
    EditOperator,
    RemoveOperator,
    DisableOperator,
    Passphrase,
    DropPassphrase,
    Verify,
    LockDown,
    LiftLockdown,
    SignIn,
    SignOut,
    LockScreen,
}

/// What it does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// Nothing: it looks.
    None,
    /// It happens at once and can be taken back.
    Immediate,
    /// A form or a question comes first.
    Confirmed,
    /// The name is typed first.
    Typed,
}

/// An action's row in the table.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// The word after `:`.
    pub name: &'static str,
    /// One line for `?`.
    pub help: &'static str,
    pub danger: Danger,
    /// The route of the local socket that it uses, `-` where it only moves on the screen.
    pub operation: &'static str,
    /// The command that does or shows the same; `{}` stands for the selected object.
    pub cli: &'static str,
}

impl Action {
    /// All actions that can be named.
    pub const ALL: [Self; 102] = [
        Self::Go(Screen::Tokens),
        Self::Go(Screen::Log),
        Self::Go(Screen::Incidents),
        Self::Go(Screen::Requests),
        Self::Go(Screen::Services),
        Self::Go(Screen::Operators),
        Self::Go(Screen::Audit),
        Self::Go(Screen::Status),
        Self::Worst,
        Self::NextPane,
        Self::NextTab,
        Self::Down,
        Self::Up,
        Self::PageDown,
        Self::PageUp,
        Self::Top,
        Self::Bottom,
        Self::Open,
        Self::Search,
        Self::FindNext,
        Self::FindPrevious,
        Self::Filter,
        Self::FilterSwitch,
        Self::SortMenu,
        Self::Resort,
        Self::Mark,
        Self::MarkAll,
        Self::Undo,
        Self::History,
        Self::Palette,
        Self::Identify,
        Self::TimeForm,
        Self::Mouse,
        Self::Follow,
        Self::NextError,
        Self::PreviousError,
        Self::Only,
        Self::Not,
        Self::Left,
        Self::Right,
        Self::Wrap,
        Self::Fold,
        Self::Form,
        Self::Compare,
        Self::Export,
        Self::Range,
        Self::Goto,
        Self::Earlier,
        Self::Later,
        Self::Queries,
        Self::SaveQuery,
        Self::DropQuery,
        Self::RowIncident,
        Self::IncidentCalls,
        Self::Grow,
        Self::Shrink,
        Self::Copy,
        Self::Menu,
        Self::Help,
        Self::Command,
        Self::Repaint,
        Self::Background,
        Self::Back,
        Self::Leave,
        Self::Quit,
        Self::Add,
        Self::AddTeam,
        Self::AddService,
        Self::AddFilter,
        Self::RetryRequest,
        Self::CancelRequest,
        Self::SwitchWorkflow,
        Self::WriteFilter,
        Self::EditFilter,
        Self::Remove,
        Self::Switch,
        Self::AddToken,
        Self::Sample,
        Self::Edit,
        Self::Debug,
        Self::Revoke,
        Self::Rotate,
        Self::Refresh,
        Self::Suspend,
        Self::Allowlist,
        Self::Limit,
        Self::Block,
        Self::Acknowledge,
        Self::Unacknowledge,
        Self::Resolve,
        Self::AddOperator,
        Self::EditOperator,
        Self::RemoveOperator,
        Self::DisableOperator,
        Self::Passphrase,
        Self::DropPassphrase,
        Self::Verify,
        Self::LockDown,
        Self::LiftLockdown,
        Self::SignIn,
        Self::SignOut,
        Self::LockScreen,
    ];

    /// True where the daemon is asked to change something.
    #[must_use]
    pub fn changes(self) -> bool {
        self.info().danger != Danger::None
    }

    /// The action's row.
    #[must_use]
    pub fn info(self) -> Info {
        match self {
            Self::Go(screen) => go(screen),
            Self::Worst => look("worst", "go to the worst thing"),
            Self::NextPane => look("pane", "the other pane"),
            Self::NextTab => look("tab", "the next tab of the pane"),
            Self::Down => look("down", "one row down"),
            Self::Up => look("up", "one row up"),
            Self::PageDown => look("page-down", "half a page down"),
            Self::PageUp => look("page-up", "half a page up"),
            Self::Top => look("top", "the first row"),
            Self::Bottom => look("bottom", "the last row; in the log: follow"),
            Self::Open => look("open", "open what is marked; while there is no connection: try now"),
            Self::Search => look("search", "find a text in the list, n N next and previous"),
            Self::FindNext => look("next", "the next find"),
            Self::FindPrevious => look("previous", "the previous find"),
            Self::Filter => look("filter", "show only some rows"),
            Self::FilterSwitch => look("filter-switch", "filter on or off"),
            Self::SortMenu => look("sort", "choose the order; the same letter again reverses it"),
            Self::Resort => look("resort", "sort again; rows never move by themselves"),
            Self::Mark => look("mark", "mark the row: the next change is for all that are marked, Esc unmarks them"),
            Self::MarkAll => look("mark-all", "mark all rows that are shown, or none of them"),
            Self::Undo => look("undo", "what can be undone, newest first; Enter asks"),
            Self::History => look("history", "what this console changed, as commands; y copies one"),
            Self::Palette => look("palette", "find any action, token, service, operator ... by a few letters"),
            Self::Identify => Info {
                name: "identify",
                help: "whose value is this? pasted or typed unseen",
                danger: Danger::None,
                operation: "POST /v1/tokens/identify",
                cli: "tollgate token identify",
            },
            Self::TimeForm => look("time-format", "times in UTC, in your own time, or as how long ago"),
            Self::Mouse => look("mouse", "the mouse on or off: the wheel scrolls, a click marks"),
            Self::Grow => look("grow", "a larger lower pane"),
            Self::Shrink => look("shrink", "a smaller lower pane"),
            Self::Copy => look("copy", "copy the id of what is marked, or the command that shows it"),
            Self::Menu => look("menu", "all actions on what is marked"),
            Self::Help => look("help", "the keys of this place"),
            Self::Command => look("command", "type a command by its name"),
            Self::Repaint => look("repaint", "paint and sort everything again"),
            Self::Background => look("background", "stop this program; fg brings it back"),
            Self::Back => look("back", "close what is on top"),
            Self::Leave => look("leave", "close what is on top; at a screen's root: quit"),
            Self::Quit => look("quit", "leave the console"),
            other if other.is_of_log() => other.log_info(),
            Self::LockScreen => look("lock", "hide this screen until you come back"),
            Self::Verify => Info {
                name: "verify",
                help: "walk the audit's chain again",
                danger: Danger::None,
                operation: "GET /v1/audit/verify",
                cli: "tollgate audit verify",
            },
            other => other.change_info(),
        }
    }

    /// True for what belongs to the API log.
    #[must_use]
    pub fn is_of_log(self) -> bool {
        matches!(self, Self::Follow | Self::NextError | Self::PreviousError | Self::Only | Self::Not)
            || matches!(self, Self::Left | Self::Right | Self::Wrap | Self::Fold | Self::Form | Self::Compare)
            || matches!(self, Self::Export | Self::Range | Self::Goto | Self::Earlier | Self::Later)
            || matches!(self, Self::Queries | Self::SaveQuery | Self::DropQuery)
            || matches!(self, Self::RowIncident | Self::IncidentCalls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_name_help_a_command_and_an_operation() {
        let mut names = std::collections::BTreeSet::new();
        for action in Action::ALL {
            let info = action.info();
            assert!(names.insert(info.name), "{} is there twice", info.name);
            assert!(!info.help.is_empty() && info.cli.starts_with("tollgate"), "{action:?}");
            assert!(info.operation == "-" || info.operation.contains(" /v1/"), "{action:?}");
            if action.changes() {
                let verb = info.operation.split(' ').next().unwrap();
                assert!(["POST", "PATCH", "DELETE"].contains(&verb), "{action:?}");
                assert!(info.cli.len() > "tollgate ".len(), "{action:?}");
            }
        }
    }
}
