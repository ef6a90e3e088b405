//! The audit trail's hash chain (domain.md §8): each row holds the previous row's hash, so that a row which is changed,
//! dropped or moved shows. What only its last hash can show, a cut end, needs a head that was noted elsewhere.

use serde_json::Value;
use tollgate_shared::api::AuditVerdict;
use tollgate_shared::audit::AuditRow;

/// The hash before the first row.
pub const FIRST_PREVIOUS: [u8; 32] = [0; 32];

/// Where the chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The last row's seq; 0 = none yet.
    pub seq: u64,
    /// The last row's hash.
    pub hash: [u8; 32],
}

/// Walks the chain row by row and remembers the first thing that does not fit.
pub struct Walk {
    /// What the chain must still pass: the head in the store, and one that was noted elsewhere.
    head: AuditHead,
    noted: Option<String>,
    last: Option<AuditRow>,
    rows: u64,
    broken: Option<(u64, String)>,
}

/// Gives a row its place in the chain; returns its hash.
pub fn link(row: &mut AuditRow, before: AuditHead) -> [u8; 32] {
    row.seq = before.seq + 1;
    row.previous = hex(&before.hash);
    let hash = hash_of(row);
    row.hash = hex(&hash);
    hash
}

/// BLAKE3 over the row's canonical JSON (sorted members, no spaces) without `hash`.
pub fn hash_of(row: &AuditRow) -> [u8; 32] {
    let mut value = serde_json::to_value(row).unwrap_or(Value::Null);
    if let Value::Object(members) = &mut value {
        members.remove("hash");
    }
    *blake3::hash(value.to_string().as_bytes()).as_bytes()
}

/// 64 hex digits.
pub fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

impl Walk {
    /// A walk towards the head that the store knows; `noted` is one that somebody noted elsewhere before.
    pub fn new(head: AuditHead, noted: Option<String>) -> Self {
        Self { head, noted, last: None, rows: 0, broken: None }
    }

    /// Where the walk stands: rows after this seq come next.
    pub fn at(&self) -> u64 {
        self.last.as_ref().map_or(0, |row| row.seq)
    }

    /// The next row, in rising seq. False once something does not fit: the rest would only repeat it.
    pub fn step(&mut self, row: AuditRow) -> bool {
        if let Some(wrong) = self.wrong_with(&row) {
            self.broken = Some((row.seq, wrong));
        }
        if self.noted.as_deref() == Some(row.hash.as_str()) {
            self.noted = None;
        }
        self.rows += 1;
        self.last = Some(row);
        self.broken.is_none()
    }

    fn wrong_with(&self, row: &AuditRow) -> Option<String> {
        let previous = self.last.as_ref().map_or_else(|| hex(&FIRST_PREVIOUS), |last| last.hash.clone());
        let due = self.at() + 1;
        if row.seq != due {
            return Some(format!("row {due} is missing"));
        }
        if row.hash != hex(&hash_of(row)) {
            return Some("the row was changed: its hash is not the one of its words".to_owned());
        }
        if row.previous != previous {
            return Some("the row does not follow the one before it".to_owned());
        }
        let is_head = row.seq == self.head.seq;
        (is_head && row.hash != hex(&self.head.hash))
            .then(|| "the row is not the one that the store ended at".to_owned())
    }

    /// The verdict, once no row is left.
    pub fn end(mut self) -> AuditVerdict {
        let at = self.at();
        if self.broken.is_none() && at < self.head.seq {
            self.broken = Some((at + 1, format!("the end is cut: row {} was the last one", self.head.seq)));
        }
        if self.broken.is_none()
            && let Some(noted) = &self.noted
        {
            self.broken =
                Some((at + 1, format!("no row has the noted hash {noted}: the end is cut, or it is not of here")));
        }
        let (broken_at, detail) = self.broken.map_or((None, String::new()), |(seq, why)| (Some(seq), why));
        AuditVerdict {
            intact: broken_at.is_none(),
            rows: self.rows,
            head: self.last.as_ref().map_or_else(|| hex(&FIRST_PREVIOUS), |row| row.hash.clone()),
            broken_at,
            detail,
            newest: self.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tollgate_shared::time::Timestamp;

    use super::*;

    const ROWS: usize = 1_000;

    fn row(n: usize) -> AuditRow {
        AuditRow {
            seq: 0,
            at: Timestamp::from_micros(n as i64),
            actor: format!("operator {}", n % 7),
            uid: Some(1_000),
            action: "token.edit".to_owned(),
            target: format!("token {n}"),
            detail: "expires never -> 2027-01-01T00:00:00Z".to_owned(),
            pid: None,
            login_uid: None,
            origin: "cli".to_owned(),
            request_id: None,
            previous: String::new(),
            hash: String::new(),
        }
    }

    fn chain(rows: usize) -> (Vec<AuditRow>, AuditHead) {
        let mut head = AuditHead { seq: 0, hash: FIRST_PREVIOUS };
        let linked = (0..rows).map(|n| {
            let mut row = row(n);
            head = AuditHead { hash: link(&mut row, head), seq: row.seq };
            row
        });
        (linked.collect(), head)
    }

    fn verdict(rows: &[AuditRow], head: AuditHead, noted: Option<String>) -> AuditVerdict {
        let mut walk = Walk::new(head, noted);
        let _all = rows.iter().cloned().all(|row| walk.step(row));
        walk.end()
    }

    /// Links rows anew, as somebody would who can write the file and knows how the chain is made.
    fn relink(rows: &mut [AuditRow]) -> AuditHead {
        let mut head = AuditHead { seq: 0, hash: FIRST_PREVIOUS };
        for row in rows {
            head = AuditHead { hash: link(row, head), seq: head.seq + 1 };
        }
        head
    }

    #[test]
    fn an_untouched_chain_of_1000_rows_is_intact() {
        let (rows, head) = chain(ROWS);
        let found = verdict(&rows, head, Some(rows[500].hash.clone()));
        assert!(found.intact, "{}", found.detail);
        assert_eq!((found.rows, found.head), (ROWS as u64, hex(&head.hash)));
        let empty = verdict(&[], AuditHead { seq: 0, hash: FIRST_PREVIOUS }, None);
        assert!(empty.intact && empty.head == "0".repeat(64));
    }

    #[test]
    fn truncation_is_found_with_the_exported_head_also_where_the_store_was_told_otherwise() {
        let (rows, head) = chain(ROWS);
        let cut = &rows[..900];
        assert_eq!(verdict(cut, head, None).broken_at, Some(901));
        let mut forged = cut.to_vec();
        let forged_head = relink(&mut forged);
        assert!(verdict(&forged, forged_head, None).intact, "nothing inside the file can show it");
        let found = verdict(&forged, forged_head, Some(hex(&head.hash)));
        assert!(!found.intact && found.detail.contains("noted hash"), "{}", found.detail);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn flip_drop_or_swap_of_any_row_of_1000_is_found(kind in 0..6, at in 0..ROWS, other in 0..ROWS) {
            let (mut rows, head) = chain(ROWS);
            match kind {
                0 => rows[at].detail.push('!'),
                1 => rows[at].uid = Some(0),
                2 => rows[at].at = Timestamp::from_micros(-1),
                3 => { rows[at].actor = "root".to_owned(); rows[at].hash = hex(&hash_of(&rows[at])); }
                4 => drop(rows.remove(at)),
                _ => { prop_assume!(at != other); rows.swap(at, other); }
            }
            prop_assert!(!verdict(&rows, head, None).intact);
        }
    }
}
