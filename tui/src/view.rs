//! Draws the model. Plain functions from `&Model` to cells: nothing is remembered between frames, and only what is
//! visible is built.
//!
//! Every text goes through [`crate::safe_text::SafeText`], also our own, in [`canvas`]; no other room makes spans.

mod ask;
pub mod canvas;
mod chart;
mod chrome;
mod dialogs;
mod empty;
mod forms;
mod listing;
mod lists;
mod log;
mod overlays;
mod palette;
mod pane;
mod people;
mod query_bar;
mod requests;
mod secret;
mod status;
mod strip;
#[cfg(test)]
mod svg;
#[cfg(test)]
mod tests;
pub mod theme;
mod tokens;

pub use theme::Theme;

use ratatui::Frame;

use crate::app::layer::Layer;
use crate::app::layout::{Area, Layout};
use crate::app::{Model, Screen};
use canvas::Canvas;

/// Draws everything.
pub fn render(model: &Model, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), theme, area.width.min(model.columns), area.height.min(model.rows));
    if Layout::too_small(canvas.columns, canvas.rows) {
        return too_small(&mut canvas);
    }
    if let Some(lock) = &model.lock {
        return people::lock(&mut canvas, model, lock);
    }
    match &model.layer {
        Some(Layer::Form(form)) => forms::form(&mut canvas, model, form),
        Some(Layer::Danger(danger)) => dialogs::danger(&mut canvas, model, danger),
        Some(Layer::Ask(asked)) => ask::ask(&mut canvas, model, asked),
        Some(Layer::Secret(secret)) => secret::show_once(&mut canvas, secret),
        Some(Layer::Receipt(receipt, also)) => dialogs::receipt(&mut canvas, receipt, also),
        _ => screen(&mut canvas, model),
    }
}

fn screen(canvas: &mut Canvas<'_>, model: &Model) {
    let layout = model.layout();
    chrome::top(canvas, model, &layout);
    match model.screen {
        Screen::Tokens => tokens::table(canvas, model, &layout),
        Screen::Log => log::log(canvas, model, &layout),
        Screen::Incidents => lists::incidents(canvas, model, &layout),
        Screen::Requests => requests::requests(canvas, model, &layout),
        Screen::Services => lists::services(canvas, model, &layout),
        Screen::Operators => people::operators(canvas, model, &layout),
        Screen::Audit => people::audit(canvas, model, &layout),
        Screen::Status => status::status(canvas, model, &layout),
    }
    pane::pane(canvas, model, &layout);
    chrome::bottom(canvas, model, &layout);
    overlays::overlay(canvas, model, &layout);
}

/// What is shown where nothing else fits. It says what is wrong in as few letters as there are.
fn too_small(canvas: &mut Canvas<'_>) {
    let (columns, rows) = (canvas.columns, canvas.rows);
    let words = [
        "tollgate".to_owned(),
        format!("{columns}x{rows} is too small"),
        "20x5 is needed".to_owned(),
        "q quits".to_owned(),
    ];
    let style = canvas.theme.plain();
    for (row, text) in (0..rows).zip(&words) {
        canvas.text(Area { x: 0, y: row, width: columns, height: 1 }, text, style);
    }
}
