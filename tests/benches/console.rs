//! The budgets of the console, on the real programs: what it costs while nothing happens and while 5,000 rows a second
//! pass, how soon it paints, answers a key, and leaves. Prints a table and fails where a budget is missed.
//!
//! Run with `cargo bench -p tollgate-tests --bench console`; `-- 5` measures for 5 s instead of 60.

use std::error::Error;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tollgate_tests::binaries;
use tollgate_tests::daemon::{Daemon, clean_command};
use tollgate_tests::http::Connection;
use tollgate_tests::terminal::{Size, Terminal};

type Done<T> = Result<T, Box<dyn Error>>;

const SIZE: Size = (200, 50);
const ROWS_PER_S: u32 = 5_000;
/// Each sends one call after the other, so that many are on their way at once.
const SENDERS: u32 = 128;
/// One row in so many opens or feeds an incident; the others match nothing.
const EFFECT_EVERY: u64 = 10;
const KEYS: usize = 200;
/// Between two keys: no hand is faster, and letters that come together are a paste.
const KEY_PAUSE: Duration = Duration::from_millis(60);
const STARTS: usize = 21;
const QUITS: usize = 7;
/// Each waits until the wait between two attempts is the longest.
const BACKS: usize = 3;
const SLOW_LINE: u32 = 8 * 1024;
/// `USER_HZ`: the unit of times in `/proc/PID/stat`, the same on every Linux.
const TICKS_PER_S: f64 = 100.0;
/// Begins every frame.
const FRAME: &[u8] = b"\x1b[?2026h";
const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";

const FRAMES_PER_S_MAX: f64 = 10.0;
const BYTES_PER_S_MAX: f64 = 64.0 * 1024.0;
const CORE_MAX: f64 = 5.0;
const RSS_MIB_MAX: f64 = 32.0;
const KEY_MAX: Duration = Duration::from_millis(50);
const START_MAX: Duration = Duration::from_millis(50);
const BACK_MAX: Duration = Duration::from_secs(1);
const QUIT_MAX: Duration = Duration::from_millis(100);

/// The lines of the table.
#[derive(Default)]
struct Report {
    missed: usize,
}

/// What a process and its terminal cost over some time.
struct Costs {
    secs: f64,
    frames: usize,
    bytes: usize,
    core: f64,
    rss_mib: f64,
}

/// Real calls over real connections, at a steady rate.
struct Load {
    stop: &'static AtomicBool,
    threads: Vec<JoinHandle<std::io::Result<()>>>,
}

/// What the machine did beside this: jiffies of all processors, those that were stolen.
struct Machine {
    all: u64,
    stolen: u64,
}

fn main() -> Done<()> {
    let secs = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(60);
    let (machine, load_before) = (Machine::now()?, load_average()?);
    let mut report = Report::default();
    report.head();
    start(&mut report);
    idle(&mut report, secs)?;
    quit(&mut report);
    back(&mut report);
    slow_line(&mut report);
    tail(&mut report, secs)?;
    lnav(secs)?;
    let stolen = machine.stolen_since()?;
    let cores = std::thread::available_parallelism()?;
    println!(
        "\n{cores} cores; load {load_before} before, {} after; {stolen:.1} % of the time was stolen",
        load_average()?
    );
    match report.missed {
        0 => Ok(()),
        missed => Err(format!("{missed} of the budgets are missed").into()),
    }
}

// === what is measured ===

/// From the start of the process to its first screen.
fn start(report: &mut Report) {
    let mut daemon = watched();
    let with = first_paints(&daemon);
    daemon.kill9();
    let without = first_paints(&daemon);
    report.times("start to first paint, daemon there", START_MAX, &with);
    report.times("start to first paint, no daemon", START_MAX, &without);
}

fn first_paints(daemon: &Daemon) -> Vec<Duration> {
    let one = |_| {
        let since = Instant::now();
        let console = Terminal::start(&console(daemon), SIZE);
        console.time_until(since, |screen| screen.contains("TOLLGATE"))
    };
    sorted((0..STARTS).map(one).collect())
}

/// Nobody calls and nobody types.
fn idle(report: &mut Report, secs: u32) -> Done<()> {
    let daemon = watched();
    let mut console = Terminal::start(&console(&daemon), SIZE);
    for (key, name) in [("1", "1 Tokens"), ("2", "2 API log"), ("3", "3 Incidents")] {
        console.send(key);
        console.wait_for(name);
        console.wait_for(" LIVE ");
        settle(&console);
        let costs = Costs::over(&console, Duration::from_secs(secs.into()))?;
        // The clock of line 1 and the stretch of time above the log's rows move once a minute: what a screen says must be
        // true. Anything else would be drawn for nothing.
        let minutes = f64::from(secs.div_ceil(60)) * 2.0;
        report.at_most(&format!("frames while idle, screen {key} (the clock's)"), minutes, costs.frames as f64, "");
        report.at_most(
            &format!("bytes while idle, screen {key} (the clock's)"),
            minutes * 64.0,
            costs.bytes as f64,
            "",
        );
        report.at_most(&format!("processor while idle, screen {key}"), 0.1, costs.core, "% of a core");
    }
    Ok(())
}

/// `q`, while the daemon stands still and a change waits for its answer.
fn quit(report: &mut Report) {
    let daemon = watched();
    let pid = i32::try_from(daemon.pid()).ok().and_then(Pid::from_raw).expect("the daemon runs");
    let one = |_| {
        let mut console = Terminal::start(&console(&daemon), SIZE);
        console.wait_for("sender");
        kill_process(pid, Signal::STOP).expect("it can be stopped");
        console.send("D");
        console.wait_for("running");
        let since = Instant::now();
        console.send("q");
        console.wait_for_end();
        let took = since.elapsed();
        kill_process(pid, Signal::CONT).expect("it goes on");
        took
    };
    report.times("q while the daemon hangs", QUIT_MAX, &sorted((0..QUITS).map(one).collect()));
}

/// From a daemon that listens again to the console that says so, after the longest wait between two attempts.
fn back(report: &mut Report) {
    let mut daemon = watched();
    let console = Terminal::start(&console(&daemon), SIZE);
    console.wait_for(" LIVE ");
    let mut one = |_| {
        daemon.kill9();
        console.wait_for("; try 6 in ");
        daemon.restart();
        let since = Instant::now();
        console.wait_for(" LIVE ");
        since.elapsed()
    };
    report.times("live again after the daemon is", BACK_MAX, &sorted((0..BACKS).map(&mut one).collect()));
}

/// A line of 8 KiB/s without a tail on it: the first byte that a key causes.
fn slow_line(report: &mut Report) {
    let daemon = watched();
    for number in 0..40 {
        daemon.token(&format!("token-{number}"), "global", &[]);
    }
    let mut console = Terminal::start_behind(&console(&daemon), SIZE, SLOW_LINE);
    console.wait_for("token-39");
    let mut took = Vec::new();
    for number in 0..KEYS / 2 {
        settle(&console);
        let since = Instant::now();
        console.send(if number % 2 == 0 { DOWN } else { UP });
        let byte = console.time_until(since, |_| true);
        // What the first one finds is cold.
        if number > 0 {
            took.push(byte);
        }
    }
    report.p99("key to byte, line of 8 KiB/s, 99th of 100", KEY_MAX, &sorted(took));
}

/// A console that follows the log while 5,000 calls a second come.
fn tail(report: &mut Report, secs: u32) -> Done<()> {
    let daemon = watched();
    let token = daemon.token("busy", "service:Ops/DB", &["--debug", "--dedup", "0s"]);
    let mut console = Terminal::start(&console(&daemon), SIZE);
    console.wait_for(" LIVE ");
    console.send("2");
    console.wait_for("FOLLOWING");
    let load = Load::start(daemon.gate(), &token.secret);
    console.wait_for("NO MATCH");
    pause(Duration::from_secs(2));
    let (first, since) = (last_row(&daemon), Instant::now());
    let costs = Costs::over(&console, Duration::from_secs(secs.into()))?;
    let rate = (last_row(&daemon) - first) as f64 / since.elapsed().as_secs_f64();
    println!("the log took {rate:.0} rows/s over {:.0} s (wanted: {ROWS_PER_S})", costs.secs);
    report.at_most("frames, tail of 5,000 rows/s", FRAMES_PER_S_MAX, costs.frames as f64 / costs.secs, "/s");
    report.at_most(
        "bytes, tail of 5,000 rows/s",
        BYTES_PER_S_MAX / 1024.0,
        costs.bytes as f64 / costs.secs / 1024.0,
        "KiB/s",
    );
    report.at_most("processor, tail of 5,000 rows/s", CORE_MAX, costs.core, "% of a core");
    report.at_most("memory at most, tail of 5,000 rows/s", RSS_MIB_MAX, costs.rss_mib, "MiB");
    report.p99("letter to screen while it follows, 99th of 100", KEY_MAX, &letters(&mut console));
    report.p99("arrow to screen while it is read, 99th of 100", KEY_MAX, &arrows(&mut console));
    drop(console);
    let mut slow = Terminal::start_behind(&self::console(&daemon), SIZE, SLOW_LINE);
    slow.wait_for(" LIVE ");
    slow.send("2");
    slow.wait_for("FOLLOWING");
    pause(Duration::from_secs(5));
    // No budget: a frame of the tail has 6 KB, for which such a line needs 0.75 s, and it is never cut short.
    report.told("letter to screen while it follows, line of 8 KiB/s", &letters_of(&mut slow, KEYS / 8));
    load.stop()
}

/// Letters into the command line, under which the tail goes on.
fn letters(console: &mut Terminal) -> Vec<Duration> {
    letters_of(console, KEYS)
}

fn letters_of(console: &mut Terminal, count: usize) -> Vec<Duration> {
    console.send(":");
    console.wait_until("the command line", |screen| command_line(screen).is_some());
    let (mut typed, mut took) = (String::new(), Vec::new());
    for number in 0..count {
        pause(KEY_PAUSE);
        let (key, since) = if typed.len() < 20 { ('x', Instant::now()) } else { ('\x15', Instant::now()) };
        if key == 'x' {
            typed.push(key);
        } else {
            typed.clear();
        }
        console.send(&key.to_string());
        let all = console.time_until(since, |screen| command_line(screen).is_some_and(|line| line == typed));
        // What the first one finds is cold.
        if number > 0 {
            took.push(all);
        }
    }
    console.send("\x1b");
    console.wait_until("no command line", |screen| command_line(screen).is_none());
    sorted(took)
}

fn command_line(screen: &str) -> Option<&str> {
    screen.lines().rev().take(3).find_map(|line| line.strip_prefix(" :")).map(str::trim)
}

/// The mark of the list moves; what comes is counted meanwhile.
fn arrows(console: &mut Terminal) -> Vec<Duration> {
    console.send(UP);
    console.wait_for("PAUSED");
    let mut took = Vec::new();
    for number in 0..KEYS {
        pause(KEY_PAUSE);
        let before = marked(&console.screen());
        let since = Instant::now();
        console.send(if number % 10 < 5 { UP } else { DOWN });
        took.push(console.time_until(since, |screen| marked(screen) != before));
    }
    sorted(took)
}

/// The line that has the mark.
fn marked(screen: &str) -> Option<usize> {
    screen.lines().position(|line| line.starts_with("> "))
}

/// The anchor of log reading at the same load, where the machine has it.
fn lnav(secs: u32) -> Done<()> {
    if !Command::new("lnav").arg("-V").output().is_ok_and(|ran| ran.status.success()) {
        println!(
            "lnav is not installed, so nothing stands beside the tail (measured elsewhere: 6.9 % of a core, 37 MiB)"
        );
        return Ok(());
    }
    let home = tempfile::tempdir()?;
    let path = home.path().join("calls.log");
    let mut file = std::fs::File::create(&path)?;
    let mut command = clean_command("lnav".as_ref(), home.path());
    command.env("TERM", "xterm-256color").arg(&path);
    let stop = AtomicBool::new(false);
    let costs = std::thread::scope(|scope| {
        scope.spawn(|| {
            let begun = Instant::now();
            for number in 0_u64.. {
                let line = format!("2026-11-22T03:14:07.{:06} INFO {number} {}\n", number % 1_000_000, body(number));
                if stop.load(Ordering::Relaxed) || std::io::Write::write_all(&mut file, line.as_bytes()).is_err() {
                    return;
                }
                wait_until(begun + Duration::from_secs(1) * u32::try_from(number).unwrap_or(0) / ROWS_PER_S);
            }
        });
        let terminal = Terminal::start(&command, SIZE);
        pause(Duration::from_secs(2));
        let costs = Costs::over(&terminal, Duration::from_secs(secs.into()));
        stop.store(true, Ordering::Relaxed);
        costs
    })?;
    let kib = costs.bytes as f64 / costs.secs / 1024.0;
    println!("lnav, {ROWS_PER_S} lines/s: {:.1} % of a core, {:.1} MiB, {kib:.1} KiB/s", costs.core, costs.rss_mib);
    Ok(())
}

// === what it is measured with ===

/// A daemon with a service, its filter, and a token that nobody uses.
fn watched() -> Daemon {
    let daemon = Daemon::start();
    daemon.service("DB", "alertmanager");
    daemon.token("sender", "service:Ops/DB", &[]);
    daemon
}

fn console(daemon: &Daemon) -> Command {
    let mut command = clean_command(&binaries::tollgate(), daemon.home());
    command.env("TERM", "xterm-256color").arg("--socket").arg(daemon.socket());
    command
}

fn last_row(daemon: &Daemon) -> u64 {
    daemon.get("/v1/status")["log"]["last_seq"].as_u64().unwrap_or(0)
}

/// Waits until nothing has come out for a while; on a slow line something comes every 10 ms.
fn settle(console: &Terminal) {
    let mut before = usize::MAX;
    while console.byte_count() != before {
        before = console.byte_count();
        pause(Duration::from_millis(300));
    }
}

/// Waits while the tail goes on.
fn pause(time: Duration) {
    wait_until(Instant::now() + time);
}

fn wait_until(then: Instant) {
    // A thread that is parked may wake early.
    while let Some(rest) = then.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
        std::thread::park_timeout(rest);
    }
}

fn sorted(mut took: Vec<Duration>) -> Vec<Duration> {
    took.sort_unstable();
    took
}

/// A call of a common size: 0.7 KB.
fn body(number: u64) -> String {
    let status = if number.is_multiple_of(EFFECT_EVERY) { "firing" } else { "pending" };
    let host = format!("db{}.example.net:9100", number % 500);
    json!({
        "version": "4", "status": status, "groupKey": format!("{{}}:{{alertname=\"DiskFull\", n=\"{}\"}}", number % 50),
        "receiver": "tollgate", "number": number, "externalURL": "http://alertmanager.example.net:9093",
        "commonLabels": { "alertname": "DiskFull", "instance": host, "severity": "critical", "job": "node" },
        "commonAnnotations": { "summary": format!("DiskFull on {host}"), "description": "/var/lib has 3 percent left" },
        "alerts": [{ "status": status, "labels": { "instance": host, "mountpoint": "/var/lib" },
            "startsAt": "2026-11-22T03:09:40.123Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "b5f3c1a2e4d68790" }],
    })
    .to_string()
}

// === impl Load ===

impl Load {
    fn start(gate: SocketAddr, secret: &str) -> Self {
        let stop: &'static AtomicBool = Box::leak(Box::default());
        let bearer = format!("Bearer {secret}");
        let begun = Instant::now();
        let sender = |sender: u32| {
            let bearer = bearer.clone();
            std::thread::spawn(move || send(gate, &bearer, sender, begun, stop))
        };
        Self { stop, threads: (0..SENDERS).map(sender).collect() }
    }

    fn stop(self) -> Done<()> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().map_err(|_| "a sender panicked")??;
        }
        Ok(())
    }
}

/// Calls at times that were fixed before, each sender at its own; one that is late does not catch up.
fn send(gate: SocketAddr, bearer: &str, sender: u32, begun: Instant, stop: &AtomicBool) -> std::io::Result<()> {
    let mut connection = Connection::tcp(gate)?;
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    let step = Duration::from_secs(1) * SENDERS / ROWS_PER_S;
    let mut due = begun + step * sender / SENDERS;
    let mut number = u64::from(sender);
    while !stop.load(Ordering::Relaxed) {
        wait_until(due);
        let answer = connection.request("POST", "/v1/process", &headers, body(number).as_bytes())?;
        assert!(answer.is_success(), "{answer:?}");
        due = (due + step).max(Instant::now() - step);
        number += u64::from(SENDERS);
    }
    Ok(())
}

// === impl Costs ===

impl Costs {
    fn over(console: &Terminal, time: Duration) -> Done<Self> {
        let (before, since, core) = (console.byte_count(), Instant::now(), processor_secs(console)?);
        wait_until(since + time);
        let all = console.bytes();
        let (secs, core) = (since.elapsed().as_secs_f64(), processor_secs(console)? - core);
        let new = &all[before..];
        let frames = new.windows(FRAME.len()).filter(|window| *window == FRAME).count();
        let rss_mib = memory_kib(console)? as f64 / 1024.0;
        Ok(Self { secs, frames, bytes: new.len(), core: 100.0 * core / secs, rss_mib })
    }
}

/// Time that all threads of the process had a processor, in it and in the kernel.
fn processor_secs(terminal: &Terminal) -> Done<f64> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", terminal.pid()))?;
    // The name of the program may hold anything, so the fields are counted behind it.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
    let all = ticks(11).zip(ticks(12)).ok_or("no times in /proc/PID/stat")?;
    Ok((all.0 + all.1) / TICKS_PER_S)
}

/// The most memory that the process ever had in use.
fn memory_kib(terminal: &Terminal) -> Done<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/status", terminal.pid()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

// === impl Machine ===

impl Machine {
    fn now() -> Done<Self> {
        let text = std::fs::read_to_string("/proc/stat")?;
        let first = text.lines().next().unwrap_or_default();
        let jiffies: Vec<u64> = first.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        // Guests are counted in user time already.
        Ok(Self { all: jiffies.iter().take(8).sum(), stolen: jiffies.get(7).copied().unwrap_or(0) })
    }

    fn stolen_since(&self) -> Done<f64> {
        let now = Self::now()?;
        Ok(100.0 * (now.stolen - self.stolen) as f64 / (now.all - self.all).max(1) as f64)
    }
}

fn load_average() -> Done<String> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').take(1).collect())
}

// === impl Report ===

impl Report {
    fn head(&self) {
        println!("{:<52} {:>18} {:>18}", "what", "budget", "measured");
    }

    fn line(&mut self, what: &str, budget: &str, measured: &str, kept: bool) {
        self.missed += usize::from(!kept);
        println!("{what:<52} {budget:>18} {measured:>18}  {}", if kept { "" } else { "MISSED" });
    }

    fn at_most(&mut self, what: &str, budget: f64, measured: f64, unit: &str) {
        self.line(what, &format!("{budget} {unit}"), &format!("{measured:.1} {unit}"), measured <= budget);
    }

    /// The median counts: one alone would measure what else the machine does. The worst is told.
    fn times(&mut self, what: &str, budget: Duration, took: &[Duration]) {
        let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
        self.line(what, &ms(budget), &format!("{}, worst {}", ms(median), ms(worst)), median <= budget);
    }

    fn p99(&mut self, what: &str, budget: Duration, took: &[Duration]) {
        let (median, p99) = (took[took.len() / 2], took[took.len() * 99 / 100 - 1]);
        self.line(what, &ms(budget), &format!("{}, median {}", ms(p99), ms(median)), p99 <= budget);
    }

    fn told(&mut self, what: &str, took: &[Duration]) {
        let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
        self.line(what, "-", &format!("{}, worst {}", ms(median), ms(worst)), true);
    }
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
