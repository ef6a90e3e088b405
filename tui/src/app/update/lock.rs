//! The idle lock: when it falls, and how somebody comes back.

use tollgate_shared::time::Timestamp;
use zeroize::Zeroizing;

use super::super::key::{Code, Key};
use super::super::layer::Layer;
use super::super::lock::{Lock, SIGNED_IN_SECS};
use super::super::model::Model;
use super::super::msg::{Call, Dirty, Effect, Effects, Failure, FailureKind, Hidden};

/// When it falls by itself.
#[must_use]
pub(super) fn due(model: &Model) -> Option<Timestamp> {
    if model.lock.is_some() {
        return None;
    }
    let by_sign_in = model.signed_in.as_ref().map(|_| SIGNED_IN_SECS);
    let secs = [model.lock_after_secs, by_sign_in].into_iter().flatten().min()?;
    Some(model.touched_at.plus_secs(secs.into()))
}

pub(super) fn fall(model: &mut Model) {
    model.lock = Some(Lock::new(model.now, model.signed_in.clone()));
    model.notice = None;
}

/// Time passed: it falls where nobody has touched a key for long enough.
pub(super) fn tick(model: &mut Model, effects: &mut Effects) {
    if due(model).is_some_and(|at| at <= model.now) {
        fall(model);
        effects.touch(Dirty::Input);
    }
}

pub(super) fn key(model: &mut Model, key: Key, effects: &mut Effects) {
    let Some(lock) = &mut model.lock else { return };
    let asked = std::mem::take(&mut lock.asked);
    match (key.code, &lock.operator) {
        (Code::Char('c'), _) if key.ctrl => lock.asked = true,
        (Code::Esc, Some(_)) if asked => sign_out(model, effects),
        (Code::Esc, Some(_)) => lock.asked = true,
        (Code::Char('q'), _) if asked => super::act::quit(model, effects),
        (Code::Enter, None) => open(model),
        (Code::Enter, Some(_)) => ask(model, effects),
        (_, Some(_)) => {
            lock.passphrase.key(key);
            lock.error = None;
        }
        (_, None) => {}
    }
}

pub(super) fn paste(model: &mut Model, text: &Hidden) {
    if let Some(lock) = model.lock.as_mut().filter(|lock| lock.operator.is_some()) {
        lock.error = lock.passphrase.paste(&text.0).err().map(|why| why.to_string());
    }
}

fn open(model: &mut Model) {
    model.lock = None;
    model.touched_at = model.now;
}

/// The passphrase goes to the daemon: only it knows whether it is right, and the audit says who came back.
fn ask(model: &mut Model, effects: &mut Effects) {
    let generation = model.next_generation();
    let now = model.now;
    let Some(lock) = &mut model.lock else { return };
    let waits = lock.wait_until.is_some_and(|until| until > now);
    if lock.pending.is_some() || waits || lock.passphrase.chars() == 0 {
        return;
    }
    let Some(operator) = lock.operator.clone() else { return };
    let passphrase = Hidden(Zeroizing::new(lock.passphrase.expose().to_owned()));
    lock.passphrase = Default::default();
    lock.pending = Some(generation);
    effects.push(Effect::Request { generation, call: Box::new(Call::SignIn { operator, passphrase }) });
}

/// Whoever is there now is not the one who left: nothing of his stays open, a secret least of all.
fn sign_out(model: &mut Model, effects: &mut Effects) {
    let generation = model.next_generation();
    model.layer = None;
    model.guided = None;
    model.signed_in = None;
    effects.push(Effect::Request { generation, call: Box::new(Call::SignOut) });
    open(model);
}

/// The answer to the passphrase. True if it was one.
pub(super) fn answered(model: &mut Model, generation: u64, failure: Option<&Failure>) -> bool {
    let now = model.now;
    let Some(lock) = model.lock.as_mut().filter(|lock| lock.pending == Some(generation)) else { return false };
    lock.pending = None;
    match failure {
        None => open(model),
        Some(failure) => {
            lock.error = Some(failure.words.clone());
            if let FailureKind::Wait(secs) = failure.kind {
                lock.wait_until = Some(now.plus_secs(secs.into()));
            }
        }
    }
    true
}

/// Under a lock the secret of a dialog is hidden as well when it is opened again.
pub(super) fn hide_secret(model: &mut Model) {
    if let (Some(_), Some(Layer::Secret(dialog))) = (&model.lock, &mut model.layer) {
        dialog.hidden = true;
    }
}
