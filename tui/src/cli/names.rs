//! Names of tokens in tables: a row of the log carries the token's id alone.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tollgate_shared::id::TokenId;
use tollgate_shared::log::LogRow;

use super::args::Format;
use super::context::Context;

/// Names that were asked for. Machines get ids: only a table has names.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<TokenId, String>);

impl Names {
    /// Asks for those of these rows that are not known yet. A token that cannot be seen stays an id.
    pub(super) async fn learn(&mut self, cx: &Context<'_>, rows: &[LogRow]) {
        if cx.format != Format::Table || cx.csv {
            return;
        }
        for row in rows {
            if let Entry::Vacant(unknown) = self.0.entry(row.token) {
                let token = cx.client.token(row.token.as_str()).await;
                unknown.insert(token.map_or_else(|_| row.token.to_string(), |token| token.name));
            }
        }
    }

    /// The token's name, or its id.
    pub(super) fn of(&self, token: TokenId) -> String {
        self.0.get(&token).cloned().unwrap_or_else(|| token.to_string())
    }
}
