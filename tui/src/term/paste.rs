//! Keeps a paste from running as hot keys where the terminal does not bracket it.
//!
//! A pure state machine: keys and times go in, inputs come out. A text key waits for at most [`GAP`] to see what
//! follows; six of them, each within that time of the last, are one burst. Six and 15 ms were chosen for serial
//! lines: 9600 baud brings a character each millisecond, while key repeat needs about 30 ms and fast typing 60.
//! Enter that comes in one go with fewer letters is told from one that was pressed: it must not send a form.
//! One letter over and over is a held key whose repeats a slow line brought together: those stay keys.

use super::input::{Input, Pasted};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::time::{Duration, Instant};

/// Keys closer than this belong together.
pub const GAP: Duration = Duration::from_millis(15);
/// This many make a burst.
pub const BURST_KEYS: usize = 6;
/// More repeats of one key than this at once are a paste all the same; it bounds what is held.
const REPEATS_MAX: usize = 64;

/// The keys that may yet turn out to be a paste.
#[derive(Debug, Default)]
pub struct PasteGuard {
    held: Vec<KeyEvent>,
    /// Set once the held keys are a burst; then `held` is empty.
    burst: Option<Pasted>,
    last: Option<Instant>,
}

impl PasteGuard {
    /// Takes a key pressed at a time. What is decided by it is added to `out`, in the order of arrival.
    pub fn key(&mut self, key: KeyEvent, at: Instant, out: &mut Vec<Input>) {
        if self.due().is_some_and(|due| at >= due) {
            self.release(out);
        }
        let Some(character) = text_of(&key) else {
            self.release(out);
            return out.push(Input::Key(key));
        };
        self.last = Some(at);
        match &mut self.burst {
            Some(burst) => burst.push(character),
            None => self.hold(key),
        }
    }

    /// When the held keys are decided without another key; `None` if none are held.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.last.map(|last| last + GAP)
    }

    /// Gives up the held keys: their time has come, or something else than a key arrived after them.
    pub fn release(&mut self, out: &mut Vec<Input>) {
        self.last = None;
        let with_text = self.held.iter().any(|key| matches!(key.code, KeyCode::Char(_)));
        out.extend(self.held.drain(..).map(|key| match key.code {
            KeyCode::Enter if with_text => Input::EnterWithText,
            _ => Input::Key(key),
        }));
        out.extend(self.burst.take().map(Input::PasteBurst));
    }

    fn hold(&mut self, key: KeyEvent) {
        self.held.push(key);
        let repeated = self.held.iter().all(|held| held.code == key.code) && self.held.len() <= REPEATS_MAX;
        if self.held.len() >= BURST_KEYS && !repeated {
            let mut burst = Pasted::default();
            self.held.drain(..).filter_map(|key| text_of(&key)).for_each(|character| burst.push(character));
            self.burst = Some(burst);
        }
    }
}

/// The character that a key writes. Enter and Tab count: a pasted line ends in one, and it must not run either.
fn text_of(key: &KeyEvent) -> Option<char> {
    if key.modifiers.intersects(!KeyModifiers::SHIFT) {
        return None;
    }
    match key.code {
        KeyCode::Char(character) => Some(character),
        KeyCode::Enter => Some('\n'),
        KeyCode::Tab => Some('\t'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPING: Duration = Duration::from_millis(60);
    const REPEAT: Duration = Duration::from_millis(30);
    const BAUD_9600: Duration = Duration::from_micros(1042);

    /// What comes out for keys that arrive at a steady pace and then stop.
    fn arriving(codes: impl IntoIterator<Item = KeyCode>, pace: Duration) -> Vec<Input> {
        let mut guard = PasteGuard::default();
        let mut out = Vec::new();
        let mut at = Instant::now();
        for code in codes {
            guard.key(KeyEvent::from(code), at, &mut out);
            at += pace;
        }
        guard.release(&mut out);
        assert_eq!(guard.due(), None);
        out
    }

    fn chars(text: &str) -> Vec<KeyCode> {
        text.chars().map(KeyCode::Char).collect()
    }

    fn keys(codes: Vec<KeyCode>) -> Vec<Input> {
        codes.into_iter().map(|code| Input::Key(KeyEvent::from(code))).collect()
    }

    fn burst(text: &str) -> Input {
        Input::PasteBurst(Pasted { text: text.to_owned(), cut_bytes: 0 })
    }

    #[test]
    fn typed_and_repeated_keys_pass_as_keys() {
        assert_eq!(arriving(chars("revoke it"), TYPING), keys(chars("revoke it")));
        assert_eq!(arriving(chars("jjjjjjjjjj"), REPEAT), keys(chars("jjjjjjjjjj")));
        assert_eq!(arriving(chars("abcdefgh"), GAP), keys(chars("abcdefgh")));
    }

    #[test]
    fn pasted_line_on_a_slow_serial_line_is_one_burst() {
        let mut line = chars("Run Dangerous");
        line.push(KeyCode::Enter);
        assert_eq!(arriving(line, BAUD_9600), [burst("Run Dangerous\n")]);
        assert_eq!(arriving(chars("abcdef"), Duration::ZERO), [burst("abcdef")]);
    }

    #[test]
    fn repeats_of_a_held_key_that_a_slow_line_brings_together_stay_keys() {
        assert_eq!(arriving(chars("jjjjjjjjjj"), Duration::ZERO), keys(chars("jjjjjjjjjj")));
        assert_eq!(arriving(chars("jjjjjjjR"), Duration::ZERO), [burst("jjjjjjjR")]);
        let long = "j".repeat(REPEATS_MAX + 1);
        assert_eq!(arriving(chars(&long), Duration::ZERO), [burst(&long)]);
    }

    #[test]
    fn five_quick_keys_are_no_burst() {
        assert_eq!(arriving(chars("abcde"), Duration::ZERO), keys(chars("abcde")));
    }

    #[test]
    fn enter_that_comes_in_one_go_with_letters_is_told_from_one_that_was_pressed() {
        let line = [KeyCode::Char('D'), KeyCode::Char('B'), KeyCode::Enter];
        let mut together = keys(chars("DB"));
        together.push(Input::EnterWithText);
        assert_eq!(arriving(line, BAUD_9600), together);
        assert_eq!(arriving(line, TYPING), keys(line.into()));
        assert_eq!(arriving([KeyCode::Enter; 2], Duration::ZERO), keys(vec![KeyCode::Enter; 2]));
    }

    #[test]
    fn order_is_kept_around_keys_that_write_nothing() {
        let mut codes = chars("ab");
        codes.push(KeyCode::Esc);
        codes.extend(chars("qrstuv"));
        codes.push(KeyCode::Down);
        let mut expected = keys(vec![KeyCode::Char('a'), KeyCode::Char('b'), KeyCode::Esc]);
        expected.extend([burst("qrstuv"), Input::Key(KeyEvent::from(KeyCode::Down))]);
        assert_eq!(arriving(codes, BAUD_9600), expected);
    }

    #[test]
    fn command_keys_pass_at_once() {
        let mut guard = PasteGuard::default();
        let mut out = Vec::new();
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        guard.key(ctrl_c, Instant::now(), &mut out);
        assert_eq!(out, [Input::Key(ctrl_c)]);
        assert_eq!(guard.due(), None);
    }

    #[test]
    fn held_key_is_due_after_the_gap() {
        let mut guard = PasteGuard::default();
        let mut out = Vec::new();
        let start = Instant::now();
        guard.key(KeyEvent::from(KeyCode::Char('q')), start, &mut out);
        assert!(out.is_empty());
        assert_eq!(guard.due(), Some(start + GAP));
    }

    #[test]
    fn endless_burst_is_bounded_and_says_what_was_cut() {
        let out = arriving(chars(&"x".repeat(super::super::input::PASTE_BYTES_MAX + 7)), Duration::ZERO);
        let [Input::PasteBurst(pasted)] = out.as_slice() else { panic!("one burst") };
        assert_eq!((pasted.text.len(), pasted.cut_bytes), (super::super::input::PASTE_BYTES_MAX, 7));
    }
}
