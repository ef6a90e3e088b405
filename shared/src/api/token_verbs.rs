//! What the verbs of a token take and give: rotate, suspend, import, identify, bulk.

use serde::{Deserialize, Serialize};

use super::{NewToken, TokenPatch, TokenView};

/// `POST /v1/tokens/{token}/rotate`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RotateToken {
    /// Seconds that the old secret lives on, ≤ 30 d and never past the token's end; 0 or absent = dead at once.
    pub overlap_secs: u32,
    /// True: also during an overlap; kills both older secrets.
    pub now: bool,
    /// The name or id, typed; asked for by people's programs, checked where it is given.
    pub confirm: Option<String>,
    /// A key of the caller's choosing, ≤ 64 characters: the same again answers 409 "already rotated" and kills nothing.
    pub idempotency_key: Option<String>,
}

/// `POST /v1/tokens/{token}/overlap`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeOverlap {
    /// Seconds from now that the old secret lives on; 0 = end it now.
    pub secs: u32,
}

/// `POST /v1/tokens/{token}/suspend`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SuspendToken {
    /// Why, ≤ 500 characters.
    pub reason: String,
}

/// `POST /v1/tokens/import`: a value from another system becomes a token's secret.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ImportToken {
    /// The value, ≥ 20 visible ASCII characters, not beginning with `tg_`.
    pub value: String,
    /// Everything else as for a new token.
    pub token: NewToken,
}

impl Drop for ImportToken {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.value);
    }
}

/// `POST /v1/tokens/identify`: whose value is this? Read masked, never logged.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IdentifyToken {
    /// The value, or several, one a line.
    pub value: String,
}

impl Drop for IdentifyToken {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.value);
    }
}

/// What `identify` found for one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identified {
    /// `current`, `old` (of a running overlap), `rotated`, `revoked`, `unknown`, `malformed`.
    pub what: String,
    /// The malformation, in words.
    pub detail: String,
    /// The token, living or dead.
    pub token: Option<TokenView>,
}

/// `POST /v1/tokens/bulk`: one change to all tokens that a query finds; all or nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkTokens {
    /// `revoke`, `refresh`, `suspend`, `resume` or `edit`.
    pub action: String,
    /// References; empty = those that `q` finds.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// A query over tokens, as in `GET /v1/tokens?q=`; never empty where no token is named.
    #[serde(default)]
    pub q: String,
    /// How many it must be; absent = only count and list (dry run).
    #[serde(default)]
    pub confirm_count: Option<u32>,
    /// For `edit`.
    #[serde(default)]
    pub patch: TokenPatch,
    /// For `revoke` and `suspend`.
    #[serde(default)]
    pub reason: String,
}

/// What a bulk change did, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BulkResult {
    /// False for a dry run.
    pub done: bool,
    /// The tokens as they are now.
    pub tokens: Vec<TokenView>,
}

/// `POST /v1/tokens/batch`: all of them or none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchTokens {
    /// At most 1,000.
    pub tokens: Vec<NewToken>,
    /// True: everything is checked, nothing is made; the answer is an empty page.
    #[serde(default)]
    pub dry_run: bool,
}
