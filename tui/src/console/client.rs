//! The client task: it connects, asks, follows, and comes back after a loss.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::JoinSet;
use tollgate_shared::api::SignIn;
use tollgate_shared::problem::{Problem, Slug};

use super::calls;
use super::fetch::Fetcher;
use super::sample;
use super::tails::Tails;
use crate::app::msg::{Call, Failure, FailureKind, Hidden, Reply};
use crate::app::{Effect, Net};
use crate::client::{Appears, Backoff, Client, ClientError, Ticket};

/// Changes under way at the same time.
const REQUESTS_MAX: usize = 8;
/// A denied or incompatible daemon is asked again after this long, unless Enter asks sooner.
const HOPELESS_WAIT: Duration = Duration::from_secs(10);

/// Why a session ended.
enum End {
    Lost(ClientError),
    /// Somebody signed in, or out: all connections begin anew.
    Identity(Option<Arc<Ticket>>),
    /// It is time to try again.
    Again,
    /// A socket was made where none was heard: the daemon is back, and may listen in a moment.
    Appeared,
    /// The loop is gone.
    Gone,
}

/// Runs until the loop is gone.
pub(super) async fn run(sockets: Vec<PathBuf>, mut effects: Receiver<Effect>, net: Sender<Net>) {
    let mut backoff = Backoff::default();
    let mut attempt = 0;
    let mut ticket: Option<Arc<Ticket>> = None;
    loop {
        let mut end = match connect(&sockets, ticket.clone(), &net).await {
            Ok(client) => {
                backoff.reset();
                attempt = 0;
                session(&client, &sockets, &mut effects, &net).await
            }
            // It ended with the daemon that gave it, or with the passphrase.
            Err(ClientError::Problem(_)) if ticket.is_some() => End::Identity(None),
            Err(error) => End::Lost(error),
        };
        if let End::Lost(error) = end {
            attempt += 1;
            let wait = if error.is_passing() { backoff.wait() } else { HOPELESS_WAIT };
            if net.send(told(&error, attempt, wait)).await.is_err() {
                return;
            }
            end = pause(wait, &sockets, &mut effects, &net).await;
        }
        match end {
            End::Gone => return,
            End::Appeared => backoff.reset(),
            End::Again | End::Lost(_) => {}
            End::Identity(new) => {
                let name = new.as_ref().map(|ticket| ticket.operator().to_owned());
                ticket = new;
                if net.send(Net::SignedIn(name)).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn connect(
    sockets: &[PathBuf],
    ticket: Option<Arc<Ticket>>,
    net: &Sender<Net>,
) -> Result<Arc<Client>, ClientError> {
    let client = Client::open_as(sockets, ticket).await?;
    let status = client.status().await?;
    // If the loop is gone, the next send finds out.
    net.send(Net::Connected(Box::new(status))).await.ok();
    Ok(Arc::new(client))
}

/// Waits for the next attempt. Changes are refused meanwhile, never kept; a sign-in is tried, because it may be what the
/// connection lacks.
async fn pause(wait: Duration, sockets: &[PathBuf], effects: &mut Receiver<Effect>, net: &Sender<Net>) -> End {
    let until = tokio::time::Instant::now() + wait;
    let appears = Appears::of(sockets);
    loop {
        tokio::select! {
            () = appears.one() => return End::Appeared,
            () = tokio::time::sleep_until(until) => return End::Again,
            effect = effects.recv() => match effect {
                None => return End::Gone,
                Some(Effect::ReconnectNow) => return End::Again,
                Some(Effect::Request { generation, call }) => match *call {
                    Call::SignIn { operator, passphrase } => {
                        if let Some(ticket) = sign_in(sockets, generation, operator, &passphrase, net).await {
                            return End::Identity(Some(ticket));
                        }
                    }
                    Call::SignOut => return End::Identity(None),
                    _ => {
                        if net.send(Net::NotSent { generation }).await.is_err() {
                            return End::Gone;
                        }
                    }
                },
                Some(_) => {}
            },
        }
    }
}

/// Signs in over a connection of its own; says what came of it.
async fn sign_in(
    sockets: &[PathBuf],
    generation: u64,
    operator: String,
    passphrase: &Hidden,
    net: &Sender<Net>,
) -> Option<Arc<Ticket>> {
    let signed = async {
        let client = Client::open(sockets).await?;
        client.sign_in(&SignIn { operator, passphrase: passphrase.0.to_string(), ticket: None }).await
    };
    let (ticket, result) = match signed.await {
        Ok(ticket) => (Some(Arc::new(ticket)), Ok(Reply::Nothing)),
        Err(ClientError::Problem(problem)) => {
            // Its title speaks of a role, which is not what is wrong here.
            let words = problem.detail.clone();
            (None, Err(Failure { words, ..failure(&ClientError::Problem(problem)) }))
        }
        Err(error) => (None, Err(failure(&error))),
    };
    // If the loop is gone, nobody wants to know.
    net.send(Net::Done { generation, result }).await.ok();
    ticket
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

/// Works with one connection until it is lost.
async fn session(client: &Arc<Client>, sockets: &[PathBuf], effects: &mut Receiver<Effect>, net: &Sender<Net>) -> End {
    let mut requests = JoinSet::new();
    let mut tails = Tails::new(Arc::clone(client), net.clone());
    let mut fetcher = Fetcher::new(Arc::clone(client), net.clone());
    let mut events = match client.events().await {
        Ok(events) => events,
        Err(error) => return End::Lost(error),
    };
    fetcher.want_all();
    loop {
        tokio::select! {
            effect = effects.recv() => match effect {
                None => return End::Gone,
                Some(Effect::Request { generation, call }) => match *call {
                    Call::SignIn { operator, passphrase } => {
                        if let Some(ticket) = sign_in(sockets, generation, operator, &passphrase, net).await {
                            return End::Identity(Some(ticket));
                        }
                    }
                    Call::SignOut => {
                        // It ends here in any case; the daemon is told as well.
                        client.sign_out().await.ok();
                        return End::Identity(None);
                    }
                    _ if requests.len() >= REQUESTS_MAX => {
                        if net.send(Net::NotSent { generation }).await.is_err() {
                            return End::Gone;
                        }
                    }
                    call => {
                        let (client, net) = (Arc::clone(client), net.clone());
                        requests.spawn(async move {
                            let result = match call {
                                Call::SendSample { preset, address, secret } => {
                                    sample::send(&preset, &address, &secret).await
                                }
                                call => calls::ask(&client, call).await.map_err(|error| failure(&error)),
                            };
                            net.send(Net::Done { generation, result }).await.ok();
                        });
                    }
                },
                Some(Effect::Follow { slot, generation, filter, after, last }) => tails.follow(slot, generation, &filter, after, last),
                Some(Effect::Unfollow { slot }) => tails.stop(slot),
                Some(Effect::Refresh) => fetcher.want_all(),
                Some(other) => fetcher.take(other),
            },
            line = tokio::time::timeout(SILENCE_MAX, events.next()) => match line {
                Ok(Ok(Some(item))) => {
                    if net.send(Net::Alive).await.is_err() {
                        return End::Gone;
                    }
                    fetcher.changed(&item.changed);
                }
                Ok(Ok(None)) => return End::Lost(ClientError::broken("the daemon ended the connection", "it is probably restarting")),
                Ok(Err(error)) => return End::Lost(error),
                Err(_) => return End::Lost(ClientError::TooSlow { secs: SILENCE_MAX.as_secs() }),
            },
            () = fetcher.work() => {}
            Some(_) = requests.join_next() => {}
        }
    }
}

/// A stream says something every 15 s; after three times that it is dead, whatever the socket says.
const SILENCE_MAX: Duration = Duration::from_secs(45);

pub(super) fn failure(error: &ClientError) -> Failure {
    let ClientError::Problem(problem) = error else { return Failure { words: words(error), ..Failure::default() } };
    let fields = problem.errors.iter().map(|field| (field.path.clone(), field.message.clone())).collect();
    let kind = match (problem.slug(), problem.retry_after) {
        (Ok(Slug::VersionMismatch), _) => FailureKind::Outdated,
        (Ok(Slug::RateLimited), Some(secs)) => FailureKind::Wait(secs),
        _ => FailureKind::Other,
    };
    Failure { words: words(error), fields, kind }
}
