//! From a row of the log back to the call, as far as it was kept.

use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_shared::api::trying::Doubt;
use tollgate_shared::explain::{ConditionExplain, Explain, FilterExplain, Seen};
use tollgate_shared::filter::{Path, Segment};
use tollgate_shared::limits::LOG_HEADER_BYTES_MAX;
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;

use crate::core::call::Call;
use crate::core::call::decode::{self, RawCall};
use crate::core::call::redact::REDACTED;
use crate::core::matching::{Selected, select};

/// What stands in a logged query for the value of a credential.
const CUT: &str = "[cut]";

/// From this length on the end of a logged query may have been left out.
const QUERY_BYTES_WHOLE: usize = 2_000;

/// A logged call, and what is not known of it.
pub struct Recalled {
    /// The call as it was kept: its body's beginning, its secrets replaced.
    pub call: Call,
    /// The body goes on.
    body_cut: bool,
    /// Headers may be missing.
    headers_cut: bool,
    /// Parameters may be missing.
    query_cut: bool,
    /// Something was replaced.
    marked: bool,
}

// === impl Recalled ===

impl Recalled {
    /// The call of a row; `None` where it was refused before anything of it was kept.
    pub fn of(row: &LogRow) -> Option<Self> {
        if row.outcome == Outcome::Rejected && row.headers.is_empty() && row.body.is_empty() {
            return None;
        }
        let header_bytes: usize = row.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let has_mark = |text: &str| text.contains(REDACTED) || text.contains(CUT);
        Some(Self {
            call: call_of(row),
            body_cut: row.truncated,
            // A header that did not fit may have been a long one, so that much room is left.
            headers_cut: header_bytes > LOG_HEADER_BYTES_MAX / 2,
            query_cut: row.query.len() >= QUERY_BYTES_WHOLE,
            marked: has_mark(&row.body)
                || has_mark(&row.query)
                || row.headers.iter().any(|(name, value)| has_mark(name) || has_mark(value)),
        })
    }

    /// True where something of the call is not known, so that conditions must be asked one by one.
    pub fn is_uncertain(&self) -> bool {
        self.body_cut || self.headers_cut || self.query_cut || self.marked
    }

    /// The doubt about the call as a whole, for who cannot ask condition by condition.
    pub fn whole_doubt(&self) -> Option<Doubt> {
        match self {
            Self { body_cut: true, .. } | Self { headers_cut: true, .. } | Self { query_cut: true, .. } => {
                Some(Doubt::Cut)
            }
            Self { marked: true, .. } => Some(Doubt::Redacted),
            _ => None,
        }
    }

    /// Why it is not known what the path selects.
    pub fn doubt_at(&self, path: &Path) -> Option<Doubt> {
        if self.is_cut_at(path) {
            return Some(Doubt::Cut);
        }
        (self.marked && self.is_marked_at(path)).then_some(Doubt::Redacted)
    }

    fn is_cut_at(&self, path: &Path) -> bool {
        match path {
            Path::Text | Path::Json(_) => self.body_cut,
            Path::Header(_) => self.headers_cut && select(path, &self.call).is_empty(),
            Path::Query(_) => self.query_cut,
            Path::SourceIp => false,
        }
    }

    /// A value that was replaced, or one above it: then what the path selected is gone.
    fn is_marked_at(&self, path: &Path) -> bool {
        let marked = |path: &Path| {
            let values = select(path, &self.call);
            values.iter().map(Selected::text).any(|text| text.contains(REDACTED) || text.contains(CUT))
        };
        match path {
            Path::Json(segments) => marked(path) || above(segments).any(|path| self.is_replaced(&path)),
            _ => marked(path),
        }
    }

    fn is_replaced(&self, path: &Path) -> bool {
        select(path, &self.call).iter().any(|value| value.text() == REDACTED)
    }
}

fn above(segments: &[Segment]) -> impl Iterator<Item = Path> {
    (1..segments.len()).map(|length| Path::Json(segments[..length].to_vec()))
}

fn call_of(row: &LogRow) -> Call {
    let mut headers = HeaderMap::new();
    // What was kept is the body as text: whatever it was packed in has been taken off.
    for (name, value) in row.headers.iter().filter(|(name, _)| name != "content-encoding") {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    let raw_query = Some(row.query.as_str()).filter(|query| !query.is_empty());
    let raw = RawCall { headers: &headers, raw_query, source_ip: row.remote_ip, body: row.body.as_bytes() };
    decode::decode(raw).map_or_else(|_| plain(row), |decoded| decoded.call)
}

/// A body that no longer fits its headers: only its text is known.
fn plain(row: &LogRow) -> Call {
    let (headers, query) = (row.headers.clone(), Vec::new());
    Call { headers, query, source_ip: row.remote_ip, text: row.body.clone(), json: None }
}

/// Of a logged call only the redacted view is left, so a value that was replaced looks like one that really is that text:
/// here they are told apart.
pub fn mark_redacted(explain: &mut Explain) {
    for filter in explain.matched.iter_mut().chain(&mut explain.nearest_misses) {
        conditions(filter).for_each(|condition| {
            if let Seen::Value(text) = &condition.seen
                && (text.contains(REDACTED) || text.contains(CUT))
            {
                condition.seen = Seen::Redacted(text.clone());
            }
        });
    }
}

fn conditions(filter: &mut FilterExplain) -> impl Iterator<Item = &mut ConditionExplain> {
    let resolve = filter.resolve.iter_mut().flat_map(|part| &mut part.conditions);
    filter.trigger.conditions.iter_mut().chain(resolve)
}
