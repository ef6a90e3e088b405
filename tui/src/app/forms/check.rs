//! What is wrong with a form, said while it is typed; and what cannot be chosen, with the reason.

use std::net::IpAddr;

use ipnet::IpNet;
use tollgate_shared::filter::Path;
use tollgate_shared::limits::{ALLOWED_IPS_MAX, DEDUP_IGNORE_MAX, DESCRIPTION_CHARS_MAX};
use tollgate_shared::name::Name;
use tollgate_shared::token::Permission;

use super::super::rights::Me;
use super::token::{date, is_moment, rate};
use super::{Form, FormKind, Value};

impl Form {
    /// What is wrong with what has been typed so far. What is only missing is said when the button is pressed.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let name = self.text("name").filter(|name| !name.is_empty());
        let name = name.and_then(|name| Name::new(&name).err()).map(|why| why.to_string());
        name.or_else(|| match self.kind {
            FormKind::Token | FormKind::EditToken(_) => self.token_complaint(),
            FormKind::Limit(_) | FormKind::Block(_) => self.measures_complaint(),
            FormKind::Operator | FormKind::EditOperator(_) | FormKind::Passphrase(_) => self.people_complaint(),
            FormKind::WriteFilter | FormKind::EditFilter(_) => self.filter_complaint(),
            _ => None,
        })
    }

    pub(super) fn missing(&self) -> Option<String> {
        let wants_name = !matches!(self.kind, FormKind::Filter);
        let name = self.text("name").filter(|name| wants_name && name.is_empty());
        let name = name.and_then(|name| Name::new(&name).err()).map(|why| why.to_string());
        name.or_else(|| self.token_missing()).or_else(|| self.people_missing())
    }

    /// Nothing ticked would be read as the daemon's own choice.
    fn token_missing(&self) -> Option<String> {
        if !matches!(self.kind, FormKind::Token | FormKind::EditToken(_)) {
            return None;
        }
        if self.permissions().is_empty() {
            return Some("may: tick at least one of the permissions".to_owned());
        }
        let dated = self.pick("expires") == Some("date") && self.line("date").is_empty();
        dated.then(|| "the date of the end is missing; write 2027-01-31".to_owned())
    }

    /// After a change: what can be chosen now, and why the rest cannot.
    pub(super) fn judge(&mut self) {
        if !matches!(self.kind, FormKind::Token | FormKind::EditToken(_)) {
            return;
        }
        let (scope, personal) = (self.scope(), self.is_personal());
        let global = scope == "global";
        let sealed = self.token.as_ref().is_some_and(|token| token.sealed);
        let me = self.me.clone();
        for permission in Permission::ALL {
            let lacks = match &me {
                _ if sealed => Some("sealed: it cannot change".to_owned()),
                _ if permission == Permission::RequestsCreate && !global => Some("for global tokens only".to_owned()),
                Some(me) => me.grant(permission, &scope, personal).err(),
                None => None,
            };
            self.refuse(permission.as_str(), lacks);
        }
        self.refuse("owner", me.as_ref().and_then(|me| owner_fixed(me, &scope, personal)));
        if sealed {
            for label in SEALED {
                self.refuse(label, Some("sealed: it cannot change".to_owned()));
            }
        }
    }

    fn refuse(&mut self, label: &str, why: Option<String>) {
        // What a token has already stays ticked: somebody could grant it.
        let unticks = label.contains(':') && matches!(self.kind, FormKind::Token);
        let Some(field) = self.field(label) else { return };
        if let (Some(_), Value::Tick(on), true) = (&why, &mut field.value, unticks) {
            *on = false;
        }
        field.refused = why;
    }

    fn token_complaint(&self) -> Option<String> {
        let description = self.line("description").chars().count();
        if description > DESCRIPTION_CHARS_MAX {
            return Some(format!(
                "the description has {description} characters; {DESCRIPTION_CHARS_MAX} are the limit"
            ));
        }
        self.right_complaint()
            .or_else(|| addresses("from", &self.words("from")))
            .or_else(|| self.date_complaint())
            .or_else(|| paths(&self.words("dedup skip")))
            .or_else(|| rate(&self.line("limit")).err())
            .or_else(|| self.sealed_complaint())
    }

    /// Owner, scope and permissions have to fit each other and the one who fills the form in.
    fn right_complaint(&self) -> Option<String> {
        let (scope, personal) = (self.scope(), self.is_personal());
        if scope == "mine" && !personal {
            return Some("the scope `mine` is for personal tokens: choose owner me".to_owned());
        }
        let me = self.me.as_ref()?;
        if self.token.is_none() {
            let may = if personal { me.personal() } else { me.create(&scope) };
            if let Err(why) = may {
                return Some(format!("not yours to create there: {why}"));
            }
        }
        // What it has already was somebody's to grant.
        let had = self.token.as_ref().map(|token| token.permissions.as_slice()).unwrap_or_default();
        let wanted = self.permissions();
        let wanted = wanted.iter().filter_map(|may| may.parse::<Permission>().ok()).filter(|may| !had.contains(may));
        let lacking = wanted.filter_map(|may| me.grant(may, &scope, personal).err().map(|why| (may, why)));
        lacking.map(|(may, why)| format!("{may} is not yours to grant: {why}")).next()
    }

    fn date_complaint(&self) -> Option<String> {
        let text = self.line("date");
        if self.pick("expires") == Some("date") && !text.is_empty() && date(&text).is_none() {
            return Some(format!("`{text}` is no date; write 2027-01-31 or 2027-01-31T18:00:00Z"));
        }
        let text = self.line("starts");
        (!text.is_empty() && !is_moment(&text))
            .then(|| format!("starts: `{text}` is neither a date such as 2027-01-31 nor a time such as 2h"))
    }

    fn sealed_complaint(&self) -> Option<String> {
        let sealed = self.token.as_ref().is_some_and(|token| token.sealed);
        (sealed && !self.tick("sealed")).then(|| "a seal stays: it cannot be taken off".to_owned())
    }
}

/// What a seal keeps as it is.
const SEALED: [&str; 13] = [
    "may",
    "expires",
    "date",
    "from",
    "starts",
    "report only",
    "dedup",
    "dedup skip",
    "strict",
    "limit",
    "?token=",
    "delivery ids",
    "sealed",
];

/// Why the owner cannot be chosen.
fn owner_fixed(me: &Me, scope: &str, personal: bool) -> Option<String> {
    let other = if personal { me.create(scope) } else { me.personal() };
    other.err()
}

pub(super) fn addresses(label: &str, words: &[String]) -> Option<String> {
    if words.len() > ALLOWED_IPS_MAX {
        return Some(format!("{} addresses; {ALLOWED_IPS_MAX} are the limit", words.len()));
    }
    let wrong = words.iter().find(|word| word.parse::<IpAddr>().is_err() && word.parse::<IpNet>().is_err());
    wrong.map(|word| format!("{label}: `{word}` is no address; write 10.0.0.7, 10.0.0.0/24 or 2001:db8::/32"))
}

fn paths(words: &[String]) -> Option<String> {
    if words.len() > DEDUP_IGNORE_MAX {
        return Some(format!("{} paths; {DEDUP_IGNORE_MAX} are the limit", words.len()));
    }
    words.iter().find_map(|word| Path::parse(word).err().map(|why| format!("dedup skip: `{word}`: {why}")))
}
