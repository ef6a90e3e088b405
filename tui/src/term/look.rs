//! What the operator wants to see, whatever the environment says of the terminal.

use std::str::FromStr;

/// A theme by its name on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Look {
    /// What TERM, COLORTERM, NO_COLOR, the locale and COLORFGBG say
    #[default]
    Auto,
    /// The terminal's own colours, for a dark background
    Dark,
    /// Colours that can be read on white and on cream
    Light,
    /// Red and magenta only, sent as the codes that every colour terminal knows
    #[value(name = "16")]
    Sixteen,
    /// No colours, and no sign of our own beyond ASCII
    Ascii,
    /// No colours
    Mono,
}

/// A name that is no theme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no theme `{0}`; there are auto, dark, light, 16, ascii and mono")]
pub struct NoSuchLook(String);

impl FromStr for Look {
    type Err = NoSuchLook;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        <Self as clap::ValueEnum>::from_str(name, true).map_err(|_| NoSuchLook(name.to_owned()))
    }
}

impl Look {
    /// The same without colours: who asks for none gets none, whatever else he asks for.
    #[must_use]
    pub fn without_colour(self) -> Self {
        if self == Self::Ascii { self } else { Self::Mono }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_has_the_name_that_the_error_lists() {
        let error = "sepia".parse::<Look>().unwrap_err().to_string();
        for (name, look) in [
            ("auto", Look::Auto),
            ("dark", Look::Dark),
            ("LIGHT", Look::Light),
            ("16", Look::Sixteen),
            ("ascii", Look::Ascii),
            ("mono", Look::Mono),
        ] {
            assert_eq!(name.parse(), Ok(look));
            assert!(error.contains(&name.to_lowercase()), "{error}");
        }
    }
}
