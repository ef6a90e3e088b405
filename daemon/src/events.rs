//! Tells consoles that something changed, without saying what: they ask again. Any number of changes between two looks
//! are one (state, not deltas: nothing can be missed).

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// Kinds of things that a console shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Teams, services, filters.
    Registry,
    /// Tokens.
    Tokens,
    /// Incidents.
    Incidents,
    /// Usage and counters.
    Usage,
    /// Calls refused before a token was known.
    Refused,
    /// Requests of workflows.
    Requests,
}

/// How often each kind has changed.
pub type Versions = [u64; Kind::ALL.len()];

/// Versions of everything, and a bell.
pub struct Events {
    versions: [AtomicU64; Kind::ALL.len()],
    bell: watch::Sender<()>,
}

impl Kind {
    /// All kinds, in the order of [`Versions`].
    pub const ALL: [Self; 6] =
        [Self::Registry, Self::Tokens, Self::Incidents, Self::Usage, Self::Refused, Self::Requests];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Tokens => "tokens",
            Self::Incidents => "incidents",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Requests => "requests",
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self { versions: std::array::from_fn(|_| AtomicU64::new(0)), bell: watch::Sender::new(()) }
    }
}

impl Events {
    /// Something of this kind changed.
    pub fn changed(&self, kind: Kind) {
        self.versions[kind as usize].fetch_add(1, Ordering::Relaxed);
        self.bell.send_replace(());
    }

    /// How often each kind has changed.
    pub fn versions(&self) -> Versions {
        std::array::from_fn(|at| self.versions[at].load(Ordering::Relaxed))
    }

    /// Rings whenever anything changed.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }
}
