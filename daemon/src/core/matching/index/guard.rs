//! What must be true of a call for a condition to be true, and which of several such guards is the rarest.

use std::collections::HashMap;

use tollgate_shared::filter::{Mode, Op, Path, Quantifier};

use crate::core::matching::condition::{CompiledCondition, Literal};

/// Texts of a path are taken to have this many values beside those that filters name. So the only literal of a path is
/// not taken for one that every call has.
const UNNAMED_VALUES: f64 = 16.0;

/// A test of one selected text. It holds of some text of its path whenever the condition that it was made of is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Test<'a> {
    Equals(&'a str),
    StartsWith(&'a str),
    EndsWith(&'a str),
    Contains(&'a str),
    /// A number above this one, whose bits these are.
    Above(u64),
    Below(u64),
    /// The path selects something.
    Exists,
}

/// A test at a path; `fold` means that text and literal are in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Guard<'a> {
    pub(super) path: u32,
    pub(super) fold: bool,
    pub(super) test: Test<'a>,
}

/// What one condition offers: each of the guards must hold, or (`Any`) one of them must.
struct Needs<'a> {
    guards: Vec<Guard<'a>>,
    quantifier: Quantifier,
}

/// How often each guard occurs: what the filters ask for is taken as what calls will bring.
#[derive(Default)]
pub(super) struct Census<'a> {
    paths: HashMap<&'a Path, u32>,
    counts: HashMap<Guard<'a>, u32>,
    /// The same, over all literals of a kind of test at a path.
    totals: HashMap<(u32, std::mem::Discriminant<Test<'a>>), u32>,
}

// === impl Census ===

impl<'a> Census<'a> {
    /// Counts what a condition asks for.
    pub(super) fn add(&mut self, condition: &'a CompiledCondition) {
        let next = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        let path = *self.paths.entry(&condition.path).or_insert(next);
        for guard in needs(condition, path).guards {
            *self.counts.entry(guard).or_default() += 1;
            *self.totals.entry((path, std::mem::discriminant(&guard.test))).or_default() += 1;
        }
    }

    /// The number of a path, once one of its conditions was counted.
    pub(super) fn path(&self, path: &Path) -> u32 {
        self.paths.get(path).copied().unwrap_or(u32::MAX)
    }

    /// The paths by number.
    pub(super) fn paths(&self) -> Vec<&'a Path> {
        let mut paths: Vec<_> = self.paths.iter().map(|(path, number)| (*number, *path)).collect();
        paths.sort_unstable_by_key(|(number, _)| *number);
        paths.into_iter().map(|(_, path)| path).collect()
    }

    /// Guards of which at least one holds of every call that the part is true of; the rarest such set that is known.
    /// `None` = the part offers none and must be tested always.
    pub(super) fn rarest(&self, conditions: &'a [CompiledCondition], mode: Mode) -> Option<Vec<Guard<'a>>> {
        let offers = conditions.iter().map(|condition| self.offer(condition));
        match mode {
            Mode::All => offers.flatten().min_by(|a, b| self.odds(a).total_cmp(&self.odds(b))),
            Mode::Any => offers.collect::<Option<Vec<_>>>().map(|sets| sets.concat()),
        }
    }

    fn offer(&self, condition: &'a CompiledCondition) -> Option<Vec<Guard<'a>>> {
        let Needs { guards, quantifier } = needs(condition, self.path(&condition.path));
        match quantifier {
            _ if guards.is_empty() => None,
            Quantifier::Any => Some(guards),
            Quantifier::All => {
                let rarest = guards.into_iter().min_by(|a, b| self.odds_of(a).total_cmp(&self.odds_of(b)));
                rarest.map(|guard| vec![guard])
            }
        }
    }

    fn odds(&self, guards: &[Guard<'a>]) -> f64 {
        guards.iter().map(|guard| self.odds_of(guard)).sum()
    }

    /// How probable it is that the guard holds: a guess, on which only the speed depends.
    fn odds_of(&self, guard: &Guard<'a>) -> f64 {
        let kind = (guard.path, std::mem::discriminant(&guard.test));
        let count = |found: Option<&u32>| f64::from(found.copied().unwrap_or(0));
        let share = count(self.counts.get(guard)) / (count(self.totals.get(&kind)) + UNNAMED_VALUES);
        match guard.test {
            Test::Equals(_) => share,
            Test::StartsWith(text) | Test::EndsWith(text) | Test::Contains(text) => share + by_chance(text),
            Test::Above(_) | Test::Below(_) => share + 0.5,
            Test::Exists => share + 0.9,
        }
    }
}

/// Short texts are found in many others.
fn by_chance(text: &str) -> f64 {
    match text.len() {
        0 | 1 => 0.5,
        2 => 0.2,
        3 => 0.05,
        _ => 0.01,
    }
}

fn needs(condition: &CompiledCondition, path: u32) -> Needs<'_> {
    let fold = condition.ignore_case;
    let guard =
        |test| Guard { path, fold: fold && !matches!(test, Test::Exists | Test::Above(_) | Test::Below(_)), test };
    let some_value = Needs { guards: vec![guard(Test::Exists)], quantifier: Quantifier::All };
    match (condition.op, condition.negate) {
        // A text that is not blank must have been selected.
        (Op::IsEmpty, true) | (Op::Exists | Op::Matches, false) => some_value,
        (Op::IsEmpty, false) | (_, true) => Needs { guards: Vec::new(), quantifier: Quantifier::All },
        (op, false) => {
            let tests = condition.literals.iter().filter_map(|literal| test(op, literal));
            Needs { guards: tests.map(guard).collect(), quantifier: condition.quantifier }
        }
    }
}

fn test(op: Op, literal: &Literal) -> Option<Test<'_>> {
    match (op, literal) {
        (Op::Equals, Literal::Text(text)) => Some(Test::Equals(text)),
        (Op::StartsWith, Literal::Text(text)) => Some(Test::StartsWith(text)),
        (Op::EndsWith, Literal::Text(text)) => Some(Test::EndsWith(text)),
        (Op::Contains, Literal::Text(text)) => Some(Test::Contains(text)),
        (Op::Gt, Literal::Number(bound)) => Some(Test::Above(bound.to_bits())),
        (Op::Lt, Literal::Number(bound)) => Some(Test::Below(bound.to_bits())),
        _ => None,
    }
}
