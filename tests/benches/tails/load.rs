//! Calls at a steady rate over connections that stay open.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tollgate_tests::http::Connection;

use super::{Done, STOPPED};

/// Connections, each with a thread.
pub(super) const SENDERS: u64 = 32;
/// One call in five is of the busy token.
const BUSY_EVERY: u64 = 5;
/// Alerts that are open at a time; calls attach to them.
const ALERTS: u64 = 100;

/// What is sent in each round.
pub(super) struct Load {
    /// Calls a second.
    pub(super) rate: u64,
    /// Before the window.
    pub(super) warm: Duration,
    /// What is measured.
    pub(super) window: Duration,
    /// Ids and secrets; the last one is the busy one.
    pub(super) tokens: Vec<(String, String)>,
}

/// What was sent in the window.
pub(super) struct Sent {
    /// Microseconds, the shortest first.
    latencies: Vec<u64>,
}

impl Load {
    /// Sends for a round; `at_end` is called at both ends of the window.
    pub(super) fn drive(&self, gate: SocketAddr, mut at_end: impl FnMut()) -> Done<Sent> {
        let start = Instant::now() + Duration::from_millis(50);
        let senders = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS).map(|n| scope.spawn(move || self.send(gate, n, start))).collect();
            wait_until(start + self.warm);
            at_end();
            wait_until(start + self.warm + self.window);
            at_end();
            senders.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let mut latencies = Vec::new();
        for sender in senders {
            let one = sender.map_err(|_| "a sender panicked")?;
            latencies.extend(one.map_err(|error| format!("a call was not answered: {error}"))?);
        }
        latencies.sort_unstable();
        Ok(Sent { latencies })
    }

    /// One connection's calls. A call that is late because the one before was slow counts from when it was due, so that a
    /// pause of the daemon counts for each call that it held up.
    fn send(&self, gate: SocketAddr, sender: u64, start: Instant) -> std::io::Result<Vec<u64>> {
        let mut connection = Connection::tcp(gate)?;
        let step = Duration::from_nanos(1_000_000_000 * SENDERS / self.rate);
        let (begin, end) = (start + self.warm, start + self.warm + self.window);
        let mut due = start + step.mul_f64(sender as f64 / SENDERS as f64);
        let mut latencies = Vec::new();
        for number in 0.. {
            let is_late = Instant::now() >= due;
            wait_until(due);
            let from = if is_late { due } else { Instant::now() };
            if from >= end {
                break;
            }
            self.call(&mut connection, number * SENDERS + sender)?;
            if from >= begin {
                latencies.push(u64::try_from(from.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            due += step;
        }
        Ok(latencies)
    }

    fn call(&self, connection: &mut Connection, number: u64) -> std::io::Result<()> {
        let quiet = self.tokens.len() as u64 - 1;
        // One after the other: each quiet token has as many calls.
        let of = if number.is_multiple_of(BUSY_EVERY) { quiet } else { number % quiet };
        let bearer = format!("Bearer {}", self.tokens[of as usize].1);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = connection.request("POST", "/v1/process", &headers, body(number).as_bytes())?;
        if answer.is_success() { Ok(()) } else { Err(std::io::Error::other(format!("{answer:?}"))) }
    }
}

/// No two are the same, so none is a duplicate.
fn body(number: u64) -> String {
    let alert = number % ALERTS;
    let at = format!("2026-11-22T09:{:02}:{:02}.{:09}Z", number / 60 % 60, number % 60, number);
    format!(
        r#"{{"receiver":"tollgate","status":"firing","alerts":[{{"status":"firing","labels":{{"alertname":"DiskFull","instance":"db{alert}:9100","mountpoint":"/var/lib","severity":"critical","job":"node","team":"storage"}},"annotations":{{"summary":"Disk full on db{alert}:9100","description":"{number} bytes are left below /var/lib on db{alert}; at this rate it is full within four hours"}},"startsAt":"{at}","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus:9090/graph?g0.expr=node_filesystem_avail_bytes","fingerprint":"{number:016x}"}}],"groupLabels":{{"alertname":"DiskFull"}},"commonLabels":{{"alertname":"DiskFull","severity":"critical"}},"commonAnnotations":{{}},"externalURL":"http://alertmanager:9093","version":"4","groupKey":"{{}}:{{alertname=\"DiskFull\", instance=\"db{alert}:9100\"}}","truncatedAlerts":0}}"#
    )
}

fn wait_until(moment: Instant) {
    while let Some(left) = moment.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

impl Sent {
    pub(super) fn count(&self) -> usize {
        self.latencies.len()
    }

    /// Microseconds.
    pub(super) fn percentile(&self, part: f64) -> f64 {
        let at = (self.latencies.len() as f64 * part) as usize;
        self.latencies.get(at).map_or(f64::NAN, |latency| *latency as f64)
    }
}

/// The busy token's tails are the stopped ones.
pub(super) fn token_of(tokens: &[(String, String)], tail: usize) -> &str {
    let busy = tokens.len() - 1;
    let of = if tail < STOPPED { busy } else { tail - STOPPED };
    &tokens[of].0
}
