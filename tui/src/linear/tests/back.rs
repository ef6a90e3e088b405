//! The way back, marks and orders, against a fake daemon that remembers.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tollgate_shared::api::{BulkResult, IncidentView, OperatorView, StatusView, SuspensionView, TokenView};
use tollgate_shared::role::GlobalRole;

use super::{at_now, page, typed, zabbix};
use crate::app::fixtures::{self, now};
use crate::client::testing::{FakeDaemon, Reply};

type Tokens = Arc<Mutex<Vec<TokenView>>>;

/// Three tokens that can be suspended, resumed and watched; the second of them is sealed.
fn desk() -> (FakeDaemon, Tokens) {
    desk_of(&at_now())
}

fn desk_of(status: &StatusView) -> (FakeDaemon, Tokens) {
    let mut sealed = TokenView { sealed: true, ..fixtures::token(4, "grafana") };
    sealed.usage.last_refusal = None;
    let tokens: Tokens = Arc::new(Mutex::new(vec![zabbix(), sealed, fixtures::token(5, "ups")]));
    let known = Arc::clone(&tokens);
    let fake = FakeDaemon::start_as(status, move |target, body| {
        let mut tokens = known.lock().unwrap();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        match target.split_once(' ').unwrap_or_default() {
            ("GET", "/v1/operators/bob") => Reply::json(&OperatorView {
                role: Some(GlobalRole::Reader),
                team_roles: Vec::new(),
                ..fixtures::operator(1, "bob")
            }),
            (_, path) if path.starts_with("/v1/incidents") => Reply::json(&page::<IncidentView>(Vec::new())),
            ("GET", path) if path.starts_with("/v1/tokens?") && path.contains("q=name%3Aups") => {
                Reply::json(&page(tokens[2..].to_vec()))
            }
            ("GET", path) if path.starts_with("/v1/tokens?") => Reply::json(&page(tokens.clone())),
            ("POST", "/v1/tokens/bulk") => {
                let ids: Vec<String> = serde_json::from_value(body["tokens"].clone()).unwrap();
                let on = body["action"] == "suspend";
                let of = |token: &&mut TokenView| ids.contains(&token.id.to_string());
                tokens.iter_mut().filter(of).for_each(|token| suspend(token, on));
                Reply::json(&BulkResult { done: true, tokens: tokens.clone() })
            }
            (method, path) => {
                let id = path.trim_start_matches("/v1/tokens/").split('/').next().unwrap_or_default().to_owned();
                let Some(token) = tokens.iter_mut().find(|token| token.id.as_str() == id) else {
                    return Reply::json(&page::<TokenView>(Vec::new()));
                };
                if method == "POST" {
                    match path.rsplit('/').next() {
                        Some("debug") => {
                            token.debug_until = (body["on"] == true).then(|| now().plus_secs(3_600));
                            token.version += 1;
                        }
                        verb => suspend(token, verb == Some("suspend")),
                    }
                }
                if path.ends_with(&id) || method == "POST" {
                    Reply::json(token)
                } else {
                    Reply::json(&page::<TokenView>(Vec::new()))
                }
            }
        }
    });
    (fake, tokens)
}

fn suspend(token: &mut TokenView, on: bool) {
    token.suspended = on.then(|| SuspensionView { at: now(), by: "root".to_owned(), reason: String::new() });
    token.version += 1;
}

fn posts(fake: &FakeDaemon) -> Vec<String> {
    fake.asked().into_iter().filter(|asked| asked.starts_with("POST")).collect()
}

#[tokio::test]
async fn what_was_done_is_taken_back_after_a_yes_and_said_in_words() {
    let (fake, tokens) = desk();
    let text = typed(&fake, "undo\ntokens\ndebug 3\nundo list\nundo\nno\nundo\nyes\nundo\nhistory\n", false).await;
    assert!(text.contains("nothing of this session can be undone"), "{text}");
    assert!(text.contains("ups: debug on; undo takes it back"), "{text}");
    assert!(text.contains("1. ups: debug on, 0s ago; undo 1 makes it: off"), "{text}");
    assert!(text.contains("undo: ups: now debug on, then off") && text.contains("nothing was changed"), "{text}");
    assert!(text.contains("undone: ups: off"), "{text}");
    assert!(text.contains("1. done 03:14:00Z: tollgate token debug ups off"), "{text}");
    assert_eq!(posts(&fake).len(), 2, "the no asked nothing: {:?}", posts(&fake));
    assert_eq!(tokens.lock().unwrap()[2].debug_until, None);
}

#[tokio::test]
async fn a_command_that_names_a_token_is_taken_back_as_well_and_an_older_change_by_its_number() {
    let (fake, tokens) = desk();
    let script = "token suspend s_0000000005 --reason doubt\ntokens\ndebug 3\nundo 7\nundo 2\nyes\nundo\nyes\n";
    let text = typed(&fake, script, false).await;
    assert!(text.contains("ups: suspended; undo takes it back"), "{text}");
    assert!(text.contains("there is no change 7; undo list has 1 to 2"), "{text}");
    // What we did ourselves meanwhile does not stand in the way.
    assert!(text.contains("undone: ups: resumed: calls are taken\n") && text.contains("undone: ups: off"), "{text}");
    let ups = tokens.lock().unwrap()[2].clone();
    assert!(ups.suspended.is_none() && ups.debug_until.is_none());
}

#[tokio::test]
async fn marked_rows_are_changed_together_and_whom_it_does_not_concern_is_said() {
    let (fake, tokens) = desk();
    suspend(&mut tokens.lock().unwrap()[0], true);
    let script = "tokens\nmark 1-3\nagain\nsuspend\nstorm\nno\nsuspend\nstorm\nyes\nmarks\nundo\nyes\n";
    let text = typed(&fake, script, false).await;
    assert!(
        text.contains("3 tokens are marked") || text.contains("marked: zabbix-prod, grafana, ups; 3 tokens"),
        "{text}"
    );
    assert!(text.contains("1 to 3 of the tokens, 3 marked") && text.contains("2. marked, grafana"), "{text}");
    assert!(text.contains("suspend: 2 of 3 tokens"), "{text}");
    assert!(text.contains("not zabbix-prod: it is suspended already"), "{text}");
    assert!(text.contains("suspend: done to 2 tokens; undo takes it back"), "{text}");
    assert!(text.contains("nothing is marked here"), "the marks have served: {text}");
    assert!(text.contains("undone: 2 tokens: resumed"), "{text}");
    let posts = posts(&fake);
    assert_eq!(posts.len(), 2, "{posts:?}");
    assert!(posts[0].contains("storm") && !posts[0].contains("s_0000000003"), "{posts:?}");
    let suspended: Vec<bool> = tokens.lock().unwrap().iter().map(|token| token.suspended.is_some()).collect();
    assert_eq!(suspended, [true, false, false], "only what was done here was undone");
}

#[tokio::test]
async fn what_is_final_wants_the_number_typed_and_a_number_of_a_row_leaves_the_marks_alone() {
    let (fake, _) = desk();
    let script = "tokens\nmark all\nrevoke\nleaked\n2\nrevoke\nleaked\n\nrevoke 3\nleaked\nnobody\nmarks\n";
    let text = typed(&fake, script, false).await;
    assert!(text.contains("type their number, 3, to revoke them; Enter alone changes nothing:"), "{text}");
    assert!(text.contains("type their number, 3; nothing was changed"), "{text}");
    assert!(text.contains("type ups to revoke it") && text.contains("3 tokens marked"), "{text}");
    assert!(posts(&fake).is_empty(), "{:?}", posts(&fake));
}

#[tokio::test]
async fn marks_are_set_by_query_by_page_and_taken_away_and_nothing_else_has_any() {
    let (fake, _) = desk();
    let script =
        "tokens\nmark name:ups\nmark page\nunmark 1,2\nmarks\nmark 9\nmark stat:x\nunmark\nmarks\nlog\nmark 1\n";
    let text = typed(&fake, script, false).await;
    assert!(text.contains("marked: ups; 1 token is marked; an action without a number"), "{text}");
    assert!(text.contains("unmarked: zabbix-prod, grafana; 1 token is marked"), "{text}");
    assert!(text.contains("1 token marked\nrow 3. ups: "), "{text}");
    assert!(text.contains("there is no row 9") && text.contains("no token is marked"), "{text}");
    assert!(text.contains("only tokens and incidents are marked"), "{text}");
}

#[tokio::test]
async fn an_edit_of_all_that_are_marked_takes_the_options_of_the_command() {
    let (fake, _) = desk();
    let script = "tokens\nmark 1 3\nedit\nedit --nonsense\nedit --preset sender\nrotate\nedit --rate 60/min\nyes\n";
    let text = typed(&fake, script, false).await;
    assert!(text.contains("takes options: edit --expires 90d"), "{text}");
    assert!(text.contains("unexpected argument '--nonsense' found; nothing was changed"), "{text}");
    assert!(text.contains("a preset depends on the token"), "{text}");
    assert!(text.contains("rotate: it is for one row at a time") && text.contains("name a row: WORD N"), "{text}");
    assert!(text.contains("ups: now limit none, then limit 60/min"), "{text}");
    let posts = posts(&fake);
    assert!(posts.len() == 1 && posts[0].contains(r#""calls_per_min":60"#), "{posts:?}");
}

#[tokio::test]
async fn lists_are_sorted_by_the_words_of_the_console_and_numbers_follow() {
    let (fake, _) = desk();
    let text = typed(&fake, "tokens\nsort\nsort name reverse\nsort name\nsort it\nlog\nsort\n", false).await;
    assert!(text.contains("sort by: attention, name, scope"), "{text}");
    let lists: Vec<&str> = text.lines().filter(|line| line.starts_with("1. ")).map(|line| &line[3..6]).collect();
    assert_eq!(lists, ["zab", "zab", "gra"], "{text}");
    assert!(text.contains("sorted by name, reversed") && text.contains("`it` is no order"), "{text}");
    assert!(text.contains("one order only: calls, the newest first"), "{text}");
}

#[tokio::test]
async fn a_reader_marks_what_he_likes_and_changes_nothing() {
    let bob = StatusView { caller: "bob".into(), caller_uid: 1_000, caller_role: "reader".into(), ..at_now() };
    let (fake, _) = desk_of(&bob);
    let text = typed(&fake, "tokens\nmark 1-2\nsuspend\nrevoke\nundo\n", false).await;
    assert!(text.contains("none of them can be changed so") || text.contains("suspend: needs"), "{text}");
    assert!(posts(&fake).is_empty(), "{:?}", posts(&fake));
}

#[tokio::test]
async fn what_is_only_on_a_screen_says_what_to_type_instead() {
    let (fake, _) = desk();
    let text = typed(&fake, "grow\nonly\ngoto\nsearch\nworst\n\n", false).await;
    assert!(text.contains("filter FIELD:VALUE") && text.contains("goto SEQ"), "{text}");
    assert!(text.contains("grow is for the screen. Here: there are no panes"), "{text}");
    assert!(text.contains("\na token expires in 2d: grafana\n1 to 3 of the tokens"), "{text}");
    assert!(text.contains("nothing new"), "Enter alone says so: {text}");
}

#[tokio::test]
async fn an_end_that_comes_nearer_is_said_once() {
    let (fake, _) = desk();
    let text = typed(&fake, "tokens\ndebug 3\nsuspend 3\n\nyes\ntokens\n", false).await;
    assert_eq!(text.matches("news: a token expires").count(), 1, "{text}");
}
