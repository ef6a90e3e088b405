//! Actions.

use super::super::action::Action;
use super::super::audit::Chain;
use super::super::layer::{Layer, Prompt, PromptKind};
use super::super::logs::LogTab;
use super::super::model::{Model, Screen};
use super::super::msg::{Effect, Effects, Hidden};
use super::super::status::{self, Target};
use super::super::tokens::is_over_its_limit;
use super::{ask, changes, danger, dialogs, incidents, lock, log, mouse, palette, sort, undo, walk};
use zeroize::Zeroizing;

pub(super) fn act(model: &mut Model, action: Action, effects: &mut Effects) {
    match action {
        Action::Go(screen) => go(model, screen, effects),
        Action::Worst => worst(model, effects),
        Action::NextPane => walk::next_pane(model, effects),
        Action::NextTab => walk::next_tab(model),
        Action::Down => walk::step(model, 1),
        Action::Up => walk::step(model, -1),
        Action::PageDown => walk::page(model, true),
        Action::PageUp => walk::page(model, false),
        Action::Top => walk::end(model, false, effects),
        Action::Bottom => walk::end(model, true, effects),
        Action::Open => open(model, effects),
        Action::Search => model.layer = Some(Layer::Prompt(Prompt::new(PromptKind::Search, walk::search_text(model)))),
        Action::FindNext => find(model, true, effects),
        Action::FindPrevious => find(model, false, effects),
        Action::Filter => filter(model),
        Action::FilterSwitch => filter_switch(model, effects),
        Action::SortMenu => model.layer = Some(Layer::Menu(sort::menu(model))),
        Action::Resort => sort::resort(model),
        Action::Mark => ask::mark(model, false),
        Action::MarkAll => ask::mark(model, true),
        Action::Undo => undo::list(model),
        Action::History => undo::history(model),
        Action::Palette => palette::open(model),
        Action::Identify => model.layer = Some(Layer::Identify(Box::default())),
        Action::TimeForm => {
            model.times.turn();
            model.notice = Some(model.times.words());
        }
        Action::Mouse => mouse::switch(model, effects),
        Action::Grow => model.pane_more = (model.pane_more + 10).min(50),
        Action::Shrink => model.pane_more = (model.pane_more - 10).max(-50),
        Action::Copy => copy(model, effects),
        Action::Menu => model.layer = Some(Layer::Menu(dialogs::action_menu(model))),
        Action::Help => model.layer = Some(Layer::Help { top: 0 }),
        Action::Command => model.layer = Some(Layer::Prompt(Prompt::new(PromptKind::Command, ""))),
        Action::Repaint => sort::resort(model),
        Action::Background => effects.push(Effect::Background),
        Action::Back => back(model),
        Action::Leave => leave(model, effects),
        Action::Quit => quit(model, effects),
        Action::LockScreen => lock::fall(model),
        Action::Verify => verify(model, effects),
        action if action.is_of_log() => log::act(model, action, effects),
        change => changes_something(model, change, effects),
    }
}

fn changes_something(model: &mut Model, action: Action, effects: &mut Effects) {
    if ask::open(model, action) {
        return;
    }
    if let Err(why) = model.may(action) {
        model.notice = Some(format!("{}: {why}", action.info().name));
        return;
    }
    match action {
        Action::Add => dialogs::add(model),
        Action::AddTeam | Action::AddService | Action::AddFilter | Action::WriteFilter | Action::AddToken => {
            dialogs::add_one(model, action);
        }
        Action::EditFilter => dialogs::edit_filter(model),
        Action::AddOperator | Action::EditOperator | Action::Passphrase => dialogs::person(model, action),
        Action::SignIn => dialogs::sign_in(model),
        Action::SignOut => changes::sign_out(model, effects),
        Action::Edit => dialogs::edit(model),
        Action::Allowlist => dialogs::allowlist(model, effects),
        Action::Limit => dialogs::limit(model),
        Action::Block => dialogs::block(model, effects),
        Action::Debug => dialogs::debug(model, effects),
        Action::Acknowledge | Action::Unacknowledge => dialogs::acknowledge(model, action, effects),
        Action::Resolve => dialogs::resolve(model),
        other => danger::open(model, other, effects),
    }
}

fn go(model: &mut Model, screen: Screen, effects: &mut Effects) {
    model.screen = screen;
    (model.in_pane, model.pane_top) = (false, 0);
    // Entering a screen is one of the moments in which rows may move.
    sort::resort(model);
    if screen == Screen::Incidents {
        model.incidents.enter();
    }
    if screen == Screen::Audit {
        ask_audit(model, effects);
    }
    effects.push(Effect::WatchRefused(screen == Screen::Log && model.logs.tab == LogTab::Refused));
}

/// The newest rows; and the chain, once.
pub(super) fn ask_audit(model: &mut Model, effects: &mut Effects) {
    if let Err(why) = model.may(Action::Go(Screen::Audit)) {
        (model.audit.refused, model.audit.loaded) = (Some(why), true);
        return;
    }
    super::fetch_audit(model, None, effects);
    if model.audit.chain == Chain::Unknown {
        verify(model, effects);
    }
}

fn verify(model: &mut Model, effects: &mut Effects) {
    if let Err(why) = model.may(Action::Verify) {
        model.notice = Some(format!("verify: {why}"));
        return;
    }
    model.audit.chain = Chain::Walking;
    effects.push(Effect::VerifyAudit);
}

fn worst(model: &mut Model, effects: &mut Effects) {
    let Some((words, screen)) = model.worst() else {
        model.notice = Some("nothing is wrong".to_owned());
        return;
    };
    go(model, screen, effects);
    match screen {
        Screen::Tokens => {
            let tokens = &model.tokens;
            let losing = tokens.losing.as_ref().filter(|token| is_over_its_limit(token, model.now));
            let id = losing.or(tokens.worst.as_ref()).map(|token| token.id);
            let index = (0..model.tokens.shown.len()).find(|at| model.tokens.row(*at).map(|row| row.id) == id);
            index.into_iter().for_each(|at| model.tokens.go(at));
        }
        Screen::Incidents => model.incidents.go(0),
        Screen::Log | Screen::Requests | Screen::Services | Screen::Operators | Screen::Audit | Screen::Status => {}
    }
    model.notice = Some(words);
}

fn open(model: &mut Model, effects: &mut Effects) {
    match model.screen {
        Screen::Services => model.services.fold(),
        Screen::Status => open_from_status(model, effects),
        Screen::Log => log::open(model, effects),
        // The story first, then what it was made of.
        Screen::Incidents if model.in_pane => log::act(model, Action::IncidentCalls, effects),
        Screen::Tokens | Screen::Incidents | Screen::Requests | Screen::Operators | Screen::Audit => {
            model.in_pane = true;
        }
    }
}

/// The tokens of a card, or one of those who call most.
fn open_from_status(model: &mut Model, effects: &mut Effects) {
    let Some(target) = status::marked(model) else {
        model.notice = Some("nothing is marked: the arrows go to what can be opened".to_owned());
        return;
    };
    match target {
        Target::Tokens(filter) => (model.tokens.filter, model.tokens.filter_on) = (filter.to_owned(), true),
        Target::Token(id) => {
            if !(0..model.tokens.shown.len()).any(|at| model.tokens.row(at).is_some_and(|row| row.id == id)) {
                model.tokens.filter_on = false;
            }
        }
    }
    model.tokens.refilter();
    super::watch_revoked(model, effects);
    go(model, Screen::Tokens, effects);
    let index = (0..model.tokens.shown.len()).find(|at| match &target {
        Target::Token(id) => model.tokens.row(*at).is_some_and(|row| row.id == *id),
        Target::Tokens(_) => true,
    });
    index.into_iter().for_each(|at| model.tokens.go(at));
}

/// Enter behind a text to look for.
pub(super) fn search(model: &mut Model, text: &str, effects: &mut Effects) {
    walk::note_search(model, text);
    if !text.is_empty() {
        look(model, true, true, effects);
    }
}

fn find(model: &mut Model, forward: bool, effects: &mut Effects) {
    if walk::search_text(model).is_empty() {
        model.notice = Some("nothing is looked for yet: / finds a text".to_owned());
    } else {
        look(model, forward, false, effects);
    }
}

fn look(model: &mut Model, forward: bool, from_here: bool, effects: &mut Effects) {
    let found = match model.screen {
        Screen::Log => log::search(model, forward, from_here, effects),
        _ => walk::find(model, forward, from_here),
    };
    if !found {
        model.notice = Some(format!("`{}` is not in this list", walk::search_text(model)));
    }
}

fn filter(model: &mut Model) {
    let text = match model.screen {
        Screen::Log => model.logs.tail.filter.text.clone(),
        Screen::Audit => model.audit.filter.line(),
        Screen::Incidents => model.incidents.filter.clone(),
        _ => model.tokens.filter.clone(),
    };
    model.layer = Some(Layer::Prompt(Prompt::new(PromptKind::Filter, &text)));
}

fn filter_switch(model: &mut Model, effects: &mut Effects) {
    match model.screen {
        Screen::Log => log::switch_filter(model, effects),
        Screen::Incidents => incidents::switch_filter(model, effects),
        _ => {
            model.tokens.filter_on = !model.tokens.filter_on;
            model.tokens.refilter();
            super::watch_revoked(model, effects);
        }
    }
}

/// The id of what is marked, or the command that shows it.
fn copy(model: &mut Model, effects: &mut Effects) {
    let marked = match model.screen {
        Screen::Tokens => model.tokens.selected().map(|token| token.id.to_string()),
        Screen::Log => model.logs.tail.selected_row().map(|row| format!("tollgate log show {}", row.seq)),
        Screen::Incidents => model.incidents.selected().map(|row| row.head.id.to_string()),
        Screen::Services => model.services.selected().map(super::super::services::Node::id),
        Screen::Requests => {
            let workflow = model.requests.selected_workflow().map(|row| row.public_id.clone());
            workflow.or_else(|| model.requests.selected().map(|row| row.id.to_string()))
        }
        Screen::Operators => model.operators.selected().map(|row| row.id.to_string()),
        Screen::Audit => Some(format!("tollgate audit{}", model.audit.filter.options())),
        Screen::Status => model.commands.last().map(|line| line.text.clone()),
    };
    match marked {
        Some(text) => effects.push(Effect::Copy { text: Hidden(Zeroizing::new(text)), secret: false }),
        None => model.notice = Some("nothing is marked, so nothing was copied".to_owned()),
    }
}

/// Never leaves the console: Esc pressed once too often, or late through a multiplexer, must not end a watch.
fn back(model: &mut Model) {
    if !step_back(model) {
        model.notice = Some("nothing is open; q leaves the console".to_owned());
    }
}

fn leave(model: &mut Model, effects: &mut Effects) {
    if !step_back(model) {
        quit(model, effects);
    }
}

/// Closes the topmost thing that is open; false where there is none.
fn step_back(model: &mut Model) -> bool {
    let closed = log::close_something(model) || std::mem::take(&mut model.in_pane) || ask::unmark(model);
    if closed {
        model.pane_top = 0;
    }
    closed
}

pub(super) fn quit(model: &mut Model, effects: &mut Effects) {
    model.quit = true;
    effects.push(Effect::Quit);
}
