//! Bodies with a content encoding (http.md §1 Body): gzip, inflated within the limit of a plain body.
//!
//! Two limits stop a bomb before it costs anything: the size of what comes out, which is that of a plain body, and how
//! many times larger than the sent body it is. Inflating ends at the first byte beyond either.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::decode::DecodeError;

/// What comes out may be this many times what was sent. Bodies of a thousand alike alerts reach 50.
const RATIO_MAX: usize = 200;

/// The ratio is not asked below this size: a short text of one letter is no attack.
const RATIO_FROM_BYTES: usize = 64 * 1_024;

/// Bytes inflated between two looks at the limits.
const PIECE_BYTES: usize = 16 * 1_024;

enum Coding {
    Plain,
    Gzip,
    Other,
}

/// The body without its content encoding; borrowed where it has none.
///
/// # Errors
/// An encoding that is not gzip (415), broken data (400), or more bytes than a body may have (413).
pub fn inflated<'b>(headers: &HeaderMap, body: &'b [u8], bytes_max: usize) -> Result<Cow<'b, [u8]>, DecodeError> {
    match coding(headers) {
        Coding::Plain => Ok(Cow::Borrowed(body)),
        // Nothing is nothing, whatever it is declared to be.
        Coding::Gzip if body.is_empty() => Ok(Cow::Borrowed(body)),
        Coding::Gzip => gunzipped(body, bytes_max).map(Cow::Owned),
        Coding::Other => Err(DecodeError::UnsupportedMediaType("the body has a content encoding other than gzip")),
    }
}

/// `identity` and an empty header are no encoding; one inside another is refused, for nobody sends that in earnest.
fn coding(headers: &HeaderMap) -> Coding {
    let named = headers.get_all(CONTENT_ENCODING).iter().flat_map(|value| value.to_str().unwrap_or("?").split(','));
    let mut codings = named.map(str::trim).filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
    match (codings.next(), codings.next()) {
        (None, _) => Coding::Plain,
        (Some(one), None) if one.eq_ignore_ascii_case("gzip") || one.eq_ignore_ascii_case("x-gzip") => Coding::Gzip,
        _ => Coding::Other,
    }
}

fn gunzipped(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = MultiGzDecoder::new(body);
    let (mut out, mut piece) = (Vec::new(), [0; PIECE_BYTES]);
    loop {
        let read = decoder.read(&mut piece).map_err(|_| DecodeError::BadGzip)?;
        if read == 0 {
            return Ok(out);
        }
        let total = out.len() + read;
        if total > bytes_max {
            return Err(DecodeError::InflatesTooFar { limit_bytes: bytes_max });
        }
        if total > RATIO_FROM_BYTES && total > body.len().saturating_mul(RATIO_MAX) {
            return Err(DecodeError::InflatesTooMuch { ratio: RATIO_MAX });
        }
        out.extend_from_slice(&piece[..read]);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 512 * 1_024;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn headers(codings: &[&'static str]) -> HeaderMap {
        codings.iter().map(|coding| (CONTENT_ENCODING, HeaderValue::from_static(coding))).collect()
    }

    fn inflate(coding: &'static str, body: &[u8]) -> Result<Vec<u8>, DecodeError> {
        inflated(&headers(&[coding]), body, LIMIT).map(Cow::into_owned)
    }

    #[test]
    fn gzip_is_undone_and_a_plain_body_is_not_copied() {
        for coding in ["gzip", "GZIP", "x-gzip", "identity, gzip"] {
            assert_eq!(inflate(coding, &gzip(b"{}")), Ok(b"{}".to_vec()), "{coding}");
        }
        let two_members = [gzip(b"{\"a\":"), gzip(b"1}")].concat();
        assert_eq!(inflate("gzip", &two_members), Ok(b"{\"a\":1}".to_vec()));
        for coding in ["", "identity"] {
            assert!(matches!(inflated(&headers(&[coding]), b"{}", LIMIT), Ok(Cow::Borrowed(b"{}"))), "{coding}");
        }
    }

    #[test]
    fn another_encoding_or_several_are_refused() {
        for codings in [&["br"][..], &["gzip, gzip"], &["gzip", "gzip"], &["deflate"], &["x"]] {
            let refusal = inflated(&headers(codings), b"{}", LIMIT).err();
            assert!(matches!(refusal, Some(DecodeError::UnsupportedMediaType(_))), "{codings:?}");
        }
    }

    #[test]
    fn broken_and_cut_gzip_is_a_bad_encoding() {
        let whole = gzip(b"{\"a\": 1, \"b\": [1, 2, 3]}");
        assert_eq!(inflate("gzip", b"{}"), Err(DecodeError::BadGzip));
        assert_eq!(inflate("gzip", &whole[..whole.len() - 4]), Err(DecodeError::BadGzip));
        let mut flipped = whole.clone();
        let last = flipped.len() - 6;
        flipped[last] ^= 1;
        assert_eq!(inflate("gzip", &flipped), Err(DecodeError::BadGzip), "the checksum is asked");
    }

    #[test]
    fn a_bomb_is_stopped_at_the_ratio_and_what_is_merely_large_at_the_limit() {
        let bomb = gzip(&vec![b' '; 20 * LIMIT]);
        assert!(bomb.len() < LIMIT / 10, "it is small on the wire");
        assert_eq!(inflate("gzip", &bomb), Err(DecodeError::InflatesTooFar { limit_bytes: LIMIT }));
        let small = gzip(&vec![b' '; LIMIT]);
        assert_eq!(inflate("gzip", &small), Err(DecodeError::InflatesTooMuch { ratio: RATIO_MAX }));
        let varied: Vec<u8> = (0..=LIMIT).map(|at| (at * at / 7 % 251) as u8).collect();
        assert_eq!(inflate("gzip", &gzip(&varied[..LIMIT])), Ok(varied[..LIMIT].to_vec()), "at the limit");
        assert_eq!(inflate("gzip", &gzip(&varied)), Err(DecodeError::InflatesTooFar { limit_bytes: LIMIT }));
    }

    #[test]
    fn a_short_body_of_one_letter_is_no_bomb() {
        assert_eq!(inflate("gzip", &gzip(&[b'a'; 60_000])).map(|out| out.len()), Ok(60_000));
    }

    proptest! {
        #[test]
        fn any_bytes_are_inflated_within_the_limit_or_refused(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let whole = gzip(&body);
            prop_assert_eq!(inflate("gzip", &whole), Ok(body.clone()));
            prop_assert!(inflate("gzip", &body).is_ok_and(|out| out.is_empty()) == body.is_empty());
        }
    }
}
