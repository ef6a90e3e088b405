//! How bad an incident is: five priorities, two urgencies, and the words that senders use for them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// `P1` is the worst. The order is that of the names: `P1 < P2`, so a list sorts with the most urgent first, `min` is
/// the more urgent of two, and "may rise, never fall" on attach is `old.min(new)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// The worst.
    P1,
    /// Bad.
    P2,
    /// What a filter gives when it names no priority and the call names none that we know.
    #[default]
    P3,
    /// Worth a look.
    P4,
    /// For information.
    P5,
}

/// P1 to P3 are high, P4 and P5 are low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// P1 to P3.
    High,
    /// P4 and P5.
    Low,
}

/// The text names no priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a priority: write P1, P2, P3, P4 or P5")]
pub struct NotAPriority;

// === impl Priority ===

impl Priority {
    /// All five, the most urgent first.
    pub const ALL: [Self; 5] = [Self::P1, Self::P2, Self::P3, Self::P4, Self::P5];

    /// What the built-in table knows of a sender's word: `critical` is P1, `warning` is P3. Upper and lower case are
    /// the same and white space around the word does not count. Numbers are never in the table, because Zabbix's 5 is
    /// its worst while syslog's 0 is; a preset's map decides those.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.trim().to_lowercase().as_str() {
            "p1" | "critical" | "disaster" | "emergency" | "fatal" | "down" => Some(Self::P1),
            "p2" | "error" | "high" | "major" | "unreachable" => Some(Self::P2),
            "p3" | "warning" | "warn" | "average" | "minor" | "unknown" => Some(Self::P3),
            "p4" | "low" | "notice" => Some(Self::P4),
            "p5" | "info" | "information" | "informational" | "none" | "debug" | "ok" => Some(Self::P5),
            _ => None,
        }
    }

    /// High for P1 to P3 (domain.md section 3).
    pub fn urgency(self) -> Urgency {
        match self {
            Self::P1 | Self::P2 | Self::P3 => Urgency::High,
            Self::P4 | Self::P5 => Urgency::Low,
        }
    }

    /// The wire name, `P1` to `P5`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
            Self::P5 => "P5",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = NotAPriority;

    fn from_str(text: &str) -> Result<Self, NotAPriority> {
        Self::ALL.into_iter().find(|priority| priority.as_str().eq_ignore_ascii_case(text)).ok_or(NotAPriority)
    }
}

// === impl Urgency ===

impl Urgency {
    /// The wire name, `high` or `low`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1_sorts_first_and_min_is_the_more_urgent() {
        let mut list = [Priority::P3, Priority::P1, Priority::P5];
        list.sort();
        assert_eq!(list, [Priority::P1, Priority::P3, Priority::P5]);
        assert_eq!(Priority::P4.min(Priority::P2), Priority::P2);
    }

    #[test]
    fn every_built_in_word_has_the_priority_of_the_table() {
        let table = [
            ("critical disaster emergency fatal down p1", Priority::P1),
            ("error high major unreachable p2", Priority::P2),
            ("warning warn average minor unknown p3", Priority::P3),
            ("low notice p4", Priority::P4),
            ("info information informational none debug ok p5", Priority::P5),
        ];
        for (words, priority) in table {
            for word in words.split(' ') {
                assert_eq!(Priority::from_word(word), Some(priority), "{word}");
                assert_eq!(Priority::from_word(&format!(" {} ", word.to_uppercase())), Some(priority), "{word}");
            }
        }
    }

    #[test]
    fn numbers_are_not_in_the_built_in_table() {
        for number in ["0", "1", "2", "3", "4", "5"] {
            assert_eq!(Priority::from_word(number), None);
        }
    }

    #[test]
    fn p1_to_p3_are_high_and_the_rest_low() {
        let urgencies = Priority::ALL.map(Priority::urgency);
        assert_eq!(urgencies, [Urgency::High, Urgency::High, Urgency::High, Urgency::Low, Urgency::Low]);
    }

    #[test]
    fn wire_names_are_p1_to_p5() {
        for priority in Priority::ALL {
            let json = serde_json::to_string(&priority).unwrap();
            assert_eq!(json, format!("\"{priority}\""));
            assert_eq!(priority.as_str().parse(), Ok(priority));
        }
        assert_eq!("p9".parse::<Priority>(), Err(NotAPriority));
    }
}
