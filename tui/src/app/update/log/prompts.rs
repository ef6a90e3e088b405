//! The query bar, and the lines for a time and for a name.

use tollgate_shared::name::Name;
use tollgate_shared::query::{LOGS, Query, Schema};
use tollgate_shared::time::Timestamp;

use super::{ask, fetch, goto, kept, kept::request};
use crate::app::Model;
use crate::app::field::Field;
use crate::app::key::{Code, Key};
use crate::app::layer::{Layer, PromptKind};
use crate::app::logs::suggest::{self, Cycle};
use crate::app::model::Screen;
use crate::app::msg::{Call, Effects};
use crate::app::tail::Page;
use crate::app::words;

const DAY: i64 = 86_400;

/// Keys of the query bar beyond those of every line: Tab completes, arrows walk through the history. True if it was one.
pub(in crate::app::update) fn key(model: &mut Model, key: Key) -> bool {
    let Some(Layer::Prompt(prompt)) = &model.layer else { return false };
    if prompt.kind != PromptKind::Filter || !matches!(model.screen, Screen::Log | Screen::Incidents) {
        return false;
    }
    match key.code {
        Code::Tab => complete(model),
        Code::Up => recall(model, true),
        Code::Down => recall(model, false),
        _ => {
            if let Some(Layer::Prompt(prompt)) = &mut model.layer {
                (prompt.cycle, prompt.back) = (None, 0);
            }
            return false;
        }
    }
    true
}

/// What was suggested for a fault, or the next thing that could stand at the cursor.
fn complete(model: &mut Model) {
    let Some(Layer::Prompt(prompt)) = &model.layer else { return };
    let (text, cursor) = (prompt.field.text(), prompt.field.before_cursor().chars().count());
    let mut cycle = prompt.cycle.clone().or_else(|| Cycle::new(model, &text, cursor));
    let next = cycle.as_mut().map(Cycle::step);
    let field = match next {
        Some((text, cursor, more)) => {
            // With a single one the next Tab is about the next word.
            cycle = cycle.filter(|_| more);
            Some(Field::with_cursor(&text, cursor))
        }
        None => mended(&text, suggest::schema(model)),
    };
    let Some(Layer::Prompt(prompt)) = &mut model.layer else { return };
    prompt.cycle = cycle;
    prompt.error = None;
    if let Some(field) = field {
        prompt.field = field;
    }
}

fn mended(text: &str, schema: &'static Schema) -> Option<Field> {
    let error = Query::parse(text, schema).err()?;
    let (text, cursor) = suggest::replaced(text, &error.at, error.suggestion.as_deref()?);
    Some(Field::with_cursor(&text, cursor))
}

/// A former query of this session.
fn recall(model: &mut Model, older: bool) {
    let Some(Layer::Prompt(prompt)) = &mut model.layer else { return };
    let history = if model.screen == Screen::Incidents { &model.incidents.history } else { &model.logs.history };
    let history = history.queries();
    let back = if older { (prompt.back + 1).min(history.len()) } else { prompt.back.saturating_sub(1) };
    let text = back.checked_sub(1).and_then(|back| history.iter().rev().nth(back));
    let text = text.map_or_else(|| prompt.before.clone(), Clone::clone);
    if back != prompt.back {
        prompt.field = Field::new(&text);
        (prompt.back, prompt.cycle, prompt.error) = (back, None, None);
    }
}

/// Enter on one of these lines.
///
/// # Errors
/// What is wrong with it, in a sentence; the line stays open then.
pub(in crate::app::update) fn enter(
    model: &mut Model,
    kind: PromptKind,
    text: &str,
    effects: &mut Effects,
) -> Result<(), String> {
    let text = text.trim();
    match kind {
        PromptKind::Goto => go(model, text, effects),
        PromptKind::SaveQuery => save(model, text, effects),
        _ => {
            Query::parse(text, &LOGS).map_err(|error| error.to_string())?;
            ask(model, text.to_owned(), effects);
            Ok(())
        }
    }
}

fn save(model: &mut Model, name: &str, effects: &mut Effects) -> Result<(), String> {
    let name: Name = name.trim_start_matches('@').parse().map_err(|error| format!("{error}"))?;
    let (screen, q) = kept::kept_query(model);
    let cli = format!("tollgate query save {screen} {} {}", words::shell(name.as_str()), words::shell(&q));
    request(model, Call::SaveQuery { screen, name: name.to_string(), q }, cli, effects);
    Ok(())
}

/// A seq goes to the row, all else is a time.
fn go(model: &mut Model, text: &str, effects: &mut Effects) -> Result<(), String> {
    if let Ok(seq) = text.parse::<u64>() {
        model.logs.leave_row();
        match model.logs.tail.index_of(seq) {
            Some(index) => model.logs.tail.go(index),
            None => fetch(model, Page::UpTo(seq), effects),
        }
        return Ok(());
    }
    let at = moment(text, model.now).ok_or_else(|| {
        format!("`{text}` is no time or row: write 14:05 (UTC), -30m, 2026-11-22, 2026-11-22T03:14Z or a seq")
    })?;
    if at > model.now {
        return Err("that is in the future: there are no rows yet".to_owned());
    }
    goto(model, at, effects);
    Ok(())
}

/// `14:05` is the latest such time; a length of time counts back from now.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(length) = text.strip_prefix('-') {
        let length = humantime::parse_duration(length.trim()).ok()?;
        return Some(now.plus_secs(-i64::try_from(length.as_secs()).ok()?));
    }
    let today = words::date(now);
    if text.contains(':') && !text.contains(['-', 'T', ' ']) {
        let at = full(&format!("{today}T{}", text.trim_end_matches('Z')))?;
        return Some(if at > now { at.plus_secs(-DAY) } else { at });
    }
    full(&text.trim_end_matches('Z').replace(' ', "T"))
}

/// A date, with or without a time to the minute or second, UTC.
fn full(text: &str) -> Option<Timestamp> {
    let time = match text.split_once('T') {
        None => format!("{text}T00:00:00Z"),
        Some((_, time)) if time.matches(':').count() == 1 => format!("{text}:00Z"),
        Some(_) => format!("{text}Z"),
    };
    // An hour of one digit is what people type.
    time.parse().ok().or_else(|| time.replacen('T', "T0", 1).parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::now;

    #[test]
    fn times_are_read_as_people_write_them() {
        let at = |text: &str| moment(text, now()).map(words::moment);
        assert_eq!(at("03:05").as_deref(), Some("2026-11-22 03:05:00Z"));
        assert_eq!(at("3:05:09").as_deref(), Some("2026-11-22 03:05:09Z"));
        assert_eq!(at("14:05").as_deref(), Some("2026-11-21 14:05:00Z"), "the latest such time");
        assert_eq!(at("-30m").as_deref(), Some("2026-11-22 02:44:00Z"));
        assert_eq!(at("2026-11-21T14:05Z").as_deref(), Some("2026-11-21 14:05:00Z"));
        assert_eq!(at("2026-11-21 14:05").as_deref(), Some("2026-11-21 14:05:00Z"));
        assert_eq!(at("2026-11-21").as_deref(), Some("2026-11-21 00:00:00Z"));
        assert_eq!([at("noon"), at("25:00"), at("-x"), at("")], [None, None, None, None]);
    }
}
