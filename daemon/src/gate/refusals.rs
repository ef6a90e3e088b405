//! Notes every refusal before a token is known in the *Refused* ring.

use std::sync::Arc;

use http::Request;
use tollgate_shared::problem::Slug;

use crate::core::call::credential;
use crate::daemon::Daemon;
use crate::edge::{OnRefused, Peer, RefusedHead};
use crate::events::Kind;
use crate::refused::Refusal;

/// Notes a refused request.
pub(super) fn note<B>(daemon: &Daemon, request: &Request<B>, peer: Peer, slug: Slug, detail: String) {
    let target = format!("{} {}", request.method(), request.uri().path());
    note_target(daemon, target, peer, slug, detail, None);
}

/// Notes a refused call whose head is taken apart already.
pub(super) fn note_target(
    daemon: &Daemon,
    target: String,
    peer: Peer,
    slug: Slug,
    detail: String,
    presented_id: Option<String>,
) {
    // The path may hold a token that somebody put there by mistake.
    let target = daemon.redactor().redact_text(&credential::readable(&target)).into_owned();
    tracing::debug!(target_ = target, slug = slug.as_str(), ip = ?peer.ip(), presented_id, "refused before a token was known");
    let at = daemon.clock.now();
    daemon.meters.unknown(peer.ip(), at);
    let refusal = Refusal { at, remote_ip: peer.ip(), target, slug, detail, presented_id };
    daemon.refused.note(refusal);
    daemon.events.changed(Kind::Refused);
}

/// What the edge tells of heads that no handler has seen.
pub fn on_refused_head(daemon: Arc<Daemon>) -> OnRefused {
    Arc::new(move |head: RefusedHead| {
        note_target(&daemon, String::new(), head.peer, head.reason, head.what.to_owned(), None);
    })
}
