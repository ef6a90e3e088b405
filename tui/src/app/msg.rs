//! What goes into [`super::update::update`] and what comes out.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tollgate_shared::api::{
    AuditVerdict, FilterView, HourView, Identified, IncidentView, LogHistogram, MaintenanceView, OperatorView,
    RequestView, SavedQuery, ServiceView, SourceView, StatusView, TalkersBy, TalkersView, TeamView, TokenView,
    TryFilter, TryVerdict, WhatIf, WhatIfItem, WorkflowView,
};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::log::{LogRow, RefusedRow};
use zeroize::Zeroizing;

mod call;

pub use call::{Call, Expect, Failure, FailureKind, Reply};

use super::audit::AuditFilter;
use super::held::HeldItem;
use super::key::Key;
use super::query::LogFilter;
use super::resume::Kept;
use super::rights::Me;
use super::tail::Page;

/// What happened.
#[derive(Debug, Serialize, Deserialize)]
pub enum Msg {
    Key(Key),
    /// Pasted text. `burst`: it came as keys too fast for a hand, so the terminal did not mark it as a paste.
    Paste {
        text: Hidden,
        burst: bool,
    },
    Resize {
        columns: u16,
        rows: u16,
    },
    /// Time passed.
    Tick,
    /// What was written of late went out slowly.
    SlowLine,
    Mouse(Mouse),
    /// At the start of a console that was asked to go on: the place that another one left, or why there is none.
    Resume(Result<Option<Box<Kept>>, String>),
    Net(Net),
}

/// What the mouse did, in cells from the upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mouse {
    Press { column: u16, row: u16 },
    Wheel { down: bool },
}

/// A text that may be a secret: it has no `Debug` that shows it, and is overwritten when dropped.
#[derive(Clone)]
pub struct Hidden(pub Zeroizing<String>);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hidden({} bytes)", self.0.len())
    }
}

/// Of a text that may be a secret, a recording knows the length alone.
impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.chars().count().serialize(serializer)
    }
}

/// Played back, it is as many letters.
impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let chars = usize::deserialize(deserializer)?;
        Ok(Self(Zeroizing::new("x".repeat(chars.min(CHARS_MAX)))))
    }
}

/// Of a recording that may come from anywhere no more is believed.
const CHARS_MAX: usize = 1_000_000;

/// Which tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Slot {
    /// The API log's.
    Log,
    /// The selected token's own calls.
    Token,
}

/// What the client task says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Net {
    Connected(Box<StatusView>),
    /// The connection is lost or could not be made.
    Lost {
        why: String,
        tried: Vec<String>,
        attempt: u32,
        retry_in_secs: u32,
    },
    Incompatible {
        ours: String,
        theirs: String,
    },
    Denied {
        why: String,
        remedy: Vec<String>,
    },
    /// A sign of life.
    Alive,
    Status(Box<StatusView>),
    /// The gate's last hour, or why it is not told.
    Hour(Result<Box<HourView>, String>),
    /// Who calls most now.
    Talkers(Box<TalkersView>),
    /// All living tokens.
    Tokens(Vec<Arc<TokenView>>),
    /// One token, fresh.
    Token(Box<TokenView>),
    /// Those that fit a query; empty = all.
    Incidents {
        query: String,
        open: Vec<Arc<IncidentView>>,
        resolved: Vec<Arc<IncidentView>>,
        more: bool,
    },
    /// The daemon does not take a query over incidents.
    IncidentsRefused {
        query: String,
        why: String,
    },
    /// Maintenances that are planned, or run.
    Maintenances(Vec<MaintenanceView>),
    Organisation {
        teams: Vec<TeamView>,
        services: Vec<ServiceView>,
        filters: Vec<Arc<FilterView>>,
    },
    /// The latest requests, and all workflows.
    Requests {
        rows: Vec<RequestView>,
        more: bool,
        workflows: Vec<WorkflowView>,
    },
    /// One request with its output.
    Request(Box<RequestView>),
    Presets(Vec<String>),
    Refused(Vec<RefusedRow>),
    Tail {
        slot: Slot,
        generation: u64,
        items: Vec<HeldItem>,
    },
    /// A tail ended; `refused` holds the daemon's words where asking again would not help.
    TailEnded {
        slot: Slot,
        generation: u64,
        refused: Option<String>,
    },
    /// A page of the log that was asked for apart from the tail.
    Rows {
        number: u64,
        result: Result<Rows, Failure>,
    },
    /// The counts over the log.
    Counts {
        number: u64,
        result: Result<Box<LogHistogram>, Failure>,
    },
    /// The operator's saved queries of all screens.
    Saved(Vec<SavedQuery>),
    /// One incident with its description and timeline.
    Incident(Box<IncidentView>),
    /// Whose values were asked about.
    Identified {
        generation: u64,
        result: Result<Vec<Identified>, String>,
    },
    /// Who works here, as far as the daemon knows him.
    Me(Box<Me>),
    /// All operators, or why they cannot be seen.
    Operators(Result<Vec<OperatorView>, String>),
    /// A page of the audit, newest first.
    Audit {
        generation: u64,
        page: Result<AuditPage, String>,
    },
    /// What the walk along the audit's chain found.
    Verdict(Result<Box<AuditVerdict>, String>),
    /// What is known of a token beside itself.
    Evidence(Box<Evidence>),
    /// What the draft of a filter would make of a logged call.
    Tried {
        generation: u64,
        result: Result<Box<TryVerdict>, String>,
    },
    /// What it would make of all of them, piece by piece.
    TriedOver {
        generation: u64,
        item: Result<WhatIfItem, String>,
    },
    /// The operator who is signed in from now on; none = nobody any more.
    SignedIn(Option<String>),
    /// The answer to a request.
    Done {
        generation: u64,
        result: Result<Reply, Failure>,
    },
    /// The client task's queue was full: nothing was sent.
    NotSent {
        generation: u64,
    },
}

/// A page of the log, rising.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rows {
    pub rows: Vec<LogRow>,
    /// There are further rows in the direction that was asked for.
    pub more: bool,
}

/// Rows of the audit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuditPage {
    pub rows: Vec<AuditRow>,
    /// There are older ones before this seq.
    pub next: Option<u64>,
    /// These are the newest, not older ones.
    pub newest: bool,
}

/// What is known of a token beside itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Whose.
    pub token: String,
    pub sources: Vec<SourceView>,
    pub issued: Vec<TokenView>,
    /// Newest first; nothing where the audit may not be read.
    pub changes: Vec<AuditRow>,
}

/// What the loop has to do.
#[derive(Debug)]
pub enum Effect {
    Quit,
    /// ctrl-z.
    Background,
    /// Paint everything again.
    Repaint,
    ReconnectNow,
    Request {
        generation: u64,
        call: Box<Call>,
    },
    /// Follow the log; replaces the slot's former tail.
    Follow {
        slot: Slot,
        generation: u64,
        filter: LogFilter,
        after: Option<String>,
        last: u32,
    },
    /// The slot's tail is not wanted any more.
    Unfollow {
        slot: Slot,
    },
    /// A page of the log, apart from the tail.
    Rows {
        number: u64,
        filter: LogFilter,
        page: Page,
    },
    /// The counts over the log, in so many stretches at most.
    Counts {
        number: u64,
        filter: LogFilter,
        buckets: u16,
    },
    /// Ask for the gate's last hour.
    FetchHour {
        talkers_by: TalkersBy,
    },
    /// Only incidents that fit a query are wanted; empty = all.
    WatchIncidents {
        query: String,
    },
    /// Whose value is this?
    Identify {
        generation: u64,
        value: Hidden,
    },
    /// The terminal shall tell of the mouse, or not.
    Mouse(bool),
    /// Ask for one incident's story.
    FetchIncident {
        incident: String,
    },
    /// Ask for one request with its output.
    FetchRequest {
        request: String,
    },
    /// Ask for one token as it is now.
    FetchToken {
        token: String,
    },
    /// Ask where a token was used from, what it issued, and what was changed of it.
    FetchEvidence {
        token: String,
    },
    /// Ask for a page of the audit; without `before` the newest.
    FetchAudit {
        generation: u64,
        filter: AuditFilter,
        before: Option<u64>,
    },
    /// Ask for a walk along the audit's chain.
    VerifyAudit,
    /// Try the draft of a filter on a logged call; replaces the question before.
    TryFilter {
        generation: u64,
        question: Box<TryFilter>,
    },
    /// Try it over all of them; ends the run before.
    TryOver {
        generation: u64,
        what: Box<WhatIf>,
    },
    /// Nobody looks at a trial any more.
    StopTrying,
    /// Tombstones are wanted among the tokens.
    WatchRevoked(bool),
    /// Ask for everything again.
    Refresh,
    /// The newest refusals; asked while their tab is open.
    WatchRefused(bool),
    Copy {
        text: Hidden,
        secret: bool,
    },
    /// Writes a new file of mode 0600 in the working directory.
    WriteFile {
        generation: u64,
        name: String,
        text: Hidden,
    },
}

/// How urgently the screen differs from the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dirty {
    Clock,
    Stream,
    Input,
}

/// What came of a message.
#[derive(Debug, Default)]
pub struct Effects {
    pub list: Vec<Effect>,
    pub dirty: Option<Dirty>,
}

impl Effects {
    pub fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }

    /// Marks the screen as different; the more urgent reason counts.
    pub fn touch(&mut self, dirty: Dirty) {
        self.dirty = self.dirty.max(Some(dirty));
    }
}
