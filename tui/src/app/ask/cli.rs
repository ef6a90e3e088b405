//! The command that is equal to a change of many.

use super::super::forms;
use super::super::words;
use super::{Ask, IncidentsDeed, TokensDeed, What};

/// References of one command: a query of more of them would be longer than a query may be.
const AT_ONCE: usize = 40;

impl Ask {
    /// The command that does the same; several where one would be too long.
    #[must_use]
    pub fn cli(&self) -> String {
        let ids: Vec<&str> = self.taken().map(|line| line.id.as_str()).collect();
        let reason = |option: &str| match self.reason.text().trim() {
            "" => String::new(),
            text => format!(" {option} {}", words::shell(text)),
        };
        match &self.what {
            What::Undo(_, _, line) => line.clone(),
            What::Tokens(TokensDeed::Refresh) => format!("tollgate token refresh {} --yes", ids.join(" ")),
            What::Tokens(TokensDeed::Edit(patch, _)) => {
                let options = forms::options_of(patch);
                let lines = ids.iter().map(|id| format!("tollgate token edit {id}{options}"));
                lines.collect::<Vec<_>>().join(" && ")
            }
            What::Tokens(deed) => {
                let verb = match deed {
                    TokensDeed::Revoke => "revoke",
                    TokensDeed::Suspend => "suspend",
                    _ => "resume",
                };
                let reason = if matches!(deed, TokensDeed::Resume) { String::new() } else { reason("--reason") };
                let line = |ids: &[&str]| {
                    let query = ids.iter().map(|id| format!("id:{id}")).collect::<Vec<_>>().join(" or ");
                    let (query, count) = (words::shell(&query), ids.len());
                    format!("tollgate token {verb} --query {query} --confirm-count {count}{reason}")
                };
                ids.chunks(AT_ONCE).map(line).collect::<Vec<_>>().join(" && ")
            }
            What::Incidents(deed) => {
                let (verb, comment) = match deed {
                    IncidentsDeed::Acknowledge => ("ack", String::new()),
                    IncidentsDeed::Unacknowledge => ("unack", String::new()),
                    IncidentsDeed::Resolve => ("resolve", reason("--comment")),
                };
                format!("tollgate incident {verb} {}{comment}", ids.join(" "))
            }
        }
    }
}
