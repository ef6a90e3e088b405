//! What the terminal can do, guessed from the environment: it is never asked, so nothing waits before the first paint.

use super::Env;
use super::look::Look;

/// The colours that may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Colour {
    /// Bold, reverse and underline only.
    Attributes,
    /// The terminal's own sixteen, sent as `31` and the like.
    Ansi16,
    Indexed256,
    True,
}

/// The program between us and the terminal, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplexer {
    Tmux,
    Screen,
}

/// The terminal as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caps {
    pub colour: Colour,
    /// Nothing but ASCII may be drawn by us, and `~` is the ellipsis.
    pub ascii: bool,
    /// It shows what is beyond ASCII; where the locale says no, data is escaped as well.
    pub utf8: bool,
    /// Its background is light, as far as it is known.
    pub light: bool,
    /// It has an alternate screen; without one the console draws on the normal one and clears it.
    pub alternate_screen: bool,
    /// Frames may be wrapped in the private mode 2026; terminals that do not know it ignore it, hardware might not.
    pub synchronised: bool,
    pub multiplexer: Option<Multiplexer>,
    /// The terminal is on another machine.
    pub ssh: bool,
    /// It cannot address its cursor: only the linear mode works.
    pub dumb: bool,
}

impl Caps {
    /// Reads `TERM`, `COLORTERM`, `NO_COLOR`, `COLORFGBG`, the locale, `TMUX`, `STY` and `SSH_CONNECTION`. A size that
    /// the terminal did not tell (see [`super::size::Size::assumed`]) means a serial line, whatever `TERM` says.
    ///
    /// `NO_COLOR` is honoured here, by the theme. crossterm 0.29 honours it as well, but sends a reset that takes
    /// reverse video with it, which makes the selected row invisible: [`Caps::take_over_colour`] must be called
    /// before drawing.
    #[must_use]
    pub fn from_env(env: &Env, size_assumed: bool) -> Self {
        Self::from_env_as(env, size_assumed, Look::Auto)
    }

    /// As [`Caps::from_env`], where the operator may have asked for a look: his word counts more than the environment's.
    #[must_use]
    pub fn from_env_as(env: &Env, size_assumed: bool, look: Look) -> Self {
        let get = |name: &str| env.get(name).map_or("", String::as_str);
        let term = get("TERM");
        let simple = size_assumed || is_simple(term);
        let multiplexer = multiplexer(term, !get("TMUX").is_empty(), !get("STY").is_empty());
        let no_colour = !get("NO_COLOR").is_empty();
        let able = colour(term, get("COLORTERM"), multiplexer);
        let colour = match look {
            Look::Auto if simple || no_colour => Colour::Attributes,
            Look::Auto | Look::Dark | Look::Light => able,
            Look::Sixteen => Colour::Ansi16,
            Look::Ascii | Look::Mono => Colour::Attributes,
        };
        let utf8 = is_utf8_locale(env);
        Self {
            colour,
            ascii: simple || !utf8 || look == Look::Ascii,
            utf8,
            light: look == Look::Light || (look == Look::Auto && is_light(get("COLORFGBG"))),
            alternate_screen: !simple,
            synchronised: !simple,
            multiplexer,
            ssh: ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].iter().any(|name| !get(name).is_empty()),
            dumb: term == "dumb",
        }
    }

    /// Tells crossterm to send exactly the styles it is given; the theme has chosen them by [`Caps::colour`].
    pub fn take_over_colour(&self) {
        crossterm::style::force_color_output(true);
    }

    /// The sign for cut text.
    #[must_use]
    pub fn ellipsis(&self) -> crate::safe_text::Ellipsis {
        if self.ascii { crate::safe_text::Ellipsis::Ascii } else { crate::safe_text::Ellipsis::Unicode }
    }
}

/// Real terminals, their plain emulations, and what nobody named.
fn is_simple(term: &str) -> bool {
    matches!(term, "" | "ansi" | "linux" | "dumb" | "unknown" | "network" | "dialup") || term.starts_with("vt")
}

fn multiplexer(term: &str, tmux: bool, screen: bool) -> Option<Multiplexer> {
    // Both variables may be inherited; `TERM` is set by the innermost one, but tmux may call itself screen.
    if tmux || term.starts_with("tmux") {
        Some(Multiplexer::Tmux)
    } else if screen || term.starts_with("screen") {
        Some(Multiplexer::Screen)
    } else {
        None
    }
}

fn colour(term: &str, colorterm: &str, multiplexer: Option<Multiplexer>) -> Colour {
    let claims_true = matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct");
    if claims_true && multiplexer != Some(Multiplexer::Screen) {
        Colour::True
    } else if claims_true || term.ends_with("256color") {
        Colour::Indexed256
    } else {
        Colour::Ansi16
    }
}

/// `COLORFGBG` is `ink;paper` or `ink;default;paper`, in the numbers of the sixteen: white and light grey are light, and
/// so are the bright ones.
fn is_light(colorfgbg: &str) -> bool {
    let paper = colorfgbg.rsplit(';').next().and_then(|paper| paper.parse::<u8>().ok());
    colorfgbg.contains(';') && paper.is_some_and(|paper| paper == 7 || (9..=15).contains(&paper))
}

/// The first of the three that is set decides, as in POSIX.
fn is_utf8_locale(env: &Env) -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let set = names.iter().filter_map(|name| env.get(*name)).find(|value| !value.is_empty());
    let locale = set.map(|value| value.to_ascii_lowercase()).unwrap_or_default();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(env: &[(&str, &str)]) -> Caps {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Caps::from_env(&env, false)
    }

    #[test]
    fn serial_terminal_gets_attributes_and_ascii_only() {
        for term in ["vt100", "vt220", "ansi", "linux", "dumb", ""] {
            let caps = caps(&[("TERM", term), ("LANG", "en_GB.UTF-8"), ("COLORTERM", "truecolor")]);
            assert_eq!(caps.colour, Colour::Attributes, "{term}");
            assert!(caps.ascii && !caps.alternate_screen && !caps.synchronised, "{term}");
            assert_eq!(caps.dumb, term == "dumb");
        }
    }

    #[test]
    fn unknown_size_means_a_serial_line_whatever_term_says() {
        let env = Env::from([("TERM".to_owned(), "xterm-256color".to_owned())]);
        let caps = Caps::from_env(&env, true);
        assert!(caps.ascii && !caps.alternate_screen && caps.colour == Colour::Attributes);
    }

    #[test]
    fn colours_follow_term_and_colorterm() {
        assert_eq!(caps(&[("TERM", "xterm")]).colour, Colour::Ansi16);
        assert_eq!(caps(&[("TERM", "xterm-256color")]).colour, Colour::Indexed256);
        assert_eq!(caps(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]).colour, Colour::True);
        assert_eq!(caps(&[("TERM", "screen-256color"), ("COLORTERM", "truecolor")]).colour, Colour::Indexed256);
    }

    #[test]
    fn no_color_takes_the_colour_and_leaves_the_rest() {
        let caps = caps(&[("TERM", "xterm-256color"), ("NO_COLOR", "1"), ("LC_CTYPE", "C.UTF-8")]);
        assert_eq!(caps.colour, Colour::Attributes);
        assert!(!caps.ascii && caps.alternate_screen);
    }

    #[test]
    fn multiplexer_and_ssh_are_seen() {
        let tmux =
            caps(&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux-0/default,1,0"), ("SSH_CONNECTION", "a b c d")]);
        assert_eq!((tmux.multiplexer, tmux.ssh), (Some(Multiplexer::Tmux), true));
        assert_eq!(caps(&[("TERM", "screen")]).multiplexer, Some(Multiplexer::Screen));
        assert_eq!(caps(&[("TERM", "xterm")]).multiplexer, None);
    }

    #[test]
    fn first_locale_variable_that_is_set_decides() {
        assert!(caps(&[("TERM", "xterm"), ("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]).ascii);
        assert!(!caps(&[("TERM", "xterm"), ("LC_ALL", ""), ("LANG", "de_DE.utf8")]).ascii);
    }
}
