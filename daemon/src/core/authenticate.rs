//! Is this value the secret of a token, and may the token be used from here, now? (http.md §1, order of checks)
//!
//! There is no cache: each call probes the snapshot, so a revoke is in force once the snapshot is swapped.

use std::net::IpAddr;
use std::sync::Arc;

use tollgate_shared::id::TokenId;
use tollgate_shared::limits::EXPIRES_SOON_SECS;
use tollgate_shared::problem::Slug;
use tollgate_shared::secret::{self, Malformed, TokenSecret};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Owner, Permission};

use super::model::{Death, Mac, Token};
use super::registry::{Registry, SecretEntry};
use super::rights;

/// Why a call was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The problem that the sender is told.
    pub slug: Slug,
    /// The living token, where the secret was its own: its refusals are counted and logged.
    pub token: Option<TokenId>,
    /// The token whose dead secret this was: its tries are counted.
    pub dead: Option<TokenId>,
    /// The public id inside what was presented, where it had the shape of a token.
    pub presented_id: Option<String>,
    /// What exactly was wrong, for the operator.
    pub detail: String,
}

/// A token found by a secret of its own.
#[derive(Clone, Debug)]
pub struct Known {
    /// The token.
    pub token: Arc<Token>,
    /// The secret that was presented.
    pub mac: Mac,
    /// True where it is the old one of a running overlap.
    pub old_secret: bool,
}

/// What was noticed of a call that is let in all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noticed {
    /// It came from outside the address list of a token whose list only reports.
    pub ip_violation: bool,
}

impl Denied {
    /// A refusal of a living token's own secret.
    pub fn of(token: &Token, slug: Slug, detail: impl Into<String>) -> Self {
        Self { slug, token: Some(token.id), dead: None, presented_id: None, detail: detail.into() }
    }
}

impl Known {
    /// When what was presented ends, where that is less than 14 days away: the sender is told in a header.
    pub fn ends_soon(&self, now: Timestamp) -> Option<Timestamp> {
        let overlap = self.token.overlap.filter(|_| self.old_secret).map(|overlap| overlap.until);
        let end = overlap.into_iter().chain(self.token.expires_at).min()?;
        (end.secs_since(now) < EXPIRES_SOON_SECS).then_some(end)
    }
}

/// Finds the token of a presented value. `mac_of` is the keyed hash; it is asked only for values whose checksum holds,
/// and for values of foreign form, which may have been imported.
///
/// # Errors
/// `token-invalid` (malformed and unknown look alike to the sender; the operator is told which), `token-revoked`.
pub fn identify(
    registry: &Registry,
    presented: &str,
    mac_of: &dyn Fn(&str) -> Mac,
    now: Timestamp,
) -> Result<Known, Denied> {
    let presented_id = secret::presented_id(presented);
    let denied =
        |slug, detail: String, dead| Denied { slug, token: None, dead, presented_id: presented_id.clone(), detail };
    let form = TokenSecret::parse(presented).err();
    if let Some(malformed) = form.filter(|malformed| !may_be_imported(*malformed)) {
        return Err(denied(Slug::TokenInvalid, malformed.to_string(), None));
    }
    let mac = mac_of(presented);
    let found = match registry.secret(&mac) {
        Some(SecretEntry::Living(id)) => registry.token(id).map(|token| (token, false)),
        Some(SecretEntry::Overlapping(id)) => match registry.token(id) {
            Some(token) if token.overlap.is_some_and(|overlap| overlap.mac == mac && overlap.runs(now)) => {
                Some((token, true))
            }
            _ => {
                let detail = format!("the old secret of {id}; its overlap has ended");
                return Err(denied(Slug::TokenRevoked, detail, Some(id)));
            }
        },
        Some(SecretEntry::Dead(id, Death::Revoked)) => {
            return Err(denied(Slug::TokenRevoked, format!("token {id} was revoked"), Some(id)));
        }
        Some(SecretEntry::Dead(id, Death::Rotated)) => {
            let detail = format!("an old secret of {id}, replaced by a rotation");
            return Err(denied(Slug::TokenRevoked, detail, Some(id)));
        }
        None => None,
    };
    let why = || match form {
        Some(bad) => bad.to_string(),
        None => without_secret(registry, presented_id.as_deref())
            .unwrap_or_else(|| "well-formed, but no token of this daemon".to_owned()),
    };
    let (token, old_secret) = found.ok_or_else(|| denied(Slug::TokenInvalid, why(), None))?;
    Ok(Known { token: token.clone(), mac, old_secret })
}

/// A value of a token whose secret was lost in a restore cannot be told from an invented one: the sender gets the same
/// answer as for any unknown value, and the operator reads which token it names.
fn without_secret(registry: &Registry, presented_id: Option<&str>) -> Option<String> {
    let token = registry.token(presented_id?.parse().ok()?).filter(|token| token.needs_rotation())?;
    Some(format!("token {} `{}` lost its secret in a restore without the token key: rotate it", token.id, token.name))
}

/// True for a value that is not of our form and so may be one brought along from another system.
pub fn may_be_imported(malformed: Malformed) -> bool {
    matches!(malformed, Malformed::NotOurs | Malformed::Placeholder)
}

/// Checks a known token: its time, its owner, suspension, address, permission. Asked at the gate, and by the writer once
/// more. `needs` is absent where a token asks only about itself.
///
/// # Errors
/// `token-expired`, `token-not-yet-valid`, `token-suspended`, `ip-blocked`, `ip-not-allowed`, `permission-missing`.
pub fn check(
    registry: &Registry,
    token: &Token,
    ip: IpAddr,
    needs: Option<Permission>,
    now: Timestamp,
) -> Result<Noticed, Denied> {
    valid(registry, token, now)?;
    let noticed = address(registry, token, ip, now)?;
    permitted(registry, token, needs)?;
    Ok(noticed)
}

/// The same where the address was judged before.
///
/// # Errors
/// As [`check`].
pub fn check_anywhere(
    registry: &Registry,
    token: &Token,
    needs: Option<Permission>,
    now: Timestamp,
) -> Result<(), Denied> {
    valid(registry, token, now)?;
    permitted(registry, token, needs)
}

fn valid(registry: &Registry, token: &Token, now: Timestamp) -> Result<(), Denied> {
    let denied = |slug, detail| Err(Denied::of(token, slug, detail));
    if let Some(expired) = token.expires_at.filter(|end| *end <= now) {
        return denied(Slug::TokenExpired, format!("the token expired at {expired}"));
    }
    if let Some(begin) = token.not_before.filter(|begin| now < *begin) {
        return denied(Slug::TokenNotYetValid, format!("the token is valid from {begin} on"));
    }
    if token.owner != Owner::Organisation && rights::living_owner(registry, token).is_none() {
        return denied(Slug::PermissionMissing, "the token's owner is disabled or gone".to_owned());
    }
    if token.suspended.is_some() {
        return denied(Slug::TokenSuspended, "the token is suspended; send the call again later".to_owned());
    }
    Ok(())
}

/// A block is for a time and says so; the list is a setting.
fn address(registry: &Registry, token: &Token, ip: IpAddr, now: Timestamp) -> Result<Noticed, Denied> {
    if let Some(block) = registry.measures(token.id).and_then(|measures| measures.block_of(ip, now)) {
        let detail = format!("calls of this token from {ip} are refused until {}", block.until);
        return Err(Denied::of(token, Slug::IpBlocked, detail));
    }
    let listed = token.allowed_ips.is_empty() || token.allowed_ips.iter().any(|net| net.contains(&ip));
    if !listed && !token.ip_report_only {
        return Err(Denied::of(token, Slug::IpNotAllowed, format!("{ip} is not on the token's address list")));
    }
    Ok(Noticed { ip_violation: !listed })
}

fn permitted(registry: &Registry, token: &Token, needs: Option<Permission>) -> Result<(), Denied> {
    match needs.filter(|needs| !rights::has(registry, token, *needs)) {
        Some(needs) => Err(Denied::of(token, Slug::PermissionMissing, missing(token, needs))),
        None => Ok(()),
    }
}

fn missing(token: &Token, needs: Permission) -> String {
    if token.permissions.contains(&needs) {
        format!("the token's owner may not use {needs} any more")
    } else {
        format!("the token lacks {needs}")
    }
}

#[cfg(test)]
mod tests;
