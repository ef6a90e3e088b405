//! The container of a backup: a head in clear, chunks that are sealed one by one, and an end mark.
//!
//! Encrypted, the key is argon2id of a passphrase and each chunk is sealed by XChaCha20-Poly1305 in the STREAM
//! construction: its place and whether it is the last one are part of the seal, so no chunk can be left out, moved or
//! exchanged; the head is authenticated with every chunk. Plain, the seal of a chunk is a checksum in the same place.
//!
//! Two things are in clear only so that what is wrong can be told apart: the head's own checksum (a damaged head is no
//! wrong passphrase) and the end mark with the file's length (a cut file is no changed one). Nothing is trusted because
//! of them.

use std::io::{self, Read, Seek, SeekFrom, Write};

use aead_stream::aead::{KeyInit as _, Payload};
use aead_stream::{Key, NewStream as _, Nonce, StreamBE32, StreamPrimitive as _};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::XChaCha20Poly1305;
use tollgate_shared::api::BACKUP_END_MARK;
use zeroize::Zeroizing;

use super::BackupError;
use super::passphrase::Passphrase;

const MAGIC: &[u8; 16] = b"tollgate-backup\n";
const FORMAT: u8 = 1;

/// Bytes of a chunk before it is sealed.
const CHUNK_BYTES: usize = 64 * 1_024;
const SEAL_BYTES: usize = 16;

const SALT_BYTES: usize = 16;
/// What STREAM leaves of the 24 bytes of a nonce: the rest is the chunk's place.
const NONCE_BYTES: usize = 19;
const CHECK_BYTES: usize = 16;
const SUM_BYTES: usize = 8;
const END_BYTES: usize = BACKUP_END_MARK.len() + 8;

/// Where the parts of a head are.
const KIND_AT: usize = MAGIC.len() + 1;
const STRENGTH_AT: usize = KIND_AT + 1;
const SALT_AT: usize = STRENGTH_AT + 12;
const NONCE_AT: usize = SALT_AT + SALT_BYTES;
const CHECK_AT: usize = NONCE_AT + NONCE_BYTES;
const SUM_AT: usize = CHECK_AT + CHECK_BYTES;
const HEAD_BYTES: usize = SUM_AT + SUM_BYTES;

/// Bytes at a file's beginning that tell whether it is encrypted.
const PREFIX_BYTES: usize = STRENGTH_AT;

type Stream = StreamBE32<XChaCha20Poly1305>;

/// How much work a guess at the passphrase costs (argon2id).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strength {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// What a backup is locked with.
pub(super) enum Lock<'p> {
    /// Checksums only: anybody reads it and anybody can change it so that nobody sees.
    Plain,
    /// Encrypted and authenticated.
    Passphrase(&'p Passphrase, Strength),
}

/// Seals and opens chunks.
enum Keeper {
    Plain,
    Sealed(Box<Stream>),
}

/// Takes what a backup holds and writes it as a backup. [`Sealing::finish`] must follow.
pub(super) struct Sealing<W> {
    out: W,
    head: [u8; HEAD_BYTES],
    keeper: Keeper,
    chunk: Zeroizing<Vec<u8>>,
    place: u32,
    written: u64,
}

/// Gives what a backup holds, chunk by chunk, each only once its seal was found whole.
pub(super) struct Opening<R> {
    file: R,
    head: [u8; HEAD_BYTES],
    keeper: Keeper,
    chunk: Zeroizing<Vec<u8>>,
    at: usize,
    place: u32,
    /// Bytes of sealed chunks that were not read yet.
    left: u64,
}

// === impl Strength ===

impl Strength {
    /// RFC 9106, second recommendation, on one lane: 64 MiB, three passes; about half a second on a small host.
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1_024, passes: 3, lanes: 1 };

    /// Beyond this a file is not opened: whoever wrote it could order any amount of work.
    const MAX: Self = Self { memory_kib: 1_024 * 1_024, passes: 16, lanes: 8 };

    fn is_bearable(self) -> bool {
        self.memory_kib <= Self::MAX.memory_kib && self.passes <= Self::MAX.passes && self.lanes <= Self::MAX.lanes
    }

    /// The key of the chunks, and what the head's check is keyed with.
    fn keys(self, passphrase: &Passphrase, salt: &[u8]) -> Result<Zeroizing<[u8; 64]>, BackupError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(64));
        let params = params.map_err(|_| BackupError::damaged("its head asks for a key that cannot be made"))?;
        let mut keys = Zeroizing::new([0; 64]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), salt, keys.as_mut_slice())
            .map_err(|_| BackupError::Host("memory for the key"))?;
        Ok(keys)
    }
}

// === impl Keeper ===

impl Keeper {
    fn sealed(keys: &[u8; 64], nonce: &[u8]) -> Result<Self, BackupError> {
        let broken = |_| BackupError::Host("key of the right length");
        let key = Key::<XChaCha20Poly1305>::try_from(&keys[..32]).map_err(broken)?;
        let nonce = Nonce::<XChaCha20Poly1305, Stream>::try_from(nonce).map_err(broken)?;
        Ok(Self::Sealed(Box::new(Stream::from_aead(XChaCha20Poly1305::new(&key), &nonce))))
    }

    fn seal(&self, head: &[u8], place: u32, is_last: bool, chunk: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Plain => Some([chunk, &checksum(head, place, is_last, chunk)].concat()),
            Self::Sealed(stream) => stream.encrypt(place, is_last, Payload { msg: chunk, aad: head }).ok(),
        }
    }

    fn open(&self, head: &[u8], place: u32, is_last: bool, sealed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Plain => {
                let (chunk, sum) = sealed.split_at_checked(sealed.len().checked_sub(SEAL_BYTES)?)?;
                (checksum(head, place, is_last, chunk) == *sum).then(|| chunk.to_vec())
            }
            Self::Sealed(stream) => stream.decrypt(place, is_last, Payload { msg: sealed, aad: head }).ok(),
        }
    }
}

fn checksum(head: &[u8], place: u32, is_last: bool, chunk: &[u8]) -> [u8; SEAL_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head).update(&place.to_le_bytes()).update(&[u8::from(is_last)]).update(chunk);
    first(hasher.finalize())
}

fn first<const N: usize>(hash: blake3::Hash) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hash.as_bytes()[..N]);
    bytes
}

// === impl Sealing ===

impl<W: Write> Sealing<W> {
    /// Writes the head.
    pub(super) fn begin(mut out: W, lock: &Lock<'_>) -> Result<Self, BackupError> {
        let mut head = [0; HEAD_BYTES];
        head[..MAGIC.len()].copy_from_slice(MAGIC);
        head[MAGIC.len()] = FORMAT;
        // Random also in a plain one, so that no two share a head.
        getrandom::fill(&mut head[SALT_AT..CHECK_AT]).map_err(|_| BackupError::Host("random bytes"))?;
        let keeper = match lock {
            Lock::Plain => Keeper::Plain,
            Lock::Passphrase(passphrase, strength) => {
                head[KIND_AT] = 1;
                let numbers = [strength.memory_kib, strength.passes, strength.lanes].map(u32::to_le_bytes);
                head[STRENGTH_AT..SALT_AT].copy_from_slice(numbers.as_flattened());
                let keys = strength.keys(passphrase, &head[SALT_AT..NONCE_AT])?;
                let check = check_of(&keys, &head);
                head[CHECK_AT..SUM_AT].copy_from_slice(&check);
                Keeper::sealed(&keys, &head[NONCE_AT..CHECK_AT])?
            }
        };
        let sum: [u8; SUM_BYTES] = first(blake3::hash(&head[..SUM_AT]));
        head[SUM_AT..].copy_from_slice(&sum);
        out.write_all(&head).map_err(|error| BackupError::of_io("writing the backup", error))?;
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES));
        Ok(Self { out, head, keeper, chunk, place: 0, written: HEAD_BYTES as u64 })
    }

    fn put_chunk(&mut self, is_last: bool) -> io::Result<()> {
        let full = || io::Error::from(BackupError::Refused("the state is too large for one backup".to_owned()));
        let sealed = self.keeper.seal(&self.head, self.place, is_last, &self.chunk).ok_or_else(full)?;
        self.out.write_all(&sealed)?;
        self.written += sealed.len() as u64;
        self.place = self.place.checked_add(1).ok_or_else(full)?;
        self.chunk.clear();
        Ok(())
    }

    /// Writes the last chunk and the end mark; gives the writer back, and the bytes in all.
    pub(super) fn finish(mut self) -> Result<(W, u64), BackupError> {
        let wrong = |error| BackupError::of_io("writing the backup", error);
        self.put_chunk(true).map_err(wrong)?;
        let bytes = self.written + END_BYTES as u64;
        self.out.write_all(BACKUP_END_MARK).map_err(wrong)?;
        self.out.write_all(&bytes.to_le_bytes()).map_err(wrong)?;
        self.out.flush().map_err(wrong)?;
        Ok((self.out, bytes))
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Only when more comes: what is left at the end is the last chunk, however long.
        if self.chunk.len() == CHUNK_BYTES {
            self.put_chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What only the right passphrase gives.
fn check_of(keys: &[u8; 64], head: &[u8; HEAD_BYTES]) -> [u8; CHECK_BYTES] {
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&keys[32..]);
    first(blake3::keyed_hash(&key, &head[..CHECK_AT]))
}

// === impl Opening ===

/// Whether a file that begins so wants a passphrase; `None` where it is no backup.
#[must_use]
pub fn is_sealed(file: &mut impl Read) -> Option<bool> {
    let mut prefix = [0; PREFIX_BYTES];
    file.read_exact(&mut prefix).ok()?;
    (prefix[..MAGIC.len()] == *MAGIC).then_some(prefix[KIND_AT] != 0)
}

impl<R: Read + Seek> Opening<R> {
    /// Looks at both ends of the file, and whether the passphrase fits; one that a plain backup does not need is left
    /// alone.
    pub(super) fn begin(mut file: R, passphrase: Option<&Passphrase>) -> Result<Self, BackupError> {
        let wrong = |error| BackupError::of_io("reading the backup", error);
        let bytes = file.seek(SeekFrom::End(0)).map_err(wrong)?;
        let head = read_head(&mut file, bytes)?;
        check_end(&mut file, bytes)?;
        file.seek(SeekFrom::Start(HEAD_BYTES as u64)).map_err(wrong)?;
        let keeper = match head[KIND_AT] {
            0 => Keeper::Plain,
            _ => keeper_of(&head, passphrase.ok_or(BackupError::PassphraseMissing)?)?,
        };
        let left = bytes - (HEAD_BYTES + END_BYTES) as u64;
        Ok(Self { file, head, keeper, chunk: Zeroizing::default(), at: 0, place: 0, left })
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let most = (CHUNK_BYTES + SEAL_BYTES) as u64;
        let length = self.left.min(most);
        let mut sealed = vec![0; usize::try_from(length).unwrap_or(CHUNK_BYTES + SEAL_BYTES)];
        self.file.read_exact(&mut sealed)?;
        self.left -= length;
        let opened = self.keeper.open(&self.head, self.place, self.left == 0, &sealed);
        let what = || {
            let from = HEAD_BYTES as u64 + u64::from(self.place) * most;
            BackupError::damaged(format!("something was changed between byte {from} and {}", from + length))
        };
        self.chunk = Zeroizing::new(opened.ok_or_else(|| io::Error::from(what()))?);
        (self.at, self.place) = (0, self.place.wrapping_add(1));
        Ok(())
    }
}

impl<R: Read + Seek> Read for Opening<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() && self.left > 0 {
            self.next_chunk()?;
        }
        let taken = out.len().min(self.chunk.len() - self.at);
        out[..taken].copy_from_slice(&self.chunk[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

fn read_head(file: &mut (impl Read + Seek), bytes: u64) -> Result<[u8; HEAD_BYTES], BackupError> {
    let wrong = |error| BackupError::of_io("reading the backup", error);
    file.seek(SeekFrom::Start(0)).map_err(wrong)?;
    let mut head = [0; HEAD_BYTES];
    let there = head.len().min(usize::try_from(bytes).unwrap_or(HEAD_BYTES));
    file.read_exact(&mut head[..there]).map_err(wrong)?;
    let magic = MAGIC.len().min(there);
    if magic == 0 || head[..magic] != MAGIC[..magic] {
        return Err(BackupError::NotOne);
    }
    if bytes < (HEAD_BYTES + SEAL_BYTES + END_BYTES) as u64 {
        return Err(BackupError::Cut);
    }
    let sum: [u8; SUM_BYTES] = first(blake3::hash(&head[..SUM_AT]));
    if sum != head[SUM_AT..] {
        return Err(BackupError::damaged("its head was changed"));
    }
    match head[MAGIC.len()] {
        FORMAT if head[KIND_AT] <= 1 => Ok(head),
        found => Err(BackupError::Newer { found, known: FORMAT }),
    }
}

fn check_end(file: &mut (impl Read + Seek), bytes: u64) -> Result<(), BackupError> {
    let wrong = |error| BackupError::of_io("reading the backup", error);
    file.seek(SeekFrom::Start(bytes - END_BYTES as u64)).map_err(wrong)?;
    let mut end = [0; END_BYTES];
    file.read_exact(&mut end).map_err(wrong)?;
    let (magic, length) = end.split_at(BACKUP_END_MARK.len());
    let is_end = magic == BACKUP_END_MARK && length == bytes.to_le_bytes();
    if is_end { Ok(()) } else { Err(BackupError::Cut) }
}

fn keeper_of(head: &[u8; HEAD_BYTES], passphrase: &Passphrase) -> Result<Keeper, BackupError> {
    let number = |at: usize| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&head[STRENGTH_AT + 4 * at..STRENGTH_AT + 4 * at + 4]);
        u32::from_le_bytes(bytes)
    };
    let strength = Strength { memory_kib: number(0), passes: number(1), lanes: number(2) };
    if !strength.is_bearable() {
        return Err(BackupError::damaged("its head asks for more work than any release of ours does"));
    }
    let keys = strength.keys(passphrase, &head[SALT_AT..NONCE_AT])?;
    if check_of(&keys, head) != head[CHECK_AT..SUM_AT] {
        return Err(BackupError::PassphraseWrong);
    }
    Keeper::sealed(&keys, &head[NONCE_AT..CHECK_AT])
}
