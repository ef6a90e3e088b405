//! Figures over time in one row of bars. The highest one is said in words beside it: a bar alone is no number.

use super::canvas::Row;
use super::theme::Theme;
use ratatui::style::Style;

/// A stretch of time in which the daemon did not run. No bar looks like it in any theme.
const NOT_RUNNING: &str = "_";

/// How high a bar is. What is not none is never drawn as none.
pub(super) fn glyph(theme: &Theme, value: u64, highest: u64) -> &'static str {
    let glyphs = theme.bars();
    let top = (glyphs.len() - 1) as u64;
    let height = if highest == 0 { 0 } else { (u128::from(value) * u128::from(top)).div_ceil(u128::from(highest)) };
    glyphs[usize::try_from(height).unwrap_or(0).min(glyphs.len() - 1)]
}

/// How many columns a chart of so many values gets where so many are free: each column stands for the same number of
/// values. None where it would say nothing.
pub(super) fn columns(values: usize, free: usize) -> Option<usize> {
    (1..=5).filter(|each| values.is_multiple_of(*each)).map(|each| values / each).find(|columns| *columns <= free)
}

/// One bar a column. Where a column stands for several values it shows the highest, so that a peak is not levelled, and
/// the highest bar is the one that the words name.
pub(super) fn bars(row: &mut Row<'_>, theme: &Theme, values: &[Option<u64>], scale: u64, columns: usize, style: Style) {
    for values in values.chunks(values.len().div_ceil(columns.max(1)).max(1)) {
        match values.iter().flatten().max() {
            Some(highest) => row.text(glyph(theme, *highest, scale), style),
            None => row.text(NOT_RUNNING, theme.muted()),
        };
    }
}

/// As [`bars`], on the scale of its own highest value.
pub(super) fn own_scale(row: &mut Row<'_>, theme: &Theme, values: &[Option<u64>], columns: usize, style: Style) {
    let scale = values.iter().flatten().copied().max().unwrap_or(0);
    bars(row, theme, values, scale, columns, style);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_drawn_as_none_and_the_most_as_the_highest() {
        for (theme, highest) in [(Theme::ASCII, "#"), (Theme::MONO, "\u{2588}")] {
            assert_eq!(glyph(&theme, 0, 9), " ");
            assert_ne!(glyph(&theme, 1, 1_000_000), " ");
            assert_eq!(glyph(&theme, u64::MAX, u64::MAX), highest);
            assert!(!theme.bars().contains(&NOT_RUNNING), "not running is told from every height");
        }
    }

    #[test]
    fn every_column_stands_for_as_many_values_as_the_others() {
        let fits = [200, 60, 59, 30, 29, 19, 14, 12, 11].map(|free| columns(60, free));
        assert_eq!(fits, [Some(60), Some(60), Some(30), Some(30), Some(20), Some(15), Some(12), Some(12), None]);
    }
}
