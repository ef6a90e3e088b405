//! Everything that the console can do, once: the keymap, the footer, `?`, `.`, and `:` are all made from this table.

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
    Quit,
    Add,
    AddTeam,
    AddService,
    AddFilter,
    AddToken,
    Edit,
    Debug,
    Revoke,
    Rotate,
    Refresh,
    Suspend,
    Allowlist,
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
    pub const ALL: [Self; 82] = [
        Self::Go(Screen::Tokens),
        Self::Go(Screen::Log),
        Self::Go(Screen::Incidents),
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
        Self::Quit,
        Self::Add,
        Self::AddTeam,
        Self::AddService,
        Self::AddFilter,
        Self::AddToken,
        Self::Edit,
        Self::Debug,
        Self::Revoke,
        Self::Rotate,
        Self::Refresh,
        Self::Suspend,
        Self::Allowlist,
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
            Self::Grow => look("grow", "a larger lower pane"),
            Self::Shrink => look("shrink", "a smaller lower pane"),
            Self::Copy => look("copy", "copy the id of what is marked, or the command that shows it"),
            Self::Menu => look("menu", "all actions on what is marked"),
            Self::Help => look("help", "the keys of this place"),
            Self::Command => look("command", "type a command by its name"),
            Self::Repaint => look("repaint", "paint and sort everything again"),
            Self::Background => look("background", "stop this program; fg brings it back"),
            Self::Back => look("back", "close what is on top; at a screen's root: quit"),
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

    fn log_info(self) -> Info {
        let logs = |name, help, cli| Info { name, help, danger: Danger::None, operation: "GET /v1/logs", cli };
        let queries = |name, help, operation, cli| Info { name, help, danger: Danger::None, operation, cli };
        match self {
            Self::NextError => look("next-error", "the next row that failed; beyond the rows here the daemon looks"),
            Self::PreviousError => look("previous-error", "the previous row that failed, however far back"),
            Self::Only => look("only", "only rows with the value under the cursor"),
            Self::Not => look("not", "no rows with the value under the cursor"),
            Self::Left => look("left", "mark the column to the left; in the pane: to the left"),
            Self::Right => look("right", "mark the column to the right; in the pane: to the right"),
            Self::Wrap => look("wrap", "wrap long lines of the pane, or cut them"),
            Self::Fold => look("fold", "fold or open JSON: in the pane one branch, in the list all"),
            Self::Form => look("form", "the body as JSON, as text, as bytes"),
            Self::Compare => look("compare", "compare with the last call that matched, or two rows: c on each"),
            Self::Export => {
                logs("export", "write rows to a file, or copy the command", "tollgate log export --output jsonl")
            }
            Self::Range => logs("range", "the time of the rows: 5m 15m 1h 6h 24h all", "tollgate log --since 15m"),
            Self::Goto => logs("goto", "go to a time or a row", "tollgate log show SEQ"),
            Self::Earlier => look("earlier", "the brush of the strip: earlier calls"),
            Self::Later => look("later", "the brush of the strip: later calls"),
            Self::Queries => queries("queries", "your saved queries", "GET /v1/queries", "tollgate query list"),
            Self::SaveQuery => {
                let route = "PUT /v1/queries/{screen}/{name}";
                queries("save-query", "keep the query under a name", route, "tollgate query save logs NAME QUERY")
            }
            Self::DropQuery => {
                let route = "DELETE /v1/queries/{screen}/{name}";
                queries("drop-query", "delete a saved query", route, "tollgate query delete logs NAME")
            }
            Self::RowIncident => look("row-incident", "the incident that this call touched"),
            Self::IncidentCalls => look("incident-calls", "the calls that touched this incident"),
            _ => look("follow", "pause, or follow the newest row"),
        }
    }

    fn change_info(self) -> Info {
        use Danger::{Confirmed, Immediate};
        match self {
            Self::AddTeam => change("add-team", "add a team", Confirmed, "POST /v1/teams", "tollgate team create NAME"),
            Self::AddService => change(
                "add-service",
                "add a service",
                Confirmed,
                "POST /v1/services",
                "tollgate service create NAME --team TEAM",
            ),
            Self::AddFilter => change(
                "add-filter",
                "add a filter from a preset",
                Confirmed,
                "POST /v1/filters",
                "tollgate filter create --service TEAM/SERVICE --preset PRESET",
            ),
            Self::AddToken => change(
                "add-token",
                "create a token",
                Confirmed,
                "POST /v1/tokens",
                "tollgate token create NAME --scope SCOPE",
            ),
            Self::Acknowledge => change(
                "ack",
                "you are on it",
                Immediate,
                "POST /v1/incidents/{incident}/acknowledge",
                "tollgate incident ack {}",
            ),
            Self::Unacknowledge => change(
                "unack",
                "give it back",
                Immediate,
                "POST /v1/incidents/{incident}/unacknowledge",
                "tollgate incident unack {}",
            ),
            Self::Resolve => change(
                "resolve",
                "resolve for good, with a comment",
                Confirmed,
                "POST /v1/incidents/{incident}/resolve",
                "tollgate incident resolve {}",
            ),
            other => other.people_change_info(),
        }
    }

    fn people_change_info(self) -> Info {
        use Danger::{Confirmed, Immediate, Typed};
        let operator = "PATCH /v1/operators/{operator}";
        let passphrase = "POST /v1/operators/{operator}/passphrase";
        match self {
            Self::AddOperator => change(
                "add-operator",
                "make somebody an operator",
                Confirmed,
                "POST /v1/operators",
                "tollgate operator add NAME",
            ),
            Self::EditOperator => change(
                "edit-operator",
                "change roles, unix users, name",
                Confirmed,
                operator,
                "tollgate operator edit {}",
            ),
            Self::RemoveOperator => change(
                "remove-operator",
                "remove for good",
                Typed,
                "DELETE /v1/operators/{operator}",
                "tollgate operator remove {} --yes",
            ),
            Self::DisableOperator => change(
                "disable-operator",
                "he may nothing, or again what he might",
                Confirmed,
                operator,
                "tollgate operator disable {}",
            ),
            Self::Passphrase => change(
                "passphrase",
                "set the passphrase that he signs in with",
                Confirmed,
                passphrase,
                "tollgate operator passphrase {}",
            ),
            Self::DropPassphrase => change(
                "drop-passphrase",
                "take the passphrase away",
                Confirmed,
                passphrase,
                "tollgate operator passphrase {} --remove",
            ),
            Self::LockDown => change(
                "lockdown-on",
                "answer every call 503, at once, until it is lifted",
                Typed,
                "POST /v1/lockdown",
                "tollgate lockdown on --reason TEXT",
            ),
            Self::LiftLockdown => {
                change("lockdown-off", "take calls again", Confirmed, "POST /v1/lockdown", "tollgate lockdown off")
            }
            Self::SignIn => change(
                "sign-in",
                "sign in with an operator's passphrase",
                Confirmed,
                "POST /v1/sign-in",
                "tollgate, then :sign-in",
            ),
            Self::SignOut => change(
                "sign-out",
                "be again who the unix account is",
                Immediate,
                "POST /v1/sign-out",
                "tollgate, then :sign-out",
            ),
            other => other.token_change_info(),
        }
    }

    fn token_change_info(self) -> Info {
        use Danger::{Confirmed, Immediate, Typed};
        match self {
            Self::Edit => change(
                "edit",
                "change it; the difference is shown first",
                Confirmed,
                "PATCH /v1/tokens/{token}",
                "tollgate token edit {} --name NAME",
            ),
            Self::Debug => change(
                "debug",
                "log its calls for 48 h, or no more",
                Immediate,
                "POST /v1/tokens/{token}/debug",
                "tollgate token debug {} on",
            ),
            Self::Revoke => change(
                "revoke",
                "revoke for good",
                Typed,
                "POST /v1/tokens/{token}/revoke",
                "tollgate token revoke {} --confirm NAME",
            ),
            Self::Rotate => change(
                "rotate",
                "a new secret, with an overlap or now",
                Typed,
                "POST /v1/tokens/{token}/rotate",
                "tollgate token rotate {} --overlap 24h",
            ),
            Self::Refresh => change(
                "refresh",
                "extend: the same secret, a later end",
                Confirmed,
                "POST /v1/tokens/{token}/refresh",
                "tollgate token refresh {}",
            ),
            Self::Suspend => change(
                "suspend",
                "doubt it: its calls get 503; or resume it",
                Confirmed,
                "POST /v1/tokens/{token}/suspend",
                "tollgate token suspend {}",
            ),
            Self::Allowlist => change(
                "allowlist",
                "edit it with a list of the addresses seen",
                Confirmed,
                "PATCH /v1/tokens/{token}",
                "tollgate token allowlist {}",
            ),
            _ => change(
                "add",
                "add what belongs here",
                Confirmed,
                "POST /v1/tokens",
                "tollgate token create NAME --scope SCOPE",
            ),
        }
    }
}

const fn look(name: &'static str, help: &'static str) -> Info {
    Info { name, help, danger: Danger::None, operation: "-", cli: "tollgate" }
}

const fn change(
    name: &'static str,
    help: &'static str,
    danger: Danger,
    operation: &'static str,
    cli: &'static str,
) -> Info {
    Info { name, help, danger, operation, cli }
}

const fn go(screen: Screen) -> Info {
    let (name, help, operation, cli) = match screen {
        Screen::Tokens => ("tokens", "the tokens: screen 1", "GET /v1/tokens", "tollgate token list"),
        Screen::Log => ("log", "the API log: screen 2", "GET /v1/logs", "tollgate log --follow"),
        Screen::Incidents => ("incidents", "the incidents: screen 3", "GET /v1/incidents", "tollgate incident list"),
        Screen::Services => {
            ("services", "teams, services, filters: screen 5", "GET /v1/services", "tollgate service list")
        }
        Screen::Operators => ("operators", "who may what: screen 6", "GET /v1/operators", "tollgate operator list"),
        Screen::Audit => ("audit", "who changed what: screen 7", "GET /v1/audit", "tollgate audit"),
        Screen::Status => ("status", "what the daemon says of itself: screen 8", "GET /v1/status", "tollgate status"),
    };
    Info { name, help, danger: Danger::None, operation, cli }
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
