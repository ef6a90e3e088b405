//! How meanings look on this terminal. All other rooms name a meaning, and this one table says how it is shown.
//!
//! Words and signs say all that a colour says: a theme without colours shows the same screen. The terminal's own ink and
//! paper carry the text; no theme sets a background but by turning both around.

use ratatui::style::{Color, Modifier, Style};

use crate::safe_text::{Ellipsis, SafeText};
use crate::term::caps::{Caps, Colour};

/// Where the colours come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// The terminal's own yellow, red, green and cyan: for a dark background.
    Dark,
    /// Fixed dark colours of the 256, for a light background.
    Light,
    /// Those of the sixteen that can be read on black and on white.
    Sixteen,
    /// Bold, underline and reverse only.
    Mono,
}

/// What a style says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The text itself.
    Plain,
    /// Headings, keys, names.
    Strong,
    /// Axes and what only separates: never a word that is needed.
    Muted,
    /// As it should be.
    Ok,
    /// Worth a look.
    Warning,
    /// Wrong.
    Danger,
    /// Nothing else matters while this is true.
    Alarm,
    /// The marked row, a marked button, the cursor.
    Selected,
    /// A find.
    Found,
    /// Our own escapes inside data: what data cannot look like.
    Escape,
}

impl Meaning {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Plain,
        Self::Strong,
        Self::Muted,
        Self::Ok,
        Self::Warning,
        Self::Danger,
        Self::Alarm,
        Self::Selected,
        Self::Found,
        Self::Escape,
    ];
}

/// How things look on this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    pub palette: Palette,
    /// Our own signs are ASCII.
    pub ascii: bool,
    /// Data may be shown in its own script; without it everything beyond ASCII is escaped.
    pub utf8: bool,
}

impl Theme {
    #[must_use]
    pub fn of(caps: &Caps) -> Self {
        let palette = match caps.colour {
            Colour::Attributes => Palette::Mono,
            Colour::Ansi16 => Palette::Sixteen,
            Colour::Indexed256 | Colour::True if caps.light => Palette::Light,
            Colour::Indexed256 | Colour::True => Palette::Dark,
        };
        Self { palette, ascii: caps.ascii, utf8: caps.utf8 }
    }

    /// The one table of how a meaning looks.
    #[must_use]
    pub fn style(&self, meaning: Meaning) -> Style {
        let bold = Modifier::BOLD;
        let modifiers = match meaning {
            Meaning::Plain | Meaning::Muted | Meaning::Ok => Modifier::empty(),
            Meaning::Strong | Meaning::Warning | Meaning::Danger => bold,
            Meaning::Alarm => bold | Modifier::REVERSED,
            Meaning::Selected | Meaning::Escape => Modifier::REVERSED,
            Meaning::Found => bold | Modifier::UNDERLINED,
        };
        let style = Style::new().add_modifier(modifiers);
        self.colour(meaning).map_or(style, |colour| style.fg(colour))
    }

    /// The colour of the letters; of the ground, where ink and paper are turned around.
    fn colour(&self, meaning: Meaning) -> Option<Color> {
        let [warning, danger, ok, escape, muted] = match self.palette {
            Palette::Dark => [Color::Yellow, Color::Red, Color::Green, Color::Cyan, Color::Indexed(245)].map(Some),
            // Brown, red, green, blue, grey: see the test of contrasts.
            Palette::Light => [94, 124, 22, 24, 240].map(|number| Some(Color::Indexed(number))),
            // Green, yellow and cyan cannot be read on white, blue cannot on black.
            Palette::Sixteen => [Some(Color::Magenta), Some(Color::Red), None, Some(Color::Magenta), None],
            Palette::Mono => [None; 5],
        };
        match meaning {
            Meaning::Warning => warning,
            Meaning::Danger | Meaning::Alarm => danger,
            Meaning::Ok => ok,
            Meaning::Escape => escape,
            Meaning::Muted => muted,
            Meaning::Plain | Meaning::Strong | Meaning::Selected | Meaning::Found => None,
        }
    }

    #[must_use]
    pub fn plain(&self) -> Style {
        self.style(Meaning::Plain)
    }

    #[must_use]
    pub fn strong(&self) -> Style {
        self.style(Meaning::Strong)
    }

    /// Axes, and what only separates.
    #[must_use]
    pub fn muted(&self) -> Style {
        self.style(Meaning::Muted)
    }

    /// The marked row, a marked button, the cursor.
    #[must_use]
    pub fn marked(&self) -> Style {
        self.style(Meaning::Selected)
    }

    /// Worth a look.
    #[must_use]
    pub fn attention(&self) -> Style {
        self.style(Meaning::Warning)
    }

    /// Wrong.
    #[must_use]
    pub fn bad(&self) -> Style {
        self.style(Meaning::Danger)
    }

    /// Nothing else matters while this is true.
    #[must_use]
    pub fn alarm(&self) -> Style {
        self.style(Meaning::Alarm)
    }

    /// As it should be.
    #[must_use]
    pub fn good(&self) -> Style {
        self.style(Meaning::Ok)
    }

    /// An escape over a style. On a marked row, which is turned around itself, it is the part that is not.
    #[must_use]
    pub fn escape_on(&self, base: Style) -> Style {
        let style = base.patch(self.style(Meaning::Escape));
        if base.add_modifier.contains(Modifier::REVERSED) { style.remove_modifier(Modifier::REVERSED) } else { style }
    }

    /// A find.
    #[must_use]
    pub fn found(&self) -> Style {
        self.style(Meaning::Found)
    }

    #[must_use]
    pub fn rule(&self) -> &'static str {
        if self.ascii { "-" } else { "\u{2500}" }
    }

    /// How much, from none to the most: a bar of one row.
    #[must_use]
    pub fn bars(&self) -> &'static [&'static str] {
        const ASCII: [&str; 6] = [" ", ".", ":", "|", "H", "#"];
        const UNICODE: [&str; 9] =
            [" ", "\u{2581}", "\u{2582}", "\u{2583}", "\u{2584}", "\u{2585}", "\u{2586}", "\u{2587}", "\u{2588}"];
        if self.ascii { &ASCII } else { &UNICODE }
    }

    #[must_use]
    pub fn ellipsis(&self) -> Ellipsis {
        if self.ascii { Ellipsis::Ascii } else { Ellipsis::Unicode }
    }

    /// A text as this terminal may show it.
    #[must_use]
    pub fn safe<'t>(&self, text: &'t str) -> SafeText<'t> {
        self.fit_for_locale(SafeText::new(text))
    }

    /// The start of a text in so many columns.
    #[must_use]
    pub fn clipped<'t>(&self, text: &'t str, columns: usize) -> SafeText<'t> {
        // Escaping makes nothing narrower, so what does not fit before it does not fit after it.
        let safe = SafeText::clipped(text, columns, self.ellipsis());
        if self.utf8 { safe } else { safe.into_ascii().truncate(columns, self.ellipsis()) }
    }

    /// As [`Theme::safe`], for what was made safe as a line of a body.
    #[must_use]
    pub fn fit_for_locale<'t>(&self, text: SafeText<'t>) -> SafeText<'t> {
        if self.utf8 { text } else { text.into_ascii() }
    }
}

#[cfg(test)]
impl Theme {
    pub(crate) const DARK: Self = Self { palette: Palette::Dark, ascii: false, utf8: true };
    pub(crate) const LIGHT: Self = Self { palette: Palette::Light, ..Self::DARK };
    pub(crate) const SIXTEEN: Self = Self { palette: Palette::Sixteen, ..Self::DARK };
    pub(crate) const MONO: Self = Self { palette: Palette::Mono, ..Self::DARK };
    pub(crate) const ASCII: Self = Self { palette: Palette::Mono, ascii: true, utf8: true };
    /// As in a locale that is not UTF-8.
    pub(crate) const LATIN: Self = Self { palette: Palette::Mono, ascii: true, utf8: false };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Env;
    use crate::term::look::Look;

    const WHITE: [u8; 3] = [255, 255, 255];
    const CREAM: [u8; 3] = [0xfd, 0xf6, 0xe3];
    const BLACK: [u8; 3] = [0, 0, 0];

    /// The colour that a terminal shows: the fixed ones of the 256, and xterm's own for the first sixteen.
    fn shown(colour: Color) -> [u8; 3] {
        match colour {
            Color::Red => [205, 0, 0],
            Color::Green => [0, 205, 0],
            Color::Yellow => [205, 205, 0],
            Color::Magenta => [205, 0, 205],
            Color::Cyan => [0, 205, 205],
            Color::Indexed(number @ 16..=231) => {
                let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
                let index = number - 16;
                [level(index / 36), level(index / 6 % 6), level(index % 6)]
            }
            Color::Indexed(number @ 232..) => [8 + 10 * (number - 232); 3],
            other => panic!("{other:?} has no fixed colour"),
        }
    }

    /// WCAG 2.1, relative luminance.
    fn luminance(colour: [u8; 3]) -> f64 {
        let part = |level: u8| {
            let level = f64::from(level) / 255.0;
            if level <= 0.040_45 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = colour.map(part);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// WCAG 2.1, contrast ratio.
    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// The least contrast of a theme's colours. Where ink and paper are turned around it is the same.
    fn least(theme: &Theme, paper: [u8; 3]) -> f64 {
        let colours = Meaning::ALL.into_iter().filter_map(|meaning| theme.style(meaning).fg);
        colours.map(|colour| contrast(shown(colour), paper)).fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn colours_for_light_backgrounds_can_be_read_on_white_and_on_cream() {
        assert!((contrast(BLACK, WHITE) - 21.0).abs() < 0.01);
        for paper in [WHITE, CREAM] {
            assert!(least(&Theme::LIGHT, paper) >= 4.5, "{}", least(&Theme::LIGHT, paper));
        }
    }

    #[test]
    fn the_sixteen_can_be_read_on_black_and_on_white() {
        // All of them are bold or turned around, for which WCAG wants 3.
        assert!(least(&Theme::SIXTEEN, WHITE) >= 4.5, "{}", least(&Theme::SIXTEEN, WHITE));
        assert!(least(&Theme::SIXTEEN, BLACK) >= 3.0, "{}", least(&Theme::SIXTEEN, BLACK));
        assert!(least(&Theme::DARK, BLACK) >= 3.0, "{}", least(&Theme::DARK, BLACK));
    }

    #[test]
    fn what_must_be_told_apart_is_apart_in_every_theme() {
        for theme in [Theme::DARK, Theme::LIGHT, Theme::SIXTEEN, Theme::MONO, Theme::ASCII] {
            let [plain, selected, escape] =
                [Meaning::Plain, Meaning::Selected, Meaning::Escape].map(|m| theme.style(m));
            assert!(plain != selected && plain != escape, "{theme:?}");
            assert!(selected.add_modifier.contains(Modifier::REVERSED), "{theme:?}");
            let on_mark = theme.escape_on(selected);
            assert!(!on_mark.add_modifier.contains(Modifier::REVERSED), "{theme:?}: an escape on a marked row");
            assert_ne!(theme.style(Meaning::Found), theme.style(Meaning::Strong), "{theme:?}");
        }
    }

    #[test]
    fn the_environment_chooses_and_the_operator_overrules_it() {
        let theme = |vars: &[(&str, &str)], look| {
            let env: Env = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Theme::of(&Caps::from_env_as(&env, false, look))
        };
        let utf8 = ("LANG", "en_GB.UTF-8");
        let xterm = ("TERM", "xterm-256color");
        assert_eq!(theme(&[xterm, utf8], Look::Auto), Theme::DARK);
        assert_eq!(theme(&[xterm, utf8, ("COLORFGBG", "0;15")], Look::Auto), Theme::LIGHT);
        assert_eq!(theme(&[xterm, utf8, ("COLORFGBG", "0;default;7")], Look::Auto), Theme::LIGHT);
        assert_eq!(theme(&[xterm, utf8, ("COLORFGBG", "15;0")], Look::Auto), Theme::DARK);
        assert_eq!(theme(&[xterm, utf8, ("COLORFGBG", "0;15")], Look::Dark), Theme::DARK);
        assert_eq!(theme(&[xterm, utf8], Look::Light), Theme::LIGHT);
        assert_eq!(theme(&[("TERM", "xterm"), utf8], Look::Auto), Theme::SIXTEEN);
        assert_eq!(theme(&[("TERM", "xterm"), utf8], Look::Light), Theme::SIXTEEN, "it has no fixed colours");
        assert_eq!(theme(&[xterm, utf8], Look::Sixteen), Theme::SIXTEEN);
        assert_eq!(theme(&[xterm, utf8, ("NO_COLOR", "1")], Look::Auto), Theme::MONO);
        assert_eq!(theme(&[xterm, utf8, ("NO_COLOR", "1")], Look::Light), Theme::LIGHT, "asked for by name");
        assert_eq!(theme(&[("TERM", "vt220"), utf8], Look::Auto), Theme::ASCII);
        assert_eq!(theme(&[xterm, utf8], Look::Ascii), Theme::ASCII);
        let latin = Theme { palette: Palette::Dark, ascii: true, utf8: false };
        assert_eq!(theme(&[xterm, ("LC_ALL", "C")], Look::Auto), latin);
        assert_eq!(theme(&[("TERM", "vt220")], Look::Auto), Theme::LATIN);
    }

    #[test]
    fn a_locale_without_utf8_gets_escapes_for_every_script() {
        let text = "caf\u{e9} \u{76e3}\u{8996} <U+76E3>";
        assert_eq!(Theme::LATIN.safe(text).as_screen_str(), "caf<U+00E9> <U+76E3><U+8996> <U+76E3>");
        assert_eq!(Theme::ASCII.safe(text).as_screen_str(), text);
        let cut = Theme::LATIN.clipped(text, 12);
        assert_eq!((cut.as_screen_str(), cut.width()), ("caf<U+00E9>~", 12));
    }
}
