//! The dialog before a change that is not made lightly. The gravest want a name typed.
//!
//! Letters go to the name wherever the mark is, but on the reason; Enter presses the marked button; the mark starts on
//! Cancel; a paste does not count as a name.

mod facts;
mod receipt;

pub use facts::facts;
pub use receipt::receipt_text;

use std::sync::Arc;

use tollgate_shared::api::{
    FilterPatch, OperatorPatch, OperatorView, RequestView, RotateToken, TokenView, WorkflowView,
};
use tollgate_shared::limits::DEBUG_ONE_IN_OFFERED;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::Expiry;

use super::field::Field;
use super::forms::{Choice, Form};
use super::key::{Code, Key};
use super::msg::Call;
use super::services::Node;
use super::words;

/// What is about to happen.
#[derive(Clone, Debug)]
pub enum Deed {
    Revoke,
    /// Now, or with an overlap; during one its end.
    Rotate,
    Refresh,
    Suspend,
    Resume,
    /// Debug of a token that floods: every call, or one in so many.
    LogCalls,
    /// A change that a form describes; Cancel goes back to it.
    Change(Box<Form>),
    RemoveOperator,
    DisableOperator,
    EnableOperator,
    DropPassphrase,
    /// Of a team, service or filter.
    RemoveNode,
    RetryRequest,
    CancelRequest,
    SwitchOff,
    SwitchOn,
    LockDown,
    LiftLockdown,
}

/// What it is done to.
#[derive(Clone, Debug)]
pub enum Object {
    Token(Arc<TokenView>),
    Operator(Arc<OperatorView>),
    /// A team, service or filter.
    Node(Node),
    Request(Arc<RequestView>),
    Workflow(Arc<WorkflowView>),
    /// The daemon of this host.
    Daemon(String),
}

/// What the mark can stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Choice,
    /// Revoke what it issued as well.
    Also,
    Reason,
    Cancel,
    Suspend,
    Rotate,
    Do,
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct Danger {
    pub deed: Deed,
    pub object: Object,
    pub typed: Field,
    pub reason: Field,
    /// How a secret is replaced.
    pub choice: Option<Choice>,
    pub also: bool,
    pub mark: Part,
    /// Open incidents that it opened; `None` where that is not known.
    pub open_incidents: Option<usize>,
    pub error: Option<String>,
    /// The request that is under way.
    pub pending: Option<u64>,
    /// Tells a second try of the same rotation from a second rotation.
    pub key: String,
}

impl Danger {
    #[must_use]
    pub fn new(deed: Deed, object: Object, now: Timestamp) -> Self {
        let choice = match (&deed, &object) {
            (Deed::Rotate, Object::Token(token)) => Some(ways(token, now)),
            (Deed::LogCalls, _) => Some(parts_logged()),
            _ => None,
        };
        Self {
            deed,
            object,
            typed: Field::default(),
            reason: Field::default(),
            choice,
            also: false,
            mark: Part::Cancel,
            open_incidents: None,
            error: None,
            pending: None,
            key: format!("console-{}", now.as_micros()),
        }
    }

    /// The token that it is about.
    #[must_use]
    pub fn token(&self) -> Option<&Arc<TokenView>> {
        match &self.object {
            Object::Token(token) => Some(token),
            _ => None,
        }
    }

    /// Name and id: each of them confirms.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match &self.object {
            Object::Token(token) => vec![token.name.clone(), token.id.to_string()],
            Object::Operator(operator) => vec![operator.name.clone(), operator.id.to_string()],
            Object::Node(node) => vec![node.full_name(), node.name().to_owned(), node.id()],
            Object::Request(request) => vec![request.id.to_string()],
            Object::Workflow(workflow) => vec![workflow.full_name.clone(), workflow.public_id.clone()],
            Object::Daemon(host) => vec![host.clone()],
        }
    }

    /// True where the name is typed before it is done.
    #[must_use]
    pub fn wants_name(&self) -> bool {
        match self.deed {
            Deed::Revoke | Deed::RemoveOperator | Deed::RemoveNode | Deed::LockDown => true,
            Deed::Rotate => self.way() == "now",
            _ => false,
        }
    }

    #[must_use]
    pub fn wants_reason(&self) -> bool {
        matches!(self.deed, Deed::Revoke | Deed::Suspend | Deed::CancelRequest | Deed::LockDown)
    }

    /// What was typed is the name or the id, exactly; or nothing has to be typed.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        !self.wants_name() || self.names().contains(&self.typed.text())
    }

    /// Why the button does nothing yet.
    #[must_use]
    pub fn missing(&self) -> Option<&'static str> {
        if !self.is_confirmed() {
            return Some("the name is not complete; nothing was changed");
        }
        let reasonless = matches!(self.deed, Deed::LockDown) && self.reason.text().trim().is_empty();
        reasonless.then_some("say why: whoever finds his alerts refused reads it")
    }

    /// The stops of Tab, in their order.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let all = [
            (self.choice.is_some(), Part::Choice),
            (matches!(self.deed, Deed::Revoke), Part::Also),
            (self.wants_reason(), Part::Reason),
            (true, Part::Cancel),
            (matches!(self.deed, Deed::Revoke) && !self.is_suspended(), Part::Suspend),
            (matches!(self.deed, Deed::Revoke) && !self.is_sealed(), Part::Rotate),
            (true, Part::Do),
        ];
        all.into_iter().filter(|(there, _)| *there).map(|(_, part)| part).collect()
    }

    /// Moves the mark.
    pub fn step(&mut self, by: isize) {
        let parts = self.parts();
        let at = parts.iter().position(|part| *part == self.mark).unwrap_or(0);
        self.mark = parts[(at + parts.len()).saturating_add_signed(by) % parts.len()];
    }

    /// Takes a key that is no movement between parts.
    pub fn key(&mut self, key: Key) {
        self.error = None;
        let sideways = matches!(key.code, Code::Left | Code::Right);
        match self.mark {
            Part::Choice if sideways || key == Key::char(' ') => {
                self.choice.as_mut().map(|choice| choice.key(key));
            }
            Part::Also if key == Key::char(' ') => self.also = !self.also,
            Part::Reason => drop(self.reason.key(key)),
            Part::Cancel | Part::Suspend | Part::Rotate | Part::Do if sideways => {
                self.step(if key.code == Code::Left { -1 } else { 1 });
            }
            _ if self.wants_name() => drop(self.typed.key(key)),
            _ if self.wants_reason() => drop(self.reason.key(key)),
            _ => {}
        }
    }

    /// How the secret is replaced: `now`, `end`, or for how many seconds the old one lives on.
    fn way(&self) -> &str {
        self.choice.as_ref().map_or("", Choice::value)
    }

    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self.deed {
            Deed::Revoke => "revoke",
            Deed::Rotate => "rotate",
            Deed::Refresh => "refresh",
            Deed::Suspend => "suspend",
            Deed::Resume => "resume",
            Deed::LogCalls => "log the calls of",
            Deed::Change(_) => "change",
            Deed::RemoveOperator => "remove",
            Deed::DisableOperator => "disable",
            Deed::EnableOperator => "enable",
            Deed::DropPassphrase => "take the passphrase of",
            Deed::RemoveNode => "delete",
            Deed::RetryRequest => "retry",
            Deed::CancelRequest => "cancel",
            Deed::SwitchOff => "disable",
            Deed::SwitchOn => "enable",
            Deed::LockDown => "lock down",
            Deed::LiftLockdown => "lift the lockdown of",
        }
    }

    #[must_use]
    pub fn button(&self) -> &'static str {
        match self.deed {
            Deed::Revoke => "Revoke",
            Deed::Rotate if self.way() == "end" => "End overlap",
            Deed::Rotate if self.way().starts_with('+') => "Move its end",
            Deed::Rotate => "Rotate",
            Deed::Refresh => "Extend",
            Deed::Suspend => "Suspend",
            Deed::Resume => "Resume",
            Deed::LogCalls => "Log",
            Deed::Change(_) => "Change",
            Deed::RemoveOperator => "Remove",
            Deed::DisableOperator => "Disable",
            Deed::EnableOperator => "Enable",
            Deed::DropPassphrase => "Take it away",
            Deed::RemoveNode => "Delete",
            Deed::RetryRequest => "Retry",
            Deed::CancelRequest => "Stop it",
            Deed::SwitchOff => "Disable",
            Deed::SwitchOn => "Enable",
            Deed::LockDown => "Lock down",
            Deed::LiftLockdown => "Lift",
        }
    }

    /// The command that does the same.
    #[must_use]
    pub fn cli(&self) -> String {
        let name = words::shell(&self.names()[0]);
        let id = self.token().map(|token| token.id.to_string()).unwrap_or_default();
        let reason = match self.reason.text().trim() {
            "" => String::new(),
            reason => format!(" --reason {}", words::shell(reason)),
        };
        match &self.deed {
            Deed::Revoke => format!("tollgate token revoke {id} --confirm {name}{reason}"),
            Deed::Rotate => self.rotate_cli(&id, &name),
            Deed::Refresh => format!("tollgate token refresh {id}"),
            Deed::Suspend => format!("tollgate token suspend {id}{reason}"),
            Deed::Resume => format!("tollgate token resume {id}"),
            Deed::LogCalls => match self.one_in() {
                Some(one_in) => format!("tollgate token debug {id} on --sample {one_in}"),
                None => format!("tollgate token debug {id} on --yes"),
            },
            Deed::Change(form) => form.cli(),
            Deed::RemoveOperator => format!("tollgate operator remove {name} --yes"),
            Deed::DisableOperator => format!("tollgate operator disable {name}"),
            Deed::EnableOperator => format!("tollgate operator enable {name}"),
            Deed::DropPassphrase => format!("tollgate operator passphrase {name} --remove"),
            Deed::RetryRequest => format!("tollgate request retry {name}"),
            Deed::CancelRequest => format!("tollgate request cancel {name}{}", reason.replace("--reason", "--comment")),
            Deed::RemoveNode => format!("tollgate {} delete {name}", self.kind()),
            Deed::SwitchOff => format!("tollgate {} disable {name}", self.kind()),
            Deed::SwitchOn => format!("tollgate {} enable {name}", self.kind()),
            Deed::LockDown => format!("tollgate lockdown on{reason} --yes"),
            Deed::LiftLockdown => "tollgate lockdown off".to_owned(),
        }
    }

    fn rotate_cli(&self, id: &str, name: &str) -> String {
        match self.way() {
            "now" => format!("tollgate token rotate {id} --now --confirm {name}"),
            "end" => format!("tollgate token overlap end {id} --yes"),
            way => match way.strip_prefix('+') {
                Some(secs) => format!("tollgate token overlap extend {id} --for {secs}s"),
                None => format!("tollgate token rotate {id} --overlap {way}s --yes"),
            },
        }
    }

    /// The request.
    ///
    /// # Errors
    /// Why there is none.
    pub fn call(&self, also: Vec<String>) -> Result<Call, String> {
        let token = || self.token().map(|token| token.id.to_string()).unwrap_or_default();
        let reason = self.reason.text().trim().to_owned();
        let (operator, version) = match &self.object {
            Object::Operator(operator) => (operator.id.to_string(), operator.version),
            _ => (String::new(), 0),
        };
        let enabled = |on| OperatorPatch { enabled: Some(on), ..OperatorPatch::default() };
        Ok(match &self.deed {
            Deed::Revoke => {
                let also = if self.also { also } else { Vec::new() };
                Call::Revoke { token: token(), confirm: self.typed.text(), reason, also }
            }
            Deed::Rotate => self.rotate_call(token()),
            Deed::Refresh => Call::Refresh { token: token() },
            Deed::Suspend => Call::Suspend { token: token(), reason },
            Deed::Resume => Call::Resume { token: token() },
            Deed::LogCalls => Call::Debug { token: token(), on: true, one_in: self.one_in() },
            Deed::Change(form) => form.submit()?,
            Deed::RemoveOperator => Call::RemoveOperator { operator },
            Deed::DisableOperator => Call::EditOperator { operator, patch: enabled(false), version },
            Deed::EnableOperator => Call::EditOperator { operator, patch: enabled(true), version },
            Deed::DropPassphrase => Call::SetPassphrase { operator, passphrase: None },
            Deed::RetryRequest => Call::RetryRequest { request: self.names().swap_remove(0) },
            Deed::CancelRequest => {
                let comment = (!reason.is_empty()).then_some(reason);
                Call::CancelRequest { request: self.names().swap_remove(0), comment }
            }
            Deed::RemoveNode => self.remove_call()?,
            Deed::SwitchOff => self.switch_call(false)?,
            Deed::SwitchOn => self.switch_call(true)?,
            Deed::LockDown => Call::SetLockdown { on: true, reason },
            Deed::LiftLockdown => Call::SetLockdown { on: false, reason: String::new() },
        })
    }

    fn kind(&self) -> &'static str {
        match &self.object {
            Object::Node(node) => node.kind(),
            Object::Workflow(_) => "workflow",
            _ => "",
        }
    }

    fn remove_call(&self) -> Result<Call, String> {
        match &self.object {
            Object::Node(Node::Team(team)) => Ok(Call::RemoveTeam { team: team.id.to_string() }),
            Object::Node(Node::Service(service)) => Ok(Call::RemoveService { service: service.id.to_string() }),
            Object::Node(Node::Filter(filter)) => Ok(Call::RemoveFilter { filter: filter.id.to_string() }),
            _ => Err("nothing is marked".to_owned()),
        }
    }

    fn switch_call(&self, on: bool) -> Result<Call, String> {
        match &self.object {
            Object::Node(Node::Service(service)) => Ok(Call::SwitchService { service: service.id.to_string(), on }),
            Object::Node(Node::Filter(filter)) => {
                let patch = Box::new(FilterPatch { enabled: Some(on), ..FilterPatch::default() });
                Ok(Call::EditFilter { filter: filter.id.to_string(), patch, version: filter.version.clone() })
            }
            Object::Workflow(workflow) => {
                Ok(Call::SwitchWorkflow { workflow: workflow.id.to_string(), on, version: workflow.version })
            }
            _ => Err("a team has no switch; its services have".to_owned()),
        }
    }

    fn rotate_call(&self, token: String) -> Call {
        let way = self.way();
        if way == "end" {
            return Call::Overlap { token, secs: 0 };
        }
        if let Some(secs) = way.strip_prefix('+').and_then(|secs| secs.parse().ok()) {
            return Call::Overlap { token, secs };
        }
        let now = way == "now";
        let confirm = now.then(|| self.typed.text());
        let overlap_secs = way.parse().unwrap_or(0);
        let idempotency_key = Some(self.key.clone());
        Call::Rotate { token, rotate: RotateToken { overlap_secs, now, confirm, idempotency_key } }
    }

    /// One call in so many is logged; `None` = every one.
    fn one_in(&self) -> Option<u32> {
        self.way().parse().ok()
    }

    /// How another choice is written where there are no keys, as words behind the action's name.
    #[must_use]
    pub fn other_way(&self) -> &'static str {
        if matches!(self.deed, Deed::LogCalls) {
            "debug N on --yes, every call"
        } else {
            "rotate N --overlap 7d, or --now"
        }
    }

    fn is_suspended(&self) -> bool {
        self.token().is_some_and(|token| token.suspended.is_some())
    }

    fn is_sealed(&self) -> bool {
        self.token().is_some_and(|token| token.sealed)
    }
}

/// What is logged of a token that floods. The part comes first: it shows what the calls are as well as all of them.
fn parts_logged() -> Choice {
    let part = (format!("1 call in {DEBUG_ONE_IN_OFFERED}"), DEBUG_ONE_IN_OFFERED.to_string());
    Choice::new(vec![part, ("every call".to_owned(), "all".to_owned())], 0)
}

/// How a secret can be replaced now. An overlap is the mild way, so it comes first; during one, ending it does.
fn ways(token: &TokenView, now: Timestamp) -> Choice {
    let runs = token.overlap_until.is_some_and(|until| until > now);
    let spans = [("1 hour", 3_600), ("24 hours", 86_400), ("7 days", 7 * 86_400), ("30 days", 30 * 86_400)];
    let left = token.expires_at.map_or(i64::MAX, |end| end.secs_since(now));
    let spans = spans.into_iter().filter(|(_, secs)| *secs <= left);
    if runs {
        let mut options = vec![("end it: the old secret is dead now".to_owned(), "end".to_owned())];
        // An overlap lasts 30 days in all, and some of them are over.
        let spans = spans.filter(|(_, secs)| *secs < 30 * 86_400);
        options
            .extend(spans.map(|(label, secs)| (format!("the old secret lives {label} from now"), format!("+{secs}"))));
        options.push(("rotate again now: both old secrets are dead".to_owned(), "now".to_owned()));
        return Choice::new(options, 0);
    }
    let mut options: Vec<_> =
        spans.map(|(label, secs)| (format!("the old secret lives {label} more"), secs.to_string())).collect();
    let at = options.len().min(2).saturating_sub(1);
    options.push(("now: the old secret is dead at once".to_owned(), "now".to_owned()));
    Choice::new(options, at)
}

/// The end after a refresh (domain.md §2): now and the chosen time again; a date adds its distance from the creation.
#[must_use]
pub fn refreshed_end(token: &TokenView, now: Timestamp) -> Option<Timestamp> {
    let end = token.expires_at?;
    let secs = match token.expiry {
        Expiry::Never => return None,
        Expiry::AfterSecs(secs) => i64::from(secs),
        Expiry::At(at) => at.secs_since(token.created_at),
    };
    Some(now.plus_secs(secs).max(end))
}
