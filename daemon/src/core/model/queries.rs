//! Queries that operators keep.

use serde::{Deserialize, Serialize};
use tollgate_shared::api::Screen;
use tollgate_shared::id::OperatorId;
use tollgate_shared::name::Name;
use tollgate_shared::time::Timestamp;

/// A query that somebody keeps under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptQuery {
    /// Whose it is; `None` = root's and the daemon's own uid's.
    pub owner: Option<OperatorId>,
    /// What it is about.
    pub screen: Screen,
    /// Unique for owner and screen.
    pub name: Name,
    /// As it was typed.
    pub q: String,
    /// When it was last saved.
    pub saved_at: Timestamp,
}

/// What a kept query is found by: owner, screen, the name's key.
pub type KeptQueryKey = (Option<OperatorId>, Screen, String);

impl KeptQuery {
    /// What it is found by.
    pub fn key(&self) -> KeptQueryKey {
        (self.owner, self.screen, self.name.key())
    }
}
