//! Is this value the secret of a token, and may the token be used from here, now? (http.md §1, order of checks)
//!
//! There is no cache: each call probes the snapshot, so a revoke is in force once the snapshot is swapped.

use std::net::IpAddr;
use std::sync::Arc;

use tollgate_shared::id::TokenId;
use tollgate_shared::problem::Slug;
use tollgate_shared::secret::{self, TokenSecret};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::Permission;

use super::model::{Death, Mac, Token};
use super::registry::{Registry, SecretEntry};

/// Why a call was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The problem that the sender is told.
    pub slug: Slug,
    /// The living token, where the secret was its own: its refusals are counted and logged.
    pub token: Option<TokenId>,
    /// The public id inside what was presented, where it had the shape of a token.
    pub presented_id: Option<String>,
    /// What exactly was wrong, for the operator.
    pub detail: String,
}

/// Finds the token of a presented value. `mac_of` is the keyed hash; it is asked only for values whose checksum holds.
///
/// # Errors
/// `token-invalid` (malformed and unknown look alike to the sender; the operator is told which), `token-revoked`.
pub fn identify<'r>(
    registry: &'r Registry,
    presented: &str,
    mac_of: &dyn Fn(&str) -> Mac,
) -> Result<&'r Arc<Token>, Denied> {
    let presented_id = secret::presented_id(presented);
    let denied = |slug, detail: String| Denied { slug, token: None, presented_id: presented_id.clone(), detail };
    if let Err(malformed) = TokenSecret::parse(presented) {
        return Err(denied(Slug::TokenInvalid, malformed.to_string()));
    }
    match registry.secret(&mac_of(presented)) {
        Some(SecretEntry::Living(id)) => {
            registry.token(id).ok_or_else(|| denied(Slug::TokenInvalid, "the token is not in the registry".to_owned()))
        }
        Some(SecretEntry::Dead(id, Death::Revoked)) => {
            Err(denied(Slug::TokenRevoked, format!("token {id} was revoked")))
        }
        Some(SecretEntry::Dead(id, Death::Rotated)) => {
            Err(denied(Slug::TokenRevoked, format!("an old secret of {id}, replaced by a rotation")))
        }
        None => Err(denied(Slug::TokenInvalid, "well-formed, but no token of this daemon".to_owned())),
    }
}

/// Checks a known token: not expired, allowed address, permission. Asked at the gate, and by the writer once more.
///
/// # Errors
/// `token-expired`, `ip-not-allowed`, `permission-missing`.
pub fn check(token: &Token, ip: IpAddr, needs: Permission, now: Timestamp) -> Result<(), Denied> {
    let denied = |slug, detail| Denied { slug, token: Some(token.id), presented_id: None, detail };
    if let Some(expired) = token.expires_at.filter(|end| *end <= now) {
        return Err(denied(Slug::TokenExpired, format!("the token expired at {expired}")));
    }
    if !token.allowed_ips.is_empty() && !token.allowed_ips.iter().any(|net| net.contains(&ip)) {
        return Err(denied(Slug::IpNotAllowed, format!("{ip} is not on the token's address list")));
    }
    if !token.permissions.contains(&needs) {
        return Err(denied(Slug::PermissionMissing, format!("the token lacks {needs}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
