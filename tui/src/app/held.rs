//! A row of the log as it came: read only when somebody looks at it.
//!
//! A console that follows 5,000 rows a second shows some hundred of them. To read each one's headers, body and verdict
//! would take most of its time and memory, so that a row stays the text it came as until a screen, a search or an export
//! asks for what is in it.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::OnceLock;

use memchr::memmem;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tollgate_shared::id::{CallId, TokenId};
use tollgate_shared::log::{LogRow, TailItem};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

/// What a line with a row begins with, and what it ends with.
const ROW: (&str, char) = ("{\"row\":", '}');

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

/// What a list shows of a row beside that. A list that runs draws hundreds of rows a second, each once: the verdict, which
/// is most of a row, is passed over.
#[derive(Clone, Debug, Deserialize)]
pub struct Shown {
    pub status: u16,
    pub latency_us: u64,
    pub summary: String,
}

/// A row that is kept. What it holds is had by `Deref`, and is then kept read; [`HeldRow::look`] leaves it unread.
#[derive(Clone, Debug)]
pub struct HeldRow {
    head: Head,
    bytes: usize,
    /// Its JSON; nothing where the row came read.
    text: Option<Box<str>>,
    read: OnceLock<Box<LogRow>>,
    shown: OnceLock<Box<Shown>>,
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

    /// Where it came from.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.head.remote_ip
    }

    /// What a list shows of it.
    pub fn shown(&self) -> &Shown {
        let of = |row: &LogRow| {
            let LogRow { status, latency_us, summary, .. } = row;
            Shown { status: *status, latency_us: *latency_us, summary: summary.clone() }
        };
        self.shown.get_or_init(|| {
            let text = self.text.as_deref().filter(|_| self.read.get().is_none());
            let shown = text.and_then(|text| serde_json::from_str(text).ok());
            Box::new(shown.unwrap_or_else(|| self.look(of)))
        })
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
            self.shown.take();
        }
    }

    fn parse(&self) -> LogRow {
        let text = self.text.as_deref().unwrap_or_default();
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
        Self { head, bytes, text: None, read: OnceLock::from(Box::new(row)), shown: OnceLock::new() }
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
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LogRow::deserialize(deserializer).map(Self::from)
    }
}

/// Reads a line of a tail. Of a row only the head is read, and only if it stands where the daemon puts it; that the rest is
/// a row too is seen when somebody looks at it.
///
/// # Errors
/// The line is no item of a tail.
pub fn item(line: &[u8]) -> Result<HeldItem, serde_json::Error> {
    let text = std::str::from_utf8(line).unwrap_or_default();
    let row = text.strip_prefix(ROW.0).and_then(|rest| rest.strip_suffix(ROW.1));
    if let Some((row, head)) = row.and_then(|row| Some((row, head_of(row)?))) {
        let bytes = ROW_BYTES + row.len();
        let held = HeldRow { head, bytes, text: Some(row.into()), read: OnceLock::new(), shown: OnceLock::new() };
        return Ok(TailItem::Row(Box::new(held)));
    }
    serde_json::from_slice(line)
}

fn head_of(row: &str) -> Option<Head> {
    if !row.ends_with('}') {
        return None;
    }
    let (first, rest) = row.split_at(memmem::find(row.as_bytes(), BEHIND_FIRST.as_bytes())?);
    let (_, rest) = rest.split_at(memmem::find(rest.as_bytes(), OUTCOME.as_bytes())? + OUTCOME.len());
    let (outcome, _) = rest.split_once('"')?;
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
        let item = item(format!("{{\"row\":{text}}}").as_bytes()).expect("an item");
        let TailItem::Row(row) = item else { panic!("no row: {item:?}") };
        *row
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
        let shown = held.shown();
        assert_eq!((shown.status, shown.latency_us, &shown.summary), (row.status, row.latency_us, &row.summary));
        assert!(held.read.get().is_none(), "nor does a list");
        assert_eq!(*held, row);
        held.forget();
        assert!(held.read.get().is_none() && held.shown.get().is_none() && *held == row);
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
        assert_eq!(held.shown().summary, held.summary);
    }

    #[test]
    fn what_was_cut_off_is_no_row_or_says_so_where_its_title_would_be() {
        let line = serde_json::to_string(&TailItem::Row(Box::new(fixtures::row(7)))).expect("JSON");
        assert!(item(line.as_bytes()).is_ok());
        for end in 0..line.len() {
            let cut = item(&line.as_bytes()[..end]);
            let says_so = |row: &HeldRow| row.summary.starts_with("this console cannot read the row");
            assert!(!matches!(cut, Ok(TailItem::Row(row)) if !says_so(&row)), "the first {end} bytes");
        }
        assert!(item(&[line.as_bytes(), b"\xff}"].concat()).is_err(), "what is no UTF-8");
    }

    #[test]
    fn what_is_no_row_is_read_as_what_it_is() {
        let line = br#"{"gap":{"from":3,"to":5,"count":3,"reason":"shed"}}"#;
        let Ok(TailItem::Gap(gap)) = item(line) else { panic!("no gap") };
        assert_eq!((gap.from, gap.to), (3, 5));
    }
}
