//! What can go wrong between this program and the daemon.

use std::path::PathBuf;

use tollgate_shared::problem::Problem;

/// A socket that was tried and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The socket file.
    pub path: PathBuf,
    /// In words: `no such file`, `nobody listens`.
    pub why: String,
}

/// Why a request has no answer, or not the wanted one.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection ended, or what came is not what a daemon of this version says.
    #[error("{what}")]
    Broken {
        /// What happened.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The socket is there and may not be used.
    #[error("the socket {} may not be used: {why}", path.display())]
    Denied {
        /// The socket file.
        path: PathBuf,
        /// Why not.
        why: String,
        /// What to do, one command or sentence a line.
        remedy: Vec<String>,
    },
    /// The daemon is of another minor or major version.
    #[error("the daemon is version {daemon}, this program is version {ours}")]
    Incompatible {
        /// The daemon's version.
        daemon: String,
        /// The version of this program.
        ours: &'static str,
    },
    /// Nobody answers at any of the sockets.
    #[error("no daemon answers")]
    NoDaemon {
        /// What was tried, in order.
        tried: Vec<Tried>,
    },
    /// Something answers, but it does not speak as a daemon does.
    #[error("what answers there is no tollgated: it said {status} without a problem document")]
    NotADaemon {
        /// The HTTP status.
        status: u16,
    },
    /// The daemon refused, and says why.
    #[error("{}", .0.title)]
    Problem(Box<Problem>),
    /// No answer within the deadline.
    #[error("the daemon did not answer within {secs} s")]
    TooSlow {
        /// The deadline in seconds.
        secs: u64,
    },
}

impl ClientError {
    /// A connection or an answer that broke.
    pub(crate) fn broken(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken { what, source: source.into() }
    }

    /// True where the same request may succeed in a moment: the daemon is gone, restarting or short of something. A
    /// follow reconnects after these and ends after the others.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::NoDaemon { .. } | Self::TooSlow { .. } => true,
            Self::Problem(problem) => matches!(problem.status, 429 | 503),
            Self::Denied { .. } | Self::Incompatible { .. } | Self::NotADaemon { .. } => false,
        }
    }
}
