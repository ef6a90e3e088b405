//! A copy of all tables in one read transaction, looking through one, and making a database of one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{
    Database, Durability, Key, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, TableHandle,
    Value,
};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::incident::IncidentHead;

use super::handle::{Handle, fail, open_database};
use super::tables::*;
use crate::core::audit::Walk;
use crate::core::model::{FilterRecord, Operator, Service, Team, Token};
use crate::store::StoreError;
use crate::store::copying::{Copier, CopyChecked, CopyCounts, CopySink};
use crate::store::rows::decode;

const COPYING: &str = "copy the state";
const FILLING: &str = "write the restored state";

/// Bytes of rows that one commit of a new database writes.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// Memory for pages of a database in the making.
const CACHE_BYTES: usize = 64 << 20;

/// Something that is done to each table.
trait Visit {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError>;
}

/// Every table of the state, `meta` first: what it says is needed for judging the others.
fn visit_all(visit: &mut impl Visit) -> Result<(), StoreError> {
    visit.table(META)?;
    for table in [TEAMS, SERVICES, FILTERS, OPERATORS, MAINTENANCES, WORKFLOWS] {
        visit.table(table)?;
    }
    for table in [TOKENS, TOMBSTONES, USAGE, TOKEN_OPTIONS, MEASURES, KEPT_QUERIES] {
        visit.table(table)?;
    }
    visit.table(DEAD_SECRETS)?;
    for table in [HEADS, BODIES, REQUESTS, REQUEST_PAYLOADS] {
        visit.table(table)?;
    }
    visit.table(TIMELINE)?;
    visit.table(REQUEST_OUTPUTS)?;
    visit.table(OPEN)?;
    visit.table(UNFINISHED)?;
    for table in [RESOLVED, FINISHED, DEDUP, ANSWERS, AUDIT] {
        visit.table(table)?;
    }
    Ok(())
}

fn unknown(section: &str) -> StoreError {
    let what = format!("the table {}", section.escape_debug());
    StoreError::Damaged { what, detail: "this program does not know it".to_owned() }
}

// === giving a copy ===

/// Reads through the store's handle, so it survives a reopening.
pub(super) struct RedbCopier(pub(super) Arc<Handle>);

struct Giving<'c> {
    txn: &'c ReadTransaction,
    sink: &'c mut dyn CopySink,
}

impl Copier for RedbCopier {
    fn copy(&self, sink: &mut dyn CopySink) -> Result<(), StoreError> {
        let txn = self.0.read()?;
        all_known(&txn)?;
        let counts = CopyCounts {
            teams: rows_of(&txn, TEAMS)?,
            services: rows_of(&txn, SERVICES)?,
            filters: rows_of(&txn, FILTERS)?,
            tokens: rows_of(&txn, TOKENS)?,
            operators: rows_of(&txn, OPERATORS)?,
            incidents: rows_of(&txn, HEADS)?,
            audit_rows: rows_of(&txn, AUDIT)?,
        };
        sink.begin(counts).map_err(not_written)?;
        visit_all(&mut Giving { txn: &txn, sink })
    }
}

impl Visit for Giving<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError> {
        let rows = self.txn.open_table(table).map_err(fail(COPYING))?;
        self.sink.section(table.name(), rows.len().map_err(fail(COPYING))?).map_err(not_written)?;
        for row in rows.iter().map_err(fail(COPYING))? {
            let (key, value) = row.map_err(fail(COPYING))?;
            let (key, value) = (key.value(), value.value());
            self.sink.row(K::as_bytes(&key).as_ref(), V::as_bytes(&value).as_ref()).map_err(not_written)?;
        }
        Ok(())
    }
}

/// A table that is in no list here would be left out in silence.
fn all_known(txn: &ReadTransaction) -> Result<(), StoreError> {
    struct Names(Vec<String>);
    impl Visit for Names {
        fn table<K: Key + 'static, V: Value + 'static>(
            &mut self,
            table: TableDefinition<'static, K, V>,
        ) -> Result<(), StoreError> {
            self.0.push(table.name().to_owned());
            Ok(())
        }
    }
    let mut known = Names(Vec::new());
    visit_all(&mut known)?;
    let mut found = txn.list_tables().map_err(fail(COPYING))?.map(|table| table.name().to_owned());
    found.find(|name| !known.0.contains(name)).map_or(Ok(()), |name| Err(unknown(&name)))
}

fn rows_of<K: Key + 'static>(
    txn: &ReadTransaction,
    table: TableDefinition<'static, K, &'static [u8]>,
) -> Result<u64, StoreError> {
    txn.open_table(table).map_err(fail(COPYING))?.len().map_err(fail(COPYING))
}

fn not_written(source: io::Error) -> StoreError {
    StoreError::Io { doing: "write the copy of the state".to_owned(), source: Box::new(source) }
}

// === looking through a copy ===

/// Looks at the rows of a copy one by one: they decode, they are counted, the audit's chain holds.
#[derive(Default)]
pub struct CopyCheck {
    counts: CopyCounts,
    meta: BTreeMap<String, Vec<u8>>,
    walk: Option<Walk>,
    goes_on: bool,
}

impl CopyCheck {
    /// The next row.
    ///
    /// # Errors
    /// It does not decode, is of no known table, or the copy is of a newer format.
    pub fn row(&mut self, section: &str, key: &[u8], row: &[u8]) -> Result<(), StoreError> {
        struct Named<'n>(&'n str, bool);
        impl Visit for Named<'_> {
            fn table<K: Key + 'static, V: Value + 'static>(
                &mut self,
                table: TableDefinition<'static, K, V>,
            ) -> Result<(), StoreError> {
                self.1 |= table.name() == self.0;
                Ok(())
            }
        }
        let counts = &mut self.counts;
        let counted = match section {
            "meta" => {
                self.meta.insert(String::from_utf8_lossy(key).into_owned(), row.to_vec());
                return Ok(());
            }
            "audit" => return self.audit_row(row),
            "teams" => decode::<Team>(row).map(|_| &mut counts.teams)?,
            "services" => decode::<Service>(row).map(|_| &mut counts.services)?,
            "filters" => decode::<FilterRecord>(row).map(|_| &mut counts.filters)?,
            "tokens" => decode::<Token>(row).map(|_| &mut counts.tokens)?,
            "operators" => decode::<Operator>(row).map(|_| &mut counts.operators)?,
            "incident_heads" => decode::<IncidentHead>(row).map(|_| &mut counts.incidents)?,
            other => {
                let mut named = Named(other, false);
                visit_all(&mut named)?;
                return if named.1 { Ok(()) } else { Err(unknown(other)) };
            }
        };
        *counted += 1;
        Ok(())
    }

    fn audit_row(&mut self, row: &[u8]) -> Result<(), StoreError> {
        self.counts.audit_rows += 1;
        let row = decode::<AuditRow>(row)?;
        self.begin_walk()?;
        if let Some(walk) = self.walk.as_mut().filter(|_| self.goes_on) {
            self.goes_on = walk.step(row);
        }
        Ok(())
    }

    fn begin_walk(&mut self) -> Result<(), StoreError> {
        if self.walk.is_none() {
            let (format, head) = marks_of(&self.meta).ok_or_else(|| StoreError::Damaged {
                what: "what the state says of itself".to_owned(),
                detail: "its format or the end of its audit is missing".to_owned(),
            })?;
            if format > FORMAT_VERSION {
                let (found, known) = (u32::try_from(format).unwrap_or(u32::MAX), FORMAT_VERSION as u32);
                return Err(StoreError::NewerFormat { file: "the state in it".to_owned(), found, known });
            }
            (self.walk, self.goes_on) = (Some(Walk::new(head, None)), true);
        }
        Ok(())
    }

    /// The verdict, once all rows were seen.
    ///
    /// # Errors
    /// What the state says of itself is missing.
    pub fn end(mut self) -> Result<CopyChecked, StoreError> {
        self.begin_walk()?;
        let verdict = self.walk.map(Walk::end).filter(|verdict| !verdict.intact);
        let broken = |verdict: tollgate_shared::api::AuditVerdict| match verdict.broken_at {
            Some(at) => format!("row {at}: {}", verdict.detail),
            None => verdict.detail,
        };
        Ok(CopyChecked { counts: self.counts, audit_broken: verdict.map(broken) })
    }
}

// === making a database of a copy ===

/// A new database that takes the rows of a copy. [`CopyInto::finish`] must follow.
pub struct CopyInto {
    database: Database,
    section: String,
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

/// Puts rows into the table of their section.
struct Putting<'p> {
    txn: &'p redb::WriteTransaction,
    section: &'p str,
    rows: &'p [(Vec<u8>, Vec<u8>)],
    found: bool,
}

impl CopyInto {
    /// Makes a database of an empty file.
    ///
    /// # Errors
    /// I/O.
    pub fn create(file: File) -> Result<Self, StoreError> {
        let backend = FileBackend::new(file).map_err(fail(FILLING))?;
        let database = open_database(backend, "the restored state", CACHE_BYTES)?;
        Ok(Self { database, section: String::new(), rows: Vec::new(), bytes: 0 })
    }

    /// The next row.
    ///
    /// # Errors
    /// I/O, or it fits no table.
    pub fn row(&mut self, section: &str, key: Vec<u8>, row: Vec<u8>) -> Result<(), StoreError> {
        if section != self.section || self.bytes >= BATCH_BYTES_MAX {
            self.write()?;
            section.clone_into(&mut self.section);
        }
        self.bytes += key.len() + row.len();
        self.rows.push((key, row));
        Ok(())
    }

    /// Durable only with the commit of [`CopyInto::finish`]: before that it is worth nothing.
    fn write(&mut self) -> Result<(), StoreError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let mut txn = self.database.begin_write().map_err(fail(FILLING))?;
        txn.set_durability(Durability::None)
            .map_err(|error| StoreError::Io { doing: FILLING.to_owned(), source: Box::new(error) })?;
        let mut putting = Putting { txn: &txn, section: &self.section, rows: &rows, found: false };
        visit_all(&mut putting)?;
        if !putting.found {
            return Err(unknown(&self.section));
        }
        txn.commit().map_err(fail(FILLING))
    }

    /// Makes it a database of its own, with this key, and everything durable.
    ///
    /// # Errors
    /// I/O.
    pub fn finish(mut self, key_check: &[u8; 32], store_id: u64) -> Result<(), StoreError> {
        self.write()?;
        let mut txn = self.database.begin_write().map_err(fail(FILLING))?;
        txn.set_two_phase_commit(true);
        // Those that have no rows: whoever opens it finds every table.
        visit_all(&mut Making(&txn))?;
        rebrand(&txn, key_check, store_id)?;
        txn.commit().map_err(fail(FILLING))?;
        self.database.close().map_err(fail(FILLING))
    }
}

struct Making<'m>(&'m redb::WriteTransaction);

impl Visit for Making<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError> {
        self.0.open_table(table).map(drop).map_err(fail(FILLING))
    }
}

impl Visit for Putting<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError> {
        if table.name() != self.section {
            return Ok(());
        }
        self.found = true;
        let mut into = self.txn.open_table(table).map_err(fail(FILLING))?;
        for (key, row) in self.rows {
            if !is_one::<K>(key) || V::fixed_width().is_some_and(|width| width != row.len()) {
                let what = format!("a row of {}", table.name());
                return Err(StoreError::Damaged { what, detail: "its key has not the table's form".to_owned() });
            }
            into.insert(K::from_bytes(key), V::from_bytes(row)).map_err(fail(FILLING))?;
        }
        Ok(())
    }
}

/// Whether the bytes are a key of this kind: the engine takes them on trust. All keys without a fixed length are texts.
fn is_one<K: Key>(key: &[u8]) -> bool {
    K::fixed_width().map_or_else(|| std::str::from_utf8(key).is_ok(), |width| width == key.len())
}
