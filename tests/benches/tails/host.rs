//! What the kernel counts: the daemon's CPU time and memory, what was stolen, what others took.

use std::fs;
use std::time::Instant;

use super::Done;

/// The kernel counts in hundredths of a second (`USER_HZ`).
const TICK_US: f64 = 10_000.0;

/// One look.
pub(super) struct Times {
    at: Instant,
    daemon: f64,
    own: f64,
    busy: f64,
    stolen: f64,
    all: f64,
    rss_bytes: f64,
    load: String,
}

/// What lies between two looks.
pub(super) struct Span {
    pub(super) secs: f64,
    /// CPU time of the daemon, user and system.
    pub(super) daemon_us: f64,
    /// At its end.
    pub(super) rss_bytes: f64,
    /// Of the time of all processors.
    pub(super) stolen: f64,
    /// What neither the daemon nor this program took, of the time of all processors.
    pub(super) others: f64,
    /// Mean load of the last minute, at its end.
    pub(super) load: String,
}

impl Times {
    pub(super) fn now(daemon: u32) -> Done<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let ticks: Vec<f64> = stat
            .lines()
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .map(|n| n.parse().unwrap_or(0.0))
            .collect();
        let [user, nice, system, idle, wait, irq, soft, stolen, ..] = ticks[..] else {
            return Err("/proc/stat is not as it should be".into());
        };
        let busy = user + nice + system + irq + soft;
        let status = fs::read_to_string(format!("/proc/{daemon}/status"))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
        let load = fs::read_to_string("/proc/loadavg")?.split(' ').next().unwrap_or_default().to_owned();
        Ok(Self {
            at: Instant::now(),
            daemon: process(&daemon.to_string())?,
            own: process("self")?,
            busy,
            stolen,
            all: busy + idle + wait + stolen,
            rss_bytes: 1_024.0 * rss.unwrap_or(0.0),
            load,
        })
    }

    pub(super) fn since(self, before: &Self) -> Span {
        let all = self.all - before.all;
        let daemon = self.daemon - before.daemon;
        let others = (self.busy - before.busy) - daemon - (self.own - before.own);
        Span {
            secs: (self.at - before.at).as_secs_f64(),
            daemon_us: daemon * TICK_US,
            rss_bytes: self.rss_bytes,
            stolen: (self.stolen - before.stolen) / all,
            others: others.max(0.0) / all,
            load: self.load,
        }
    }
}

/// User and system time of a process, in ticks.
fn process(id: &str) -> Done<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name in parentheses may hold anything.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let times: Vec<f64> = fields.split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect();
    if times.len() == 2 { Ok(times.iter().sum()) } else { Err("a process has no times".into()) }
}
