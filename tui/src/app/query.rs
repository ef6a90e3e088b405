//! The filter line of the API log: `token:zabbix-prod outcome:no_match status:4xx`, evaluated by the daemon.

use tollgate_shared::outcome::Outcome;

use super::words;

/// Which rows of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    pub token: Option<String>,
    pub outcome: Option<Outcome>,
    pub status: Option<String>,
}

impl LogFilter {
    /// Reads a filter line.
    ///
    /// # Errors
    /// A sentence that names the word and what would be right.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut filter = Self::default();
        for word in split(line)? {
            match word.split_once(':') {
                Some(("token", value)) if !value.is_empty() => filter.token = Some(value.to_owned()),
                Some(("outcome", value)) => {
                    filter.outcome = Some(value.parse().map_err(|error| format!("{error}"))?);
                }
                Some(("status", value)) if is_status(value) => filter.status = Some(value.to_owned()),
                Some(("status", value)) => return Err(format!("`{value}` is no status; write 404 or 4xx")),
                _ => return Err(format!("`{word}` is no filter; write token:NAME outcome:no_match status:4xx")),
            }
        }
        Ok(filter)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The line that [`LogFilter::parse`] reads.
    #[must_use]
    pub fn line(&self) -> String {
        let token = self.token.as_ref().map(|token| format!("token:{}", quoted(token)));
        let outcome = self.outcome.map(|outcome| format!("outcome:{outcome}"));
        let status = self.status.as_ref().map(|status| format!("status:{status}"));
        [token, outcome, status].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The same as options of `tollgate log`.
    #[must_use]
    pub fn options(&self) -> String {
        let token = self.token.as_ref().map(|token| format!(" --token {}", words::shell(token)));
        let outcome = self.outcome.map(|outcome| format!(" --outcome {outcome}"));
        let status = self.status.as_ref().map(|status| format!(" --status {status}"));
        [token, outcome, status].into_iter().flatten().collect()
    }
}

fn is_status(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() == 3
        && matches!(bytes[0], b'1'..=b'5')
        && (bytes[1..].iter().all(u8::is_ascii_digit) || &bytes[1..] == b"xx")
}

fn quoted(text: &str) -> String {
    if text.contains(char::is_whitespace) { format!("\"{text}\"") } else { text.to_owned() }
}

/// Words at spaces; double quotes keep a space inside a word.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut inside = false;
    for c in line.chars() {
        match c {
            '"' => inside = !inside,
            c if c.is_whitespace() && !inside => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    if inside {
        return Err("a quote is open".to_owned());
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_what_it_wrote() {
        let line = "token:\"a b\" outcome:no_match status:4xx";
        let filter = LogFilter::parse(line).unwrap();
        assert_eq!(filter.line(), line);
        assert_eq!(filter.options(), " --token 'a b' --outcome no_match --status 4xx");
        assert_eq!(LogFilter::parse("  "), Ok(LogFilter::default()));
    }

    #[test]
    fn a_wrong_word_is_named_with_the_right_form() {
        for (line, part) in
            [("foo", "foo"), ("status:9xx", "404 or 4xx"), ("outcome:good", "no_match"), ("\"a", "quote")]
        {
            let error = LogFilter::parse(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
