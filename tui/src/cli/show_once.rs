//! A secret on the alternate screen of a terminal: there until it is confirmed, never in the scrollback.

use std::io::{self, Write};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use crossterm::style::Print;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use tollgate_shared::api::TokenCreated;

use crate::app::first::reachable;
use crate::safe_text::SafeText;

/// A secret that nobody looks at is hidden after this; any key shows it again (operator.md, job 1).
const HIDE_AFTER: Duration = Duration::from_secs(60);

/// The other screen; restored however this ends.
struct Screen;

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Show,
    AskAgain,
    Done,
}

/// What is on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Secret,
    /// Enter was pressed once.
    Asking,
    Hidden,
}

/// Shows the secret until somebody says that he has it.
pub(super) fn show(created: &TokenCreated, call: &str) -> io::Result<()> {
    let screen = Screen::enter()?;
    let mut shown = Shown::Secret;
    loop {
        draw(&lines(created, call, shown))?;
        if !poll(HIDE_AFTER)? {
            shown = Shown::Hidden;
            continue;
        }
        let Event::Key(key) = read()? else { continue };
        shown = match step(shown, key) {
            Some(Step::Done) => break,
            Some(Step::AskAgain) => Shown::Asking,
            Some(Step::Show) => Shown::Secret,
            None => shown,
        };
    }
    drop(screen);
    Ok(())
}

/// One call that reads the secret from standard input, so that neither the shell's history nor `ps` sees it.
pub(super) fn call_line(listen: &str, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    let url = format!("{scheme}://{}/v1/process", reachable(listen));
    format!(r#"curl -sS -H @- -H 'Content-Type: application/json' -d @alert.json {url} <<<"Authorization: Bearer $TG""#)
}

fn step(shown: Shown, key: KeyEvent) -> Option<Step> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    match (shown, key.code) {
        (Shown::Hidden, _) => Some(Step::Show),
        (_, KeyCode::Char('q')) => Some(Step::Done),
        (_, KeyCode::Char('c')) if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Step::Done),
        (Shown::Asking, KeyCode::Enter) => Some(Step::Done),
        (Shown::Secret, KeyCode::Enter) => Some(Step::AskAgain),
        (Shown::Asking, _) => Some(Step::Show),
        (Shown::Secret, _) => None,
    }
}

/// The secret is alone on its line from the first column on, so that a mouse or a triple click takes it whole.
fn lines(created: &TokenCreated, call: &str, shown: Shown) -> Vec<String> {
    let secret = if shown == Shown::Hidden { "(hidden: any key shows it again)" } else { created.secret.as_str() };
    let ask = match shown {
        Shown::Secret => "Enter or q when you have it. It is never shown again.",
        Shown::Asking => "Really? Enter again: I have it. Any other key: not yet.",
        Shown::Hidden => "",
    };
    let title = format!("SECRET of {}   {}", created.token.name, created.id);
    let lines = [
        title.as_str(),
        "",
        secret,
        "",
        "To use it, paste it where nothing is shown:",
        "read -rs TG",
        "then:",
        call,
        "",
        ask,
    ];
    lines.map(str::to_owned).to_vec()
}

fn draw(lines: &[String]) -> io::Result<()> {
    let mut out = io::stdout();
    queue!(out, Clear(ClearType::All), MoveTo(0, 0))?;
    for line in lines {
        // Raw mode moves down without moving to the left.
        queue!(out, Print(SafeText::new(line).to_plain()), Print("\r\n"))?;
    }
    out.flush()
}

impl Screen {
    fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        let screen = Self;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Cleared first: some terminals keep the other screen's content.
        execute!(io::stdout(), Clear(ClearType::All), LeaveAlternateScreen, Show).ok();
        disable_raw_mode().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(shown: Shown, code: KeyCode) -> Option<Step> {
        step(shown, KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn the_secret_goes_only_when_it_is_confirmed_twice_or_quit() {
        assert_eq!(press(Shown::Secret, KeyCode::Enter), Some(Step::AskAgain));
        assert_eq!(press(Shown::Asking, KeyCode::Enter), Some(Step::Done));
        assert_eq!(press(Shown::Asking, KeyCode::Char('x')), Some(Step::Show));
        assert_eq!(press(Shown::Secret, KeyCode::Char('x')), None);
        assert_eq!(press(Shown::Secret, KeyCode::Char('q')), Some(Step::Done));
        assert_eq!(press(Shown::Hidden, KeyCode::Char('q')), Some(Step::Show));
    }

    #[test]
    fn the_line_to_run_reads_the_secret_from_standard_input() {
        let line = call_line("0.0.0.0:7480", false);
        assert!(line.contains("-H @-") && line.contains("http://127.0.0.1:7480/v1/process"), "{line}");
        assert!(line.ends_with(r#"<<<"Authorization: Bearer $TG""#), "{line}");
    }
}
