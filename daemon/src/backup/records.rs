//! What stands inside a backup: what it says of itself, the token key where it is in it, then sections of rows in the
//! store's own form, then an end.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use super::{BackupError, Manifest};
use crate::store::{CopyCounts, CopySink};

const MANIFEST: u8 = 1;
const KEY: u8 = 2;
const SECTION: u8 = 3;
const ROW: u8 = 4;
const END: u8 = 5;

/// Bytes of one part at most: the largest row is far smaller, and a changed length must not be memory.
const PART_BYTES_MAX: u32 = 64 * 1_024 * 1_024;

/// The key of the tokens' MACs on its way.
pub(super) type KeyBytes = Zeroizing<[u8; 32]>;

/// Writes the records of one copy.
pub(super) struct Recorder<'m, W> {
    out: W,
    /// Everything but the counts, which the copy brings.
    manifest: &'m mut Manifest,
    key: Option<&'m [u8; 32]>,
}

/// What comes out of a backup, in this order.
pub(super) enum Record {
    Manifest(Box<Manifest>),
    Key(KeyBytes),
    /// The rows that follow are of this section, and so many.
    Section(String, u64),
    Row(Vec<u8>, Vec<u8>),
    End,
}

// === impl Recorder ===

impl<'m, W: Write> Recorder<'m, W> {
    pub(super) fn new(out: W, manifest: &'m mut Manifest, key: Option<&'m [u8; 32]>) -> Self {
        Self { out, manifest, key }
    }

    pub(super) fn end(mut self) -> io::Result<W> {
        self.out.write_all(&[END])?;
        Ok(self.out)
    }

    fn part(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= PART_BYTES_MAX);
        let length = length.ok_or_else(|| io::Error::other("a row is too large for a backup"))?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(bytes)
    }
}

impl<W: Write> CopySink for Recorder<'_, W> {
    fn begin(&mut self, counts: CopyCounts) -> io::Result<()> {
        self.manifest.counts = counts;
        let text = serde_json::to_vec(self.manifest).map_err(io::Error::other)?;
        self.out.write_all(&[MANIFEST])?;
        self.part(&text)?;
        let Some(key) = self.key else { return Ok(()) };
        self.out.write_all(&[KEY])?;
        self.out.write_all(key)
    }

    fn section(&mut self, name: &str, rows: u64) -> io::Result<()> {
        self.out.write_all(&[SECTION])?;
        self.part(name.as_bytes())?;
        self.out.write_all(&rows.to_le_bytes())
    }

    fn row(&mut self, key: &[u8], row: &[u8]) -> io::Result<()> {
        self.out.write_all(&[ROW])?;
        self.part(key)?;
        self.part(row)
    }
}

// === impl Record ===

impl Record {
    /// The next one.
    pub(super) fn read(from: &mut impl Read) -> Result<Self, BackupError> {
        Self::read_one(from).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => BackupError::damaged("it ends within a record"),
            _ => BackupError::of_io("reading the backup", error),
        })
    }

    fn read_one(from: &mut impl Read) -> io::Result<Self> {
        let [kind] = array(from)?;
        Ok(match kind {
            MANIFEST => {
                let read = serde_json::from_slice(&part(from)?);
                Self::Manifest(Box::new(read.map_err(|_| strange("what it says of itself does not decode"))?))
            }
            KEY => Self::Key(Zeroizing::new(array(from)?)),
            SECTION => {
                let name = String::from_utf8(part(from)?).map_err(|_| strange("a section's name is no text"))?;
                Self::Section(name, u64::from_le_bytes(array(from)?))
            }
            ROW => Self::Row(part(from)?, part(from)?),
            END => Self::End,
            _ => return Err(strange("it holds a record of an unknown kind")),
        })
    }
}

fn array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn part(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let length = u32::from_le_bytes(array(from)?);
    if length > PART_BYTES_MAX {
        return Err(strange("a record is longer than any can be"));
    }
    let mut bytes = Vec::new();
    from.take(length.into()).read_to_end(&mut bytes)?;
    let is_whole = u32::try_from(bytes.len()) == Ok(length);
    if is_whole { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn strange(what: &str) -> io::Error {
    BackupError::damaged(what).into()
}
