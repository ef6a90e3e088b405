//! Keys and pastes where a dialog, a menu or a prompt is on top.

use super::super::ask::Stop;
use super::super::audit::AuditFilter;
use super::super::commands;
use super::super::danger::Part;
use super::super::key::{Code, Key};
use super::super::layer::{Layer, Pick, Prompt, PromptKind};
use super::super::logs::LogTab;
use super::super::model::{Model, Screen};
use super::super::msg::{Effect, Effects, Hidden};
use super::{act, ask, changes, danger, identify, incidents, log, palette, sort, trial, undo, walk};
use tollgate_shared::secret::find_in;
use zeroize::Zeroizing;

pub(super) fn key(model: &mut Model, key: Key, effects: &mut Effects) {
    match &mut model.layer {
        None => {}
        Some(Layer::Help { top }) => match key.code {
            Code::Down | Code::Char('j') => *top = (*top + 1).min(200),
            Code::Up | Code::Char('k') => *top = top.saturating_sub(1),
            _ => model.layer = None,
        },
        Some(Layer::Menu(_)) => menu(model, key, effects),
        Some(Layer::Prompt(_)) => prompt(model, key, effects),
        Some(Layer::Form(_)) => form(model, key, effects),
        Some(Layer::Danger(_)) => danger::key(model, key, effects),
        Some(Layer::Ask(_)) => ask::key(model, key, effects),
        Some(Layer::Palette(_)) => palette::key(model, key, effects),
        Some(Layer::Identify(_)) => identify::key(model, key, effects),
        Some(Layer::Undo { .. } | Layer::History { .. }) => undo::key(model, key, effects),
        Some(Layer::Secret(_)) => secret(model, key, effects),
        Some(Layer::Receipt(..)) => receipt(model, key, effects),
    }
}

/// A paste goes into a field of text and nowhere else; it never runs as keys.
///
/// A secret in it goes nowhere but into the prompt that asks whose it is, unseen: it must not be echoed by a search.
pub(super) fn paste(model: &mut Model, text: &Hidden, burst: bool) {
    if !find_in(&text.0).is_empty() && is_open_to_secrets(model) {
        if matches!(model.layer, Some(Layer::Prompt(_))) {
            cancel_prompt(model);
        }
        return identify::caught(model, &text.0);
    }
    let refused = match &mut model.layer {
        Some(Layer::Prompt(prompt)) => prompt.field.paste(&text.0).err(),
        Some(Layer::Identify(identify)) => {
            identify.paste(&text.0);
            None
        }
        Some(Layer::Palette(palette)) => {
            // What is too long for a field finds nothing.
            palette.field.paste(&text.0).ok();
            palette::look(model);
            None
        }
        Some(Layer::Form(form)) => {
            form.paste(&text.0);
            None
        }
        Some(Layer::Danger(danger)) if danger.mark == Part::Reason => {
            danger.error = danger.reason.paste(&text.0).err().map(|why| why.to_string());
            None
        }
        Some(Layer::Danger(danger)) => {
            danger.error = Some("a paste does not count: type the name or the id".to_owned());
            None
        }
        Some(Layer::Ask(ask)) if ask.mark == Stop::Reason => {
            ask.error = ask.reason.paste(&text.0).err().map(|why| why.to_string());
            None
        }
        Some(Layer::Ask(ask)) => {
            ask.error = Some("a paste does not count here: Tab goes to the reason".to_owned());
            None
        }
        _ => {
            let how = if burst { "text came faster than anyone types" } else { "a paste" };
            model.notice = Some(format!("{how}: ignored, since no field is open"));
            None
        }
    };
    if let (Some(refused), Some(Layer::Prompt(prompt))) = (refused, &mut model.layer) {
        prompt.error = Some(refused.to_string());
    }
}

/// Where a pasted secret may open the prompt of its own: over a screen and its menus, never in place of a form.
fn is_open_to_secrets(model: &Model) -> bool {
    !matches!(
        model.layer,
        Some(
            Layer::Form(_)
                | Layer::Danger(_)
                | Layer::Ask(_)
                | Layer::Secret(_)
                | Layer::Receipt(..)
                | Layer::Identify(_)
        )
    )
}

fn menu(model: &mut Model, key: Key, effects: &mut Effects) {
    let Some(Layer::Menu(menu)) = &mut model.layer else { return };
    let len = menu.items.len().max(1);
    let chosen = match key.code {
        Code::Down => {
            menu.at = (menu.at + 1) % len;
            return;
        }
        Code::Up => {
            menu.at = (menu.at + len - 1) % len;
            return;
        }
        Code::Enter => menu.items.get(menu.at).cloned(),
        Code::Char(letter) if !key.ctrl => menu.items.iter().find(|item| item.letter == letter).cloned(),
        _ => None,
    };
    model.layer = None;
    match chosen {
        None => {}
        Some(item) if item.refused.is_some() => model.notice = item.refused,
        Some(item) => match item.pick {
            Pick::Action(action) => act::act(model, action, effects),
            Pick::Log(pick) => log::pick(model, pick, effects),
            Pick::Incident { place, only } => incidents::add(model, place, only, effects),
            order => sort::pick(model, order),
        },
    }
}

fn prompt(model: &mut Model, key: Key, effects: &mut Effects) {
    if log::key(model, key) {
        return;
    }
    let Some(Layer::Prompt(prompt)) = &mut model.layer else { return };
    let emptied = key.code == Code::Backspace && prompt.field.is_empty();
    match key.code {
        Code::Esc => return cancel_prompt(model),
        Code::Char('c') if key.ctrl => return cancel_prompt(model),
        _ if emptied => return cancel_prompt(model),
        Code::Enter => return enter(model, effects),
        Code::Tab if prompt.kind == PromptKind::Command => {
            if let Some(first) = commands::complete(&prompt.field.text()).first() {
                prompt.field = super::super::field::Field::new(first.info().name);
            }
            return;
        }
        _ => {}
    }
    if prompt.field.key(key) {
        prompt.error = None;
        let (kind, text) = (prompt.kind, prompt.field.text());
        typed(model, kind, &text);
    }
}

/// What a line does while it is typed.
fn typed(model: &mut Model, kind: PromptKind, text: &str) {
    let error = match (kind, model.screen) {
        (PromptKind::Search, screen) => (!walk::search(model, text)).then(|| {
            let is_log = screen == Screen::Log && model.logs.tab == LogTab::Calls;
            let words = if is_log { "not among the rows here: Enter asks the daemon" } else { "not in this list" };
            words.to_owned()
        }),
        (PromptKind::Filter, Screen::Tokens) => {
            set_filter(model, text);
            None
        }
        (PromptKind::Filter, Screen::Audit) => AuditFilter::parse(text).err(),
        (PromptKind::Filter | PromptKind::Goto | PromptKind::SaveQuery | PromptKind::Command, _) => None,
    };
    if let Some(Layer::Prompt(prompt)) = &mut model.layer {
        prompt.error = error;
    }
}

pub(super) fn set_filter(model: &mut Model, text: &str) {
    model.tokens.filter = text.to_owned();
    model.tokens.filter_on = true;
    model.tokens.refilter();
}

fn cancel_prompt(model: &mut Model) {
    let Some(Layer::Prompt(Prompt { kind, before, .. })) = model.layer.take() else { return };
    match (kind, model.screen) {
        (PromptKind::Search, _) => drop(walk::search(model, &before)),
        (PromptKind::Filter, Screen::Tokens) => set_filter(model, &before),
        _ => {}
    }
}

fn enter(model: &mut Model, effects: &mut Effects) {
    let Some(Layer::Prompt(mut prompt)) = model.layer.take() else { return };
    let text = prompt.field.text();
    let error = match (prompt.kind, model.screen) {
        (PromptKind::Command, _) if text.trim().is_empty() => None,
        // So that a test can see what a defect leaves of the terminal.
        (PromptKind::Command, _) if cfg!(debug_assertions) && text == "debug-panic" => panic!("it was asked for"),
        (PromptKind::Command, _) if commands::asked(&text).is_some() => commands::asked(&text)
            .map_or(Ok(()), |(screen, query)| palette::command(model, screen, query, effects))
            .err(),
        (PromptKind::Command, _) => commands::parse(&text).map(|action| act::act(model, action, effects)).err(),
        (PromptKind::Search, _) => {
            act::search(model, &text, effects);
            None
        }
        (PromptKind::Goto | PromptKind::SaveQuery, _) | (PromptKind::Filter, Screen::Log) => {
            log::enter(model, prompt.kind, &text, effects).err()
        }
        (PromptKind::Filter, Screen::Incidents) => incidents::enter(model, &text, effects).err(),
        (PromptKind::Filter, Screen::Audit) => AuditFilter::parse(&text)
            .map(|filter| {
                let audit = &mut model.audit;
                (audit.filter, audit.rows, audit.next, audit.loaded) = (filter, Vec::new(), None, false);
                super::fetch_audit(model, None, effects);
            })
            .err(),
        (PromptKind::Filter, _) => {
            set_filter(model, &text);
            super::watch_revoked(model, effects);
            None
        }
    };
    if error.is_some() {
        prompt.error = error;
        model.layer = Some(Layer::Prompt(prompt));
    }
}

fn form(model: &mut Model, key: Key, effects: &mut Effects) {
    let Some(Layer::Form(form)) = &mut model.layer else { return };
    let cancels = key.code == Code::Esc || (key.ctrl && key.code == Code::Char('c'));
    if !cancels {
        form.asked = false;
    }
    match key.code {
        _ if cancels => leave_form(model),
        Code::Char('t') if key.ctrl && form.is_filter() => trial::over(model, effects),
        Code::PageUp | Code::PageDown if form.is_filter() => trial::step(model, key.code == Code::PageDown),
        Code::Tab => form.step(1),
        Code::BackTab => form.step(-1),
        Code::Down => form.step_line(1),
        Code::Up => form.step_line(-1),
        Code::Left if form.focus >= form.fields.len() => form.step(-1),
        Code::Right if form.focus >= form.fields.len() => form.step(1),
        Code::Enter if form.on_cancel() => close_form(model),
        Code::Enter if form.on_button() => changes::submit(model, effects),
        Code::Enter => form.enter(),
        _ => {
            if form.key(key) {
                form.error = None;
            }
        }
    }
}

/// Esc asks once more where something was typed.
fn leave_form(model: &mut Model) {
    let Some(Layer::Form(form)) = &mut model.layer else { return };
    if form.changed && !form.asked {
        form.asked = true;
        form.error = Some("Esc again throws this form away".to_owned());
        return;
    }
    close_form(model);
}

fn close_form(model: &mut Model) {
    model.layer = None;
    model.guided = None;
}

/// While the secret is shown Enter does nothing, but at the end of the first path: there it sends the preset's sample. Only
/// Esc, twice, puts the secret away.
fn secret(model: &mut Model, key: Key, effects: &mut Effects) {
    let generation = model.next_generation();
    let Some(Layer::Secret(dialog)) = &mut model.layer else { return };
    if std::mem::take(&mut dialog.hidden) {
        dialog.shown_at = model.now;
        return;
    }
    let asked = std::mem::take(&mut dialog.asked);
    match key.code {
        Code::Char('y') if !key.ctrl => {
            let text = Hidden(Zeroizing::new(dialog.secret.expose().to_owned()));
            effects.push(Effect::Copy { text, secret: true });
        }
        Code::Char('w') if !key.ctrl => {
            let text = format!("Authorization: Bearer {}\n", dialog.secret.expose());
            effects.push(Effect::WriteFile {
                generation,
                name: dialog.file_name(),
                text: Hidden(Zeroizing::new(text)),
            });
        }
        Code::Enter => changes::send_sample(model, effects),
        Code::Esc if asked => changes::put_away(model, effects),
        Code::Esc => dialog.asked = true,
        _ => {}
    }
}

fn receipt(model: &mut Model, key: Key, effects: &mut Effects) {
    let Some(Layer::Receipt(receipt, also)) = &model.layer else { return };
    let words = super::super::danger::receipt_text(receipt, also);
    match key.code {
        Code::Char('y') => effects.push(Effect::Copy { text: Hidden(Zeroizing::new(words)), secret: false }),
        Code::Char('w') => {
            let name = format!("tollgate-revoked-{}.txt", receipt.id);
            let generation = model.next_generation();
            effects.push(Effect::WriteFile { generation, name, text: Hidden(Zeroizing::new(words)) });
        }
        Code::Esc | Code::Enter | Code::Char('q') => model.layer = None,
        _ => {}
    }
}
