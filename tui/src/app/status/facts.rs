//! What the daemon says of itself, in lines.

use tollgate_shared::api::StatusView;

use super::super::detail::{Kind, Line};
use super::super::model::Model;
use super::super::words::{self, group};
use super::{fact, head};

/// Two clocks on one host differ by less; over a forwarded socket they may not.
const CLOCKS_AGREE_SECS: i64 = 2;

pub(super) fn lines(model: &Model, status: &StatusView) -> Vec<Line> {
    let mut lines = daemon(model, status);
    lines.extend(backup(model, status));
    lines.extend(log(model, status));
    lines.extend(counters(status));
    lines
}

/// Everything that is kept for a time goes by the daemon's clock.
fn clock(model: &Model) -> Line {
    let ahead = model.health.clock_ahead_secs;
    let by = words::age(ahead.abs());
    match ahead {
        ahead if ahead > CLOCKS_AGREE_SECS => {
            Line::new(Kind::Bad, format!("{:18}the daemon's is {by} ahead of this console's  !", "clock"))
        }
        ahead if ahead < -CLOCKS_AGREE_SECS => {
            Line::new(Kind::Bad, format!("{:18}the daemon's is {by} behind this console's  !", "clock"))
        }
        _ => fact("clock", "the daemon's and this console's agree"),
    }
}

fn judged(name: &str, number: u64, what: &str) -> Line {
    let kind = if number > 0 { Kind::Bad } else { Kind::Plain };
    let mark = if number > 0 { "  !" } else { "" };
    Line::new(kind, format!("{name:18}{} {what}{mark}", group(number)))
}

fn daemon(model: &Model, status: &StatusView) -> Vec<Line> {
    let healthy = status.store == "healthy";
    vec![
        head("DAEMON"),
        fact("versions", &format!("daemon {}, console {}", status.version, env!("CARGO_PKG_VERSION"))),
        fact(
            "process",
            &format!("{} on {}, up {}", status.pid, status.host, words::age(model.now.secs_since(status.started_at))),
        ),
        clock(model),
        fact("you", &format!("{}, uid {}, {}", status.caller, status.caller_uid, status.caller_role)),
        fact("takes calls at", &status.listen),
        fact("socket", &status.socket),
        fact("data", &status.data_dir),
        Line::new(if healthy { Kind::Plain } else { Kind::Bad }, format!("{:18}{}", "store", status.store)),
        fact(
            "objects",
            &format!(
                "{} teams, {} services, {} filters, {} tokens",
                group(status.teams.into()),
                group(status.services.into()),
                group(status.filters.into()),
                group(status.tokens.into())
            ),
        ),
    ]
}

/// Age and place of the last good backup: what stands between a dead disk and forty senders without tokens.
fn backup(model: &Model, status: &StatusView) -> Vec<Line> {
    let backup = &status.backup;
    let age = |at| words::age(model.now.secs_since(at));
    let last = backup.last.as_ref().map_or_else(
        || Line::new(Kind::Worth, format!("{:18}no backup yet: tollgate backup FILE", "backup")),
        |made| {
            let key = if made.with_key { "" } else { ", WITHOUT the token key" };
            fact("backup", &format!("{} old, {}{key}, {}", age(made.made_at), words::bytes(made.bytes), made.place))
        },
    );
    let mut lines = vec![last];
    let plan = backup.every_secs.zip(backup.to.as_ref());
    let every = |secs: u64| words::countdown(i64::try_from(secs).unwrap_or(i64::MAX));
    lines.extend(plan.map(|(secs, to)| fact("", &format!("one every {} to {to}", every(secs)))));
    if backup.same_disk {
        lines.push(Line::new(Kind::Worth, format!("{:18}on the disk of the data: when it dies, so do they  !", "")));
    }
    if backup.overdue {
        lines.push(Line::new(Kind::Bad, format!("{:18}the scheduled one is OVERDUE  !", "")));
    }
    let failed = backup.failed.as_ref();
    lines.extend(
        failed.map(|failed| Line::new(Kind::Bad, format!("{:18}FAILED {} ago: {}  !", "", age(failed.at), failed.why))),
    );
    if let Some(restored) = &status.restored {
        let old = age(restored.backup_made_at);
        let text = format!("a backup {old} old, not reviewed: tollgate restore-review  !");
        lines.push(Line::new(Kind::Bad, format!("{:18}{text}", "restored")));
    }
    lines
}

fn log(model: &Model, status: &StatusView) -> Vec<Line> {
    let bounds = status.log;
    let damaged = judged("damaged", bounds.damaged.into(), "segments do not open: tollgated check names them");
    let oldest = bounds.oldest_at.map_or_else(
        || "empty: no token has debug on, or nothing was called".to_owned(),
        |at| format!("oldest row {} old, erased at 48 h", words::countdown(model.now.secs_since(at))),
    );
    let rows = match (bounds.first_seq, bounds.last_seq) {
        (Some(first), Some(last)) => format!("{} to {}", group(first), group(last)),
        _ => "none".to_owned(),
    };
    let mut lines = vec![
        head("API LOG"),
        fact("kept", &oldest),
        fact("rows", &rows),
        fact(
            "on disk",
            &format!("{} in {}", words::bytes(bounds.disk_bytes), words::count(bounds.segments.into(), "segment")),
        ),
    ];
    lines.extend((bounds.damaged > 0).then_some(damaged));
    lines
}

fn counters(status: &StatusView) -> Vec<Line> {
    let c = &status.counters;
    let calls = c.calls;
    vec![
        head("SINCE THE START"),
        fact("calls", &format!("{}, now {}/s", group(calls.total()), words::per_second(c.calls_per_10_secs))),
        fact(
            "",
            &format!(
                "{} created, {} attached, {} resolved",
                group(calls.created),
                group(calls.attached),
                group(calls.resolved)
            ),
        ),
        fact(
            "",
            &format!(
                "{} duplicate, {} no match, {} suppressed",
                group(calls.duplicate),
                group(calls.no_match),
                group(calls.suppressed)
            ),
        ),
        fact(
            "refused",
            &format!("{} of known tokens, {} before a token was known", group(calls.rejected), group(c.refused)),
        ),
        judged("overloaded", c.overloaded, "calls found the queue full"),
        judged("commits failed", c.commits_failed, &format!("of {}", group(c.commits + c.commits_failed))),
        fact(
            "queue",
            &format!(
                "{} calls, {}, last batch {}",
                group(c.queue_calls),
                words::bytes(c.queue_bytes),
                group(c.last_batch)
            ),
        ),
        fact("connections", &format!("{} accepted", group(c.connections))),
        judged("", c.connections_refused, "refused for a limit"),
        fact("log rows", &format!("{} written", group(c.log_rows))),
        judged("log rows lost", c.log_rows_lost, "in failed commits"),
        fact("not logged", &format!("{} refusals were only counted", group(c.log_rows_not_logged))),
        fact("tails", &format!("{} open, {} gaps told", group(c.tails), group(c.tail_gaps))),
    ]
}
