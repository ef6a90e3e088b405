//! The first path, from an empty registry to the sample alert.

use super::*;
use crate::app::Effects;
use crate::app::first::SampleState;
use crate::app::fixtures::organisation;
use crate::app::msg::Failure;
use tollgate_shared::api::StatusView;

/// Presses the button of the form that is open, and gives the number of the request.
fn submit(model: &mut Model) -> u64 {
    let Some(Layer::Form(form)) = &mut model.layer else { panic!("{:?}", model.layer) };
    form.focus = form.fields.len();
    let effects = press(model, Key::plain(Code::Enter));
    asked(&effects).unwrap_or_else(|| panic!("nothing was asked: {:?}", model.layer)).0
}

/// The request with its number.
fn asked(effects: &Effects) -> Option<(u64, &Call)> {
    effects.list.iter().find_map(|effect| match effect {
        Effect::Request { generation, call } => Some((*generation, &**call)),
        _ => None,
    })
}

fn answer(model: &mut Model, generation: u64, reply: Reply) -> Effects {
    tell(model, Net::Done { generation, result: Ok(reply) })
}

/// Walks up to the secret. `others`: the question who sends is answered with the second choice.
fn walk(model: &mut Model, others: bool) {
    let Net::Organisation { teams, services, filters } = organisation() else { panic!("another message") };
    press(model, Key::char('A'));
    type_text(model, "Ops");
    let generation = submit(model);
    answer(model, generation, Reply::Team(Box::new(teams[0].clone())));
    type_text(model, "DB");
    let generation = submit(model);
    answer(model, generation, Reply::Service(Box::new(services[0].clone())));
    let Some(Layer::Form(form)) = &mut model.layer else { panic!("{:?}", model.layer) };
    assert!(form.guided && form.fields.iter().any(|field| field.label == "sent from"));
    if others {
        form.focus = form.fields.len() - 1;
        type_text(model, "other");
    }
    let generation = submit(model);
    answer(model, generation, Reply::Filter(Box::new((*filters[0]).clone())));
    type_text(model, "am-prod");
    let generation = submit(model);
    let (secret, token) = (Secret::new("tg_s_7QmX0c2LrTaaa".to_owned()), Box::new(fixtures::token(2, "am-prod")));
    answer(model, generation, Reply::Created { secret, token });
}

fn dialog(model: &Model) -> &crate::app::secret::ShowOnce {
    match &model.layer {
        Some(Layer::Secret(dialog)) => dialog,
        other => panic!("no secret: {other:?}"),
    }
}

fn send(model: &mut Model) -> (u64, String) {
    let effects = press(model, Key::plain(Code::Enter));
    let (generation, call) = asked(&effects).expect("the sample is sent");
    match call {
        Call::SendSample { preset, address, .. } => (generation, format!("{preset} {address}")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn enter_at_the_end_of_the_first_path_sends_the_sample_and_leads_to_its_incident() {
    let mut model = model(80, 24, 0);
    walk(&mut model, false);
    assert_eq!(dialog(&model).other_hosts, None, "this host needs nothing");
    let (generation, what) = send(&mut model);
    assert_eq!(what, "alertmanager 127.0.0.1:7480");
    assert!(press(&mut model, Key::plain(Code::Enter)).list.is_empty(), "one at a time");
    assert!(model.commands.last().is_some_and(|line| line.text.contains("send --sample alertmanager --token-file")));
    let incident = fixtures::incident(1);
    let words = "201: the sample opened an incident".to_owned();
    answer(&mut model, generation, Reply::Sampled { words, incident: Some(incident.head.id) });
    assert!(dialog(&model).notice.as_deref().is_some_and(|words| words.starts_with("201")));
    let id = incident.head.id;
    let open = vec![std::sync::Arc::new(incident)];
    tell(&mut model, Net::Incidents { query: String::new(), open, resolved: Vec::new(), more: false });
    press(&mut model, Key::plain(Code::Esc));
    press(&mut model, Key::plain(Code::Esc));
    assert!(model.layer.is_none() && model.screen == Screen::Incidents);
    assert_eq!(model.incidents.selected().map(|row| row.head.id), Some(id));
}

#[test]
fn a_sample_that_the_gate_did_not_take_is_said_and_can_be_sent_again() {
    let mut model = model(80, 24, 0);
    walk(&mut model, false);
    let (generation, _) = send(&mut model);
    let words = "nothing takes calls at 127.0.0.1:7480: refused. The sample was not sent".to_owned();
    tell(&mut model, Net::Done { generation, result: Err(Failure { words: words.clone(), ..Failure::default() }) });
    assert_eq!(dialog(&model).notice.as_ref(), Some(&words));
    assert_eq!(dialog(&model).sample.as_ref().map(|sample| sample.state.clone()), Some(SampleState::Offered));
    send(&mut model);
    press(&mut model, Key::plain(Code::Esc));
    press(&mut model, Key::plain(Code::Esc));
    assert_eq!((model.layer.is_none(), model.screen), (true, Screen::Tokens), "there is no incident to go to");
}

#[test]
fn who_sends_from_other_hosts_is_shown_the_lines_of_the_configuration() {
    let mut model = model(80, 24, 0);
    walk(&mut model, true);
    let lines = dialog(&model).other_hosts.clone().unwrap_or_default().join("\n");
    assert!(lines.contains("listen = \"0.0.0.0:7480\"") && lines.contains("allow_plain_http = true"), "{lines}");
    assert!(lines.contains("host_allowlist = ["), "{lines}");
}

#[test]
fn enter_does_nothing_where_there_is_no_first_path_and_over_tls() {
    let mut there = model(80, 24, 4);
    created(&mut there);
    assert!(press(&mut there, Key::plain(Code::Enter)).list.is_empty());
    let mut over_tls = model(80, 24, 0);
    tell(&mut over_tls, Net::Status(Box::new(StatusView { tls: true, ..fixtures::status() })));
    walk(&mut over_tls, false);
    assert_eq!(dialog(&over_tls).sample, None);
    assert!(press(&mut over_tls, Key::plain(Code::Enter)).list.is_empty());
}

#[test]
fn the_first_path_takes_one_enter_a_step() {
    let Net::Organisation { teams, services, filters } = organisation() else { panic!("another message") };
    let mut model = model(80, 24, 0);
    let enter = |model: &mut Model, reply| {
        let effects = press(model, Key::plain(Code::Enter));
        let (generation, _) = asked(&effects).unwrap_or_else(|| panic!("{:?}", model.layer));
        answer(model, generation, reply);
    };
    press(&mut model, Key::char('A'));
    type_text(&mut model, "Ops");
    enter(&mut model, Reply::Team(Box::new(teams[0].clone())));
    type_text(&mut model, "DB");
    enter(&mut model, Reply::Service(Box::new(services[0].clone())));
    press(&mut model, Key::plain(Code::Down));
    let Some(Layer::Form(form)) = &model.layer else { panic!("{:?}", model.layer) };
    assert_eq!(form.pick("preset"), Some("zabbix"), "the list of presets has the arrows");
    enter(&mut model, Reply::Filter(Box::new((*filters[0]).clone())));
    type_text(&mut model, "am-prod");
    let (secret, token) = (Secret::new("tg_s_7QmX0c2LrTaaa".to_owned()), Box::new(fixtures::token(2, "am-prod")));
    enter(&mut model, Reply::Created { secret, token });
    assert_eq!(dialog(&model).sample.as_ref().map(|sample| sample.preset.as_str()), Some("zabbix"));
}

#[test]
fn an_enter_that_comes_with_letters_sends_no_form_and_presses_no_button() {
    let mut model = model(80, 24, 0);
    press(&mut model, Key::char('A'));
    type_text(&mut model, "Ops");
    let effects = press(&mut model, Key::plain(Code::EnterWithText));
    assert!(asked(&effects).is_none());
    let Some(Layer::Form(form)) = &model.layer else { panic!("{:?}", model.layer) };
    assert!(form.error.as_deref().is_some_and(|words| words.contains("press it again")), "{:?}", form.error);
    let paste = Msg::Paste { text: Hidden(Zeroizing::new("Net\n".into())), burst: false };
    assert!(asked(&update(&mut model, paste, now())).is_none());
    assert!(asked(&press(&mut model, Key::plain(Code::Enter))).is_some(), "one that is pressed sends");
    let mut other = fixtures::model(80, 24, 3);
    press(&mut other, Key::char('R'));
    let Some(Layer::Danger(danger)) = &mut other.layer else { panic!("{:?}", other.layer) };
    danger.mark = crate::app::danger::Part::Cancel;
    press(&mut other, Key::plain(Code::EnterWithText));
    assert!(matches!(&other.layer, Some(Layer::Danger(danger)) if danger.error.is_some()), "not even Cancel");
}

#[test]
fn the_answer_that_was_lost_with_the_connection_is_found_in_the_lists() {
    let Net::Organisation { teams, .. } = organisation() else { panic!("another message") };
    let mut model = model(80, 24, 0);
    press(&mut model, Key::char('A'));
    type_text(&mut model, "Ops");
    let effects = press(&mut model, Key::plain(Code::Enter));
    let (generation, _) = asked(&effects).expect("it is asked for");
    let failure = Failure { words: "the connection was lost".into(), ..Failure::default() };
    tell(&mut model, Net::Done { generation, result: Err(failure) });
    tell(&mut model, Net::Organisation { teams: vec![teams[0].clone()], services: Vec::new(), filters: Vec::new() });
    let Some(Layer::Form(form)) = &model.layer else { panic!("{:?}", model.layer) };
    assert!(form.guided && form.title() == "NEW SERVICE", "{}", form.title());
}

#[test]
fn a_path_that_was_left_is_gone_on_from_the_lists_with_the_question_who_sends() {
    let mut model = model(80, 24, 3);
    model.tokens.replace(Vec::new(), now());
    press(&mut model, Key::plain(Code::Enter));
    let Some(Layer::Form(form)) = &model.layer else { panic!("{:?}", model.layer) };
    assert!(form.guided && form.title() == "NEW TOKEN" && form.who_sends() == Some(false), "{:?}", form.kind);
    press(&mut model, Key::plain(Code::Esc));
    let mut token = fixtures::token(1, "am");
    token.usage = tollgate_shared::api::UsageView::default();
    model.tokens.replace(vec![std::sync::Arc::new(token)], now());
    press(&mut model, Key::char('A'));
    assert!(matches!(&model.layer, Some(Layer::Menu(menu)) if menu.title.contains("No call came yet")));
    press(&mut model, Key::plain(Code::Enter));
    let Some(Layer::Form(form)) = &mut model.layer else { panic!("{:?}", model.layer) };
    assert!(form.title().starts_with("SAMPLE ALERT through am"), "{}", form.title());
    form.paste("Authorization: Bearer tg_s_7QmX0c2LrTaaa\n");
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(
        matches!(asked(&effects), Some((_, Call::SendSample { secret, .. })) if secret.expose() == "tg_s_7QmX0c2LrTaaa")
    );
}
