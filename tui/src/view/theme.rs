//! Styles. The terminal's own colours, bold and reverse carry the screen; a few ANSI colours only add. Words say all
//! that a colour says.

use ratatui::style::{Color, Modifier, Style};

use crate::safe_text::Ellipsis;
use crate::term::caps::{Caps, Colour};

/// How things look on this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    pub colour: bool,
    pub ascii: bool,
}

impl Theme {
    #[must_use]
    pub fn of(caps: &Caps) -> Self {
        Self { colour: caps.colour != Colour::Attributes, ascii: caps.ascii }
    }

    #[must_use]
    pub fn plain(&self) -> Style {
        Style::new()
    }

    #[must_use]
    pub fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The marked row, a marked button, the cursor.
    #[must_use]
    pub fn marked(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Worth a look.
    #[must_use]
    pub fn attention(&self) -> Style {
        self.coloured(self.strong(), Color::Yellow)
    }

    /// Wrong.
    #[must_use]
    pub fn bad(&self) -> Style {
        self.coloured(self.strong(), Color::Red)
    }

    /// Nothing else matters while this is true.
    #[must_use]
    pub fn alarm(&self) -> Style {
        self.coloured(self.strong().add_modifier(Modifier::REVERSED), Color::Red)
    }

    #[must_use]
    pub fn good(&self) -> Style {
        self.coloured(Style::new(), Color::Green)
    }

    /// What data cannot look like: our own escapes inside it.
    #[must_use]
    pub fn escape(&self) -> Style {
        self.coloured(self.marked(), Color::Cyan)
    }

    /// A find.
    #[must_use]
    pub fn found(&self) -> Style {
        Style::new().add_modifier(Modifier::UNDERLINED | Modifier::BOLD)
    }

    #[must_use]
    pub fn rule(&self) -> &'static str {
        if self.ascii { "-" } else { "\u{2500}" }
    }

    #[must_use]
    pub fn ellipsis(&self) -> Ellipsis {
        if self.ascii { Ellipsis::Ascii } else { Ellipsis::Unicode }
    }

    fn coloured(&self, style: Style, colour: Color) -> Style {
        if self.colour { style.fg(colour) } else { style }
    }
}
