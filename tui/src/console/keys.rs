//! The terminal's keys as the model's.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use zeroize::Zeroizing;

use crate::app::Msg;
use crate::app::key::{Code, Key};
use crate::app::msg::{Hidden, Mouse};
use crate::term::input::Input;

/// The message of an input; `None` where the model has no use for it.
pub(super) fn message(input: Input) -> Option<Msg> {
    match input {
        Input::Key(event) => key(event).map(Msg::Key),
        Input::EnterWithText => Some(Msg::Key(Key::plain(Code::EnterWithText))),
        Input::Paste(pasted) => Some(Msg::Paste { text: Hidden(Zeroizing::new(pasted.text)), burst: false }),
        Input::PasteBurst(pasted) => Some(Msg::Paste { text: Hidden(Zeroizing::new(pasted.text)), burst: true }),
        Input::Press { column, row } => Some(Msg::Mouse(Mouse::Press { column, row })),
        Input::Wheel { down } => Some(Msg::Mouse(Mouse::Wheel { down })),
        Input::Resize { .. } | Input::Focus { .. } | Input::Failed(_) => None,
    }
}

fn key(event: KeyEvent) -> Option<Key> {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    if event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let code = match event.code {
        KeyCode::Char(letter) => Code::Char(letter),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        _ => return None,
    };
    Some(Key { code, ctrl })
}
