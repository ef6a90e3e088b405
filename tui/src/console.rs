//! The console's loop: the terminal, the model, the view and the client task, wired together.
//!
//! The loop owns the model and never waits for the daemon: the client task does. All queues are bounded. Something is
//! drawn only where the model differs from what was drawn, and only while no frame is in flight.

mod calls;
mod client;
mod fetch;
mod files;
mod keys;
mod me;
mod pages;
pub mod playback;
pub mod resume;
mod sample;
mod stage;
mod tails;
mod trial;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, Receiver, Sender};
use tollgate_shared::time::Timestamp;

use crate::app::msg::{Call, Failure, Reply};
use crate::app::resume::Kept;
use crate::app::update::update;
use crate::app::{Dirty, Effect, Effects, Model, Msg, Net, slow};
use crate::cli::ConsoleArgs;
use crate::client::Client;
use crate::session::record::Recorder;
use crate::term::frame::{DirtyKind, Draw, FramePolicy};
use crate::term::input::Input;
use crate::term::look::Look;
use crate::term::signals::Signal;
use crate::term::{EXIT_TERMINAL_LOST, process_env};
use crate::view::Theme;
use resume::Keeper;
use stage::Stage;

pub(crate) use client::failure;
pub(crate) use fetch::{Topic, evidence, usual};
pub(crate) use me::me;

/// What the client task may have said and the loop has not taken yet. A tail that finds it full becomes a gap.
const NET_QUEUE: usize = 64;
/// Requests that may wait for the client task.
const EFFECT_QUEUE: usize = 64;
/// 128 + SIGTERM.
const EXIT_TERMINATED: i32 = 143;

/// How the console is started.
#[derive(Clone, Debug, Default)]
pub struct ConsoleOptions {
    /// Sockets to try, in order.
    pub sockets: Vec<PathBuf>,
    /// How it is to look.
    pub look: Look,
    /// Without a key for so many seconds the screen is hidden.
    pub lock_after_secs: Option<u32>,
    /// A new file that keeps what happens.
    pub record: Option<PathBuf>,
    /// For an account that may use nothing else: no file is written, and the program is not left by ctrl-z.
    pub forced: bool,
    /// The file with the place of the last console, or why there can be none; none = it was not asked for.
    pub resume: Option<Result<PathBuf, String>>,
}

impl From<ConsoleArgs> for ConsoleOptions {
    fn from(args: ConsoleArgs) -> Self {
        let ConsoleArgs { sockets, look, lock_after_secs, record, forced, resume, .. } = args;
        Self { sockets, look, lock_after_secs, record, forced, resume }
    }
}

/// The place of the last console, none yet, or why there is none.
type Found = Result<Option<Box<Kept>>, String>;

/// Why the loop ended.
enum End {
    Quit,
    Terminated,
    /// The terminal is gone: nothing may be written any more.
    Lost,
    Panicked,
}

/// Runs the console to its end and returns the exit code. The terminal is as it was before.
///
/// # Errors
/// If standard input or output is no terminal, or its modes cannot be switched.
pub fn run(options: &ConsoleOptions) -> io::Result<i32> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let code = runtime.block_on(console(options));
    // A daemon that hangs must not hold up the end.
    runtime.shutdown_background();
    code
}

async fn console(options: &ConsoleOptions) -> io::Result<i32> {
    // Before the terminal is taken: a file that is there already is said in plain words.
    let (columns, rows) = Stage::size_now(&process_env());
    let mut model = Model::new(now(), columns, rows);
    model.lock_after_secs = options.lock_after_secs;
    model.times.offset_secs = offset_secs(model.now);
    let place = options.resume.clone().map(place_of);
    let recorder = options.record.as_deref().map(|path| Recorder::create(path, &model)).transpose()?;
    let mut stage = Stage::open(&process_env(), options.look)?;
    let (net_out, net_in) = mpsc::channel(NET_QUEUE);
    let (effects_out, effects_in) = mpsc::channel(EFFECT_QUEUE);
    let sockets = options.sockets.clone();
    let (end, keeper) = {
        // The first paint comes before the first connect.
        let mut desk = Desk::new(model, Theme::of(&stage.caps), effects_out);
        (desk.recorder, desk.forced) = (recorder, options.forced);
        if let Some((found, keeper)) = place {
            desk.keeper = keeper;
            // A terminal that is lost already is found by the loop.
            desk.take(&mut stage, Msg::Resume(found)).ok();
        }
        desk.draw_if_due(&mut stage).ok();
        let client = tokio::spawn(client::run(sockets, effects_in, net_out));
        let end = desk.work(&mut stage, net_in).await;
        client.abort();
        let mut keeper = desk.keeper.take();
        // After a panic nobody knows what the model is worth.
        let left = keeper.as_mut().filter(|_| !matches!(end, End::Panicked));
        left.into_iter().for_each(|keeper| keeper.leave(&desk.model));
        (end, keeper)
    };
    let code = match end {
        End::Quit => stage.close().await.map_or(1, |()| 0),
        End::Terminated => stage.close().await.map_or(1, |()| EXIT_TERMINATED),
        End::Panicked => 101,
        End::Lost => {
            stage.abandon();
            EXIT_TERMINAL_LOST
        }
    };
    // Only now, with the terminal given back, is the disk waited for.
    drop(keeper);
    Ok(code)
}

/// What was left, and who keeps what will be.
fn place_of(path: Result<PathBuf, String>) -> (Found, Option<Keeper>) {
    let path = match path {
        Ok(path) => path,
        Err(words) => return (Err(words), None),
    };
    let found = resume::read(&path);
    let kept = found.as_ref().ok().and_then(|found| found.as_deref().cloned());
    match Keeper::begin(path, kept) {
        Ok(keeper) => (found, Some(keeper)),
        Err(error) => (Err(format!("this place is not kept: {error}")), None),
    }
}

/// The loop's state.
struct Desk {
    model: Model,
    theme: Theme,
    dirty: Option<Dirty>,
    policy: FramePolicy,
    effects: Sender<Effect>,
    recorder: Option<Recorder>,
    keeper: Option<Keeper>,
    /// No file is written, and the program is not left.
    forced: bool,
}

/// Why a form for one program alone refuses something.
const FORCED: &str = "this account has the console alone: no file is written on this host";

impl Desk {
    fn new(model: Model, theme: Theme, effects: Sender<Effect>) -> Self {
        Self {
            model,
            theme,
            dirty: Some(Dirty::Input),
            policy: FramePolicy::default(),
            effects,
            recorder: None,
            keeper: None,
            forced: false,
        }
    }

    async fn work(&mut self, stage: &mut Stage, mut net: Receiver<Net>) -> End {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let Ok(due) = self.draw_if_due(stage) else { return End::Lost };
            let later = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let step = tokio::select! {
                biased;
                () = stage.lost.notified() => Err(End::Lost),
                () = stage.panicked.notified() => Err(End::Panicked),
                signal = stage.signals.next() => self.signal(stage, signal),
                written = stage.screen.settled() => written.map_err(|_| End::Lost),
                input = stage.input.recv() => self.input(stage, input),
                Some(message) = net.recv() => self.take_all(stage, message, &mut net),
                _ = tick.tick() => self.take(stage, Msg::Tick),
                () = later => Ok(()),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Draws if something differs, the writer is idle and it is time. Says when to come back.
    fn draw_if_due(&mut self, stage: &mut Stage) -> io::Result<Option<Instant>> {
        let kind = self.dirty.map(|dirty| match dirty {
            Dirty::Clock => DirtyKind::Clock,
            Dirty::Stream => DirtyKind::Stream,
            Dirty::Input => DirtyKind::Input,
        });
        let ready = stage.screen.ready()?;
        let measured = stage.screen.stats().slow_link();
        if measured && self.model.slow.is_none_or(|slow| slow.until < now().plus_secs(slow::HELD_SECS / 2)) {
            // Nothing has to be done for it, and nothing is different before the next row.
            self.update(Msg::SlowLine);
        }
        let slow = measured || self.model.slow.is_some();
        match self.policy.next(Instant::now(), kind, ready, slow) {
            Draw::Idle => Ok(None),
            Draw::WaitUntil(at) => Ok(Some(at)),
            Draw::Draw => {
                let (model, theme) = (&self.model, &self.theme);
                if stage.screen.draw(|frame| crate::view::render(model, theme, frame))? {
                    self.dirty = None;
                    self.policy.drawn(Instant::now());
                }
                Ok(None)
            }
        }
    }

    fn input(&mut self, stage: &mut Stage, input: Option<Input>) -> Result<(), End> {
        let message = match input {
            None | Some(Input::Failed(_)) => return Err(End::Lost),
            Some(Input::Resize { .. }) => {
                let (columns, rows) = stage.resize().map_err(|_| End::Lost)?;
                Msg::Resize { columns, rows }
            }
            Some(other) => match keys::message(other) {
                Some(message) => message,
                None => return Ok(()),
            },
        };
        self.take(stage, message)
    }

    fn signal(&mut self, stage: &mut Stage, signal: Signal) -> Result<(), End> {
        match signal {
            Signal::Terminate | Signal::Interrupt => Err(End::Terminated),
            Signal::HangUp => Err(End::Lost),
            Signal::Continue => {
                stage.guard.resume().map_err(|_| End::Lost)?;
                self.repaint(stage)
            }
            Signal::WindowChange => {
                let (columns, rows) = stage.resize().map_err(|_| End::Lost)?;
                self.take(stage, Msg::Resize { columns, rows })
            }
        }
    }

    /// Takes a message and whatever else waits, so that many messages cost one frame.
    fn take_all(&mut self, stage: &mut Stage, first: Net, net: &mut Receiver<Net>) -> Result<(), End> {
        self.take(stage, Msg::Net(first))?;
        for _ in 0..NET_QUEUE {
            match net.try_recv() {
                Ok(message) => self.take(stage, Msg::Net(message))?,
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn take(&mut self, stage: &mut Stage, message: Msg) -> Result<(), End> {
        if matches!(message, Msg::Tick) {
            self.model.times.offset_secs = offset_secs(now());
            let said = self.keeper.as_mut().and_then(|keeper| keeper.tick(&self.model, Instant::now()));
            said.into_iter().for_each(|words| self.answer(words));
        }
        let Effects { list, dirty } = self.update(message);
        self.dirty = self.dirty.max(dirty);
        for effect in list {
            self.run(stage, effect)?;
        }
        Ok(())
    }

    /// Every message goes this way, so that a recording has all of them.
    fn update(&mut self, message: Msg) -> Effects {
        let now = now();
        let ended = self.recorder.as_mut().and_then(|recorder| recorder.note(&self.model, &message, now));
        let effects = update(&mut self.model, message, now);
        if let Some(why) = ended {
            self.recorder = None;
            self.answer(why);
        }
        effects
    }

    fn run(&mut self, stage: &mut Stage, effect: Effect) -> Result<(), End> {
        match effect {
            Effect::Quit => Err(End::Quit),
            Effect::Repaint => self.repaint(stage),
            Effect::Background if self.forced => {
                self.answer("this account has the console alone: q leaves it".to_owned());
                Ok(())
            }
            Effect::Background => self.background(stage),
            Effect::Copy { text, secret } => {
                let words = stage.copy(&text.0, secret);
                self.answer(words.map_err(|_| End::Lost)?);
                Ok(())
            }
            Effect::Mouse(on) => stage.mouse(on).map_err(|_| End::Lost),
            Effect::WriteFile { generation, .. } if self.forced => {
                let words = FORCED.to_owned();
                self.tell(Net::Done { generation, result: Err(Failure { words, ..Failure::default() }) });
                Ok(())
            }
            Effect::WriteFile { generation, name, text } => {
                let written = files::write_new(&name, &text.0);
                self.tell(Net::Done { generation, result: written });
                Ok(())
            }
            effect => {
                self.send(effect);
                Ok(())
            }
        }
    }

    /// Hands an effect to the client task. Where its queue is full, a change is refused in words; what is only asked
    /// for comes again with the next refresh.
    fn send(&mut self, effect: Effect) {
        if let Err(mpsc::error::TrySendError::Full(Effect::Request { generation, .. })) = self.effects.try_send(effect)
        {
            self.tell(Net::NotSent { generation });
        }
    }

    /// An answer of the loop itself goes straight into the model.
    fn tell(&mut self, net: Net) {
        let Effects { list, dirty } = self.update(Msg::Net(net));
        self.dirty = self.dirty.max(dirty);
        for effect in list {
            drop(self.effects.try_send(effect));
        }
    }

    fn answer(&mut self, words: String) {
        self.tell(Net::Done { generation: 0, result: Ok(Reply::Said(words)) });
    }

    fn repaint(&mut self, stage: &mut Stage) -> Result<(), End> {
        self.dirty = Some(Dirty::Input);
        stage.screen.repaint().map_err(|_| End::Lost)
    }

    /// ctrl-z. The frame in flight is waited for: the guard's bytes must not fall into the middle of it.
    fn background(&mut self, stage: &mut Stage) -> Result<(), End> {
        if !stage.screen.ready().map_err(|_| End::Lost)? {
            self.answer("the terminal is busy: press ctrl-z again".to_owned());
            return Ok(());
        }
        stage.guard.suspend().map_err(|_| End::Lost)?;
        self.repaint(stage)
    }
}

/// Asks for a change and waits for what comes of it, for who works without the loop.
pub(crate) async fn ask(client: &Client, call: Call) -> Result<Reply, Failure> {
    calls::ask(client, call).await.map_err(|error| failure(&error))
}

/// How far the operator's own time is ahead of UTC at a moment; asked again now and then, because it changes with the season.
fn offset_secs(at: Timestamp) -> i32 {
    use chrono::{Offset as _, TimeZone as _};
    chrono::Local.offset_from_utc_datetime(&at.to_utc().naive_utc()).fix().local_minus_utc()
}

/// The only clock of the console.
#[expect(clippy::disallowed_methods, reason = "the main loop is where the clock is read; all else gets `now`")]
pub(crate) fn now() -> Timestamp {
    chrono::Utc::now().into()
}
