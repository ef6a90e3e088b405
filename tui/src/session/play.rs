//! Playing back: the messages of a file through `update`, and the screen that comes of it.

use std::io::{self, BufRead, Read as _};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use tollgate_shared::time::Timestamp;
use unicode_width::UnicodeWidthStr as _;

use super::{Entry, FORM, Header};
use crate::app::update::update;
use crate::app::{Effect, Model, Msg};
use crate::view::{Theme, render};

/// No line of a file is longer than the largest file.
const LINE_BYTES_MAX: u64 = super::record::BYTES_MAX;
/// A file may come from anywhere: a screen is no larger than any that there is.
const SIZE_MAX: (u16, u16) = (500, 200);

/// Why a file cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    #[error("the recording cannot be read")]
    Read(#[source] io::Error),
    #[error("this is no recording of the console")]
    Form,
    #[error("the recording is of form {0}, and this program reads form {FORM}")]
    Newer(u32),
    #[error("line {0} of the recording is damaged, or of another version of this program")]
    Line(usize),
}

/// A session that is being played.
pub struct Player<R> {
    pub model: Model,
    header: Header,
    lines: R,
    line: usize,
}

/// What the next line is.
#[derive(Debug)]
pub enum Step {
    /// A message, so many microseconds after the start.
    Msg(u64, Box<Msg>),
    /// The recording ended before the console did, and why.
    Ended(String),
}

impl<R: BufRead> Player<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// It is none of ours, or of another form.
    pub fn open(mut lines: R) -> Result<Self, PlayError> {
        let line = read_line(&mut lines)?.ok_or(PlayError::Form)?;
        let header: Header = serde_json::from_slice(&line).map_err(|_| PlayError::Form)?;
        if header.tollgate_session != FORM {
            return Err(PlayError::Newer(header.tollgate_session));
        }
        let (columns, rows) = (header.columns.min(SIZE_MAX.0), header.rows.min(SIZE_MAX.1));
        let mut model = Model::new(header.started, columns, rows);
        model.lock_after_secs = header.lock_after_secs;
        model.times.offset_secs = header.offset_secs;
        Ok(Self { model, header, lines, line: 1 })
    }

    /// The version of the program that wrote it.
    pub fn version(&self) -> &str {
        &self.header.version
    }

    /// The next step; `None` at the end.
    ///
    /// # Errors
    /// A line is none of ours.
    pub fn step(&mut self) -> Result<Option<Step>, PlayError> {
        self.line += 1;
        let Some(line) = read_line(&mut self.lines)? else { return Ok(None) };
        if !line.ends_with(b"\n") {
            // The console was killed, or the disk was full.
            return Ok(Some(Step::Ended("the recording breaks off here".to_owned())));
        }
        let entry: Entry = serde_json::from_slice(&line).map_err(|_| PlayError::Line(self.line))?;
        match entry {
            Entry { msg: Some(msg), t, .. } => Ok(Some(Step::Msg(t, Box::new(msg)))),
            Entry { end: Some(why), .. } => Ok(Some(Step::Ended(why))),
            Entry { .. } => Err(PlayError::Line(self.line)),
        }
    }

    /// Takes a message. True where the console ended with it.
    pub fn take(&mut self, t: u64, msg: Msg) -> bool {
        let msg = match msg {
            Msg::Resize { columns, rows } => {
                Msg::Resize { columns: columns.min(SIZE_MAX.0), rows: rows.min(SIZE_MAX.1) }
            }
            msg => msg,
        };
        let micros = self.header.started.as_micros().saturating_add(i64::try_from(t).unwrap_or(i64::MAX));
        let now = Timestamp::from_micros(micros);
        // What it would have asked of the daemon is in the file as its answers.
        update(&mut self.model, msg, now).list.iter().any(|effect| matches!(effect, Effect::Quit))
    }

    /// Plays all of it; says why the recording ended, where it did before the console.
    ///
    /// # Errors
    /// See [`Player::step`].
    pub fn to_end(&mut self) -> Result<Option<String>, PlayError> {
        while let Some(step) = self.step()? {
            match step {
                Step::Msg(t, msg) => {
                    if self.take(t, *msg) {
                        return Ok(None);
                    }
                }
                Step::Ended(why) => return Ok(Some(why)),
            }
        }
        Ok(None)
    }
}

/// The screen as lines of text, without what is only colour.
#[must_use]
pub fn screen(model: &Model, theme: &Theme) -> Vec<String> {
    let backend = TestBackend::new(model.columns.max(1), model.rows.max(1));
    let Ok(mut terminal) = Terminal::new(backend);
    let Ok(_) = terminal.draw(|frame| render(model, theme, frame));
    lines(terminal.backend().buffer())
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width).max(1);
    let row = |cells: &[ratatui::buffer::Cell]| {
        let (mut text, mut column) = (String::new(), 0);
        while let Some(cell) = cells.get(column) {
            text.push_str(cell.symbol());
            // A wide character has an empty cell behind it.
            column += cell.symbol().width().max(1);
        }
        text.trim_end().to_owned()
    };
    buffer.content().chunks(width).map(row).collect()
}

fn read_line(lines: &mut impl BufRead) -> Result<Option<Vec<u8>>, PlayError> {
    let mut line = Vec::new();
    let bytes = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(PlayError::Read)?;
    Ok((bytes > 0).then_some(line))
}
