//! What can be asked of which resource. The tables here are the reference of the language: parser, completion and help
//! read nothing else.

use crate::outcome::Outcome;

/// A field of some resource. One list for all, so that a name means the same thing wherever it occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the schemas hold a line of help for each field; a second text here could differ")]
pub enum FieldId {
    Action,
    Actor,
    Addresses,
    Age,
    Body,
    Bytes,
    Call,
    Created,
    CreatedBy,
    Debug,
    Detail,
    Expires,
    From,
    Id,
    Incident,
    Ip,
    IssuedBy,
    Key,
    Latency,
    Method,
    Name,
    Occurrences,
    Outcome,
    Owner,
    Path,
    Priority,
    Problem,
    QueryToken,
    Request,
    Scope,
    Seen,
    Seq,
    Service,
    Since,
    State,
    Status,
    Target,
    Team,
    Title,
    Token,
    Uid,
    Until,
    Unused,
    Urgency,
    Used,
    UserAgent,
}

/// What a daemon must look up before rows can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// A service, `DB` or `Ops/DB`.
    Service,
    /// A team.
    Team,
    /// A token, living or not.
    Token,
}

impl Named {
    /// The word for a message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Team => "team",
            Self::Token => "token",
        }
    }
}

/// How a field's values are written and what `field:value` asks. Kinds marked *compared* take `>` `>=` `<` `<=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True where the field holds the text anywhere, whatever the case.
    Text,
    /// One of the field's names is the text, whatever the case.
    Label,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A name or id that the daemon looks up; see [`super::Names`].
    Named(Named),
    /// A piece of a UUID, at least four characters: hexadecimal digits and `-`.
    Uuid,
    /// A piece of a token id, at least four characters; upper and lower case differ.
    TokenId,
    /// A whole number, compared.
    Number,
    /// An HTTP status, compared; `4xx` is all from 400 to 499.
    Status,
    /// An address, or a block such as `10.0.0.0/8`. IPv4-mapped IPv6 addresses are IPv4 addresses.
    Ip,
    /// A length of time such as `5ms`, compared.
    Duration,
    /// Not before this moment: a date, an RFC 3339 moment, or a length of time before now.
    Since,
    /// Before this moment; forms as [`Kind::Since`].
    Until,
    /// The time that has passed since something, compared; `14d` alone is `>=14d`. A date compares the moment itself.
    Age {
        /// `never` can be asked for, and is longer ago than everything.
        never: bool,
    },
    /// The time that is left until something, compared; `14d` alone is `<=14d`. What is over has no time left and is
    /// found by `over` alone; `never` is longer than everything. A date compares the moment itself.
    Left,
    /// `on` until a moment, then `off`.
    Switch,
}

/// One field of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Which.
    pub id: FieldId,
    /// The name that people type, lower case.
    pub name: &'static str,
    /// What values it has.
    pub kind: Kind,
    /// A line of help, ending in an example.
    pub help: &'static str,
}

/// What can be asked of one resource.
#[derive(Debug)]
pub struct Schema {
    /// The resource, for messages: `the API log`.
    pub resource: &'static str,
    /// All fields, in the order in which completion offers them.
    pub fields: &'static [Field],
    /// Rows have a body, so `body.<path>` can be asked.
    pub has_body: bool,
    /// What free text is looked for in, for help texts.
    pub text_help: &'static str,
}

// === impl Kind ===

impl Kind {
    /// True where `>` `>=` `<` `<=` mean something.
    pub const fn is_compared(self) -> bool {
        matches!(self, Self::Number | Self::Status | Self::Duration | Self::Age { .. } | Self::Left)
    }

    /// The words that can be offered as values.
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Word(words) => words,
            Self::Switch => &["on", "off"],
            Self::Age { never: true } => &["never"],
            Self::Left => &["never", "over"],
            _ => &[],
        }
    }

    /// What a value looks like, for messages.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Text | Self::Label => "web01 or \"two words\"",
            Self::Word(words) => words[0],
            Self::Named(_) => "a name or an id",
            Self::Uuid => "four or more characters of the id, such as 019ab3",
            Self::TokenId => "s_7QmX0c2LrT or four or more of its characters",
            Self::Number => "100 or >=100",
            Self::Status => "404, 4xx or >=400",
            Self::Ip => "10.20.0.14 or 10.0.0.0/8",
            Self::Duration => ">5ms",
            Self::Since | Self::Until => "15m, 2026-11-22 or 2026-11-22T03:14:00Z",
            Self::Age { .. } | Self::Left => "<14d or 90d",
            Self::Switch => "on",
        }
    }
}

// === impl Schema ===

impl Schema {
    /// The field of that name, whatever the case. A beginning of a name is not the name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

const OUTCOMES: &[&str] = &{
    let mut words = [""; Outcome::ALL.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = Outcome::ALL[at].as_str();
        at += 1;
    }
    words
};

const fn field(id: FieldId, name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { id, name, kind, help }
}

/// The API log ([`crate::log::LogRow`]), history and live tail.
pub static LOGS: Schema = Schema {
    resource: "the API log",
    has_body: true,
    text_help: "title or first reason, body, ?from=, path, query, user agent, problem",
    fields: &[
        field(FieldId::Token, "token", Kind::Named(Named::Token), "came with this token: token:billing-ci"),
        field(FieldId::Outcome, "outcome", Kind::Word(OUTCOMES), "what became of the call: outcome:no_match"),
        field(FieldId::Status, "status", Kind::Status, "what the sender was told: status:>=400"),
        field(FieldId::Ip, "ip", Kind::Ip, "the sender's address: ip:10.0.0.0/8"),
        field(
            FieldId::Service,
            "service",
            Kind::Named(Named::Service),
            "a filter of it was true, or the token reaches only it: service:Ops/DB",
        ),
        field(FieldId::Team, "team", Kind::Named(Named::Team), "the same for all services of a team: team:Ops"),
        field(FieldId::Since, "since", Kind::Since, "not before: since:15m, since:2026-11-22T03:14:00Z"),
        field(FieldId::Until, "until", Kind::Until, "before: until:5m, until:2026-11-23"),
        field(FieldId::Call, "call", Kind::Uuid, "the call's id, as in X-Request-Id: call:019ab3"),
        field(FieldId::Incident, "incident", Kind::Uuid, "touched this incident: incident:019ab3"),
        field(FieldId::Request, "request", Kind::Uuid, "started this request of a workflow: request:019ab3"),
        field(FieldId::From, "from", Kind::Text, "the ?from= parameter: from:zabbix"),
        field(FieldId::Title, "title", Kind::Text, "title or first reason, as the list shows it: title:\"high cpu\""),
        field(FieldId::Body, "body", Kind::Text, "text in the stored body: body:\"disk full\""),
        field(FieldId::Method, "method", Kind::Label, "the HTTP method: method:post"),
        field(FieldId::Path, "path", Kind::Text, "the path called: path:process"),
        field(FieldId::UserAgent, "agent", Kind::Text, "the user agent: agent:curl"),
        field(FieldId::Problem, "problem", Kind::Text, "why it was refused: problem:token-expired"),
        field(FieldId::Bytes, "bytes", Kind::Number, "size of the body as it came: bytes:>16384"),
        field(FieldId::Latency, "latency", Kind::Duration, "from head to decision: latency:>5ms"),
        field(FieldId::Seq, "seq", Kind::Number, "position in the log: seq:>=18204098"),
    ],
};

/// Tokens ([`crate::api::TokenView`]).
pub static TOKENS: Schema = Schema {
    resource: "tokens",
    has_body: false,
    text_help: "name, id, description, created-by",
    fields: &[
        field(FieldId::Name, "name", Kind::Text, "the name holds: name:billing"),
        field(FieldId::Id, "id", Kind::TokenId, "the public id or a piece of it: id:s_7QmX0c2LrT"),
        field(
            FieldId::State,
            "state",
            Kind::Word(&["active", "expired", "suspended", "not_yet_valid", "needs_rotation", "revoked"]),
            "where it stands; revoked ones are only looked at where this asks for them: state:expired",
        ),
        field(
            FieldId::Scope,
            "scope",
            Kind::Label,
            "global, team, service, mine, or what it reaches: scope:Ops/DB, scope:team:Ops",
        ),
        field(FieldId::Team, "team", Kind::Label, "reaches this team or a service of it: team:Ops"),
        field(FieldId::Service, "service", Kind::Label, "reaches exactly this service: service:DB"),
        field(FieldId::Owner, "owner", Kind::Label, "whose it is: owner:organisation, owner:piet"),
        field(FieldId::CreatedBy, "created_by", Kind::Text, "who created it: created_by:piet"),
        field(FieldId::Created, "created", Kind::Age { never: false }, "created that long ago: created:<7d"),
        field(FieldId::Expires, "expires", Kind::Left, "time left: expires:<14d, expires:never"),
        field(FieldId::Used, "used", Kind::Age { never: true }, "last used that long ago: used:<1h, used:never"),
        field(
            FieldId::Unused,
            "unused",
            Kind::Age { never: false },
            "idle that long, counted from its creation where it was never used: unused:90d",
        ),
        field(FieldId::Debug, "debug", Kind::Switch, "its calls are logged: debug:on"),
        field(FieldId::Ip, "ip", Kind::Ip, "last used from: ip:10.0.0.0/8"),
        field(
            FieldId::Addresses,
            "addresses",
            Kind::Word(&["any", "listed"]),
            "it may call from any address, or from those of its list: addresses:any",
        ),
        field(
            FieldId::QueryToken,
            "query_token",
            Kind::Word(&["used", "unused"]),
            "it was ever sent as ?token=, where logs keep it: query_token:used",
        ),
        field(FieldId::IssuedBy, "issued_by", Kind::Label, "made by this token, operator or root: issued_by:root"),
    ],
};

/// Incidents ([`crate::api::IncidentView`]).
pub static INCIDENTS: Schema = Schema {
    resource: "incidents",
    has_body: false,
    text_help: "title, description, key",
    fields: &[
        field(
            FieldId::State,
            "state",
            Kind::Word(&["open", "triggered", "acknowledged", "resolved"]),
            "where it stands: state:open",
        ),
        field(FieldId::Priority, "priority", Kind::Word(&["P1", "P2", "P3", "P4", "P5"]), "how bad: priority:P1"),
        field(FieldId::Urgency, "urgency", Kind::Word(&["high", "low"]), "P1 to P3 are high: urgency:high"),
        field(FieldId::Service, "service", Kind::Label, "on this service: service:Ops/DB"),
        field(FieldId::Team, "team", Kind::Label, "on a service of this team: team:Ops"),
        field(FieldId::Token, "token", Kind::Label, "opened by this token: token:billing-ci"),
        field(FieldId::Title, "title", Kind::Text, "the title holds: title:\"high cpu\""),
        field(FieldId::Key, "key", Kind::Text, "the correlation key holds: key:web01"),
        field(FieldId::Id, "id", Kind::Uuid, "the id or a piece of it: id:019ab3"),
        field(FieldId::Age, "age", Kind::Age { never: false }, "opened that long ago: age:>1h"),
        field(FieldId::Seen, "seen", Kind::Age { never: false }, "last call that long ago: seen:<5m"),
        field(FieldId::Since, "since", Kind::Since, "opened not before: since:24h"),
        field(FieldId::Until, "until", Kind::Until, "opened before: until:2026-11-22"),
        field(FieldId::Occurrences, "occurrences", Kind::Number, "calls that it took in: occurrences:>=10"),
    ],
};

/// The audit trail ([`crate::audit::AuditRow`]).
pub static AUDIT: Schema = Schema {
    resource: "the audit trail",
    has_body: false,
    text_help: "actor, action, target, detail",
    fields: &[
        field(FieldId::Actor, "actor", Kind::Text, "who: actor:piet"),
        field(FieldId::Action, "action", Kind::Text, "what was done: action:token.revoke"),
        field(FieldId::Target, "target", Kind::Text, "on what: target:zabbix-prod"),
        field(FieldId::Detail, "detail", Kind::Text, "what changed: detail:expires"),
        field(FieldId::Uid, "uid", Kind::Number, "the uid that the kernel named: uid:1000"),
        field(FieldId::Since, "since", Kind::Since, "not before: since:24h"),
        field(FieldId::Until, "until", Kind::Until, "before: until:2026-11-22"),
        field(FieldId::Seq, "seq", Kind::Number, "the row's number: seq:88412"),
    ],
};
