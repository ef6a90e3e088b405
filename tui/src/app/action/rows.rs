//! The rows of the action table: name, help, danger, operation and command line of each action.

use super::{Action, Danger, Info};
use crate::app::model::Screen;

impl Action {
    pub(super) fn log_info(self) -> Info {
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

    pub(super) fn change_info(self) -> Info {
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
            Self::RetryRequest => change(
                "retry",
                "queue a failed or cancelled request again",
                Confirmed,
                "POST /v1/requests/{request}/retry",
                "tollgate request retry {}",
            ),
            Self::CancelRequest => change(
                "cancel",
                "stop a queued or running request",
                Confirmed,
                "POST /v1/requests/{request}/cancel",
                "tollgate request cancel {}",
            ),
            Self::SwitchWorkflow => change(
                "switch-workflow",
                "disable a workflow, or enable it",
                Confirmed,
                "PATCH /v1/workflows/{workflow}",
                "tollgate workflow disable {}",
            ),
            Self::WriteFilter => change(
                "write-filter",
                "write a filter out, or change a preset first",
                Confirmed,
                "POST /v1/filters",
                "tollgate filter create --service TEAM/SERVICE --file FILTER.json",
            ),
            Self::EditFilter => change(
                "edit-filter",
                "edit a filter while it is tried on a logged call",
                Confirmed,
                "PATCH /v1/filters/{filter}",
                "tollgate filter edit {} --file FILTER.json",
            ),
            Self::Remove => change(
                "remove",
                "delete a filter, an empty service or team",
                Danger::Typed,
                "DELETE /v1/filters/{filter}",
                "tollgate filter delete {}",
            ),
            Self::Switch => change(
                "switch",
                "disable a service or filter, or enable it",
                Confirmed,
                "PATCH /v1/services/{service}",
                "tollgate service disable {}",
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
            Self::Sample => change(
                "sample",
                "try it: a sample alert with its secret",
                Confirmed,
                "POST /v1/process",
                "tollgate send --sample PRESET --token-file FILE",
            ),
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
            Self::Limit => change(
                "limit",
                "refuse what is above a rate, for a time",
                Confirmed,
                "PATCH /v1/tokens/{token}",
                "tollgate token edit {} --rate 600/min --for 1h",
            ),
            Self::Block => change(
                "block",
                "refuse calls from an address for a time",
                Confirmed,
                "PATCH /v1/tokens/{token}",
                "tollgate token edit {} --block-ip ADDRESS --for 1h",
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

pub(super) const fn look(name: &'static str, help: &'static str) -> Info {
    Info { name, help, danger: Danger::None, operation: "-", cli: "tollgate" }
}

pub(super) const fn change(
    name: &'static str,
    help: &'static str,
    danger: Danger,
    operation: &'static str,
    cli: &'static str,
) -> Info {
    Info { name, help, danger, operation, cli }
}

pub(super) const fn go(screen: Screen) -> Info {
    let (name, help, operation, cli) = match screen {
        Screen::Tokens => ("tokens", "the tokens: screen 1", "GET /v1/tokens", "tollgate token list"),
        Screen::Log => ("log", "the API log: screen 2", "GET /v1/logs", "tollgate log --follow"),
        Screen::Incidents => ("incidents", "the incidents: screen 3", "GET /v1/incidents", "tollgate incident list"),
        Screen::Requests => {
            ("requests", "requests and workflows: screen 4", "GET /v1/requests", "tollgate request list")
        }
        Screen::Services => {
            ("services", "teams, services, filters: screen 5", "GET /v1/services", "tollgate service list")
        }
        Screen::Operators => ("operators", "who may what: screen 6", "GET /v1/operators", "tollgate operator list"),
        Screen::Audit => ("audit", "who changed what: screen 7", "GET /v1/audit", "tollgate audit"),
        Screen::Status => ("status", "what the daemon says of itself: screen 8", "GET /v1/status", "tollgate status"),
    };
    Info { name, help, danger: Danger::None, operation, cli }
}
