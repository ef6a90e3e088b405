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
