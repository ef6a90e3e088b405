//! The idle lock: the screen is hidden, no key reaches anything, and whoever comes back says who he is.
//!
//! What the daemon says is taken all the while, so that nothing is missing afterwards. A form or a secret that was open is
//! there again for the one who left it, and for nobody else.

use tollgate_shared::time::Timestamp;

use super::field::Masked;

/// A signed-in operator who leaves a shared account's screen alone is locked out after this long.
pub const SIGNED_IN_SECS: u32 = 15 * 60;

/// The lock.
#[derive(Clone, Debug)]
pub struct Lock {
    pub since: Timestamp,
    /// The operator whose passphrase opens it; none = the unix account is the key, so Enter is enough.
    pub operator: Option<String>,
    pub passphrase: Masked,
    pub error: Option<String>,
    pub pending: Option<u64>,
    /// Until then the daemon takes no further sign-in.
    pub wait_until: Option<Timestamp>,
    /// Esc was pressed once.
    pub asked: bool,
}

impl Lock {
    #[must_use]
    pub fn new(since: Timestamp, operator: Option<String>) -> Self {
        let passphrase = Masked::default();
        Self { since, operator, passphrase, error: None, pending: None, wait_until: None, asked: false }
    }
}
