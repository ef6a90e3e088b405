use tollgate_shared::api::NamedRef;

use super::super::super::fixtures::{self, now, press, tell};
use super::super::super::key::{Code, Key};
use super::super::super::layer::Layer;
use super::super::super::msg::{Effect, Net};
use super::*;

fn filter(spec: FilterSpec) -> Arc<FilterView> {
    Arc::new(FilterView {
        id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
        service: NamedRef { id: "s".to_owned(), name: "Ops/DB".to_owned() },
        position: 1,
        spec,
        lints: Vec::new(),
        created_at: now(),
        version: "v1".to_owned(),
    })
}

fn disk() -> FilterSpec {
    let json = r#"{"name":"disk","trigger":{"conditions":[{"path":"title","values":["disk"]}],"correlate":["host"]}}"#;
    FilterSpec::from_json(json.as_bytes()).unwrap()
}

fn into(form: &mut Form, label: &str, text: &str) {
    form.focus = form.fields.iter().position(|field| field.label == label).unwrap();
    form.key(Key::ctrl('u'));
    text.chars().for_each(|letter| assert!(form.key(Key::char(letter)), "{letter}"));
}

#[test]
fn every_preset_comes_out_of_its_form_as_it_went_in() {
    for name in preset_names() {
        let view = filter(preset(name).unwrap());
        let form = Form::edit_filter(&view);
        assert_eq!(form.spec().as_ref(), Ok(&view.spec), "{name}");
        assert_eq!(form.filter_differences(), Vec::new(), "{name}");
        assert_eq!(form.complaint(), None, "{name}");
    }
}

#[test]
fn a_changed_condition_is_one_difference_and_goes_with_the_version_that_was_looked_at() {
    let mut form = Form::edit_filter(&filter(disk()));
    into(&mut form, "values", "disk \"root fs\"");
    let all = form.filter_differences();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].words(), "title  contains disk  ->  title  contains disk and \"root fs\"");
    let Ok(Call::EditFilter { patch, version, .. }) = form.submit() else { panic!("{:?}", form.submit()) };
    assert_eq!((version.as_str(), patch.position), ("v1", None));
    assert_eq!(patch.spec.unwrap().trigger.conditions[0].values, ["disk", "root fs"]);
}

#[test]
fn an_eleventh_value_a_broken_path_and_values_without_a_path_are_said_while_they_are_typed() {
    let mut form = Form::edit_filter(&filter(disk()));
    into(&mut form, "values", "1 2 3 4 5 6 7 8 9 10");
    assert_eq!(form.complaint(), None);
    into(&mut form, "values", "1 2 3 4 5 6 7 8 9 10 11");
    assert!(form.complaint().unwrap().starts_with("opens 1"), "{:?}", form.complaint());
    into(&mut form, "values", "disk");
    into(&mut form, "path", "a[-1]");
    assert!(form.complaint().unwrap().starts_with("opens 1, path"), "{:?}", form.complaint());
    into(&mut form, "path", "");
    assert!(form.complaint().unwrap().contains("no path"), "{:?}", form.complaint());
}

#[test]
fn a_row_is_there_for_the_next_condition_and_never_a_ninth() {
    let mut spec = disk();
    let rows = |form: &Form| form.shown().filter(|(_, field)| field.label == "path").count();
    assert_eq!(rows(&Form::edit_filter(&filter(spec.clone()))), 2);
    spec.trigger.conditions = vec![spec.trigger.conditions[0].clone(); CONDITIONS_MAX];
    assert_eq!(rows(&Form::edit_filter(&filter(spec))), CONDITIONS_MAX);
}

#[test]
fn who_was_slower_sees_the_others_values_under_his_own() {
    let mut form = Form::edit_filter(&filter(disk()));
    into(&mut form, "values", "full");
    form.outdated = true;
    let mut theirs = disk();
    theirs.trigger.priority = Priority::P1;
    theirs.trigger.conditions[0].path = "text".to_owned();
    let fresh = Arc::new(FilterView { version: "v2".to_owned(), ..(*filter(theirs)).clone() });
    form.reload_filter(&fresh);
    let spec = form.spec().unwrap();
    assert_eq!(spec.trigger.priority, Priority::P1);
    assert_eq!(
        (spec.trigger.conditions[0].path.as_str(), spec.trigger.conditions[0].values[0].as_str()),
        ("title", "full")
    );
    assert!(form.error.unwrap().contains("changed meanwhile"));
}

#[test]
fn a_preset_fills_the_form_in() {
    let mut form = Form::write_filter(&[], None);
    assert!(form.trial(1).is_none());
    form.focus = 0;
    "zabbix".chars().for_each(|letter| assert!(form.key(Key::char(letter))));
    assert_eq!(form.spec().unwrap(), preset("zabbix").unwrap());
}

#[test]
fn a_draft_is_tried_on_the_marked_call_and_again_only_when_it_is_another() {
    let mut model = fixtures::model(120, 40, 10);
    press(&mut model, Key::char('5'));
    press(&mut model, Key::plain(Code::End));
    (0..10).for_each(|_| {
        if !matches!(model.services.selected(), Some(super::super::super::services::Node::Filter(_))) {
            press(&mut model, Key::char('k'));
        }
    });
    let asked = |effects: super::super::super::Effects| {
        effects.list.into_iter().find_map(|effect| match effect {
            Effect::TryFilter { generation, question } => Some((generation, question)),
            _ => None,
        })
    };
    let (generation, question) = asked(press(&mut model, Key::char('E'))).unwrap();
    assert!(question.call.is_some() && question.replaces.is_some() && question.draft.is_some());
    assert!(asked(press(&mut model, Key::plain(Code::Tab))).is_none());
    tell(&mut model, Net::Tried { generation: generation + 1_000, result: Err("of another draft".to_owned()) });
    assert!(model.trial.verdict.is_none());
    let (second, _) = asked(press(&mut model, Key::char(' '))).unwrap();
    assert!(second > generation);
    press(&mut model, Key::plain(Code::Esc));
    let left = press(&mut model, Key::plain(Code::Esc));
    assert!(left.list.iter().any(|effect| matches!(effect, Effect::StopTrying)));
    assert!(!matches!(model.layer, Some(Layer::Form(_))));
}
