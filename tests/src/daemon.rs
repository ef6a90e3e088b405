//! A real `tollgated` on a directory of its own, with real sockets.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Answer, Connection};
use crate::process::{self, Guarded, Ran};
use crate::{binaries, wait};

/// How a daemon is started.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    flags: Vec<String>,
    env: Vec<(String, String)>,
    wrapper: Vec<String>,
    below: Option<PathBuf>,
}

/// A daemon that runs, or was killed and can be started again on the same directory. It is killed when it is dropped.
pub struct Daemon {
    home: TempDir,
    setup: Setup,
    process: Option<Guarded>,
    gate: SocketAddr,
}

/// A token as its creator got it.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its public id.
    pub id: String,
    /// What a sender presents.
    pub secret: String,
}

impl Setup {
    /// With another flag of `tollgated run`.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// With an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Started by another program, which becomes it: `unshare`, `prlimit`.
    #[must_use]
    pub fn wrapped(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// With its directory below this one instead of the host's place for temporary files, which may be memory.
    #[must_use]
    pub fn below(mut self, directory: &Path) -> Self {
        self.below = Some(directory.to_owned());
        self
    }

    /// Starts it on a new directory.
    ///
    /// # Panics
    /// It is not ready in time: with its log.
    #[track_caller]
    pub fn start(self) -> Daemon {
        let below = self.below.clone().unwrap_or_else(std::env::temp_dir);
        let home = tempfile::Builder::new().prefix("tg-").tempdir_in(below).expect("a temporary directory can be made");
        let mut daemon = Daemon { home, setup: self, process: None, gate: SocketAddr::from(([127, 0, 0, 1], 0)) };
        daemon.launch();
        daemon
    }
}

impl Daemon {
    /// Starts one with the default settings, on a free port.
    ///
    /// # Panics
    /// It is not ready in time: with its log.
    #[track_caller]
    pub fn start() -> Self {
        Setup::default().start()
    }

    /// The directory that holds everything of this daemon; other files of the test may lie here too.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Its local socket.
    pub fn socket(&self) -> PathBuf {
        self.home.path().join("admin.sock")
    }

    /// Where it takes calls; another port after each restart.
    pub fn gate(&self) -> SocketAddr {
        self.gate
    }

    /// What it wrote to standard error, all starts together.
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Its process id.
    ///
    /// # Panics
    /// It does not run.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the daemon runs").pid()
    }

    /// SIGKILL: nothing is flushed, nothing is closed.
    pub fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// SIGKILL while others still use this daemon; [`Self::restart`] then waits for its end.
    pub fn kill9_now(&self) {
        self.signal(Signal::KILL);
    }

    /// Starts it again on the same directory and socket.
    ///
    /// # Panics
    /// It is not ready in time: with its log.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill9();
        self.launch();
    }

    /// SIGTERM, and its exit code.
    ///
    /// # Panics
    /// It does not end in time, or a signal ended it.
    #[track_caller]
    pub fn terminate(&mut self) -> i32 {
        self.tell_to_stop();
        self.wait()
    }

    /// Waits for its own end after [`Self::tell_to_stop`], and gives its exit code.
    ///
    /// # Panics
    /// It does not end in time, or a signal ended it.
    #[track_caller]
    pub fn wait(&mut self) -> i32 {
        let mut process = self.process.take().expect("the daemon runs");
        process.wait(wait::PATIENCE).code().expect("it ends by itself")
    }

    /// Sends SIGTERM and does not wait.
    ///
    /// # Panics
    /// It does not run.
    pub fn tell_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Runs `tollgate` against it.
    #[track_caller]
    pub fn cli<const N: usize>(&self, args: [&str; N]) -> Ran {
        self.cli_with(&args, b"")
    }

    /// Runs `tollgate` against it with something on standard input.
    #[track_caller]
    pub fn cli_with(&self, args: &[&str], input: &[u8]) -> Ran {
        process::run(self.cli_command().args(args), input)
    }

    /// Runs `tollgate --output json`, which must end with 0.
    ///
    /// # Panics
    /// It ends otherwise, or writes no JSON.
    #[track_caller]
    pub fn cli_json<const N: usize>(&self, args: [&str; N]) -> Value {
        process::run(self.cli_command().args(["--output", "json"]).args(args), b"").expect(0).json()
    }

    /// A `tollgate` command that finds this daemon and nothing of the host's user.
    pub fn cli_command(&self) -> Command {
        let mut command = clean_command(&binaries::tollgate(), self.home());
        command.arg("--socket").arg(self.socket());
        command
    }

    /// One request over the local socket.
    ///
    /// # Panics
    /// No answer comes.
    #[track_caller]
    pub fn local(&self, method: &str, target: &str, body: &Value) -> Answer {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answered = self.connect_local().request(method, target, &[("content-type", "application/json")], &bytes);
        answered.unwrap_or_else(|error| panic!("{method} {target}: {error}\n{}", self.log_text()))
    }

    /// A connection to its local socket.
    ///
    /// # Panics
    /// Nobody listens.
    #[track_caller]
    pub fn connect_local(&self) -> Connection {
        Connection::unix(&self.socket())
            .unwrap_or_else(|error| panic!("the local socket: {error}\n{}", self.log_text()))
    }

    /// `GET` over the local socket, which must be answered with 200.
    ///
    /// # Panics
    /// It is answered otherwise.
    #[track_caller]
    pub fn get(&self, target: &str) -> Value {
        let answer = self.local("GET", target, &Value::Null);
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        answer.json()
    }

    /// The rows of a collection, all pages.
    ///
    /// # Panics
    /// A page is answered with anything but 200.
    #[track_caller]
    pub fn all(&self, target: &str) -> Vec<Value> {
        let separator = if target.contains('?') { '&' } else { '?' };
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{target}{separator}limit=1000{cursor}"));
            rows.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// A connection to where it takes calls.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn connect(&self) -> io::Result<Connection> {
        Connection::tcp(self.gate)
    }

    /// Posts a call with a bearer token.
    ///
    /// # Panics
    /// No answer comes.
    #[track_caller]
    pub fn post(&self, secret: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {secret}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answered = self
            .connect()
            .and_then(|mut connection| connection.request("POST", "/v1/process", &headers, body.as_bytes()));
        answered.unwrap_or_else(|error| panic!("a call was not answered: {error}\n{}", self.log_text()))
    }

    /// Creates team `Ops` with a service of this name and a filter made of a preset.
    ///
    /// # Panics
    /// One of them is refused.
    #[track_caller]
    pub fn service(&self, name: &str, preset: &str) {
        if self.all("/v1/teams").is_empty() {
            self.cli(["team", "create", "Ops"]).expect(0);
        }
        let service = format!("Ops/{name}");
        self.cli(["service", "create", &service]).expect(0);
        self.cli(["filter", "create", "--service", &service, "--preset", preset]).expect(0);
    }

    /// Creates a token; `more` are further options of `tollgate token create`.
    ///
    /// # Panics
    /// It is refused.
    #[track_caller]
    pub fn token(&self, name: &str, scope: &str, more: &[&str]) -> Token {
        let mut args = vec!["--output", "json", "token", "create", name, "--scope", scope];
        args.extend_from_slice(more);
        Token::of(&self.cli_with(&args, b"").expect(0).json())
    }

    fn signal(&self, signal: Signal) {
        self.process.as_ref().expect("the daemon runs").signal(signal);
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("stderr.log")
    }

    #[track_caller]
    fn launch(&mut self) {
        let mut command = self.run_command();
        let log = File::options().create(true).append(true).open(self.log_path()).expect("the log can be written");
        let mut process = Guarded::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log));
        let stdout = process.child().stdout.take().expect("standard output is a pipe");
        let (sender, receiver) = sync_channel(1);
        std::thread::spawn(move || {
            let mut line = String::new();
            drop(BufReader::new(stdout).read_line(&mut line));
            drop(sender.send(line));
        });
        let line = receiver.recv_timeout(wait::PATIENCE).unwrap_or_default();
        let ready: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the daemon is not ready, it said {line:?}\n{}", self.log_text()));
        self.gate = address_of(&ready);
        self.process = Some(process);
    }

    /// `tollgated run` as this daemon is run.
    pub fn run_command(&self) -> Command {
        let mut command = match self.setup.wrapper.split_first() {
            Some((wrapper, words)) => {
                let mut command = clean_command(Path::new(wrapper), self.home());
                command.args(words).arg(binaries::tollgated());
                command
            }
            None => clean_command(&binaries::tollgated(), self.home()),
        };
        command.args(["run", "--listen", "127.0.0.1:0", "--data-dir"]).arg(self.data_dir());
        command.arg("--socket").arg(self.socket()).args(&self.setup.flags);
        command.envs(self.setup.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            // The end of it: what a failing test most wants to see.
            let log = self.log_text();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the daemon's log ends so:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}

impl Token {
    /// Out of the answer of a create or a rotate.
    ///
    /// # Panics
    /// It is no such answer.
    #[track_caller]
    pub fn of(created: &Value) -> Self {
        let text = |member: &str| {
            created[member].as_str().unwrap_or_else(|| panic!("no {member} in what was created")).to_owned()
        };
        Self { id: text("id"), secret: text("secret") }
    }
}

/// A program with an environment of its own: nothing of the user who runs the tests reaches it.
pub fn clean_command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).env("LANG", "C.UTF-8").current_dir(home);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn address_of(ready: &Value) -> SocketAddr {
    let url = ready["gate"].as_str().unwrap_or_default();
    let address = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let address = address.and_then(|address| address.parse().ok());
    address.unwrap_or_else(|| panic!("the ready line names no address: {ready}"))
}
