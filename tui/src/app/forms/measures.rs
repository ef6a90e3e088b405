//! What is set on a token for a time: a limit, a blocked address (operator.md, job 7).

use tollgate_shared::api::{SourceView, TokenPatch, TokenView};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::RateLimit;

use super::super::msg::Call;
use super::super::{tokens, words};
use super::check::{Wrong, addresses};
use super::settings::{options_of, rate_text};
use super::token::rate;
use super::{Form, FormField, FormKind};

/// The token that something is set on, as it was when the form was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    pub token: String,
    pub name: String,
    pub version: u64,
}

impl Measured {
    fn of(token: &TokenView) -> Self {
        Self { token: token.id.to_string(), name: token.name.clone(), version: token.version }
    }
}

impl Form {
    /// A limit, for a time or until it is changed.
    #[must_use]
    pub fn limit(token: &TokenView, now: Timestamp) -> Self {
        let was = token.limit_at(now).map(rate_text).unwrap_or_default();
        let calls = match tokens::calls_words(token, now).as_str() {
            "-" => "no calls".to_owned(),
            calls => calls.to_owned(),
        };
        let hint = format!("600/min or 600/min:1000; now {calls}. What is above is refused: 429");
        let mut spans = spans();
        spans.push(("until it is changed".to_owned(), String::new()));
        let fields = vec![FormField::text("limit", &was, &hint), FormField::choice("for", spans, 1, &ends(token, now))];
        Self::new(FormKind::Limit(Measured::of(token)), fields)
    }

    /// Addresses whose calls are refused for a time, or one that is taken again. `marked`: the one to begin with.
    #[must_use]
    pub fn block(token: &TokenView, sources: &[SourceView], marked: Option<&str>, now: Timestamp) -> Self {
        let mut hosts = vec![("as typed below".to_owned(), String::new())];
        hosts.extend(sources.iter().map(|row| (host(row, now), row.net.clone())));
        let at = hosts.iter().position(|(_, net)| Some(net.as_str()) == marked).unwrap_or(0);
        let mut fields = vec![
            FormField::choice("host", hosts, at, "Left Right, or type to find"),
            FormField::text("address", "", "or addresses and networks, separated by spaces"),
            FormField::choice("for", spans(), 1, "calls from there get 403 ip-blocked until then"),
        ];
        if !token.blocked.is_empty() {
            let mut blocked = vec![("none".to_owned(), String::new())];
            blocked.extend(
                token
                    .blocked
                    .iter()
                    .map(|one| (format!("{} until {}", one.net, words::minute(one.until)), one.net.clone())),
            );
            fields.push(FormField::choice("end of", blocked, 0, "a block that ends now"));
        }
        Self::new(FormKind::Block(Measured::of(token)), fields)
    }

    pub(super) fn measures_call(&self, of: &Measured) -> Result<Call, String> {
        let patch = Box::new(self.measures_patch()?);
        Ok(Call::EditToken { token: of.token.clone(), patch, version: of.version, debug: None })
    }

    pub(super) fn measures_cli(&self, of: &Measured) -> String {
        let options = self.measures_patch().map(|patch| options_of(&patch)).unwrap_or_default();
        format!("tollgate token edit {}{options}", of.token)
    }

    /// What is wrong with what is typed so far.
    pub(super) fn measures_complaint(&self) -> Option<Wrong> {
        match self.kind {
            FormKind::Limit(_) => rate(&self.line("limit")).err().map(|words| Wrong::new("limit", words)),
            _ => addresses("address", &self.words("address")).map(|words| Wrong::new("address", words)),
        }
    }

    /// Each field is right, but not all of them together.
    pub(super) fn measures_unfit(&self) -> Option<Wrong> {
        let ends = self.pick("end of").is_some_and(|net| !net.is_empty());
        let label = match self.kind {
            FormKind::Limit(_) => "limit",
            _ if ends => "end of",
            _ => "host",
        };
        self.measures_patch().err().map(|words| Wrong::new(label, words))
    }

    fn measures_patch(&self) -> Result<TokenPatch, String> {
        let for_secs = self.pick("for").and_then(|secs| secs.parse().ok());
        match self.kind {
            FormKind::Limit(_) => self.limit_patch(for_secs),
            _ => self.block_patch(for_secs),
        }
    }

    fn limit_patch(&self, for_secs: Option<u32>) -> Result<TokenPatch, String> {
        let limit = rate(&self.line("limit"))?;
        if limit.is_none() && for_secs.is_some() {
            return Err("write the limit, such as 600/min; none at all is until it is changed".to_owned());
        }
        let none = RateLimit { calls_per_min: 0, burst: 0 };
        Ok(TokenPatch { rate_limit: Some(limit.unwrap_or(none)), for_secs, ..TokenPatch::default() })
    }

    fn block_patch(&self, for_secs: Option<u32>) -> Result<TokenPatch, String> {
        let mut block = self.words("address");
        block.extend(self.pick("host").filter(|net| !net.is_empty()).map(str::to_owned));
        match (block.is_empty(), self.pick("end of").filter(|net| !net.is_empty())) {
            (true, None) => Err("choose a host or write an address".to_owned()),
            (false, Some(_)) => Err("one thing at a time: a new block, or the end of one".to_owned()),
            (true, Some(net)) => Ok(TokenPatch { unblock_ips: Some(vec![net.to_owned()]), ..TokenPatch::default() }),
            (false, None) => Ok(TokenPatch { block_ips: Some(block), for_secs, ..TokenPatch::default() }),
        }
    }
}

fn spans() -> Vec<(String, String)> {
    let all = [
        ("15 min", "900"),
        ("1 hour", "3600"),
        ("4 hours", "14400"),
        ("12 hours", "43200"),
        ("1 day", "86400"),
        ("7 days", "604800"),
    ];
    all.map(|(label, value)| (label.to_owned(), value.to_owned())).into()
}

/// What is in force now, and what will be afterwards.
fn ends(token: &TokenView, now: Timestamp) -> String {
    let lasting = token.rate_limit.map_or_else(|| "none".to_owned(), rate_text);
    match token.limited_for.filter(|one| now < one.until) {
        Some(one) => format!("{} runs until {}, then {lasting}", rate_text(one.limit), words::minute(one.until)),
        None => format!("afterwards {lasting} again, by itself"),
    }
}

fn host(row: &SourceView, now: Timestamp) -> String {
    let last = words::age(now.secs_since(row.last));
    format!("{}, {} taken, {} refused, last {last} ago", row.net, words::group(row.calls), words::group(row.refused))
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::{now, token};
    use super::super::super::key::{Code, Key};
    use super::super::Value;
    use super::*;

    fn typed(form: &mut Form, label: &str, text: &str) {
        form.focus = form.fields.iter().position(|field| field.label == label).unwrap();
        text.chars().for_each(|letter| assert!(form.key(Key::char(letter)), "{letter}"));
    }

    fn choose(form: &mut Form, label: &str, value: &str) {
        let Some(Value::Choice(choice)) = form.field(label).map(|field| &mut field.value) else { panic!("{label}") };
        choice.at = choice.options.iter().position(|(_, own)| own == value).unwrap();
    }

    fn patch(form: &Form) -> TokenPatch {
        let Ok(Call::EditToken { patch, .. }) = form.submit() else { panic!("{:?}", form.submit()) };
        *patch
    }

    #[test]
    fn a_limit_ends_after_an_hour_unless_another_time_is_chosen() {
        let mut form = Form::limit(&token(1, "busy"), now());
        assert!(form.submit().unwrap_err().contains("write the limit"));
        typed(&mut form, "limit", "60/min:10");
        let made = patch(&form);
        assert_eq!((made.rate_limit, made.for_secs), (Some(RateLimit { calls_per_min: 60, burst: 10 }), Some(3_600)));
        assert!(form.cli().ends_with("--rate 60/min:10 --for 3600s"), "{}", form.cli());
        choose(&mut form, "for", "");
        assert_eq!(patch(&form).for_secs, None);
    }

    #[test]
    fn no_limit_at_all_is_until_it_is_changed() {
        let mut form = Form::limit(&token(1, "busy"), now());
        choose(&mut form, "for", "");
        assert_eq!(patch(&form).rate_limit, Some(RateLimit { calls_per_min: 0, burst: 0 }));
        assert!(form.cli().ends_with(" --no-rate"), "{}", form.cli());
        typed(&mut form, "limit", "60/h");
        assert!(form.complaint().unwrap().contains("600/min"));
    }

    #[test]
    fn a_host_is_chosen_or_an_address_is_typed_and_one_that_is_blocked_is_let_in_again() {
        let row = SourceView {
            net: "10.9.9.9".into(),
            merged: false,
            secret: "new".into(),
            first: now(),
            last: now(),
            calls: 7,
            refused: 0,
        };
        let mut busy = token(1, "busy");
        busy.blocked = vec![tollgate_shared::api::BlockView { net: "10.8.0.0/16".into(), until: now().plus_secs(60) }];
        let fresh = || Form::block(&busy, std::slice::from_ref(&row), None, now());
        let mut form = fresh();
        assert!(form.submit().unwrap_err().contains("choose a host"));
        form.focus = 0;
        form.key(Key::plain(Code::Right));
        typed(&mut form, "address", "10.9.9.0/24");
        assert_eq!(patch(&form).block_ips.unwrap(), ["10.9.9.0/24", "10.9.9.9"]);
        assert!(form.cli().ends_with("--block-ip 10.9.9.0/24 --block-ip 10.9.9.9 --for 3600s"), "{}", form.cli());
        choose(&mut form, "end of", "10.8.0.0/16");
        assert!(form.submit().unwrap_err().contains("one thing at a time"));
        let mut form = fresh();
        choose(&mut form, "end of", "10.8.0.0/16");
        assert_eq!(patch(&form).unblock_ips.unwrap(), ["10.8.0.0/16"]);
        assert!(form.cli().ends_with("--unblock-ip 10.8.0.0/16"), "{}", form.cli());
        typed(&mut form, "address", "10.9.9");
        assert!(form.complaint().is_some());
    }
}
