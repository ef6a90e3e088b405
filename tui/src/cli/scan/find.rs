//! Finds whole secrets in bytes of any kind, far faster than it reads them.

use std::io::{self, Read};

use tollgate_shared::secret::TokenSecret;

/// `tg_s_` stands before the digits.
const HEAD_LEN: usize = 5;
/// The id and the random part: so many letters and digits in a row are in every secret.
const RUN_LEN: usize = 53;
/// Read at once. Everything but a secret's length of it is done with before the next piece.
const CHUNK_LEN: usize = 1 << 20;

/// Calls `found` with each secret and the line it stands in, counted from 1.
///
/// # Errors
/// The source cannot be read further.
pub(in crate::cli) fn secrets_in(mut source: impl Read, mut found: impl FnMut(TokenSecret, u64)) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK_LEN + TokenSecret::LEN];
    let (mut filled, mut line, mut total) = (0, 1, 0_u64);
    loop {
        let read = read_some(&mut source, &mut buffer[filled..])?;
        filled += read;
        total += read as u64;
        let is_end = read == 0;
        let bytes = &buffer[..filled];
        // A secret that begins in the last bytes may be cut: they stay for the next round.
        let kept = if is_end { 0 } else { (TokenSecret::LEN - 1).min(filled) };
        let done = filled - kept;
        let mut counted = 0;
        each_in(bytes, done, |start, secret| {
            line += newlines(&bytes[counted..start]);
            counted = start;
            found(secret, line);
        });
        if is_end {
            return Ok(total);
        }
        line += newlines(&bytes[counted..done]);
        buffer.copy_within(done..filled, 0);
        filled = kept;
    }
}

fn read_some(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    // Sums of single bytes are what the compiler turns into wide instructions; 255 of them cannot overflow.
    bytes.chunks(255).map(|chunk| u64::from(chunk.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>())).sum()
}

/// Secrets that begin before `end`.
///
/// A secret has 53 letters and digits in a row. So at least one byte of it is met when only each 53rd is looked at, and
/// where that one is neither letter nor digit, 53 bytes are done with at once.
fn each_in(bytes: &[u8], end: usize, mut found: impl FnMut(usize, TokenSecret)) {
    let mut probe = HEAD_LEN + RUN_LEN - 1;
    // Runs that were looked at end here: a long one is walked only once.
    let mut seen = 0;
    while probe < bytes.len() {
        if !bytes[probe].is_ascii_alphanumeric() {
            probe += RUN_LEN;
            continue;
        }
        let back = bytes[seen..probe].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let start = probe - back;
        let run_end = probe + bytes[probe..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if run_end - start == RUN_LEN
            && start >= HEAD_LEN
            && start - HEAD_LEN < end
            && let Some(secret) = secret_at(bytes, start - HEAD_LEN)
        {
            found(start - HEAD_LEN, secret);
        }
        seen = run_end;
        probe = run_end + RUN_LEN;
    }
}

fn secret_at(bytes: &[u8], start: usize) -> Option<TokenSecret> {
    let text = std::str::from_utf8(bytes.get(start..start + TokenSecret::LEN)?).ok()?;
    TokenSecret::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tollgate_shared::secret::{SecretKind, find_in};

    use super::*;

    fn secret(seed: u8) -> String {
        TokenSecret::from_entropy(SecretKind::Service, [seed; 8], [seed; 32]).expose().to_owned()
    }

    fn found(bytes: &[u8]) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        secrets_in(bytes, |secret, line| all.push((secret.expose().to_owned(), line))).unwrap();
        all
    }

    /// Answers a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let step = self.1.min(buffer.len());
            self.0.read(&mut buffer[..step])
        }
    }

    #[test]
    fn secrets_are_found_with_their_lines_in_text_and_binary() {
        let (a, b) = (secret(1), secret(2));
        let text = format!("x\n\ntoken={a}\nAuthorization: Bearer {b}\r\n{a}{b}");
        let expected = [(a.clone(), 3), (b.clone(), 4), (a.clone(), 5), (b.clone(), 5)];
        assert_eq!(found(text.as_bytes()), expected);
        let binary = [&[0, 255, 0xc3][..], a.as_bytes(), &[0; 3]].concat();
        assert_eq!(found(&binary), [(a.clone(), 1)]);
        assert_eq!(found(a.as_bytes()).len(), 1);
    }

    #[test]
    fn what_is_cut_or_mistyped_is_no_secret() {
        let a = secret(1);
        assert!(found(&a.as_bytes()[..64]).is_empty());
        assert!(found(a.replace("tg_s", "tg_t").as_bytes()).is_empty(), "the checksum holds the kind too");
        assert!(found(&[b'a'; 10_000]).is_empty() && found(b"").is_empty());
    }

    #[test]
    fn a_secret_across_two_pieces_is_found_once() {
        let a = secret(3);
        for before in (CHUNK_LEN - 70..CHUNK_LEN + 140).step_by(7) {
            let text = [vec![b'\n'; before], a.clone().into_bytes(), vec![b'.'; 100]].concat();
            assert_eq!(found(&text), [(a.clone(), before as u64 + 1)], "{before}");
        }
        let text = format!("{}{a}\n{a}", "-".repeat(200));
        let mut lines = Vec::new();
        secrets_in(Drip(text.as_bytes(), 3), |_, line| lines.push(line)).unwrap();
        assert_eq!(lines, [1, 2]);
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_plain_search_finds(pieces in proptest::collection::vec(
            prop_oneof!["[a-z0-9_ \n]{0,70}", (0..3_u8).prop_map(secret)], 0..8,
        )) {
            let text = pieces.concat();
            let plain = find_in(&text).into_iter().filter(|range| TokenSecret::parse(&text[range.clone()]).is_ok());
            let plain: Vec<String> = plain.map(|range| text[range].to_owned()).collect();
            let fast: Vec<String> = found(text.as_bytes()).into_iter().map(|(secret, _)| secret).collect();
            // The plain search goes on behind a look-alike before a secret; the fast one needs no such care.
            prop_assert!(plain.iter().all(|secret| fast.contains(secret)), "{plain:?} {fast:?}");
        }
    }
}
