//! Unix users by name and uid, from the text of `/etc/passwd`: a static binary has no other way to ask (crates.md).

use std::collections::HashMap;

/// The users of one reading of the file. Of two lines for one uid or one name the first counts, as everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passwd {
    uids: HashMap<String, u32>,
    names: HashMap<u32, String>,
}

impl Passwd {
    /// Reads the text; lines that are none are skipped, as the C library does.
    pub fn parse(text: &str) -> Self {
        let mut users = Self::default();
        for line in text.lines().filter(|line| !line.starts_with(['#', '+', '-'])) {
            let mut fields = line.split(':');
            let (name, uid) = (fields.next(), fields.nth(1).and_then(|uid| uid.parse::<u32>().ok()));
            if let (Some(name), Some(uid)) = (name.filter(|name| !name.is_empty()), uid) {
                users.uids.entry(name.to_owned()).or_insert(uid);
                users.names.entry(uid).or_insert_with(|| name.to_owned());
            }
        }
        users
    }

    /// The uid of a name.
    pub fn uid_of(&self, name: &str) -> Option<u32> {
        self.uids.get(name).copied()
    }

    /// The name of a uid; empty where none is known.
    pub fn name_of(&self, uid: u32) -> &str {
        self.names.get(&uid).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_uids_are_found_both_ways_and_the_first_line_counts() {
        let users =
            Passwd::parse("root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/:/bin/sh\ntoor:x:0:0::/:\nbroken\n+nis::\n");
        assert_eq!((users.uid_of("anna"), users.name_of(1_000)), (Some(1_000), "anna"));
        assert_eq!((users.name_of(0), users.uid_of("toor")), ("root", Some(0)));
        assert_eq!((users.uid_of("ben"), users.name_of(7)), (None, ""));
    }
}
