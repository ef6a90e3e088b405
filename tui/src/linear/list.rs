//! Lists in words: a screen's rows, numbered, a page at a time.

use std::io;
use std::sync::Arc;

use tollgate_shared::api::{IncidentView, OperatorView, RequestView, TokenView, WorkflowView};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::log::{LogRow, RefusedRow};
use tollgate_shared::query::{FieldId, INCIDENTS, Query};

use super::kinds::Kind;
use super::marks::Mark;
use super::{Desk, rows};
use crate::app::Net;
use crate::app::action::Action;
use crate::app::services::Node;
use crate::client::{AuditQuery, Client, ClientError, IncidentQuery, LogQuery, PageQuery, RequestQuery, TokenQuery};
use crate::console::{Topic, usual};

/// Rows of a page: what is read out in one go.
const PAGE_ROWS: u32 = 20;
/// How the heading of a log ends.
const NEWEST: &str = ", the newest first";
/// Rows that are asked for at once where all are wanted.
const ALL_ROWS: u32 = 1_000;

/// A row as the daemon gave it.
#[derive(Clone, Debug)]
pub(super) enum Row {
    Token(Box<TokenView>),
    Call(Box<LogRow>),
    Refused(Box<RefusedRow>),
    Incident(Box<IncidentView>),
    Request(Box<RequestView>),
    Workflow(Arc<WorkflowView>),
    Node(Node),
    Operator(Arc<OperatorView>),
    Change(Box<AuditRow>),
}

/// The page that was read out last.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) kind: Kind,
    filter: String,
    /// A filter that was taken away and can be put back.
    kept: String,
    rows: Vec<Row>,
    /// The number before the first row.
    before: usize,
    /// Where the pages before this one and this one begin; nothing = at the beginning.
    places: Vec<Option<String>>,
    /// Where the next one begins.
    next: Option<String>,
}

/// Some rows, and where the next ones begin.
pub(super) type Page = (Vec<Row>, Option<String>);

impl List {
    /// A list that is to be asked for.
    pub(super) fn of(kind: Kind, filter: String) -> Self {
        Self { kind, filter, ..Self::default() }
    }

    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    /// The rows of the page.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The number of a row that is on the page.
    pub(super) fn number_of(&self, row: &Row) -> Option<usize> {
        let mark = Mark::of(row)?;
        Some(self.before + 1 + self.rows.iter().position(|own| Mark::of(own) == Some(mark))?)
    }

    /// The row of a number, where it is on the page.
    pub(super) fn row(&self, number: usize) -> Option<&Row> {
        number.checked_sub(self.before + 1).and_then(|at| self.rows.get(at))
    }

    fn range(&self) -> String {
        match self.rows.len() {
            0 => "nothing is listed: tokens, log, incidents and so on list something".to_owned(),
            rows => format!("the numbers of this page are {} to {}", self.before + 1, self.before + rows),
        }
    }
}

impl Row {
    /// What a command takes for the object that an action means; nothing where nothing is done to it.
    pub(super) fn id(&self, action: Action) -> Option<String> {
        Some(match self {
            Self::Token(token) => token.id.to_string(),
            // The filter that took the call, or came nearest.
            Self::Call(call) if action == Action::EditFilter => {
                let explain = call.explain.as_ref()?;
                explain.matched.iter().chain(&explain.nearest_misses).next()?.filter_id.clone()
            }
            Self::Call(call) => call.token.to_string(),
            Self::Incident(incident) => incident.head.id.to_string(),
            Self::Request(request) => request.id.to_string(),
            Self::Workflow(workflow) => workflow.id.to_string(),
            Self::Node(node) => node.id(),
            Self::Operator(operator) => operator.id.to_string(),
            Self::Refused(_) | Self::Change(_) => return None,
        })
    }
}

impl Desk {
    /// The first page of a list, without a filter.
    pub(super) async fn open(&mut self, kind: Kind) -> io::Result<()> {
        if kind == Kind::Status {
            self.list = List::of(kind, String::new());
            return self.verb(&["status".to_owned()]).await;
        }
        self.begin(List::of(kind, String::new())).await
    }

    /// The rows that a query finds, of the list that is open.
    pub(super) async fn filter(&mut self, query: &str) -> io::Result<()> {
        let kind = self.list.kind;
        if kind == Kind::Status {
            return self.say("status is no list: open one first, such as tokens or log");
        }
        let resolved = match self.client().await {
            Ok(client) if query.starts_with('@') => self.resolve_kept(&client, kind, query).await,
            _ => Ok(query.to_owned()),
        };
        let query = match resolved {
            Ok(query) => query,
            Err(error) => return self.say_error(error),
        };
        if let Some(schema) = kind.schema()
            && let Err(error) = Query::parse(&query, schema)
        {
            self.say("this is not a query that can be asked:")?;
            return error.drawn(&query).to_string().lines().try_for_each(|line| self.io.line(&format!("  {line}")));
        }
        self.begin(List::of(kind, query)).await
    }

    /// `@NAME` is a query that was kept.
    pub(super) async fn resolve_kept(&self, client: &Client, kind: Kind, query: &str) -> Result<String, ClientError> {
        match (query.strip_prefix('@'), kind.kept()) {
            (Some(name), Some(screen)) => Ok(client.saved_query(screen, name.trim()).await?.q),
            _ => Ok(query.to_owned()),
        }
    }

    /// The filter off, or on again.
    pub(super) async fn switch_filter(&mut self) -> io::Result<()> {
        let (kind, kept) = (self.list.kind, std::mem::take(&mut self.list.kept));
        match (self.list.filter.is_empty(), kept.is_empty()) {
            (true, true) => self.say("there is no filter to switch: filter QUERY"),
            (true, false) => self.begin(List::of(kind, kept)).await,
            (false, _) => {
                let kept = self.list.filter.clone();
                self.say("the filter is off; filter-switch puts it back")?;
                self.begin(List { kept, ..List::of(kind, String::new()) }).await
            }
        }
    }

    /// The same page again, as it is now.
    pub(super) async fn again(&mut self) -> io::Result<()> {
        if self.list.kind == Kind::Status || self.list.places.is_empty() {
            return self.open(self.list.kind).await;
        }
        let list = &self.list;
        let place = list.places.last().cloned().flatten();
        let list =
            List { before: list.before, places: list.places.clone(), ..List::of(list.kind, list.filter.clone()) };
        self.read_out(list, place).await
    }

    pub(super) async fn first_page(&mut self) -> io::Result<()> {
        if self.list.kind == Kind::Status {
            return self.open(Kind::Status).await;
        }
        self.begin(List::of(self.list.kind, self.list.filter.clone())).await
    }

    /// The page behind this one, or before it.
    pub(super) async fn turn(&mut self, forward: bool) -> io::Result<()> {
        let list = &self.list;
        let (place, before) = if forward {
            match &list.next {
                Some(next) => (Some(next.clone()), list.before + list.rows.len()),
                None => return self.say("that was the last page; prev goes back, top to the first"),
            }
        } else {
            match list.places.len() {
                0 | 1 => return self.say("this is the first page; next goes on, where there is more"),
                pages => (list.places[pages - 2].clone(), list.before.saturating_sub(PAGE_ROWS as usize)),
            }
        };
        let mut places = self.list.places.clone();
        if forward {
            places.push(place.clone());
        } else {
            drop(places.pop());
        }
        let list = List { before, places, ..List::of(list.kind, list.filter.clone()) };
        self.read_out(list, place).await
    }

    /// A row whole.
    pub(super) async fn show(&mut self, number: usize) -> io::Result<()> {
        let Some(row) = self.list.row(number).cloned() else { return self.say_no_row(number) };
        let words = match &row {
            Row::Token(token) => ["token", "show", token.id.as_str()].map(str::to_owned),
            Row::Call(call) => ["log".to_owned(), "show".to_owned(), call.seq.to_string()],
            Row::Incident(incident) => ["incident".to_owned(), "show".to_owned(), incident.head.id.to_string()],
            Row::Request(request) => ["request".to_owned(), "show".to_owned(), request.id.to_string()],
            Row::Workflow(workflow) => ["workflow".to_owned(), "show".to_owned(), workflow.id.to_string()],
            Row::Operator(operator) => ["operator".to_owned(), "show".to_owned(), operator.id.to_string()],
            Row::Node(node @ (Node::Service(_) | Node::Filter(_))) => {
                [node.kind().to_owned(), "show".to_owned(), node.id()]
            }
            Row::Node(_) | Row::Refused(_) | Row::Change(_) => {
                return rows::facts(&row, self.model.now).iter().try_for_each(|line| self.io.line(line));
            }
        };
        self.verb(&words).await
    }

    pub(super) fn say_no_row(&mut self, number: usize) -> io::Result<()> {
        let words = self.no_row(number);
        self.say(&words)
    }

    pub(super) fn no_row(&self, number: usize) -> String {
        format!("there is no row {number}; {}", self.list.range())
    }

    /// A query that the daemon does not take is drawn with its place.
    pub(super) fn say_query_error(&mut self, error: ClientError) -> io::Result<()> {
        match &error {
            ClientError::Problem(problem) => match problem.query_error() {
                Some(wrong) => self.say(&wrong.to_string()),
                None => self.say_error(error),
            },
            _ => self.say_error(error),
        }
    }

    pub(super) async fn begin(&mut self, list: List) -> io::Result<()> {
        self.read_out(List { places: vec![None], ..list }, None).await
    }

    /// Asks for a page and reads it out.
    async fn read_out(&mut self, list: List, place: Option<String>) -> io::Result<()> {
        let asked = async {
            let client = self.look_around().await?;
            self.page(&client, list.kind, &list.filter, place).await
        };
        let (rows, next) = match asked.await {
            Ok(page) => page,
            Err(ClientError::Problem(problem)) if problem.query_error().is_some() => {
                let error = problem.query_error().map(|error| error.drawn(&list.filter).to_string());
                return error.unwrap_or_default().lines().try_for_each(|line| self.io.line(&format!("  {line}")));
            }
            Err(error) => return self.say_error(error),
        };
        self.list = List { rows, next, ..list };
        self.heading()?;
        let (list, model, now) = (&self.list, &self.model, self.model.now);
        for (at, row) in list.rows.iter().enumerate() {
            let words = rows::words(row, |id| model.tokens.name_of(id), now);
            let mark = if self.marked.has(row) { "marked, " } else { "" };
            self.io.line(&format!("{}. {mark}{words}", list.before + at + 1))?;
        }
        match self.list.next {
            Some(_) => self.say("there are more: next"),
            None => Ok(()),
        }
    }

    fn heading(&mut self) -> io::Result<()> {
        let list = &self.list;
        let (one, many) = match list.kind {
            Kind::Incidents if asks_for_state(&list.filter) => ("incident", "incidents"),
            kind => kind.words(),
        };
        let marked = match self.marked.count(list.kind) {
            0 => String::new(),
            marked => format!(", {marked} marked"),
        };
        let (count, filter) = (list.rows.len(), &list.filter);
        let which = if filter.is_empty() { String::new() } else { format!(" that fit: {filter}") };
        // What fits stands before the order.
        let (many, order) = many.strip_suffix(NEWEST).map_or((many, ""), |many| (many, NEWEST));
        let heading = match count {
            0 if filter.is_empty() && !list.kind.empty().is_empty() => format!("no {many}; {}", list.kind.empty()),
            0 if filter.is_empty() => format!("no {many}"),
            0 => format!("no {many}{which}; filter alone lists all"),
            1 if list.before == 0 && list.next.is_none() => {
                format!("1 {one}{}", which.replace("that fit", "that fits"))
            }
            1 => format!("row {} of the {many}{which}{order}", list.before + 1),
            _ => format!("{} to {} of the {many}{which}{order}", list.before + 1, list.before + count),
        };
        self.io.line(&format!("{heading}{marked}"))
    }

    /// All rows that fit, as far as `most` and a page; and whether there are more.
    pub(super) async fn all_rows(
        &mut self,
        client: &Client,
        kind: Kind,
        filter: &str,
        most: usize,
    ) -> Result<(Vec<Row>, bool), ClientError> {
        let (mut rows, mut place) = (Vec::new(), None);
        loop {
            let (some, next) = self.page_of(client, kind, filter, place, ALL_ROWS).await?;
            rows.extend(some);
            place = next;
            if place.is_none() || rows.len() > most {
                return Ok((rows, place.is_some()));
            }
        }
    }

    async fn page(
        &mut self,
        client: &Client,
        kind: Kind,
        filter: &str,
        place: Option<String>,
    ) -> Result<Page, ClientError> {
        match self.is_sorted(kind) {
            true => self.sorted_page(client, kind, filter, place.as_deref()).await,
            false => self.page_of(client, kind, filter, place, PAGE_ROWS).await,
        }
    }

    /// A page in the daemon's own order.
    async fn page_of(
        &mut self,
        client: &Client,
        kind: Kind,
        filter: &str,
        place: Option<String>,
        limit: u32,
    ) -> Result<Page, ClientError> {
        let q = (!filter.is_empty()).then(|| filter.to_owned());
        let before = || place.as_deref().and_then(|place| place.parse().ok());
        let page = PageQuery { limit: Some(limit), cursor: place.clone() };
        match kind {
            Kind::Tokens => {
                let got = client.tokens(&TokenQuery { q, page, ..TokenQuery::default() }).await?;
                Ok((got.items.into_iter().map(|row| Row::Token(Box::new(row))).collect(), got.next))
            }
            Kind::Incidents => {
                let state = (!asks_for_state(filter)).then(|| "open".to_owned());
                let got = client.incidents(&IncidentQuery { q, state, page, ..IncidentQuery::default() }).await?;
                Ok((got.items.into_iter().map(|row| Row::Incident(Box::new(row))).collect(), got.next))
            }
            Kind::Log => {
                self.know_tokens(client).await?;
                let query = LogQuery { q, limit: Some(limit), before: before(), ..LogQuery::default() };
                let got = client.logs(&query).await?;
                Ok((got.items.into_iter().rev().map(|row| Row::Call(Box::new(row))).collect(), got.next))
            }
            Kind::Audit => {
                let query = AuditQuery { q, limit: Some(limit), before: before(), ..AuditQuery::default() };
                let got = client.audit_rows(&query).await?;
                Ok((got.items.into_iter().map(|row| Row::Change(Box::new(row))).collect(), got.next))
            }
            Kind::Requests if filter.is_empty() => {
                let got = client.requests(&RequestQuery { page, ..RequestQuery::default() }).await?;
                Ok((got.items.into_iter().map(|row| Row::Request(Box::new(row))).collect(), got.next))
            }
            _ => self.whole(client, kind, filter, place.as_deref()).await,
        }
    }

    /// Lists that are small enough to be had whole; a filter is a text in the row's words.
    async fn whole(
        &mut self,
        client: &Client,
        kind: Kind,
        filter: &str,
        place: Option<&str>,
    ) -> Result<Page, ClientError> {
        let topic = match kind {
            Kind::Services => Topic::Organisation,
            Kind::Operators => Topic::Operators,
            Kind::Refused => Topic::Refused,
            _ => Topic::Requests,
        };
        for net in usual(client, topic).await? {
            self.hear(net);
        }
        let model = &self.model;
        let all: Vec<Row> = match kind {
            Kind::Services => model.services.nodes.iter().cloned().map(Row::Node).collect(),
            Kind::Operators => model.operators.rows.iter().cloned().map(Row::Operator).collect(),
            Kind::Refused => model.logs.refused.iter().rev().map(|row| Row::Refused(Box::new(row.clone()))).collect(),
            Kind::Workflows => model.requests.workflows.iter().cloned().map(Row::Workflow).collect(),
            _ => model.requests.rows.iter().map(|row| Row::Request(Box::new((**row).clone()))).collect(),
        };
        Ok(cut(self.with_text(all, filter), place))
    }

    /// Rows whose words hold a text.
    pub(super) fn with_text(&self, all: Vec<Row>, text: &str) -> Vec<Row> {
        let (text, now) = (text.to_lowercase(), self.model.now);
        let words = |row: &Row| rows::words(row, |id| self.model.tokens.name_of(id), now);
        all.into_iter().filter(|row| words(row).to_lowercase().contains(&text)).collect()
    }

    /// Rows of the log hold ids; people know names.
    pub(super) async fn know_tokens(&mut self, client: &Client) -> Result<(), ClientError> {
        if !self.model.tokens.loaded {
            for net in usual(client, Topic::Tokens).await? {
                self.hear(net);
            }
        }
        Ok(())
    }
}

/// A page of rows that are there whole.
pub(super) fn cut(rows: Vec<Row>, place: Option<&str>) -> Page {
    let skip: usize = place.and_then(|place| place.parse().ok()).unwrap_or(0);
    let mut rows: Vec<Row> = rows.into_iter().skip(skip).take(PAGE_ROWS as usize + 1).collect();
    let more = rows.len() > PAGE_ROWS as usize;
    rows.truncate(PAGE_ROWS as usize);
    (rows, more.then(|| (skip + PAGE_ROWS as usize).to_string()))
}

/// What is resolved is listed only where somebody asks for states.
fn asks_for_state(filter: &str) -> bool {
    Query::parse(filter, &INCIDENTS).is_ok_and(|query| query.any_field(&|field, _| field == FieldId::State))
}

/// What the model is told so that a row is the marked one; nothing for rows on which nothing is done.
pub(super) fn net_of(row: &Row) -> Option<Net> {
    net_of_many(std::slice::from_ref(row))
}

/// As [`net_of`], for rows of one list.
pub(super) fn net_of_many(rows: &[Row]) -> Option<Net> {
    match rows.first()? {
        Row::Token(_) => Some(Net::Tokens(all(rows, |row| match row {
            Row::Token(token) => Some(Arc::new((**token).clone())),
            _ => None,
        }))),
        Row::Incident(_) => {
            let rows: Vec<Arc<IncidentView>> = all(rows, |row| match row {
                Row::Incident(incident) => Some(Arc::new((**incident).clone())),
                _ => None,
            });
            let (open, resolved) = rows.into_iter().partition(|row| row.head.state.is_open());
            Some(Net::Incidents { open, resolved, more: true, query: String::new() })
        }
        Row::Request(request) => {
            Some(Net::Requests { rows: vec![(**request).clone()], more: true, workflows: Vec::new() })
        }
        Row::Workflow(workflow) => {
            Some(Net::Requests { rows: Vec::new(), more: true, workflows: vec![(**workflow).clone()] })
        }
        Row::Operator(operator) => Some(Net::Operators(Ok(vec![(**operator).clone()]))),
        // The tree is there whole.
        Row::Node(_) | Row::Call(_) | Row::Refused(_) | Row::Change(_) => None,
    }
}

fn all<T>(rows: &[Row], pick: impl Fn(&Row) -> Option<T>) -> Vec<T> {
    rows.iter().filter_map(pick).collect()
}
