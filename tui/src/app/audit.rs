//! The Audit screen: who changed what, newest first.

use tollgate_shared::api::AuditVerdict;
use tollgate_shared::audit::AuditRow;

use super::cursor::Cursor;
use super::msg::AuditPage;
use super::words;

/// Rows that are kept; older ones are asked for again when somebody goes there.
pub const ROWS_MAX: usize = 20_000;
/// Older rows are asked for when the mark comes this close to the last one.
const AHEAD: usize = 30;

/// Which rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<String>,
    pub action: Option<String>,
    pub target: Option<String>,
    /// As it was typed, and in seconds.
    pub since: Option<(String, u64)>,
}

/// What is known of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Chain {
    #[default]
    Unknown,
    Walking,
    Walked(Box<AuditVerdict>),
    Failed(String),
}

/// The screen.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Newest first.
    pub rows: Vec<AuditRow>,
    pub cursor: Cursor<u64>,
    pub filter: AuditFilter,
    pub search: String,
    pub loaded: bool,
    /// There are older rows before this seq.
    pub next: Option<u64>,
    /// The question that is under way.
    pub asked: Option<u64>,
    /// Why it cannot be read.
    pub refused: Option<String>,
    pub chain: Chain,
}

impl AuditFilter {
    /// Reads a line such as `actor:anna action:token. since:30d`.
    ///
    /// # Errors
    /// A sentence that names the word and what would be right.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut filter = Self::default();
        for word in line.split_whitespace() {
            match word.split_once(':') {
                Some(("actor", value)) if !value.is_empty() => filter.actor = Some(value.to_owned()),
                Some(("action", value)) if !value.is_empty() => filter.action = Some(value.to_owned()),
                Some(("target", value)) if !value.is_empty() => filter.target = Some(value.to_owned()),
                Some(("since", value)) => {
                    let secs = humantime::parse_duration(value).map(|since| since.as_secs());
                    let secs = secs.map_err(|_| format!("since:{value}: write a time such as 15m, 48h or 30d"))?;
                    filter.since = Some((value.to_owned(), secs));
                }
                _ => return Err(format!("`{word}`: write actor:NAME action:token.revoke target:OBJECT since:30d")),
            }
        }
        Ok(filter)
    }

    /// The line that [`AuditFilter::parse`] reads.
    #[must_use]
    pub fn line(&self) -> String {
        self.pairs().map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join(" ")
    }

    /// The same as options of `tollgate audit`.
    #[must_use]
    pub fn options(&self) -> String {
        self.pairs().map(|(name, value)| format!(" --{name} {}", words::shell(value))).collect()
    }

    fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let since = self.since.as_ref().map(|(text, _)| text.as_str());
        let all = [
            ("actor", self.actor.as_deref()),
            ("action", self.action.as_deref()),
            ("target", self.target.as_deref()),
            ("since", since),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

impl Audit {
    /// Takes a page. The newest ones come on top of what is there; where they do not meet it, they replace it.
    pub fn take(&mut self, page: AuditPage) {
        self.loaded = true;
        self.refused = None;
        if page.newest {
            self.take_newest(page);
        } else {
            self.take_older(page);
        }
        let rows = &self.rows;
        self.cursor.relocate(rows.len(), |at| rows[at].seq);
    }

    fn take_newest(&mut self, page: AuditPage) {
        let newest = self.rows.first().map_or(0, |row| row.seq);
        let meets = page.rows.iter().any(|row| row.seq <= newest);
        if !meets || newest == 0 {
            (self.rows, self.next) = (page.rows, page.next);
            return;
        }
        let fresh = page.rows.into_iter().take_while(|row| row.seq > newest);
        self.rows.splice(0..0, fresh);
    }

    fn take_older(&mut self, page: AuditPage) {
        let oldest = self.rows.last().map_or(u64::MAX, |row| row.seq);
        self.rows.extend(page.rows.into_iter().filter(|row| row.seq < oldest));
        self.next = page.next.filter(|_| self.rows.len() < ROWS_MAX);
    }

    /// Older rows are wanted: the mark comes near the end of those that are here.
    #[must_use]
    pub fn wants_older(&self) -> Option<u64> {
        let near = self.cursor.index + AHEAD >= self.rows.len();
        self.next.filter(|_| self.loaded && near && self.asked.is_none())
    }

    #[must_use]
    pub fn selected(&self) -> Option<&AuditRow> {
        self.rows.get(self.cursor.index)
    }

    pub fn step(&mut self, by: isize) {
        let rows = &self.rows;
        self.cursor.step(by, rows.len(), |at| rows[at].seq);
    }

    pub fn go(&mut self, index: usize) {
        let rows = &self.rows;
        self.cursor.go(index, rows.len(), |at| rows[at].seq);
    }

    #[must_use]
    pub fn find(&self, forward: bool, from_here: bool) -> Option<usize> {
        let text = self.search.to_lowercase();
        let holds = |row: &AuditRow| {
            [&row.actor, &row.action, &row.target, &row.detail].iter().any(|hay| hay.to_lowercase().contains(&text))
        };
        words::find(self.rows.len(), self.cursor.index, forward, from_here, |at| {
            !text.is_empty() && holds(&self.rows[at])
        })
    }
}

/// The chain in a few words.
#[must_use]
pub fn chain_words(chain: &Chain) -> String {
    match chain {
        Chain::Unknown => "chain not walked: V".to_owned(),
        Chain::Walking => "walking the chain".to_owned(),
        Chain::Walked(verdict) if verdict.intact => format!("chain INTACT, {} rows", words::group(verdict.rows)),
        Chain::Walked(verdict) => match verdict.broken_at {
            Some(seq) => format!("chain BROKEN at row {seq} !"),
            None => "chain BROKEN !".to_owned(),
        },
        Chain::Failed(why) => format!("chain not walked: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: u64) -> AuditRow {
        super::super::fixtures::audit_row(seq)
    }

    fn page(seqs: std::ops::RangeInclusive<u64>, newest: bool) -> AuditPage {
        let next = (*seqs.start() > 1).then_some(*seqs.start());
        AuditPage { rows: seqs.rev().map(row).collect(), next, newest }
    }

    fn seqs(audit: &Audit) -> Vec<u64> {
        audit.rows.iter().map(|row| row.seq).collect()
    }

    #[test]
    fn a_line_reads_back_what_it_wrote_and_a_wrong_word_is_named() {
        let line = "actor:anna action:token. target:zabbix since:30d";
        let filter = AuditFilter::parse(line).unwrap();
        assert_eq!(filter.line(), line);
        assert_eq!(filter.options(), " --actor anna --action token. --target zabbix --since 30d");
        for (line, part) in [("who:anna", "who:anna"), ("since:soon", "15m"), ("anna", "actor:NAME")] {
            assert!(AuditFilter::parse(line).unwrap_err().contains(part), "{line}");
        }
    }

    #[test]
    fn newer_rows_come_on_top_older_ones_behind_and_none_comes_twice() {
        let mut audit = Audit::default();
        audit.take(page(50..=60, true));
        audit.go(3);
        audit.take(page(52..=63, true));
        assert_eq!((seqs(&audit)[0], audit.rows.len(), audit.selected().unwrap().seq), (63, 14, 57));
        audit.take(page(40..=50, false));
        assert_eq!((seqs(&audit).last(), audit.rows.len()), (Some(&40), 24));
        assert!(seqs(&audit).windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn rows_that_do_not_meet_what_is_there_replace_it() {
        let mut audit = Audit::default();
        audit.take(page(1..=10, true));
        audit.take(page(900..=1_000, true));
        assert_eq!((audit.rows.len(), audit.next), (101, Some(900)));
        assert_eq!(audit.wants_older(), None);
        audit.go(90);
        assert_eq!(audit.wants_older(), Some(900));
    }
}
