//! Ids. Objects carry a UUIDv7 (made by the daemon, so that they sort by age and need no common counter); tokens carry the
//! public ten characters that stand inside their secret.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// A team.
    TeamId
);
uuid_id!(
    /// A service.
    ServiceId
);
uuid_id!(
    /// An API filter.
    FilterId
);
impl FilterId {
    /// Stands where a filter would in what the daemon does by itself.
    pub const DAEMON: Self = Self(Uuid::nil());
}

uuid_id!(
    /// An incident.
    IncidentId
);
uuid_id!(
    /// An operator.
    OperatorId
);
uuid_id!(
    /// An automation workflow.
    WorkflowId
);
uuid_id!(
    /// A request: one run of a workflow. Programs find it in `TOLLGATE_REQUEST_ID`.
    RequestId
);
uuid_id!(
    /// A maintenance of a service.
    MaintenanceId
);
uuid_id!(
    /// One call of a sender; answered as `id` and in `X-Request-Id`.
    CallId
);

/// The public id of a token: its scope letter, `_`, and the ten base62 characters inside its secret, for example
/// `s_7QmX0c2LrT`. Stable over rotations, never secret, accepted wherever a token is named (domain.md §2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; TokenId::LEN]);

/// A text that has not the form of a token id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token id is a letter g, t, s or p, `_` and ten letters or digits, such as s_7QmX0c2LrT")]
pub struct NotATokenId;

impl TokenId {
    /// Bytes of an id.
    pub const LEN: usize = 12;

    /// Stands where a token would in what the daemon does by itself. No token has it: ids are drawn at random.
    pub const DAEMON: Self = Self(*b"g_tollgated0");

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for TokenId {
    type Err = NotATokenId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: [u8; Self::LEN] = text.as_bytes().try_into().map_err(|_| NotATokenId)?;
        let well_formed = matches!(bytes[0], b'g' | b't' | b's' | b'p')
            && bytes[1] == b'_'
            && bytes[2..].iter().all(u8::is_ascii_alphanumeric);
        well_formed.then_some(Self(bytes)).ok_or(NotATokenId)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TokenId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_id_has_one_form_only() {
        assert_eq!("s_7QmX0c2LrT".parse::<TokenId>().map(|id| id.to_string()), Ok("s_7QmX0c2LrT".to_owned()));
        assert_eq!("g_tollgated0".parse(), Ok(TokenId::DAEMON));
        for bad in ["", "x_7QmX0c2LrT", "s_7QmX0c2Lr", "s_7QmX0c2LrT1", "s-7QmX0c2LrT", "s_7QmX0c2Lr\u{e9}"] {
            assert_eq!(bad.parse::<TokenId>(), Err(NotATokenId), "{bad}");
        }
    }
}
