//! The secret, shown once: alone on a line without borders, from column 0, so that a mouse can take it whole.

use crate::app::layout::Area;
use crate::app::secret::ShowOnce;
use crate::safe_text::SafeText;

use super::canvas::Canvas;

pub(super) fn show_once(canvas: &mut Canvas<'_>, dialog: &ShowOnce) {
    let theme = canvas.theme;
    let area = canvas.area();
    let verb = if dialog.rotated { "ROTATED" } else { "CREATED" };
    canvas.text(area, &format!(" {verb} {}   {}   {}", dialog.name, dialog.id, dialog.scope), theme.strong());
    let small = area.height < 14;
    let mut y = 1;
    if !small {
        canvas.text_at(area, 2, " This is its secret. It is shown this once and cannot be shown again.", theme.plain());
        y = 4;
    }
    y = value(canvas, area, y, dialog);
    if !small {
        y = ready(canvas, area, y + 1, dialog) + 1;
    }
    let notice = match (&dialog.notice, dialog.asked) {
        (_, true) => " Do you have it? Esc again puts it away for ever; any other key keeps it open.".to_owned(),
        (Some(words), false) => format!(" {words}"),
        (None, false) => String::new(),
    };
    canvas.text_at(area, y, &notice, theme.attention());
    let keys = " y copy   w write a file (0600)   Esc I have it   (Enter does nothing)";
    canvas.text_at(area, area.height.saturating_sub(1), keys, theme.strong());
}

fn value(canvas: &mut Canvas<'_>, area: Area, y: u16, dialog: &ShowOnce) -> u16 {
    let theme = canvas.theme;
    if dialog.hidden {
        canvas.text_at(area, y, "(hidden after 60 s: any key shows it again)", theme.strong());
        return y + 1;
    }
    let rows = SafeText::new(dialog.secret.expose()).wrap(usize::from(area.width));
    for (row, part) in (y..).zip(&rows) {
        canvas.safe_at(area, row, part, theme.strong());
    }
    y + u16::try_from(rows.len()).unwrap_or(1)
}

/// The line to run reads the secret from standard input: on a command line it would be in the shell's history.
fn ready(canvas: &mut Canvas<'_>, area: Area, y: u16, dialog: &ShowOnce) -> u16 {
    let theme = canvas.theme;
    let lines = [
        " To try it, without the secret in the shell's history or in ps:".to_owned(),
        " read -rs TG     then paste the secret and press Enter".to_owned(),
        format!(" curl -H @- http://{}/v1/process -d '{{\"test\":1}}' \\", dialog.listen),
        "      <<<\"Authorization: Bearer $TG\"".to_owned(),
    ];
    for (row, text) in (y..).zip(&lines) {
        canvas.text_at(area, row, text, theme.plain());
    }
    y + 4
}
