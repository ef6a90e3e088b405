//! Changes that can be taken back. They go the way of the console's keys: through its requests, because only the answer of one
//! says what a way back leads from. What is final is a command (`super::act`).

use std::io;

use tollgate_shared::debug_cost::DebugCost;

use super::{Desk, list};
use crate::app::action::Action;
use crate::app::key::{Code, Key};
use crate::app::layer::Layer;
use crate::app::msg::{Call, Effect, Failure, Reply};
use crate::app::update::{request, update};
use crate::app::words::shell;
use crate::app::{Effects, Msg, Net, Screen, tokens};
use crate::cli::{self, Reversible};
use crate::client::{Client, ClientError};
use crate::console::{Topic, failure, usual};

/// What the tables of the console say of keys, and what it is here.
const KEYS: [(&str, &str); 15] = [
    ("S resumes", "suspend N resumes"),
    ("S undoes it", "undo takes it back"),
    ("D switches it off", "debug N switches it off"),
    ("D offers one call in 100", "debug N on --sample 100 logs one call in 100"),
    ("until S enables him", "until disable-operator N enables him"),
    ("S suspends, which can be undone", "suspend can be undone"),
    ("u undoes it", "undo takes it back"),
    ("u gives them back", "undo gives them back"),
    ("u takes them again", "undo takes them again"),
    ("Esc unmarks them", "unmark takes the marks away, or name a row: WORD N"),
    ("v shows them", "workflows lists them"),
    ("mark one; S switches", "services lists them; switch N switches"),
    ("disable it (S)", "disable it: switch N"),
    (". t retries", "retry N retries"),
    ("on screen 6", "with operators, edit-operator"),
];

/// What came of a change.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Why it was not done.
    pub(super) refused: Option<String>,
    /// What the console would show in its last line.
    notice: Option<String>,
    /// What it is now, where there is a way back.
    undoable: Option<String>,
    /// The daemon was asked.
    is_asked: bool,
}

impl Outcome {
    /// The daemon did it, and nothing more is to be said.
    pub(super) const fn is_done(&self) -> bool {
        self.is_asked && self.refused.is_none() && self.notice.is_none()
    }
}

/// A text of the console's tables, for who has no keys.
pub(super) fn without_keys(text: &str) -> String {
    KEYS.iter().fold(text.to_owned(), |text, (key, word)| text.replace(key, word))
}

impl Desk {
    /// A command: as a change that can be taken back where it is one.
    pub(super) async fn command(&mut self, words: &[String]) -> io::Result<()> {
        let Some(mut change) = cli::reversible(words) else { return self.verb(words).await };
        let met = async {
            let client = self.look_around().await?;
            self.meet(&client, &mut change).await
        };
        match met.await {
            Ok(true) => {}
            // The command says which name is wrong, and what may be meant.
            Ok(false) => return self.verb(words).await,
            Err(error) => return self.say_error(error),
        }
        if self.floods(&change) {
            // The console's question, with what it would come to on disk.
            self.model.screen = Screen::Tokens;
            return self.face(Action::Debug).await;
        }
        let line = words.iter().map(|word| option_or_text(word)).collect::<Vec<_>>().join(" ");
        let effects = request(&mut self.model, change.call, format!("tollgate {line}"), (self.clock)());
        self.carry_and_say(effects).await
    }

    /// True where all calls of a busy token would be logged and nobody has said that he knows.
    fn floods(&self, change: &Reversible) -> bool {
        let Call::Debug { on: true, one_in: None, .. } = &change.call else { return false };
        let token = self.model.tokens.selected().filter(|_| !change.yes);
        let is_off = |until| until <= self.model.now;
        token.is_some_and(|token| {
            let busy = DebugCost::of(tokens::recent(token, self.model.now)).is_asked();
            busy && token.debug_until.is_none_or(is_off)
        })
    }

    /// Puts the object of a change into the model as it is now, and its id and version into the change. False where nobody
    /// has its name.
    async fn meet(&mut self, client: &Client, change: &mut Reversible) -> Result<bool, ClientError> {
        match &mut change.call {
            Call::Acknowledge { incident } | Call::Unacknowledge { incident } => {
                let Some(fresh) = found(client.incident(incident).await)? else { return Ok(false) };
                *incident = fresh.head.id.to_string();
                self.take_row(&list::Row::Incident(Box::new(fresh)));
                Ok(true)
            }
            Call::SwitchService { .. } | Call::EditFilter { .. } => {
                self.know(client, Topic::Organisation).await?;
                Ok(self.meet_node(&mut change.call))
            }
            Call::SwitchWorkflow { workflow, version, .. } => {
                self.know(client, Topic::Requests).await?;
                let rows = &self.model.requests.workflows;
                let id = workflow.clone();
                let is_it = |name: &str| name == id;
                let row = rows.iter().find(|row| {
                    is_it(&row.id.to_string()) || is_it(&row.public_id) || row.full_name.eq_ignore_ascii_case(&id)
                });
                let Some(row) = row else { return Ok(false) };
                (*workflow, *version) = (row.id.to_string(), row.version);
                Ok(true)
            }
            Call::EditOperator { operator, version, .. } => {
                self.know(client, Topic::Operators).await?;
                let rows = &self.model.operators.rows;
                let row = rows
                    .iter()
                    .find(|row| row.id.to_string() == *operator || row.name.eq_ignore_ascii_case(operator.as_str()));
                let Some(row) = row else { return Ok(false) };
                *operator = row.id.to_string();
                *version = if *version == 0 { row.version } else { *version };
                Ok(true)
            }
            _ => self.meet_token(client, change).await,
        }
    }

    async fn meet_token(&mut self, client: &Client, change: &mut Reversible) -> Result<bool, ClientError> {
        let (Call::EditToken { token, .. }
        | Call::Debug { token, .. }
        | Call::Suspend { token, .. }
        | Call::Resume { token }) = &mut change.call
        else {
            return Ok(false);
        };
        let Some(fresh) = found(client.token(token).await)? else { return Ok(false) };
        *token = fresh.id.to_string();
        if let Call::EditToken { version: version @ 0, .. } = &mut change.call {
            *version = fresh.version;
        }
        change.take_preset(&fresh);
        self.take_row(&list::Row::Token(Box::new(fresh)));
        Ok(true)
    }

    fn meet_node(&self, call: &mut Call) -> bool {
        let services = &self.model.services;
        match call {
            Call::SwitchService { service, .. } => {
                let name = |row: &tollgate_shared::api::ServiceView| format!("{}/{}", row.team.name, row.name);
                let is_it = |id: &str, name: &str| id == service.as_str() || name.eq_ignore_ascii_case(service);
                let row = services.services.iter().find(|row| is_it(&row.id.to_string(), &name(row)));
                row.map(|row| row.id.to_string()).is_some_and(|id| {
                    *service = id;
                    true
                })
            }
            Call::EditFilter { filter, version, .. } => {
                let name = |row: &tollgate_shared::api::FilterView| format!("{}/{}", row.service.name, row.spec.name);
                let is_it = |id: &str, name: &str| id == filter.as_str() || name.eq_ignore_ascii_case(filter);
                let row = services.filters.iter().find(|row| is_it(&row.id.to_string(), &name(row)));
                row.map(|row| (row.id.to_string(), row.version.clone())).is_some_and(|known| {
                    (*filter, *version) = known;
                    true
                })
            }
            _ => false,
        }
    }

    pub(super) async fn know(&mut self, client: &Client, topic: Topic) -> Result<(), ClientError> {
        usual(client, topic).await?.into_iter().for_each(|net| self.hear(net));
        self.model.notice = None;
        Ok(())
    }

    /// Presses the button of the dialog that is open.
    pub(super) async fn press(&mut self) -> Outcome {
        let effects = update(&mut self.model, Msg::Key(Key::plain(Code::Enter)), (self.clock)());
        self.carry(effects).await
    }

    pub(super) async fn carry_and_say(&mut self, effects: Effects) -> io::Result<()> {
        let outcome = self.carry(effects).await;
        self.say_outcome(&outcome)
    }

    /// Asks the daemon for what the console would ask it for, and hears the answers. What is open on the screen then is
    /// closed: here nothing stays open.
    pub(super) async fn carry(&mut self, effects: Effects) -> Outcome {
        let mut last = None;
        for effect in effects.list {
            let Effect::Request { generation, call } = effect else { continue };
            let result = tokio::select! {
                result = self.answer(*call) => result,
                _ = tokio::signal::ctrl_c() => Err(refusal("interrupted; look whether it was done before you repeat it")),
            };
            self.hear(Net::Done { generation, result });
            last = Some(generation);
        }
        let refused = match self.model.layer.take() {
            Some(Layer::Danger(danger)) => danger.error,
            Some(Layer::Ask(ask)) => ask.error,
            Some(Layer::Form(form)) => form.error,
            _ => None,
        };
        let newest = self.model.undo.get(0).filter(|one| Some(one.number) == last);
        let undoable = newest.map(|one| format!("{}: {}", one.name, one.old));
        Outcome { refused, notice: self.model.notice.take(), undoable, is_asked: last.is_some() }
    }

    async fn answer(&self, call: Call) -> Result<Reply, Failure> {
        let client = self.client().await.map_err(|error| failure(&error))?;
        crate::console::ask(&client, call).await
    }

    pub(super) fn say_outcome(&mut self, outcome: &Outcome) -> io::Result<()> {
        let undo = "; undo takes it back";
        let words = match outcome {
            Outcome { refused: Some(why), .. } => without_keys(why),
            Outcome { notice: Some(notice), undoable: Some(_), .. } => format!("{}{undo}", without_keys(notice)),
            Outcome { notice: Some(notice), .. } => without_keys(notice),
            Outcome { undoable: Some(words), .. } => format!("{words}{undo}"),
            Outcome { is_asked: true, .. } => "done".to_owned(),
            _ => "nothing was changed".to_owned(),
        };
        self.say(&words)
    }
}

/// A word as a shell takes it; an option is one as it stands.
fn option_or_text(word: &str) -> String {
    let is_option = word.starts_with("--") && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_option { word.to_owned() } else { shell(word) }
}

fn refusal(words: &str) -> Failure {
    Failure { words: words.to_owned(), ..Failure::default() }
}

/// What is not there is no error here.
fn found<T>(answer: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match answer {
        Ok(row) => Ok(Some(row)),
        Err(ClientError::Problem(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
