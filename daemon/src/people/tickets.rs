//! Tickets: what a sign-in leaves in the hand of the program that signed in, so that its further connections need neither
//! the passphrase, nor its slow hash, nor an audit row each.
//!
//! In memory only: a restart ends them. A ticket is of one uid; with another one it opens nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::edge::Subject;

/// A ticket ends by itself after this long: a shift and a handover.
const LIFE_SECS: i64 = 24 * 3_600;

/// Tickets remembered; the oldest goes.
const ENTRIES_MAX: usize = 1_024;

const BYTES: usize = 32;

/// Tickets, by their hash: the daemon itself cannot show one.
#[derive(Default)]
pub struct Tickets(Mutex<HashMap<[u8; 32], Entry>>);

#[derive(Clone, Copy)]
struct Entry {
    subject: Subject,
    uid: u32,
    issued: Timestamp,
}

impl Tickets {
    /// Makes one for somebody who has just proved who he is.
    ///
    /// # Errors
    /// `internal` where the system gives no random bytes.
    pub fn issue(
        &self,
        id: Uuid,
        proof: [u8; 32],
        uid: u32,
        now: Timestamp,
    ) -> Result<(Zeroizing<String>, Subject), Problem> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        getrandom::fill(bytes.as_mut_slice())
            .map_err(|_| Problem::new(Slug::Internal, "the system gives no random bytes; nobody was signed in"))?;
        let ticket = Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let digest = *blake3::hash(ticket.as_bytes()).as_bytes();
        let subject = Subject { id, proof, ticket: digest };
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| now.secs_since(entry.issued) < LIFE_SECS);
        if entries.len() >= ENTRIES_MAX {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.issued).map(|(digest, _)| *digest);
            oldest.map(|oldest| entries.remove(&oldest));
        }
        entries.insert(digest, Entry { subject, uid, issued: now });
        Ok((ticket, subject))
    }

    /// Who shows it, where it is one of this uid and has not ended.
    pub fn subject(&self, ticket: &str, uid: u32, now: Timestamp) -> Option<Subject> {
        let digest = *blake3::hash(ticket.as_bytes()).as_bytes();
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&digest).filter(|entry| entry.uid == uid)?;
        (now.secs_since(entry.issued) < LIFE_SECS).then_some(entry.subject)
    }

    /// It opens nothing more.
    pub fn end(&self, subject: Subject) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&subject.ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing::START;

    fn issue(tickets: &Tickets, uid: u32, now: Timestamp) -> (Zeroizing<String>, Subject) {
        tickets.issue(Uuid::from_u128(7), [1; 32], uid, now).map_err(|_| ()).unwrap()
    }

    #[test]
    fn a_ticket_is_of_one_uid_and_ends_with_the_day_or_the_sign_out() {
        let tickets = Tickets::default();
        let (ticket, subject) = issue(&tickets, 1_000, START);
        let shown = |uid, secs| tickets.subject(&ticket, uid, START.plus_secs(secs));
        assert_eq!(shown(1_000, 60), Some(subject));
        assert_eq!(shown(1_001, 60), None);
        assert_eq!(shown(1_000, LIFE_SECS), None);
        assert_eq!(tickets.subject("", 1_000, START), None);
        tickets.end(subject);
        assert_eq!(shown(1_000, 60), None);
    }

    #[test]
    fn the_memory_of_tickets_is_bounded_and_the_oldest_goes() {
        let tickets = Tickets::default();
        let (first, _) = issue(&tickets, 1, START);
        for n in 1..=ENTRIES_MAX {
            issue(&tickets, 1, START.plus_secs(n as i64));
        }
        assert_eq!(tickets.0.lock().unwrap().len(), ENTRIES_MAX);
        assert_eq!(tickets.subject(&first, 1, START), None);
    }
}
