//! How large the screen is, also where the terminal does not know.

use super::Env;
use std::os::fd::AsFd;

/// Larger screens are drawn in their upper left part: a terminal (or `COLUMNS`) that claims 65,535 columns must not
/// cost gigabytes of cells.
const COLUMNS_MAX: u16 = 1000;
const ROWS_MAX: u16 = 500;
const COLUMNS_ASSUMED: u16 = 80;
const ROWS_ASSUMED: u16 = 24;

/// The size in character cells, and whether the terminal told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
    /// The terminal reported none, as a serial line does: `LINES` and `COLUMNS` or 80x24 were taken.
    pub assumed: bool,
}

impl Size {
    /// Asks the terminal; no answer counts as 0x0.
    #[must_use]
    pub fn of(terminal: impl AsFd, env: &Env) -> Self {
        let reported = rustix::termios::tcgetwinsize(terminal);
        Self::decide(reported.map_or((0, 0), |size| (size.ws_col, size.ws_row)), env)
    }

    /// The rule of 0x0: zero in either dimension means that the terminal does not know, so each dimension comes from
    /// `COLUMNS` or `LINES`, else it is 80 or 24.
    #[must_use]
    pub fn decide((columns, rows): (u16, u16), env: &Env) -> Self {
        let assumed = columns == 0 || rows == 0;
        let (columns, rows) = if assumed {
            (from_env(env, "COLUMNS", COLUMNS_ASSUMED), from_env(env, "LINES", ROWS_ASSUMED))
        } else {
            (columns, rows)
        };
        Self { columns: columns.min(COLUMNS_MAX), rows: rows.min(ROWS_MAX), assumed }
    }
}

fn from_env(env: &Env, name: &str, otherwise: u16) -> u16 {
    let number = env.get(name).and_then(|value| value.trim().parse().ok());
    number.filter(|number| *number > 0).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(reported: (u16, u16), env: &[(&str, &str)]) -> (u16, u16, bool) {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let size = Size::decide(reported, &env);
        (size.columns, size.rows, size.assumed)
    }

    #[test]
    fn reported_size_is_taken() {
        assert_eq!(decide((132, 50), &[("COLUMNS", "80")]), (132, 50, false));
        assert_eq!(decide((1, 1), &[]), (1, 1, false));
    }

    #[test]
    fn serial_line_of_size_zero_takes_the_environment_else_80x24() {
        assert_eq!(decide((0, 0), &[]), (80, 24, true));
        assert_eq!(decide((0, 50), &[("COLUMNS", "100"), ("LINES", "30")]), (100, 30, true));
        assert_eq!(decide((132, 0), &[("COLUMNS", "x"), ("LINES", "0")]), (80, 24, true));
    }

    #[test]
    fn absurd_size_is_capped() {
        assert_eq!(decide((u16::MAX, u16::MAX), &[]), (1000, 500, false));
        assert_eq!(decide((0, 0), &[("COLUMNS", "65535"), ("LINES", "99999")]), (1000, 24, true));
    }

    #[test]
    fn what_is_no_terminal_has_the_assumed_size() {
        let (reader, _writer) = std::io::pipe().unwrap();
        assert_eq!(Size::of(&reader, &Env::new()), Size { columns: 80, rows: 24, assumed: true });
    }
}
