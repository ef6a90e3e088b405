//! Where the connection to the daemon stands, in words that are never silent about stale data.

use tollgate_shared::time::Timestamp;

use super::words;

/// The daemon gives a sign of life every 15 s; later than this the data is called delayed.
pub const DELAYED_AFTER_SECS: i64 = 20;

/// The state machine's states; the client task moves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Since the start: nothing is known yet.
    #[default]
    Connecting,
    /// There is a connection; see [`Connection::phase`] for its age.
    Live,
    /// Lost, or never there; the next attempt comes by itself.
    Reconnecting { attempt: u32, next: Timestamp, why: String, tried: Vec<String> },
    /// The daemon is of another version.
    Incompatible { ours: String, theirs: String },
    /// The socket may not be used.
    Denied { why: String, remedy: Vec<String> },
}

/// A state with the age of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connecting,
    Live,
    /// No sign of life for so many seconds.
    Delayed(i64),
    Reconnecting,
    Incompatible,
    Denied,
}

impl Connection {
    /// `heard_at` is when the daemon last said something.
    #[must_use]
    pub fn phase(&self, heard_at: Option<Timestamp>, now: Timestamp) -> Phase {
        let silent = heard_at.map_or(0, |at| now.secs_since(at));
        match self {
            Self::Connecting => Phase::Connecting,
            Self::Live if silent > DELAYED_AFTER_SECS => Phase::Delayed(silent),
            Self::Live => Phase::Live,
            Self::Reconnecting { .. } => Phase::Reconnecting,
            Self::Incompatible { .. } => Phase::Incompatible,
            Self::Denied { .. } => Phase::Denied,
        }
    }

    /// The badge on line 1, no longer than 17 columns where the numbers are small.
    #[must_use]
    pub fn badge(&self, heard_at: Option<Timestamp>, now: Timestamp) -> String {
        match self.phase(heard_at, now) {
            Phase::Connecting => "CONNECTING".to_owned(),
            Phase::Live => "LIVE".to_owned(),
            Phase::Delayed(secs) => format!("DELAYED {}", words::age(secs)),
            Phase::Reconnecting => "RECONNECTING".to_owned(),
            Phase::Incompatible => "OTHER VERSION".to_owned(),
            Phase::Denied => "NO ACCESS".to_owned(),
        }
    }

    /// One sentence for line 3; nothing while all is well.
    #[must_use]
    pub fn sentence(&self, heard_at: Option<Timestamp>, now: Timestamp) -> Option<String> {
        let stale =
            heard_at.map(|at| format!("; the data is {} old", words::age(now.secs_since(at)))).unwrap_or_default();
        match self {
            Self::Connecting => Some("connecting to tollgated".to_owned()),
            Self::Live => match self.phase(heard_at, now) {
                Phase::Delayed(secs) => {
                    Some(format!("no sign of life for {}: the data may be stale", words::age(secs)))
                }
                _ => None,
            },
            Self::Reconnecting { attempt, next, why, .. } => {
                let wait = words::age(next.secs_since(now));
                Some(format!("{why}; try {attempt} in {wait}, Enter = now{stale}"))
            }
            Self::Incompatible { ours, theirs } => Some(format!(
                "the daemon is version {theirs}, this console is {ours}: install the same version of both"
            )),
            Self::Denied { why, .. } => Some(format!("no access to the socket: {why}")),
        }
    }

    /// Why nothing may be changed now.
    ///
    /// # Errors
    /// The reason, while the connection is not live: a change is refused, never queued.
    pub fn may_change(&self, heard_at: Option<Timestamp>, now: Timestamp) -> Result<(), String> {
        match self.phase(heard_at, now) {
            Phase::Live => Ok(()),
            _ => Err(format!("{}: nothing can be changed now, and nothing is queued", self.badge(heard_at, now))),
        }
    }
}
