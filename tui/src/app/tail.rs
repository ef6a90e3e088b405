//! Rows of the log as they arrive: contiguous, bounded, and honest about what is missing.

use std::collections::VecDeque;
use std::sync::Arc;

use tollgate_shared::log::{Gap, GapReason, LogRow, TailItem};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use super::cursor::Cursor;
use super::held::{HeldItem, HeldRow};
use super::query::LogFilter;
use super::words;

mod again;
mod page;

pub use again::{Away, Left};
pub use page::{Page, Sought};

/// The ring holds no more rows than this,
pub const ROWS_MAX: usize = 20_000;
/// and no more bytes than this: there are two lists, and the console is to stay under 32 MiB.
pub const BYTES_MAX: usize = 8 << 20;

/// One line of the list.
#[derive(Clone, Debug)]
pub enum Entry {
    Row(Arc<HeldRow>),
    /// Rows that are not here, and why.
    Gap(Gap),
}

impl Entry {
    /// What selection goes by: the row's seq, a gap's first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        match self {
            Self::Row(row) => row.seq(),
            Self::Gap(gap) => gap.from,
        }
    }

    /// The row's seq, a gap's last.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        match self {
            Self::Row(row) => row.seq(),
            Self::Gap(gap) => gap.to,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Row(row) => row.bytes(),
            Self::Gap(_) => 64,
        }
    }
}

/// A list that follows the log.
///
/// The list is a stretch of the rows that were asked for, without holes but for gap rows. While it reaches the live end,
/// what arrives is put behind it. While it does not (it was scrolled far up, or the operator went to another time), what
/// arrives is only counted, and newer rows are asked for when the mark comes near the end.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    pub entries: VecDeque<Entry>,
    bytes: usize,
    /// The list shows its end; otherwise the mark stands on a row and the list stays.
    pub paused: bool,
    /// Rows that came since the pause.
    pub newer: u64,
    pub cursor: Cursor<u64>,
    /// What was asked for.
    pub filter: LogFilter,
    /// Answers of another number are of an older question.
    pub generation: u64,
    /// Where to go on after a lost connection.
    resume: Option<String>,
    last_seq: u64,
    /// The daemon's refusal of the question.
    pub refused: Option<String>,
    /// Something has been heard since the question.
    pub loaded: bool,
    /// There are no rows before the first.
    pub at_start: bool,
    /// The live end is not in the list; rows up to this seq came meanwhile.
    detached: Option<u64>,
    /// Gaps that the stream told while the live end was not in the list.
    apart: Vec<Gap>,
    /// The page that is being fetched, and the number of the question.
    loading: Option<(u64, Page)>,
    /// No row that is still to come can be asked for, so there is no live end.
    pub is_over: bool,
    /// The last page did not come; the next step asks again.
    broken: bool,
    /// Where another console left this list; asked for with the first connection.
    pub left: Option<Left>,
    /// The row that it was being read at, until it is here.
    pub again: Option<u64>,
    /// What came between the two consoles.
    pub away: Option<Away>,
    /// Rows before the first that were erased between the two.
    expired: Option<Gap>,
}

/// Gaps that are kept while the live end is not in the list.
const GAPS_APART_MAX: usize = 64;
/// More rows than any screen shows on one side of the mark.
const AROUND: usize = 200;
/// Rows from the first at which older ones are asked for.
const OLDER_AHEAD: usize = 20;

impl Tail {
    /// Begins a new question; what was shown belongs to the old one.
    pub fn ask(&mut self, filter: LogFilter, generation: u64) {
        *self = Self { filter, generation, ..Self::default() };
    }

    /// Where the next connection goes on.
    #[must_use]
    pub fn after(&self) -> Option<String> {
        self.resume.clone()
    }

    /// The last seq that is accounted for.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// True while what arrives is put behind the list.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.detached.is_none()
    }

    /// Takes what came, in order. A row that is here already is not taken again.
    pub fn take(&mut self, items: Vec<HeldItem>) {
        self.loaded = true;
        for item in items {
            match item {
                TailItem::Row(row) if row.seq() > self.last_seq => self.arrive(Entry::Row(Arc::from(row))),
                TailItem::Gap(gap) if gap.to > self.last_seq => self.arrive(Entry::Gap(gap)),
                TailItem::Row(_) | TailItem::Gap(_) | TailItem::End(_) => {}
                TailItem::Heartbeat(beat) => self.resume = Some(beat.cursor),
            }
        }
        self.shrink();
        self.place();
    }

    /// Follows again, or stays on the marked row. False where the live end is not here: it has to be asked for.
    pub fn set_paused(&mut self, paused: bool) -> bool {
        if !paused && self.detached.is_some() {
            return false;
        }
        self.away = None;
        self.paused = paused && !self.entries.is_empty();
        if !self.paused {
            self.newer = 0;
        }
        self.place();
        true
    }

    /// Moves the mark. Up pauses; reaching the end does not follow by itself, so that nothing moves unasked.
    pub fn step(&mut self, by: isize) {
        if self.entries.is_empty() {
            return;
        }
        (self.paused, self.broken, self.away) = (true, false, None);
        let len = self.entries.len();
        let entries = &self.entries;
        self.cursor.step(by, len, |at| entries[at].seq());
        self.forget_behind(by);
    }

    /// Puts the mark on a row and stays there.
    pub fn go(&mut self, index: usize) {
        (self.paused, self.away) = (!self.entries.is_empty(), None);
        let (len, entries) = (self.entries.len(), &self.entries);
        self.cursor.go(index, len, |at| entries[at].seq());
    }

    /// Moves the mark to the next or previous row that failed: no match, or refused. False if there is none here.
    pub fn step_to_error(&mut self, forward: bool) -> bool {
        let is_error = |at: &usize| match &self.entries[*at] {
            Entry::Row(row) => is_failure(row.became()),
            Entry::Gap(_) => true,
        };
        let here = self.cursor.index;
        let found = if forward {
            (here + 1..self.entries.len()).find(is_error)
        } else {
            (0..here.min(self.entries.len())).rev().find(is_error)
        };
        found.map(|index| self.go(index)).is_some()
    }

    /// The page that the mark is near to and that is not here.
    #[must_use]
    pub fn wanted(&self) -> Option<Page> {
        let (first, last) = (self.entries.front()?, self.entries.back()?);
        if self.loading.is_some() || !self.paused || self.broken {
            return None;
        }
        if self.cursor.index < OLDER_AHEAD && !self.at_start {
            return Some(Page::Older { before: first.seq() });
        }
        let near_end = self.cursor.index + 2 >= self.entries.len();
        (self.detached.is_some() && near_end).then(|| Page::Newer { after: last.last_seq() })
    }

    /// Notes that a page was asked for; an answer to an earlier question is not awaited any more.
    pub fn begin(&mut self, number: u64, page: Page) {
        self.loading = Some((number, page));
    }

    /// The page that is being fetched.
    #[must_use]
    pub fn loading(&self) -> Option<Page> {
        self.loading.map(|(_, page)| page)
    }

    /// The page that the answer of this number is about; `None` if it is not awaited.
    pub fn end(&mut self, number: u64) -> Option<Page> {
        self.loading.take_if(|(awaited, _)| *awaited == number).map(|(_, page)| page)
    }

    /// No page comes: the connection is lost, or the daemon refused.
    pub fn give_up(&mut self) {
        (self.loading, self.broken) = (None, true);
    }

    /// No answer is awaited any more, and asking again may help.
    pub fn forget_page(&mut self) {
        (self.loading, self.broken) = (None, false);
    }

    /// Rows that came since the pause and lie below the mark.
    #[must_use]
    pub fn newer_below(&self) -> u64 {
        let below = self.entries.len().saturating_sub(self.cursor.index + 1) as u64;
        if self.is_live() { self.newer.min(below) } else { self.newer }
    }

    /// Takes a page that was asked for; `more`: the daemon has further rows in that direction.
    pub fn take_page(&mut self, page: Page, rows: Vec<LogRow>, more: bool) {
        match page {
            Page::Older { before } => self.take_older(before, rows, more),
            Page::Newer { .. } => self.take_newer(rows, more),
            Page::Gap { from, to } => self.fill_gap(from, to, rows, more),
            Page::From(_) => self.replace(rows, more, false),
            Page::UpTo(_) => self.replace(rows, true, true),
            Page::Again(_) => self.read_again(rows),
            Page::Newest => {
                self.replace(rows, false, true);
                (self.is_over, self.at_start, self.detached, self.paused) = (true, !more, None, false);
            }
            // These two only say where to go.
            Page::LastBefore(..) | Page::FirstAfter(..) => {}
        }
        self.shrink();
        self.place();
    }

    #[must_use]
    pub fn selected(&self) -> Option<&Entry> {
        let entry = self.entries.get(self.cursor.index)?;
        (Some(entry.seq()) == self.cursor.key).then_some(entry)
    }

    #[must_use]
    pub fn selected_row(&self) -> Option<&Arc<HeldRow>> {
        match self.selected()? {
            Entry::Row(row) => Some(row),
            Entry::Gap(_) => None,
        }
    }

    /// The rows that are here, gaps left out.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &Arc<HeldRow>> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Row(row) => Some(row),
            Entry::Gap(_) => None,
        })
    }

    /// A row by its seq.
    #[must_use]
    pub fn by_seq(&self, seq: u64) -> Option<&Arc<HeldRow>> {
        match self.entries.get(self.index_of(seq)?)? {
            Entry::Row(row) => Some(row),
            Entry::Gap(_) => None,
        }
    }

    /// Where a seq stands.
    #[must_use]
    pub fn index_of(&self, seq: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&seq, Entry::seq).ok()
    }

    /// What the stream brought: behind the list, or only counted.
    fn arrive(&mut self, entry: Entry) {
        self.count_away(&entry);
        self.last_seq = entry.last_seq();
        self.resume = Some(self.last_seq.to_string());
        if self.paused && matches!(entry, Entry::Row(_)) {
            self.newer += 1;
        }
        match (&mut self.detached, entry) {
            (Some(missed), Entry::Row(row)) => *missed = row.seq(),
            (Some(_), Entry::Gap(gap)) => self.set_apart(gap),
            (None, entry) => self.push(entry),
        }
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
    }

    /// Keeps a gap until the list comes to it. Of too many the last two become one.
    fn set_apart(&mut self, gap: Gap) {
        let is_full = self.apart.len() >= GAPS_APART_MAX;
        match self.apart.last_mut().filter(|_| is_full) {
            Some(last) => *last = Gap { to: gap.to, count: last.count + gap.count, ..*last },
            None => self.apart.push(gap),
        }
    }

    fn take_older(&mut self, before: u64, rows: Vec<LogRow>, more: bool) {
        if self.entries.front().map(Entry::seq) != Some(before) {
            return;
        }
        self.at_start = !more;
        for row in rows.into_iter().rev().filter(|row| row.seq < before) {
            let entry = Entry::Row(Arc::new(row.into()));
            self.bytes += entry.bytes();
            self.entries.push_front(entry);
            self.cursor.index += 1;
            self.cursor.top += 1;
        }
        self.tell_expired();
    }

    fn take_newer(&mut self, rows: Vec<LogRow>, more: bool) {
        let Some(end) = self.entries.back().map(Entry::last_seq) else { return };
        for row in rows.into_iter().filter(|row| row.seq > end) {
            self.insert_apart(row.seq);
            self.push(Entry::Row(Arc::new(row.into())));
        }
        let end = self.entries.back().map_or(end, Entry::last_seq);
        if !more && self.detached.is_some_and(|missed| missed <= end) {
            self.insert_apart(u64::MAX);
            self.apart.clear();
            self.detached = None;
            self.count_ahead(end);
        }
    }

    /// Puts the gaps that lie before `seq` behind the list. What a slow reader missed has come with the page.
    fn insert_apart(&mut self, seq: u64) {
        let end = self.entries.back().map_or(0, Entry::last_seq);
        let passed: Vec<Gap> = self.apart.extract_if(.., |gap| gap.to < seq).collect();
        for gap in passed.into_iter().filter(|gap| gap.reason != GapReason::SlowReader && gap.from > end) {
            self.push(Entry::Gap(gap));
        }
    }

    fn fill_gap(&mut self, from: u64, to: u64, rows: Vec<LogRow>, more: bool) {
        let is_gap = |entry: &Entry| matches!(entry, Entry::Gap(gap) if gap.from == from && gap.to == to);
        let Some(at) = self.entries.iter().position(is_gap) else { return };
        let mut behind = self.entries.split_off(at);
        let Some(Entry::Gap(gap)) = behind.pop_front() else { return };
        self.bytes -= 64;
        let mut found = 0;
        for row in rows.into_iter().filter(|row| (from..=to).contains(&row.seq)) {
            found += 1;
            self.push(Entry::Row(Arc::new(row.into())));
        }
        let end = self.entries.back().map_or(from, Entry::last_seq);
        if more && found > 0 && end < to {
            self.push(Entry::Gap(Gap { from: end + 1, count: gap.count.saturating_sub(found).max(1), ..gap }));
        } else if found == 0 && self.filter.asked("").is_none() && self.filter.token.is_none() {
            // Nothing was left out by a filter, so the rows are not in the log any more.
            self.push(Entry::Gap(Gap { reason: GapReason::Expired, ..gap }));
        }
        self.entries.append(&mut behind);
    }

    /// Shows other rows; the stream goes on and is counted.
    fn replace(&mut self, rows: Vec<LogRow>, more: bool, mark_last: bool) {
        self.entries.clear();
        self.apart.clear();
        (self.bytes, self.at_start, self.loaded) = (0, false, true);
        rows.into_iter().for_each(|row| self.push(Entry::Row(Arc::new(row.into()))));
        let end = self.entries.back().map_or(0, Entry::last_seq);
        self.detached = (more || end < self.last_seq).then_some(self.last_seq);
        self.last_seq = self.last_seq.max(end);
        (self.newer, self.cursor) = (0, Cursor::default());
        self.go(if mark_last { self.entries.len().saturating_sub(1) } else { 0 });
    }

    /// What has been scrolled out of any screen need not stay read.
    fn forget_behind(&mut self, by: isize) {
        let (here, moved) = (self.cursor.index, by.unsigned_abs());
        let passed = if by > 0 {
            here.saturating_sub(AROUND + moved)..here.saturating_sub(AROUND)
        } else {
            here.saturating_add(AROUND)..here.saturating_add(AROUND + moved)
        };
        for entry in self.entries.iter_mut().skip(passed.start).take(passed.len()) {
            // A row that something else holds too, as a comparison does, stays read.
            if let Entry::Row(row) = entry {
                Arc::get_mut(row).into_iter().for_each(HeldRow::forget);
            }
        }
    }

    /// Drops rows beyond the bounds: at the top, but never those that are being read.
    fn shrink(&mut self) {
        while self.entries.len() > ROWS_MAX || self.bytes > BYTES_MAX {
            let at_top = !self.paused || self.cursor.index > self.entries.len() / 2;
            let gone = if at_top { self.entries.pop_front() } else { self.entries.pop_back() };
            let Some(entry) = gone else { return };
            self.bytes -= entry.bytes();
            if at_top {
                self.at_start = false;
                self.cursor.index = self.cursor.index.saturating_sub(1);
                self.cursor.top = self.cursor.top.saturating_sub(1);
            } else {
                self.detached = self.detached.max(Some(entry.last_seq()));
            }
        }
    }

    fn place(&mut self) {
        let (len, entries) = (self.entries.len(), &self.entries);
        if self.paused {
            self.cursor.relocate(len, |at| entries[at].seq());
        } else {
            self.cursor.go(len.saturating_sub(1), len, |at| entries[at].seq());
        }
    }
}

/// A call that had no effect it should have had.
#[must_use]
pub fn is_failure(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::NoMatch | Outcome::Rejected)
}

/// A gap in words.
#[must_use]
pub fn gap_words(gap: &Gap) -> String {
    let why = match gap.reason {
        GapReason::SlowReader => "this console did not keep up",
        GapReason::Expired => "older than 48 h, erased",
        GapReason::Shed => "dropped by the daemon: short of disk",
        GapReason::Lost => "lost: their write failed",
    };
    format!("{} not shown: {why}", words::count(gap.count, "row"))
}

/// True where the rows of a gap may still be in the daemon.
#[must_use]
pub fn can_load(gap: &Gap) -> bool {
    gap.reason == GapReason::SlowReader
}

/// `this row is erased in 47 h 58 m`.
#[must_use]
pub fn retention(row: &LogRow, now: Timestamp) -> String {
    let left = tollgate_shared::limits::LOG_ROW_SECS - now.secs_since(row.at);
    format!("this row is erased in {}", words::countdown(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;
    use proptest::prelude::*;

    /// What may happen to a list, against a log of contiguous rows.
    #[derive(Clone, Debug)]
    enum Event {
        Arrive(u64),
        Step(isize),
        Follow,
        Answer,
        UpTo(u64),
        From(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            3 => (1..40u64).prop_map(Event::Arrive),
            4 => (-60..60isize).prop_map(Event::Step),
            1 => Just(Event::Follow),
            4 => Just(Event::Answer),
            1 => (1..300u64).prop_map(Event::UpTo),
            1 => (1..300u64).prop_map(Event::From),
        ]
    }

    fn rows(seqs: impl Iterator<Item = u64>) -> Vec<LogRow> {
        seqs.map(fixtures::row).collect()
    }

    /// As the daemon answers, 20 rows a page.
    fn answer(page: Page, newest: u64) -> (Vec<LogRow>, bool) {
        match page {
            Page::Older { before } => {
                let from = before.saturating_sub(20).max(1);
                (rows(from..before.min(newest + 1)), from > 1)
            }
            Page::Newer { after } => {
                let to = (after + 20).min(newest);
                (rows(after + 1..=to), to == after + 20)
            }
            Page::UpTo(seq) => {
                let to = seq.min(newest);
                (rows(to.saturating_sub(19).max(1)..=to), to > 20)
            }
            Page::From(at) => {
                let from = at.secs_since(fixtures::row(0).at).unsigned_abs().max(1);
                let to = (from + 19).min(newest);
                (rows(from..=to), to == from + 19)
            }
            _ => (Vec::new(), false),
        }
    }

    proptest! {
        #[test]
        fn the_list_is_always_a_stretch_of_the_log_and_ends_at_its_end_while_it_is_live(
            events in prop::collection::vec(event(), 1..60)
        ) {
            let mut tail = Tail::default();
            let (mut newest, mut number) = (0, 0);
            for event in events {
                match event {
                    Event::Arrive(count) => {
                        let came = rows(newest + 1..=newest + count);
                        newest += count;
                        tail.take(came.into_iter().map(|row| TailItem::Row(row.into())).collect());
                    }
                    Event::Step(by) => tail.step(by),
                    Event::Follow => drop(tail.set_paused(false)),
                    Event::UpTo(seq) if newest > 0 => tail.begin(number, Page::UpTo(seq)),
                    Event::From(seq) if seq <= newest => tail.begin(number, Page::From(fixtures::row(seq).at)),
                    Event::Answer => {
                        if let Some(page) = tail.end(number) {
                            let (rows, more) = answer(page, newest);
                            tail.take_page(page, rows, more);
                        }
                    }
                    Event::UpTo(_) | Event::From(_) => {}
                }
                let marked = tail.cursor.key;
                if let Some(page) = tail.wanted() {
                    number += 1;
                    tail.begin(number, page);
                }
                prop_assert_eq!(tail.cursor.key, marked);
                let seqs: Vec<u64> = tail.entries.iter().map(Entry::seq).collect();
                prop_assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{:?}", seqs);
                if tail.is_live() && newest > 0 {
                    prop_assert_eq!(seqs.last().copied(), Some(newest));
                }
                prop_assert!(tail.paused || seqs.is_empty() || tail.cursor.index + 1 == seqs.len());
            }
        }
    }

    fn following(last: u64) -> Tail {
        let mut tail = Tail::default();
        tail.take(rows(1..=last).into_iter().map(|row| TailItem::Row(row.into())).collect());
        tail
    }

    #[test]
    fn reading_is_never_pushed_out_by_what_arrives() {
        let mut tail = following(ROWS_MAX as u64);
        tail.step(-(ROWS_MAX as isize - 10));
        let marked = tail.cursor.key;
        let more = rows(ROWS_MAX as u64 + 1..=ROWS_MAX as u64 + 50);
        tail.take(more.into_iter().map(|row| TailItem::Row(row.into())).collect());
        assert_eq!((tail.cursor.key, tail.newer_below(), tail.is_live()), (marked, 50, false));
        assert!(tail.entries.len() <= ROWS_MAX);
        assert!(!tail.set_paused(false), "the live end has to be asked for");
    }

    #[test]
    fn a_gap_is_filled_by_its_rows_and_what_is_gone_is_said() {
        let mut tail = Tail::default();
        tail.take(fixtures::tail(12));
        tail.go(5);
        tail.take_page(Page::Gap { from: 6, to: 8 }, rows(6..=8), false);
        let seqs: Vec<u64> = tail.entries.iter().map(Entry::seq).collect();
        assert_eq!((seqs, tail.cursor.key), ((1..=12).collect(), Some(6)));
        let mut tail = Tail::default();
        tail.take(fixtures::tail(12));
        tail.take_page(Page::Gap { from: 6, to: 8 }, Vec::new(), false);
        let Some(Entry::Gap(gap)) = tail.entries.get(5) else { panic!("the gap is gone") };
        assert_eq!((gap.reason, can_load(gap)), (GapReason::Expired, false));
    }

    #[test]
    fn an_erased_stretch_that_was_told_while_the_end_was_away_is_shown_when_the_list_comes_to_it() {
        let mut tail = following(20);
        tail.step(-19);
        tail.begin(1, Page::UpTo(10));
        tail.end(1);
        tail.take_page(Page::UpTo(10), rows(1..=10), false);
        let gap = Gap { from: 21, to: 29, count: 9, reason: GapReason::Shed };
        tail.take(vec![TailItem::Gap(gap), TailItem::Row(fixtures::row(30).into())]);
        tail.take_page(Page::Newer { after: 10 }, rows((11..=20).chain(30..=30)), false);
        assert!(tail.entries.iter().any(|entry| matches!(entry, Entry::Gap(shown) if *shown == gap)));
        assert!(tail.is_live());
    }
}
