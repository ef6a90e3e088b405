//! The index against the plain evaluator: they must agree on everything, over random filters, calls and changes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use tollgate_shared::filter::{Condition, FilterSpec, Mode, Op, Quantifier, Resolve, Trigger};
use uuid::Uuid;

use super::*;
use crate::core::matching::sample::call;
use crate::core::matching::{ExplainBuilder, ServiceLabel, evaluate};

const PATHS: [&str; 17] = [
    "a",
    "b",
    "a.b",
    "a[0]",
    "a[1].b",
    "a[*]",
    "a[*].b",
    "a[*][*]",
    "b.a[*].b",
    "b[*]",
    "$",
    "@header.x-a",
    "@query.b",
    "@source.ip",
    "b.a",
    "a[*].a",
    "a.b.a",
];
const VALUES: [&str; 22] = [
    "x",
    "xy",
    "yx",
    "X",
    "y",
    "aXyb",
    "1",
    "2",
    "1.5",
    "-1",
    "1e+2",
    "true",
    "null",
    " ",
    "{",
    "[1",
    "[]",
    "192.0.2.7",
    "\u{130}",
    "i",
    "\u{e4}\u{c4}",
    "firing",
];

fn a_condition() -> impl Strategy<Value = Condition> {
    let texts = proptest::collection::vec(select(&VALUES[..]), 1..4);
    let flags = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2));
    (select(&PATHS[..]), select(&Op::ALL[..]), texts, flags).prop_map(
        |(path, op, texts, (any, ignore_case, negate))| {
            let numeric = matches!(op, Op::Gt | Op::Lt);
            let values = texts.into_iter().map(|text| match op {
                _ if numeric => if text.parse::<f64>().is_ok() { text } else { "1.5" }.to_owned(),
                // Patterns are made of plain texts.
                Op::Matches => text.replace(['{', '['], "."),
                _ => text.to_owned(),
            });
            Condition {
                path: path.to_owned(),
                op,
                values: if op.takes_values() { values.collect() } else { Vec::new() },
                quantifier: if any { Quantifier::Any } else { Quantifier::All },
                negate,
                ignore_case,
            }
        },
    )
}

fn a_part() -> impl Strategy<Value = (Vec<Condition>, Mode)> {
    (proptest::collection::vec(a_condition(), 1..4), select(&[Mode::All, Mode::All, Mode::Any][..]))
}

fn a_filter() -> impl Strategy<Value = FilterSpec> {
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.9));
    (a_part(), proptest::option::of(a_part()), flags).prop_map(|((conditions, mode), resolve, (match_all, enabled))| {
        let conditions = if match_all { Vec::new() } else { conditions };
        let correlate = vec!["a?".to_owned(), "b?".to_owned()];
        let title_from = vec!["a.b".to_owned(), "a[*]".to_owned()];
        let trigger = Trigger { match_all, conditions, mode, correlate, title_from, ..Trigger::default() };
        let resolve = resolve.map(|(conditions, mode)| Resolve { conditions, mode, correlate: Vec::new() });
        FilterSpec { name: "f".into(), enabled, trigger, resolve }
    })
}

fn filters() -> impl Strategy<Value = Filters> {
    proptest::collection::vec(a_filter(), 0..4).prop_map(|specs| {
        let places = (0..).zip(&specs);
        places.map(|(place, spec)| crate::core::matching::sample::compiled(place, spec)).collect()
    })
}

fn a_leaf() -> impl Strategy<Value = String> {
    let text = select(&VALUES[..]).prop_map(|text| serde_json::Value::from(text).to_string());
    let raw = select(&["1", "2", "1.50", "-1", "1e2", "true", "false", "null", "[]", "{}"][..]).prop_map(str::to_owned);
    prop_oneof![text, raw]
}

fn a_value() -> impl Strategy<Value = String> {
    a_leaf().prop_recursive(4, 32, 6, |inner| {
        let array = proptest::collection::vec(inner.clone(), 0..6);
        let object = proptest::collection::btree_map(select(&["a", "b"][..]), inner, 0..3);
        prop_oneof![
            array.prop_map(|items| format!("[{}]", items.join(","))),
            object.prop_map(|members| an_object(&members))
        ]
    })
}

fn an_object(members: &BTreeMap<&str, String>) -> String {
    let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// What a call is made of. A `Call` itself is never printed, and a failure must be.
#[derive(Debug, Clone)]
struct Sent {
    body: String,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl Sent {
    fn call(&self) -> Call {
        let mut call = call(&self.body);
        (call.headers, call.query) = (self.headers.clone(), self.query.clone());
        call
    }
}

fn a_call() -> impl Strategy<Value = Sent> {
    let body = prop_oneof![
        8 => proptest::collection::btree_map(select(&["a", "b"][..]), a_value(), 0..3).prop_map(|o| an_object(&o)),
        1 => a_value(),
        // More elements than a path selects: those of the second half are not seen.
        1 => (250..262_usize, a_leaf(), a_leaf()).prop_map(|(count, many, last)| {
            format!(r#"{{"a":[{},{{"b":{last}}},[{last}],{last}]}}"#, vec![many; count].join(","))
        }),
    ];
    let pairs = |names: &'static [&'static str]| {
        proptest::collection::vec((select(names), select(&VALUES[..])), 0..4)
            .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    };
    (body, pairs(&["x-a", "x-b"]), pairs(&["b", "from"])).prop_map(|(body, headers, query)| Sent {
        body,
        headers,
        query,
    })
}

fn key(number: u8) -> ServiceKey {
    // Teams of three services.
    (TeamId(Uuid::from_u128(u128::from(number / 3))), ServiceId(Uuid::from_u128(u128::from(number))))
}

type Model = BTreeMap<ServiceKey, Filters>;

fn plain(model: &Model, team: Option<TeamId>, call: &Call, redacted: &Call) -> Vec<(ServiceKey, ServiceMatch)> {
    let reached = model.iter().filter(|(service, _)| team.is_none_or(|team| service.0 == team));
    let answers = reached.map(|(service, filters)| (*service, evaluate(filters, call, redacted)));
    answers.filter(|(_, answer)| *answer != ServiceMatch::default()).collect()
}

fn agrees(index: &FilterIndex, model: &Model, call: &Call) -> Result<(), TestCaseError> {
    let mut redacted = call.clone();
    redacted.text = "[redacted]".into();
    for team in [None, Some(key(0).0), Some(key(3).0), Some(key(200).0)] {
        let expected = plain(model, team, call, &redacted);
        prop_assert_eq!(index.evaluate(team, call, &redacted), expected, "team {:?}", team);
    }
    Ok(())
}

fn built(model: &Model) -> FilterIndex {
    FilterIndex::build(model.iter().map(|(service, filters)| (*service, filters.clone())))
}

#[derive(Debug, Clone)]
enum Step {
    Change(Vec<(u8, Filters)>),
    Rebuild,
    /// A new base is begun; it is installed after the change.
    RebuildAround(Vec<(u8, Filters)>),
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec((0..9_u8, filters()), 1..3).prop_map(Step::Change),
        1 => Just(Step::Rebuild),
        2 => proptest::collection::vec((0..9_u8, filters()), 0..5).prop_map(Step::RebuildAround),
    ]
}

fn changed(index: &FilterIndex, model: &mut Model, changes: &[(u8, Filters)]) -> FilterIndex {
    let changes: BTreeMap<_, _> = changes.iter().map(|(service, filters)| (key(*service), filters.clone())).collect();
    model.extend(changes.clone());
    index.with_changes(changes.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_index_answers_what_the_plain_evaluator_answers(
        services in proptest::collection::vec(filters(), 1..9),
        calls in proptest::collection::vec(a_call(), 1..6),
    ) {
        let model: Model = (0..).zip(services).map(|(number, filters)| (key(number), filters)).collect();
        let index = built(&model);
        for call in &calls {
            agrees(&index, &model, &call.call())?;
        }
    }

    #[test]
    fn the_index_answers_the_same_after_any_history_of_changes(
        steps in proptest::collection::vec(a_step(), 1..16),
        call in a_call(),
    ) {
        let (mut model, mut index) = (Model::new(), FilterIndex::default());
        let call = call.call();
        for step in steps {
            index = match step {
                Step::Change(changes) => changed(&index, &mut model, &changes),
                Step::Rebuild => index.rebuilt(),
                Step::RebuildAround(changes) => {
                    let base = index.rebuilt();
                    let now = changes.into_iter().fold(index, |index, change| changed(&index, &mut model, &[change]));
                    now.rebased(&base)
                }
            };
            agrees(&index, &model, &call)?;
            let count: usize = model.values().map(|filters| filters.len()).sum();
            prop_assert_eq!(index.filters(), count);
        }
    }

    #[test]
    fn explain_calls_true_what_the_index_calls_true(
        services in proptest::collection::vec(filters(), 1..9),
        call in a_call(),
    ) {
        let model: Model = (0..).zip(services).map(|(number, filters)| (key(number), filters)).collect();
        let call = call.call();
        let found: BTreeMap<_, _> = built(&model).evaluate(None, &call, &call).into_iter().collect();
        for (service, filters) in &model {
            let mut verdict = ExplainBuilder::new(&call, &call);
            verdict.service(ServiceLabel { id: "s", name: "s" }, filters);
            let matched = verdict.finish(0, None).matched;
            let resolves = |part: &tollgate_shared::explain::FilterExplain| part.resolve.as_ref().is_some_and(|r| r.matched);
            let resolved: Vec<_> = matched.iter().filter(|m| resolves(m)).map(|m| m.filter_id.clone()).collect();
            let wins = matched.iter().find(|m| !resolves(m) && m.trigger.matched).map(|m| m.filter_id.clone());
            let answer = found.get(service).cloned().unwrap_or_default();
            let keys: Vec<_> = answer.resolve_keys.iter().map(|hit| hit.filter.to_string()).collect();
            prop_assert_eq!(keys, resolved);
            prop_assert_eq!(answer.trigger.map(|hit| hit.filter.to_string()), wins);
        }
    }
}

/// A filter `field equals value`, of which many can be made.
fn equals(place: u32, value: &str) -> Arc<CompiledFilter> {
    let trigger = serde_json::json!({ "conditions": [{ "path": "a", "op": "equals", "values": [value] }] });
    crate::core::matching::sample::filter(place, trigger, None)
}

#[test]
fn many_changes_make_few_layers_and_then_ask_for_a_new_base() {
    let mut index = FilterIndex::default();
    let mut model = Model::new();
    for number in 0..250_u8 {
        let filters: Filters = (0..32).map(|place| equals(place, &format!("{number} {place}"))).collect();
        index = changed(&index, &mut model, &[(number, filters)]);
        assert!(index.layer_count() <= LAYERS_MAX + 1);
        assert_eq!(index.filters(), 32 * (usize::from(number) + 1));
    }
    assert!(index.wants_rebuild());
    let call = call(r#"{"a":"77 5"}"#);
    agrees(&index, &model, &call).unwrap();
    let rebuilt = index.rebuilt();
    assert!(!rebuilt.wants_rebuild());
    assert_eq!(rebuilt.layer_count(), 1);
    agrees(&rebuilt, &model, &call).unwrap();
}

#[test]
fn a_service_that_did_not_change_costs_no_layer() {
    let filters: Filters = [equals(0, "x")].into();
    let index = FilterIndex::build([(key(0), filters.clone())]);
    assert_eq!(index.with_changes(vec![(key(0), filters.clone())]).layer_count(), 1);
    assert_eq!(index.with_changes(vec![(key(0), Filters::from([]))]).filters(), 0);
}

#[test]
fn a_new_base_takes_in_what_changed_while_it_was_built() {
    let (old, new): (Filters, Filters) = ([equals(0, "x")].into(), [equals(0, "y")].into());
    let index = FilterIndex::build([(key(0), old.clone()), (key(1), old.clone())]);
    let base = index.rebuilt();
    let changes = [(key(0), new.clone()), (key(1), Filters::from([])), (key(2), old.clone())];
    let now = changes.into_iter().fold(index, |index, change| index.with_changes(vec![change]));
    let model: Model = [(key(0), new), (key(2), old)].into();
    for body in [r#"{"a":"x"}"#, r#"{"a":"y"}"#] {
        agrees(&now.rebased(&base), &model, &call(body)).unwrap();
    }
}
