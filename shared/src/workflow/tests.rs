use super::*;

const SMALL: &str = r#"{"name":"restart","steps":[{"name":"go","run":{"program":"restart.sh"}}]}"#;

fn small() -> WorkflowSpec {
    WorkflowSpec::from_json(SMALL.as_bytes()).unwrap()
}

fn bad_fields(spec: &WorkflowSpec) -> Vec<String> {
    spec.validate().expect_err("valid").into_iter().map(|error| error.path).collect()
}

#[test]
fn a_small_workflow_has_the_defaults_and_its_stored_form_reads_back() {
    let spec = small();
    assert!(spec.enabled && spec.trigger.is_none() && spec.variables.is_empty());
    let Some(StepWork::Run(run)) = spec.steps[0].work() else { panic!("{:?}", spec.steps) };
    assert_eq!((run.timeout_secs, run.retries, run.args.len()), (60, 0, 0));
    let stored = spec.to_json().unwrap();
    assert_eq!(String::from_utf8(stored.clone()).unwrap(), SMALL);
    assert_eq!(WorkflowSpec::from_json(&stored).unwrap(), spec);
    assert_eq!(spec.validate(), Ok(()));
}

#[test]
fn numbers_in_a_posted_body_keep_their_text() {
    let text = SMALL.replace(
        r#""run":{"program":"restart.sh"}"#,
        r#""http":{"url":"http://h/","body":{"n":1.00,"big":12345678901234567890123}}"#,
    );
    let stored = WorkflowSpec::from_json(text.as_bytes()).unwrap().to_json().unwrap();
    let stored = String::from_utf8(stored).unwrap();
    assert!(stored.contains("12345678901234567890123") && stored.contains("1.00"), "{stored}");
}

#[test]
fn every_bad_field_is_named_at_once() {
    let mut spec = small();
    spec.name = " ".to_owned();
    let variable = |name: &str| Variable { name: name.to_owned(), ..Variable::default() };
    spec.variables = vec![variable("1a"), variable("host"), variable("HOST")];
    spec.variables[1].pattern = Some("(".to_owned());
    spec.trigger = Some(WorkflowTrigger::default());
    let both = Step { name: "x".to_owned(), http: Some(HttpStep::new("ftp://h")), ..spec.steps[0].clone() };
    let mut post = Step { name: "y".to_owned(), http: Some(HttpStep::new("ftp://h")), ..Step::default() };
    let http = post.http.as_mut().unwrap();
    http.headers.insert("Authorization".to_owned(), "x".to_owned());
    http.body = Some(serde_json::json!({"a": "{{nobody}}"}));
    http.timeout_secs = 61;
    spec.steps = vec![both, post];
    let expected = [
        "name",
        "variables[0].name",
        "variables[1].pattern",
        "variables[2].name",
        "trigger.conditions",
        "steps[0]",
        "steps[1].http.url",
        "steps[1].http.headers.Authorization",
        "steps[1].http.body",
        "steps[1].http.timeout_secs",
    ];
    assert_eq!(bad_fields(&spec), expected);
}

#[test]
fn a_workflow_has_one_to_ten_steps() {
    let mut spec = small();
    spec.steps = vec![spec.steps[0].clone(); 10];
    assert_eq!(spec.validate(), Ok(()));
    spec.steps.push(spec.steps[0].clone());
    assert_eq!(bad_fields(&spec), ["steps"]);
    spec.steps.clear();
    assert_eq!(bad_fields(&spec), ["steps"]);
}

#[test]
fn nothing_of_a_call_becomes_an_argument() {
    let mut spec = small();
    spec.variables = vec![Variable { name: "host".to_owned(), ..Variable::default() }];
    let Some(run) = spec.steps[0].run.as_mut() else { panic!("no run") };
    run.args = vec!["{{host}}".to_owned()];
    assert_eq!(bad_fields(&spec), ["steps[0].run.args[0]"]);
}

#[test]
fn a_pattern_holds_for_the_whole_value() {
    let variable = |pattern: &str| Variable { pattern: Some(pattern.to_owned()), ..Variable::default() };
    assert_eq!(variable("[a-z0-9]+").accepts("db1"), Ok(()));
    assert!(variable("[a-z0-9]+").accepts("db1; rm").is_err());
    assert!(variable("[a-z]+").accepts("db\n").is_err());
    assert_eq!(variable("a|ab").accepts("ab"), Ok(()));
    assert!(Variable::default().accepts("a\0b").is_err());
    assert!(Variable::default().accepts(&"x".repeat(1_025)).is_err());
}

#[test]
fn a_trigger_speaks_the_language_of_filters() {
    let mut spec = small();
    let condition = Condition { path: "a b".to_owned(), values: vec!["x".to_owned()], ..Condition::default() };
    spec.trigger = Some(WorkflowTrigger { conditions: vec![condition], ..WorkflowTrigger::default() });
    assert_eq!(bad_fields(&spec), ["trigger.conditions[0].path"]);
    spec.trigger = Some(WorkflowTrigger { match_all: true, ..WorkflowTrigger::default() });
    assert_eq!(spec.validate(), Ok(()));
}
