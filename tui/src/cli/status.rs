//! `tollgate status`.

mod hour;
mod talkers;

use tollgate_shared::api::{SelfService, StatusView};

use super::args::{Format, StatusArgs};
use super::backup;
use super::context::{Context, Done};
use super::exit::Exit;
use super::lockdown;
use super::show_once::call_line;
use super::table::facts;
use super::verdict::count;
use super::when::When;
use crate::app::words::per_second;

pub(super) async fn run(cx: &mut Context<'_>, args: StatusArgs) -> Done {
    if args.hour {
        return hour::run(cx).await;
    }
    if args.talkers {
        return talkers::run(cx, &args.by, args.top).await;
    }
    let status = cx.status.clone();
    let when = cx.when();
    if let (Format::Table, Some(lockdown)) = (cx.format, &status.lockdown) {
        let verb = if status.restored.is_some() { "restore-review" } else { "lockdown off" };
        let lift = format!("*** Lift it with:  {} {verb}", cx.tollgate());
        cx.io.line(&format!("*** {}", lockdown::words(lockdown, when)))?;
        cx.io.line(&lift)?;
    }
    cx.object(&status, |status| status_facts(status, when))?;
    if cx.format == Format::Table {
        let steps = first_steps(&status, &cx.tollgate());
        steps.iter().try_for_each(|line| cx.io.line(line))?;
    }
    let tells = status.self_service.as_ref().is_none_or(|own| own.problem.is_none());
    let backup_fails = status.backup.failed.is_some() || status.backup.overdue;
    let is_sound = status.store == "healthy" && status.lockdown.is_none() && status.log.damaged == 0;
    let is_well = is_sound && tells && !backup_fails;
    Ok(if is_well { Exit::Ok } else { Exit::Attention })
}

fn status_facts(status: &StatusView, when: When) -> Vec<String> {
    let counters = &status.counters;
    let log = match (status.log.first_seq, status.log.last_seq) {
        (Some(first), Some(last)) => {
            format!("rows {first} to {last}, the oldest {}", when.or_nothing(status.log.oldest_at))
        }
        _ => "empty".to_owned(),
    };
    let some = |count: u64| if count > 0 { count.to_string() } else { String::new() };
    facts(&[
        (
            "daemon",
            format!(
                "{} on {}, pid {}, up since {}",
                status.version,
                status.host,
                status.pid,
                when.full(status.started_at)
            ),
        ),
        ("you are", format!("{} (uid {}), {}", status.caller, status.caller_uid, status.caller_role)),
        ("listens on", listen_words(&status.listen, status.tls)),
        ("socket", status.socket.clone()),
        ("data", status.data_dir.clone()),
        ("store", status.store.clone()),
        ("backup", backup::last_words(&status.backup, when)),
        ("backup disk", backup::disk_words(&status.backup)),
        (
            "registry",
            [
                count(status.teams.into(), "team"),
                count(status.services.into(), "service"),
                count(status.filters.into(), "filter"),
                count(status.tokens.into(), "token"),
            ]
            .join(", "),
        ),
        ("operators", status.operators.to_string()),
        (
            "tokens",
            format!(
                "{} end within 14 d, {} suspended, {} with debug on",
                status.tokens_expiring, status.tokens_suspended, status.tokens_debug
            ),
        ),
        ("incidents", format!("{} open, {} of them P1", status.open_incidents, status.open_p1)),
        (
            "calls",
            format!("{} since the start, {}/s now", counters.calls.total(), per_second(counters.calls_per_10_secs)),
        ),
        ("refused", format!("{} before a token was known, {} for a full queue", counters.refused, counters.overloaded)),
        ("own incidents", self_words(status)),
        ("log", log),
        ("log files damaged", damaged_words(status.log.damaged)),
        ("log rows lost", some(counters.log_rows_lost)),
        ("only counted", some(counters.log_rows_not_logged)),
    ])
}

/// Where the daemon says by itself that something is wrong with it.
fn self_words(status: &StatusView) -> String {
    match &status.self_service {
        None => "none: [self] service is not set in tollgate.toml".to_owned(),
        Some(SelfService { service, problem: None }) => format!("on {service}"),
        Some(SelfService { problem: Some(why), .. }) => format!("NOT opened: {why}"),
    }
}

/// The daemon goes on without them; their rows are not shown.
fn damaged_words(files: u32) -> String {
    match files {
        0 => String::new(),
        _ => format!("{files} left out or moved aside; when the daemon is stopped, tollgated check says which"),
    }
}

/// Whether another host can send at all is the first question where nothing arrives (operator.md, job 2).
fn listen_words(listen: &str, tls: bool) -> String {
    let is_loopback = listen.parse().is_ok_and(|address: std::net::SocketAddr| address.ip().is_loopback());
    let listen = if tls { format!("{listen} over TLS") } else { listen.to_owned() };
    if is_loopback { format!("{listen} (this host only)") } else { listen }
}

/// What is left to do until the first incident; nothing once there is a token.
fn first_steps(status: &StatusView, tollgate: &str) -> Vec<String> {
    if status.tokens > 0 {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "To the first incident:".to_owned()];
    let mut step = |is_missing: bool, line: String| {
        if is_missing {
            lines.push(format!("  {line}"));
        }
    };
    step(status.teams == 0, format!("{tollgate} team create Ops"));
    step(status.services == 0, format!("{tollgate} service create Ops/DB"));
    step(status.filters == 0, format!("{tollgate} filter create --service Ops/DB --preset alertmanager"));
    step(true, format!("{tollgate} token create first --scope service:Ops/DB --debug --secret-file first.secret"));
    lines.push("and a call, from here or as a sender makes it:".to_owned());
    lines.push(format!("  {tollgate} send --token-file first.secret alert.json"));
    lines.push(format!("  read -rs TG < first.secret; {}", call_line(&status.listen, status.tls)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing::status;

    #[test]
    fn whether_the_daemon_tells_of_itself_is_said_and_why_not() {
        let own = |problem: Option<&str>| StatusView {
            self_service: Some(SelfService { service: "Ops/Own".to_owned(), problem: problem.map(str::to_owned) }),
            ..status()
        };
        assert!(self_words(&status()).contains("[self] service is not set"));
        assert_eq!(self_words(&own(None)), "on Ops/Own");
        assert_eq!(
            self_words(&own(Some("there is no service `Ops/Own`"))),
            "NOT opened: there is no service `Ops/Own`"
        );
    }

    #[test]
    fn the_listen_address_says_who_can_reach_it() {
        assert_eq!(listen_words("127.0.0.1:7480", false), "127.0.0.1:7480 (this host only)");
        assert_eq!(listen_words("[::1]:7480", false), "[::1]:7480 (this host only)");
        assert_eq!(listen_words("0.0.0.0:7480", false), "0.0.0.0:7480");
        assert_eq!(listen_words("0.0.0.0:7480", true), "0.0.0.0:7480 over TLS");
    }
}
