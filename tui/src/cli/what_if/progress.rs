//! A bar on standard error, where somebody looks at it.

use std::io::Write as _;

use tollgate_shared::api::trying::WhatIfProgress;

use crate::cli::context::Context;

/// Cells of the bar.
const CELLS: u64 = 30;

/// What stands on the line now, so that it can be taken away.
pub(in crate::cli) struct Progress {
    shows: bool,
    width: usize,
}

impl Progress {
    /// Only on a terminal that can go back to the beginning of a line.
    pub(in crate::cli) fn new(cx: &Context<'_>) -> Self {
        Self { shows: cx.io.err_is_tty && !cx.io.is_dumb && !cx.quiet, width: 0 }
    }

    /// Draws the bar over the one before.
    pub(in crate::cli) fn show(&mut self, cx: &mut Context<'_>, progress: WhatIfProgress) {
        if self.shows {
            let line = bar(progress);
            let pad = self.width.saturating_sub(line.len());
            write!(cx.io.err, "\r{line}{}", " ".repeat(pad)).and_then(|()| cx.io.err.flush()).ok();
            self.width = line.len();
        }
    }

    /// Takes the bar away, so that the result begins at the edge.
    pub(in crate::cli) fn clear(&mut self, cx: &mut Context<'_>) {
        if self.width > 0 {
            write!(cx.io.err, "\r{}\r", " ".repeat(self.width)).and_then(|()| cx.io.err.flush()).ok();
            self.width = 0;
        }
    }
}

/// ASCII, for every terminal: `[#######........] 1200 of 4000 rows, ctrl-c cancels`.
fn bar(progress: WhatIfProgress) -> String {
    let WhatIfProgress { done, total } = progress;
    let cells = (done.min(total) * CELLS).checked_div(total).unwrap_or(CELLS);
    let filled = "#".repeat(usize::try_from(cells).unwrap_or(0));
    let open = ".".repeat(usize::try_from(CELLS - cells).unwrap_or(0));
    format!("[{filled}{open}] {done} of {total} rows, ctrl-c cancels")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_and_an_empty_log_is_a_full_one() {
        assert!(bar(WhatIfProgress { done: 5, total: 10 }).starts_with("[###############...............] 5 of 10"));
        assert!(bar(WhatIfProgress { done: 0, total: 0 }).starts_with(&format!("[{}]", "#".repeat(30))));
    }
}
