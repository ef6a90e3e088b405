//! `tollgate lockdown`.

use serde::Serialize;
use tollgate_shared::api::{LockdownView, SetLockdown};

use super::args::LockdownVerb;
use super::context::{Context, Done};
use super::token::quoted;
use super::when::When;

/// What a change left behind.
#[derive(Serialize)]
struct State {
    lockdown: Option<LockdownView>,
}

pub(super) async fn run(cx: &mut Context<'_>, verb: LockdownVerb) -> Done {
    let set = match verb {
        LockdownVerb::On { reason } => {
            let line = format!("{} lockdown on --reason {} --yes", cx.tollgate(), quoted(&reason));
            cx.confirm_yes("every call is answered 503 until it is lifted; lock down?", &line)?;
            SetLockdown { on: true, reason }
        }
        LockdownVerb::Off => SetLockdown { on: false, reason: String::new() },
    };
    cx.client.set_lockdown(&set).await?;
    let state = State { lockdown: cx.client.status().await?.lockdown };
    let when = cx.when();
    cx.changed(&state, |state| match &state.lockdown {
        Some(lockdown) => words(lockdown, when),
        None => "not locked down: calls are taken".to_owned(),
    })
}

/// Loud: while this is true nothing else matters.
pub(super) fn words(lockdown: &LockdownView, when: When) -> String {
    let since = when.full(lockdown.at);
    format!("LOCKED DOWN since {since} by {}: {}; every call is answered 503", lockdown.by, lockdown.reason)
}
