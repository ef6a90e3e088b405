//! What is wrong with a form, said while it is typed; and what cannot be chosen, with the reason.

use std::net::IpAddr;

use ipnet::IpNet;
use tollgate_shared::filter::Path;
use tollgate_shared::limits::{ALLOWED_IPS_MAX, DEDUP_IGNORE_MAX, DESCRIPTION_CHARS_MAX};
use tollgate_shared::name::Name;
use tollgate_shared::token::Permission;

use super::super::rights::Me;
use super::token::{date, is_moment, rate};
use super::{Cell, Form, FormKind, Value, When};

/// What is wrong, and with which field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub at: Spot,
    pub words: String,
}

/// A field, by what it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    Label(&'static str),
    Cell(Cell),
}

impl Wrong {
    pub(super) fn new(label: &'static str, words: impl Into<String>) -> Self {
        Self { at: Spot::Label(label), words: words.into() }
    }
}

impl Form {
    /// What is wrong with what has been typed so far. What is only missing is said when the form is to be sent.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        self.wrong().map(|wrong| wrong.words)
    }

    /// What is wrong with the form as it is to be sent; the first field that is, if several are.
    pub(super) fn fault(&self) -> Option<Wrong> {
        let missing = [self.name_missing(), self.token_missing(), self.people_missing(), self.plain_missing()];
        let all = missing.into_iter().chain([self.wrong(), self.unfit()]);
        all.flatten().min_by_key(|wrong| self.place(wrong.at).unwrap_or(usize::MAX))
    }

    /// Puts the mark on the first field that is wrong, and says what is.
    pub fn point_out(&mut self, why: String) {
        let place = self.fault().and_then(|wrong| self.place(wrong.at));
        if let Some(place) = place {
            self.unfold(place);
            self.focus = place;
        }
        self.error = Some(why);
    }

    /// The daemon named the field that it does not take.
    pub fn point_at(&mut self, path: &str) {
        let name = path.split(['[', '.', '/']).find(|part| !part.is_empty()).unwrap_or(path);
        let known = WIRE_NAMES.iter().find(|(wire, _)| *wire == name);
        let label = known.map_or(name, |(_, label)| label);
        if let Some(place) = self.fields.iter().position(|field| field.label == label) {
            self.unfold(place);
            self.focus = place;
        }
    }

    fn place(&self, spot: Spot) -> Option<usize> {
        self.fields.iter().position(|field| match spot {
            Spot::Label(label) => field.label == label && field.cell.is_none(),
            Spot::Cell(cell) => field.cell == Some(cell),
        })
    }

    /// What is wrong must be seen.
    fn unfold(&mut self, place: usize) {
        if self.fields.get(place).is_some_and(|field| field.when == When::More) {
            let folds = self.fields.iter_mut().filter(|field| matches!(field.value, Value::More(_)));
            folds.for_each(|field| field.value = Value::More(true));
        }
    }

    fn wrong(&self) -> Option<Wrong> {
        let name = self.text("name").filter(|name| !name.is_empty());
        let name = name.and_then(|name| Name::new(&name).err()).map(|why| Wrong::new("name", why.to_string()));
        name.or_else(|| match self.kind {
            FormKind::Token | FormKind::EditToken(_) => self.token_complaint(),
            FormKind::Limit(_) | FormKind::Block(_) => self.measures_complaint(),
            FormKind::Operator | FormKind::EditOperator(_) | FormKind::Passphrase(_) => self.people_complaint(),
            FormKind::WriteFilter | FormKind::EditFilter(_) => self.filter_complaint(),
            FormKind::EditMany(_) => self.many_complaint(),
            _ => None,
        })
    }

    fn name_missing(&self) -> Option<Wrong> {
        let wants_name = !matches!(self.kind, FormKind::Filter);
        let name = self.text("name").filter(|name| wants_name && name.is_empty());
        name.and_then(|name| Name::new(&name).err()).map(|why| Wrong::new("name", why.to_string()))
    }

    /// What does not go together although each field is right by itself.
    fn unfit(&self) -> Option<Wrong> {
        match self.kind {
            FormKind::Limit(_) | FormKind::Block(_) => self.measures_unfit(),
            FormKind::WriteFilter | FormKind::EditFilter(_) => self.filter_unfit(),
            _ => None,
        }
    }

    /// Nothing ticked would be read as the daemon's own choice.
    fn token_missing(&self) -> Option<Wrong> {
        if !matches!(self.kind, FormKind::Token | FormKind::EditToken(_)) {
            return None;
        }
        if self.permissions().is_empty() {
            return Some(Wrong::new("may", "may: tick at least one of the permissions"));
        }
        let dated = self.pick("expires") == Some("date") && self.line("date").is_empty();
        dated.then(|| Wrong::new("date", "the date of the end is missing; write 2027-01-31"))
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

    fn token_complaint(&self) -> Option<Wrong> {
        let description = self.line("description").chars().count();
        if description > DESCRIPTION_CHARS_MAX {
            let words = format!("the description has {description} characters; {DESCRIPTION_CHARS_MAX} are the limit");
            return Some(Wrong::new("description", words));
        }
        self.right_complaint()
            .or_else(|| addresses("from", &self.words("from")).map(|words| Wrong::new("from", words)))
            .or_else(|| self.date_complaint())
            .or_else(|| paths(&self.words("dedup skip")).map(|words| Wrong::new("dedup skip", words)))
            .or_else(|| rate(&self.line("limit")).err().map(|words| Wrong::new("limit", words)))
            .or_else(|| self.sealed_complaint())
    }

    /// Owner, scope and permissions have to fit each other and the one who fills the form in.
    fn right_complaint(&self) -> Option<Wrong> {
        let (scope, personal) = (self.scope(), self.is_personal());
        if scope == "mine" && !personal {
            return Some(Wrong::new("owner", "the scope `mine` is for personal tokens: choose owner me"));
        }
        let me = self.me.as_ref()?;
        if self.token.is_none() {
            let may = if personal { me.personal() } else { me.create(&scope) };
            if let Err(why) = may {
                return Some(Wrong::new("scope", format!("not yours to create there: {why}")));
            }
        }
        // What it has already was somebody's to grant.
        let had = self.token.as_ref().map(|token| token.permissions.as_slice()).unwrap_or_default();
        let wanted = self.permissions();
        let wanted = wanted.iter().filter_map(|may| may.parse::<Permission>().ok()).filter(|may| !had.contains(may));
        let lacking = wanted.filter_map(|may| me.grant(may, &scope, personal).err().map(|why| (may, why)));
        lacking.map(|(may, why)| Wrong::new("may", format!("{may} is not yours to grant: {why}"))).next()
    }

    fn date_complaint(&self) -> Option<Wrong> {
        let text = self.line("date");
        if self.pick("expires") == Some("date") && !text.is_empty() && date(&text).is_none() {
            let words = format!("`{text}` is no date; write 2027-01-31 or 2027-01-31T18:00:00Z");
            return Some(Wrong::new("date", words));
        }
        let text = self.line("starts");
        let words = || format!("starts: `{text}` is neither a date such as 2027-01-31 nor a time such as 2h");
        (!text.is_empty() && !is_moment(&text)).then(|| Wrong::new("starts", words()))
    }

    fn sealed_complaint(&self) -> Option<Wrong> {
        let sealed = self.token.as_ref().is_some_and(|token| token.sealed);
        (sealed && !self.tick("sealed")).then(|| Wrong::new("sealed", "a seal stays: it cannot be taken off"))
    }
}

/// What the daemon calls a field that is called otherwise here.
const WIRE_NAMES: [(&str, &str); 10] = [
    ("allowed_ips", "from"),
    ("block_ips", "address"),
    ("dedup_ignore", "dedup skip"),
    ("dedup_window_secs", "dedup"),
    ("not_before", "starts"),
    ("passphrase", "new"),
    ("permissions", "may"),
    ("rate_limit", "limit"),
    ("team_roles", "teams"),
    ("unix_users", "unix"),
];

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
