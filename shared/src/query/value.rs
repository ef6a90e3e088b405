//! What the value of a field means.

use std::net::IpAddr;
use std::ops::{Range, RangeInclusive};

use chrono::{NaiveDate, NaiveTime};
use ipnet::{IpNet, Ipv4Net};

use super::error::nearest;
use super::text::Needle;
use super::{Field, Kind, Op, QueryError};
use crate::time::Timestamp;

/// Characters of an id that are asked for at least, as in the references of the API.
const PIECE_CHARS_MIN: usize = 4;
/// A length of time is shorter than this: a hundred years, so that arithmetic with `now` stays far from its ends.
const DURATION_MAX: i64 = 100 * 365 * 86_400 * 1_000_000;

/// A value as its field understands it, before `now` and the names are known.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    Age { op: Op, moment: Moment },
    Ip(IpNet),
    Label(Needle),
    Left { op: Op, moment: Moment },
    NeverComes,
    NeverWas,
    Over,
    Piece(String),
    Since(Moment),
    Switch(bool),
    Text(Needle),
    Until(Moment),
    Within(RangeInclusive<i64>),
    Word(&'static str),
}

/// A moment as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    At(Timestamp),
    /// That many microseconds away from now; the field says in which direction.
    Away(i64),
}

/// What is wrong with a value; the parser knows the place.
#[derive(Debug)]
pub(super) struct ValueFault {
    message: String,
    suggestion: Option<String>,
}

// === impl ValueFault ===

impl ValueFault {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), suggestion: None }
    }

    pub(super) fn at(self, at: Range<usize>) -> QueryError {
        QueryError { at, message: self.message, suggestion: self.suggestion }
    }
}

/// Reads the value of a field.
pub(super) fn read_value(field: &Field, op: Op, text: &str) -> Result<Meaning, ValueFault> {
    if text.trim().is_empty() {
        return Err(ValueFault::new(format!("the value of {} is empty", field.name)));
    }
    if let Some(word) = special_word(field.kind, op, text)? {
        return Ok(word);
    }
    match field.kind {
        Kind::Text => Ok(Meaning::Text(Needle::new(text))),
        // What a looked-up name stands for is known only when the query is bound; any text may be one.
        Kind::Label | Kind::Named(_) => Ok(Meaning::Label(Needle::new(text))),
        Kind::Word(words) => word(field.name, words, text).map(Meaning::Word),
        Kind::Uuid => uuid_piece(text),
        Kind::TokenId => token_id_piece(text),
        Kind::Number => number(field.name, text).map(|value| Meaning::Within(bounds(op, value))),
        Kind::Status => status(op, text).map(Meaning::Within),
        Kind::Ip => block(text).map(Meaning::Ip),
        Kind::Duration => duration(text).map(|value| Meaning::Within(bounds(at_least(op), value))),
        Kind::Since => moment(text).map(Meaning::Since),
        Kind::Until => moment(text).map(Meaning::Until),
        Kind::Age { .. } => compared_moment(op, text).map(|moment| Meaning::Age { op: at_least(op), moment }),
        Kind::Left => {
            let op_or_within = if op == Op::Is { Op::AtMost } else { op };
            compared_moment(op, text).map(|moment| Meaning::Left { op: op_or_within, moment })
        }
        Kind::Switch => word(field.name, field.kind.words(), text).map(|word| Meaning::Switch(word == "on")),
    }
}

/// The whole numbers that are `op` than `value`. `Op::Is` means equal.
pub(super) fn bounds(op: Op, value: i64) -> RangeInclusive<i64> {
    match op {
        Op::Is => value..=value,
        Op::AtLeast => value..=i64::MAX,
        Op::AtMost => i64::MIN..=value,
        Op::Above => value.checked_add(1).map_or(RangeInclusive::new(1, 0), |above| above..=i64::MAX),
        Op::Below => value.checked_sub(1).map_or(RangeInclusive::new(1, 0), |below| i64::MIN..=below),
    }
}

/// `never` and `over`, where the kind has them.
fn special_word(kind: Kind, op: Op, text: &str) -> Result<Option<Meaning>, ValueFault> {
    let (is_never, is_over) = (text.eq_ignore_ascii_case("never"), text.eq_ignore_ascii_case("over"));
    let meaning = match kind {
        Kind::Age { never: true } if is_never => Meaning::NeverWas,
        Kind::Left if is_never => Meaning::NeverComes,
        Kind::Left if is_over => Meaning::Over,
        _ => return Ok(None),
    };
    match op {
        Op::Is => Ok(Some(meaning)),
        _ => Err(ValueFault::new(format!("`{text}` is no length of time and cannot be compared"))),
    }
}

fn word(name: &str, words: &'static [&'static str], text: &str) -> Result<&'static str, ValueFault> {
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(word);
    }
    let shown: String = text.chars().take(40).collect();
    let message = format!("`{shown}` is no {name}: it is one of {}", words.join(", "));
    Err(ValueFault { message, suggestion: nearest(text, words.iter().copied()).map(str::to_owned) })
}

fn uuid_piece(text: &str) -> Result<Meaning, ValueFault> {
    let fits = text.chars().all(|c| c.is_ascii_hexdigit() || c == '-') && text.len() <= 36;
    if fits && text.len() >= PIECE_CHARS_MIN {
        return Ok(Meaning::Piece(text.to_ascii_lowercase()));
    }
    Err(ValueFault::new("write the id or four or more of its characters: digits, a to f, and -"))
}

fn token_id_piece(text: &str) -> Result<Meaning, ValueFault> {
    let fits = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && text.len() <= crate::id::TokenId::LEN;
    if fits && text.len() >= PIECE_CHARS_MIN {
        return Ok(Meaning::Piece(text.to_owned()));
    }
    Err(ValueFault::new("write the id, such as s_7QmX0c2LrT, or four or more of its characters"))
}

fn number(name: &str, text: &str) -> Result<i64, ValueFault> {
    let digits = text.chars().all(|c| c.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| ValueFault::new(format!("{name} is a whole number, such as 100")))
}

fn status(op: Op, text: &str) -> Result<RangeInclusive<i64>, ValueFault> {
    let hundred =
        text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")).and_then(|digit| digit.parse::<i64>().ok());
    if let (Some(hundred @ 1..=5), Op::Is) = (hundred, op) {
        return Ok(hundred * 100..=hundred * 100 + 99);
    }
    match number("status", text) {
        Ok(status @ 100..=599) => Ok(bounds(op, status)),
        _ => Err(ValueFault::new("a status is a number from 100 to 599 or, without comparison, 4xx")),
    }
}

fn block(text: &str) -> Result<IpNet, ValueFault> {
    let parsed = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    parsed
        .map(unmapped)
        .ok_or_else(|| ValueFault::new("write an address or a block: 10.20.0.14, 10.0.0.0/8, 2001:db8::/32"))
}

/// A block of IPv4-mapped addresses is one of IPv4 addresses, as everywhere in Tollgate.
fn unmapped(net: IpNet) -> IpNet {
    let mapped = match net {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => v6.addr().to_ipv4_mapped().map(|v4| (v4, v6.prefix_len() - 96)),
        _ => None,
    };
    mapped.and_then(|(v4, prefix)| Ipv4Net::new(v4, prefix).ok()).map_or(net, IpNet::V4).trunc()
}

/// A moment for a field that compares: a date alone does not say in which direction.
fn compared_moment(op: Op, text: &str) -> Result<Moment, ValueFault> {
    match (moment(text)?, op) {
        (Moment::At(_), Op::Is) => {
            let message = "a date needs a comparison: < is before it, >= is from it on";
            Err(ValueFault { message: message.to_owned(), suggestion: Some(format!("<{text}")) })
        }
        (moment, _) => Ok(moment),
    }
}

fn moment(text: &str) -> Result<Moment, ValueFault> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(Moment::At(date.and_time(NaiveTime::MIN).and_utc().into()));
    }
    match text.parse::<Timestamp>() {
        Ok(at) => Ok(Moment::At(at)),
        Err(_) if text.contains(['-', ':']) => {
            Err(ValueFault::new("write a moment as 2026-11-22 or 2026-11-22T03:14:00Z, or a length of time as 15m"))
        }
        Err(_) => duration(text).map(Moment::Away),
    }
}

/// A length of time in microseconds: `15m`, `1h30m`.
pub(super) fn duration(text: &str) -> Result<i64, ValueFault> {
    let fault = || ValueFault {
        message: "write a length of time as 30s, 15m, 2h, 14d, 1w, 1y or 5ms".to_owned(),
        suggestion: (text.len() < 9 && text.bytes().all(|b| b.is_ascii_digit())).then(|| format!("{text}m")),
    };
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(fault)?);
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        let part = digits.parse::<i64>().ok().zip(micros_of(unit)).and_then(|(count, unit)| count.checked_mul(unit));
        let sum = part.and_then(|part| total.checked_add(part)).filter(|sum| *sum <= DURATION_MAX);
        (total, rest) = (sum.ok_or_else(fault)?, tail);
    }
    Ok(total)
}

fn micros_of(unit: &str) -> Option<i64> {
    const SECOND: i64 = 1_000_000;
    match unit {
        "us" => Some(1),
        "ms" => Some(1_000),
        "s" => Some(SECOND),
        "m" => Some(60 * SECOND),
        "h" => Some(3_600 * SECOND),
        "d" => Some(86_400 * SECOND),
        "w" => Some(7 * 86_400 * SECOND),
        "y" => Some(365 * 86_400 * SECOND),
        _ => None,
    }
}

fn at_least(op: Op) -> Op {
    if op == Op::Is { Op::AtLeast } else { op }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_add_up_and_need_units() {
        let ok = |text: &str| duration(text).ok();
        assert_eq!(ok("1h30m"), Some(5_400_000_000));
        assert_eq!((ok("2us"), ok("5ms"), ok("1w"), ok("1y")), (Some(2), Some(5_000), ok("7d"), ok("365d")));
        for bad in ["15", "m", "-5m", "5 m", "1.5h", "101y", "99999999999999999999s", "5M", "\u{661}m"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert_eq!(duration("15").unwrap_err().suggestion.as_deref(), Some("15m"));
    }

    #[test]
    fn blocks_lose_their_host_bits_and_mapped_ones_are_ipv4() {
        let net = |text: &str| block(text).map(|net| net.to_string()).ok();
        assert_eq!(net("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(net("::ffff:10.0.0.0/104").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(net("::ffff:10.1.2.3").as_deref(), Some("10.1.2.3/32"));
        assert_eq!(net("10.0.0"), None);
    }

    #[test]
    fn bounds_at_the_ends_of_the_numbers_are_empty_not_wrong() {
        assert!(bounds(Op::Above, i64::MAX).is_empty() && bounds(Op::Below, i64::MIN).is_empty());
        assert!(bounds(Op::Above, 3).contains(&4) && !bounds(Op::Above, 3).contains(&3));
    }
}
