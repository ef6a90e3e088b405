//! Finds secrets in running text: lines of logs, commands, URLs, headers, broken or embedded JSON, XML.
//!
//! On doubt it takes more rather than less: a value redacted too much costs a look at the sender, one too few is a leak.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use tollgate_shared::log::REDACTED;
use tollgate_shared::secret;

use super::credential::base64_decoded;
use super::secret_names::SecretNames;

/// Redacting may bring things together that were apart; so it is repeated until nothing changes. Two rounds are usual.
const ROUNDS_MAX: usize = 8;
/// A name is looked at over this many bytes back from its separator; what promises a secret is its end.
const NAME_BYTES_MAX: usize = 128;
/// A user and password in a URL are looked for over this many bytes.
const AUTHORITY_BYTES_MAX: usize = 512;
/// Words after "bearer" in prose, as in "bearer token expired".
const BEARER_PROSE: [&str; 10] =
    ["token", "tokens", "auth", "authentication", "authorization", "scheme", "of", "is", "realm=", "error="];

static SCHEME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(bearer|geniekey|basic)[ \t]+([a-z0-9._~+/=\-]+)").expect("a constant pattern compiles")
});
static PRIVATE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*-----|\z)")
        .expect("a constant pattern compiles")
});

/// The text without its secrets. Borrowed = nothing was secret.
pub(super) fn redacted<'a>(text: &'a str, names: &SecretNames) -> Cow<'a, str> {
    let mut current = Cow::Borrowed(text);
    for _ in 0..ROUNDS_MAX {
        let Some(next) = one_round(&current, names) else { break };
        current = Cow::Owned(next);
    }
    current
}

/// `None` = nothing to do. Each search looks at a byte a bounded number of times: a body is half a mebibyte, and hostile.
fn one_round(text: &str, names: &SecretNames) -> Option<String> {
    // Every form of a secret has one of these; most strings of a payload have none.
    if !text.contains([':', '=', '<', '-', '_', ' ', '\t']) {
        return None;
    }
    let mut found = secret::find_in(text);
    found.extend(PRIVATE_KEY.find_iter(text).map(|key| key.range()));
    found.extend(SCHEME.captures_iter(text).filter_map(|hit| scheme_value(&hit)));
    found.extend(behind_each(text.match_indices("://"), |start| url_password(text, start)));
    found.extend(behind_each(text.match_indices([':', '=']), |start| named_value(text, start, names)));
    found.extend(behind_each(text.match_indices("--"), |start| flag_value(text, start, names)));
    found.extend(behind_each(text.match_indices("<"), |start| element_value(text, start, names)));
    let found = merged(found);
    found.iter().any(|range| text[range.clone()] != *REDACTED).then(|| cut(text, &found))
}

/// Asks for a secret behind each mark that is not inside one already found.
fn behind_each<'t>(
    places: impl Iterator<Item = (usize, &'t str)>,
    find: impl Fn(usize) -> Option<Range<usize>>,
) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, mark) in places {
        let inside_last = found.last().is_some_and(|last| at < last.end);
        if !inside_last && let Some(range) = find(at + mark.len()) {
            found.push(range);
        }
    }
    found
}

/// Overlapping and touching places become one.
pub(super) fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.retain(|range| !range.is_empty());
    found.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

pub(super) fn cut(text: &str, places: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for place in places {
        out.push_str(&text[done..place.start]);
        out.push_str(REDACTED);
        done = place.end;
    }
    out.push_str(&text[done..]);
    out
}

/// `Bearer xyz`, `GenieKey xyz`, `Basic <base64 of user:password>`.
fn scheme_value(hit: &regex::Captures<'_>) -> Option<Range<usize>> {
    let (scheme, value) = (hit.get(1)?, hit.get(2)?);
    let is_secret = if scheme.as_str().eq_ignore_ascii_case("basic") {
        base64_decoded(value.as_str()).is_some_and(|decoded| decoded.contains(&b':'))
    } else {
        !BEARER_PROSE.iter().any(|word| word.eq_ignore_ascii_case(value.as_str()))
    };
    is_secret.then(|| value.range())
}

/// The password of `://user:password@`. `start` is behind the slashes.
fn url_password(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = at_most(&text[start..], AUTHORITY_BYTES_MAX);
    let authority = &rest[..run(rest, |it| !it.is_whitespace() && !matches!(it, '"' | '\'' | '<' | '>' | '`'))];
    let colon = authority.find([':', '/', '?', '#', '@']).filter(|at| authority.as_bytes()[*at] == b':')?;
    if authority.starts_with('[') {
        return None;
    }
    let value = &authority[colon + 1..];
    let strict = &value[..run(value, |it| !matches!(it, '/' | '?' | '#'))];
    let end = match strict.rfind('@') {
        Some(end) => end,
        // A slash in the password is wrong and common. All digits before it are a port.
        None if strict.bytes().all(|byte| byte.is_ascii_digit()) => return None,
        None => value.rfind('@')?,
    };
    let start = start + colon + 1;
    Some(start..start + end)
}

/// The value of `name=value`, `name: value`, `"name":"value"`, `name => value`. `start` is behind the separator.
fn named_value(text: &str, mut start: usize, names: &SecretNames) -> Option<Range<usize>> {
    let before = text[..start - 1].trim_end_matches([' ', '\t']);
    let unquoted = before.trim_end_matches(['"', '\'', '`']).trim_end_matches('\\');
    let is_quoted = unquoted.len() < before.len();
    let name = name_before(unquoted);
    if name.is_empty() || !names.contains(name) {
        return None;
    }
    start += run(&text[start..], |it| matches!(it, '=' | '>' | ':'));
    start += run(&text[start..], |it| matches!(it, ' ' | '\t') || (is_quoted && it.is_whitespace()));
    let rest = &text[start..];
    let is_container = is_quoted && rest.starts_with(['[', '{']) && !rest.starts_with(REDACTED);
    if is_container { Some(start..start + balanced_len(rest)) } else { value_at(text, start, is_whole_line(name)) }
}

/// Headers whose values have spaces in them.
fn is_whole_line(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("authorization") || name.ends_with("cookie")
}

/// The name that ends where `text` ends.
fn name_before(text: &str) -> &str {
    let window = text.len().saturating_sub(NAME_BYTES_MAX);
    let length: usize = text
        .chars()
        .rev()
        .take_while(|it| it.is_alphanumeric() || matches!(it, '_' | '-' | '.' | '[' | ']'))
        .scan(text.len(), |start, it| {
            *start -= it.len_utf8();
            (*start >= window).then_some(it.len_utf8())
        })
        .sum();
    &text[text.len() - length..]
}

/// `--password value`; the form with `=` is a named value.
fn flag_value(text: &str, start: usize, names: &SecretNames) -> Option<Range<usize>> {
    let rest = at_most(&text[start..], NAME_BYTES_MAX);
    let name = &rest[..run(rest, |it| it.is_alphanumeric() || matches!(it, '-' | '_'))];
    let blanks = run(&text[start + name.len()..], |it| matches!(it, ' ' | '\t'));
    let value = start + name.len() + blanks;
    let is_flag = text[value..].starts_with('-');
    if blanks == 0 || is_flag || !names.contains(name) { None } else { value_at(text, value, false) }
}

/// `<password attributes>value<`. `start` is behind the bracket.
fn element_value(text: &str, start: usize, names: &SecretNames) -> Option<Range<usize>> {
    let rest = &text[start..];
    let name = &rest[..run(rest, |it| it.is_alphanumeric() || matches!(it, '-' | '_' | '.' | ':'))];
    if name.is_empty() || !names.contains(name) {
        return None;
    }
    let tag_end =
        name.len() + rest[name.len()..].find(['<', '>']).filter(|at| rest[name.len() + at..].starts_with('>'))?;
    if rest[..tag_end].ends_with('/') {
        return None;
    }
    let value = start + tag_end + 1;
    let length = run(&text[value..], |it| it != '<');
    (!text[value..value + length].trim().is_empty()).then_some(value..value + length)
}

/// The value that begins at `start`: in quotes (also escaped ones), to the end of the line, or one word.
fn value_at(text: &str, start: usize, whole_line: bool) -> Option<Range<usize>> {
    let rest = &text[start..];
    let backslashes = run(rest, |it| it == '\\');
    if rest[backslashes..].starts_with(['"', '\'', '`']) {
        let opening = &rest[..=backslashes];
        let inner = start + opening.len();
        return Some(inner..inner + quoted_len(&text[inner..], opening));
    }
    let length = if whole_line { line_len(rest) } else { word_len(rest) };
    Some(start..start + rest[..length].trim_end().len())
}

/// Bytes up to the closing quote, which is written like the opening one; without one, to the end of the line: the text
/// was cut.
fn quoted_len(text: &str, opening: &str) -> usize {
    let closes = |at: usize| !text[..at].ends_with('\\') || text[..at].ends_with("\\\\");
    let closing = text.match_indices(opening).map(|(at, _)| at).find(|at| closes(*at));
    closing.unwrap_or_else(|| run(text, |it| !matches!(it, '\n' | '\r')))
}

/// Bytes of a header value: to the end of the line, or to the quote that encloses the header. A quote behind `=` belongs
/// to the value, as in `Digest username="..."`.
fn line_len(text: &str) -> usize {
    let mut length = 0;
    loop {
        length += run(&text[length..], |it| !matches!(it, '\n' | '\r' | '"' | '\'' | '`'));
        let quote = text[length..].chars().next().filter(|it| !matches!(it, '\n' | '\r'));
        let Some(quote) = quote.filter(|_| text[..length].ends_with('=')) else { break };
        length += 1;
        length += run(&text[length..], |it| it != quote && !matches!(it, '\n' | '\r'));
        length += usize::from(text[length..].starts_with(quote));
    }
    // The backslash of an escaped quote belongs to the quote.
    text[..length].trim_end_matches('\\').len()
}

/// Bytes of a word. A comma, semicolon or ampersand ends it only where a new name, a space or the end follows; else it is
/// taken for a part of the password.
fn word_len(text: &str) -> usize {
    let piece_len = |from: usize| run(&text[from..], |it| !is_word_end(it) && !matches!(it, ',' | ';' | '&'));
    let mut length = piece_len(0);
    while text[length..].starts_with([',', ';', '&']) {
        let next = piece_len(length + 1);
        let piece = &text[length + 1..length + 1 + next];
        if piece.is_empty() || piece.contains(['=', ':']) {
            return length;
        }
        length += 1 + next;
    }
    let before_quote = text[length..].starts_with(['"', '\'']);
    if before_quote { text[..length].trim_end_matches('\\').len() } else { length }
}

fn is_word_end(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\'' | '`' | '<' | '>')
}

/// Bytes of the array or object that `text` begins with; all of it where it has no end.
fn balanced_len(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// Bytes at the start of `text` that hold only such characters.
fn run(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|character| !wanted(character)).unwrap_or(text.len())
}

fn at_most(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
