//! What 1,000 tails cost a daemon at work (performance.md): the real program with its real sockets and files, calls at a steady
//! rate, once without a tail and once with 1,000, each filtered to a token and a hundred of them never read. Rounds of
//! both take turns. It prints the daemon's CPU time per call, the 99th of ingestion, memory per tail and what readers
//! were told; and, since neighbours spoil such figures, what was stolen and what others took.
//!
//! `cargo bench -p tollgate-tests --bench tails`; `TAILS_RATE` calls a second, `TAILS_ROUNDS` rounds of each kind,
//! `TAILS_SECS` seconds a round.

mod host;
mod load;
mod readers;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Setup};

use self::host::{Span, Times};
use self::load::{Load, Sent};
use self::readers::{Readers, Told};

type Done<T> = Result<T, Box<dyn Error>>;

/// Tails that are read.
const READ: usize = 900;
/// Tails that are opened and never read, all of one busy token, so that they fall behind within seconds.
const STOPPED: usize = 100;
/// A round is void where more than this part of the time was stolen, or was taken by others.
const SPOILT: f64 = 0.05;
/// What the goal allows for CPU per call and for the 99th, with tails over without.
const RATIO_MAX: f64 = 1.15;
/// What the goal allows for one tail.
const TAIL_BYTES_MAX: f64 = 1_048_576.0;

/// One round.
struct Round {
    sent: Sent,
    span: Span,
    told: Option<Told>,
}

/// What is compared: medians over rounds.
struct Figures {
    cpu_us: f64,
    p50_us: f64,
    p99_us: f64,
}

fn main() -> Done<()> {
    let rate = setting("TAILS_RATE", 2_000)?;
    let rounds = setting("TAILS_ROUNDS", 5)?;
    let secs = setting("TAILS_SECS", 8)?;
    let daemon = Setup::default().env("TOLLGATE_TAILS_PER_UID", "1000").below(&directory()?).start();
    daemon.service("DB", "alertmanager");
    let tokens = tokens(&daemon)?;
    let load = Load { rate, warm: Duration::from_secs(3), window: Duration::from_secs(secs), tokens };
    println!(
        "{rate} calls/s over {} connections, {secs} s a round, {READ} tails read, {STOPPED} stopped",
        load::SENDERS
    );
    let (mut none, mut with) = (Vec::new(), Vec::new());
    // Caches, the first pages of the files and the allocator's first growth are in neither kind.
    round(&daemon, &load, false)?;
    for _ in 0..rounds {
        none.push(round(&daemon, &load, false)?);
        with.push(round(&daemon, &load, true)?);
    }
    report(&none, &with, &daemon);
    Ok(())
}

fn setting(name: &str, default: u64) -> Done<u64> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse().map_err(|_| format!("{name} is no number"))?),
        Err(_) => Ok(default),
    }
}

/// Real files on the disk that the target directory is on.
fn directory() -> Done<PathBuf> {
    let exe = std::env::current_exe()?;
    let target = exe.ancestors().nth(3).ok_or("the program lies in target/PROFILE/deps")?;
    let directory = target.join("tmp");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// One token a tail that is read, and one busy one for all that are stopped, last.
fn tokens(daemon: &Daemon) -> Done<Vec<(String, String)>> {
    let mut connection = daemon.connect_local();
    let mut tokens = Vec::with_capacity(READ + 1);
    for n in 0..=READ {
        let body = json!({ "name": format!("sender-{n}"), "scope": "service:Ops/DB", "debug": true }).to_string();
        let answer =
            connection.request("POST", "/v1/tokens", &[("content-type", "application/json")], body.as_bytes())?;
        let text = |value: &Value, member: &str| value[member].as_str().map(str::to_owned);
        let created = answer.json();
        let (id, secret) = (text(&created, "id"), text(&created, "secret"));
        tokens.push((id.ok_or("no id")?, secret.ok_or("no secret")?));
    }
    Ok(tokens)
}

fn round(daemon: &Daemon, load: &Load, with_tails: bool) -> Done<Round> {
    let readers = if with_tails { Some(Readers::open(&daemon.socket(), &load.tokens)?) } else { None };
    let mut times = Vec::new();
    let sent = load.drive(daemon.gate(), || times.push(Times::now(daemon.pid())))?;
    let [before, after] = times.try_into().map_err(|_| "the window has two ends")?;
    let told = readers.map(Readers::close).transpose()?;
    let round = Round { sent, span: after?.since(&before?), told };
    println!("{}", round.line());
    Ok(round)
}

impl Round {
    fn is_spoilt(&self) -> bool {
        self.span.stolen > SPOILT || self.span.others > SPOILT
    }

    fn cpu_us(&self) -> f64 {
        self.span.daemon_us / self.sent.count() as f64
    }

    fn line(&self) -> String {
        let told = self.told.as_ref().map_or_else(String::new, |told| format!("; {told}"));
        format!(
            "{}: {:.0} calls/s, daemon {:.1} us CPU a call, {:.0} % of a core; p50 {:.0} us, p99 {:.0} us; RSS {:.1} MiB; \
             stolen {:.1} %, others {:.1} %, load {}{}{told}",
            if self.told.is_some() { "1000 tails" } else { "no tail   " },
            self.sent.count() as f64 / self.span.secs,
            self.cpu_us(),
            self.span.daemon_us / self.span.secs / 10_000.0,
            self.sent.percentile(0.5),
            self.sent.percentile(0.99),
            self.span.rss_bytes / 1_048_576.0,
            100.0 * self.span.stolen,
            100.0 * self.span.others,
            self.span.load,
            if self.is_spoilt() { " VOID" } else { "" },
        )
    }
}

impl Figures {
    fn of(rounds: &[&Round]) -> Self {
        let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(|round| figure(round)).collect());
        Self {
            cpu_us: of(&Round::cpu_us),
            p50_us: of(&|round| round.sent.percentile(0.5)),
            p99_us: of(&|round| round.sent.percentile(0.99)),
        }
    }
}

fn report(none: &[Round], with: &[Round], daemon: &Daemon) {
    let sound = |rounds: &[Round]| rounds.iter().filter(|round| !round.is_spoilt()).count();
    let is_void = sound(none) < 3 || sound(with) < 3;
    let chosen = |rounds| -> Vec<&Round> {
        let all: &[Round] = rounds;
        all.iter().filter(|round| is_void || !round.is_spoilt()).collect()
    };
    // The allocator keeps what it once had: the highest with tails, less the lowest without, which is the first.
    let rss = |rounds: &[Round]| rounds.iter().map(|round| round.span.rss_bytes).collect::<Vec<_>>();
    let lowest = rss(none).into_iter().fold(f64::INFINITY, f64::min);
    let per_tail = (rss(with).into_iter().fold(0.0, f64::max) - lowest) / (READ + STOPPED) as f64;
    let (without, with) = (Figures::of(&chosen(none)), Figures::of(&chosen(with)));
    let verdict = |holds: bool| if holds { "holds" } else { "MISSED" };
    let line = |name: &str, without: f64, with: f64| {
        let ratio = with / without;
        println!("{name:<24} {without:>10.1} {with:>10.1} {ratio:>8.3}  {}", verdict(ratio <= RATIO_MAX));
    };
    println!("\nmedians{:<17} {:>10} {:>10} {:>8}  goal {RATIO_MAX}", "", "no tail", "1000", "ratio");
    line("daemon CPU us a call", without.cpu_us, with.cpu_us);
    line("ingestion p50 us", without.p50_us, with.p50_us);
    line("ingestion p99 us", without.p99_us, with.p99_us);
    println!("memory a tail: {:.1} KiB, {}", per_tail / 1_024.0, verdict(per_tail <= TAIL_BYTES_MAX));
    let log = &daemon.get("/v1/status")["log"];
    println!("the daemon's own counts: {log}");
    if is_void {
        println!("VOID: fewer than three rounds of a kind had less than 5 % stolen and less than 5 % taken by others");
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
