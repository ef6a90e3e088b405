//! The query bar of the API log and of the incidents: the line, carets under a fault or what could stand at the cursor, and a sentence.

use crate::app::layer::Prompt;
use crate::app::layout::Area;
use crate::app::logs::suggest::{self, Judged};
use crate::app::model::{Model, Screen};
use tollgate_shared::query::{Completion, QueryError};

use super::canvas::Canvas;
use super::overlays;

/// The sign before the line, and a space.
const SIGN: &str = " filter ";

pub(super) fn bar(canvas: &mut Canvas<'_>, model: &Model, prompt: &Prompt) {
    let height = 3.min(canvas.rows);
    let area = Area { x: 0, y: canvas.rows - height, width: canvas.columns, height };
    canvas.clear(area);
    let theme = canvas.theme;
    let (text, cursor) = (prompt.field.text(), prompt.field.before_cursor().chars().count());
    let mut row = canvas.row(area, theme.plain());
    row.text(SIGN, theme.strong());
    let skip = overlays::skipped(row.left(), cursor);
    overlays::field(&mut row, &text, cursor, theme);
    canvas.put(area, 0, row);
    let offered = suggest::offers(model, &text, cursor);
    let judged = suggest::judge(model, &text);
    // While a word is being typed it is not finished, and so not wrong yet.
    let unfinished = |error: &QueryError| prompt.error.is_none() && !offered.is_empty() && error.at.end >= cursor;
    match &judged {
        Judged::Wrong(error) if !unfinished(error) => {
            carets(canvas, area, &text, skip, error);
            // What helps comes first: the message may be longer than the line.
            let meant = error.suggestion.as_ref().map(|meant| format!("did you mean `{meant}`? Tab puts it there.  "));
            canvas.text_at(area, 2, &format!(" {}{}", meant.unwrap_or_default(), error.message), theme.bad());
        }
        judged => {
            let names: Vec<&str> = offered.iter().map(|offer| offer.text.trim_end()).collect();
            canvas.text_at(area, 1, &format!("{:8}{}", "", names.join("  ")), theme.plain());
            canvas.text_at(area, 2, &format!(" {}", sentence(model, prompt, judged, offered.first())), theme.plain());
        }
    }
}

fn sentence(model: &Model, prompt: &Prompt, judged: &Judged, offer: Option<&Completion>) -> String {
    if let Some(error) = &prompt.error {
        return error.clone();
    }
    let here = if model.screen == Screen::Incidents { "incidents here" } else { "newest rows here" };
    let counted = match judged {
        Judged::Passes { rows, of } => format!("{rows} of the {of} {here}   "),
        Judged::UnknownName(error) => format!("{}: the daemon may know it   ", error.message),
        Judged::Wrong(_) => String::new(),
    };
    let tab = offer.map(|offer| format!("Tab {}   ", offer.help)).unwrap_or_default();
    format!("{counted}{tab}Enter asks  Up former queries  Esc")
}

/// Carets under the characters of a fault, as far as they are on the screen.
fn carets(canvas: &mut Canvas<'_>, area: Area, text: &str, skip: usize, error: &QueryError) {
    let theme = canvas.theme;
    let columns = |from: usize, to: usize| {
        let part: String = text.chars().skip(from).take(to.saturating_sub(from)).collect();
        theme.safe(&part).width()
    };
    let lead = SIGN.len() + columns(skip, error.at.start.max(skip));
    let width = columns(error.at.start.max(skip), error.at.end.max(skip)).max(1);
    let style = theme.bad();
    canvas.text_at(area, 1, &format!("{:lead$}{}", "", "^".repeat(width)), style);
}
