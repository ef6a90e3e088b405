//! Queries that were asked before, for the arrow keys.

use std::collections::VecDeque;

/// Queries that are kept.
const KEPT: usize = 50;

/// The queries, the newest last, each once. It holds no secret: a text with one is no query.
#[derive(Clone, Debug, Default)]
pub struct QueryHistory(VecDeque<String>);

impl QueryHistory {
    pub fn remember(&mut self, query: &str) {
        if query.is_empty() {
            return;
        }
        self.0.retain(|old| old != query);
        self.0.push_back(query.to_owned());
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    #[must_use]
    pub const fn queries(&self) -> &VecDeque<String> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_has_each_query_once_and_an_end() {
        let mut history = QueryHistory::default();
        (0..60).for_each(|n| history.remember(&format!("seq:{n}")));
        history.remember("seq:20");
        history.remember("");
        let queries = history.queries();
        assert_eq!((queries.len(), queries.back().map(String::as_str)), (50, Some("seq:20")));
    }
}
