//! `tollgate playback FILE`: a recording on the screen, as fast as it happened or to its end.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::stage::Stage;
use crate::app::Msg;
use crate::app::key::{Code, Key};
use crate::session::play::{PlayError, Player, Step};
use crate::term::input::Input;
use crate::term::look::Look;
use crate::term::signals::Signal;
use crate::term::{EXIT_TERMINAL_LOST, process_env};
use crate::view::Theme;

/// Nobody waits longer for the next thing to happen.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// As often as something is drawn at most.
const FRAME: Duration = Duration::from_millis(33);

/// What is played, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaybackOptions {
    /// The recording.
    pub file: PathBuf,
    /// So many times as fast as it happened.
    pub speed: u32,
    /// At once to the last screen, which then stays.
    pub to_end: bool,
    /// How it is to look.
    pub look: Look,
}

/// Why the playing ended.
enum End {
    Left(i32),
    Failed(PlayError),
}

/// Plays a recording on the terminal until `q`; the exit code, or what is wrong with the file.
///
/// # Errors
/// If standard input or output is no terminal, or its modes cannot be switched.
pub fn run(options: &PlaybackOptions) -> io::Result<Result<i32, PlayError>> {
    let file = match File::open(&options.file) {
        Ok(file) => file,
        Err(error) => return Ok(Err(PlayError::Read(error))),
    };
    let player = match Player::open(BufReader::new(file)) {
        Ok(player) => player,
        Err(error) => return Ok(Err(error)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let ended = runtime.block_on(play(player, options));
    runtime.shutdown_background();
    ended
}

async fn play(mut player: Player<BufReader<File>>, options: &PlaybackOptions) -> io::Result<Result<i32, PlayError>> {
    let mut stage = Stage::open(&process_env(), options.look)?;
    let theme = Theme::of(&stage.caps);
    let ended = Show { player: &mut player, theme, speed: options.speed.max(1), paused: false, over: false };
    let ended = ended.run(&mut stage, options.to_end).await;
    match ended {
        End::Left(EXIT_TERMINAL_LOST) => {
            stage.abandon();
            Ok(Ok(EXIT_TERMINAL_LOST))
        }
        End::Left(code) => stage.close().await.map(|()| Ok(code)),
        End::Failed(error) => stage.close().await.map(|()| Err(error)),
    }
}

struct Show<'p> {
    player: &'p mut Player<BufReader<File>>,
    theme: Theme,
    speed: u32,
    paused: bool,
    /// The last message was taken: its screen stays.
    over: bool,
}

impl Show<'_> {
    async fn run(mut self, stage: &mut Stage, to_end: bool) -> End {
        let mut before = 0;
        let mut next = None;
        loop {
            if next.is_none() && !self.over {
                next = match self.player.step() {
                    Ok(Some(Step::Msg(t, msg))) => Some((t, *msg)),
                    Ok(Some(Step::Ended(_)) | None) => {
                        self.over = true;
                        None
                    }
                    Err(error) => return End::Failed(error),
                };
            }
            let due = next.as_ref().map(|(t, _)| self.wait(t.saturating_sub(before), to_end));
            if due.is_some_and(|due| due.is_zero()) && !self.paused {
                if let Some((t, msg)) = next.take() {
                    before = t;
                    self.over |= self.player.take(t, msg);
                }
                if !self.over {
                    continue;
                }
            }
            if let Err(end) = self.rest(stage, due.filter(|due| !due.is_zero())).await {
                return end;
            }
            if let (Some((t, msg)), false) = (next.take_if(|_| !self.paused), self.over) {
                before = t;
                self.over |= self.player.take(t, msg);
            }
        }
    }

    /// How long until the next message; what follows at once is taken without a frame between.
    fn wait(&self, micros: u64, to_end: bool) -> Duration {
        let wait = Duration::from_micros(micros) / self.speed;
        if to_end || wait < FRAME / 4 { Duration::ZERO } else { wait.min(WAIT_MAX) }
    }

    /// Draws, then waits for the time or for a key.
    async fn rest(&mut self, stage: &mut Stage, wait: Option<Duration>) -> Result<(), End> {
        let lost = |_| End::Left(EXIT_TERMINAL_LOST);
        let until = wait.filter(|_| !self.paused && !self.over).map(|wait| Instant::now() + wait);
        loop {
            if stage.screen.ready().map_err(lost)? {
                let (model, theme) = (&self.player.model, &self.theme);
                stage.screen.draw(|frame| crate::view::render(model, theme, frame)).map_err(lost)?;
            }
            let later = async {
                match until {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stage.lost.notified() => return Err(End::Left(EXIT_TERMINAL_LOST)),
                () = stage.panicked.notified() => return Err(End::Left(101)),
                signal = stage.signals.next() => match signal {
                    Signal::HangUp => return Err(End::Left(EXIT_TERMINAL_LOST)),
                    Signal::Terminate | Signal::Interrupt => return Err(End::Left(143)),
                    Signal::Continue => stage.guard.resume().map_err(lost)?,
                    Signal::WindowChange => drop(stage.resize().map_err(lost)?),
                },
                written = stage.screen.settled() => written.map_err(lost)?,
                input = stage.input.recv() => {
                    if self.key(input)? {
                        return Ok(());
                    }
                }
                () = later => return Ok(()),
            }
        }
    }

    /// q leaves, Space stops and goes on. True where the waiting begins anew.
    fn key(&mut self, input: Option<Input>) -> Result<bool, End> {
        let Some(input) = input else { return Err(End::Left(EXIT_TERMINAL_LOST)) };
        match super::keys::message(input) {
            Some(Msg::Key(Key { code: Code::Char('q') | Code::Esc, .. })) => Err(End::Left(0)),
            Some(Msg::Key(Key { code: Code::Char('c'), ctrl: true })) => Err(End::Left(0)),
            Some(Msg::Key(Key { code: Code::Char(' '), .. })) => {
                self.paused = !self.paused;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
