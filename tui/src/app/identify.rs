//! Whose value is this? Typed or pasted without being shown, sent to the daemon over the local socket, and forgotten.

use tollgate_shared::api::Identified;
use tollgate_shared::secret::find_in;
use tollgate_shared::time::Timestamp;

use super::field::Masked;
use super::tokens::{calls_in_hour, state_words};
use super::words::{age, count};

/// The prompt, and then the answer.
#[derive(Clone, Debug, Default)]
pub struct Identify {
    pub value: Masked,
    /// It was pasted into another field, which did not take it.
    pub caught: bool,
    pub error: Option<String>,
    pub pending: Option<u64>,
    /// What the daemon knows of the values, once it has answered.
    pub found: Option<Vec<Identified>>,
    /// The marked one of them.
    pub at: usize,
}

impl Identify {
    /// Holds what was pasted where it must not stand.
    #[must_use]
    pub fn caught(text: &str) -> Self {
        let mut identify = Self { caught: true, ..Self::default() };
        identify.paste(text);
        identify
    }

    /// Takes a paste: of a whole line of a log the values alone.
    pub fn paste(&mut self, text: &str) {
        self.found = None;
        let values: Vec<&str> = find_in(text).into_iter().map(|at| &text[at]).collect();
        let taken = if values.is_empty() { self.value.paste(text) } else { self.value.hold(&values) };
        self.error = taken.err().map(|why| why.to_string());
    }

    /// The token that the marked answer names.
    #[must_use]
    pub fn chosen(&self) -> Option<&Identified> {
        self.found.as_ref()?.get(self.at)
    }
}

/// What is known of one value, in lines.
#[must_use]
pub fn lines(found: &Identified, now: Timestamp) -> Vec<String> {
    let what = match found.what.as_str() {
        "current" => "CURRENT: the secret of",
        "old" => "OLD: the former secret, taken until the overlap ends, of",
        "rotated" => "ROTATED: a former secret, refused, of",
        "revoked" => "REVOKED: the secret, refused, of",
        "malformed" => "MALFORMED: no secret as it stands",
        _ => "UNKNOWN: no token of this daemon has it",
    };
    let detail = if found.detail.is_empty() { String::new() } else { format!("   {}", found.detail) };
    let Some(token) = &found.token else { return vec![format!("{what}{detail}")] };
    let last = token.usage.last_use.as_ref();
    let used = last.map_or_else(
        || "never used".to_owned(),
        |last| format!("last accepted {} ago from {}", age(now.secs_since(last.at)), last.ip),
    );
    let tries = match token.usage.dead_tries.count {
        0 => String::new(),
        dead => format!(", {} with a dead secret", count(dead, "try").replace("trys", "tries")),
    };
    vec![
        format!("{what} {}   {}{detail}", token.name, token.id),
        format!("   {} {}   {}   owner {}", token.scope.kind, token.scope.name, state_words(token, now), token.owner),
        format!("   {}, {} in the last hour{tries}", used, count(calls_in_hour(token), "call")),
    ]
}
