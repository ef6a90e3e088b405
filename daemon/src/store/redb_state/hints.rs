//! Finding ids by a piece of their text.

use uuid::Uuid;

use crate::store::StoreError;
use crate::store::traits::SCAN_ROWS_MAX;

/// Ids that one search by a piece of an id looks at.
const HINT_IDS_MAX: usize = 200_000;

/// Ids that hold a piece of text, the newest first. `page` gives the newest ids before one, [`SCAN_ROWS_MAX`] at most; so
/// many pages are read that [`HINT_IDS_MAX`] ids are looked at.
pub(super) fn newest_like<Id: Copy>(
    hint: &str,
    limit: usize,
    uuid_of: impl Fn(&Id) -> Uuid,
    page: impl Fn(Option<Id>) -> Result<Vec<Id>, StoreError>,
) -> Result<Vec<Id>, StoreError> {
    let hint = hint.to_lowercase().replace('-', "");
    let (mut found, mut before, mut looked_at) = (Vec::new(), None, 0);
    while looked_at < HINT_IDS_MAX && found.len() < limit {
        let ids = page(before)?;
        looked_at += ids.len();
        before = ids.last().copied();
        found.extend(ids.iter().filter(|id| uuid_of(id).simple().to_string().contains(&hint)));
        if ids.len() < SCAN_ROWS_MAX {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}
