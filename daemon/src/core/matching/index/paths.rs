//! All paths that a guard reads, of every kind, over one call.

use std::borrow::Cow;
use std::collections::HashMap;

use tollgate_shared::filter::Path;

use super::candidates::Hits;
use super::texts::PathGuards;
use super::trie::Trie;
use crate::core::call::Call;
use crate::core::matching::select::{SELECTED_MAX, Selected};

/// The guards of all paths.
#[derive(Default)]
pub(super) struct Paths {
    guards: Vec<PathGuards>,
    json: Trie,
    headers: HashMap<Box<str>, u32>,
    query: HashMap<Box<str>, u32>,
    text: Option<u32>,
    source_ip: Option<u32>,
}

// === impl Paths ===

impl Paths {
    pub(super) fn add(&mut self, path: &Path, guards: PathGuards) {
        let number = u32::try_from(self.guards.len()).unwrap_or(u32::MAX);
        self.guards.push(guards);
        match path {
            Path::Text => self.text = Some(number),
            Path::SourceIp => self.source_ip = Some(number),
            Path::Header(name) => drop(self.headers.insert(name.as_str().into(), number)),
            Path::Query(name) => drop(self.query.insert(name.as_str().into(), number)),
            Path::Json(segments) => self.json.insert(segments, number),
        }
    }

    /// The guards that hold of the call, each once, rising.
    pub(super) fn hits(&self, call: &Call) -> Vec<u32> {
        let mut hits = Hits::default();
        if let Some(path) = self.text {
            self.probe(path, std::iter::once(Selected::Text(Cow::Borrowed(&call.text))), &mut hits);
        }
        if let Some(path) = self.source_ip {
            let ip = call.source_ip.to_string();
            self.probe(path, std::iter::once(Selected::Text(Cow::Owned(ip))), &mut hits);
        }
        self.probe_pairs(&self.headers, &call.headers, &mut hits);
        self.probe_pairs(&self.query, &call.query, &mut hits);
        if let Some(json) = &call.json {
            self.json.walk(json, &mut |path, places| {
                let values = places.iter().filter(|value| !value.is_null()).map(|value| Selected::Json(value));
                self.probe(path, values, &mut hits);
            });
        }
        hits.finish()
    }

    fn probe<'v>(&self, path: u32, selected: impl Iterator<Item = Selected<'v>>, hits: &mut Hits) {
        self.guards[path as usize].probe(selected, hits);
    }

    /// Headers or parameters: a name's values are looked at where the name stands first.
    fn probe_pairs(&self, paths: &HashMap<Box<str>, u32>, pairs: &[(String, String)], hits: &mut Hits) {
        if paths.is_empty() {
            return;
        }
        for (place, (name, _)) in pairs.iter().enumerate() {
            let again = || pairs[..place].iter().any(|(earlier, _)| earlier == name);
            if let Some(path) = paths.get(name.as_str()).filter(|_| !again()) {
                let values = pairs[place..].iter().filter(|(other, _)| other == name).take(SELECTED_MAX);
                self.probe(*path, values.map(|(_, value)| Selected::Text(Cow::Borrowed(value))), hits);
            }
        }
    }
}
