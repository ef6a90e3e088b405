//! The dialog before what cannot be taken back: the name or the id is typed.
//!
//! Letters always go to the name, whatever is marked; Enter presses the marked button; the mark starts on Cancel; a
//! paste does not count.

use std::sync::Arc;

use tollgate_shared::api::{RevokeReceipt, TokenView};

use super::field::Field;
use super::words;

/// What is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Revoke,
    /// Rotating without an overlap kills the old secret at once, so it is as grave.
    Rotate,
}

impl Deed {
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Rotate => "rotate",
        }
    }

    #[must_use]
    pub fn button(self) -> &'static str {
        match self {
            Self::Revoke => "Revoke",
            Self::Rotate => "Rotate",
        }
    }
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct Danger {
    pub deed: Deed,
    pub token: Arc<TokenView>,
    pub typed: Field,
    /// The mark: false = Cancel.
    pub marked_deed: bool,
    /// Open incidents that it opened; `None` where that is not known.
    pub open_incidents: Option<usize>,
    pub error: Option<String>,
    /// The request that is under way.
    pub pending: Option<u64>,
}

impl Danger {
    #[must_use]
    pub fn new(deed: Deed, token: Arc<TokenView>, open_incidents: Option<usize>) -> Self {
        let typed = Field::default();
        Self { deed, token, typed, marked_deed: false, open_incidents, error: None, pending: None }
    }

    /// What was typed is the name or the id, exactly.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        let typed = self.typed.text();
        typed == self.token.name || typed == self.token.id.as_str()
    }

    /// The command that does the same.
    #[must_use]
    pub fn cli(&self) -> String {
        let confirm = words::shell(&self.token.name);
        match self.deed {
            Deed::Revoke => format!("tollgate token revoke {} --confirm {confirm}", self.token.id),
            Deed::Rotate => format!("tollgate token rotate {} --now --confirm {confirm}", self.token.id),
        }
    }
}

/// The receipt as text: on the screen, in the clipboard, in the file.
#[must_use]
pub fn receipt_text(receipt: &RevokeReceipt) -> String {
    let last = receipt
        .last_use
        .as_ref()
        .map_or_else(|| "never".to_owned(), |last| format!("{}  from {}  {}", last.at, last.ip, last.outcome));
    let lines = [
        format!("REVOKED {}   {}", receipt.name, receipt.id),
        format!("in force since    {}  (audit row {}, on disk)", receipt.revoked_at, words::group(receipt.audit_seq)),
        format!("last accepted     {last}"),
        format!("in flight then    {}", words::count(receipt.in_flight.into(), "call")),
    ];
    lines.join("\n") + "\n"
}
