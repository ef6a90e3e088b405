//! The correlation key: what makes a recovery find the incident that its alert opened.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use tollgate_shared::filter::CorrPath;
use tollgate_shared::secret;

use super::select::{Selected, select};
use crate::core::call::Call;

/// Bytes of a key as it is; a longer one is replaced by its hash.
const KEY_BYTES_MAX: usize = 255;
/// Between components. A sender's text hardly ever holds it, so `a` + `bc` and `ab` + `c` are different keys.
const SEPARATOR: &str = "\u{1f}";

/// The key of a call: the first selected value of each path, joined by U+001F; longer than 255 bytes, or with a
/// token's secret in it: `h:` and the SHA-256 in hexadecimal.
///
/// `None` where there are no paths, where a component without `?` is missing or empty, and where every component is
/// empty: a key of nothing would tie unrelated incidents together.
pub fn correlation_key(paths: &[CorrPath], call: &Call) -> Option<String> {
    let components = paths.iter().map(|path| component(path, call)).collect::<Option<Vec<_>>>()?;
    if components.iter().all(|text| text.is_empty()) {
        return None;
    }
    let key = components.join(SEPARATOR);
    // A key is stored and shown, and cannot be redacted: two secrets would become one key.
    let must_hash = key.len() > KEY_BYTES_MAX || !secret::find_in(&key).is_empty();
    Some(if must_hash { hashed(&key) } else { key })
}

fn component<'a>(path: &CorrPath, call: &'a Call) -> Option<Cow<'a, str>> {
    let text = select(&path.path, call).first().map(Selected::text).unwrap_or_default();
    (path.optional || !text.is_empty()).then_some(text)
}

fn hashed(key: &str) -> String {
    let hex: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("h:{hex}")
}
