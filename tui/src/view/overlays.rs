//! Menus, help and prompts: what lies over a screen without hiding it.

use crate::app::action::Action;
use crate::app::commands;
use crate::app::keymap::{self, Binding, Place};
use crate::app::layer::{Layer, Menu, Prompt, PromptKind};
use crate::app::layout::{Area, Layout};
use crate::app::logs::suggest::{self, Judged};
use crate::app::model::{Model, Screen};
use crate::app::update::kept_query;
use crate::app::words::group;
use crate::safe_text::SafeText;

use super::canvas::Canvas;
use super::{listing, palette, query_bar};

pub(super) fn overlay(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    match &model.layer {
        Some(Layer::Help { top }) => help(canvas, model, *top),
        Some(Layer::Menu(open)) => menu(canvas, open),
        Some(Layer::Palette(open)) => palette::palette(canvas, model, open),
        Some(Layer::Identify(open)) => palette::identify(canvas, model, open),
        Some(Layer::Undo { at }) => listing::undo(canvas, model, *at),
        Some(Layer::History { at }) => listing::history(canvas, model, *at),
        Some(Layer::Prompt(open)) if open.kind == PromptKind::Filter && has_bar(model.screen) => {
            query_bar::bar(canvas, model, open);
        }
        Some(Layer::Prompt(open)) => prompt(canvas, model, open, layout),
        _ => {}
    }
}

/// Screens whose filter is a query.
fn has_bar(screen: Screen) -> bool {
    matches!(screen, Screen::Log | Screen::Incidents)
}

/// A box over the screen: a rule above and below, the title in the upper one.
pub(super) fn open_box(canvas: &mut Canvas<'_>, title: &str, rows: usize) -> Area {
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX).min(canvas.rows);
    let area = Area { x: 0, y: (canvas.rows - height) / 2, width: canvas.columns, height };
    let theme = canvas.theme;
    canvas.clear(area);
    canvas.rule(area, 0);
    canvas.text_at(
        Area { x: 2, width: area.width.saturating_sub(4), ..area },
        0,
        &format!(" {title} "),
        theme.strong(),
    );
    canvas.rule(area, height.saturating_sub(1));
    Area { y: area.y + 1, height: height.saturating_sub(2), ..area }
}

fn help(canvas: &mut Canvas<'_>, model: &Model, top: usize) {
    let place = Place::of(model);
    let mut lines: Vec<(String, String)> = Vec::new();
    // The keys of this place come first, those of everywhere after them.
    let (own, common): (Vec<&Binding>, Vec<&Binding>) =
        keymap::here(place).partition(|binding| !binding.places.is_empty());
    for binding in own.into_iter().chain(common) {
        let keys: Vec<String> = binding.keys.iter().map(ToString::to_string).collect();
        lines.push((keys.join(" "), helped(model, binding.action)));
    }
    for entry in keymap::menu(place).filter(|entry| entry.action.changes()) {
        lines.push((format!(".{}", entry.letter), helped(model, entry.action)));
    }
    lines.extend(IN_FORMS.map(|(key, help)| (key.to_owned(), help.to_owned())));
    let title = format!("KEYS of {}   arrows scroll, any other key closes", model.screen.title());
    let area = open_box(canvas, &title, lines.len());
    let two = area.width >= 110;
    let half = if two { lines.len().div_ceil(2) } else { lines.len() };
    let top = top.min(half.saturating_sub(usize::from(area.height)));
    for row in 0..area.height {
        let index = top + usize::from(row);
        help_cell(canvas, area, row, lines.get(index).filter(|_| index < half), 0);
        if two {
            help_cell(canvas, area, row, lines.get(half + index), area.width / 2);
        }
    }
}

/// A form has a line of keys of its own; here stands what holds in all of them.
const IN_FORMS: [(&str, &str); 4] = [
    ("form: Enter", "the next field; on the last field it sends, or shows the change first"),
    ("form: wrong", "Enter then marks the first wrong field and says why; a paste never sends"),
    ("form: Tab", "the next field or button, Shift-Tab the one before; letters find a choice"),
    ("form: Esc", "leaves it, and asks once more where something was typed"),
];

/// What an action does, and why it cannot be done now.
fn helped(model: &Model, action: Action) -> String {
    let help = action.info().help;
    model.may(action).map_or_else(|why| format!("{help}   (not now: {why})"), |()| help.to_owned())
}

fn help_cell(canvas: &mut Canvas<'_>, area: Area, row: u16, line: Option<&(String, String)>, x: u16) {
    let Some((keys, help)) = line else { return };
    let theme = canvas.theme;
    let area = Area { x, width: area.width - x, ..area };
    let mut cells = canvas.row(area, theme.plain());
    cells.text("  ", theme.plain()).cell(keys, 16, theme.strong()).text(help, theme.plain());
    canvas.put(area, row, cells);
}

/// Columns of what an action does; behind it stands its command, or why it cannot be done now.
const MENU_WORDS: usize = 42;

/// On a narrow screen the reason takes from what the action does, but leaves it a third.
fn words_beside(why: &str, width: u16) -> usize {
    let width = usize::from(width);
    let free = width.saturating_sub(5 + SafeText::new(why).width());
    free.clamp((width / 3).min(MENU_WORDS), MENU_WORDS)
}

fn menu(canvas: &mut Canvas<'_>, menu: &Menu) {
    let area = open_box(canvas, &menu.title, menu.items.len());
    let theme = canvas.theme;
    let top = (menu.at + 1).saturating_sub(usize::from(area.height));
    for (row, (index, item)) in (0..area.height).zip(menu.items.iter().enumerate().skip(top)) {
        let base = if index == menu.at { theme.marked() } else { theme.plain() };
        let mut line = canvas.row(area, base);
        line.text(if index == menu.at { "> " } else { "  " }, theme.plain());
        line.text(&item.letter.to_string(), theme.strong()).text("  ", theme.plain());
        match &item.refused {
            Some(why) => {
                let why = format!("  not now: {why}");
                line.cell(&item.words, words_beside(&why, area.width), theme.plain()).text(&why, theme.plain());
            }
            None if item.cli.is_empty() => {
                line.text(&item.words, theme.plain());
            }
            None => {
                line.cell(&item.words, MENU_WORDS, theme.plain())
                    .text("  $ ", theme.plain())
                    .text(&item.cli, theme.plain());
            }
        }
        line.rest();
        canvas.put(area, row, line);
    }
}

/// A prompt stands where the footer was; above it what is wrong, or what the beginning may mean.
fn prompt(canvas: &mut Canvas<'_>, model: &Model, prompt: &Prompt, layout: &Layout) {
    let theme = canvas.theme;
    let foot = if layout.footer.height > 0 {
        layout.footer
    } else {
        Area { x: 0, y: canvas.rows - 1, width: canvas.columns, height: 1 }
    };
    canvas.clear(foot);
    let mut row = canvas.row(foot, theme.plain());
    row.text(" ", theme.plain()).text(prompt.kind.sign(), theme.strong());
    field(&mut row, &prompt.field.text(), prompt.field.before_cursor().chars().count(), theme);
    canvas.put(foot, 0, row);
    let Some(y) = foot.y.checked_sub(1) else { return };
    let above = Area { y, ..foot };
    canvas.clear(above);
    match &prompt.error {
        Some(error) => canvas.text(above, &format!(" {error}"), theme.bad()),
        None => canvas.text(above, &format!(" {}", prompt_help(model, prompt)), theme.plain()),
    }
}

fn prompt_help(model: &Model, prompt: &Prompt) -> String {
    let text = prompt.field.text();
    match prompt.kind {
        PromptKind::Command if commands::asked(&text).is_some() => counted(model, &text),
        PromptKind::Command => match commands::complete(&text).as_slice() {
            [] => "no such command".to_owned(),
            [only] => described(model, *only),
            many => {
                let names: Vec<_> = many.iter().take(12).map(|action| action.info().name).collect();
                format!("{}{}   Tab completes", names.join(" "), if many.len() > 12 { " ..." } else { "" })
            }
        },
        PromptKind::Search => "Enter keeps it, n N go on, Esc goes back".to_owned(),
        PromptKind::Goto => "14:05 (UTC)  -30m  2026-11-22  2026-11-22T03:14Z  or a seq   Enter goes there".to_owned(),
        PromptKind::SaveQuery => {
            format!("keeps  {}   under this name, for you alone", kept_query(model).1)
        }
        PromptKind::Filter if model.screen == Screen::Audit => {
            "actor:NAME  action:token.revoke  target:OBJECT  since:30d   Enter asks the daemon".to_owned()
        }
        PromptKind::Filter => {
            let chips = crate::app::chips::WORDS.join(" ");
            format!(
                "{} of {} tokens; text, is: {chips}",
                model.tokens.shown.len(),
                model.tokens.all.len() - model.tokens.revoked()
            )
        }
    }
}

/// How many rows the query behind a command would show.
fn counted(model: &Model, text: &str) -> String {
    let Some((screen, query)) = commands::asked(text) else { return String::new() };
    if screen == Screen::Tokens {
        let all = model.tokens.all.len() - model.tokens.revoked();
        return format!(
            "{} of {} tokens   Enter shows them",
            group(model.tokens.count(query) as u64),
            group(all as u64)
        );
    }
    let what = if screen == Screen::Incidents { "incidents here" } else { "newest rows here" };
    match suggest::judge_on(model, screen, query) {
        Judged::Passes { rows, of } => {
            format!("{} of the {} {what}   Enter asks", group(rows as u64), group(of as u64))
        }
        Judged::UnknownName(error) => format!("{}: the daemon may know it   Enter asks", error.message),
        Judged::Wrong(error) => error.to_string(),
    }
}

fn described(model: &Model, action: Action) -> String {
    let info = action.info();
    match model.may(action) {
        Ok(()) => format!("{}: {}   $ {}", info.name, info.help, info.cli),
        Err(why) => format!("{} (not now: {why}): {}", info.name, info.help),
    }
}

/// As [`field`], on exactly `width` columns.
pub(super) fn field_within(
    row: &mut super::canvas::Row<'_>,
    text: &str,
    cursor: usize,
    width: usize,
    theme: &super::theme::Theme,
) {
    let skip = cursor.saturating_sub(width.saturating_sub(1));
    let part = |from: usize, len: usize| text.chars().skip(from).take(len).collect::<String>();
    let (before, under) = (part(skip, cursor - skip), part(cursor, 1));
    let before_width = before.chars().count().min(width.saturating_sub(1));
    row.cell(&before, before_width, theme.plain());
    row.cell(if under.is_empty() { " " } else { &under }, 1, theme.marked());
    row.cell(&part(cursor + 1, width), width.saturating_sub(before_width + 1), theme.plain());
}

/// Characters at the beginning of a field that do not fit with the cursor.
pub(super) fn skipped(left: usize, cursor: usize) -> usize {
    let room = left.saturating_sub(2).max(1);
    cursor.saturating_sub(room.saturating_sub(1))
}

/// Text with a cursor; of a long one the part around the cursor is shown.
pub(super) fn field(row: &mut super::canvas::Row<'_>, text: &str, cursor: usize, theme: &super::theme::Theme) {
    let room = row.left().saturating_sub(2).max(1);
    let skip = skipped(row.left(), cursor);
    let chars: Vec<char> = text.chars().skip(skip).take(room).collect();
    let at = (cursor - skip).min(chars.len());
    let before: String = chars[..at].iter().collect();
    let under: String = chars.get(at).map_or_else(|| " ".to_owned(), ToString::to_string);
    let after: String = chars.get(at + 1..).unwrap_or_default().iter().collect();
    row.text(&before, theme.plain()).text(&under, theme.marked()).text(&after, theme.plain());
}
