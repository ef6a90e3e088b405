//! The API log beside SQLite (WAL, synchronous = FULL), side by side in one run, on the same rows. Prints what stands in
//! `log.md`. `cargo bench -p tollgate-tests --bench log --features bench-sqlite`; `LOG_BENCH_ROWS` for fewer rows.
//! Everything it writes is in a directory of its own under the target directory and goes with it.

use std::error::Error;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, params};
use tollgate_daemon::store::{LogHints, LogReader, LogSettings, LogStore, RedbLog};
use tollgate_shared::explain::{ConditionExplain, Explain, FilterExplain, PartExplain, Seen};
use tollgate_shared::filter::{Mode, Op};
use tollgate_shared::id::TokenId;
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

type Done<T> = Result<T, Box<dyn Error>>;

/// Rows of a commit, and how many rows are written so.
const GROUPS: [(usize, usize); 4] = [(1, 2_000), (32, 30_000), (128, 60_000), (512, 100_000)];
const REPETITIONS: usize = 3;
const SCANS: usize = 7;
const BUSY_TOKENS: u64 = 10;
const QUIET_TOKENS: u64 = 1_000;
const NEEDLE: &str = "rack-7-unit-42";
const SCAN_ROWS: usize = 20_000;
const START: Timestamp = Timestamp::from_micros(1_795_317_247_000_000);

/// A small generator: the same rows in every run.
struct Random(u64);

/// What one way of writing took.
#[derive(Clone, Copy, Default)]
struct Written {
    rows_per_sec: f64,
    bytes_per_row: f64,
}

struct Sqlite {
    connection: Connection,
}

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

impl Sqlite {
    fn open(path: &Path) -> Done<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE log (seq INTEGER PRIMARY KEY, at INTEGER, call BLOB, token TEXT, remote_ip TEXT, user_agent TEXT,
             method TEXT, path TEXT, query TEXT, sender TEXT, content_type TEXT, headers TEXT, body_bytes INTEGER,
             body TEXT, truncated INTEGER, outcome INTEGER, status INTEGER, problem TEXT, incidents BLOB,
             latency_us INTEGER, explain TEXT, summary TEXT);
             CREATE INDEX log_by_token ON log (token, seq);",
        )?;
        Ok(Self { connection })
    }

    fn append(&mut self, rows: &[Arc<LogRow>]) -> Done<()> {
        let txn = self.connection.transaction()?;
        let mut insert = txn.prepare_cached("INSERT INTO log VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")?;
        for row in rows {
            let incidents: Vec<u8> = row.incidents.iter().flat_map(|id| *id.0.as_bytes()).collect();
            insert.execute(params![
                row.seq.cast_signed(),
                row.at.as_micros(),
                row.call.0.as_bytes().as_slice(),
                row.token.as_str(),
                row.remote_ip.to_string(),
                row.user_agent,
                row.method,
                row.path,
                row.query,
                row.from,
                row.content_type,
                serde_json::to_string(&row.headers)?,
                row.body_bytes.cast_signed(),
                row.body,
                row.truncated,
                row.outcome as u8,
                row.status,
                row.problem,
                incidents,
                row.latency_us.cast_signed(),
                row.explain.as_ref().map(serde_json::to_string).transpose()?,
                row.summary,
            ])?;
        }
        drop(insert);
        txn.commit()?;
        Ok(())
    }

    /// Rows that a query finds, each read whole.
    fn read(&self, sql: &str, argument: &str) -> Done<usize> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![argument])?;
        let (mut found, mut bytes) = (0, 0);
        while let Some(row) = rows.next()? {
            for column in [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 20, 21] {
                bytes += row.get::<_, Option<String>>(column)?.map_or(0, |text| text.len());
            }
            found += 1;
        }
        assert!(found == 0 || bytes > 0);
        Ok(found)
    }
}

fn main() -> Done<()> {
    let rows: u64 = std::env::var("LOG_BENCH_ROWS").ok().map_or(Ok(1_000_000), |rows| rows.parse())?;
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    println!(
        "| rows a commit | Tollgate rows/s | SQLite rows/s | ratio | Tollgate bytes written a row | SQLite | ratio |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (group, total) in GROUPS {
        write_groups(directory.path(), group, total)?;
    }
    big(directory.path(), rows)
}

/// Writes the same rows to both, in turn, and prints the medians.
fn write_groups(directory: &Path, group: usize, total: usize) -> Done<()> {
    let rows = made(1, total as u64);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for repetition in 0..REPETITIONS {
        let place = directory.join(format!("group-{group}-{repetition}"));
        fs::create_dir(&place)?;
        let mut log: Box<dyn LogStore> = Box::new(RedbLog::open(LogSettings::new(place.clone()))?);
        ours.push(write(&rows, group, |rows| Ok(log.append(rows, START)?))?);
        log.close()?;
        let mut sqlite = Sqlite::open(&place.join("log.sqlite"))?;
        theirs.push(write(&rows, group, |rows| sqlite.append(rows))?);
        drop(sqlite);
        fs::remove_dir_all(&place)?;
    }
    let of = |all: &[Written], what: fn(&Written) -> f64| median(all.iter().map(what).collect());
    let (our_rate, their_rate) = (of(&ours, |w| w.rows_per_sec), of(&theirs, |w| w.rows_per_sec));
    let (our_bytes, their_bytes) = (of(&ours, |w| w.bytes_per_row), of(&theirs, |w| w.bytes_per_row));
    println!(
        "| {group} | {our_rate:.0} | {their_rate:.0} | {:.2} | {our_bytes:.0} | {their_bytes:.0} | {:.3} |",
        our_rate / their_rate,
        our_bytes / their_bytes
    );
    Ok(())
}

fn write(rows: &[Arc<LogRow>], group: usize, mut append: impl FnMut(&[Arc<LogRow>]) -> Done<()>) -> Done<Written> {
    let (began, before) = (Instant::now(), bytes_written()?);
    for rows in rows.chunks(group) {
        append(rows)?;
    }
    let secs = began.elapsed().as_secs_f64();
    let bytes = bytes_written()? - before;
    Ok(Written { rows_per_sec: rows.len() as f64 / secs, bytes_per_row: bytes as f64 / rows.len() as f64 })
}

/// Searches in a full log.
fn big(directory: &Path, rows: u64) -> Done<()> {
    const COMMIT: u64 = 512;
    let place = directory.join("big");
    fs::create_dir(&place)?;
    let mut log: Box<dyn LogStore> = Box::new(RedbLog::open(LogSettings::new(place.clone()))?);
    let sqlite_path = directory.join("big.sqlite");
    let mut sqlite = Sqlite::open(&sqlite_path)?;
    for first in (1..=rows).step_by(COMMIT as usize) {
        let batch = made(first, COMMIT.min(rows + 1 - first));
        log.append(&batch, START)?;
        sqlite.append(&batch)?;
    }
    let reader = log.reader();
    let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.blocks() * 512) as f64 / rows as f64;
    let ours = reader.totals(START).disk_bytes as f64 / rows as f64;
    println!("\n{rows} rows, written {COMMIT} a commit.\n");
    println!("| what | Tollgate | SQLite | ratio |\n|---|---|---|---|");
    println!("| bytes on disk a row | {ours:.0} | {:.0} | {:.3} |", size(&sqlite_path), ours / size(&sqlite_path));
    scan(reader.as_ref(), &sqlite, rows)?;
    newest(reader.as_ref(), &sqlite)?;
    histogram(reader.as_ref(), &sqlite)
}

fn scan(reader: &dyn LogReader, sqlite: &Sqlite, rows: u64) -> Done<()> {
    let hints = LogHints { contains: Some(NEEDLE.into()), ..LogHints::NONE };
    let mut both = (Vec::new(), Vec::new());
    for _ in 0..SCANS {
        let began = Instant::now();
        let (mut at, mut found, mut done) = (0, 0, false);
        while !done {
            let page = reader.after(at, START, 1_000, SCAN_ROWS, &hints, &|row| row.body.contains(NEEDLE))?;
            at = page.scanned_to.unwrap_or(at);
            (found, done) = (found + page.rows.len(), page.done);
        }
        both.0.push(rows as f64 / began.elapsed().as_secs_f64());
        let began = Instant::now();
        let theirs = sqlite.read("SELECT * FROM log WHERE instr(body, ?1) > 0", NEEDLE)?;
        both.1.push(rows as f64 / began.elapsed().as_secs_f64());
        assert_eq!(found, theirs, "both find the same rows");
        assert!(found > 0);
    }
    let (ours, theirs) = (median(both.0), median(both.1));
    println!("| substring scan, rows/s | {ours:.0} | {theirs:.0} | {:.2} |", ours / theirs);
    Ok(())
}

fn newest(reader: &dyn LogReader, sqlite: &Sqlite) -> Done<()> {
    const TIMES: usize = 21;
    let measure = |work: &dyn Fn() -> Done<usize>| -> Done<f64> {
        let once = || -> Done<f64> {
            let began = Instant::now();
            assert_eq!(work()?, 100);
            Ok(began.elapsed().as_secs_f64() * 1e3)
        };
        Ok(median((0..TIMES).map(|_| once()).collect::<Done<_>>()?))
    };
    let print = |what: &str, ours: f64, theirs: f64| {
        println!("| {what}, ms | {ours:.2} | {theirs:.2} | {:.2} |", ours / theirs);
    };
    let ours = measure(&|| Ok(reader.before(None, START, 100, SCAN_ROWS, &LogHints::NONE, &|_| true)?.rows.len()))?;
    let theirs = measure(&|| sqlite.read("SELECT * FROM log WHERE ?1 = '' ORDER BY seq DESC LIMIT 100", ""))?;
    print("newest 100", ours, theirs);
    for (name, token) in [("a busy token (5 % of the rows)", token(1)?), ("a quiet token (0.05 %)", token(5_001)?)] {
        let hints = LogHints { tokens: Some([token].into()), ..LogHints::NONE };
        let ours = measure(&|| Ok(reader.before(None, START, 100, usize::MAX, &hints, &|_| true)?.rows.len()))?;
        let theirs =
            measure(&|| sqlite.read("SELECT * FROM log WHERE token = ?1 ORDER BY seq DESC LIMIT 100", token.as_str()))?;
        print(&format!("newest 100 of {name}"), ours, theirs);
    }
    Ok(())
}

fn histogram(reader: &dyn LogReader, sqlite: &Sqlite) -> Done<()> {
    let began = Instant::now();
    let range = START.plus_secs(-60)..START.plus_secs(86_400);
    let ours = reader.histogram(range, 60, &LogHints::NONE)?;
    let ours_ms = began.elapsed().as_secs_f64() * 1e3;
    let began = Instant::now();
    let mut statement =
        sqlite.connection.prepare("SELECT at / 60000000 AS m, outcome, count(*) FROM log GROUP BY m, outcome")?;
    let theirs: i64 = statement.query_map([], |row| row.get::<_, i64>(2))?.sum::<Result<_, _>>()?;
    let theirs_ms = began.elapsed().as_secs_f64() * 1e3;
    let counted: u64 = ours.buckets.iter().map(|bucket| bucket.counts.total()).sum();
    assert_eq!(counted.cast_signed(), theirs);
    println!("| counts by minute and outcome, ms | {ours_ms:.2} | {theirs_ms:.2} | {:.3} |", ours_ms / theirs_ms);
    Ok(())
}

/// Bytes that this process has given to the kernel to write.
fn bytes_written() -> Done<u64> {
    let text = fs::read_to_string("/proc/self/io")?;
    let wchar = text.lines().find_map(|line| line.strip_prefix("wchar: "));
    Ok(wchar.ok_or("no wchar in /proc/self/io")?.parse()?)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn token(n: u64) -> Done<TokenId> {
    Ok(format!("s_{n:010}").parse()?)
}

/// Rows with bodies as Alertmanager sends them, about 1 KB each, no two alike.
fn made(first: u64, count: u64) -> Vec<Arc<LogRow>> {
    (first..first + count).map(|seq| Arc::new(row(seq).unwrap_or_else(|error| panic!("row {seq}: {error}")))).collect()
}

fn row(seq: u64) -> Done<LogRow> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seq.wrapping_mul(0x2545_f491_4f6c_dd1d));
    for _ in 0..4 {
        random.next();
    }
    let busy = random.below(2) == 0;
    let token = token(if busy { 1 + random.below(BUSY_TOKENS) } else { 5_001 + random.below(QUIET_TOKENS) })?;
    let (host, fired) = (random.below(500), random.below(3) > 0);
    let alert = random.pick(&["DiskFull", "HighLoad", "TargetDown", "MemoryPressure", "CertExpires", "BackupFailed"]);
    let status = if fired { "firing" } else { "resolved" };
    let body = body(&mut random, seq, host, alert, status);
    let uuid = |random: &mut Random, n: u64| format!("01980000-{:04x}-7000-8000-{n:012x}", random.below(0xffff));
    Ok(LogRow {
        seq,
        at: Timestamp::from_micros(START.as_micros() + seq.cast_signed() * 311),
        call: uuid(&mut random, seq).parse()?,
        token,
        remote_ip: format!("192.0.2.{}", random.below(40)).parse()?,
        user_agent: Some("Alertmanager/0.28.0".to_owned()),
        method: "POST".to_owned(),
        path: "/v1/process".to_owned(),
        query: "from=alertmanager".to_owned(),
        from: Some("alertmanager".to_owned()),
        content_type: Some("application/json".to_owned()),
        headers: vec![
            ("host".to_owned(), "alerts.lan:8080".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
            ("content-length".to_owned(), body.len().to_string()),
        ],
        body_bytes: body.len() as u64,
        body,
        truncated: false,
        outcome: if fired { Outcome::Attached } else { Outcome::Resolved },
        status: 202,
        problem: None,
        incidents: vec![uuid(&mut Random(host + 1), host).parse()?],
        latency_us: 200 + random.below(4_000),
        explain: Some(explain(status, host)),
        summary: format!("{alert} on db{host}:9100"),
    })
}

fn body(random: &mut Random, seq: u64, host: u64, alert: &str, status: &str) -> String {
    let severity = random.pick(&["critical", "warning", "info", "major"]);
    let (percent, value) = (random.below(1_000), random.below(1_000_000_007));
    let (pod, replica, print) = (random.below(1 << 32), random.below(1 << 20), random.next());
    let place = if seq.is_multiple_of(100_003) || seq == 77 { NEEDLE } else { "rack-3-unit-17" };
    let (hour, minute, second) = (random.below(24), random.below(60), random.below(60));
    format!(
        r#"{{"receiver":"tollgate","status":"{status}","alerts":[{{"status":"{status}","labels":{{"alertname":"{alert}","instance":"db{host}:9100","job":"node","severity":"{severity}","place":"{place}","pod":"db-{pod:08x}-{replica:05x}"}},"annotations":{{"summary":"{alert} on db{host}:9100","description":"/var/lib/{host} is at {percent} permille, value {value}"}},"startsAt":"2026-11-22T{hour:02}:{minute:02}:{second:02}.{percent:03}Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prom{}:9090/graph?g0.expr=node_filesystem_avail_bytes%7Binstance%3D%22db{host}%22%7D&g0.tab=1","fingerprint":"{print:016x}"}}],"notification_reason":"first_notification","groupLabels":{{"alertname":"{alert}"}},"commonLabels":{{"alertname":"{alert}","job":"node","severity":"{severity}"}},"commonAnnotations":{{"description":"{percent}"}},"externalURL":"http://am{}:9093","version":"4","groupKey":"{{}}:{{alertname=\"{alert}\"}}","truncatedAlerts":0}}"#,
        random.below(4),
        random.below(3),
    )
}

fn explain(status: &str, host: u64) -> Explain {
    let condition = ConditionExplain {
        path: "alerts[*].status".to_owned(),
        op: Op::Equals,
        values: "\"firing\"".to_owned(),
        negate: false,
        ok: true,
        seen: Seen::Value(status.to_owned()),
        selected: 1,
    };
    let trigger = PartExplain {
        matched: true,
        match_all: false,
        mode: Mode::All,
        conditions_true: 1,
        conditions: vec![condition],
    };
    let matched = FilterExplain {
        service_id: format!("01980000-0000-7000-8200-{:012x}", host / 10),
        service: format!("Ops/DB {}", host / 10),
        filter_id: format!("01980000-0000-7000-8300-{:012x}", host / 10),
        filter: "alert fires".to_owned(),
        position: 1,
        trigger,
        resolve: None,
    };
    Explain { matched: vec![matched], ..Explain::default() }
}
