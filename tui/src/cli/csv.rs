//! Comma-separated values (RFC 4180), strict: what is not clear is an error with its line, never a guess.

/// A line of fields and where it began, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) line: usize,
    pub(super) fields: Vec<String>,
}

/// What is wrong with a file, and in which line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(super) struct CsvError {
    pub(super) line: usize,
    pub(super) what: &'static str,
}

/// Where in a field the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Bare,
    Quoted,
    /// Behind a quote within a quoted field: its end, or half of a doubled one.
    Quote,
}

#[derive(Default)]
struct Reader {
    records: Vec<Record>,
    fields: Vec<String>,
    field: String,
}

/// All records; lines without anything are left out. Takes LF and CRLF, and a byte order mark before the first line.
///
/// # Errors
/// A quote where none can stand, one without its end, a carriage return alone.
pub(super) fn read(text: &str) -> Result<Vec<Record>, CsvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::default();
    let (mut place, mut line, mut began) = (Place::Start, 1, 1);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let wrong = |what| CsvError { line, what };
        let ends_line = c == '\n' || (c == '\r' && characters.peek() == Some(&'\n'));
        place = match (place, c) {
            (Place::Quoted, '"') => Place::Quote,
            (Place::Quoted, _) => reader.push(c, Place::Quoted),
            (Place::Quote, '"') => reader.push(c, Place::Quoted),
            (Place::Start, '"') => Place::Quoted,
            (_, ',') => reader.end_field(),
            (_, '\n') => reader.end_record(began),
            // The line feed behind it ends the line.
            (place, '\r') if ends_line => place,
            (_, '\r') => return Err(wrong("a carriage return stands without a line feed")),
            (Place::Bare, '"') => return Err(wrong("a quote stands within a field that does not begin with one")),
            (Place::Quote, _) => return Err(wrong("something stands behind the closing quote")),
            (Place::Start | Place::Bare, _) => reader.push(c, Place::Bare),
        };
        if c == '\n' {
            line += 1;
            began = if place == Place::Start { line } else { began };
        }
    }
    if place == Place::Quoted {
        return Err(CsvError { line: began, what: "a quote has no end" });
    }
    reader.end_record(began);
    Ok(reader.records)
}

/// A line of fields, quoted where they need it.
pub(super) fn line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    fields.into_iter().map(quoted).collect::<Vec<_>>().join(",")
}

/// As [`line`], for a spreadsheet: what it would take for a formula begins with an apostrophe.
pub(super) fn safe_line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    fields.into_iter().map(|field| quoted(&defused(field))).collect::<Vec<_>>().join(",")
}

fn defused(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && field.len() > 1;
    if is_formula { format!("'{field}") } else { field.to_owned() }
}

fn quoted(field: &str) -> String {
    let needs =
        field.contains(['"', ',', '\n', '\r']) || field.starts_with(['\'', ' ', '\u{feff}']) || field.ends_with(' ');
    if needs { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

impl Reader {
    fn push(&mut self, c: char, place: Place) -> Place {
        self.field.push(c);
        place
    }

    fn end_field(&mut self) -> Place {
        self.fields.push(std::mem::take(&mut self.field));
        Place::Start
    }

    fn end_record(&mut self, line: usize) -> Place {
        self.end_field();
        let fields = std::mem::take(&mut self.fields);
        if fields != [""] {
            self.records.push(Record { line, fields });
        }
        Place::Start
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(text: &str) -> Vec<Vec<String>> {
        read(text).unwrap().into_iter().map(|record| record.fields).collect()
    }

    #[test]
    fn quotes_line_ends_and_the_byte_order_mark_are_read() {
        assert_eq!(fields("\u{feff}a,b\r\n1,\"x, \"\"y\"\"\"\r\n"), [["a", "b"], ["1", "x, \"y\""]]);
        assert_eq!(fields("a,\n,\"\""), [["a", ""], ["", ""]]);
        assert_eq!(fields("a,\"two\r\nlines\"\n"), [["a", "two\r\nlines"]]);
        assert!(fields("").is_empty() && fields("\r\n\n").is_empty());
    }

    #[test]
    fn a_record_knows_its_line_also_behind_a_field_of_several() {
        let lines: Vec<usize> = read("h\n\n\"a\nb\"\nc\n").unwrap().iter().map(|record| record.line).collect();
        assert_eq!(lines, [1, 3, 5]);
    }

    #[test]
    fn what_is_not_clear_is_an_error_with_its_line() {
        for (text, line) in [("a\nb\"c", 2), ("\"a\"b", 1), ("x\n\"a\n\n", 2), ("a\rb", 1), ("\"a\"\r", 1)] {
            assert_eq!(read(text).map_err(|error| error.line), Err(line), "{text:?}");
        }
    }

    #[test]
    fn a_spreadsheet_finds_no_formula() {
        let cells = ["=1+1", "+4", "-2", "@x", "\t=1", "plain", "-"];
        assert_eq!(safe_line(cells), "\"'=1+1\",\"'+4\",\"'-2\",\"'@x\",\"'\t=1\",plain,-");
        assert_eq!(line(cells), "=1+1,+4,-2,@x,\t=1,plain,-");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(cells in proptest::collection::vec(".*", 2..5)) {
            prop_assert_eq!(fields(&line(cells.iter().map(String::as_str))), [cells]);
        }

        #[test]
        fn any_text_can_be_read(text in "[a,\"\r\n]{0,20}") {
            let _whatever = read(&text).is_ok();
        }
    }
}
