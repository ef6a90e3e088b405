//! Starts the tasks of an assembled daemon, and ends them: tell, wait with a deadline, give up loudly.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::oneshot;
use tokio::task::JoinHandle as Task;
use tokio_util::sync::CancellationToken;

use crate::assemble::{Assembled, Runtimes, StartError};
use crate::automation::runner;
use crate::backup::schedule;
use crate::core::access::Actor;
use crate::core::admin::{Command, Note};
use crate::core::audit;
use crate::daemon::Daemon;
use crate::edge::accept::{self, Drained};
use crate::files::DataDir;
use crate::gate::Gate;
use crate::jobs::AdminJob;
use crate::lanes::NotQueued;
use crate::local::{Entrance, Local};
use crate::logger::{self, LogTask};
use crate::store::StoreError;
use crate::watch::Watch;
use crate::writer::Writer;

/// Usage is flushed this often (storage.md).
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// Flushes between two looks for what has expired: a segment's bytes are gone within 65 minutes of its last row's end.
const FLUSHES_PER_SWEEP: u32 = 12;

/// Sweeps, of a minute each, between two audit heads in the journal; the first comes with the first sweep.
const SWEEPS_PER_HEAD: u32 = 60;

/// Tokens whose usage is written in one transaction.
const FLUSH_ROWS: usize = 512;

/// A daemon at work.
pub struct Running {
    daemon: Arc<Daemon>,
    runtimes: Runtimes,
    stop: CancellationToken,
    /// Cancelled when the writer or the log thread has ended, whatever ended it.
    thread_ended: CancellationToken,
    doors: Vec<Task<Drained>>,
    sweeper: Task<()>,
    runner: Task<()>,
    writer: JoinHandle<Result<(), StoreError>>,
    logger: JoinHandle<Result<(), StoreError>>,
    log_tasks: SyncSender<LogTask>,
    shutdown: Duration,
    data_dir: DataDir,
}

/// What is said when calls are taken: one line of JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// Always true.
    pub ready: bool,
    /// Where calls go.
    pub gate: String,
    /// Where operators go.
    pub socket: String,
    /// The daemon's version.
    pub version: String,
}

/// Starts everything.
///
/// # Errors
/// The host gives no threads, or a route table of ours contradicts itself.
pub fn start(assembled: Assembled, runtimes: Runtimes) -> Result<Running, StartError> {
    let Assembled {
        daemon,
        store,
        log,
        log_tasks,
        tcp,
        tls,
        socket,
        reader_socket,
        gate_edge,
        local_edge,
        shutdown,
        data_dir,
    } = assembled;
    let routes = |error| StartError::Host { what: "routes", source: std::io::Error::other(error) };
    let gate = Arc::new(Gate::new(daemon.clone()).map_err(routes)?);
    let local = Arc::new(Local::new(daemon.clone(), Entrance::default()).map_err(routes)?);
    let (log_sender, log_receiver) = log_tasks;
    let logger_daemon = daemon.clone();
    let thread_ended = CancellationToken::new();
    let ended = thread_ended.clone().drop_guard();
    let logger = spawn("log", move || {
        let _ended = ended;
        logger::run(&logger_daemon, log, &log_receiver)
    })?;
    let writing = Writer::new(daemon.clone(), store, log_sender.clone());
    let ended = thread_ended.clone().drop_guard();
    let writer = spawn("writer", move || {
        let _ended = ended;
        writing.run()
    })?;
    let stop = CancellationToken::new();
    let take = move |request, peer| gate.clone().handle(request, peer);
    let serve = move |request, peer| local.clone().handle(request, peer);
    let mut doors = vec![match tls {
        Some(acceptor) => runtimes.gate.spawn(accept::serve(acceptor.door(tcp), take, gate_edge, stop.clone())),
        None => runtimes.gate.spawn(accept::serve(tcp, take, gate_edge, stop.clone())),
    }];
    if let Some((listener, entrance)) = reader_socket {
        let reader = Arc::new(Local::new(daemon.clone(), entrance).map_err(routes)?);
        let serve = move |request, peer| reader.clone().handle(request, peer);
        doors.push(runtimes.local.spawn(accept::serve(listener, serve, local_edge.clone(), stop.clone())));
    }
    doors.push(runtimes.local.spawn(accept::serve(socket, serve, local_edge, stop.clone())));
    runtimes.local.spawn(keep_index(daemon.clone(), stop.clone()));
    let sweeper = runtimes.local.spawn(sweep(daemon.clone(), log_sender.clone(), stop.clone()));
    runtimes.local.spawn(schedule::run(daemon.clone(), stop.clone()));
    let runner = runtimes.local.spawn(runner::run(daemon.clone(), stop.clone(), shutdown));
    Ok(Running {
        daemon,
        runtimes,
        stop,
        thread_ended,
        doors,
        sweeper,
        runner,
        writer,
        logger,
        log_tasks: log_sender,
        shutdown,
        data_dir,
    })
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StartError> {
    let built = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    built.map_err(|source| StartError::Host { what: "a thread", source })
}

/// Flushes usage and looks for what has expired, until the stop.
async fn sweep(daemon: Arc<Daemon>, log: SyncSender<LogTask>, stop: CancellationToken) {
    let mut flushes = 0;
    let mut sweeps = SWEEPS_PER_HEAD - 1;
    // Its first look comes with the first flush: whatever is wrong at the start is told at once.
    let mut watch = Watch::default();
    loop {
        tokio::select! {
            () = tokio::time::sleep(FLUSH_EVERY) => {}
            () = stop.cancelled() => return,
        }
        let records = daemon.usage.take_dirty(FLUSH_ROWS);
        if !records.is_empty()
            && let Err(NotQueued::Full(job) | NotQueued::Closed(job)) =
                daemon.lanes.push_admin(AdminJob::FlushUsage(records))
            && let AdminJob::FlushUsage(records) = job
        {
            daemon.usage.put_back(records.into_iter().map(|(token, _)| token));
        }
        note_clock(&daemon);
        flushes += 1;
        if flushes == 1 {
            watch.look(&daemon).await;
        }
        if flushes == FLUSHES_PER_SWEEP {
            flushes = 0;
            sweeps += 1;
            if sweeps == SWEEPS_PER_HEAD {
                sweeps = 0;
                log_audit_head(&daemon).await;
            }
            // A full lane or queue means that there is work enough; the next round asks again.
            drop(daemon.lanes.push_admin(AdminJob::Sweep));
            drop(log.try_send(LogTask::Expire));
        }
    }
}

/// A wall clock that was set forward ends tokens: that is in the audit, as what somebody did would be.
fn note_clock(daemon: &Daemon) {
    daemon.clock.now();
    let Some(secs) = daemon.clock.take_jump() else { return };
    tracing::warn!(secs, "the wall clock was set forward; tokens end by it, nothing is erased before its time");
    let (target, detail) = ("wall clock".to_owned(), format!("set {secs} s forward against the boot clock"));
    let note = Note { action: "clock.jump", target, detail };
    let (answer, _) = oneshot::channel();
    // Where the lane is full, the log above has said it.
    drop(daemon.lanes.push_admin(AdminJob::Command { actor: Actor::daemon(), command: Command::Note(note), answer }));
}

/// Cutting the trail's end shows only against a head that was noted elsewhere: here the journal.
async fn log_audit_head(daemon: &Arc<Daemon>) {
    let reader = daemon.reader.clone();
    match tokio::task::spawn_blocking(move || reader.audit_head()).await {
        Ok(Ok(head)) => tracing::info!(seq = head.seq, head = audit::hex(&head.hash), "audit head"),
        Ok(Err(error)) => tracing::error!(error = %crate::report(&error), "the audit head could not be read"),
        Err(_) => tracing::error!("reading the audit head ended unexpectedly"),
    }
}

/// Melts the changes of the filter index whenever they have become many, until the stop.
async fn keep_index(daemon: Arc<Daemon>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = daemon.melt.notified() => melt(&daemon).await,
            () = stop.cancelled() => return,
        }
    }
}

/// The writer puts the new layers in force: only it knows what has changed meanwhile. What they replace is kept until then
/// and dropped here: giving back the memory of 100,000 filters takes longer than any change may.
async fn melt(daemon: &Arc<Daemon>) {
    let registry = daemon.registry.load_full();
    if !registry.index().wants_rebuild() {
        return;
    }
    let replaced = registry.clone();
    if let Ok(rebuilt) = tokio::task::spawn_blocking(move || registry.index().rebuilt()).await {
        let (done, in_force) = oneshot::channel();
        // Where the lane is full, the next change asks again.
        drop(daemon.lanes.push_admin(AdminJob::RebuiltIndex(Box::new(rebuilt), done)));
        drop(in_force.await);
    }
    drop(tokio::task::spawn_blocking(move || drop(replaced)).await);
}

impl Running {
    /// What the ready line says.
    pub fn ready(&self) -> Ready {
        Ready {
            ready: true,
            gate: self.daemon.facts.url(),
            socket: self.daemon.facts.socket.display().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The runtime of the local door, for waiting on signals.
    pub fn runtime(&self) -> &tokio::runtime::Runtime {
        &self.runtimes.local
    }

    /// Waits until the writer or the log thread has ended before it was told to. Without the one nothing is decided, without
    /// the other nothing expires: the daemon has to stop, so that whoever keeps it starts it again.
    pub async fn broken(&self) {
        self.thread_ended.cancelled().await;
    }

    /// Stops taking calls, answers those in hand, flushes, closes the files.
    ///
    /// # Errors
    /// A file did not close cleanly; what was acknowledged is on disk all the same.
    pub fn shut_down(self) -> Result<(), StoreError> {
        let Self {
            daemon,
            runtimes,
            stop,
            thread_ended: _,
            doors,
            sweeper,
            runner,
            writer,
            logger,
            log_tasks,
            shutdown,
            data_dir,
        } = self;
        tracing::info!(deadline_secs = shutdown.as_secs(), "shutting down: no new calls, answering those in hand");
        stop.cancel();
        let cut = runtimes.local.block_on(async {
            let mut cut = 0;
            for door in doors {
                cut += door.await.map_or(0, |drained| drained.cut);
            }
            // The sweeper has heard the stop too; a panic in it is in the log already.
            drop(sweeper.await);
            // It tells the writer how steps ended, so it ends before the lanes are closed.
            drop(runner.await);
            cut
        });
        daemon.lanes.close();
        let state = joined(writer);
        drop(log_tasks);
        let log = joined(logger);
        runtimes.gate.shutdown_timeout(Duration::from_secs(1));
        runtimes.local.shutdown_timeout(Duration::from_secs(1));
        drop(data_dir);
        tracing::info!(connections_cut = cut, clean = state.is_ok() && log.is_ok(), "stopped");
        state.and(log)
    }
}

fn joined(thread: JoinHandle<Result<(), StoreError>>) -> Result<(), StoreError> {
    thread.join().unwrap_or_else(|_| {
        Err(StoreError::Damaged { what: "a thread".to_owned(), detail: "it panicked; the log says why".to_owned() })
    })
}
