//! Child processes with a deadline: none outlives its test, none makes a test hang.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::wait;

/// What a program did.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit code; `None` = a signal ended it.
    pub status: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// A child that is killed when it is dropped.
pub struct Guarded(Child);

impl Ran {
    /// Asserts an exit code.
    ///
    /// # Panics
    /// It is another one: with all that the program said.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as one JSON document.
    ///
    /// # Panics
    /// It is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Standard output as JSON lines.
    ///
    /// # Panics
    /// A line is none.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl Guarded {
    /// Starts a program.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// It is gone already.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("the process lives");
    }

    /// Kills it at once and waits for its end, so that its locks are free.
    pub fn kill(&mut self) {
        // Gone already is as good as killed.
        drop(self.0.kill());
        self.0.wait().expect("a killed child ends");
    }

    /// Waits for its own end.
    ///
    /// # Panics
    /// It does not end in time; it is killed then.
    #[track_caller]
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let pid = self.pid();
        let child = &mut self.0;
        wait::until("the end of a process", within, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err(format!("process {pid} still runs")),
            Err(error) => Err(error.to_string()),
        })
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a program to its end with `input` on its standard input.
///
/// # Panics
/// It does not end within [`wait::PATIENCE`].
#[track_caller]
pub fn run(command: &mut Command, input: &[u8]) -> Ran {
    let mut child = Guarded::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let stdout = collect(child.child().stdout.take());
    let stderr = collect(child.child().stderr.take());
    if let Some(mut stdin) = child.child().stdin.take() {
        // A program that does not read its input has its reasons.
        drop(stdin.write_all(input));
    }
    let status = child.wait(wait::PATIENCE).code();
    let text = |reader: JoinHandle<Vec<u8>>| {
        String::from_utf8(reader.join().expect("a reader ends")).expect("the programs write UTF-8")
    };
    Ran { status, stdout: text(stdout), stderr: text(stderr) }
}

/// Reads a pipe to its end beside the test, so that a full pipe never blocks the child.
fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut all).expect("a pipe can be read");
        }
        all
    })
}
