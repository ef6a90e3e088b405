//! A request as the gate keeps it while it decides: what the log may show, made once.

use std::net::IpAddr;
use std::time::Instant;

use http::request::Parts;
use tollgate_shared::explain::Explain;
use tollgate_shared::id::{CallId, TokenId};
use tollgate_shared::limits::{LOG_BODY_BYTES_MAX, LOG_HEADER_BYTES_MAX, USER_AGENT_BYTES_MAX};
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Slug;
use tollgate_shared::time::Timestamp;

use crate::core::call::credential;
use crate::core::call::redact::Redactor;
use crate::core::decision::{Content, Seen};
use crate::edge::Peer;
use crate::jobs::Draft;
use crate::usage::Use;

/// One call between its head and its answer.
pub(super) struct Intake {
    pub(super) call: CallId,
    pub(super) arrived: Instant,
    pub(super) at: Timestamp,
    pub(super) peer: Peer,
    pub(super) ip: IpAddr,
    pub(super) user_agent: Option<String>,
}

impl Intake {
    /// Reads the head. The user agent is kept with the token's last use, so it is redacted here, once.
    pub(super) fn new(parts: &Parts, peer: Peer, call: CallId, at: Timestamp, redactor: &Redactor) -> Self {
        Self {
            call,
            arrived: Instant::now(),
            at,
            peer,
            ip: peer.ip().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
            user_agent: user_agent(parts, redactor),
        }
    }

    /// As a use of its token; of its body nothing is said yet.
    pub(super) fn used(&self, seen: Seen) -> Use<'_> {
        Use { at: self.at, ip: self.ip, user_agent: self.user_agent.as_deref(), seen, body_bytes: 0 }
    }

    /// The log row of this call, all but what the writer decides; redacted before anything of it is kept.
    pub(super) fn draft(
        &self,
        parts: &Parts,
        token: TokenId,
        redactor: &Redactor,
        body_bytes: usize,
        content: Option<&Content>,
    ) -> Draft {
        let redacted = content.map(|content| &content.redacted);
        let body = redacted.map_or("", |call| call.text.as_str());
        let kept = cut(body, LOG_BODY_BYTES_MAX);
        let content_type = header(parts, "content-type").map(|text| redactor.redact_header("content-type", text).1);
        Draft {
            row: LogRow {
                seq: 0,
                at: self.at,
                call: self.call,
                token,
                remote_ip: self.ip,
                user_agent: self.user_agent.clone(),
                method: parts.method.to_string(),
                path: redactor.redact_text(&credential::readable(parts.uri.path())).into_owned(),
                query: redactor.redact_query(&credential::cut_query(parts.uri.query())),
                from: redacted.and_then(|call| call.from_param()).map(|from| cut(from, USER_AGENT_BYTES_MAX)),
                content_type: content_type.map(|text| cut(&text, USER_AGENT_BYTES_MAX)),
                headers: redacted.map_or_else(Vec::new, |call| kept_headers(&call.headers)),
                body_bytes: body_bytes as u64,
                truncated: kept.len() < body.len(),
                body: kept,
                outcome: Outcome::NoMatch,
                status: 0,
                problem: None,
                incidents: Vec::new(),
                latency_us: 0,
                explain: None,
                summary: String::new(),
            },
        }
    }
}

impl Draft {
    /// As the row of a refused call.
    pub(super) fn refused(mut self, slug: Slug, detail: &str, arrived: Instant) -> Self {
        self.row.outcome = Outcome::Rejected;
        self.row.status = slug.status();
        self.row.problem = Some(slug.as_str().to_owned());
        self.row.latency_us = u64::try_from(arrived.elapsed().as_micros()).unwrap_or(u64::MAX);
        detail.clone_into(&mut self.row.summary);
        self
    }

    /// With the filters' verdict, and its first reason as the list's summary.
    pub(super) fn explained(mut self, explain: Explain) -> Self {
        self.row.summary = first_reason(&explain);
        self.row.explain = Some(explain);
        self
    }
}

/// What a list says of a call that matched nothing.
fn first_reason(explain: &Explain) -> String {
    if !explain.matched.is_empty() {
        return "matched, but nothing was open to resolve".to_owned();
    }
    match explain.nearest_misses.first() {
        Some(miss) => {
            let (met, total) = (miss.conditions_met(), miss.conditions_total());
            format!("closest: {} > {}, {met} of {total}", miss.service, miss.filter)
        }
        None if explain.skipped.is_empty() => "no filter was tested: the services reached have none".to_owned(),
        None => "no filter was tested: the services reached are disabled".to_owned(),
    }
}

/// What a program calls itself, redacted and cut.
pub(super) fn user_agent(parts: &Parts, redactor: &Redactor) -> Option<String> {
    header(parts, "user-agent").map(|text| cut(&redactor.redact_header("user-agent", text).1, USER_AGENT_BYTES_MAX))
}

fn header<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

fn cut(text: &str, bytes_max: usize) -> String {
    text[..text.floor_char_boundary(bytes_max)].to_owned()
}

fn kept_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut left = LOG_HEADER_BYTES_MAX;
    let fits = headers.iter().take_while(|(name, value)| {
        let bytes = name.len() + value.len();
        let fits = bytes <= left;
        left = left.saturating_sub(bytes);
        fits
    });
    fits.cloned().collect()
}
