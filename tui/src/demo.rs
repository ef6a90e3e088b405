//! `tollgate demo`: the whole product on one host for as long as it runs. The only place where console and daemon meet.
//!
//! The daemon is the real one, in this process, on a temporary directory: its own socket, listen address and files. The
//! objects are made through the socket as an operator would make them, the senders post over real HTTP. When it ends,
//! nothing is left: no process, no file.

mod headless;
mod objects;
mod senders;

use std::collections::BTreeMap;
use std::io;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tollgate_daemon::assemble::{self, Runtimes};
use tollgate_daemon::config::{Config, Flags};
use tollgate_daemon::running::{self, Running};

use crate::cli::{ConsoleArgs, DemoArgs, Exit, Io};
use crate::client::{Client, ClientError};
use crate::console::{self, ConsoleOptions};
use crate::term::signals::Signals;

use self::senders::Senders;

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error("no temporary directory can be made; TMPDIR names another place")]
    Directory(#[source] io::Error),
    #[error("the daemon does not start")]
    Start(#[source] Box<dyn std::error::Error>),
    #[error("the daemon does not stop cleanly")]
    Stop(#[source] Box<dyn std::error::Error>),
    #[error("the console does not start")]
    Console(#[source] io::Error),
    #[error("signals cannot be waited for")]
    Signals(#[source] io::Error),
    #[error("the sample objects cannot be made")]
    Objects(#[source] ClientError),
    #[error("the tail cannot be followed")]
    Tail(#[source] ClientError),
    #[error("nothing can be written")]
    Output(#[source] io::Error),
}

/// The daemon of the demo and what belongs to it.
struct Stage {
    running: Running,
    directory: TempDir,
    gate: String,
}

/// Runs the demo to its end.
pub fn run(args: &DemoArgs, console: &ConsoleArgs, io: &mut Io, runtime: &Runtime) -> Exit {
    match play(args, console, io, runtime) {
        Ok(exit) => exit,
        Err(error) => {
            io.note(&format!("tollgate: demo: {}", tollgate_daemon::report(&error)));
            Exit::Failure
        }
    }
}

fn play(args: &DemoArgs, console: &ConsoleArgs, io: &mut Io, runtime: &Runtime) -> Result<Exit, DemoError> {
    let on_screen = io.out_is_tty && io.in_is_tty && !args.headless;
    // From here on a signal ends the play in order: before, there is nothing to clean up.
    let mut signals = {
        let _entered = runtime.enter();
        Signals::new().map_err(DemoError::Signals)?
    };
    let stage = Stage::build()?;
    let socket = stage.directory.path().join(SOCKET);
    let played = runtime.block_on(async {
        let client = Client::open(std::slice::from_ref(&socket)).await.map_err(DemoError::Objects)?;
        let cast = objects::create(&client).await.map_err(DemoError::Objects)?;
        let senders = Senders::start(cast, stage.gate.clone());
        let done = if on_screen {
            let args = ConsoleArgs { sockets: vec![socket.clone()], ..console.clone() };
            if args.linear || args.plain_terminal {
                senders_beside_lines(&args).await
            } else {
                on_a_thread(ConsoleOptions::from(args)).await
            }
        } else {
            headless::show(&client, io, &mut signals, args.seconds).await
        };
        senders.stop().await;
        done
    });
    // Whatever happened on stage, the daemon is stopped and its directory goes.
    let struck = stage.strike();
    let exit = played?;
    struck?;
    Ok(exit)
}

/// Lines are waited for without holding up the senders.
async fn senders_beside_lines(args: &ConsoleArgs) -> Result<Exit, DemoError> {
    Ok(crate::linear::run(args, Io::of_process()).await)
}

/// The console has a loop and a runtime of its own, as outside the demo; meanwhile the senders go on here.
async fn on_a_thread(options: ConsoleOptions) -> Result<Exit, DemoError> {
    let ended = tokio::task::spawn_blocking(move || console::run(&options)).await;
    let code = ended.map_err(|panic| DemoError::Console(io::Error::other(panic)))?.map_err(DemoError::Console)?;
    Ok(if code == 0 { Exit::Ok } else { Exit::Interrupted })
}

/// The socket's file in the temporary directory.
const SOCKET: &str = "admin.sock";

impl Stage {
    fn build() -> Result<Self, DemoError> {
        let directory = tempfile::Builder::new().prefix("tollgate-demo-").tempdir().map_err(DemoError::Directory)?;
        let flags = Flags {
            data_dir: Some(directory.path().join("data")),
            socket: Some(directory.path().join(SOCKET)),
            listen: Some("127.0.0.1:0".to_owned()),
            ..Flags::default()
        };
        let start = |error: Box<dyn std::error::Error>| DemoError::Start(error);
        let config = Config::load(None, &BTreeMap::new(), &flags).map_err(|error| start(error.into()))?;
        let runtimes = Runtimes::new().map_err(|error| start(error.into()))?;
        let assembled = assemble::assemble(&config, &runtimes).map_err(|error| start(error.into()))?;
        let running = running::start(assembled, runtimes).map_err(|error| start(error.into()))?;
        let gate = running.ready().gate.trim_start_matches("http://").to_owned();
        Ok(Self { running, directory, gate })
    }

    fn strike(self) -> Result<(), DemoError> {
        let stopped = self.running.shut_down().map_err(|error| DemoError::Stop(error.into()));
        let removed = self.directory.close().map_err(DemoError::Directory);
        stopped.and(removed)
    }
}
