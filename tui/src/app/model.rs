//! The model: everything that the screen shows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_shared::api::{LockdownView, MaintenanceView, ServiceView, StatusView, TokenView};
use tollgate_shared::time::Timestamp;

use super::action::Action;
use super::audit::Audit;
use super::commands::CommandLog;
use super::connection::{Connection, Phase};
use super::first::FirstPath;
use super::forms::Value;
use super::incidents::Incidents;
use super::layer::Layer;
use super::layout::Layout;
use super::lock::Lock;
use super::logs::Logs;
use super::operators::Operators;
use super::requests::Requests;
use super::resume::Resume;
use super::rights::{self, Me};
use super::services::Services;
use super::slow::SlowLine;
use super::status::Health;
use super::times::{Form, Times};
use super::tokens::{self, Attention, Tokens};
use super::trial::Trial;
use super::undo::UndoList;
use super::words;

/// A screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    #[default]
    Tokens,
    Log,
    Incidents,
    Requests,
    Services,
    Operators,
    Audit,
    Status,
}

impl Screen {
    /// Number and name, as line 1 shows them.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Tokens => "1 Tokens",
            Self::Log => "2 API log",
            Self::Incidents => "3 Incidents",
            Self::Requests => "4 Requests",
            Self::Services => "5 Services",
            Self::Operators => "6 Operators",
            Self::Audit => "7 Audit",
            Self::Status => "8 Status",
        }
    }
}

/// All that the console knows.
#[derive(Debug, Default)]
pub struct Model {
    pub now: Timestamp,
    pub columns: u16,
    pub rows: u16,
    pub screen: Screen,
    /// The pane has the keys, not the list.
    pub in_pane: bool,
    /// The first line of the pane that is shown.
    pub pane_top: usize,
    /// What the operator added to or took from the pane, in per cent.
    pub pane_more: i16,
    pub connection: Connection,
    /// When the daemon last said something.
    pub heard_at: Option<Timestamp>,
    pub status: Option<Box<StatusView>>,
    pub tokens: Tokens,
    pub logs: Logs,
    pub incidents: Incidents,
    /// What is planned or runs, by beginning.
    pub maintenances: Vec<MaintenanceView>,
    pub requests: Requests,
    pub services: Services,
    pub operators: Operators,
    pub audit: Audit,
    /// The terminal's line is slow.
    pub slow: Option<SlowLine>,
    /// What the Status screen shows beside the status.
    pub health: Health,
    /// The filter that is being edited, tried.
    pub trial: Trial,
    /// Who works here, once the daemon has said it.
    pub me: Option<Me>,
    /// The operator who signed in with a passphrase.
    pub signed_in: Option<String>,
    /// The screen is hidden until somebody comes back.
    pub lock: Option<Lock>,
    /// The last key or paste.
    pub touched_at: Timestamp,
    /// Without a key for so long it is locked; none = never by itself.
    pub lock_after_secs: Option<u32>,
    pub layer: Option<Layer>,
    /// A sentence for the operator; the next key takes it away.
    pub notice: Option<String>,
    /// How moments are shown.
    pub times: Times,
    /// The terminal tells of the mouse.
    pub mouse: bool,
    pub commands: CommandLog,
    /// What this session can take back.
    pub undo: UndoList,
    /// The first path is under way.
    pub guided: Option<FirstPath>,
    /// Counts requests, so that late answers are told from awaited ones.
    pub generation: u64,
    /// What another console left, and this one goes on with.
    pub resume: Resume,
    pub quit: bool,
}

impl Model {
    /// An empty model: what is drawn before there is a connection.
    #[must_use]
    pub fn new(now: Timestamp, columns: u16, rows: u16) -> Self {
        let mut model = Self { now, columns, rows, touched_at: now, ..Self::default() };
        model.tokens.filter_on = true;
        model
    }

    /// The parts of the screen.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let share = match self.screen {
            Screen::Tokens => 45,
            Screen::Log => 52,
            Screen::Incidents | Screen::Requests | Screen::Services | Screen::Operators => 50,
            Screen::Audit => 35,
            Screen::Status => 0,
        };
        let share = (share + self.pane_more).clamp(10, 90).unsigned_abs();
        let layout = Layout::of(self.columns, self.rows, share, self.screen != Screen::Status);
        match self.screen {
            Screen::Status => layout.without_head(),
            Screen::Log => layout.with_log_lines(),
            _ => layout,
        }
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        self.connection.phase(self.heard_at, self.now)
    }

    /// Why nothing may be changed now.
    ///
    /// # Errors
    /// The reason in a sentence.
    pub fn may_change(&self) -> Result<(), String> {
        self.connection.may_change(self.heard_at, self.now)
    }

    /// Why an action cannot be done now, on what is marked.
    ///
    /// # Errors
    /// The reason in a few words: the connection, the role, or the object's state.
    pub fn may(&self, action: Action) -> Result<(), String> {
        rights::may(self, action)
    }

    /// The token that an action means: the marked one, or the marked call's.
    #[must_use]
    pub fn marked_token(&self) -> Option<&Arc<TokenView>> {
        match self.screen {
            Screen::Log => self.tokens.by_id(self.logs.tail.selected_row()?.token),
            Screen::Tokens => self.tokens.selected(),
            _ => None,
        }
    }

    /// A token's calls of the last hour, minute by minute, and the moment that they end with; nothing where the daemon did
    /// not run. Without a sign of life the hour ends with what was told last.
    #[must_use]
    pub fn minutes_of(&self, token: &TokenView) -> (Vec<Option<u64>>, Timestamp) {
        let started_at = self.status.as_ref().map(|status| status.started_at);
        let told_at = self.tokens.told_at.unwrap_or(self.now);
        let now = if self.phase() == Phase::Live { self.now } else { told_at };
        (super::status::minutes_of(&token.usage.calls_per_minute, told_at, started_at, now), now)
    }

    /// The maintenance that runs on a service now; one for all its calls before one for some.
    #[must_use]
    pub fn maintenance_of(&self, service: &str) -> Option<&MaintenanceView> {
        let runs = |one: &&MaintenanceView| one.from <= self.now && one.until.is_none_or(|until| until > self.now);
        let here = self.maintenances.iter().filter(|one| one.service.id == service);
        here.filter(runs).min_by_key(|one| (!one.tags.is_empty(), one.from))
    }

    /// The maintenance that covers a service, as the service itself says it, or one for some of its calls.
    #[must_use]
    pub fn maintenance_words(&self, service: &ServiceView) -> Option<String> {
        let until = |until: Option<Timestamp>| match until {
            Some(until) if self.times.form == Form::Ago => {
                format!("for {} more", words::age(until.secs_since(self.now)))
            }
            Some(until) => format!("until {}", self.times.moment(until, self.now)),
            None => "until somebody ends it".to_owned(),
        };
        let told = service.maintenance.as_ref().map(|one| one.until);
        let whole = told.filter(|end| end.is_none_or(|end| end > self.now));
        let listed = self.maintenance_of(&service.id.to_string());
        match (whole, listed) {
            (Some(end), _) => Some(format!("MAINTENANCE {}", until(end))),
            (None, Some(one)) if one.tags.is_empty() => Some(format!("MAINTENANCE {}", until(one.until))),
            (None, Some(one)) => Some(format!("MAINTENANCE for some calls {}", until(one.until))),
            (None, None) => None,
        }
    }

    /// How many rows of this screen are marked for one change of all of them.
    #[must_use]
    pub fn marks(&self) -> usize {
        match self.screen {
            Screen::Tokens => self.tokens.marks.len(),
            Screen::Incidents => self.incidents.marks.len(),
            _ => 0,
        }
    }

    /// True while letters go where they are not shown: whatever keeps what is typed must not keep these.
    #[must_use]
    pub fn hides_typing(&self) -> bool {
        let hides = match &self.layer {
            Some(Layer::Identify(_)) => true,
            Some(Layer::Form(form)) => {
                form.fields.get(form.focus).is_some_and(|field| matches!(field.value, Value::Masked(_)))
            }
            _ => false,
        };
        hides || self.lock.is_some()
    }

    /// The lockdown in force.
    #[must_use]
    pub fn lockdown(&self) -> Option<&LockdownView> {
        self.status.as_ref()?.lockdown.as_ref()
    }

    /// The number of the next request.
    pub fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// The worst thing, and the screen that it is on.
    #[must_use]
    pub fn worst(&self) -> Option<(String, Screen)> {
        if let Some(sentence) = self.connection.sentence(self.heard_at, self.now) {
            return Some((sentence, self.screen));
        }
        let status = self.status.as_ref()?;
        if let Some(lockdown) = &status.lockdown {
            return Some((lockdown_words(lockdown), Screen::Status));
        }
        let counters = &status.counters;
        if status.store != "healthy" {
            return Some((format!("the store is not healthy: {}", status.store), Screen::Status));
        }
        if counters.commits_failed > 0 {
            let failed = words::count(counters.commits_failed, "commit");
            return Some((format!("{failed} failed since the start: calls were answered 503"), Screen::Status));
        }
        if status.backup.failed.is_some() || status.backup.overdue {
            let what = if status.backup.overdue { "is overdue" } else { "failed" };
            return Some((format!("the scheduled backup {what}; the Status screen says why"), Screen::Status));
        }
        if let Some(limited) = self.tokens.losing.as_ref().filter(|token| tokens::is_over_its_limit(token, self.now)) {
            return Some((format!("{} is over its limit, 429: alerts are being lost", limited.name), Screen::Tokens));
        }
        if status.open_p1 > 0 {
            let open = words::count(status.open_p1.into(), "incident");
            return Some((format!("{open} of priority P1 open"), Screen::Incidents));
        }
        self.worst_token()
    }

    fn worst_token(&self) -> Option<(String, Screen)> {
        let token = self.tokens.worst.as_ref()?;
        let what = match tokens::attention(token, self.now)? {
            Attention::Expired => "a token has expired, its calls are refused".to_owned(),
            Attention::Refused => {
                let slug = token.usage.last_refusal.as_ref().map_or("", |last| last.slug.as_str());
                format!("the last call of a token was refused, {slug}")
            }
            Attention::Expiring => {
                // Its end, also where it is suspended or rotating meanwhile.
                let left = token.expires_at.map_or(0, |at| at.secs_since(self.now));
                format!("a token expires in {}", words::age(left))
            }
        };
        // A name may be as long as the line: what is wrong stands before it.
        Some((format!("{what}: {}", token.name), Screen::Tokens))
    }
}

/// The lockdown in one line: since when and by whom first, because a reason may be long.
#[must_use]
pub fn lockdown_words(lockdown: &LockdownView) -> String {
    let since = lockdown.at.to_utc().format("%m-%d %H:%MZ");
    format!("LOCKED DOWN by {} since {since}, calls get 503: {}", lockdown.by, lockdown.reason)
}
