//! What lists look at of every token, packed together: walking 100,000 tokens one pointer after the other costs more than
//! everything else that a page needs.

use std::sync::Arc;

use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Owner, Scope};

use crate::core::model::Token;

/// A token, or what one left, with its brief.
#[derive(Clone)]
pub struct Listed<T> {
    /// The whole.
    pub object: Arc<T>,
    /// What decides in most lists.
    pub brief: Brief,
}

/// The fields that most filters and orders ask for.
#[derive(Clone)]
pub struct Brief {
    /// What it reaches.
    pub scope: Scope,
    /// Whose it is.
    pub owner: Owner,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The first bytes of its name's key as a number: names that differ there need not be fetched.
    head: u128,
    /// Name, id, creator, description in lower case, one after the other.
    words: Arc<str>,
}

/// Divides the words; a name holds no line end.
const DIVIDER: char = '\n';

impl Brief {
    /// The brief of a token.
    pub fn of(token: &Token) -> Self {
        let name = token.name.key();
        let words = [name.as_str(), &token.id.as_str().to_lowercase(), &token.created_by.to_lowercase()];
        let description = token.description.to_lowercase();
        let words = format!("{}{DIVIDER}{description}", words.join("\n"));
        Self {
            scope: token.scope,
            owner: token.owner,
            expires_at: token.expires_at,
            head: head_of(&name),
            words: words.into(),
        }
    }

    /// Where the name stands among others, as far as its first bytes tell.
    pub fn head(&self) -> u128 {
        self.head
    }

    /// The name's key.
    pub fn name(&self) -> &str {
        self.words.split(DIVIDER).next().unwrap_or_default()
    }

    /// Name, id, creator and description in lower case; the lines of a description one by one.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.split(DIVIDER)
    }
}

/// The first 16 bytes of a name's key, the first the most significant: numbers are in the order of the names.
pub fn head_of(name: &str) -> u128 {
    let mut head = [0; 16];
    head.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
    u128::from_be_bytes(head)
}
