//! Queries for tokens as people write them: `state:expired team:Ops zabbix`.

use tollgate_shared::token::TokenState;

use crate::cli::exit::CliError;
use crate::client::TokenQuery;

/// The keys that take a value, and the words that stand alone.
const KEYS: &str = "state, scope, team, owner, created_by, expires, unused, never_used, no_expiry, no_allowlist, \
                    query_token, debug";

const STATES: [TokenState; 5] =
    [TokenState::Active, TokenState::Expired, TokenState::Suspended, TokenState::NotYetValid, TokenState::Revoked];

/// Reads a query. Words without a key are looked for in name, id and creator.
///
/// # Errors
/// An unknown key, a value that is none, a quote without its end: a wrong command line, named with what is known.
pub(in crate::cli) fn parse(text: &str) -> Result<TokenQuery, CliError> {
    let mut query = TokenQuery::default();
    let mut free = Vec::new();
    for word in words(text)? {
        match word.split_once(':') {
            Some((key, value)) => set(&mut query, key, value)?,
            None if set_flag(&mut query, &word) => {}
            None => free.push(word),
        }
    }
    query.text = (!free.is_empty()).then(|| free.join(" "));
    Ok(query)
}

fn set(query: &mut TokenQuery, key: &str, value: &str) -> Result<(), CliError> {
    let text = || Some(value.to_owned());
    match key {
        "state" => query.state = Some(state(value)?),
        "scope" => query.scope = text(),
        "team" => query.team = text(),
        "owner" => query.owner = text(),
        "created_by" => query.created_by = text(),
        "expires" => query.expires_within_secs = Some(secs(key, value, '<')?),
        "unused" => query.unused_secs = Some(secs(key, value, '>')?),
        flag if value == "true" && set_flag(query, flag) => {}
        _ => return Err(CliError::usage(format!("a query has no `{key}:{value}`"), format!("it knows: {KEYS}"))),
    }
    Ok(())
}

fn set_flag(query: &mut TokenQuery, word: &str) -> bool {
    let flag = match word {
        "never_used" => &mut query.never_used,
        "no_expiry" => &mut query.no_expiry,
        "no_allowlist" => &mut query.no_allowlist,
        "query_token" => &mut query.uses_query_token,
        "debug" => &mut query.debug,
        _ => return false,
    };
    *flag = true;
    true
}

fn state(value: &str) -> Result<String, CliError> {
    let known = STATES.map(TokenState::as_str);
    match known.contains(&value) {
        true => Ok(value.to_owned()),
        false => Err(CliError::usage(format!("`{value}` is no state"), format!("one of: {}", known.join(", ")))),
    }
}

/// `<14d`, or `14d` alone.
fn secs(key: &str, value: &str, sign: char) -> Result<u64, CliError> {
    let duration = humantime::parse_duration(value.strip_prefix(sign).unwrap_or(value));
    duration.map(|duration| duration.as_secs()).map_err(|_| {
        CliError::usage(format!("`{key}:{value}` has no duration"), format!("write it as {key}:{sign}14d"))
    })
}

/// Splits at white space outside of double quotes; the quotes go.
fn words(text: &str) -> Result<Vec<String>, CliError> {
    let (mut words, mut word, mut is_quoted, mut has_word) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => (is_quoted, has_word) = (!is_quoted, true),
            c if c.is_whitespace() && !is_quoted => {
                if has_word {
                    words.push(std::mem::take(&mut word));
                }
                has_word = false;
            }
            c => {
                word.push(c);
                has_word = true;
            }
        }
    }
    if is_quoted {
        return Err(CliError::usage("the query has a quote without its end", "close it, or leave both out"));
    }
    words.extend(has_word.then_some(word));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Exit;

    #[test]
    fn words_with_a_key_become_parameters_and_the_rest_is_text() {
        let query = parse(r#"state:expired expires:<14d unused:>90d never_used created_by:"uid 1000" zabbix prod"#);
        let query = query.unwrap();
        assert_eq!(query.state.as_deref(), Some("expired"));
        assert_eq!((query.expires_within_secs, query.unused_secs), (Some(14 * 86_400), Some(90 * 86_400)));
        assert_eq!((query.created_by.as_deref(), query.text.as_deref()), (Some("uid 1000"), Some("zabbix prod")));
        assert!(query.never_used && !query.debug);
        assert_eq!(parse("scope:team:Ops debug:true").unwrap().scope.as_deref(), Some("team:Ops"));
        assert!(parse("  ").unwrap().is_everything());
    }

    #[test]
    fn an_unknown_key_names_the_known_ones() {
        for text in ["stat:expired", "state:dead", "expires:soon", "debug:false", "owner:\"a"] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.exit(), Exit::Usage, "{text}");
        }
        assert!(parse("stat:x").unwrap_err().lines()[1].contains("created_by, expires, unused"));
    }
}
