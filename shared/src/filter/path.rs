//! Paths: how a filter names a place in a call. `alerts[*].labels.severity`, `labels["app.kubernetes.io/name"]`, `$`,
//! `@header.X-GitHub-Event`, `@query.from`, `@source.ip`.
//!
//! A bare segment is made of `A-Z a-z 0-9 _ $ @ : / -`; any other key is written in quotes, `["..."]`, where `\"` and
//! `\\` stand for a quote and a backslash. There is no negative index and no recursion. A key that would read as one of
//! the special forms is quoted too: `["$"]`, `["@header"].x`.

use std::fmt;

use thiserror::Error;

/// Characters in a path, at most.
pub const PATH_CHARS_MAX: usize = 256;
/// Segments in a path, at most.
pub const SEGMENTS_MAX: usize = 16;

/// A parsed path. Printing it gives the canonical text, which parses to the same path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Path {
    /// `$`: the whole body as text.
    Text,
    /// `@header.<name>`; the name is kept in lower case, because header names have no case.
    Header(String),
    /// `@query.<name>`.
    Query(String),
    /// `@source.ip`: the sender's address.
    SourceIp,
    /// A place in the JSON body. Never empty.
    Json(Vec<Segment>),
}

/// One step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A member of an object.
    Key(String),
    /// An element of an array, from 0.
    Index(u32),
    /// `[*]`: the elements of an array; of an object it selects nothing.
    All,
}

/// A component of a correlation key: a path, and whether the value may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrPath {
    /// Where the value is; the first one selected counts.
    pub path: Path,
    /// Written as a `?` at the end: a missing value counts as empty.
    pub optional: bool,
}

/// A text is not a path. `offset` counts characters (not bytes) from 0, so that a caret can be put under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{fault}, at character {offset}")]
pub struct PathError {
    /// Where reading stopped, in characters from 0.
    pub offset: usize,
    /// Why.
    pub fault: PathFault,
}

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathFault {
    /// A character that only a quoted key may hold.
    #[error("only these bare characters are allowed: letters, digits and _ $ @ : / -; write other keys as [\"...\"]")]
    BadCharacter,
    /// No number, `*` or quoted key between the brackets; there is no negative index.
    #[error("after [ there must be a number, * or a key in double quotes, then ]")]
    BadIndex,
    /// Authorization, cookie or a token parameter.
    #[error("the value of this header or parameter is a credential and is never shown to filters")]
    Credential,
    /// `$` with something after it.
    #[error("$ is the whole body as text and stands alone; leave out \"$.\" to name a member")]
    DollarNotAlone,
    /// Nothing where a segment belongs.
    #[error("the path is empty or a segment is missing here")]
    EmptySegment,
    /// `@header` or `@query` without one proper name.
    #[error("there must be exactly one name after @header or @query, in characters that such a name may have")]
    HeaderOrQueryName,
    /// `@source` with anything but `.ip`.
    #[error("@source has only one member, write @source.ip")]
    Source,
    /// More than [`PATH_CHARS_MAX`] characters.
    #[error("a path may have at most {PATH_CHARS_MAX} characters")]
    TooLong,
    /// More than [`SEGMENTS_MAX`] segments.
    #[error("a path may have at most {SEGMENTS_MAX} segments")]
    TooManySegments,
    /// A `["` without its `"]`.
    #[error("the quoted key has no end; close it with \"]")]
    UnclosedQuote,
}

/// The text being read, one character at a time.
struct Reader {
    chars: Vec<char>,
    at: usize,
}

/// A segment as read, with what decides about special forms: where it began and whether it was bare.
struct Step {
    segment: Segment,
    offset: usize,
    bare: bool,
}

// === impl Path ===

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// The first fault with its offset in characters. Never panics, whatever the text.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text == "$" {
            return Ok(Self::Text);
        }
        let steps = read_steps(text)?;
        match bare_name(steps.first()) {
            Some("$") => Err(PathFault::DollarNotAlone.at(0)),
            Some("@header") => header(&steps),
            Some("@query") => query(&steps),
            Some("@source") => source(&steps),
            _ => Ok(Self::Json(steps.into_iter().map(|step| step.segment).collect())),
        }
    }

    /// The steps into the JSON body; empty for the other kinds of path.
    pub fn segments(&self) -> &[Segment] {
        match self {
            Self::Json(segments) => segments,
            _ => &[],
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("$"),
            Self::Header(name) => write_segment(f, "@header", name),
            Self::Query(name) => write_segment(f, "@query", name),
            Self::SourceIp => f.write_str("@source.ip"),
            Self::Json(segments) => write_segments(f, segments),
        }
    }
}

// === impl CorrPath ===

impl CorrPath {
    /// Reads a component of a correlation key: a path, then perhaps `?`.
    ///
    /// # Errors
    /// Those of [`Path::parse`].
    pub fn parse(text: &str) -> Result<Self, PathError> {
        // A bare segment cannot hold `?` and a quoted one ends in `]`, so a `?` at the end is always the mark.
        let optional = text.strip_suffix('?');
        let path = Path::parse(optional.unwrap_or(text))?;
        Ok(Self { path, optional: optional.is_some() })
    }
}

impl fmt::Display for CorrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.path, if self.optional { "?" } else { "" })
    }
}

// === impl PathFault ===

impl PathFault {
    fn at(self, offset: usize) -> PathError {
        PathError { offset, fault: self }
    }
}

// === impl Reader ===

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn bare_key(&mut self) -> Result<Segment, PathError> {
        let key = self.take_while(is_bare);
        match self.peek() {
            Some(c) if c != '.' && c != '[' => Err(PathFault::BadCharacter.at(self.at)),
            _ if key.is_empty() => Err(PathFault::EmptySegment.at(self.at)),
            _ => Ok(Segment::Key(key)),
        }
    }

    /// What stands between `[` and `]`; the `[` is already taken.
    fn bracket(&mut self) -> Result<Segment, PathError> {
        if self.take('"') {
            return self.quoted_key();
        }
        let start = self.at;
        let segment = if self.take('*') { Segment::All } else { self.index()? };
        if self.take(']') { Ok(segment) } else { Err(PathFault::BadIndex.at(start)) }
    }

    fn index(&mut self) -> Result<Segment, PathError> {
        let start = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit());
        let padded = digits.len() > 1 && digits.starts_with('0');
        digits.parse().ok().filter(|_| !padded).map(Segment::Index).ok_or_else(|| PathFault::BadIndex.at(start))
    }

    fn quoted_key(&mut self) -> Result<Segment, PathError> {
        let start = self.at - 1;
        let mut key = String::new();
        loop {
            let Some(c) = self.peek() else { return Err(PathFault::UnclosedQuote.at(start)) };
            self.at += 1;
            match (c, self.peek()) {
                ('"', _) => break,
                ('\\', Some(escaped @ ('"' | '\\'))) => {
                    key.push(escaped);
                    self.at += 1;
                }
                ('\\', _) => return Err(PathFault::BadCharacter.at(self.at - 1)),
                _ => key.push(c),
            }
        }
        if self.take(']') { Ok(Segment::Key(key)) } else { Err(PathFault::UnclosedQuote.at(self.at)) }
    }
}

/// True for a header or query parameter whose value filters never see: authorization, cookies, tokens and the like.
/// The test is by parts of the name, because every product calls its own token header differently.
pub fn is_credential_name(name: &str) -> bool {
    const PARTS: [&str; 7] = ["authorization", "cookie", "token", "secret", "password", "api-key", "apikey"];
    let name = name.to_ascii_lowercase().replace('_', "-");
    PARTS.iter().any(|part| name.contains(part))
}

fn read_steps(text: &str) -> Result<Vec<Step>, PathError> {
    let mut reader = Reader { chars: text.chars().take(PATH_CHARS_MAX + 1).collect(), at: 0 };
    if reader.chars.len() > PATH_CHARS_MAX {
        return Err(PathFault::TooLong.at(PATH_CHARS_MAX));
    }
    let mut steps = Vec::new();
    while steps.is_empty() || reader.peek().is_some() {
        let offset = reader.at;
        if steps.len() == SEGMENTS_MAX {
            return Err(PathFault::TooManySegments.at(offset));
        }
        steps.push(read_step(&mut reader, steps.is_empty(), offset)?);
    }
    Ok(steps)
}

fn read_step(reader: &mut Reader, first: bool, offset: usize) -> Result<Step, PathError> {
    if reader.take('[') {
        return Ok(Step { segment: reader.bracket()?, offset, bare: false });
    }
    // Only a quoted key or an index can stand directly before this; a bare key has already refused other characters.
    if !first && !reader.take('.') {
        return Err(PathFault::BadCharacter.at(offset));
    }
    Ok(Step { segment: reader.bare_key()?, offset, bare: true })
}

fn bare_name(step: Option<&Step>) -> Option<&str> {
    match step {
        Some(Step { segment: Segment::Key(key), bare: true, .. }) => Some(key),
        _ => None,
    }
}

/// The one name after `@header` or `@query`.
fn only_name(steps: &[Step]) -> Result<(&str, usize), PathError> {
    let name = match steps {
        [_, Step { segment: Segment::Key(name), offset, .. }] if !name.is_empty() => Some((name.as_str(), *offset)),
        _ => None,
    };
    let offset = steps.get(2).or_else(|| steps.get(1)).map_or(0, |step| step.offset);
    let (name, offset) = name.ok_or_else(|| PathFault::HeaderOrQueryName.at(offset))?;
    if is_credential_name(name) { Err(PathFault::Credential.at(offset)) } else { Ok((name, offset)) }
}

fn header(steps: &[Step]) -> Result<Path, PathError> {
    let (name, offset) = only_name(steps)?;
    let is_token = name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c));
    if is_token { Ok(Path::Header(name.to_ascii_lowercase())) } else { Err(PathFault::HeaderOrQueryName.at(offset)) }
}

fn query(steps: &[Step]) -> Result<Path, PathError> {
    only_name(steps).map(|(name, _)| Path::Query(name.to_owned()))
}

fn source(steps: &[Step]) -> Result<Path, PathError> {
    match steps {
        [_, Step { segment: Segment::Key(name), .. }] if name == "ip" => Ok(Path::SourceIp),
        _ => Err(PathFault::Source.at(steps.get(1).map_or(0, |step| step.offset))),
    }
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_$@:/-".contains(c)
}

fn write_segments(f: &mut fmt::Formatter<'_>, segments: &[Segment]) -> fmt::Result {
    for (place, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Index(index) => write!(f, "[{index}]")?,
            Segment::All => f.write_str("[*]")?,
            Segment::Key(key) if place == 0 && is_special(key) => write_quoted(f, key)?,
            Segment::Key(key) if place == 0 && can_be_bare(key) => f.write_str(key)?,
            Segment::Key(key) => write_segment(f, "", key)?,
        }
    }
    Ok(())
}

fn write_segment(f: &mut fmt::Formatter<'_>, before: &str, key: &str) -> fmt::Result {
    f.write_str(before)?;
    if can_be_bare(key) { write!(f, ".{key}") } else { write_quoted(f, key) }
}

fn write_quoted(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    write!(f, "[\"{}\"]", key.replace('\\', "\\\\").replace('"', "\\\""))
}

fn can_be_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_bare)
}

/// As the first segment, these mean something else when they are bare.
fn is_special(key: &str) -> bool {
    matches!(key, "$" | "@header" | "@query" | "@source")
}

#[cfg(test)]
mod tests;
