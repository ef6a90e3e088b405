//! `GET /v1/events`: kinds of things that changed, at most four times a second.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tokio::sync::mpsc;
use tollgate_shared::api::EventsItem;

use super::params::Call;
use crate::core::access::{Actor, Operation};
use crate::core::standing;
use crate::daemon::Daemon;
use crate::edge::{Body, respond};
use crate::events::{Kind, Versions};

/// Changes within this time are told together.
const COALESCE: Duration = Duration::from_millis(250);

/// A sign of life when nothing changes.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Lines waiting for a slow reader; state, not deltas, so more would tell nothing new.
const QUEUE_LINES: usize = 4;

pub(super) fn stream(call: &Call) -> Response<Body> {
    let (lines, rows) = mpsc::channel(QUEUE_LINES);
    // Ends by itself when the reader has gone: the channel is closed then.
    tokio::spawn(run(call.daemon.clone(), call.actor.clone(), lines));
    respond::ndjson(rows)
}

async fn run(daemon: Arc<Daemon>, actor: Actor, lines: mpsc::Sender<Bytes>) {
    let mut bell = daemon.events.subscribe();
    let mut told = daemon.events.versions();
    let all = Kind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect();
    if send(&daemon, &lines, all).await.is_err() {
        return;
    }
    loop {
        let changed = tokio::select! {
            rung = bell.changed() => if rung.is_ok() { Some(()) } else { return },
            () = tokio::time::sleep(HEARTBEAT) => None,
            () = lines.closed() => return,
        };
        if changed.is_some() {
            tokio::time::sleep(COALESCE).await;
            bell.mark_unchanged();
        }
        // Who may see nothing any more is not told that something changes either; asking again tells him why.
        if standing::still_allows(&daemon.registry.load(), &actor, Operation::SeeDaemon, daemon.clock.now()).is_err() {
            return;
        }
        let now = daemon.events.versions();
        let kinds = difference(&told, &now);
        told = now;
        if send(&daemon, &lines, kinds).await.is_err() {
            return;
        }
    }
}

fn difference(told: &Versions, now: &Versions) -> Vec<String> {
    let changed = Kind::ALL.iter().zip(told.iter().zip(now)).filter(|(_, (told, now))| told != now);
    changed.map(|(kind, _)| kind.as_str().to_owned()).collect()
}

async fn send(
    daemon: &Daemon,
    lines: &mpsc::Sender<Bytes>,
    changed: Vec<String>,
) -> Result<(), mpsc::error::SendError<Bytes>> {
    let item = EventsItem { changed, at: daemon.clock.now() };
    let mut line = serde_json::to_vec(&item).unwrap_or_default();
    line.push(b'\n');
    lines.send(Bytes::from(line)).await
}
