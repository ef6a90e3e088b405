//! The console's API log on a real terminal, with a real daemon: the query, the tail that is read, rows from before.

use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::terminal::Terminal;
use tollgate_tests::wait::{self, PATIENCE};

use crate::console::{console_of, seqs};
use crate::support::{alert, with_alertmanager};
use crate::tail::flood;

const UP: &str = "\x1b[A";
const PAGE_UP: &str = "\x1b[5~";

/// Each call is another one, so that none is a duplicate.
fn match_nothing(daemon: &Daemon, token: &Token, calls: u32) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    for _ in 0..calls {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        assert!(daemon.post(&token.secret, &format!("{{\"number\":{number}}}")).is_success());
    }
}

fn match_all(daemon: &Daemon, token: &Token, keys: std::ops::Range<u32>) {
    for key in keys {
        assert!(daemon.post(&token.secret, &alert("firing", &format!("key-{key}"))).is_success());
    }
}

/// The console on the log, following.
fn log_of(daemon: &Daemon, size: (u16, u16)) -> Terminal {
    let mut console = Terminal::start(&console_of(daemon), size);
    console.wait_for(" LIVE ");
    console.send("2");
    console.wait_for("FOLLOWING");
    console
}

/// Types a query into the open bar, in place of what stands there.
fn ask(console: &mut Terminal, query: &str) {
    console.send("f");
    console.wait_for(" filter ");
    console.send("\x15");
    console.type_slowly(query);
    console.wait_until("the query is in the bar", |screen| screen.contains(&format!("filter {query}")));
    console.send("\r");
}

#[test]
fn tail_is_filtered_by_a_query_while_it_follows_and_counts_what_is_newer_while_it_is_read() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    match_all(&daemon, &token, 0..3);
    match_nothing(&daemon, &token, 2);
    let mut console = log_of(&daemon, (120, 40));
    console.wait_until("all five rows", |screen| seqs(screen).len() == 5);
    ask(&mut console, "outcome:no_match");
    console.wait_until("two rows", |screen| screen.contains("FOLLOWING") && seqs(screen).len() == 2);
    match_all(&daemon, &token, 3..6);
    match_nothing(&daemon, &token, 1);
    let screen = console.wait_until("the third row", |screen| seqs(screen).len() == 3);
    assert!(!screen.contains("created"), "{screen}");
    console.send(UP);
    console.wait_for("PAUSED");
    match_nothing(&daemon, &token, 4);
    console.wait_for("4 newer");
    console.send("G");
    let screen = console.wait_for("FOLLOWING");
    assert_eq!(seqs(&screen).len(), 7, "{screen}");
}

#[test]
fn rows_from_before_the_first_two_hundred_come_when_the_mark_goes_up() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    match_nothing(&daemon, &token, 230);
    let mut console = log_of(&daemon, (100, 40));
    console.wait_until("the newest row", |screen| seqs(screen).last() == Some(&230));
    // While older rows are on their way the mark stands at the first: the next presses go on from there.
    let screen = wait::until("row 1", PATIENCE, || {
        console.send(PAGE_UP);
        let screen = console.screen();
        if seqs(&screen).first() == Some(&1) { Ok(screen) } else { Err(screen) }
    });
    let shown = seqs(&screen);
    assert!(shown.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no hole and no row twice: {shown:?}");
    console.send("G");
    console.wait_until("the newest row again", |screen| seqs(screen).last() == Some(&230));
    console.send("g");
    console.wait_until("the first row at once", |screen| seqs(screen).first() == Some(&1));
}

#[test]
fn text_that_is_in_none_of_the_rows_here_is_found_among_all_and_the_rows_around_it_stay() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    match_nothing(&daemon, &token, 4);
    assert!(daemon.post(&token.secret, r#"{"host":"press-hall"}"#).is_success());
    match_nothing(&daemon, &token, 230);
    let mut console = log_of(&daemon, (100, 40));
    console.wait_until("the newest row", |screen| seqs(screen).last() == Some(&235));
    console.type_slowly("/Press-Hall");
    console.wait_for("not among the rows here: Enter asks the daemon");
    console.send("\r");
    let screen = console.wait_until("row 5 is marked", |screen| marked_seq(screen) == Some(5));
    assert!(seqs(&screen).starts_with(&[1, 2, 3, 4, 5]), "search is not filter: {screen}");
    console.send("N");
    console.wait_for("the search went on at the other end");
    assert_eq!(marked_seq(&console.screen()), Some(5));
}

/// The seq of the row that has the mark.
fn marked_seq(screen: &str) -> Option<u64> {
    screen.lines().find(|line| line.starts_with("> ")).and_then(|line| seqs(line).first().copied())
}

#[test]
fn query_that_the_daemon_refuses_is_said_and_one_that_is_good_is_kept_under_a_name() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    match_nothing(&daemon, &token, 2);
    let mut console = log_of(&daemon, (120, 40));
    ask(&mut console, "token:nobody");
    let screen = console.wait_for("the daemon refused the query");
    assert!(screen.contains("nobody"), "{screen}");
    ask(&mut console, "token:am");
    console.wait_until("two rows", |screen| seqs(screen).len() == 2);
    console.send(".");
    console.wait_for("ALL ACTIONS");
    console.send("w");
    console.wait_for("save the query as @");
    console.type_slowly("mine");
    console.wait_for("@mine");
    console.send("\r");
    console.wait_for("saved as @mine");
    console.send("Q");
    console.wait_for("SAVED QUERIES");
    let saved = daemon.get("/v1/queries/logs/mine");
    assert_eq!(saved["q"], "token:am");
}

#[test]
fn console_that_stood_still_says_in_words_how_much_it_missed_and_goes_on() {
    // A quarter more than what the daemon's ring, the queue and the socket hold of rows of some 17 KiB.
    const CALLS: usize = 1_250;
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug", "--dedup", "0s"]);
    match_nothing(&daemon, &token, 2);
    let mut console = log_of(&daemon, (120, 40));
    console.wait_until("both rows", |screen| seqs(screen).len() == 2);
    console.signal(Signal::STOP);
    flood(&daemon, &token, CALLS);
    console.signal(Signal::CONT);
    let screen = console.wait_for("not shown: this console did not keep up");
    let missed = screen.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.windows(3).position(|three| three == ["rows", "not", "shown:"])?;
        words[at - 1].replace(',', "").parse::<usize>().ok()
    });
    assert!(missed.is_some_and(|missed| missed > 0 && missed < CALLS), "{screen}");
    console.send(UP);
    console.wait_for("PAUSED");
    console.send("G");
    console.wait_for("FOLLOWING");
    match_nothing(&daemon, &token, 1);
    console.wait_until("it goes on", |screen| seqs(screen).last() == Some(&(CALLS as u64 + 3)));
}
