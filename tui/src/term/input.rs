//! Reads the keyboard on a thread of its own.
//!
//! crossterm's reader blocks, and its asynchronous form calls the same loop from inside the executor. So one OS
//! thread reads, and one bounded channel carries what matters; when the loop is behind, the kernel holds the rest.

use super::paste::PasteGuard;
use crossterm::event::{self, Event, KeyEvent, KeyEventKind, MouseEventKind};
use std::io;
use std::time::Instant;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Inputs that may wait for the loop.
const QUEUED_MAX: usize = 256;
/// A longer paste is cut: no field takes more, and the text is held in memory whole.
pub const PASTE_BYTES_MAX: usize = 1 << 20;

/// What the operator did.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// A key went down, or repeats.
    Key(KeyEvent),
    /// Enter that came in one go with letters, too few to be a burst: a short line may have been pasted.
    EnterWithText,
    /// A paste that the terminal marked as one.
    Paste(Pasted),
    /// Text that came faster than anyone types: outside a text field it must not run as keys.
    PasteBurst(Pasted),
    /// The terminal has another size. What it says goes through [`super::size::Size::decide`].
    Resize {
        columns: u16,
        rows: u16,
    },
    Focus {
        gained: bool,
    },
    /// A button went down, in cells from the upper left corner.
    Press {
        column: u16,
        row: u16,
    },
    Wheel {
        down: bool,
    },
    /// The keyboard cannot be read any more; nothing follows.
    Failed(io::ErrorKind),
}

/// A pasted text, bounded. It may be a secret, so it has no `Debug` that shows it.
#[derive(Default, PartialEq, Eq)]
pub struct Pasted {
    pub text: String,
    /// The bytes that did not fit, to be said to the operator; 0 if the text is whole.
    pub cut_bytes: usize,
}

impl Pasted {
    /// Keeps [`PASTE_BYTES_MAX`] bytes, at a character's boundary.
    #[must_use]
    pub fn bounded(mut text: String) -> Self {
        let whole = text.len();
        text.truncate(text.floor_char_boundary(PASTE_BYTES_MAX));
        let cut_bytes = whole - text.len();
        Self { text, cut_bytes }
    }

    /// Adds a character, or counts it as cut; once something is cut, all that follows is.
    pub fn push(&mut self, character: char) {
        if self.cut_bytes == 0 && self.text.len() + character.len_utf8() <= PASTE_BYTES_MAX {
            self.text.push(character);
        } else {
            self.cut_bytes += character.len_utf8();
        }
    }
}

impl std::fmt::Debug for Pasted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Pasted({} bytes, {} cut)", self.text.len(), self.cut_bytes)
    }
}

/// Starts the reader. It ends when the receiver is dropped (at its next input) or the terminal fails; it is never
/// joined, since a read cannot be interrupted.
///
/// # Errors
/// If the thread cannot be made.
pub fn start() -> io::Result<Receiver<Input>> {
    let (sender, receiver) = channel(QUEUED_MAX);
    std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        if let Err(error) = read_until_closed(&sender) {
            // The loop may be gone already; then nobody needs to know.
            drop(sender.blocking_send(Input::Failed(error.kind())));
        }
    })?;
    Ok(receiver)
}

fn read_until_closed(sender: &Sender<Input>) -> io::Result<()> {
    let mut guard = PasteGuard::default();
    let mut ready = Vec::new();
    loop {
        match next_event(&guard)? {
            Some(event) => accept(event, Instant::now(), &mut guard, &mut ready),
            None => guard.release(&mut ready),
        }
        for input in ready.drain(..) {
            if sender.blocking_send(input).is_err() {
                return Ok(());
            }
        }
    }
}

/// The next event, or `None` when the guard's time comes first.
fn next_event(guard: &PasteGuard) -> io::Result<Option<Event>> {
    if let Some(due) = guard.due()
        && !event::poll(due.saturating_duration_since(Instant::now()))?
    {
        return Ok(None);
    }
    event::read().map(Some)
}

/// Sorts one event; everything but keys ends a run of held keys, so that the order stays.
fn accept(event: Event, at: Instant, guard: &mut PasteGuard, ready: &mut Vec<Input>) {
    let input = match event {
        Event::Key(key) if key.kind == KeyEventKind::Release => return,
        Event::Key(key) => return guard.key(key, at, ready),
        Event::Paste(text) => Input::Paste(Pasted::bounded(text)),
        Event::Resize(columns, rows) => Input::Resize { columns, rows },
        Event::FocusGained => Input::Focus { gained: true },
        Event::FocusLost => Input::Focus { gained: false },
        // Whether the mouse is wanted the model knows; a late report of another program's does nothing there.
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(_) => Input::Press { column: mouse.column, row: mouse.row },
            MouseEventKind::ScrollDown => Input::Wheel { down: true },
            MouseEventKind::ScrollUp => Input::Wheel { down: false },
            _ => return,
        },
    };
    guard.release(ready);
    ready.push(input);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent};

    fn accepted(events: Vec<Event>) -> Vec<Input> {
        let mut guard = PasteGuard::default();
        let mut ready = Vec::new();
        let now = Instant::now();
        events.into_iter().for_each(|event| accept(event, now, &mut guard, &mut ready));
        ready
    }

    fn key(code: KeyCode, kind: KeyEventKind) -> Event {
        Event::Key(KeyEvent::new_with_kind(code, KeyModifiers::NONE, kind))
    }

    #[test]
    fn releases_are_not_passed_on_and_of_the_mouse_only_presses_and_the_wheel() {
        assert_eq!(accepted(vec![key(KeyCode::Esc, KeyEventKind::Release)]), []);
        let repeat = key(KeyCode::Down, KeyEventKind::Repeat);
        let Event::Key(expected) = repeat.clone() else { unreachable!() };
        assert_eq!(accepted(vec![repeat]), [Input::Key(expected)]);
        let mouse = |kind| Event::Mouse(MouseEvent { kind, column: 7, row: 3, modifiers: KeyModifiers::NONE });
        let left = MouseButton::Left;
        let events =
            [MouseEventKind::Down(left), MouseEventKind::Up(left), MouseEventKind::Moved, MouseEventKind::ScrollUp];
        let passed = [Input::Press { column: 7, row: 3 }, Input::Wheel { down: false }];
        assert_eq!(accepted(events.map(mouse).into()), passed);
    }

    #[test]
    fn event_after_held_keys_does_not_overtake_them() {
        let typed = key(KeyCode::Char('a'), KeyEventKind::Press);
        let Event::Key(expected) = typed.clone() else { unreachable!() };
        let resize = Input::Resize { columns: 80, rows: 24 };
        assert_eq!(accepted(vec![typed, Event::Resize(80, 24)]), [Input::Key(expected), resize]);
    }

    #[test]
    fn large_paste_arrives_whole_and_a_huge_one_says_what_was_cut() {
        let pasted = accepted(vec![Event::Paste("x".repeat(100 * 1024))]);
        assert_eq!(pasted, [Input::Paste(Pasted { text: "x".repeat(100 * 1024), cut_bytes: 0 })]);
        let huge = Pasted::bounded("x".to_owned() + &"é".repeat(PASTE_BYTES_MAX / 2));
        assert_eq!((huge.text.len(), huge.cut_bytes), (PASTE_BYTES_MAX - 1, 2));
    }

    #[test]
    fn debug_of_a_paste_does_not_show_it() {
        let secret = Input::Paste(Pasted::bounded("tg_s_secret".to_owned()));
        assert_eq!(format!("{secret:?}"), "Paste(Pasted(11 bytes, 0 cut))");
    }
}
