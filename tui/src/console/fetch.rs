//! Everything but the tails: asked for when it changed, and never more often than it is worth.

mod incidents;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tollgate_shared::api::{IdentifyToken, OperatorView};

use super::client::{failure, words};
use super::me::me;
use super::pages;
use super::trial;
use crate::app::audit::AuditFilter;
use crate::app::msg::{AuditPage, Evidence};
use crate::app::query::LogFilter;
use crate::app::tail::Page;
use crate::app::{Effect, Net};
use crate::client::{AuditQuery, Client, ClientError, PageQuery, RequestQuery, TokenQuery};

/// The same thing is not asked for more often than this,
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// nor more than this part of the time: what takes long is asked for seldom.
const SHARE: u32 = 20;
const PAGE: u32 = 1_000;
/// Requests that are shown, the newest.
const REQUESTS: u32 = 500;
/// Audit rows of one question.
const AUDIT_ROWS: u32 = 200;
/// Audit rows of one token.
const CHANGES: u32 = 100;
/// The mark rests for so long before its token is asked about.
const SETTLE: Duration = Duration::from_millis(150);

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Status,
    Tokens,
    Incidents,
    Organisation,
    Refused,
    Me,
    Operators,
    Saved,
    Requests,
    Maintenances,
}

impl Topic {
    const ALL: [Self; 10] = [
        Self::Status,
        Self::Tokens,
        Self::Incidents,
        Self::Organisation,
        Self::Refused,
        Self::Me,
        Self::Operators,
        Self::Saved,
        Self::Requests,
        Self::Maintenances,
    ];
}

/// Rows of each table of those who call most: more than a screen names, so that it knows of how many it does not.
const TALKERS_SHOWN: u32 = 5;

#[derive(Clone, Copy, Default)]
struct Want {
    wanted: bool,
    running: bool,
    not_before: Option<Instant>,
}

/// What the screens want beyond, or of, the usual.
#[derive(Clone, Default)]
struct Wide {
    /// Tombstones among the tokens.
    revoked: bool,
    /// Only incidents that fit a query; empty = all.
    incidents: String,
}

/// Asks for what is wanted, one question of a kind at a time.
pub(super) struct Fetcher {
    client: Arc<Client>,
    net: Sender<Net>,
    wants: [Want; Topic::ALL.len()],
    refused: bool,
    wide: Wide,
    /// What is asked of the marked token; a newer question ends it.
    evidence: Option<AbortHandle>,
    /// The trial of a draft under way, and the one over the log.
    trials: [Option<AbortHandle>; 2],
    running: JoinSet<Option<(Topic, Duration)>>,
}

impl Fetcher {
    pub(super) fn new(client: Arc<Client>, net: Sender<Net>) -> Self {
        Self {
            client,
            net,
            wants: Default::default(),
            refused: false,
            wide: Wide::default(),
            evidence: None,
            trials: [None, None],
            running: JoinSet::new(),
        }
    }

    /// After a connect, and after a change of our own, which must be seen at once.
    pub(super) fn want_all(&mut self) {
        for topic in Topic::ALL {
            self.want(topic);
            self.wants[topic as usize].not_before = None;
        }
    }

    fn watch_refused(&mut self, on: bool) {
        self.refused = on;
        self.want(Topic::Refused);
    }

    /// What the daemon said has changed.
    pub(super) fn changed(&mut self, kinds: &[String]) {
        for kind in kinds {
            match kind.as_str() {
                "registry" => {
                    [Topic::Organisation, Topic::Operators, Topic::Me, Topic::Requests, Topic::Maintenances]
                        .into_iter()
                        .for_each(|topic| self.want(topic));
                }
                "tokens" | "usage" => self.want(Topic::Tokens),
                "incidents" => self.want(Topic::Incidents),
                "requests" => self.want(Topic::Requests),
                "refused" => self.want(Topic::Refused),
                _ => {}
            }
        }
        self.want(Topic::Status);
    }

    /// A question that belongs to no topic; what is no question is not for the daemon.
    pub(super) fn take(&mut self, effect: Effect) {
        match effect {
            Effect::FetchIncident { incident } => self.incident(incident),
            Effect::Rows { number, filter, page } => self.rows(number, filter, page),
            Effect::Counts { number, filter, buckets } => self.counts(number, filter, buckets),
            Effect::WatchRefused(on) => self.watch_refused(on),
            Effect::WatchRevoked(on) => {
                self.wide.revoked = on;
                self.want_now(Topic::Tokens);
            }
            Effect::WatchIncidents { query } if query != self.wide.incidents => {
                self.wide.incidents = query;
                self.want_now(Topic::Incidents);
            }
            Effect::Identify { generation, value } => {
                self.ask(async move |client| {
                    let asked = client.identify(&IdentifyToken { value: value.0.to_string() }).await;
                    let result = asked.map(|page| page.items).map_err(|error| words(&error));
                    Some(Net::Identified { generation, result })
                });
            }
            Effect::FetchHour { talkers_by } => {
                self.ask(async move |client| match client.hour().await {
                    Ok(hour) => Some(Net::Hour(Ok(Box::new(hour)))),
                    Err(error @ ClientError::Problem(_)) => Some(Net::Hour(Err(words(&error)))),
                    // The connection is lost: that is told elsewhere, and what is known stays.
                    Err(_) => None,
                });
                self.ask(async move |client| {
                    let talkers = client.talkers(talkers_by, TALKERS_SHOWN).await.ok()?;
                    Some(Net::Talkers(Box::new(talkers)))
                });
            }
            Effect::FetchRequest { request } => {
                self.ask(async move |client| {
                    let request = client.request_shown(&request).await.ok()?;
                    Some(Net::Request(Box::new(request)))
                });
            }
            Effect::FetchToken { token } => {
                self.ask(async move |client| {
                    let token = client.token(&token).await.ok()?;
                    Some(Net::Token(Box::new(token)))
                });
            }
            Effect::FetchEvidence { token } => {
                if let Some(older) = self.evidence.take() {
                    older.abort();
                }
                self.evidence = Some(self.ask(async move |client| evidence(&client, token).await));
            }
            Effect::TryFilter { generation, question } => {
                let asked = self.ask(async move |client| Some(trial::one(&client, generation, &question).await));
                self.replace_trial(0, Some(asked));
            }
            Effect::TryOver { generation, what } => {
                let net = self.net.clone();
                let asked = self.ask(async move |client| {
                    trial::over(&client, &net, generation, &what).await;
                    None
                });
                self.replace_trial(1, Some(asked));
            }
            Effect::StopTrying => [0, 1].into_iter().for_each(|at| self.replace_trial(at, None)),
            Effect::FetchAudit { generation, filter, before } => {
                self.ask(async move |client| Some(audit(&client, generation, filter, before).await));
            }
            Effect::VerifyAudit => {
                self.ask(async move |client| {
                    let verdict = client.verify_audit().await;
                    Some(Net::Verdict(verdict.map(Box::new).map_err(|error| words(&error))))
                });
            }
            _ => {}
        }
    }

    /// The older trial is not waited for; the daemon ends a run that nobody reads.
    fn replace_trial(&mut self, at: usize, by: Option<AbortHandle>) {
        if let Some(older) = std::mem::replace(&mut self.trials[at], by) {
            older.abort();
        }
    }

    /// Asks once, beside the topics.
    fn ask<F>(&mut self, question: impl FnOnce(Arc<Client>) -> F) -> AbortHandle
    where
        F: Future<Output = Option<Net>> + Send + 'static,
    {
        let (asked, net) = (question(Arc::clone(&self.client)), self.net.clone());
        self.running.spawn(async move {
            if let Some(answer) = asked.await {
                net.send(answer).await.ok();
            }
            None
        })
    }

    fn incident(&mut self, incident: String) {
        let (client, net) = (Arc::clone(&self.client), self.net.clone());
        self.running.spawn(async move {
            if let Ok(incident) = client.incident(&incident).await {
                net.send(Net::Incident(Box::new(incident))).await.ok();
            }
            None
        });
    }

    /// A page of the log.
    pub(super) fn rows(&mut self, number: u64, filter: LogFilter, page: Page) {
        let (client, net) = (Arc::clone(&self.client), self.net.clone());
        self.running.spawn(async move {
            let result = pages::rows(&client, &filter, page).await.map_err(|error| failure(&error));
            net.send(Net::Rows { number, result }).await.ok();
            None
        });
    }

    /// The counts over the log.
    pub(super) fn counts(&mut self, number: u64, filter: LogFilter, buckets: u16) {
        let (client, net) = (Arc::clone(&self.client), self.net.clone());
        self.running.spawn(async move {
            let counts = pages::counts(&client, &filter, buckets).await;
            let result = counts.map(Box::new).map_err(|error| failure(&error));
            net.send(Net::Counts { number, result }).await.ok();
            None
        });
    }

    /// Starts what is due, and waits until something ends or becomes due. To be called again and again.
    pub(super) async fn work(&mut self) {
        let now = Instant::now();
        for topic in Topic::ALL {
            let want = &mut self.wants[topic as usize];
            if want.wanted && !want.running && want.not_before.is_none_or(|at| at <= now) {
                (want.wanted, want.running) = (false, true);
                self.start(topic);
            }
        }
        let due =
            self.wants.iter().filter(|want| want.wanted && !want.running).filter_map(|want| want.not_before).min();
        let later = async {
            match due {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = later => {}
            Some(done) = self.running.join_next() => self.note(done.ok().flatten()),
        }
    }

    fn want(&mut self, topic: Topic) {
        if topic != Topic::Refused || self.refused {
            self.wants[topic as usize].wanted = true;
        }
    }

    /// Somebody asked for it with a key and waits.
    fn want_now(&mut self, topic: Topic) {
        self.want(topic);
        self.wants[topic as usize].not_before = None;
    }

    fn start(&mut self, topic: Topic) {
        let (client, net) = (Arc::clone(&self.client), self.net.clone());
        let wide = self.wide.clone();
        self.running.spawn(async move {
            let started = Instant::now();
            // A failed question is asked again with the next change; a lost connection shows in the events.
            if let Ok(answers) = fetch(&client, topic, &wide).await {
                for answer in answers {
                    net.send(answer).await.ok()?;
                }
            }
            Some((topic, started.elapsed()))
        });
    }

    fn note(&mut self, done: Option<(Topic, Duration)>) {
        if let Some((topic, took)) = done {
            let want = &mut self.wants[topic as usize];
            want.running = false;
            want.not_before = Some(Instant::now() + INTERVAL_MIN.max(took * SHARE));
        }
    }
}

/// Walks all pages of a list.
macro_rules! all_pages {
    ($cursor:ident => $page:expr) => {{
        let mut rows = Vec::new();
        let mut $cursor: Option<String> = None;
        loop {
            let page = $page.await?;
            rows.extend(page.items);
            match page.next {
                Some(next) => $cursor = Some(next),
                None => break rows,
            }
        }
    }};
}

/// What the daemon has of a topic, as the model takes it.
pub(crate) async fn usual(client: &Client, topic: Topic) -> Result<Vec<Net>, ClientError> {
    fetch(client, topic, &Wide::default()).await
}

async fn fetch(client: &Client, topic: Topic, wide: &Wide) -> Result<Vec<Net>, ClientError> {
    match topic {
        Topic::Status => Ok(vec![Net::Status(Box::new(client.status().await?))]),
        Topic::Tokens => tokens(client, wide.revoked).await.map(|net| vec![net]),
        Topic::Me => me(client).await.map(|me| vec![Net::Me(Box::new(me))]),
        Topic::Requests => requests(client).await.map(|net| vec![net]),
        Topic::Operators => Ok(vec![Net::Operators(operators(client).await?)]),
        Topic::Incidents => incidents::asked(client, &wide.incidents).await.map(|net| vec![net]),
        Topic::Maintenances => {
            let rows = all_pages!(cursor => client.maintenances(None, &page(cursor.take())));
            Ok(vec![Net::Maintenances(rows)])
        }
        Topic::Organisation => organisation(client).await,
        Topic::Refused => Ok(vec![Net::Refused(refused(client).await?)]),
        Topic::Saved => Ok(vec![Net::Saved(client.saved_queries(None).await?.items)]),
    }
}

fn page(cursor: Option<String>) -> PageQuery {
    PageQuery { limit: Some(PAGE), cursor }
}

async fn tokens(client: &Client, revoked: bool) -> Result<Net, ClientError> {
    let query = |cursor| TokenQuery { page: page(cursor), ..TokenQuery::default() };
    let mut rows = all_pages!(cursor => client.tokens(&query(cursor.take())));
    if revoked {
        let dead = |cursor| TokenQuery { state: Some("revoked".to_owned()), ..query(cursor) };
        rows.extend(all_pages!(cursor => client.tokens(&dead(cursor.take()))));
    }
    Ok(Net::Tokens(rows.into_iter().map(Arc::new).collect()))
}

/// Who may not see them gets the reason instead.
async fn operators(client: &Client) -> Result<Result<Vec<OperatorView>, String>, ClientError> {
    let asked = async { Ok(all_pages!(cursor => client.operators(&page(cursor.take())))) };
    match asked.await {
        Ok(rows) => Ok(Ok(rows)),
        Err(error @ ClientError::Problem(_)) => Ok(Err(words(&error))),
        Err(error) => Err(error),
    }
}

/// A mark that runs down a table must not ask for every row.
pub(crate) async fn evidence(client: &Client, token: String) -> Option<Net> {
    tokio::time::sleep(SETTLE).await;
    let first = PageQuery { limit: Some(PAGE), cursor: None };
    let sources = client.token_sources(&token, &first).await.ok()?.items;
    let issued = client.issued_tokens(&token, &first).await.map(|page| page.items).unwrap_or_default();
    let query = AuditQuery { target: Some(token.clone()), limit: Some(CHANGES), ..AuditQuery::default() };
    let changes = client.audit_rows(&query).await.map(|page| page.items).unwrap_or_default();
    Some(Net::Evidence(Box::new(Evidence { token, sources, issued, changes })))
}

async fn audit(client: &Client, generation: u64, filter: AuditFilter, before: Option<u64>) -> Net {
    let query = AuditQuery {
        q: None,
        actor: filter.actor,
        action: filter.action,
        target: filter.target,
        since_secs: filter.since.map(|(_, secs)| secs),
        before,
        limit: Some(AUDIT_ROWS),
    };
    let page = client.audit_rows(&query).await.map_err(|error| words(&error)).map(|page| AuditPage {
        next: page.next.as_deref().and_then(|next| next.parse().ok()),
        rows: page.items,
        newest: before.is_none(),
    });
    Net::Audit { generation, page }
}

async fn organisation(client: &Client) -> Result<Vec<Net>, ClientError> {
    let teams = all_pages!(cursor => client.teams(&page(cursor.take())));
    let services = all_pages!(cursor => client.services(None, &page(cursor.take())));
    let filters = all_pages!(cursor => client.filters(None, &page(cursor.take())));
    let filters = filters.into_iter().map(Arc::new).collect();
    let presets = client.presets().await?.items;
    Ok(vec![Net::Presets(presets), Net::Organisation { teams, services, filters }])
}

async fn requests(client: &Client) -> Result<Net, ClientError> {
    let page_one = PageQuery { limit: Some(REQUESTS), cursor: None };
    let got = client.requests(&RequestQuery { page: page_one, ..RequestQuery::default() }).await?;
    let workflows = all_pages!(cursor => client.workflows(None, &page(cursor.take())));
    Ok(Net::Requests { more: got.next.is_some(), rows: got.items, workflows })
}

async fn refused(client: &Client) -> Result<Vec<tollgate_shared::log::RefusedRow>, ClientError> {
    let mut rows: Vec<tollgate_shared::log::RefusedRow> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.seq);
        let page = client.refused(after, Some(PAGE)).await?;
        let none = page.items.is_empty() || page.next.is_none();
        rows.extend(page.items);
        if none {
            return Ok(rows);
        }
    }
}
