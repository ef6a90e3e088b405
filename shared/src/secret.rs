//! The form of a token's secret (domain.md §2): `tg_<g|t|s|p>_<10 id><43 secret>_<6 CRC-32>`.
//!
//! All digits are base62 in the alphabet `0-9A-Za-z`, most significant first, with a fixed width. The checksum stands for
//! everything before the last `_`; it tells a typing or pasting mistake from an unknown token without any look-up.

use std::ops::Range;

use crate::id::TokenId;
use zeroize::{Zeroize, Zeroizing};

/// The digits of base62, least first.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// What every secret of ours begins with.
const PREFIX: &str = "tg_";
/// `tg_s_`: the prefix, the letter of the kind, and its `_`.
const HEAD_LEN: usize = 5;
const ID_LEN: usize = 10;
/// 43 digits of base62 hold 256 bits.
const RANDOM_LEN: usize = 43;
const CRC_LEN: usize = 6;
/// Where the last `_` stands.
const CRC_SEPARATOR: usize = HEAD_LEN + ID_LEN + RANDOM_LEN;
/// A run of digits after the head that is longer than this shows part of the secret. The id alone, as in an abbreviated
/// `tg_s_7QmX0c2LrT...`, is public and stays readable: it is how a fragment in a log names its token.
const FRAGMENT_LEN_MIN: usize = ID_LEN + 10;

/// What a token reaches, as the letter in its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// `g`: a global token.
    Global,
    /// `t`: a token of one team.
    Team,
    /// `s`: a token of one service.
    Service,
    /// `p`: a personal token.
    Personal,
}

/// A token's secret, well formed and with a right checksum. Overwritten with zeros when dropped.
///
/// It has no `Debug`, `Display`, `Serialize` or `Clone` on purpose: no log line and no answer can hold it by accident.
pub struct TokenSecret {
    value: Zeroizing<String>,
}

/// What exactly is wrong with a presented value. Never holds any of its characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Right length, but a character that cannot stand there.
    #[error(
        "character {at} of the token cannot stand there; a token has only letters and digits between its three `_`"
    )]
    Character {
        /// Its place in bytes, from 1.
        at: usize,
    },
    /// The form is right, the checksum is not.
    #[error("the token's checksum is wrong: a character is mistyped or lost; copy the value again")]
    Checksum,
    /// The letter after `tg_` names no kind of token.
    #[error("the token names no known kind; `tg_` is followed by g, t, s or p and `_`")]
    Kind,
    /// Cut short, or something is stuck to it.
    #[error("the token has {found} bytes instead of {}; it was cut or something was added", TokenSecret::LEN)]
    Length {
        /// Bytes of the presented value.
        found: usize,
    },
    /// Not a value of ours; it may be an imported one.
    #[error("the value is not a token of tollgate: it does not begin with `tg_`")]
    NotOurs,
    /// A variable that the sender did not fill in, such as `$TOKEN`, `${TOKEN}` or `{$TG_TOKEN}`.
    #[error("the value is a placeholder that the sender did not replace; define its variable or macro")]
    Placeholder,
    /// A quote mark before or after the value.
    #[error("a quote mark stands around the token; remove it")]
    Quoted,
    /// White space or a line end before or after the value.
    #[error("white space or a line end stands around the token; remove it")]
    Spaced,
}

// === impl SecretKind ===

impl SecretKind {
    /// The letter in the secret and in the public id.
    pub fn letter(self) -> char {
        match self {
            Self::Global => 'g',
            Self::Team => 't',
            Self::Service => 's',
            Self::Personal => 'p',
        }
    }
}

// === impl TokenSecret ===

impl TokenSecret {
    /// Bytes of every secret.
    pub const LEN: usize = CRC_SEPARATOR + 1 + CRC_LEN;

    /// Makes a secret from random bytes. The id takes 64 of them modulo 62^10, which is not exactly even; it need not
    /// be, the id is public. The arrays handed over are overwritten here; the caller overwrites its own.
    pub fn from_entropy(kind: SecretKind, mut id_bytes: [u8; 8], mut secret: [u8; 32]) -> Self {
        let mut value = Self::head();
        value.push(kind.letter());
        value.push('_');
        push_base62(&mut value, &mut id_bytes, ID_LEN);
        Self::complete(value, &mut secret)
    }

    /// Makes a further secret of a token whose public id is given: what a rotation does.
    pub fn for_id(id: TokenId, mut secret: [u8; 32]) -> Self {
        let mut value = Self::head();
        value.push_str(id.as_str());
        Self::complete(value, &mut secret)
    }

    /// The whole length at once: a growing string would leave copies behind.
    fn head() -> Zeroizing<String> {
        let mut value = Zeroizing::new(String::with_capacity(Self::LEN));
        value.push_str(PREFIX);
        value
    }

    /// Adds random part and checksum to prefix and id.
    fn complete(mut value: Zeroizing<String>, secret: &mut [u8; 32]) -> Self {
        push_base62(&mut value, secret, RANDOM_LEN);
        let mut crc = crc32fast::hash(value.as_bytes()).to_be_bytes();
        value.push('_');
        push_base62(&mut value, &mut crc, CRC_LEN);
        assert_eq!(value.len(), Self::LEN, "a secret has a fixed length");
        Self { value }
    }

    /// Reads a presented value.
    ///
    /// # Errors
    /// Which malformation it is, the one that an operator would mend first.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let core = strip_surroundings(text);
        if is_placeholder(core) {
            return Err(Malformed::Placeholder);
        }
        if !core.starts_with(PREFIX) {
            return Err(Malformed::NotOurs);
        }
        if core.len() != text.len() {
            return Err(surroundings(text));
        }
        check_form(text)?;
        Ok(Self { value: Zeroizing::new(text.to_owned()) })
    }

    /// The secret itself. Only the creating answer and the MAC may call this.
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// The public id inside the secret: the kind's letter, `_` and ten digits, such as `s_7QmX0c2LrT`.
    pub fn token_id(&self) -> &str {
        &self.value[PREFIX.len()..HEAD_LEN + ID_LEN]
    }
}

/// The public id inside a value that looks like a secret of ours, whole or cut, whatever its checksum. For the *Refused*
/// ring, so that a mistyped value still names its token.
pub fn presented_id(text: &str) -> Option<String> {
    let rest = strip_surroundings(text).strip_prefix(PREFIX)?;
    let id = rest.get(..2 + ID_LEN)?;
    (has_kind(id) && id.as_bytes()[2..].iter().all(u8::is_ascii_alphanumeric)).then(|| id.to_owned())
}

/// Where secrets of ours stand in a text, in order and without overlaps, in bytes.
///
/// The checksum is not asked: a secret that was cut or mistyped is still nearly a secret. Found is the head and more
/// digits than the public id alone; letters stuck to its end belong to it, for nobody can say where it ended.
pub fn find_in(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (start, _) in text.match_indices(PREFIX) {
        let Some(len) = shaped_len(&bytes[start..]) else { continue };
        match found.last_mut() {
            // The letters stuck to one may be the beginning of the next.
            Some(last) if start < last.end => last.end = last.end.max(start + len),
            _ => found.push(start..start + len),
        }
    }
    found
}

/// Bytes of the secret that `bytes` begins with. `bytes` begins with the prefix.
fn shaped_len(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(PREFIX.len()..HEAD_LEN)?;
    if !matches!(head, [b'g' | b't' | b's' | b'p', b'_']) {
        return None;
    }
    let run = digits_at(bytes, HEAD_LEN);
    if run < FRAGMENT_LEN_MIN {
        return None;
    }
    let end = HEAD_LEN + run;
    let has_checksum = end >= CRC_SEPARATOR && bytes.get(end) == Some(&b'_');
    Some(if has_checksum { end + 1 + digits_at(bytes, end + 1).min(CRC_LEN) } else { end })
}

fn digits_at(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

fn has_kind(text: &str) -> bool {
    matches!(text.as_bytes(), [b'g' | b't' | b's' | b'p', b'_', ..])
}

fn check_form(text: &str) -> Result<(), Malformed> {
    if !has_kind(&text[PREFIX.len()..]) {
        return Err(Malformed::Kind);
    }
    if text.len() != TokenSecret::LEN {
        return Err(Malformed::Length { found: text.len() });
    }
    let fits = |at, byte: u8| if at == CRC_SEPARATOR { byte == b'_' } else { byte.is_ascii_alphanumeric() };
    if let Some((at, _)) = text.bytes().enumerate().skip(HEAD_LEN).find(|&(at, byte)| !fits(at, byte)) {
        return Err(Malformed::Character { at: at + 1 });
    }
    let (body, crc) = text.split_at(CRC_SEPARATOR);
    let mut expected = String::with_capacity(CRC_LEN);
    push_base62(&mut expected, &mut crc32fast::hash(body.as_bytes()).to_be_bytes(), CRC_LEN);
    if crc[1..] == expected { Ok(()) } else { Err(Malformed::Checksum) }
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`' | '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}')
}

fn strip_surroundings(text: &str) -> &str {
    text.trim_matches(|character: char| is_quote(character) || character.is_whitespace())
}

/// Says which of the two stands around the value; the outermost counts, it is the one that is seen first.
fn surroundings(text: &str) -> Malformed {
    let outer = text.chars().next().into_iter().chain(text.chars().next_back());
    if outer.into_iter().any(is_quote) { Malformed::Quoted } else { Malformed::Spaced }
}

/// The forms in which shells, Zabbix, Jinja, cmd.exe and documentation write a value that is still to come.
fn is_placeholder(core: &str) -> bool {
    let enclosed = |open: &str, close: &str| core.len() > 2 && core.starts_with(open) && core.ends_with(close);
    core.starts_with('$') || core.starts_with('{') || enclosed("<", ">") || enclosed("%", "%")
}

/// Appends a big-endian number as exactly `width` digits; what is above 62^width is left out. Leaves `number` zero.
fn push_base62(out: &mut String, number: &mut [u8], width: usize) {
    let mut digits = [0_u8; RANDOM_LEN];
    for digit in digits[..width].iter_mut().rev() {
        *digit = ALPHABET[divide_by_62(number)];
    }
    out.extend(digits[..width].iter().map(|digit| char::from(*digit)));
    digits.zeroize();
    number.zeroize();
}

/// Long division in place; answers the remainder.
fn divide_by_62(number: &mut [u8]) -> usize {
    let mut remainder = 0_u16;
    for byte in number {
        let value = remainder * 256 + u16::from(*byte);
        // The quotient fits: the remainder is below 62.
        *byte = (value / 62) as u8;
        remainder = value % 62;
    }
    usize::from(remainder)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOLDEN: &str = "tg_s_01IYT0XLWR003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf_1BvyW3";

    fn malformation(text: &str) -> Option<Malformed> {
        TokenSecret::parse(text).err()
    }

    fn bytes_from<const N: usize>(first: u8) -> [u8; N] {
        std::array::from_fn(|at| first + at as u8)
    }

    #[test]
    fn secrets_have_their_golden_values() {
        // These values were computed by another program. Never regenerate them: living tokens depend on the form.
        let golden = [
            (
                TokenSecret::from_entropy(SecretKind::Global, [0; 8], [0; 32]),
                "tg_g_00000000000000000000000000000000000000000000000000000_22RHkw",
            ),
            (TokenSecret::from_entropy(SecretKind::Service, bytes_from(0), bytes_from(0)), GOLDEN),
            (
                TokenSecret::from_entropy(SecretKind::Team, [0xff; 8], [0xff; 32]),
                "tg_t_ygHa16AHYFyhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1_11S08U",
            ),
            (
                TokenSecret::from_entropy(SecretKind::Personal, [0x5a; 8], [0xa5; 32]),
                "tg_p_kwgft5p2XydHMOUNLh0UTx6gmQ9MHQdRUvZdbXMLLlzChlYYN1shx_0XeCJK",
            ),
        ];
        for (secret, expected) in golden {
            assert_eq!(secret.expose(), expected);
            assert!(TokenSecret::parse(expected).is_ok_and(|parsed| parsed.expose() == expected));
        }
    }

    #[test]
    fn the_public_id_is_the_kind_and_the_first_ten_digits() {
        let secret = TokenSecret::from_entropy(SecretKind::Service, bytes_from(0), bytes_from(0));
        assert_eq!(secret.token_id(), "s_01IYT0XLWR");
        assert_eq!(presented_id(GOLDEN).as_deref(), Some(secret.token_id()));
        assert!(secret.token_id().parse::<TokenId>().is_ok());
    }

    #[test]
    fn every_malformation_is_named() {
        let mut mistyped = GOLDEN.to_owned();
        mistyped.replace_range(20..21, "9");
        let mut stained = GOLDEN.to_owned();
        stained.replace_range(20..21, "-");
        let mut joined = GOLDEN.to_owned();
        joined.replace_range(CRC_SEPARATOR..=CRC_SEPARATOR, "0");
        for (text, expected) in [
            ("", Malformed::NotOurs),
            ("c3RhdGljLWtleQ", Malformed::NotOurs),
            ("TG_S_01IYT0XLWR", Malformed::NotOurs),
            ("tg_", Malformed::Kind),
            ("tg_x_01IYT0XLWR", Malformed::Kind),
            ("tg_s_", Malformed::Length { found: 5 }),
            (&GOLDEN[..64], Malformed::Length { found: 64 }),
            (&format!("{GOLDEN}0"), Malformed::Length { found: 66 }),
            (&mistyped, Malformed::Checksum),
            (&stained, Malformed::Character { at: 21 }),
            (&joined, Malformed::Character { at: 59 }),
            (&format!("{GOLDEN}\n"), Malformed::Spaced),
            (&format!(" {GOLDEN}"), Malformed::Spaced),
            (&format!("\"{GOLDEN}\""), Malformed::Quoted),
            (&format!("{GOLDEN}'"), Malformed::Quoted),
            (&format!("\u{201c}{GOLDEN}\u{201d}"), Malformed::Quoted),
            ("$TOKEN", Malformed::Placeholder),
            ("${TOKEN}", Malformed::Placeholder),
            ("{$TG_TOKEN}", Malformed::Placeholder),
            ("'{{ token }}'", Malformed::Placeholder),
            ("%TG_TOKEN%", Malformed::Placeholder),
            ("<your token>", Malformed::Placeholder),
        ] {
            assert_eq!(malformation(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_malformation_never_repeats_the_value() {
        let cut = &GOLDEN[..60];
        let message = malformation(cut).map(|malformed| malformed.to_string()).unwrap_or_default();
        assert_eq!(message, "the token has 60 bytes instead of 65; it was cut or something was added");
        assert!(!message.contains("01IYT0XLWR"));
    }

    #[test]
    fn hostile_values_are_refused_without_a_panic() {
        let long = "tg_s_".repeat(100_000);
        for text in ["tg_\u{e9}", "tg_s_\u{e9}\u{e9}", "tg_s_\0", "\"", "''", "tg_s", "%", "<>", &long] {
            assert!(TokenSecret::parse(text).is_err(), "{text}");
            assert_eq!(presented_id(text), None);
        }
        // Sixty-five bytes, but not sixty-five characters.
        let multibyte = format!("tg_s_{}", "\u{e9}".repeat(30));
        assert_eq!(malformation(&multibyte), Some(Malformed::Character { at: 6 }));
    }

    #[test]
    fn a_fragment_still_names_its_token() {
        for text in ["tg_s_01IYT0XLWR", "tg_s_01IYT0XLWR\u{2026}", "\"tg_s_01IYT0XLWR003a\"", &GOLDEN[..64]] {
            assert_eq!(presented_id(text).as_deref(), Some("s_01IYT0XLWR"), "{text}");
        }
        for text in ["tg_s_01IYT0XLW", "tg_q_01IYT0XLWR", "tg_s_01IYT-XLWR0", "x"] {
            assert_eq!(presented_id(text), None, "{text}");
        }
    }

    fn found(text: &str) -> Vec<&str> {
        find_in(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn secrets_are_found_in_any_text() {
        assert_eq!(found(&format!("a {GOLDEN} b \u{e9}{GOLDEN}.")), [GOLDEN, GOLDEN]);
        assert_eq!(found(&format!("x{GOLDEN}{GOLDEN}")), [GOLDEN, GOLDEN]);
        let wrong_checksum = GOLDEN.replace("_1BvyW3", "_000000");
        assert_eq!(found(&wrong_checksum), [&wrong_checksum]);
    }

    #[test]
    fn a_cut_secret_is_found_and_the_bare_public_id_is_not() {
        for end in [HEAD_LEN + FRAGMENT_LEN_MIN, 40, CRC_SEPARATOR, CRC_SEPARATOR + 1, CRC_SEPARATOR + 3] {
            assert_eq!(found(&GOLDEN[..end]), [&GOLDEN[..end]]);
        }
        assert!(found("tg_s_01IYT0XLWR\u{2026} tg_s_01IYT0XLWR... tg_s_ tg_").is_empty());
    }

    proptest! {
        #[test]
        fn every_made_secret_parses_and_is_found(id in any::<[u8; 8]>(), random in any::<[u8; 32]>(), kind in 0..4_usize) {
            let kind = [SecretKind::Global, SecretKind::Team, SecretKind::Service, SecretKind::Personal][kind];
            let secret = TokenSecret::from_entropy(kind, id, random);
            prop_assert!(TokenSecret::parse(secret.expose()).is_ok());
            prop_assert!(secret.token_id().starts_with(kind.letter()));
            let text = format!("({})", secret.expose());
            prop_assert_eq!(found(&text), [secret.expose()]);
        }

        #[test]
        fn one_changed_character_is_always_noticed(at in 5..65_usize, digit in "[0-9A-Za-z]") {
            let mut changed = GOLDEN.to_owned();
            changed.replace_range(at..=at, &digit);
            prop_assert_eq!(TokenSecret::parse(&changed).is_ok(), changed == GOLDEN);
        }

        #[test]
        fn any_text_can_be_read(text in ".*") {
            let _whatever = TokenSecret::parse(&text).is_ok();
            let _id = presented_id(&text);
            let _places = found(&text);
        }
    }
}
