//! The place that a console leaves, and how the next one takes it: `--resume`. What the operator chose, not what the daemon
//! said: screens, queries, orders, ids of what is marked. No dialog, no typed secret, nothing of a call.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tollgate_shared::api::StatusView;
use tollgate_shared::query::QUERY_CHARS_MAX;
use tollgate_shared::secret::find_in;

use super::audit::AuditFilter;
use super::cursor::Cursor;
use super::incidents;
use super::logs::{DetailTab, LogTab, RawForm};
use super::model::{Model, Screen};
use super::operators;
use super::order::Order;
use super::query::{LogFilter, Range};
use super::requests::{self, RequestsTab, WorkflowSort};
use super::tail::Left;
use super::times::Form;
use super::tokens::{self, PaneTab};

/// What waits for the first word of the daemon.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    /// A place was taken.
    pub is_taken: bool,
    /// Whose daemon it was, where that is known.
    pub whose: Option<Whose>,
    /// What there is to say of it. Said again with the connection, which takes away what was said before.
    pub words: Option<String>,
}

/// A daemon, as it tells of itself: the same after a restart, another one for another registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whose {
    pub host: String,
    pub data_dir: String,
}

/// The place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    pub daemon: Option<Whose>,
    pub screen: Screen,
    pub times: Form,
    pub mouse: bool,
    /// See [`Model::pane_more`].
    pub pane_more: i16,
    pub tokens: KeptTokens,
    pub log: KeptLog,
    pub incidents: KeptIncidents,
    pub requests: KeptRequests,
    pub services: KeptServices,
    pub operators: KeptOperators,
    pub audit: KeptAudit,
}

/// A marked row, and where it stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub id: String,
    pub place: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptTokens {
    pub filter: String,
    pub filter_off: bool,
    pub order: Order<tokens::Sort>,
    pub tab: PaneTab,
    pub mark: Option<Mark>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptLog {
    pub filter: String,
    pub range: Range,
    /// The filter that is switched off.
    pub parked: Option<String>,
    pub tab: LogTab,
    pub detail: DetailTab,
    pub raw: RawForm,
    pub unwrapped: bool,
    pub left: Left,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptIncidents {
    pub filter: String,
    pub filter_off: bool,
    pub order: Order<incidents::Sort>,
    pub mark: Option<Mark>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptRequests {
    pub tab: RequestsTab,
    pub order: Order<requests::Sort>,
    pub mark: Option<Mark>,
    pub workflow_order: Order<WorkflowSort>,
    pub workflow_mark: Option<Mark>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptServices {
    pub folded: BTreeSet<String>,
    pub mark: Option<Mark>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptOperators {
    pub order: Order<operators::Sort>,
    pub mark: Option<Mark>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptAudit {
    pub filter: String,
    pub mark: Option<Mark>,
}

impl Whose {
    #[must_use]
    pub fn of(status: &StatusView) -> Self {
        Self { host: status.host.clone(), data_dir: status.data_dir.clone() }
    }
}

impl Mark {
    fn of<K: Display>(mark: Option<(K, usize)>) -> Option<Self> {
        mark.map(|(key, index)| Self { id: key.to_string(), place: u32::try_from(index).unwrap_or(u32::MAX) })
    }

    fn read<K: FromStr>(mark: Option<&Self>) -> Option<(K, usize)> {
        let mark = mark?;
        Some((mark.id.parse().ok()?, mark.place as usize))
    }
}

/// What is kept of a model.
#[must_use]
pub fn keep(model: &Model) -> Kept {
    Kept {
        daemon: model.status.as_deref().map(Whose::of).or_else(|| model.resume.whose.clone()),
        screen: model.screen,
        times: model.times.form,
        mouse: model.mouse,
        pane_more: model.pane_more,
        tokens: keep_tokens(model),
        log: keep_log(model),
        incidents: keep_incidents(model),
        requests: keep_requests(model),
        services: KeptServices {
            folded: model.services.folded().clone(),
            mark: Mark::of(model.services.cursor.mark()),
        },
        operators: KeptOperators { order: model.operators.order, mark: Mark::of(model.operators.cursor.mark()) },
        audit: KeptAudit { filter: fit(&model.audit.filter.line()), mark: Mark::of(model.audit.cursor.mark()) },
    }
}

/// Puts a place into a model that has heard nothing of a daemon yet.
pub fn take(model: &mut Model, kept: &Kept) {
    model.resume = Resume { is_taken: true, whose: kept.daemon.clone(), words: None };
    model.screen = kept.screen;
    model.times.form = kept.times;
    model.mouse = kept.mouse;
    model.pane_more = kept.pane_more.clamp(-50, 50);
    take_tokens(model, &kept.tokens);
    take_log(model, &kept.log);
    take_incidents(model, &kept.incidents);
    take_requests(model, &kept.requests);
    model.services.set_folded(kept.services.folded.clone());
    model.operators.order = kept.operators.order;
    model.audit.filter = AuditFilter::parse(&fit(&kept.audit.filter)).unwrap_or_default();
    model.services.cursor = awaiting(kept.services.mark.as_ref());
    model.operators.cursor = awaiting(kept.operators.mark.as_ref());
    model.audit.cursor = awaiting(kept.audit.mark.as_ref());
}

fn keep_tokens(model: &Model) -> KeptTokens {
    let tokens = &model.tokens;
    KeptTokens {
        filter: fit(&tokens.filter),
        filter_off: !tokens.filter_on,
        order: Order { by: tokens.sort, reverse: tokens.reverse },
        tab: tokens.tab,
        mark: Mark::of(tokens.cursor.mark()),
    }
}

fn take_tokens(model: &mut Model, kept: &KeptTokens) {
    let tokens = &mut model.tokens;
    (tokens.filter, tokens.filter_on) = (fit(&kept.filter), !kept.filter_off);
    (tokens.sort, tokens.reverse, tokens.tab) = (kept.order.by, kept.order.reverse, kept.tab);
    tokens.cursor = awaiting(kept.mark.as_ref());
}

fn keep_log(model: &Model) -> KeptLog {
    let logs = &model.logs;
    KeptLog {
        filter: fit(&logs.tail.filter.text),
        range: logs.tail.filter.range,
        parked: logs.parked.as_ref().map(|filter| fit(&filter.text)),
        tab: logs.tab,
        detail: logs.detail,
        raw: logs.raw,
        unwrapped: logs.unwrapped,
        left: logs.tail.place_left(),
    }
}

fn take_log(model: &mut Model, kept: &KeptLog) {
    let logs = &mut model.logs;
    let filter = LogFilter { text: fit(&kept.filter), range: kept.range, token: None };
    logs.parked = kept.parked.as_ref().map(|text| LogFilter { text: fit(text), ..LogFilter::default() });
    (logs.tab, logs.detail, logs.raw, logs.unwrapped) = (kept.tab, kept.detail, kept.raw, kept.unwrapped);
    let generation = logs.tail.generation;
    logs.tail.ask(filter, generation);
    logs.tail.left = Some(kept.left.clone());
}

fn keep_incidents(model: &Model) -> KeptIncidents {
    let incidents = &model.incidents;
    KeptIncidents {
        filter: fit(&incidents.filter),
        filter_off: incidents.filter_off,
        order: Order { by: incidents.sort, reverse: incidents.reverse },
        mark: Mark::of(incidents.chosen_mark()),
    }
}

fn take_incidents(model: &mut Model, kept: &KeptIncidents) {
    let incidents = &mut model.incidents;
    (incidents.filter, incidents.filter_off) = (fit(&kept.filter), kept.filter_off);
    (incidents.sort, incidents.reverse) = (kept.order.by, kept.order.reverse);
    incidents.await_mark(Mark::read(kept.mark.as_ref()));
}

fn keep_requests(model: &Model) -> KeptRequests {
    let requests = &model.requests;
    KeptRequests {
        tab: requests.tab,
        order: requests.order,
        mark: Mark::of(requests.cursor.mark()),
        workflow_order: requests.workflow_order,
        workflow_mark: Mark::of(requests.workflow_cursor.mark()),
    }
}

fn take_requests(model: &mut Model, kept: &KeptRequests) {
    let requests = &mut model.requests;
    (requests.tab, requests.order, requests.workflow_order) = (kept.tab, kept.order, kept.workflow_order);
    requests.cursor = awaiting(kept.mark.as_ref());
    requests.workflow_cursor = awaiting(kept.workflow_mark.as_ref());
}

fn awaiting<K: FromStr>(mark: Option<&Mark>) -> Cursor<K> {
    Cursor { awaited: Mark::read(mark), ..Cursor::default() }
}

/// A text as it is kept: what is longer than any query, or holds a secret, is none.
fn fit(text: &str) -> String {
    let fits = text.chars().count() <= QUERY_CHARS_MAX && find_in(text).is_empty();
    if fits { text.to_owned() } else { String::new() }
}
