//! Draws frames of a known size through the writer.
//!
//! ratatui would ask the terminal for its size at each frame, and clears with a cursor report that it then waits for.
//! Both can fail or hang on a serial line, so the area is fixed here, and a full repaint is a new terminal of
//! ratatui's.

use super::size::Size;
use super::writer::{Stats, Writer};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use std::io::{self, Write};
use std::time::Duration;

/// Default style, whole screen empty. It goes out in the same write as the frame that follows, so nothing flickers.
const CLEAR: &[u8] = b"\x1b[0m\x1b[2J";

/// The screen: the last frame's cells, and the writer they go to.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<super::writer::FrameSink>>,
    writer: Writer,
    size: Size,
}

impl Screen {
    /// A screen of a size, over a writer. The first frame paints everything.
    ///
    /// # Errors
    /// None in practice: the sink takes every byte.
    pub fn new(writer: Writer, size: Size) -> io::Result<Self> {
        let terminal = blank(&writer, size)?;
        Ok(Self { terminal, writer, size })
    }

    /// Draws one frame and hands it to the writer; where no cell differs there is none. False, with nothing drawn, while the last frame is in flight.
    ///
    /// # Errors
    /// The terminal is gone: the program ends.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<bool> {
        if !self.writer.ready()? {
            return Ok(false);
        }
        let waiting = self.writer.waiting();
        self.terminal.draw(render)?;
        self.writer.take_back_blank(waiting);
        self.writer.commit()
    }

    /// Forgets what is shown, so that the next frame paints everything: ctrl-l, after SIGCONT, or when somebody
    /// attached.
    ///
    /// # Errors
    /// As [`Screen::new`].
    pub fn repaint(&mut self) -> io::Result<()> {
        self.terminal = blank(&self.writer, self.size)?;
        Ok(())
    }

    /// Takes a new size; also the same one, since it means that the screen may be another's.
    ///
    /// # Errors
    /// As [`Screen::new`].
    pub fn resize(&mut self, size: Size) -> io::Result<()> {
        self.size = size;
        self.repaint()
    }

    /// Sends bytes of our own, such as a clipboard text, with the next frame or at once if none is in flight.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.writer.sink().write_all(bytes)?;
        self.writer.commit()
    }

    /// See [`Writer::ready`].
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn ready(&mut self) -> io::Result<bool> {
        self.writer.ready()
    }

    /// See [`Writer::settled`].
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub async fn settled(&mut self) -> io::Result<()> {
        self.writer.settled().await
    }

    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        self.writer.stats()
    }

    /// See [`Writer::finish`]; to be called before the guard leaves its modes.
    ///
    /// # Errors
    /// As [`Writer::finish`].
    pub async fn finish(self, patience: Duration) -> io::Result<()> {
        self.writer.finish(patience).await
    }
}

fn blank(writer: &Writer, size: Size) -> io::Result<Terminal<CrosstermBackend<super::writer::FrameSink>>> {
    let mut sink = writer.sink();
    sink.write_all(CLEAR)?;
    let area = Rect::new(0, 0, size.columns, size.rows);
    Terminal::with_options(CrosstermBackend::new(sink), TerminalOptions { viewport: Viewport::Fixed(area) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safe_text::{SafeText, to_spans};
    use ratatui::style::Style;
    use ratatui::text::Line;
    use std::io::{PipeReader, Read};

    const SIZE: Size = Size { columns: 40, rows: 5, assumed: false };

    fn screen() -> (Screen, PipeReader) {
        let (reader, terminal) = io::pipe().unwrap();
        (Screen::new(Writer::start(terminal, true).unwrap(), SIZE).unwrap(), reader)
    }

    async fn show(screen: &mut Screen, data: &str) -> u64 {
        let before = screen.stats().bytes;
        let safe = SafeText::new(data);
        let line = Line::from(to_spans(&safe, Style::new(), Style::new().reversed()));
        assert!(screen.draw(|frame| frame.render_widget(line, frame.area())).unwrap());
        if !screen.ready().unwrap() {
            screen.settled().await.unwrap();
        }
        screen.stats().bytes - before
    }

    /// All that was written, after the screen has ended.
    async fn written(screen: Screen, mut reader: PipeReader) -> Vec<u8> {
        screen.finish(Duration::from_secs(20)).await.unwrap();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Notes every sequence that is not one of those that a frame is made of.
    #[derive(Default)]
    struct Foreign(Vec<String>);

    impl vte::Perform for Foreign {
        fn execute(&mut self, byte: u8) {
            self.0.push(format!("control {byte:#x}"));
        }
        fn csi_dispatch(&mut self, params: &vte::Params, private: &[u8], _: bool, action: char) {
            let first = params.iter().next().and_then(|param| param.first().copied()).unwrap_or(0);
            match (private, action, first) {
                (b"", 'H' | 'm' | 'J', _) | (b"?", 'h' | 'l', 25 | 2026) => {}
                _ => self.0.push(format!("CSI {private:?} {params:?} {action}")),
            }
        }
        fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
            self.0.push(format!("ESC {byte:#x}"));
        }
        fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
            self.0.push(format!("OSC {params:?}"));
        }
        fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
            self.0.push(format!("DCS {action}"));
        }
    }

    #[tokio::test]
    async fn hostile_records_reach_the_terminal_as_nothing_but_frames() {
        let (mut screen, reader) = screen();
        let drain = std::thread::spawn(move || {
            let (mut bytes, mut reader) = (Vec::new(), reader);
            reader.read_to_end(&mut bytes).unwrap();
            bytes
        });
        for code in
            (0..0x250).chain(0x2000..0x2070).chain(0xFE00..0xFE10).chain(0xE0000..0xE0080).chain(0x1F1E6..0x1F1F0)
        {
            let character = char::from_u32(code).unwrap();
            for data in
                [format!("{character}"), format!("{character}]52;c;Zm9v\x07[2J\u{9c}"), format!("e{character}\x1b[6n")]
            {
                show(&mut screen, &data).await;
            }
        }
        screen.finish(Duration::from_secs(20)).await.unwrap();
        let mut foreign = Foreign::default();
        vte::Parser::new().advance(&mut foreign, &drain.join().unwrap());
        assert_eq!(foreign.0, Vec::<String>::new());
    }

    #[tokio::test]
    async fn same_frame_again_costs_nothing_and_a_repaint_all() {
        let (mut screen, reader) = screen();
        let first = show(&mut screen, "one record that is shown").await;
        let second = show(&mut screen, "one record that is shown").await;
        assert_eq!((second, screen.stats().frames), (0, 1));
        screen.repaint().unwrap();
        assert!(show(&mut screen, "one record that is shown").await + 16 >= first);
        drop(written(screen, reader).await);
    }

    #[tokio::test]
    async fn screen_shows_what_was_drawn_and_the_terminal_is_asked_nothing() {
        let (mut screen, reader) = screen();
        show(&mut screen, "before").await;
        screen.resize(Size { columns: 20, rows: 2, assumed: true }).unwrap();
        show(&mut screen, "a\x1b[2Jb\u{202e}").await;
        let bytes = written(screen, reader).await;
        let mut terminal = vt100::Parser::new(2, 20, 0);
        terminal.process(&bytes);
        assert_eq!(terminal.screen().contents(), "a^[[2Jb<U+202E>");
        assert!(terminal.screen().cell(0, 1).unwrap().inverse() && !terminal.screen().cell(0, 0).unwrap().inverse());
    }

    #[tokio::test]
    async fn nothing_is_drawn_while_a_frame_is_in_flight() {
        let (mut screen, mut reader) = screen();
        assert!(!screen.send(&[b'x'; 300_000]).unwrap() || !screen.ready().unwrap());
        assert!(!screen.draw(|_| panic!("drawn over a frame in flight")).unwrap());
        let mut seen = vec![0; 300_000];
        reader.read_exact(&mut seen).unwrap();
        screen.settled().await.unwrap();
        assert!(screen.draw(|_| {}).unwrap());
    }
}
