//! Decides, character by character and then cluster by cluster, what may be shown as it is.

use super::SafeText;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// More marks than this on one base are an attempt to paint over other rows.
const COMBINING_MARKS_MAX: usize = 4;
/// Scripts with conjuncts join several letters in one cluster; a longer one would be a single unit that no cell can
/// hold.
pub(super) const CLUSTER_CHARS_MAX: usize = 8;
/// The widest cluster that is shown joined, in columns.
const CLUSTER_COLUMNS_MAX: usize = 4;
const TAB_STOP: usize = 4;

/// What a tab and a line feed mean where the text is shown.
#[derive(Clone, Copy)]
enum Layout {
    /// One field on one line.
    Record,
    /// One line of a body.
    Body,
}

pub(super) fn record(text: &str) -> SafeText<'_> {
    judge(text, Layout::Record)
}

pub(super) fn record_bytes(bytes: &[u8]) -> SafeText<'_> {
    judge_bytes(bytes, Layout::Record)
}

pub(super) fn body_line(text: &str) -> SafeText<'_> {
    judge(text, Layout::Body)
}

pub(super) fn body_line_bytes(bytes: &[u8]) -> SafeText<'_> {
    judge_bytes(bytes, Layout::Body)
}

fn judge(text: &str, layout: Layout) -> SafeText<'_> {
    if is_clean(text) {
        return SafeText::clean(text);
    }
    let mut safe = SafeText::default();
    push_str(&mut safe, text, layout);
    safe
}

fn is_clean(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        || text.chars().all(is_allowed) && text.graphemes(true).all(is_good_cluster) && starts_well(text)
}

fn judge_bytes(bytes: &[u8], layout: Layout) -> SafeText<'_> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return judge(text, layout);
    }
    let mut safe = SafeText::default();
    for chunk in bytes.utf8_chunks() {
        push_str(&mut safe, chunk.valid(), layout);
        for byte in chunk.invalid() {
            safe.push_escape(format_args!("\\x{byte:02X}"));
        }
    }
    safe
}

/// Splits the text into runs of characters that are allowed one by one, and the others between them, which are escaped.
fn push_str(safe: &mut SafeText<'_>, mut text: &str, layout: Layout) {
    while !text.is_empty() {
        let run = &text[..text.find(|character| !is_allowed(character)).unwrap_or(text.len())];
        push_run(safe, run, layout);
        let mut rest = text[run.len()..].chars();
        if let Some(character) = rest.next() {
            push_escape(safe, character, layout);
        }
        text = rest.as_str();
    }
}

/// Shows the good clusters of a run. Behind an escape (and at the start) nothing may join what stands before it.
fn push_run(safe: &mut SafeText<'_>, run: &str, layout: Layout) {
    if run.is_ascii() {
        return safe.push_data(run);
    }
    let mut behind_escape = true;
    for cluster in run.graphemes(true) {
        if is_good_cluster(cluster) && (!behind_escape || starts_well(cluster)) {
            safe.push_data(cluster);
            behind_escape = false;
        } else {
            push_bad_cluster(safe, cluster, layout);
            behind_escape = true;
        }
    }
}

/// Each character is allowed, but not joined like this: the base stays if it can stand alone, what hangs on it is
/// escaped.
fn push_bad_cluster(safe: &mut SafeText<'_>, cluster: &str, layout: Layout) {
    for (index, character) in cluster.chars().enumerate() {
        if index == 0 && stands_alone(character) {
            safe.push_data(character.encode_utf8(&mut [0; 4]));
        } else {
            push_escape(safe, character, layout);
        }
    }
}

fn push_escape(safe: &mut SafeText<'_>, character: char, layout: Layout) {
    if let (Layout::Body, '\t') = (layout, character) {
        let stop = TAB_STOP - safe.width() % TAB_STOP;
        return safe.push_data(&" ".repeat(stop));
    }
    let code = u32::from(character);
    match code {
        0x09 => safe.push_escape(format_args!("\\t")),
        0x0A => safe.push_escape(format_args!("\\n")),
        0x0D => safe.push_escape(format_args!("\\r")),
        0x00..=0x1F | 0x7F => safe.push_escape(format_args!("^{}", caret(code))),
        0x80..=0x9F => safe.push_escape(format_args!("M-^{}", caret(code - 0x80))),
        _ => safe.push_escape(format_args!("<U+{code:04X}>")),
    }
}

/// The letter after `^`: `@` for NUL, `[` for ESC, `?` for DEL.
fn caret(code: u32) -> char {
    char::from_u32(code ^ 0x40).unwrap_or('?')
}

fn starts_well(text: &str) -> bool {
    text.chars().next().is_none_or(stands_alone)
}

fn is_good_cluster(cluster: &str) -> bool {
    if cluster.len() == 1 {
        return true;
    }
    let marks = cluster.chars().skip(1).filter(|mark| mark.width() == Some(0)).count();
    marks <= COMBINING_MARKS_MAX
        && cluster.chars().count() <= CLUSTER_CHARS_MAX
        && (1..=CLUSTER_COLUMNS_MAX).contains(&cluster.width())
}

/// True if a character is wide enough to be seen and does not join what stands before it, be that our own escape or the
/// border of a table.
fn stands_alone(character: char) -> bool {
    if character.is_ascii() {
        return true;
    }
    let pair = String::from_iter(['a', character]);
    character.width().is_some_and(|columns| columns > 0) && pair.graphemes(true).count() == 2
}

/// True for a character that shows itself, moves nothing and has one width in every terminal.
fn is_allowed(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\0'..='\u{9F}' => false,
        // The ideographic space is two columns wide and common in Japanese text; every other blank passes for a space.
        '\u{3000}' => true,
        _ => !is_blank(character) && !changes_its_neighbour(character) && is_printable(character),
    }
}

/// Letters and marks that show nothing although their class says otherwise.
fn is_blank(character: char) -> bool {
    matches!(
        character,
        '\u{034F}'                     // grapheme joiner
        | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' // Hangul fillers
        | '\u{17B4}' | '\u{17B5}'      // Khmer inherent vowels
        | '\u{2800}'                   // empty Braille pattern
        | '\u{1D159}' // null note head
    )
}

/// Characters that only select another picture for their neighbour: terminals do not agree on the width of the result.
fn changes_its_neighbour(character: char) -> bool {
    matches!(
        character,
        '\u{180B}'..='\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' // variation selectors
        | '\u{1F1E6}'..='\u{1F1FF}' // halves of flags
        | '\u{1F3FB}'..='\u{1F3FF}' // skin tones
    )
}

/// The standard library's own table: not a control, format, private, surrogate or unassigned character, nor a space
/// other than U+0020. It escapes marks only at the start of a string, hence the letter in front.
fn is_printable(character: char) -> bool {
    let mut buffer = [b'a'; 5];
    let length = character.encode_utf8(&mut buffer[1..]).len();
    let pair = std::str::from_utf8(&buffer[..=length]).unwrap_or_default();
    pair.escape_debug().nth(1) == Some(character)
}
