//! The guards of one path over the texts that it selects: all literals are looked for at once.

use std::borrow::Cow;
use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use tollgate_shared::filter::parse_number;

use super::candidates::Hits;
use super::guard::Test;
use crate::core::matching::condition::fold;
use crate::core::matching::select::Selected;

/// The guards of one path.
#[derive(Default)]
pub(super) struct PathGuards {
    exists: Option<u32>,
    exact: Texts,
    folded: Texts,
    above: Bounds,
    below: Bounds,
}

/// Literals that are compared with a text in one form: as it is, or in lower case.
#[derive(Default)]
struct Texts {
    equals: HashMap<Box<str>, u32>,
    patterns: Vec<Pattern>,
    automaton: Option<AhoCorasick>,
}

/// The guards that one literal stands for, by where in the text it is found.
#[derive(Default, Clone, Copy)]
struct Pattern {
    anywhere: Option<u32>,
    start: Option<u32>,
    end: Option<u32>,
}

/// Numbers with their guards, rising.
#[derive(Default)]
struct Bounds(Vec<(f64, u32)>);

/// Puts a [`PathGuards`] together.
#[derive(Default)]
pub(super) struct PathGuardsBuilder<'a> {
    guards: PathGuards,
    exact: HashMap<&'a str, Pattern>,
    folded: HashMap<&'a str, Pattern>,
}

// === impl PathGuardsBuilder ===

impl<'a> PathGuardsBuilder<'a> {
    /// Adds a guard under its number; each guard once.
    pub(super) fn add(&mut self, folds: bool, test: Test<'a>, guard: u32) {
        let guards = &mut self.guards;
        let (texts, patterns) =
            if folds { (&mut guards.folded, &mut self.folded) } else { (&mut guards.exact, &mut self.exact) };
        match test {
            Test::Exists => guards.exists = Some(guard),
            Test::Equals(text) => drop(texts.equals.insert(text.into(), guard)),
            Test::Contains(text) => patterns.entry(text).or_default().anywhere = Some(guard),
            Test::StartsWith(text) => patterns.entry(text).or_default().start = Some(guard),
            Test::EndsWith(text) => patterns.entry(text).or_default().end = Some(guard),
            Test::Above(bits) => guards.above.0.push((f64::from_bits(bits), guard)),
            Test::Below(bits) => guards.below.0.push((f64::from_bits(bits), guard)),
        }
    }

    pub(super) fn finish(self) -> PathGuards {
        let mut guards = self.guards;
        guards.exact.compile(self.exact);
        guards.folded.compile(self.folded);
        guards.above.0.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        guards.below.0.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        guards
    }
}

// === impl PathGuards ===

impl PathGuards {
    /// Adds the guards that hold of what the path selects.
    pub(super) fn probe<'v>(&self, selected: impl Iterator<Item = Selected<'v>>, hits: &mut Hits) {
        let (mut some, mut range) = (false, None);
        for value in selected {
            some = true;
            if self.reads_texts() {
                self.probe_text(value.text(), &mut range, hits);
            }
        }
        if let Some(guard) = self.exists.filter(|_| some) {
            hits.add(guard);
        }
        if let Some((lowest, highest)) = range {
            // The most extreme number satisfies every bound that some number satisfies.
            let above = self.above.0.partition_point(|(bound, _)| *bound < highest);
            let below = self.below.0.partition_point(|(bound, _)| *bound <= lowest);
            self.above.0[..above].iter().chain(&self.below.0[below..]).for_each(|(_, guard)| hits.add(*guard));
        }
    }

    fn probe_text(&self, text: Cow<'_, str>, range: &mut Option<(f64, f64)>, hits: &mut Hits) {
        self.exact.probe(&text, hits);
        if self.reads_numbers()
            && let Some(number) = parse_number(&text)
        {
            let (lowest, highest) = range.unwrap_or((number, number));
            *range = Some((lowest.min(number), highest.max(number)));
        }
        if !self.folded.is_empty() {
            self.folded.probe(&fold(text), hits);
        }
    }

    fn reads_texts(&self) -> bool {
        !self.exact.is_empty() || !self.folded.is_empty() || self.reads_numbers()
    }

    fn reads_numbers(&self) -> bool {
        !self.above.0.is_empty() || !self.below.0.is_empty()
    }
}

// === impl Texts ===

impl Texts {
    fn compile(&mut self, patterns: HashMap<&str, Pattern>) {
        if patterns.is_empty() {
            return;
        }
        let (literals, guards): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        // One kind for all sizes: it is small and its speed hardly depends on the number of literals. Literals beyond
        // what an automaton can hold leave none; then all of them count as found, which the candidates' test corrects.
        let built = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(&literals);
        self.automaton = built.ok();
        self.patterns = guards;
    }

    fn is_empty(&self) -> bool {
        self.equals.is_empty() && self.patterns.is_empty()
    }

    fn probe(&self, text: &str, hits: &mut Hits) {
        if !self.equals.is_empty()
            && let Some(guard) = self.equals.get(text)
        {
            hits.add(*guard);
        }
        match &self.automaton {
            None => self.patterns.iter().for_each(|pattern| pattern.found(true, true, hits)),
            Some(automaton) => {
                for found in automaton.find_overlapping_iter(text) {
                    let pattern = self.patterns[found.pattern().as_usize()];
                    pattern.found(found.start() == 0, found.end() == text.len(), hits);
                }
            }
        }
    }
}

// === impl Pattern ===

impl Pattern {
    fn found(self, at_start: bool, at_end: bool, hits: &mut Hits) {
        let start = self.start.filter(|_| at_start);
        let end = self.end.filter(|_| at_end);
        self.anywhere.into_iter().chain(start).chain(end).for_each(|guard| hits.add(guard));
    }
}
