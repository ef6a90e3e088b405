//! The secret, shown once: alone on a line without borders, from column 0, so that a mouse can take it whole.

use crate::app::first::{SampleAlert, reachable, snippet};
use crate::app::layout::Area;
use crate::app::secret::ShowOnce;

use super::canvas::Canvas;
use super::empty;

const KEYS: &str = " y copy   w write a file (0600)   Esc I have it   (Enter does nothing)";
/// At the end of the first path.
const KEYS_WITH_SAMPLE: &str = " Enter send the sample   y copy   w write a file (0600)   Esc I have it";

pub(super) fn show_once(canvas: &mut Canvas<'_>, dialog: &ShowOnce) {
    let theme = canvas.theme;
    let area = canvas.area();
    let verb = if dialog.rotated { "ROTATED" } else { "CREATED" };
    let head = format!(" {verb} {}   {}   {}", dialog.name, dialog.id, dialog.scope);
    let notice = match (&dialog.notice, dialog.asked) {
        (_, true) => Some(" Do you have it? Esc again puts it away for ever; any other key keeps it open.".to_owned()),
        (Some(words), false) => Some(format!(" {words}")),
        (None, false) => None,
    };
    if area.height < 14 {
        return small(canvas, dialog, &notice.unwrap_or(head));
    }
    canvas.text(area, &head, theme.strong());
    canvas.text_at(area, 2, " This is its secret. It is shown this once and cannot be shown again.", theme.plain());
    let below = value(canvas, area, 4, dialog);
    let below = ready(canvas, area, below + 1, dialog) + 1;
    let notice = notice.or_else(|| sample_words(dialog));
    let notice = empty::wrapped(&notice.unwrap_or_default(), usize::from(area.width));
    for (row, line) in (below..).zip(notice.iter().take(2)) {
        canvas.text_at(area, row, line, theme.attention());
    }
    let lines = dialog.other_hosts.iter().flatten();
    for (row, line) in (below + 2 + u16::from(notice.len() > 1)..area.height.saturating_sub(1)).zip(lines) {
        canvas.text_at(area, row, &format!(" {line}"), theme.plain());
    }
    canvas.text_at(area, area.height.saturating_sub(1), keys(dialog), theme.strong());
}

fn keys(dialog: &ShowOnce) -> &'static str {
    let offers = dialog.sample.as_ref().is_some_and(SampleAlert::may_be_sent);
    if offers { KEYS_WITH_SAMPLE } else { KEYS }
}

/// What Enter would do, on the first path.
fn sample_words(dialog: &ShowOnce) -> Option<String> {
    let sample = dialog.sample.as_ref().filter(|sample| sample.may_be_sent())?;
    Some(format!(" Enter: a sample alert of {} to {} now", sample.preset, reachable(&dialog.listen)))
}

/// The secret must be whole even where nothing else has room: the keys go first.
fn small(canvas: &mut Canvas<'_>, dialog: &ShowOnce, head: &str) {
    let theme = canvas.theme;
    let area = canvas.area();
    canvas.text(area, head, theme.strong());
    let below = value(canvas, area, 1, dialog);
    if below < area.height {
        canvas.text_at(area, area.height.saturating_sub(1), keys(dialog), theme.strong());
    }
}

fn value(canvas: &mut Canvas<'_>, area: Area, y: u16, dialog: &ShowOnce) -> u16 {
    let theme = canvas.theme;
    if dialog.hidden {
        canvas.text_at(area, y, "(hidden after 60 s: any key shows it again)", theme.strong());
        return y + 1;
    }
    let rows = theme.safe(dialog.secret.expose()).wrap(usize::from(area.width));
    for (row, part) in (y..).zip(&rows) {
        canvas.safe_at(area, row, part, theme.strong());
    }
    y + u16::try_from(rows.len()).unwrap_or(1)
}

/// The line to run reads the secret from standard input: on a command line it would be in the shell's history.
fn ready(canvas: &mut Canvas<'_>, area: Area, y: u16, dialog: &ShowOnce) -> u16 {
    let theme = canvas.theme;
    for (row, text) in (y..).zip(snippet(&reachable(&dialog.listen), dialog.tls)) {
        canvas.text_at(area, row, &format!(" {text}"), theme.plain());
    }
    y + 4
}
