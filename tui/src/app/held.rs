//! A row of the log as it came: read only when somebody looks at it.
//!
//! A console that follows 5,000 rows a second shows some hundred of them. To read each one's headers, body and verdict
//! would take most of its time and memory, so that a row stays the text it came as until a screen, a search or an export
//! asks for what is in it.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::OnceLock;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use tollgate_shared::id::{CallId, TokenId};
use tollgate_shared::log::{LogRow, TailItem};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

/// Where the first members end: what stands before it is the daemon's own, no text of a sender.
const BEHIND_FIRST: &str = ",\"user_agent\":";

/// Begins the outcome. No text of a sender can hold it: a quote inside a text has a backslash before it.
const OUTCOME: &str = ",\"outcome\":\"";

/// What a row takes beside its texts.
const ROW_BYTES: usize = 128;

/// One line of a tail, as the console takes it.
pub type HeldItem = TailItem<HeldRow>;

/// What lists go by, whether or not they show the row.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Head {
    seq: u64,
    at: Timestamp,
    call: CallId,
    token: TokenId,
    remote_ip: IpAddr,
    outcome: Outcome,
}

/// A row that is kept. What it holds is had by `Deref`, and is then kept read; [`HeldRow::look`] leaves it unread.
#[derive(Clone, Debug)]
pub struct HeldRow {
    head: Head,
    bytes: usize,
    /// Its JSON; nothing where the row came read.
    text: Option<Box<RawValue>>,
    read: OnceLock<Box<LogRow>>,
}

impl HeldRow {
    /// Its place in the log.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.head.seq
    }

    /// When its call came.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.head.at
    }

    /// The token that it came with.
    #[must_use]
    pub fn token_id(&self) -> TokenId {
        self.head.token
    }

    /// What became of it.
    #[must_use]
    pub fn became(&self) -> Outcome {
        self.head.outcome
    }

    /// What it takes, unread: never changes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads it for a moment. For what goes over many rows, which would otherwise all stay read.
    pub fn look<T>(&self, look: impl FnOnce(&LogRow) -> T) -> T {
        match self.read.get() {
            Some(row) => look(row),
            None => look(&self.parse()),
        }
    }

    /// Keeps the text alone again, where there is one.
    pub fn forget(&mut self) {
        if self.text.is_some() {
            self.read.take();
        }
    }

    fn parse(&self) -> LogRow {
        let text = self.text.as_deref().map_or("", RawValue::get);
        serde_json::from_str(text).unwrap_or_else(|error| unreadable(self.head, &error))
    }
}

impl Deref for HeldRow {
    type Target = LogRow;

    fn deref(&self) -> &LogRow {
        self.read.get_or_init(|| Box::new(self.parse()))
    }
}

impl From<LogRow> for HeldRow {
    fn from(row: LogRow) -> Self {
        // The verdict is the large part besides the body; its own size is not worth a walk.
        let bytes = 1_024 + row.body.len() + row.query.len() + row.headers.len() * 64;
        let LogRow { seq, at, call, token, remote_ip, outcome, .. } = row;
        let head = Head { seq, at, call, token, remote_ip, outcome };
        Self { head, bytes, text: None, read: OnceLock::from(Box::new(row)) }
    }
}

impl From<LogRow> for Box<HeldRow> {
    fn from(row: LogRow) -> Self {
        Self::new(row.into())
    }
}

impl PartialEq for HeldRow {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Serialize for HeldRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.look(|row| row.serialize(serializer))
    }
}

impl<'de> Deserialize<'de> for HeldRow {
    /// Reads the head; what is behind it is only looked through for being JSON.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        match head_of(text.get()) {
            Some(head) => {
                Ok(Self { head, bytes: ROW_BYTES + text.get().len(), text: Some(text), read: OnceLock::new() })
            }
            None => serde_json::from_str::<LogRow>(text.get()).map(Self::from).map_err(D::Error::custom),
        }
    }
}

fn head_of(text: &str) -> Option<Head> {
    let (first, rest) = text.split_once(BEHIND_FIRST)?;
    let (outcome, _) = rest.split_once(OUTCOME)?.1.split_once('"')?;
    serde_json::from_str(&[first, OUTCOME, outcome, "\"}"].concat()).ok()
}

/// Stands for a row whose head is known and whose rest another version of the daemon must have written: it says so where
/// its title would be.
fn unreadable(head: Head, error: &serde_json::Error) -> LogRow {
    let Head { seq, at, call, token, remote_ip, outcome } = head;
    LogRow {
        seq,
        at,
        call,
        token,
        remote_ip,
        user_agent: None,
        method: String::new(),
        path: String::new(),
        query: String::new(),
        from: None,
        content_type: None,
        headers: Vec::new(),
        body_bytes: 0,
        body: String::new(),
        truncated: true,
        outcome,
        status: 0,
        problem: None,
        incidents: Vec::new(),
        latency_us: 0,
        explain: None,
        summary: format!("this console cannot read the row: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;

    fn held(text: &str) -> HeldRow {
        serde_json::from_str(text).expect("a row")
    }

    #[test]
    fn a_row_stays_text_until_it_is_looked_at_and_is_then_what_the_daemon_wrote() {
        let mut row = fixtures::row(7);
        row.user_agent = Some(r#"x","outcome":"duplicate"#.into());
        row.body = r#"{"a":1,"outcome":"duplicate","user_agent":"b"}"#.into();
        let mut held = held(&serde_json::to_string(&row).expect("JSON"));
        assert_eq!((held.seq(), held.at(), held.became()), (7, row.at, row.outcome));
        assert!(held.read.get().is_none() && held.text.is_some());
        assert_eq!(held.look(|row| row.summary.clone()), row.summary);
        assert!(held.read.get().is_none(), "a look does not keep it read");
        assert_eq!(*held, row);
        held.forget();
        assert!(held.read.get().is_none() && *held == row);
    }

    #[test]
    fn members_in_another_order_are_read_at_once() {
        let value = serde_json::to_value(fixtures::row(7)).expect("JSON");
        let held = held(&value.to_string());
        assert!(held.text.is_none());
        assert_eq!(*held, fixtures::row(7));
    }

    #[test]
    fn a_row_of_another_version_says_so_and_keeps_its_place() {
        let text = serde_json::to_string(&fixtures::row(7)).expect("JSON");
        let held = held(&text.replace("\"latency_us\"", "\"latency_days\""));
        assert_eq!((held.seq(), held.token), (7, fixtures::row(7).token));
        assert!(held.summary.starts_with("this console cannot read the row: missing field"), "{}", held.summary);
    }

    #[test]
    fn what_is_no_json_is_no_row() {
        let text = serde_json::to_string(&fixtures::row(7)).expect("JSON");
        assert!(serde_json::from_str::<HeldRow>(&text[..text.len() - 3]).is_err());
    }
}
