//! What the doors know of people beside the registry: the host's unix users, passphrases, failed sign-ins, who was seen
//! when, and what of their reading and of their refusals is in the audit already. In memory only, and bounded.

mod backoff;
mod pace;
mod passphrase;
mod tickets;
mod users;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tollgate_shared::id::OperatorId;
use tollgate_shared::time::Timestamp;

use crate::core::passwd::Passwd;

pub use self::backoff::BackOff;
pub use self::pace::{Readings, RefusalPace};
pub use self::passphrase::{PassphraseError, Passphrases};
pub use self::tickets::Tickets;
use self::users::UserFile;

/// Where the host's users are.
const PASSWD: &str = "/etc/passwd";

/// Everything about people that is not in the registry.
pub struct People {
    users: UserFile,
    /// Hashes and checks passphrases.
    pub passphrases: Passphrases,
    /// Failed sign-ins.
    pub back_off: BackOff,
    /// Sign-ins that further connections share.
    pub tickets: Tickets,
    /// Refusals that become audit rows.
    pub refusals: RefusalPace,
    /// Readings of the log that are audit rows already.
    pub readings: Readings,
    seen: Mutex<HashMap<OperatorId, Timestamp>>,
}

impl Default for People {
    fn default() -> Self {
        Self::with_users(PathBuf::from(PASSWD))
    }
}

impl People {
    /// People on a host whose users are in another file.
    pub fn with_users(path: PathBuf) -> Self {
        Self {
            users: UserFile::new(path),
            passphrases: Passphrases::default(),
            back_off: BackOff::default(),
            tickets: Tickets::default(),
            refusals: RefusalPace::default(),
            readings: Readings::default(),
            seen: Mutex::default(),
        }
    }

    /// The host's users as they are now.
    pub fn users(&self) -> Arc<Passwd> {
        self.users.now()
    }

    /// An operator has asked for something.
    pub fn saw(&self, operator: OperatorId, now: Timestamp) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(operator, now);
    }

    /// When an operator last asked for something, since the start.
    pub fn last_seen(&self, operator: OperatorId) -> Option<Timestamp> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&operator).copied()
    }
}
