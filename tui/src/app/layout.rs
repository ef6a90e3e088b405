//! How many rows each part of the screen has. Pure numbers, so that scrolling (in update) and drawing agree.

/// Below this only a card is drawn.
pub const COLUMNS_MIN: u16 = 20;
/// As [`COLUMNS_MIN`].
pub const ROWS_MIN: u16 = 5;
/// From this width on the pane stands beside the list.
const SIDE_BY_SIDE_COLUMNS: u16 = 140;

/// A part of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

/// All parts; a part that has no room has no height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Who, where, and how fresh.
    pub head: Area,
    /// The health strip.
    pub health: Area,
    /// What is wrong, or nothing.
    pub attention: Area,
    /// What the list holds.
    pub title: Area,
    /// Its column names.
    pub columns: Area,
    pub list: Area,
    /// The API log's counts over time, above the column names.
    pub strip: Area,
    /// Where the API log's list stands, below it.
    pub state: Area,
    /// The pane's title and tabs.
    pub pane_title: Area,
    pub pane: Area,
    /// The last command.
    pub command: Area,
    pub footer: Area,
}

impl Layout {
    /// `share`: per cent of the free rows that the pane gets, where it stands below.
    #[must_use]
    pub fn of(columns: u16, rows: u16, share: u16, with_pane: bool) -> Self {
        let mut y = 0;
        let mut take = |height: u16| {
            let area = Area { x: 0, y, width: columns, height };
            y += height;
            area
        };
        let head = take(1);
        let health = take(u16::from(rows >= 9));
        let attention = take(u16::from(rows >= 12));
        let title = take(u16::from(rows >= 10));
        let names = take(u16::from(rows >= 7));
        let top = y;
        let command = u16::from(rows >= 14);
        let footer = u16::from(rows >= 6);
        let free = rows.saturating_sub(top + command + footer);
        let mut layout = Self { head, health, attention, title, columns: names, ..Self::default() };
        layout.footer = Area { x: 0, y: rows.saturating_sub(footer), width: columns, height: footer };
        layout.command = Area { x: 0, y: rows.saturating_sub(footer + command), width: columns, height: command };
        layout.split(columns, top, free, share, with_pane);
        layout
    }

    /// A list without a title and column names gets their rows.
    #[must_use]
    pub fn without_head(mut self) -> Self {
        let rows = self.title.height + self.columns.height;
        self.list.y -= rows;
        self.list.height += rows;
        (self.title.height, self.columns.height) = (0, 0);
        self
    }

    /// The API log's own lines, taken from the list and from a pane beside it, where there is room.
    #[must_use]
    pub fn with_log_lines(mut self) -> Self {
        if self.list.height >= 5 {
            self.strip = Area { height: 1, width: self.title.width, ..self.columns };
            let beside = self.pane.x > 0;
            for part in [&mut self.columns, &mut self.list] {
                part.y += 1;
            }
            self.list.height -= 1;
            if beside {
                self.pane_title.y += 1;
                self.pane.y += 1;
                self.pane.height -= 1;
            }
        }
        if self.list.height >= 3 {
            self.list.height -= 1;
            self.state = Area { y: self.list.y + self.list.height, height: 1, ..self.list };
        }
        self
    }

    fn split(&mut self, columns: u16, top: u16, free: u16, share: u16, with_pane: bool) {
        let whole = Area { x: 0, y: top, width: columns, height: free };
        if with_pane && columns >= SIDE_BY_SIDE_COLUMNS && free >= 6 {
            let width = columns * 58 / 100;
            self.list = Area { width, ..whole };
            self.columns.width = width;
            let (x, rest) = (width + 1, columns - width - 1);
            let above = self.columns;
            self.pane_title = Area { x, y: above.y, width: rest, height: above.height };
            self.pane = Area { x, y: top, width: rest, height: free };
        } else if with_pane && free >= 6 {
            let pane = ((free - 1) * share.clamp(10, 90) / 100).clamp(2, free - 3);
            self.list = Area { height: free - 1 - pane, ..whole };
            self.pane_title = Area { y: top + free - 1 - pane, height: 1, ..whole };
            self.pane = Area { y: top + free - pane, height: pane, ..whole };
        } else {
            self.list = whole;
        }
    }

    /// True where nothing but the card fits.
    #[must_use]
    pub fn too_small(columns: u16, rows: u16) -> bool {
        columns < COLUMNS_MIN || rows < ROWS_MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_lie_on_the_screen_at_every_size() {
        for (columns, rows) in (0..=210).flat_map(|columns| (0..=60).map(move |rows| (columns, rows))) {
            let layout = Layout::of(columns, rows, 50, true);
            if Layout::too_small(columns, rows) {
                continue;
            }
            for part in
                [layout.head, layout.title, layout.list, layout.pane_title, layout.pane, layout.command, layout.footer]
            {
                assert!(part.x + part.width <= columns && part.y + part.height <= rows, "{columns}x{rows} {part:?}");
            }
            assert!(layout.list.height >= 1, "{columns}x{rows}");
            let log = layout.with_log_lines();
            for part in [log.strip, log.columns, log.list, log.state, log.pane_title, log.pane] {
                assert!(part.x + part.width <= columns && part.y + part.height <= rows, "{columns}x{rows} {part:?}");
            }
            assert!(log.list.height >= 1 && log.state.y < rows, "{columns}x{rows}");
        }
    }

    #[test]
    fn eighty_by_twenty_four_has_nine_rows_and_a_pane() {
        let layout = Layout::of(80, 24, 45, true);
        assert_eq!((layout.list.height, layout.pane.height), (9, 7));
    }
}
