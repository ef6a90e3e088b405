//! What travels from the doors to the writer, and on to the log thread.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use tollgate_shared::api::RevokeReceipt;
use tollgate_shared::id::{IncidentId, ServiceId, TokenId};
use tollgate_shared::log::LogRow;
use tollgate_shared::problem::Problem;

use crate::core::access::Actor;
use crate::core::admin::{Command, Reply};
use crate::core::concerns::Concern;
use crate::core::decision::{Decision, Proposal};
use crate::core::matching::FilterIndex;
use crate::core::model::UsageRecord;
use crate::core::workflows::{Turn, Turned};

/// Jobs waiting for the log thread at most; each is one batch of the writer.
pub const LOG_QUEUE_JOBS: usize = 32;

/// A call on its way to the writer.
pub struct CallJob {
    /// What it holds in memory, for the lane's bound.
    pub bytes: usize,
    /// When its head arrived.
    pub arrived: Instant,
    /// What to do.
    pub work: CallWork,
}

/// What the writer does with a call.
pub enum CallWork {
    /// Decide it, then answer.
    Decide {
        /// What was matched.
        proposal: Box<Proposal>,
        /// The row that is written when the token's debug option is on, all but the outcome.
        draft: Option<Box<Draft>>,
        /// Where the sender's connection waits.
        answer: oneshot::Sender<Answer>,
    },
    /// Only give it a place in the log: a refused call of a known token. It was answered already.
    Log(Box<Draft>),
}

/// A log row before the writer has given it its place and outcome.
pub struct Draft {
    /// The row; seq, outcome, status, incidents and latency are filled in later where the writer decides.
    pub row: LogRow,
}

/// What the connection is told.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every answer is a decision: a box for each would only add a step"
)]
pub enum Answer {
    /// The call was decided and is on disk.
    Decided(Decision),
    /// The commit failed: the sender shall try again.
    StorageUnavailable,
}

/// A change on its way to the writer.
pub enum AdminJob {
    /// A person's.
    Command {
        /// Who.
        actor: Actor,
        /// What.
        command: Command,
        /// Where he waits.
        answer: oneshot::Sender<Result<AdminAnswer, Problem>>,
    },
    /// The runner's turn: how a step went, and which is next.
    Turn {
        /// What it says.
        turn: Turn,
        /// Where it waits.
        answer: oneshot::Sender<Result<Turned, TurnLost>>,
    },
    /// The periodic flush of usage.
    FlushUsage(Vec<(TokenId, UsageRecord)>),
    /// The periodic sweep of what no window or retention keeps.
    Sweep,
    /// What the daemon finds wrong about itself.
    Concerns(Concerns),
    /// The filter index, melted in the background from an earlier state; and who waits until it is in force.
    RebuiltIndex(Box<FilterIndex>, oneshot::Sender<()>),
}

/// What the daemon finds wrong about itself at one moment.
pub struct Concerns {
    /// Where its incidents are.
    pub service: ServiceId,
    /// All of it; what is not among it is over.
    pub concerns: Vec<Concern>,
    /// Its incidents that were open then.
    pub open: Vec<IncidentId>,
}

/// The commit of a turn failed: what it said may or may not be on disk, and is to be said again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnLost;

/// What a person is told: the change is on disk and in force.
pub enum AdminAnswer {
    /// What was changed.
    Reply(Reply),
    /// A revoke's receipt.
    Receipt(Box<RevokeReceipt>),
}

/// Decided calls on their way to the log thread. Callers of a token with debug on are answered once their row is on disk.
pub struct LogJob {
    /// Rows in rising seq.
    pub rows: Vec<Arc<LogRow>>,
    /// Who waits for them.
    pub answers: Vec<(oneshot::Sender<Answer>, Decision)>,
}

impl CallJob {
    /// The token that the call waits with; none for rows that only go to the log.
    pub fn token(&self) -> Option<TokenId> {
        match &self.work {
            CallWork::Decide { proposal, .. } => Some(proposal.token),
            CallWork::Log(_) => None,
        }
    }
}
