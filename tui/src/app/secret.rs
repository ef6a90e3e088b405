//! The secret that is shown once.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tollgate_shared::time::Timestamp;
use zeroize::Zeroizing;

use super::first::SampleAlert;

/// It is hidden after this long; any key shows it again until it is confirmed.
pub const HIDDEN_AFTER_SECS: i64 = 60;

/// A secret on its way to the screen. Overwritten when dropped; in `Debug` it is not there.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value: for the dialog, the copy and the file, nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// It has no form in JSON: only that there was one.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        NOT_KEPT.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Self::new(NOT_KEPT.to_owned()))
    }
}

/// In the place of a secret in a recording.
const NOT_KEPT: &str = "(not recorded)";

/// The dialog that shows it.
#[derive(Clone, Debug)]
pub struct ShowOnce {
    pub secret: Secret,
    /// The token's name, id and scope in words.
    pub name: String,
    pub id: String,
    pub scope: String,
    /// `created` or `rotated`: the headline.
    pub rotated: bool,
    /// Where calls are taken, for the ready line.
    pub listen: String,
    /// They are taken over TLS.
    pub tls: bool,
    /// On the first path: the alert to try it all with.
    pub sample: Option<SampleAlert>,
    /// On the first path, for senders on other hosts: what they need.
    pub other_hosts: Option<Vec<String>>,
    /// When it was last made visible.
    pub shown_at: Timestamp,
    pub hidden: bool,
    /// Esc was pressed once.
    pub asked: bool,
    /// What became of the last `y` or `w`.
    pub notice: Option<String>,
}

impl ShowOnce {
    /// Hides it when its time is over. True if something changed.
    pub fn tick(&mut self, now: Timestamp) -> bool {
        let due = !self.hidden && now.secs_since(self.shown_at) >= HIDDEN_AFTER_SECS;
        self.hidden |= due;
        due
    }

    /// The file that `w` writes.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("tollgate-{}.header", self.id)
    }
}
