//! A plain evaluator: it walks the expression and compares texts, knows no ready-made tests, no order of asking and no
//! hints. The real one must always agree with it.

use proptest::prelude::*;
use serde_json::Value;

use super::super::*;
use super::rows::{NOW, TwoTokens, log_row, service};
use crate::filter::Segment;
use crate::log::LogRow;
use crate::outcome::Outcome;

/// `None` = cannot tell.
fn plain(expr: &Expr, row: &LogRow) -> Option<bool> {
    match expr {
        Expr::Not(inner) => plain(inner, row).map(|answer| !answer),
        Expr::And(list) => {
            let answers: Vec<_> = list.iter().map(|expr| plain(expr, row)).collect();
            if answers.contains(&Some(false)) {
                Some(false)
            } else {
                answers.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
            }
        }
        Expr::Or(list) => {
            let answers: Vec<_> = list.iter().map(|expr| plain(expr, row)).collect();
            if answers.contains(&Some(true)) {
                Some(true)
            } else {
                answers.into_iter().collect::<Option<Vec<_>>>().map(|_| false)
            }
        }
        Expr::Term(term) => match &term.ask {
            Ask::Text(text) => Some(texts(row).contains(&text.to_lowercase())),
            Ask::Field { field, op, value } => Some(plain_field(field.name, *op, &value.to_lowercase(), row)),
            Ask::Body { path, op, value } => plain_body(path, *op, &value.to_lowercase(), row),
        },
    }
}

fn texts(row: &LogRow) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let parts = [
        row.summary.clone(),
        row.body.clone(),
        row.path.clone(),
        row.query.clone(),
        optional(&row.from),
        optional(&row.user_agent),
        optional(&row.problem),
    ];
    parts.join("\0").to_lowercase()
}

fn plain_field(name: &str, op: Op, value: &str, row: &LogRow) -> bool {
    let compare = |left: i64, right: i64| match op {
        Op::Is => left == right,
        Op::AtLeast => left >= right,
        Op::AtMost => left <= right,
        Op::Above => left > right,
        Op::Below => left < right,
    };
    let minutes = || value.trim_end_matches('m').parse::<i64>().unwrap();
    match name {
        "token" => row.token.as_str().to_lowercase() == if value == "one" { "g_0000000001" } else { "s_0000000002" },
        "service" => {
            let matched = row.explain.iter().flat_map(|e| &e.matched).any(|f| f.service_id == service().to_string());
            matched || row.token.as_str().starts_with('s')
        }
        "outcome" => row.outcome.as_str() == value,
        "status" if value.ends_with("xx") => row.status.to_string().starts_with(&value[..1]),
        "status" => compare(row.status.into(), value.parse().unwrap()),
        "ip" => row.remote_ip.to_string().starts_with(value.trim_end_matches(".0.0.0/8")),
        "since" => NOW.secs_since(row.at) <= minutes() * 60,
        "until" => NOW.secs_since(row.at) > minutes() * 60,
        "from" => row.from.as_deref().unwrap_or_default().to_lowercase().contains(value),
        "seq" => compare(row.seq.cast_signed(), value.parse().unwrap()),
        _ => panic!("the plain evaluator does not know {name}"),
    }
}

fn plain_body(path: &Path, op: BodyOp, value: &str, row: &LogRow) -> Option<bool> {
    if op == BodyOp::Differs {
        return plain_body(path, BodyOp::Equals, value, row).map(|answer| !answer);
    }
    if row.truncated {
        return None;
    }
    let Ok(json) = serde_json::from_str::<Value>(&row.body) else { return Some(false) };
    let mut found = Vec::new();
    let mut hidden = false;
    walk(path.segments(), &json, &mut found, &mut hidden);
    let compared = |compare: fn(f64, f64) -> bool, seen: &str| {
        seen.parse().is_ok_and(|seen| compare(seen, value.parse().unwrap()))
    };
    let holds = |seen: &String| match op {
        BodyOp::Equals | BodyOp::Differs => seen == value,
        BodyOp::Contains => seen.contains(value),
        BodyOp::AtLeast => compared(|a, b| a >= b, seen),
        BodyOp::AtMost => compared(|a, b| a <= b, seen),
        BodyOp::Above => compared(|a, b| a > b, seen),
        BodyOp::Below => compared(|a, b| a < b, seen),
    };
    match found.iter().any(holds) {
        true => Some(true),
        false if hidden || found.iter().any(|seen| seen.contains("[redacted]")) => None,
        false => Some(false),
    }
}

fn walk(path: &[Segment], value: &Value, found: &mut Vec<String>, hidden: &mut bool) {
    match (path.split_first(), value) {
        (None, Value::Null) => {}
        (None, Value::String(text)) => found.push(text.to_lowercase()),
        (None, value) => found.push(value.to_string().to_lowercase()),
        (Some(_), Value::String(text)) => *hidden |= text == "[redacted]",
        (Some((Segment::Key(key), rest)), value) => {
            value.get(key).into_iter().for_each(|value| walk(rest, value, found, hidden));
        }
        (Some((Segment::Index(at), rest)), value) => {
            value.get(*at as usize).into_iter().for_each(|value| walk(rest, value, found, hidden));
        }
        (Some((Segment::All, rest)), value) => {
            value.as_array().into_iter().flatten().for_each(|value| walk(rest, value, found, hidden));
        }
    }
}

fn term() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "token:one",
        "token:two",
        "service:db",
        "outcome:created",
        "outcome:no_match",
        "outcome:rejected",
        "status:4xx",
        "status:202",
        "status:>=400",
        "status:<400",
        "status:>202",
        "status:<=202",
        "ip:10.0.0.0/8",
        "ip:192.0.2.7",
        "since:5m",
        "since:15m",
        "until:10m",
        "from:ZABBIX",
        "seq:>40",
        "seq:<=41",
        "seq:43",
        "cpu",
        "Critical",
        "\"web 01\"",
        "body.sev = critical",
        "body.sev != Critical",
        "body.sev ~ rit",
        "body.list[*].n > 3",
        "body.list[0].n <= 3",
        "body.list[*].n != 3",
        "body.list = 1",
        "body.password = x",
        "body.password.a ~ b",
        "body.none != 1",
    ])
    .prop_map(str::to_owned)
}

fn query() -> impl Strategy<Value = String> {
    term().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|list| format!("({})", list.join(" "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|list| format!("({})", list.join(" or "))),
            inner.prop_map(|inner| format!("not {inner}")),
        ]
    })
}

prop_compose! {
    fn row()(
        seq in 38_u64..45,
        minutes in 0_i64..20,
        token in prop::sample::select(vec!["g_0000000001", "s_0000000002"]),
        ip in prop::sample::select(vec!["10.1.2.3", "192.0.2.7"]),
        from in prop::option::of(prop::sample::select(vec!["zabbix", "Grafana"])),
        summary in prop::sample::select(vec!["High CPU", "disk on WEB 01", "x"]),
        outcome in prop::sample::select(Outcome::ALL.to_vec()),
        status in prop::sample::select(vec![201_u16, 202, 400, 401, 503]),
        truncated in prop::bool::weighted(0.2),
        has_explain: bool,
        body in prop::sample::select(vec![
            r#"{"sev":"Critical","list":[{"n":1},{"n":5}]}"#, r#"{"sev":"[redacted]","list":[{"n":"3"}]}"#,
            r#"{"password":"[redacted]","list":[1]}"#, r#"{"password":{"a":"abc"},"list":[{"n":3}],"sev":null}"#, "no json", "",
        ]),
    ) -> LogRow {
        let base = log_row();
        LogRow {
            seq,
            at: NOW.plus_secs(-60 * minutes),
            token: token.parse().unwrap(),
            remote_ip: ip.parse().unwrap(),
            from: from.map(str::to_owned),
            summary: summary.to_owned(),
            outcome,
            status,
            truncated,
            body: body.to_owned(),
            explain: base.explain.clone().filter(|_| has_explain),
            ..base
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_evaluator_agrees_with_the_plain_one_and_its_hints_let_every_hit_through(text in query(), row in row()) {
        // The generator may go over the limits; that is refused, and tested elsewhere.
        let Ok(query) = Query::parse(&text, &LOGS) else { return Ok(()) };
        let canonical = query.to_string();
        prop_assert_eq!(Query::parse(&canonical, &LOGS), Ok(query.clone()), "{}", canonical);
        prop_assert!(canonical.len() <= text.len(), "{} is longer than {}", canonical, text);
        let bound = query.bind(&TwoTokens, NOW).unwrap();
        let expected = match plain(query.expr().unwrap(), &row) {
            Some(true) => Verdict::Yes,
            Some(false) => Verdict::No,
            None => Verdict::CannotTell,
        };
        prop_assert_eq!(bound.judge(&row), expected, "{}", text);
        prop_assert_eq!(bound.passes(&row), expected == Verdict::Yes);
        let hints = bound.hints();
        let is_inside = hints.tokens.as_ref().is_none_or(|tokens| tokens.contains(&row.token))
            && hints.outcomes.contains(&row.outcome)
            && hints.status.contains(&row.status.into())
            && hints.at.contains(&row.at.as_micros())
            && hints.seq.contains(&row.seq.cast_signed());
        prop_assert!(!hints.exact || is_inside == (expected == Verdict::Yes), "{:?}", hints);
        if expected == Verdict::Yes {
            prop_assert!(!hints.pass_nothing(), "{:?}", hints);
            prop_assert!(hints.tokens.as_ref().is_none_or(|tokens| tokens.contains(&row.token)), "{:?}", hints);
            prop_assert!(hints.outcomes.contains(&row.outcome), "{:?}", hints);
            prop_assert!(hints.status.contains(&row.status.into()), "{:?}", hints);
            prop_assert!(hints.at.contains(&row.at.as_micros()), "{:?}", hints);
            prop_assert!(hints.seq.contains(&row.seq.cast_signed()), "{:?}", hints);
        }
    }
}

#[test]
fn hints_say_what_blocks_can_be_skipped_by() {
    let hints = |text: &str| Query::parse(text, &LOGS).unwrap().bind(&TwoTokens, NOW).unwrap().hints().clone();
    let some = hints("token:one (outcome:created or outcome:rejected) -status:<400 since:15m until:5m web01");
    assert_eq!(some.tokens.map(|tokens| tokens.len()), Some(1));
    assert_eq!(some.outcomes, [Outcome::Created, Outcome::Rejected].into());
    assert_eq!(some.status, 400..=i64::MAX);
    assert_eq!(some.at, NOW.plus_secs(-900).as_micros()..=NOW.plus_secs(-300).as_micros() - 1);
    assert!(hints("token:one token:two").pass_nothing());
    assert_eq!(hints("token:one or web01").tokens, None);
    assert_eq!(hints("-outcome:created").outcomes.len(), 7);
    assert_eq!(hints("-(token:one or -token:two)").tokens.map(|tokens| tokens.len()), Some(1));
    assert_eq!(hints("").outcomes.len(), 8);
}
