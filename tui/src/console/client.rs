//! The client task: it connects, asks, follows, and comes back after a loss.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::JoinSet;
use tollgate_shared::api::{ResolveIncident, RevokeToken, SaveQuery, Screen, SetDebug, TokenCreated};
use tollgate_shared::problem::Problem;

use super::fetch::Fetcher;
use super::tails::Tails;
use crate::app::msg::{Call, Failure, Reply};
use crate::app::secret::Secret;
use crate::app::{Effect, Net};
use crate::client::{Backoff, Client, ClientError};

/// Changes under way at the same time.
const REQUESTS_MAX: usize = 8;
/// A denied or incompatible daemon is asked again after this long, unless Enter asks sooner.
const HOPELESS_WAIT: Duration = Duration::from_secs(10);

/// Runs until the loop is gone.
pub(super) async fn run(sockets: Vec<PathBuf>, mut effects: Receiver<Effect>, net: Sender<Net>) {
    let mut backoff = Backoff::default();
    let mut attempt = 0;
    loop {
        let error = match connect(&sockets, &net).await {
            Ok(client) => {
                backoff.reset();
                attempt = 0;
                match session(&client, &mut effects, &net).await {
                    Some(error) => error,
                    None => return,
                }
            }
            Err(error) => error,
        };
        attempt += 1;
        let wait = if error.is_passing() { backoff.wait() } else { HOPELESS_WAIT };
        if net.send(told(&error, attempt, wait)).await.is_err() || !pause(wait, &mut effects, &net).await {
            return;
        }
    }
}

async fn connect(sockets: &[PathBuf], net: &Sender<Net>) -> Result<Arc<Client>, ClientError> {
    let client = Client::open(sockets).await?;
    let status = client.status().await?;
    // If the loop is gone, the next send finds out.
    net.send(Net::Connected(Box::new(status))).await.ok();
    Ok(Arc::new(client))
}

/// Waits for the next attempt. False if the loop is gone. Changes are refused meanwhile, never kept.
async fn pause(wait: Duration, effects: &mut Receiver<Effect>, net: &Sender<Net>) -> bool {
    let until = tokio::time::Instant::now() + wait;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(until) => return true,
            effect = effects.recv() => match effect {
                None => return false,
                Some(Effect::ReconnectNow) => return true,
                Some(Effect::Request { generation, .. }) => {
                    if net.send(Net::NotSent { generation }).await.is_err() {
                        return false;
                    }
                }
                Some(_) => {}
            },
        }
    }
}

fn told(error: &ClientError, attempt: u32, wait: Duration) -> Net {
    match error {
        ClientError::Incompatible { daemon, ours } => {
            Net::Incompatible { ours: (*ours).to_owned(), theirs: daemon.clone() }
        }
        ClientError::Denied { path, why, remedy } => {
            let remedy = remedy.iter().map(|line| line.trim().to_owned()).collect();
            Net::Denied { why: format!("{}: {why}", path.display()), remedy }
        }
        other => {
            let tried = match other {
                ClientError::NoDaemon { tried } => {
                    tried.iter().map(|tried| format!("{}  {}", tried.path.display(), tried.why)).collect()
                }
                _ => Vec::new(),
            };
            let retry_in_secs = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).max(1);
            Net::Lost { why: words(other), tried, attempt, retry_in_secs }
        }
    }
}

/// An error in one sentence.
pub(super) fn words(error: &ClientError) -> String {
    match error {
        ClientError::Problem(problem) => problem_words(problem),
        ClientError::Broken { source, .. } => format!("{error}: {source}"),
        other => other.to_string(),
    }
}

fn problem_words(problem: &Problem) -> String {
    match problem.detail.as_str() {
        "" => problem.title.clone(),
        detail => format!("{}: {detail}", problem.title),
    }
}

/// Works with one connection until it is lost; `None` if the loop is gone.
async fn session(client: &Arc<Client>, effects: &mut Receiver<Effect>, net: &Sender<Net>) -> Option<ClientError> {
    let mut requests = JoinSet::new();
    let mut tails = Tails::new(Arc::clone(client), net.clone());
    let mut fetcher = Fetcher::new(Arc::clone(client), net.clone());
    let mut events = match client.events().await {
        Ok(events) => events,
        Err(error) => return Some(error),
    };
    fetcher.want_all();
    loop {
        tokio::select! {
            effect = effects.recv() => match effect? {
                Effect::Request { generation, .. } if requests.len() >= REQUESTS_MAX => {
                    net.send(Net::NotSent { generation }).await.ok()?;
                }
                Effect::Request { generation, call } => {
                    let (client, net) = (Arc::clone(client), net.clone());
                    requests.spawn(async move {
                        let result = ask(&client, *call).await.map_err(|error| failure(&error));
                        net.send(Net::Done { generation, result }).await.ok();
                    });
                }
                Effect::Follow { slot, generation, filter, after, last } => tails.follow(slot, generation, &filter, after, last),
                Effect::Unfollow { slot } => tails.stop(slot),
                Effect::Rows { number, filter, page } => fetcher.rows(number, filter, page),
                Effect::Counts { number, filter, buckets } => fetcher.counts(number, filter, buckets),
                Effect::FetchIncident { incident } => fetcher.incident(incident),
                Effect::Refresh => fetcher.want_all(),
                Effect::WatchRefused(on) => fetcher.watch_refused(on),
                Effect::ReconnectNow | Effect::Quit | Effect::Background | Effect::Repaint => {}
                Effect::Copy { .. } | Effect::WriteFile { .. } => {}
            },
            line = tokio::time::timeout(SILENCE_MAX, events.next()) => match line {
                Ok(Ok(Some(item))) => {
                    net.send(Net::Alive).await.ok()?;
                    fetcher.changed(&item.changed);
                }
                Ok(Ok(None)) => return Some(ClientError::broken("the daemon ended the connection", "it is probably restarting")),
                Ok(Err(error)) => return Some(error),
                Err(_) => return Some(ClientError::TooSlow { secs: SILENCE_MAX.as_secs() }),
            },
            () = fetcher.work() => {}
            Some(_) = requests.join_next() => {}
        }
    }
}

/// A stream says something every 15 s; after three times that it is dead, whatever the socket says.
const SILENCE_MAX: Duration = Duration::from_secs(45);

async fn ask(client: &Client, call: Call) -> Result<Reply, ClientError> {
    Ok(match call {
        Call::Debug { token, on } => Reply::Token(Box::new(client.debug_token(&token, &SetDebug { on }).await?)),
        Call::CreateToken(token) => created(client.create_token(&token).await?),
        Call::EditToken { token, patch } => Reply::Token(Box::new(client.edit_token(&token, &patch).await?)),
        Call::Rotate { token } => created(client.rotate_token(&token).await?),
        Call::Revoke { token, confirm } => {
            let revoke = RevokeToken { confirm, reason: String::new() };
            Reply::Receipt(Box::new(client.revoke_token(&token, &revoke).await?))
        }
        Call::Acknowledge { incident } => Reply::Incident(Box::new(client.acknowledge(&incident).await?)),
        Call::Unacknowledge { incident } => Reply::Incident(Box::new(client.unacknowledge(&incident).await?)),
        Call::Resolve { incident, comment } => {
            Reply::Incident(Box::new(client.resolve(&incident, &ResolveIncident { comment }).await?))
        }
        Call::CreateTeam(team) => Reply::Team(Box::new(client.create_team(&team).await?)),
        Call::CreateService(service) => Reply::Service(Box::new(client.create_service(&service).await?)),
        Call::CreateFilter(filter) => Reply::Filter(Box::new(client.create_filter(&filter).await?)),
        Call::SaveQuery { name, q } => {
            let saved = client.save_query(Screen::Logs, &name, &SaveQuery { q }).await?;
            Reply::Said(format!("saved as @{}: Q lists your queries", saved.name))
        }
        Call::DropQuery { name } => {
            client.delete_query(Screen::Logs, &name).await?;
            Reply::Said(format!("@{name} is deleted"))
        }
    })
}

fn created(mut created: TokenCreated) -> Reply {
    let secret = Secret::new(std::mem::take(&mut created.secret));
    Reply::Created { secret, token: Box::new(created.token.clone()) }
}

pub(super) fn failure(error: &ClientError) -> Failure {
    let fields = match error {
        ClientError::Problem(problem) => {
            problem.errors.iter().map(|field| (field.path.clone(), field.message.clone())).collect()
        }
        _ => Vec::new(),
    };
    Failure { words: words(error), fields }
}
