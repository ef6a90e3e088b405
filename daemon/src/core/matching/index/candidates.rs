//! From the guards that hold to the parts that have to be tested.

use std::ops::Range;

/// Numbers that are collected before doubles are thrown out.
const FIRST_ROOM: usize = 64;

/// A set of numbers that is put together by very many insertions, most of them repeated: a pattern of one letter is found
/// at every place of a long text.
#[derive(Default)]
pub(super) struct Hits {
    numbers: Vec<u32>,
    /// The length at which doubles are thrown out.
    room: usize,
}

/// For each guard, by number, the parts that are posted at it. Parts are numbered in the order of evaluation.
#[derive(Default)]
pub(super) struct Postings {
    /// Where the parts of a guard begin; one entry more than there are guards.
    starts: Vec<u32>,
    parts: Vec<u32>,
    /// Parts without a guard: candidates for every call.
    always: Vec<u32>,
}

// === impl Hits ===

impl Hits {
    pub(super) fn add(&mut self, number: u32) {
        if self.numbers.len() >= self.room {
            self.tidy();
        }
        self.numbers.push(number);
    }

    fn tidy(&mut self) {
        self.numbers.sort_unstable();
        self.numbers.dedup();
        self.room = FIRST_ROOM.max(2 * self.numbers.len());
    }

    /// The numbers, each once, rising.
    pub(super) fn finish(mut self) -> Vec<u32> {
        self.tidy();
        self.numbers
    }
}

// === impl Postings ===

impl Postings {
    /// `posted` holds (guard, part) in any order, `always` is in rising order.
    pub(super) fn new(mut posted: Vec<(u32, u32)>, guards: usize, always: Vec<u32>) -> Self {
        posted.sort_unstable();
        posted.dedup();
        let mut starts = vec![0; guards + 1];
        for (guard, _) in &posted {
            starts[*guard as usize + 1] += 1;
        }
        for guard in 0..guards {
            starts[guard + 1] += starts[guard];
        }
        Self { starts, parts: posted.into_iter().map(|(_, part)| part).collect(), always }
    }

    /// The parts within `reach` that are posted at one of these guards or always, each once, rising.
    pub(super) fn candidates(&self, guards: &[u32], reach: &Range<u32>) -> Vec<u32> {
        let mut parts = within(&self.always, reach).to_vec();
        for guard in guards {
            let (start, end) = (self.starts[*guard as usize] as usize, self.starts[*guard as usize + 1] as usize);
            parts.extend_from_slice(within(&self.parts[start..end], reach));
        }
        parts.sort_unstable();
        parts.dedup();
        parts
    }
}

/// The stretch of a rising list that lies in the range: a team's postings.
fn within<'a>(parts: &'a [u32], reach: &Range<u32>) -> &'a [u32] {
    let start = parts.partition_point(|part| *part < reach.start);
    &parts[start..parts.partition_point(|part| *part < reach.end).max(start)]
}
