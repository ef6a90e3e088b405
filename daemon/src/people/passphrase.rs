//! Passphrases: what people choose is hashed slowly (argon2id), off the async threads, few at a time.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes at once: together at most 38 MiB, and no more than the cores of a small host.
const AT_ONCE: usize = 2;

/// A passphrase has at least this many characters,
pub(super) const CHARS_MIN: usize = 12;

/// and at most this many: beyond, hashing would be work that a stranger can order.
pub(super) const CHARS_MAX: usize = 256;

/// Checked where there is no operator or he has no passphrase, so that the answer takes as long.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$dG9sbGdhdGUtbm9ib2R5cw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and checks passphrases.
pub struct Passphrases(Arc<Semaphore>);

/// Why a passphrase was not taken. Nothing of it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// Too long or too short.
    #[error("a passphrase has {CHARS_MIN} to {CHARS_MAX} characters")]
    Length,
    /// The host gives no random bytes, or no memory.
    #[error("the passphrase could not be hashed; try again")]
    Host,
}

impl Default for Passphrases {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Passphrases {
    /// The PHC string to store.
    ///
    /// # Errors
    /// [`PassphraseError`].
    pub async fn hash(&self, passphrase: Zeroizing<String>) -> Result<String, PassphraseError> {
        if !(CHARS_MIN..=CHARS_MAX).contains(&passphrase.chars().count()) {
            return Err(PassphraseError::Length);
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| PassphraseError::Host)?;
        self.run(move || hash(&passphrase, &salt)).await.flatten().ok_or(PassphraseError::Host)
    }

    /// Whether a passphrase is the one of a stored hash; where there is none, the same time passes.
    pub async fn fits(&self, passphrase: Zeroizing<String>, stored: Option<String>) -> bool {
        if passphrase.chars().count() > CHARS_MAX {
            return false;
        }
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODYS.to_owned());
        self.run(move || fits(&passphrase, &stored)).await.unwrap_or(false) && known
    }

    /// Waits for a place, then works on a thread that may block. `None` where that thread ended.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let permit = self.0.clone().acquire_owned().await.ok()?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = permit;
            work()
        });
        done.await.ok()
    }
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(passphrase: &str, salt: &[u8]) -> Option<String> {
    let hash: PasswordHash = argon2()?.hash_password_with_salt(passphrase.as_bytes(), salt).ok()?;
    Some(hash.to_string())
}

fn fits(passphrase: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|stored| {
        argon2().is_some_and(|argon2| argon2.verify_password(passphrase.as_bytes(), &stored).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn passphrases_are_argon2id_with_owasps_parameters_and_only_the_right_one_fits() {
        let room = Passphrases::default();
        let stored = room.hash(given("correct horse battery")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, room.hash(given("correct horse battery")).await.unwrap(), "salted");
        assert!(room.fits(given("correct horse battery"), Some(stored.clone())).await);
        assert!(!room.fits(given("correct horse batterz"), Some(stored)).await);
        assert!(!room.fits(given("correct horse battery"), None).await);
    }

    #[tokio::test]
    async fn a_short_or_endless_passphrase_is_refused_before_any_work() {
        let room = Passphrases::default();
        assert_eq!(room.hash(given("eleven char")).await, Err(PassphraseError::Length));
        assert_eq!(room.hash(given(&"x".repeat(257))).await, Err(PassphraseError::Length));
        assert!(PasswordHash::new(NOBODYS).is_ok(), "the one of nobody takes as long as another");
    }
}
