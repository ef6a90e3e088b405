//! What was recorded plays back to the same screen, and holds no secret.

use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;
use tollgate_shared::log::{LogRow, TailItem};
use tollgate_shared::time::Timestamp;
use zeroize::Zeroizing;

use super::play::{PlayError, Player, screen};
use super::record::Recorder;
use crate::app::fixtures::{self, now};
use crate::app::held::HeldItem;
use crate::app::key::{Code, Key};
use crate::app::msg::{Hidden, Net, Reply, Slot};
use crate::app::secret::Secret;
use crate::app::update::update;
use crate::app::{Model, Msg, Screen};
use crate::hostile;
use crate::term::caps::Caps;
use crate::view::Theme;

const SECRET: &str = "tg_s_7QmX0c2LrTaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_1BvyW3";
const PASSPHRASE: &str = "correct horse battery staple";

/// A console that is recorded.
struct Session {
    directory: TempDir,
    model: Model,
    recorder: Recorder,
    now: Timestamp,
}

impl Session {
    fn begin() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let model = Model::new(now(), 100, 30);
        let recorder = Recorder::create(&directory.path().join("rec"), &model).unwrap();
        let mut session = Self { directory, model, recorder, now: now() };
        session.hear(Net::Connected(Box::new(fixtures::status())));
        session.hear(Net::Tokens(fixtures::tokens(30)));
        session.hear(fixtures::organisation());
        session.hear(Net::Operators(Ok(fixtures::operators())));
        session
    }

    fn take(&mut self, msg: Msg) {
        self.now = self.now.plus_secs(1);
        assert_eq!(self.recorder.note(&self.model, &msg, self.now), None);
        update(&mut self.model, msg, self.now);
    }

    fn hear(&mut self, net: Net) {
        self.take(Msg::Net(net));
    }

    fn key(&mut self, key: Key) {
        self.take(Msg::Key(key));
    }

    fn type_text(&mut self, text: &str) {
        text.chars().for_each(|letter| self.key(Key::char(letter)));
    }

    fn paste(&mut self, text: &str) {
        self.take(Msg::Paste { text: Hidden(Zeroizing::new(text.to_owned())), burst: false });
    }

    /// The model, and what the file holds once it is whole.
    fn end(self) -> (Model, String, TempDir) {
        self.recorder.finish().unwrap();
        let path = self.directory.path().join("rec");
        (self.model, std::fs::read_to_string(path).unwrap(), self.directory)
    }
}

fn played(text: &str) -> Player<BufReader<&[u8]>> {
    let mut player = Player::open(BufReader::new(text.as_bytes())).unwrap();
    assert_eq!(player.to_end().unwrap(), None);
    player
}

/// A row without what is not recorded of it.
fn bare(item: HeldItem) -> HeldItem {
    match item {
        TailItem::Row(row) => TailItem::Row(LogRow { query: String::new(), explain: None, ..(**row).clone() }.into()),
        other => other,
    }
}

fn theme() -> Theme {
    Theme::of(&Caps::from_env(&crate::term::Env::default(), false))
}

#[test]
fn a_recording_plays_back_to_the_same_screen_on_every_screen() {
    for screen_key in ['1', '2', '3', '4', '5', '6', '7', '8'] {
        let mut session = Session::begin();
        session.key(Key::char(screen_key));
        let generation = session.model.logs.tail.generation;
        session.hear(Net::Tail {
            slot: Slot::Log,
            generation,
            items: fixtures::tail(12).into_iter().map(bare).collect(),
        });
        let open = vec![fixtures::incident(1).into()];
        session.hear(Net::Incidents { open, resolved: Vec::new(), more: false, query: String::new() });
        let mut request = fixtures::request(1);
        request.steps.iter_mut().for_each(|step| step.output.clear());
        session.hear(Net::Requests { rows: vec![request], more: false, workflows: Vec::new() });
        session.key(Key::plain(Code::Down));
        session.take(Msg::Resize { columns: 120, rows: 40 });
        session.take(Msg::Tick);
        let (model, text, _directory) = session.end();
        let player = played(&text);
        assert_eq!(screen(&player.model, &theme()), screen(&model, &theme()), "screen {screen_key}");
        assert_eq!(player.version(), env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn a_console_that_went_on_where_another_ended_plays_back_as_it_was() {
    let mut first = fixtures::model(100, 30, 12);
    first.incidents.filter = "title:cpu".to_owned();
    first.screen = Screen::Incidents;
    let mut session = Session::begin();
    // Before anything else, as at the start.
    session.model = Model::new(now(), 100, 30);
    session.take(Msg::Resume(Ok(Some(Box::new(crate::app::resume::keep(&first))))));
    session.hear(Net::Connected(Box::new(fixtures::status())));
    let (model, text, _directory) = session.end();
    let player = played(&text);
    assert_eq!(player.model.incidents.filter, "title:cpu");
    assert_eq!(screen(&player.model, &theme())[0], screen(&model, &theme())[0]);
}

#[test]
fn no_secret_and_no_body_is_in_a_recording() {
    let mut session = Session::begin();
    session.type_text(":sign-in");
    session.key(Key::plain(Code::Enter));
    session.type_text("anna");
    session.key(Key::plain(Code::Tab));
    session.type_text(PASSPHRASE);
    session.paste(PASSPHRASE);
    session.key(Key::plain(Code::Enter));
    session.key(Key::plain(Code::Esc));
    session.key(Key::plain(Code::Esc));
    session.type_text(":identify");
    session.key(Key::plain(Code::Enter));
    session.type_text("imported-zebra");
    session.key(Key::plain(Code::Esc));
    session.key(Key::plain(Code::Esc));
    // A paste that came letter by letter, too slowly to be one.
    session.key(Key::char('/'));
    session.type_text(SECRET);
    session.key(Key::plain(Code::Esc));
    session.paste(SECRET);
    let token = Box::new(fixtures::token(3, "zabbix"));
    let secret = Secret::new(SECRET.to_owned());
    session.hear(Net::Done { generation: 99, result: Ok(Reply::Created { secret, token }) });
    let mut row = fixtures::row(7);
    row.body = "the patient in room 7".into();
    row.headers = vec![("x-note".into(), "private words".into())];
    row.summary = format!("it says {SECRET}");
    let generation = session.model.logs.tail.generation;
    session.hear(Net::Tail { slot: Slot::Log, generation, items: vec![TailItem::Row(row.into())] });
    let (_, text, _directory) = session.end();
    for hidden in [SECRET, &SECRET[..20], PASSPHRASE, "correct", "patient", "private words"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let typed: String = text.lines().filter_map(|line| line.split_once(r#""Char":""#)?.1.chars().next()).collect();
    assert!(!typed.contains("zebra") && typed.contains("identify"), "{typed}");
    assert!(!typed.contains("horse") && !typed.contains("7QmX") && typed.contains("anna"), "{typed}");
    assert!(text.contains("x-note") && text.contains("zabbix") && text.contains("not recorded"), "names stay");
    played(&text);
}

#[test]
fn a_file_is_new_and_for_its_owner_alone() {
    let session = Session::begin();
    let path = session.directory.path().join("rec");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = Recorder::create(&path, &session.model).err().unwrap();
    assert_eq!(refused.kind(), std::io::ErrorKind::AlreadyExists);
    assert!(refused.to_string().contains("rec"), "{refused}");
}

#[test]
fn a_recording_that_is_full_says_so_once_and_stays_readable() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rec");
    let model = Model::new(now(), 80, 24);
    let mut recorder = Recorder::begin(File::create(&path).unwrap(), &model, 4_000).unwrap();
    let said: Vec<String> =
        (0..200).filter_map(|at| recorder.note(&model, &Msg::Key(Key::char('j')), now().plus_secs(at))).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    recorder.finish().unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < 4_500);
    let mut player = Player::open(BufReader::new(File::open(&path).unwrap())).unwrap();
    assert_eq!(player.to_end().unwrap().as_ref(), said.first());
}

#[test]
fn a_file_that_is_no_recording_is_told_apart_from_a_damaged_one() {
    let open = |text: &'static str| Player::open(text.as_bytes());
    assert!(matches!(open(""), Err(PlayError::Form)));
    assert!(matches!(open("root:x:0:0\n"), Err(PlayError::Form)));
    let (_, text, _directory) = Session::begin().end();
    let newer = text.replacen("\"tollgate_session\":1", "\"tollgate_session\":2", 1);
    assert!(matches!(Player::open(newer.as_bytes()), Err(PlayError::Newer(2))));
    let cut = &text[..text.len() - 20];
    let ended = Player::open(cut.as_bytes()).unwrap().to_end().unwrap();
    assert!(ended.as_ref().is_some_and(|why| why.contains("breaks off")), "{ended:?}");
    let damaged = text.replacen("\"msg\"", "\"mgs\"", 1);
    assert!(matches!(Player::open(damaged.as_bytes()).unwrap().to_end(), Err(PlayError::Line(2))));
}

#[test]
fn ten_thousand_hostile_records_play_back_as_text() {
    let mut session = Session::begin();
    session.key(Key::char('2'));
    assert_eq!(session.model.screen, Screen::Log);
    let generation = session.model.logs.tail.generation;
    let rows = hostile::rows();
    for some in rows.chunks(200) {
        let items = some.iter().cloned().map(|row| TailItem::Row(row.into())).collect();
        session.hear(Net::Tail { slot: Slot::Log, generation, items });
    }
    let (model, text, _directory) = session.end();
    hostile::assert_harmless("the file", &text, 1_000_000);
    let mut player = Player::open(BufReader::new(text.as_bytes())).unwrap();
    let mut shown = 0;
    while let Some(step) = player.step().unwrap() {
        let super::play::Step::Msg(t, msg) = step else { panic!("it was cut") };
        player.take(t, *msg);
        let lines = screen(&player.model, &theme()).join("\n");
        shown += lines.len();
        hostile::assert_harmless("a screen", &lines, 100);
    }
    assert!(shown > 50_000, "{shown}");
    assert_eq!(player.model.logs.tail.last_seq(), model.logs.tail.last_seq());
}
