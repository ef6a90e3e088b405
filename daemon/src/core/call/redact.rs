//! The view of a call that may be written, shown and cut into titles (domain.md §5): no token of ours, no value that is
//! named like a secret. Filters see the original; redaction comes before any truncation.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Call;
use super::decode::parse;
use super::form;
use super::redact_text;
use super::secret_names::{DEFAULT_NAMES, SecretNames};

/// Stands where a secret was.
pub const REDACTED: &str = "[redacted]";
/// Members that hold the name in a list of name and value pairs: variables of containers, tags of Zabbix.
const PAIR_NAMES: [&str; 5] = ["name", "key", "tag", "header", "variable"];
/// Members that hold the value in such a pair.
const PAIR_VALUES: [&str; 2] = ["value", "val"];

/// Makes redacted views. Built once; asking it twice changes nothing more.
#[derive(Clone)]
pub struct Redactor {
    names: SecretNames,
}

// === impl Redactor ===

impl Redactor {
    /// Takes the names of secret members; a leading `*` makes one an ending. See [`DEFAULT_NAMES`].
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { names: SecretNames::new(names) }
    }

    /// The redacted view of a call.
    ///
    /// The text of a JSON body stays byte for byte where nothing in it is secret; otherwise it is the compact form of the
    /// redacted value, so that text and value never tell two stories.
    pub fn redact(&self, call: &Call) -> Call {
        let mut json = call.json.clone();
        let json_changed = json.as_mut().is_some_and(|value| self.redact_value(value));
        // A wrapped event has members that are not in the body: the body's own value is asked then.
        let text = if call.headers.iter().any(|(name, _)| name == "ce-specversion") {
            let mut own = parse(&call.text).ok().flatten();
            let own_changed = own.as_mut().is_some_and(|value| self.redact_value(value));
            self.redact_body(&call.text, own.as_ref(), own_changed)
        } else if let Some(value) = json.as_ref().filter(|_| is_form(call)) {
            self.redact_form(&call.text, value, json_changed)
        } else {
            self.redact_body(&call.text, json.as_ref(), json_changed)
        };
        Call {
            headers: self.redact_pairs(&call.headers),
            query: self.redact_pairs(&call.query),
            source_ip: call.source_ip,
            text,
            json,
        }
    }

    /// Redacts a text in which names and values stand in any of the usual ways. Borrowed = nothing was secret.
    pub fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        redact_text::redacted(text, &self.names)
    }

    /// Redacts a JSON value in place: the values of secret members at any depth, whatever their type, and the text rules
    /// for every string and key. Says whether anything changed.
    pub fn redact_value(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => self.redact_string(text),
            Value::Array(elements) => {
                let mut changed = false;
                for element in elements {
                    changed |= self.redact_value(element);
                }
                changed
            }
            Value::Object(members) => self.redact_members(members),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// The text of a body whose value, already redacted, is `json`.
    fn redact_body(&self, text: &str, json: Option<&Value>, json_changed: bool) -> String {
        let redacted = self.redact_text(text);
        // A text may hold more than its value: of duplicate keys only the last one is in there.
        let text_changed = matches!(redacted, Cow::Owned(_));
        match json {
            Some(value) if json_changed || text_changed => value.to_string(),
            _ => redacted.into_owned(),
        }
    }

    /// The text of a form whose value, already redacted, is `json`. Percent-encoding hides names and values from the rules
    /// of running text, so the decoded fields are asked; also those that a later one of the same name has replaced.
    fn redact_form(&self, text: &str, json: &Value, json_changed: bool) -> String {
        let fields = form::fields(text);
        let secret = |(name, value): &(String, String)| {
            self.names.contains(name)
                || [name, value].iter().any(|text| matches!(self.redact_text(text), Cow::Owned(_)))
        };
        match self.redact_text(text) {
            Cow::Borrowed(text) if !json_changed && !fields.iter().any(secret) => text.to_owned(),
            _ => form::text_of(json, form::is_wrapped(&fields)),
        }
    }

    fn redact_string(&self, text: &mut String) -> bool {
        let Cow::Owned(redacted) = self.redact_text(text) else { return false };
        *text = redacted;
        true
    }

    fn redact_members(&self, members: &mut Map<String, Value>) -> bool {
        let mut changed = self.redact_keys(members);
        let is_secret_pair = self.is_secret_pair(members);
        for (name, value) in members.iter_mut() {
            let is_secret = self.names.contains(name) || (is_secret_pair && PAIR_VALUES.contains(&name.as_str()));
            changed |= if is_secret { replace(value) } else { self.redact_value(value) };
        }
        changed
    }

    /// A list entry such as `{"name": "DB_PASSWORD", "value": "..."}`.
    fn is_secret_pair(&self, members: &Map<String, Value>) -> bool {
        let named = PAIR_NAMES.iter().filter_map(|key| members.get(*key).and_then(Value::as_str));
        named.into_iter().any(|name| self.names.contains(name))
    }

    fn redact_keys(&self, members: &mut Map<String, Value>) -> bool {
        let secret_keys: Vec<String> =
            members.keys().filter(|key| matches!(self.redact_text(key), Cow::Owned(_))).cloned().collect();
        for key in &secret_keys {
            let Some(value) = members.remove(key) else { continue };
            let new_key = free_key(members, &self.redact_text(key));
            members.insert(new_key, value);
        }
        !secret_keys.is_empty()
    }

    fn redact_pairs(&self, pairs: &[(String, String)]) -> Vec<(String, String)> {
        let redact_pair = |(name, value): &(String, String)| {
            let value = if self.names.contains(name) { Cow::Borrowed(REDACTED) } else { self.redact_text(value) };
            (self.redact_text(name).into_owned(), value.into_owned())
        };
        pairs.iter().map(redact_pair).collect()
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new(DEFAULT_NAMES)
    }
}

/// A call whose value was read from the fields of a form: its text is no JSON.
fn is_form(call: &Call) -> bool {
    let declared = |(name, value): &(String, String)| {
        name == "content-type"
            && value.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
    };
    call.headers.iter().any(declared) && !matches!(parse(&call.text), Ok(Some(_)))
}

fn replace(value: &mut Value) -> bool {
    let changed = value.as_str() != Some(REDACTED);
    if changed {
        *value = Value::String(REDACTED.to_owned());
    }
    changed
}

/// Two keys may become the same one; neither value is dropped for that.
fn free_key(members: &Map<String, Value>, wanted: &str) -> String {
    if !members.contains_key(wanted) {
        return wanted.to_owned();
    }
    let mut numbered = (2..=members.len() + 2).map(|number| format!("{wanted} ({number})"));
    numbered.find(|key| !members.contains_key(key)).unwrap_or_else(|| wanted.to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const TOKEN: &str = "tg_s_01IYT0XLWR003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf_1BvyW3";
    /// Stands for the secret in the corpus.
    const SEED: &str = "hunter2XyZ99";

    fn call(body: &str) -> Call {
        Call {
            headers: Vec::new(),
            query: Vec::new(),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            text: body.to_owned(),
            json: parse(body).ok().flatten(),
        }
    }

    fn redacted(call: &Call) -> Call {
        Redactor::default().redact(call)
    }

    /// Everything of a call in one text.
    fn whole(call: &Call) -> String {
        format!("{:?} {:?} {} {:?}", call.headers, call.query, call.text, call.json)
    }

    fn check_text(text: &str, expected: &str) {
        assert_eq!(Redactor::default().redact_text(text), expected, "{text}");
    }

    #[test]
    fn secret_members_are_redacted_at_any_depth_whatever_their_type() {
        let mut value =
            json!({"a": [{"Db-Password": "x", "token": 5, "secret": {"k": ["v"]}, "apiKey": null, "b": 1}]});
        assert!(Redactor::default().redact_value(&mut value));
        let expected = json!({"a": [{
            "Db-Password": REDACTED, "token": REDACTED, "secret": REDACTED, "apiKey": REDACTED, "b": 1
        }]});
        assert_eq!(value, expected);
        assert!(!Redactor::default().redact_value(&mut value));
    }

    #[test]
    fn a_body_without_secrets_stays_byte_for_byte() {
        for body in [
            " {\"b\": 1.0,\n \"a\": \"Disk full on db1:9100, tokens_used=5\"} ",
            "{\"author\": \"x\", \"signature\": \"ET MALWARE\", \"groupKey\": \"{}:{alertname=\\\"DiskFull\\\"}\"}",
            "CRITICAL - socket timeout after 10 seconds: http://am:9093/#/alerts?silence=1",
            "host = web01, state: DOWN, see tg_s_7QmX0c2LrT...",
            "the bearer token expired; basic authentication failed; --verbose on",
            "https://host:8080/a@b mail root@example.com <b>bold</b> a-b --x --",
        ] {
            let original = call(body);
            let view = redacted(&original);
            assert!(view == original, "{}", view.text);
        }
    }

    #[test]
    fn a_body_with_a_secret_becomes_the_compact_redacted_value() {
        let view = redacted(&call("{ \"b\": 1.0, \"a\": 1, \"password\": \"x\" }"));
        assert_eq!(view.text, "{\"a\":1,\"b\":1.0,\"password\":\"[redacted]\"}");
        assert_eq!(view.json.map(|json| json.to_string()), Some(view.text));
    }

    #[test]
    fn a_secret_under_a_key_that_was_overwritten_is_gone_too() {
        let view = redacted(&call(&format!("{{\"note\":\"{TOKEN}\",\"note\":\"fine\"}}")));
        assert_eq!(view.text, "{\"note\":\"fine\"}");
    }

    #[test]
    fn a_token_is_redacted_in_every_place() {
        let mut original = call(&format!("{{\"k{TOKEN}\": [\"a {TOKEN} b\"], \"k[redacted]\": 1}}"));
        original.headers = vec![("x-note".to_owned(), TOKEN.to_owned())];
        original.query = vec![("q".to_owned(), format!("1{TOKEN}")), (TOKEN.to_owned(), String::new())];
        let view = redacted(&original);
        assert!(!whole(&view).contains("01IYT0XLWR"), "{}", whole(&view));
        // Both members are still there.
        assert_eq!(view.json, Some(json!({"k[redacted]": 1, "k[redacted] (2)": ["a [redacted] b"]})));
        assert_eq!(redacted(&call(&format!("x={TOKEN}."))).text, "x=[redacted].");
    }

    #[test]
    fn secret_headers_and_parameters_are_redacted_by_name() {
        let mut original = call("x");
        let pair = |name: &str| (name.to_owned(), "abc".to_owned());
        original.headers = vec![pair("x-api-key"), pair("user-agent")];
        original.query = vec![pair("routing_key"), pair("from")];
        let view = redacted(&original);
        assert_eq!((view.headers[0].1.as_str(), view.headers[1].1.as_str()), (REDACTED, "abc"));
        assert_eq!((view.query[0].1.as_str(), view.query[1].1.as_str()), (REDACTED, "abc"));
    }

    #[test]
    fn a_wrapped_event_keeps_its_own_body_text() {
        let mut event = call("{\"level\": 4}");
        event.headers = vec![("ce-specversion".to_owned(), "1.0".to_owned())];
        event.json = Some(json!({"specversion": "1.0", "note": TOKEN, "data": {"level": 4}}));
        let view = redacted(&event);
        assert_eq!(view.text, "{\"level\": 4}");
        assert_eq!(view.json, Some(json!({"specversion": "1.0", "note": REDACTED, "data": {"level": 4}})));
    }

    #[test]
    fn the_fields_of_a_form_are_redacted_also_where_they_are_encoded() {
        let form = |text: &str| Call {
            headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
            json: form::value(text),
            ..call(text)
        };
        for (text, expected) in [
            ("state=down&host=db%201", "state=down&host=db%201"),
            ("p%61ssword=abc&b=c+d", "b=c%20d&password=%5Bredacted%5D"),
            ("token=abc&token=def", "token=%5Bredacted%5D"),
            ("a=password%3Dabc&a=fine", "a=fine"),
            ("payload=%7B%22password%22%3A%22abc%22%7D", "payload=%7B%22password%22%3A%22[redacted]%22%7D"),
            ("payload=%7B%22a%22%3A1%7D", "payload=%7B%22a%22%3A1%7D"),
        ] {
            let view = redacted(&form(text));
            assert_eq!(
                view.text.replace("%5B", "[").replace("%5D", "]"),
                expected.replace("%5B", "[").replace("%5D", "]")
            );
            assert!(!whole(&view).contains("abc"), "{}", whole(&view));
            assert!(redacted(&view) == view, "redacting twice changes nothing more: {text}");
        }
    }

    #[test]
    fn the_original_is_untouched() {
        let original = call("{\"password\":\"x\"}");
        let before = original.clone();
        assert!(redacted(&original) != before);
        assert!(original == before);
    }

    #[test]
    fn configured_names_are_used() {
        let redactor = Redactor::new(["kennwort"]);
        assert_eq!(redactor.redact_text("kennwort=abc password=abc"), "kennwort=[redacted] password=abc");
    }

    #[test]
    fn values_in_running_text_end_where_they_should() {
        check_text("password=abc, host=web01", "password=[redacted], host=web01");
        check_text("password=abc,host=web01", "password=[redacted],host=web01");
        check_text("password=a,b;c host=web01", "password=[redacted] host=web01");
        check_text("Server=x;Password=abc;Timeout=5", "Server=x;Password=[redacted];Timeout=5");
        check_text("https://h/p?token=abc&x=1", "https://h/p?token=[redacted]&x=1");
        check_text("password: \"a b\" end", "password: \"[redacted]\" end");
        check_text("{\\\"token\\\":\\\"a b\\\",\\\"n\\\":1}", "{\\\"token\\\":\\\"[redacted]\\\",\\\"n\\\":1}");
        check_text("curl -H 'Authorization: Bearer abc' url", "curl -H 'Authorization: [redacted]' url");
        check_text("Cookie: a=b; c=\"d\"\nHost: x", "Cookie: [redacted]\nHost: x");
        check_text("mysql --password abc --host x", "mysql --password [redacted] --host x");
        check_text("mysql --password=abc --host x", "mysql --password=[redacted] --host x");
        check_text("postgres://app:abc@db:5432/x", "postgres://app:[redacted]@db:5432/x");
        check_text("amqp://u:p/q@r@mq/v", "amqp://u:[redacted]@mq/v");
        check_text("<Password a='1'>abc</Password>", "<Password a='1'>[redacted]</Password>");
        check_text("Bearer abc, GenieKey 1-2", "Bearer [redacted], GenieKey [redacted]");
        check_text("Basic dXNlcjphYmM= x", "Basic [redacted] x");
        check_text("\"token\": [\"a\", \"b\"], \"x\": 1", "\"token\": [redacted], \"x\": 1");
        check_text("{\"password\":\"abc", "{\"password\":\"[redacted]");
        check_text("password= next", "password= [redacted]");
        check_text("password=", "password=");
        check_text("password=\"\"", "password=\"\"");
    }

    /// Where a secret may stand; `@` is the secret.
    const CORPUS: &[&str] = &[
        // Members of JSON.
        "{'password':'@'}",
        "{'PASSWORD':'@'}",
        "{'db_password':'@'}",
        "{'dbPassword':'@'}",
        "{'db-password':'@'}",
        "{'passwd':'@'}",
        "{'passphrase':'@'}",
        "{'secret':'@'}",
        "{'client_secret':'@'}",
        "{'clientSecret':'@'}",
        "{'token':'@'}",
        "{'access_token':'@'}",
        "{'refresh_token':'@'}",
        "{'id-token':'@'}",
        "{'api_key':'@'}",
        "{'apikey':'@'}",
        "{'api-key':'@'}",
        "{'X-Api-Key':'@'}",
        "{'routing_key':'@'}",
        "{'integration_key':'@'}",
        "{'service_key':'@'}",
        "{'authorization':'Bearer @'}",
        "{'auth':'@'}",
        "{'cookie':'sid=@'}",
        "{'credentials':{'user':'a','key':'@'}}",
        "{'credential':['@']}",
        "{'private_key':'@'}",
        "{'access_key':'@'}",
        "{'aws_secret_access_key':'@'}",
        "{'session_id':'@'}",
        "{'jwt':'@'}",
        "{'connectionString':'Server=x;Pwd=@'}",
        "{'a':[[{'b':{'secret':{'c':'@'}}}]]}",
        "{'env':[{'name':'DB_PASSWORD','value':'@'}]}",
        "[{'tag':'password','value':'@'}]",
        "{'token':['a','@']}",
        "{'secrets':{'x':'@'}}",
        // Text inside a string of JSON.
        "{'message':'login with password=@ failed'}",
        "{'message':'Authorization: Bearer @'}",
        "{'event_tags_json':'[{\\'password\\':\\'@\\'}]'}",
        "{'url':'https://user:@@example.com/x'}",
        "{'cmd':'curl -H \\'Authorization: Token @\\' x'}",
        "{'url':'https://x/?a=1&token=@&b=2'}",
        // Broken JSON.
        "{'password':'@'",
        "{'password': '@', oops}",
        "{'password' : '@',}",
        "{'a':1,'token':'@",
        "{'secret':\n  '@', x}",
        "{'token':['x','@'",
        "{'password':@}",
        // Running text.
        "password=@",
        "password = @",
        "password: @",
        "password:@",
        "password => @",
        "password := @",
        "Password=\"a @ b\"",
        "password='@'",
        "PGPASSWORD=@ psql",
        "export API_KEY=@",
        "spring.datasource.password=@",
        "api-key: @",
        "Authorization: Bearer @",
        "authorization: Basic @",
        "Authorization: Digest username=\"x\", response=\"@\"",
        "Proxy-Authorization: @",
        "Cookie: a=b; sid=@",
        "Set-Cookie: sid=@; Path=/",
        "X-Auth-Token: @",
        "sent Bearer @ to x",
        "GenieKey @",
        "mysql --password @ -h x",
        "tool --api-key=@",
        "tool --token '@'",
        "postgres://app:@@db:5432/x",
        "redis://:@@cache",
        "https://user:a/@@host/x",
        "amqp://user:a@@@host",
        "jdbc:x://h/d?user=a&password=@",
        "Server=x;Pwd=@;Timeout=5",
        "token=@&x=1",
        "x=1&access_token=@",
        "<password>@</password>",
        "<ns:secret type='x'>@</ns:secret>",
        "<Token>\n @ \n</Token>",
        "-----BEGIN RSA PRIVATE KEY-----\n@\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nab@",
        "password=a,b,@",
        "secret='@",
        "\u{e9}password=@",
        "kennwort_token:\t@",
        "[password=@]",
        "(token: @)",
    ];

    #[test]
    fn no_secret_of_the_corpus_survives() {
        assert!(CORPUS.len() >= 60);
        for template in CORPUS {
            let body =
                if template.starts_with(['{', '[']) { template.replace('\'', "\"") } else { (*template).to_owned() };
            let body = seeded(&body);
            let once = redacted(&call(&body));
            assert!(!whole(&once).contains(SEED), "{body} became {}", whole(&once));
            assert!(whole(&once).contains(REDACTED), "{body} became {}", whole(&once));
            assert!(redacted(&once) == once, "{body}: {} is not final", once.text);
        }
    }

    /// The last `@` but for those of a URL's host is the secret.
    fn seeded(template: &str) -> String {
        match template.split_once("@@") {
            Some((before, after)) if after.starts_with('@') => format!("{before}@{SEED}{after}"),
            Some((before, after)) => format!("{before}{SEED}@{after}"),
            None => template.replace('@', SEED),
        }
    }

    #[test]
    fn hostile_texts_cost_little() {
        for piece in [
            "authorization:",
            "token=",
            "token=a&",
            "://a:b",
            "a--",
            "--a",
            "<token",
            "\"token\":[",
            "tg_s_",
            "\\\"",
            "bearer ",
            "-----BEGIN PRIVATE KEY-----",
            "token:\"",
            "cookie:a=\"",
        ] {
            let body = piece.repeat(512 * 1_024 / piece.len());
            let once = Redactor::default().redact_text(&body).into_owned();
            assert_eq!(Redactor::default().redact_text(&once), once);
        }
    }

    fn soup() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "password",
            "token",
            "authorization",
            "cookie",
            "secret",
            "a",
            "b1",
            "=",
            ":",
            " ",
            "\"",
            "'",
            "\\",
            "://",
            "@",
            "/",
            ",",
            ";",
            "&",
            "\n",
            "<",
            ">",
            "--",
            "{",
            "}",
            "[",
            "]",
            "[redacted]",
            "Bearer ",
            "Basic ",
            "\u{e9}",
            "-----BEGIN PRIVATE KEY-----",
            "-----END",
            TOKEN,
            "tg_s_",
            "\t",
        ]);
        prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn redacting_twice_changes_nothing_more(text in soup()) {
            let once = Redactor::default().redact_text(&text).into_owned();
            let twice = Redactor::default().redact_text(&once).into_owned();
            prop_assert_eq!(&once, &twice);
            prop_assert!(!once.contains("01IYT0XLWR003aUlTJC7"));
        }

        #[test]
        fn redacting_a_call_twice_changes_nothing_more(name in soup(), value in soup(), other in soup()) {
            let body = json!({name: [value.clone()], "x": {other: value}}).to_string();
            let once = redacted(&call(&body));
            let twice = redacted(&once);
            prop_assert_eq!(&once.text, &twice.text);
            prop_assert!(once == twice);
        }
    }
}
